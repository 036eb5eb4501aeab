//! Removing the folders that a table leaves behind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::temp_dir::TempDir;
use super::{config, location, settings, storage};
use crate::{CatalogStore, Error};

fn within(folder: &Path) -> CatalogStore {
    let folder = folder.display();
    config(&format!(r#"{{"storageType":"FILE","allowedLocations":["file://{folder}"]}}"#))
}

async fn clean(allowed: &Path, folder: &Path) -> Result<(), Error> {
    let folder = location(&format!("file://{}", folder.display()));
    storage(settings()).remove_empty_folders(&within(allowed), &folder).await
}

#[tokio::test]
async fn empty_folders_are_removed_from_the_inside_and_none_above() {
    let root = TempDir::new();
    let table = root.path().join("ns/t");
    fs::create_dir_all(table.join("data/day=1")).unwrap();
    fs::create_dir_all(table.join("data/day=2/deep")).unwrap();
    fs::create_dir_all(table.join("metadata")).unwrap();

    clean(root.path(), &table).await.unwrap();
    // What is gone already is fine.
    clean(root.path(), &table).await.unwrap();

    assert!(!table.exists());
    assert!(root.path().join("ns").exists());
}

#[tokio::test]
async fn a_folder_with_a_file_stays_with_those_above_it() {
    let root = TempDir::new();
    let table = root.path().join("t");
    fs::create_dir_all(table.join("data/a/b")).unwrap();
    fs::create_dir_all(table.join("data/empty")).unwrap();
    fs::write(table.join("data/a/file"), b"x").unwrap();

    clean(root.path(), &table).await.unwrap();

    assert!(table.join("data/a/file").exists());
    assert!(!table.join("data/a/b").exists());
    assert!(!table.join("data/empty").exists());
}

#[tokio::test]
async fn links_are_not_followed_and_not_removed() {
    let root = TempDir::new();
    let elsewhere = TempDir::new();
    let table = root.path().join("t");
    fs::create_dir_all(table.join("data")).unwrap();
    fs::create_dir(root.path().join("other")).unwrap();
    fs::create_dir(elsewhere.path().join("empty")).unwrap();
    symlink(elsewhere.path(), table.join("data/outside")).unwrap();
    symlink(root.path().join("other"), root.path().join("alias")).unwrap();

    clean(root.path(), &table).await.unwrap();
    clean(root.path(), &root.path().join("alias")).await.unwrap();
    let outside = clean(root.path(), &table.join("data/outside")).await;

    assert!(table.join("data/outside").is_symlink());
    assert!(elsewhere.path().join("empty").exists());
    assert!(root.path().join("other").exists() && root.path().join("alias").is_symlink());
    assert!(matches!(outside, Err(Error::Denied { .. })), "{outside:?}");
}

#[tokio::test]
async fn an_allowed_location_stays_and_what_is_outside_is_refused() {
    let root = TempDir::new();
    fs::create_dir_all(root.path().join("allowed/t")).unwrap();
    fs::create_dir_all(root.path().join("outside")).unwrap();
    let allowed = root.path().join("allowed");

    clean(&allowed, &allowed).await.unwrap();
    let outside = clean(&allowed, &root.path().join("outside")).await;

    assert!(allowed.exists() && !allowed.join("t").exists());
    assert!(matches!(outside, Err(Error::Refused { .. })), "{outside:?}");
    assert!(root.path().join("outside").exists());
}

#[tokio::test]
async fn object_stores_have_no_folders_to_remove() {
    let store = config(r#"{"storageType":"S3","allowedLocations":["s3://lake"]}"#);
    let storage = storage(settings());

    storage.remove_empty_folders(&store, &location("s3://lake/t")).await.unwrap();

    assert_eq!(storage.requests(), crate::StorageRequests::default());
}
