//! Views that are dropped, and what becomes of their files.

use merak_model::Privilege;
use serde_json::json;

use super::{REGISTER, VIEWS, draft, load, replacing, route};
use crate::fixtures::{disk, files, lake, lake_with, text};

const PURGE: (&str, &str) = ("polaris.config.drop-with-purge.enabled", "true");
const NO_VIEWS: (&str, &str) = ("polaris.config.purge-view-metadata-on-drop", "false");

#[tokio::test]
async fn a_dropped_view_is_gone_and_its_files_stay() {
    for properties in [&[][..], &[PURGE, NO_VIEWS]] {
        let server = lake_with(&[], properties).await;
        let root = server.root().await;
        let _ = root.post(VIEWS, draft("v")).await.expect(200);
        let _ = root.post(&route("v"), replacing("select 2")).await.expect(200);

        let answer = root.delete(&route("v")).await.expect(204);

        assert_eq!(answer.body, b"");
        let told = "404 NoSuchViewException: View does not exist: sales.v";
        assert_eq!(root.get(&route("v")).await.error(), told);
        assert_eq!(root.delete(&route("v")).await.error(), told);
        assert_eq!(files(&server).len(), 2, "{properties:?}");
    }
}

#[tokio::test]
async fn where_drops_may_purge_the_current_metadata_file_goes_too() {
    let server = lake_with(&[], &[PURGE]).await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    let last = root.post(&route("v"), replacing("select 2")).await.expect(200).json();

    let _ = root.delete(&route("v")).await.expect(204);

    assert!(!disk(text(&last["metadata-location"])).exists());
    assert_eq!(files(&server), [disk(text(&made["metadata-location"]))]);
}

#[tokio::test]
async fn a_view_whose_file_must_go_and_may_not_is_not_dropped() {
    let wanted = ("polaris.config.purge-view-metadata-on-drop", "true");
    let forbidden = ("polaris.config.drop-with-purge.enabled", "false");
    for properties in [&[wanted][..], &[wanted, forbidden]] {
        let server = lake_with(&[], properties).await;
        let root = server.root().await;
        let made = root.post(VIEWS, draft("v")).await.expect(200).json();

        let told = root.delete(&route("v")).await.error();

        assert!(told.starts_with("403 ForbiddenException: Unable to purge entity: v. "), "{told}");
        assert_eq!(load(&root, "v").await, made);
    }
}

#[tokio::test]
async fn the_right_to_drop_is_enough_to_purge() {
    let flag = ("polaris.features.\"DROP_WITH_PURGE_ENABLED\"", "true");
    let server = lake_with(&[flag], &[]).await;
    let root = server.root().await;
    let ana = server.principal("ana").await;
    server.grant("ana", Privilege::ViewDrop, "lake", None, None).await;
    let _ = root.post(VIEWS, draft("v")).await.expect(200);

    let _ = ana.delete(&route("v")).await.expect(204);

    assert_eq!(files(&server), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_file_outside_the_views_own_folder_stays() {
    let external = ("polaris.config.allow.external.metadata.file.location", "true");
    let server = lake_with(&[], &[PURGE, external]).await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    let file = disk(text(&made["metadata-location"]));
    // The metadata says that the view lies at v; this file of it lies elsewhere.
    let elsewhere = server.folder().join("lake/sales/elsewhere.metadata.json");
    std::fs::write(&elsewhere, made["metadata"].to_string()).unwrap();
    let location = format!("file://{}", elsewhere.display());
    let body = json!({"name": "w", "metadata-location": location});
    let _ = root.post(REGISTER, body).await.expect(200);

    let _ = root.delete(&route("w")).await.expect(204);

    assert!(elsewhere.exists());
    assert!(file.exists());
    assert_eq!(load(&root, "v").await, made);
}

#[tokio::test]
async fn a_file_that_is_lost_already_keeps_no_view_from_being_dropped() {
    let server = lake_with(&[], &[PURGE]).await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    std::fs::remove_file(disk(text(&made["metadata-location"]))).unwrap();

    let _ = root.delete(&route("v")).await.expect(204);
    assert_eq!(root.get(&route("v")).await.status, 404);
}

#[tokio::test]
async fn a_view_made_anew_is_another_one() {
    let server = lake().await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    let _ = root.delete(&route("v")).await.expect(204);

    let again = root.post(VIEWS, draft("v")).await.expect(200).json();

    assert_ne!(again["metadata"]["view-uuid"], made["metadata"]["view-uuid"]);
    assert_eq!(again["metadata"]["location"], made["metadata"]["location"]);
    assert_eq!(load(&root, "v").await, again);
}
