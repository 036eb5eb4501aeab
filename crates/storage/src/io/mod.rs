//! Metadata files in the stores of all catalogs.

pub(crate) mod azure;
mod bulk;
mod clouds;
mod counted_http;
mod file;
mod gcs;
pub(crate) mod gzip;
mod http;
mod interposed;
mod narrowed;
mod opened;
mod provider_error;
mod remote;
mod s3;
mod s3_address;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use merak_model::location::StorageType;
use merak_model::storage_config::{Provider, S3Config};
use merak_model::{Clock, Location};
use serde_json::Value;

use self::clouds::CloudStores;
use self::counted_http::Counters;
use self::file::LocalFile;
use self::http::StoreHttp;
pub use self::interposed::{FileOperation, Interposer};
pub(crate) use self::provider_error::{
    answer_message, causes, google_words, tidy, to_error as store_error,
};
use self::remote::RemoteObject;
use self::s3::{Removal, S3Stores};
pub(crate) use self::s3_address::S3Address;
use crate::aws_identity::{AwsEnvironment, AwsIdentities};
use crate::catalog_store::CatalogStore;
use crate::sign::requests::RequestSigner;
use crate::vend::aws::AwsVendor;
use crate::vend::azure::AzureVendor;
use crate::vend::google::GoogleVendor;
use crate::vend::{VendError, VendRequest, VendedCredentials, Vending, Vendors};
use crate::{AwsKeys, Error, StorageSettings};

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

/// Reads and writes metadata files in the stores of all catalogs, and gives clients credentials for
/// them.
///
/// It keeps a bounded number of clients, each made when first needed; credentials are looked up by
/// the first request, not before. Every operation ends within the settings' retry time and request
/// time together.
///
/// Callers have checked that the catalog may reach the location.
#[derive(Debug)]
pub struct Storage {
    pub(crate) settings: StorageSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vending: Arc<Vending>,
    s3: S3Stores,
    clouds: CloudStores,
    http: Arc<StoreHttp>,
    /// Who signs requests for clients that have no credentials.
    pub(crate) aws: Arc<AwsVendor>,
    google: Arc<GoogleVendor>,
    counters: Arc<Counters>,
    interposer: Option<Arc<dyn Interposer>>,
}

impl Storage {
    /// Storage with these settings, and with this process' `AWS_*` environment for what they leave
    /// open. Contacts nobody.
    pub fn new(settings: StorageSettings, clock: Arc<dyn Clock>) -> Self {
        Self::in_environment(settings, AwsEnvironment::of_process(), clock)
    }

    pub(crate) fn in_environment(
        settings: StorageSettings,
        environment: AwsEnvironment,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let azure = Arc::new(AzureVendor::new(settings.azure.clone(), Arc::clone(&clock)));
        let google = Arc::new(GoogleVendor::new(&settings, Arc::clone(&clock)));
        let identities = Arc::new(AwsIdentities::new(&settings, &environment));
        let aws = Arc::new(AwsVendor::new(&settings, &environment, &identities));
        let vendors = Vendors {
            aws: Arc::<AwsVendor>::clone(&aws),
            azure: Arc::<AzureVendor>::clone(&azure),
            google: Arc::<GoogleVendor>::clone(&google),
        };
        let vending = Arc::new(Vending::new(vendors, &clock, settings.credential_cache));
        let counters = Arc::new(Counters::default());
        let http = Arc::new(StoreHttp::new(settings.clone(), Arc::clone(&counters)));
        let s3 = S3Stores::new(
            &settings,
            environment,
            identities,
            Arc::clone(&vending),
            Arc::clone(&http),
        );
        let clouds = CloudStores::new(
            &settings,
            azure,
            Arc::clone(&google),
            Arc::clone(&vending),
            Arc::clone(&http),
        );
        let interposer = None;
        Self { settings, clock, vending, s3, clouds, http, aws, google, counters, interposer }
    }

    /// The same with something between it and its files, for tests.
    #[must_use]
    pub fn interposed(mut self, interposer: Arc<dyn Interposer>) -> Self {
        self.interposer = Some(interposer);
        self
    }

    /// Credentials for a client. Those minted before serve while they are good; older ones than
    /// `reuse_for` are minted again in the background.
    ///
    /// Callers have checked that the catalog may reach the grant's locations, *now*.
    pub async fn vend(
        &self,
        request: VendRequest,
        reuse_for: Duration,
    ) -> Result<Arc<VendedCredentials>, VendError> {
        self.vending.vend(request, reuse_for).await
    }

    /// The keys that a request to S3 is signed with for a client: narrowed to what the client may
    /// reach; the server's own only where the catalog says that there is no STS, and the settings
    /// allow it.
    pub async fn signing_keys(
        &self,
        request: VendRequest,
        reuse_for: Duration,
    ) -> Result<AwsKeys, VendError> {
        if let Provider::S3(s3) = &request.config.provider
            && s3.sts_unavailable == Some(true)
        {
            if self.settings.sign_with_own_keys {
                return self.aws.own_keys(&request.config).await;
            }
            return Err(VendError::Impossible(
                "The catalog's storage has stsUnavailable set, and merak.signing.own-credentials \
                 is off: requests are not signed"
                    .to_owned(),
            ));
        }
        let vended = self.vending.vend(request, reuse_for).await?;
        vended
            .aws_keys()
            .ok_or_else(|| VendError::Impossible("Only requests to S3 are signed".to_owned()))
    }

    /// Who the server is to services that are no object stores.
    pub fn request_signer(&self) -> RequestSigner {
        let (aws, google) = (Arc::clone(&self.aws), Arc::clone(&self.google));
        RequestSigner::new(aws, google, Arc::clone(&self.clock))
    }

    /// Where clients reach Google's storage, if not where everybody does.
    pub fn google_endpoint(&self) -> Option<String> {
        self.settings.google.storage_endpoint.clone()
    }

    /// What would bound the credentials for a request, for people to read. Mints nothing.
    pub fn explain(&self, request: &VendRequest) -> Result<Value, VendError> {
        self.vending.explain(request)
    }

    /// The text of a metadata file, decompressed where its content is gzip, whatever its name
    /// (both `.gz.metadata.json` and `.metadata.json.gz` are met). It is UTF-8 and within the size
    /// limit; whether it is JSON is not looked at.
    pub async fn read_metadata(
        &self,
        store: &CatalogStore,
        location: &Location,
    ) -> Result<Bytes, Error> {
        let limit = self.settings.max_metadata_bytes;
        let stored = self.read(store, location, limit).await?;
        gzip::decode(stored, limit, location.as_str()).await
    }

    /// The bytes of a file that metadata names, as they are.
    ///
    /// Its name comes from a file that a client wrote, so one outside the allowed locations is
    /// refused here too.
    pub async fn read_file(
        &self,
        store: &CatalogStore,
        location: &Location,
        max_bytes: u64,
    ) -> Result<Bytes, Error> {
        bulk::check_that_it_is_allowed(store, location)?;
        self.read(store, location, max_bytes).await
    }

    async fn read(
        &self,
        store: &CatalogStore,
        location: &Location,
        limit: u64,
    ) -> Result<Bytes, Error> {
        self.in_time(FileOperation::Read, location, async {
            match self.file(store, location).await? {
                File::Remote(object) => object.read(limit).await,
                File::Local(file) => {
                    self.counters.count_get();
                    file.run(move |file| file.read(limit)).await.map(Bytes::from)
                }
            }
        })
        .await
    }

    /// Whether a file at a location could be opened, such as with the identity that the catalog's
    /// configuration asks for. Neither it nor its store is asked for anything.
    pub async fn try_open(&self, store: &CatalogStore, location: &Location) -> Result<(), Error> {
        self.in_time(FileOperation::Read, location, self.file(store, location)).await.map(|_| ())
    }

    /// Creates a metadata file, and never replaces one.
    ///
    /// When it fails with [`Error::Timeout`] or [`Error::Unavailable`], the file may have been
    /// written all the same.
    pub async fn create_metadata(
        &self,
        store: &CatalogStore,
        location: &Location,
        json: &[u8],
        compression: Compression,
    ) -> Result<(), Error> {
        let content = match compression {
            Compression::None => Bytes::copy_from_slice(json),
            Compression::Gzip => gzip::compress(json).await,
        };
        self.in_time(FileOperation::Create, location, async {
            match self.file(store, location).await? {
                File::Remote(object) => object.create(content).await,
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
    pub async fn make_folder(&self, store: &CatalogStore, folder: &Location) -> Result<(), Error> {
        if store.config.storage_type() != StorageType::File {
            return Ok(());
        }
        self.in_time(FileOperation::Create, folder, async {
            match self.file(store, folder).await? {
                File::Remote(_) => Ok(()),
                File::Local(file) => file.run(LocalFile::make_folder).await,
            }
        })
        .await
    }

    /// Removes a file that nothing refers to any more. One that is missing already is fine.
    pub async fn delete(&self, store: &CatalogStore, location: &Location) -> Result<(), Error> {
        self.in_time(FileOperation::Delete, location, async {
            match self.file(store, location).await? {
                File::Remote(object) => object.delete().await,
                File::Local(file) => {
                    self.counters.count_delete();
                    file.run(LocalFile::delete).await
                }
            }
        })
        .await
    }

    /// Where a location's bucket is reached.
    pub(crate) fn s3_address(
        &self,
        s3: &S3Config,
        location: &Location,
    ) -> Result<S3Address, String> {
        self.s3.address(s3, location)
    }

    /// How many requests were made to stores so far. Requests for credentials do not count.
    pub fn requests(&self) -> StorageRequests {
        self.counters.so_far()
    }

    /// The file at a location, if the catalog's store is one we work with.
    async fn file(&self, store: &CatalogStore, location: &Location) -> Result<File, Error> {
        let config = &store.config;
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
            // Boxed: opening a store is a large part of every write, and seldom done.
            Provider::S3(s3) => Ok(File::Remote(
                Box::pin(self.s3.object(store, s3, location, Removal::OneByOne)).await?,
            )),
            Provider::File {} if self.settings.allow_file_type => {
                Ok(File::Local(LocalFile::new(config, location)))
            }
            Provider::Azure(_) | Provider::Gcs(_) => {
                Ok(File::Remote(Box::pin(self.clouds.object(store, location)).await?))
            }
            Provider::File {} => Err(Error::Unsupported(config.storage_type())),
        }
    }

    async fn in_time<T>(
        &self,
        operation: FileOperation,
        location: &Location,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if let Some(interposer) = &self.interposer {
            interposer.before(operation, location).await?;
            let done = work.await?;
            interposer.after(operation, location).await?;
            return Ok(done);
        }
        match tokio::time::timeout(self.settings.deadline(), work).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout { location: location.to_string() }),
        }
    }
}

/// A file in one of the kinds of stores.
enum File {
    Remote(RemoteObject),
    Local(LocalFile),
}
