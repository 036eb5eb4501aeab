//! Who is told of events, and of which.

use std::collections::{BTreeMap, BTreeSet};

use merak_model::{EventId, EventIds, EventType};
use tokio::sync::watch;

use crate::DATABASE_SINK;

/// Who is told of events, and of which.
#[derive(Debug)]
pub(crate) struct Listeners {
    wanted: BTreeMap<String, BTreeSet<EventType>>,
    ids: EventIds,
    /// Changes when there is a new event.
    recorded: watch::Sender<u64>,
}

impl Listeners {
    pub(crate) fn new(wanted: BTreeMap<String, BTreeSet<EventType>>) -> Self {
        let (recorded, _) = watch::channel(0);
        Self { wanted, ids: EventIds::default(), recorded }
    }

    /// Whether anybody is told of events of that type.
    pub(crate) fn wants(&self, kind: EventType) -> bool {
        self.wanted.values().any(|types| types.contains(&kind))
    }

    /// Whom such an event is to be delivered to; nothing, if nobody is told.
    pub(crate) fn sinks_of(&self, kind: EventType) -> Option<Vec<String>> {
        let told = self.wanted.iter().filter(|(_, types)| types.contains(&kind));
        let told: Vec<_> = told.map(|(sink, _)| sink.clone()).collect();
        (!told.is_empty()).then(|| told.into_iter().filter(|sink| sink != DATABASE_SINK).collect())
    }

    /// Everybody whom events are delivered to.
    pub(crate) fn delivered_sinks(&self) -> Vec<String> {
        self.wanted.keys().filter(|sink| *sink != DATABASE_SINK).cloned().collect()
    }

    pub(crate) fn next_id(&self, now_ms: i64) -> EventId {
        self.ids.next(now_ms)
    }

    /// Says that there is a new event.
    pub(crate) fn wake(&self) {
        self.recorded.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// What changes when there is a new event.
    pub(crate) fn recorded(&self) -> watch::Receiver<u64> {
        self.recorded.subscribe()
    }
}
