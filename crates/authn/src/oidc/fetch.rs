//! Asks an identity provider for its keys, within bounds of time and size.

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::jwks::KeySet;
use super::url::is_protected;
use super::{ExpectedIssuer, InvalidUrl, KeysAt, ProviderSettings, ProviderUrl};

/// Where providers keep what they say of themselves.
const DISCOVERY_PATH: &str = ".well-known/openid-configuration";

/// How often an answer may send us elsewhere.
const MAX_REDIRECTS: usize = 3;

/// Why there are no keys. The texts are for the log: they say what to look at.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(
        "the HTTP client cannot be made: are there certificates of authorities on this machine?"
    )]
    Client(#[source] reqwest::Error),
    #[error("{0} does not answer")]
    NoAnswer(ProviderUrl, #[source] reqwest::Error),
    #[error("{0} answers {1}")]
    Status(ProviderUrl, StatusCode),
    #[error("the answer of {0} is longer than {1} bytes: see merak.oidc.max-answer-size")]
    TooLong(ProviderUrl, usize),
    #[error("the answer of {0} is not what it should be")]
    Answer(ProviderUrl, #[source] serde_json::Error),
    #[error("the discovery document has `{0}` as the address of the keys, which {1}")]
    KeysUrl(String, #[source] InvalidUrl),
    #[error("{0} can be answered by anybody on the way: use https, or set merak.oidc.allow-http")]
    Unprotected(ProviderUrl),
    #[error(
        "the discovery document is that of the issuer `{0}`, not of {1}: put that name into \
         quarkus.oidc.auth-server-url, or into quarkus.oidc.token.issuer if the address is right"
    )]
    OtherIssuer(String, ProviderUrl),
}

/// What a provider says of itself, as far as it matters here.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

/// Keys as they were published.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) set: KeySet,
    /// What tokens must name as their issuer, unless anything will do.
    pub(super) issuer: Option<String>,
}

/// Asks one provider.
#[derive(Debug)]
pub(super) struct Fetcher {
    settings: ProviderSettings,
    /// Made at first use: it reads the machine's certificates.
    client: OnceCell<Client>,
}

impl Fetcher {
    pub(super) fn new(settings: ProviderSettings) -> Self {
        Self { settings, client: OnceCell::new() }
    }

    /// The keys as they are now.
    pub(super) async fn keys(&self) -> Result<Found, FetchError> {
        let settings = &self.settings;
        let (keys_url, discovered) = match &settings.keys {
            KeysAt::Fixed(url) => (url.clone(), None),
            KeysAt::Overridden(url) => (url.clone(), Some(self.discover().await?.issuer)),
            KeysAt::Discovered => {
                let Document { issuer, jwks_uri } = self.discover().await?;
                let url = settings.url.join(&jwks_uri);
                (url.map_err(|why| FetchError::KeysUrl(jwks_uri, why))?, Some(issuer))
            }
        };
        let issuer = match (&settings.issuer, discovered) {
            (ExpectedIssuer::Any, _) => None,
            (ExpectedIssuer::Named(issuer), _) => Some(issuer.clone()),
            (ExpectedIssuer::Discovered, Some(issuer)) => Some(self.own(issuer)?),
            (ExpectedIssuer::Discovered, None) => Some(settings.url.to_string()),
        };
        let set = KeySet::parse(&self.get(&keys_url).await?);
        let set = set.map_err(|error| FetchError::Answer(keys_url, error))?;
        Ok(Found { set, issuer })
    }

    async fn discover(&self) -> Result<Document, FetchError> {
        let url = self.settings.url.join(DISCOVERY_PATH);
        let url = url.expect("a path below a good address is a good address");
        let answer = self.get(&url).await?;
        serde_json::from_slice(&answer).map_err(|error| FetchError::Answer(url, error))
    }

    /// The issuer that a document names, which must be the one that was asked: another one's keys
    /// would otherwise be taken for its own.
    fn own(&self, issuer: String) -> Result<String, FetchError> {
        let asked = &self.settings.url;
        if asked.is_named(&issuer) {
            Ok(issuer)
        } else {
            Err(FetchError::OtherIssuer(issuer, asked.clone()))
        }
    }

    async fn get(&self, url: &ProviderUrl) -> Result<Vec<u8>, FetchError> {
        if !self.settings.allow_http && !url.is_protected() {
            return Err(FetchError::Unprotected(url.clone()));
        }
        let no_answer =
            |error: reqwest::Error| FetchError::NoAnswer(url.clone(), error.without_url());
        let request = self.client().await?.get(url.get()).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(no_answer)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(url.clone(), response.status()));
        }
        let max_bytes = self.settings.max_answer_bytes;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if answer.len() + chunk.len() > max_bytes {
                return Err(FetchError::TooLong(url.clone(), max_bytes));
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    async fn client(&self) -> Result<&Client, FetchError> {
        let make = async || {
            let allow_http = self.settings.allow_http;
            let builder = Client::builder()
                .user_agent(concat!("merak/", env!("CARGO_PKG_VERSION")))
                .timeout(Duration::from_millis(self.settings.timeout_ms))
                .redirect(Policy::custom(move |attempt| redirect(attempt, allow_http)));
            // What is on this machine is not behind a proxy.
            let is_near = self.settings.url.is_loopback();
            let builder = if is_near { builder.no_proxy() } else { builder };
            builder.build().map_err(FetchError::Client)
        };
        self.client.get_or_try_init(make).await
    }
}

/// Follows to where nobody else can answer, and never from https to http or back: who answers in the
/// clear is not who was asked.
fn redirect(attempt: Attempt<'_>, allow_http: bool) -> reqwest::redirect::Action {
    let came_from = attempt.previous().last();
    let is_same_scheme = came_from.is_some_and(|from| from.scheme() == attempt.url().scheme());
    if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("it sends us from one address to the next")
    } else if !is_same_scheme || !(allow_http || is_protected(attempt.url())) {
        attempt.error("it sends us to an address that anybody on the way can answer")
    } else {
        attempt.follow()
    }
}
