//! Whose credentials requests to S3 are signed with.

use std::fs;
use std::time::Duration;

use merak_model::{Clock as _, SystemClock};
use secrecy::SecretString;

use super::http_double::{Fault, HttpDouble};
use super::temp_dir::TempDir;
use super::{JSON, config, in_environment, location, settings, storage};
use crate::aws_identity::AwsEnvironment;
use crate::{AwsKeys, CatalogStore, Error, StorageSettings};

const FILE: &str = "s3://lake/t/metadata/1.metadata.json";
const TARGET: &str = "/lake/t/metadata/1.metadata.json";

fn at(double: &HttpDouble) -> CatalogStore {
    config(&format!(
        r#"{{"storageType":"S3","allowedLocations":["s3://lake"],"endpoint":"{}",
            "pathStyleAccess":true}}"#,
        double.url
    ))
}

fn without_keys() -> StorageSettings {
    StorageSettings {
        aws_access_key: None,
        aws_secret_key: None,
        aws_session_token: None,
        ..settings()
    }
}

#[tokio::test]
async fn requests_are_signed_with_the_keys_of_the_settings_for_the_default_region() {
    let double = HttpDouble::start().await;
    double.put_object(TARGET, JSON);

    storage(settings()).read_metadata(&at(&double), &location(FILE)).await.unwrap();

    let get = &double.requests()[0];
    let signature = get.header("authorization");
    assert!(signature.contains("Credential=AKIDTEST/"), "{signature}");
    assert!(signature.contains("/us-east-1/s3/aws4_request"), "{signature}");
    assert_eq!(get.header("x-amz-security-token"), "token-hunter2");
}

#[tokio::test]
async fn a_storage_name_chooses_its_own_keys() {
    let double = HttpDouble::start().await;
    double.put_object(TARGET, JSON);
    let keys = |id: &str| AwsKeys {
        access_key: id.into(),
        secret_key: "hunter3".into(),
        session_token: None,
    };
    let named = [("gold".to_owned(), keys("AKIDGOLD")), ("lake".to_owned(), keys("AKIDLAKE"))];
    let settings = StorageSettings { aws_named_keys: named.into(), ..settings() };
    let storage = storage(settings);
    let mut gold = at(&double);
    gold.config.storage_name = Some("gold".to_owned());
    let mut other = at(&double);
    other.config.storage_name = Some("other".to_owned());

    for config in [gold, at(&double), other] {
        storage.read_metadata(&config, &location(FILE)).await.unwrap();
    }

    let requests = double.requests();
    for (request, id) in requests.iter().zip(["AKIDGOLD/", "AKIDLAKE/", "AKIDTEST/"]) {
        let signature = request.header("authorization");
        assert!(signature.contains(id), "{signature} is not of {id}");
    }
}

#[tokio::test]
async fn keys_of_the_environment_are_used_where_none_are_set() {
    let double = HttpDouble::start().await;
    double.put_object(TARGET, JSON);
    let environment = AwsEnvironment::of([
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", "hunter4"),
        ("AWS_SESSION_TOKEN", "token-hunter4"),
    ]);

    for (settings, id, token) in [
        (without_keys(), "AKIDENV/", "token-hunter4"),
        // Settings win as a whole: their keys do not get the environment's token.
        (StorageSettings { aws_session_token: None, ..settings() }, "AKIDTEST/", ""),
    ] {
        let storage = in_environment(settings, environment.clone());

        storage.read_metadata(&at(&double), &location(FILE)).await.unwrap();

        let get = double.requests().pop().unwrap();
        assert!(get.header("authorization").contains(id), "{get:?}");
        assert_eq!(get.header("x-amz-security-token"), token);
        assert!(!format!("{storage:?}").contains("hunter4"));
    }
}

/// An environment as the pod identity agent makes it.
fn pod(agent: &HttpDouble, folder: &TempDir) -> AwsEnvironment {
    let token = folder.path().join("token");
    fs::write(&token, "pod-token").unwrap();
    AwsEnvironment::of([
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/credentials", agent.url)),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.display().to_string()),
    ])
}

#[tokio::test]
async fn credentials_are_asked_for_at_first_use_and_once() {
    let (agent, double, folder) =
        (HttpDouble::start().await, HttpDouble::start().await, TempDir::new());
    double.put_object(TARGET, JSON);
    let credentials = br#"{"AccessKeyId":"AKIDPOD","SecretAccessKey":"hunter5",
        "Token":"token-hunter5","Expiration":"2100-01-01T00:00:00Z"}"#;
    agent.put_object("/credentials", credentials);
    let storage = in_environment(without_keys(), pod(&agent, &folder));
    assert!(agent.requests().is_empty());

    let (config, file) = (at(&double), location(FILE));
    let reads = (0..8).map(|_| storage.read_metadata(&config, &file));
    futures::future::try_join_all(reads).await.unwrap();

    assert_eq!(agent.requests().len(), 1);
    assert_eq!(agent.requests()[0].header("authorization"), "pod-token");
    assert!(double.requests()[0].header("authorization").contains("AKIDPOD/"));
    // What is asked for credentials is no request to a store.
    assert_eq!(storage.requests().gets, 8);
    assert!(!format!("{storage:?}").contains("hunter5"));
}

#[tokio::test]
async fn a_failure_to_get_credentials_is_told_and_remembered_for_a_while() {
    let (agent, double, folder) =
        (HttpDouble::start().await, HttpDouble::start().await, TempDir::new());
    let storage = in_environment(without_keys(), pod(&agent, &folder));
    let (config, file) = (at(&double), location(FILE));

    let reads = (0..8).map(|_| storage.read_metadata(&config, &file));
    let results = futures::future::join_all(reads).await;

    for result in results {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::NoCredentials { .. }), "{error:?}");
        assert!(error.to_string().contains("404"), "{error}");
    }
    assert_eq!(agent.requests().len(), 1);
    assert!(double.requests().is_empty());
}

#[tokio::test]
async fn without_credentials_no_store_is_asked() {
    let double = HttpDouble::start().await;
    let half =
        StorageSettings { aws_access_key: Some(SecretString::from("AKIDTEST")), ..without_keys() };
    let nothing = ("AWS_EC2_METADATA_DISABLED", "true");
    let half_set = ("AWS_SECRET_ACCESS_KEY", "hunter6");

    for (settings, variable, told) in [
        (without_keys(), nothing, "metadata service is switched off"),
        (without_keys(), half_set, "AWS_SECRET_ACCESS_KEY is set, but not AWS_ACCESS_KEY_ID"),
        (half, nothing, "no secret key"),
    ] {
        let storage = in_environment(settings, AwsEnvironment::of([variable]));
        let read = storage.read_metadata(&at(&double), &location(FILE)).await;

        let error = read.unwrap_err();
        assert!(matches!(error, Error::NoCredentials { .. }), "{error:?}");
        assert!(error.to_string().contains(told), "{error}");
    }
    assert!(double.requests().is_empty());
}

/// An environment with such a `~/.aws/config`.
fn profile(folder: &TempDir, config: &str) -> AwsEnvironment {
    let file = folder.path().join("config");
    fs::write(&file, config).unwrap();
    AwsEnvironment::of([("AWS_CONFIG_FILE", &*file.display().to_string()), ("AWS_PROFILE", "lake")])
}

#[tokio::test]
async fn keys_of_a_profile_are_used_and_those_of_a_process_it_names() {
    let (double, folder) = (HttpDouble::start().await, TempDir::new());
    double.put_object(TARGET, JSON);
    let output = r#"{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"hunter7"}"#;

    for (config, id) in [
        ("aws_access_key_id=AKIDPROFILE\naws_secret_access_key=hunter7".to_owned(), "AKIDPROFILE/"),
        (format!("credential_process=echo '{output}'"), "AKIDPROCESS/"),
    ] {
        let environment = profile(&folder, &format!("[profile lake]\n{config}\n"));
        let storage = in_environment(without_keys(), environment);

        storage.read_metadata(&at(&double), &location(FILE)).await.unwrap();

        let get = double.requests().pop().unwrap();
        assert!(get.header("authorization").contains(id), "{get:?}");
        assert!(!format!("{storage:?}").contains("hunter7"));
    }
}

#[tokio::test]
async fn credentials_that_will_end_soon_are_looked_up_anew_and_serve_until_then() {
    let (agent, double, folder) =
        (HttpDouble::start().await, HttpDouble::start().await, TempDir::new());
    double.put_object(TARGET, JSON);
    let now = time::OffsetDateTime::from(std::time::UNIX_EPOCH)
        + Duration::from_millis(SystemClock.now_ms().try_into().unwrap());
    let end = (now + Duration::from_secs(3))
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap();
    let credentials = format!(
        r#"{{"AccessKeyId":"AKIDPOD","SecretAccessKey":"hunter5","Token":"t","Expiration":"{end}"}}"#
    );
    agent.put_object("/credentials", credentials.as_bytes());
    let storage = in_environment(without_keys(), pod(&agent, &folder));
    let (config, file) = (at(&double), location(FILE));
    storage.read_metadata(&config, &file).await.unwrap();
    assert_eq!(agent.requests().len(), 1);

    agent.fail(std::iter::repeat_n(Fault::Answer(500, "out of order"), 9));
    // Half of what they had left is over before the next look-up.
    while agent.requests().len() == 1 {
        storage.read_metadata(&config, &file).await.unwrap();
    }

    let signature = double.requests().pop().unwrap().header("authorization").to_owned();
    assert!(signature.contains("AKIDPOD/"), "{signature}");
}
