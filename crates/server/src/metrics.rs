//! Metrics, as Prometheus reads them.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The recorder is the process's: of several servers in one, as in tests, the first one's labels
/// count.
static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Seconds. What a read from memory takes, and what a store that is far away takes, both have a
/// bucket of their own.
const BUCKETS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How often histograms are drained.
const UPKEEP: Duration = Duration::from_secs(5);

/// Starts recording, with those labels on everything.
pub(crate) fn install(labels: &BTreeMap<String, String>) -> anyhow::Result<PrometheusHandle> {
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let matcher = Matcher::Suffix("_seconds".to_owned());
    let mut builder = PrometheusBuilder::new()
        .set_buckets_for_metric(matcher, BUCKETS)
        .context("the buckets of histograms are wrong")?;
    for (name, value) in labels {
        builder = builder.add_global_label(name, value);
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // Lost by the second of two that start at once: its numbers go to the first's.
    if ::metrics::set_global_recorder(recorder).is_ok() {
        let _ = HANDLE.set(handle.clone());
    }
    Ok(HANDLE.get().cloned().unwrap_or(handle))
}

/// Drains histograms for as long as the server runs: they would grow without end.
pub(crate) async fn keep_up(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}
