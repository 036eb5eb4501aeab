//! Requests to S3, as they look on the wire.

use crate::CatalogStore;

use super::http_double::{Fault, HttpDouble};
use super::{JSON, config, location, settings, storage};
use crate::{Compression, Error, StorageRequests, gzip};

const FILE: &str = "s3://lake/t/metadata/1.metadata.json";
const TARGET: &str = "/lake/t/metadata/1.metadata.json";

fn at(double: &HttpDouble) -> CatalogStore {
    config(&format!(
        r#"{{"storageType":"S3","allowedLocations":["s3://lake"],"endpoint":"https://public.invalid",
            "endpointInternal":"{}","pathStyleAccess":true}}"#,
        double.url
    ))
}

#[tokio::test]
async fn a_file_is_created_only_if_there_is_none() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());

    storage.create_metadata(&at(&double), &location(FILE), JSON, Compression::None).await.unwrap();

    let [put] = &double.requests()[..] else { panic!("{:?}", double.requests()) };
    assert_eq!((put.method.as_str(), put.target.as_str()), ("PUT", TARGET));
    assert_eq!(put.header("if-none-match"), "*");
    assert_eq!(put.body, JSON);
    assert_eq!(storage.requests(), StorageRequests { puts: 1, gets: 0, deletes: 0 });
}

#[tokio::test]
async fn an_existing_file_is_never_replaced() {
    let double = HttpDouble::start().await;
    double.put_object(TARGET, b"another");
    let storage = storage(settings());

    let created =
        storage.create_metadata(&at(&double), &location(FILE), JSON, Compression::None).await;

    assert!(matches!(created, Err(Error::AlreadyExists { .. })), "{created:?}");
    assert_eq!(double.object(TARGET).unwrap(), b"another");
    // Not even the same content is taken for ours when nothing was repeated.
    assert_eq!(storage.requests(), StorageRequests { puts: 1, gets: 0, deletes: 0 });
}

#[tokio::test]
async fn keys_reach_the_store_as_they_are_spelled() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    let names = [
        ("plain-1_2.metadata.json", "plain-1_2.metadata.json"),
        ("a b", "a%20b"),
        ("50%", "50%25"),
        ("a%20b", "a%2520b"),
        ("a#b?c", "a%23b%3Fc"),
        ("a~b", "a~b"),
        ("a+b=c&d", "a%2Bb%3Dc%26d"),
        ("Ärger", "%C3%84rger"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
        ("[x]{y}^`|<z>\"*'", "%5Bx%5D%7By%7D%5E%60%7C%3Cz%3E%22%2A%27"),
    ];

    for (name, on_the_wire) in names {
        let file = location(&format!("s3://lake/t/{name}"));
        let content = format!("\"{on_the_wire}\"");
        let content = content.as_bytes();

        storage.create_metadata(&at(&double), &file, content, Compression::None).await.unwrap();
        assert_eq!(
            double.object(&format!("/lake/t/{on_the_wire}")).as_deref(),
            Some(content),
            "{name} was not stored under its key"
        );
        assert_eq!(storage.read_metadata(&at(&double), &file).await.unwrap(), content);
        storage.delete(&at(&double), &file).await.unwrap();
        assert_eq!(double.object(&format!("/lake/t/{on_the_wire}")), None);
    }
}

#[tokio::test]
async fn gzip_is_recognised_by_its_content() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    let names = ["00001.gz.metadata.json", "v2.metadata.json.gz", "plainly-named.metadata.json"];

    for name in names {
        let file = location(&format!("s3://lake/t/{name}"));
        storage.create_metadata(&at(&double), &file, JSON, Compression::Gzip).await.unwrap();

        let stored = double.object(&format!("/lake/t/{name}")).unwrap();
        assert_eq!(stored[..2], [0x1f, 0x8b]);
        assert_eq!(storage.read_metadata(&at(&double), &file).await.unwrap(), JSON);
    }
}

#[tokio::test]
async fn files_over_the_limit_are_refused_packed_and_unpacked() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    let file = location(FILE);

    for (content, fits) in [
        (vec![b' '; 1000], true),
        (vec![b' '; 1001], false),
        (gzip(&vec![b' '; 1000]), true),
        (gzip(&vec![b' '; 100_000]), false),
    ] {
        double.put_object(TARGET, &content);

        let read = storage.read_metadata(&at(&double), &file).await;

        match read {
            Ok(text) => assert!(fits && text.len() == 1000),
            Err(error) => {
                assert!(!fits && matches!(error, Error::TooLarge { limit: 1000, .. }), "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn hostile_files_are_malformed_and_nothing_worse() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());

    for content in [&b"\x1f\x8b"[..], b"\x1f\x8b\x08\xff\xff", b"\x00\xff\xfe"] {
        double.put_object(TARGET, content);

        let read = storage.read_metadata(&at(&double), &location(FILE)).await;

        assert!(matches!(read, Err(Error::Malformed { .. })), "{content:?}: {read:?}");
    }
}

#[tokio::test]
async fn a_missing_file_is_not_found_and_may_be_deleted() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());
    double.fail([
        Fault::Answer(404, ""),
        Fault::Answer(404, "<Error><Code>NoSuchKey</Code></Error>"),
    ]);

    let read = storage.read_metadata(&at(&double), &location(FILE)).await;
    let deleted = storage.delete(&at(&double), &location(FILE)).await;

    assert!(matches!(read, Err(Error::NotFound { .. })), "{read:?}");
    assert!(deleted.is_ok(), "{deleted:?}");
    assert_eq!(storage.requests(), StorageRequests { puts: 0, gets: 1, deletes: 1 });
}

#[tokio::test]
async fn locations_that_are_not_of_the_catalogs_store_are_refused_without_a_request() {
    let double = HttpDouble::start().await;
    let storage = storage(settings());

    for place in ["file:///etc/passwd", "gs://lake/x", "s3://lake", "s3://la<ke/x", "s3://../x"] {
        let read = storage.read_metadata(&at(&double), &location(place)).await;

        assert!(matches!(read, Err(Error::Refused { status: None, .. })), "{place}: {read:?}");
    }
    assert!(double.requests().is_empty());
}
