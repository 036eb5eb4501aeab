//! The IAM Credentials API: `generateAccessToken`.
//!
//! <https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken>

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::PROJECT;
use super::answer::{Style, api_error, api_error_because, of_fault, ok};
use super::oauth::is_scope;
use super::state::{Settings, State, Token};
use crate::http_text::iso_date;
use crate::serving::Asked;
use crate::traffic::lock;

const ACCOUNTS: &str = "projects/-/serviceAccounts/";
const SERVICE: &str = "https://iamcredentials.googleapis.com/";
const DENIED: &str = "PERMISSION_DENIED";

pub(crate) async fn answer(state: &State, asked: &Asked) -> Response {
    if let Some(fault) = state.traffic.meet("impersonate").await {
        return of_fault(&fault, "impersonate", Style::Json);
    }
    let path = asked.segments().join("/");
    let target = path.strip_prefix("v1/").and_then(|path| path.strip_prefix(ACCOUNTS));
    let target = target.and_then(|target| target.strip_suffix(":generateAccessToken"));
    let Some(target) = target else {
        return api_error(StatusCode::NOT_FOUND, "NOT_FOUND", "Method not found.");
    };
    let caller = asked.bearer().and_then(|token| state.bearer(token, SERVICE));
    let Some(caller) = caller else { return unauthenticated() };
    let wanted = match Wanted::parse(&asked.body) {
        Ok(wanted) => wanted,
        Err(message) => {
            return api_error(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", &message);
        }
    };
    if let Some(refusal) = refused(state, asked, &caller, target, &wanted) {
        return refusal;
    }
    let expires = state.traffic.now() + time::Duration::seconds(wanted.seconds);
    let token = state.issue_token(Token {
        account: target.to_owned(),
        scopes: wanted.scopes,
        expires,
        boundary: None,
    });
    ok(&json!({"accessToken": token, "expireTime": iso_date(expires)}))
}

/// What the caller wants.
struct Wanted {
    scopes: Vec<String>,
    seconds: i64,
    delegates: Vec<String>,
}

impl Wanted {
    fn parse(body: &[u8]) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| "Invalid JSON payload received.".to_owned())?;
        let members = body.as_object().ok_or("Invalid JSON payload received.")?;
        let known = ["scope", "lifetime", "delegates"];
        if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!(
                "Invalid JSON payload received. Unknown name \"{name}\": Cannot find field."
            ));
        }
        let scopes = texts(&body["scope"])?;
        if scopes.is_empty() || !scopes.iter().all(|scope| is_scope(scope)) {
            return Err("Request contains an invalid argument: scope".to_owned());
        }
        Ok(Self {
            scopes,
            seconds: lifetime(&body["lifetime"])?,
            delegates: texts(&body["delegates"])?,
        })
    }
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    let invalid = || "Request contains an invalid argument.".to_owned();
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned).ok_or_else(invalid))
            .collect(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Err(invalid()),
    }
}

/// A duration in seconds: `3600s`. Longer than an hour needs an exception of the organization.
fn lifetime(value: &Value) -> Result<i64, String> {
    let text = match value {
        Value::Null => return Ok(3600),
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return Err("Invalid value at 'lifetime'".to_owned());
        }
    };
    let seconds = text.strip_suffix('s').and_then(|seconds| seconds.parse::<i64>().ok());
    match seconds {
        Some(seconds @ 1..=3600) => Ok(seconds),
        Some(_) => Err("The token lifetime must be between 1 and 3600 seconds".to_owned()),
        None => Err("Invalid value at 'lifetime'".to_owned()),
    }
}

fn refused(
    state: &State,
    asked: &Asked,
    caller: &Token,
    target: &str,
    wanted: &Wanted,
) -> Option<Response> {
    let settings = lock(&state.settings).clone();
    if settings.is_iam_credentials_off {
        return Some(switched_off());
    }
    if !state.may_use_services(&caller.account, asked.header("x-goog-user-project")) {
        return Some(no_service_usage());
    }
    // A narrowed token is for storage alone.
    let iam = "https://www.googleapis.com/auth/iam";
    if caller.boundary.is_some() || !caller.has_scope(|scope| scope == iam) {
        let message = "Request had insufficient authentication scopes.";
        let why = ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "googleapis.com", json!({}));
        return Some(api_error_because(StatusCode::FORBIDDEN, DENIED, message, why));
    }
    if !has_chain(&settings, &caller.account, &wanted.delegates, target) {
        let message = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource \
                       (or it may not exist).";
        let permission = json!({"permission": "iam.serviceAccounts.getAccessToken"});
        let why = ("IAM_PERMISSION_DENIED", "iam.googleapis.com", permission);
        return Some(api_error_because(StatusCode::FORBIDDEN, DENIED, message, why));
    }
    if settings.disabled.contains(target) {
        let message = "The service account is disabled.";
        return Some(api_error(StatusCode::BAD_REQUEST, "FAILED_PRECONDITION", message));
    }
    None
}

/// Whether each holds the role on the next: the caller, the delegates in their order, the target.
fn has_chain(settings: &Settings, caller: &str, delegates: &[String], target: &str) -> bool {
    let mut holder = caller;
    let names = delegates.iter().map(|delegate| delegate.strip_prefix(ACCOUNTS));
    for next in names.chain([Some(target)]) {
        let Some(next) = next else { return false };
        let pair = (holder.to_owned(), next.to_owned());
        if !settings.token_creators.contains(&pair) || !settings.accounts.contains(next) {
            return false;
        }
        holder = next;
    }
    true
}

fn unauthenticated() -> Response {
    let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, \
                   login cookie or other valid authentication credential.";
    api_error(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
}

fn switched_off() -> Response {
    let message = format!(
        "IAM Service Account Credentials API has not been used in project {PROJECT} before or it \
         is disabled. Enable it by visiting https://console.developers.google.com/apis/api/\
         iamcredentials.googleapis.com/overview?project={PROJECT} then retry."
    );
    let metadata = json!({"service": "iamcredentials.googleapis.com"});
    let why = ("SERVICE_DISABLED", "googleapis.com", metadata);
    api_error_because(StatusCode::FORBIDDEN, DENIED, &message, why)
}

fn no_service_usage() -> Response {
    let message = format!(
        "Caller does not have required permission to use project {PROJECT}. Grant the caller the \
         roles/serviceusage.serviceUsageConsumer role, or a custom role with the \
         serviceusage.services.use permission, by visiting https://console.developers.google.com/\
         iam-admin/iam/project?project={PROJECT} and then retry."
    );
    let metadata = json!({"consumer": format!("projects/{PROJECT}")});
    let why = ("USER_PROJECT_DENIED", "googleapis.com", metadata);
    api_error_because(StatusCode::FORBIDDEN, DENIED, &message, why)
}
