//! What both services have in common: containers, conditions, and data as it goes out.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
};
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::answer::{Refusal, Service};
use super::blobs::Blob;
use super::place::Place;
use super::state::State;
use crate::http_text::{http_date, range};
use crate::serving::Asked;
use crate::traffic::lock;

pub(crate) fn check_container(
    state: &State,
    place: &Place,
    service: Service,
) -> Result<(), Refusal> {
    let account = state.account(&place.account).ok_or_else(Refusal::no_account)?;
    if account.containers.contains(&place.container) {
        Ok(())
    } else {
        Err(Refusal::no_container(service))
    }
}

/// A condition that is not looked at would hold always.
pub(crate) fn refuse_conditions(asked: &Asked) -> Result<(), Refusal> {
    let known = ["if-match", "if-none-match"];
    let names = asked.headers.keys().map(HeaderName::as_str);
    let mut unknown = names
        .filter(|name| name.starts_with("if-") || name.starts_with("x-ms-if-"))
        .filter(|name| !known.contains(name));
    unknown.next().map_or(Ok(()), |name| Err(Refusal::not_played(name)))
}

/// Whether what is there is what must be there.
pub(crate) fn check_conditions(
    asked: &Asked,
    known: Option<&Blob>,
    service: Service,
) -> Result<(), Refusal> {
    match (asked.header("if-none-match"), known) {
        (Some("*"), Some(_)) => return Err(Refusal::exists(service)),
        (None | Some("*"), _) => {}
        (Some(etag), Some(known)) if etag == known.etag => return Err(Refusal::condition()),
        (Some(_), _) => {}
    }
    match (asked.header("if-match"), known) {
        (None, _) | (Some("*"), Some(_)) => Ok(()),
        (Some(etag), Some(known)) if etag == known.etag => Ok(()),
        (Some(_), _) => Err(Refusal::condition()),
    }
}

/// The data, or the part that is asked for; to `HEAD`, the headers alone.
pub(crate) fn answer(
    state: &State,
    asked: &Asked,
    place: &Place,
    service: Service,
) -> Result<Response, Refusal> {
    check_container(state, place, service)?;
    let blob = lock(&state.blobs).get(place).cloned().ok_or_else(|| Refusal::no_blob(service))?;
    let is_hierarchical = state.account(&place.account).is_some_and(|it| it.is_hierarchical);
    check_conditions(asked, Some(&blob), service)?;
    let mut headers = vec![
        (CONTENT_TYPE, blob.content_type.clone()),
        (ETAG, blob.etag.clone()),
        (LAST_MODIFIED, http_date(blob.modified)),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (HeaderName::from_static("x-ms-blob-type"), "BlockBlob".to_owned()),
        (HeaderName::from_static("x-ms-creation-time"), http_date(blob.modified)),
        (HeaderName::from_static("x-ms-server-encrypted"), "true".to_owned()),
    ];
    if is_hierarchical {
        let kind = if blob.is_directory { "directory" } else { "file" };
        headers.push((HeaderName::from_static("x-ms-resource-type"), kind.to_owned()));
    }
    if blob.is_directory {
        headers.push((HeaderName::from_static("x-ms-meta-hdi_isfolder"), "true".to_owned()));
    }
    let length = blob.data.len();
    let (status, body) = match asked.header("x-ms-range").or(asked.header("range")) {
        _ if asked.method == Method::HEAD => {
            headers.push((CONTENT_LENGTH, length.to_string()));
            (StatusCode::OK, Body::empty())
        }
        None => (StatusCode::OK, Body::from(blob.data)),
        // It knows no ranges that are counted from the end.
        Some(asked) if asked.starts_with("bytes=-") => return Err(Refusal::range()),
        Some(asked) => {
            let (start, end) = range(asked, length).map_err(|_| Refusal::range())?;
            headers.push((CONTENT_RANGE, format!("bytes {start}-{}/{length}", end - 1)));
            (StatusCode::PARTIAL_CONTENT, Body::from(blob.data.slice(start..end)))
        }
    };
    let mut response = (status, body).into_response();
    for (name, value) in headers {
        response.headers_mut().extend(value.parse().map(|value| (name, value)));
    }
    Ok(response)
}
