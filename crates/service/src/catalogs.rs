//! Catalogs.

use merak_authz::operations::{
    CATALOG_ADMIN, CreateCatalog, DeleteCatalog, GetCatalog, GetConfig, ListCatalogs,
    ROOT_PRINCIPAL, UpdateCatalog,
};
use merak_authz::{Authorized, Children, Page};
use merak_federation::ConnectionDraft;
use merak_metastore::{CallerRef, Change, PrincipalSecrets, ResolveRequest};
use merak_metastore::{Error as MetastoreError, RoleSelection};
use merak_model::entity::internal;
use merak_model::features::ALLOW_DROPPING_NON_EMPTY_PASSTHROUGH_FACADE_CATALOG;
use merak_model::names::check_management_name;
use merak_model::{
    CatalogType, Entity, EntityId, EntityKind, EntityVersion, EventSubject, GrantRecord, Privilege,
    Properties, StorageConfig,
};

use crate::catalog_rules;
use crate::events::Happening;
use crate::external::is_external;
use crate::locations::{DEFAULT_BASE_LOCATION, storage_config};
use crate::properties::{refuse_kept_by_realm, refuse_reserved_of_catalog};
use crate::versioned::{self, drop_failed, stale, update_failed};
use crate::{Error, Service};

/// A catalog that is to be made.
#[derive(Debug, Clone)]
pub struct CatalogDraft {
    /// Its name.
    pub name: String,
    /// Who owns its metadata.
    pub catalog_type: CatalogType,
    /// Its properties, `default-base-location` among them.
    pub properties: Properties,
    /// Its storage.
    pub storage: StorageConfig,
    /// How the catalog that owns its tables is reached, if they are to be looked up there.
    pub connection: Option<ConnectionDraft>,
}

/// What is to change about a catalog.
#[derive(Debug, Clone)]
pub struct CatalogUpdate {
    /// The version the caller saw.
    pub current_version: EntityVersion,
    /// All properties as they are to be, or nothing to leave them.
    pub properties: Option<Properties>,
    /// The storage as it is to be, or nothing to leave it.
    pub storage: Option<StorageConfig>,
    /// The connection as it is to be, or nothing to leave it.
    pub connection: Option<ConnectionDraft>,
}

impl Service {
    /// Makes a catalog with its role `catalog_admin`, which may manage its metadata and its grants,
    /// and grants that role to `service_admin`: all of it or nothing.
    ///
    /// The proof must have been asked for with all catalogs as children.
    pub async fn create_catalog(
        &self,
        proof: Authorized<CreateCatalog>,
        draft: CatalogDraft,
    ) -> Result<Entity, Error> {
        let actor = &proof.actor();
        let features = self.features_of(&actor.realm);
        let CatalogDraft { name, catalog_type, properties, storage, connection } = draft;
        check_management_name(&name)
            .map_err(|reason| Error::BadRequest(format!("Invalid value: name: {reason}")))?;
        refuse_reserved_of_catalog(properties.keys().map(String::as_str))?;
        refuse_kept_by_realm(&properties, features.of_realm())?;
        // What the realm allows, whatever the catalog's own properties say: whoever makes it writes
        // those.
        let storage = catalog_rules::check(&properties, storage, features.of_realm())?;
        let others = &proof.target().children;
        if others.iter().any(|other| other.name == name) {
            return Err(catalog_exists(&name));
        }
        catalog_rules::check_overlap(
            &name,
            &properties,
            &storage,
            others.iter(),
            features.of_realm(),
        )?;
        let now = self.clock.now_ms();
        let mut catalog =
            Entity::new(EntityKind::Catalog, EntityId::ROOT, EntityId::ROOT, &name, now);
        catalog.properties = properties;
        catalog
            .internal
            .insert(internal::CATALOG_TYPE.to_owned(), catalog_type.as_str().to_owned());
        catalog.internal.insert(internal::STORAGE_CONFIG.to_owned(), storage.to_json());
        if let Some(connection) = connection {
            let connection = self.connect(&actor.realm, &catalog, connection)?;
            catalog.internal.insert(internal::CONNECTION.to_owned(), connection);
        }
        let happened = Happening::to_catalog(EventSubject::CreateCatalog, &catalog)
            .with("catalog_type", catalog_type.as_str());
        let changes = catalog_changes(&catalog, now);
        self.apply(actor, changes, vec![happened]).await.map_err(|error| {
            if matches!(error, MetastoreError::AlreadyExists { .. }) {
                catalog_exists(&name)
            } else {
                error.into()
            }
        })?;
        Ok(catalog)
    }

    /// The realm's catalogs, in name order.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_catalogs(
        &self,
        proof: Authorized<ListCatalogs>,
    ) -> Result<Vec<Entity>, Error> {
        Ok(proof.into_target().children)
    }

    /// A catalog.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn get_catalog(&self, proof: Authorized<GetCatalog>) -> Result<Entity, Error> {
        Ok(proof.into_target().catalog)
    }

    /// A catalog, for a client that is about to use it.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn get_config(&self, proof: Authorized<GetConfig>) -> Result<Entity, Error> {
        Ok(proof.into_target().catalog)
    }

    /// Changes a catalog that is still at the version the caller saw.
    ///
    /// The properties are replaced as a whole, but for the base location, which stays unless
    /// another is given.
    pub async fn update_catalog(
        &self,
        proof: Authorized<UpdateCatalog>,
        update: CatalogUpdate,
    ) -> Result<Entity, Error> {
        let actor = &proof.actor();
        let realm = &actor.realm;
        let features = self.features_of(realm);
        let caller = CallerRef { principal: actor.id.into(), roles: RoleSelection::All };
        let before = proof.into_target().catalog;
        if update.current_version != before.version {
            return Err(stale(&before, update.current_version));
        }
        let mut after = before.clone();
        if let Some(mut properties) = update.properties {
            refuse_reserved_of_catalog(properties.keys().map(String::as_str))?;
            refuse_kept_by_realm(&properties, features.of_realm())?;
            let base = properties.get(DEFAULT_BASE_LOCATION).is_none_or(String::is_empty);
            if base && let Some(kept) = before.properties.get(DEFAULT_BASE_LOCATION) {
                properties.insert(DEFAULT_BASE_LOCATION.to_owned(), kept.clone());
            }
            after.properties = properties;
        }
        let stored = storage_config(&before)?;
        let wanted = update.storage.unwrap_or_else(|| stored.clone());
        catalog_rules::check_change(&stored, &wanted, features.of_realm())?;
        let storage = catalog_rules::check(&after.properties, wanted, features.of_realm())?;
        let others = self.all_catalogs(realm, caller).await?;
        catalog_rules::check_overlap(
            &after.name,
            &after.properties,
            &storage,
            others.iter().filter(|other| other.id != before.id),
            features.of_realm(),
        )?;
        after.internal.insert(internal::STORAGE_CONFIG.to_owned(), storage.to_json());
        // Of an INTERNAL one it is a member that is not known.
        if let Some(connection) = update.connection.filter(|_| is_external(&before)) {
            let connection = self.reconnect(&actor.realm, &before, connection)?;
            after.internal.insert(internal::CONNECTION.to_owned(), connection);
        }
        after.version = before.version.next();
        after.updated_ms = self.clock.now_ms();
        let happened = Happening::to_catalog(EventSubject::UpdateCatalog, &after);
        let change = versioned::update(&before, &after);
        let applied = self.apply(actor, vec![change], vec![happened]).await;
        applied.map_err(|error| update_failed(error, &before))?;
        Ok(after)
    }

    /// Removes a catalog that holds no namespaces and no roles but `catalog_admin`.
    ///
    /// The proof must have been asked for with two catalog roles as children.
    pub async fn delete_catalog(&self, proof: Authorized<DeleteCatalog>) -> Result<(), Error> {
        let (actor, caller) = (&proof.actor(), proof.caller().id);
        let target = proof.into_target();
        let name = &target.catalog.name;
        let features = self.features_of(&actor.realm);
        let features = features.within(&target.catalog.properties);
        let with_stand_ins = target.catalog.has_connection()
            && features.is_on(&ALLOW_DROPPING_NON_EMPTY_PASSTHROUGH_FACADE_CATALOG);
        let not_empty = || {
            let hint = if target.catalog.has_connection() && !with_stand_ins {
                ". Set ALLOW_DROPPING_NON_EMPTY_PASSTHROUGH_FACADE_CATALOG to true to drop it with \
                 the namespaces that grants have left in it"
            } else {
                ""
            };
            Error::BadRequest(format!(
                "Catalog '{name}' cannot be dropped, it is not empty: remove its namespaces and \
                 all catalog roles but {CATALOG_ADMIN} first{hint}"
            ))
        };
        if target.children.len() > 1 {
            return Err(not_empty());
        }
        let mut drops = Vec::new();
        if with_stand_ins {
            drops = self.drop_of_stand_ins(&actor.realm, caller, name).await?;
        }
        let rest = target.children.iter().chain([&target.catalog]);
        drops.extend(rest.map(|entity| Change::Drop { id: entity.id, expected: entity.version }));
        let happened = Happening::to_catalog(EventSubject::DeleteCatalog, &target.catalog);
        self.apply(actor, drops, vec![happened]).await.map_err(|error| {
            if matches!(error, MetastoreError::NotEmpty { .. }) {
                not_empty()
            } else if matches!(error, MetastoreError::Conflict { .. }) {
                drop_failed(error, &format!("Catalog '{name}'"))
            } else {
                error.into()
            }
        })
    }

    async fn all_catalogs(
        &self,
        realm: &merak_model::RealmId,
        caller: CallerRef,
    ) -> Result<Vec<Entity>, Error> {
        let all = Children {
            of: None,
            kind: EntityKind::Catalog,
            page: Page::default(),
            names_only: false,
        };
        let request = ResolveRequest { children: Some(all), ..ResolveRequest::of_realm(caller) };
        Ok(self.metastore.resolve(realm, &request).await?.children)
    }
}

fn catalog_exists(name: &str) -> Error {
    Error::AlreadyExists(format!(
        "Cannot create Catalog {name}. Catalog already exists or resolution failed"
    ))
}

/// What makes a catalog: itself, its role, what the role may, and who has it.
pub(crate) fn catalog_changes(catalog: &Entity, now_ms: i64) -> Vec<Change> {
    let admin = Entity::new(EntityKind::CatalogRole, catalog.id, catalog.id, CATALOG_ADMIN, now_ms);
    let grant = |securable, grantee, privilege| {
        Change::Grant(GrantRecord { securable, grantee, privilege })
    };
    let admin_id = admin.id;
    vec![
        create(catalog.clone()),
        create(admin),
        grant(catalog.id, admin_id, Privilege::CatalogManageAccess),
        grant(catalog.id, admin_id, Privilege::CatalogManageMetadata),
        grant(admin_id, EntityId::SERVICE_ADMIN, Privilege::CatalogRoleUsage),
    ]
}

pub(crate) fn create(entity: Entity) -> Change {
    Change::Create { entity: Box::new(entity), metadata: None, keep_apart: false }
}

/// What makes a realm: its root container, the principal `root` with these secrets, and the
/// principal role `service_admin`, which may manage the service, granted to it.
pub fn bootstrap_changes(secrets: PrincipalSecrets, now_ms: i64) -> Vec<Change> {
    let mut container =
        Entity::new(EntityKind::Root, EntityId::ROOT, EntityId::ROOT, "root_container", now_ms);
    container.id = EntityId::ROOT;
    let top = |kind, name| Entity::new(kind, EntityId::ROOT, EntityId::ROOT, name, now_ms);
    let mut principal = top(EntityKind::Principal, ROOT_PRINCIPAL);
    principal.internal.insert(internal::CLIENT_ID.to_owned(), secrets.client_id.clone());
    let mut admin = top(EntityKind::PrincipalRole, "service_admin");
    admin.id = EntityId::SERVICE_ADMIN;
    let grants = [
        (EntityId::SERVICE_ADMIN, principal.id, Privilege::PrincipalRoleUsage),
        (EntityId::ROOT, EntityId::SERVICE_ADMIN, Privilege::ServiceManageAccess),
    ];
    let principal_id = principal.id;
    let mut changes = vec![
        create(container),
        create(principal),
        Change::SetSecrets(principal_id, secrets),
        create(admin),
    ];
    changes.extend(grants.map(|(securable, grantee, privilege)| {
        Change::Grant(GrantRecord { securable, grantee, privilege })
    }));
    changes
}
