//! An answer, as a client reads it.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer, as a client reads it.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is none: the status and the text are then shown.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            panic!("{} with a body that is no JSON: {}", self.status, self.text())
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text, or nothing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// This answer, which must have that status.
    ///
    /// # Panics
    ///
    /// If it has another: both and the body are then shown.
    #[must_use = "the answer"]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "the body was: {}", self.text());
        self
    }

    /// The error in the envelope, as `status type: message`.
    ///
    /// # Panics
    ///
    /// If the body is not the envelope, or its code is not the status.
    pub fn error(&self) -> String {
        let body = self.json();
        let error = &body["error"];
        let fields: Vec<_> = error.as_object().expect("an envelope").keys().collect();
        assert_eq!(fields, ["message", "type", "code"], "not the envelope: {body}");
        assert_eq!(error["code"], self.status.as_u16(), "the code must be the status: {body}");
        format!(
            "{} {}: {}",
            self.status.as_u16(),
            error["type"].as_str().expect("a type"),
            error["message"].as_str().expect("a message")
        )
    }
}
