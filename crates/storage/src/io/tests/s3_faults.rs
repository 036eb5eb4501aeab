//! What becomes of requests to S3 that fail.

use std::time::{Duration, Instant};

use crate::CatalogStore;

use super::http_double::{Fault, HttpDouble};
use super::{JSON, config, location, settings, storage};
use crate::{Compression, Error, Storage, StorageRequests, StorageSettings};

const FILE: &str = "s3://lake/t/metadata/1.metadata.json";
const TARGET: &str = "/lake/t/metadata/1.metadata.json";
const DENIAL: &str = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>User: \
                      arn:aws:iam::1:user/m is not authorized to perform: s3:PutObject</Message>\
                      <HostId>secret-host</HostId></Error>";

fn at(url: &str) -> CatalogStore {
    config(&format!(r#"{{"storageType":"S3","endpoint":"{url}","pathStyleAccess":true}}"#))
}

async fn create(storage: &Storage, double: &HttpDouble) -> Result<(), Error> {
    let file = location(FILE);
    storage.create_metadata(&at(&double.url), &file, JSON, Compression::None).await
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_succeeds_when_the_file_is_ours() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    double.fail([Fault::LoseAnswer]);

    create(&storage, &double).await.unwrap();

    assert_eq!(double.object(TARGET).unwrap(), JSON);
    assert_eq!(storage.requests(), StorageRequests { puts: 2, gets: 1, deletes: 0 });
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_fails_when_the_file_is_anothers() {
    let another: [&[u8]; 2] = [br#"{"format-version":3}"#, br#"{"format-version":2,"x":"longer"}"#];
    for content in another {
        let double = HttpDouble::start().await;
        double.fail([Fault::LoseAnswerToAnother(content)]);

        let created = create(&storage(settings()), &double).await;

        assert!(matches!(created, Err(Error::AlreadyExists { .. })), "{created:?}");
        assert_eq!(double.object(TARGET).unwrap(), content);
    }
}

#[tokio::test]
async fn a_server_error_followed_by_a_conflict_is_read_back_too() {
    let double = HttpDouble::start().await;
    double.put_object(TARGET, JSON);
    double.fail([Fault::Answer(500, "")]);

    create(&storage(settings()), &double).await.unwrap();
}

#[tokio::test]
async fn a_denial_carries_the_providers_words_and_nothing_else() {
    let double = HttpDouble::start().await;
    double.fail([Fault::Answer(403, DENIAL)]);
    let storage = storage(settings());

    let error = create(&storage, &double).await.unwrap_err();

    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "Access to {FILE} was denied: AccessDenied: User: arn:aws:iam::1:user/m is not \
             authorized to perform: s3:PutObject"
        )
    );
    assert!(!format!("{error:?}{storage:?}").contains("hunter2"));
    assert_eq!(storage.requests().puts, 1);
}

#[tokio::test]
async fn a_failing_store_is_asked_a_bounded_number_of_times() {
    let double = HttpDouble::start().await;
    let slow_down = "<Error><Code>SlowDown</Code><Message>Please wait.</Message></Error>";
    double.fail(vec![Fault::Answer(503, slow_down); 20]);
    let storage = storage(settings());

    let error = create(&storage, &double).await.unwrap_err();

    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().ends_with("is not available: SlowDown: Please wait."), "{error}");
    assert_eq!(double.requests().len(), 3);
    assert_eq!(storage.requests().puts, 3);
}

#[tokio::test]
async fn a_passing_failure_is_not_noticed() {
    let double = HttpDouble::start().await;
    double.put_object(TARGET, JSON);
    double.fail([Fault::Answer(503, ""), Fault::LoseAnswer]);
    let storage = storage(settings());

    let text = storage.read_metadata(&at(&double.url), &location(FILE)).await.unwrap();

    assert_eq!(text, JSON);
    assert_eq!(storage.requests().gets, 3);
}

#[tokio::test]
async fn a_request_that_the_store_finds_wrong_is_not_repeated() {
    let double = HttpDouble::start().await;
    let wrong = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' \
                 is wrong; expecting 'eu-west-1'</Message></Error>";
    double.fail([Fault::Answer(400, wrong), Fault::Answer(301, "")]);
    let storage = storage(settings());

    let wrong = create(&storage, &double).await.unwrap_err();
    let elsewhere = create(&storage, &double).await.unwrap_err();

    assert!(matches!(wrong, Error::Refused { status: Some(400), .. }), "{wrong:?}");
    assert!(wrong.to_string().ends_with("expecting 'eu-west-1'"), "{wrong}");
    assert!(matches!(elsewhere, Error::Refused { status: Some(301), .. }), "{elsewhere:?}");
    assert_eq!(storage.requests().puts, 2);
}

#[tokio::test]
async fn a_missing_bucket_is_not_found_on_a_write() {
    let double = HttpDouble::start().await;
    double.fail([Fault::Answer(404, "<Error><Code>NoSuchBucket</Code></Error>")]);

    let error = create(&storage(settings()), &double).await.unwrap_err();

    assert_eq!(error.to_string(), format!("{FILE} does not exist: NoSuchBucket"));
}

#[tokio::test]
async fn a_silent_store_is_not_waited_for() {
    let double = HttpDouble::start().await;
    double.fail(vec![Fault::Hang; 20]);
    let settings = StorageSettings { retry_timeout: Duration::from_millis(200), ..settings() };
    let storage = storage(settings);
    let begun = Instant::now();

    let created = create(&storage, &double).await;
    let read = storage.read_metadata(&at(&double.url), &location(FILE)).await;

    assert!(matches!(created, Err(Error::Timeout { .. })), "{created:?}");
    assert!(matches!(read, Err(Error::Timeout { .. })), "{read:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    // The outcome of a silent write is unknown: it is the caller who decides what to do.
    assert_eq!(storage.requests().puts, 1);
}

#[tokio::test]
async fn an_absent_store_is_unavailable_and_the_cause_is_told() {
    let storage = storage(StorageSettings { max_retries: 1, ..settings() });
    // No one listens on the port that was reserved for no one.
    let read = storage.read_metadata(&at("http://127.0.0.1:1"), &location(FILE)).await;

    let error = read.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
}
