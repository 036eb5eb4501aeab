//! Which files of a dropped table other tables name: added to them from here, or theirs since both
//! lie in one place.
//!
//! All snapshots of the others count. What is known of a file that never changes is remembered: that
//! it, and all below it, names nothing outside its own table's places. Most purges of a catalog then
//! look at little more than the tables that changed since the last one.

use futures::stream::{self, TryStreamExt as _};
use merak_metastore::{CallerRef, Children, Page, ResolveRequest, RoleSelection, TablesAfter};
use merak_model::{Entity, EntityId, EntityKind, Location, RealmId, StorageConfig};
use merak_storage::CatalogStore;
use merak_table_metadata::TableMetadata;
use moka::future::Cache;
use tokio::sync::Mutex;

use super::ReferenceCheck;
use super::failure::Failure;
use super::manifests::Reader;
use super::paths::{Fingerprints, Paths};
use super::progress::SharedProgress;
use super::reach::{is_within, overlap};
use crate::locations::{granted_places, storage_config};
use crate::metadata::parse;
use crate::{Error, Service};

/// How many catalogs or tables are looked up at a time.
const PAGE: u32 = 500;

/// How many tables are looked at at a time.
const AT_ONCE: usize = 8;

/// How often a table is looked at again whose files went away, since it was committed to.
const LOOKS: usize = 3;

/// Files that, with all below them, name nothing outside the places of their table: what stands for
/// the file by what stands for the places.
#[derive(Debug)]
pub(crate) struct Verdicts {
    fingerprints: Fingerprints,
    known: Cache<u128, u128>,
}

impl Verdicts {
    pub(crate) fn new(max_entries: u64) -> Self {
        Self { fingerprints: Fingerprints::default(), known: Cache::new(max_entries) }
    }
}

/// The table whose files are to be deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped<'a> {
    pub(crate) realm: &'a RealmId,
    pub(crate) catalog: EntityId,
    /// Its places, in the form overlaps are judged by.
    pub(crate) places: &'a [String],
}

/// What was found out about other tables.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files within the dropped table's places that others name, in the form overlaps are judged by.
    pub(crate) in_use: Paths,
    /// Whether the places of another table overlap the dropped table's.
    pub(crate) overlap: bool,
}

/// Another table, and the search that looks at it.
struct Other<'a> {
    search: &'a Search<'a>,
    /// Its catalog.
    catalog: EntityId,
    reader: Reader<'a>,
    /// Its places, in the form overlaps are judged by.
    places: Vec<String>,
    /// What stands for its places.
    places_print: u128,
    /// Whether they overlap the dropped table's.
    overlaps: bool,
}

/// The search for files in use.
struct Search<'a> {
    service: &'a Service,
    dropped: Dropped<'a>,
    progress: &'a SharedProgress,
    found: Mutex<Found>,
}

impl Service {
    /// All catalogs of a realm.
    pub(crate) async fn catalogs_of_realm(&self, realm: &RealmId) -> Result<Vec<Entity>, Error> {
        // Nobody: what is there does not depend on who asks.
        let nobody = CallerRef { principal: EntityId::ROOT.into(), roles: RoleSelection::All };
        let mut catalogs: Vec<Entity> = Vec::new();
        loop {
            let after = catalogs.last().map(|catalog| catalog.name.clone());
            let page = Page { after, limit: Some(PAGE) };
            let children =
                Children { of: None, kind: EntityKind::Catalog, page, names_only: false };
            let request = ResolveRequest {
                children: Some(children),
                ..ResolveRequest::of_realm(nobody.clone())
            };
            let found = self.metastore.resolve(realm, &request).await?.children;
            let is_last = found.len() < PAGE as usize;
            catalogs.extend(found);
            if is_last {
                return Ok(catalogs);
            }
        }
    }

    /// Whether no other table lies where the dropped one did, as far as can be found out.
    pub(crate) async fn is_apart(&self, dropped: Dropped<'_>, catalogs: &[Entity]) -> bool {
        let progress = &SharedProgress::default();
        let search = Search { service: self, dropped, progress, found: Mutex::default() };
        for catalog in catalogs {
            if !matches!(search.may_overlap(catalog).await, Ok(false)) {
                return false;
            }
        }
        true
    }

    /// Finds the files of a dropped table that other tables of the realm name.
    pub(crate) async fn files_in_use(
        &self,
        dropped: Dropped<'_>,
        catalogs: &[Entity],
        progress: &SharedProgress,
    ) -> Result<Found, Failure> {
        let found = Mutex::default();
        let search = Search { service: self, dropped, progress, found };
        for catalog in catalogs {
            let all = catalog.id == dropped.catalog
                && self.tasks.purge.reference_check == ReferenceCheck::Catalog;
            if all || search.may_overlap(catalog).await? {
                search.catalog(catalog, all).await?;
            }
        }
        Ok(search.found.into_inner())
    }
}

impl Search<'_> {
    /// Whether a table of a catalog may overlap the dropped one.
    async fn may_overlap(&self, catalog: &Entity) -> Result<bool, Failure> {
        if !reaches(&storage_config(catalog)?, self.dropped.places) {
            return Ok(false);
        }
        // As if a table were to be made at each place.
        for place in self.dropped.places {
            let (kind, parent) = (EntityKind::Table, EntityId::random());
            let mut probe = Entity::new(kind, catalog.id, parent, "probe", 0);
            probe.location = Some(place.clone());
            match self.service.metastore.check_apart(self.dropped.realm, &probe).await {
                Ok(()) => {}
                Err(merak_metastore::Error::LocationOverlap { .. }) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// Looks at the tables of a catalog: at all, or those that overlap.
    async fn catalog(&self, catalog: &Entity, all: bool) -> Result<(), Failure> {
        let store = self.service.store(self.dropped.realm, catalog)?;
        let mut after = TablesAfter::default();
        loop {
            let metastore = &self.service.metastore;
            let page = metastore.tables(self.dropped.realm, catalog.id, &after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            if let Some(last) = page.last() {
                let location = last.location.clone().unwrap_or_default();
                after = TablesAfter { location, id: last.id.0 };
            }
            stream::iter(page.into_iter().map(Ok))
                .try_for_each_concurrent(AT_ONCE, |table| self.table(catalog, &store, table, all))
                .await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Looks at a table. If its files go away while they are looked at, it was committed to.
    async fn table(
        &self,
        catalog: &Entity,
        store: &CatalogStore,
        mut table: Entity,
        all: bool,
    ) -> Result<(), Failure> {
        let mut looks = 0;
        loop {
            let name = format!("table {} of catalog {}", table.name, catalog.name);
            let places = granted_places(&table)?;
            let places: Vec<_> = places.iter().map(Location::comparable).collect();
            let overlaps = overlap(&places, self.dropped.places);
            if !all && !overlaps {
                return Ok(());
            }
            let metadata_location = table.metadata_location.clone().ok_or_else(|| {
                Failure::Lasting(format!("{name} has no metadata, so what it uses is not known"))
            })?;
            let other = Other {
                search: self,
                catalog: catalog.id,
                reader: Reader {
                    storage: &self.service.storage,
                    store,
                    max_bytes: self.service.tasks.purge.max_file_bytes,
                },
                places_print: self.service.tasks.verdicts.fingerprints.of(&places),
                places,
                overlaps,
            };
            let failure = match other.look(&metadata_location).await {
                Ok(()) => break,
                Err(failure) => failure,
            };
            looks += 1;
            match self.again(&table).await? {
                None => return Ok(()),
                Some(newer) if newer.version != table.version && looks < LOOKS => table = newer,
                Some(_) => {
                    let what = format!("what {name} uses is not known, so nothing is deleted");
                    return Err(failure.of(&what));
                }
            }
        }
        self.progress.update(|progress| progress.tables_checked += 1);
        Ok(())
    }

    /// A table as it is now, if it is still there and where it was.
    async fn again(&self, table: &Entity) -> Result<Option<Entity>, Failure> {
        let location = table.location.clone().unwrap_or_default();
        let after = TablesAfter { location, id: table.id.0 - 1 };
        let (realm, metastore) = (self.dropped.realm, &self.service.metastore);
        let found = metastore.tables(realm, table.catalog_id, &after, 1).await?;
        if let Some(found) = found.into_iter().find(|found| found.id == table.id) {
            return Ok(Some(found));
        }
        // It was dropped, or moved to another location: then it may have been passed over.
        let mut after = TablesAfter::default();
        loop {
            let page = metastore.tables(realm, table.catalog_id, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(None) };
            let location = last.location.clone().unwrap_or_default();
            after = TablesAfter { location, id: last.id.0 };
            if let Some(found) = page.into_iter().find(|found| found.id == table.id) {
                return Ok(Some(found));
            }
        }
    }
}

impl Other<'_> {
    /// Looks at all that the table's metadata names.
    async fn look(&self, metadata_location: &str) -> Result<(), Failure> {
        if self.is_known(metadata_location).await {
            return Ok(());
        }
        let location = Location::parse(metadata_location).map_err(Error::from)?;
        if !self.reader.store.config.allows(&location) {
            let text = format!("{location} is outside the catalog's allowed locations");
            return Err(Failure::Passing(text));
        }
        let json = self.reader.storage.read_metadata(self.reader.store, &location).await?;
        let metadata =
            parse(metadata_location, &json).map_err(|error| Failure::Lasting(error.to_string()))?;
        let named = std::iter::once(metadata_location)
            .chain(metadata.metadata_log())
            .chain(metadata.statistics_files());
        let mut is_own = self.note(named).await?;
        for (path, is_list) in lists_and_manifests(&metadata) {
            is_own &= self.note(std::iter::once(path)).await?;
            is_own &= if is_list { self.list(path).await? } else { self.manifest(path).await? };
        }
        self.judged(metadata_location, is_own).await;
        Ok(())
    }

    /// Looks at a manifest list. Whether it and what it names names nothing elsewhere.
    async fn list(&self, path: &str) -> Result<bool, Failure> {
        if self.is_known(path).await {
            return Ok(true);
        }
        let location = Location::parse(path).map_err(Error::from)?;
        let manifests = self.reader.list(&location).await?.ok_or_else(|| gone(path))?;
        let mut is_own = true;
        for manifest in &manifests {
            is_own &= self.note(std::iter::once(manifest.as_str())).await?;
            is_own &= self.manifest(manifest).await?;
        }
        self.judged(path, is_own).await;
        Ok(is_own)
    }

    /// Looks at a manifest. Whether it names nothing elsewhere.
    async fn manifest(&self, path: &str) -> Result<bool, Failure> {
        if self.is_known(path).await {
            return Ok(true);
        }
        let location = Location::parse(path).map_err(Error::from)?;
        let mut names = self.reader.manifest(&location).await?.ok_or_else(|| gone(path))?;
        let mut is_own = true;
        while let Some(batch) = names.next().await? {
            is_own &= self.note(batch.iter().map(String::as_str)).await?;
        }
        self.judged(path, is_own).await;
        Ok(is_own)
    }

    /// Notes which files that the table names are in the dropped table's places. Whether all are in
    /// its own.
    async fn note(&self, paths: impl Iterator<Item = &str>) -> Result<bool, Failure> {
        let (service, dropped) = (self.search.service, &self.search.dropped);
        let mut is_own = true;
        let mut in_use = Vec::new();
        for path in paths {
            // What is no location is nothing that would be deleted.
            let Ok(location) = Location::parse(path) else { continue };
            let form = location.comparable();
            is_own &= is_within(&form, &self.places);
            if is_within(&form, dropped.places) {
                in_use.push(form);
            }
        }
        if in_use.is_empty() && !self.overlaps {
            return Ok(is_own);
        }
        let mut found = self.search.found.lock().await;
        found.overlap |= self.overlaps;
        for form in in_use {
            if found.in_use.insert(&form) {
                self.search.progress.update(|progress| progress.files_in_use += 1);
            }
        }
        let limit = service.tasks.purge.max_files_in_use;
        if found.in_use.len() > limit {
            return Err(Failure::Lasting(format!(
                "other tables use more than {limit} files of this one, so all were left: delete what \
                 is not needed with an engine, or raise merak.purge.max-files-in-use"
            )));
        }
        Ok(is_own)
    }

    /// Whether it is known of a file that it names nothing outside the table's places, and so
    /// nothing in the dropped table's.
    async fn is_known(&self, path: &str) -> bool {
        let verdicts = &self.search.service.tasks.verdicts;
        !self.overlaps && verdicts.known.get(&self.print(path)).await == Some(self.places_print)
    }

    /// Remembers what was found out about a file.
    async fn judged(&self, path: &str, is_own: bool) {
        if is_own {
            let verdicts = &self.search.service.tasks.verdicts;
            verdicts.known.insert(self.print(path), self.places_print).await;
        }
    }

    fn print(&self, path: &str) -> u128 {
        let realm = self.search.dropped.realm.as_str();
        self.search.service.tasks.verdicts.fingerprints.of((realm, self.catalog.0, path))
    }
}

/// Manifest lists, and manifests that are in none; which of them are lists.
fn lists_and_manifests(metadata: &TableMetadata) -> impl Iterator<Item = (&str, bool)> {
    let lists = metadata.manifest_lists().map(|path| (path, true));
    lists.chain(metadata.manifests_without_list().map(|path| (path, false)))
}

/// Whether a catalog may have something in one of these places, or around it.
fn reaches(config: &StorageConfig, places: &[String]) -> bool {
    config.allowed_locations.iter().any(|allowed| {
        Location::parse(allowed)
            .map_or(true, |allowed| overlap(std::slice::from_ref(&allowed.comparable()), places))
    })
}

fn gone(path: &str) -> Failure {
    Failure::Passing(format!("{path} does not exist"))
}
