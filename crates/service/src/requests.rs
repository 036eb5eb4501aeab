//! What becomes of requests: audit records, and the events of requests that change nothing.
//!
//! They are gathered in memory and written in the background, so that no request waits for a statement
//! more. So what was gathered when a process is killed is lost; what was changed is told by the events
//! in the transactions of the changes, which are not. Gathering is bounded: what comes when too much is
//! waiting is counted, said once, and lost.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use merak_authz::{Noted, Trail};
use merak_metastore::{AuditRecord, EventRecord, Recorded};
use merak_model::{EventId, EventSubject, EventType, RealmId};
use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};

use crate::{Error, Service};

/// So many are written by one statement at most.
const WRITTEN_AT_ONCE: usize = 1000;

/// How long to wait before what could not be written is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// So often it is tried when the process stops.
const LAST_ATTEMPTS: u32 = 3;

/// What is gathered of requests, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSettings {
    /// Whether each request leaves an audit record in the database.
    pub are_audited: bool,
    /// How long audit records are kept.
    pub audit_retention: Duration,
    /// What was gathered is written once it is so many.
    pub write_after: usize,
    /// What was gathered is written after that time at the latest.
    pub write_within: Duration,
    /// So many may wait to be written.
    pub max_waiting: usize,
}

/// What a request is about, as far as its path says.
#[derive(Debug, Clone)]
pub struct RequestSubject {
    /// The operation.
    pub subject: EventSubject,
    /// Whether it only reads. What changes something here tells in its own transaction that it did.
    pub changes_nothing: bool,
    /// The catalog.
    pub catalog: Option<String>,
    /// The dotted name of a namespace or of what is in it, or the name of something else.
    pub resource: Option<String>,
    /// What else the path says.
    pub attributes: Map<String, Value>,
}

/// A request that was answered, or whose client went away.
#[derive(Debug)]
pub struct ServedRequest {
    /// What [`Service::begin_request`] gave it.
    pub id: EventId,
    /// The realm it was for.
    pub realm: RealmId,
    /// Its id, as the client knows it.
    pub request_id: String,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The catalog its path names.
    pub catalog: Option<String>,
    /// What Polaris has events of, if it is that.
    pub subject: Option<RequestSubject>,
    /// The status of the answer.
    pub status: u16,
    /// How long it took.
    pub duration: Duration,
    /// What was noted of it.
    pub trail: Trail,
}

/// What waits to be written.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) settings: RequestSettings,
    waiting: Mutex<Waiting>,
    /// Rings when there is something to write, and when it is enough to be written at once.
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    all: Vec<(RealmId, Gathered)>,
    /// How many were lost since something was written.
    lost: u64,
}

#[derive(Debug, Clone)]
enum Gathered {
    Audit(Box<AuditRecord>),
    Event(Box<Recorded>),
}

impl Requests {
    pub(crate) fn new(settings: RequestSettings) -> Self {
        Self { settings, waiting: Mutex::default(), bell: Notify::new() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gather(&self, realm: &RealmId, what: Gathered) {
        let mut waiting = self.lock();
        if waiting.all.len() >= self.settings.max_waiting {
            waiting.lost += 1;
            if waiting.lost == 1 {
                tracing::warn!(
                    "audit records and events of requests are lost: they come faster than they can \
                     be written (merak.events.queue-size)"
                );
            }
            drop(waiting);
            metrics::counter!("merak_lost_request_records_total").increment(1);
            return;
        }
        waiting.all.push((realm.clone(), what));
        let count = waiting.all.len();
        drop(waiting);
        if count == 1 || count == self.settings.write_after {
            self.bell.notify_one();
        }
    }

    fn count(&self) -> usize {
        self.lock().all.len()
    }

    /// The oldest of what waits.
    fn take(&self) -> Vec<(RealmId, Gathered)> {
        let mut waiting = self.lock();
        let count = waiting.all.len().min(WRITTEN_AT_ONCE);
        let rest = waiting.all.split_off(count);
        std::mem::replace(&mut waiting.all, rest)
    }

    /// Says how many were lost, if any were.
    fn tell_lost(&self) {
        let lost = std::mem::take(&mut self.lock().lost);
        if lost > 0 {
            tracing::warn!(lost, "audit records and events of requests were lost");
        }
    }
}

impl Service {
    /// Whether anything of a request is to be kept: then what it is known by, which says when it
    /// began.
    pub fn begin_request(&self, subject: Option<EventSubject>) -> Option<EventId> {
        let is_wanted = |kind: EventType| self.events.wants(kind);
        let wanted = self.requests.settings.are_audited
            || is_wanted(EventType::before(EventSubject::LimitRequestRate))
            || subject.is_some_and(|subject| {
                is_wanted(EventType::before(subject)) || is_wanted(EventType::after(subject))
            });
        wanted.then(|| self.events.next_id(self.clock.now_ms()))
    }

    /// Gathers what is to be kept of a request, for the background.
    pub fn end_request(&self, served: &ServedRequest) {
        let trail = &served.trail;
        if trail.get(Noted::RateLimit).is_some() {
            let kind = EventType::before(EventSubject::LimitRequestRate);
            let mut attributes = Map::new();
            attributes.insert("http_method".to_owned(), served.method.clone().into());
            attributes.insert("request_uri".to_owned(), served.path.clone().into());
            self.gather_event(served, kind, served.id, None, kind.name().to_owned(), attributes);
        } else if let Some(subject) = &served.subject
            && trail.get(Noted::PrincipalId).is_some()
        {
            self.gather_events(served, subject);
        }
        if self.requests.settings.are_audited {
            self.requests.gather(&served.realm, Gathered::Audit(Box::new(audit_record(served))));
        }
    }

    /// Those of a request whose token was good, as in Polaris.
    fn gather_events(&self, served: &ServedRequest, subject: &RequestSubject) {
        let before = EventType::before(subject.subject);
        let after = EventType::after(subject.subject);
        let gather = |kind: EventType, id: EventId| {
            let resource = resource(kind, subject);
            let attributes = subject.attributes.clone();
            self.gather_event(served, kind, id, subject.catalog.clone(), resource, attributes);
        };
        gather(before, served.id);
        let was_done = (200..300).contains(&served.status) || served.status == 304;
        // What another catalog changes, it changes in no transaction of ours.
        let is_told_here = subject.changes_nothing || served.trail.get(Noted::Owner).is_some();
        if is_told_here && was_done && self.events.wants(after) {
            gather(after, self.events.next_id(self.clock.now_ms()));
        }
    }

    fn gather_event(
        &self,
        served: &ServedRequest,
        kind: EventType,
        id: EventId,
        catalog: Option<String>,
        resource: String,
        attributes: Map<String, Value>,
    ) {
        let Some(sinks) = self.events.sinks_of(kind) else { return };
        let event = EventRecord {
            id,
            kind,
            request_id: Some(served.request_id.clone()),
            principal: served.trail.get(Noted::Principal),
            roles: served.trail.roles(),
            catalog,
            resource,
            attributes: Value::Object(self.events.without_denied(attributes)).to_string(),
        };
        let recorded = Recorded { event, sinks };
        self.requests.gather(&served.realm, Gathered::Event(Box::new(recorded)));
    }

    /// Writes what was gathered until now. How many records and events that were.
    pub async fn write_gathered(&self) -> Result<usize, Error> {
        let mut written = 0;
        loop {
            let batch = self.requests.take();
            if batch.is_empty() {
                return Ok(written);
            }
            self.write_batch(&batch).await?;
            written += batch.len();
        }
    }

    /// Writes what is gathered, again and again, until it is told to stop; then what is there by
    /// then.
    pub async fn keep_writing_gathered(&self, mut stop: watch::Receiver<bool>) {
        let settings = &self.requests.settings;
        while !*stop.borrow() {
            if self.requests.count() == 0 {
                tokio::select! {
                    () = self.requests.bell.notified() => {}
                    _ = stop.changed() => {}
                }
                continue;
            }
            let is_enough = async {
                while self.requests.count() < settings.write_after {
                    self.requests.bell.notified().await;
                }
            };
            tokio::select! {
                () = is_enough => {}
                () = tokio::time::sleep(settings.write_within) => {}
                _ = stop.changed() => {}
            }
            self.write_patiently(&mut stop).await;
        }
        self.write_patiently(&mut stop).await;
    }

    /// Writes all there is, and tries again until that is done, unless the process stops.
    async fn write_patiently(&self, stop: &mut watch::Receiver<bool>) {
        loop {
            let batch = self.requests.take();
            if batch.is_empty() {
                self.requests.tell_lost();
                return;
            }
            let mut attempts = 0;
            while let Err(error) = self.write_batch(&batch).await {
                attempts += 1;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "audit records and events of requests could not be written, which is tried again"
                );
                if *stop.borrow() && attempts >= LAST_ATTEMPTS {
                    let lost = batch.len() + self.requests.count();
                    tracing::error!(lost, "audit records and events of requests are lost");
                    metrics::counter!("merak_lost_request_records_total").increment(lost as u64);
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(RETRY_DELAY) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }

    async fn write_batch(&self, batch: &[(RealmId, Gathered)]) -> Result<(), Error> {
        let mut by_realm: BTreeMap<&RealmId, (Vec<AuditRecord>, Vec<Recorded>)> = BTreeMap::new();
        for (realm, gathered) in batch {
            let (records, events) = by_realm.entry(realm).or_default();
            match gathered {
                Gathered::Audit(record) => records.push((**record).clone()),
                Gathered::Event(recorded) => events.push((**recorded).clone()),
            }
        }
        for (realm, (records, events)) in by_realm {
            if !records.is_empty() {
                unless_gone(self.metastore.add_audit_records(realm, &records).await)?;
            }
            if !events.is_empty() {
                unless_gone(self.metastore.record_events(realm, &events).await)?;
                self.events.wake();
            }
        }
        Ok(())
    }
}

/// Of a realm that was removed meanwhile nothing is kept.
fn unless_gone(outcome: Result<(), merak_metastore::Error>) -> Result<(), Error> {
    match outcome {
        Err(merak_metastore::Error::ParentGone) => Ok(()),
        other => Ok(other?),
    }
}

/// What an event names, as far as it is in the path; its own type, where that names nothing.
fn resource(kind: EventType, subject: &RequestSubject) -> String {
    use merak_model::ResourceType;
    let catalog = || subject.catalog.clone();
    let named = match kind.resource_type() {
        ResourceType::Table
        | ResourceType::View
        | ResourceType::Namespace
        | ResourceType::Realm => subject.resource.clone().or_else(catalog),
        ResourceType::Catalog => catalog(),
    };
    named.unwrap_or_else(|| kind.name().to_owned())
}

fn audit_record(served: &ServedRequest) -> AuditRecord {
    let trail = &served.trail;
    // What clients say may have a NUL, which PostgreSQL does not keep.
    let noted = |noted: Noted| trail.get(noted).map(|text| text.replace('\0', "\u{fffd}"));
    AuditRecord {
        id: served.id,
        principal: noted(Noted::Principal).or_else(|| noted(Noted::PrincipalId)),
        roles: trail.roles(),
        operation: noted(Noted::Operation),
        securable: noted(Noted::Securable),
        missing: noted(Noted::Missing),
        credential: noted(Noted::Credential),
        request_id: served.request_id.clone(),
        catalog: served.catalog.clone(),
        status: served.status,
        method: served.method.clone(),
        path: served.path.clone(),
        duration_ms: i64::try_from(served.duration.as_millis()).unwrap_or(i64::MAX),
    }
}
