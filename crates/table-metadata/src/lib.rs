//! Applies an Iceberg commit to the metadata of a table or a view, losslessly.
//!
//! Reads the metadata of a table of format version 1, 2 or 3 ([`TableMetadata`]), makes that of a
//! new one ([`NewTable`]), checks what a client assumes of it and changes what the client wants
//! changed ([`TableCommit`]); likewise [`ViewMetadata`], [`NewView`] and [`ViewCommit`]. What this
//! crate does not know it leaves as it is, and in its place.
//!
//! It is pure: there is no clock, no file and no network in it. It does not know where a table may
//! lie or who may change it, and it does not understand the data that a table's files hold.

#![warn(missing_docs)]

mod builder;
mod commit;
mod error;
mod files;
mod history;
mod json;
mod metadata;
mod new_table;
mod numbered;
mod partition;
mod properties;
mod requirement;
mod rollback;
mod schema;
mod snapshot;
mod sort;
mod sources;
mod statistics;
mod transform;
mod update;
mod view;

pub use self::commit::{CommitContext, TableCommit};
pub use self::error::Error;
pub use self::files::{
    metadata_file_name, metadata_folder, only_referenced_snapshots, view_metadata_folder,
    view_wants_gzip, wants_gzip,
};
pub use self::json::MAX_NESTING;
pub use self::metadata::TableMetadata;
pub use self::new_table::{NewTable, RESERVED_PROPERTIES};
pub use self::requirement::TableRequirement;
pub use self::update::TableUpdate;
pub use self::view::{NewView, ViewCommit, ViewMetadata};
