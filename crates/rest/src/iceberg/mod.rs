//! The Iceberg REST catalog API, one file a noun.

pub(crate) mod answers;
pub(crate) mod commits;
pub(crate) mod config;
pub(crate) mod credentials;
pub(crate) mod federated;
pub(crate) mod namespaces;
pub(crate) mod notifications;
pub(crate) mod reports;
pub(crate) mod signing;
pub(crate) mod tables;
pub(crate) mod views;
