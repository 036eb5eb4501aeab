//! Namespaces of federated catalogs.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use merak_authz::operations::{
    CreateNamespace, DropNamespace, ListNamespaces, LoadNamespaceMetadata, NamespaceExists,
    UpdateNamespaceProperties,
};
use merak_authz::{Caller, NamespacePath, Remote};
use merak_model::{Namespace, Properties};
use merak_wire::iceberg::ListNamespacesResponse;

use super::page_of;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::QueryMap;
use crate::iceberg::namespaces::{show, show_updated};
use crate::middleware::to_the_end;

pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    path: &NamespacePath,
    query: &QueryMap,
) -> Result<Response, ApiError> {
    let page = page_of(query, &app.settings)?;
    let proof = app.authorizer.authorize(caller, Remote(ListNamespaces), path).await?;
    let found = app.service.list_remote_namespaces(proof, &page).await?;
    let next_page_token = found.next_page_token;
    Ok(crate::json(&ListNamespacesResponse { next_page_token, namespaces: found.namespaces }))
}

pub(crate) async fn create(
    app: App,
    caller: &Caller,
    path: &NamespacePath,
    namespace: Namespace,
    properties: Properties,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(CreateNamespace), path).await?;
    let made = to_the_end(async move {
        app.service.create_remote_namespace(proof, namespace, properties).await
    })
    .await?;
    Ok(show(&made))
}

pub(crate) async fn load(
    app: &App,
    caller: &Caller,
    path: &NamespacePath,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(LoadNamespaceMetadata), path).await?;
    Ok(show(&app.service.load_remote_namespace(proof).await?))
}

pub(crate) async fn exists(
    app: &App,
    caller: &Caller,
    path: &NamespacePath,
) -> Result<StatusCode, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(NamespaceExists), path).await?;
    app.service.remote_namespace_exists(proof).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn update(
    app: App,
    caller: &Caller,
    path: &NamespacePath,
    updates: Properties,
    removals: Vec<String>,
) -> Result<Response, ApiError> {
    let operation = Remote(UpdateNamespaceProperties);
    let proof = app.authorizer.authorize(caller, operation, path).await?;
    let outcome =
        to_the_end(
            async move { app.service.update_remote_namespace(proof, updates, removals).await },
        )
        .await?;
    Ok(show_updated(outcome))
}

pub(crate) async fn drop(
    app: App,
    caller: &Caller,
    path: &NamespacePath,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(DropNamespace), path).await?;
    to_the_end(async move { app.service.drop_remote_namespace(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
