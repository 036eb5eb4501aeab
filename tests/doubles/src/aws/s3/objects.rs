//! Objects, one at a time.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::aws::checksum::md5;
use crate::aws::chunked::Payload;
use crate::aws::policy::Context;
use crate::aws::request::{Answered, Refusal, answer};
use crate::aws::sigv4::hex;
use crate::aws::state::{Object, Principal, State};

use super::access::{allow, missing};
use super::conditions::{check_write, is_unmodified, range};
use super::{Asked, empty, http_date, request_id};

/// Headers that an object is put with and given back with.
const KEPT: [&str; 6] = [
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
];

pub(super) fn get(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    let Asked { bucket, key, .. } = asked;
    state.bucket(bucket)?;
    let action = match asked.request.parameter("versionId") {
        Some(_) => "s3:GetObjectVersion",
        None => "s3:GetObject",
    };
    allow(state, principal, action, (bucket, Some(key)), Context::default())?;
    let object = state.bucket(bucket)?.objects.get(key).cloned();
    let object = object.ok_or_else(|| missing(state, principal, bucket, key))?;
    let mut headers = vec![
        ("etag".to_owned(), object.etag.clone()),
        ("last-modified".to_owned(), http_date(object.modified)),
        ("accept-ranges".to_owned(), "bytes".to_owned()),
        ("x-amz-request-id".to_owned(), request_id()),
    ];
    if is_unmodified(asked, &object)? {
        return Ok(answer(304, &headers, ""));
    }
    headers.extend(object.headers.clone());
    let length = object.body.len();
    if let Some((first, last)) = range(asked.header("range").as_deref(), length)? {
        headers.push(("content-range".to_owned(), format!("bytes {first}-{last}/{length}")));
        return Ok(answer(206, &headers, object.body.slice(first..=last)));
    }
    if asked.header("x-amz-checksum-mode").is_some_and(|mode| mode == "ENABLED") {
        headers.extend(object.checksums.clone());
    }
    Ok(answer(200, &headers, object.body))
}

pub(super) fn put(
    state: &mut State,
    asked: &Asked<'_>,
    principal: &Principal,
    payload: &Payload,
) -> Answered {
    let Asked { bucket, key, .. } = asked;
    state.bucket(bucket)?;
    check_length(asked)?;
    allow_write(state, asked, principal)?;
    let bucket = state.bucket(bucket)?;
    check_write(asked, bucket.objects.get(key))?;
    let object = Object { headers: kept_headers(asked), ..made(payload) };
    let mut headers = vec![("etag".to_owned(), object.etag.clone())];
    headers.extend(object.checksums.clone());
    bucket.objects.insert(key.clone(), object);
    Ok(empty(200, &headers))
}

pub(super) fn delete(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    let Asked { bucket, key, .. } = asked;
    state.bucket(bucket)?;
    let action = match asked.request.parameter("versionId") {
        Some(_) => "s3:DeleteObjectVersion",
        None => "s3:DeleteObject",
    };
    allow(state, principal, action, (bucket, Some(key)), Context::default())?;
    state.bucket(bucket)?.objects.remove(key);
    Ok(empty(204, &[]))
}

/// An object of a body, without the headers it is kept with.
pub(super) fn made(payload: &Payload) -> Object {
    Object {
        etag: format!("\"{}\"", hex(&md5(&payload.body))),
        body: payload.body.clone(),
        modified: time::OffsetDateTime::now_utc(),
        headers: Vec::new(),
        checksums: payload.checksums.clone(),
    }
}

/// S3 wants to know a body's length before it comes.
pub(super) fn check_length(asked: &Asked<'_>) -> Result<(), Refusal> {
    let is_known = ["content-length", "x-amz-decoded-content-length"];
    if is_known.iter().any(|name| asked.request.headers.contains_key(*name)) {
        return Ok(());
    }
    let message = "You must provide the Content-Length HTTP header.";
    Err(Refusal::new(411, "MissingContentLength", message))
}

/// Checks all that the headers of a write ask for.
pub(super) fn allow_write(
    state: &State,
    asked: &Asked<'_>,
    principal: &Principal,
) -> Result<(), Refusal> {
    let object = (asked.bucket.as_str(), Some(asked.key.as_str()));
    allow(state, principal, "s3:PutObject", object, Context::default())?;
    if asked.header("x-amz-tagging").is_some() {
        allow(state, principal, "s3:PutObjectTagging", object, Context::default())?;
    }
    if let Some(acl) = asked.header("x-amz-acl") {
        allow(state, principal, "s3:PutObjectAcl", object, Context::default())?;
        if acl != "bucket-owner-full-control" {
            let message = "The bucket does not allow ACLs";
            return Err(Refusal::new(400, "AccessControlListNotSupported", message));
        }
    }
    Ok(())
}

/// The headers of a write that are given back with the object.
pub(super) fn kept_headers(asked: &Asked<'_>) -> Vec<(String, String)> {
    let mut kept = Vec::new();
    for name in asked.request.headers.keys().map(http::HeaderName::as_str) {
        let Some(mut value) = asked.header(name) else { continue };
        if !KEPT.contains(&name) && !name.starts_with("x-amz-meta-") {
            continue;
        }
        if name == "content-encoding" {
            // Of the transfer, not of the object.
            let codings = value.split(',').map(str::trim).filter(|one| *one != "aws-chunked");
            value = codings.collect::<Vec<_>>().join(",");
        }
        if !value.is_empty() {
            kept.push((name.to_owned(), value));
        }
    }
    if !kept.iter().any(|(name, _)| name == "content-type") {
        kept.push(("content-type".to_owned(), "binary/octet-stream".to_owned()));
    }
    kept
}

/// Checks that a header is base64 of sixteen bytes, as `Content-MD5` must be.
pub(super) fn is_md5(value: &str) -> bool {
    BASE64_STANDARD.decode(value).is_ok_and(|bytes| bytes.len() == 16)
}
