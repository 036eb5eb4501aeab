//! Catalog roles, and who has them.

use merak_authz::operations::{
    AssignCatalogRoleToPrincipalRole, CATALOG_ADMIN, CreateCatalogRole, DeleteCatalogRole,
    GetCatalogRole, ListAssigneePrincipalRolesForCatalogRole, ListCatalogRoles,
    RevokeCatalogRoleFromPrincipalRole, UpdateCatalogRole,
};
use merak_authz::{Authorized, ResolvedCatalogRoleAssignment};
use merak_metastore::{Change, Error as MetastoreError};
use merak_model::{Entity, EntityKind, EventSubject, GrantRecord, Privilege, Properties};

use crate::catalogs::create;
use crate::events::Happening;
use crate::properties::refuse_reserved;
use crate::versioned::{
    PropertiesReplacement, drop_failed, replace_properties, update, update_failed,
};
use crate::{Error, Service};

/// A catalog role that is to be made.
#[derive(Debug, Clone)]
pub struct CatalogRoleDraft {
    /// Its name.
    pub name: String,
    /// Its properties.
    pub properties: Properties,
}

impl Service {
    /// A catalog's roles, in name order.
    ///
    /// The proof must have been asked for with all catalog roles as children.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_catalog_roles(
        &self,
        proof: Authorized<ListCatalogRoles>,
    ) -> Result<Vec<Entity>, Error> {
        Ok(proof.into_target().children)
    }

    /// Makes a catalog role. Nobody has it yet, and it holds nothing.
    pub async fn create_catalog_role(
        &self,
        proof: Authorized<CreateCatalogRole>,
        draft: CatalogRoleDraft,
    ) -> Result<Entity, Error> {
        refuse_reserved(draft.properties.keys().map(String::as_str))?;
        let catalog = &proof.target().catalog;
        let now_ms = self.clock.now_ms();
        let mut role =
            Entity::new(EntityKind::CatalogRole, catalog.id, catalog.id, &draft.name, now_ms);
        role.properties = draft.properties;
        let happened = happened(EventSubject::CreateCatalogRole, catalog, &role);
        let changes = vec![create(role.clone())];
        let applied = self.apply(&proof.actor(), changes, vec![happened]).await;
        applied.map_err(|error| {
            if matches!(error, MetastoreError::AlreadyExists { .. }) {
                return Error::AlreadyExists(format!(
                    "Cannot create CatalogRole {} in {}. CatalogRole already exists or resolution \
                     failed",
                    draft.name, catalog.name
                ));
            }
            error.into()
        })?;
        Ok(role)
    }

    /// A catalog role.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn get_catalog_role(
        &self,
        proof: Authorized<GetCatalogRole>,
    ) -> Result<Entity, Error> {
        Ok(proof.into_target().role)
    }

    /// Replaces a catalog role's properties, if it is still at the version the caller saw.
    pub async fn update_catalog_role(
        &self,
        proof: Authorized<UpdateCatalogRole>,
        replacement: PropertiesReplacement,
    ) -> Result<Entity, Error> {
        let before = &proof.target().role;
        let after = replace_properties(before, replacement, self.clock.now_ms())?;
        let happened = happened(EventSubject::UpdateCatalogRole, &proof.target().catalog, &after);
        let changes = vec![update(before, &after)];
        let applied = self.apply(&proof.actor(), changes, vec![happened]).await;
        applied.map_err(|error| update_failed(error, before))?;
        Ok(after)
    }

    /// Removes a catalog role with all it holds, and takes it from all who have it. `catalog_admin`
    /// stays as long as its catalog.
    pub async fn delete_catalog_role(
        &self,
        proof: Authorized<DeleteCatalogRole>,
    ) -> Result<(), Error> {
        let target = proof.target();
        let role = &target.role;
        if role.name == CATALOG_ADMIN {
            return Err(Error::BadRequest("Catalog admin role cannot be dropped".to_owned()));
        }
        let label = format!("Catalog role '{}' in catalog '{}'", role.name, target.catalog.name);
        let drop = Change::Drop { id: role.id, expected: role.version };
        let happened = happened(EventSubject::DeleteCatalogRole, &target.catalog, role);
        let applied = self.apply(&proof.actor(), vec![drop], vec![happened]).await;
        applied.map_err(|error| drop_failed(error, &label))
    }

    /// The principal roles that have a catalog role, in name order.
    ///
    /// The proof must have been asked for with them.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_assignee_principal_roles_for_catalog_role(
        &self,
        proof: Authorized<ListAssigneePrincipalRolesForCatalogRole>,
    ) -> Result<Vec<Entity>, Error> {
        Ok(proof.into_target().related.into_iter().map(|grant| grant.entity).collect())
    }

    /// Gives a catalog role to a principal role. Giving it again changes nothing.
    pub async fn assign_catalog_role(
        &self,
        proof: Authorized<AssignCatalogRoleToPrincipalRole>,
    ) -> Result<(), Error> {
        let change = Change::Grant(usage(proof.target()));
        let happened = assigned(EventSubject::AssignCatalogRoleToPrincipalRole, proof.target());
        Ok(self.apply(&proof.actor(), vec![change], vec![happened]).await?)
    }

    /// Takes a catalog role from a principal role.
    pub async fn revoke_catalog_role(
        &self,
        proof: Authorized<RevokeCatalogRoleFromPrincipalRole>,
    ) -> Result<(), Error> {
        let change = Change::Revoke(usage(proof.target()));
        let happened = assigned(EventSubject::RevokeCatalogRoleFromPrincipalRole, proof.target());
        Ok(self.apply(&proof.actor(), vec![change], vec![happened]).await?)
    }
}

fn happened(subject: EventSubject, catalog: &Entity, role: &Entity) -> Happening {
    Happening::within(subject, &catalog.name, &role.name)
        .with("catalog_role_name", role.name.as_str())
        .at_version(role)
}

fn assigned(subject: EventSubject, target: &ResolvedCatalogRoleAssignment) -> Happening {
    let (principal_role, catalog_role) = (&target.principal_role, &target.catalog_role);
    Happening::within(subject, &catalog_role.catalog.name, &principal_role.name)
        .with("principal_role_name", principal_role.name.as_str())
        .with("catalog_role_name", catalog_role.role.name.as_str())
}

fn usage(target: &ResolvedCatalogRoleAssignment) -> GrantRecord {
    GrantRecord {
        securable: target.catalog_role.role.id,
        grantee: target.principal_role.id,
        privilege: Privilege::CatalogRoleUsage,
    }
}
