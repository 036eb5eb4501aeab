//! Another catalog on loopback, which answers what it is told to, and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::TOKEN;

/// Another catalog, until it is dropped.
pub(super) struct Owner {
    uri: String,
    shared: Arc<Mutex<Shared>>,
    serving: tokio::task::JoinHandle<()>,
}

/// What it was asked, but for its configuration.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The method and the path as it came, with the query.
    pub(super) what: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

#[derive(Default)]
struct Shared {
    mood: Mood,
    answers: BTreeMap<String, Value>,
    asked: Vec<Asked>,
}

/// What it does when it is asked for anything but its configuration.
#[derive(Debug, Clone, Default)]
pub(super) enum Mood {
    /// Answers as it was told, else 404.
    #[default]
    Well,
    /// Keeps the connection open, and says nothing.
    Silent,
    /// Answers with that status and text.
    Says(u16, String),
    /// Sends whoever asks elsewhere.
    Redirects(String),
}

impl Owner {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let uri = format!("http://{}", listener.local_addr().expect("it is bound"));
        let shared = Arc::new(Mutex::new(Shared::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is dropped");
        });
        Self { uri, shared, serving }
    }

    /// A connection to it.
    pub(super) fn connection(&self) -> Value {
        json!({
            "connectionType": "ICEBERG_REST",
            "uri": format!("{}/base", self.uri),
            "remoteCatalogName": "lake",
            "authenticationParameters": {"authenticationType": "BEARER", "bearerToken": TOKEN},
        })
    }

    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    pub(super) fn is(&self, mood: Mood) {
        self.shared.lock().unwrap().mood = mood;
    }

    /// Answers 200 with that to a request such as `GET namespaces`, whatever its query.
    pub(super) fn answers(&self, what: &str, body: Value) {
        self.shared.lock().unwrap().answers.insert(what.to_owned(), body);
    }

    /// What it was asked since this was last called.
    pub(super) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.lock().unwrap().asked)
    }

    /// The one request that it was asked since then.
    pub(super) fn asked_once(&self) -> Asked {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The envelope of an error.
pub(super) fn error(status: u16, exception: &str, message: &str) -> Mood {
    let error = json!({"message": message, "type": exception, "code": status});
    Mood::Says(status, json!({"error": error}).to_string())
}

async fn answer(
    State(shared): State<Arc<Mutex<Shared>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    assert_eq!(shown, Some(format!("Bearer {TOKEN}").as_str()), "whoever it is: {uri}");
    let path = uri.path();
    if path == "/base/v1/config" {
        let config = json!({"defaults": {}, "overrides": {"prefix": "own"}});
        return config.to_string().into_response();
    }
    let target = uri.to_string();
    let below = target.strip_prefix("/base/v1/own/").unwrap_or_else(|| panic!("{target}"));
    let what = format!("{method} {below}");
    let key = what.split('?').next().unwrap_or_default().to_owned();
    let (mood, told) = {
        let mut shared = shared.lock().unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        shared.asked.push(Asked { what, headers, body });
        (shared.mood.clone(), shared.answers.get(&key).cloned())
    };
    match (mood, told) {
        (Mood::Well, Some(told)) => told.to_string().into_response(),
        (Mood::Well, None) => {
            let error = json!({"message": "No", "type": "NoSuchTableException", "code": 404});
            (StatusCode::NOT_FOUND, json!({"error": error}).to_string()).into_response()
        }
        (Mood::Silent, _) => std::future::pending().await,
        (Mood::Says(status, text), _) => {
            (StatusCode::from_u16(status).expect("a status"), text).into_response()
        }
        (Mood::Redirects(to), _) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
        }
    }
}
