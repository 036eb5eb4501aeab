//! `POST /token`: access tokens for service account keys and for refresh tokens.
//!
//! <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{Style, invalid_request, oauth_error, of_fault, ok};
use super::fixtures::CLIENT_ID;
use super::state::{CLOUD_PLATFORM, State};
use super::{SERVER, USER};
use crate::http_text::only;
use crate::jwt;
use crate::serving::Asked;
use crate::traffic::lock;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

pub(crate) async fn answer(state: &State, asked: &Asked) -> Response {
    let Some(form) = asked.fields() else {
        return invalid_request("Missing required parameter: grant_type");
    };
    match only(&form, "grant_type") {
        Some(JWT_BEARER) => {
            if let Some(fault) = state.traffic.meet("token.service_account").await {
                return of_fault(&fault, "token.service_account", Style::Json);
            }
            by_key(state, only(&form, "assertion").unwrap_or_default())
        }
        Some("refresh_token") => {
            if let Some(fault) = state.traffic.meet("token.authorized_user").await {
                return of_fault(&fault, "token.authorized_user", Style::Json);
            }
            by_refresh_token(state, &form)
        }
        Some(_) => {
            let status = StatusCode::BAD_REQUEST;
            oauth_error(status, "unsupported_grant_type", "Invalid grant_type")
        }
        None => invalid_request("Missing required parameter: grant_type"),
    }
}

fn by_key(state: &State, assertion: &str) -> Response {
    let invalid =
        |description: &str| oauth_error(StatusCode::BAD_REQUEST, "invalid_grant", description);
    let Some(claims) = jwt::verified(assertion) else {
        return invalid("Invalid JWT Signature.");
    };
    let account = claims["iss"].as_str().unwrap_or_default();
    // The key is that of one account.
    if account != SERVER || lock(&state.settings).disabled.contains(account) {
        return invalid("Invalid grant: account not found");
    }
    if !claims["sub"].is_null() && claims["sub"] != claims["iss"] {
        let description = "Client is unauthorized to retrieve access tokens using this method, \
                           or client not authorized for any of the scopes requested.";
        return oauth_error(StatusCode::UNAUTHORIZED, "unauthorized_client", description);
    }
    if claims["aud"] != format!("{}/token", state.endpoint) {
        return invalid("Invalid JWT: Failed audience check.");
    }
    if !is_short_lived(&claims, state.traffic.now().unix_timestamp()) {
        return invalid(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
             timeframe. Check your iat and exp values in the JWT claim.",
        );
    }
    let scopes: Vec<&str> =
        claims["scope"].as_str().unwrap_or_default().split(' ').filter(|s| !s.is_empty()).collect();
    if scopes.is_empty() || !scopes.iter().all(|scope| is_scope(scope)) {
        let description = "Invalid OAuth scope or ID token audience provided.";
        return oauth_error(StatusCode::BAD_REQUEST, "invalid_scope", description);
    }
    let (token, seconds) = state.issue(account, &scopes);
    ok(&json!({"access_token": token, "expires_in": seconds, "token_type": "Bearer"}))
}

/// Whether a text may be a scope.
pub(crate) fn is_scope(scope: &str) -> bool {
    scope.starts_with("https://www.googleapis.com/auth/")
}

fn is_short_lived(claims: &Value, now: i64) -> bool {
    let (Some(issued), Some(expires)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else {
        return false;
    };
    issued <= now + 60 && expires > now && expires > issued && expires - issued <= 3600
}

fn by_refresh_token(state: &State, form: &[(String, String)]) -> Response {
    let is_client = only(form, "client_id") == Some(CLIENT_ID)
        && only(form, "client_secret") == Some(&state.client_secret);
    if !is_client {
        let description = "The provided client secret is invalid.";
        return oauth_error(StatusCode::UNAUTHORIZED, "invalid_client", description);
    }
    let is_disabled = lock(&state.settings).disabled.contains(USER);
    if is_disabled || only(form, "refresh_token") != Some(&state.refresh_token) {
        let description = "Token has been expired or revoked.";
        return oauth_error(StatusCode::BAD_REQUEST, "invalid_grant", description);
    }
    // A scope in the request can only narrow what the person has consented to.
    let scopes = only(form, "scope").unwrap_or(CLOUD_PLATFORM);
    let scopes: Vec<&str> = scopes.split(' ').collect();
    let (token, seconds) = state.issue(USER, &scopes);
    ok(&json!({
        "access_token": token,
        "expires_in": seconds,
        "scope": scopes.join(" "),
        "token_type": "Bearer",
    }))
}
