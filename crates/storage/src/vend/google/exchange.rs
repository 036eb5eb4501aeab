//! Downscoping: a token that can do less, for one that can do more.

use merak_model::Clock;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::http::{GoogleHttp, Request};
use super::settings::GoogleSettings;
use super::token::{AccessToken, expiry};
use crate::vend::VendError;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    /// Absent where the token lives as long as the one that was given for it.
    expires_in: Option<i64>,
}

/// Exchanges a token for one that a boundary narrows. It does not outlive the first.
///
/// The request carries no head that names a caller: Google refuses those that do.
pub(super) async fn downscope(
    http: &GoogleHttp,
    settings: &GoogleSettings,
    clock: &dyn Clock,
    token: &AccessToken,
    boundary: &Value,
) -> Result<AccessToken, VendError> {
    let of = |text: &str| SecretString::from(text);
    let fields = [
        ("grant_type", &of(GRANT_TYPE)),
        ("subject_token_type", &of(ACCESS_TOKEN)),
        ("requested_token_type", &of(ACCESS_TOKEN)),
        ("subject_token", &token.value),
        ("options", &of(&boundary.to_string())),
    ];
    let step = "The exchange of an access token for a downscoped one".to_owned();
    let request = Request::form(step, settings.sts_url()?, &fields);
    let asked_at_ms = clock.now_ms();
    let answer: Answer = http.send(&request).await?;
    let said = answer.expires_in.map(|seconds| expiry(asked_at_ms, seconds));
    let expires_at_ms = match (said, token.expires_at_ms) {
        (Some(said), Some(of_source)) => Some(said.min(of_source)),
        (said, of_source) => said.or(of_source),
    };
    Ok(AccessToken { value: answer.access_token, expires_at_ms })
}
