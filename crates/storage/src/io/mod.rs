//! Metadata files in the stores of all catalogs.

mod counted_http;
mod file;
pub(crate) mod gzip;
mod provider_error;
mod s3;
mod s3_address;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use merak_model::location::StorageType;
use merak_model::storage_config::Provider;
use merak_model::{Location, StorageConfig};

use self::counted_http::Counters;
use self::file::LocalFile;
pub(crate) use self::provider_error::provider_message;
use self::s3::{S3Object, S3Stores};
use crate::aws_identity::AwsEnvironment;
use crate::{Error, StorageSettings};

/// How a metadata file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    None,
    /// Compressed; such a file's name says so, by Iceberg's custom: `.gz.metadata.json`.
    Gzip,
}

/// How many requests were made, the repeated ones included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StorageRequests {
    /// Writes.
    pub puts: u64,
    /// Reads.
    pub gets: u64,
    /// Removals.
    pub deletes: u64,
}

/// Reads and writes metadata files in the stores of all catalogs, with the server's own
/// credentials.
///
/// It keeps a bounded number of clients, each made when first needed; credentials are looked up by
/// the first request, not before. Every operation ends within the settings' retry time and request
/// time together.
///
/// Callers have checked that the catalog may reach the location.
#[derive(Debug)]
pub struct Storage {
    settings: StorageSettings,
    s3: S3Stores,
    counters: Arc<Counters>,
}

impl Storage {
    /// Storage with these settings, and with this process' `AWS_*` environment for what they leave
    /// open. Contacts nobody.
    pub fn new(settings: StorageSettings) -> Self {
        Self::in_environment(settings, AwsEnvironment::of_process())
    }

    pub(crate) fn in_environment(settings: StorageSettings, environment: AwsEnvironment) -> Self {
        let counters = Arc::new(Counters::default());
        let s3 = S3Stores::new(settings.clone(), environment, Arc::clone(&counters));
        Self { settings, s3, counters }
    }

    /// The text of a metadata file, decompressed where its content is gzip, whatever its name
    /// (both `.gz.metadata.json` and `.metadata.json.gz` are met). It is UTF-8 and within the size
    /// limit; whether it is JSON is not looked at.
    pub async fn read_metadata(
        &self,
        config: &StorageConfig,
        location: &Location,
    ) -> Result<Bytes, Error> {
        let limit = self.settings.max_metadata_bytes;
        let stored = self
            .in_time(location, async {
                match self.file(config, location).await? {
                    File::S3(object) => object.read(limit).await,
                    File::Local(file) => {
                        self.counters.count_get();
                        file.run(move |file| file.read(limit)).await.map(Bytes::from)
                    }
                }
            })
            .await?;
        gzip::decode(stored, limit, location.as_str()).await
    }

    /// Creates a metadata file, and never replaces one.
    ///
    /// When it fails with [`Error::Timeout`] or [`Error::Unavailable`], the file may have been
    /// written all the same.
    pub async fn create_metadata(
        &self,
        config: &StorageConfig,
        location: &Location,
        json: &[u8],
        compression: Compression,
    ) -> Result<(), Error> {
        let content = match compression {
            Compression::None => Bytes::copy_from_slice(json),
            Compression::Gzip => gzip::compress(json).await,
        };
        self.in_time(location, async {
            match self.file(config, location).await? {
                File::S3(object) => object.create(content).await,
                File::Local(file) => {
                    self.counters.count_put();
                    file.run(move |file| file.create(&content)).await
                }
            }
        })
        .await
    }

    /// Makes a folder where the store has folders: on the local disk. In an object store there is
    /// nothing to do.
    pub async fn make_folder(
        &self,
        config: &StorageConfig,
        folder: &Location,
    ) -> Result<(), Error> {
        if config.storage_type() != StorageType::File {
            return Ok(());
        }
        self.in_time(folder, async {
            match self.file(config, folder).await? {
                File::S3(_) => Ok(()),
                File::Local(file) => file.run(LocalFile::make_folder).await,
            }
        })
        .await
    }

    /// Removes a file that nothing refers to any more. One that is missing already is fine.
    pub async fn delete(&self, config: &StorageConfig, location: &Location) -> Result<(), Error> {
        self.in_time(location, async {
            match self.file(config, location).await? {
                File::S3(object) => object.delete().await,
                File::Local(file) => {
                    self.counters.count_delete();
                    file.run(LocalFile::delete).await
                }
            }
        })
        .await
    }

    /// How many requests were made to stores so far. Requests for credentials do not count.
    pub fn requests(&self) -> StorageRequests {
        self.counters.so_far()
    }

    /// The file at a location, if the catalog's store is one we work with.
    async fn file(&self, config: &StorageConfig, location: &Location) -> Result<File, Error> {
        if config.storage_type() != location.storage_type() {
            return Err(Error::Refused {
                location: location.to_string(),
                status: None,
                reason: format!("the storage of its catalog is {}", config.storage_type()),
            });
        }
        if location.path().is_empty() {
            return Err(Error::Refused {
                location: location.to_string(),
                status: None,
                reason: "it names no file".to_owned(),
            });
        }
        match &config.provider {
            Provider::S3(s3) => Ok(File::S3(self.s3.object(config, s3, location).await?)),
            Provider::File {} if self.settings.allow_file_type => {
                Ok(File::Local(LocalFile::new(config, location)))
            }
            Provider::File {} | Provider::Azure(_) | Provider::Gcs(_) => {
                Err(Error::Unsupported(config.storage_type()))
            }
        }
    }

    async fn in_time<T>(
        &self,
        location: &Location,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.settings.deadline(), work).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout { location: location.to_string() }),
        }
    }
}

/// A file in one of the kinds of stores.
enum File {
    S3(S3Object),
    Local(LocalFile),
}
