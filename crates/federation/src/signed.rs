//! Requests that are signed in a role of AWS.

use merak_model::connection::SigV4Role;
use merak_storage::{AwsKeys, RequestToSign, RoleToAssume, SignatureHeaders};
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;

use crate::Error;
use crate::authentication::{Means, of_cloud};
use crate::http::Request;
use crate::kept::{Fresh, Kept};

/// Polaris' name of sessions that nobody named.
const SESSION_NAME: &str = "polaris";
/// The service that requests are signed for, where none is said: that of Iceberg's clients.
const SERVICE: &str = "execute-api";

/// Signs requests in a role.
pub(crate) struct Signing {
    role: SigV4Role,
    keys: Option<AwsKeys>,
    sts_endpoint: Option<String>,
    session: Kept<merak_storage::AssumedRole>,
}

impl Signing {
    pub(crate) fn new(
        role: SigV4Role,
        keys: Option<AwsKeys>,
        sts_endpoint: Option<String>,
    ) -> Self {
        Self { role, keys, sts_endpoint, session: Kept::new() }
    }

    /// Adds a signature to a request that is complete but for that.
    pub(crate) async fn sign(
        &self,
        means: &Means<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), Error> {
        let failed = |error| of_cloud(error, means.host);
        let ask = || async {
            let session = means.signer.assume(&self.to_assume()).await.map_err(failed)?;
            let ends_ms = session.expires_at_ms;
            Ok(Fresh::until(session, means.now_ms, ends_ms))
        };
        let session = self.session.get(means.now_ms, ask).await?;
        let headers = request.headers.iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let to_sign = RequestToSign {
            method: request.method.as_str(),
            url: request.url.as_str(),
            headers: headers.collect(),
            body: request.body.as_deref().unwrap_or_default(),
            service: self.role.signing_name.as_deref().unwrap_or(SERVICE),
            region: &self.role.signing_region,
        };
        let signature = means.signer.sign(&session, &to_sign).map_err(failed)?;
        add(&signature, request).ok_or_else(|| Error::NoCredentials {
            host: means.host.to_owned(),
            reason: "the signature has characters that no header may have".to_owned(),
        })
    }

    fn to_assume(&self) -> RoleToAssume<'_> {
        let role = &self.role;
        RoleToAssume {
            role_arn: &role.role_arn,
            session_name: role.role_session_name.as_deref().unwrap_or(SESSION_NAME),
            external_id: role.external_id.as_deref(),
            policy: role.session_policy.as_deref().filter(|policy| !policy.is_empty()),
            region: &role.signing_region,
            sts_endpoint: self.sts_endpoint.as_deref(),
            keys: self.keys.as_ref(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the signature leaves for the other catalog")]
fn add(signature: &SignatureHeaders, request: &mut Request<'_>) -> Option<()> {
    for (name, value) in signature.iter() {
        let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
        value.set_sensitive(true);
        request.headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(())
}
