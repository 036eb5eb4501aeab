//! Operations on catalog roles, and on who has them.

use merak_model::Privilege;

use super::operations;
use crate::{ResolvedCatalog, ResolvedCatalogRole, ResolvedCatalogRoleAssignment};

/// The catalog role that every catalog is made with, and that manages it. It cannot be dropped.
pub const CATALOG_ADMIN: &str = "catalog_admin";

operations! { ResolvedCatalog:
    /// Lists a catalog's roles.
    ListCatalogRoles = "LIST_CATALOG_ROLES" requires [CatalogRoleList];
    /// Makes a catalog role.
    CreateCatalogRole = "CREATE_CATALOG_ROLE" requires [CatalogRoleCreate];
}

operations! { ResolvedCatalogRole:
    /// Reads a catalog role.
    GetCatalogRole = "GET_CATALOG_ROLE" requires [CatalogRoleReadProperties];
    /// Changes a catalog role's properties.
    UpdateCatalogRole = "UPDATE_CATALOG_ROLE" requires [CatalogRoleWriteProperties];
    /// Removes a catalog role.
    DeleteCatalogRole = "DELETE_CATALOG_ROLE" requires [CatalogRoleDrop];
    /// Lists the principal roles that have a catalog role.
    ListAssigneePrincipalRolesForCatalogRole = "LIST_ASSIGNEE_PRINCIPAL_ROLES_FOR_CATALOG_ROLE"
        requires [CatalogRoleListGrants];
    /// Lists what a catalog role holds.
    ListGrantsForCatalogRole = "LIST_GRANTS_FOR_CATALOG_ROLE" requires [CatalogRoleListGrants];
}

impl ResolvedCatalogRoleAssignment {
    /// Whether a privilege is held on the catalog role.
    pub fn holds(&self, wanted: Privilege) -> bool {
        self.catalog_role.holds(wanted)
    }
}

operations! { ResolvedCatalogRoleAssignment:
    /// Gives a catalog role to a principal role.
    AssignCatalogRoleToPrincipalRole = "ASSIGN_CATALOG_ROLE_TO_PRINCIPAL_ROLE"
        requires [CatalogRoleManageGrantsOnSecurable];
    /// Takes a catalog role from a principal role.
    RevokeCatalogRoleFromPrincipalRole = "REVOKE_CATALOG_ROLE_FROM_PRINCIPAL_ROLE"
        requires [CatalogRoleManageGrantsOnSecurable];
}
