//! What is promised of SQLite beyond the conformance suite.

mod databases;
mod earlier;

use std::sync::Arc;
use std::time::Duration;

use merak_metastore::{Change, Metastore};
use merak_metastore_sql::{MigrationReport, SqlMetastore};
use merak_model::{Entity, EntityId, EntityKind, RealmId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::databases::{Directory, open};

fn root() -> Change {
    let mut root =
        Entity::new(EntityKind::Root, EntityId::ROOT, EntityId::ROOT, "root_container", 1);
    root.id = EntityId::ROOT;
    Change::Create { entity: Box::new(root), metadata: None, keep_apart: false }
}

fn catalog(name: &str) -> Change {
    let entity = Entity::new(EntityKind::Catalog, EntityId::ROOT, EntityId::ROOT, name, 1);
    Change::Create { entity: Box::new(entity), metadata: None, keep_apart: false }
}

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let store = SqlMetastore::in_memory().await.unwrap();
    assert!(store.check_statements().await.is_err(), "there is no schema yet");

    store.migrate().await.unwrap();

    store.check_statements().await.unwrap();
}

#[tokio::test]
async fn what_was_written_is_there_when_it_is_opened_again() {
    let directory = Directory::new();
    let realm = RealmId::new("test");
    let store = open(&directory).await;
    let MigrationReport { before, after, known } = store.migrate().await.unwrap();
    assert_eq!((before, after), (0, known));
    store.bootstrap(&realm, &[root()]).await.unwrap();
    store.close().await;

    let store = open(&directory).await;

    assert_eq!(store.migrate().await.unwrap().before, known);
    assert!(store.is_bootstrapped(&realm).await.unwrap());
}

#[tokio::test]
async fn where_tables_of_the_version_before_write_is_known_after_the_migration() {
    let directory = Directory::new();
    open(&directory).await.close().await;
    let file = SqliteConnectOptions::new().filename(directory.path().join("merak.db"));
    let mut connection = file.connect().await.unwrap();
    let init = include_str!("../../../migrations/sqlite/0001_init.sql");
    earlier::make_schema(&mut connection, init).await;
    connection.execute(earlier::TABLES).await.unwrap();
    connection.close().await.unwrap();

    let store = open(&directory).await;
    store.migrate().await.unwrap();

    earlier::assert_places_are_known(&store).await;
}

#[tokio::test]
async fn databases_in_memory_are_apart() {
    let (one, _alive) = databases::in_memory().await;
    let (other, _alive) = databases::in_memory().await;
    let realm = RealmId::new("test");

    one.bootstrap(&realm, &[root()]).await.unwrap();

    assert!(!other.is_bootstrapped(&realm).await.unwrap());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (store, directory) = databases::sqlite_file().await;
    store.bootstrap(&RealmId::new("test"), &[root()]).await.unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;

    assert_eq!(mode(directory.path()), 0o700);
    let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert!(files.len() > 1, "the journal should be among them");
    for file in files {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn statements_and_transactions_are_counted() {
    let store = SqlMetastore::in_memory().await.unwrap();
    store.migrate().await.unwrap();
    let realm = RealmId::new("test");
    store.bootstrap(&realm, &[root()]).await.unwrap();
    let before = (store.statements(), store.transactions());

    store.apply(&realm, &[catalog("one")]).await.unwrap();
    assert_eq!((store.statements(), store.transactions()), (before.0 + 1, before.1));

    store.apply(&realm, &[catalog("two"), catalog("three")]).await.unwrap();
    assert_eq!((store.statements(), store.transactions()), (before.0 + 3, before.1 + 1));

    store.is_bootstrapped(&realm).await.unwrap();
    assert_eq!((store.statements(), store.transactions()), (before.0 + 4, before.1 + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_was_abandoned_leaves_nothing_behind() {
    let store = SqlMetastore::in_memory().await.unwrap();
    store.migrate().await.unwrap();
    let store = Arc::new(store);
    let realm = RealmId::new("test");
    store.bootstrap(&realm, &[root()]).await.unwrap();
    let names: Vec<_> = (0..50).map(|number| format!("c{number}")).collect();
    let changes: Vec<_> = names.iter().map(|name| catalog(name)).collect();

    for micros in (0..2_000).step_by(100) {
        let working = store.apply(&realm, &changes);
        if tokio::time::timeout(Duration::from_micros(micros), working).await.is_ok() {
            break;
        }
        // Were the transaction still open, the next could not begin.
        store.bootstrap(&realm, &[]).await.unwrap();
        assert!(store.is_bootstrapped(&realm).await.unwrap());
    }
}
