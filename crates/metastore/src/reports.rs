//! Reports of what engines did: kept for a while, and then forgotten.

use async_trait::async_trait;
use merak_model::{EntityId, Namespace, RealmId};

use crate::Error;

/// What the server remembers of engines' scans and commits.
#[async_trait]
pub trait MetricsReports: Send + Sync {
    /// Keeps a report, in one statement. Fails with [`Error::ParentGone`] if the realm is.
    async fn add_report(&self, realm: &RealmId, report: &MetricsReport) -> Result<(), Error>;

    /// Reads reports, the newest first, in one statement. Of those that came in one millisecond, the
    /// one with the greater id counts as the newer.
    async fn reports(
        &self,
        realm: &RealmId,
        query: &ReportsQuery,
    ) -> Result<Vec<FoundReport>, Error>;

    /// Forgets reports of all realms that came before `before_ms`, the oldest first and at most
    /// `limit`. How many they were. What another replica is forgetting does not count.
    async fn forget_reports(&self, before_ms: i64, limit: u32) -> Result<u64, Error>;
}

/// What an engine reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsReport {
    /// Its identifier.
    pub id: EntityId,
    /// The catalog the table is in.
    pub catalog_id: EntityId,
    /// The table. The report outlives it.
    pub table_id: EntityId,
    /// What it tells of.
    pub kind: ReportKind,
    /// When it came, in milliseconds since 1970.
    pub created_ms: i64,
    /// The name of whoever sent it.
    pub principal: String,
    /// The id of the request it came with.
    pub request_id: String,
    /// The snapshot that was read or made.
    pub snapshot_id: Option<i64>,
    /// The report as it was sent: a JSON object.
    pub report: String,
}

/// What a report tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// What a scan read.
    Scan,
    /// What a commit changed.
    Commit,
}

impl ReportKind {
    /// The kind in a word, as it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Commit => "commit",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Scan, Self::Commit].into_iter().find(|kind| kind.name() == name)
    }
}

/// Which reports to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportsQuery {
    /// Of what.
    pub of: ReportsOf,
    /// Only of this kind.
    pub kind: Option<ReportKind>,
    /// Only those that came then or later, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Only those that came earlier than that, in milliseconds since 1970.
    pub to_ms: Option<i64>,
    /// Only those older than the report that came then and has that id.
    pub older_than: Option<(i64, EntityId)>,
    /// At most so many.
    pub limit: u32,
}

/// What reports are read of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportsOf {
    /// All tables of a catalog, also those that are gone.
    Catalog(EntityId),
    /// One table.
    Table(EntityId),
}

/// A report, and what its table is called now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundReport {
    /// The report.
    pub report: MetricsReport,
    /// The namespace and the name of its table, if there still is one.
    pub table: Option<(Namespace, String)>,
}
