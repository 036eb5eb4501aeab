//! What is SQLite's own.

use std::path::Path;
use std::time::Duration;

use sqlx::error::ErrorKind;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, Executor, SqlSafeStr};

use crate::connection::{Failure, Param, Row};

/// How to use a SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteSettings {
    /// When a write counts as done.
    pub synchronous: Synchronous,
    /// How many connections read. They disturb neither each other nor the one that writes.
    pub readers: u32,
    /// How long something waits for a connection to become free.
    pub acquire_timeout_ms: u64,
    /// How long something waits for a lock on the file that another process has, such as a backup.
    pub busy_timeout_ms: u64,
}

/// When a write counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// When the disk has it: it survives a loss of power.
    #[default]
    Full,
    /// When the operating system has it: the last writes may be lost with the power. Some three
    /// times as fast.
    Normal,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            readers: 4,
            acquire_timeout_ms: 10_000,
            busy_timeout_ms: 10_000,
        }
    }
}

impl SqliteSettings {
    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }
}

/// The one connection that writes to a file.
pub(crate) fn writer(path: &Path, settings: &SqliteSettings) -> SqliteConnectOptions {
    options(settings)
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .optimize_on_close(true, 1000)
}

/// A connection that reads from a file.
pub(crate) fn reader(path: &Path, settings: &SqliteSettings) -> SqliteConnectOptions {
    options(settings).filename(path).read_only(true)
}

/// The one connection to a database in memory.
pub(crate) fn in_memory(settings: &SqliteSettings) -> SqliteConnectOptions {
    options(settings).filename(":memory:")
}

fn options(settings: &SqliteSettings) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .synchronous(match settings.synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        })
        .busy_timeout(Duration::from_millis(settings.busy_timeout_ms))
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

/// Makes the file, and its directory if that is not there, for their owner's eyes only. SQLite gives
/// its journals the mode of the file. A directory that is there is somebody's, and stays as it is.
pub(crate) fn make_private_file(path: &Path) -> std::io::Result<()> {
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
    }
    let mut file = std::fs::OpenOptions::new();
    file.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    let file = file.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    connection: SqliteConnection,
}

impl Connection {
    pub(crate) fn new(connection: SqliteConnection) -> Self {
        Self { connection }
    }

    pub(crate) fn driver(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    pub(crate) async fn run(
        &mut self,
        text: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let arguments = Param::to_sqlite(params).map_err(failure)?;
        let rows = self.connection.fetch_all(sqlx::query_with(text, arguments)).await;
        Ok(rows.map_err(failure)?.into_iter().map(Row::Sqlite).collect())
    }

    pub(crate) async fn prepare(&mut self, text: &'static str) -> Result<(), Failure> {
        self.connection.prepare(text.into_sql_str()).await.map_err(failure)?;
        Ok(())
    }

    /// Runs what has neither parameters nor rows.
    pub(crate) async fn control(&mut self, text: &'static str) -> Result<(), Failure> {
        self.connection.execute(sqlx::raw_sql(text)).await.map_err(failure)?;
        Ok(())
    }

    pub(crate) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "the SQLite database did not close cleanly");
        }
    }
}

/// What an error of the driver means.
fn failure(error: sqlx::Error) -> Failure {
    let Some(answer) = error.as_database_error() else {
        // The thread that has the connection is gone, and did not say how far it came.
        let is_lost = matches!(error, sqlx::Error::WorkerCrashed | sqlx::Error::Io(_));
        return if is_lost { Failure::Lost(error.into()) } else { Failure::Refused(error.into()) };
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "the driver may add kinds")]
    match answer.kind() {
        ErrorKind::UniqueViolation => Failure::Unique(error.into()),
        ErrorKind::ForeignKeyViolation => Failure::ForeignKey(error.into()),
        // What our own trigger says.
        _ if answer.message() == "answered" => Failure::Answered(error.into()),
        // A full disk, a lock that another process would not give up, a disk that fails: SQLite has
        // rolled back, or does when it opens the file again.
        _ => Failure::Refused(error.into()),
    }
}
