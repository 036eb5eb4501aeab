//! Another catalog, and what it is asked.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use merak_model::{Clock, Properties};
use merak_storage::RequestSigner;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use url::Url;

use crate::authentication::{Authentication, Means};
use crate::http::{Http, Received, Request};
use crate::kept::{Fresh, Kept};
use crate::{Error, RemoteConfig};

/// What need not be encoded in a part of an address: RFC 3986, section 2.3.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How old what a catalog says of itself must be to be asked for again after a 404: most of them
/// mean that there is no such table.
const LOOK_AGAIN_MS: i64 = 10_000;

/// How much of what a catalog says is repeated.
const MAX_MESSAGE: usize = 300;

/// A catalog that owns the tables of a federated one.
pub struct Remote {
    pub(crate) host: String,
    pub(crate) base: Url,
    /// `warehouse` in the protocol.
    pub(crate) warehouse: Option<String>,
    pub(crate) properties: Properties,
    /// Those that the connection's properties add to each request.
    pub(crate) headers: HeaderMap,
    pub(crate) authentication: Authentication,
    pub(crate) config: Kept<RemoteConfig>,
    pub(crate) config_lifetime_ms: i64,
    pub(crate) http: Arc<Http>,
    pub(crate) signer: RequestSigner,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A request of Iceberg's REST protocol.
#[derive(Debug, Clone)]
pub struct RemoteRequest {
    /// Its method.
    pub method: Method,
    /// The parts of the path below `/v1/{prefix}/`, as they are before they are encoded. The levels
    /// of a namespace are one part: see [`Remote::namespace`].
    pub path: Vec<String>,
    /// The query's parameters, as they are before they are encoded.
    pub query: Vec<(String, String)>,
    /// Headers, beside those that every request has.
    pub headers: Vec<(&'static str, String)>,
    /// A body in JSON.
    pub body: Option<Bytes>,
}

/// The methods of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are HTTP's")]
pub enum Method {
    Get,
    Head,
    Post,
    Delete,
}

/// What the other catalog answered. Its errors are answers, too, but for those that mean that it
/// does not take the server's credentials.
#[derive(Debug, Clone)]
pub struct RemoteAnswer {
    /// The status: 2xx, 304, 4xx but 401, or 5xx.
    pub status: u16,
    /// The version of what it shows.
    pub etag: Option<String>,
    /// The body: JSON where the status is 2xx, unless it is empty, and anything else.
    pub body: Bytes,
}

impl Remote {
    /// Asks it, as whoever the server is to it.
    ///
    /// A request that is refused for a token that has ended is made once again with another one. No
    /// other is repeated: the client does that, or does not.
    pub async fn call(&self, request: RemoteRequest) -> Result<RemoteAnswer, Error> {
        let config = self.config().await?;
        let url = address(&config, &request)?;
        let changes = request.method.changes();
        let Received { status, etag, body } = self.send(&request, &url).await?;
        let host = self.host.clone();
        let nonsense = |reason: String| {
            if changes {
                Error::OutcomeUnknown { host: self.host.clone(), reason, source: None }
            } else {
                Error::Nonsense { host: self.host.clone(), reason }
            }
        };
        match status {
            200..=299 => {
                if !body.is_empty() && !is_json(&body) {
                    return Err(nonsense("its answer is no JSON".to_owned()));
                }
            }
            304 => {}
            401 => return Err(unauthorized(host, status)),
            404 => self.config.forget_older(self.clock.now_ms(), LOOK_AGAIN_MS).await,
            // Nothing was done there, so that it is no unknown outcome of a change.
            300..=399 => return Err(Error::Nonsense { host, reason: redirected(status) }),
            400..=599 => {}
            _ => return Err(nonsense(format!("its status is {status}"))),
        }
        Ok(RemoteAnswer { status, etag, body })
    }

    /// What it says of itself, which is remembered for a while.
    pub async fn config(&self) -> Result<Arc<RemoteConfig>, Error> {
        let now_ms = self.clock.now_ms();
        let ask = || async {
            let config = self.ask_config().await?;
            Ok(Fresh::renewed_at(config, now_ms.saturating_add(self.config_lifetime_ms)))
        };
        self.config.get(now_ms, ask).await
    }

    /// The levels of a namespace as one part of a path, or one parameter, before it is encoded.
    pub async fn namespace<S: AsRef<str>>(&self, levels: &[S]) -> Result<String, Error> {
        let levels: Vec<_> = levels.iter().map(AsRef::as_ref).collect();
        Ok(levels.join(&self.config().await?.separator))
    }

    /// Its host and port, for messages.
    pub fn host(&self) -> &str {
        &self.host
    }

    async fn ask_config(&self) -> Result<RemoteConfig, Error> {
        let query = self.warehouse.iter().map(|name| ("warehouse".to_owned(), name.clone()));
        let request = RemoteRequest {
            method: Method::Get,
            path: vec!["config".to_owned()],
            query: query.collect(),
            headers: Vec::new(),
            body: None,
        };
        let nowhere = RemoteConfig {
            base: self.base.clone(),
            prefix: None,
            separator: String::new(),
            endpoints: None,
        };
        let url = address(&nowhere, &request)?;
        let answer = self.send(&request, &url).await?;
        let host = self.host.clone();
        match answer.status {
            200 => RemoteConfig::read(&answer.body, &self.base, &self.properties)
                .map_err(|reason| Error::Nonsense { host, reason }),
            status @ (401 | 403) => Err(unauthorized(host, status)),
            status @ (429 | 500..=599) => {
                let reason = format!("it answers {status} when asked for its configuration");
                Err(Error::Unreachable { host, reason, source: None })
            }
            status @ 300..=399 => Err(Error::Nonsense { host, reason: redirected(status) }),
            status => {
                let said =
                    message(&answer.body).map_or_else(String::new, |said| format!(": {said}"));
                let reason = format!("it answers {status} when asked for its configuration{said}");
                Err(Error::Nonsense { host, reason })
            }
        }
    }

    /// Sends a request, once again if the token that was shown has ended.
    async fn send(&self, request: &RemoteRequest, url: &Url) -> Result<Received, Error> {
        let changes = request.method.changes();
        let mut is_second = false;
        loop {
            let mut sent = Request {
                method: request.method.as_http(),
                url,
                headers: self.headers_of(request)?,
                body: request.body.clone(),
            };
            let means = Means {
                http: &self.http,
                signer: &self.signer,
                host: &self.host,
                now_ms: self.clock.now_ms(),
            };
            let shown = self.authentication.show(&means, &mut sent).await?;
            let began = Instant::now();
            let received = self.http.send(sent).await.map_err(|failure| {
                if changes {
                    failure.of_change(&self.host)
                } else {
                    failure.of_question(&self.host)
                }
            })?;
            let (host, status) = (&self.host, received.status);
            let took_ms = began.elapsed().as_millis();
            tracing::debug!(host, status, took_ms, "another catalog answered");
            if received.status == 401
                && !is_second
                && let Some(token) = shown
                && self.authentication.renew(&token).await
            {
                is_second = true;
                continue;
            }
            return Ok(received);
        }
    }

    fn headers_of(&self, request: &RemoteRequest) -> Result<HeaderMap, Error> {
        let json = HeaderValue::from_static("application/json");
        let mut headers = self.headers.clone();
        headers.insert(ACCEPT, json.clone());
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE, json);
        }
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let header = name.ok().zip(HeaderValue::from_str(value).ok());
            let (name, value) = header.ok_or_else(|| Error::Unaddressable(value.clone()))?;
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

impl fmt::Debug for Remote {
    /// Without what is shown to it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Method {
    /// Whether such a request may change something.
    pub const fn changes(self) -> bool {
        match self {
            Self::Get | Self::Head => false,
            Self::Post | Self::Delete => true,
        }
    }

    const fn as_http(self) -> reqwest::Method {
        match self {
            Self::Get => reqwest::Method::GET,
            Self::Head => reqwest::Method::HEAD,
            Self::Post => reqwest::Method::POST,
            Self::Delete => reqwest::Method::DELETE,
        }
    }
}

/// The address of a request. What is asked for stays below `/v1/` and the prefix, whatever its names
/// are.
fn address(config: &RemoteConfig, request: &RemoteRequest) -> Result<Url, Error> {
    let mut text = format!("{}/v1", config.base.as_str().trim_end_matches('/'));
    if request.path.first().map(String::as_str) != Some("config")
        && let Some(prefix) = &config.prefix
    {
        text.push('/');
        text.push_str(prefix);
    }
    for part in &request.path {
        // Even encoded, these are taken for steps of a path.
        if matches!(part.as_str(), "" | "." | "..") {
            return Err(Error::Unaddressable(part.clone()));
        }
        text.push('/');
        text.extend(utf8_percent_encode(part, PART));
    }
    let steps = text.matches('/').count();
    for (nth, (name, value)) in request.query.iter().enumerate() {
        text.push(if nth == 0 { '?' } else { '&' });
        text.extend(utf8_percent_encode(name, PART));
        text.push('=');
        text.extend(utf8_percent_encode(value, PART));
    }
    let url = Url::parse(&text).ok();
    let url = url.filter(|url| {
        let path = url.as_str().split('?').next().unwrap_or_default();
        url.origin() == config.base.origin() && path.matches('/').count() == steps
    });
    url.ok_or_else(|| Error::Unaddressable(request.path.join("/")))
}

fn is_json(body: &Bytes) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

fn unauthorized(host: String, status: u16) -> Error {
    Error::Unauthorized { host, reason: format!("it answers {status}") }
}

fn redirected(status: u16) -> String {
    format!("it sends one elsewhere (status {status}), where credentials do not follow")
}

/// What an error says, in so many characters that can be seen.
fn message(body: &Bytes) -> Option<String> {
    #[derive(Deserialize)]
    struct Envelope {
        error: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        message: String,
    }
    let Envelope { error } = serde_json::from_slice(body).ok()?;
    let seen = error.message.chars().filter(|c| !c.is_control());
    Some(seen.take(MAX_MESSAGE).collect())
}
