//! Removing many files.

use std::fs;

use merak_model::Location;

use super::http_double::{Fault, HttpDouble};
use super::temp_dir::TempDir;
use super::{config, location, settings, storage};
use crate::{CatalogStore, Error, StorageRequests, StorageSettings};

fn lake(double: &HttpDouble) -> CatalogStore {
    config(&format!(
        r#"{{"storageType":"S3","allowedLocations":["s3://lake/t"],"endpoint":"{}",
            "pathStyleAccess":true}}"#,
        double.url
    ))
}

fn files(count: usize) -> Vec<Location> {
    (0..count).map(|at| location(&format!("s3://lake/t/{at}"))).collect()
}

fn put(double: &HttpDouble, count: usize) {
    (0..count).for_each(|at| double.put_object(&format!("/lake/t/{at}"), b"x"));
}

fn are_gone(double: &HttpDouble, count: usize) -> bool {
    (0..count).all(|at| double.object(&format!("/lake/t/{at}")).is_none())
}

#[tokio::test]
async fn a_thousand_objects_of_s3_are_removed_by_one_request() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    put(&double, 2001);
    // Twice the same is once, and there need not be anything.
    let all = [files(2001), files(3), vec![location("s3://lake/t/never")]].concat();

    let failed = storage.delete_many(&lake(&double), &all).await.unwrap();

    assert!(failed.is_empty(), "{failed:?}");
    assert!(are_gone(&double, 2001));
    let requests = double.requests();
    assert_eq!(requests.len(), 3);
    let keys = |at: usize| String::from_utf8_lossy(&requests[at].body).matches("<Key>").count();
    assert_eq!([keys(0), keys(1), keys(2)], [1000, 1000, 2]);
    for request in &requests {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/lake?delete"));
    }
    assert_eq!(storage.requests(), StorageRequests { puts: 0, gets: 0, deletes: 3 });
}

#[tokio::test]
async fn which_objects_were_not_removed_is_told_and_why() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    double.fail([Fault::Answer(
        200,
        "<DeleteResult><Deleted><Key>t/0</Key></Deleted>\
         <Error><Key>t/1</Key><Code>AccessDenied</Code><Message>Access: denied</Message></Error>\
         <Error><Key>t/2</Key><Code>NoSuchKey</Code><Message>No</Message></Error>\
         <Error><Key>t/3</Key><Code>ServiceUnavailable</Code><Message>Oops</Message></Error>\
         <Error><Key>t/4</Key><Code>MethodNotAllowed</Code><Message>Locked</Message></Error>\
         </DeleteResult>",
    )]);

    let failed = storage.delete_many(&lake(&double), &files(5)).await.unwrap();

    let [denied, broken, refused] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!(denied.0, location("s3://lake/t/1"));
    assert!(matches!(denied.1, Error::Denied { .. }), "{denied:?}");
    assert_eq!(
        denied.1.to_string(),
        "Access to s3://lake/t/1 was denied: AccessDenied: Access: denied"
    );
    assert_eq!(broken.0, location("s3://lake/t/3"));
    assert!(matches!(broken.1, Error::Unavailable { .. }), "{broken:?}");
    assert_eq!(refused.0, location("s3://lake/t/4"));
    assert!(matches!(refused.1, Error::Refused { status: None, .. }), "{refused:?}");
    assert_eq!(storage.requests().deletes, 1);
}

#[tokio::test]
async fn only_one_object_that_was_not_removed_is_told_too() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    double.fail([Fault::Answer(
        200,
        "<DeleteResult><Error><Key>t/0</Key><Code>AccessDenied</Code><Message>No</Message></Error>\
         </DeleteResult>",
    )]);

    let failed = storage.delete_many(&lake(&double), &files(1)).await.unwrap();

    assert!(matches!(failed[..], [(_, Error::Denied { .. })]), "{failed:?}");
    assert_eq!(storage.requests().deletes, 1);
}

#[tokio::test]
async fn where_s3_takes_no_batches_objects_are_removed_one_by_one() {
    let of_another = "<DeleteResult><Error><Key>t/99</Key><Code>AccessDenied</Code>\
                      <Message>No</Message></Error></DeleteResult>";
    for (status, answer) in [
        (200, "nonsense"),
        (200, "<DeleteResult/>"),
        (200, of_another),
        (400, "<Error><Code>InvalidArgument</Code></Error>"),
        (404, "<Error><Code>NoSuchKey</Code></Error>"),
        (405, "<Error><Code>MethodNotAllowed</Code></Error>"),
        (501, "<Error><Code>NotImplemented</Code></Error>"),
    ] {
        let double = HttpDouble::start().await;
        let storage = storage(StorageSettings { max_retries: 0, ..settings() });
        put(&double, 30);
        double.fail([Fault::Answer(status, answer)]);

        let failed = storage.delete_many(&lake(&double), &files(30)).await.unwrap();

        assert!(failed.is_empty(), "{status}: {failed:?}");
        assert!(are_gone(&double, 30), "{status}");
        assert_eq!(storage.requests(), StorageRequests { puts: 0, gets: 0, deletes: 31 });
    }
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_is_told_of_each_file_and_the_next_is_tried() {
    let double = HttpDouble::start().await;
    let storage = storage(StorageSettings { max_retries: 0, ..settings() });
    put(&double, 1001);
    let denial = "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>";
    double.fail([Fault::Answer(403, denial)]);

    let failed = storage.delete_many(&lake(&double), &files(1001)).await.unwrap();

    assert_eq!(failed.len(), 1000);
    for (file, error) in &failed {
        let told = format!("Access to {file} was denied: AccessDenied: No.");
        assert_eq!(error.to_string(), told);
    }
    assert!(double.object("/lake/t/1000").is_none());
    assert_eq!(double.requests().len(), 2);
}

#[tokio::test]
async fn a_store_that_fails_or_is_silent_fails_each_file() {
    for fault in [Fault::Answer(503, ""), Fault::Hang] {
        let double = HttpDouble::start().await;
        let storage = storage(StorageSettings { max_retries: 0, ..settings() });
        double.fail([fault.clone()]);

        let failed = storage.delete_many(&lake(&double), &files(2)).await.unwrap();

        assert_eq!(failed.len(), 2, "{fault:?}: {failed:?}");
        for (_, error) in failed {
            let fits = matches!(error, Error::Unavailable { .. } | Error::Timeout { .. });
            assert!(fits, "{fault:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_batch_that_failed_for_a_moment_is_repeated() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    put(&double, 2);
    let moment = "<DeleteResult><Error><Key>t/0</Key><Code>InternalError</Code>\
                  <Message>Oops</Message></Error></DeleteResult>";
    double.fail([Fault::Answer(503, ""), Fault::Answer(200, moment)]);

    let failed = storage.delete_many(&lake(&double), &files(2)).await.unwrap();

    assert!(failed.is_empty(), "{failed:?}");
    assert!(are_gone(&double, 2));
    assert_eq!(storage.requests().deletes, 3);
}

#[tokio::test]
async fn a_file_outside_the_allowed_locations_is_refused_and_the_others_are_removed() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    put(&double, 1);
    double.put_object("/lake/tt/x", b"x");
    let outside = ["s3://lake/tt/x", "s3://other/t/0", "gs://lake/t/0", "file:///lake/t/0"];
    let all: Vec<_> = outside.map(location).into_iter().chain(files(1)).collect();

    let failed = storage.delete_many(&lake(&double), &all).await.unwrap();

    assert_eq!(failed.len(), 4);
    for ((file, error), outside) in failed.iter().zip(outside) {
        assert_eq!(file.as_str(), outside);
        assert!(matches!(error, Error::Refused { status: None, .. }), "{error:?}");
        let read = storage.read_file(&lake(&double), file, 100).await;
        assert!(matches!(read, Err(Error::Refused { status: None, .. })), "{read:?}");
    }
    assert!(are_gone(&double, 1));
    assert!(double.object("/lake/tt/x").is_some());
    assert_eq!(double.requests().len(), 1);
}

#[tokio::test]
async fn a_file_is_read_as_it_is_and_up_to_a_limit() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    // What gzip begins with, and what is no text. It is larger than metadata may be.
    let content = [&b"\x1f\x8b\xff"[..], &[0; 2000]].concat();
    double.put_object("/lake/t/0", &content);
    let read =
        async |at: &str, limit| storage.read_file(&lake(&double), &location(at), limit).await;

    assert_eq!(read("s3://lake/t/0", 2003).await.unwrap(), content);
    let too_large = read("s3://lake/t/0", 2002).await;
    assert!(matches!(too_large, Err(Error::TooLarge { limit: 2002, .. })), "{too_large:?}");
    let missing = read("s3://lake/t/1", 2002).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn files_of_a_folder_are_removed_and_failures_told() {
    let folder = TempDir::new();
    let at = |name: &str| location(&format!("file://{}/{name}", folder.path().display()));
    let store = config(&format!(
        r#"{{"storageType":"FILE","allowedLocations":["file://{}"]}}"#,
        folder.path().display()
    ));
    (0..100).for_each(|name| fs::write(folder.path().join(name.to_string()), b"x").unwrap());
    fs::create_dir(folder.path().join("folder")).unwrap();
    let all: Vec<_> = (0..101).map(|name| at(&name.to_string())).chain([at("folder")]).collect();
    let storage = storage(settings());

    let failed = storage.delete_many(&store, &all).await.unwrap();

    let [(file, Error::Denied { .. })] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!(file, &at("folder"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(storage.requests(), StorageRequests { puts: 0, gets: 0, deletes: 102 });
}

#[tokio::test]
async fn where_file_storage_is_off_nothing_is_removed() {
    let folder = TempDir::new();
    fs::write(folder.path().join("x"), b"x").unwrap();
    let file = location(&format!("file://{}/x", folder.path().display()));
    let storage = storage(StorageSettings { allow_file_type: false, ..settings() });
    let store = config(r#"{"storageType":"FILE","allowedLocations":["*"]}"#);

    let removed = storage.delete_many(&store, &[file]).await;

    assert!(matches!(removed, Err(Error::Unsupported(_))), "{removed:?}");
    assert!(folder.path().join("x").exists());
}
