//! Polaris' management API, one file a noun.

pub(crate) mod catalogs;
