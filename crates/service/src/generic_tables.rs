//! Generic tables: of other formats than Iceberg's. What is known of one is what its maker said: there
//! is no metadata file, and nothing ever changes it.

use merak_authz::operations::{DropGenericTable, ListGenericTables};
use merak_authz::{
    Authorized, CreateGenericTableAccess, GenericTableAccess, ResolvedCaller, ResolvedGenericTable,
    ResolvedNewTable,
};
use merak_metastore::Change;
use merak_model::entity::internal;
use merak_model::features::{ALLOW_TABLE_LOCATION_OVERLAP, CatalogFeatures, ENABLE_GENERIC_TABLES};
use merak_model::{
    Entity, EntityId, EntityKind, EventSubject, Location, Properties, RealmId, TableIdent,
};
use merak_storage::LocationGrant;
use serde::{Deserialize, Serialize};

use crate::answers::Answer;
use crate::delegation::{AccessDelegation, ClientAccess, Wanted};
use crate::events::{GENERIC_TABLE_NAME, Happening};
use crate::locations::{check_places, check_still_allowed, granted_places, storage_config};
use crate::new_tables::check_may_be_placed;
use crate::outcome::{Left, Trace};
use crate::properties::refuse_reserved;
use crate::tables::{Names, PageSize};
use crate::taken::{check_name, making_failed};
use crate::{Error, Service};

/// The one way to reach the files of a generic table that can be asked for.
const VENDED: AccessDelegation =
    AccessDelegation { vended_credentials: true, remote_signing: false };

/// A generic table that a client describes.
#[derive(Debug, Clone)]
pub struct GenericTableDraft {
    /// Its format, in the client's words.
    pub format: String,
    /// Where all its files lie, if the catalog is to know.
    pub base_location: Option<String>,
    /// What people are told of it.
    pub doc: Option<String>,
    /// Its properties.
    pub properties: Properties,
}

/// A generic table, as its maker described it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenericTable {
    /// Its name.
    pub name: String,
    /// Its format.
    pub format: String,
    /// Where all its files lie, as its maker spelled it.
    pub base_location: Option<String>,
    /// What people are told of it.
    pub doc: Option<String>,
    /// Its properties.
    pub properties: Properties,
}

impl GenericTable {
    fn of(entity: &Entity) -> Result<Self, Error> {
        let internal = |key: &str| entity.internal.get(key).cloned();
        let format = internal(internal::FORMAT).ok_or_else(|| {
            Error::Internal(format!("Generic table {} has no format", entity.name))
        })?;
        Ok(Self {
            name: entity.name.clone(),
            format,
            base_location: internal(internal::LOCATION),
            doc: internal(internal::DOC),
            properties: entity.properties.clone(),
        })
    }
}

/// A generic table as a client gets it.
#[derive(Debug, Clone)]
pub struct LoadedGenericTable {
    /// The table.
    pub table: GenericTable,
    /// What the client is given to reach its files.
    pub access: ClientAccess,
}

impl Service {
    /// Whether a realm has generic tables.
    pub fn has_generic_tables(&self, realm: &RealmId) -> bool {
        self.features_of(realm).of_realm().is_on(&ENABLE_GENERIC_TABLES)
    }

    /// Refuses what is about generic tables where a realm has none. Polaris looks before it asks who
    /// may, and what is there.
    pub fn check_generic_tables(&self, realm: &RealmId) -> Result<(), Error> {
        if self.has_generic_tables(realm) {
            return Ok(());
        }
        let name = ENABLE_GENERIC_TABLES.name;
        Err(Error::Unsupported(format!("Feature not enabled: {name}")))
    }

    /// The generic tables of a namespace, a page of them. The proof must have been asked for with one
    /// more.
    pub async fn list_generic_tables(
        &self,
        proof: Authorized<ListGenericTables>,
        size: PageSize,
    ) -> Result<Names, Error> {
        let (realm, caller) = (proof.realm().clone(), proof.caller().id);
        self.names(&realm, caller, proof.into_target(), EntityKind::GenericTable, size).await
    }

    /// Makes a generic table. Its files are its client's business; but the place of others' tables is
    /// as closed to it as to a table.
    pub async fn create_generic_table(
        &self,
        access: CreateGenericTableAccess,
        draft: GenericTableDraft,
    ) -> Result<LoadedGenericTable, Error> {
        let actor = &access.actor();
        let (realm, caller, target) = (&actor.realm, access.caller(), access.target());
        let catalog = &target.namespace.catalog;
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        check_name(EntityKind::GenericTable, target)?;
        refuse_reserved(draft.properties.keys().map(String::as_str))?;
        let place = judged_place(target, draft.base_location.as_deref(), features)?;
        let entity = self.new_generic_table(target, draft, place.as_ref());
        let keep_apart = !features.is_on(&ALLOW_TABLE_LOCATION_OVERLAP);
        let grant = LocationGrant::of_new_generic_table(&access, place.into_iter().collect());
        if keep_apart && grant.is_some() {
            // The transaction that makes it judges this, too: that is after credentials are minted.
            self.metastore.check_apart(realm, &entity).await?;
        }
        let client_access =
            self.generic_access((realm, caller), catalog, &target.ident, &entity, grant).await?;
        let (id, table) = (entity.id, GenericTable::of(&entity)?);
        let subject = EventSubject::CreateGenericTable;
        let happened = Happening::to_named(subject, catalog, GENERIC_TABLE_NAME, &target.ident);
        let happened = happened.knowing(&entity).with("format", table.format.as_str());
        let change = Change::Create { entity: Box::new(entity), metadata: None, keep_apart };
        let left = Left::Name(&target.ident, id);
        let trace = Trace { catalog, left };
        let answer = || Answer::GenericTable { id: id.0, table: table.clone() };
        self.apply_surely(actor, vec![change], vec![happened], answer, trace)
            .await
            .map_err(|error| making_failed(EntityKind::GenericTable, error, &target.ident))?;
        Ok(LoadedGenericTable { table, access: client_access })
    }

    fn new_generic_table(
        &self,
        target: &ResolvedNewTable,
        draft: GenericTableDraft,
        place: Option<&Location>,
    ) -> Entity {
        let mut entity = Entity::new(
            EntityKind::GenericTable,
            target.namespace.catalog.id,
            target.namespace.entity().id,
            &target.ident.name,
            self.clock.now_ms(),
        );
        entity.location = place.map(Location::comparable);
        entity.properties = draft.properties;
        entity.internal = [
            (internal::FORMAT, Some(draft.format)),
            (internal::DOC, draft.doc),
            (internal::LOCATION, draft.base_location),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
        entity
    }

    /// What is known of a generic table.
    pub async fn load_generic_table(
        &self,
        access: GenericTableAccess,
    ) -> Result<LoadedGenericTable, Error> {
        let table = GenericTable::of(&access.generic_table().table)?;
        let access = self.generic_table_access(&access).await?;
        Ok(LoadedGenericTable { table, access })
    }

    /// A generic table as it was when it was made under an idempotency key. If `access` was given, and
    /// is to the same one, so are credentials, which are of now.
    pub async fn answered_generic_table(
        &self,
        id: i64,
        table: GenericTable,
        access: Option<GenericTableAccess>,
    ) -> Result<LoadedGenericTable, Error> {
        let is_same = |access: &GenericTableAccess| access.generic_table().table.id == EntityId(id);
        let access = match access.filter(is_same) {
            Some(access) => self.generic_table_access(&access).await?,
            None => ClientAccess::default(),
        };
        Ok(LoadedGenericTable { table, access })
    }

    /// What a client is given to reach the files of a generic table, if it asked for that: nothing
    /// where the catalog does not know where they are.
    async fn generic_table_access(
        &self,
        access: &GenericTableAccess,
    ) -> Result<ClientAccess, Error> {
        let found = access.generic_table();
        let is_asked = !matches!(access, GenericTableAccess::Metadata(_));
        if !is_asked || !found.table.internal.contains_key(internal::LOCATION) {
            return Ok(ClientAccess::default());
        }
        let catalog = &found.namespace.catalog;
        check_still_allowed(&found.ident, &found.table, &storage_config(catalog)?)?;
        let grant = LocationGrant::of_generic_table(access, granted_places(&found.table)?);
        let who = (access.realm(), access.caller());
        self.generic_access(who, catalog, &found.ident, &found.table, grant).await
    }

    async fn generic_access(
        &self,
        (realm, caller): (&RealmId, &ResolvedCaller),
        catalog: &Entity,
        ident: &TableIdent,
        table: &Entity,
        grant: Option<LocationGrant>,
    ) -> Result<ClientAccess, Error> {
        if grant.is_none() {
            return Ok(ClientAccess::default());
        }
        let wanted = Wanted {
            realm,
            caller,
            catalog,
            ident,
            kind: EntityKind::GenericTable,
            location: table.internal.get(internal::LOCATION).map_or("", String::as_str),
            asked: VENDED,
        };
        let mut access = self.client_access(wanted, &storage_config(catalog)?, grant).await?;
        // The document of generic tables calls it otherwise than Iceberg's.
        if let Some(region) = access.config.get("client.region").cloned() {
            access.config.insert("s3.client.region".to_owned(), region);
        }
        Ok(access)
    }

    /// Removes a generic table from its catalog, and leaves its files.
    pub async fn drop_generic_table(
        &self,
        proof: Authorized<DropGenericTable>,
    ) -> Result<(), Error> {
        let actor = &proof.actor();
        let ResolvedGenericTable(target) = proof.into_target();
        self.drop_resolved(actor, target, false).await?;
        Ok(())
    }
}

/// Where a generic table is to lie, if it says so: judged as of a table.
fn judged_place(
    target: &ResolvedNewTable,
    base_location: Option<&str>,
    features: CatalogFeatures<'_>,
) -> Result<Option<Location>, Error> {
    let Some(base_location) = base_location else { return Ok(None) };
    check_may_be_placed("base-location", features)?;
    let place = Location::parse(base_location)?;
    let config = storage_config(&target.namespace.catalog)?;
    let places = std::slice::from_ref(&place);
    check_places(&target.ident, places, &target.namespace, &config, features)?;
    Ok(Some(place))
}
