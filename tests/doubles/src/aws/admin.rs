//! What a test says to the double itself, below `/_double/`.

use std::collections::BTreeMap;

use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};
use time::Duration;

use super::calls::{AssumedRole, Call, Fault};
use super::request::{Request, answer};
use super::state::{Object, REGION, State, only_fields, seed};

/// Answers `GET /_double/calls`, `GET /_double/objects` and `POST /_double/{what}`.
pub(crate) fn serve(state: &mut State, what: &str, request: &Request) -> Response {
    let result = match (request.method.as_str(), what) {
        ("GET", "calls") => Ok(calls(state)),
        ("GET", "objects") => Ok(objects(state)),
        ("POST", what) if request.body.is_empty() => change(state, what, &json!({})),
        ("POST", what) => serde_json::from_slice(&request.body)
            .map_err(|error| error.to_string())
            .and_then(|said| change(state, what, &said)),
        (method, what) => Err(format!("{method} {what} is not known here")),
    };
    let (status, body) = match result {
        Ok(body) => (200, body),
        Err(error) => (400, json!({"error": error})),
    };
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    answer(status, &headers, body.to_string())
}

/// Changes something, and says what came of it.
pub(crate) fn change(state: &mut State, what: &str, said: &Value) -> Result<Value, String> {
    match what {
        "users" => state.put_user(said),
        "roles" => state.put_role(said),
        "buckets" => {
            only_fields(said, &["name", "region", "account"])?;
            let name = said["name"].as_str().ok_or("name is missing")?;
            let region = said["region"].as_str().unwrap_or(REGION);
            state.put_bucket(name, region, said["account"].as_str().unwrap_or(seed::ROLE_ACCOUNT));
            Ok(json!({}))
        }
        "settings" => settings(state, said),
        "clock" => clock(state, said),
        "faults" => {
            state.faults.push(Fault::read(said)?);
            Ok(json!({"faults": state.faults.len()}))
        }
        "forget" => {
            only_fields(said, &[])?;
            state.calls.clear();
            state.assumed.clear();
            state.faults.clear();
            Ok(json!({}))
        }
        "objects" => {
            only_fields(said, &["bucket", "key", "body"])?;
            let bucket = said["bucket"].as_str().unwrap_or(seed::BUCKET);
            let key = said["key"].as_str().ok_or("key is missing")?;
            let body = said["body"].as_str().unwrap_or_default().to_owned();
            put_object(state, bucket, key, body.into());
            Ok(json!({}))
        }
        _ => Err(format!("{what} is not known here")),
    }
}

/// Puts an object without a request.
pub(crate) fn put_object(state: &mut State, bucket: &str, key: &str, body: Bytes) {
    let object = Object {
        etag: format!("\"{}\"", super::sigv4::hex(&super::checksum::md5(&body))),
        body,
        modified: time::OffsetDateTime::now_utc(),
        headers: vec![("content-type".to_owned(), "binary/octet-stream".to_owned())],
        checksums: Vec::new(),
    };
    state.buckets.entry(bucket.to_owned()).or_default().objects.insert(key.to_owned(), object);
}

/// How often each operation was called.
pub(crate) fn counts(state: &State) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in &state.calls {
        *counts.entry(call.operation.clone()).or_default() += 1;
    }
    counts
}

fn calls(state: &State) -> Value {
    json!({
        "counts": counts(state),
        "calls": state.calls.iter().map(Call::shown).collect::<Vec<_>>(),
        "assume_role": state.assumed.iter().map(AssumedRole::shown).collect::<Vec<_>>(),
    })
}

fn objects(state: &State) -> Value {
    let keys = state
        .buckets
        .iter()
        .map(|(name, bucket)| (name.clone(), json!(bucket.objects.keys().collect::<Vec<_>>())));
    Value::Object(keys.collect())
}

fn settings(state: &mut State, said: &Value) -> Result<Value, String> {
    let fields = ["sts_region", "s3_region", "min_duration", "min_part_size", "hide_missing"];
    only_fields(said, &fields)?;
    let settings = &mut state.settings;
    for (field, region) in
        [("sts_region", &mut settings.sts_region), ("s3_region", &mut settings.s3_region)]
    {
        match said.get(field) {
            None => {}
            Some(Value::Null) => *region = None,
            Some(value) => {
                *region = Some(value.as_str().ok_or(format!("{field} is a text"))?.to_owned());
            }
        }
    }
    if let Some(value) = said.get("min_duration") {
        let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        settings.min_duration = seconds.ok_or("min_duration is a number of seconds")?;
    }
    if let Some(value) = said.get("min_part_size") {
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        settings.min_part_size = size.ok_or("min_part_size is a number of bytes")?;
    }
    if let Some(value) = said.get("hide_missing") {
        settings.hide_missing = value.as_bool().ok_or("hide_missing is true or false")?;
    }
    Ok(json!({}))
}

/// Sets how many seconds the two clocks are ahead.
fn clock(state: &mut State, said: &Value) -> Result<Value, String> {
    only_fields(said, &["sessions_ahead", "requests_ahead"])?;
    let seconds = |field: &str, old: Duration| match said.get(field) {
        None => Ok(old),
        Some(value) => {
            value.as_i64().map(Duration::seconds).ok_or(format!("{field} is a number of seconds"))
        }
    };
    state.session_clock = seconds("sessions_ahead", state.session_clock)?;
    state.request_clock = seconds("requests_ahead", state.request_clock)?;
    Ok(json!({}))
}
