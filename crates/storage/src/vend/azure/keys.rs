//! Delegation keys, asked for at the accounts and kept.

use std::sync::Arc;
use std::time::Duration;

use merak_model::Clock;
use moka::future::Cache;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, Response};
use secrecy::ExposeSecret;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::address::AzureAddress;
use super::delegation_key::UserDelegationKey;
use super::identity::{AzureIdentity, Token};
use super::remembered::Remembered;
use super::settings::AzureSettings;
use crate::io::{answer_message, tidy};
use crate::{ProviderMessage, VendError};

/// How far the server's clock may be ahead of the account's: a key that is not good yet signs
/// nothing.
const SKEW_S: i64 = 5 * 60;
/// The longest that Azure lets a key live is seven days. A little less, as Polaris has it.
const LONGEST_S: i64 = 7 * 24 * 3600 - 60;
/// How long a key lives at least, so that one serves many signatures.
const SHORTEST_S: i64 = 24 * 3600;
/// How many keys are kept.
const MOST_KEYS: u64 = 1000;
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The keys of all accounts. A key signs for as long as what it signs ends before it.
#[derive(Debug)]
pub(super) struct DelegationKeys {
    settings: Arc<AzureSettings>,
    clock: Arc<dyn Clock>,
    identity: Arc<AzureIdentity>,
    /// Made at first use: it reads the machine's certificates.
    client: OnceCell<Client>,
    keys: Cache<(String, String), Arc<Remembered<Arc<UserDelegationKey>>>>,
}

/// A request that failed.
struct Failed {
    status: Option<u16>,
    reason: String,
}

impl Failed {
    /// Whether trying again may help.
    fn may_pass(&self) -> bool {
        matches!(self.status, None | Some(408 | 429 | 500..))
    }
}

impl DelegationKeys {
    pub(super) fn new(
        settings: Arc<AzureSettings>,
        clock: Arc<dyn Clock>,
        identity: Arc<AzureIdentity>,
    ) -> Self {
        let keys = Cache::new(MOST_KEYS);
        Self { settings, clock, identity, client: OnceCell::new(), keys }
    }

    /// A key that lives for some time yet, if the account gives such.
    pub(super) async fn key(
        &self,
        address: &AzureAddress,
        tenant: &str,
        lifetime: Duration,
    ) -> Result<Arc<UserDelegationKey>, VendError> {
        let lifetime_s = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX).min(LONGEST_S);
        // What ends with its key ends a little earlier, rather than that each asks for a key.
        let needed_ms = lifetime_s.min(LONGEST_S - 3600) * 1000;
        let now_ms = self.clock.now_ms();
        let fresh = async { Arc::new(Remembered::new()) };
        let name = (address.blob_url.clone(), tenant.to_owned());
        let remembered = self.keys.get_with(name, fresh).await;
        let is_good = |key: &Arc<UserDelegationKey>| key.expires_at_ms - now_ms >= needed_ms;
        remembered.get(is_good, self.ask(address, tenant, lifetime_s)).await
    }

    async fn ask(
        &self,
        address: &AzureAddress,
        tenant: &str,
        lifetime_s: i64,
    ) -> Result<Arc<UserDelegationKey>, VendError> {
        let token = self.identity.token(tenant).await?;
        let start = self.clock.now_s() - SKEW_S;
        let lives = lifetime_s.saturating_mul(2).max(SHORTEST_S) + SKEW_S;
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{}</Start><Expiry>{}\
             </Expiry></KeyInfo>",
            rfc3339(start),
            rfc3339(start + lives.min(LONGEST_S))
        );
        let step = || format!("A user delegation key of the account {}", address.account);
        let begun = Instant::now();
        let mut delay = self.settings.token_retry_delay;
        let mut repeated = 0;
        let document = loop {
            match self.send(address, &token, &body).await {
                Ok(document) => break document,
                Err(failed)
                    if failed.may_pass()
                        && repeated < self.settings.token_retries
                        && begun.elapsed() + delay < self.settings.token_timeout =>
                {
                    tokio::time::sleep(delay).await;
                    delay *= 2;
                    repeated += 1;
                }
                Err(failed) => {
                    let (may_pass, step) = (failed.may_pass(), step());
                    let reason = ProviderMessage(failed.reason);
                    return Err(if may_pass {
                        VendError::Unavailable { step, reason }
                    } else {
                        VendError::Denied { step, reason }
                    });
                }
            }
        };
        let key = UserDelegationKey::read(&document).map_err(|what| VendError::Unavailable {
            step: step(),
            reason: ProviderMessage(format!("the answer is not understood: {what}")),
        })?;
        if key.expires_at_ms <= self.clock.now_ms() {
            let reason = ProviderMessage("the key that came has ended already".to_owned());
            return Err(VendError::Unavailable { step: step(), reason });
        }
        Ok(Arc::new(key))
    }

    #[expect(clippy::disallowed_methods, reason = "the token goes to the account, as a header")]
    async fn send(
        &self,
        address: &AzureAddress,
        token: &Token,
        body: &str,
    ) -> Result<String, Failed> {
        let url = format!("{}/?restype=service&comp=userdelegationkey", address.blob_url);
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.secret.expose_secret()))
            .map_err(|_| Failed { status: None, reason: "the token is no header".to_owned() })?;
        bearer.set_sensitive(true);
        let answer = self
            .client()
            .await?
            .post(url)
            .header(AUTHORIZATION, bearer)
            .header(CONTENT_TYPE, "application/xml")
            .header("x-ms-version", self.settings.sas_version.as_str())
            .body(body.to_owned())
            .send()
            .await
            .map_err(transport_failed)?;
        let (status, tenant) = (answer.status(), tenant_of_account(&answer));
        let text = read(answer).await?;
        if status.is_success() {
            return Ok(text);
        }
        let said = answer_message(&text).unwrap_or_else(|| format!("HTTP status {status}"));
        let reason = match tenant {
            Some(tenant) => format!("{said} (the account takes tokens of the tenant {tenant})"),
            None => said,
        };
        Err(Failed { status: Some(status.as_u16()), reason })
    }

    async fn client(&self) -> Result<&Client, Failed> {
        let make = || async {
            Client::builder()
                .timeout(self.settings.request_timeout)
                .connect_timeout(self.settings.connect_timeout)
                // The token is for the account, and for no other.
                .redirect(reqwest::redirect::Policy::none())
                .build()
        };
        self.client.get_or_try_init(make).await.map_err(transport_failed)
    }
}

async fn read(mut answer: Response) -> Result<String, Failed> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(transport_failed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST_ANSWER {
            return Err(Failed { status: None, reason: "the answer is too long".to_owned() });
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The tenant whose tokens an account takes: with status 401, it says where to get one.
fn tenant_of_account(answer: &Response) -> Option<String> {
    let challenge = answer.headers().get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (_, uri) = challenge.split_once("authorization_uri=")?;
    let tenant = uri.trim_start_matches('"').strip_prefix("https://")?.split('/').nth(1)?;
    let is_tenant = (1..=64).contains(&tenant.len())
        && tenant.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    is_tenant.then(|| tenant.to_owned())
}

fn transport_failed(error: reqwest::Error) -> Failed {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    Failed { status: None, reason: tidy(&text) }
}

/// A time as Azure writes it, to the second.
pub(super) fn rfc3339(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}
