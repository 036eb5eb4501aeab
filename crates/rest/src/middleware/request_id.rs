//! Request ids: taken from the client or made, told back, and in every line of the log.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::app::App;

/// The header Polaris' own clients read, beside the one that is configured.
const POLARIS_REQUEST_ID: HeaderName = HeaderName::from_static("polaris-request-id");

/// Longer ones are not taken from clients: they are written to the log.
const MAX_LENGTH: usize = 128;

/// The id of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) HeaderValue);

/// Finds or makes the id, and tells it back.
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let configured = &app.settings.request_id_header;
    let id = given(request.headers(), configured).unwrap_or_else(make);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(configured.clone(), id.clone());
    headers.insert(POLARIS_REQUEST_ID, id);
    response
}

/// The id a client gave, if it is one that can be told back and logged as it stands.
fn given(headers: &HeaderMap, configured: &HeaderName) -> Option<HeaderValue> {
    let value = headers.get(configured).or_else(|| headers.get(POLARIS_REQUEST_ID))?;
    let bytes = value.as_bytes();
    let is_good = (1..=MAX_LENGTH).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    is_good.then(|| value.clone())
}

/// A new id: a random part of this process, and a number that rises.
fn make() -> HeaderValue {
    static PROCESS: std::sync::LazyLock<Uuid> = std::sync::LazyLock::new(Uuid::new_v4);
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    HeaderValue::try_from(format!("{}_{count:019}", *PROCESS))
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}
