//! Behaviour of the whole, against a store of our own and against a folder.

mod azure;
mod bulk;
mod file;
mod folders;
pub(crate) mod http_double;
mod s3;
mod s3_credentials;
mod s3_faults;
pub(crate) mod temp_dir;

use std::sync::Arc;
use std::time::Duration;

use merak_model::{Location, RealmId, StorageConfig, SystemClock};
use secrecy::SecretString;

use super::Storage;
use crate::aws_identity::AwsEnvironment;
use crate::{CatalogStore, ServerIdentity, StorageSettings};

const JSON: &[u8] = br#"{"format-version":2}"#;

/// Settings with keys of their own and with short waits.
fn settings() -> StorageSettings {
    StorageSettings {
        aws_access_key: Some(SecretString::from("AKIDTEST")),
        aws_secret_key: Some(SecretString::from("hunter2")),
        aws_session_token: Some(SecretString::from("token-hunter2")),
        request_timeout: Duration::from_millis(300),
        connect_timeout: Duration::from_millis(300),
        max_retries: 2,
        retry_timeout: Duration::from_secs(5),
        max_metadata_bytes: 1000,
        allow_file_type: true,
        ..StorageSettings::default()
    }
}

/// Storage that the environment of the test run cannot change.
fn storage(settings: StorageSettings) -> Storage {
    in_environment(settings, AwsEnvironment::default())
}

fn in_environment(settings: StorageSettings, environment: AwsEnvironment) -> Storage {
    Storage::in_environment(settings, environment, Arc::new(SystemClock))
}

fn config(json: &str) -> CatalogStore {
    CatalogStore {
        realm: RealmId::new("r"),
        config: StorageConfig::from_json(json).unwrap(),
        identity: ServerIdentity::OfCatalog,
        lifetime: Duration::from_hours(1),
    }
}

fn location(text: &str) -> Location {
    Location::parse(text).unwrap()
}
