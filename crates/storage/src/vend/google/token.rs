//! Access tokens, and when they end.

use secrecy::SecretString;
use serde::Deserialize;

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) value: SecretString,
    /// When it ends, in milliseconds since 1970, if anybody said.
    pub(crate) expires_at_ms: Option<i64>,
}

/// The answer of an OAuth token endpoint, and of the metadata server.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    access_token: SecretString,
    expires_in: i64,
}

impl TokenAnswer {
    /// The token, which was asked for at that time.
    pub(super) fn into_token(self, asked_at_ms: i64) -> AccessToken {
        let expires_at_ms = Some(expiry(asked_at_ms, self.expires_in));
        AccessToken { value: self.access_token, expires_at_ms }
    }
}

/// When something ends that was asked for at that time: counted from before the request was sent,
/// so that it is never too late.
pub(super) fn expiry(asked_at_ms: i64, seconds: i64) -> i64 {
    asked_at_ms.saturating_add(seconds.saturating_mul(1000))
}
