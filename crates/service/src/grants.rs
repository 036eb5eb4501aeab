//! What catalog roles hold.

use merak_authz::operations::{
    AddGrantToCatalogRole, ListGrantsForCatalogRole, RevokeGrantFromCatalogRole,
};
use merak_authz::{Authorized, RelatedGrant, ResolvedGrant, grantable_on};
use merak_metastore::Change;
use merak_model::features::ENABLE_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS;
use merak_model::{
    Entity, EntityKind, EntityName, EventSubject, GrantRecord, Namespace, Privilege, RealmId,
};

use crate::catalogs::create;
use crate::events::Happening;
use crate::{Error, Service};

impl Service {
    /// What a catalog role holds: on the catalog, on namespaces, tables, views and policies, in this
    /// order, each by name.
    ///
    /// The proof must have been asked for with it.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_grants(
        &self,
        proof: Authorized<ListGrantsForCatalogRole>,
    ) -> Result<Vec<RelatedGrant>, Error> {
        let mut grants = proof.into_target().related;
        grants.retain(|grant| rank(grant.entity.kind).is_some());
        grants.sort_by_cached_key(|grant| {
            let namespace = grant.namespace.as_ref().map(ToString::to_string);
            let name = grant.entity.name.clone();
            (rank(grant.entity.kind), namespace, name, grant.privilege)
        });
        Ok(grants)
    }

    /// Grants a privilege to a catalog role. Granting it again changes nothing.
    ///
    /// What is not known here of a federated catalog's namespaces and tables is made with the grant, if
    /// its flag allows that: a grant there is one on a name. It fails with [`Error::AlreadyExists`] if
    /// another grant made it meanwhile, and is to be judged again then.
    pub async fn add_grant(&self, proof: Authorized<AddGrantToCatalogRole>) -> Result<(), Error> {
        let target = proof.target();
        let grant = record(target, proof.operation().privilege())?;
        let happened = happened(EventSubject::AddGrantToCatalogRole, target, &grant);
        let mut changes = self.stand_ins(proof.realm(), target)?;
        changes.push(Change::Grant(grant));
        Ok(self.apply(&proof.actor(), changes, vec![happened]).await?)
    }

    /// What makes that of a securable's path which is not known here.
    fn stand_ins(&self, realm: &RealmId, target: &ResolvedGrant) -> Result<Vec<Change>, Error> {
        let unknown = target.unknown();
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let features = self.features_of(realm);
        let features = features.within(&target.role.catalog.properties);
        if !features.is_on(&ENABLE_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS) {
            return Err(not_known(target));
        }
        let now_ms = self.clock.now_ms();
        let stand_in = |entity: &Entity| {
            if entity.kind == EntityKind::Namespace {
                Namespace::create(Namespace::decode(&entity.name).levels().to_vec())?;
            } else {
                EntityName::parse(&entity.name)?;
            }
            let entity = Entity { created_ms: now_ms, updated_ms: now_ms, ..entity.clone() };
            Ok(create(entity))
        };
        unknown.iter().map(stand_in).collect()
    }

    /// Takes a privilege from a catalog role.
    pub async fn revoke_grant(
        &self,
        proof: Authorized<RevokeGrantFromCatalogRole>,
    ) -> Result<(), Error> {
        let target = proof.target();
        if !target.unknown().is_empty() {
            return Err(not_known(target));
        }
        let grant = record(target, proof.operation().privilege())?;
        let happened = happened(EventSubject::RevokeGrantFromCatalogRole, target, &grant);
        Ok(self.apply(&proof.actor(), vec![Change::Revoke(grant)], vec![happened]).await?)
    }
}

/// Nothing was granted there, and nothing is.
fn not_known(target: &ResolvedGrant) -> Error {
    let kind = target.securable().kind;
    Error::NotAuthorized(merak_authz::Error::NotFound { kind, name: target.name() })
}

/// The grant, if there can be one: a privilege that no list has would reach beyond what whoever
/// grants it may manage.
fn record(target: &ResolvedGrant, privilege: Privilege) -> Result<GrantRecord, Error> {
    let securable = target.securable();
    if !grantable_on(securable.kind).contains(privilege) {
        return Err(Error::IllegalArgument(format!(
            "{privilege} cannot be granted on a {}",
            securable.kind.to_string().to_lowercase()
        )));
    }
    Ok(GrantRecord { securable: securable.id, grantee: target.role.role.id, privilege })
}

/// What is told of a grant that is made or taken away.
fn happened(subject: EventSubject, target: &ResolvedGrant, grant: &GrantRecord) -> Happening {
    let (catalog, role) = (&target.role.catalog, &target.role.role);
    let securable = target.securable();
    Happening::within(subject, &catalog.name, &role.name)
        .with("catalog_role_name", role.name.as_str())
        .with("privilege", grant.privilege.to_string())
        .with("securable_type", securable.kind.to_string())
        .with("securable_name", target.securable_name())
}

/// In which order grants are listed; nothing for what is not listed.
const fn rank(kind: EntityKind) -> Option<u8> {
    match kind {
        EntityKind::Catalog => Some(0),
        EntityKind::Namespace => Some(1),
        EntityKind::Table | EntityKind::GenericTable => Some(2),
        EntityKind::View => Some(3),
        EntityKind::Policy => Some(4),
        EntityKind::Root
        | EntityKind::Principal
        | EntityKind::PrincipalRole
        | EntityKind::CatalogRole => None,
    }
}
