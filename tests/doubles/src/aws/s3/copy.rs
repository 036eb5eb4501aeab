//! Copies, which read one object and write another.

use crate::aws::chunked::Payload;
use crate::aws::policy::Context;
use crate::aws::request::{Answered, Refusal, decode};
use crate::aws::state::{Object, Principal, State};
use crate::aws::xml::element;

use super::access::{allow, missing};
use super::conditions::{check_source, check_write, range};
use super::multipart::{part_number, upload_of};
use super::objects::{allow_write, kept_headers, made};
use super::{Asked, iso, xml};

/// Copies an object.
pub(super) fn object(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    let Asked { bucket, key, .. } = asked;
    state.bucket(bucket)?;
    allow_write(state, asked, principal)?;
    let (name, source) = source(state, asked, principal)?;
    let replaces = match asked.header("x-amz-metadata-directive").as_deref() {
        None | Some("COPY") => false,
        Some("REPLACE") => true,
        Some(_) => {
            return Err(Refusal::new(400, "InvalidArgument", "Unknown metadata directive."));
        }
    };
    if name == (bucket.clone(), key.clone()) && !replaces {
        let message = "This copy request is illegal because it is trying to copy an object to \
                       itself without changing the object's metadata, storage class, website \
                       redirect location or encryption attributes.";
        return Err(Refusal::new(400, "InvalidRequest", message));
    }
    let bucket = state.bucket(bucket)?;
    check_write(asked, bucket.objects.get(key))?;
    let copied = Payload { body: source.body, checksums: source.checksums };
    let headers = if replaces { kept_headers(asked) } else { source.headers };
    let object = Object { headers, ..made(&copied) };
    let result = result(&object);
    bucket.objects.insert(key.clone(), object);
    Ok(xml("CopyObjectResult", &result))
}

/// Copies an object, or some bytes of it, to a part of an upload.
pub(super) fn part(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    let number = part_number(asked)?;
    state.bucket(&asked.bucket)?;
    let target = (asked.bucket.as_str(), Some(asked.key.as_str()));
    allow(state, principal, "s3:PutObject", target, Context::default())?;
    let (_, source) = source(state, asked, principal)?;
    let wanted = asked.header("x-amz-copy-source-range");
    let body = match range(wanted.as_deref(), source.body.len())? {
        Some((first, last)) => source.body.slice(first..=last),
        None => source.body,
    };
    let part = made(&Payload { body, checksums: Vec::new() });
    let result = result(&part);
    upload_of(state, asked)?.parts.insert(number, part);
    Ok(xml("CopyPartResult", &result))
}

fn result(object: &Object) -> String {
    format!("{}{}", element("ETag", &object.etag), element("LastModified", &iso(object.modified)))
}

type Named = ((String, String), Object);

/// The source, which must be readable as if it were got.
fn source(state: &State, asked: &Asked<'_>, principal: &Principal) -> Result<Named, Refusal> {
    let header = asked.header("x-amz-copy-source").unwrap_or_default();
    let path = header.split_once('?').map_or(header.as_str(), |(path, _)| path);
    let path = decode(path.strip_prefix('/').unwrap_or(path));
    let (bucket, key) = path.split_once('/').ok_or_else(|| {
        let message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
        Refusal::new(400, "InvalidArgument", message)
    })?;
    let objects = state.buckets.get(bucket).map(|bucket| &bucket.objects).ok_or_else(|| {
        Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist")
            .element("BucketName", bucket)
    })?;
    allow(state, principal, "s3:GetObject", (bucket, Some(key)), Context::default())?;
    let object = objects.get(key).ok_or_else(|| missing(state, principal, bucket, key))?;
    check_source(asked, object)?;
    Ok(((bucket.to_owned(), key.to_owned()), object.clone()))
}
