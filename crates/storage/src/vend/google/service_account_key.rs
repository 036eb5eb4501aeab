//! The key of a service account, and what is signed with it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

/// How long an assertion is good for: what Google takes at most.
const LIFETIME_S: i64 = 3600;

/// What a file of type `service_account` has.
#[derive(Debug, Deserialize)]
pub(super) struct ServiceAccountKey {
    pub(super) client_email: String,
    private_key: SecretString,
    private_key_id: Option<String>,
    pub(super) token_uri: Option<String>,
    pub(super) quota_project_id: Option<String>,
}

impl ServiceAccountKey {
    /// A JWT by which a token endpoint knows the service account (RFC 7523).
    pub(super) fn assertion(
        &self,
        scope: &str,
        audience: &str,
        now_s: i64,
    ) -> Result<SecretString, &'static str> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(id) = &self.private_key_id {
            header["kid"] = id.as_str().into();
        }
        let claims = json!({
            "iss": self.client_email,
            "scope": scope,
            "aud": audience,
            "iat": now_s,
            "exp": now_s + LIFETIME_S,
        });
        sign(&self.private_key, &header, &claims)
    }
}

/// A JWT, signed with RS256 by the key of a PEM file; or why not, of whatever has the key.
pub(super) fn sign(
    pem: &SecretString,
    header: &Value,
    claims: &Value,
) -> Result<SecretString, &'static str> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = key(pem)?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| "has a private key that cannot sign")?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
}

/// The key, from either of the forms that an RSA key has in a PEM file.
#[expect(clippy::disallowed_methods, reason = "to the signer")]
fn key(pem: &SecretString) -> Result<RsaKeyPair, &'static str> {
    const NO_PEM: &str = "has no private key of RSA in the form of a PEM file";
    let pem = pem.expose_secret();
    let body: String =
        pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = STANDARD.decode(body).map_err(|_| NO_PEM)?;
    let key = if pem.contains("BEGIN RSA PRIVATE KEY") {
        RsaKeyPair::from_der(&der)
    } else {
        RsaKeyPair::from_pkcs8(&der)
    };
    key.map_err(|_| NO_PEM)
}
