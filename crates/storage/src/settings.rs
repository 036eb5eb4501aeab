//! What the server's own access to stores depends on.

use std::collections::BTreeMap;
use std::time::Duration;

use object_store::{BackoffConfig, RetryConfig};
use secrecy::SecretString;

use crate::vend::{AzureSettings, CacheSettings, GoogleSettings};

/// A fixed AWS identity.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// The access key id.
    pub access_key: SecretString,
    /// The secret access key.
    pub secret_key: SecretString,
    /// Of temporary keys, the session token.
    pub session_token: Option<SecretString>,
}

/// Who the server is to the stores, how long it waits for them, and how much it accepts from them.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// `polaris.storage.aws.access-key`. Without it and the secret key, the environment's own chain
    /// is asked when credentials are first needed.
    pub aws_access_key: Option<SecretString>,
    /// `polaris.storage.aws.secret-key`.
    pub aws_secret_key: Option<SecretString>,
    /// Of temporary keys, the session token.
    pub aws_session_token: Option<SecretString>,
    /// `polaris.storage.aws.<name>.*`: identities of their own for catalogs that have that storage
    /// name, or whose first allowed location is in a bucket of that name. They come before all
    /// others. Leave it empty unless `RESOLVE_CREDENTIALS_BY_STORAGE_NAME` is on.
    pub aws_named_keys: BTreeMap<String, AwsKeys>,
    /// Who the server is to Google.
    pub google: GoogleSettings,
    /// The server's identity in Azure, and where Azure is.
    pub azure: AzureSettings,
    /// How long one request may take, its answer included.
    pub request_timeout: Duration,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How often a request is repeated that failed for no fault of its own.
    pub max_retries: usize,
    /// After how long no further try is begun.
    pub retry_timeout: Duration,
    /// How large metadata may be, decompressed. Larger files are refused.
    pub max_metadata_bytes: u64,
    /// How many store clients are kept.
    pub max_clients: usize,
    /// Whether catalogs may lie in the server's own file system.
    pub allow_file_type: bool,
    /// How vended credentials are kept.
    pub credential_cache: CacheSettings,
    /// Whether requests to S3 are signed with the server's own keys where a catalog has no STS:
    /// `merak.signing.own-credentials`.
    pub sign_with_own_keys: bool,
}

impl StorageSettings {
    /// The longest that one operation can take, credentials included: the last try begins before
    /// `retry_timeout` has passed and ends within `request_timeout`.
    pub(crate) fn deadline(&self) -> Duration {
        self.retry_timeout + self.request_timeout
    }

    /// How requests to stores are repeated.
    pub(crate) fn retries(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(2),
                base: 2.0,
            },
            max_retries: self.max_retries,
            retry_timeout: self.retry_timeout,
        }
    }
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            aws_access_key: None,
            aws_secret_key: None,
            aws_session_token: None,
            aws_named_keys: BTreeMap::new(),
            google: GoogleSettings::default(),
            azure: AzureSettings::default(),
            request_timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(3),
            max_retries: 3,
            retry_timeout: Duration::from_secs(10),
            max_metadata_bytes: 256 * 1024 * 1024,
            max_clients: 50,
            allow_file_type: false,
            credential_cache: CacheSettings::default(),
            sign_with_own_keys: true,
        }
    }
}
