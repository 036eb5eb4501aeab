//! The files of tables and views: reading, creating and removing metadata in the stores of all
//! catalogs.
//!
//! It does not decide where a catalog may reach: whoever calls has checked the location against the
//! catalog's allowed locations. It parses no metadata, and it never lists a store.
#![warn(missing_docs)]

mod aws_identity;
mod error;
mod io;
mod settings;

pub use error::{Error, ProviderMessage};
pub use io::gzip::{GzipError, gunzip, gzip};
pub use io::{Compression, Storage, StorageRequests};
pub use settings::{AwsKeys, StorageSettings};
