//! Credentials for clients: short-lived, and narrowed to a grant.
//!
//! One module a cloud. Each is a pure function, which builds what bounds the credentials (a session
//! policy, an access boundary, the parameters of a signature), and a call, which sends it. Vendors
//! never cache.

pub(crate) mod aws;
pub(crate) mod azure;
mod credentials;
mod error;
pub(crate) mod google;
mod grant;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use merak_model::{RealmId, StorageConfig};
use serde_json::Value;

pub use self::credentials::{CloudSecret, VendedCredentials};
pub use self::error::VendError;
pub use self::grant::{DataAccess, LocationGrant};

/// All that vended credentials depend on. Two equal requests can share what is minted for one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VendRequest {
    /// The realm that the catalog is in.
    pub realm: RealmId,
    /// The catalog's storage.
    pub config: StorageConfig,
    /// What the credentials must amount to.
    pub grant: LocationGrant,
    /// What the cloud is told about who they are for.
    pub session: Session,
    /// How long they are to live, where the cloud lets one say.
    pub lifetime: Duration,
}

/// What the cloud is told about who credentials are for. Empty unless features ask for it, so that
/// principals with equal rights share them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Session {
    /// The AWS role session's name, sanitized by the vendor; nothing for Polaris' default.
    pub name: Option<String>,
    /// AWS session tags, as key and value, all transitive.
    pub tags: Vec<(String, String)>,
}

/// Mints short-lived credentials that can do what a grant says, and nothing else.
///
/// One implementation a cloud. Each must narrow, never widen: a grant its cloud cannot express
/// exactly is an error, not an approximation, unless the implementation's own docs say otherwise.
#[async_trait]
pub trait CredentialVendor: Debug + Send + Sync {
    /// Mints credentials. Calls the provider.
    async fn vend(&self, request: &VendRequest) -> Result<VendedCredentials, VendError>;

    /// What would bound the credentials, for people to read: the session policy, the access
    /// boundary, the parameters of the signature. Calls nobody, and mints nothing.
    fn explain(&self, request: &VendRequest) -> Result<Value, VendError>;
}
