//! Files and credentials: reading, creating and removing metadata in the stores of all catalogs,
//! and credentials for clients that are narrowed to a table.
//!
//! It does not decide where a catalog may reach: whoever calls has checked the location against the
//! catalog's allowed locations. It parses no metadata, and only the doctor ever lists a store.
#![warn(missing_docs)]

mod aws_identity;
mod doctor;
mod error;
mod io;
mod settings;
mod vend;

pub use doctor::{Diagnosis, DiagnosisStep, Outcome, Remedy};
pub use error::{Error, ProviderMessage};
pub use io::gzip::{GzipError, gunzip, gzip};
pub use io::{Compression, Storage, StorageRequests};
pub use settings::{AwsKeys, StorageSettings};
pub use vend::{
    CloudSecret, CredentialVendor, DataAccess, LocationGrant, Session, VendError, VendRequest,
    VendedCredentials,
};
