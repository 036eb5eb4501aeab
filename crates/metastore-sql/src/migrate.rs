//! Migrations: the folder `migrations` of the repository, within the binary.

use merak_metastore::Error;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType};
use sqlx::{ConnectOptions, Connection as _, SqlSafeStr};

use crate::connection::{Connection, Connector};
use crate::pool::Pool;

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrationReport {
    /// The schema's version before; 0 for an empty database.
    pub before: i64,
    /// The schema's version now.
    pub after: i64,
    /// The version this binary brings a schema to. An older one may find a newer schema, and works
    /// with it.
    pub known: i64,
}

/// A migration's number and name, and its text for either database.
#[derive(Debug)]
struct Scripts {
    number: i64,
    name: &'static str,
    postgres: &'static str,
    sqlite: &'static str,
}

/// The migrations in their order.
const MIGRATIONS: &[Scripts] = &[
    Scripts {
        number: 1,
        name: "init",
        postgres: include_str!("../../../migrations/postgres/0001_init.sql"),
        sqlite: include_str!("../../../migrations/sqlite/0001_init.sql"),
    },
    Scripts {
        number: 2,
        name: "extra_places",
        postgres: include_str!("../../../migrations/postgres/0002_extra_places.sql"),
        sqlite: include_str!("../../../migrations/sqlite/0002_extra_places.sql"),
    },
    Scripts {
        number: 3,
        name: "protocol",
        postgres: include_str!("../../../migrations/postgres/0003_protocol.sql"),
        sqlite: include_str!("../../../migrations/sqlite/0003_protocol.sql"),
    },
    Scripts {
        number: 4,
        name: "policies",
        postgres: include_str!("../../../migrations/postgres/0004_policies.sql"),
        sqlite: include_str!("../../../migrations/sqlite/0004_policies.sql"),
    },
    Scripts {
        number: 5,
        name: "events",
        postgres: include_str!("../../../migrations/postgres/0005_events.sql"),
        sqlite: include_str!("../../../migrations/sqlite/0005_events.sql"),
    },
    Scripts {
        number: 6,
        name: "audit_records",
        postgres: include_str!("../../../migrations/postgres/0006_audit_records.sql"),
        sqlite: include_str!("../../../migrations/sqlite/0006_audit_records.sql"),
    },
];

/// The table the migrations that were applied are kept in.
const TABLE: &str = "schema_migration";

pub(crate) async fn migrate(pool: &Pool) -> Result<MigrationReport, Error> {
    match pool.connector() {
        // On a connection of its own, without time-outs: another replica may be at it, and a
        // migration of a large database takes its time.
        Connector::Postgres(server) => {
            let connection = server.patient_options().connect().await;
            let mut connection = connection.map_err(|error| server.unavailable(&error))?;
            let report = run(&migrations(|of| of.postgres), &mut connection).await;
            // This also gives up the lock, should something have failed.
            connection.close().await.map_err(|error| Error::Unavailable(error.into()))?;
            report
        }
        Connector::Sqlite(_) => {
            let mut lease = pool.lease_to_write().await?;
            let Some(Connection::Sqlite(connection)) = lease.connection() else {
                return Err(Error::Unavailable("the connection is gone".into()));
            };
            run(&migrations(|of| of.sqlite), connection.driver()).await
        }
    }
}

fn migrations(text: fn(&Scripts) -> &'static str) -> Vec<Migration> {
    let migration = |scripts: &Scripts| {
        let sql = text(scripts).into_sql_str();
        let (number, name) = (scripts.number, scripts.name.into());
        Migration::new(number, name, MigrationType::Simple, sql, false)
    };
    MIGRATIONS.iter().map(migration).collect()
}

async fn run<C: Migrate>(
    migrations: &[Migration],
    connection: &mut C,
) -> Result<MigrationReport, Error> {
    connection.lock().await.map_err(failed)?;
    let report = run_locked(migrations, connection).await;
    connection.unlock().await.map_err(failed)?;
    report
}

/// Applies what is missing, each migration in a transaction with the note that it was applied.
/// Migrations that are unknown here are a newer version's, and no hindrance.
async fn run_locked<C: Migrate>(
    migrations: &[Migration],
    connection: &mut C,
) -> Result<MigrationReport, Error> {
    connection.ensure_migrations_table(TABLE).await.map_err(failed)?;
    let applied = connection.list_applied_migrations(TABLE).await.map_err(failed)?;
    let before = applied.iter().map(|applied| applied.version).max().unwrap_or(0);
    let mut after = before;
    for migration in migrations {
        match applied.iter().find(|applied| applied.version == migration.version) {
            Some(applied) if applied.checksum == migration.checksum => {}
            Some(_) => return Err(failed(MigrateError::VersionMismatch(migration.version))),
            None => {
                connection.apply(TABLE, migration).await.map_err(failed)?;
                after = after.max(migration.version);
                tracing::info!(migration = migration.version, "migrated the metastore");
            }
        }
    }
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    Ok(MigrationReport { before, after, known })
}

fn failed(error: MigrateError) -> Error {
    Error::Unavailable(Box::new(Failed(error)))
}

#[derive(Debug, thiserror::Error)]
#[error("the metastore's schema cannot be migrated: {0}")]
struct Failed(#[source] MigrateError);
