//! Who the server itself is to AWS.
//!
//! In this order: the keys set for the catalog's storage name, the keys set for all catalogs, the
//! environment's own chain. The chain is `object_store`'s: `AWS_ACCESS_KEY_ID` and its companions,
//! a web identity token file, a container's or a pod's credentials, the instance's metadata
//! service. It knows no profiles (`~/.aws`). It reads the process' environment, as every SDK's
//! does; settings come before it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use merak_model::{Location, StorageConfig};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};
use object_store::{ClientOptions, CredentialProvider, RetryConfig};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use crate::settings::{AwsKeys, StorageSettings};

/// What `object_store` errors are marked with when credentials were the matter.
pub(crate) const NO_CREDENTIALS: &str = "AWS credentials";

/// For how long a failure to get credentials is taken to last. The metadata service is slow where
/// there is none.
const FAILURE_LASTS: Duration = Duration::from_secs(5);

/// What is taken from the environment: credentials and where to get them, region, endpoint. Not
/// what else `object_store` would take: it could switch off signing, or conditional writes.
const FROM_ENVIRONMENT: [AmazonS3ConfigKey; 15] = [
    AmazonS3ConfigKey::AccessKeyId,
    AmazonS3ConfigKey::SecretAccessKey,
    AmazonS3ConfigKey::Token,
    AmazonS3ConfigKey::WebIdentityTokenFile,
    AmazonS3ConfigKey::RoleArn,
    AmazonS3ConfigKey::RoleSessionName,
    AmazonS3ConfigKey::StsEndpoint,
    AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    AmazonS3ConfigKey::ContainerCredentialsFullUri,
    AmazonS3ConfigKey::ContainerAuthorizationTokenFile,
    AmazonS3ConfigKey::MetadataEndpoint,
    AmazonS3ConfigKey::ImdsV1Fallback,
    AmazonS3ConfigKey::Region,
    AmazonS3ConfigKey::S3Endpoint,
    AmazonS3ConfigKey::Endpoint,
];

/// The `AWS_*` variables that count.
#[derive(Clone)]
pub(crate) struct AwsEnvironment(AmazonS3Builder);

impl AwsEnvironment {
    /// The environment of this process, as it is now.
    pub(crate) fn of_process() -> Self {
        Self::of(&AmazonS3Builder::from_env())
    }

    /// What counts of the environment that such a builder was filled from.
    pub(crate) fn of(builder: &AmazonS3Builder) -> Self {
        let values = FROM_ENVIRONMENT.into_iter().filter_map(|key| {
            // A variable set to nothing is one that is not set.
            Some((key, builder.get_config_value(&key).filter(|value| !value.is_empty())?))
        });
        let kept =
            values.fold(AmazonS3Builder::new(), |kept, (key, value)| kept.with_config(key, value));
        Self(kept)
    }

    pub(crate) fn region(&self) -> Option<String> {
        self.0.get_config_value(&AmazonS3ConfigKey::Region)
    }

    /// `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`.
    pub(crate) fn endpoint(&self) -> Option<String> {
        self.0
            .get_config_value(&AmazonS3ConfigKey::S3Endpoint)
            .or_else(|| self.0.get_config_value(&AmazonS3ConfigKey::Endpoint))
    }

    /// Whether the chain ends before the metadata service.
    fn has_credentials(&self) -> bool {
        let has = |key| self.0.get_config_value(&key).is_some();
        has(AmazonS3ConfigKey::AccessKeyId)
            || has(AmazonS3ConfigKey::SecretAccessKey)
            || (has(AmazonS3ConfigKey::WebIdentityTokenFile) && has(AmazonS3ConfigKey::RoleArn))
            || has(AmazonS3ConfigKey::ContainerCredentialsRelativeUri)
            || (has(AmazonS3ConfigKey::ContainerCredentialsFullUri)
                && has(AmazonS3ConfigKey::ContainerAuthorizationTokenFile))
    }
}

impl fmt::Debug for AwsEnvironment {
    /// The builder's own would print the secret key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsEnvironment").finish_non_exhaustive()
    }
}

/// Which of the server's identities: a key of caches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum IdentityName {
    /// The one that serves all catalogs without one of their own.
    Common,
    /// The one set for this storage name.
    Named(String),
}

/// The server's AWS identities. Making them looks nothing up.
#[derive(Debug)]
pub(crate) struct AwsIdentities {
    common: AwsCredentialProvider,
    named: BTreeMap<String, AwsCredentialProvider>,
}

impl AwsIdentities {
    pub(crate) fn new(settings: &StorageSettings, environment: &AwsEnvironment) -> Self {
        let common: AwsCredentialProvider =
            match (&settings.aws_access_key, &settings.aws_secret_key) {
                (Some(access_key), Some(secret_key)) => Arc::new(StaticKeys::new(
                    access_key,
                    secret_key,
                    settings.aws_session_token.as_ref(),
                )),
                (None, None) => Arc::new(Chain::new(settings, environment)),
                (Some(_), None) => Arc::new(Incomplete("an access key is set, but no secret key")),
                (None, Some(_)) => Arc::new(Incomplete("a secret key is set, but no access key")),
            };
        let provider = |keys: &AwsKeys| -> AwsCredentialProvider {
            let AwsKeys { access_key, secret_key, session_token } = keys;
            Arc::new(StaticKeys::new(access_key, secret_key, session_token.as_ref()))
        };
        let named = settings
            .aws_named_keys
            .iter()
            .map(|(name, keys)| (name.clone(), provider(keys)))
            .collect();
        Self { common, named }
    }

    /// The identity that serves a catalog.
    pub(crate) fn of(&self, config: &StorageConfig) -> (IdentityName, AwsCredentialProvider) {
        let name = match &config.storage_name {
            Some(name) => Some(name.clone()),
            None if self.named.is_empty() => None,
            None => config
                .allowed_locations
                .first()
                .and_then(|first| Location::parse(first).ok())
                .map(|first| first.authority().to_owned()),
        };
        match name.and_then(|name| self.named.get(&name).map(|keys| (name, keys))) {
            Some((name, keys)) => (IdentityName::Named(name), Arc::clone(keys)),
            None => (IdentityName::Common, Arc::clone(&self.common)),
        }
    }
}

/// Keys that were set.
#[derive(Debug)]
struct StaticKeys(Arc<AwsCredential>);

impl StaticKeys {
    #[expect(
        clippy::disallowed_methods,
        reason = "to object_store, which signs with them; its Debug masks the secrets"
    )]
    fn new(
        access_key: &SecretString,
        secret_key: &SecretString,
        session_token: Option<&SecretString>,
    ) -> Self {
        Self(Arc::new(AwsCredential {
            key_id: access_key.expose_secret().to_owned(),
            secret_key: secret_key.expose_secret().to_owned(),
            token: session_token.map(|token| token.expose_secret().to_owned()),
        }))
    }
}

#[async_trait]
impl CredentialProvider for StaticKeys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        Ok(Arc::clone(&self.0))
    }
}

/// Keys that were half set. The chain is not asked instead: nobody would notice whose identity is
/// used.
#[derive(Debug)]
struct Incomplete(&'static str);

#[async_trait]
impl CredentialProvider for Incomplete {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        Err(no_credentials(self.0))
    }
}

/// The environment's chain, asked when first needed.
#[derive(Debug)]
struct Chain {
    environment: AwsEnvironment,
    instance_metadata: bool,
    request_timeout: Duration,
    connect_timeout: Duration,
    provider: OnceCell<AwsCredentialProvider>,
    /// Held while the chain is asked, so that many waiters ask once; it remembers a failure.
    failure: Mutex<Option<(Instant, String)>>,
}

impl Chain {
    fn new(settings: &StorageSettings, environment: &AwsEnvironment) -> Self {
        Self {
            environment: environment.clone(),
            instance_metadata: settings.instance_metadata,
            request_timeout: settings.request_timeout.min(Duration::from_secs(5)),
            connect_timeout: settings.connect_timeout,
            provider: OnceCell::new(),
            failure: Mutex::new(None),
        }
    }

    async fn ask(&self) -> object_store::Result<Arc<AwsCredential>> {
        if !self.instance_metadata && !self.environment.has_credentials() {
            return Err(no_credentials(
                "no keys are set, the environment names no source of credentials, and the \
                 metadata service is switched off",
            ));
        }
        let provider = self.provider.get_or_try_init(|| async { self.build() }).await?;
        provider.get_credential().await
    }

    /// The builder chooses the source from what the environment sets. The store it makes is not
    /// used.
    fn build(&self) -> object_store::Result<AwsCredentialProvider> {
        let options = ClientOptions::new()
            .with_timeout(self.request_timeout)
            .with_connect_timeout(self.connect_timeout);
        let retry = RetryConfig {
            max_retries: 1,
            retry_timeout: Duration::from_secs(3),
            ..RetryConfig::default()
        };
        let store = self
            .environment
            .0
            .clone()
            .with_bucket_name("unused")
            .with_client_options(options)
            .with_retry(retry)
            .build()?;
        Ok(Arc::clone(store.credentials()))
    }
}

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut failure = self.failure.lock().await;
        if let Some((since, reason)) = failure.as_ref()
            && since.elapsed() < FAILURE_LASTS
        {
            return Err(no_credentials(reason));
        }
        match self.ask().await {
            Ok(credential) => {
                *failure = None;
                Ok(credential)
            }
            Err(error) => {
                let reason = crate::io::provider_message(&error);
                *failure = Some((Instant::now(), reason.clone()));
                Err(no_credentials(&reason))
            }
        }
    }
}

fn no_credentials(reason: &str) -> object_store::Error {
    object_store::Error::Generic { store: NO_CREDENTIALS, source: reason.into() }
}
