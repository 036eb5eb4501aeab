//! The address of a webhook.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// The `http` or `https` address that events are sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// It is no URL at all.
    #[error("is not a URL such as `https://events.example.com/polaris`")]
    Malformed,
    /// It is of another kind.
    #[error("is not an `http` or `https` URL")]
    Scheme,
    /// It has a part that must not be in an address, since addresses are logged.
    #[error("has a user name, a password or a fragment: set merak.events.webhook.authorization")]
    Extra,
}

impl WebhookUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let url = Url::parse(text).map_err(|_| InvalidUrl::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidUrl::Scheme);
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.fragment().is_some() { Err(InvalidUrl::Extra) } else { Ok(Self(url)) }
    }

    /// Whether nobody on the way can read what is sent there.
    pub fn is_protected(&self) -> bool {
        self.0.scheme() == "https" || self.is_loopback()
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    pub(crate) fn get(&self) -> Url {
        self.0.clone()
    }
}

/// Without its query, which may hold a key.
impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        url.fmt(f)
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebhookUrl").field(&self.to_string()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_of_a_webhook_is_refused() {
        for (text, why) in [
            ("", InvalidUrl::Malformed),
            ("/events", InvalidUrl::Malformed),
            ("events:8181", InvalidUrl::Scheme),
            ("file:///etc/passwd", InvalidUrl::Scheme),
            ("https://user@example.com", InvalidUrl::Extra),
            ("https://:secret@example.com", InvalidUrl::Extra),
            ("https://example.com/#part", InvalidUrl::Extra),
        ] {
            assert_eq!(WebhookUrl::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn what_is_sent_is_protected_by_tls_or_by_not_leaving_the_machine() {
        for (text, is_protected) in [
            ("https://events.example.com/", true),
            ("http://localhost:8181/", true),
            ("http://127.0.0.1:8181/", true),
            ("http://[::1]:8181/", true),
            ("http://events.example.com/", false),
            ("http://localhost.example.com/", false),
        ] {
            assert_eq!(WebhookUrl::parse(text).unwrap().is_protected(), is_protected, "{text}");
        }
    }

    #[test]
    fn a_query_is_not_shown() {
        let url = WebhookUrl::parse("http://localhost/events?key=secret").unwrap();

        assert_eq!(url.to_string(), "http://localhost/events");
        assert!(!format!("{url:?}").contains("secret"));
    }
}
