//! Tables in the Iceberg REST API.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use merak_authz::operations::{
    DropTableWithPurge, DropTableWithoutPurge, ListTables, RegisterTable, RegisterTableOverwrite,
    RenameTable, TableExists,
};
use merak_authz::{Caller, Children, NamespacePath, NewTablePath, RenamePath, Staging};
use merak_model::{EntityKind, Namespace, TableIdent};
use merak_service::{
    ClientAccess, LoadOptions, Loaded, LoadedTable, Registration, Snapshots, TableDraft,
    version_tag,
};
use merak_wire::iceberg::{
    CreateTableRequest, ListTablesResponse, RegisterTableRequest, RenameTableRequest,
    TableIdentifier, TableIdentifierBody, load_table_result,
};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{
    Authenticated, Delegated, IfNoneMatch, JsonBody, NamespaceInPath, PageRequest, Prefix,
    QueryMap, TableInPath, next_page_token,
};
use crate::iceberg::credentials::{NOT_STORED, storage_credential};
use crate::middleware::to_the_end;

/// `GET /v1/{prefix}/namespaces/{namespace}/tables`
pub(crate) async fn list_tables(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let PageRequest { page, size, refusal } = PageRequest::of(&query, &app.settings)?;
    let children = Some(Children { of: Some(namespace.clone()), kind: EntityKind::Table, page });
    let path = NamespacePath { catalog, namespace: namespace.clone(), children };
    let proof = app.authorizer.authorize(&caller, ListTables, &path).await?;
    let found = app.service.list_tables(proof, size).await?;
    if let Some(error) = refusal.filter(|_| found.is_page) {
        return Err(error);
    }
    let next_page_token = found.next.as_deref().map(next_page_token);
    let identifier = |name| TableIdentifier { namespace: namespace.levels(), name };
    let identifiers = found.names.into_iter().map(identifier).collect();
    Ok(crate::json(&ListTablesResponse { next_page_token, identifiers }))
}

/// `POST /v1/{prefix}/namespaces/{namespace}/tables`
pub(crate) async fn create_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    delegation: Delegated,
    JsonBody(body): JsonBody<CreateTableRequest>,
) -> Result<Response, ApiError> {
    let staging = match body.stage_create {
        Some(true) => Staging::Staged,
        Some(false) | None => Staging::Direct,
    };
    let ident = TableIdent { namespace, name: body.name };
    let path = NewTablePath { catalog, ident };
    let asked = delegation.0;
    let delegation = delegation.to_authorize();
    let access = app.authorizer.authorize_create(&caller, staging, delegation, &path).await?;
    let draft = TableDraft {
        location: body.location,
        schema: body.schema,
        partition_spec: body.partition_spec,
        write_order: body.write_order,
        properties: body.properties.unwrap_or_default(),
    };
    let made =
        to_the_end(async move { app.service.create_table(access, draft, asked).await }).await?;
    Ok(show(&made, Snapshots::All))
}

/// `POST /v1/{prefix}/namespaces/{namespace}/register`
pub(crate) async fn register_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    delegation: Delegated,
    JsonBody(body): JsonBody<RegisterTableRequest>,
) -> Result<Response, ApiError> {
    let path = NewTablePath { catalog, ident: TableIdent { namespace, name: body.name } };
    let registration = if body.overwrite == Some(true) {
        let proof = app.authorizer.authorize(&caller, RegisterTableOverwrite, &path).await?;
        Registration::Overwrite(proof)
    } else {
        Registration::New(app.authorizer.authorize(&caller, RegisterTable, &path).await?)
    };
    let location = body.metadata_location;
    let service = app.service.clone();
    let made =
        to_the_end(async move { service.register_table(registration, &location).await }).await?;
    if !delegation.0.is_asked() {
        return Ok(show(&made, Snapshots::All));
    }
    Ok(match load_registered(&app, &caller, &path, delegation).await {
        Ok(Loaded::Table(table)) => show(&table, Snapshots::All),
        Ok(Loaded::NotModified(..)) => show(&made, Snapshots::All),
        // The table is there, and that is what was asked for first: what is wrong with its data the
        // client is told when it loads it.
        Err(error) => {
            tracing::debug!(%error, "no credentials with the answer to a registration");
            show(&made, Snapshots::All)
        }
    })
}

/// A table that was registered, with what its client asked for to reach its files.
async fn load_registered(
    app: &App,
    caller: &Caller,
    path: &NewTablePath,
    delegation: Delegated,
) -> Result<Loaded, ApiError> {
    let path = app.service.table_path(&caller.realm, &path.catalog, path.ident.clone()).await;
    let access = app.authorizer.authorize_load(caller, delegation.to_authorize(), &path).await?;
    let options = LoadOptions { asked: delegation.0, ..LoadOptions::default() };
    Ok(app.service.load_table(access, &options).await?)
}

/// `GET /v1/{prefix}/namespaces/{namespace}/tables/{table}`
pub(crate) async fn load_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
    delegation: Delegated,
    IfNoneMatch(known_tags): IfNoneMatch,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let snapshots = snapshots_of(&query)?;
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    let access = app.authorizer.authorize_load(&caller, delegation.to_authorize(), &path).await?;
    let options = LoadOptions { snapshots, known_tags, asked: delegation.0 };
    Ok(match app.service.load_table(access, &options).await? {
        Loaded::Table(table) => show(&table, snapshots),
        Loaded::NotModified(location, access) => {
            let tag = etag(&location, snapshots, &access);
            (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
        }
    })
}

/// `HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}`
pub(crate) async fn table_exists(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
) -> Result<StatusCode, ApiError> {
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    let proof = app.authorizer.authorize(&caller, TableExists, &path).await?;
    app.service.table_exists(proof).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}`
pub(crate) async fn drop_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
    query: QueryMap,
) -> Result<StatusCode, ApiError> {
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    if wants_purge(&query)? {
        let proof = app.authorizer.authorize(&caller, DropTableWithPurge, &path).await?;
        to_the_end(async move { app.service.purge_table(proof).await }).await?;
    } else {
        let proof = app.authorizer.authorize(&caller, DropTableWithoutPurge, &path).await?;
        to_the_end(async move { app.service.drop_table(proof).await }).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/{prefix}/tables/rename`
pub(crate) async fn rename_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Prefix(catalog): Prefix,
    JsonBody(body): JsonBody<RenameTableRequest>,
) -> Result<StatusCode, ApiError> {
    let path = RenamePath {
        catalog,
        source: ident_of(body.source)?,
        destination: ident_of(body.destination)?,
    };
    let proof = app.authorizer.authorize(&caller, RenameTable, &path).await?;
    to_the_end(async move { app.service.rename_table(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A table named in a body.
pub(crate) fn ident_of(body: TableIdentifierBody) -> Result<TableIdent, ApiError> {
    Ok(TableIdent { namespace: Namespace::lookup(body.namespace)?, name: body.name })
}

fn snapshots_of(query: &QueryMap) -> Result<Snapshots, ApiError> {
    match query.get("snapshots") {
        None => Ok(Snapshots::All),
        Some(text) if text.eq_ignore_ascii_case("all") => Ok(Snapshots::All),
        Some(text) if text.eq_ignore_ascii_case("refs") => Ok(Snapshots::Refs),
        Some(other) => Err(ApiError::new(
            ErrorKind::IllegalArgument,
            format!("Unrecognized snapshots: {other}"),
        )),
    }
}

/// PyIceberg writes `True` and `False`.
fn wants_purge(query: &QueryMap) -> Result<bool, ApiError> {
    match query.get("purgeRequested") {
        None | Some("") => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(other) => Err(ApiError::new(
            ErrorKind::BadRequest,
            format!("purgeRequested must be true or false: {other}"),
        )),
    }
}

/// The tag of a table's state: weak, since the same state may be written in other bytes.
fn etag(metadata_location: &str, snapshots: Snapshots, access: &ClientAccess) -> String {
    format!("W/\"{}\"", version_tag(metadata_location, snapshots, access))
}

fn show(table: &LoadedTable, snapshots: Snapshots) -> Response {
    let location = table.metadata_location.as_deref();
    let access = &table.access;
    let credential = access.credentials.as_ref().map(storage_credential);
    let body = load_table_result(location, &table.metadata, &access.config, credential.as_ref());
    let mut response = crate::raw_json(body);
    if let Some(location) = location
        && let Ok(tag) = HeaderValue::from_str(&etag(location, snapshots, access))
    {
        response.headers_mut().insert(header::ETAG, tag);
    }
    if credential.is_some() {
        response.headers_mut().insert(header::CACHE_CONTROL, NOT_STORED);
    }
    response
}
