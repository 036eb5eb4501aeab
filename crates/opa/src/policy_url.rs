//! The address of a policy.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// The `http` or `https` address of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyUrl(Url);

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// It is no URL at all.
    #[error("is not a URL such as `https://opa.example.com/v1/data/polaris`")]
    Malformed,
    /// It is of another kind.
    #[error("is not an `http` or `https` URL")]
    Scheme,
    /// It has a part that must not be in an address, since addresses are logged.
    #[error("has a user name, a password or a fragment, which an address of a policy has not")]
    Extra,
}

impl PolicyUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let url = Url::parse(text).map_err(|_| InvalidUrl::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidUrl::Scheme);
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.fragment().is_some() { Err(InvalidUrl::Extra) } else { Ok(Self(url)) }
    }

    /// Whether nobody on the way can read what is sent there, or answer in its place.
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

/// Without its query.
impl fmt::Display for PolicyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        url.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_of_a_policy_is_refused() {
        for (text, why) in [
            ("", InvalidUrl::Malformed),
            ("opa:8181", InvalidUrl::Scheme),
            ("/v1/data/polaris", InvalidUrl::Malformed),
            ("file:///etc/passwd", InvalidUrl::Scheme),
            ("https://user@example.com", InvalidUrl::Extra),
            ("https://example.com/#part", InvalidUrl::Extra),
        ] {
            assert_eq!(PolicyUrl::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn what_is_sent_is_protected_by_tls_or_by_not_leaving_the_machine() {
        for (text, is_protected) in [
            ("https://opa.example.com/v1/data/polaris", true),
            ("http://localhost:8181/v1/data/polaris", true),
            ("http://127.0.0.1:8181/", true),
            ("http://[::1]:8181/", true),
            ("http://opa.example.com/v1/data/polaris", false),
            ("http://localhost.example.com/", false),
        ] {
            assert_eq!(PolicyUrl::parse(text).unwrap().is_protected(), is_protected, "{text}");
        }
    }

    #[test]
    fn a_query_is_not_shown() {
        let url = PolicyUrl::parse("http://localhost/v1/data/polaris?key=secret").unwrap();

        assert_eq!(url.to_string(), "http://localhost/v1/data/polaris");
    }
}
