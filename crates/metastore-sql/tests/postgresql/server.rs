//! Fresh databases on the server under test.
#![expect(clippy::unwrap_used, reason = "these are tests, though no attribute says so")]

use std::sync::Arc;

use merak_metastore::Metastore;
use merak_metastore_sql::{PostgresSettings, SqlMetastore};
use secrecy::SecretString;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

/// A migrated metastore in a database of its own.
pub(crate) async fn fresh() -> (Arc<dyn Metastore>, Database) {
    let database = Database::create().await;
    let store = SqlMetastore::connect_postgres(&database.settings()).await.unwrap();
    store.migrate().await.unwrap();
    (Arc::new(store), database)
}

/// A database of a test's own, which goes with this value.
#[derive(Debug)]
pub(crate) struct Database {
    name: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        let name = format!("merak_test_{}", uuid::Uuid::new_v4().simple());
        let mut server = server_options().connect().await.expect("the PostgreSQL to test against");
        server.execute(safe(format!("create database {name} template template0"))).await.unwrap();
        Self { name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn settings(&self) -> PostgresSettings {
        let url = server_options().database(&self.name).to_url_lossy();
        PostgresSettings::new(SecretString::from(url.to_string()))
    }

    /// A connection beside the metastore's.
    pub(crate) async fn connect(&self) -> PgConnection {
        server_options().database(&self.name).application_name("test").connect().await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("drop database if exists {} with (force)", self.name);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let mut server = server_options().connect().await.unwrap();
                server.execute(safe(drop)).await.unwrap();
            });
        });
        let _ = thread.join();
    }
}

pub(crate) fn server_options() -> PgConnectOptions {
    let url = std::env::var_os("MERAK_TEST_POSTGRES_URL").and_then(|url| url.into_string().ok());
    url.expect("MERAK_TEST_POSTGRES_URL was set when the tests were built").parse().unwrap()
}

/// The server's password, if its URL has one.
pub(crate) fn password() -> Option<SecretString> {
    let url = server_options().to_url_lossy();
    let password = url.password()?;
    let password = percent_encoding::percent_decode_str(password).decode_utf8().unwrap();
    Some(SecretString::from(password.into_owned()))
}

#[expect(clippy::disallowed_methods, reason = "the names of databases are not parameters")]
fn safe(text: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(text)
}
