//! A metastore that answers what the plan says.

use std::sync::Arc;

use async_trait::async_trait;
use merak_metastore::{
    Bootstrap, Change, Error, MetadataBody, Metastore, PrincipalCredentials, PrincipalSecrets,
    Resolution, ResolveRequest,
};
use merak_model::{Entity, EntityId, RealmId};
use secrecy::SecretBox;

use super::plan::Plan;
use super::scripts::StoreFault;
use super::truth::name_of;

/// Between one replica and its metastore.
#[derive(Debug)]
pub(crate) struct Between {
    pub(crate) inner: Arc<dyn Metastore>,
    pub(crate) plan: Plan,
    pub(crate) replica: usize,
}

pub(super) fn unavailable() -> Error {
    Error::Unavailable("the test keeps it from answering".into())
}

pub(super) fn lost() -> Error {
    Error::OutcomeUnknown("the test lost the answer".into())
}

impl Between {
    async fn apply_with_fault(
        &self,
        realm: &RealmId,
        write: &str,
        changes: &[Change],
    ) -> Result<(), Error> {
        let fault = self.plan.on_apply(write);
        match fault {
            Some(StoreFault::Unavailable) => {
                self.plan.told_nothing(write, changes, false);
                return Err(unavailable());
            }
            Some(StoreFault::LostUndone) => {
                self.plan.told_nothing(write, changes, true);
                return Err(lost());
            }
            Some(StoreFault::Overtaken) => self.overtake(realm, changes).await,
            Some(StoreFault::LostDone) | None => {}
        }
        let outcome = self.inner.apply(realm, changes).await;
        match &outcome {
            Ok(()) => self.plan.done(write, changes),
            Err(error) => self.plan.refused(write, error),
        }
        if fault == Some(StoreFault::LostDone) {
            self.plan.told_nothing(write, changes, true);
            return Err(lost());
        }
        self.plan.told(write);
        outcome
    }

    /// What another replica would do: the first entity that is there gets another version.
    async fn overtake(&self, realm: &RealmId, changes: &[Change]) {
        let target = changes.iter().find_map(|change| match change {
            Change::Update { entity, expected, .. } => Some((entity.id, *expected)),
            Change::Drop { id, expected } => Some((*id, *expected)),
            Change::Create { .. }
            | Change::Grant(_)
            | Change::Revoke(_)
            | Change::AttachPolicy(_)
            | Change::DetachPolicy { .. }
            | Change::DetachPolicyFromAll(_)
            | Change::SetSecrets(..)
            | Change::RotateSecrets { .. }
            | Change::Answer(_)
            | Change::AddTask(_)
            | Change::Record(_) => None,
        });
        let Some((id, expected)) = target else { return };
        let Some(mut entity) = self.plan.entity(id) else { return };
        entity.version = expected.next();
        let change = Change::Update {
            entity: Box::new(entity),
            expected,
            metadata: MetadataBody::Keep,
            keep_apart: false,
        };
        let changes = [change];
        if self.inner.apply(realm, &changes).await.is_ok() {
            self.plan.done("another replica", &changes);
        }
    }
}

#[async_trait]
impl Metastore for Between {
    async fn resolve(
        &self,
        realm: &RealmId,
        request: &ResolveRequest,
    ) -> Result<Resolution, Error> {
        let pass = self.plan.enter(None).await;
        if self.plan.on_resolve().is_some() {
            self.plan.lookup_failed();
            pass.settle();
            return Err(unavailable());
        }
        let found = self.inner.resolve(realm, request).await;
        for table in found.iter().flat_map(|found| &found.tables) {
            self.plan.saw(&table.resolved.entity);
        }
        pass.settle();
        found
    }

    async fn apply(&self, realm: &RealmId, changes: &[Change]) -> Result<(), Error> {
        let write = name_of(self.replica, changes);
        let pass = self.plan.enter(Some(write.clone())).await;
        let outcome = self.apply_with_fault(realm, &write, changes).await;
        pass.settle();
        outcome
    }

    async fn check_apart(&self, realm: &RealmId, entity: &Entity) -> Result<(), Error> {
        let pass = self.plan.enter(None).await;
        let outcome = if self.plan.on_resolve().is_some() {
            Err(unavailable())
        } else {
            self.inner.check_apart(realm, entity).await
        };
        pass.settle();
        outcome
    }

    async fn credentials(
        &self,
        realm: &RealmId,
        client_id: &str,
    ) -> Result<Option<PrincipalCredentials>, Error> {
        self.inner.credentials(realm, client_id).await
    }

    async fn secrets(
        &self,
        realm: &RealmId,
        principal: EntityId,
    ) -> Result<Option<PrincipalSecrets>, Error> {
        self.inner.secrets(realm, principal).await
    }

    async fn principal_name(
        &self,
        realm: &RealmId,
        principal: EntityId,
    ) -> Result<Option<String>, Error> {
        self.inner.principal_name(realm, principal).await
    }

    async fn signing_key(
        &self,
        realm: &RealmId,
        algorithm: &str,
        candidate: &SecretBox<[u8]>,
    ) -> Result<SecretBox<[u8]>, Error> {
        self.inner.signing_key(realm, algorithm, candidate).await
    }

    async fn find_signing_key(
        &self,
        realm: &RealmId,
        algorithm: &str,
    ) -> Result<Option<SecretBox<[u8]>>, Error> {
        self.inner.find_signing_key(realm, algorithm).await
    }

    async fn bootstrap(&self, realm: &RealmId, changes: &[Change]) -> Result<Bootstrap, Error> {
        self.inner.bootstrap(realm, changes).await
    }

    async fn is_bootstrapped(&self, realm: &RealmId) -> Result<bool, Error> {
        self.inner.is_bootstrapped(realm).await
    }

    async fn purge(&self, realm: &RealmId) -> Result<bool, Error> {
        self.inner.purge(realm).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.inner.ping().await
    }
}
