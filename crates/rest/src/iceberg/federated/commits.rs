//! Commits to tables of federated catalogs.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use merak_authz::operations::{CommitTransaction, UpdateTable, UpdateTableForStagedCreate};
use merak_authz::{Caller, NewTablePath, Remote, TablePath, TransactionPath};
use merak_service::{RemoteChange, RemoteCommit};

use crate::app::App;
use crate::error::ApiError;
use crate::iceberg::commits::show;
use crate::middleware::to_the_end;

pub(crate) async fn update(
    app: App,
    caller: &Caller,
    path: &TablePath,
    commit: RemoteCommit,
) -> Result<Response, ApiError> {
    let operation = Remote(UpdateTable(commit));
    let proof = app.authorizer.authorize(caller, operation, path).await?;
    let table = to_the_end(async move { app.service.update_remote_table(proof).await }).await?;
    Ok(show(&table))
}

pub(crate) async fn create_staged(
    app: App,
    caller: &Caller,
    path: &NewTablePath,
    commit: RemoteCommit,
) -> Result<Response, ApiError> {
    let operation = Remote(UpdateTableForStagedCreate(commit));
    let proof = app.authorizer.authorize(caller, operation, path).await?;
    let table =
        to_the_end(async move { app.service.create_remote_staged_table(proof).await }).await?;
    Ok(show(&table))
}

pub(crate) async fn transaction(
    app: App,
    caller: &Caller,
    path: &TransactionPath,
    changes: Vec<RemoteChange>,
) -> Result<Response, ApiError> {
    let operation = Remote(CommitTransaction(changes));
    let proof = app.authorizer.authorize(caller, operation, path).await?;
    to_the_end(async move { app.service.commit_remote_transaction(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
