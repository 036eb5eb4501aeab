//! What a server does beside answering requests.

use std::sync::Arc;
use std::time::Duration;

use merak_service::{EventSink, Service};
use tokio::sync::watch;

/// Does tasks until the server stops.
pub(crate) async fn work(service: Service, stopped: watch::Receiver<bool>) {
    service.run_tasks(stopped).await;
}

/// Tells a sink of events until the server stops.
pub(crate) async fn deliver(
    service: Service,
    sink: Arc<dyn EventSink>,
    stopped: watch::Receiver<bool>,
) {
    service.deliver_events(sink, stopped).await;
}

/// Writes what is gathered of requests until the last of them has ended.
pub(crate) async fn write_gathered(service: Service, ended: watch::Receiver<bool>) {
    service.keep_writing_gathered(ended).await;
}

/// Removes what is too old, again and again, for as long as the server runs.
pub(crate) async fn sweep(service: Service, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = service.sweep().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what is too old could not be removed, which is tried again");
        }
    }
}
