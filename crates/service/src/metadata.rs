//! Metadata files: written once, never changed, and so cached by their location.
//!
//! By their location *in their catalog*: two catalogs may reach two stores in which one location
//! means two files, and what a tenant put into one must never be served from another.

use std::sync::Arc;

use bytes::Bytes;
use merak_model::{Entity, EntityId, Location, RealmId, TableIdent};
use merak_storage::{CatalogStore, Compression, Storage, gunzip, gzip};
use merak_table_metadata::{TableMetadata, ViewMetadata};
use moka::future::Cache;

use crate::{Error, ServiceSettings};

/// Reads, writes and remembers metadata files.
#[derive(Debug, Clone)]
pub(crate) struct MetadataFiles {
    storage: Arc<Storage>,
    /// The JSON of a metadata file.
    files: Cache<FileKey, Bytes>,
    /// Which metadata a table had when it was last looked at. It is a guess for the lookup, which
    /// then need not return metadata that is at hand; the lookup says which is current.
    guesses: Cache<TableName, FileKey>,
    cache_max_bytes: u64,
    inline_max_bytes: usize,
    max_bytes: u64,
}

/// A file, by the catalog it was read through.
type FileKey = (RealmId, EntityId, String);
/// A table as a request names it: its realm, its catalog's name, its own.
type TableName = (RealmId, String, TableIdent);

/// A table or view whose metadata is at hand or wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableRef<'a> {
    pub(crate) realm: &'a RealmId,
    pub(crate) catalog: &'a Entity,
    pub(crate) ident: &'a TableIdent,
}

impl TableRef<'_> {
    fn name(self) -> TableName {
        (self.realm.clone(), self.catalog.name.clone(), self.ident.clone())
    }

    fn file(self, location: &str) -> FileKey {
        (self.realm.clone(), self.catalog.id, location.to_owned())
    }
}

/// Guesses are small: this many tables are remembered.
const MAX_GUESSES: u64 = 100_000;

impl MetadataFiles {
    pub(crate) fn new(storage: Arc<Storage>, settings: &ServiceSettings) -> Self {
        let files = Cache::builder()
            .max_capacity(settings.cache_max_bytes)
            .weigher(|(_, _, location): &FileKey, json: &Bytes| {
                u32::try_from(location.len() + json.len()).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            storage,
            files,
            guesses: Cache::new(MAX_GUESSES),
            cache_max_bytes: settings.cache_max_bytes,
            inline_max_bytes: settings.inline_max_bytes,
            max_bytes: settings.max_metadata_bytes,
        }
    }

    /// The metadata location whose JSON is at hand for a table, if there is one.
    pub(crate) async fn known(
        &self,
        realm: &RealmId,
        catalog: &str,
        ident: &TableIdent,
    ) -> Option<String> {
        let key = (realm.clone(), catalog.to_owned(), ident.clone());
        let file = self.guesses.get(&key).await?;
        self.files.contains_key(&file).then_some(file.2)
    }

    /// The JSON of a table's current metadata: from memory, from beside the pointer, or else from
    /// the file.
    pub(crate) async fn json(
        &self,
        table: TableRef<'_>,
        store: &CatalogStore,
        location: &str,
        beside: Option<&[u8]>,
    ) -> Result<Bytes, Error> {
        let file = table.file(location);
        if let Some(json) = self.files.get(&file).await {
            self.guesses.insert(table.name(), file).await;
            return Ok(json);
        }
        let json = match beside {
            Some(body) => Bytes::from(gunzip(body, self.max_bytes).map_err(|error| {
                Error::Internal(format!("The metadata kept for {location} is damaged: {error}"))
            })?),
            None => self.read(store, &Location::parse(location)?).await?,
        };
        self.remember(table, location, json.clone()).await;
        Ok(json)
    }

    /// The content of a file, whether it was seen before or not.
    pub(crate) async fn read(
        &self,
        store: &CatalogStore,
        location: &Location,
    ) -> Result<Bytes, Error> {
        Ok(self.storage.read_metadata(store, location).await?)
    }

    /// The JSON of metadata that a table had at some time: from memory, or else from the file. The
    /// table may have other metadata now, so that nothing is guessed from it.
    pub(crate) async fn of_then(
        &self,
        table: TableRef<'_>,
        store: &CatalogStore,
        location: &Location,
    ) -> Result<Bytes, Error> {
        match self.files.get(&table.file(location.as_str())).await {
            Some(json) => Ok(json),
            None => self.read(store, location).await,
        }
    }

    /// Keeps the JSON of a file that a table points to now.
    pub(crate) async fn remember(&self, table: TableRef<'_>, location: &str, json: Bytes) {
        let file = table.file(location);
        // What does not fit would push out everything else, and then itself.
        if json.len() as u64 <= self.cache_max_bytes {
            self.files.insert(file.clone(), json).await;
        }
        self.guesses.insert(table.name(), file).await;
    }

    /// What is kept in the metastore beside the pointer: the compressed JSON, unless it is too
    /// large.
    pub(crate) fn beside(&self, json: &[u8]) -> Option<Vec<u8>> {
        let body = gzip(json);
        (body.len() <= self.inline_max_bytes).then_some(body)
    }

    /// Makes the folder of a table's metadata, where engines do not make it themselves.
    pub(crate) async fn make_folder(
        &self,
        store: &CatalogStore,
        folder: &Location,
    ) -> Result<(), Error> {
        Ok(self.storage.make_folder(store, folder).await?)
    }

    /// Writes a new file. Nothing refers to it yet.
    pub(crate) async fn write(
        &self,
        store: &CatalogStore,
        location: &Location,
        json: &[u8],
        as_gzip: bool,
    ) -> Result<(), Error> {
        let compression = if as_gzip { Compression::Gzip } else { Compression::None };
        self.storage.create_metadata(store, location, json, compression).await.map_err(|error| {
            if matches!(error, merak_storage::Error::NotFound { .. }) {
                // A file is never missing when it is created: its bucket is.
                return Error::BadRequest(error.to_string());
            }
            error.into()
        })
    }

    /// Removes a file that nothing refers to. If that fails it is left behind, which harms nobody.
    pub(crate) async fn discard(&self, store: &CatalogStore, location: &Location) {
        if let Err(error) = self.storage.delete(store, location).await {
            tracing::warn!(
                %location,
                error = &error as &dyn std::error::Error,
                "a metadata file that nothing refers to could not be removed"
            );
        }
    }
}

/// Parses metadata that we or another catalog wrote.
pub(crate) fn parse(location: &str, json: &[u8]) -> Result<TableMetadata, Error> {
    TableMetadata::parse(json).map_err(|error| {
        Error::BadRequest(format!("The metadata file {location} is not table metadata: {error}"))
    })
}

/// Parses a view's metadata that we or another catalog wrote.
pub(crate) fn parse_view(location: &str, json: &[u8]) -> Result<ViewMetadata, Error> {
    ViewMetadata::parse(json).map_err(|error| {
        Error::BadRequest(format!("The metadata file {location} is not view metadata: {error}"))
    })
}
