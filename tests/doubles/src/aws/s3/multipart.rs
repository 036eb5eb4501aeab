//! Uploads in parts.

use crate::aws::checksum::md5;
use crate::aws::chunked::Payload;
use crate::aws::policy::Context;
use crate::aws::request::{Answered, Refusal};
use crate::aws::sigv4::hex;
use crate::aws::state::{Object, Principal, State, Upload, random};
use crate::aws::xml::{Element, element, wrap};

use super::access::allow;
use super::conditions::check_write;
use super::objects::{allow_write, check_length, kept_headers, made};
use super::{Asked, empty, iso, malformed_xml, xml, xml_with};

pub(super) fn create(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    let Asked { bucket, key, .. } = asked;
    state.bucket(bucket)?;
    allow_write(state, asked, principal)?;
    let id = random(48);
    let upload = Upload {
        key: key.clone(),
        started: time::OffsetDateTime::now_utc(),
        headers: kept_headers(asked),
        parts: std::collections::BTreeMap::new(),
    };
    state.bucket(bucket)?.uploads.insert(id.clone(), upload);
    let echoed: Vec<_> = ["x-amz-checksum-algorithm", "x-amz-checksum-type"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), asked.header(name)?)))
        .collect();
    let result = element("Bucket", bucket) + &element("Key", key) + &element("UploadId", &id);
    Ok(xml_with("InitiateMultipartUploadResult", &result, &echoed))
}

pub(super) fn upload(
    state: &mut State,
    asked: &Asked<'_>,
    principal: &Principal,
    payload: &Payload,
) -> Answered {
    let number = part_number(asked)?;
    check_length(asked)?;
    state.bucket(&asked.bucket)?;
    let object = (asked.bucket.as_str(), Some(asked.key.as_str()));
    allow(state, principal, "s3:PutObject", object, Context::default())?;
    let part = made(payload);
    let mut headers = vec![("etag".to_owned(), part.etag.clone())];
    headers.extend(part.checksums.clone());
    upload_of(state, asked)?.parts.insert(number, part);
    Ok(empty(200, &headers))
}

pub(super) fn complete(
    state: &mut State,
    asked: &Asked<'_>,
    principal: &Principal,
    payload: &Payload,
) -> Answered {
    let Asked { bucket, key, .. } = asked;
    state.bucket(bucket)?;
    let name = (bucket.as_str(), Some(key.as_str()));
    allow(state, principal, "s3:PutObject", name, Context::default())?;
    let min_size = state.settings.min_part_size;
    let document = Element::parse(&payload.body)
        .filter(|root| root.name == "CompleteMultipartUpload")
        .ok_or_else(malformed_xml)?;
    let upload = upload_of(state, asked)?;
    let object = joined(upload, &document, min_size)?;
    let object = Object { headers: upload.headers.clone(), ..object };
    let etag = object.etag.clone();
    let bucket = state.bucket(&asked.bucket)?;
    check_write(asked, bucket.objects.get(key))?;
    bucket.uploads.remove(asked.parameter("uploadId"));
    bucket.objects.insert(key.clone(), object);
    let location = format!("http://s3.amazonaws.com/{}/{key}", asked.bucket);
    let result = element("Location", &location)
        + &element("Bucket", &asked.bucket)
        + &element("Key", key)
        + &element("ETag", &etag);
    Ok(xml("CompleteMultipartUploadResult", &result))
}

/// Joins the parts that a document names.
fn joined(upload: &Upload, document: &Element, min_size: usize) -> Result<Object, Refusal> {
    let mut body = Vec::new();
    let mut hashes = Vec::new();
    let mut last: Option<(u16, usize)> = None;
    for entry in document.all("Part") {
        let number = entry.child("PartNumber").and_then(|text| text.parse::<u16>().ok());
        let number = number.ok_or_else(malformed_xml)?;
        let invalid = || {
            let message = "One or more of the specified parts could not be found. The part may \
                           not have been uploaded, or the specified entity tag may not match the \
                           part's entity tag.";
            Refusal::new(400, "InvalidPart", message).element("PartNumber", number.to_string())
        };
        let part = upload.parts.get(&number).ok_or_else(invalid)?;
        let etag = entry.child("ETag").ok_or_else(malformed_xml)?;
        let has_other_checksum = part.checksums.iter().any(|(name, value)| {
            let algorithm = name.trim_start_matches("x-amz-checksum-").to_uppercase();
            entry.child(&format!("Checksum{algorithm}")).is_some_and(|told| told != value)
        });
        if etag.trim_matches('"') != part.etag.trim_matches('"') || has_other_checksum {
            return Err(invalid());
        }
        match last {
            Some((earlier, _)) if earlier >= number => {
                let message = "The list of parts was not in ascending order. The parts list must \
                               be specified in order by part number.";
                return Err(Refusal::new(400, "InvalidPartOrder", message));
            }
            Some((_, size)) if size < min_size => {
                let message =
                    "Your proposed upload is smaller than the minimum allowed object size.";
                return Err(Refusal::new(400, "EntityTooSmall", message));
            }
            _ => last = Some((number, part.body.len())),
        }
        body.extend_from_slice(&part.body);
        hashes.extend(md5(&part.body));
    }
    if last.is_none() {
        return Err(malformed_xml());
    }
    let parts = hashes.len() / 16;
    let whole = made(&Payload { body: body.into(), checksums: Vec::new() });
    Ok(Object { etag: format!("\"{}-{parts}\"", hex(&md5(&hashes))), ..whole })
}

pub(super) fn abort(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    state.bucket(&asked.bucket)?;
    let object = (asked.bucket.as_str(), Some(asked.key.as_str()));
    allow(state, principal, "s3:AbortMultipartUpload", object, Context::default())?;
    upload_of(state, asked)?;
    state.bucket(&asked.bucket)?.uploads.remove(asked.parameter("uploadId"));
    Ok(empty(204, &[]))
}

pub(super) fn list_parts(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    let Asked { bucket, key, .. } = asked;
    state.bucket(bucket)?;
    let object = (bucket.as_str(), Some(key.as_str()));
    allow(state, principal, "s3:ListMultipartUploadParts", object, Context::default())?;
    let parts = upload_of(state, asked)?.parts.iter().map(|(number, part)| {
        let told = [
            element("PartNumber", &number.to_string()),
            element("LastModified", &iso(part.modified)),
            element("ETag", &part.etag),
            element("Size", &part.body.len().to_string()),
        ];
        wrap("Part", &told)
    });
    let parts: Vec<_> = parts.collect();
    let result = element("Bucket", bucket)
        + &element("Key", key)
        + &element("UploadId", asked.parameter("uploadId"))
        + &element("MaxParts", "10000")
        + &element("IsTruncated", "false")
        + &parts.concat();
    Ok(xml("ListPartsResult", &result))
}

pub(super) fn list_uploads(
    state: &mut State,
    asked: &Asked<'_>,
    principal: &Principal,
) -> Answered {
    state.bucket(&asked.bucket)?;
    let mut context = Context::default();
    if let Some(prefix) = asked.request.parameter("prefix") {
        context = context.with("s3:prefix", prefix);
    }
    let bucket = (asked.bucket.as_str(), None);
    allow(state, principal, "s3:ListBucketMultipartUploads", bucket, context)?;
    let prefix = asked.parameter("prefix");
    let bucket = state.bucket(&asked.bucket)?;
    let uploads = bucket.uploads.iter().filter(|(_, upload)| upload.key.starts_with(prefix));
    let uploads: Vec<_> = uploads
        .map(|(id, upload)| {
            let told = [
                element("Key", &upload.key),
                element("UploadId", id),
                element("Initiated", &iso(upload.started)),
            ];
            wrap("Upload", &told)
        })
        .collect();
    let result =
        element("Bucket", &asked.bucket) + &element("IsTruncated", "false") + &uploads.concat();
    Ok(xml("ListMultipartUploadsResult", &result))
}

/// The number of the part of a request.
pub(super) fn part_number(asked: &Asked<'_>) -> Result<u16, Refusal> {
    let number = asked.parameter("partNumber").parse().ok();
    number.filter(|number| (1..=10_000).contains(number)).ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        Refusal::new(400, "InvalidArgument", message)
    })
}

/// The upload of a request, if it is one of this object.
pub(super) fn upload_of<'a>(
    state: &'a mut State,
    asked: &Asked<'_>,
) -> Result<&'a mut Upload, Refusal> {
    let upload = state.bucket(&asked.bucket)?.uploads.get_mut(asked.parameter("uploadId"));
    upload.filter(|upload| upload.key == asked.key).ok_or_else(|| {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the \
                       upload may have been aborted or completed.";
        Refusal::new(404, "NoSuchUpload", message)
    })
}
