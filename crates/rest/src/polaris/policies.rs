//! Policies in Polaris' catalog API.

use axum::extract::State;
use axum::response::Response;
use merak_authz::operations::ListPolicies;
use merak_authz::{Children, NamespacePath, Page};
use merak_model::EntityKind;
use merak_wire::iceberg::{ListTablesResponse, TableIdentifier};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, NamespaceInPath, QueryMap};

/// `GET /polaris/v1/{prefix}/namespaces/{namespace}/policies`
///
/// It answers everything at once, as Polaris does.
pub(crate) async fn list_policies(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let page = Page::default();
    let children = Some(Children {
        of: Some(namespace.clone()),
        kind: EntityKind::Policy,
        page,
        names_only: false,
    });
    let path = NamespacePath { catalog, namespace: namespace.clone(), children };
    let proof = app.authorizer.authorize(&caller, ListPolicies, &path).await?;
    let policy_type = query.get("policyType").filter(|name| !name.is_empty());
    let names = app.service.list_policies(proof, policy_type).await?;
    let identifier = |name| TableIdentifier { namespace: namespace.levels(), name };
    let identifiers = names.into_iter().map(identifier).collect();
    Ok(crate::json(&ListTablesResponse { next_page_token: None, identifiers }))
}
