//! Grants to catalog roles in the management API.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use merak_authz::operations::{
    AddGrantToCatalogRole, ListGrantsForCatalogRole, RevokeGrantFromCatalogRole,
};
use merak_authz::{GrantPath, RelatedGrant, Relation, SecurablePath, grantable_on};
use merak_model::{EntityKind, Namespace, Privilege, TableIdent};
use merak_service::Error as ServiceError;
use merak_wire::management::{GrantResource, GrantResources};
use serde_json::Value;

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{Authenticated, ManagementNames, QueryMap, ValueBody};
use crate::management::body::Fields;
use crate::management::catalog_roles;
use crate::middleware::to_the_end;

/// How often a grant that met another one is judged again: at each of a path's names it can meet one.
const MAX_TRIES: usize = 16;

/// `GET /catalogs/{catalogName}/catalog-roles/{catalogRoleName}/grants`
pub(crate) async fn list_grants(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let all = Relation::Held { privilege: None, in_catalog: false };
    let path = catalog_roles::path(&names, Some(all))?;
    let proof = app.authorizer.authorize(&caller, ListGrantsForCatalogRole, &path).await?;
    let grants = app.service.list_grants(proof).await?;
    Ok(crate::json(&GrantResources { grants: grants.iter().filter_map(show).collect() }))
}

/// `PUT /catalogs/{catalogName}/catalog-roles/{catalogRoleName}/grants`
pub(crate) async fn add_grant(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
    ValueBody(body): ValueBody,
) -> Result<StatusCode, ApiError> {
    let (privilege, path) = grant(&names, body, "addGrantToCatalogRole.arg2")?;
    let mut tries = 0;
    loop {
        tries += 1;
        let operation = AddGrantToCatalogRole::new(privilege, &path.securable);
        let proof = app.authorizer.authorize(&caller, operation, &path).await?;
        let service = app.service.clone();
        match to_the_end(async move { service.add_grant(proof).await }).await {
            // Another grant made what stands for the same namespace of another catalog.
            Err(ServiceError::AlreadyExists(_)) if tries < MAX_TRIES => {}
            outcome => return Ok(outcome.map(|()| StatusCode::CREATED)?),
        }
    }
}

/// `POST /catalogs/{catalogName}/catalog-roles/{catalogRoleName}/grants`
///
/// It answers 201 as in Polaris, though nothing is made.
pub(crate) async fn revoke_grant(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
    query: QueryMap,
    ValueBody(body): ValueBody,
) -> Result<StatusCode, ApiError> {
    if query.get("cascade").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(ApiError::new(
            ErrorKind::NotImplemented,
            "Revoking with cascade is not implemented: revoke each grant by itself",
        ));
    }
    let (privilege, path) = grant(&names, body, "revokeGrantFromCatalogRole.arg3")?;
    let operation = RevokeGrantFromCatalogRole::new(privilege, &path.securable);
    let proof = app.authorizer.authorize(&caller, operation, &path).await?;
    to_the_end(async move { app.service.revoke_grant(proof).await }).await?;
    Ok(StatusCode::CREATED)
}

/// What a body says is granted, to the role that the path names.
fn grant(
    names: &ManagementNames,
    body: Value,
    parameter: &str,
) -> Result<(Privilege, GrantPath), ApiError> {
    let mut grant = Fields::of(body, parameter)?.unwrap("grant")?;
    let securable = securable(&mut grant)?;
    let text = grant.required_text("privilege")?;
    let grantable = grantable_on(securable.kind());
    let privilege = Privilege::from_name(&text).filter(|privilege| grantable.contains(*privilege));
    let privilege = privilege.ok_or_else(|| {
        let known: Vec<_> = grantable.iter().map(Privilege::name).collect();
        grant.wrong("privilege", &format!("'{text}' must be one of {}", known.join(", ")))
    })?;
    let (catalog, role) = (names.catalog()?, names.catalog_role()?);
    Ok((privilege, GrantPath { catalog, role, securable }))
}

fn securable(grant: &mut Fields) -> Result<SecurablePath, ApiError> {
    match grant.required_text("type")?.as_str() {
        "catalog" => Ok(SecurablePath::Catalog),
        "namespace" => Ok(SecurablePath::Namespace(namespace(grant)?)),
        "table" => Ok(SecurablePath::Table(ident(grant, "tableName")?)),
        "view" => Ok(SecurablePath::View(ident(grant, "viewName")?)),
        "policy" => Ok(SecurablePath::Policy(ident(grant, "policyName")?)),
        other => {
            let what = format!("'{other}' must be catalog, namespace, table, view or policy");
            Err(grant.wrong("type", &what))
        }
    }
}

fn ident(grant: &mut Fields, member: &str) -> Result<TableIdent, ApiError> {
    let namespace = namespace(grant)?;
    Ok(TableIdent { namespace, name: grant.required_text(member)? })
}

/// Without a level it would be the catalog, on which other privileges are granted.
fn namespace(grant: &mut Fields) -> Result<Namespace, ApiError> {
    let levels = grant.required_texts("namespace")?;
    if levels.is_empty() {
        return Err(grant.wrong("namespace", "must have at least one level"));
    }
    Ok(Namespace::lookup(levels)?)
}

fn show(grant: &RelatedGrant) -> Option<GrantResource<'_>> {
    let privilege = grant.privilege.name();
    let name = grant.entity.name.as_str();
    let namespace = || {
        let namespace = grant.namespace.as_ref();
        namespace.map(|namespace| namespace.levels().to_vec()).unwrap_or_default()
    };
    match grant.entity.kind {
        EntityKind::Catalog => Some(GrantResource::Catalog { privilege }),
        EntityKind::Namespace => {
            let namespace = Namespace::decode(name).levels().to_vec();
            Some(GrantResource::Namespace { namespace, privilege })
        }
        EntityKind::Table | EntityKind::GenericTable => {
            Some(GrantResource::Table { namespace: namespace(), table_name: name, privilege })
        }
        EntityKind::View => {
            Some(GrantResource::View { namespace: namespace(), view_name: name, privilege })
        }
        EntityKind::Policy => {
            Some(GrantResource::Policy { namespace: namespace(), policy_name: name, privilege })
        }
        EntityKind::Root
        | EntityKind::Principal
        | EntityKind::PrincipalRole
        | EntityKind::CatalogRole => None,
    }
}
