//! Everything a client can see, through the real router: one file a noun.

mod access;
mod asked;
mod audit;
mod catalog_roles;
mod catalogs;
mod commits;
mod config;
mod counts;
mod create_table;
mod doctor;
mod escalation;
mod events;
mod events_delivery;
mod explain;
mod external;
mod faults;
mod fixtures;
mod generic_tables;
mod grants;
mod guesses;
mod health;
mod hostile;
mod http;
mod idempotency;
mod locations;
mod lossless;
mod metrics_reports;
mod namespaces;
mod notifications;
mod oauth;
mod oidc;
mod opa;
mod pages;
mod policies;
mod principal_roles;
mod principals;
mod purge;
mod races;
mod rates;
mod read_events;
mod realms;
mod register;
mod rename;
mod repeated;
mod shutdown;
mod tables;
mod transactions;
mod unregister;
mod vending;
mod views;

#[path = "../authz/mod.rs"]
mod authz;
#[path = "../../crates/authn/src/tests/issuer.rs"]
#[expect(dead_code, reason = "the tests of authn use the rest")]
mod issuer;
