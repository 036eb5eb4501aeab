//! A policy service on loopback: it evaluates a few rules from what it is told, as the agent does
//! with a policy.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};

/// A policy service, until it is dropped.
pub(super) struct PolicyService {
    /// The address of its policy.
    pub(super) url: String,
    shared: Arc<Mutex<Shared>>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    mood: Mood,
    token: Option<String>,
    asked: Vec<Value>,
}

/// What it does when it is asked.
#[derive(Clone, Default)]
pub(super) enum Mood {
    /// Evaluates its rules.
    #[default]
    Well,
    /// Keeps the connection open, and says nothing.
    Silent,
    /// Answers that status, and `allow` all the same.
    Status(u16),
    /// Answers that body.
    Says(String),
    /// Sends whoever asks elsewhere.
    Redirects(String),
}

impl PolicyService {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Mutex::new(Shared::default()));
        let router =
            Router::new().route("/v1/data/polaris", post(decide)).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is dropped");
        });
        Self { url: format!("http://{address}/v1/data/polaris"), shared, serving }
    }

    /// Does so from now on.
    pub(super) fn is(&self, mood: Mood) {
        self.shared.lock().unwrap().mood = mood;
    }

    /// Answers only those who show that token.
    pub(super) fn expects(&self, token: &str) {
        self.shared.lock().unwrap().token = Some(token.to_owned());
    }

    /// What it was asked since this was last called.
    pub(super) fn asked(&self) -> Vec<Value> {
        std::mem::take(&mut self.shared.lock().unwrap().asked)
    }

    /// The actions it was asked about since then.
    pub(super) fn actions(&self) -> Vec<String> {
        let asked = self.asked();
        asked.iter().map(|body| text(&body["input"]["action"]).to_owned()).collect()
    }
}

impl Drop for PolicyService {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn decide(
    State(shared): State<Arc<Mutex<Shared>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).expect("it is asked in JSON");
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    let (mood, token) = {
        let mut shared = shared.lock().unwrap();
        shared.asked.push(body.clone());
        (shared.mood.clone(), shared.token.clone())
    };
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if token.is_some_and(|token| shown != Some(&format!("Bearer {token}"))) {
        return (StatusCode::UNAUTHORIZED, said(true)).into_response();
    }
    match mood {
        Mood::Well => said(allows(&body["input"])).into_response(),
        Mood::Silent => std::future::pending().await,
        Mood::Status(status) => {
            (StatusCode::from_u16(status).expect("a status"), said(true)).into_response()
        }
        Mood::Says(text) => text.into_response(),
        Mood::Redirects(to) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)], said(true)).into_response()
        }
    }
}

fn said(allows: bool) -> String {
    json!({"decision_id": "d", "result": {"allow": allows, "reason": "a rule"}}).to_string()
}

/// The rules: `root` may do all but in realms that end in `-closed`; who has the role `ana` may read
/// what is in the catalog `lake`, and who has `wes` may also change what is in its namespace `sky`.
fn allows(input: &Value) -> bool {
    if text(&input["context"]["realm"]).ends_with("-closed") {
        return false;
    }
    let action = text(&input["action"]);
    let roles: Vec<_> = list(&input["actor"]["roles"]).iter().map(text).collect();
    let targets = list(&input["resource"]["targets"]);
    let reads = ["LIST_", "LOAD_", "GET_"].iter().any(|verb| action.starts_with(verb))
        && !action.ends_with("_WITH_WRITE_DELEGATION");
    let all_in =
        |kind, name| !targets.is_empty() && targets.iter().all(|one| is_in(one, kind, name));
    input["actor"]["principal"] == "root"
        || (roles.contains(&"ana") && reads && all_in("CATALOG", "lake"))
        || (roles.contains(&"wes") && all_in("NAMESPACE", "sky"))
}

fn is_in(entity: &Value, kind: &str, name: &str) -> bool {
    let is = |one: &Value| one["type"] == kind && one["name"] == name;
    is(entity) || list(&entity["parents"]).iter().any(is)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
