//! Logs and metrics.

use std::collections::BTreeMap;

use axum::http::HeaderName;
use tracing::level_filters::LevelFilter;

use super::problems::Notice;
use super::reader::Reader;
use super::registry as settings;

/// What is logged and measured, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// From which level on messages are logged.
    pub level: LevelFilter,
    /// The same for the targets that begin with those names.
    pub levels: BTreeMap<String, LevelFilter>,
    /// The form of a log line.
    pub format: LogFormat,
    /// The fields every log line gets.
    pub fields: BTreeMap<String, String>,
    /// The header that carries a request's id.
    pub request_id_header: HeaderName,
    /// Whether every request is logged.
    pub has_access_log: bool,
    /// The labels every metric gets; `application` is among them.
    pub metric_labels: BTreeMap<String, String>,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Telemetry {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut metric_labels = reader.each(&settings::METRICS_TAG);
        metric_labels.entry("application".to_owned()).or_insert_with(|| "Polaris".to_owned());
        let is_json = reader.get(&settings::LOG_JSON);
        Self {
            level: reader.get(&settings::LOG_LEVEL),
            levels: levels(reader),
            format: if is_json { LogFormat::Json } else { LogFormat::Text },
            fields: reader.each(&settings::LOG_MDC),
            request_id_header: reader.get(&settings::REQUEST_ID_HEADER),
            has_access_log: reader.get(&settings::ACCESS_LOG),
            metric_labels,
        }
    }

    /// The levels as `tracing_subscriber::EnvFilter` reads them.
    pub fn filter(&self) -> String {
        let levels = self.levels.iter().map(|(target, level)| format!("{target}={level}"));
        // PostgreSQL tells with a notice that what is to be made `if not exists` exists.
        let quiet = "sqlx::postgres::notice=warn".to_owned();
        [self.level.to_string(), quiet].into_iter().chain(levels).collect::<Vec<_>>().join(",")
    }
}

/// What the log lines of engines' reports are told from others by, in Polaris and here.
const REPORTS_OF_POLARIS: &str = "org.apache.polaris.service.reporting";
const REPORTS: &str = "merak_metrics_reports";

/// The levels of categories, by our names: Java's packages are not here, but that of Polaris has a
/// counterpart.
fn levels(reader: &mut Reader) -> BTreeMap<String, LevelFilter> {
    let mut levels = BTreeMap::new();
    let mut foreign = Vec::new();
    for (category, level) in reader.each(&settings::LOG_CATEGORY) {
        let is_module = category.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
        if category == REPORTS_OF_POLARIS {
            levels.insert(REPORTS.to_owned(), level);
            continue;
        }
        // The category of all of Polaris comes before those below it, and wins.
        if category.starts_with("org.apache.polaris") {
            levels.entry("merak".to_owned()).or_insert(level);
        } else if is_module {
            levels.insert(category, level);
        } else {
            foreign.push(category);
        }
    }
    if !foreign.is_empty() {
        reader.notices.push(Notice::info(format!(
            "log categories that mean nothing here: {}",
            foreign.join(", ")
        )));
    }
    levels
}
