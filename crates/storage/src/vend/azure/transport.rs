//! How the SDK's credentials send their requests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::Error;
use azure_core::error::ErrorKind;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, Url};
use serde::Deserialize;

use super::settings::AzureUrl;

/// An HTTP client that keeps what the last refusal said. The SDK drops it in part, and all of it
/// where its JSON has an escaped character.
#[derive(Debug)]
pub(super) struct TokenTransport {
    client: reqwest::Client,
    /// The host that is asked without encryption: the SDK knows `https` only.
    plain: Option<Url>,
    /// Whether a host that cannot be reached is tried again.
    repeats: bool,
    refusal: Mutex<Option<Refusal>>,
}

/// An answer that is not a token.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// What it said.
    pub(super) text: String,
}

#[derive(Deserialize)]
struct OAuthError {
    error: Option<String>,
    error_description: Option<String>,
}

impl TokenTransport {
    /// A transport to whoever issues tokens.
    pub(super) fn to_authority(
        authority: Option<&AzureUrl>,
        timeout: Duration,
        connect_timeout: Duration,
    ) -> Result<Arc<Self>, reqwest::Error> {
        let client = builder(timeout).connect_timeout(connect_timeout).build()?;
        let plain = authority.filter(|authority| authority.is_plain_http());
        let plain = plain.and_then(|authority| Url::parse(authority.as_str()).ok());
        Ok(Arc::new(Self { client, plain, repeats: true, refusal: Mutex::default() }))
    }

    /// A transport to the machine's metadata service, which is near, or not there at all.
    pub(super) fn to_machine(timeout: Duration) -> Result<Arc<Self>, reqwest::Error> {
        let client = builder(timeout).connect_timeout(Duration::from_secs(1)).no_proxy().build()?;
        Ok(Arc::new(Self { client, plain: None, repeats: false, refusal: Mutex::default() }))
    }

    /// The last refusal.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, refusal: Option<Refusal>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    /// The request as it is to be sent, if not as it is.
    fn unencrypted(&self, request: &Request) -> Option<Request> {
        let (plain, asked) = (self.plain.as_ref()?, request.url());
        let is_it = asked.scheme() == "https"
            && asked.host() == plain.host()
            && asked.port_or_known_default() == plain.port_or_known_default();
        let mut sent = request.clone();
        (is_it && sent.url_mut().set_scheme("http").is_ok()).then_some(sent)
    }
}

fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none())
}

#[async_trait]
impl HttpClient for TokenTransport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        self.remember(None);
        let unencrypted = self.unencrypted(request);
        let answer =
            match self.client.execute_request(unencrypted.as_ref().unwrap_or(request)).await {
                Err(error) if !self.repeats => return Err(Error::new(ErrorKind::Other, error)),
                answer => answer?.try_into_raw_response().await?,
            };
        let (status, headers, body) = answer.deconstruct();
        if !status.is_success() {
            let text = said(&body);
            self.remember(Some(Refusal { status: u16::from(status), text }));
        }
        Ok(AsyncRawResponse::from_bytes(status, headers, azure_core::Bytes::from(body)))
    }
}

/// What a refusal says: Microsoft's own words, with the `AADSTS` number that people search for.
fn said(body: &[u8]) -> String {
    let error = serde_json::from_slice::<OAuthError>(body).ok();
    error
        .and_then(|error| error.error_description.or(error.error))
        .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned())
}

#[cfg(test)]
mod tests {
    use azure_core::http::Method;

    use super::*;

    #[test]
    fn only_the_one_host_is_asked_without_encryption() {
        let authority = AzureUrl::parse("http://127.0.0.1:4000").unwrap();
        let second = Duration::from_secs(1);
        let transport = TokenTransport::to_authority(Some(&authority), second, second).unwrap();
        let sent = |url: &str| {
            let request = Request::new(Url::parse(url).unwrap(), Method::Post);
            transport.unencrypted(&request).map(|sent| sent.url().to_string())
        };

        assert_eq!(sent("https://127.0.0.1:4000/t").unwrap(), "http://127.0.0.1:4000/t");
        for other in ["https://127.0.0.1:4001/t", "https://127.0.0.2:4000/t", "https://a.example/"]
        {
            assert_eq!(sent(other), None, "{other}");
        }
    }

    #[test]
    fn words_with_escaped_characters_are_kept() {
        let body = br#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid \"secret\".\r\nTrace ID: t"}"#;

        assert_eq!(said(body), "AADSTS7000215: Invalid \"secret\".\r\nTrace ID: t");
        assert_eq!(said(br#"{"error":"invalid_request"}"#), "invalid_request");
        assert_eq!(said(b"gone"), "gone");
    }
}
