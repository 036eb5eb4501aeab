//! Views in the Iceberg REST API.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use merak_authz::operations::{
    CreateView, DropView, ListViews, LoadView, RegisterView, RenameView, ReplaceView, ViewExists,
};
use merak_authz::{NewTablePath, RenamePath};
use merak_model::{EntityKind, TableIdent};
use merak_service::{LoadedTable, LoadedView, RemoteViewChange, ViewChange, ViewDraft};
use merak_wire::iceberg::{
    CommitViewRequest, CreateViewRequest, RegisterViewRequest, RenameTableRequest,
};
use serde_json::Value;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{
    Authenticated, JsonBody, Keyed, NamespaceInPath, NoBody, PageRequest, Prefix, QueryMap,
    ViewInPath,
};
use crate::iceberg::answers::{Told, answered};
use crate::iceberg::federated::{self, here};
use crate::iceberg::tables::{ident_of, list_path, show_names, show_state};
use crate::middleware::to_the_end;

/// `GET /v1/{prefix}/namespaces/{namespace}/views`
pub(crate) async fn list_views(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let PageRequest { page, size, refusal } = PageRequest::of(&query, &app.settings)?;
    let path = list_path(catalog, namespace, EntityKind::View, page);
    let Some(proof) = here(app.authorizer.authorize(&caller, ListViews, &path).await)? else {
        return Box::pin(federated::views::list(&app, &caller, &path, &query)).await;
    };
    let found = app.service.list_views(proof, size).await?;
    show_names(&path.namespace, found, refusal)
}

/// `POST /v1/{prefix}/namespaces/{namespace}/views`
pub(crate) async fn create_view(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<CreateViewRequest>>,
) -> Result<Response, ApiError> {
    let path = NewTablePath { catalog, ident: TableIdent { namespace, name: body.name } };
    let told = Told::of_view(&path.catalog, &path.ident, show_again);
    let caller = &caller;
    answered(app, caller, key, told, |app| async move {
        let draft = ViewDraft {
            location: body.location,
            schema: body.schema,
            view_version: body.view_version,
            properties: body.properties.unwrap_or_default(),
        };
        let Some(proof) = here(app.authorizer.authorize(caller, CreateView, &path).await)? else {
            return Box::pin(federated::views::create(app, caller, &path, draft)).await;
        };
        let made = to_the_end(async move { app.service.create_view(proof, draft).await }).await?;
        Ok(show(&made))
    })
    .await
}

/// `POST /v1/{prefix}/namespaces/{namespace}/register-view`
pub(crate) async fn register_view(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<RegisterViewRequest>>,
) -> Result<Response, ApiError> {
    let path = NewTablePath { catalog, ident: TableIdent { namespace, name: body.name } };
    let told = Told::of_view(&path.catalog, &path.ident, show_again);
    let caller = &caller;
    answered(app, caller, key, told, |app| async move {
        let location = body.metadata_location;
        let Some(proof) = here(app.authorizer.authorize(caller, RegisterView, &path).await)? else {
            return Box::pin(federated::views::register(app, caller, &path, location)).await;
        };
        let made =
            to_the_end(async move { app.service.register_view(proof, &location).await }).await?;
        Ok(show(&made))
    })
    .await
}

/// `GET /v1/{prefix}/namespaces/{namespace}/views/{view}`
///
/// Through which views the client came to this one (`referenced-by`) does not matter: it needs the
/// right to read this one.
pub(crate) async fn load_view(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    ViewInPath { catalog, ident }: ViewInPath,
) -> Result<Response, ApiError> {
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    let Some(proof) = here(app.authorizer.authorize(&caller, LoadView, &path).await)? else {
        return Box::pin(federated::views::load(&app, &caller, &path)).await;
    };
    Ok(show(&app.service.load_view(proof).await?))
}

/// `HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}`
pub(crate) async fn view_exists(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    ViewInPath { catalog, ident }: ViewInPath,
) -> Result<StatusCode, ApiError> {
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    let Some(proof) = here(app.authorizer.authorize(&caller, ViewExists, &path).await)? else {
        return Box::pin(federated::views::exists(&app, &caller, &path)).await;
    };
    app.service.view_exists(proof).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/{prefix}/namespaces/{namespace}/views/{view}`
///
/// The view is the one the path names, as with tables. Both halves may be left out, and are then
/// empty.
pub(crate) async fn replace_view(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    ViewInPath { catalog, ident }: ViewInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<CommitViewRequest>>,
) -> Result<Response, ApiError> {
    let empty = Value::Array(Vec::new());
    let requirements = body.requirements.as_ref().unwrap_or(&empty);
    let updates = body.updates.as_ref().unwrap_or(&empty);
    let change = ViewChange::parse(requirements, updates)?;
    let told = Told::of_view(&catalog, &ident, show_again);
    let caller = &caller;
    answered(app, caller, key, told, |app| async move {
        let path = app.service.table_path(&caller.realm, &catalog, ident).await;
        let operation = ReplaceView(change);
        let Some(proof) = here(app.authorizer.authorize(caller, operation, &path).await)? else {
            let change = RemoteViewChange::parse(body.requirements, body.updates)?;
            return Box::pin(federated::views::replace(app, caller, &path, change)).await;
        };
        let view = to_the_end(async move { app.service.replace_view(proof).await }).await?;
        Ok(show(&view))
    })
    .await
}

/// `DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}`
pub(crate) async fn drop_view(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    ViewInPath { catalog, ident }: ViewInPath,
    Keyed(key, NoBody): Keyed<NoBody>,
) -> Result<Response, ApiError> {
    let caller = &caller;
    answered(app, caller, key, Told::of(&catalog), |app| async move {
        let path = app.service.table_path(&caller.realm, &catalog, ident).await;
        let Some(proof) = here(app.authorizer.authorize(caller, DropView, &path).await)? else {
            return Box::pin(federated::views::drop(app, caller, &path)).await;
        };
        to_the_end(async move { app.service.drop_view(proof).await }).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// `POST /v1/{prefix}/views/rename`
pub(crate) async fn rename_view(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Prefix(catalog): Prefix,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<RenameTableRequest>>,
) -> Result<Response, ApiError> {
    let path = RenamePath {
        catalog,
        source: ident_of(body.source)?,
        destination: ident_of(body.destination)?,
    };
    let caller = &caller;
    answered(app, caller, key, Told::of(&path.catalog), |app| async move {
        let Some(proof) = here(app.authorizer.authorize(caller, RenameView, &path).await)? else {
            return Box::pin(federated::views::rename(app, caller, &path)).await;
        };
        to_the_end(Box::pin(async move { app.service.rename_view(proof).await })).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// A view as it was answered first.
fn show_again(then: &LoadedTable) -> Response {
    show_state(then.metadata_location.as_deref(), &then.metadata)
}

/// A view as clients read it. Polaris adds no configuration and no tag.
pub(crate) fn show(view: &LoadedView) -> Response {
    show_state(Some(&view.metadata_location), &view.metadata)
}
