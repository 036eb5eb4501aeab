//! The containers of Azure and the buckets of Google, opened when first needed.

use std::sync::Arc;

use async_trait::async_trait;
use merak_model::storage_config::Provider;
use merak_model::{Location, StorageConfig};
use moka::future::Cache;
use object_store::azure::AzureCredential;
use object_store::gcp::GcpCredential;
use object_store::path::Path;
use object_store::{CredentialProvider, ObjectStore};

use super::http::StoreHttp;
use super::narrowed::{Narrowed, not_vended};
use super::remote::RemoteObject;
use super::{azure, gcs, provider_error};
use crate::catalog_store::CatalogStore;
use crate::vend::azure::{AzureAddress, AzureVendor};
use crate::vend::google::GoogleVendor;
use crate::vend::{VendRequest, Vending};
use crate::{Error, StorageSettings};

/// The clients of all containers and buckets.
#[derive(Debug)]
pub(super) struct CloudStores {
    settings: StorageSettings,
    azure: Arc<AzureVendor>,
    google: Arc<GoogleVendor>,
    vending: Arc<Vending>,
    http: Arc<StoreHttp>,
    stores: Cache<StoreKey, Arc<dyn ObjectStore>>,
}

/// Which container, and as whom: with credentials that are vended for that, or as the server itself.
type StoreKey = (String, StorageConfig, Option<VendRequest>);

impl CloudStores {
    pub(super) fn new(
        settings: &StorageSettings,
        azure: Arc<AzureVendor>,
        google: Arc<GoogleVendor>,
        vending: Arc<Vending>,
        http: Arc<StoreHttp>,
    ) -> Self {
        let stores = Cache::new(settings.max_clients as u64);
        Self { settings: settings.clone(), azure, google, vending, http, stores }
    }

    /// The object at a location.
    pub(super) async fn object(
        &self,
        store: &CatalogStore,
        location: &Location,
    ) -> Result<RemoteObject, Error> {
        let refused =
            |reason| Error::Refused { location: location.to_string(), status: None, reason };
        // `Path::from` would change the key; `parse` keeps it as it is.
        let key = Path::parse(location.path()).map_err(|error| refused(error.to_string()))?;
        let request = store.server_request(location)?;
        let authority = location.authority().to_owned();
        let store = self
            .stores
            .try_get_with(
                (authority, store.config.clone(), request.clone()),
                self.open(&store.config, location, request),
            )
            .await
            .map_err(|error| provider_error::to_error(&error, location.as_str()))?;
        Ok(RemoteObject { store, key, location: location.to_string() })
    }

    async fn open(
        &self,
        config: &StorageConfig,
        location: &Location,
        request: Option<VendRequest>,
    ) -> object_store::Result<Arc<dyn ObjectStore>> {
        let generic =
            |store, reason: String| object_store::Error::Generic { store, source: reason.into() };
        match &config.provider {
            Provider::Azure(azure) => {
                let address = AzureAddress::of(&self.settings.azure, config, location)
                    .map_err(|reason| generic("MicrosoftAzure", reason))?;
                let credentials: azure::AzureCredentials = match request {
                    Some(request) => Arc::new(Narrowed::new(Arc::clone(&self.vending), request)),
                    None => Arc::new(OwnAzure {
                        vendor: Arc::clone(&self.azure),
                        tenant: azure.tenant_id.clone(),
                    }),
                };
                let http = self.http.connector(address.plain_http).await?.0;
                azure::open(&self.settings, &address, credentials, http)
            }
            Provider::Gcs(_) => {
                let endpoint = self.settings.google.storage_endpoint.as_deref();
                let plain_http = endpoint.is_some_and(|url| url.starts_with("http://"));
                let http = self.http.connector(plain_http).await?;
                let bucket = location.authority();
                let credentials: object_store::gcp::GcpCredentialProvider = match request {
                    Some(request) => Arc::new(Narrowed::new(Arc::clone(&self.vending), request)),
                    None => Arc::new(OwnGoogle {
                        vendor: Arc::clone(&self.google),
                        config: config.clone(),
                    }),
                };
                gcs::open(&self.settings, bucket, credentials, http)
            }
            Provider::S3(_) | Provider::File {} => {
                Err(generic("cloud", "it is in neither Azure nor Google Cloud".to_owned()))
            }
        }
    }
}

/// The server's own identity in Azure: `SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION`.
#[derive(Debug)]
struct OwnAzure {
    vendor: Arc<AzureVendor>,
    tenant: String,
}

#[async_trait]
impl CredentialProvider for OwnAzure {
    type Credential = AzureCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AzureCredential>> {
        let token = self.vendor.own_token(&self.tenant).await.map_err(not_vended)?;
        Ok(Arc::new(AzureCredential::BearerToken(super::narrowed::expose(&token))))
    }
}

/// The server's own identity in Google Cloud, in the catalog's service account if it has one.
#[derive(Debug)]
struct OwnGoogle {
    vendor: Arc<GoogleVendor>,
    config: StorageConfig,
}

#[async_trait]
impl CredentialProvider for OwnGoogle {
    type Credential = GcpCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<GcpCredential>> {
        let token = self.vendor.own_token(&self.config).await.map_err(not_vended)?;
        Ok(Arc::new(GcpCredential { bearer: super::narrowed::expose(&token) }))
    }
}
