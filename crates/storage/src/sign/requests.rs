//! Requests of the server's own to services that are no object stores: to the catalogs that
//! connections lead to.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningParams, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use merak_model::Clock;
use secrecy::SecretString;

use super::signature::credentials;
use crate::vend::google::GoogleVendor;
use crate::{AwsKeys, AwsVendor, VendError};

/// Who the server is to services that are no object stores. Looks nothing up before it is asked.
#[derive(Debug, Clone)]
pub struct RequestSigner {
    aws: Arc<AwsVendor>,
    google: Arc<GoogleVendor>,
    clock: Arc<dyn Clock>,
}

/// A role of AWS that requests are to be signed in.
#[derive(Debug, Clone)]
pub struct RoleToAssume<'a> {
    /// The role.
    pub role_arn: &'a str,
    /// What its session is called.
    pub session_name: &'a str,
    /// What its trust policy wants to hear.
    pub external_id: Option<&'a str>,
    /// What bounds the session, beside the role itself.
    pub policy: Option<&'a str>,
    /// The region whose STS is asked.
    pub region: &'a str,
    /// Where STS is, if not where AWS has it.
    pub sts_endpoint: Option<&'a str>,
    /// Who asks; the identity that the server has for all storage, if it is not said.
    pub keys: Option<&'a AwsKeys>,
}

/// A session of a role.
#[derive(Debug, Clone)]
pub struct AssumedRole {
    pub(crate) keys: AwsKeys,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// A request that is to be signed.
#[derive(Debug, Clone)]
pub struct RequestToSign<'a> {
    /// Its method, in capitals.
    pub method: &'a str,
    /// Its whole address.
    pub url: &'a str,
    /// The headers that the signature is to cover, beside those that it must.
    pub headers: Vec<(&'a str, &'a str)>,
    /// Its body.
    pub body: &'a [u8],
    /// The service it is for.
    pub service: &'a str,
    /// The region it is for.
    pub region: &'a str,
}

/// The headers that a signature adds.
#[derive(Clone)]
pub struct SignatureHeaders(Vec<(String, SecretString)>);

impl SignatureHeaders {
    /// Their names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl fmt::Debug for SignatureHeaders {
    /// They hold a signature and a session token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureHeaders").finish_non_exhaustive()
    }
}

impl RequestSigner {
    pub(crate) fn new(
        aws: Arc<AwsVendor>,
        google: Arc<GoogleVendor>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { aws, google, clock }
    }

    /// A session of a role. Asks STS.
    pub async fn assume(&self, role: &RoleToAssume<'_>) -> Result<AssumedRole, VendError> {
        self.aws.assume(role).await
    }

    /// Signs a request in such a session.
    pub fn sign(
        &self,
        role: &AssumedRole,
        request: &RequestToSign<'_>,
    ) -> Result<SignatureHeaders, VendError> {
        let failed = |error: &dyn fmt::Display| {
            VendError::Impossible(format!("The request cannot be signed: {error}"))
        };
        let identity = credentials(&role.keys).into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let now = Duration::from_millis(self.clock.now_ms().try_into().unwrap_or_default());
        let params: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&identity)
            .region(request.region)
            .name(request.service)
            .time(UNIX_EPOCH + now)
            .settings(settings)
            .build()
            .map_err(|error| failed(&error))?
            .into();
        let body = SignableBody::Bytes(request.body);
        let headers = request.headers.iter().copied();
        let request = SignableRequest::new(request.method, request.url, headers, body)
            .map_err(|error| failed(&error))?;
        let (instructions, _) =
            sign(request, &params).map_err(|error| failed(&error))?.into_parts();
        let header = |(name, value): (&str, &str)| (name.to_owned(), SecretString::from(value));
        Ok(SignatureHeaders(instructions.headers().map(header).collect()))
    }

    /// An access token of the server's own identity in Google Cloud, which is good that long if one
    /// can be had, and the project that is charged for what is done with it.
    pub async fn google_token(
        &self,
        lives: Duration,
    ) -> Result<(SecretString, Option<String>), VendError> {
        let source = self.google.request_token(lives).await?;
        Ok((source.token.value, source.identity.quota_project))
    }
}
