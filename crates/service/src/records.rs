//! Reading what was done, and by whom.

use merak_authz::Authorized;
use merak_authz::operations::{ListAuditRecords, ListCatalogEvents, ListEvents};
use merak_metastore::{AuditQuery, AuditRecord, EventRecord, EventsQuery};
use merak_model::EventId;

use crate::sweep::millis;
use crate::{Error, Service};

/// So many audit records are forgotten by one statement.
const FORGOTTEN_AT_ONCE: u32 = 1000;

impl Service {
    /// A page of a realm's events, and what the next page comes after, if there is one.
    pub async fn list_events(
        &self,
        proof: Authorized<ListEvents>,
        query: EventsQuery,
    ) -> Result<(Vec<EventRecord>, Option<EventId>), Error> {
        let (query, size) = one_more(query);
        Ok(page(self.metastore.events(proof.realm(), &query).await?, size, |event| event.id))
    }

    /// The same, of the events of one catalog, whichever the query names.
    pub async fn list_catalog_events(
        &self,
        proof: Authorized<ListCatalogEvents>,
        query: EventsQuery,
    ) -> Result<(Vec<EventRecord>, Option<EventId>), Error> {
        let catalog = Some(proof.target().catalog.name.clone());
        let (query, size) = one_more(EventsQuery { catalog, ..query });
        Ok(page(self.metastore.events(proof.realm(), &query).await?, size, |event| event.id))
    }

    /// A page of a realm's audit records, and what the next page comes after, if there is one.
    pub async fn list_audit_records(
        &self,
        proof: Authorized<ListAuditRecords>,
        query: AuditQuery,
    ) -> Result<(Vec<AuditRecord>, Option<EventId>), Error> {
        let size = query.limit;
        let query = AuditQuery { limit: size.saturating_add(1), ..query };
        let found = self.metastore.audit_records(proof.realm(), &query).await?;
        Ok(page(found, size, |record| record.id))
    }

    /// Forgets the audit records that are older than they are kept.
    pub(crate) async fn forget_audit_records(&self) -> Result<(), Error> {
        let realms: Vec<_> = self.features.keys().cloned().collect();
        let retention = millis(self.requests.settings.audit_retention);
        let before_ms = self.clock.now_ms().saturating_sub(retention);
        loop {
            let forgotten =
                self.metastore.forget_audit_records(&realms, before_ms, FORGOTTEN_AT_ONCE).await?;
            if forgotten < FORGOTTEN_AT_ONCE as usize {
                return Ok(());
            }
        }
    }
}

/// The query for one event more than the page has, which tells whether another page follows, and the
/// size of the page.
fn one_more(query: EventsQuery) -> (EventsQuery, u32) {
    let size = query.limit;
    (EventsQuery { limit: size.saturating_add(1), ..query }, size)
}

fn page<T>(mut found: Vec<T>, size: u32, id: impl Fn(&T) -> EventId) -> (Vec<T>, Option<EventId>) {
    let size = size as usize;
    let has_more = found.len() > size;
    found.truncate(size);
    let next = found.last().map(id).filter(|_| has_more);
    (found, next)
}
