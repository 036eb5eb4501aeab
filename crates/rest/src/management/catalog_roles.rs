//! Catalog roles in the management API.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use merak_authz::operations::{
    CreateCatalogRole, DeleteCatalogRole, GetCatalogRole, ListAssigneePrincipalRolesForCatalogRole,
    ListCatalogRoles, UpdateCatalogRole,
};
use merak_authz::{CatalogPath, CatalogRolePath, Children, Page, Relation};
use merak_model::{Entity, EntityKind, Privilege};
use merak_service::CatalogRoleDraft;
use merak_wire::management::{Role, Roles};
use serde_json::Value;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, ManagementNames, ValueBody};
use crate::management::body::{Fields, replacement};
use crate::management::principal_roles;
use crate::middleware::to_the_end;

/// `GET /catalogs/{catalogName}/catalog-roles`
pub(crate) async fn list_catalog_roles(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let all = Children {
        of: None,
        kind: EntityKind::CatalogRole,
        page: Page::default(),
        names_only: false,
    };
    let path = in_catalog(names.catalog()?, Some(all));
    let proof = app.authorizer.authorize(&caller, ListCatalogRoles, &path).await?;
    let roles = app.service.list_catalog_roles(proof).await?;
    Ok(crate::json(&Roles { roles: roles.iter().map(show).collect() }))
}

/// `POST /catalogs/{catalogName}/catalog-roles`
pub(crate) async fn create_catalog_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
    ValueBody(body): ValueBody,
) -> Result<Response, ApiError> {
    let draft = draft(body)?;
    let path = in_catalog(names.catalog()?, None);
    let proof = app.authorizer.authorize(&caller, CreateCatalogRole, &path).await?;
    let made = to_the_end(async move { app.service.create_catalog_role(proof, draft).await });
    Ok((StatusCode::CREATED, crate::json(&show(&made.await?))).into_response())
}

/// `GET /catalogs/{catalogName}/catalog-roles/{catalogRoleName}`
pub(crate) async fn get_catalog_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let path = path(&names, None)?;
    let proof = app.authorizer.authorize(&caller, GetCatalogRole, &path).await?;
    let role = app.service.get_catalog_role(proof).await?;
    Ok(crate::json(&show(&role)))
}

/// `PUT /catalogs/{catalogName}/catalog-roles/{catalogRoleName}`
pub(crate) async fn update_catalog_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
    ValueBody(body): ValueBody,
) -> Result<Response, ApiError> {
    let update = replacement(body, "updateCatalogRole.arg2")?;
    let path = path(&names, None)?;
    let proof = app.authorizer.authorize(&caller, UpdateCatalogRole, &path).await?;
    let updated = to_the_end(async move { app.service.update_catalog_role(proof, update).await });
    Ok(crate::json(&show(&updated.await?)))
}

/// `DELETE /catalogs/{catalogName}/catalog-roles/{catalogRoleName}`
pub(crate) async fn delete_catalog_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<StatusCode, ApiError> {
    let path = path(&names, None)?;
    let proof = app.authorizer.authorize(&caller, DeleteCatalogRole, &path).await?;
    to_the_end(async move { app.service.delete_catalog_role(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /catalogs/{catalogName}/catalog-roles/{catalogRoleName}/principal-roles`
pub(crate) async fn list_assignee_principal_roles(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let path = path(&names, Some(Relation::Holders(Privilege::CatalogRoleUsage)))?;
    let operation = ListAssigneePrincipalRolesForCatalogRole;
    let proof = app.authorizer.authorize(&caller, operation, &path).await?;
    let roles = app.service.list_assignee_principal_roles_for_catalog_role(proof).await?;
    Ok(crate::json(&Roles { roles: roles.iter().map(principal_roles::show).collect() }))
}

fn in_catalog(catalog: String, children: Option<Children>) -> CatalogPath {
    CatalogPath { catalog, children, as_warehouse: false }
}

/// The role that the path names, with the grants that are to be listed with it.
pub(crate) fn path(
    names: &ManagementNames,
    related: Option<Relation>,
) -> Result<CatalogRolePath, ApiError> {
    Ok(CatalogRolePath { catalog: names.catalog()?, role: names.catalog_role()?, related })
}

fn draft(body: Value) -> Result<CatalogRoleDraft, ApiError> {
    let mut role = Fields::of(body, "createCatalogRole.arg1")?.unwrap("catalogRole")?;
    let name = role.name()?;
    let properties = role.properties()?.unwrap_or_default();
    Ok(CatalogRoleDraft { name, properties })
}

pub(crate) fn show(role: &Entity) -> Role<'_> {
    Role {
        name: &role.name,
        federated: None,
        properties: &role.properties,
        create_timestamp: role.created_ms,
        last_update_timestamp: role.updated_ms,
        entity_version: role.version.0,
    }
}
