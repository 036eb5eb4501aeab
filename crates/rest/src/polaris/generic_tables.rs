//! Generic tables in Polaris' catalog API.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use merak_authz::operations::{DropGenericTable, ListGenericTables};
use merak_authz::{Caller, Delegation, NewTablePath, TablePath};
use merak_model::{EntityKind, TableIdent};
use merak_service::{GenericTable, GenericTableDraft, LoadedGenericTable};
use merak_wire::generic_tables as wire;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{
    Authenticated, GenericDelegated, GenericTableInPath, JsonBody, Keyed, NamespaceInPath, NoBody,
    PageRequest, QueryMap,
};
use crate::iceberg::answers::{Told, answered};
use crate::iceberg::credentials::{NOT_STORED, storage_credential};
use crate::iceberg::tables::{list_path, show_names};
use crate::middleware::to_the_end;

/// `GET /polaris/v1/{prefix}/namespaces/{namespace}/generic-tables`
///
/// Polaris has no pages here. Its document has them, so that who asks gets them.
pub(crate) async fn list_generic_tables(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    query: QueryMap,
) -> Result<Response, ApiError> {
    app.service.check_generic_tables(&caller.realm)?;
    let PageRequest { page, size, refusal } = PageRequest::of(&query, &app.settings)?;
    let path = list_path(catalog, namespace, EntityKind::GenericTable, page);
    let proof = app.authorizer.authorize(&caller, ListGenericTables, &path).await?;
    let found = app.service.list_generic_tables(proof, size).await?;
    show_names(&path.namespace, found, refusal)
}

/// `POST /polaris/v1/{prefix}/namespaces/{namespace}/generic-tables`
pub(crate) async fn create_generic_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    GenericDelegated(delegation): GenericDelegated,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<wire::CreateGenericTableRequest>>,
) -> Result<Response, ApiError> {
    app.service.check_generic_tables(&caller.realm)?;
    let path = NewTablePath { catalog, ident: TableIdent { namespace, name: body.name } };
    let told = Told::of_generic_table(&path.catalog, &path.ident, delegation);
    let caller = &caller;
    answered(app, caller, key, told, |app| async move {
        let access = app.authorizer.authorize_create_generic(caller, delegation, &path).await?;
        let draft = GenericTableDraft {
            format: body.format,
            base_location: body.base_location,
            doc: body.doc,
            properties: body.properties.unwrap_or_default(),
        };
        let made = to_the_end(async move { app.service.create_generic_table(access, draft).await })
            .await?;
        Ok(show(&made))
    })
    .await
}

/// `GET /polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}`
pub(crate) async fn load_generic_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    GenericTableInPath { catalog, ident }: GenericTableInPath,
    GenericDelegated(delegation): GenericDelegated,
) -> Result<Response, ApiError> {
    app.service.check_generic_tables(&caller.realm)?;
    let path = TablePath { catalog, ident, known_metadata: None };
    let access = app.authorizer.authorize_load_generic(&caller, delegation, &path).await?;
    Ok(show(&app.service.load_generic_table(access).await?))
}

/// `DELETE /polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}`
pub(crate) async fn drop_generic_table(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    GenericTableInPath { catalog, ident }: GenericTableInPath,
    Keyed(key, NoBody): Keyed<NoBody>,
) -> Result<Response, ApiError> {
    app.service.check_generic_tables(&caller.realm)?;
    let caller = &caller;
    answered(app, caller, key, Told::of(&catalog), |app| async move {
        let path = TablePath { catalog, ident, known_metadata: None };
        let proof = app.authorizer.authorize(caller, DropGenericTable, &path).await?;
        to_the_end(async move { app.service.drop_generic_table(proof).await }).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// Shows a generic table as it was answered first. Credentials are of now, for whoever may have them
/// now: who may not reach its files any more is told so when it loads it.
pub(crate) async fn show_again(
    app: &App,
    caller: &Caller,
    path: &TablePath,
    delegation: Delegation,
    (id, table): (i64, GenericTable),
) -> Result<Response, ApiError> {
    let access = if delegation == Delegation::Asked {
        let access = app.authorizer.authorize_load_generic(caller, delegation, path).await;
        match access.map_err(ApiError::from) {
            Ok(access) => Some(access),
            Err(error) if error.kind().status().is_client_error() => None,
            Err(error) => return Err(error),
        }
    } else {
        None
    };
    Ok(show(&app.service.answered_generic_table(id, table, access).await?))
}

/// A generic table as clients read it.
fn show(LoadedGenericTable { table, access }: &LoadedGenericTable) -> Response {
    let configs = access.credentials.as_ref().map(|credentials| {
        let mut all = storage_credential(credentials);
        all.config.extend(access.config.clone());
        [all]
    });
    let has_secrets = configs.is_some();
    let mut response = crate::json(&wire::LoadGenericTableResponse {
        table: wire::GenericTable {
            name: &table.name,
            format: &table.format,
            base_location: table.base_location.as_deref(),
            doc: table.doc.as_deref(),
            properties: &table.properties,
        },
        storage_access_configs: configs,
    });
    if has_secrets {
        response.headers_mut().insert(header::CACHE_CONTROL, NOT_STORED);
    }
    response
}
