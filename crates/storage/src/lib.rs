//! Files and credentials: reading, creating and removing metadata in the stores of all catalogs,
//! and credentials for clients that are narrowed to a table.
//!
//! It does not decide where a catalog may reach: whoever calls has checked the location against the
//! catalog's allowed locations. It parses no metadata, and only the doctor ever lists a store.
#![warn(missing_docs)]

mod aws_identity;
mod catalog_store;
mod doctor;
mod error;
mod io;
mod settings;
mod sign;
mod vend;

pub use catalog_store::{CatalogStore, ServerIdentity};
pub use doctor::{Diagnosis, DiagnosisRequest, DiagnosisStep, Outcome, PolicyQuestion, Remedy};
pub use error::{Error, ProviderMessage};
pub use io::gzip::{GzipError, gunzip, gzip};
pub use io::{Compression, FileOperation, Interposer, Storage, StorageRequests};
pub use settings::{AwsKeys, StorageSettings};
pub use sign::requests::{
    AssumedRole, RequestSigner, RequestToSign, RoleToAssume, SignatureHeaders,
};
pub use sign::{
    JudgedS3Request, S3Operation, S3RequestToSign, SignRefusal, SignedS3Request,
    judge as judge_s3_request,
};
pub use vend::aws::{AwsVendor, CallerIdentity};
pub use vend::{
    AzureKeySummary, AzureSettings, AzureTokenClaims, AzureUrl, AzureVendor, CacheSettings,
    CloudSecret, CredentialVendor, DataAccess, GoogleSettings, LocationGrant, SasVersion, Session,
    VendError, VendRequest, VendedCredentials,
};
