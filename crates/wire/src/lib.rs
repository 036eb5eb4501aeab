//! The JSON of the APIs, as serde types.
//!
//! Names are those of the published API documents. Unknown fields in requests are ignored, as in
//! Polaris; fields that are absent in an answer are left out and never written as null, since some
//! clients refuse that.

pub mod error;
pub mod events;
pub mod generic_tables;
pub mod iceberg;
pub mod management;
pub mod oauth;
pub mod policies;
