//! Credential files, as the command line of Google Cloud writes them, that point at the double.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::state::State;
use super::{FEDERATED, LAKE, PROJECT, SERVER};
use crate::jwt;

/// The OAuth client of the `authorized_user` file.
pub(crate) const CLIENT_ID: &str = "123456-merak.apps.googleusercontent.com";
/// What the federated identity is presented to.
pub(crate) const AUDIENCE: &str = "//iam.googleapis.com/projects/123456/locations/global/\
                                   workloadIdentityPools/merak/providers/cluster";
/// Who says who the federated identity is.
pub(crate) const FEDERATION_ISSUER: &str = "https://cluster.example.com";

/// The files, one for each kind of credentials.
#[derive(Debug, Clone)]
pub struct Fixtures {
    /// A key of the server's service account.
    pub service_account: PathBuf,
    /// A person's refresh token.
    pub authorized_user: PathBuf,
    /// Impersonation of [`LAKE`], by the server's key.
    pub impersonated_service_account: PathBuf,
    /// Impersonation of [`LAKE`], by the person.
    pub impersonated_by_user: PathBuf,
    /// A token of a cluster, exchanged and then impersonating [`LAKE`].
    pub external_account: PathBuf,
}

impl Fixtures {
    /// The paths by the kinds.
    pub fn to_json(&self) -> Value {
        json!({
            "service_account": self.service_account,
            "authorized_user": self.authorized_user,
            "impersonated_service_account": self.impersonated_service_account,
            "impersonated_by_user": self.impersonated_by_user,
            "external_account": self.external_account,
        })
    }
}

pub(crate) fn write(state: &State, folder: &Path) -> std::io::Result<Fixtures> {
    let put = |name: &str, content: &Value| -> std::io::Result<PathBuf> {
        let path = folder.join(name);
        std::fs::write(&path, serde_json::to_vec_pretty(content)?)?;
        Ok(path)
    };
    let subject = folder.join("cluster-token");
    std::fs::write(&subject, federated_token(state))?;
    Ok(Fixtures {
        service_account: put("service-account.json", &service_account(state))?,
        authorized_user: put("authorized-user.json", &authorized_user(state))?,
        impersonated_service_account: put(
            "impersonated-service-account.json",
            &impersonated(state, &service_account(state)),
        )?,
        impersonated_by_user: put(
            "impersonated-by-user.json",
            &impersonated(state, &authorized_user(state)),
        )?,
        external_account: put("external-account.json", &external_account(state, &subject))?,
    })
}

fn token_uri(state: &State) -> String {
    format!("{}/token", state.endpoint)
}

fn impersonation_url(state: &State) -> String {
    format!("{}/v1/projects/-/serviceAccounts/{LAKE}:generateAccessToken", state.endpoint)
}

fn service_account(state: &State) -> Value {
    json!({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": jwt::KEY_ID,
        "private_key": jwt::private_pem(),
        "client_email": SERVER,
        "client_id": "100000000000000000001",
        "auth_uri": format!("{}/o/oauth2/auth", state.endpoint),
        "token_uri": token_uri(state),
        "universe_domain": "googleapis.com",
    })
}

fn authorized_user(state: &State) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": CLIENT_ID,
        "client_secret": state.client_secret,
        "refresh_token": state.refresh_token,
        "quota_project_id": PROJECT,
        // Not in the files of the command line, whose address is fixed; clients read it.
        "token_uri": token_uri(state),
        "universe_domain": "googleapis.com",
    })
}

fn impersonated(state: &State, source: &Value) -> Value {
    json!({
        "type": "impersonated_service_account",
        "delegates": [],
        "service_account_impersonation_url": impersonation_url(state),
        "source_credentials": source,
    })
}

fn external_account(state: &State, subject: &Path) -> Value {
    json!({
        "type": "external_account",
        "audience": AUDIENCE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/v1/token", state.endpoint),
        "service_account_impersonation_url": impersonation_url(state),
        "credential_source": {"file": subject, "format": {"type": "text"}},
        "universe_domain": "googleapis.com",
    })
}

/// What a cluster would mount into a pod. Tests last no longer than a day.
fn federated_token(state: &State) -> String {
    let now = state.traffic.now().unix_timestamp();
    let (_, subject) = FEDERATED.split_once("/subject/").expect("it has a subject");
    jwt::signed(&json!({
        "iss": FEDERATION_ISSUER,
        "aud": format!("https:{AUDIENCE}"),
        "sub": subject,
        "iat": now,
        "exp": now + 86_400,
    }))
}
