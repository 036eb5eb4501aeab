//! Tables in the Iceberg REST API.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use merak_authz::operations::{
    DropTableWithPurge, DropTableWithoutPurge, ListTables, RegisterTable, RegisterTableOverwrite,
    RenameTable, TableExists, UnregisterTable,
};
use merak_authz::{Caller, Children, NamespacePath, NewTablePath, Page, RenamePath, Staging};
use merak_model::{EntityKind, Namespace, TableIdent};
use merak_service::{
    AccessDelegation, ClientAccess, LoadOptions, Loaded, LoadedTable, Names, Registration,
    Snapshots, TableDraft, version_tag,
};
use merak_wire::iceberg::{
    CreateTableRequest, ListTablesResponse, RegisterTableRequest, RenameTableRequest,
    TableIdentifier, TableIdentifierBody, commit_table_result, load_table_result,
};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{
    Authenticated, Delegated, IfNoneMatch, JsonBody, Keyed, NamespaceInPath, NoBody, PageRequest,
    Prefix, QueryMap, TableInPath, next_page_token, record_referenced_by,
};
use crate::iceberg::answers::{Told, answered};
use crate::iceberg::credentials::{NOT_STORED, storage_credential};
use crate::iceberg::federated::{self, here};
use crate::middleware::to_the_end;

/// `GET /v1/{prefix}/namespaces/{namespace}/tables`
pub(crate) async fn list_tables(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let PageRequest { page, size, refusal } = PageRequest::of(&query, &app.settings)?;
    let path = list_path(catalog, namespace, EntityKind::Table, page);
    let Some(proof) = here(app.authorizer.authorize(&caller, ListTables, &path).await)? else {
        return Box::pin(federated::tables::list(&app, &caller, &path, &query)).await;
    };
    let found = app.service.list_tables(proof, size).await?;
    show_names(&path.namespace, found, refusal)
}

/// Where tables or views are listed: a page of their names.
pub(crate) fn list_path(
    catalog: String,
    namespace: Namespace,
    kind: EntityKind,
    page: Page,
) -> NamespacePath {
    let of = Some(namespace.clone());
    let children = Some(Children { of, kind, page, names_only: true });
    NamespacePath { catalog, namespace, children }
}

/// Names of a namespace's tables or views; instead, if they come in pages, what is wrong with the
/// page that was asked for.
pub(crate) fn show_names(
    namespace: &Namespace,
    found: Names,
    refusal: Option<ApiError>,
) -> Result<Response, ApiError> {
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
    Keyed(key, JsonBody(body)): Keyed<JsonBody<CreateTableRequest>>,
) -> Result<Response, ApiError> {
    let staging = match body.stage_create {
        Some(true) => Staging::Staged,
        Some(false) | None => Staging::Direct,
    };
    let ident = TableIdent { namespace, name: body.name };
    let (caller, asked) = (&caller, delegation.0);
    let told = Told::of_table(&catalog, &ident, asked, show_all);
    answered(app, caller, key, told, |app| async move {
        let path = NewTablePath { catalog, ident };
        let draft = TableDraft {
            location: body.location,
            schema: body.schema,
            partition_spec: body.partition_spec,
            write_order: body.write_order,
            properties: body.properties.unwrap_or_default(),
        };
        let authorizer = &app.authorizer;
        let judged =
            authorizer.authorize_create(caller, staging, delegation.to_authorize(), &path).await;
        let Some(access) = here(judged)? else {
            let how = (staging, delegation);
            return Box::pin(federated::tables::create(app, caller, &path, how, draft)).await;
        };
        let made =
            to_the_end(async move { app.service.create_table(access, draft, asked).await }).await?;
        Ok(show_all(&made))
    })
    .await
}

/// `POST /v1/{prefix}/namespaces/{namespace}/register`
pub(crate) async fn register_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    delegation: Delegated,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<RegisterTableRequest>>,
) -> Result<Response, ApiError> {
    let path = NewTablePath { catalog, ident: TableIdent { namespace, name: body.name } };
    let told = Told::of_table(&path.catalog, &path.ident, delegation.0, show_all);
    let caller = &caller;
    answered(app, caller, key, told, |app| async move {
        let overwrite = body.overwrite == Some(true);
        let registration = if overwrite {
            let judged = app.authorizer.authorize(caller, RegisterTableOverwrite, &path).await;
            here(judged)?.map(Registration::Overwrite)
        } else {
            let judged = app.authorizer.authorize(caller, RegisterTable, &path).await;
            here(judged)?.map(Registration::New)
        };
        let location = body.metadata_location;
        let Some(registration) = registration else {
            let what = (location, overwrite);
            return Box::pin(federated::tables::register(app, caller, path, delegation.0, what))
                .await;
        };
        let service = app.service.clone();
        let made = to_the_end(async move {
            service.register_table(registration, &location, delegation.0).await
        })
        .await?;
        if !delegation.0.is_asked() {
            return Ok(show_all(&made));
        }
        Ok(match load_registered(&app, caller, &path, delegation).await {
            Ok(Loaded::Table(table)) => show_all(&table),
            Ok(Loaded::NotModified(..)) => show_all(&made),
            // The table is there, and that is what was asked for first: what is wrong with its data
            // the client is told when it loads it.
            Err(error) => {
                tracing::debug!(%error, "no credentials with the answer to a registration");
                show_all(&made)
            }
        })
    })
    .await
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
    record_referenced_by(&query);
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    let options = LoadOptions { snapshots, known_tags, asked: delegation.0 };
    let judged = app.authorizer.authorize_load(&caller, delegation.to_authorize(), &path).await;
    let Some(access) = here(judged)? else {
        return Box::pin(federated::tables::load(&app, &caller, &path, &options)).await;
    };
    Ok(show_loaded(app.service.load_table(access, &options).await?, snapshots))
}

pub(crate) fn show_loaded(loaded: Loaded, snapshots: Snapshots) -> Response {
    match loaded {
        Loaded::Table(table) => show(&table, snapshots),
        Loaded::NotModified(location, access) => {
            let tag = etag(&location, snapshots, &access);
            (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
        }
    }
}

/// `HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}`
pub(crate) async fn table_exists(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
) -> Result<StatusCode, ApiError> {
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    let Some(proof) = here(app.authorizer.authorize(&caller, TableExists, &path).await)? else {
        return Box::pin(federated::tables::exists(&app, &caller, &path)).await;
    };
    app.service.table_exists(proof).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}`
pub(crate) async fn drop_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
    query: QueryMap,
    Keyed(key, NoBody): Keyed<NoBody>,
) -> Result<Response, ApiError> {
    let wants_purge = wants_purge(&query)?;
    let caller = &caller;
    answered(app, caller, key, Told::of(&catalog), |app| async move {
        let path = app.service.table_path(&caller.realm, &catalog, ident).await;
        let authorizer = &app.authorizer;
        if wants_purge {
            let judged = authorizer.authorize(caller, DropTableWithPurge, &path).await;
            let Some(proof) = here(judged)? else {
                return Box::pin(federated::tables::drop(app, caller, &path, true)).await;
            };
            to_the_end(async move { app.service.purge_table(proof).await }).await?;
        } else {
            let judged = authorizer.authorize(caller, DropTableWithoutPurge, &path).await;
            let Some(proof) = here(judged)? else {
                return Box::pin(federated::tables::drop(app, caller, &path, false)).await;
            };
            to_the_end(async move { app.service.drop_table(proof).await }).await?;
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister`
pub(crate) async fn unregister_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
    Keyed(key, NoBody): Keyed<NoBody>,
) -> Result<Response, ApiError> {
    let told =
        Told::of_table(&catalog, &ident, AccessDelegation::default(), show_unregistered_again);
    let caller = &caller;
    answered(app, caller, key, told, |app| async move {
        let path = app.service.table_path(&caller.realm, &catalog, ident).await;
        let Some(proof) = here(app.authorizer.authorize(caller, UnregisterTable, &path).await)?
        else {
            return Box::pin(federated::tables::unregister(app, caller, &path)).await;
        };
        let last = to_the_end(async move { app.service.unregister_table(proof).await }).await?;
        Ok(show_state(Some(&last.metadata_location), &last.metadata))
    })
    .await
}

fn show_unregistered_again(then: &LoadedTable) -> Response {
    show_state(then.metadata_location.as_deref(), &then.metadata)
}

/// The state of a table or view, and nothing beside it.
pub(crate) fn show_state(metadata_location: Option<&str>, metadata: &[u8]) -> Response {
    crate::raw_json(commit_table_result(metadata_location, metadata))
}

/// `POST /v1/{prefix}/tables/rename`
pub(crate) async fn rename_table(
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
        let Some(proof) = here(app.authorizer.authorize(caller, RenameTable, &path).await)? else {
            return Box::pin(federated::tables::rename(app, caller, &path)).await;
        };
        to_the_end(Box::pin(async move { app.service.rename_table(proof).await })).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
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

pub(crate) fn show_all(table: &LoadedTable) -> Response {
    show(table, Snapshots::All)
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
