//! Signing of single requests to S3, for clients that hold no credentials.
//!
//! A request is taken apart and judged first: which objects it touches, and whether it reads, writes
//! or lists. Only what is on a list of known requests is ever signed, since the server's identity
//! may do more than any client: so no sub-resource, parameter or header that is not known to be
//! harmless gets a signature.

mod delete_body;
mod headers;
mod operation;
mod path;
pub(crate) mod requests;
mod signature;
mod target;
#[cfg(test)]
mod tests;

use std::fmt;

use merak_model::storage_config::S3Config;

pub use self::operation::S3Operation;
pub use self::signature::SignedS3Request;
use self::target::Target;
use crate::vend::{DataAccess, LocationGrant};

/// A request to S3 that a client wants to have signed.
#[derive(Clone)]
pub struct S3RequestToSign {
    /// The HTTP method.
    pub method: String,
    /// The URI, as the client will send it.
    pub uri: String,
    /// The region to sign for.
    pub region: String,
    /// The headers, with their values.
    pub headers: Vec<(String, Vec<String>)>,
    /// The body, of a request that removes many objects.
    pub body: Option<String>,
}

impl fmt::Debug for S3RequestToSign {
    /// Headers and parameters may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3RequestToSign").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Why a request is not signed. Texts are fit for clients; each of them means 403.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignRefusal {
    /// It is not of the kinds that are signed, or cannot be understood without doubt.
    #[error("The request is not signed: {0}")]
    Unknown(String),

    /// It goes to another place than the catalog's store.
    #[error("The request is not signed: {0}")]
    WrongHost(String),

    /// It touches what the client has no access to.
    #[error("The request is not signed: {0} is outside the locations of the table")]
    Outside(String),

    /// It writes, and the client may only read.
    #[error("The request is not signed: {0} writes, and you may only read here")]
    ReadOnly(S3Operation),
}

/// A request that was judged, and may be signed.
#[derive(Debug, Clone)]
pub struct JudgedS3Request {
    operation: S3Operation,
    method: String,
    uri: String,
    region: String,
    headers: headers::Judged,
    /// The payload's hash where it is to be signed, or what stands for it.
    payload: String,
    objects: Vec<String>,
}

impl JudgedS3Request {
    /// What it does.
    pub fn operation(&self) -> S3Operation {
        self.operation
    }

    /// The objects it touches, or the prefix it lists, as `bucket/key`; the source of a copy is
    /// the last.
    pub fn objects(&self) -> &[String] {
        &self.objects
    }
}

/// Judges a request by a grant on a catalog's storage.
pub fn judge(
    request: &S3RequestToSign,
    config: &S3Config,
    grant: &LocationGrant,
) -> Result<JudgedS3Request, SignRefusal> {
    check_region(&request.region)?;
    let target = Target::of(&request.uri, &request.region, config, grant)?;
    let (mut operation, parameters) =
        operation::of(&request.method, !target.key.is_empty(), &target.query)?;
    let mut headers = headers::judge(request, &mut operation, &target.authority, config)?;
    if operation.access() == DataAccess::Write && grant.access() == DataAccess::Read {
        return Err(SignRefusal::ReadOnly(operation));
    }

    let mut objects = Vec::new();
    let mut touch = |bucket: &str, key: &str| {
        path::check_key(key)?;
        check_inside(grant, bucket, key)?;
        objects.push(format!("{bucket}/{key}"));
        Ok::<_, SignRefusal>(())
    };
    match operation {
        S3Operation::ListObjects => {
            let prefix = parameters.get("prefix").map_or("", String::as_str);
            path::check_prefix(prefix)?;
            check_inside(grant, &target.bucket, prefix)?;
            objects.push(format!("{}/{prefix}", target.bucket));
        }
        S3Operation::DeleteObjects => {
            let body = request.body.as_deref().unwrap_or_default();
            for key in delete_body::keys(body)? {
                touch(&target.bucket, &key)?;
            }
            // The store refuses another body than the one that was judged.
            headers.payload = Some(signature::sha256_hex(body.as_bytes()));
        }
        S3Operation::CopyObject | S3Operation::UploadPartCopy => {
            touch(&target.bucket, &target.key)?;
            let source = headers.copy_source.as_deref().unwrap_or_default();
            let (bucket, key) = path::copy_source(source)?;
            touch(&bucket, &key)?;
        }
        S3Operation::GetObject
        | S3Operation::HeadObject
        | S3Operation::ListParts
        | S3Operation::PutObject
        | S3Operation::UploadPart
        | S3Operation::CreateMultipartUpload
        | S3Operation::CompleteMultipartUpload
        | S3Operation::AbortMultipartUpload
        | S3Operation::DeleteObject => touch(&target.bucket, &target.key)?,
    }
    Ok(JudgedS3Request {
        operation,
        method: request.method.clone(),
        uri: target.uri(),
        region: request.region.clone(),
        payload: headers.payload.take().unwrap_or_else(|| signature::UNSIGNED.to_owned()),
        headers,
        objects,
    })
}

/// Whether all that begins with a text lies below a granted location. What begins with a location's
/// path, but without a slash after it, may be a sibling's.
fn check_inside(grant: &LocationGrant, bucket: &str, text: &str) -> Result<(), SignRefusal> {
    let mut locations = grant.locations().iter();
    let is_inside = locations.any(|location| {
        location.authority() == bucket
            && (location.path().is_empty()
                || text.strip_prefix(location.path()).is_some_and(|below| below.starts_with('/')))
    });
    if is_inside {
        return Ok(());
    }
    Err(SignRefusal::Outside(format!("'s3://{}/{}'", bucket.escape_debug(), text.escape_debug())))
}

fn check_region(region: &str) -> Result<(), SignRefusal> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if region.is_empty() || region.len() > 64 || !region.bytes().all(fits) {
        return Err(unknown(format!("'{}' is no region", region.escape_debug())));
    }
    Ok(())
}

fn unknown(why: impl Into<String>) -> SignRefusal {
    SignRefusal::Unknown(why.into())
}
