//! The harness: the real server, in this process, spoken to through its router.
//!
//! Tests speak in roles: a test says *who* asks. The store is SQLite in memory, or PostgreSQL where
//! `MERAK_TEST_STORE` says `postgres`: the same tests run on both.

mod clock;
mod identities;
mod records;
mod response;
mod server;

pub use clock::TestClock;
pub use identities::{Grantee, Identity};
pub use records::Entry;
pub use response::Response;
pub use server::{Listening, TestServer, schema, scratch_dir, view_version};
