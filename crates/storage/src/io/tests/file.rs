//! Files in a folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use merak_model::Location;

use super::temp_dir::TempDir;
use super::{JSON, config, location, settings, storage};
use crate::{CatalogStore, Compression, Error, Storage, StorageRequests, StorageSettings};

fn within(folder: &Path) -> CatalogStore {
    let folder = folder.display();
    config(&format!(r#"{{"storageType":"FILE","allowedLocations":["file://{folder}"]}}"#))
}

fn file_in(folder: &Path, name: &str) -> Location {
    location(&format!("{}/{name}", folder.display()))
}

async fn create(storage: &Storage, folder: &Path, name: &str) -> Result<(), Error> {
    let file = file_in(folder, name);
    storage.create_metadata(&within(folder), &file, JSON, Compression::None).await
}

#[tokio::test]
async fn a_file_is_created_with_its_folders_read_and_removed() {
    let folder = TempDir::new();
    let storage = storage(settings());
    let file = file_in(folder.path(), "ns/t/metadata/1.metadata.json");

    create(&storage, folder.path(), "ns/t/metadata/1.metadata.json").await.unwrap();
    assert_eq!(fs::read(folder.path().join("ns/t/metadata/1.metadata.json")).unwrap(), JSON);
    assert_eq!(storage.read_metadata(&within(folder.path()), &file).await.unwrap(), JSON);
    for _ in 0..2 {
        storage.delete(&within(folder.path()), &file).await.unwrap();
    }

    let read = storage.read_metadata(&within(folder.path()), &file).await;
    assert!(matches!(read, Err(Error::NotFound { .. })), "{read:?}");
    assert_eq!(storage.requests(), StorageRequests { puts: 1, gets: 2, deletes: 2 });
}

#[tokio::test]
async fn an_existing_file_is_never_replaced() {
    let folder = TempDir::new();
    fs::write(folder.path().join("x"), b"another").unwrap();

    let created = create(&storage(settings()), folder.path(), "x").await;

    assert!(matches!(created, Err(Error::AlreadyExists { .. })), "{created:?}");
    assert_eq!(fs::read(folder.path().join("x")).unwrap(), b"another");
}

#[tokio::test]
async fn of_many_writers_of_one_file_one_succeeds() {
    let folder = TempDir::new();
    let storage = storage(settings());

    let writers = (0..16).map(|_| create(&storage, folder.path(), "a/b/c/x"));
    let results = futures::future::join_all(writers).await;

    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let lost = |result: &Result<(), Error>| matches!(result, Err(Error::AlreadyExists { .. }));
    assert_eq!(results.iter().filter(|result| lost(result)).count(), 15, "{results:?}");
}

#[tokio::test]
async fn names_are_kept_as_they_are_spelled() {
    let folder = TempDir::new();
    let storage = storage(settings());

    for name in ["a b", "50%", "a%20b", "a#b?c", "a~b", "Ärger", "日本", "[x]{y}^`|<z>\"*'"] {
        create(&storage, folder.path(), name).await.unwrap();

        assert_eq!(fs::read(folder.path().join(name)).unwrap(), JSON, "{name}");
        let file = file_in(folder.path(), name);
        assert_eq!(storage.read_metadata(&within(folder.path()), &file).await.unwrap(), JSON);
    }
}

#[tokio::test]
async fn files_over_the_limit_are_refused() {
    let folder = TempDir::new();
    fs::write(folder.path().join("x"), vec![b' '; 1001]).unwrap();
    let file = file_in(folder.path(), "x");

    let read = storage(settings()).read_metadata(&within(folder.path()), &file).await;

    assert!(matches!(read, Err(Error::TooLarge { limit: 1000, .. })), "{read:?}");
}

#[tokio::test]
async fn file_storage_must_be_switched_on() {
    let folder = TempDir::new();
    let storage = storage(StorageSettings { allow_file_type: false, ..settings() });

    let error = create(&storage, folder.path(), "x").await.unwrap_err();

    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
    assert!(error.to_string().contains("must be switched on"), "{error}");
    assert!(!folder.path().join("x").exists());
}

#[tokio::test]
async fn a_file_where_a_folder_should_be_is_named() {
    let folder = TempDir::new();
    fs::write(folder.path().join("ns"), b"").unwrap();

    let error = create(&storage(settings()), folder.path(), "ns/t/x").await.unwrap_err();

    let told = format!("'{}' is no folder", folder.path().join("ns").display());
    assert!(error.to_string().ends_with(&told), "{error}");
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
}

#[tokio::test]
async fn a_link_out_of_the_allowed_location_is_denied() {
    let folder = TempDir::new();
    let outside = TempDir::new();
    fs::write(outside.path().join("secret"), JSON).unwrap();
    symlink(outside.path(), folder.path().join("metadata")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("x")).unwrap();
    symlink(outside.path().join("new"), folder.path().join("dangling")).unwrap();
    symlink("loop", folder.path().join("loop")).unwrap();
    let storage = storage(settings());

    for name in ["metadata/secret", "x", "dangling", "loop", "loop/x", "metadata/new/x"] {
        let file = file_in(folder.path(), name);
        let config = within(folder.path());

        let read = storage.read_metadata(&config, &file).await;
        assert!(matches!(read, Err(Error::Denied { .. })), "{name}: {read:?}");
        let created = create(&storage, folder.path(), name).await;
        assert!(matches!(created, Err(Error::Denied { .. })), "{name}: {created:?}");
        let deleted = storage.delete(&config, &file).await;
        assert!(matches!(deleted, Err(Error::Denied { .. })), "{name}: {deleted:?}");
    }

    let names = fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["secret"]);
}

#[tokio::test]
async fn links_within_and_above_the_allowed_location_are_followed() {
    let folder = TempDir::new();
    let real = folder.path().join("real");
    fs::create_dir_all(real.join("t")).unwrap();
    symlink(&real, folder.path().join("mounted")).unwrap();
    symlink("t", real.join("alias")).unwrap();
    let allowed = folder.path().join("mounted");

    create(&storage(settings()), &allowed, "alias/x").await.unwrap();

    assert_eq!(fs::read(real.join("t/x")).unwrap(), JSON);
}

#[tokio::test]
async fn what_is_no_regular_file_is_not_read_or_removed() {
    let folder = TempDir::new();
    fs::create_dir(folder.path().join("x")).unwrap();
    let config = config(r#"{"storageType":"FILE","allowedLocations":["*"]}"#);
    let storage = storage(settings());

    for file in [file_in(folder.path(), "x"), location("/dev/zero")] {
        let read = storage.read_metadata(&config, &file).await;
        assert!(matches!(read, Err(Error::Denied { .. })), "{file}: {read:?}");
    }
    let deleted = storage.delete(&config, &file_in(folder.path(), "x")).await;
    assert!(matches!(deleted, Err(Error::Denied { .. })), "{deleted:?}");
    assert!(folder.path().join("x").exists());
}

#[tokio::test]
async fn a_name_that_is_too_long_is_refused() {
    let folder = TempDir::new();

    let created = create(&storage(settings()), folder.path(), &"x".repeat(300)).await;

    assert!(matches!(created, Err(Error::Refused { .. })), "{created:?}");
}
