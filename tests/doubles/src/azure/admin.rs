//! What tests that are not written in Rust ask of the double itself, below `/_double/`.
//!
//! `GET calls` counts; each `POST` takes an object in JSON: `fault` (see [`Fault`]), `reset` (no
//! faults, no counts), `advance` (`seconds`), `assign` and `unassign` (`object_id`, `account`,
//! `container`, `role` by its name in Azure), `consent` (`client_id`, `tenant`, `given`), `tenant`
//! (`name`), `account` (`name`, `tenant`, `is_hierarchical`, `container`), `revoke-keys`
//! (`account`), `token` (`object_id`, `tenant`; answers with one), `mode` (`is_secret_expired`,
//! `has_managed_identity`, `counts_as_https`, `token_lifetime`).

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::state::{AUDIENCE, Account, Assignment, Role, Settings, State};
use crate::Fault;
use crate::serving::{Asked, json_answer};
use crate::traffic::lock;

pub(crate) fn answer(state: &State, asked: &Asked) -> Response {
    let what = asked.uri.path().strip_prefix("/_double/").unwrap_or_default();
    if asked.method == Method::GET && what == "calls" {
        return json_answer(StatusCode::OK, &state.traffic.counts_json());
    }
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
    let done = asked.method == Method::POST && body.is_object();
    match done.then(|| change(state, what, &body)).flatten() {
        Some(answer) => json_answer(StatusCode::OK, &answer),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Nothing: it was not understood.
fn change(state: &State, what: &str, body: &Value) -> Option<Value> {
    match what {
        "fault" => state.traffic.add_fault(Fault::from_json(body)?),
        "reset" => {
            state.traffic.clear_faults();
            state.traffic.clear_counts();
        }
        "advance" => state.traffic.advance(body["seconds"].as_i64()?),
        "token" => {
            let (object_id, tenant) = (body["object_id"].as_str()?, body["tenant"].as_str()?);
            let (token, seconds) = state.issue(object_id, tenant, AUDIENCE);
            return Some(json!({"access_token": token, "expires_in": seconds}));
        }
        _ => change_settings(&mut lock(&state.settings), what, body)?,
    }
    Some(json!({}))
}

fn change_settings(settings: &mut Settings, what: &str, body: &Value) -> Option<()> {
    let text = |name: &str| body[name].as_str();
    match what {
        "assign" | "unassign" => {
            let assignment = Assignment {
                object_id: text("object_id")?.to_owned(),
                account: text("account")?.to_owned(),
                container: text("container").map(str::to_owned),
                role: Role::named(text("role")?)?,
            };
            settings.assignments.retain(|known| *known != assignment);
            if what == "assign" {
                settings.assignments.push(assignment);
            }
        }
        "consent" => {
            let consent = (text("client_id")?.to_owned(), text("tenant")?.to_owned());
            settings.consents.remove(&consent);
            if body["given"].as_bool()? {
                settings.consents.insert(consent);
            }
        }
        "tenant" => {
            settings.tenants.insert(text("name")?.to_owned());
        }
        "account" => {
            let is_hierarchical = body["is_hierarchical"].as_bool()?;
            let account = Account::new(text("tenant")?, is_hierarchical, text("container")?);
            settings.accounts.insert(text("name")?.to_owned(), account);
        }
        "revoke-keys" => settings.accounts.get_mut(text("account")?)?.keys_revoked += 1,
        "mode" => change_modes(settings, body)?,
        _ => return None,
    }
    Some(())
}

fn change_modes(settings: &mut Settings, body: &Value) -> Option<()> {
    for (name, value) in body.as_object()? {
        match name.as_str() {
            "is_secret_expired" => settings.is_secret_expired = value.as_bool()?,
            "has_managed_identity" => settings.has_managed_identity = value.as_bool()?,
            "counts_as_https" => settings.counts_as_https = value.as_bool()?,
            "token_lifetime" => settings.token_lifetime = value.as_i64()?,
            _ => return None,
        }
    }
    Some(())
}
