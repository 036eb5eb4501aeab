//! Everything a client can see, through the real router: one file a noun.

mod catalogs;
