//! What is wrong with a catalog's storage, and what would bound credentials for it.

use axum::extract::State;
use axum::response::Response;
use merak_authz::operations::DiagnoseCatalog;
use merak_authz::{CatalogPath, DataRight, TablePath};
use merak_model::{Location, TableIdent};
use merak_service::PolicyExplanation;
use merak_wire::management::ExplainedPolicy;

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{Authenticated, CatalogName, QueryMap, namespace_of};
use crate::middleware::to_the_end;

/// `POST /catalogs/{catalogName}/diagnose`
pub(crate) async fn diagnose(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    CatalogName(catalog): CatalogName,
) -> Result<Response, ApiError> {
    let path = CatalogPath { catalog, children: None, as_warehouse: false };
    let proof = app.authorizer.authorize(&caller, DiagnoseCatalog, &path).await?;
    // What it wrote is removed, also when nobody waits for it any more.
    let diagnosis = to_the_end(async move { app.service.diagnose(proof).await }).await?;
    Ok(crate::json(&diagnosis))
}

/// `GET /catalogs/{catalogName}/explain-policy`
pub(crate) async fn explain_policy(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    CatalogName(catalog): CatalogName,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let required = |name: &str| {
        query.get(name).filter(|text| !text.is_empty()).ok_or_else(|| {
            ApiError::new(ErrorKind::BadRequest, format!("The parameter '{name}' is needed"))
        })
    };
    let namespace = namespace_of(required("namespace")?)?;
    let ident = TableIdent { namespace, name: required("table")?.to_owned() };
    let principal = query.get("principal").filter(|text| !text.is_empty()).map(str::to_owned);
    let path = TablePath { catalog: catalog.clone(), ident, known_metadata: None };
    let rights = app.authorizer.table_rights(&caller, principal, &path).await?;
    let explanation = app.service.explain_policy(&caller.realm, rights)?;
    Ok(crate::json(&show(&catalog, &explanation)))
}

fn show<'a>(catalog: &'a str, explanation: &'a PolicyExplanation) -> ExplainedPolicy<'a> {
    let PolicyExplanation {
        principal,
        table,
        right,
        storage_type,
        locations,
        lifetime,
        policy,
        reason,
    } = explanation;
    ExplainedPolicy {
        catalog,
        namespace: table.namespace.levels(),
        table: &table.name,
        principal,
        access: match right {
            None => "none",
            Some(DataRight::Read) => "read",
            Some(DataRight::Write) => "write",
        },
        storage_type,
        locations: locations.iter().map(Location::as_str).collect(),
        lifetime_seconds: lifetime.as_secs(),
        policy: policy.as_ref(),
        reason: reason.as_deref(),
    }
}
