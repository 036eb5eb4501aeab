//! Addresses of an identity provider.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// The `http` or `https` address of an identity provider, or of something it has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProviderUrl(Url);

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// It is no URL at all.
    #[error("is not a URL such as `https://auth.example.com/realms/lake`")]
    Malformed,
    /// It is of another kind.
    #[error("is not an `http` or `https` URL")]
    Scheme,
    /// It has a part that none may have.
    #[error("has a user name, a password or a fragment, which an address of keys has not")]
    Extra,
    /// It has a query, and paths are to be put after it.
    #[error("has a query, and cannot have paths after it")]
    Query,
}

impl ProviderUrl {
    /// Reads the address of a provider, which others are below.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let url = Self::parse_any(text)?;
        if url.0.query().is_some() { Err(InvalidUrl::Query) } else { Ok(url) }
    }

    /// Reads the address of something that a provider has.
    fn parse_any(text: &str) -> Result<Self, InvalidUrl> {
        let url = Url::parse(text).map_err(|_| InvalidUrl::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidUrl::Scheme);
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.fragment().is_some() { Err(InvalidUrl::Extra) } else { Ok(Self(url)) }
    }

    /// An address below this one, or the whole of one.
    pub fn join(&self, path: &str) -> Result<Self, InvalidUrl> {
        // Not as browsers do it: a path that begins with `/` is below this address too.
        if path.contains("://") {
            Self::parse_any(path)
        } else {
            let base = self.0.as_str().trim_end_matches('/');
            Self::parse_any(&format!("{base}/{}", path.trim_start_matches('/')))
        }
    }

    /// Whether nobody on the way can answer in the provider's place.
    pub fn is_protected(&self) -> bool {
        is_protected(&self.0)
    }

    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    pub(super) fn get(&self) -> Url {
        self.0.clone()
    }

    /// Whether that is the same address, but for a `/` at the end.
    pub(super) fn is_named(&self, issuer: &str) -> bool {
        let is_same = |one: &str| one.trim_end_matches('/') == issuer.trim_end_matches('/');
        is_same(self.0.as_str())
    }
}

impl fmt::Display for ProviderUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether nobody on the way can answer in the place of who is asked.
pub(super) fn is_protected(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ProviderUrl {
        ProviderUrl::parse(text).unwrap()
    }

    #[test]
    fn what_is_no_address_of_a_provider_is_refused() {
        for (text, why) in [
            ("", InvalidUrl::Malformed),
            ("auth.example.com", InvalidUrl::Malformed),
            ("https://", InvalidUrl::Malformed),
            ("file:///etc/passwd", InvalidUrl::Scheme),
            ("https://user@example.com", InvalidUrl::Extra),
            ("https://user:secret@example.com", InvalidUrl::Extra),
            ("https://example.com/#keys", InvalidUrl::Extra),
            ("https://example.com/?tenant=a", InvalidUrl::Query),
        ] {
            assert_eq!(ProviderUrl::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn paths_are_put_after_the_address_and_whole_addresses_in_its_place() {
        for base in ["https://example.com/realms/lake", "https://example.com/realms/lake/"] {
            for path in ["certs", "/certs"] {
                let joined = url(base).join(path).unwrap().to_string();
                assert_eq!(joined, "https://example.com/realms/lake/certs");
            }
        }
        let elsewhere = url("https://example.com").join("https://keys.example.net/k?v=1").unwrap();
        assert_eq!(elsewhere.to_string(), "https://keys.example.net/k?v=1");
        assert_eq!(url("https://example.com").join("file:///keys"), Err(InvalidUrl::Scheme));
    }

    #[test]
    fn only_https_and_this_machine_are_protected() {
        for text in [
            "https://example.com",
            "http://localhost:8080/realms/lake",
            "http://127.0.0.1",
            "http://127.8.9.1:1",
            "http://[::1]:8080",
        ] {
            assert!(url(text).is_protected(), "{text}");
        }
        for text in [
            "http://example.com",
            "http://keycloak:8080",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "http://[::2]",
            "http://0.0.0.0",
        ] {
            assert!(!url(text).is_protected(), "{text}");
        }
    }

    #[test]
    fn an_issuer_may_lack_the_slash_at_the_end_and_no_more() {
        let lake = url("https://example.com/realms/lake");

        assert!(lake.is_named("https://example.com/realms/lake/"));
        assert!(url("https://example.com").is_named("https://example.com"));
        for other in ["https://example.com/realms/lak", "http://example.com/realms/lake", ""] {
            assert!(!lake.is_named(other), "{other}");
        }
    }
}
