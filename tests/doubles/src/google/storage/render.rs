//! What the storage service answers, in either of its languages.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::memory::{Object, Page};
use crate::google::answer::Refusal;
use crate::http_text::{http_date, iso_date, range, xml_escaped};

const GENERATION: HeaderName = HeaderName::from_static("x-goog-generation");
const HASH: HeaderName = HeaderName::from_static("x-goog-hash");

/// An object's data, or the part of it that a `Range` header asks for.
pub(crate) fn data(object: &Object, asked: Option<&str>) -> Result<Response, Refusal> {
    let length = object.data.len();
    let (status, start, end) = match asked {
        None => (StatusCode::OK, 0, length),
        Some(asked) => {
            let (start, end) = range(asked, length).map_err(|_| Refusal::range())?;
            (StatusCode::PARTIAL_CONTENT, start, end)
        }
    };
    let body = Body::from(object.data.slice(start..end));
    let mut response = (status, headers(object), body).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let value = format!("bytes {start}-{}/{length}", end - 1);
        response.headers_mut().extend(value.parse().map(|value| (CONTENT_RANGE, value)));
    }
    Ok(response)
}

/// The headers alone.
pub(crate) fn head(object: &Object) -> Response {
    let length = [(CONTENT_LENGTH, object.data.len().to_string())];
    (headers(object), length).into_response()
}

/// An object that was written, for the XML API.
pub(crate) fn written(object: &Object) -> Response {
    let headers = [(ETAG, object.etag()), (GENERATION, object.generation.to_string())];
    headers.into_response()
}

fn headers(object: &Object) -> [(HeaderName, String); 6] {
    [
        (CONTENT_TYPE, object.content_type.clone()),
        (ETAG, object.etag()),
        (LAST_MODIFIED, http_date(object.updated)),
        (GENERATION, object.generation.to_string()),
        (HASH, format!("crc32c={}", object.crc32c())),
        (ACCEPT_RANGES, "bytes".to_owned()),
    ]
}

/// A bucket's metadata.
pub(crate) fn bucket(name: &str) -> Value {
    json!({
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "location": "EU",
        "storageClass": "STANDARD",
        "metageneration": "1",
        "etag": "CAE=",
    })
}

/// An object's metadata.
pub(crate) fn metadata(bucket: &str, name: &str, object: &Object) -> Value {
    let updated = iso_date(object.updated);
    json!({
        "kind": "storage#object",
        "id": format!("{bucket}/{name}/{}", object.generation),
        "name": name,
        "bucket": bucket,
        "generation": object.generation.to_string(),
        "metageneration": "1",
        "contentType": object.content_type,
        "storageClass": "STANDARD",
        "size": object.data.len().to_string(),
        "crc32c": object.crc32c(),
        "etag": object.etag().trim_matches('"'),
        "timeCreated": updated,
        "updated": updated,
    })
}

/// A list for the JSON API.
pub(crate) fn json_list(bucket: &str, page: &Page<'_>) -> Value {
    let items = page.objects.iter().map(|(name, object)| metadata(bucket, name, object));
    let mut list = json!({"kind": "storage#objects"});
    if !page.objects.is_empty() {
        list["items"] = items.collect();
    }
    if !page.prefixes.is_empty() {
        list["prefixes"] = json!(page.prefixes);
    }
    if let Some(next) = &page.next {
        list["nextPageToken"] = json!(next);
    }
    list
}

/// A list for the XML API.
pub(crate) fn xml_list(bucket: &str, prefix: &str, page: &Page<'_>) -> Response {
    let mut body = String::new();
    // Writing to a string does not fail.
    for (name, object) in &page.objects {
        let _ = write!(
            body,
            "<Contents><Key>{}</Key><Generation>{}</Generation><LastModified>{}</LastModified>\
             <ETag>{}</ETag><Size>{}</Size></Contents>",
            xml_escaped(name),
            object.generation,
            iso_date(object.updated),
            xml_escaped(&object.etag()),
            object.data.len(),
        );
    }
    for prefix in &page.prefixes {
        let prefix = xml_escaped(prefix);
        let _ = write!(body, "<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>");
    }
    if let Some(next) = &page.next {
        let next = xml_escaped(next);
        let _ = write!(body, "<NextContinuationToken>{next}</NextContinuationToken>");
    }
    xml(&format!(
        "<ListBucketResult><Name>{}</Name><Prefix>{}</Prefix><IsTruncated>{}</IsTruncated>{body}\
         </ListBucketResult>",
        xml_escaped(bucket),
        xml_escaped(prefix),
        page.next.is_some(),
    ))
}

/// A document.
pub(crate) fn xml(content: &str) -> Response {
    let body = format!("<?xml version='1.0' encoding='UTF-8'?>{content}");
    ([(CONTENT_TYPE, "application/xml; charset=UTF-8")], body).into_response()
}
