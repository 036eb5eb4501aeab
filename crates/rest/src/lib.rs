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
mod polaris;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use serde::Serialize;

pub use app::{Allowed, ApiSettings, App, Cors, Forwarding};
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
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
            get(iceberg::credentials::load_credentials),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}/sign",
            post(iceberg::signing::sign_request),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
            post(iceberg::reports::report_metrics),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister",
            post(iceberg::tables::unregister_table),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}/notifications",
            post(iceberg::notifications::send_notification),
        )
        .route("/api/catalog/v1/{prefix}/tables/rename", post(iceberg::tables::rename_table))
        .route(
            "/api/catalog/v1/{prefix}/transactions/commit",
            post(iceberg::commits::commit_transaction),
        )
        // Engines: views.
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/views",
            get(iceberg::views::list_views).post(iceberg::views::create_view),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/register-view",
            post(iceberg::views::register_view),
        )
        .route(
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/views/{view}",
            get(iceberg::views::load_view)
                .head(iceberg::views::view_exists)
                .post(iceberg::views::replace_view)
                .delete(iceberg::views::drop_view),
        )
        .route("/api/catalog/v1/{prefix}/views/rename", post(iceberg::views::rename_view))
        .merge(polaris_routes())
        .merge(catalog_routes())
        .merge(access_routes())
        // Whoever wants to know what there is.
        .route("/api/openapi/{document}", get(openapi::document));
    middleware::wrap(routes, app)
}

/// Engines, and whoever maintains tables: what Polaris has beside Iceberg's protocol.
fn polaris_routes() -> Router<App> {
    Router::new()
        // Generic tables.
        .route(
            "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/generic-tables",
            get(polaris::generic_tables::list_generic_tables)
                .post(polaris::generic_tables::create_generic_table),
        )
        .route(
            "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}",
            get(polaris::generic_tables::load_generic_table)
                .delete(polaris::generic_tables::drop_generic_table),
        )
        // Policies.
        .route(
            "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/policies",
            get(polaris::policies::list_policies).post(polaris::policies::create_policy),
        )
        .route(
            "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}",
            get(polaris::policies::load_policy)
                .put(polaris::policies::update_policy)
                .merge(delete(polaris::policies::drop_policy)),
        )
        .route(
            "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}/mappings",
            put(polaris::policies::attach_policy).post(polaris::policies::detach_policy),
        )
        .route(
            "/api/catalog/polaris/v1/{prefix}/applicable-policies",
            get(polaris::policies::get_applicable_policies),
        )
}

/// Administrators of catalogs.
fn catalog_routes() -> Router<App> {
    Router::new()
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
        .route(
            "/api/management/v1/catalogs/{catalogName}/diagnose",
            post(management::doctor::diagnose),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/explain-policy",
            get(management::doctor::explain_policy),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/metrics-reports",
            get(management::reports::list_reports),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/events",
            get(management::events::list_catalog_events),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/tasks",
            get(management::tasks::list_tasks),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/tasks/{taskId}",
            get(management::tasks::get_task),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/tasks/{taskId}/retry",
            post(management::tasks::retry_task),
        )
}

/// Administrators of access: principals, roles and grants.
fn access_routes() -> Router<App> {
    Router::new()
        .route(
            "/api/management/v1/principals",
            get(management::principals::list_principals)
                .post(management::principals::create_principal),
        )
        .route(
            "/api/management/v1/principals/{principalName}",
            get(management::principals::get_principal)
                .put(management::principals::update_principal)
                .delete(management::principals::delete_principal),
        )
        .route(
            "/api/management/v1/principals/{principalName}/rotate",
            post(management::principals::rotate_credentials),
        )
        .route(
            "/api/management/v1/principals/{principalName}/reset",
            post(management::principals::reset_credentials),
        )
        .route(
            "/api/management/v1/principals/{principalName}/principal-roles",
            get(management::principals::list_principal_roles_assigned)
                .put(management::principals::assign_principal_role),
        )
        .route(
            "/api/management/v1/principals/{principalName}/principal-roles/{principalRoleName}",
            delete(management::principals::revoke_principal_role),
        )
        .route(
            "/api/management/v1/principal-roles",
            get(management::principal_roles::list_principal_roles)
                .post(management::principal_roles::create_principal_role),
        )
        .route(
            "/api/management/v1/principal-roles/{principalRoleName}",
            get(management::principal_roles::get_principal_role)
                .put(management::principal_roles::update_principal_role)
                .delete(management::principal_roles::delete_principal_role),
        )
        .route(
            "/api/management/v1/principal-roles/{principalRoleName}/principals",
            get(management::principal_roles::list_assignee_principals),
        )
        .route(
            "/api/management/v1/principal-roles/{principalRoleName}/catalog-roles/{catalogName}",
            get(management::principal_roles::list_catalog_roles)
                .put(management::principal_roles::assign_catalog_role),
        )
        .route(
            "/api/management/v1/principal-roles/{principalRoleName}/catalog-roles/{catalogName}/{catalogRoleName}",
            delete(management::principal_roles::revoke_catalog_role),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/catalog-roles",
            get(management::catalog_roles::list_catalog_roles)
                .post(management::catalog_roles::create_catalog_role),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/catalog-roles/{catalogRoleName}",
            get(management::catalog_roles::get_catalog_role)
                .put(management::catalog_roles::update_catalog_role)
                .delete(management::catalog_roles::delete_catalog_role),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/catalog-roles/{catalogRoleName}/principal-roles",
            get(management::catalog_roles::list_assignee_principal_roles),
        )
        .route(
            "/api/management/v1/catalogs/{catalogName}/catalog-roles/{catalogRoleName}/grants",
            get(management::grants::list_grants)
                .put(management::grants::add_grant)
                .post(management::grants::revoke_grant),
        )
        .route("/api/management/v1/explain", get(management::access::explain_access))
        .route("/api/management/v1/events", get(management::events::list_events))
        .route("/api/management/v1/audit", get(management::events::list_audit_records))
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
