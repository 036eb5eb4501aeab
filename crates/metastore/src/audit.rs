//! Who asked for what, and what became of it: kept for a while, and then forgotten.

use async_trait::async_trait;
use merak_model::{EventId, RealmId};

use crate::Error;

/// What is remembered of a request, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// What it is known by, which says when the request began, too.
    pub id: EventId,
    /// The id of the request.
    pub request_id: String,
    /// The name of whoever asked, or what their token has in its stead; none, if that was not good.
    pub principal: Option<String>,
    /// The names of the principal roles that were acted in.
    pub roles: Vec<String>,
    /// What was asked for, by its name in Polaris; none, if it did not come so far.
    pub operation: Option<String>,
    /// The name of the catalog it is about, if it is about one.
    pub catalog: Option<String>,
    /// On what.
    pub securable: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// What was missing, if it was refused.
    pub missing: Option<String>,
    /// The id of the credentials that were given out, if some were.
    pub credential: Option<String>,
    /// The method of the request.
    pub method: String,
    /// The path of the request, without its query.
    pub path: String,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

impl AuditRecord {
    /// When the request began, in milliseconds since 1970.
    pub fn at_ms(&self) -> i64 {
        self.id.at_ms()
    }
}

/// Which audit records to read. What is not set does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only those of the operation of that name.
    pub operation: Option<String>,
    /// Only those about the catalog of that name.
    pub catalog: Option<String>,
    /// Only those on exactly that.
    pub securable: Option<String>,
    /// Only those that the principal of that name asked for.
    pub principal: Option<String>,
    /// Only those of that request.
    pub request_id: Option<String>,
    /// Only those that began then or later, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Only those that began earlier than that, in milliseconds since 1970.
    pub until_ms: Option<i64>,
    /// Only those older than that one, which is there no more perhaps.
    pub before: Option<EventId>,
    /// At most so many.
    pub limit: u32,
}

impl AuditQuery {
    /// The newest records of all kinds, so many at most.
    pub const fn newest(limit: u32) -> Self {
        Self {
            operation: None,
            catalog: None,
            securable: None,
            principal: None,
            request_id: None,
            since_ms: None,
            until_ms: None,
            before: None,
            limit,
        }
    }
}

/// What the server remembers of requests.
#[async_trait]
pub trait AuditRecords: Send + Sync {
    /// Keeps records, in one statement. One whose id is there already is left as it is, so that what
    /// may have been kept can be kept again. Fails with [`Error::ParentGone`] if the realm is.
    async fn add_audit_records(
        &self,
        realm: &RealmId,
        records: &[AuditRecord],
    ) -> Result<(), Error>;

    /// Reads records, the newest first, in one statement.
    async fn audit_records(
        &self,
        realm: &RealmId,
        query: &AuditQuery,
    ) -> Result<Vec<AuditRecord>, Error>;

    /// Forgets records in these realms of requests that began before that time, in milliseconds since
    /// 1970, the oldest first and so many at most. How many were forgotten. What another replica is
    /// forgetting does not count.
    async fn forget_audit_records(
        &self,
        realms: &[RealmId],
        before_ms: i64,
        limit: u32,
    ) -> Result<usize, Error>;
}
