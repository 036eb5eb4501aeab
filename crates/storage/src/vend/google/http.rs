//! Requests to Google's services for tokens, and what their refusals say.

use std::error::Error as StdError;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::form_urlencoded;

use super::settings::is_loopback;
use crate::io::{google_words, tidy};
use crate::vend::VendError;
use crate::{ProviderMessage, StorageSettings};

/// The most bytes of an answer that are looked at. Tokens have up to 12 KiB.
const LONGEST_ANSWER: usize = 256 * 1024;
/// How long is waited before a request is repeated for the first time.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// A request to one of Google's services.
pub(super) struct Request {
    /// What it is for, in the words of errors.
    step: String,
    inner: reqwest::Request,
    is_to_metadata: bool,
}

impl Request {
    /// A form, as OAuth has it.
    pub(super) fn form(step: String, url: Url, fields: &[(&str, &SecretString)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            form.append_pair(name, exposed(value));
        }
        Self::post(step, url, "application/x-www-form-urlencoded", form.finish())
    }

    pub(super) fn json(step: String, url: Url, body: &Value) -> Self {
        Self::post(step, url, "application/json", body.to_string())
    }

    fn post(step: String, url: Url, content_type: &'static str, body: String) -> Self {
        let mut inner = reqwest::Request::new(Method::POST, url);
        inner.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        *inner.body_mut() = Some(body.into());
        Self { step, inner, is_to_metadata: false }
    }

    /// A question to the machine's metadata server.
    pub(super) fn metadata(step: String, url: Url) -> Self {
        let mut inner = reqwest::Request::new(Method::GET, url);
        inner.headers_mut().insert("metadata-flavor", HeaderValue::from_static("Google"));
        Self { step, inner, is_to_metadata: true }
    }

    /// Sends it in the name of whom a token was made for.
    pub(super) fn with_bearer(mut self, token: &SecretString) -> Result<Self, VendError> {
        let value = HeaderValue::try_from(format!("Bearer {}", exposed(token)));
        let mut value = value.map_err(|_| VendError::NoIdentity {
            cloud: super::CLOUD,
            reason: "the access token has characters that none has".to_owned(),
        })?;
        value.set_sensitive(true);
        self.inner.headers_mut().insert(AUTHORIZATION, value);
        Ok(self)
    }

    /// Says whose quota it counts against.
    pub(super) fn with_quota_project(mut self, project: Option<&str>) -> Self {
        if let Some(value) = project.and_then(|project| HeaderValue::try_from(project).ok()) {
            self.inner.headers_mut().insert("x-goog-user-project", value);
        }
        self
    }

    fn is_near(&self) -> bool {
        self.is_to_metadata || is_loopback(self.inner.url())
    }

    fn refused(&self, status: StatusCode, answer: &[u8]) -> VendError {
        let reason = ProviderMessage(words(status, answer));
        let step = self.step.clone();
        if is_passing(status) {
            VendError::Unavailable { step, reason }
        } else {
            VendError::Denied { step, reason }
        }
    }

    fn unavailable(&self, reason: &str) -> VendError {
        let reason = ProviderMessage(tidy(reason));
        VendError::Unavailable { step: self.step.clone(), reason }
    }
}

/// Sends requests.
#[derive(Debug)]
pub(crate) struct GoogleHttp {
    request_timeout: Duration,
    connect_timeout: Duration,
    retry_timeout: Duration,
    max_retries: usize,
    /// Made at first use: it reads the machine's certificates.
    far: OnceCell<Client>,
    /// Passes by all proxies: for what is on this machine or beside it.
    near: OnceCell<Client>,
}

impl GoogleHttp {
    pub(super) fn new(settings: &StorageSettings) -> Self {
        Self {
            request_timeout: settings.request_timeout,
            connect_timeout: settings.connect_timeout,
            retry_timeout: settings.retry_timeout,
            max_retries: settings.max_retries,
            far: OnceCell::new(),
            near: OnceCell::new(),
        }
    }

    /// The longest that one request can take, its repetitions included.
    pub(super) fn deadline(&self) -> Duration {
        self.retry_timeout + self.request_timeout
    }

    /// The answer to a request, which is repeated after a failure that may pass.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> Result<T, VendError> {
        let answer = self.send_for_bytes(request).await?;
        // The error's own text might quote the answer, which holds a token.
        serde_json::from_slice(&answer)
            .map_err(|_| request.unavailable("the answer is not what it should be"))
    }

    /// The answer to a request, as a text.
    pub(super) async fn send_for_text(&self, request: &Request) -> Result<String, VendError> {
        let answer = self.send_for_bytes(request).await?;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }

    async fn send_for_bytes(&self, request: &Request) -> Result<Vec<u8>, VendError> {
        let begun = Instant::now();
        let mut backoff = FIRST_BACKOFF;
        let mut retries = 0;
        loop {
            let (error, passes) = match self.try_once(request).await? {
                Ok((StatusCode::OK, answer)) => return Ok(answer),
                Ok((status, answer)) => (request.refused(status, &answer), is_passing(status)),
                // Whoever was silent for that long will not speak up now.
                Err(error) => {
                    let passes = !error.is_timeout() && !request.is_to_metadata;
                    (request.unavailable(&causes(&error.without_url())), passes)
                }
            };
            let is_late = begun.elapsed() + backoff > self.retry_timeout;
            if !passes || is_late || retries >= self.max_retries {
                return Err(error);
            }
            tokio::time::sleep(backoff).await;
            backoff *= 2;
            retries += 1;
        }
    }

    async fn try_once(
        &self,
        request: &Request,
    ) -> Result<reqwest::Result<(StatusCode, Vec<u8>)>, VendError> {
        let client = self.client(request).await?;
        let copy = request.inner.try_clone().expect("a body of bytes can be copied");
        let mut response = match client.execute(copy).await {
            Ok(response) => response,
            Err(error) => return Ok(Err(error)),
        };
        let mut answer = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if answer.len() + chunk.len() <= LONGEST_ANSWER => {
                    answer.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return Err(request.unavailable("the answer is too long")),
                Ok(None) => return Ok(Ok((response.status(), answer))),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    async fn client(&self, request: &Request) -> Result<&Client, VendError> {
        let is_near = request.is_near();
        let cell = if is_near { &self.near } else { &self.far };
        let make = async || {
            let builder = Client::builder()
                .user_agent(concat!("merak/", env!("CARGO_PKG_VERSION")))
                .timeout(self.request_timeout)
                .connect_timeout(self.connect_timeout)
                // A secret goes to whom it was meant for, and nowhere else.
                .redirect(Policy::none());
            let builder = if is_near { builder.no_proxy() } else { builder };
            builder.build().map_err(|error| request.unavailable(&causes(&error)))
        };
        cell.get_or_try_init(make).await
    }
}

#[expect(clippy::disallowed_methods, reason = "to Google, in the body or the head of a request")]
fn exposed(secret: &SecretString) -> &str {
    secret.expose_secret()
}

/// Whether what was refused may be granted a moment later.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// What a refusal says, in Google's own words where it has any.
fn words(status: StatusCode, answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    google_words(&text).unwrap_or_else(|| format!("HTTP status {status}"))
}

/// The causes of an error, from the outermost to the first, each said once.
fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_told_by_its_status() {
        for answer in ["", "<html>Bad Gateway</html>", "[]", "{}", "{\"error\":7}"] {
            assert_eq!(
                words(StatusCode::BAD_GATEWAY, answer.as_bytes()),
                "HTTP status 502 Bad Gateway"
            );
        }
    }
}
