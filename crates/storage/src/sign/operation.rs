//! What a request does: its method and its parameters.

use std::collections::BTreeMap;
use std::fmt;

use super::{SignRefusal, path, unknown};
use crate::vend::DataAccess;

/// What a request to S3 does: all that is ever signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of S3's API")]
pub enum S3Operation {
    GetObject,
    HeadObject,
    ListObjects,
    PutObject,
    CopyObject,
    DeleteObject,
    DeleteObjects,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
}

impl S3Operation {
    /// What one must be allowed to do for it. Parts of an upload are of interest to its writer alone.
    pub fn access(self) -> DataAccess {
        match self {
            Self::GetObject | Self::HeadObject | Self::ListObjects => DataAccess::Read,
            Self::PutObject
            | Self::CopyObject
            | Self::DeleteObject
            | Self::DeleteObjects
            | Self::CreateMultipartUpload
            | Self::UploadPart
            | Self::UploadPartCopy
            | Self::CompleteMultipartUpload
            | Self::AbortMultipartUpload
            | Self::ListParts => DataAccess::Write,
        }
    }
}

impl fmt::Display for S3Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Parameters that every request may have: the AWS SDKs name the operation in it.
const ALWAYS: [&str; 1] = ["x-id"];

/// A kind of request that is signed. Whether it copies, a header says.
struct Kind {
    operation: S3Operation,
    method: &'static str,
    /// Whether it is about an object, and not about the bucket.
    of_object: bool,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const fn kind(
    operation: S3Operation,
    method: &'static str,
    of_object: bool,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Kind {
    Kind { operation, method, of_object, required, optional }
}

const LIST: &[&str] = &[
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "continuation-token",
    "start-after",
    "marker",
    "encoding-type",
    "fetch-owner",
];

const KINDS: [Kind; 11] = [
    kind(S3Operation::GetObject, "GET", true, &[], &["versionId", "partNumber"]),
    kind(S3Operation::HeadObject, "HEAD", true, &[], &["versionId", "partNumber"]),
    kind(S3Operation::ListObjects, "GET", false, &[], LIST),
    kind(S3Operation::PutObject, "PUT", true, &[], &[]),
    kind(S3Operation::DeleteObject, "DELETE", true, &[], &[]),
    kind(S3Operation::DeleteObjects, "POST", false, &["delete"], &[]),
    kind(S3Operation::CreateMultipartUpload, "POST", true, &["uploads"], &[]),
    kind(S3Operation::UploadPart, "PUT", true, &["partNumber", "uploadId"], &[]),
    kind(S3Operation::CompleteMultipartUpload, "POST", true, &["uploadId"], &[]),
    kind(S3Operation::AbortMultipartUpload, "DELETE", true, &["uploadId"], &[]),
    kind(
        S3Operation::ListParts,
        "GET",
        true,
        &["uploadId"],
        &["max-parts", "part-number-marker", "encoding-type"],
    ),
];

/// The kind of request that this is, and its parameters.
pub(super) fn of(
    method: &str,
    of_object: bool,
    query: &str,
) -> Result<(S3Operation, BTreeMap<String, String>), SignRefusal> {
    let parameters = parameters(query)?;
    let fits = |kind: &&Kind| {
        let has = |name: &&str| parameters.contains_key(*name);
        let is_known = |name: &String| {
            let name = &name.as_str();
            kind.required.contains(name) || kind.optional.contains(name) || ALWAYS.contains(name)
        };
        kind.method == method
            && kind.of_object == of_object
            && kind.required.iter().all(has)
            && parameters.keys().all(is_known)
    };
    let Some(kind) = KINDS.iter().find(fits) else {
        let names: Vec<_> = parameters.keys().map(|name| name.escape_debug().to_string()).collect();
        let of = if of_object { "an object" } else { "a bucket" };
        let method = method.escape_debug();
        return Err(unknown(match names.as_slice() {
            [] => format!("{method} of {of} is none that is signed"),
            names => format!("{method} of {of} with {} is none that is signed", names.join(", ")),
        }));
    };
    // These name a sub-resource, and have no value.
    for name in ["uploads", "delete"] {
        if parameters.get(name).is_some_and(|value| !value.is_empty()) {
            return Err(unknown(format!("the parameter {name} has a value")));
        }
    }
    if parameters.get("list-type").is_some_and(|version| version != "2") {
        return Err(unknown("the only list-type is 2"));
    }
    Ok((kind.operation, parameters))
}

/// The parameters of a query, each of which must be there once: stores differ in which of two
/// they take.
fn parameters(query: &str) -> Result<BTreeMap<String, String>, SignRefusal> {
    let mut parameters = BTreeMap::new();
    if query.is_empty() {
        return Ok(parameters);
    }
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // A blank for some, and a plus sign for others.
        if pair.contains(['+', ';']) {
            return Err(unknown("a parameter has a plus sign or a semicolon that is not encoded"));
        }
        let (name, value) = (path::decoded(name)?, path::decoded(value)?);
        if name.is_empty() || parameters.insert(name, value).is_some() {
            return Err(unknown("a parameter has no name, or is there twice"));
        }
    }
    Ok(parameters)
}
