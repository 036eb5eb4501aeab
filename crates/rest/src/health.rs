//! The management port: health and metrics.

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::future::BoxFuture;
use serde_json::json;

/// What the management port can tell. The server knows how.
#[derive(Clone)]
pub struct Health {
    /// Whether the database answers.
    pub database: Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
    /// The metrics, as Prometheus reads them.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health").finish_non_exhaustive()
    }
}

/// The routes of the management port. None needs a token: the port is not for the public.
pub fn management_router(health: Health) -> Router {
    Router::new()
        .route("/q/health", get(ready))
        .route("/q/health/ready", get(ready))
        .route("/q/health/live", get(live))
        .route("/q/health/started", get(live))
        .route("/q/metrics", get(metrics))
        .fallback(crate::middleware::not_found)
        .method_not_allowed_fallback(crate::middleware::method_not_allowed)
        .with_state(health)
}

/// Alive: it answers. Restarting it would mend nothing else.
async fn live() -> Response {
    answer(true, &json!([]))
}

/// Ready: the database answers too. Clouds are not asked: one that is out of reach fails the
/// catalogs that are in it and not the server.
async fn ready(State(health): State<Health>) -> Response {
    let is_up = (health.database)().await;
    let status = if is_up { "UP" } else { "DOWN" };
    answer(is_up, &json!([{"name": "Database connections health check", "status": status}]))
}

fn answer(is_up: bool, checks: &serde_json::Value) -> Response {
    let status = if is_up { "UP" } else { "DOWN" };
    let code = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, crate::json(&json!({"status": status, "checks": checks}))).into_response()
}

async fn metrics(State(health): State<Health>) -> Response {
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, text)], (health.metrics)()).into_response()
}
