//! The rows of principals, roles and grants.

use axum::http::Method;
use merak_model::Privilege::{
    CatalogManageGrantsOnSecurable, CatalogRoleCreate, CatalogRoleDrop, CatalogRoleList,
    CatalogRoleListGrants, CatalogRoleManageGrantsForGrantee, CatalogRoleManageGrantsOnSecurable,
    CatalogRoleReadProperties, CatalogRoleWriteProperties, NamespaceManageGrantsOnSecurable,
    PolicyManageGrantsOnSecurable, PrincipalCreate, PrincipalDrop, PrincipalList,
    PrincipalListGrants, PrincipalManageGrantsForGrantee, PrincipalReadProperties,
    PrincipalRoleCreate, PrincipalRoleDrop, PrincipalRoleList, PrincipalRoleListGrants,
    PrincipalRoleManageGrantsOnSecurable, PrincipalRoleReadProperties,
    PrincipalRoleWriteProperties, PrincipalRotateCredentials, PrincipalWriteProperties,
    ServiceManageAccess, TableManageGrantsOnSecurable, ViewManageGrantsOnSecurable,
};
use serde_json::{Value, json};

use super::World;
use super::operations::{Operation, ROW, Request, get, with, without};

const PRINCIPALS: &str = "/api/management/v1/principals";
const PRINCIPAL_ROLES: &str = "/api/management/v1/principal-roles";
const CATALOG_ROLES: &str = "/api/management/v1/catalogs/lake/catalog-roles";

const ROOT_ROW: Operation = Operation { on_root: true, needs_access: true, ..ROW };
const LAKE_ROW: Operation = Operation { needs_access: true, needs_table: true, ..ROW };

fn principal(world: &World<'_>) -> String {
    format!("{PRINCIPALS}/{}", world.principal())
}

fn principal_role(world: &World<'_>) -> String {
    format!("{PRINCIPAL_ROLES}/{}", world.principal_role())
}

fn catalog_role(world: &World<'_>) -> String {
    format!("{CATALOG_ROLES}/{}", world.catalog_role())
}

/// Assignments of catalog roles: the catalog role that is there is assigned.
fn assignment(world: &World<'_>) -> String {
    format!("{}/catalog-roles/lake", principal_role(world))
}

fn update() -> Value {
    json!({"currentEntityVersion": 1, "properties": {"a": "b"}})
}

fn grants(world: &World<'_>, method: Method, kind: &str) -> Request {
    let namespace = world.namespace();
    let grant = match kind {
        "catalog" => json!({"type": kind, "privilege": "TABLE_READ_DATA"}),
        "namespace" => {
            json!({"type": kind, "namespace": [namespace], "privilege": "TABLE_READ_DATA"})
        }
        "table" => json!({
            "type": kind, "namespace": [namespace], "tableName": "t",
            "privilege": "TABLE_READ_DATA",
        }),
        "view" => json!({
            "type": kind, "namespace": [namespace], "viewName": "v", "privilege": "VIEW_DROP",
        }),
        _ => json!({
            "type": kind, "namespace": [namespace], "policyName": "p", "privilege": "POLICY_READ",
        }),
    };
    with(method, format!("{}/grants", catalog_role(world)), json!({"grant": grant}))
}

pub(crate) const ACCESS_OPERATIONS: &[Operation] = &[
    Operation {
        id: "listPrincipals",
        needs: &[PrincipalList],
        request: |_| get(PRINCIPALS.to_owned()),
        ..ROOT_ROW
    },
    Operation {
        id: "createPrincipal",
        needs: &[PrincipalCreate],
        success: 201,
        request: |world| {
            let name = format!("{}-new", world.principal());
            with(Method::POST, PRINCIPALS.to_owned(), json!({"principal": {"name": name}}))
        },
        ..ROOT_ROW
    },
    Operation {
        id: "getPrincipal",
        needs: &[PrincipalReadProperties],
        request: |world| get(principal(world)),
        ..ROOT_ROW
    },
    Operation {
        id: "updatePrincipal",
        needs: &[PrincipalWriteProperties],
        request: |world| with(Method::PUT, principal(world), update()),
        ..ROOT_ROW
    },
    Operation {
        id: "deletePrincipal",
        needs: &[PrincipalDrop],
        success: 204,
        request: |world| without(Method::DELETE, principal(world)),
        ..ROOT_ROW
    },
    Operation {
        id: "rotateCredentials",
        needs: &[PrincipalRotateCredentials],
        request: |world| without(Method::POST, format!("{}/rotate", principal(world))),
        ..ROOT_ROW
    },
    Operation {
        id: "resetCredentials",
        only_root: true,
        request: |world| without(Method::POST, format!("{}/reset", principal(world))),
        ..ROOT_ROW
    },
    Operation {
        id: "listPrincipalRolesAssigned",
        needs: &[PrincipalListGrants],
        request: |world| get(format!("{}/principal-roles", principal(world))),
        ..ROOT_ROW
    },
    Operation {
        id: "assignPrincipalRole",
        needs: &[PrincipalRoleManageGrantsOnSecurable],
        success: 201,
        request: |world| {
            let body = json!({"principalRole": {"name": world.principal_role()}});
            with(Method::PUT, format!("{}/principal-roles", principal(world)), body)
        },
        ..ROOT_ROW
    },
    Operation {
        id: "revokePrincipalRole",
        needs: &[PrincipalRoleManageGrantsOnSecurable, PrincipalManageGrantsForGrantee],
        success: 204,
        request: |world| {
            let role = world.principal_role();
            without(Method::DELETE, format!("{}/principal-roles/{role}", principal(world)))
        },
        ..ROOT_ROW
    },
    Operation {
        id: "listPrincipalRoles",
        needs: &[PrincipalRoleList],
        request: |_| get(PRINCIPAL_ROLES.to_owned()),
        ..ROOT_ROW
    },
    Operation {
        id: "createPrincipalRole",
        needs: &[PrincipalRoleCreate],
        success: 201,
        request: |world| {
            let name = format!("{}-new", world.principal_role());
            let body = json!({"principalRole": {"name": name}});
            with(Method::POST, PRINCIPAL_ROLES.to_owned(), body)
        },
        ..ROOT_ROW
    },
    Operation {
        id: "getPrincipalRole",
        needs: &[PrincipalRoleReadProperties],
        request: |world| get(principal_role(world)),
        ..ROOT_ROW
    },
    Operation {
        id: "updatePrincipalRole",
        needs: &[PrincipalRoleWriteProperties],
        request: |world| with(Method::PUT, principal_role(world), update()),
        ..ROOT_ROW
    },
    Operation {
        id: "deletePrincipalRole",
        needs: &[PrincipalRoleDrop],
        success: 204,
        request: |world| without(Method::DELETE, principal_role(world)),
        ..ROOT_ROW
    },
    Operation {
        id: "listAssigneePrincipalsForPrincipalRole",
        needs: &[PrincipalRoleListGrants],
        request: |world| get(format!("{}/principals", principal_role(world))),
        ..ROOT_ROW
    },
    Operation {
        id: "listCatalogRolesForPrincipalRole",
        needs: &[PrincipalRoleListGrants],
        request: |world| get(assignment(world)),
        ..ROOT_ROW
    },
    Operation {
        id: "assignCatalogRoleToPrincipalRole",
        needs: &[CatalogRoleManageGrantsOnSecurable],
        success: 201,
        request: |world| {
            let body = json!({"catalogRole": {"name": world.catalog_role()}});
            with(Method::PUT, assignment(world), body)
        },
        ..LAKE_ROW
    },
    Operation {
        id: "revokeCatalogRoleFromPrincipalRole",
        needs: &[CatalogRoleManageGrantsOnSecurable],
        success: 204,
        request: |world| {
            let role = world.catalog_role();
            without(Method::DELETE, format!("{}/{role}", assignment(world)))
        },
        ..LAKE_ROW
    },
    Operation {
        id: "listCatalogRoles",
        needs: &[CatalogRoleList],
        request: |_| get(CATALOG_ROLES.to_owned()),
        ..LAKE_ROW
    },
    Operation {
        id: "createCatalogRole",
        needs: &[CatalogRoleCreate],
        success: 201,
        request: |world| {
            let name = format!("{}-new", world.catalog_role());
            let body = json!({"catalogRole": {"name": name}});
            with(Method::POST, CATALOG_ROLES.to_owned(), body)
        },
        ..LAKE_ROW
    },
    Operation {
        id: "getCatalogRole",
        needs: &[CatalogRoleReadProperties],
        request: |world| get(catalog_role(world)),
        ..LAKE_ROW
    },
    Operation {
        id: "updateCatalogRole",
        needs: &[CatalogRoleWriteProperties],
        request: |world| with(Method::PUT, catalog_role(world), update()),
        ..LAKE_ROW
    },
    Operation {
        id: "deleteCatalogRole",
        needs: &[CatalogRoleDrop],
        success: 204,
        request: |world| without(Method::DELETE, catalog_role(world)),
        ..LAKE_ROW
    },
    Operation {
        id: "listAssigneePrincipalRolesForCatalogRole",
        needs: &[CatalogRoleListGrants],
        request: |world| get(format!("{}/principal-roles", catalog_role(world))),
        ..LAKE_ROW
    },
    Operation {
        id: "listGrantsForCatalogRole",
        needs: &[CatalogRoleListGrants],
        request: |world| get(format!("{}/grants", catalog_role(world))),
        ..LAKE_ROW
    },
    Operation {
        id: "addGrantToCatalogRole",
        variant: "on the catalog",
        needs: &[CatalogManageGrantsOnSecurable],
        success: 201,
        request: |world| grants(world, Method::PUT, "catalog"),
        ..LAKE_ROW
    },
    Operation {
        id: "addGrantToCatalogRole",
        variant: "on a namespace",
        needs: &[NamespaceManageGrantsOnSecurable],
        success: 201,
        request: |world| grants(world, Method::PUT, "namespace"),
        ..LAKE_ROW
    },
    Operation {
        id: "addGrantToCatalogRole",
        variant: "on a table",
        needs: &[TableManageGrantsOnSecurable],
        success: 201,
        request: |world| grants(world, Method::PUT, "table"),
        ..LAKE_ROW
    },
    Operation {
        id: "addGrantToCatalogRole",
        variant: "on a view",
        needs: &[ViewManageGrantsOnSecurable],
        success: 201,
        request: |world| grants(world, Method::PUT, "view"),
        ..LAKE_ROW
    },
    Operation {
        id: "addGrantToCatalogRole",
        variant: "on a policy",
        needs: &[PolicyManageGrantsOnSecurable],
        success: 201,
        request: |world| grants(world, Method::PUT, "policy"),
        ..LAKE_ROW
    },
    Operation {
        id: "revokeGrantFromCatalogRole",
        variant: "on the catalog",
        needs: &[CatalogManageGrantsOnSecurable, CatalogRoleManageGrantsForGrantee],
        success: 201,
        request: |world| grants(world, Method::POST, "catalog"),
        ..LAKE_ROW
    },
    Operation {
        id: "revokeGrantFromCatalogRole",
        variant: "on a namespace",
        needs: &[NamespaceManageGrantsOnSecurable, CatalogRoleManageGrantsForGrantee],
        success: 201,
        request: |world| grants(world, Method::POST, "namespace"),
        ..LAKE_ROW
    },
    Operation {
        id: "revokeGrantFromCatalogRole",
        variant: "on a table",
        needs: &[TableManageGrantsOnSecurable, CatalogRoleManageGrantsForGrantee],
        success: 201,
        request: |world| grants(world, Method::POST, "table"),
        ..LAKE_ROW
    },
    Operation {
        id: "revokeGrantFromCatalogRole",
        variant: "on a view",
        needs: &[ViewManageGrantsOnSecurable, CatalogRoleManageGrantsForGrantee],
        success: 201,
        request: |world| grants(world, Method::POST, "view"),
        ..LAKE_ROW
    },
    Operation {
        id: "revokeGrantFromCatalogRole",
        variant: "on a policy",
        needs: &[PolicyManageGrantsOnSecurable, CatalogRoleManageGrantsForGrantee],
        success: 201,
        request: |world| grants(world, Method::POST, "policy"),
        ..LAKE_ROW
    },
    Operation {
        id: "listEvents",
        needs: &[ServiceManageAccess],
        request: |_| get("/api/management/v1/events".to_owned()),
        ..ROOT_ROW
    },
    Operation {
        id: "listAuditRecords",
        needs: &[ServiceManageAccess],
        request: |_| get("/api/management/v1/audit".to_owned()),
        ..ROOT_ROW
    },
    Operation {
        id: "explainAccess",
        variant: "in the realm",
        needs: &[PrincipalManageGrantsForGrantee],
        request: |_| {
            get("/api/management/v1/explain?principal=root&operation=LIST_CATALOGS".to_owned())
        },
        ..ROOT_ROW
    },
    Operation {
        id: "explainAccess",
        variant: "in a catalog",
        needs: &[CatalogManageGrantsOnSecurable],
        request: |_| {
            let query = "principal=root&operation=GET_CATALOG&catalog=lake";
            get(format!("/api/management/v1/explain?{query}"))
        },
        ..LAKE_ROW
    },
];
