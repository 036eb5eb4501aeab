//! Tokens of a service account, for whoever may make them.

use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::http::{GoogleHttp, Request};
use super::token::AccessToken;
use crate::ProviderMessage;
use crate::vend::VendError;

/// The longest that Google lets such a token live, unless an organization says otherwise.
const LONGEST_LIFETIME_S: u64 = 3600;

/// What is asked of the IAM Credentials API.
pub(super) struct Impersonation<'a> {
    pub(super) url: Url,
    /// Whose token is made, for errors.
    pub(super) service_account: &'a str,
    /// Who asks, for errors.
    pub(super) caller: &'a str,
    pub(super) quota_project: Option<&'a str>,
    /// The service accounts in between, each of which may make tokens of the next.
    pub(super) delegates: &'a [String],
    pub(super) scope: &'a str,
    pub(super) lifetime: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: SecretString,
    expire_time: String,
}

impl Impersonation<'_> {
    /// Makes the token, with one of the caller's.
    pub(super) async fn token(
        &self,
        http: &GoogleHttp,
        callers: &SecretString,
    ) -> Result<AccessToken, VendError> {
        let seconds = self.lifetime.as_secs().clamp(1, LONGEST_LIFETIME_S);
        let mut body = json!({ "scope": [self.scope], "lifetime": format!("{seconds}s") });
        if !self.delegates.is_empty() {
            let full = |name: &String| {
                let name = name.rsplit('/').next().unwrap_or(name);
                format!("projects/-/serviceAccounts/{name}")
            };
            body["delegates"] = self.delegates.iter().map(full).collect();
        }
        let step = format!("generateAccessToken of {} by {}", self.service_account, self.caller);
        let request = Request::json(step.clone(), self.url.clone(), &body)
            .with_bearer(callers)?
            .with_quota_project(self.quota_project);
        let answer: Answer = http.send(&request).await?;
        let end = OffsetDateTime::parse(&answer.expire_time, &Rfc3339).map_err(|_| {
            let reason = ProviderMessage("the answer's expireTime is no time".to_owned());
            VendError::Unavailable { step, reason }
        })?;
        let expires_at_ms = i64::try_from(end.unix_timestamp_nanos() / 1_000_000).ok();
        Ok(AccessToken { value: answer.access_token, expires_at_ms })
    }
}

/// Checks that a text names a service account: it goes into the path of a URL.
pub(super) fn check_service_account(name: &str) -> Result<&str, VendError> {
    let is_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_part =
        |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(is_char);
    let is_email = name
        .split_once('@')
        .is_some_and(|(local, domain)| is_part(local) && is_part(domain) && !domain.contains(".."));
    // Their unique ids are numbers.
    let is_id = !name.is_empty() && name.chars().all(|c| c.is_ascii_digit());
    if name.len() <= 254 && (is_email || is_id) {
        return Ok(name);
    }
    let shown = name.escape_debug();
    Err(VendError::Impossible(format!(
        "gcsServiceAccount '{shown}' is no service account such as \
         name@project.iam.gserviceaccount.com"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_service_accounts_go_into_urls() {
        for name in ["lake@p.iam.gserviceaccount.com", "1-compute@developer.gserviceaccount.com"] {
            check_service_account(name).unwrap();
        }
        check_service_account("103210321032103210321").unwrap();
        for name in [
            "",
            "lake",
            "a@b/../c",
            "../x@p",
            "a/b@p",
            "a@p:generateIdToken?x=",
            "a@p#",
            "a@p%2f",
            "a@b@c",
            "@p",
            "a@",
            "a@..",
            "a\u{200b}@p",
            "a@p\n",
            " a@p",
        ] {
            assert!(check_service_account(name).is_err(), "{name:?} was taken");
        }
    }
}
