//! Commits in the Iceberg REST API.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use merak_authz::operations::{CommitTransaction, UpdateTable, UpdateTableForStagedCreate};
use merak_authz::{NewTablePath, TransactionPath};
use merak_model::TableIdent;
use merak_service::{
    AccessDelegation, ClientAccess, Commit, LoadedTable, RemoteChange, RemoteCommit, Snapshots,
    TableChange, version_tag,
};
use merak_wire::iceberg::{CommitTableRequest, CommitTransactionRequest};
use serde_json::Value;

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{Authenticated, JsonBody, Keyed, Prefix, TableInPath};
use crate::iceberg::answers::{Told, answered};
use crate::iceberg::federated::{self, here};
use crate::iceberg::tables::{ident_of, show_state};
use crate::middleware::to_the_end;

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}`
///
/// The table is the one the path names: what the body says of it is not looked at, as in Polaris.
pub(crate) async fn update_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<CommitTableRequest>>,
) -> Result<Response, ApiError> {
    let commit = parse(&body)?;
    let caller = &caller;
    let told = Told::of_table(&catalog, &ident, AccessDelegation::default(), show);
    answered(app, caller, key, told, |app| async move {
        let table = if commit.is_create() {
            let path = NewTablePath { catalog, ident };
            let operation = UpdateTableForStagedCreate(commit);
            let Some(proof) = here(app.authorizer.authorize(caller, operation, &path).await)?
            else {
                let commit = RemoteCommit::parse(body.requirements, body.updates)?;
                return Box::pin(federated::commits::create_staged(app, caller, &path, commit))
                    .await;
            };
            to_the_end(async move { app.service.create_staged_table(proof).await }).await?
        } else {
            let path = app.service.table_path(&caller.realm, &catalog, ident).await;
            let operation = UpdateTable(commit);
            let Some(proof) = here(app.authorizer.authorize(caller, operation, &path).await)?
            else {
                let commit = RemoteCommit::parse(body.requirements, body.updates)?;
                return Box::pin(federated::commits::update(app, caller, &path, commit)).await;
            };
            to_the_end(async move { app.service.update_table(proof).await }).await?
        };
        Ok(show(&table))
    })
    .await
}

/// A table as a commit left it.
pub(crate) fn show(table: &LoadedTable) -> Response {
    let location = table.metadata_location.as_deref();
    let body = show_state(location, &table.metadata);
    // Without credentials, as the answer is.
    let tag = version_tag(location.unwrap_or_default(), Snapshots::All, &ClientAccess::default());
    ([(header::ETAG, format!("W/\"{tag}\""))], body).into_response()
}

/// `POST /v1/{prefix}/transactions/commit`
pub(crate) async fn commit_transaction(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Prefix(catalog): Prefix,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<CommitTransactionRequest>>,
) -> Result<Response, ApiError> {
    let changes = changes_of(&body)?;
    let caller = &caller;
    answered(app, caller, key, Told::of(&catalog), |app| async move {
        let mut tables = Vec::with_capacity(changes.len());
        for change in &changes {
            let is_made = change.commits.first().is_some_and(Commit::is_create);
            let path = app.service.table_path(&caller.realm, &catalog, change.ident.clone()).await;
            tables.push((path, is_made));
        }
        let path = TransactionPath { catalog, tables };
        let operation = CommitTransaction(changes);
        let Some(proof) = here(app.authorizer.authorize(caller, operation, &path).await)? else {
            let changes = remote_changes_of(body, &path)?;
            return Box::pin(federated::commits::transaction(app, caller, &path, changes)).await;
        };
        to_the_end(async move { app.service.commit_transaction(proof).await }).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// The commits of a transaction by table, in the order the tables are first named; those of one
/// table in their own order.
fn changes_of(body: &CommitTransactionRequest) -> Result<Vec<TableChange>, ApiError> {
    let mut changes: Vec<TableChange> = Vec::new();
    for change in &body.table_changes {
        let ident = table_of(change)?;
        let commit = parse(change)?;
        match changes.iter_mut().find(|known| known.ident == ident) {
            Some(known) => known.commits.push(commit),
            None => changes.push(TableChange { ident, commits: vec![commit] }),
        }
    }
    if changes.is_empty() {
        return Err(ApiError::new(ErrorKind::BadRequest, "table-changes must not be empty"));
    }
    Ok(changes)
}

/// The same, for the catalog that owns the tables; in the order in which they were judged.
fn remote_changes_of(
    body: CommitTransactionRequest,
    path: &TransactionPath,
) -> Result<Vec<RemoteChange>, ApiError> {
    let judged = path.tables.iter().map(|(table, _)| table.ident.clone());
    let mut changes: Vec<_> =
        judged.map(|ident| RemoteChange { ident, commits: Vec::new() }).collect();
    for change in body.table_changes {
        let ident = table_of(&change)?;
        let commit = RemoteCommit::parse(change.requirements, change.updates)?;
        if let Some(known) = changes.iter_mut().find(|known| known.ident == ident) {
            known.commits.push(commit);
        }
    }
    Ok(changes)
}

/// The table of a commit in a transaction.
fn table_of(change: &CommitTableRequest) -> Result<TableIdent, ApiError> {
    let identifier = change.identifier.clone().ok_or_else(|| {
        ApiError::new(
            ErrorKind::BadRequest,
            "Each of table-changes must name its table as identifier",
        )
    })?;
    ident_of(identifier)
}

/// Both halves may be left out, and are then empty.
fn parse(body: &CommitTableRequest) -> Result<Commit, ApiError> {
    let empty = Value::Array(Vec::new());
    let requirements = body.requirements.as_ref().unwrap_or(&empty);
    let updates = body.updates.as_ref().unwrap_or(&empty);
    Ok(Commit::parse(requirements, updates)?)
}
