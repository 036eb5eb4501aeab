//! Whom Google's audit log names beside the service account: the principal that credentials are for.
//!
//! The server signs a token that says who it is, a workload identity pool takes its word for it, and
//! the identity that comes of it makes the service account's token. It is Polaris' way, to the
//! claims, so that a pool that was set up for Polaris needs no change.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use super::http::{GoogleHttp, Request};
use super::service_account_key::sign;
use super::settings::GoogleSettings;
use super::token::{AccessToken, TokenAnswer};
use super::{SCOPE, no_identity};
use crate::vend::VendError;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// For how long what is signed is good: it is used at once.
const LIFETIME_S: i64 = 300;
/// The most characters of Google's for `google.subject`.
const LONGEST_SUBJECT: usize = 127;
/// A key file has no more bytes: those of RSA with 8,192 bits have 6,500.
const LONGEST_KEY_FILE: u64 = 32 * 1024;

/// Who credentials are for, and what vouches for that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attribution {
    /// Who the pool knows as the signer: the claim `iss`.
    pub issuer: String,
    /// The full resource name of the pool's provider: the claim `aud`.
    pub audience: String,
    /// The PEM file of the RSA key that the pool knows. It is read each time: it may be replaced.
    pub key_file: PathBuf,
    /// What the pool calls the key, if it has several.
    pub key_id: Option<String>,
    /// The principal's name.
    pub principal: String,
}

impl Attribution {
    /// What Google calls the principal: realm and name, each without what would make it ambiguous.
    /// Where both do not fit, the realm gets half, and what one leaves is the other's.
    pub(super) fn subject(&self, realm: &str) -> String {
        let (realm, name) = (cleaned(realm), cleaned(&self.principal));
        let room = LONGEST_SUBJECT - 1;
        let half = realm.chars().count().min(room / 2);
        let of_name = name.chars().count().min(room - half);
        let of_realm = room - of_name;
        let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        format!("{}/{}", cut(&realm, of_realm), cut(&name, of_name))
    }

    /// A token of the identity that stands for the principal.
    pub(super) async fn token(
        &self,
        http: &GoogleHttp,
        settings: &GoogleSettings,
        realm: &str,
        now_ms: i64,
    ) -> Result<AccessToken, VendError> {
        let subject = self.subject(realm);
        let signed = self.signed(&subject, realm, now_ms / 1000).await?;
        let of = |text: &str| SecretString::from(text);
        let fields = [
            ("grant_type", &of(GRANT_TYPE)),
            ("audience", &of(&self.audience)),
            ("scope", &of(SCOPE)),
            ("requested_token_type", &of(ACCESS_TOKEN)),
            ("subject_token_type", &of(JWT)),
            ("subject_token", &signed),
        ];
        let step = format!("A token that names {subject} (GCS_PRINCIPAL_ATTRIBUTION_ENABLED)");
        let request = Request::form(step, settings.sts_url()?, &fields);
        let answer: TokenAnswer = http.send(&request).await?;
        Ok(answer.into_token(now_ms))
    }

    async fn signed(
        &self,
        subject: &str,
        realm: &str,
        now_s: i64,
    ) -> Result<SecretString, VendError> {
        let pem = read(&self.key_file).await?;
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(id) = &self.key_id {
            header["kid"] = id.as_str().into();
        }
        let claims = json!({
            "iss": self.issuer,
            "sub": subject,
            "aud": self.audience,
            "realm": realm,
            "iat": now_s,
            "exp": now_s + LIFETIME_S,
            "jti": Uuid::new_v4().to_string(),
        });
        sign(&pem, &header, &claims).map_err(|why| not_signed(&self.key_file, why))
    }
}

/// Without the slash that parts realm and name, and without control characters.
fn cleaned(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() && *c != '/').collect();
    if text.is_empty() { "unknown".to_owned() } else { text }
}

async fn read(path: &Path) -> Result<SecretString, VendError> {
    let failed = |error: std::io::Error| not_signed(path, &format!("cannot be read: {error}"));
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut text = String::new();
    file.take(LONGEST_KEY_FILE).read_to_string(&mut text).await.map_err(failed)?;
    Ok(text.into())
}

fn not_signed(path: &Path, why: &str) -> VendError {
    no_identity(&format!(
        "the file {} (GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_FILE) {why}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(realm: &str, principal: &str) -> String {
        let attribution = Attribution {
            issuer: String::new(),
            audience: String::new(),
            key_file: PathBuf::new(),
            key_id: None,
            principal: principal.to_owned(),
        };
        attribution.subject(realm)
    }

    #[test]
    fn a_subject_is_realm_and_name_and_cannot_pass_for_another() {
        assert_eq!(subject("POLARIS", "alice"), "POLARIS/alice");
        assert_eq!(subject("a/b", "c/../d\n"), "ab/c..d");
        assert_eq!(subject("", "/"), "unknown/unknown");
    }

    #[test]
    fn what_does_not_fit_is_cut_where_there_is_too_much() {
        let long = "x".repeat(200);
        for (realm, name, lengths) in
            [(&*long, &*long, (63, 63)), ("r", &long, (1, 125)), (&long, "n", (125, 1))]
        {
            let subject = subject(realm, name);
            let (realm, name) = subject.split_once('/').unwrap();
            assert_eq!((realm.len(), name.len()), lengths);
        }
        assert!(subject(&"ü".repeat(100), &long).chars().count() <= 127);
    }
}
