//! Principal roles.

use merak_authz::Authorized;
use merak_authz::operations::{
    CreatePrincipalRole, DeletePrincipalRole, GetPrincipalRole,
    ListAssigneePrincipalsForPrincipalRole, ListCatalogRolesForPrincipalRole, ListPrincipalRoles,
    UpdatePrincipalRole,
};
use merak_metastore::{Change, Error as MetastoreError};
use merak_model::entity::internal;
use merak_model::{Entity, EntityId, EntityKind, EventSubject, Properties};

use crate::catalogs::create;
use crate::events::Happening;
use crate::properties::refuse_reserved;
use crate::versioned::{
    PropertiesReplacement, drop_failed, replace_properties, update, update_failed,
};
use crate::{Error, Service};

/// What stands for every principal role in the scope of a token. A role of that name could not be
/// acted in alone: whoever wanted a token of as little as that would get one of everything.
const EVERY_ROLE: &str = "ALL";

/// A principal role that is to be made.
#[derive(Debug, Clone)]
pub struct PrincipalRoleDraft {
    /// Its name.
    pub name: String,
    /// Its properties.
    pub properties: Properties,
    /// Whether an identity provider says who has it, so that it is not given or taken away here.
    pub is_federated: bool,
}

impl Service {
    /// The realm's principal roles, in name order.
    ///
    /// The proof must have been asked for with all principal roles as children.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_principal_roles(
        &self,
        proof: Authorized<ListPrincipalRoles>,
    ) -> Result<Vec<Entity>, Error> {
        Ok(proof.into_target().children)
    }

    /// Makes a principal role. Nobody has it yet, and it has nothing.
    pub async fn create_principal_role(
        &self,
        proof: Authorized<CreatePrincipalRole>,
        draft: PrincipalRoleDraft,
    ) -> Result<Entity, Error> {
        refuse_reserved(draft.properties.keys().map(String::as_str))?;
        if draft.name == EVERY_ROLE {
            return Err(Error::BadRequest(format!(
                "A principal role cannot be called '{EVERY_ROLE}': in the scope of a token that \
                 stands for every role"
            )));
        }
        let mut role = Entity::new(
            EntityKind::PrincipalRole,
            EntityId::ROOT,
            EntityId::ROOT,
            &draft.name,
            self.clock.now_ms(),
        );
        role.properties = draft.properties;
        if draft.is_federated {
            role.internal.insert(internal::FEDERATED.to_owned(), "true".to_owned());
        }
        let happened = happened(EventSubject::CreatePrincipalRole, &role);
        let changes = vec![create(role.clone())];
        let applied = self.apply(&proof.actor(), changes, vec![happened]).await;
        applied.map_err(|error| {
            if matches!(error, MetastoreError::AlreadyExists { .. }) {
                return Error::AlreadyExists(format!(
                    "Cannot create PrincipalRole {}. PrincipalRole already exists or resolution \
                     failed",
                    draft.name
                ));
            }
            error.into()
        })?;
        Ok(role)
    }

    /// A principal role.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn get_principal_role(
        &self,
        proof: Authorized<GetPrincipalRole>,
    ) -> Result<Entity, Error> {
        Ok(proof.into_target().role)
    }

    /// Replaces a principal role's properties, if it is still at the version the caller saw.
    pub async fn update_principal_role(
        &self,
        proof: Authorized<UpdatePrincipalRole>,
        replacement: PropertiesReplacement,
    ) -> Result<Entity, Error> {
        let before = &proof.target().role;
        let after = replace_properties(before, replacement, self.clock.now_ms())?;
        let happened = happened(EventSubject::UpdatePrincipalRole, &after);
        let changes = vec![update(before, &after)];
        let applied = self.apply(&proof.actor(), changes, vec![happened]).await;
        applied.map_err(|error| update_failed(error, before))?;
        Ok(after)
    }

    /// Removes a principal role, and takes it from all who have it. `service_admin` stays: without
    /// it nobody could manage the realm.
    pub async fn delete_principal_role(
        &self,
        proof: Authorized<DeletePrincipalRole>,
    ) -> Result<(), Error> {
        let role = &proof.target().role;
        if role.id == EntityId::SERVICE_ADMIN {
            return Err(Error::BadRequest(
                "Polaris service admin principal role cannot be dropped".to_owned(),
            ));
        }
        let drop = Change::Drop { id: role.id, expected: role.version };
        let happened = happened(EventSubject::DeletePrincipalRole, role);
        let applied = self.apply(&proof.actor(), vec![drop], vec![happened]).await;
        applied.map_err(|error| drop_failed(error, &format!("Principal role '{}'", role.name)))
    }

    /// The principals that have a principal role, in name order.
    ///
    /// The proof must have been asked for with them.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_assignee_principals_for_principal_role(
        &self,
        proof: Authorized<ListAssigneePrincipalsForPrincipalRole>,
    ) -> Result<Vec<Entity>, Error> {
        let related = proof.into_target().related.into_iter();
        // A role may hold this privilege too, as far as the metastore is concerned.
        let principals = related.filter(|grant| grant.entity.kind == EntityKind::Principal);
        Ok(principals.map(|grant| grant.entity).collect())
    }

    /// The roles of a catalog that a principal role has, in name order.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_catalog_roles_for_principal_role(
        &self,
        proof: Authorized<ListCatalogRolesForPrincipalRole>,
    ) -> Result<Vec<Entity>, Error> {
        Ok(proof.into_target().related.into_iter().map(|grant| grant.entity).collect())
    }
}

fn happened(subject: EventSubject, role: &Entity) -> Happening {
    Happening::to(subject, &role.name)
        .with("principal_role_name", role.name.as_str())
        .at_version(role)
}
