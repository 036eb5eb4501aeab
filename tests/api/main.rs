//! Everything a client can see, through the real router: one file a noun.

mod access;
mod catalog_roles;
mod catalogs;
mod commits;
mod config;
mod counts;
mod create_table;
mod doctor;
mod escalation;
mod explain;
mod fixtures;
mod grants;
mod guesses;
mod health;
mod hostile;
mod http;
mod locations;
mod lossless;
mod namespaces;
mod oauth;
mod oidc;
mod pages;
mod policies;
mod principal_roles;
mod principals;
mod races;
mod realms;
mod register;
mod rename;
mod shutdown;
mod tables;
mod transactions;
mod vending;

#[path = "../authz/mod.rs"]
mod authz;
#[path = "../../crates/authn/src/tests/issuer.rs"]
#[expect(dead_code, reason = "the tests of authn use the rest")]
mod issuer;
