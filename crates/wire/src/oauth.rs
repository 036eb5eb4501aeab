//! The token endpoint.

use serde::{Deserialize, Serialize};

/// The type of token that is issued and exchanged.
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What a client sends as a form. Unknown fields are ignored.
#[derive(Deserialize, Default)]
#[expect(missing_debug_implementations, reason = "it holds secrets")]
pub struct TokenForm {
    /// How the client proves itself.
    pub grant_type: Option<String>,
    /// The client id, unless the request carries Basic credentials.
    pub client_id: Option<String>,
    /// The client secret, likewise.
    pub client_secret: Option<String>,
    /// The roles to activate, separated by blanks.
    pub scope: Option<String>,
    /// The token to exchange.
    pub subject_token: Option<String>,
    /// Its type.
    pub subject_token_type: Option<String>,
    /// The type of token wanted.
    pub requested_token_type: Option<String>,
}

/// A token.
#[derive(Serialize)]
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct TokenResponse<'a> {
    /// The token.
    pub access_token: &'a str,
    /// How it is used: `bearer`.
    pub token_type: &'a str,
    /// Clients need it to exchange the token later.
    pub issued_token_type: &'a str,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// The roles it activates.
    pub scope: &'a str,
}

/// An error in OAuth's own form.
#[derive(Debug, Serialize)]
pub struct TokenErrorResponse<'a> {
    /// The code.
    pub error: &'a str,
    /// What it means.
    pub error_description: &'a str,
}
