//! A request as it came, and an answer as AWS words it.

use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use percent_encoding::percent_decode_str;

/// A request with its whole body. Path and query are as they were sent: signatures depend on it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// Takes a request apart.
    pub(crate) fn new(parts: http::request::Parts, body: Bytes) -> Self {
        let mut headers = parts.headers;
        if let (None, Some(authority)) = (headers.get("host"), parts.uri.authority())
            && let Ok(host) = authority.as_str().parse()
        {
            headers.insert("host", host);
        }
        let query = parts.uri.query().unwrap_or_default();
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: pairs(query),
            headers,
            body,
        }
    }

    /// The value of a header, several joined.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        (!values.is_empty()).then(|| values.join(","))
    }

    /// The value of a parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }
}

/// The value of a name among pairs.
pub(crate) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
}

/// The pairs of a query or a form, decoded.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Takes percent escapes away.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Escapes all but the unreserved characters, and those kept.
pub(crate) fn encode(text: &str, kept: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let one = char::from(byte);
        if one.is_ascii_alphanumeric() || "-._~".contains(one) || kept.contains(one) {
            out.push(one);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Why a request is refused, in AWS' words.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// More elements of the error's XML.
    pub(crate) elements: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Refusal {
    /// A refusal with a code and a message.
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            elements: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Adds an element to the error's XML.
    pub(crate) fn element(mut self, name: &str, value: impl Into<String>) -> Self {
        self.elements.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header to the answer.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// What a request comes to.
pub(crate) type Answered = Result<Response, Refusal>;

/// An answer with a body.
pub(crate) fn answer(
    status: u16,
    headers: &[(String, String)],
    body: impl Into<Bytes>,
) -> Response {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name.as_str(), value.as_str());
    }
    builder.body(axum::body::Body::from(body.into())).unwrap_or_else(|_| {
        let mut response = Response::default();
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
