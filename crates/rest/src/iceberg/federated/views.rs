//! Views of federated catalogs.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use merak_authz::operations::{
    CreateView, DropView, ListViews, LoadView, RegisterView, RenameView, ReplaceView, ViewExists,
};
use merak_authz::{Caller, NamespacePath, NewTablePath, Remote, RenamePath, TablePath};
use merak_service::{RemoteViewChange, ViewDraft};

use super::{page_of, show_names};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::QueryMap;
use crate::iceberg::views::show;
use crate::middleware::to_the_end;

pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    path: &NamespacePath,
    query: &QueryMap,
) -> Result<Response, ApiError> {
    let page = page_of(query, &app.settings)?;
    let proof = app.authorizer.authorize(caller, Remote(ListViews), path).await?;
    Ok(show_names(app.service.list_remote_views(proof, &page).await?))
}

pub(crate) async fn create(
    app: App,
    caller: &Caller,
    path: &NewTablePath,
    draft: ViewDraft,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(CreateView), path).await?;
    let made =
        to_the_end(async move { app.service.create_remote_view(proof, draft).await }).await?;
    Ok(show(&made))
}

pub(crate) async fn register(
    app: App,
    caller: &Caller,
    path: &NewTablePath,
    location: String,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(RegisterView), path).await?;
    let made =
        to_the_end(async move { app.service.register_remote_view(proof, &location).await }).await?;
    Ok(show(&made))
}

pub(crate) async fn load(
    app: &App,
    caller: &Caller,
    path: &TablePath,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(LoadView), path).await?;
    Ok(show(&app.service.load_remote_view(proof).await?))
}

pub(crate) async fn exists(
    app: &App,
    caller: &Caller,
    path: &TablePath,
) -> Result<StatusCode, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(ViewExists), path).await?;
    app.service.remote_view_exists(proof).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn replace(
    app: App,
    caller: &Caller,
    path: &TablePath,
    change: RemoteViewChange,
) -> Result<Response, ApiError> {
    let operation = Remote(ReplaceView(change));
    let proof = app.authorizer.authorize(caller, operation, path).await?;
    let view = to_the_end(async move { app.service.replace_remote_view(proof).await }).await?;
    Ok(show(&view))
}

pub(crate) async fn drop(
    app: App,
    caller: &Caller,
    path: &TablePath,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(DropView), path).await?;
    to_the_end(async move { app.service.drop_remote_view(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn rename(
    app: App,
    caller: &Caller,
    path: &RenamePath,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(RenameView), path).await?;
    to_the_end(async move { app.service.rename_remote_view(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
