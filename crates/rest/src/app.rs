//! What handlers may touch, and how the API is set up.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method};
use merak_authn::{Authn, RateLimiter};
use merak_authz::Authorizer;
use merak_model::RealmId;
use merak_service::Service;

/// What every handler is given. Data is reached through the service alone, which demands proofs.
#[derive(Debug, Clone)]
pub struct App {
    /// Who is calling.
    pub authn: Arc<Authn>,
    /// Not too often.
    pub rates: Arc<RateLimiter>,
    /// May they.
    pub authorizer: Authorizer,
    /// What is done.
    pub service: Service,
    /// Limits and names.
    pub settings: Arc<ApiSettings>,
}

/// Limits and names of the API.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// The realms, the default one first.
    pub realms: Vec<RealmId>,
    /// The header that names the realm.
    pub realm_header: HeaderName,
    /// Whether a request must name its realm.
    pub require_realm_header: bool,
    /// The header that carries the request id, beside `Polaris-Request-Id`.
    pub request_id_header: HeaderName,
    /// The most bytes a request body may have, after decompression.
    pub max_body_bytes: usize,
    /// The most bytes a report of an engine may have, after decompression.
    pub max_report_bytes: usize,
    /// The most time a request may take.
    pub request_timeout: Duration,
    /// The most requests worked on at a time; more are turned away at once.
    pub max_concurrent_requests: usize,
    /// Entries of a page, where the client asks for pages and says no size.
    pub page_size: u32,
    /// The most entries of a page.
    pub max_page_size: u32,
    /// How long the answer to a request with an idempotency key is remembered; keys are not looked at
    /// if absent.
    pub idempotency_lifetime: Option<Duration>,
    /// Whether each request is logged.
    pub logs_requests: bool,
    /// Which header tells the addresses of clients.
    pub forwarding: Forwarding,
    /// Which other origins may call from a browser; none if absent.
    pub cors: Option<Cors>,
}

/// Which header of the proxy before the server tells the addresses of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarding {
    /// None: an address is that of the connection.
    Ignored,
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`, of RFC 7239.
    Forwarded,
}

/// Which other origins may call from a browser, and how.
#[derive(Debug, Clone)]
pub struct Cors {
    /// Where the page may come from.
    pub origins: Allowed<HeaderValue>,
    /// The methods it may use.
    pub methods: Allowed<Method>,
    /// The request headers it may send.
    pub headers: Allowed<HeaderName>,
    /// The response headers it may read.
    pub exposed_headers: Allowed<HeaderName>,
    /// How long an answer to a preflight may be kept.
    pub max_age: Duration,
    /// Whether it may send credentials; never where any origin is allowed.
    pub allow_credentials: bool,
}

/// What is allowed.
#[derive(Debug, Clone)]
pub enum Allowed<T> {
    /// Everything.
    Any,
    /// These, and nothing else.
    These(Vec<T>),
}
