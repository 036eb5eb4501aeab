//! Files in S3 and in stores that speak its protocol.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use merak_model::storage_config::S3Config;
use merak_model::{Location, StorageConfig};
use moka::future::Cache;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpConnector, ReqwestConnector};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Extensions, GetOptions, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, RetryConfig,
};
use tokio::sync::OnceCell;

use super::counted_http::{Attempts, CountedHttp, Counters, Shared};
use super::provider_error;
use super::s3_address::S3Address;
use crate::aws_identity::{AwsEnvironment, AwsIdentities, IdentityName};
use crate::{Error, ProviderMessage, StorageSettings};

/// Stores close idle connections after about this time; a request sent into a closing connection
/// would have to be repeated.
const IDLE_CONNECTIONS_LAST: Duration = Duration::from_secs(15);

/// The clients of all buckets.
#[derive(Debug)]
pub(super) struct S3Stores {
    settings: StorageSettings,
    environment: AwsEnvironment,
    identities: AwsIdentities,
    counters: Arc<Counters>,
    /// Two, so that no redirect leads an encrypted request to plain HTTP.
    tls_only: OnceCell<HttpClient>,
    with_plain_http: OnceCell<HttpClient>,
    stores: Cache<(S3Address, IdentityName), Arc<AmazonS3>>,
}

impl S3Stores {
    pub(super) fn new(
        settings: StorageSettings,
        environment: AwsEnvironment,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            identities: AwsIdentities::new(&settings, &environment),
            stores: Cache::new(settings.max_clients as u64),
            tls_only: OnceCell::new(),
            with_plain_http: OnceCell::new(),
            settings,
            environment,
            counters,
        }
    }

    /// The object at a location.
    pub(super) async fn object(
        &self,
        config: &StorageConfig,
        s3: &S3Config,
        location: &Location,
    ) -> Result<S3Object, Error> {
        let refused =
            |reason| Error::Refused { location: location.to_string(), status: None, reason };
        let address =
            S3Address::of(s3, &self.environment, location.authority()).map_err(refused)?;
        // `Path::from` would change the key; `parse` keeps it as it is.
        let key = Path::parse(location.path()).map_err(|error| refused(error.to_string()))?;
        let (identity, credentials) = self.identities.of(config);
        let store = self
            .stores
            .try_get_with_by_ref(&(address.clone(), identity), self.open(&address, credentials))
            .await
            .map_err(|error| provider_error::to_error(&error, location.as_str()))?;
        Ok(S3Object { store, key, location: location.to_string() })
    }

    async fn open(
        &self,
        address: &S3Address,
        credentials: AwsCredentialProvider,
    ) -> object_store::Result<Arc<AmazonS3>> {
        // Not `from_env`: the environment could switch off signing or conditional writes.
        let store = AmazonS3Builder::new()
            .with_bucket_name(&address.bucket)
            .with_region(&address.region)
            .with_endpoint(&address.endpoint)
            .with_virtual_hosted_style_request(address.virtual_hosted)
            .with_allow_http(address.plain_http)
            .with_credentials(credentials)
            .with_disable_bulk_delete(true)
            .with_retry(self.retries())
            .with_http_connector(Shared(self.http(address.plain_http).await?))
            .build()?;
        Ok(Arc::new(store))
    }

    async fn http(&self, plain_http: bool) -> object_store::Result<HttpClient> {
        let client = if plain_http { &self.with_plain_http } else { &self.tls_only };
        let made = client.get_or_try_init(|| async {
            let options = ClientOptions::new()
                .with_allow_http(plain_http)
                .with_timeout(self.settings.request_timeout)
                .with_connect_timeout(self.settings.connect_timeout)
                .with_pool_idle_timeout(IDLE_CONNECTIONS_LAST);
            let inner = ReqwestConnector::default().connect(&options)?;
            Ok::<_, object_store::Error>(CountedHttp::client(inner, Arc::clone(&self.counters)))
        });
        Ok(made.await?.clone())
    }

    fn retries(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(2),
                base: 2.0,
            },
            max_retries: self.settings.max_retries,
            retry_timeout: self.settings.retry_timeout,
        }
    }
}

/// An object in a bucket.
pub(super) struct S3Object {
    store: Arc<AmazonS3>,
    key: Path,
    location: String,
}

impl S3Object {
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};

    use merak_model::storage_config::Provider;

    use super::*;

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
        let environment = AwsEnvironment::of(&AmazonS3Builder::new());
        let stores = S3Stores::new(settings, environment, Arc::default());
        let notes = Notes::default();
        stores.tls_only.set(HttpClient::new(notes.clone())).unwrap();
        let file = Location::parse("s3://lake/t/x y").unwrap();

        for json in [
            r#"{"storageType":"S3","region":"eu-west-1"}"#,
            r#"{"storageType":"S3","endpoint":"https://store.example/base/"}"#,
            r#"{"storageType":"S3","endpoint":"https://store.example","pathStyleAccess":true}"#,
        ] {
            let config = StorageConfig::from_json(json).unwrap();
            let Provider::S3(s3) = &config.provider else { panic!("{json}") };
            let object = stores.object(&config, s3, &file).await.unwrap();

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
        let environment = AwsEnvironment::of(&AmazonS3Builder::new());
        let stores = S3Stores::new(settings, environment, Arc::default());
        stores.tls_only.set(HttpClient::new(Notes::default())).unwrap();
        let config = StorageConfig::from_json(r#"{"storageType":"S3"}"#).unwrap();
        let Provider::S3(s3) = &config.provider else { panic!("{config:?}") };
        let open = async |bucket: &str, key: &str| {
            let file = Location::parse(&format!("s3://{bucket}/{key}")).unwrap();
            stores.object(&config, s3, &file).await.unwrap().store
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
