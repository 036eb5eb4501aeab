//! What every request passes through.

mod cors;
mod log;
mod observed;
mod rates;
mod request_id;

pub(crate) use request_id::RequestId;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use merak_authz::{Noted, Trail, note};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::Realm;

/// Puts the layers around the routes. The last one added is the first a request meets.
pub(crate) fn wrap(routes: Router<App>, app: App) -> Router {
    let cors = app.settings.cors.as_ref().map(cors::layer);
    let inner = routes
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), time_out))
        .layer(from_fn_with_state(app.clone(), require_realm))
        .layer(from_fn_with_state(app.clone(), rates::count_by_address))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new().gzip(true))
        .layer(from_fn(log::observe));
    let inner = match cors {
        Some(cors) => inner.layer(cors),
        None => inner,
    };
    let inner = inner
        .layer(from_fn_with_state(Places::new(&app), turn_away))
        .layer(from_fn_with_state(app.clone(), log::log))
        .layer(from_fn_with_state(app.clone(), request_id::identify))
        .with_state(app);
    // Before routing: a client whose base ends in a slash asks for `//v1/..`, and Polaris' own tests for `../`.
    Router::new().fallback_service(inner.map_request(tidy_slashes))
}

/// The places for requests that are worked on.
#[derive(Debug, Clone)]
struct Places(Arc<Semaphore>);

impl Places {
    fn new(app: &App) -> Self {
        let most = app.settings.max_concurrent_requests.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(most)))
    }
}

/// Turns a request away when too many are worked on: waiting would only make more of them. Nothing
/// was begun, so that clients may come again with whatever it was.
async fn turn_away(State(places): State<Places>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.0.try_acquire() else {
        let error = ApiError::new(
            ErrorKind::ServiceUnavailable,
            "The server works on as many requests as it may \
             (merak.http.max-concurrent-requests); try again",
        );
        return error.retry_after_s(1).into_response();
    };
    next.run(request).await
}

/// Writes repeated slashes in a path as one, and drops the one at its end, which says nothing in Polaris.
fn tidy_slashes(mut request: Request) -> Request {
    let uri = request.uri();
    if uri.path() == "/" || !(uri.path().contains("//") || uri.path().ends_with('/')) {
        return request;
    }
    let mut path = String::with_capacity(uri.path().len());
    for c in uri.path().chars() {
        if !(c == '/' && path.ends_with('/')) {
            path.push(c);
        }
    }
    if path.len() > 1 && path.ends_with('/') {
        path.pop();
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    if let Ok(uri) = path.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}

/// A realm that is not there is answered before the token is looked at, as in Polaris.
async fn require_realm(State(app): State<App>, request: Request, next: Next) -> Response {
    match Realm::of(request.headers(), &app.settings) {
        Ok(Realm(realm)) => {
            note(Noted::Realm, || realm.as_str().to_owned());
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// Ends a request that takes too long. What became of a write is then not known, and a client must
/// not be told that it failed.
async fn time_out(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = app.settings.request_timeout;
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let Ok(response) = tokio::time::timeout(limit, next.run(request)).await else {
        return timed_out(limit, is_read).into_response();
    };
    response
}

fn timed_out(limit: Duration, is_read: bool) -> ApiError {
    let seconds = limit.as_secs_f32();
    if is_read {
        return ApiError::new(
            ErrorKind::ServiceUnavailable,
            format!("The request took longer than {seconds} s (merak.http.request-timeout)"),
        );
    }
    ApiError::new(
        ErrorKind::CommitStateUnknown,
        format!(
            "The request took longer than {seconds} s (merak.http.request-timeout): it is not \
             known whether it was carried out"
        ),
    )
}

/// Runs a write to its end, whether or not the client waits for it: what was begun is finished, and
/// what has to be tidied up is.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    use tracing::Instrument as _;
    let work = Trail::along(Trail::current(), work.in_current_span());
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, and nobody reads this any more.
            Err(_) => std::future::pending().await,
        },
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(panic = text, "a request handler panicked");
    ApiError::new(
        ErrorKind::Internal,
        "There was an error processing your request; the server's log has it under this request's \
         id",
    )
    .into_response()
}

/// Nothing has this path.
pub(crate) async fn not_found(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(256).collect();
    ApiError::new(ErrorKind::NotFound, format!("Nothing is at {path}"))
}

/// Something has this path, and does not do that.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(256).collect();
    let error =
        ApiError::new(ErrorKind::MethodNotAllowed, format!("{path} does not answer to {method}"));
    debug_assert_eq!(error.kind().status(), StatusCode::METHOD_NOT_ALLOWED);
    error.into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt as _;

    use super::*;

    async fn broken() -> &'static str {
        panic!("a secret reason")
    }

    #[tokio::test]
    async fn a_panic_is_answered_in_the_envelope_and_without_its_reason() {
        let router: Router =
            Router::new().route("/", get(broken)).layer(CatchPanicLayer::custom(panicked));

        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();

        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains(r#""type":"InternalServerError","code":500"#), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }

    #[tokio::test]
    async fn a_panic_in_work_that_goes_on_reaches_whoever_waits_for_it() {
        let waiting = tokio::spawn(to_the_end(async { broken().await }));

        assert!(waiting.await.unwrap_err().is_panic());
    }
}
