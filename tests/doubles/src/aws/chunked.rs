//! Bodies in `aws-chunked` form, and what is told of a body beside it.
//!
//! From <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use super::checksum::{ALGORITHMS, checksum, md5};
use super::request::{Refusal, Request};
use super::sigv4::{Signature, sha256};

/// A body, with the checksums that were sent for it and that are right.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payload {
    pub(crate) body: Bytes,
    /// Names of headers, and values.
    pub(crate) checksums: Vec<(String, String)>,
}

const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What stands for the body in the signature of a request to S3.
pub(crate) fn stated_hash(request: &Request, signature: &Signature) -> Result<String, Refusal> {
    match request.header("x-amz-content-sha256") {
        Some(hash) => Ok(hash),
        // A presigned URL is made before the body is known.
        None if signature.expires.is_some() => {
            Ok(request.parameter("X-Amz-Content-Sha256").unwrap_or("UNSIGNED-PAYLOAD").to_owned())
        }
        None => Err(Refusal::new(
            400,
            "InvalidRequest",
            "Missing required header for this request: x-amz-content-sha256",
        )),
    }
}

/// Takes the body out of its wrapping, and holds it against all that is said of it.
pub(crate) fn unwrap(
    request: &Request,
    hash: &str,
    signature: &Signature,
    secret: &str,
) -> Result<Payload, Refusal> {
    let (body, trailers) = match hash {
        "UNSIGNED-PAYLOAD" => (request.body.clone(), Vec::new()),
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => decode(request, None)?,
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
            decode(request, Some((signature, secret)))?
        }
        stated if stated.len() == 64 && stated.chars().all(|one| one.is_ascii_hexdigit()) => {
            let computed = sha256(&request.body);
            if computed != stated {
                return Err(Refusal::new(
                    400,
                    "XAmzContentSHA256Mismatch",
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                )
                .element("ClientComputedContentSHA256", stated)
                .element("S3ComputedContentSHA256", computed));
            }
            (request.body.clone(), Vec::new())
        }
        _ => {
            return Err(Refusal::new(
                400,
                "InvalidArgument",
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, \
                 STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, \
                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
            ));
        }
    };
    if let Some(stated) = request.header("content-md5")
        && stated != BASE64_STANDARD.encode(md5(&body))
    {
        let message = "The Content-MD5 you specified did not match what we received.";
        return Err(Refusal::new(400, "BadDigest", message));
    }
    let checksums = verified(request, &body, &trailers)?;
    Ok(Payload { body, checksums })
}

/// The checksums of headers and trailers, each right.
fn verified(
    request: &Request,
    body: &[u8],
    trailers: &[(String, String)],
) -> Result<Vec<(String, String)>, Refusal> {
    // Of the object that is being completed, not of this body.
    if request.method == http::Method::POST && request.parameter("uploadId").is_some() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for algorithm in ALGORITHMS {
        let name = format!("x-amz-checksum-{algorithm}");
        let trailer = trailers.iter().find(|(one, _)| *one == name).map(|(_, value)| value.clone());
        let Some(stated) = request.header(&name).or(trailer) else { continue };
        if checksum(algorithm, body).as_deref() != Some(stated.as_str()) {
            let message = format!(
                "The {} you specified did not match the calculated checksum.",
                algorithm.to_uppercase()
            );
            return Err(Refusal::new(400, "BadDigest", message));
        }
        found.push((name, stated));
    }
    if found.len() > 1 {
        let message =
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
        return Err(Refusal::new(400, "InvalidRequest", message));
    }
    if found.is_empty() && request.header("x-amz-sdk-checksum-algorithm").is_some() {
        let message = "x-amz-sdk-checksum-algorithm specified, but no corresponding \
                       x-amz-checksum-* or x-amz-trailer headers were found.";
        return Err(Refusal::new(400, "InvalidRequest", message));
    }
    Ok(found)
}

type Decoded = (Bytes, Vec<(String, String)>);

/// Joins the chunks; with a secret, each signature is checked.
fn decode(request: &Request, secret: Option<(&Signature, &str)>) -> Result<Decoded, Refusal> {
    let incomplete = || {
        let message = "The request body terminated unexpectedly";
        Refusal::new(400, "IncompleteBody", message)
    };
    let is_chunked = request
        .header("content-encoding")
        .is_some_and(|value| value.split(',').any(|one| one.trim() == "aws-chunked"));
    let length = request.header("x-amz-decoded-content-length");
    let (true, Some(length)) = (is_chunked, length) else {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(Refusal::new(411, "MissingContentLength", message));
    };
    let mut previous = secret.map(|(signature, _)| signature.hex.clone());
    let mut body = Vec::new();
    let mut rest: &[u8] = &request.body;
    loop {
        let line = take_line(&mut rest).ok_or_else(incomplete)?;
        let (size, extension) = line.split_once(';').unwrap_or((&line, ""));
        let size = usize::from_str_radix(size, 16).map_err(|_| incomplete())?;
        let chunk = rest.get(..size).ok_or_else(incomplete)?;
        if let (Some((signature, secret)), Some(last)) = (secret, previous.as_mut()) {
            let text = format!(
                "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{last}\n{NOTHING}\n{}",
                signature.stamp,
                signature.scope(),
                sha256(chunk)
            );
            *last = signature.sign(secret, &text);
            if extension.strip_prefix("chunk-signature=") != Some(last.as_str()) {
                return Err(super::s3::wrong_signature());
            }
        }
        rest = &rest[size..];
        if size == 0 {
            break;
        }
        body.extend_from_slice(chunk);
        rest = rest.strip_prefix(b"\r\n").ok_or_else(incomplete)?;
    }
    if Ok(body.len()) != length.parse() {
        return Err(incomplete());
    }
    let trailers = read_trailers(request, rest, secret, previous.as_deref())?;
    Ok((body.into(), trailers))
}

/// What comes after the last chunk: it must be what `x-amz-trailer` announced.
fn read_trailers(
    request: &Request,
    mut rest: &[u8],
    secret: Option<(&Signature, &str)>,
    previous: Option<&str>,
) -> Result<Vec<(String, String)>, Refusal> {
    let malformed = || {
        let message = "The request contained trailing data that was not well-formed or did not \
                       conform to our published schema.";
        Refusal::new(400, "MalformedTrailerError", message)
    };
    let mut trailers = Vec::new();
    while let Some(line) = take_line(&mut rest) {
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        trailers.push((name.trim().to_lowercase(), value.trim().to_owned()));
    }
    if !rest.is_empty() {
        return Err(malformed());
    }
    let stated = trailers.iter().position(|(name, _)| name == "x-amz-trailer-signature");
    let stated = stated.map(|index| trailers.remove(index).1);
    if let (Some((signature, secret)), Some(previous)) = (secret, previous)
        && !trailers.is_empty()
    {
        let lines: Vec<_> =
            trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let text = format!(
            "AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{previous}\n{}",
            signature.stamp,
            signature.scope(),
            sha256(lines.concat().as_bytes())
        );
        if stated != Some(signature.sign(secret, &text)) {
            return Err(super::s3::wrong_signature());
        }
    }
    let announced = request.header("x-amz-trailer").unwrap_or_default().to_lowercase();
    let announced: Vec<_> =
        announced.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let names: Vec<_> = trailers.iter().map(|(name, _)| name.as_str()).collect();
    if announced == names { Ok(trailers) } else { Err(malformed()) }
}

/// The next line, without its end.
fn take_line(rest: &mut &[u8]) -> Option<String> {
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    let line = std::str::from_utf8(&rest[..end]).ok()?.to_owned();
    *rest = &rest[end + 2..];
    Some(line)
}
