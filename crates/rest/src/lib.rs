//! HTTP: routes, extractors, handlers, errors.
//!
//! Handlers extract, authorize, serve and convert. They reach data only through the service, which
//! demands a proof for it.

mod app;
mod error;
mod extract;
mod health;
mod iceberg;
mod management;
mod middleware;
mod oauth;
mod openapi;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::Serialize;

pub use app::{Allowed, ApiSettings, App, Cors};
pub use error::{ApiError, ErrorKind};
pub use health::{Health, management_router};

/// Every route of the API, grouped by who calls it.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        // Every Iceberg client, at its start.
        .route("/api/catalog/v1/oauth/tokens", post(oauth::get_token))
        .route("/api/catalog/v1/config", get(iceberg::config::get_config))
        // Engines: namespaces.
        .route(
            "/api/catalog/v1/{prefix}/namespaces",
            get(iceberg::namespaces::list_namespaces).post(iceberg::namespaces::create_namespace),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}",
            get(iceberg::namespaces::load_namespace_metadata)
                .head(iceberg::namespaces::namespace_exists)
                .delete(iceberg::namespaces::drop_namespace),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/properties",
            post(iceberg::namespaces::update_properties),
        )
        // Engines: tables.
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables",
            get(iceberg::tables::list_tables).post(iceberg::tables::create_table),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/register",
            post(iceberg::tables::register_table),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}",
            get(iceberg::tables::load_table)
                .head(iceberg::tables::table_exists)
                .post(iceberg::commits::update_table)
                .delete(iceberg::tables::drop_table),
        )
        .route("/api/catalog/v1/{prefix}/tables/rename", post(iceberg::tables::rename_table))
        .route(
            "/api/catalog/v1/{prefix}/transactions/commit",
            post(iceberg::commits::commit_transaction),
        )
        // Administrators.
        .route(
            "/api/management/v1/catalogs",
            get(management::catalogs::list_catalogs).post(management::catalogs::create_catalog),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}",
            get(management::catalogs::get_catalog)
                .put(management::catalogs::update_catalog)
                .merge(delete(management::catalogs::delete_catalog)),
        )
        // Whoever wants to know what there is.
        .route("/api/openapi/{document}", get(openapi::document));
    middleware::wrap(routes, app)
}

/// A JSON body.
fn json(body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).expect("our types have a JSON form");
    raw_json(bytes)
}

/// A JSON body that is made already.
fn raw_json(bytes: Vec<u8>) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], bytes).into_response()
}
