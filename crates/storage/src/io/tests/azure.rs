//! A container of Azure, against a store of our own.

use std::sync::Arc;

use bytes::Bytes;
use merak_model::{Location, StorageConfig};
use object_store::client::{HttpConnector, ReqwestConnector};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    StaticCredentialProvider,
};

use super::super::azure::{open, sas_credential};
use super::super::provider_error;
use super::http_double::{Fault, HttpDouble};
use super::{JSON, settings};
use crate::vend::azure::AzureAddress;
use crate::{AzureSettings, AzureUrl, Error};

const LOCATION: &str = "abfss://lake@acct.dfs.core.windows.net/t/x";
const SAS: &str = "sv=2025-07-05&sr=d&sdd=1&sig=hunter2%2B%2F%3D";

fn container(double: &HttpDouble) -> Arc<dyn ObjectStore> {
    let azure = AzureSettings {
        endpoint: Some(AzureUrl::parse(&double.url).unwrap()),
        ..AzureSettings::default()
    };
    let json = r#"{"storageType":"AZURE","tenantId":"t","allowedLocations":["*"]}"#;
    let config = StorageConfig::from_json(json).unwrap();
    let location = Location::parse(LOCATION).unwrap();
    let address = AzureAddress::of(&azure, &config, &location).unwrap();
    let options = ClientOptions::new().with_allow_http(address.plain_http);
    let http = ReqwestConnector::default().connect(&options).unwrap();
    let credentials = Arc::new(StaticCredentialProvider::new(sas_credential(&SAS.into())));
    open(&settings(), &address, credentials, http).unwrap()
}

fn create() -> PutOptions {
    PutOptions { mode: PutMode::Create, ..PutOptions::default() }
}

#[tokio::test]
async fn a_file_is_created_once_read_and_deleted_by_its_own_name() {
    let double = HttpDouble::start().await;
    let store = container(&double);
    let key = Path::parse("t/a b/c%20d/ü#?").unwrap();
    let content = || Bytes::from_static(JSON).into();

    store.put_opts(&key, content(), create()).await.unwrap();
    let again = store.put_opts(&key, content(), create()).await.unwrap_err();
    assert!(matches!(again, StoreError::AlreadyExists { .. }), "{again:?}");
    let read = store.get(&key).await.unwrap().bytes().await.unwrap();
    assert_eq!(read, JSON);
    store.delete(&key).await.unwrap();

    let targets: Vec<_> = double.requests().iter().map(|request| request.target.clone()).collect();
    let target = "/acct/lake/t/a%20b/c%2520d/%C3%BC%23%3F?\
                  sv=2025-07-05&sr=d&sdd=1&sig=hunter2%2B%2F%3D";
    assert_eq!(targets, [target; 4]);
    assert_eq!(double.requests()[3].method, "DELETE");
    assert!(double.object(target).is_none());
    assert!(!format!("{store:?}{store}").contains("hunter2"));
}

#[tokio::test]
async fn a_file_is_deleted_in_spite_of_passing_failures() {
    let double = HttpDouble::start().await;
    double.fail([Fault::Answer(503, ""), Fault::LoseAnswer]);

    container(&double).delete(&Path::from("t/x")).await.unwrap();

    assert_eq!(double.requests().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_read_like_the_clients_own() {
    let double = HttpDouble::start().await;
    let store = container(&double);
    let key = Path::from("t/x");
    let denial = "<Error><Code>AuthorizationPermissionMismatch</Code><Message>This request is not \
                  authorized.</Message></Error>";
    let missing = "<Error><Code>BlobNotFound</Code></Error>";
    double.fail([Fault::Answer(403, denial), Fault::Answer(403, denial)]);

    let reading = store.get(&key).await.unwrap_err();
    let deleting = store.delete(&key).await.unwrap_err();

    for error in [reading, deleting] {
        let error = provider_error::to_error(&error, LOCATION);
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .ends_with("AuthorizationPermissionMismatch: This request is not authorized."),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    double.fail([Fault::Answer(404, missing)]);
    let gone = store.delete(&key).await.unwrap_err();
    assert!(matches!(gone, StoreError::NotFound { .. }), "{gone:?}");
    assert_eq!(double.requests().len(), 3);

    double.fail(vec![Fault::Answer(503, "<Error><Code>ServerBusy</Code></Error>"); 9]);
    let busy = provider_error::to_error(&store.delete(&key).await.unwrap_err(), LOCATION);
    assert!(matches!(busy, Error::Unavailable { .. }), "{busy:?}");
    assert_eq!(double.requests().len(), 6);
}

#[tokio::test]
async fn an_absent_account_is_unavailable_and_its_signature_is_not_told() {
    let mut double = HttpDouble::start().await;
    double.url = "http://127.0.0.1:1".to_owned();
    let store = container(&double);

    let reading = store.get(&Path::from("t/x")).await.unwrap_err();
    let deleting = store.delete(&Path::from("t/x")).await.unwrap_err();

    for error in [reading, deleting] {
        let error = provider_error::to_error(&error, LOCATION);
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().contains("Connection refused"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
