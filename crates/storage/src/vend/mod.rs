//! Credentials for clients: short-lived, and narrowed to a grant.
//!
//! One module a cloud. Each is a pure function, which builds what bounds the credentials (a session
//! policy, an access boundary, the parameters of a signature), and a call, which sends it. Vendors
//! never cache.

pub(crate) mod aws;
pub(crate) mod azure;
pub(crate) mod cached;
mod credentials;
mod error;
pub(crate) mod google;
mod grant;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use merak_model::storage_config::Provider;
use merak_model::{Clock, RealmId, StorageConfig};
use serde_json::Value;

use self::cached::Cached;

pub use self::azure::{
    AzureKeySummary, AzureSettings, AzureTokenClaims, AzureUrl, AzureVendor, SasVersion,
};
pub use self::cached::CacheSettings;
pub use self::credentials::{CloudSecret, VendedCredentials};
pub use self::error::VendError;
pub use self::google::{Attribution, GoogleSettings};
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

impl VendRequest {
    /// About how large it is in memory.
    pub(crate) fn approximate_bytes(&self) -> usize {
        let config = &self.config;
        let allowed: usize = config.allowed_locations.iter().map(String::len).sum();
        let keys = match &config.provider {
            Provider::S3(s3) => {
                let lists = [&s3.allowed_kms_keys, &s3.encryption_keys, &s3.decryption_keys];
                lists.into_iter().flatten().map(String::len).sum()
            }
            Provider::Azure(_) | Provider::Gcs(_) | Provider::File {} => 0,
        };
        let locations = self.grant.locations().iter().map(|location| location.as_str().len() * 2);
        allowed + keys + locations.sum::<usize>()
    }

    /// The address that the catalog names for the service that mints, if it names one.
    pub(crate) fn sts_address(&self) -> Option<&str> {
        let Provider::S3(s3) = &self.config.provider else { return None };
        let named = s3.sts_endpoint.as_ref().or(s3.endpoint_internal.as_ref());
        named.or(s3.endpoint.as_ref()).map(String::as_str)
    }
}

/// What the cloud is told about who credentials are for. Empty unless features ask for it, so that
/// principals with equal rights share them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Session {
    /// The AWS role session's name, sanitized by the vendor; nothing for Polaris' default.
    pub name: Option<String>,
    /// AWS session tags, as key and value, all transitive.
    pub tags: Vec<(String, String)>,
    /// Whom Google is to name in its audit log, where the catalog has a service account.
    pub attribution: Option<Attribution>,
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

/// The vendors of all clouds, each behind its cache.
#[derive(Debug)]
pub(crate) struct Vending {
    aws: Cached,
    azure: Cached,
    google: Cached,
}

/// A vendor for each cloud.
#[derive(Debug)]
pub(crate) struct Vendors {
    pub(crate) aws: Arc<dyn CredentialVendor>,
    pub(crate) azure: Arc<dyn CredentialVendor>,
    pub(crate) google: Arc<dyn CredentialVendor>,
}

impl Vending {
    pub(crate) fn new(vendors: Vendors, clock: &Arc<dyn Clock>, settings: CacheSettings) -> Self {
        let cached = |vendor| Cached::new(vendor, Arc::clone(clock), settings);
        let Vendors { aws, azure, google } = vendors;
        Self { aws: cached(aws), azure: cached(azure), google: cached(google) }
    }

    /// Credentials for a request. Those older than `reuse_for` are minted again in the background.
    pub(crate) async fn vend(
        &self,
        request: VendRequest,
        reuse_for: Duration,
    ) -> Result<Arc<VendedCredentials>, VendError> {
        self.of(&request.config)?.vend(request, reuse_for).await
    }

    /// What would bound the credentials. Calls nobody.
    pub(crate) fn explain(&self, request: &VendRequest) -> Result<Value, VendError> {
        self.of(&request.config)?.vendor().explain(request)
    }

    /// The vendor itself, for what must not come from its cache.
    pub(crate) fn vendor(
        &self,
        config: &StorageConfig,
    ) -> Result<&dyn CredentialVendor, VendError> {
        Ok(self.of(config)?.vendor())
    }

    fn of(&self, config: &StorageConfig) -> Result<&Cached, VendError> {
        match &config.provider {
            Provider::S3(_) => Ok(&self.aws),
            Provider::Azure(_) => Ok(&self.azure),
            Provider::Gcs(_) => Ok(&self.google),
            Provider::File {} => {
                Err(VendError::Impossible("FILE storage has no credentials".to_owned()))
            }
        }
    }
}
