//! What Polaris adds to the catalog API, one file a noun.

pub(crate) mod generic_tables;
pub(crate) mod policies;
