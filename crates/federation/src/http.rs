//! Requests, and the bounds within which they are answered.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use url::Url;

use crate::address::{is_loopback, permitted};
use crate::error::Cause;
use crate::{Error, FederationSettings};

/// A name that is being looked up.
pub(crate) type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// How names are looked up.
pub(crate) type Lookup = fn(String) -> Looking;

/// Sends requests, with pooled connections.
#[derive(Debug)]
pub(crate) struct Http {
    far: Client,
    /// What is on this machine is not behind a proxy.
    pub(crate) near: Client,
    max_answer_bytes: usize,
}

/// A request, whole.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request was not sent.
    NotSent { reason: String, source: Cause },
    /// It was, perhaps.
    Lost { reason: String, source: Option<Cause> },
}

impl Http {
    pub(crate) fn new(settings: &FederationSettings, lookup: Lookup) -> reqwest::Result<Self> {
        let builder = || {
            Client::builder()
                .user_agent(concat!("merak/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(settings.connect_timeout)
                .timeout(settings.request_timeout)
                .dns_resolver(Guarded(lookup))
                // Credentials do not follow it to where nobody judged.
                .redirect(Policy::none())
        };
        Ok(Self {
            far: builder().build()?,
            near: builder().no_proxy().build()?,
            max_answer_bytes: settings.max_answer_bytes,
        })
    }

    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Received, Failure> {
        let client = if is_loopback(request.url) { &self.near } else { &self.far };
        self.send_by(client, request).await
    }

    pub(crate) async fn send_by(
        &self,
        client: &Client,
        request: Request<'_>,
    ) -> Result<Received, Failure> {
        let mut sending =
            client.request(request.method, request.url.clone()).headers(request.headers);
        if let Some(body) = request.body {
            sending = sending.body(body);
        }
        let mut response = sending.send().await.map_err(failure)?;
        let status = response.status().as_u16();
        let etag = response.headers().get(HeaderName::from_static("etag"));
        let etag = etag.and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > self.max_answer_bytes {
                let max = self.max_answer_bytes;
                let reason = format!(
                    "its answer is longer than {max} bytes: see merak.federation.max-answer-size"
                );
                return Err(Failure::Lost { reason, source: None });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Received { status, etag, body: body.into() })
    }
}

impl Failure {
    /// What it means for a question, after which nothing is changed.
    pub(crate) fn of_question(self, host: &str) -> Error {
        let host = host.to_owned();
        match self {
            Self::NotSent { reason, source } => {
                Error::Unreachable { host, reason, source: Some(source) }
            }
            Self::Lost { reason, source } => Error::Unreachable { host, reason, source },
        }
    }

    /// What it means for a change.
    pub(crate) fn of_change(self, host: &str) -> Error {
        match self {
            Self::NotSent { .. } => self.of_question(host),
            Self::Lost { reason, source } => {
                Error::OutcomeUnknown { host: host.to_owned(), reason, source }
            }
        }
    }
}

/// Without the address, which is told apart.
fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let reason = if leads_astray(&error) {
        "its name leads to where the server does not go"
    } else if error.is_timeout() {
        "it does not answer in time"
    } else if error.is_connect() {
        "it takes no connection"
    } else {
        "the connection broke"
    };
    let is_not_sent = error.is_connect() || error.is_builder();
    let (reason, source) = (reason.to_owned(), Arc::new(error));
    if is_not_sent {
        Failure::NotSent { reason, source }
    } else {
        Failure::Lost { reason, source: Some(source) }
    }
}

fn leads_astray(error: &reqwest::Error) -> bool {
    let first: Option<&(dyn std::error::Error + 'static)> = Some(error);
    std::iter::successors(first, |error| error.source()).any(<dyn std::error::Error>::is::<Astray>)
}

/// Looks names up, and goes only where the server may. The addresses that are judged are those that
/// are connected to, so that a name that changes in between leads nowhere else.
struct Guarded(Lookup);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let looking = self.0(name.as_str().to_owned());
        Box::pin(async move {
            let addresses = permitted(looking.await?);
            if addresses.is_empty() {
                return Err(Astray.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// A name of which no address is left.
#[derive(Debug)]
struct Astray;

impl std::error::Error for Astray {}

impl fmt::Display for Astray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no address of this name may be connected to")
    }
}

/// Asks the machine.
pub(crate) fn look_up(name: String) -> Looking {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}
