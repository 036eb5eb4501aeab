//! A web server on loopback that is told of events.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::Value;
use tokio::sync::watch;

/// A web server, until it is dropped.
pub(super) struct Receiver {
    pub(super) url: String,
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

struct Shared {
    moods: Mutex<VecDeque<Mood>>,
    requests: Mutex<Vec<Request>>,
    /// How many requests came.
    count: watch::Sender<usize>,
}

/// What it was sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) headers: HeaderMap,
    pub(super) events: Vec<Value>,
    /// Whether it said that it has them.
    pub(super) was_taken: bool,
}

/// What it does with a request.
#[derive(Debug, Clone)]
pub(super) enum Mood {
    /// Says nothing, and keeps the connection open.
    Silent,
    /// Answers that status, with its own address as the place to go to.
    Status(u16),
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            moods: Mutex::default(),
            requests: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let router = Router::new().route("/events", post(take)).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is dropped");
        });
        Self { url: format!("http://{address}/events"), shared, serving }
    }

    /// Does so with the requests that come next, one each; then it takes what it is sent.
    pub(super) fn will(&self, moods: impl IntoIterator<Item = Mood>) {
        self.shared.moods.lock().unwrap().extend(moods);
    }

    /// All requests that came.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits until so many requests came.
    pub(super) async fn wait_for(&self, count: usize) {
        let mut counted = self.shared.count.subscribe();
        counted.wait_for(|counted| *counted >= count).await.expect("it serves");
    }

    /// The events that it took, as they came.
    pub(super) fn taken(&self) -> Vec<Value> {
        let requests = self.requests();
        let taken = requests.into_iter().filter(|request| request.was_taken);
        taken.flat_map(|request| request.events).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let events: Vec<Value> = serde_json::from_slice(&body).expect("a batch is a list");
    let mood = shared.moods.lock().unwrap().pop_front();
    let was_taken = match mood {
        None => true,
        Some(Mood::Status(status)) => (200..300).contains(&status),
        Some(Mood::Silent) => false,
    };
    shared.requests.lock().unwrap().push(Request { headers, events, was_taken });
    shared.count.send_modify(|count| *count += 1);
    match mood {
        None => StatusCode::OK.into_response(),
        Some(Mood::Silent) => std::future::pending().await,
        Some(Mood::Status(status)) => {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, [(header::LOCATION, "/events")]).into_response()
        }
    }
}
