//! Blob Batch, as far as it deletes.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/blob-batch>

use std::fmt::Write as _;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::access::authenticated;
use super::answer::Refusal;
use super::blob_api::{Call, perform};
use super::place::Place;
use super::state::State;
use crate::http_text::pairs;
use crate::serving::Asked;

/// More than this is refused.
const MOST: usize = 256;

pub(crate) fn answer(state: &State, asked: &Asked, place: &Place) -> Result<Response, Refusal> {
    let caller = authenticated(state, asked, place)?;
    if !caller.is_for_container() {
        return Err(Refusal::permission());
    }
    let invalid = || Refusal::invalid("InvalidInput", "One of the request inputs is not valid.");
    let kind = asked.header("content-type").unwrap_or_default();
    let boundary = kind.strip_prefix("multipart/mixed; boundary=").ok_or_else(invalid)?;
    let body = String::from_utf8_lossy(&asked.body);
    let delimiter = format!("--{boundary}");
    let parts: Vec<&str> = body
        .split(delimiter.as_str())
        .map(str::trim_start)
        .filter(|part| !part.is_empty() && !part.starts_with("--"))
        .collect();
    if parts.is_empty() || parts.len() > MOST {
        return Err(invalid());
    }
    let mut answers = String::new();
    for part in parts {
        let (id, request) = parse(part).ok_or_else(invalid)?;
        let (code, reason) = delete(state, &request, place);
        // Writing to a string does not fail.
        let _ = write!(
            answers,
            "--batch\r\nContent-Type: application/http\r\nContent-ID: {id}\r\n\r\n\
             HTTP/1.1 {code} {reason}\r\nx-ms-error-code: {reason}\r\n\r\n\r\n"
        );
    }
    answers.push_str("--batch--\r\n");
    let kind = [(CONTENT_TYPE, "multipart/mixed; boundary=batch")];
    Ok((StatusCode::ACCEPTED, kind, answers).into_response())
}

/// Each is authorized for itself.
fn delete(state: &State, request: &Asked, container: &Place) -> (u16, String) {
    let place = Place::of(request);
    if (&place.account, &place.container) != (&container.account, &container.container) {
        return (400, "InvalidInput".to_owned());
    }
    match perform(state, Call::Delete, request, &place) {
        Ok(answer) => (answer.status().as_u16(), "Accepted".to_owned()),
        Err(refusal) => (refusal.status.as_u16(), refusal.code),
    }
}

/// The part's number, and the request in it.
fn parse(part: &str) -> Option<(String, Asked)> {
    let (head, request) = part.split_once("\r\n\r\n")?;
    let id = head.lines().find_map(|line| line.strip_prefix("Content-ID: "))?;
    let mut lines = request.lines();
    let target = lines.next()?.strip_prefix("DELETE ")?.strip_suffix(" HTTP/1.1")?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(value).ok()?);
    }
    let uri: Uri = target.parse().ok()?;
    let query = pairs(uri.query().unwrap_or_default());
    Some((id.to_owned(), Asked { method: Method::DELETE, uri, headers, query, body: Bytes::new() }))
}
