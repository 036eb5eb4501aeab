//! Fresh databases for tests.
#![expect(clippy::unwrap_used, reason = "these are tests, though no attribute says so")]

use std::path::PathBuf;
use std::sync::Arc;

use merak_metastore::Metastore;
use merak_metastore_sql::{SqlMetastore, SqliteSettings};

/// A metastore that is migrated, and what is to be kept as long.
pub(crate) async fn in_memory() -> (Arc<dyn Metastore>, ()) {
    let store = SqlMetastore::in_memory().await.unwrap();
    store.migrate().await.unwrap();
    (Arc::new(store), ())
}

/// As [`in_memory`], in a file.
pub(crate) async fn sqlite_file() -> (Arc<dyn Metastore>, Directory) {
    let directory = Directory::new();
    let store = open(&directory).await;
    store.migrate().await.unwrap();
    (Arc::new(store), directory)
}

/// Opens the file in a directory, as it is.
pub(crate) async fn open(directory: &Directory) -> SqlMetastore {
    let settings = SqliteSettings::default();
    SqlMetastore::open_sqlite(&directory.path().join("merak.db"), settings).await.unwrap()
}

/// A directory of a test's own, which is not there yet and goes with this value.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        let name = format!("merak-test-{}", uuid::Uuid::new_v4().simple());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
