//! Headers: which are signed, which are kept beside, and which are not signed for anybody.

use std::fmt;

use merak_model::storage_config::S3Config;

use super::operation::S3Operation;
use super::{S3RequestToSign, SignRefusal, unknown};

/// What the signature brings anew.
const REPLACED: [&str; 4] =
    ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];

/// Of the headers that S3 gives a meaning, those that change what is in an object or how it is sent,
/// and not who may reach it, how long it must be kept, or who pays.
const KNOWN: [&str; 22] = [
    "x-amz-checksum-algorithm",
    "x-amz-checksum-mode",
    "x-amz-checksum-type",
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-unmodified-since",
    "x-amz-copy-source-range",
    "x-amz-decoded-content-length",
    "x-amz-expected-bucket-owner",
    "x-amz-if-match-last-modified-time",
    "x-amz-if-match-size",
    "x-amz-metadata-directive",
    "x-amz-mp-object-size",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-context",
    "x-amz-source-expected-bucket-owner",
    "x-amz-storage-class",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// The same, where only the beginning is known.
const KNOWN_BEGINNINGS: [&str; 4] = [
    "x-amz-checksum-",
    "x-amz-meta-",
    "x-amz-server-side-encryption-customer-",
    "x-amz-copy-source-server-side-encryption-customer-",
];

const COPY_SOURCE: &str = "x-amz-copy-source";
const KMS_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";

/// Headers without those that the signature brings.
#[derive(Clone, Default)]
pub(super) struct Judged {
    /// Names in lower case, with their values.
    pub(super) signed: Vec<(String, String)>,
    /// All, as the client wrote them.
    pub(super) kept: Vec<(String, Vec<String>)>,
    /// What the client says of the payload.
    pub(super) payload: Option<String>,
    pub(super) copy_source: Option<String>,
}

impl fmt::Debug for Judged {
    /// Some hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kept.iter().map(|(name, _)| name)).finish()
    }
}

pub(super) fn judge(
    request: &S3RequestToSign,
    operation: &mut S3Operation,
    authority: &str,
    config: &S3Config,
) -> Result<Judged, SignRefusal> {
    let mut judged = Judged::default();
    for (name, values) in &request.headers {
        let lower = name.to_ascii_lowercase();
        let lower = lower.as_str();
        if lower == "x-amz-content-sha256" {
            judged.payload = Some(payload(single(lower, values)?)?);
        }
        if REPLACED.contains(&lower) {
            continue;
        }
        judged.kept.push((name.clone(), values.clone()));
        if lower == "host" && !is_host(single(lower, values)?, authority) {
            return Err(unknown("the Host header is not the URI's host"));
        }
        let has_meaning = lower.starts_with("x-amz-") || lower.starts_with("x-amz_");
        if !has_meaning && !["content-md5", "content-type"].contains(&lower) {
            continue;
        }
        let value = single(lower, values)?;
        match lower {
            COPY_SOURCE => judged.copy_source = Some(value.to_owned()),
            KMS_KEY => check_key(value, config)?,
            _ if has_meaning => check_known(lower)?,
            _ => {}
        }
        if judged.signed.iter().any(|(signed, _)| signed == lower) {
            return Err(unknown(format!("the header {lower} is there twice")));
        }
        judged.signed.push((lower.to_owned(), value.to_owned()));
    }
    if judged.copy_source.is_some() {
        *operation = match *operation {
            S3Operation::PutObject => S3Operation::CopyObject,
            S3Operation::UploadPart => S3Operation::UploadPartCopy,
            S3Operation::GetObject
            | S3Operation::HeadObject
            | S3Operation::ListObjects
            | S3Operation::CopyObject
            | S3Operation::DeleteObject
            | S3Operation::DeleteObjects
            | S3Operation::CreateMultipartUpload
            | S3Operation::UploadPartCopy
            | S3Operation::CompleteMultipartUpload
            | S3Operation::AbortMultipartUpload
            | S3Operation::ListParts => {
                return Err(unknown(format!("{operation} has no source to copy from")));
            }
        };
    }
    Ok(judged)
}

/// The value of a header that must have one: stores differ in which of two they take.
fn single<'a>(name: &str, values: &'a [String]) -> Result<&'a str, SignRefusal> {
    let [value] = values else {
        return Err(unknown(format!("the header {name} has not one value")));
    };
    if !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(unknown(format!("the header {name} has a character that is not in ASCII")));
    }
    Ok(value.trim())
}

fn is_host(value: &str, authority: &str) -> bool {
    let without_port = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_suffix(":443").or(text.strip_suffix(":80")).unwrap_or(&text).to_owned()
    };
    value.eq_ignore_ascii_case(authority) || without_port(value) == without_port(authority)
}

fn check_known(name: &str) -> Result<(), SignRefusal> {
    if KNOWN.contains(&name) || KNOWN_BEGINNINGS.iter().any(|known| name.starts_with(known)) {
        return Ok(());
    }
    Err(unknown(format!("the header {} is none that is signed", name.escape_debug())))
}

/// Where a catalog says which keys its objects are encrypted with, there are no others.
fn check_key(key: &str, config: &S3Config) -> Result<(), SignRefusal> {
    let mut keys = config.keys_to_encrypt_with().peekable();
    if keys.peek().is_none() || keys.any(|allowed| allowed == key) {
        return Ok(());
    }
    Err(unknown("it names a KMS key that the catalog does not"))
}

/// What stands for the payload. Chunks that are signed one by one would take the secret key.
fn payload(value: &str) -> Result<String, SignRefusal> {
    let is_hash = value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash || ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"].contains(&value) {
        return Ok(value.to_owned());
    }
    Err(unknown("x-amz-content-sha256 asks for more than one signature"))
}
