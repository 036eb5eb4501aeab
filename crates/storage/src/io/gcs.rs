//! The store of a bucket in Google Cloud Storage.

use std::sync::Arc;

use object_store::client::HttpConnector;
use object_store::gcp::{GcpCredentialProvider, GoogleCloudStorageBuilder};
use object_store::{ObjectStore, Result};

use crate::StorageSettings;
use crate::vend::google::{check_bucket, protected_url};

/// Opens a bucket, with credentials that are asked for with each request. Contacts nobody.
///
/// What is created is created only if it is not there: by its generation, which is then 0.
pub(super) fn open(
    settings: &StorageSettings,
    bucket: &str,
    credentials: GcpCredentialProvider,
    http: impl HttpConnector,
) -> Result<Arc<dyn ObjectStore>> {
    let refused =
        |reason: String| object_store::Error::Generic { store: "GCS", source: reason.into() };
    check_bucket(bucket).map_err(|error| refused(error.to_string()))?;
    // Not `from_env`: the environment could switch off what makes a request ours. With credentials
    // given, none are searched for.
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_credentials(credentials)
        .with_retry(settings.retries())
        .with_http_connector(http);
    if let Some(endpoint) = &settings.google.storage_endpoint {
        protected_url(endpoint).map_err(refused)?;
        builder = builder.with_base_url(endpoint.trim_end_matches('/'));
    }
    Ok(Arc::new(builder.build()?))
}

#[cfg(test)]
mod tests {
    use object_store::client::{HttpClient, ReqwestConnector};
    use object_store::gcp::GcpCredential;
    use object_store::path::Path;
    use object_store::{
        ClientOptions, Error, ObjectStoreExt, PutMode, PutOptions, StaticCredentialProvider,
    };

    use super::*;
    use crate::GoogleSettings;
    use crate::io::counted_http::Shared;
    use crate::io::provider_error::to_error;
    use crate::io::tests::http_double::{Fault, HttpDouble};

    /// What the API has as the address of `db/t 1/it's.json`.
    const TARGET: &str = "/my%2Dlake/db%2Ft%201%2Fit%27s%2Ejson";

    fn http() -> HttpClient {
        ReqwestConnector::default().connect(&ClientOptions::new().with_allow_http(true)).unwrap()
    }

    fn settings(endpoint: &str) -> StorageSettings {
        let google =
            GoogleSettings { storage_endpoint: Some(endpoint.to_owned()), ..Default::default() };
        StorageSettings { google, max_retries: 1, ..StorageSettings::default() }
    }

    fn opened(endpoint: &str, bucket: &str) -> Result<Arc<dyn ObjectStore>> {
        let credential = GcpCredential { bearer: "vended".to_owned() };
        let credentials = Arc::new(StaticCredentialProvider::new(credential));
        open(&settings(endpoint), bucket, credentials, Shared(http()))
    }

    fn key() -> Path {
        Path::parse("db/t 1/it's.json").unwrap()
    }

    async fn create(store: &dyn ObjectStore) -> Result<()> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        store.put_opts(&key(), "text".into(), options).await.map(|_| ())
    }

    #[tokio::test]
    async fn what_is_created_is_not_to_be_there() {
        let double = HttpDouble::start().await;
        let store = opened(&format!("{}/", double.url), "my-lake").unwrap();
        let exists = "<Error><Code>PreconditionFailed</Code></Error>";
        double.fail([Fault::Answer(503, ""), Fault::Answer(412, exists)]);

        let again = create(&*store).await.unwrap_err();
        create(&*store).await.unwrap();

        assert!(matches!(again, Error::AlreadyExists { .. }), "{again:?}");
        assert_eq!(double.object(TARGET).unwrap(), b"text");
        let requests = double.requests();
        assert_eq!(requests.len(), 3);
        for request in requests {
            assert_eq!(request.method, "PUT");
            assert_eq!(request.target, TARGET);
            assert_eq!(request.header("x-goog-if-generation-match"), "0");
            assert_eq!(request.header("authorization"), "Bearer vended");
        }
    }

    #[tokio::test]
    async fn what_is_there_is_deleted_and_a_refusal_is_told() {
        let double = HttpDouble::start().await;
        let store = opened(&double.url, "my-lake").unwrap();
        double.put_object(TARGET, b"text");
        let denial = "<Error><Code>AccessDenied</Code><Message>Access denied.</Message>\
                      <Details>m@p does not have storage.objects.delete access.</Details></Error>";
        double.fail([Fault::Answer(403, denial)]);

        let denied = store.delete(&key()).await.unwrap_err();
        store.delete(&key()).await.unwrap();

        assert_eq!(
            to_error(&denied, "gs://my-lake/k").to_string(),
            "Access to gs://my-lake/k was denied: AccessDenied: Access denied. m@p does not have \
             storage.objects.delete access."
        );
        assert_eq!(double.object(TARGET), None);
    }

    #[test]
    fn a_store_that_anybody_on_the_way_could_read_is_not_opened() {
        for (endpoint, bucket) in [
            ("http://storage.example.com", "lake"),
            ("nowhere", "lake"),
            ("https://storage.example.com", "../lake"),
        ] {
            assert!(opened(endpoint, bucket).is_err(), "{endpoint} {bucket}");
        }
        opened("https://storage.example.com", "lake").unwrap();
    }
}
