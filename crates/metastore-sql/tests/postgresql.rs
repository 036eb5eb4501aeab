//! What is promised of PostgreSQL: the conformance suite, and what only a server can do to a client.
//!
//! The server is the one that `MERAK_TEST_POSTGRES_URL` names, as a user who may make databases.

#[cfg(postgres_is_configured)]
#[path = "postgresql/server.rs"]
mod server;

#[cfg(postgres_is_configured)]
mod earlier;

#[cfg(postgres_is_configured)]
#[path = "postgresql/migrating.rs"]
mod migrating;

#[cfg(postgres_is_configured)]
mod conformance {
    merak_metastore::metastore_conformance!(crate::server::fresh());
}

#[cfg(postgres_is_configured)]
#[path = "postgresql/failures.rs"]
mod failures;

#[cfg(postgres_is_configured)]
#[path = "postgresql/places.rs"]
mod places;

#[cfg(postgres_is_configured)]
#[path = "postgresql/connecting.rs"]
mod connecting;

#[cfg(postgres_is_configured)]
#[path = "postgresql/plans.rs"]
mod plans;

/// Stands where the others would be, so that their absence is seen.
#[cfg(not(postgres_is_configured))]
#[test]
#[expect(clippy::print_stderr, reason = "whoever reads the tests' output is to know")]
fn postgresql_is_not_configured() {
    eprintln!("MERAK_TEST_POSTGRES_URL is not set: nothing was tested on PostgreSQL");
}
