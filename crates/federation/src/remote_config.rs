//! What the other catalog says about itself.

use bytes::Bytes;
use merak_model::Properties;
use serde::Deserialize;
use url::Url;

/// Between the levels of a namespace, where the catalog names nothing else.
const DEFAULT_SEPARATOR: &str = "\u{1f}";

/// Where the other catalog has its routes, and which there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteConfig {
    /// The address below which `/v1` is.
    pub(crate) base: Url,
    /// What comes between `/v1/` and what is asked for.
    pub(crate) prefix: Option<String>,
    /// What stands between the levels of a namespace, decoded.
    pub separator: String,
    /// Its routes, such as `GET /v1/{prefix}/namespaces`, if it lists them.
    pub endpoints: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    defaults: Properties,
    #[serde(default)]
    overrides: Properties,
    endpoints: Option<Vec<String>>,
}

impl RemoteConfig {
    /// Reads an answer of `/v1/config`. Its overrides come before what the connection says, and its
    /// defaults after, as in Iceberg's clients.
    pub(crate) fn read(answer: &Bytes, base: &Url, own: &Properties) -> Result<Self, String> {
        let answer: Answer = serde_json::from_slice(answer)
            .map_err(|_| "its configuration cannot be read".to_owned())?;
        let find = |key: &str| {
            let places = [&answer.overrides, own, &answer.defaults];
            places.into_iter().find_map(|place| place.get(key)).map(String::as_str)
        };
        let prefix =
            find("prefix").map(|prefix| prefix.trim_matches('/')).filter(|p| !p.is_empty());
        if let Some(prefix) = prefix {
            check_prefix(prefix)?;
        }
        let separator = match find("namespace-separator") {
            None | Some("") => DEFAULT_SEPARATOR.to_owned(),
            // It is told as it is in addresses.
            Some(encoded) => percent_encoding::percent_decode_str(encoded)
                .decode_utf8()
                .map_err(|_| "its namespace-separator is not UTF-8".to_owned())?
                .into_owned(),
        };
        let base = match answer.overrides.get("uri") {
            None => base.clone(),
            Some(uri) => moved(uri, base)?,
        };
        let prefix = prefix.map(str::to_owned);
        Ok(Self { base, prefix, separator, endpoints: answer.endpoints })
    }
}

/// A prefix is a path already, and must stay below `/v1/`.
fn check_prefix(prefix: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_graphic() && !"?#\\\"<>`{}".contains(c);
    let is_up = |segment: &str| {
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
        decoded.is_empty() || decoded == "." || decoded == ".."
    };
    if prefix.chars().all(fits) && !prefix.split('/').any(is_up) {
        return Ok(());
    }
    Err("its prefix is no path".to_owned())
}

/// Another address that the catalog names for itself. Credentials do not follow it to another host.
fn moved(uri: &str, base: &Url) -> Result<Url, String> {
    let uri = Url::parse(uri).map_err(|_| "the uri that it names is no address".to_owned())?;
    let is_plain = uri.query().is_none() && uri.fragment().is_none() && uri.username().is_empty();
    if is_plain && uri.password().is_none() && uri.origin() == base.origin() {
        return Ok(uri);
    }
    Err("the uri that it names is on another host: make the catalog with that one".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str, own: &[(&str, &str)]) -> Result<RemoteConfig, String> {
        let base = Url::parse("https://a.example.com/api/catalog").unwrap();
        let own = own.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        RemoteConfig::read(&Bytes::from(answer.to_owned()), &base, &own.collect())
    }

    #[test]
    fn overrides_come_before_the_connection_and_defaults_after() {
        let answer = r#"{"defaults": {"prefix": "d", "namespace-separator": "%2E"}}"#;
        assert_eq!(read(answer, &[]).unwrap().prefix.as_deref(), Some("d"));
        assert_eq!(read(answer, &[("prefix", "own")]).unwrap().prefix.as_deref(), Some("own"));
        assert_eq!(read(answer, &[]).unwrap().separator, ".");
        let answer = r#"{"defaults": {"prefix": "d"}, "overrides": {"prefix": "o/p"}}"#;
        let read = read(answer, &[("prefix", "own")]).unwrap();
        assert_eq!(read.prefix.as_deref(), Some("o/p"));
        assert_eq!(read.separator, "\u{1f}");
        assert_eq!(read.endpoints, None);
    }

    #[test]
    fn a_prefix_that_leads_elsewhere_is_refused() {
        for prefix in ["a/../b", "..", "%2e%2E/x", "a//b", "a?b", "a#b", "a\\b", "a b", "ä"] {
            let answer = serde_json::json!({"overrides": {"prefix": prefix}}).to_string();
            assert_eq!(read(&answer, &[]).unwrap_err(), "its prefix is no path", "{prefix}");
        }
    }

    #[test]
    fn another_address_is_followed_on_the_same_host_only() {
        let of = |uri: &str| {
            let answer = serde_json::json!({"overrides": {"uri": uri}}).to_string();
            read(&answer, &[]).map(|config| config.base.to_string())
        };
        assert_eq!(of("https://a.example.com/other").unwrap(), "https://a.example.com/other");
        for uri in [
            "http://a.example.com/other",
            "https://a.example.com:444/other",
            "https://b.example.com/api/catalog",
            "https://user@a.example.com/api/catalog",
            "https://a.example.com/?x",
            "nonsense",
        ] {
            assert!(of(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for answer in ["", "[]", "<html>", r#"{"overrides": 1}"#] {
            assert_eq!(read(answer, &[]).unwrap_err(), "its configuration cannot be read");
        }
    }
}
