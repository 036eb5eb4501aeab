//! What happened: kept for a while, and handed on to whatever is told of it.
//!
//! An event of a change is written in the transaction of the change ([`crate::Change::Record`]): it is
//! there exactly if the change was made. With it go the deliveries that are pending, one for each sink
//! that is to be told. Whoever delivers takes them, and removes them once the sink has them: a sink is
//! told of each event once or, where somebody died between the two, more than once, and never not at
//! all.

use async_trait::async_trait;
use merak_model::{EventId, EventType, RealmId, ResourceType};

use crate::Error;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// What it is known by, which says when it happened, too.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// The id of the request it happened in; none, if it happened in the background.
    pub request_id: Option<String>,
    /// The name of whoever asked for it, if anybody did.
    pub principal: Option<String>,
    /// The names of the principal roles that were acted in.
    pub roles: Vec<String>,
    /// The name of the catalog it happened in, if in any.
    pub catalog: Option<String>,
    /// The name of what it happened to: the levels of a namespace and the name of what is in it, with
    /// dots between. Of what was renamed, the new name.
    pub resource: String,
    /// What else there is to say about it: a JSON object. It never holds a secret.
    pub attributes: String,
}

impl EventRecord {
    /// When it happened, in milliseconds since 1970.
    pub fn at_ms(&self) -> i64 {
        self.id.at_ms()
    }

    /// What kind of thing [`Self::resource`] names.
    pub const fn resource_type(&self) -> ResourceType {
        self.kind.resource_type()
    }
}

/// An event, and the names of the sinks that are to be told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What happened.
    pub event: EventRecord,
    /// The sinks, each once. None, if it is only to be kept.
    pub sinks: Vec<String>,
}

/// An event that a sink is to be told of by whoever took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The realm it happened in.
    pub realm: RealmId,
    /// What happened.
    pub event: EventRecord,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

/// Which events to read. What is not set does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsQuery {
    /// Only of one of these types; of all, if there are none.
    pub types: Vec<EventType>,
    /// Only those in the catalog of that name.
    pub catalog: Option<String>,
    /// Only those of what has that name.
    pub resource: Option<ResourceFilter>,
    /// Only those that the principal of that name asked for.
    pub principal: Option<String>,
    /// Only those of that request.
    pub request_id: Option<String>,
    /// Only those that happened then or later, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Only those that happened earlier than that, in milliseconds since 1970.
    pub until_ms: Option<i64>,
    /// Only those that come after that event in the order of the answer, which is there no more
    /// perhaps.
    pub after: Option<EventId>,
    /// In which order.
    pub order: EventOrder,
    /// At most so many.
    pub limit: u32,
}

impl EventsQuery {
    /// The newest events of all kinds, so many at most.
    pub const fn newest(limit: u32) -> Self {
        Self {
            types: Vec::new(),
            catalog: None,
            resource: None,
            principal: None,
            request_id: None,
            since_ms: None,
            until_ms: None,
            after: None,
            order: EventOrder::NewestFirst,
            limit,
        }
    }
}

/// What the name of what an event happened to has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceFilter {
    /// Exactly this.
    Equal(String),
    /// Begins with this.
    Prefix(String),
}

/// In which order events are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOrder {
    /// The newest first: the greatest id.
    NewestFirst,
    /// The oldest first: the smallest id. Whoever follows events so may miss one whose transaction
    /// took longer than that of one with a greater id; no delivery does.
    OldestFirst,
}

/// What happened, as the metastore keeps it.
///
/// What is done to deliveries that somebody took is done only while they still are theirs: after the
/// lease they may be another's, and then nothing is changed.
#[async_trait]
pub trait Events: Send + Sync {
    /// Keeps events that are of no change, in one statement. One whose id is there already is left as
    /// it is. Fails with [`Error::ParentGone`] if the realm is.
    async fn record_events(&self, realm: &RealmId, events: &[Recorded]) -> Result<(), Error>;

    /// Reads events, in one statement.
    async fn events(&self, realm: &RealmId, query: &EventsQuery)
    -> Result<Vec<EventRecord>, Error>;

    /// Takes deliveries to a sink in these realms that are due, those of the oldest events first and
    /// so many at most, in one statement; they come in the order of the events' ids. They are due
    /// again at `lease_until_ms`, in milliseconds since 1970: whoever takes one then assumes that its
    /// worker died. Of those who ask at once, each gets others.
    async fn claim_deliveries(
        &self,
        realms: &[RealmId],
        sink: &str,
        owner: &str,
        now_ms: i64,
        lease_until_ms: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error>;

    /// Says that the sink was told: these deliveries are pending no more. How many of them still were
    /// the owner's.
    async fn settle_deliveries(
        &self,
        owner: &str,
        sink: &str,
        deliveries: &[(RealmId, EventId)],
    ) -> Result<usize, Error>;

    /// Gives deliveries back, which are due again at that time, in milliseconds since 1970. How many
    /// of them still were the owner's.
    async fn postpone_deliveries(
        &self,
        owner: &str,
        sink: &str,
        deliveries: &[(RealmId, EventId)],
        due_ms: i64,
    ) -> Result<usize, Error>;

    /// Forgets events of these realms that happened before that time, in milliseconds since 1970, the
    /// oldest first and so many at most; but none that a sink is still to be told of. How many were
    /// forgotten.
    async fn forget_events(
        &self,
        realms: &[RealmId],
        before_ms: i64,
        limit: u32,
    ) -> Result<usize, Error>;

    /// Removes deliveries in these realms, so many at most, that are pending to any sink but these:
    /// where nobody tells a sink any more, its deliveries would keep events for ever. How many were
    /// removed.
    async fn forget_deliveries(
        &self,
        realms: &[RealmId],
        sinks: &[String],
        limit: u32,
    ) -> Result<usize, Error>;

    /// How many deliveries to a sink are pending in these realms, and when the oldest event of them
    /// happened, in milliseconds since 1970.
    async fn pending_deliveries(
        &self,
        realms: &[RealmId],
        sink: &str,
    ) -> Result<(u64, Option<i64>), Error>;
}
