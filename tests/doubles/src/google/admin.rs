//! What tests that are not written in Rust ask of the double itself, below `/_double/`.
//!
//! `GET calls` counts; each `POST` takes an object in JSON: `fault` (see [`Fault`]), `reset` (no
//! faults, no counts), `advance` (`seconds`), `grant` and `revoke` (`account`, `bucket`, `prefix`,
//! `role`), `token-creator` (`caller`, `target`, `holds`), `account` (`account`, `disabled`,
//! `service_usage`), `bucket` (`name`), `token` (`account`; answers with a token of it), `mode`
//! (`omits_expires_in`, `is_iam_credentials_off`, `has_metadata_server`, `token_lifetime`).

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::answer::ok;
use super::state::{CLOUD_PLATFORM, Grant, Settings, State};
use crate::Fault;
use crate::serving::Asked;
use crate::traffic::lock;

pub(crate) fn answer(state: &State, asked: &Asked) -> Response {
    let what = asked.uri.path().strip_prefix("/_double/").unwrap_or_default();
    if asked.method == Method::GET && what == "calls" {
        return ok(&state.traffic.counts_json());
    }
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
    let done = asked.method == Method::POST && body.is_object();
    match done.then(|| change(state, what, &body)).flatten() {
        Some(answer) => ok(&answer),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Nothing: it was not understood.
fn change(state: &State, what: &str, body: &Value) -> Option<Value> {
    let text = |name: &str| body[name].as_str();
    match what {
        "fault" => state.traffic.add_fault(Fault::from_json(body)?),
        "reset" => {
            state.traffic.clear_faults();
            state.traffic.clear_counts();
        }
        "advance" => state.traffic.advance(body["seconds"].as_i64()?),
        "token" => {
            let (token, seconds) = state.issue(text("account")?, &[CLOUD_PLATFORM]);
            return Some(json!({"access_token": token, "expires_in": seconds}));
        }
        _ => change_settings(&mut lock(&state.settings), what, body)?,
    }
    Some(json!({}))
}

fn change_settings(settings: &mut Settings, what: &str, body: &Value) -> Option<()> {
    let text = |name: &str| body[name].as_str();
    match what {
        "grant" | "revoke" => {
            let prefix = text("prefix").unwrap_or_default();
            let grant = Grant::below(text("account")?, text("bucket")?, prefix, text("role")?);
            settings.grants.retain(|known| *known != grant);
            if what == "grant" {
                settings.grants.push(grant);
            }
        }
        "token-creator" => {
            let pair = (text("caller")?.to_owned(), text("target")?.to_owned());
            if body["holds"].as_bool()? {
                settings.token_creators.insert(pair);
            } else {
                settings.token_creators.remove(&pair);
            }
        }
        "account" => change_account(settings, text("account")?, body),
        "bucket" => {
            settings.buckets.insert(text("name")?.to_owned());
        }
        "mode" => change_modes(settings, body)?,
        _ => return None,
    }
    Some(())
}

fn change_account(settings: &mut Settings, account: &str, body: &Value) {
    settings.accounts.insert(account.to_owned());
    if let Some(is_disabled) = body["disabled"].as_bool() {
        place(&mut settings.disabled, account, is_disabled);
    }
    if let Some(may_use) = body["service_usage"].as_bool() {
        place(&mut settings.without_service_usage, account, !may_use);
    }
}

fn place(accounts: &mut BTreeSet<String>, account: &str, belongs: bool) {
    accounts.remove(account);
    if belongs {
        accounts.insert(account.to_owned());
    }
}

fn change_modes(settings: &mut Settings, body: &Value) -> Option<()> {
    for (name, value) in body.as_object()? {
        match name.as_str() {
            "omits_expires_in" => settings.omits_expires_in = value.as_bool()?,
            "is_iam_credentials_off" => settings.is_iam_credentials_off = value.as_bool()?,
            "has_metadata_server" => settings.has_metadata_server = value.as_bool()?,
            "token_lifetime" => settings.token_lifetime = value.as_i64()?,
            _ => return None,
        }
    }
    Some(())
}
