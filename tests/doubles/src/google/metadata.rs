//! The metadata server of a virtual machine whose service account is the server's.
//!
//! <https://cloud.google.com/compute/docs/metadata/overview>

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::answer::{Style, of_fault, ok};
use super::state::{CLOUD_PLATFORM, State};
use super::{PROJECT, SERVER};
use crate::serving::Asked;
use crate::traffic::lock;

const ACCOUNT: &str = "/computeMetadata/v1/instance/service-accounts/default/";

pub(crate) async fn answer(state: &State, asked: &Asked) -> Response {
    let path = asked.uri.path();
    let item = path.strip_prefix(ACCOUNT);
    let kind = if item == Some("token") { "metadata.token" } else { "metadata.other" };
    if let Some(fault) = state.traffic.meet(kind).await {
        return of_fault(&fault, kind, Style::Json);
    }
    let is_asked = asked.header("metadata-flavor") == Some("Google")
        // The header that a server which forwards requests for others would add.
        && asked.header("x-forwarded-for").is_none();
    let has_server = lock(&state.settings).has_metadata_server;
    let flavor = [("Metadata-Flavor", "Google")];
    let body = match item {
        _ if !has_server || asked.method != Method::GET => StatusCode::NOT_FOUND.into_response(),
        _ if !is_asked => StatusCode::FORBIDDEN.into_response(),
        Some("token") => token(state, asked),
        Some("email") => SERVER.into_response(),
        Some("scopes") => CLOUD_PLATFORM.into_response(),
        _ => match path {
            "/computeMetadata/v1/project/project-id" => PROJECT.into_response(),
            "/computeMetadata/v1/universe/universe-domain"
            | "/computeMetadata/v1/universe/universe_domain" => "googleapis.com".into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        },
    };
    (flavor, body).into_response()
}

fn token(state: &State, asked: &Asked) -> Response {
    let scopes: Vec<&str> =
        asked.parameter("scopes").unwrap_or(CLOUD_PLATFORM).split(',').collect();
    let (token, seconds) = state.issue(SERVER, &scopes);
    ok(&json!({"access_token": token, "expires_in": seconds, "token_type": "Bearer"}))
}
