//! What a newcomer starts with: a catalog on the local disk, and a principal for engines that may do
//! everything in it.

use merak_metastore::{Change, PrincipalSecrets};
use merak_model::entity::internal;
use merak_model::storage_config::Provider;
use merak_model::{
    CatalogType, Entity, EntityId, EntityKind, GrantRecord, Location, Privilege, StorageConfig,
};

use crate::Error;
use crate::catalogs::{catalog_changes, create};
use crate::locations::DEFAULT_BASE_LOCATION;

/// The changes that make a catalog of that name on the local disk, and an engine's principal whose
/// role may manage the catalog's content: all of it or nothing.
pub fn quickstart_changes(
    catalog: &str,
    location: &str,
    engine: &str,
    secrets: PrincipalSecrets,
    now_ms: i64,
) -> Result<Vec<Change>, Error> {
    let location = Location::parse(location)?;
    let storage = StorageConfig {
        allowed_locations: vec![location.as_str().to_owned()],
        storage_name: None,
        provider: Provider::File {},
    };
    let mut made =
        Entity::new(EntityKind::Catalog, EntityId::ROOT, EntityId::ROOT, catalog, now_ms);
    made.properties.insert(DEFAULT_BASE_LOCATION.to_owned(), location.as_str().to_owned());
    made.internal
        .insert(internal::CATALOG_TYPE.to_owned(), CatalogType::Internal.as_str().to_owned());
    made.internal.insert(internal::STORAGE_CONFIG.to_owned(), storage.to_json());
    let top = |kind| Entity::new(kind, EntityId::ROOT, EntityId::ROOT, engine, now_ms);
    let mut principal = top(EntityKind::Principal);
    principal.internal.insert(internal::CLIENT_ID.to_owned(), secrets.client_id.clone());
    let principal_role = top(EntityKind::PrincipalRole);
    let catalog_role = Entity::new(EntityKind::CatalogRole, made.id, made.id, engine, now_ms);
    let grants = [
        (principal_role.id, principal.id, Privilege::PrincipalRoleUsage),
        (catalog_role.id, principal_role.id, Privilege::CatalogRoleUsage),
        (made.id, catalog_role.id, Privilege::CatalogManageContent),
    ];
    let mut changes = catalog_changes(&made, now_ms);
    let principal_id = principal.id;
    changes.extend([create(principal), create(principal_role), create(catalog_role)]);
    changes.push(Change::SetSecrets(principal_id, secrets));
    changes.extend(grants.map(|(securable, grantee, privilege)| {
        Change::Grant(GrantRecord { securable, grantee, privilege })
    }));
    Ok(changes)
}
