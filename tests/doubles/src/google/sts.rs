//! The Security Token Service: narrowed tokens, and tokens for foreign identities.
//!
//! <https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token>

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{Style, invalid_request, oauth_error, of_fault, ok};
use super::boundary::Boundary;
use super::fixtures::{AUDIENCE, FEDERATION_ISSUER};
use super::oauth::is_scope;
use super::state::{State, Token};
use super::{ATTRIBUTION_ISSUER, FEDERATED, attributed};
use crate::http_text::{decoded, only};
use crate::jwt;
use crate::serving::Asked;
use crate::traffic::lock;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

pub(crate) async fn answer(state: &State, asked: &Asked) -> Response {
    let Some(form) = asked.fields() else {
        return invalid_request("the body is no form");
    };
    let kind = match only(&form, "subject_token_type") {
        Some(JWT) => "federate",
        _ => "downscope",
    };
    if let Some(fault) = state.traffic.meet(kind).await {
        return of_fault(&fault, kind, Style::Json);
    }
    // The token is in the form; another one in the header would be someone else's.
    if asked.header("authorization").is_some() {
        return invalid_request("Authorization is not expected here");
    }
    let answered =
        if kind == "federate" { federate(state, &form) } else { downscope(state, &form) };
    answered.unwrap_or_else(|description| invalid_request(&description))
}

fn downscope(state: &State, form: &[(String, String)]) -> Result<Response, String> {
    let known =
        ["grant_type", "subject_token_type", "requested_token_type", "subject_token", "options"];
    refuse_unknown(form, &known)?;
    expect(form, "grant_type", EXCHANGE)?;
    expect(form, "subject_token_type", ACCESS_TOKEN)?;
    expect(form, "requested_token_type", ACCESS_TOKEN)?;
    let subject = only(form, "subject_token").ok_or("subject_token is missing")?;
    // A key's own JSON web token is none of these, though storage would take it.
    let subject = state.issued(subject).ok_or("Invalid value for \"subject_token\".")?;
    if subject.boundary.is_some() {
        return Err("subject_token is narrowed already".to_owned());
    }
    if !subject.has_scope(|_| false) {
        return Err("subject_token lacks the scope cloud-platform".to_owned());
    }
    let options = only(form, "options").ok_or("options is missing")?;
    // Google's own client for Python encodes them twice.
    let options = if options.starts_with("%7B") { decoded(options) } else { options.to_owned() };
    let boundary = Boundary::parse(&options)?;
    let seconds = (subject.expires - state.traffic.now()).whole_seconds().min(3600);
    let token = state.issue_token(Token { boundary: Some(boundary), ..subject });
    let mut answer = exchanged(&token);
    if !lock(&state.settings).omits_expires_in {
        answer["expires_in"] = seconds.into();
    }
    Ok(ok(&answer))
}

fn federate(state: &State, form: &[(String, String)]) -> Result<Response, String> {
    let known = [
        "grant_type",
        "subject_token_type",
        "requested_token_type",
        "subject_token",
        "audience",
        "scope",
        "options",
    ];
    refuse_unknown(form, &known)?;
    expect(form, "grant_type", EXCHANGE)?;
    expect(form, "requested_token_type", ACCESS_TOKEN)?;
    expect(form, "audience", AUDIENCE)?;
    let scope = only(form, "scope").ok_or("scope is missing")?;
    let scopes: Vec<&str> = scope.split(' ').collect();
    if !scopes.iter().all(|scope| is_scope(scope)) {
        return Err("Invalid value for \"scope\".".to_owned());
    }
    let claims = jwt::verified(only(form, "subject_token").unwrap_or_default());
    let now = state.traffic.now().unix_timestamp();
    let Some(account) = claims.and_then(|claims| federated(&claims, now)) else {
        let description = "The given credential is rejected by the attribute condition.";
        let status = StatusCode::UNAUTHORIZED;
        return Ok(oauth_error(status, "unauthorized_client", description));
    };
    let (token, seconds) = state.issue(&account, &scopes);
    let mut answer = exchanged(&token);
    answer["expires_in"] = seconds.into();
    Ok(ok(&answer))
}

/// Who the claims are of: a workload, or a principal that a catalog server vouches for.
fn federated(claims: &Value, now: i64) -> Option<String> {
    let subject = claims["sub"].as_str()?;
    let lives = claims["exp"].as_i64().is_some_and(|expires| expires > now && expires <= now + 300);
    if claims["iss"] == ATTRIBUTION_ISSUER {
        // The pool's attribute condition: the realm is a claim too, and no subject is of another.
        let realm = claims["realm"].as_str()?;
        let is_meant = claims["aud"] == AUDIENCE && subject.split_once('/')?.0 == realm && lives;
        return is_meant.then(|| attributed(subject));
    }
    let is_workload = claims["iss"] == FEDERATION_ISSUER
        && claims["aud"] == format!("https:{AUDIENCE}")
        && FEDERATED.ends_with(subject)
        && claims["exp"].as_i64().is_some_and(|expires| expires > now);
    is_workload.then(|| FEDERATED.to_owned())
}

fn exchanged(token: &str) -> Value {
    json!({
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
    })
}

fn refuse_unknown(form: &[(String, String)], known: &[&str]) -> Result<(), String> {
    match form.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => Err(format!("unknown parameter \"{name}\"")),
    }
}

fn expect(form: &[(String, String)], name: &str, value: &str) -> Result<(), String> {
    if only(form, name) == Some(value) {
        Ok(())
    } else {
        Err(format!("Invalid value for \"{name}\"."))
    }
}
