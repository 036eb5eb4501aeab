//! Telling sinks of events: at least once each, and in order as far as one process goes.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use merak_authz::BoxError;
use merak_metastore::Delivery;
use merak_model::{EntityId, EventId, RealmId};
use tokio::sync::watch;

use crate::event_json::event_json;
use crate::sweep::millis;
use crate::{Error, Service};

/// Why a sink was not told of events, which is tried again.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// It is not known which, or it could not be noted that it was told: then it is told again.
    #[error(
        "the database does not say which events are to be delivered, or does not note that they were"
    )]
    Database(#[from] merak_metastore::Error),
    /// The sink does not take them.
    #[error("the sink {0} does not take them")]
    Sink(&'static str, #[source] BoxError),
}

/// The sink that is the log.
pub const LOG_SINK: &str = "log";

/// What the log lines of events are told from others by.
const LOG_TARGET: &str = "merak::events";

/// So many lines are written to the log before that is noted.
const LINES_AT_ONCE: u32 = 100;

/// How much longer than a sink may take a delivery is its process's, for the statements around it.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// So many deliveries or events are forgotten by one statement.
const FORGOTTEN_AT_ONCE: u32 = 1000;

/// How sinks are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySettings {
    /// How long to wait after the first time that a sink could not be told, roughly; after each other
    /// one, twice as long.
    pub retry_delay: Duration,
    /// The longest such wait.
    pub max_retry_delay: Duration,
    /// How often to look for events that other processes left.
    pub poll_interval: Duration,
    /// How long events are kept where the database is a sink; elsewhere until all sinks were told.
    pub retention: Duration,
}

/// Something that is told of events.
#[async_trait]
pub trait EventSink: Debug + Send + Sync {
    /// Its name, by which it is configured and its deliveries are kept.
    fn name(&self) -> &'static str;

    /// How many events it is told of at a time, at most.
    fn batch_size(&self) -> u32;

    /// How long that takes at most.
    fn patience(&self) -> Duration;

    /// Tells it of events, in their order: of all of them, or it failed.
    async fn deliver(&self, events: &[Delivery]) -> Result<(), BoxError>;
}

/// The log, as a sink: a line an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventLog;

#[async_trait]
impl EventSink for EventLog {
    fn name(&self) -> &'static str {
        LOG_SINK
    }

    fn batch_size(&self) -> u32 {
        LINES_AT_ONCE
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn deliver(&self, events: &[Delivery]) -> Result<(), BoxError> {
        for Delivery { realm, event, .. } in events {
            tracing::info!(
                target: LOG_TARGET,
                %realm,
                event_id = %event.id,
                event_type = event.kind.name(),
                catalog = event.catalog,
                resource = event.resource,
                principal = event.principal,
                request_id = event.request_id,
                event = serde_json::Value::Object(event_json(realm, event)).to_string(),
                "an event"
            );
        }
        Ok(())
    }
}

impl Service {
    /// Tells a sink of events until it is told to stop: of those of this process at once, of others
    /// within the poll interval.
    pub async fn deliver_events(&self, sink: Arc<dyn EventSink>, mut stop: watch::Receiver<bool>) {
        let mut recorded = self.events.recorded();
        let mut failures = 0_u32;
        while !*stop.borrow() {
            recorded.borrow_and_update();
            match self.deliver_batch(&*sink, failures).await {
                Ok(0) => failures = 0,
                Ok(_) => {
                    failures = 0;
                    continue;
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(
                        error,
                        sink = sink.name(),
                        failures,
                        "events could not be delivered, which is tried again"
                    );
                }
            }
            let pause = match failures {
                0 => self.deliveries.poll_interval,
                failures => self.pause_after(failures),
            };
            tokio::select! {
                // What comes meanwhile is behind what could not be delivered.
                _ = recorded.changed(), if failures == 0 => {}
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Tells a sink of all events that are due. How many they were.
    pub async fn deliver_due_events(&self, sink: &dyn EventSink) -> Result<usize, DeliveryError> {
        let mut delivered = 0;
        loop {
            match self.deliver_batch(sink, 0).await? {
                0 => return Ok(delivered),
                count => delivered += count,
            }
        }
    }

    /// Tells a sink of the oldest events that are due, after so many failures in a row. How many they
    /// were.
    async fn deliver_batch(
        &self,
        sink: &dyn EventSink,
        failures: u32,
    ) -> Result<usize, DeliveryError> {
        let realms: Vec<_> = self.features.keys().cloned().collect();
        let owner = uuid::Uuid::new_v4().simple().to_string();
        let now_ms = self.clock.now_ms();
        let lease = sink.patience().saturating_add(LEASE_MARGIN);
        let lease_until_ms = now_ms.saturating_add(millis(lease));
        let name = sink.name();
        let batch = self
            .metastore
            .claim_deliveries(&realms, name, &owner, now_ms, lease_until_ms, sink.batch_size())
            .await?;
        if batch.is_empty() {
            return Ok(0);
        }
        let ids: Vec<(RealmId, EventId)> =
            batch.iter().map(|delivery| (delivery.realm.clone(), delivery.event.id)).collect();
        match sink.deliver(&batch).await {
            Ok(()) => {
                count(name, "delivered", batch.len());
                // If this fails they are delivered once more, when the lease ends.
                self.metastore.settle_deliveries(&owner, name, &ids).await?;
                Ok(batch.len())
            }
            Err(source) => {
                count(name, "failed", batch.len());
                // This process waits at least as long, so that nothing overtakes them.
                let pause = self.least_pause(failures.saturating_add(1));
                let due_ms = self.clock.now_ms().saturating_add(millis(pause));
                self.metastore.postpone_deliveries(&owner, name, &ids, due_ms).await?;
                Err(DeliveryError::Sink(name, source))
            }
        }
    }

    /// How long to wait at least after so many failures in a row.
    fn least_pause(&self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let pause = self.deliveries.retry_delay.saturating_mul(doubled);
        pause.min(self.deliveries.max_retry_delay) / 2
    }

    /// How long this process waits: up to twice that, by chance, so that what failed together is not
    /// tried together.
    fn pause_after(&self, failures: u32) -> Duration {
        let least = self.least_pause(failures);
        let least_ms = millis(least).max(1);
        // An id is a random number.
        let more_ms = EntityId::random().0 % least_ms + 1;
        least + Duration::from_millis(u64::try_from(more_ms).unwrap_or(1))
    }

    /// Forgets events that are too old, and what is pending for sinks that are no more.
    pub(crate) async fn forget_events(&self) -> Result<(), Error> {
        let realms: Vec<_> = self.features.keys().cloned().collect();
        let sinks = self.events.delivered_sinks();
        let most = FORGOTTEN_AT_ONCE as usize;
        while self.metastore.forget_deliveries(&realms, &sinks, FORGOTTEN_AT_ONCE).await? >= most {}
        let before_ms = self.clock.now_ms().saturating_sub(millis(self.deliveries.retention));
        while self.metastore.forget_events(&realms, before_ms, FORGOTTEN_AT_ONCE).await? >= most {}
        for sink in sinks {
            let (pending, oldest_ms) = self.metastore.pending_deliveries(&realms, &sink).await?;
            let behind_ms = oldest_ms.map_or(0, |ms| self.clock.now_ms().saturating_sub(ms).max(0));
            #[expect(clippy::cast_precision_loss, reason = "a measurement")]
            let (pending, age_s) = (pending as f64, behind_ms as f64 / 1000.0);
            metrics::gauge!("merak_events_pending", "sink" => sink.clone()).set(pending);
            metrics::gauge!("merak_events_oldest_pending_seconds", "sink" => sink).set(age_s);
        }
        Ok(())
    }
}

fn count(sink: &'static str, outcome: &'static str, events: usize) {
    metrics::counter!("merak_event_deliveries_total", "sink" => sink, "outcome" => outcome)
        .increment(events as u64);
}
