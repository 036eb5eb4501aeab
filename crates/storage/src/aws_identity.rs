//! Who the server itself is to AWS.
//!
//! In this order: the keys set for the catalog's storage name, the keys set for all catalogs, the
//! environment's own chain. The chain is the AWS SDK's: `AWS_ACCESS_KEY_ID` and its companions, a
//! profile of `~/.aws`, a web identity token file, a container's or a pod's credentials, the
//! instance's metadata service. It reads the process' environment, as every SDK's does; settings
//! come before it.

mod chain;
mod environment;
mod http;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use merak_model::{Location, StorageConfig};
use object_store::CredentialProvider;
use object_store::aws::{AwsCredential, AwsCredentialProvider};
use secrecy::{ExposeSecret, SecretString};

use self::chain::Chain;
pub(crate) use self::environment::AwsEnvironment;
use crate::settings::{AwsKeys, StorageSettings};

/// What `object_store` errors are marked with when credentials were the matter.
pub(crate) const NO_CREDENTIALS: &str = "AWS credentials";

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
    common: AwsIdentity,
    named: BTreeMap<String, AwsIdentity>,
    http: SharedHttpClient,
}

impl AwsIdentities {
    pub(crate) fn new(settings: &StorageSettings, environment: &AwsEnvironment) -> Self {
        let http = http::client();
        let common = match (&settings.aws_access_key, &settings.aws_secret_key) {
            (Some(access_key), Some(secret_key)) => {
                AwsIdentity::keys(access_key, secret_key, settings.aws_session_token.as_ref())
            }
            (None, None) => {
                let chain = Chain::new(settings, environment, http.clone());
                AwsIdentity(Arc::new(Source::Chain(Box::new(chain))))
            }
            (Some(_), None) => AwsIdentity::half("an access key is set, but no secret key"),
            (None, Some(_)) => AwsIdentity::half("a secret key is set, but no access key"),
        };
        let identity = |keys: &AwsKeys| {
            let AwsKeys { access_key, secret_key, session_token } = keys;
            AwsIdentity::keys(access_key, secret_key, session_token.as_ref())
        };
        let named = settings
            .aws_named_keys
            .iter()
            .map(|(name, keys)| (name.clone(), identity(keys)))
            .collect();
        Self { common, named, http }
    }

    /// The identity that serves a catalog.
    pub(crate) fn of(&self, config: &StorageConfig) -> (IdentityName, AwsIdentity) {
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
            Some((name, keys)) => (IdentityName::Named(name), keys.clone()),
            None => (IdentityName::Common, self.common.clone()),
        }
    }

    /// The identity that serves whatever has none of its own.
    pub(crate) fn common(&self) -> AwsIdentity {
        self.common.clone()
    }

    /// The client that the AWS SDK's requests are sent with.
    pub(crate) fn http(&self) -> &SharedHttpClient {
        &self.http
    }
}

/// One of the server's AWS identities; `object_store` and the AWS SDK can both be given it.
#[derive(Debug, Clone)]
pub(crate) struct AwsIdentity(Arc<Source>);

#[derive(Debug)]
enum Source {
    /// Keys that were set. The type's `Debug` masks the secrets.
    Keys(Credentials),
    /// Keys that were half set. The chain is not asked instead: nobody would notice whose identity
    /// is used.
    Half(&'static str),
    /// The environment's chain.
    Chain(Box<Chain>),
}

impl AwsIdentity {
    #[expect(clippy::disallowed_methods, reason = "to the AWS SDK, which signs with them")]
    pub(crate) fn keys(
        access_key: &SecretString,
        secret_key: &SecretString,
        session_token: Option<&SecretString>,
    ) -> Self {
        Self(Arc::new(Source::Keys(Credentials::new(
            access_key.expose_secret(),
            secret_key.expose_secret(),
            session_token.map(|token| token.expose_secret().to_owned()),
            None,
            "settings",
        ))))
    }

    fn half(what: &'static str) -> Self {
        Self(Arc::new(Source::Half(what)))
    }

    /// The credentials, or why there are none, looked up if need be.
    pub(crate) async fn credentials(&self) -> Result<Credentials, Arc<str>> {
        match &*self.0 {
            Source::Keys(credentials) => Ok(credentials.clone()),
            Source::Half(what) => Err(Arc::from(*what)),
            Source::Chain(chain) => chain.credentials().await,
        }
    }

    /// The same for `object_store`.
    pub(crate) fn for_object_store(&self) -> AwsCredentialProvider {
        Arc::new(self.clone())
    }

    /// The same for the AWS SDK. It need not keep what it is given.
    pub(crate) fn for_sdk(&self) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(self.clone())
    }
}

#[async_trait]
impl CredentialProvider for AwsIdentity {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let credentials = self.credentials().await.map_err(|reason| {
            object_store::Error::Generic { store: NO_CREDENTIALS, source: (*reason).into() }
        })?;
        Ok(Arc::new(AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        }))
    }
}

impl ProvideCredentials for AwsIdentity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.credentials().await.map_err(|reason| CredentialsError::not_loaded(&*reason))
        })
    }
}
