//! Principals and their credentials.

use merak_authz::operations::{
    AssignPrincipalRole, CreatePrincipal, DeletePrincipal, GetPrincipal,
    ListPrincipalRolesAssigned, ListPrincipals, ROOT_PRINCIPAL, ResetCredentials,
    RevokePrincipalRole, RotateCredentials, UpdatePrincipal,
};
use merak_authz::{Actor, Authorized, ResolvedPrincipalRoleAssignment};
use merak_metastore::{Change, Error as MetastoreError, PrincipalSecrets};
use merak_model::entity::internal;
use merak_model::features::ENABLE_CREDENTIAL_RESET;
use merak_model::{Entity, EntityId, EntityKind, EventSubject, GrantRecord, Privilege, Properties};

use crate::catalogs::create;
use crate::events::Happening;
use crate::properties::refuse_reserved;
use crate::versioned::{
    PropertiesReplacement, drop_failed, replace_properties, update, update_failed,
};
use crate::{Error, Service};

/// A principal that is to be made.
#[derive(Debug, Clone)]
pub struct PrincipalDraft {
    /// Its name.
    pub name: String,
    /// Its properties.
    pub properties: Properties,
    /// Whether it must rotate its credentials before it may do anything else.
    pub must_rotate: bool,
}

/// A principal, and the secrets it had when a change of them began.
#[derive(Debug)]
pub struct CredentialsChange {
    principal: Entity,
    actor: Actor,
    before: Option<PrincipalSecrets>,
}

impl CredentialsChange {
    /// The secrets that are replaced. A principal always has some, unless somebody took them away by
    /// hand.
    pub fn secrets(&self) -> Option<&PrincipalSecrets> {
        self.before.as_ref()
    }

    /// Whether the principal was told to rotate its credentials: the secret it was given with them is
    /// then to end.
    pub fn ends_old_secret(&self) -> bool {
        self.principal.internal.contains_key(internal::CREDENTIAL_ROTATION_REQUIRED)
    }
}

impl Service {
    /// The realm's principals, in name order.
    ///
    /// The proof must have been asked for with all principals as children.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_principals(
        &self,
        proof: Authorized<ListPrincipals>,
    ) -> Result<Vec<Entity>, Error> {
        Ok(proof.into_target().children)
    }

    /// Makes a principal with its secrets.
    pub async fn create_principal(
        &self,
        proof: Authorized<CreatePrincipal>,
        draft: PrincipalDraft,
        secrets: PrincipalSecrets,
    ) -> Result<Entity, Error> {
        refuse_reserved(draft.properties.keys().map(String::as_str))?;
        let mut principal = Entity::new(
            EntityKind::Principal,
            EntityId::ROOT,
            EntityId::ROOT,
            &draft.name,
            self.clock.now_ms(),
        );
        principal.properties = draft.properties;
        principal.internal.insert(internal::CLIENT_ID.to_owned(), secrets.client_id.clone());
        if draft.must_rotate {
            let flag = internal::CREDENTIAL_ROTATION_REQUIRED.to_owned();
            principal.internal.insert(flag, "true".to_owned());
        }
        let changes = vec![create(principal.clone()), Change::SetSecrets(principal.id, secrets)];
        let happened = happened(EventSubject::CreatePrincipal, &principal);
        let applied = self.apply(&proof.actor(), changes, vec![happened]).await;
        applied.map_err(|error| {
            if matches!(error, MetastoreError::AlreadyExists { .. }) {
                return Error::AlreadyExists(format!(
                    "Cannot create Principal {}. Principal already exists or resolution failed",
                    draft.name
                ));
            }
            error.into()
        })?;
        Ok(principal)
    }

    /// A principal.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn get_principal(&self, proof: Authorized<GetPrincipal>) -> Result<Entity, Error> {
        Ok(proof.into_target().principal)
    }

    /// Replaces a principal's properties, if it is still at the version the caller saw.
    pub async fn update_principal(
        &self,
        proof: Authorized<UpdatePrincipal>,
        replacement: PropertiesReplacement,
    ) -> Result<Entity, Error> {
        let before = &proof.target().principal;
        if before.is_federated() {
            return Err(Error::Validation(format!(
                "Cannot update a federated principal: {}",
                before.name
            )));
        }
        let after = replace_properties(before, replacement, self.clock.now_ms())?;
        let change = update(before, &after);
        let happened = happened(EventSubject::UpdatePrincipal, &after);
        let applied = self.apply(&proof.actor(), vec![change], vec![happened]).await;
        applied.map_err(|error| update_failed(error, before))?;
        Ok(after)
    }

    /// Removes a principal with its secrets; its tokens end with it. The root principal stays: as
    /// long as it is there nobody can make another of that name, and reset credentials as it may.
    pub async fn delete_principal(&self, proof: Authorized<DeletePrincipal>) -> Result<(), Error> {
        let principal = &proof.target().principal;
        if principal.name == ROOT_PRINCIPAL {
            return Err(Error::BadRequest("Root principal cannot be dropped".to_owned()));
        }
        let drop = Change::Drop { id: principal.id, expected: principal.version };
        let happened = happened(EventSubject::DeletePrincipal, principal);
        let applied = self.apply(&proof.actor(), vec![drop], vec![happened]).await;
        applied.map_err(|error| drop_failed(error, &format!("Principal '{}'", principal.name)))
    }

    /// Begins a rotation: what it begins with decides what comes out.
    pub async fn begin_rotation(
        &self,
        proof: Authorized<RotateCredentials>,
    ) -> Result<CredentialsChange, Error> {
        let actor = proof.actor();
        let principal = proof.into_target().principal;
        if principal.is_federated() {
            return Err(Error::Validation(format!(
                "Cannot rotate/reset credentials for a federated principal: {}",
                principal.name
            )));
        }
        let before = self.metastore.secrets(&actor.realm, principal.id).await?;
        if before.is_none() {
            return Err(Error::IllegalArgument(format!(
                "Failed to load current secrets for principal '{}'",
                principal.name
            )));
        }
        Ok(CredentialsChange { principal, actor, before })
    }

    /// Begins a reset.
    pub async fn begin_reset(
        &self,
        proof: Authorized<ResetCredentials>,
    ) -> Result<CredentialsChange, Error> {
        let actor = proof.actor();
        let principal = proof.into_target().principal;
        let features = self.features_of(&actor.realm);
        if !features.of_realm().is_on(&ENABLE_CREDENTIAL_RESET) {
            return Err(Error::Unsupported(format!(
                "Feature not enabled: {}",
                ENABLE_CREDENTIAL_RESET.name
            )));
        }
        if principal.is_federated() {
            return Err(Error::Validation(format!(
                "Cannot reset credentials for a federated principal: {}",
                principal.name
            )));
        }
        let before = self.metastore.secrets(&actor.realm, principal.id).await?;
        Ok(CredentialsChange { principal, actor, before })
    }

    /// Ends a rotation: the principal has these secrets from now on, and need not rotate them again.
    pub async fn finish_rotation(
        &self,
        change: CredentialsChange,
        secrets: PrincipalSecrets,
    ) -> Result<Entity, Error> {
        let mut after = change.principal.clone();
        after.internal.remove(internal::CREDENTIAL_ROTATION_REQUIRED);
        self.replace_secrets(EventSubject::RotateCredentials, change, after, secrets).await
    }

    /// Ends a reset: the principal has this client id and these secrets from now on.
    pub async fn finish_reset(
        &self,
        change: CredentialsChange,
        secrets: PrincipalSecrets,
    ) -> Result<Entity, Error> {
        let mut after = change.principal.clone();
        after.internal.insert(internal::CLIENT_ID.to_owned(), secrets.client_id.clone());
        self.replace_secrets(EventSubject::ResetCredentials, change, after, secrets).await
    }

    /// Replaces the secrets, and the principal where that changes too, if nobody else did meanwhile.
    async fn replace_secrets(
        &self,
        subject: EventSubject,
        change: CredentialsChange,
        mut after: Entity,
        secrets: PrincipalSecrets,
    ) -> Result<Entity, Error> {
        let CredentialsChange { principal, actor, before } = change;
        let mut changes = Vec::with_capacity(2);
        if after != principal {
            after.version = principal.version.next();
            after.updated_ms = self.clock.now_ms();
            changes.push(update(&principal, &after));
        }
        changes.push(match before {
            Some(before) => Change::RotateSecrets {
                principal: principal.id,
                expected: before.main_hash,
                secrets,
            },
            None => Change::SetSecrets(principal.id, secrets),
        });
        let happened = happened(subject, &after);
        let applied = self.apply(&actor, changes, vec![happened]).await;
        applied.map_err(|error| update_failed(error, &principal))?;
        Ok(after)
    }

    /// The principal roles that a principal has, in name order.
    ///
    /// The proof must have been asked for with them.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_principal_roles_assigned(
        &self,
        proof: Authorized<ListPrincipalRolesAssigned>,
    ) -> Result<Vec<Entity>, Error> {
        Ok(proof.into_target().related.into_iter().map(|grant| grant.entity).collect())
    }

    /// Gives a principal role to a principal. Giving it again changes nothing.
    pub async fn assign_principal_role(
        &self,
        proof: Authorized<AssignPrincipalRole>,
    ) -> Result<(), Error> {
        refuse_federated(proof.target(), "assign", "to")?;
        let change = Change::Grant(usage(proof.target()));
        let happened = assigned(EventSubject::AssignPrincipalRole, proof.target());
        Ok(self.apply(&proof.actor(), vec![change], vec![happened]).await?)
    }

    /// Takes a principal role from a principal.
    pub async fn revoke_principal_role(
        &self,
        proof: Authorized<RevokePrincipalRole>,
    ) -> Result<(), Error> {
        refuse_federated(proof.target(), "revoke", "from")?;
        let change = Change::Revoke(usage(proof.target()));
        let happened = assigned(EventSubject::RevokePrincipalRole, proof.target());
        Ok(self.apply(&proof.actor(), vec![change], vec![happened]).await?)
    }
}

/// What is told of a principal: nothing of its secrets.
fn happened(subject: EventSubject, principal: &Entity) -> Happening {
    Happening::to(subject, &principal.name)
        .with("principal_name", principal.name.as_str())
        .at_version(principal)
}

fn assigned(subject: EventSubject, target: &ResolvedPrincipalRoleAssignment) -> Happening {
    let (principal, role) = (&target.principal.principal, &target.role.role);
    Happening::to(subject, &principal.name)
        .with("principal_name", principal.name.as_str())
        .with("principal_role_name", role.name.as_str())
}

fn usage(target: &ResolvedPrincipalRoleAssignment) -> GrantRecord {
    GrantRecord {
        securable: target.role.role.id,
        grantee: target.principal.principal.id,
        privilege: Privilege::PrincipalRoleUsage,
    }
}

fn refuse_federated(
    target: &ResolvedPrincipalRoleAssignment,
    verb: &str,
    preposition: &str,
) -> Result<(), Error> {
    if target.principal.principal.is_federated() {
        return Err(Error::Validation(format!(
            "Cannot {verb} a role {preposition} a federated principal"
        )));
    }
    if target.role.role.is_federated() {
        return Err(Error::Validation(format!(
            "Cannot {verb} a federated role {preposition} a principal"
        )));
    }
    Ok(())
}
