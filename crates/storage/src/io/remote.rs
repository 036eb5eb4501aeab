//! An object in a store of a cloud, whichever it is.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Extensions, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::counted_http::Attempts;
use super::provider_error;
use crate::{Error, ProviderMessage};

/// An object in a bucket or container.
pub(super) struct RemoteObject {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) key: Path,
    pub(super) location: String,
}

impl fmt::Debug for RemoteObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteObject").field("location", &self.location).finish_non_exhaustive()
    }
}

impl RemoteObject {
    pub(super) async fn read(&self, limit: u64) -> Result<Bytes, Error> {
        let too_large = || Error::TooLarge { location: self.location.clone(), limit };
        let answer = self
            .store
            .get_opts(&self.key, GetOptions::default())
            .await
            .map_err(|error| self.error(&error))?;
        if answer.meta.size > limit {
            return Err(too_large());
        }
        let mut content = Vec::new();
        let mut chunks = answer.into_stream();
        while let Some(chunk) = chunks.try_next().await.map_err(|error| self.error(&error))? {
            if (content.len() + chunk.len()) as u64 > limit {
                return Err(too_large());
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content.into())
    }

    pub(super) async fn create(&self, content: Bytes) -> Result<(), Error> {
        let attempts = Attempts::default();
        let mut extensions = Extensions::new();
        extensions.insert(attempts.clone());
        let options = PutOptions { mode: PutMode::Create, extensions, ..PutOptions::default() };
        let put = self.store.put_opts(&self.key, content.clone().into(), options).await;
        match put.map_err(|error| self.error(&error)) {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. }) if attempts.so_far() > 1 => {
                self.check_that_it_is_ours(&content).await
            }
            Err(error) => Err(error),
        }
    }

    /// A write whose answer was lost is repeated, and the repetition finds the object that the
    /// first try wrote. Names hold a fresh UUID, so the same bytes there are ours.
    async fn check_that_it_is_ours(&self, content: &Bytes) -> Result<(), Error> {
        match self.read(content.len() as u64).await {
            Ok(found) if found == content => {
                tracing::info!(location = self.location, "the answer to a write had been lost");
                Ok(())
            }
            Ok(_) | Err(Error::TooLarge { .. }) => {
                Err(Error::AlreadyExists { location: self.location.clone() })
            }
            Err(Error::NotFound { .. }) => Err(Error::Unavailable {
                location: self.location.clone(),
                source: ProviderMessage("it was said to exist, but is not there".to_owned()),
            }),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn delete(&self) -> Result<(), Error> {
        match self.store.delete(&self.key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error(&error)),
        }
    }

    fn error(&self, error: &object_store::Error) -> Error {
        provider_error::to_error(error, &self.location)
    }
}
