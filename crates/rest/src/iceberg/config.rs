//! What a client needs to use a catalog.

use axum::extract::State;
use axum::response::Response;
use merak_authz::CatalogPath;
use merak_authz::operations::GetConfig;
use merak_wire::iceberg::{ConfigResponse, Overrides};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{Authenticated, QueryMap};

/// Every endpoint that works, in Polaris' order. Clients compare these as text, and take what is
/// not listed for not there.
const ENDPOINTS: &[&str] = &[
    "GET /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "POST /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces/{namespace}/properties",
    "DELETE /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/tables/rename",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign",
    "POST /v1/{prefix}/namespaces/{namespace}/register",
    "POST /v1/{prefix}/transactions/commit",
    "GET /polaris/v1/{prefix}/namespaces/{namespace}/policies",
];

/// `GET /v1/config`
pub(crate) async fn get_config(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let warehouse = query
        .get("warehouse")
        .filter(|name| !name.is_empty())
        .ok_or_else(|| ApiError::new(ErrorKind::BadRequest, "Please specify a warehouse"))?;
    let path = CatalogPath { catalog: warehouse.to_owned(), children: None, as_warehouse: true };
    let proof = app.authorizer.authorize(&caller, GetConfig, &path).await?;
    let catalog = app.service.get_config(proof).await?;
    Ok(crate::json(&ConfigResponse {
        defaults: &catalog.properties,
        overrides: Overrides { namespace_separator: "%1F", prefix: &catalog.name },
        endpoints: ENDPOINTS,
    }))
}
