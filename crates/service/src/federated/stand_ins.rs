//! What stands here for a federated catalog's namespaces, tables and views: grants have made it.

use merak_authz::{Children, Page};
use merak_metastore::{CallerRef, Change, ResolveRequest, RoleSelection};
use merak_model::{Entity, EntityId, EntityKind, Namespace, RealmId};

use crate::{Error, Service};

/// What can be in a catalog or a namespace.
const KINDS: [EntityKind; 5] = [
    EntityKind::Namespace,
    EntityKind::Table,
    EntityKind::View,
    EntityKind::GenericTable,
    EntityKind::Policy,
];

impl Service {
    /// What removes everything that is in a federated catalog here, the innermost first.
    pub(crate) async fn drop_of_stand_ins(
        &self,
        realm: &RealmId,
        caller: EntityId,
        catalog: &str,
    ) -> Result<Vec<Change>, Error> {
        let mut found = self.children_of(realm, caller, catalog, None).await?;
        let mut next = 0;
        while let Some(entity) = found.get(next) {
            next += 1;
            if entity.kind == EntityKind::Namespace {
                let namespace = Namespace::decode(&entity.name);
                found.extend(self.children_of(realm, caller, catalog, Some(namespace)).await?);
            }
        }
        let policies = found.iter().filter(|entity| entity.kind == EntityKind::Policy);
        let detached = policies.map(|policy| Change::DetachPolicyFromAll(policy.id));
        let drop = |entity: &Entity| Change::Drop { id: entity.id, expected: entity.version };
        Ok(detached.chain(found.iter().rev().map(drop)).collect())
    }

    async fn children_of(
        &self,
        realm: &RealmId,
        caller: EntityId,
        catalog: &str,
        of: Option<Namespace>,
    ) -> Result<Vec<Entity>, Error> {
        let mut found = Vec::new();
        for kind in KINDS {
            let caller = CallerRef { principal: caller.into(), roles: RoleSelection::All };
            let children =
                Children { of: of.clone(), kind, page: Page::default(), names_only: false };
            let request = ResolveRequest {
                namespaces: of.iter().cloned().collect(),
                children: Some(children),
                ..ResolveRequest::of_catalog(caller, catalog)
            };
            found.extend(self.metastore.resolve(realm, &request).await?.children);
        }
        Ok(found)
    }
}
