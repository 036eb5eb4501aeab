//! Tables of federated catalogs.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use merak_authz::operations::{
    DropTableWithPurge, DropTableWithoutPurge, ListTables, RegisterTable, RegisterTableOverwrite,
    RenameTable, ReportReadMetrics, ReportWriteMetrics, TableExists, UnregisterTable,
};
use merak_authz::{
    Caller, Delegation, NamespacePath, NewTablePath, Remote, RenamePath, Staging, TablePath,
};
use merak_service::{AccessDelegation, EngineReport, LoadOptions, Loaded, TableDraft};

use super::{page_of, show_names};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Delegated, QueryMap};
use crate::iceberg::credentials;
use crate::iceberg::tables::{show_all, show_loaded, show_state};
use crate::middleware::to_the_end;

pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    path: &NamespacePath,
    query: &QueryMap,
) -> Result<Response, ApiError> {
    let page = page_of(query, &app.settings)?;
    let proof = app.authorizer.authorize(caller, Remote(ListTables), path).await?;
    Ok(show_names(app.service.list_remote_tables(proof, &page).await?))
}

pub(crate) async fn create(
    app: App,
    caller: &Caller,
    path: &NewTablePath,
    (staging, delegation): (Staging, Delegated),
    draft: TableDraft,
) -> Result<Response, ApiError> {
    let asked = delegation.0;
    let delegation = delegation.to_authorize();
    let authorizer = &app.authorizer;
    let access = authorizer.authorize_remote_create(caller, staging, delegation, path).await?;
    let made =
        to_the_end(async move { app.service.create_remote_table(access, draft, asked).await })
            .await?;
    Ok(show_all(&made))
}

pub(crate) async fn register(
    app: App,
    caller: &Caller,
    path: NewTablePath,
    asked: AccessDelegation,
    (location, overwrite): (String, bool),
) -> Result<Response, ApiError> {
    if overwrite {
        let operation = Remote(RegisterTableOverwrite);
        let proof = app.authorizer.authorize(caller, operation, &path).await?;
        return Ok(show_all(&app.service.register_remote_table_overwrite(proof).await?));
    }
    let proof = app.authorizer.authorize(caller, Remote(RegisterTable), &path).await?;
    let service = app.service.clone();
    let made =
        to_the_end(async move { service.register_remote_table(proof, &location, asked).await })
            .await?;
    let delegation = if asked.is_asked() { Delegation::Asked } else { Delegation::NotAsked };
    let NewTablePath { catalog, ident } = path;
    let path = TablePath { catalog, ident, known_metadata: None };
    let made = match app.authorizer.authorize_remote_load(caller, delegation, &path).await {
        Ok(access) => app.service.with_remote_access(&access, made, asked).await,
        // The table is there, and that is what was asked for first.
        Err(_) => made,
    };
    Ok(show_all(&made))
}

pub(crate) async fn load(
    app: &App,
    caller: &Caller,
    path: &TablePath,
    options: &LoadOptions,
) -> Result<Response, ApiError> {
    let asked = options.asked.is_asked();
    let delegation = if asked { Delegation::Asked } else { Delegation::NotAsked };
    let access = app.authorizer.authorize_remote_load(caller, delegation, path).await?;
    let loaded: Loaded = app.service.load_remote_table(access, options).await?;
    Ok(show_loaded(loaded, options.snapshots))
}

pub(crate) async fn exists(
    app: &App,
    caller: &Caller,
    path: &TablePath,
) -> Result<StatusCode, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(TableExists), path).await?;
    app.service.remote_table_exists(proof).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn drop(
    app: App,
    caller: &Caller,
    path: &TablePath,
    wants_purge: bool,
) -> Result<Response, ApiError> {
    if wants_purge {
        let proof = app.authorizer.authorize(caller, Remote(DropTableWithPurge), path).await?;
        to_the_end(async move { app.service.purge_remote_table(proof).await }).await?;
    } else {
        let proof = app.authorizer.authorize(caller, Remote(DropTableWithoutPurge), path).await?;
        to_the_end(async move { app.service.drop_remote_table(proof).await }).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn unregister(
    app: App,
    caller: &Caller,
    path: &TablePath,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(UnregisterTable), path).await?;
    let last = to_the_end(async move { app.service.unregister_remote_table(proof).await }).await?;
    Ok(show_state(Some(&last.metadata_location), &last.metadata))
}

pub(crate) async fn rename(
    app: App,
    caller: &Caller,
    path: &RenamePath,
) -> Result<Response, ApiError> {
    let proof = app.authorizer.authorize(caller, Remote(RenameTable), path).await?;
    to_the_end(async move { app.service.rename_remote_table(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn load_credentials(
    app: &App,
    caller: &Caller,
    path: &TablePath,
) -> Result<Response, ApiError> {
    let access = app.authorizer.authorize_remote_load(caller, Delegation::Asked, path).await?;
    let found = app.service.load_remote_credentials(access).await?;
    Ok(credentials::show(found.as_ref()))
}

pub(crate) async fn report(
    app: &App,
    caller: &Caller,
    path: &TablePath,
    report: EngineReport,
) -> Result<StatusCode, ApiError> {
    match report {
        EngineReport::Scan(report) => {
            let proof = app.authorizer.authorize(caller, Remote(ReportReadMetrics), path).await?;
            app.service.report_remote_scan(proof, &report).await;
        }
        EngineReport::Commit(report) => {
            let proof = app.authorizer.authorize(caller, Remote(ReportWriteMetrics), path).await?;
            app.service.report_remote_commit(proof, &report).await;
        }
        EngineReport::Unknown { report_type } => {
            let proof = app.authorizer.authorize(caller, Remote(ReportReadMetrics), path).await?;
            app.service.report_remote_unknown(proof, &report_type).await;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
