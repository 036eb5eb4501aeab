//! What browsers may do from pages of other origins.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method};

use super::formats::{Format, Texts, not};
use super::problems::Notice;
use super::reader::Reader;
use super::registry as settings;

/// Cross-origin requests.
///
/// With `allow_credentials`, browsers do not take `*` for an answer: where [`AllowList::Any`] comes
/// together with it, the answer must repeat what was asked for. Origins are never `Any` then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// Whether there are any such answers.
    pub is_enabled: bool,
    /// The origins that pages may come from.
    pub origins: AllowList<HeaderValue>,
    /// The methods they may use.
    pub methods: AllowList<Method>,
    /// The request headers they may send.
    pub headers: AllowList<HeaderName>,
    /// The response headers they may read.
    pub exposed_headers: AllowList<HeaderName>,
    /// How long they may remember the answer.
    pub max_age: Duration,
    /// Whether they may send credentials.
    pub allow_credentials: bool,
}

/// What is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowList<T> {
    /// Everything.
    Any,
    /// These, and nothing else.
    These(Vec<T>),
}

impl Cors {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let origins = reader.get(&settings::CORS_ORIGINS);
        let wants_credentials = reader.get(&settings::CORS_CREDENTIALS);
        let is_any = origins == AllowList::Any;
        if is_any && wants_credentials && reader.is_set(&settings::CORS_CREDENTIALS.row) {
            reader.notices.push(Notice::warning(
                "quarkus.http.cors.origins is *: browsers may not send credentials from just \
                 anywhere, so quarkus.http.cors.access-control-allow-credentials is taken as false",
            ));
        }
        Self {
            is_enabled: reader.get(&settings::CORS),
            origins,
            methods: reader.get(&settings::CORS_METHODS),
            headers: reader.get(&settings::CORS_HEADERS),
            exposed_headers: reader.get(&settings::CORS_EXPOSED),
            max_age: reader.get(&settings::CORS_MAX_AGE),
            allow_credentials: wants_credentials && !is_any,
        }
    }
}

/// Origins.
#[derive(Debug)]
pub(super) struct Origins;

/// HTTP methods.
#[derive(Debug)]
pub(super) struct Methods;

/// Names of headers.
#[derive(Debug)]
pub(super) struct Headers;

impl Format for Origins {
    type Value = AllowList<HeaderValue>;
    const EXPECTED: &'static str =
        "`*` or origins such as `https://console.example.com`, with commas between";

    fn parse(text: &str) -> Result<AllowList<HeaderValue>, String> {
        list::<Self, _>(text, |origin| {
            let (scheme, host) = origin.split_once("://")?;
            let is_origin = matches!(scheme, "http" | "https") && !host.contains(['/', '*']);
            (is_origin && !host.is_empty()).then(|| origin.parse().ok()).flatten()
        })
    }
}

impl Format for Methods {
    type Value = AllowList<Method>;
    const EXPECTED: &'static str = "`*` or HTTP methods, with commas between";

    fn parse(text: &str) -> Result<AllowList<Method>, String> {
        list::<Self, _>(text, |method| method.to_ascii_uppercase().parse().ok())
    }
}

impl Format for Headers {
    type Value = AllowList<HeaderName>;
    const EXPECTED: &'static str = "`*` or names of HTTP headers, with commas between";

    fn parse(text: &str) -> Result<AllowList<HeaderName>, String> {
        list::<Self, _>(text, |name| name.parse().ok())
    }
}

fn list<F: Format, T>(
    text: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<AllowList<T>, String> {
    let items = Texts::parse(text)?;
    if items.iter().any(|item| item == "*") {
        return Ok(AllowList::Any);
    }
    let items: Option<Vec<T>> = items.iter().map(|item| parse(item)).collect();
    items.map(AllowList::These).ok_or_else(not::<F>)
}
