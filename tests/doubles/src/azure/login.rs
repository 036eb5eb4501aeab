//! The token endpoint of a tenant, and that for managed identities.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::answer::{login_error, login_fault};
use super::state::{AUDIENCE, State};
use super::{CLIENT_ID, FEDERATION_ISSUER, FEDERATION_SUBJECT, IDENTITY, OBJECT_ID, TENANT};
use crate::http_text::only;
use crate::jwt;
use crate::serving::{Asked, json_answer};
use crate::traffic::lock;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What federated assertions are for.
pub(crate) const ASSERTION_AUDIENCE: &str = "api://AzureADTokenExchange";
const INVALID_CLIENT: &str = "invalid_client";

/// `POST /{tenant}/oauth2/v2.0/token`
pub(crate) async fn answer(state: &State, tenant: &str, asked: &Asked) -> Response {
    let form = asked.fields().unwrap_or_default();
    let is_federated = only(&form, "client_assertion").is_some();
    let kind = if is_federated { "token.assertion" } else { "token.secret" };
    if let Some(fault) = state.traffic.meet(kind).await {
        return login_fault(&fault);
    }
    if let Some(refusal) = refused(state, tenant, &form) {
        return refusal;
    }
    let audience = only(&form, "scope").and_then(|scope| scope.strip_suffix("/.default"));
    let (token, seconds) = state.issue(OBJECT_ID, tenant, audience.unwrap_or_default());
    let body = json!({
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": token,
    });
    json_answer(StatusCode::OK, &body)
}

fn refused(state: &State, tenant: &str, form: &[(String, String)]) -> Option<Response> {
    let bad = |error, number, message: &str| {
        Some(login_error(StatusCode::BAD_REQUEST, error, number, message))
    };
    let settings = lock(&state.settings).clone();
    if !settings.tenants.contains(tenant) {
        let message = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are \
             signing into the correct cloud."
        );
        return bad("invalid_request", 90_002, &message);
    }
    match only(form, "grant_type") {
        Some("client_credentials") => {}
        Some(other) => {
            let message = format!("The app requested an unsupported grant type '{other}'.");
            return bad("unsupported_grant_type", 70_003, &message);
        }
        None => {
            let message = "The request body must contain the following parameter: 'grant_type'.";
            return bad("invalid_request", 900_144, message);
        }
    }
    let client = only(form, "client_id").unwrap_or_default();
    if !settings.consents.contains(&(client.to_owned(), tenant.to_owned())) || client != CLIENT_ID {
        let message = format!(
            "Application with identifier '{client}' was not found in the directory '{tenant}'. This \
             can happen if the application has not been installed by the administrator of the tenant \
             or consented to by any user in the tenant. You may have sent your authentication \
             request to the wrong tenant."
        );
        return bad("unauthorized_client", 700_016, &message);
    }
    let scope = only(form, "scope").unwrap_or_default();
    if !scope.ends_with("/.default") || scope.contains(' ') {
        let message = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a \
             scope value with /.default suffixed to the resource identifier (application ID URI)."
        );
        return bad("invalid_scope", 1_002_012, &message);
    }
    let resources = ["https://storage.azure.com/.default", "https://management.azure.com/.default"];
    if !resources.contains(&scope) {
        let message = format!("The resource principal named {scope} was not found in the tenant.");
        return bad("invalid_resource", 500_011, &message);
    }
    match only(form, "client_assertion") {
        Some(assertion) => refused_assertion(state, form, assertion),
        None => refused_secret(state, only(form, "client_secret"), settings.is_secret_expired),
    }
}

fn refused_secret(state: &State, secret: Option<&str>, is_expired: bool) -> Option<Response> {
    let unauthorized = |number, message: &str| {
        Some(login_error(StatusCode::UNAUTHORIZED, INVALID_CLIENT, number, message))
    };
    let Some(secret) = secret else {
        let message = "The request body must contain the following parameter: 'client_assertion' \
                       or 'client_secret'.";
        return unauthorized(7_000_218, message);
    };
    if secret != state.secret {
        let message = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the \
             client secret value, not the client secret ID, for a secret added to app '{CLIENT_ID}'."
        );
        return unauthorized(7_000_215, &message);
    }
    if is_expired {
        let message = format!("The provided client secret keys for app '{CLIENT_ID}' are expired.");
        return unauthorized(7_000_222, &message);
    }
    None
}

fn refused_assertion(
    state: &State,
    form: &[(String, String)],
    assertion: &str,
) -> Option<Response> {
    let unauthorized = |number, message: &str| {
        Some(login_error(StatusCode::UNAUTHORIZED, INVALID_CLIENT, number, message))
    };
    if only(form, "client_assertion_type") != Some(ASSERTION_TYPE) {
        return unauthorized(50_027, "JWT token is invalid or malformed.");
    }
    let Some(claims) = jwt::verified(assertion) else {
        return unauthorized(
            700_027,
            "The certificate with identifier used to sign the client \
                                      assertion is not registered on application.",
        );
    };
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    if text("iss") != FEDERATION_ISSUER {
        let message = "No matching federated identity record found for presented assertion issuer.";
        return unauthorized(700_211, message);
    }
    if text("aud") != ASSERTION_AUDIENCE {
        let message =
            "No matching federated identity record found for presented assertion audience.";
        return unauthorized(700_212, message);
    }
    if text("sub") != FEDERATION_SUBJECT {
        let message =
            "No matching federated identity record found for presented assertion subject.";
        return unauthorized(700_213, message);
    }
    let now = state.traffic.now().unix_timestamp();
    if claims["exp"].as_i64().is_none_or(|expires| expires <= now) {
        let message = "Client assertion is not within its valid time range.";
        return unauthorized(700_024, message);
    }
    None
}

/// `GET /metadata/identity/oauth2/token`
pub(crate) async fn managed_identity(state: &State, asked: &Asked) -> Response {
    if let Some(fault) = state.traffic.meet("token.managed_identity").await {
        return login_fault(&fault);
    }
    if !lock(&state.settings).has_managed_identity {
        return StatusCode::NOT_FOUND.into_response();
    }
    let bad = |message: &str| login_error(StatusCode::BAD_REQUEST, "invalid_request", 0, message);
    let is_asked = asked.header("metadata") == Some("true")
        && asked.header("x-forwarded-for").is_none()
        && asked.method == Method::GET;
    if !is_asked {
        return bad("Required metadata header not specified");
    }
    if asked.parameter("api-version").is_none() {
        return bad("Required query variable 'api-version' is missing");
    }
    let resource = asked.parameter("resource").unwrap_or_default().trim_end_matches('/');
    if resource != AUDIENCE {
        return bad("Invalid resource");
    }
    let (client, object_id) = IDENTITY;
    if asked.parameter("client_id").is_some_and(|wanted| wanted != client) {
        return bad("Identity not found");
    }
    let (token, seconds) = state.issue(object_id, TENANT, AUDIENCE);
    let expires = state.traffic.now().unix_timestamp() + seconds;
    json_answer(
        StatusCode::OK,
        &json!({
            "access_token": token,
            "client_id": client,
            "expires_in": seconds.to_string(),
            "expires_on": expires.to_string(),
            "resource": AUDIENCE,
            "token_type": "Bearer",
        }),
    )
}
