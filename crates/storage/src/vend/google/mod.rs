//! Google Cloud: access tokens, downscoped by a credential access boundary.
//!
//! In three steps: a token of the server's own ([`identity`]); with it, if the catalog names a
//! service account, one of that account ([`impersonation`]); for that, one that a boundary narrows
//! to the grant ([`exchange`]). The last ends no later than the one it was made from: Google lets
//! nobody say how long it lives.

mod boundary;
mod credentials_file;
mod exchange;
mod http;
mod identity;
mod impersonation;
mod service_account_key;
mod settings;
mod source;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use merak_model::storage_config::{GcsConfig, Provider};
use merak_model::{Clock, StorageConfig};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::boundary::access_boundary;
pub(crate) use self::boundary::check_bucket;
use self::http::GoogleHttp;
use self::identity::GoogleIdentity;
pub(crate) use self::identity::{SourceIdentity, SourceToken};
use self::impersonation::{Impersonation, check_service_account};
pub use self::settings::GoogleSettings;
pub(crate) use self::settings::protected_url;
pub(crate) use self::token::AccessToken;
use crate::vend::{
    CloudSecret, CredentialVendor, LocationGrant, VendError, VendRequest, VendedCredentials,
};
use crate::{ProviderMessage, StorageSettings};

/// What errors call it.
pub(super) const CLOUD: &str = "Google Cloud";
/// What a service account's token is good for. It is not given out: what is, a boundary narrows, and
/// Google's guide to narrowing asks for this scope.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// For how long the server's own token must be good to make one of a service account with it.
const LONG_ENOUGH_TO_IMPERSONATE: Duration = Duration::from_mins(1);
/// What is told of tokens of which nobody said when they end. Google says it of all but those of
/// people, and of these the first step does.
const UNKNOWN_LIFETIME_MS: i64 = 300_000;

/// Mints access tokens for Google Cloud Storage.
#[derive(Debug)]
pub(crate) struct GoogleVendor {
    settings: GoogleSettings,
    http: Arc<GoogleHttp>,
    identity: GoogleIdentity,
    clock: Arc<dyn Clock>,
}

impl GoogleVendor {
    /// A vendor with these settings. Looks nothing up.
    pub(crate) fn new(settings: &StorageSettings, clock: Arc<dyn Clock>) -> Self {
        let http = Arc::new(GoogleHttp::new(settings));
        let google = settings.google.clone();
        let identity = GoogleIdentity::new(google.clone(), Arc::clone(&http), Arc::clone(&clock));
        Self { settings: google, http, identity, clock }
    }

    /// Who the server is to Google. May ask it.
    pub(crate) async fn source_identity(&self) -> Result<SourceIdentity, VendError> {
        self.identity.identity().await
    }

    /// The first step: a token of the server's own, for credentials that are to live that long.
    pub(crate) async fn source_token(
        &self,
        config: &StorageConfig,
        lifetime: Duration,
    ) -> Result<SourceToken, VendError> {
        let lives = match service_account(config)? {
            Some(_) => LONG_ENOUGH_TO_IMPERSONATE,
            // What is vended lives as long as this: one that was used before must be worth it.
            None => lifetime.min(Duration::from_hours(1)) / 2,
        };
        self.identity.token(lives).await
    }

    /// A token of the server's own, for requests that are not about storage.
    pub(crate) async fn request_token(&self, lives: Duration) -> Result<SourceToken, VendError> {
        self.identity.token(lives).await
    }

    /// The second step: a token of the catalog's service account, if it has one.
    pub(crate) async fn account_token(
        &self,
        config: &StorageConfig,
        source: &SourceToken,
        lifetime: Duration,
    ) -> Result<AccessToken, VendError> {
        let Some(service_account) = service_account(config)? else {
            return Ok(source.token.clone());
        };
        let impersonation = Impersonation {
            url: self.settings.iam_url(service_account)?,
            service_account,
            caller: &source.identity.text,
            quota_project: source.identity.quota_project.as_deref(),
            delegates: &[],
            scope: SCOPE,
            lifetime,
        };
        impersonation.token(&self.http, &source.token.value).await
    }

    /// A token of the catalog's service account, or of the server's own, for what it does as itself.
    pub(crate) async fn own_token(
        &self,
        config: &StorageConfig,
    ) -> Result<SecretString, VendError> {
        const LIFETIME: Duration = Duration::from_mins(10);
        let source = self.source_token(config, LIFETIME).await?;
        Ok(self.account_token(config, &source, LIFETIME).await?.value)
    }

    /// The third step: a token that can do what a grant says, for one that can do more.
    pub(crate) async fn downscoped_token(
        &self,
        token: &AccessToken,
        grant: &LocationGrant,
    ) -> Result<AccessToken, VendError> {
        let boundary = access_boundary(grant)?;
        exchange::downscope(&self.http, &self.settings, &*self.clock, token, &boundary).await
    }
}

#[async_trait]
impl CredentialVendor for GoogleVendor {
    async fn vend(&self, request: &VendRequest) -> Result<VendedCredentials, VendError> {
        let VendRequest { config, grant, lifetime, .. } = request;
        // What cannot be granted is refused before anybody is asked.
        access_boundary(grant)?;
        let source = self.source_token(config, *lifetime).await?;
        let of_account = self.account_token(config, &source, *lifetime).await?;
        let token = self.downscoped_token(&of_account, grant).await?;
        let now_ms = self.clock.now_ms();
        let expires_at_ms = token.expires_at_ms.unwrap_or(now_ms + UNKNOWN_LIFETIME_MS);
        if expires_at_ms <= now_ms {
            return Err(VendError::Unavailable {
                step: "The exchange of an access token for a downscoped one".to_owned(),
                reason: ProviderMessage("the token that came has ended already".to_owned()),
            });
        }
        let account = service_account(config)?
            .or(source.identity.email.as_deref())
            .unwrap_or(source.identity.kind);
        Ok(VendedCredentials {
            id: format!("{account}/{}", mark(&token.value)),
            secret: CloudSecret::Google { token: token.value },
            expires_at_ms,
        })
    }

    fn explain(&self, request: &VendRequest) -> Result<Value, VendError> {
        let boundary = access_boundary(&request.grant)?;
        Ok(json!({
            "serviceAccount": service_account(&request.config)?,
            "accessBoundary": boundary["accessBoundary"],
        }))
    }
}

/// The service account that a catalog names, if it does.
fn service_account(config: &StorageConfig) -> Result<Option<&str>, VendError> {
    match &config.provider {
        Provider::Gcs(GcsConfig { gcs_service_account }) => {
            gcs_service_account.as_deref().map(check_service_account).transpose()
        }
        Provider::S3(_) | Provider::Azure(_) | Provider::File {} => {
            let storage_type = config.storage_type();
            Err(VendError::Impossible(format!("Google cannot vend for {storage_type} storage")))
        }
    }
}

fn no_identity(reason: &str) -> VendError {
    VendError::NoIdentity { cloud: CLOUD, reason: reason.to_owned() }
}

/// Names a token without giving it away.
#[expect(clippy::disallowed_methods, reason = "to be hashed, of which a part is shown")]
fn mark(token: &SecretString) -> String {
    let hash = Sha256::digest(token.expose_secret().as_bytes());
    let start = hash.iter().take(6).fold(0, |start, byte| start << 8 | u64::from(*byte));
    format!("{start:012x}")
}
