//! Asking.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use merak_authz::{BoxError, ExternalAuthorizer, PolicyQuestion};
use merak_model::Clock;
use moka::future::Cache;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::input::Request;
use crate::token::TokenSource;
use crate::{OpaSettings, PolicyUrl, TokenError, Trust};

/// A policy in an Open Policy Agent.
pub struct Opa {
    url: PolicyUrl,
    client: Client,
    tokens: TokenSource,
    max_answer_bytes: usize,
    clock: Arc<dyn Clock>,
    decisions: Option<Decisions>,
}

/// Why it is not known what the policy says. The texts are for the log: they say what to look at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client cannot be made.
    #[error(
        "the HTTP client cannot be made: are there certificates of authorities on this machine?"
    )]
    Client(#[source] reqwest::Error),
    /// The file with the certificates cannot be read.
    #[error("the file {} with the certificates of authorities cannot be read", .0.display())]
    TrustFile(PathBuf, #[source] io::Error),
    /// It has none that are understood.
    #[error(
        "the file {} has no certificates in PEM form: `keytool -list -rfc -keystore {}` shows those \
         of a Java trust store in it", .0.display(), .0.display()
    )]
    NoCertificates(PathBuf),
    /// There is no token to show.
    #[error(transparent)]
    NoToken(#[from] TokenError),
    /// The token cannot be sent.
    #[error("the token for the policy service has characters that no header may have")]
    BadToken,
    /// It cannot be reached, or takes too long.
    #[error("{0} does not answer")]
    NoAnswer(PolicyUrl, #[source] reqwest::Error),
    /// It answers more than is read.
    #[error(
        "the answer of {0} is longer than {1} bytes: see merak.authorization.opa.max-answer-size"
    )]
    TooLong(PolicyUrl, usize),
    /// What it answers is no JSON object.
    #[error("the answer of {0} is no JSON object")]
    Answer(PolicyUrl),
}

/// Decisions that count for a while.
struct Decisions {
    lifetime_ms: u64,
    cache: Cache<[u8; 32], Decided>,
}

/// A decision, and when it was made.
#[derive(Debug, Clone, Copy)]
struct Decided {
    allows: bool,
    at_ms: i64,
}

impl Opa {
    /// Asks as `settings` say. Nothing is asked yet.
    pub fn new(settings: OpaSettings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let client = client(&settings)?.build().map_err(Error::Client)?;
        let decisions = Decisions::new(settings.decision_lifetime, settings.max_decisions);
        Ok(Self {
            client,
            tokens: TokenSource::new(settings.credentials, Arc::clone(&clock)),
            url: settings.policy_url,
            max_answer_bytes: settings.max_answer_bytes,
            clock,
            decisions,
        })
    }

    async fn decide(&self, question: &PolicyQuestion<'_>) -> Result<bool, Error> {
        let Some(decisions) = &self.decisions else {
            return Ok(self.ask(question).await?.unwrap_or(false));
        };
        let key = Sha256::digest(Request::new(question).without_its_id().to_json()).into();
        let now_ms = self.clock.now_ms();
        if let Some(allows) = decisions.get(&key, now_ms).await {
            count(if allows { "allowed" } else { "denied" }, "cache");
            return Ok(allows);
        }
        let said = self.ask(question).await?;
        if let Some(allows) = said {
            decisions.cache.insert(key, Decided { allows, at_ms: now_ms }).await;
        }
        Ok(said.unwrap_or(false))
    }

    /// What the policy says; nothing, if it is not the policy that answers. Polaris takes that for a
    /// no.
    async fn ask(&self, question: &PolicyQuestion<'_>) -> Result<Option<bool>, Error> {
        let mut request = self
            .client
            .post(self.url.get())
            .header(CONTENT_TYPE, "application/json")
            .body(Request::new(question).to_json());
        if let Some(token) = self.tokens.token().await? {
            request = request.header(AUTHORIZATION, bearer(&token)?);
        }
        let no_answer =
            |error: reqwest::Error| Error::NoAnswer(self.url.clone(), error.without_url());
        let mut response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        if status != StatusCode::OK {
            let url = &self.url;
            tracing::warn!(%url, %status, "the policy service answers with an error: denied");
            count("denied", "status");
            return Ok(None);
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if answer.len() + chunk.len() > self.max_answer_bytes {
                return Err(Error::TooLong(self.url.clone(), self.max_answer_bytes));
            }
            answer.extend_from_slice(&chunk);
        }
        let allows = self.read(&answer)?;
        count(if allows { "allowed" } else { "denied" }, "policy");
        Ok(Some(allows))
    }

    fn read(&self, answer: &[u8]) -> Result<bool, Error> {
        let Ok(Value::Object(answer)) = serde_json::from_slice(answer) else {
            return Err(Error::Answer(self.url.clone()));
        };
        let allows = answer.get("result").and_then(|result| result.get("allow"));
        let allows = allows.and_then(Value::as_bool);
        if allows.is_none() {
            let url = &self.url;
            tracing::warn!(%url, "the policy does not say whether to allow: denied");
        }
        Ok(allows.unwrap_or(false))
    }
}

fn client(settings: &OpaSettings) -> Result<ClientBuilder, Error> {
    let builder = Client::builder()
        .user_agent(concat!("merak/", env!("CARGO_PKG_VERSION")))
        .timeout(settings.timeout)
        // Whoever is sent elsewhere tells others who does what here, and shows them the token.
        .redirect(Policy::none());
    // What is on this machine is not behind a proxy.
    let is_near = settings.policy_url.is_loopback();
    let builder = if is_near { builder.no_proxy() } else { builder };
    Ok(match &settings.trust {
        Trust::Machine => builder,
        Trust::Anyone => builder.tls_danger_accept_invalid_certs(true),
        Trust::File(path) => {
            let pem = std::fs::read(path).map_err(|error| Error::TrustFile(path.clone(), error))?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(Error::NoCertificates(path.clone()));
            }
            builder.tls_certs_only(certificates)
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "the token leaves for the policy service")]
fn bearer(token: &SecretString) -> Result<HeaderValue, Error> {
    let text = format!("Bearer {}", token.expose_secret());
    let mut value = HeaderValue::from_str(&text).map_err(|_| Error::BadToken)?;
    value.set_sensitive(true);
    Ok(value)
}

fn count(outcome: &'static str, by: &'static str) {
    metrics::counter!("merak_opa_decisions_total", "outcome" => outcome, "by" => by).increment(1);
}

impl Decisions {
    fn new(lifetime: Duration, max_entries: u64) -> Option<Self> {
        let lifetime_ms = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        let cache = Cache::builder().max_capacity(max_entries);
        // Longer than a year, the cache would not take.
        let cache = cache.time_to_live(lifetime.min(Duration::from_hours(24 * 365)));
        (lifetime_ms > 0).then(|| Self { lifetime_ms, cache: cache.build() })
    }

    async fn get(&self, key: &[u8; 32], now_ms: i64) -> Option<bool> {
        let decided = self.cache.get(key).await?;
        (decided.at_ms.abs_diff(now_ms) < self.lifetime_ms).then_some(decided.allows)
    }
}

#[async_trait]
impl ExternalAuthorizer for Opa {
    fn name(&self) -> &'static str {
        "OPA"
    }

    async fn allows(&self, question: &PolicyQuestion<'_>) -> Result<bool, BoxError> {
        self.decide(question).await.map_err(|error| {
            count("failed", "policy");
            error.into()
        })
    }
}

impl fmt::Debug for Opa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opa").field("url", &self.url).finish_non_exhaustive()
    }
}
