//! A listener on loopback that stops with its owner.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::http_text::{decoded, pairs};

/// More than this is sent by no test.
const MAX_BODY: usize = 256 << 20;

/// A bound address, before anybody serves it: what is served wants to know it.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    _stop: oneshot::Sender<()>,
}

impl Bound {
    /// Binds a port of 127.0.0.1; 0 is any free one.
    pub(crate) async fn bind(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The base of what is served, without a slash at its end.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn serve(self, router: Router) -> Serving {
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(async move {
            // An error says that the sender is gone, which is what is waited for.
            let _ = stopped.await;
        });
        tokio::spawn(async move { serving.await });
        Serving { _stop: stop }
    }
}

/// A request, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Asked {
    /// Reads one; a body that breaks off is an empty one.
    pub(crate) async fn read(request: Request<Body>) -> Self {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default();
        let query = pairs(parts.uri.query().unwrap_or_default());
        Self { method: parts.method, uri: parts.uri, headers: parts.headers, query, body }
    }

    /// The parameter of the query; of many with the name, the first.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path's segments, decoded one by one: an encoded slash stays inside its segment.
    pub(crate) fn segments(&self) -> Vec<String> {
        let path = self.uri.path();
        path.strip_prefix('/').unwrap_or(path).split('/').map(decoded).collect()
    }

    /// The token of `Authorization: Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    /// The fields of a form, or of an object of texts in JSON; nothing where the body is neither.
    pub(crate) fn fields(&self) -> Option<Vec<(String, String)>> {
        let kind = self.header("content-type")?;
        if kind.starts_with("application/x-www-form-urlencoded") {
            return Some(pairs(&String::from_utf8_lossy(&self.body)));
        }
        if !kind.starts_with("application/json") {
            return None;
        }
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let members = body.as_object()?.iter().filter(|(_, value)| !value.is_null());
        members.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    }
}

/// An answer in JSON.
pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
