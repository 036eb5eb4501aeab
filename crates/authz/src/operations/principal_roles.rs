//! Operations on principal roles, and on who has them.

use merak_metastore::ResolvedCaller;
use merak_model::{Features, Privilege};

use super::operations;
use crate::{
    Operation, Requirement, ResolvedCatalogRolesOf, ResolvedPrincipalRole,
    ResolvedPrincipalRoleAssignment, ResolvedRealm,
};

operations! { ResolvedRealm:
    /// Lists the realm's principal roles.
    ListPrincipalRoles = "LIST_PRINCIPAL_ROLES" requires [PrincipalRoleList];
    /// Makes a principal role.
    CreatePrincipalRole = "CREATE_PRINCIPAL_ROLE" requires [PrincipalRoleCreate];
}

operations! { ResolvedPrincipalRole:
    /// Reads a principal role.
    GetPrincipalRole = "GET_PRINCIPAL_ROLE" requires [PrincipalRoleReadProperties];
    /// Changes a principal role's properties.
    UpdatePrincipalRole = "UPDATE_PRINCIPAL_ROLE" requires [PrincipalRoleWriteProperties];
    /// Removes a principal role.
    DeletePrincipalRole = "DELETE_PRINCIPAL_ROLE" requires [PrincipalRoleDrop];
    /// Lists the principals that have a principal role.
    ListAssigneePrincipalsForPrincipalRole = "LIST_ASSIGNEE_PRINCIPALS_FOR_PRINCIPAL_ROLE"
        requires [PrincipalRoleListGrants];
}

operations! { ResolvedCatalogRolesOf:
    /// Lists the roles of a catalog that a principal role has.
    ListCatalogRolesForPrincipalRole = "LIST_CATALOG_ROLES_FOR_PRINCIPAL_ROLE"
        requires [PrincipalRoleListGrants];
}

impl ResolvedPrincipalRoleAssignment {
    /// Whether a privilege is held on the role.
    pub fn holds(&self, wanted: Privilege) -> bool {
        self.role.holds(wanted)
    }
}

operations! { ResolvedPrincipalRoleAssignment:
    /// Gives a principal role to a principal.
    AssignPrincipalRole = "ASSIGN_PRINCIPAL_ROLE" requires [PrincipalRoleManageGrantsOnSecurable];
}

/// Takes a principal role from a principal.
#[derive(Debug, Clone, Copy)]
pub struct RevokePrincipalRole;

impl Operation for RevokePrincipalRole {
    type Target = ResolvedPrincipalRoleAssignment;

    fn name(&self) -> &'static str {
        "REVOKE_PRINCIPAL_ROLE"
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedPrincipalRoleAssignment,
        _: &Features,
    ) -> Vec<Requirement> {
        let on_role = Privilege::PrincipalRoleManageGrantsOnSecurable;
        let on_principal = Privilege::PrincipalManageGrantsForGrantee;
        vec![
            Requirement::on_target(on_role, target.role.holds(on_role)),
            Requirement::on(1, on_principal, target.principal.holds(on_principal)),
        ]
    }
}
