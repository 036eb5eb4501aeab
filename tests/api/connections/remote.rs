//! The other catalog, on loopback: it tells how its clients prove who they are.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::header;

/// A catalog, until it is dropped.
pub(super) struct Remote {
    /// Its address.
    pub(super) url: String,
    shown: Arc<Mutex<Vec<String>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Remote {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shown = Arc::<Mutex<Vec<String>>>::default();
        let record = Arc::clone(&shown);
        let router = Router::new().fallback(async move |request: Request| {
            let shown = request.headers().get(header::AUTHORIZATION);
            let shown = shown.map_or("", |value| value.to_str().unwrap());
            record.lock().unwrap().push(shown.to_owned());
            "{}"
        });
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is dropped");
        });
        Self { url: format!("http://{address}"), shown, serving }
    }

    /// What it was shown since this was last called.
    pub(super) fn shown(&self) -> Vec<String> {
        std::mem::take(&mut self.shown.lock().unwrap())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
