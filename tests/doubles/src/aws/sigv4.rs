//! Signatures of version 4, checked.
//!
//! From <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::fmt::Write as _;

use aws_lc_rs::{constant_time, digest, hmac};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::request::{Request, decode, encode};

const STAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// How far the date of a request may be from now.
pub(crate) const SKEW: Duration = Duration::minutes(15);

/// What a request says of its signature. Nothing is checked yet.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) access_key_id: String,
    /// Of the scope: `20260131`.
    pub(crate) day: String,
    pub(crate) region: String,
    pub(crate) service: String,
    signed_headers: Vec<String>,
    /// In hexadecimal.
    pub(crate) hex: String,
    /// As it was sent: `20260131T235959Z`.
    pub(crate) stamp: String,
    pub(crate) at: OffsetDateTime,
    pub(crate) token: Option<String>,
    /// How long a presigned URL is good for.
    pub(crate) expires: Option<Duration>,
}

/// How a service makes its canonical requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathEncoding {
    /// S3: paths are escaped once.
    Once,
    /// All others.
    Twice,
}

impl Signature {
    /// Reads the signature of a request: nothing if there is none.
    pub(crate) fn read(request: &Request) -> Result<Option<Self>, String> {
        if request.parameter("X-Amz-Algorithm").is_some() {
            return Self::from_query(request).map(Some);
        }
        match request.header("authorization") {
            Some(header) => Self::from_header(request, &header).map(Some),
            None => Ok(None),
        }
    }

    fn from_header(request: &Request, header: &str) -> Result<Self, String> {
        let rest = header
            .strip_prefix("AWS4-HMAC-SHA256 ")
            .ok_or("Unsupported authorization type: only AWS4-HMAC-SHA256 is known")?;
        let part = |name: &str| {
            rest.split(',')
                .filter_map(|part| part.trim().split_once('='))
                .find(|(one, _)| *one == name)
                .map(|(_, value)| value.to_owned())
                .ok_or(format!("Authorization header requires '{name}' parameter."))
        };
        let stamp = request.header("x-amz-date").ok_or(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )?;
        let token = request.header("x-amz-security-token");
        Self::parse(&part("Credential")?, &part("SignedHeaders")?, part("Signature")?, stamp, token)
    }

    fn from_query(request: &Request) -> Result<Self, String> {
        let part = |name: &str| {
            request.parameter(name).map(str::to_owned).ok_or(format!("{name} is missing"))
        };
        if part("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
            return Err("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"".to_owned());
        }
        let expires: i64 =
            part("X-Amz-Expires")?.parse().map_err(|_| "X-Amz-Expires should be a number")?;
        if !(0..=604_800).contains(&expires) {
            return Err("X-Amz-Expires must be less than a week (in seconds)".to_owned());
        }
        let token = request.parameter("X-Amz-Security-Token").map(str::to_owned);
        let signature = Self::parse(
            &part("X-Amz-Credential")?,
            &part("X-Amz-SignedHeaders")?,
            part("X-Amz-Signature")?,
            part("X-Amz-Date")?,
            token,
        )?;
        Ok(Self { expires: Some(Duration::seconds(expires)), ..signature })
    }

    fn parse(
        credential: &str,
        signed_headers: &str,
        signature: String,
        stamp: String,
        token: Option<String>,
    ) -> Result<Self, String> {
        let [access_key_id, day, region, service, "aws4_request"] =
            credential.split('/').collect::<Vec<_>>()[..]
        else {
            return Err(format!(
                "Credential must have 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{credential}'"
            ));
        };
        let at = PrimitiveDateTime::parse(&stamp, STAMP)
            .map_err(|_| format!("Date must be in ISO-8601 'basic format'. Got '{stamp}'."))?
            .assume_utc();
        let signed_headers: Vec<_> = signed_headers.split(';').map(str::to_owned).collect();
        if !signed_headers.is_sorted()
            || signed_headers.iter().any(|one| *one != one.to_lowercase())
        {
            return Err("SignedHeaders are not sorted lower-case names".to_owned());
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            day: day.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers,
            hex: signature,
            stamp,
            at,
            token,
            expires: None,
        })
    }

    /// The first header that should have been signed and was not: the host, and all of AWS' own.
    pub(crate) fn unsigned_header(&self, request: &Request) -> Option<String> {
        let must = request
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| *name == "host" || name.starts_with("x-amz-"));
        must.map(str::to_owned).find(|name| !self.signed_headers.contains(name))
    }

    /// Whether a secret made this signature of this request, with what stands for its body.
    pub(crate) fn is_by(
        &self,
        secret: &str,
        request: &Request,
        payload: &str,
        encoding: PathEncoding,
    ) -> bool {
        let canonical = self.canonical(request, payload, encoding);
        let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let text = format!("AWS4-HMAC-SHA256\n{}\n{}\n{hash}", self.stamp, self.scope());
        let expected = self.sign(secret, &text);
        constant_time::verify_slices_are_equal(expected.as_bytes(), self.hex.as_bytes()).is_ok()
    }

    /// The scope of the signing key.
    pub(crate) fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.day, self.region, self.service)
    }

    /// Signs a text with the key that a secret gives in this scope.
    pub(crate) fn sign(&self, secret: &str, text: &str) -> String {
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [&self.day, &self.region, &self.service, "aws4_request"] {
            key = mac(&key, part);
        }
        hex(&mac(&key, text))
    }

    /// The canonical request: what is signed, before it is hashed.
    pub(crate) fn canonical(
        &self,
        request: &Request,
        payload: &str,
        encoding: PathEncoding,
    ) -> String {
        let path = encode(&decode(&request.path), "/");
        let path = match encoding {
            PathEncoding::Once => path,
            PathEncoding::Twice => encode(&path, "/"),
        };
        let mut query: Vec<_> = request
            .query
            .iter()
            .filter(|(name, _)| self.expires.is_none() || name != "X-Amz-Signature")
            .map(|(name, value)| (encode(name, ""), encode(value, "")))
            .collect();
        query.sort();
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut out = format!("{}\n{path}\n{}\n", request.method, query.join("&"));
        for name in &self.signed_headers {
            let value = request.header(name).unwrap_or_default();
            let value: Vec<_> = value.split_whitespace().collect();
            let _ = writeln!(out, "{name}:{}", value.join(" "));
        }
        let _ = write!(out, "\n{}\n{payload}", self.signed_headers.join(";"));
        out
    }
}

/// A time as signatures write it.
pub(crate) fn stamp(at: OffsetDateTime) -> String {
    at.format(STAMP).unwrap_or_default()
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
