//! Deletes files in an order that lets an attempt that is cut off be made again.
//!
//! What names other files is deleted after them: manifests after the files that they name, manifest
//! lists after their manifests, the last metadata file after everything. So at any moment all that is
//! left of the table can be found from its metadata file on, and what is gone has nothing left below.

use merak_model::Location;
use merak_storage::{CatalogStore, Error as StorageError, Storage};

use super::failure::Failure;
use super::paths::Paths;
use super::progress::{Deleted, SharedProgress};
use super::reach::{Left, Reach};

/// How many files are deleted by one call. S3 deletes as many by one request.
const BATCH: usize = 1000;

/// How many files are remembered, so as not to be deleted again where several manifests name them.
const REMEMBERED: usize = 250_000;

/// What a file is to its table, in the order in which they are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A data or delete file.
    Data,
    /// A manifest.
    Manifest,
    /// A manifest list.
    ManifestList,
    /// A statistics file.
    Statistics,
    /// A metadata file.
    Metadata,
}

impl Kind {
    const ALL: [Self; 5] =
        [Self::Data, Self::Manifest, Self::ManifestList, Self::Statistics, Self::Metadata];

    fn count(self, deleted: &mut Deleted) -> &mut u64 {
        match self {
            Self::Data => &mut deleted.data_files,
            Self::Manifest => &mut deleted.manifests,
            Self::ManifestList => &mut deleted.manifest_lists,
            Self::Statistics => &mut deleted.statistics,
            Self::Metadata => &mut deleted.metadata_files,
        }
    }
}

/// Deletes the files of a table, batch by batch.
#[derive(Debug)]
pub(crate) struct Removal<'a> {
    storage: &'a Storage,
    store: &'a CatalogStore,
    reach: &'a Reach,
    progress: &'a SharedProgress,
    /// What is to be deleted next, by kind.
    waiting: [Vec<Location>; 5],
    seen: Paths,
    /// Why the first file that could not be deleted could not.
    first_failure: Option<String>,
}

impl<'a> Removal<'a> {
    pub(crate) fn new(
        storage: &'a Storage,
        store: &'a CatalogStore,
        reach: &'a Reach,
        progress: &'a SharedProgress,
    ) -> Self {
        let (waiting, seen) = (Default::default(), Paths::default());
        Self { storage, store, reach, progress, waiting, seen, first_failure: None }
    }

    /// Whether a manifest was not met before, as far as is remembered.
    pub(crate) fn is_new(&mut self, path: &str) -> bool {
        self.seen.remember(path, REMEMBERED)
    }

    /// Has a file deleted, before all of a later kind that are added after it. All that it names
    /// must have been added before. One that may not be deleted is left, and counted.
    pub(crate) async fn add(&mut self, kind: Kind, path: &str) -> Result<(), Failure> {
        // By kind, since a manifest was met already when it was read.
        if !self.seen.remember(&format!("{kind:?} {path}"), REMEMBERED) {
            return Ok(());
        }
        match self.reach.judge(path) {
            Ok(location) => self.waiting[kind as usize].push(location),
            Err(left) => self.progress.update(|progress| {
                let files = &mut progress.left;
                *match left {
                    Left::InUse => &mut files.in_use,
                    Left::OutsideTable => &mut files.outside_table,
                    Left::OutsideCatalog => &mut files.outside_catalog,
                    Left::NoLocation => &mut files.no_location,
                } += 1;
            }),
        }
        if self.waiting[kind as usize].len() < BATCH {
            return Ok(());
        }
        self.flush().await
    }

    /// Deletes what was added, kind by kind. What names a file that could not be deleted stays, so
    /// that the next attempt finds that file.
    pub(crate) async fn flush(&mut self) -> Result<(), Failure> {
        for kind in Kind::ALL {
            let files = std::mem::take(&mut self.waiting[kind as usize]);
            if files.is_empty() || (self.first_failure.is_some() && kind != Kind::Data) {
                continue;
            }
            self.delete(kind, &files).await?;
        }
        Ok(())
    }

    /// Fails if a file could not be deleted.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let Some(failure) = &self.first_failure else { return Ok(()) };
        let failures = self.progress.now().failures;
        Err(Failure::Passing(format!(
            "{failures} files could not be deleted; the first: {failure}"
        )))
    }

    async fn delete(&mut self, kind: Kind, files: &[Location]) -> Result<(), Failure> {
        let failed = self.storage.delete_many(self.store, files).await?;
        let count = |files: usize| u64::try_from(files).unwrap_or(u64::MAX);
        let (deleted, failures) = (count(files.len() - failed.len()), count(failed.len()));
        self.progress.update(|progress| {
            *kind.count(&mut progress.deleted) += deleted;
            progress.failures += failures;
        });
        metrics::counter!("merak_purged_files_total", "outcome" => "deleted").increment(deleted);
        metrics::counter!("merak_purged_files_total", "outcome" => "failed").increment(failures);
        let is_down = |error: &StorageError| {
            matches!(error, StorageError::Unavailable { .. } | StorageError::Timeout { .. })
        };
        let down = failed.iter().any(|(_, error)| is_down(error));
        if self.first_failure.is_none() {
            self.first_failure = failed.into_iter().next().map(|(_, error)| error.to_string());
        }
        // To ask a store that is down for the rest would only take time.
        if down { self.check() } else { Ok(()) }
    }
}
