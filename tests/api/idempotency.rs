//! Requests that are sent more than once under one idempotency key.

mod at_once;
mod keys;
mod metadata;
mod refusals;
mod replays;

use axum::http::Method;
use merak_tests::{Identity, Response};
use serde_json::Value;

/// A key that nobody used.
fn fresh_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The same caller, sending that key.
fn keyed<'a>(who: &Identity<'a>, key: &str) -> Identity<'a> {
    who.with_header("Idempotency-Key", key)
}

/// A request.
#[derive(Debug, Clone)]
struct Request {
    method: Method,
    path: String,
    body: Value,
}

impl Request {
    async fn send(&self, who: &Identity<'_>) -> Response {
        if self.body.is_null() {
            return who.send_bytes(self.method.clone(), &self.path, Vec::new()).await;
        }
        who.send_json(self.method.clone(), &self.path, &self.body).await
    }

    /// Sends it, which must succeed.
    async fn succeed(&self, who: &Identity<'_>) -> Response {
        let answer = self.send(who).await;
        assert!(answer.status.is_success(), "{self:?}: {}", answer.text());
        answer
    }
}

fn post(path: &str, body: Value) -> Request {
    Request { method: Method::POST, path: path.to_owned(), body }
}

fn delete(path: &str) -> Request {
    Request { method: Method::DELETE, path: path.to_owned(), body: Value::Null }
}

/// All that a client reads in an answer, but for what each has of its own.
fn whole(answer: &Response) -> (u16, Option<String>, String) {
    let tag = answer.header("etag").map(str::to_owned);
    (answer.status.as_u16(), tag, answer.text())
}
