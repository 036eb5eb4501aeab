//! The metastore over PostgreSQL and SQLite.
//!
//! There is one implementation. It speaks to either database through a seam of three words: a
//! `Statement` with its text for both, `Param`s to bind, `Row`s to read. What differs is in the
//! modules `postgres` and `sqlite`, and in the few `.sql` files that exist twice.
//!
//! It checks no privileges and knows no HTTP: it keeps what it is given.
#![warn(missing_docs)]

mod answers;
mod apply;
mod audit;
mod change;
mod connection;
mod entity;
mod events;
mod explain;
mod migrate;
mod overlap;
mod pool;
mod postgres;
mod reports;
mod resolve;
mod sqlite;
mod statement;
mod tasks;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use merak_metastore::{
    Bootstrap, Change, Error, Metastore, PrincipalCredentials, PrincipalSecrets, Resolution,
    ResolveRequest,
};
use merak_model::{Entity, EntityId, RealmId};
use secrecy::{ExposeSecret, SecretBox};

use crate::connection::{Connector, Param, Row};
use crate::overlap::Places;
use crate::pool::{Counters, Pool};
use crate::statement::{self as sql, Statement};

pub use crate::migrate::MigrationReport;
pub use crate::postgres::PostgresSettings;
pub use crate::sqlite::{SqliteSettings, Synchronous};

/// A [`Metastore`] in PostgreSQL or SQLite. It does not migrate by itself: see [`Self::migrate`].
#[derive(Debug)]
pub struct SqlMetastore {
    reads: Arc<Pool>,
    /// The same pool as `reads`, but for a SQLite file: that has one writer, so that writers wait
    /// for each other here, in turn, and not in the database by trying again.
    writes: Arc<Pool>,
    counters: Arc<Counters>,
}

impl SqlMetastore {
    /// Opens a SQLite database in a file, which is made if it is not there, as is its directory.
    /// Both can then be read by their owner only: the keys that tokens are signed with are in it.
    ///
    /// The caller sees to it that no other process has the file open.
    pub async fn open_sqlite(path: &Path, settings: SqliteSettings) -> Result<Self, Error> {
        let counters = Arc::new(Counters::default());
        sqlite::make_private_file(path).map_err(|error| Error::Unavailable(error.into()))?;
        let patience = settings.acquire_timeout();
        let to_write = Connector::Sqlite(sqlite::writer(path, &settings));
        let writes = Pool::new(to_write, 1, patience, Arc::clone(&counters));
        // A reader cannot open the file before the writer has set its journal up.
        drop(writes.lease().await?);
        let to_read = Connector::Sqlite(sqlite::reader(path, &settings));
        let reads = Pool::new(to_read, settings.readers.max(1), patience, Arc::clone(&counters));
        Ok(Self { reads: Arc::new(reads), writes: Arc::new(writes), counters })
    }

    /// A SQLite database of its own in memory, which is gone with this value.
    pub async fn in_memory() -> Result<Self, Error> {
        let counters = Arc::new(Counters::default());
        let settings = SqliteSettings::default();
        let only = Connector::Sqlite(sqlite::in_memory(&settings));
        // One connection for all: to another, the database would be another.
        let pool = Pool::new(only, 1, settings.acquire_timeout(), Arc::clone(&counters));
        drop(pool.lease().await?);
        let pool = Arc::new(pool);
        Ok(Self { reads: Arc::clone(&pool), writes: pool, counters })
    }

    /// Connects to PostgreSQL. While it refuses connections, as it does when it is starting, this
    /// tries again for [`PostgresSettings::connect_timeout_ms`]. No error of it contains the password.
    pub async fn connect_postgres(settings: &PostgresSettings) -> Result<Self, Error> {
        let counters = Arc::new(Counters::default());
        let server = postgres::Server::new(settings)?;
        let first = server.connect_patiently(settings.connect_timeout()).await?;
        let pool = Pool::new(
            Connector::Postgres(server),
            settings.max_connections.max(1),
            settings.acquire_timeout(),
            Arc::clone(&counters),
        );
        pool.put(first);
        let pool = Arc::new(pool);
        Ok(Self { reads: Arc::clone(&pool), writes: pool, counters })
    }

    /// Brings the schema to where this version needs it. Replicas may all do so at once. A schema
    /// that is newer already stays as it is.
    pub async fn migrate(&self) -> Result<MigrationReport, Error> {
        migrate::migrate(&self.writes).await
    }

    /// Closes all connections. What is asked afterwards fails.
    pub async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }

    /// Has the database prepare every statement there is: one that does not fit the schema is an
    /// error that names it.
    pub async fn check_statements(&self) -> Result<(), Error> {
        let mut lease = self.writes.lease().await?;
        for statement in sql::ALL {
            let Some(connection) = lease.connection() else { break };
            if let Err(failure) = connection.prepare(statement).await {
                let text = format!("the statement {}: {}", statement.name, failure.into_source());
                return Err(Error::Unavailable(text.into()));
            }
        }
        Ok(())
    }

    /// How many statements were run so far. Those that begin and end transactions do not count.
    pub fn statements(&self) -> u64 {
        self.counters.statements()
    }

    /// How many transactions of several statements were begun so far.
    pub fn transactions(&self) -> u64 {
        self.counters.transactions()
    }

    /// Runs a statement that only reads. If the connection turns out to be gone, as all are after
    /// the database was restarted, it is asked again on a new one.
    async fn read(
        &self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Error> {
        let mut lease = self.reads.lease().await?;
        let failure = match lease.run(statement, params).await {
            Ok(rows) => return Ok(rows),
            Err(failure) => failure,
        };
        if !(failure.is_lost() && lease.was_idle()) {
            return Err(failure.into_unavailable());
        }
        drop(lease);
        self.reads.forget_idle();
        let mut lease = self.reads.lease().await?;
        lease.run(statement, params).await.map_err(connection::Failure::into_unavailable)
    }

    async fn read_one(
        &self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, Error> {
        Ok(self.read(statement, params).await?.into_iter().next())
    }
}

#[async_trait]
impl Metastore for SqlMetastore {
    async fn resolve(
        &self,
        realm: &RealmId,
        request: &ResolveRequest,
    ) -> Result<Resolution, Error> {
        let question = resolve::Question::new(request);
        let rows = self.read(question.statement(), &question.params(realm)).await?;
        resolve::read(&rows)
    }

    async fn apply(&self, realm: &RealmId, changes: &[Change]) -> Result<(), Error> {
        apply::apply(&self.writes, realm, changes).await
    }

    async fn credentials(
        &self,
        realm: &RealmId,
        client_id: &str,
    ) -> Result<Option<PrincipalCredentials>, Error> {
        let params = [Param::realm(realm), Param::lookup(client_id)];
        let Some(row) = self.read_one(&sql::CREDENTIALS, &params).await? else { return Ok(None) };
        Ok(Some(PrincipalCredentials {
            principal: EntityId(row.int(0)?),
            name: row.text(1)?.to_owned(),
            secrets: secrets(&row, 2)?,
        }))
    }

    async fn secrets(
        &self,
        realm: &RealmId,
        principal: EntityId,
    ) -> Result<Option<PrincipalSecrets>, Error> {
        let params = [Param::realm(realm), Param::Int(principal.0)];
        let row = self.read_one(&sql::SECRETS, &params).await?;
        row.map(|row| secrets(&row, 0)).transpose()
    }

    async fn principal_name(
        &self,
        realm: &RealmId,
        principal: EntityId,
    ) -> Result<Option<String>, Error> {
        let params = [Param::realm(realm), Param::Int(principal.0)];
        let row = self.read_one(&sql::PRINCIPAL_NAME, &params).await?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    async fn signing_key(
        &self,
        realm: &RealmId,
        algorithm: &str,
        candidate: &SecretBox<[u8]>,
    ) -> Result<SecretBox<[u8]>, Error> {
        if let Some(key) = self.find_signing_key(realm, algorithm).await? {
            return Ok(key);
        }
        #[expect(clippy::disallowed_methods, reason = "the key goes into the database")]
        let key = candidate.expose_secret();
        let params = [Param::realm(realm), Param::Text(algorithm), Param::Bytes(key)];
        if let Some(row) = apply::run(&self.writes, &sql::OFFER_SIGNING_KEY, &params).await? {
            return signing_key(&row);
        }
        // Another replica's came first.
        let winner = self.find_signing_key(realm, algorithm).await?;
        winner.ok_or_else(|| Error::Unavailable("the signing key was removed meanwhile".into()))
    }

    async fn find_signing_key(
        &self,
        realm: &RealmId,
        algorithm: &str,
    ) -> Result<Option<SecretBox<[u8]>>, Error> {
        let params = [Param::realm(realm), Param::lookup(algorithm)];
        let row = self.read_one(&sql::FIND_SIGNING_KEY, &params).await?;
        row.map(|row| signing_key(&row)).transpose()
    }

    async fn bootstrap(&self, realm: &RealmId, changes: &[Change]) -> Result<Bootstrap, Error> {
        apply::bootstrap(&self.writes, realm, changes).await
    }

    async fn is_bootstrapped(&self, realm: &RealmId) -> Result<bool, Error> {
        Ok(self.read_one(&sql::FIND_REALM, &[Param::realm(realm)]).await?.is_some())
    }

    async fn purge(&self, realm: &RealmId) -> Result<bool, Error> {
        apply::purge(&self.writes, realm).await
    }

    async fn check_apart(&self, realm: &RealmId, entity: &Entity) -> Result<(), Error> {
        let Some(places) = Places::of(entity) else { return Ok(()) };
        let params = explain::overlap_params(realm, entity, &places);
        let rows = self.read(&sql::FIND_OVERLAP, &params).await?;
        explain::refuse_overlap(&rows, &places)
    }

    async fn ping(&self) -> Result<(), Error> {
        self.read(&sql::PING, &[]).await?;
        Ok(())
    }
}

/// Reads secrets from their four columns.
fn secrets(row: &Row, first: usize) -> Result<PrincipalSecrets, Error> {
    Ok(PrincipalSecrets {
        client_id: row.text(first)?.to_owned(),
        main_hash: row.text(first + 1)?.to_owned(),
        secondary_hash: row.text(first + 2)?.to_owned(),
        salt: row.text(first + 3)?.to_owned(),
    })
}

fn signing_key(row: &Row) -> Result<SecretBox<[u8]>, Error> {
    let key = row.opt_bytes(0)?.ok_or_else(|| Error::Corrupt("a signing key is empty".into()))?;
    Ok(SecretBox::new(key.into()))
}
