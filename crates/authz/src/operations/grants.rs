//! Granting privileges to catalog roles, and taking them away.

use merak_metastore::ResolvedCaller;
use merak_model::{Features, Privilege};

use crate::{Operation, Requirement, ResolvedGrant, SecurablePath};

/// Grants a privilege on a securable to a catalog role of its catalog. It carries the privilege, so
/// that what is granted is what was judged.
#[derive(Debug, Clone, Copy)]
pub struct AddGrantToCatalogRole {
    privilege: Privilege,
    names: Names,
}

/// Takes a privilege on a securable from a catalog role. It carries the privilege.
#[derive(Debug, Clone, Copy)]
pub struct RevokeGrantFromCatalogRole {
    privilege: Privilege,
    names: Names,
}

/// What the two are called, and ask for, on one kind of securable.
#[derive(Debug, Clone, Copy)]
struct Names {
    add: &'static str,
    revoke: &'static str,
    manage: Privilege,
}

const CATALOG: Names = Names {
    add: "ADD_CATALOG_GRANT_TO_CATALOG_ROLE",
    revoke: "REVOKE_CATALOG_GRANT_FROM_CATALOG_ROLE",
    manage: Privilege::CatalogManageGrantsOnSecurable,
};
const NAMESPACE: Names = Names {
    add: "ADD_NAMESPACE_GRANT_TO_CATALOG_ROLE",
    revoke: "REVOKE_NAMESPACE_GRANT_FROM_CATALOG_ROLE",
    manage: Privilege::NamespaceManageGrantsOnSecurable,
};
const TABLE: Names = Names {
    add: "ADD_TABLE_GRANT_TO_CATALOG_ROLE",
    revoke: "REVOKE_TABLE_GRANT_FROM_CATALOG_ROLE",
    manage: Privilege::TableManageGrantsOnSecurable,
};
const VIEW: Names = Names {
    add: "ADD_VIEW_GRANT_TO_CATALOG_ROLE",
    revoke: "REVOKE_VIEW_GRANT_FROM_CATALOG_ROLE",
    manage: Privilege::ViewManageGrantsOnSecurable,
};
const POLICY: Names = Names {
    add: "ADD_POLICY_GRANT_TO_CATALOG_ROLE",
    revoke: "REVOKE_POLICY_GRANT_FROM_CATALOG_ROLE",
    manage: Privilege::PolicyManageGrantsOnSecurable,
};

const fn names(securable: &SecurablePath) -> Names {
    match securable {
        SecurablePath::Catalog => CATALOG,
        SecurablePath::Namespace(_) => NAMESPACE,
        SecurablePath::Table(_) => TABLE,
        SecurablePath::View(_) => VIEW,
        SecurablePath::Policy(_) => POLICY,
    }
}

impl AddGrantToCatalogRole {
    /// Grants `privilege` on a securable of that kind.
    pub const fn new(privilege: Privilege, securable: &SecurablePath) -> Self {
        Self { privilege, names: names(securable) }
    }

    /// What is granted.
    pub const fn privilege(&self) -> Privilege {
        self.privilege
    }
}

impl RevokeGrantFromCatalogRole {
    /// Takes `privilege` on a securable of that kind away.
    pub const fn new(privilege: Privilege, securable: &SecurablePath) -> Self {
        Self { privilege, names: names(securable) }
    }

    /// What is taken away.
    pub const fn privilege(&self) -> Privilege {
        self.privilege
    }
}

impl Operation for AddGrantToCatalogRole {
    type Target = ResolvedGrant;

    fn name(&self) -> &'static str {
        self.names.add
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedGrant,
        _: &Features,
    ) -> Vec<Requirement> {
        let manage = self.names.manage;
        vec![Requirement::on_target(manage, target.holds(manage))]
    }
}

impl Operation for RevokeGrantFromCatalogRole {
    type Target = ResolvedGrant;

    fn name(&self) -> &'static str {
        self.names.revoke
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedGrant,
        _: &Features,
    ) -> Vec<Requirement> {
        let manage = self.names.manage;
        let for_grantee = Privilege::CatalogRoleManageGrantsForGrantee;
        vec![
            Requirement::on_target(manage, target.holds(manage)),
            Requirement::on(1, for_grantee, target.role.holds(for_grantee)),
        ]
    }
}
