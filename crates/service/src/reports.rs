//! Reports of what engines did: logged, kept for a while, and shown to whoever manages the catalog.

use std::collections::BTreeMap;
use std::time::Duration;

use merak_authz::operations::{ListMetricsReports, ReportReadMetrics, ReportWriteMetrics};
use merak_authz::{Authorized, Remote, ResolvedCaller, ResolvedTable};
use merak_metastore::{FoundReport, MetricsReport, ReportKind, ReportsOf, ReportsQuery};
use merak_model::{EntityId, RealmId};
use serde::Deserialize;
use serde_json::Value;

use crate::sweep::millis;
use crate::{Error, Service};

/// What the log lines of reports are told from others by.
const LOG_TARGET: &str = "merak_metrics_reports";

/// So many are forgotten in one statement.
const BATCH: u32 = 1000;

/// The longest text of an engine's that is logged.
const MAX_LOGGED_CHARS: usize = 64;

/// What becomes of reports.
#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// Whether each makes a line in the log.
    pub are_logged: bool,
    /// Whether they are kept.
    pub are_stored: bool,
    /// How long they are kept; not at all if it is nothing.
    pub retention: Duration,
}

/// A report, as an engine sent it.
#[derive(Debug)]
pub enum EngineReport {
    /// Of a scan.
    Scan(ScanReport),
    /// Of a commit.
    Commit(CommitReport),
    /// Of something that this version does not know.
    Unknown {
        /// Its type, as the engine calls it.
        report_type: String,
    },
}

/// A report of a scan. Its filter may hold values of the data.
#[derive(Debug)]
pub struct ScanReport {
    text: String,
    fields: ScanFields,
}

/// A report of a commit.
#[derive(Debug)]
pub struct CommitReport {
    text: String,
    fields: CommitFields,
}

/// What a report of a scan must have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ScanFields {
    #[serde(rename = "table-name")]
    _table_name: String,
    snapshot_id: i64,
    #[serde(rename = "filter")]
    _filter: Filter,
    schema_id: i64,
    #[serde(rename = "projected-field-ids")]
    _projected_field_ids: Vec<i64>,
    #[serde(rename = "projected-field-names")]
    _projected_field_names: Vec<String>,
    metrics: Metrics,
    #[serde(rename = "metadata")]
    _metadata: Option<BTreeMap<String, String>>,
}

/// What a report of a commit must have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CommitFields {
    #[serde(rename = "table-name")]
    _table_name: String,
    snapshot_id: i64,
    sequence_number: i64,
    operation: String,
    metrics: Metrics,
    #[serde(rename = "metadata")]
    _metadata: Option<BTreeMap<String, String>>,
}

/// An expression: `true`, `false`, or an object that nobody here looks into.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a filter must be an expression")]
enum Filter {
    Constant(#[expect(dead_code, reason = "it is only checked to be one")] bool),
    Expression(#[expect(dead_code, reason = "as above")] serde_json::Map<String, Value>),
}

/// Measurements by their names, of which engines have more than are known here.
#[derive(Debug, Deserialize)]
struct Metrics(BTreeMap<String, Value>);

impl Metrics {
    /// What was counted under a name.
    fn count(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.get("value")?.as_i64()
    }

    /// How long something took, in milliseconds.
    fn millis(&self, name: &str) -> Option<i64> {
        let timer = self.0.get(name)?;
        let duration = timer.get("total-duration")?.as_i64()?;
        match timer.get("time-unit")?.as_str()?.to_ascii_lowercase().as_str() {
            "nanoseconds" => Some(duration / 1_000_000),
            "microseconds" => Some(duration / 1000),
            "milliseconds" => Some(duration),
            "seconds" => duration.checked_mul(1000),
            _ => None,
        }
    }
}

impl EngineReport {
    /// Reads a report: the text, and what it says as JSON. The text is what is kept, so that no
    /// number in it loses digits.
    pub fn parse(text: String, value: &Value) -> Result<Self, Error> {
        let malformed = |why: &dyn std::fmt::Display| {
            Error::BadRequest(format!("The report is malformed: {why}"))
        };
        let Value::Object(members) = value else {
            return Err(malformed(&"it must be an object"));
        };
        let report_type = match members.get("report-type") {
            Some(Value::String(report_type)) => report_type.as_str(),
            Some(_) => return Err(malformed(&"report-type must be a text")),
            None => return Err(malformed(&"report-type is missing")),
        };
        match report_type {
            "scan-report" => match ScanFields::deserialize(value) {
                Ok(fields) => Ok(Self::Scan(ScanReport { text, fields })),
                Err(error) => Err(malformed(&error)),
            },
            "commit-report" => match CommitFields::deserialize(value) {
                Ok(fields) => Ok(Self::Commit(CommitReport { text, fields })),
                Err(error) => Err(malformed(&error)),
            },
            other => Ok(Self::Unknown { report_type: shortened(other) }),
        }
    }
}

/// Which reports are wanted.
#[derive(Debug, Clone, Copy)]
pub struct WantedReports {
    /// Only of this kind.
    pub kind: Option<ReportKind>,
    /// Only those that came then or later, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Only those that came earlier, in milliseconds since 1970.
    pub to_ms: Option<i64>,
    /// Only those older than the last one of the page before.
    pub older_than: Option<(i64, EntityId)>,
    /// How many at most.
    pub size: u32,
}

/// A page of reports, the newest first.
#[derive(Debug, Clone)]
pub struct ReportsPage {
    /// The reports.
    pub reports: Vec<FoundReport>,
    /// What the next page begins after, if there is one.
    pub next: Option<(i64, EntityId)>,
}

impl Service {
    /// Takes a report of a scan.
    pub async fn report_scan(
        &self,
        proof: Authorized<ReportReadMetrics>,
        request_id: &str,
        report: ScanReport,
    ) -> Result<(), Error> {
        self.log_scan(proof.target(), &report.fields);
        let ScanReport { text, fields } = report;
        let report = NewReport { kind: ReportKind::Scan, snapshot_id: fields.snapshot_id, text };
        self.store_report(proof.realm(), proof.caller(), proof.target(), request_id, report).await
    }

    /// Takes a report of a scan of another catalog's table. It is logged, and not kept: the table's
    /// reports are kept where the table is known.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn report_remote_scan(
        &self,
        proof: Authorized<Remote<ReportReadMetrics>>,
        report: &ScanReport,
    ) {
        self.log_scan(&proof.target().0, &report.fields);
    }

    fn log_scan(&self, target: &ResolvedTable, fields: &ScanFields) {
        if self.reports.are_logged {
            let metrics = &fields.metrics;
            // Neither the filter nor the names of columns: values of the data may be in them.
            tracing::info!(
                target: LOG_TARGET,
                catalog = target.namespace.catalog.name,
                table = target.ident.to_string(),
                kind = "scan",
                snapshot_id = fields.snapshot_id,
                schema_id = fields.schema_id,
                data_files = metrics.count("result-data-files"),
                delete_files = metrics.count("result-delete-files"),
                bytes = metrics.count("total-file-size-in-bytes"),
                skipped_data_files = metrics.count("skipped-data-files"),
                planning_ms = metrics.millis("total-planning-duration"),
                "an engine reported a scan"
            );
        }
    }

    /// Takes a report of a commit.
    pub async fn report_commit(
        &self,
        proof: Authorized<ReportWriteMetrics>,
        request_id: &str,
        report: CommitReport,
    ) -> Result<(), Error> {
        self.log_commit(proof.target(), &report.fields);
        let CommitReport { text, fields } = report;
        let report = NewReport { kind: ReportKind::Commit, snapshot_id: fields.snapshot_id, text };
        self.store_report(proof.realm(), proof.caller(), proof.target(), request_id, report).await
    }

    /// Takes a report of a commit to another catalog's table, as one of a scan.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn report_remote_commit(
        &self,
        proof: Authorized<Remote<ReportWriteMetrics>>,
        report: &CommitReport,
    ) {
        self.log_commit(&proof.target().0, &report.fields);
    }

    fn log_commit(&self, target: &ResolvedTable, fields: &CommitFields) {
        if self.reports.are_logged {
            let metrics = &fields.metrics;
            tracing::info!(
                target: LOG_TARGET,
                catalog = target.namespace.catalog.name,
                table = target.ident.to_string(),
                kind = "commit",
                snapshot_id = fields.snapshot_id,
                sequence_number = fields.sequence_number,
                operation = shortened(&fields.operation),
                added_data_files = metrics.count("added-data-files"),
                removed_data_files = metrics.count("removed-data-files"),
                added_records = metrics.count("added-records"),
                removed_records = metrics.count("removed-records"),
                attempts = metrics.count("attempts"),
                duration_ms = metrics.millis("total-duration"),
                "an engine reported a commit"
            );
        }
    }

    /// Passes over a report of an unknown type, which newer engines may send. Who sends it must be
    /// allowed to send at least those of scans.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn report_unknown(&self, _: Authorized<ReportReadMetrics>, report_type: &str) {
        pass_over(report_type);
    }

    /// The same of another catalog's table.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn report_remote_unknown(
        &self,
        _: Authorized<Remote<ReportReadMetrics>>,
        report_type: &str,
    ) {
        pass_over(report_type);
    }

    async fn store_report(
        &self,
        realm: &RealmId,
        caller: &ResolvedCaller,
        target: &ResolvedTable,
        request_id: &str,
        report: NewReport,
    ) -> Result<(), Error> {
        if !self.reports.are_stored || self.reports.retention.is_zero() {
            return Ok(());
        }
        let report = MetricsReport {
            id: EntityId::random(),
            catalog_id: target.namespace.catalog.id,
            table_id: target.table.id,
            kind: report.kind,
            created_ms: self.clock.now_ms(),
            principal: caller.name.clone(),
            request_id: request_id.to_owned(),
            snapshot_id: Some(report.snapshot_id),
            report: report.text,
        };
        Ok(self.metastore.add_report(realm, &report).await?)
    }

    /// A page of the reports of a catalog or of a table in it.
    pub async fn list_reports(
        &self,
        proof: Authorized<ListMetricsReports>,
        wanted: WantedReports,
    ) -> Result<ReportsPage, Error> {
        let target = proof.target();
        let query = ReportsQuery {
            of: match &target.table {
                Some(table) => ReportsOf::Table(table.id),
                None => ReportsOf::Catalog(target.catalog.catalog.id),
            },
            kind: wanted.kind,
            from_ms: wanted.from_ms,
            to_ms: wanted.to_ms,
            older_than: wanted.older_than,
            // One more, which tells whether another page follows.
            limit: wanted.size.saturating_add(1),
        };
        let mut reports = self.metastore.reports(proof.realm(), &query).await?;
        let size = wanted.size as usize;
        let has_more = reports.len() > size;
        reports.truncate(size);
        let last = reports.last().filter(|_| has_more);
        let next = last.map(|last| (last.report.created_ms, last.report.id));
        Ok(ReportsPage { reports, next })
    }

    /// Forgets the reports that are older than they are kept.
    pub(crate) async fn forget_old_reports(&self) -> Result<(), Error> {
        let before_ms = self.clock.now_ms().saturating_sub(millis(self.reports.retention));
        while self.metastore.forget_reports(before_ms, BATCH).await? >= u64::from(BATCH) {}
        Ok(())
    }
}

fn pass_over(report_type: &str) {
    tracing::debug!(report_type, "a report of an unknown type is ignored");
}

/// A report to store.
struct NewReport {
    kind: ReportKind,
    snapshot_id: i64,
    text: String,
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_LOGGED_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_milliseconds_whatever_their_unit() {
        let timer = |unit: &str, duration: i64| {
            let value = serde_json::json!({"t": {
                "count": 1, "time-unit": unit, "total-duration": duration,
            }});
            Metrics::deserialize(value).unwrap().millis("t")
        };

        assert_eq!(timer("nanoseconds", 2_644_235_116), Some(2644));
        assert_eq!(timer("MICROSECONDS", 1500), Some(1));
        assert_eq!(timer("milliseconds", 3), Some(3));
        assert_eq!(timer("seconds", 2), Some(2000));
        assert_eq!(timer("seconds", i64::MAX), None);
        assert_eq!(timer("days", 1), None);
    }

    #[test]
    fn metrics_of_another_shape_are_no_numbers() {
        let value = serde_json::json!({"a": 1, "b": {"value": "x"}, "c": {"value": 7}, "d": null});
        let metrics = Metrics::deserialize(value).unwrap();

        let counts = ["a", "b", "c", "d", "e"].map(|name| metrics.count(name));

        assert_eq!(counts, [None, None, Some(7), None, None]);
        assert_eq!(metrics.millis("c"), None);
    }
}
