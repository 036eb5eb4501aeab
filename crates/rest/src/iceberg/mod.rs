//! The Iceberg REST catalog API, one file a noun.

pub(crate) mod commits;
pub(crate) mod config;
pub(crate) mod credentials;
pub(crate) mod namespaces;
pub(crate) mod signing;
pub(crate) mod tables;
