//! Principal roles in the management API.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use merak_authz::operations::{
    AssignCatalogRoleToPrincipalRole, CreatePrincipalRole, DeletePrincipalRole, GetPrincipalRole,
    ListAssigneePrincipalsForPrincipalRole, ListCatalogRolesForPrincipalRole, ListPrincipalRoles,
    RevokeCatalogRoleFromPrincipalRole, UpdatePrincipalRole,
};
use merak_authz::{
    CatalogRoleAssignmentPath, CatalogRolesOfPath, Children, Page, PrincipalRolePath, RealmPath,
};
use merak_model::{Entity, EntityKind};
use merak_service::PrincipalRoleDraft;
use merak_wire::management::{Role, Roles};
use serde_json::Value;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, ManagementNames, ValueBody};
use crate::management::body::{Fields, replacement};
use crate::management::{catalog_roles, principals};
use crate::middleware::to_the_end;

/// `GET /principal-roles`
pub(crate) async fn list_principal_roles(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ApiError> {
    let all = Children {
        of: None,
        kind: EntityKind::PrincipalRole,
        page: Page::default(),
        names_only: false,
    };
    let path = RealmPath { children: Some(all) };
    let proof = app.authorizer.authorize(&caller, ListPrincipalRoles, &path).await?;
    let roles = app.service.list_principal_roles(proof).await?;
    Ok(crate::json(&Roles { roles: roles.iter().map(show).collect() }))
}

/// `POST /principal-roles`
pub(crate) async fn create_principal_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    ValueBody(body): ValueBody,
) -> Result<Response, ApiError> {
    let draft = draft(body)?;
    let path = RealmPath::default();
    let proof = app.authorizer.authorize(&caller, CreatePrincipalRole, &path).await?;
    let made = to_the_end(async move { app.service.create_principal_role(proof, draft).await });
    Ok((StatusCode::CREATED, crate::json(&show(&made.await?))).into_response())
}

/// `GET /principal-roles/{principalRoleName}`
pub(crate) async fn get_principal_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let path = path(names.principal_role()?);
    let proof = app.authorizer.authorize(&caller, GetPrincipalRole, &path).await?;
    let role = app.service.get_principal_role(proof).await?;
    Ok(crate::json(&show(&role)))
}

/// `PUT /principal-roles/{principalRoleName}`
pub(crate) async fn update_principal_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
    ValueBody(body): ValueBody,
) -> Result<Response, ApiError> {
    let update = replacement(body, "updatePrincipalRole.arg1")?;
    let path = path(names.principal_role()?);
    let proof = app.authorizer.authorize(&caller, UpdatePrincipalRole, &path).await?;
    let updated = to_the_end(async move { app.service.update_principal_role(proof, update).await });
    Ok(crate::json(&show(&updated.await?)))
}

/// `DELETE /principal-roles/{principalRoleName}`
pub(crate) async fn delete_principal_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<StatusCode, ApiError> {
    let path = path(names.principal_role()?);
    let proof = app.authorizer.authorize(&caller, DeletePrincipalRole, &path).await?;
    to_the_end(async move { app.service.delete_principal_role(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /principal-roles/{principalRoleName}/principals`
pub(crate) async fn list_assignee_principals(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let path = PrincipalRolePath { name: names.principal_role()?, with_principals: true };
    let operation = ListAssigneePrincipalsForPrincipalRole;
    let proof = app.authorizer.authorize(&caller, operation, &path).await?;
    let assignees = app.service.list_assignee_principals_for_principal_role(proof).await?;
    Ok(principals::show_all(&assignees))
}

/// `GET /principal-roles/{principalRoleName}/catalog-roles/{catalogName}`
pub(crate) async fn list_catalog_roles(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let (principal_role, catalog) = (names.principal_role()?, names.catalog()?);
    let path = CatalogRolesOfPath { principal_role, catalog };
    let operation = ListCatalogRolesForPrincipalRole;
    let proof = app.authorizer.authorize(&caller, operation, &path).await?;
    let roles = app.service.list_catalog_roles_for_principal_role(proof).await?;
    Ok(crate::json(&Roles { roles: roles.iter().map(catalog_roles::show).collect() }))
}

/// `PUT /principal-roles/{principalRoleName}/catalog-roles/{catalogName}`
pub(crate) async fn assign_catalog_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
    ValueBody(body): ValueBody,
) -> Result<StatusCode, ApiError> {
    let fields = Fields::of(body, "assignCatalogRoleToPrincipalRole.arg2")?;
    let catalog_role = fields.unwrap("catalogRole")?.name()?;
    let path = assignment(&names, catalog_role)?;
    let operation = AssignCatalogRoleToPrincipalRole;
    let proof = app.authorizer.authorize(&caller, operation, &path).await?;
    to_the_end(async move { app.service.assign_catalog_role(proof).await }).await?;
    Ok(StatusCode::CREATED)
}

/// `DELETE /principal-roles/{principalRoleName}/catalog-roles/{catalogName}/{catalogRoleName}`
pub(crate) async fn revoke_catalog_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<StatusCode, ApiError> {
    let path = assignment(&names, names.catalog_role()?)?;
    let operation = RevokeCatalogRoleFromPrincipalRole;
    let proof = app.authorizer.authorize(&caller, operation, &path).await?;
    to_the_end(async move { app.service.revoke_catalog_role(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn path(name: String) -> PrincipalRolePath {
    PrincipalRolePath { name, with_principals: false }
}

fn assignment(
    names: &ManagementNames,
    catalog_role: String,
) -> Result<CatalogRoleAssignmentPath, ApiError> {
    let (catalog, principal_role) = (names.catalog()?, names.principal_role()?);
    Ok(CatalogRoleAssignmentPath { catalog, catalog_role, principal_role })
}

fn draft(body: Value) -> Result<PrincipalRoleDraft, ApiError> {
    let mut role = Fields::of(body, "createPrincipalRole.arg0")?.unwrap("principalRole")?;
    let name = role.name()?;
    let is_federated = role.flag("federated")?.unwrap_or(false);
    let properties = role.properties()?.unwrap_or_default();
    Ok(PrincipalRoleDraft { name, properties, is_federated })
}

pub(crate) fn show(role: &Entity) -> Role<'_> {
    Role { federated: Some(role.is_federated()), ..catalog_roles::show(role) }
}
