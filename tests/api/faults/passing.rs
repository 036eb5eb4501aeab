//! What the metastore does beside requests' changes: only for those who work at tasks things go wrong.

use async_trait::async_trait;
use merak_metastore::{
    AnswerRecord, Answers, AuditQuery, AuditRecord, AuditRecords, Delivery, Error, EventRecord,
    Events, EventsQuery, FoundReport, Hold, MetricsReport, MetricsReports, Recorded, ReportsQuery,
    TablesAfter, Task, TaskEnd, Tasks,
};
use merak_model::{Entity, EntityId, EventId, RealmId};

use super::metastore::{Between, lost, unavailable};
use super::scripts::StoreFault;

impl Between {
    /// What a worker asks for: it is not done, or is and the worker does not hear of it.
    async fn at_task<T>(
        &self,
        asked: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        match self.plan.on_task() {
            Some(StoreFault::Unavailable) => Err(unavailable()),
            Some(StoreFault::LostUndone) => Err(lost()),
            Some(StoreFault::LostDone) => {
                asked.await?;
                Err(lost())
            }
            Some(StoreFault::Overtaken) | None => asked.await,
        }
    }
}

#[async_trait]
impl Answers for Between {
    async fn settle_answer(
        &self,
        realm: &RealmId,
        record: &AnswerRecord,
    ) -> Result<AnswerRecord, Error> {
        self.inner.settle_answer(realm, record).await
    }

    async fn forget_answers(&self, now_ms: i64, limit: u32) -> Result<u64, Error> {
        self.inner.forget_answers(now_ms, limit).await
    }
}

#[async_trait]
impl AuditRecords for Between {
    async fn add_audit_records(
        &self,
        realm: &RealmId,
        records: &[AuditRecord],
    ) -> Result<(), Error> {
        self.inner.add_audit_records(realm, records).await
    }

    async fn audit_records(
        &self,
        realm: &RealmId,
        query: &AuditQuery,
    ) -> Result<Vec<AuditRecord>, Error> {
        self.inner.audit_records(realm, query).await
    }

    async fn forget_audit_records(
        &self,
        realms: &[RealmId],
        before_ms: i64,
        limit: u32,
    ) -> Result<usize, Error> {
        self.inner.forget_audit_records(realms, before_ms, limit).await
    }
}

#[async_trait]
impl Events for Between {
    async fn record_events(&self, realm: &RealmId, events: &[Recorded]) -> Result<(), Error> {
        self.inner.record_events(realm, events).await
    }

    async fn events(
        &self,
        realm: &RealmId,
        query: &EventsQuery,
    ) -> Result<Vec<EventRecord>, Error> {
        self.inner.events(realm, query).await
    }

    async fn claim_deliveries(
        &self,
        realms: &[RealmId],
        sink: &str,
        owner: &str,
        now_ms: i64,
        lease_until_ms: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error> {
        self.inner.claim_deliveries(realms, sink, owner, now_ms, lease_until_ms, limit).await
    }

    async fn settle_deliveries(
        &self,
        owner: &str,
        sink: &str,
        deliveries: &[(RealmId, EventId)],
    ) -> Result<usize, Error> {
        self.inner.settle_deliveries(owner, sink, deliveries).await
    }

    async fn postpone_deliveries(
        &self,
        owner: &str,
        sink: &str,
        deliveries: &[(RealmId, EventId)],
        due_ms: i64,
    ) -> Result<usize, Error> {
        self.inner.postpone_deliveries(owner, sink, deliveries, due_ms).await
    }

    async fn forget_events(
        &self,
        realms: &[RealmId],
        before_ms: i64,
        limit: u32,
    ) -> Result<usize, Error> {
        self.inner.forget_events(realms, before_ms, limit).await
    }

    async fn forget_deliveries(
        &self,
        realms: &[RealmId],
        sinks: &[String],
        limit: u32,
    ) -> Result<usize, Error> {
        self.inner.forget_deliveries(realms, sinks, limit).await
    }

    async fn pending_deliveries(
        &self,
        realms: &[RealmId],
        sink: &str,
    ) -> Result<(u64, Option<i64>), Error> {
        self.inner.pending_deliveries(realms, sink).await
    }
}

#[async_trait]
impl MetricsReports for Between {
    async fn add_report(&self, realm: &RealmId, report: &MetricsReport) -> Result<(), Error> {
        self.inner.add_report(realm, report).await
    }

    async fn reports(
        &self,
        realm: &RealmId,
        query: &ReportsQuery,
    ) -> Result<Vec<FoundReport>, Error> {
        self.inner.reports(realm, query).await
    }

    async fn forget_reports(&self, before_ms: i64, limit: u32) -> Result<u64, Error> {
        self.inner.forget_reports(before_ms, limit).await
    }
}

#[async_trait]
impl Tasks for Between {
    async fn claim_task(
        &self,
        realms: &[RealmId],
        owner: &str,
        now_ms: i64,
        due_ms: i64,
    ) -> Result<Option<(RealmId, Task)>, Error> {
        self.at_task(self.inner.claim_task(realms, owner, now_ms, due_ms)).await
    }

    async fn report_task(
        &self,
        hold: &Hold,
        progress: &str,
        now_ms: i64,
        due_ms: i64,
    ) -> Result<bool, Error> {
        self.at_task(self.inner.report_task(hold, progress, now_ms, due_ms)).await
    }

    async fn settle_task(
        &self,
        hold: &Hold,
        progress: &str,
        end: &TaskEnd,
        now_ms: i64,
        events: &[Recorded],
    ) -> Result<bool, Error> {
        self.at_task(self.inner.settle_task(hold, progress, end, now_ms, events)).await
    }

    async fn tasks(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        after: Option<EntityId>,
        limit: u32,
    ) -> Result<Vec<Task>, Error> {
        self.inner.tasks(realm, catalog, after, limit).await
    }

    async fn task(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        id: EntityId,
    ) -> Result<Option<Task>, Error> {
        self.inner.task(realm, catalog, id).await
    }

    async fn retry_task(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        id: EntityId,
        now_ms: i64,
    ) -> Result<bool, Error> {
        self.inner.retry_task(realm, catalog, id, now_ms).await
    }

    async fn forget_tasks(
        &self,
        realms: &[RealmId],
        before_ms: i64,
        limit: u32,
    ) -> Result<usize, Error> {
        self.inner.forget_tasks(realms, before_ms, limit).await
    }

    async fn tables(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        after: &TablesAfter,
        limit: u32,
    ) -> Result<Vec<Entity>, Error> {
        if self.plan.on_resolve().is_some() {
            return Err(unavailable());
        }
        self.inner.tables(realm, catalog, after, limit).await
    }
}
