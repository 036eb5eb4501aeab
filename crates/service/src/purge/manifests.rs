//! Manifest lists and manifests, read from a store without holding more than a part of what they
//! name.

use bytes::Bytes;
use merak_manifest::{Limits, read_manifest, read_manifest_list};
use merak_model::Location;
use merak_storage::{CatalogStore, Error as StorageError, Storage};
use tokio::sync::mpsc;

use super::failure::Failure;

/// How many names are passed on at a time.
const BATCH: usize = 1000;

/// Where files are read from, and how large they may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) store: &'a CatalogStore,
    pub(crate) max_bytes: u64,
}

/// Names of a manifest as they come, and what comes of reading it.
#[derive(Debug)]
pub(crate) struct Names {
    batches: mpsc::Receiver<Vec<String>>,
    reading: tokio::task::JoinHandle<Result<(), merak_manifest::Error>>,
    manifest: String,
}

impl Reader<'_> {
    /// The manifests that a list names; nothing where the list is gone.
    pub(crate) async fn list(&self, location: &Location) -> Result<Option<Vec<String>>, Failure> {
        let Some(bytes) = self.bytes(location).await? else { return Ok(None) };
        let reading =
            tokio::task::spawn_blocking(move || read_manifest_list(&bytes, Limits::default()));
        let manifests =
            joined(reading.await).map_err(|error| unreadable(location.as_str(), &error))?;
        Ok(Some(manifests.into_iter().map(|manifest| manifest.path).collect()))
    }

    /// The files that a manifest names, those of deleted entries too; nothing where it is gone.
    pub(crate) async fn manifest(&self, location: &Location) -> Result<Option<Names>, Failure> {
        let Some(bytes) = self.bytes(location).await? else { return Ok(None) };
        let (sender, batches) = mpsc::channel(2);
        let reading = tokio::task::spawn_blocking(move || {
            let mut batch = Vec::new();
            read_manifest(&bytes, Limits::default(), |file| {
                batch.push(file.path.to_owned());
                batch.extend(file.referenced_data_file.map(str::to_owned));
                if batch.len() >= BATCH {
                    // Where nobody listens any more, the rest is of no use to anybody.
                    let _ = sender.blocking_send(std::mem::take(&mut batch));
                }
            })?;
            let _ = sender.blocking_send(batch);
            Ok(())
        });
        Ok(Some(Names { batches, reading, manifest: location.to_string() }))
    }

    async fn bytes(&self, location: &Location) -> Result<Option<Bytes>, Failure> {
        match self.storage.read_file(self.store, location, self.max_bytes).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StorageError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Names {
    /// Some more names. Nothing at the end: only then it is known that the manifest is whole.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<String>>, Failure> {
        if let Some(batch) = self.batches.recv().await {
            return Ok(Some(batch));
        }
        let ended = joined((&mut self.reading).await);
        ended.map_err(|error| unreadable(&self.manifest, &error))?;
        Ok(None)
    }
}

fn joined<T>(
    ended: Result<Result<T, merak_manifest::Error>, tokio::task::JoinError>,
) -> Result<T, merak_manifest::Error> {
    ended.unwrap_or_else(|error| Err(merak_manifest::Error::Malformed(error.to_string())))
}

fn unreadable(location: &str, error: &merak_manifest::Error) -> Failure {
    Failure::Lasting(format!("{location} cannot be read: {error}"))
}
