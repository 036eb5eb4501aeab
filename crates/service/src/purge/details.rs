//! What a purge has to know, since the table, and maybe its catalog, are gone when it is done.

use std::collections::BTreeMap;

use merak_authz::ResolvedTable;
use merak_metastore::NewTask;
use merak_model::entity::internal;
use merak_model::features::Flag;
use merak_model::{Entity, EntityId, EntityKind, Location};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::locations::granted_places;
use crate::tables::pointer;

/// The kind of tasks that delete the files of a dropped table.
pub(crate) const PURGE: &str = "purge-table";

/// What a purge has to know. There are no secrets in it: a storage configuration has none, and of
/// the catalog's properties only those are kept that are feature flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct PurgeDetails {
    /// The catalog's name.
    pub(crate) catalog: String,
    /// Its storage configuration as it was, for when the catalog is gone.
    pub(crate) storage: String,
    /// Its feature flags as they were.
    pub(crate) properties: BTreeMap<String, String>,
    /// The table's namespace and name.
    pub(crate) table: String,
    /// The table's uuid, if it is known.
    pub(crate) table_uuid: Option<String>,
    /// Its last metadata file.
    pub(crate) metadata_location: String,
    /// Its places: nothing beside them is deleted.
    pub(crate) places: Vec<String>,
}

impl PurgeDetails {
    /// The task that deletes the files of a table as it is now.
    pub(crate) fn task(found: &ResolvedTable, now_ms: i64) -> Result<NewTask, Error> {
        let catalog = &found.namespace.catalog;
        let storage = catalog.internal.get(internal::STORAGE_CONFIG).cloned();
        let details = Self {
            catalog: catalog.name.clone(),
            storage: storage.unwrap_or_default(),
            properties: catalog
                .properties
                .iter()
                .filter(|(name, _)| Flag::of_catalog_property(name).is_some())
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            table: found.ident.to_string(),
            table_uuid: found.table.internal.get("table-uuid").cloned(),
            metadata_location: pointer(found)?.to_owned(),
            places: granted_places(&found.table)?.iter().map(ToString::to_string).collect(),
        };
        Ok(NewTask {
            id: EntityId::random(),
            kind: PURGE.to_owned(),
            catalog_id: catalog.id,
            subject: details.table.clone(),
            details: serde_json::to_string(&details).expect("details have a JSON form"),
            created_ms: now_ms,
        })
    }

    /// Reads them from a task; nothing where a newer version wrote them otherwise.
    pub(crate) fn parse(details: &str) -> Option<Self> {
        serde_json::from_str(details).ok()
    }

    /// The catalog as it was, as far as its store depends on it.
    pub(crate) fn catalog_as_it_was(&self, id: EntityId) -> Entity {
        let (root, kind) = (EntityId::ROOT, EntityKind::Catalog);
        let mut catalog = Entity::new(kind, root, root, self.catalog.as_str(), 0);
        catalog.id = id;
        catalog.properties.clone_from(&self.properties);
        catalog.internal.insert(internal::STORAGE_CONFIG.to_owned(), self.storage.clone());
        catalog
    }

    /// The table's places.
    pub(crate) fn parsed_places(&self) -> Result<Vec<Location>, Error> {
        let parsed = self.places.iter().map(|place| Location::parse(place));
        Ok(parsed.collect::<Result<_, _>>()?)
    }
}
