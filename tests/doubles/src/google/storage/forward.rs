//! Lets another service keep the objects: one that checks nothing.

use axum::body::Body;
use axum::http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
    LOCATION, RANGE, TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::action::{Action, Call};
use crate::google::answer::{Refusal, Style};
use crate::google::state::State;
use crate::http_text::pairs;
use crate::serving::Asked;
use crate::traffic::lock;

/// Sends the request on, without what it was authorized by.
pub(crate) async fn forward(
    state: &State,
    data: &str,
    call: &Call,
    asked: Asked,
) -> Result<Response, Refusal> {
    if call.style == Style::Xml
        && let Some(answer) = in_other_words(state, data, call, &asked).await?
    {
        return Ok(answer);
    }
    let path = asked.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = asked.headers;
    // The host stays: by it the other service tells its two APIs apart.
    for name in [AUTHORIZATION, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let request = state.client.request(asked.method, format!("{data}{path}"));
    let answer =
        request.headers(headers).body(asked.body).send().await.map_err(|error| failed(&error))?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    remember_upload(state, data, call, &mut headers);
    let body = answer.bytes().await.map_err(|error| failed(&error))?;
    headers.remove(TRANSFER_ENCODING);
    headers.remove(CONNECTION);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// What the XML API is asked for, asked of the JSON API: the other service knows but half of the first.
/// Nothing for what need not be translated.
async fn in_other_words(
    state: &State,
    data: &str,
    call: &Call,
    asked: &Asked,
) -> Result<Option<Response>, Refusal> {
    let bucket = &call.bucket;
    let encoded = |name: &str| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
    let object = |name: &str| format!("{data}/storage/v1/b/{bucket}/o/{}", encoded(name));
    let (name, request) = match &call.action {
        Action::Put(write, body) => {
            let name = &write.name;
            let upload = format!("{data}/upload/storage/v1/b/{bucket}/o?uploadType=media");
            let request = state.client.post(format!("{upload}&name={}", encoded(name)));
            (name, request.header(CONTENT_TYPE, &write.content_type).body(body.clone()))
        }
        Action::Get { name } | Action::Stat { name } => {
            let mut request = state.client.get(format!("{}?alt=media", object(name)));
            if let Some(range) = asked.header("range") {
                request = request.header(RANGE, range);
            }
            (name, request)
        }
        Action::Delete { name, .. } => (name, state.client.delete(object(name))),
        Action::Bucket
        | Action::List(_)
        | Action::Copy { .. }
        | Action::Start(_)
        | Action::Chunk { .. }
        | Action::StartParts(_)
        | Action::Part { .. }
        | Action::Complete { .. }
        | Action::Abort { .. } => return Ok(None),
    };
    let answer = request.send().await.map_err(|error| failed(&error))?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(Refusal::not_found("object"));
    }
    let (status, told) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.map_err(|error| failed(&error))?;
    if matches!(call.action, Action::Delete { .. }) {
        return Ok(Some(StatusCode::NO_CONTENT.into_response()));
    }
    let generation = generation(state, data, bucket, name).await?.unwrap_or_default();
    let is_read = matches!(call.action, Action::Get { .. });
    let mut response = Response::new(if is_read { Body::from(body) } else { Body::empty() });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for kept in [CONTENT_TYPE, CONTENT_RANGE, LAST_MODIFIED] {
        headers.extend(told.get(&kept).cloned().map(|value| (kept, value)));
    }
    let number = HeaderValue::from(generation);
    headers.extend(HeaderValue::from_str(&format!("\"{generation}\"")).map(|tag| (ETAG, tag)));
    headers.insert("x-goog-generation", number);
    Ok(Some(response))
}

/// The generation of an object, if it is there.
pub(crate) async fn generation(
    state: &State,
    data: &str,
    bucket: &str,
    name: &str,
) -> Result<Option<i64>, Refusal> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let url = format!("{data}/storage/v1/b/{bucket}/o/{name}");
    let answer = state.client.get(url).send().await.map_err(|error| failed(&error))?;
    if !answer.status().is_success() {
        return Ok(None);
    }
    let body = answer.bytes().await.map_err(|error| failed(&error))?;
    let metadata: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    // One that has none counts as some: what matters is whether it is there.
    Ok(Some(metadata["generation"].as_str().and_then(|text| text.parse().ok()).unwrap_or(1)))
}

/// A resumable upload goes on here, and under the name that the other service gave it.
fn remember_upload(state: &State, data: &str, call: &Call, headers: &mut HeaderMap) {
    let Action::Start(write) = &call.action else { return };
    let Some(location) = headers.get(LOCATION).and_then(|location| location.to_str().ok()) else {
        return;
    };
    let query = pairs(location.split_once('?').map_or("", |(_, query)| query));
    if let Some((_, id)) = query.iter().find(|(name, _)| name == "upload_id") {
        lock(&state.uploads).remember(id, &call.bucket, write.clone());
    }
    if let Ok(location) = HeaderValue::from_str(&location.replace(data, &state.endpoint)) {
        headers.insert(LOCATION, location);
    }
}

fn failed(error: &reqwest::Error) -> Refusal {
    Refusal::unreachable(error.to_string())
}
