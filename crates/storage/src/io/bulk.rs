//! Removing the many files of a table.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt, StreamExt, stream};
use merak_model::Location;
use merak_model::location::StorageType;
use merak_model::storage_config::{Provider, S3Config};
use object_store::ObjectStore;
use object_store::path::Path;

use super::file::LocalFile;
use super::s3::Removal;
use super::{File, FileOperation, Storage, provider_error};
use crate::Error;
use crate::catalog_store::CatalogStore;

/// The most that a request of S3 removes.
const BATCH: usize = 1000;

/// How many requests are made at a time for files that are removed one by one.
const AT_ONCE: usize = 16;

/// The objects of a bucket that are reached by the same client.
struct Batch {
    store: Arc<dyn ObjectStore>,
    objects: Vec<(Path, Location)>,
}

impl Storage {
    /// Removes files that nothing refers to any more, and tells which could not be removed, and
    /// why. One that is missing already is removed. One outside the allowed locations is refused.
    ///
    /// Each request ends within the settings' time; how many there are depends on the store: S3
    /// removes a thousand objects by one, if it can.
    ///
    /// It fails as a whole, and removes nothing, where the server does not work with such stores.
    pub async fn delete_many(
        &self,
        store: &CatalogStore,
        locations: &[Location],
    ) -> Result<Vec<(Location, Error)>, Error> {
        if matches!(store.config.provider, Provider::File {}) && !self.settings.allow_file_type {
            return Err(Error::Unsupported(StorageType::File));
        }
        let mut failed = Vec::new();
        let mut files = Vec::new();
        let mut seen = HashSet::new();
        for location in locations {
            match check_that_it_is_allowed(store, location) {
                Ok(()) if seen.insert(location) => files.push(location.clone()),
                Ok(()) => {}
                Err(error) => failed.push((location.clone(), error)),
            }
        }
        if let Provider::S3(s3) = &store.config.provider {
            files = self.delete_in_batches(store, s3, files, &mut failed).await;
        }
        self.delete_one_by_one(store, files, &mut failed).await;
        Ok(failed)
    }

    /// Removes the folders within a folder that are empty or hold empty folders only, then the
    /// folder itself if nothing is left in it: on the local disk. In an object store there is
    /// nothing to do.
    ///
    /// Links are not followed, and an allowed location stays even when it is empty.
    pub async fn remove_empty_folders(
        &self,
        store: &CatalogStore,
        folder: &Location,
    ) -> Result<(), Error> {
        if store.config.storage_type() != StorageType::File {
            return Ok(());
        }
        check_that_it_is_allowed(store, folder)?;
        self.in_time(FileOperation::Delete, folder, async {
            match self.file(store, folder).await? {
                File::Remote(_) => Ok(()),
                File::Local(file) => file.run(LocalFile::remove_empty_folders).await,
            }
        })
        .await
    }

    async fn delete_one_by_one(
        &self,
        store: &CatalogStore,
        files: Vec<Location>,
        failed: &mut Vec<(Location, Error)>,
    ) {
        let mut removed =
            stream::iter(files)
                .map(|file| async move {
                    self.delete(store, &file).await.err().map(|error| (file, error))
                })
                .buffer_unordered(AT_ONCE);
        while let Some(outcome) = removed.next().await {
            failed.extend(outcome);
        }
    }

    /// Gives back the files that are to be removed one by one, since the store has no batches.
    async fn delete_in_batches(
        &self,
        store: &CatalogStore,
        s3: &S3Config,
        files: Vec<Location>,
        failed: &mut Vec<(Location, Error)>,
    ) -> Vec<Location> {
        let mut left = Vec::new();
        let mut batches: Vec<Batch> = Vec::new();
        for location in files {
            let object = Box::pin(self.s3.object(store, s3, &location, Removal::InBatches)).await;
            let object = match object {
                Ok(object) => object,
                Err(error) => {
                    failed.push((location, error));
                    continue;
                }
            };
            let is_open = |batch: &&mut Batch| {
                Arc::ptr_eq(&batch.store, &object.store) && batch.objects.len() < BATCH
            };
            if let Some(batch) = batches.iter_mut().rev().find(is_open) {
                batch.objects.push((object.key, location));
            } else {
                let objects = vec![(object.key, location)];
                batches.push(Batch { store: object.store, objects });
            }
        }
        for batch in batches {
            self.delete_batch(batch, failed, &mut left).await;
        }
        left
    }

    /// Where the store knows no batches, or not in this form, it may yet remove single objects:
    /// those are put to what is left. Removing one again does no harm.
    async fn delete_batch(
        &self,
        batch: Batch,
        failed: &mut Vec<(Location, Error)>,
        left: &mut Vec<Location>,
    ) {
        let Batch { store, objects } = batch;
        let (keys, files): (Vec<_>, Vec<_>) = objects.into_iter().unzip();
        let keys = stream::iter(keys.into_iter().map(Ok)).boxed();
        let removing = store.delete_stream(keys).collect::<Vec<_>>();
        // It panics where a store answers for an object that it was not asked about.
        let removing = AssertUnwindSafe(removing).catch_unwind();
        let outcomes = match tokio::time::timeout(self.settings.deadline(), removing).await {
            Ok(Ok(outcomes)) => outcomes,
            Ok(Err(_)) => {
                left.extend(files);
                return;
            }
            Err(_) => {
                fail(failed, files, |location| Error::Timeout { location });
                return;
            }
        };
        let of_all = |error: &&object_store::Error| !provider_error::is_of_one_object(error);
        if let Some(error) = outcomes.iter().filter_map(|one| one.as_ref().err()).find(of_all) {
            let no_batches = matches!(
                provider_error::to_error(error, ""),
                Error::Refused { .. } | Error::NotFound { .. }
            );
            if no_batches || provider_error::is_of_strange_answer(error) {
                left.extend(files);
            } else {
                fail(failed, files, |location| provider_error::to_error(error, &location));
            }
            return;
        }
        for (outcome, file) in outcomes.into_iter().zip(files) {
            let Err(error) = outcome else { continue };
            let error = provider_error::to_batch_error(&error, file.as_str());
            if !matches!(error, Error::NotFound { .. }) {
                failed.push((file, error));
            }
        }
    }
}

/// Notes that none of these files was removed.
fn fail(failed: &mut Vec<(Location, Error)>, files: Vec<Location>, why: impl Fn(String) -> Error) {
    failed.extend(files.into_iter().map(|file| {
        let error = why(file.to_string());
        (file, error)
    }));
}

/// Refuses what lies outside the allowed locations.
pub(super) fn check_that_it_is_allowed(
    store: &CatalogStore,
    location: &Location,
) -> Result<(), Error> {
    if store.config.allows(location) {
        return Ok(());
    }
    Err(Error::Refused {
        location: location.to_string(),
        status: None,
        reason: "it is outside the catalog's allowed locations".to_owned(),
    })
}
