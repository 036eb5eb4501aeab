//! S3, addressed by path.

mod access;
mod batch;
mod buckets;
mod conditions;
mod copy;
mod listing;
mod multipart;
mod objects;

use axum::response::Response;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::chunked::{self, Payload};
use super::request::{Answered, Refusal, Request, answer, decode};
use super::state::{Principal, State};
use super::xml::element;

pub(crate) use access::wrong_signature;

/// A time in XML.
const ISO: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
/// A time in a header.
const HTTP: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

fn iso(at: OffsetDateTime) -> String {
    at.format(ISO).unwrap_or_default()
}

fn http_date(at: OffsetDateTime) -> String {
    at.format(HTTP).unwrap_or_default()
}

/// The operations, as S3 names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    ListBuckets,
    CreateBucket,
    HeadBucket,
    GetBucketLocation,
    ListObjects,
    ListObjectsV2,
    ListMultipartUploads,
    DeleteObjects,
    GetObject,
    HeadObject,
    PutObject,
    CopyObject,
    DeleteObject,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
}

/// A request whose operation and object are known.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request,
    pub(crate) operation: Operation,
    pub(crate) bucket: String,
    pub(crate) key: String,
}

/// Parameters that name a part of a bucket or an object that the double does not have.
const SUBRESOURCES: &[&str] = &[
    "acl",
    "tagging",
    "torrent",
    "retention",
    "legal-hold",
    "attributes",
    "select",
    "restore",
    "versions",
    "versioning",
    "policy",
    "policyStatus",
    "lifecycle",
    "cors",
    "encryption",
    "replication",
    "website",
    "logging",
    "notification",
    "accelerate",
    "requestPayment",
    "ownershipControls",
    "publicAccessBlock",
    "object-lock",
    "inventory",
    "metrics",
    "analytics",
    "intelligent-tiering",
    "session",
    "renameObject",
    "partNumber",
    "uploadId",
    "uploads",
    "delete",
    "location",
    "list-type",
];

impl<'a> Asked<'a> {
    /// Finds out what is asked of which object.
    pub(crate) fn read(request: &'a Request) -> Result<Self, Refusal> {
        let path = decode(request.path.strip_prefix('/').unwrap_or(&request.path));
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        let has = |name: &str| request.parameter(name).is_some();
        let copies = request.headers.contains_key("x-amz-copy-source");
        let asked: Vec<_> = SUBRESOURCES.iter().copied().filter(|name| has(name)).collect();
        let level = (bucket.is_empty(), key.is_empty());
        let operation = match (request.method.as_str(), level, &asked[..]) {
            ("GET", (true, _), []) => Operation::ListBuckets,
            ("PUT", (false, true), []) => Operation::CreateBucket,
            ("HEAD", (false, true), []) => Operation::HeadBucket,
            ("GET", (false, true), []) => Operation::ListObjects,
            ("GET", (false, true), ["list-type"]) => Operation::ListObjectsV2,
            ("GET", (false, true), ["location"]) => Operation::GetBucketLocation,
            ("GET", (false, true), ["uploads"]) => Operation::ListMultipartUploads,
            ("POST", (false, true), ["delete"]) => Operation::DeleteObjects,
            ("GET", (false, false), []) => Operation::GetObject,
            ("HEAD", (false, false), []) => Operation::HeadObject,
            ("PUT", (false, false), []) if copies => Operation::CopyObject,
            ("PUT", (false, false), []) => Operation::PutObject,
            ("DELETE", (false, false), []) => Operation::DeleteObject,
            ("POST", (false, false), ["uploads"]) => Operation::CreateMultipartUpload,
            ("PUT", (false, false), ["partNumber", "uploadId"]) if copies => {
                Operation::UploadPartCopy
            }
            ("PUT", (false, false), ["partNumber", "uploadId"]) => Operation::UploadPart,
            ("POST", (false, false), ["uploadId"]) => Operation::CompleteMultipartUpload,
            ("DELETE", (false, false), ["uploadId"]) => Operation::AbortMultipartUpload,
            ("GET", (false, false), ["uploadId"]) => Operation::ListParts,
            _ => {
                let message = format!(
                    "A header or a parameter you provided implies functionality that is not \
                     implemented: {} {asked:?}",
                    request.method
                );
                return Err(Refusal::new(501, "NotImplemented", message));
            }
        };
        Ok(Self { request, operation, bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// A header of the request.
    fn header(&self, name: &str) -> Option<String> {
        self.request.header(name)
    }

    /// A parameter that must be there.
    fn parameter(&self, name: &str) -> &str {
        self.request.parameter(name).unwrap_or_default()
    }
}

/// Answers a request, and says who made it.
pub(crate) fn serve(state: &mut State, asked: &Asked<'_>, who: &mut Option<String>) -> Answered {
    let (principal, signature) = access::authenticate(state, asked)?;
    *who = Some(principal.arn().to_owned());
    access::check_region(state, asked, &signature)?;
    let hash = chunked::stated_hash(asked.request, &signature)?;
    access::check_signature(state, asked, &signature, &principal, &hash)?;
    if asked.key.len() > 1024 {
        return Err(Refusal::new(400, "KeyTooLongError", "Your key is too long"));
    }
    let payload = chunked::unwrap(asked.request, &hash, &signature, principal.secret())?;
    dispatch(state, asked, &principal, &payload)
}

fn dispatch(
    state: &mut State,
    asked: &Asked<'_>,
    principal: &Principal,
    payload: &Payload,
) -> Answered {
    match asked.operation {
        Operation::ListBuckets => buckets::list(state, principal),
        Operation::CreateBucket => buckets::create(state, asked, principal, payload),
        Operation::HeadBucket => buckets::head(state, asked, principal),
        Operation::GetBucketLocation => buckets::location(state, asked, principal),
        Operation::ListObjects | Operation::ListObjectsV2 => listing::list(state, asked, principal),
        Operation::ListMultipartUploads => multipart::list_uploads(state, asked, principal),
        Operation::DeleteObjects => batch::delete(state, asked, principal, payload),
        Operation::GetObject | Operation::HeadObject => objects::get(state, asked, principal),
        Operation::PutObject => objects::put(state, asked, principal, payload),
        Operation::CopyObject => copy::object(state, asked, principal),
        Operation::DeleteObject => objects::delete(state, asked, principal),
        Operation::CreateMultipartUpload => multipart::create(state, asked, principal),
        Operation::UploadPart => multipart::upload(state, asked, principal, payload),
        Operation::UploadPartCopy => copy::part(state, asked, principal),
        Operation::CompleteMultipartUpload => multipart::complete(state, asked, principal, payload),
        Operation::AbortMultipartUpload => multipart::abort(state, asked, principal),
        Operation::ListParts => multipart::list_parts(state, asked, principal),
    }
}

/// A refusal as S3 words it.
pub(crate) fn refused(refusal: &Refusal, path: &str) -> Response {
    let id = request_id();
    let more: String = refusal.elements.iter().map(|(name, value)| element(name, value)).collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{}{}{more}{}{}{}</Error>",
        element("Code", &refusal.code),
        element("Message", &refusal.message),
        element("Resource", path),
        element("RequestId", &id),
        element("HostId", &id),
    );
    let mut headers = refusal.headers.clone();
    headers.push(("content-type".to_owned(), "application/xml".to_owned()));
    headers.push(("x-amz-request-id".to_owned(), id.clone()));
    headers.push(("x-amz-id-2".to_owned(), id));
    answer(refusal.status, &headers, body)
}

/// An answer without content.
fn empty(status: u16, headers: &[(String, String)]) -> Response {
    let mut headers = headers.to_vec();
    headers.push(("x-amz-request-id".to_owned(), request_id()));
    answer(status, &headers, "")
}

/// An answer in XML: the content of a root element.
fn xml(root: &str, content: &str) -> Response {
    xml_with(root, content, &[])
}

fn xml_with(root: &str, content: &str, headers: &[(String, String)]) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{content}</{root}>"
    );
    let mut headers = headers.to_vec();
    headers.push(("content-type".to_owned(), "application/xml".to_owned()));
    headers.push(("x-amz-request-id".to_owned(), request_id()));
    answer(200, &headers, body)
}

fn request_id() -> String {
    super::state::random(16)
}

fn malformed_xml() -> Refusal {
    let message = "The XML you provided was not well-formed or did not validate against our \
                   published schema";
    Refusal::new(400, "MalformedXML", message)
}
