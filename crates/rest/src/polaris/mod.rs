//! What Polaris adds to the catalog API, one file a noun.

pub(crate) mod policies;
