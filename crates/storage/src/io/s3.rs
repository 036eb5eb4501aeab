//! Files in S3 and in stores that speak its protocol.

use std::sync::Arc;

use merak_model::Location;
use merak_model::storage_config::S3Config;
use moka::future::Cache;
use object_store::RetryConfig;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredentialProvider};
use object_store::path::Path;

use super::http::StoreHttp;
use super::narrowed::Narrowed;
use super::provider_error;
use super::remote::RemoteObject;
use super::s3_address::S3Address;
use crate::aws_identity::{AwsEnvironment, AwsIdentities, IdentityName};
use crate::catalog_store::CatalogStore;
use crate::vend::{VendRequest, Vending};
use crate::{Error, StorageSettings};

/// The clients of all buckets.
#[derive(Debug)]
pub(super) struct S3Stores {
    environment: AwsEnvironment,
    identities: Arc<AwsIdentities>,
    retries: RetryConfig,
    vending: Arc<Vending>,
    http: Arc<StoreHttp>,
    stores: Cache<(S3Address, Identity, Removal), Arc<AmazonS3>>,
}

/// How a client removes objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Removal {
    /// By a request for each, which every store understands.
    OneByOne,
    /// By a request for up to a thousand, also when there is only one.
    InBatches,
}

/// As whom a bucket is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Identity {
    /// As the server itself.
    Own(IdentityName),
    /// With credentials that are vended for this.
    Vended(Box<VendRequest>),
}

impl S3Stores {
    pub(super) fn new(
        settings: &StorageSettings,
        environment: AwsEnvironment,
        identities: Arc<AwsIdentities>,
        vending: Arc<Vending>,
        http: Arc<StoreHttp>,
    ) -> Self {
        Self {
            identities,
            stores: Cache::new(settings.max_clients as u64),
            retries: settings.retries(),
            environment,
            vending,
            http,
        }
    }

    /// The object at a location.
    pub(super) async fn object(
        &self,
        store: &CatalogStore,
        s3: &S3Config,
        location: &Location,
        removal: Removal,
    ) -> Result<RemoteObject, Error> {
        let refused =
            |reason| Error::Refused { location: location.to_string(), status: None, reason };
        let address = self.address(s3, location).map_err(refused)?;
        // `Path::from` would change the key; `parse` keeps it as it is.
        let key = Path::parse(location.path()).map_err(|error| refused(error.to_string()))?;
        let (identity, credentials): (_, AwsCredentialProvider) =
            if let Some(request) = store.server_request(location)? {
                let narrowed = Narrowed::new(Arc::clone(&self.vending), request.clone());
                (Identity::Vended(Box::new(request)), Arc::new(narrowed))
            } else {
                let (name, own) = self.identities.of(&store.config);
                (Identity::Own(name), own.for_object_store())
            };
        let store = self
            .stores
            .try_get_with_by_ref(
                &(address.clone(), identity, removal),
                self.open(&address, credentials, removal),
            )
            .await
            .map_err(|error| provider_error::to_error(&error, location.as_str()))?;
        Ok(RemoteObject { store, key, location: location.to_string() })
    }

    /// Where a location's bucket is reached.
    pub(super) fn address(&self, s3: &S3Config, location: &Location) -> Result<S3Address, String> {
        S3Address::of(s3, &self.environment, location.authority())
    }

    pub(super) async fn open(
        &self,
        address: &S3Address,
        credentials: AwsCredentialProvider,
        removal: Removal,
    ) -> object_store::Result<Arc<AmazonS3>> {
        // Not `from_env`: the environment could switch off signing or conditional writes.
        let store = AmazonS3Builder::new()
            .with_bucket_name(&address.bucket)
            .with_region(&address.region)
            .with_endpoint(&address.endpoint)
            .with_virtual_hosted_style_request(address.virtual_hosted)
            .with_allow_http(address.plain_http)
            .with_credentials(credentials)
            .with_disable_bulk_delete(removal == Removal::OneByOne)
            .with_retry(self.retries.clone())
            .with_http_connector(self.http.connector(address.plain_http).await?)
            .build()?;
        Ok(Arc::new(store))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use async_trait::async_trait;
    use object_store::client::{
        HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    };

    use merak_model::storage_config::Provider;
    use merak_model::{Clock, RealmId, StorageConfig, SystemClock};

    use super::*;
    use crate::vend::aws::AwsVendor;
    use crate::vend::azure::AzureVendor;
    use crate::vend::google::GoogleVendor;
    use crate::vend::{CacheSettings, Vendors};
    use crate::{ProviderMessage, ServerIdentity};

    /// Stores whose requests end in those notes.
    fn stores(settings: &StorageSettings, notes: &Notes) -> S3Stores {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let environment = AwsEnvironment::default();
        let identities = Arc::new(AwsIdentities::new(settings, &environment));
        let vendors = Vendors {
            aws: Arc::new(AwsVendor::new(settings, &environment, &identities)),
            azure: Arc::new(AzureVendor::new(settings.azure.clone(), Arc::clone(&clock))),
            google: Arc::new(GoogleVendor::new(settings, Arc::clone(&clock))),
        };
        let cache = CacheSettings::default();
        let vending = Arc::new(Vending::new(vendors, &clock, cache));
        let http = Arc::new(StoreHttp::new(settings.clone(), Arc::default()));
        http.tls_only.set(HttpClient::new(notes.clone())).unwrap();
        S3Stores::new(settings, environment, identities, vending, http)
    }

    fn store(json: &str) -> CatalogStore {
        CatalogStore {
            realm: RealmId::new("r"),
            config: StorageConfig::from_json(json).unwrap(),
            identity: ServerIdentity::OfCatalog,
            lifetime: Duration::from_hours(1),
        }
    }

    /// A network that notes where requests go, and carries none.
    #[derive(Debug, Clone, Default)]
    struct Notes(Arc<Mutex<Vec<String>>>);

    #[async_trait]
    impl HttpService for Notes {
        async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
            self.0.lock().unwrap().push(request.uri().to_string());
            Err(HttpError::new(HttpErrorKind::Unknown, ProviderMessage("no network".to_owned())))
        }
    }

    #[tokio::test]
    async fn a_bucket_is_named_in_the_host_unless_path_style_is_asked_for() {
        let settings = StorageSettings {
            aws_access_key: Some("AKIDTEST".into()),
            aws_secret_key: Some("hunter2".into()),
            ..StorageSettings::default()
        };
        let notes = Notes::default();
        let stores = stores(&settings, &notes);
        let file = Location::parse("s3://lake/t/x y").unwrap();

        for json in [
            r#"{"storageType":"S3","region":"eu-west-1"}"#,
            r#"{"storageType":"S3","endpoint":"https://store.example/base/"}"#,
            r#"{"storageType":"S3","endpoint":"https://store.example","pathStyleAccess":true}"#,
        ] {
            let lake = store(json);
            let Provider::S3(s3) = &lake.config.provider else { panic!("{json}") };
            let object = stores.object(&lake, s3, &file, Removal::OneByOne).await.unwrap();

            let error = object.read(100).await.unwrap_err();
            assert!(error.to_string().ends_with("no network"), "{error}");
        }

        assert_eq!(
            *notes.0.lock().unwrap(),
            [
                "https://lake.s3.eu-west-1.amazonaws.com/t/x%20y",
                "https://lake.store.example/base/t/x%20y",
                "https://store.example/lake/t/x%20y",
            ]
        );
    }

    #[tokio::test]
    async fn one_client_serves_a_bucket_and_their_number_is_bounded() {
        let settings = StorageSettings { max_clients: 2, ..StorageSettings::default() };
        let stores = stores(&settings, &Notes::default());
        let lake = store(r#"{"storageType":"S3"}"#);
        let Provider::S3(s3) = &lake.config.provider else { panic!("{lake:?}") };
        let open = async |bucket: &str, key: &str| {
            let file = Location::parse(&format!("s3://{bucket}/{key}")).unwrap();
            stores.object(&lake, s3, &file, Removal::OneByOne).await.unwrap().store
        };

        let first = open("lake", "a").await;
        assert!(Arc::ptr_eq(&first, &open("lake", "b").await));
        for bucket in ["one", "two", "three"] {
            open(bucket, "a").await;
        }

        stores.stores.run_pending_tasks().await;
        assert_eq!(stores.stores.entry_count(), 2);
    }
}
