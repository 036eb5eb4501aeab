//! Connecting and migrating.

use std::error::Error as _;
use std::sync::Arc;

use merak_metastore::{Error, Metastore};
use merak_metastore_sql::{MigrationReport, PostgresSettings, SqlMetastore};
use secrecy::SecretString;
use sqlx::{ConnectOptions, Executor};
use tokio::task::JoinSet;

use crate::server::{Database, server_options};

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let database = Database::create().await;
    let store = SqlMetastore::connect_postgres(&database.settings()).await.unwrap();

    assert!(store.check_statements().await.is_err(), "there is no schema yet");

    store.migrate().await.unwrap();
    store.check_statements().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_start_at_once_migrate_once() {
    let database = Database::create().await;
    let mut replicas = JoinSet::new();
    for _ in 0..6 {
        let settings = database.settings();
        replicas.spawn(async move {
            let store = SqlMetastore::connect_postgres(&settings).await.unwrap();
            store.migrate().await.unwrap()
        });
    }

    let reports = replicas.join_all().await;

    let migrated = reports.iter().filter(|report| report.before == 0);
    assert_eq!(migrated.count(), 1, "{reports:?}");
    assert!(reports.iter().all(|report| report.after == report.known), "{reports:?}");
}

#[tokio::test]
async fn a_newer_schema_is_accepted_and_an_edited_migration_is_not() {
    let database = Database::create().await;
    let store = SqlMetastore::connect_postgres(&database.settings()).await.unwrap();
    let MigrationReport { known, .. } = store.migrate().await.unwrap();
    let mut other = database.connect().await;

    let newer = "insert into schema_migration (version, description, success, checksum, \
        execution_time) values (9999, 'of the future', true, '\\x00', 0)";
    other.execute(newer).await.unwrap();
    let report = store.migrate().await.unwrap();
    assert_eq!(report, MigrationReport { before: 9999, after: 9999, known });

    let edit = "update schema_migration set checksum = '\\x00' where version = 1";
    other.execute(edit).await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert!(text_of(&error).contains("modified"), "{}", text_of(&error));
}

#[tokio::test]
async fn a_jdbc_url_does_as_well() {
    let database = Database::create().await;
    let plain = server_options();
    let name = database.name();
    let (host, port) = (plain.get_host(), plain.get_port());
    let url =
        format!("jdbc:postgresql://{host}:{port}/{name}?prepareThreshold=0&ApplicationName=x");
    let mut settings = PostgresSettings::new(SecretString::from(url));
    settings.username = Some(plain.get_username().to_owned());
    settings.password = crate::server::password();

    let store = SqlMetastore::connect_postgres(&settings).await.unwrap();

    store.ping().await.unwrap();
}

#[tokio::test]
async fn without_prepared_statements_all_is_the_same() {
    let database = Database::create().await;
    let mut settings = database.settings();
    settings.statement_cache_capacity = 0;
    let store = SqlMetastore::connect_postgres(&settings).await.unwrap();
    store.migrate().await.unwrap();

    merak_metastore::testing::what_was_stored_comes_back(Arc::new(store)).await;

    let count = "select 1 from pg_prepared_statements";
    assert!(database.connect().await.fetch_all(count).await.unwrap().is_empty());
}

#[tokio::test]
async fn errors_say_where_and_never_the_password() {
    let nowhere = "postgres://merak:hush@127.0.0.1:1/lake";
    let jdbc = "jdbc:postgresql://127.0.0.1:1/lake?user=merak&password=hush";
    let broken = ["postgres://merak:hush@[::1/lake", "mysql://merak:hush@host/lake", "jdbc:hush"];

    for url in [nowhere, jdbc] {
        let mut settings = PostgresSettings::new(SecretString::from(url));
        settings.connect_timeout_ms = 60;
        let text = text_of(&SqlMetastore::connect_postgres(&settings).await.unwrap_err());
        assert!(text.contains("127.0.0.1:1") && text.contains("'lake'"), "{text}");
        assert!(text.contains("'merak'") && !text.contains("hush"), "{text}");
    }
    for url in broken {
        let settings = PostgresSettings::new(SecretString::from(url));
        let text = text_of(&SqlMetastore::connect_postgres(&settings).await.unwrap_err());
        assert!(text.contains("expected postgres://") && !text.contains("hush"), "{text}");
        assert!(!format!("{settings:?}").contains("hush"));
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_fails_at_once() {
    let url = server_options().database("merak_no_such_database").to_url_lossy();
    let mut settings = PostgresSettings::new(SecretString::from(url.to_string()));
    settings.connect_timeout_ms = 600_000;

    let error = SqlMetastore::connect_postgres(&settings).await.unwrap_err();

    assert!(text_of(&error).contains("does not exist"), "{}", text_of(&error));
}

#[tokio::test]
async fn after_it_was_closed_nothing_is_answered() {
    let database = Database::create().await;
    let store = SqlMetastore::connect_postgres(&database.settings()).await.unwrap();
    store.ping().await.unwrap();

    store.close().await;

    assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
}

fn text_of(error: &Error) -> String {
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    format!("{error}: {source}")
}
