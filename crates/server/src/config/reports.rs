//! What becomes of the reports that engines send of their scans and commits.

use std::time::Duration;

use super::formats::{Format, not};
use super::reader::Reader;
use super::registry as settings;

/// What becomes of the reports that engines send of their scans and commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsReports {
    /// Where they go.
    pub sink: ReportSink,
    /// How long they are kept; not at all if it is nothing.
    pub retention: Duration,
    /// The most bytes one may have.
    pub max_bytes: usize,
}

/// Where reports go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportSink {
    /// Into the log and the database.
    LogAndDatabase,
    /// Into the database alone.
    Database,
    /// Nowhere.
    Nowhere,
}

impl MetricsReports {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            sink: reader.get(&settings::REPORT_SINK),
            retention: reader.get(&settings::REPORT_RETENTION),
            max_bytes: reader.get(&settings::REPORT_MAX_SIZE),
        }
    }
}

impl Format for ReportSink {
    type Value = Self;
    const EXPECTED: &'static str = "`default`, `persisting` or `no-op`";

    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "default" => Ok(Self::LogAndDatabase),
            "persisting" => Ok(Self::Database),
            "no-op" => Ok(Self::Nowhere),
            _ => Err(not::<Self>()),
        }
    }
}
