//! Deletes the files of a table that was dropped with purge.
//!
//! Deleted are the files that the table's own metadata names, of all snapshots, by their names: the
//! store is never listed. Only what lies in the table's own places and within the catalog's allowed
//! locations is deleted, and nothing that another table of the realm names. An attempt can be cut off
//! anywhere: the next one begins at the metadata file, which goes last.

mod details;
mod failure;
mod manifests;
mod others;
mod paths;
mod progress;
mod reach;
mod removal;

use std::time::Duration;

use merak_metastore::Task;
use merak_model::{Entity, EntityId, Location, RealmId};
use merak_storage::{CatalogStore, Error as StorageError};
use merak_table_metadata::TableMetadata;

pub(crate) use self::details::{PURGE, PurgeDetails};
pub(crate) use self::failure::Failure;
use self::manifests::Reader;
use self::others::Dropped;
pub(crate) use self::others::Verdicts;
pub(crate) use self::progress::{Phase, SharedProgress};
use self::reach::Reach;
use self::removal::{Kind, Removal};
use crate::metadata::parse;
use crate::{Error, Service};

/// Which other tables are looked at, whether they name files of the table that is purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceCheck {
    /// All of its catalog, and those of the realm that lie where it does.
    Catalog,
    /// Those of the realm that lie where it does.
    Overlapping,
}

/// How dropped tables are purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeSettings {
    /// Which other tables are looked at.
    pub reference_check: ReferenceCheck,
    /// Where others use more files of a table than this, all of its files are left.
    pub max_files_in_use: usize,
    /// Of so many files of other tables it is remembered that they name nothing elsewhere.
    pub max_verdicts: u64,
    /// Manifests and manifest lists larger than this are not read.
    pub max_file_bytes: u64,
}

/// How long folders may take to be tidied up: they are no files, and cost nothing.
const TIDY_UP_WITHIN: Duration = Duration::from_mins(1);

/// A purge that is under way.
struct Purge<'a> {
    service: &'a Service,
    details: &'a PurgeDetails,
    store: CatalogStore,
    places: Vec<Location>,
    progress: &'a SharedProgress,
}

impl Service {
    /// Makes an attempt at a purge.
    pub(crate) async fn purge_files(
        &self,
        realm: &RealmId,
        task: &Task,
        progress: &SharedProgress,
    ) -> Result<(), Failure> {
        let details: PurgeDetails = serde_json::from_str(&task.details)
            .map_err(|error| Failure::Lasting(format!("its details cannot be read: {error}")))?;
        let catalogs = self.catalogs_of_realm(realm).await?;
        // As it is now: its locations and its role may have changed.
        let catalog = catalogs.iter().find(|catalog| catalog.id == task.catalog_id);
        let catalog: Entity =
            catalog.cloned().unwrap_or_else(|| details.catalog_as_it_was(task.catalog_id));
        let store = self.store(realm, &catalog)?;
        let places = details.parsed_places()?;
        let purge = Purge { service: self, details: &details, store, places, progress };
        let Some(metadata) = purge.metadata().await? else {
            // It goes last: an attempt before ended here, or somebody else deleted the files.
            progress.update(|progress| progress.gone_already += 1);
            purge.remove_folders(realm, task.catalog_id, &catalogs).await;
            return Ok(());
        };

        progress.update(|progress| progress.phase = Phase::Checking);
        let forms: Vec<_> = purge.places.iter().map(Location::comparable).collect();
        let dropped = Dropped { realm, catalog: task.catalog_id, places: &forms };
        let found = self.files_in_use(dropped, &catalogs, progress).await?;

        progress.update(|progress| progress.phase = Phase::Deleting);
        let overlap = found.overlap;
        let reach = Reach::new(purge.store.config.clone(), &purge.places, found.in_use);
        purge.delete_all(&metadata, &reach).await?;
        if !overlap {
            purge.tidy_up().await;
        }
        Ok(())
    }
}

impl Purge<'_> {
    /// The table's last metadata; nothing if the file is gone.
    async fn metadata(&self) -> Result<Option<TableMetadata>, Failure> {
        let text = &self.details.metadata_location;
        let location = Location::parse(text).map_err(Error::from)?;
        if !self.store.config.allows(&location) {
            return Err(Failure::Passing(format!(
                "{location} is outside the catalog's current allowed locations, so what the table \
                 names is not known, and nothing is deleted"
            )));
        }
        let json = match self.service.storage.read_metadata(&self.store, &location).await {
            Ok(json) => json,
            Err(StorageError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let metadata = parse(text, &json).map_err(|error| Failure::Lasting(error.to_string()))?;
        match &self.details.table_uuid {
            Some(uuid) if uuid != metadata.uuid() => Err(Failure::Lasting(format!(
                "{location} is now of another table: its table-uuid is {}, and that of the dropped \
                 table was {uuid}",
                metadata.uuid()
            ))),
            Some(_) | None => Ok(Some(metadata)),
        }
    }

    /// Deletes all that the metadata names, then its file.
    async fn delete_all(&self, metadata: &TableMetadata, reach: &Reach) -> Result<(), Failure> {
        // Iceberg's property for tables whose data files belong to others as well.
        let keeps_data =
            metadata.property("gc.enabled").is_some_and(|text| text.eq_ignore_ascii_case("false"));
        self.progress.update(|progress| {
            progress.snapshots = metadata.snapshot_ids().count().try_into().unwrap_or(u64::MAX);
            progress.data_is_kept = keeps_data;
        });
        let storage = &*self.service.storage;
        let reader = Reader {
            storage,
            store: &self.store,
            max_bytes: self.service.tasks.purge.max_file_bytes,
        };
        let mut removal = Removal::new(storage, &self.store, reach, self.progress);
        for path in metadata.manifest_lists() {
            if !removal.is_new(path) {
                continue;
            }
            if let Some(location) = reach.readable(path) {
                match reader.list(&location).await? {
                    Some(manifests) => {
                        for manifest in &manifests {
                            self.manifest(manifest, keeps_data, reader, reach, &mut removal)
                                .await?;
                        }
                    }
                    None => self.progress.update(|progress| progress.gone_already += 1),
                }
            }
            removal.add(Kind::ManifestList, path).await?;
        }
        for path in metadata.manifests_without_list() {
            self.manifest(path, keeps_data, reader, reach, &mut removal).await?;
        }
        for path in metadata.statistics_files() {
            removal.add(Kind::Statistics, path).await?;
        }
        for path in metadata.metadata_log() {
            if path != self.details.metadata_location {
                removal.add(Kind::Metadata, path).await?;
            }
        }
        removal.flush().await?;
        removal.check()?;
        removal.add(Kind::Metadata, &self.details.metadata_location).await?;
        removal.flush().await?;
        removal.check()
    }

    /// Deletes what a manifest names, and then the manifest.
    async fn manifest(
        &self,
        path: &str,
        keeps_data: bool,
        reader: Reader<'_>,
        reach: &Reach,
        removal: &mut Removal<'_>,
    ) -> Result<(), Failure> {
        if !removal.is_new(path) {
            return Ok(());
        }
        if !keeps_data && let Some(location) = reach.readable(path) {
            let Some(mut names) = reader.manifest(&location).await? else {
                self.progress.update(|progress| progress.gone_already += 1);
                return Ok(());
            };
            while let Some(batch) = names.next().await? {
                for file in &batch {
                    removal.add(Kind::Data, file).await?;
                }
            }
            self.progress.update(|progress| progress.manifests_read += 1);
        }
        removal.add(Kind::Manifest, path).await
    }

    /// Removes the folders that are empty now, unless another table is there.
    async fn remove_folders(&self, realm: &RealmId, catalog: EntityId, catalogs: &[Entity]) {
        let forms: Vec<_> = self.places.iter().map(Location::comparable).collect();
        let dropped = Dropped { realm, catalog, places: &forms };
        if self.service.is_apart(dropped, catalogs).await {
            self.tidy_up().await;
        }
    }

    /// Removes the folders that are empty now, where the store has folders.
    async fn tidy_up(&self) {
        for place in &self.places {
            if !self.store.config.allows(place) {
                continue;
            }
            let removing = self.service.storage.remove_empty_folders(&self.store, place);
            match tokio::time::timeout(TIDY_UP_WITHIN, removing).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(
                    %place,
                    error = &error as &dyn std::error::Error,
                    "empty folders of a purged table are left"
                ),
                Err(_) => tracing::debug!(%place, "empty folders of a purged table are left"),
            }
        }
    }
}
