//! Sending.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use merak_service::{BoxError, Delivery, EventSink};
use reqwest::header::{self, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{CONTENT_TYPE, WebhookUrl, cloud_events};

/// Where events are sent, and how.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Where to.
    pub url: WebhookUrl,
    /// What is sent in the `Authorization` header, if anything.
    pub authorization: Option<SecretString>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How many events are sent at a time, at most.
    pub batch_size: u32,
}

/// A web server that is told of events. It has them once it answers with a status of success.
pub struct Webhook {
    url: WebhookUrl,
    client: Client,
    authorization: Option<HeaderValue>,
    timeout: Duration,
    batch_size: u32,
}

/// Why events are not known to be there. The texts are for the log: they say what to look at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client cannot be made.
    #[error(
        "the HTTP client cannot be made: are there certificates of authorities on this machine?"
    )]
    Client(#[source] reqwest::Error),
    /// The authorization cannot be sent.
    #[error("merak.events.webhook.authorization has characters that no header may have")]
    BadAuthorization,
    /// It cannot be reached, or takes too long.
    #[error("{0} does not answer")]
    NoAnswer(WebhookUrl, #[source] reqwest::Error),
    /// It answers, and not that it has them.
    #[error("{0} answers {1}")]
    Status(WebhookUrl, StatusCode),
}

impl Webhook {
    /// Sends as `settings` say. Nothing is sent yet.
    pub fn new(settings: WebhookSettings) -> Result<Self, Error> {
        let WebhookSettings { url, authorization, timeout, batch_size } = settings;
        let builder = Client::builder()
            .user_agent(concat!("merak/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            // Whoever is sent elsewhere tells others who does what here, and shows them the secret.
            .redirect(Policy::none());
        // What is on this machine is not behind a proxy.
        let builder = if url.is_loopback() { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(Error::Client)?;
        let authorization = authorization.as_ref().map(header_value).transpose()?;
        Ok(Self { url, client, authorization, timeout, batch_size })
    }

    async fn send(&self, events: &[Delivery]) -> Result<(), Error> {
        let mut request = self
            .client
            .post(self.url.get())
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .body(cloud_events::batch(events));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.clone());
        }
        let answer = request.send().await;
        let answer =
            answer.map_err(|error| Error::NoAnswer(self.url.clone(), error.without_url()))?;
        let status = answer.status();
        // Its body says nothing that counts, and is not read.
        if status.is_success() { Ok(()) } else { Err(Error::Status(self.url.clone(), status)) }
    }
}

#[expect(clippy::disallowed_methods, reason = "the secret leaves for the operator's own address")]
fn header_value(secret: &SecretString) -> Result<HeaderValue, Error> {
    let mut value =
        HeaderValue::from_str(secret.expose_secret()).map_err(|_| Error::BadAuthorization)?;
    value.set_sensitive(true);
    Ok(value)
}

#[async_trait]
impl EventSink for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn batch_size(&self) -> u32 {
        self.batch_size
    }

    fn patience(&self) -> Duration {
        self.timeout
    }

    async fn deliver(&self, events: &[Delivery]) -> Result<(), BoxError> {
        Ok(self.send(events).await?)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(authorization: &str) -> WebhookSettings {
        WebhookSettings {
            url: WebhookUrl::parse("http://127.0.0.1:1/?key=hidden").unwrap(),
            authorization: Some(SecretString::from(authorization)),
            timeout: Duration::from_secs(1),
            batch_size: 1,
        }
    }

    #[test]
    fn a_secret_shows_itself_nowhere() {
        let settings = settings("Bearer s3cr3t");
        let shown = format!("{settings:?} {:?}", Webhook::new(settings.clone()));

        assert!(!shown.contains("s3cr3t"), "{shown}");
    }

    #[test]
    fn an_authorization_that_cannot_be_sent_is_refused_without_being_told() {
        let error = Webhook::new(settings("Bearer s3cr3t\n")).unwrap_err();

        assert!(matches!(error, Error::BadAuthorization));
        assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    }
}
