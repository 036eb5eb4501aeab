//! The environment's own credentials: the chain that every AWS SDK searches.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use merak_model::clock::{Clock, SystemClock};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::environment::AwsEnvironment;
use crate::settings::StorageSettings;

/// For how long a failure to get credentials is taken to last. The metadata service is slow where
/// there is none.
const FAILURE_LASTS: Duration = Duration::from_secs(5);

/// How long one look-up may take, all sources together.
const LOOK_UP_MAY_TAKE: Duration = Duration::from_secs(15);

/// How long before they end credentials are looked up anew; those in hand serve until it succeeds.
const REFRESH_AHEAD_MS: i64 = 5 * 60 * 1000;

/// For how long credentials without an end are kept: files may get others.
const ENDLESS_ONES_ARE_KEPT_MS: i64 = 15 * 60 * 1000;

const REGION_WHERE_NONE_IS_SET: &str = "us-east-1";

/// The chain, asked when first needed. Many waiters ask once.
pub(super) struct Chain {
    environment: AwsEnvironment,
    timeouts: TimeoutConfig,
    http: SharedHttpClient,
    provider: OnceCell<SharedCredentialsProvider>,
    /// Held while the chain is asked; it remembers a failure.
    asking: tokio::sync::Mutex<Option<(Instant, Arc<str>)>>,
    found: Mutex<Option<Found>>,
}

#[derive(Clone)]
struct Found {
    credentials: Credentials,
    refresh_at_ms: i64,
    ends_at_ms: i64,
}

impl Chain {
    pub(super) fn new(
        settings: &StorageSettings,
        environment: &AwsEnvironment,
        http: SharedHttpClient,
    ) -> Self {
        let attempt = settings.request_timeout.min(Duration::from_secs(5));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .operation_attempt_timeout(attempt)
            .operation_timeout(attempt * 2)
            .build();
        Self {
            environment: environment.clone(),
            timeouts,
            http,
            provider: OnceCell::new(),
            asking: tokio::sync::Mutex::new(None),
            found: Mutex::new(None),
        }
    }

    /// The credentials, or why there are none.
    pub(super) async fn credentials(&self) -> Result<Credentials, Arc<str>> {
        let valid = match self.found() {
            InHand::Fresh(credentials) => return Ok(credentials),
            InHand::Ending(credentials) => Some(credentials),
            InHand::Nothing => None,
        };
        let mut failure = match (self.asking.try_lock(), valid) {
            // Another is asking already, and what there is still serves.
            (Err(_), Some(credentials)) => return Ok(credentials),
            (Err(_), None) => self.asking.lock().await,
            (Ok(turn), _) => turn,
        };
        let valid = match self.found() {
            InHand::Fresh(credentials) => return Ok(credentials),
            InHand::Ending(credentials) => Some(credentials),
            InHand::Nothing => None,
        };
        if let Some((since, reason)) = failure.as_ref()
            && since.elapsed() < FAILURE_LASTS
        {
            return valid.ok_or_else(|| Arc::clone(reason));
        }
        match self.ask().await {
            Ok(credentials) => {
                *failure = None;
                self.keep(&credentials);
                Ok(credentials)
            }
            Err(reason) => {
                tracing::warn!(reason, "no AWS credentials were found");
                let reason: Arc<str> = reason.into();
                *failure = Some((Instant::now(), Arc::clone(&reason)));
                valid.ok_or(reason)
            }
        }
    }

    fn found(&self) -> InHand {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemClock.now_ms();
        match found.as_ref() {
            Some(found) if now < found.refresh_at_ms => InHand::Fresh(found.credentials.clone()),
            Some(found) if now < found.ends_at_ms => InHand::Ending(found.credentials.clone()),
            Some(_) | None => InHand::Nothing,
        }
    }

    fn keep(&self, credentials: &Credentials) {
        let now = SystemClock.now_ms();
        let end = credentials.expiry().map(|end| {
            let since = end.duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        });
        let (refresh_at_ms, ends_at_ms) = match end {
            // Those that live no longer than that are not asked for with each request.
            Some(end) => (end - REFRESH_AHEAD_MS.min((end - now) / 2), end),
            None => (now + ENDLESS_ONES_ARE_KEPT_MS, i64::MAX),
        };
        let found = Found { credentials: credentials.clone(), refresh_at_ms, ends_at_ms };
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    async fn ask(&self) -> Result<Credentials, String> {
        let half = match (
            self.environment.has("AWS_ACCESS_KEY_ID"),
            self.environment.has("AWS_SECRET_ACCESS_KEY"),
        ) {
            (true, false) => Some("AWS_ACCESS_KEY_ID is set, but not AWS_SECRET_ACCESS_KEY"),
            (false, true) => Some("AWS_SECRET_ACCESS_KEY is set, but not AWS_ACCESS_KEY_ID"),
            (true, true) | (false, false) => None,
        };
        if let Some(half) = half {
            // The chain would go on, and nobody would notice whose identity is used.
            return Err(half.to_owned());
        }
        let look_up = async {
            let provider = self.provider.get_or_init(|| self.build()).await;
            provider.provide_credentials().await
        };
        match tokio::time::timeout(LOOK_UP_MAY_TAKE, look_up).await {
            Ok(Ok(credentials)) => Ok(credentials),
            Ok(Err(CredentialsError::CredentialsNotLoaded(_))) => Err(self.nothing_found()),
            Ok(Err(error)) => Err(crate::io::causes(&error)),
            Err(_) => Err("the sources of credentials did not answer in time".to_owned()),
        }
    }

    fn nothing_found(&self) -> String {
        let metadata = if self.environment.has_instance_metadata() {
            "the machine's metadata service has none"
        } else {
            "the metadata service is switched off"
        };
        format!(
            "no keys are set, neither the environment nor ~/.aws names a source of credentials, \
             and {metadata}"
        )
    }

    /// The chain of the SDK: environment, profile, web identity, container, instance.
    async fn build(&self) -> SharedCredentialsProvider {
        let region = self.environment.region();
        let region = region.unwrap_or_else(|| REGION_WHERE_NONE_IS_SET.to_owned());
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            // Else the machine's metadata service would be asked for it, wherever it runs.
            .region(Region::new(region))
            .timeout_config(self.timeouts.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(2));
        // Elsewhere it is that of the process, as which `AwsEnvironment` was made.
        #[cfg(test)]
        let loader = loader.env(self.environment.variables().into());
        let config = loader.load().await;
        config.credentials_provider().expect("the SDK's chain is not switched off")
    }
}

/// What is in hand.
enum InHand {
    Fresh(Credentials),
    /// They serve, and should be looked up anew.
    Ending(Credentials),
    Nothing,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("environment", &self.environment).finish_non_exhaustive()
    }
}
