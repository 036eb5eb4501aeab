//! A span and a line for each request, its measurements, and what is kept of it.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use merak_authz::Trail;
use merak_service::{ServedRequest, Service};
use tracing::Instrument as _;

use crate::app::App;
use crate::extract::Realm;
use crate::middleware::observed;
use crate::middleware::request_id::RequestId;

/// Opens the span that everything logged for a request is in, and logs the request itself.
pub(crate) async fn log(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let id = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
    let span = tracing::info_span!(
        "request",
        request_id = id,
        realm = tracing::field::Empty,
        principal_id = tracing::field::Empty,
        principal = tracing::field::Empty,
        roles = tracing::field::Empty,
        operation = tracing::field::Empty,
        securable = tracing::field::Empty,
        credential = tracing::field::Empty,
        referenced_by = tracing::field::Empty,
        missing = tracing::field::Empty,
        owner = tracing::field::Empty,
    );
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let started = Instant::now();
    let kept = Kept::begin(&app, &request, id, started);
    let trail = kept.as_ref().map(|kept| kept.served.trail.clone());
    let response = Trail::along(trail, next.run(request).instrument(span.clone())).await;
    if app.settings.logs_requests {
        span.in_scope(|| log_line(&method, &uri, &response, started));
    }
    if let Some(kept) = kept {
        kept.end(response.status());
    }
    response
}

/// What others call it when a client goes away before it is answered.
const CLIENT_WENT_AWAY: u16 = 499;

/// A request of which something is to be kept. It is kept whatever becomes of the request, also if
/// its client goes away and nothing goes on after it.
struct Kept {
    served: Box<ServedRequest>,
    service: Service,
    started: Instant,
}

impl Kept {
    /// Nothing, if nobody wants anything of the request. In a realm that is not there nothing is kept.
    fn begin(app: &App, request: &Request, id: &str, started: Instant) -> Option<Self> {
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let (method, path) = (request.method(), request.uri().path());
        let subject = observed::subject_of(method, route, path);
        let begun = app.service.begin_request(subject.as_ref().map(|subject| subject.subject))?;
        let Realm(realm) = Realm::of(request.headers(), &app.settings).ok()?;
        let served = Box::new(ServedRequest {
            id: begun,
            realm,
            request_id: id.to_owned(),
            method: method.as_str().to_owned(),
            path: path.to_owned(),
            catalog: observed::catalog_of(route, path),
            subject,
            status: CLIENT_WENT_AWAY,
            duration: Duration::ZERO,
            trail: Trail::default(),
        });
        Some(Self { served, service: app.service.clone(), started })
    }

    fn end(mut self, status: StatusCode) {
        self.served.status = status.as_u16();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.served.duration = self.started.elapsed();
        self.service.end_request(&self.served);
    }
}

/// The query stays out of the log: nothing of ours is secret there, and what others put there may
/// be.
fn log_line(method: &Method, uri: &Uri, response: &Response, started: Instant) {
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    tracing::info!(%method, path = uri.path(), status, duration_ms, "request");
}

/// Measures requests by their route, never by their path, of which there are too many.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    let labels = [
        ("method", method),
        ("uri", route.unwrap_or_else(|| "UNKNOWN".to_owned())),
        ("status", response.status().as_u16().to_string()),
        ("outcome", outcome(&response).to_owned()),
    ];
    metrics::histogram!("http_server_requests_seconds", &labels)
        .record(started.elapsed().as_secs_f64());
    response
}

/// Micrometer's words, which dashboards of Polaris know.
fn outcome(response: &Response) -> &'static str {
    match response.status().as_u16() {
        100..=199 => "INFORMATIONAL",
        200..=299 => "SUCCESS",
        300..=399 => "REDIRECTION",
        400..=499 => "CLIENT_ERROR",
        _ => "SERVER_ERROR",
    }
}
