//! The signature itself: AWS' version 4, as S3 computes it.

use std::fmt;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningParams,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::{JudgedS3Request, S3Operation};
use crate::vend::{CloudSecret, VendedCredentials};
use crate::{AwsKeys, VendError};

/// What stands for a payload that the signature does not cover.
pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// A request as the client is to send it.
#[derive(Clone)]
pub struct SignedS3Request {
    /// The URI; it differs from the client's in how its path is encoded, if at all.
    pub uri: String,
    /// All headers: the client's, and those of the signature.
    pub headers: Vec<(String, Vec<String>)>,
    /// Whether the client may send it again, while the signature lasts. What changes something is
    /// to be judged each time.
    pub is_repeatable: bool,
}

impl fmt::Debug for SignedS3Request {
    /// Headers hold a signature, and perhaps a session token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedS3Request").finish_non_exhaustive()
    }
}

impl JudgedS3Request {
    /// Signs the request with such keys, at that time, in milliseconds since 1970.
    pub fn sign(&self, keys: &AwsKeys, now_ms: i64) -> Result<SignedS3Request, VendError> {
        let failed = |error: &dyn fmt::Display| {
            VendError::Impossible(format!("The request cannot be signed: {error}"))
        };
        let identity = credentials(keys).into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_millis(now_ms.try_into().unwrap_or_default()))
            .settings(settings)
            .build()
            .map_err(|error| failed(&error))?
            .into();
        let headers =
            self.headers.signed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = SignableBody::Precomputed(self.payload.clone());
        let request = SignableRequest::new(&self.method, &self.uri, headers, body)
            .map_err(|error| failed(&error))?;
        let (instructions, _) =
            sign(request, &params).map_err(|error| failed(&error))?.into_parts();
        let mut headers = self.headers.kept.clone();
        for (name, value) in instructions.headers() {
            headers.push((name.to_owned(), vec![value.to_owned()]));
        }
        let is_repeatable = matches!(
            self.operation,
            S3Operation::GetObject | S3Operation::HeadObject | S3Operation::ListObjects
        );
        Ok(SignedS3Request { uri: self.uri.clone(), headers, is_repeatable })
    }
}

#[expect(clippy::disallowed_methods, reason = "to the AWS SDK, which signs with them")]
pub(super) fn credentials(keys: &AwsKeys) -> Credentials {
    Credentials::new(
        keys.access_key.expose_secret(),
        keys.secret_key.expose_secret(),
        keys.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
        None,
        "request signing",
    )
}

impl VendedCredentials {
    /// The keys to sign requests to S3 with, if these are such.
    pub fn aws_keys(&self) -> Option<AwsKeys> {
        match &self.secret {
            CloudSecret::Aws { access_key, secret_key, session_token } => Some(AwsKeys {
                access_key: access_key.as_str().into(),
                secret_key: secret_key.clone(),
                session_token: Some(session_token.clone()),
            }),
            CloudSecret::Azure { .. } | CloudSecret::Google { .. } => None,
        }
    }
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        write!(hex, "{byte:02x}").expect("writing to a string does not fail");
    }
    hex
}
