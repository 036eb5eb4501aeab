//! Credentials for a table's files.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use merak_authz::Delegation;
use merak_service::TableCredentials;
use merak_wire::iceberg::{LoadCredentialsResponse, StorageCredential};
use secrecy::ExposeSecret;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, QueryMap, TableInPath, record_referenced_by};
use crate::iceberg::federated::{self, here};

/// What keeps an answer out of caches between us and the client.
pub(crate) const NOT_STORED: HeaderValue = HeaderValue::from_static("no-store");

/// `GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials`
///
/// The plan of a scan (`planId`) changes nothing: credentials are the table's.
pub(crate) async fn load_credentials(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
    query: QueryMap,
) -> Result<Response, ApiError> {
    record_referenced_by(&query);
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    let judged = app.authorizer.authorize_load(&caller, Delegation::Asked, &path).await;
    let Some(access) = here(judged)? else {
        return Box::pin(federated::tables::load_credentials(&app, &caller, &path)).await;
    };
    Ok(show(app.service.load_credentials(access).await?.as_ref()))
}

/// Credentials alone.
pub(crate) fn show(credentials: Option<&TableCredentials>) -> Response {
    let storage_credentials = credentials.into_iter().map(storage_credential).collect();
    let body = crate::json(&LoadCredentialsResponse { storage_credentials });
    ([(header::CACHE_CONTROL, NOT_STORED)], body).into_response()
}

/// Credentials, as clients read them.
#[expect(clippy::disallowed_methods, reason = "to the client that they are for")]
pub(crate) fn storage_credential(credentials: &TableCredentials) -> StorageCredential {
    let pairs = credentials.properties.iter();
    StorageCredential {
        prefix: credentials.prefix.clone(),
        config: pairs.map(|(key, value)| (key.clone(), value.expose_secret().to_owned())).collect(),
    }
}
