//! Files that other tables use stay.

use serde_json::json;

use super::fixtures::{
    ENABLED, data_file, lake, lake_with, manifest, names_below, only_task, purge, run, snapshot,
    table,
};
use crate::fixtures::{disk, load, register, route, text};

const OVERLAP: (&str, &str) = ("polaris.config.allow.overlapping.table.location", "true");
const OVERLAPPING_ONLY: (&str, &str) = ("merak.purge.reference-check", "overlapping");

#[tokio::test]
async fn files_that_were_added_to_another_table_stay() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let (location, other) = (table(&root, "t").await, table(&root, "other").await);
    let (shared, own) = (data_file(&location, "shared"), data_file(&location, "own"));
    let one = manifest(&location, "one", &[shared.clone(), own]);
    snapshot(&root, "t", 1, &[one]).await;
    let added = manifest(&other, "added", &[shared]);
    snapshot(&root, "other", 1, &[added]).await;
    // It is no longer in the current snapshot, and can still be read.
    snapshot(&root, "other", 2, &[]).await;

    purge(&root, "t").await;
    run(&server, 1).await;

    assert_eq!(names_below(&location), ["shared.parquet"]);
    let task = only_task(&root).await;
    assert_eq!(task["state"], "done");
    assert_eq!(task["progress"]["tables-checked"], 1);
    assert_eq!(task["progress"]["left"]["in-use"], 1);
}

#[tokio::test]
async fn tables_elsewhere_are_not_looked_at_where_that_is_switched_off() {
    let (server, _) = lake(&[OVERLAPPING_ONLY]).await;
    let root = server.root().await;
    let (location, other) = (table(&root, "t").await, table(&root, "other").await);
    let shared = data_file(&location, "shared");
    let one = manifest(&location, "one", std::slice::from_ref(&shared));
    snapshot(&root, "t", 1, &[one]).await;
    let added = manifest(&other, "added", &[shared]);
    snapshot(&root, "other", 1, &[added]).await;

    purge(&root, "t").await;
    run(&server, 1).await;

    assert_eq!(names_below(&location), Vec::<String>::new());
    assert_eq!(only_task(&root).await["progress"]["tables-checked"], 0);
}

#[tokio::test]
async fn a_table_that_was_registered_from_the_same_metadata_keeps_everything() {
    for settings in [&[][..], &[OVERLAPPING_ONLY]] {
        let (server, _) = lake_with(settings, &[OVERLAP]).await;
        let root = server.root().await;
        let location = table(&root, "t").await;
        let one = manifest(&location, "one", &[data_file(&location, "a")]);
        snapshot(&root, "t", 1, &[one]).await;
        let metadata = load(&root, "t").await;
        let _ = register(&root, "twin", text(&metadata["metadata-location"])).await.expect(200);
        let before = names_below(&location);

        purge(&root, "t").await;
        run(&server, 1).await;

        assert_eq!(names_below(&location), before);
        let task = only_task(&root).await;
        assert_eq!(task["progress"]["left"]["in-use"], before.len());
        assert_eq!(load(&root, "twin").await["metadata"], metadata["metadata"]);

        // The last to go takes them along.
        purge(&root, "twin").await;
        run(&server, 1).await;
        assert_eq!(names_below(&location), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_table_of_another_catalog_at_the_same_place_keeps_what_it_names() {
    let overlapping = ("polaris.features.\"ALLOW_OVERLAPPING_CATALOG_URLS\"", "true");
    let (server, _) = lake(&[overlapping, OVERLAPPING_ONLY]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let (shared, own) = (data_file(&location, "shared"), data_file(&location, "own"));
    let one = manifest(&location, "one", &[shared.clone(), own]);
    snapshot(&root, "t", 1, &[one]).await;
    let base = server.location("lake");
    let body = json!({"catalog": {
        "name": "twin", "type": "INTERNAL",
        "properties": {"default-base-location": base, ENABLED.0: ENABLED.1},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [base]},
    }});
    let _ = root.post("/api/management/v1/catalogs", body).await.expect(201);
    server.create_namespace("twin", "sales").await;
    let metadata = load(&root, "t").await;
    let body = json!({"name": "t", "metadata-location": metadata["metadata-location"]});
    let route = "/api/catalog/v1/twin/namespaces/sales/register";
    let _ = root.post(route, body).await.expect(200);
    let before = names_below(&location);

    purge(&root, "t").await;
    run(&server, 1).await;

    assert_eq!(names_below(&location), before);
}

#[tokio::test]
async fn nothing_is_deleted_while_it_is_not_known_what_another_table_uses() {
    let (server, clock) = lake(&[]).await;
    let root = server.root().await;
    let (location, broken) = (table(&root, "t").await, table(&root, "broken").await);
    let lost = load(&root, "broken").await;
    std::fs::remove_file(disk(text(&lost["metadata-location"]))).unwrap();
    let before = names_below(&location);

    purge(&root, "t").await;
    run(&server, 1).await;

    assert_eq!(names_below(&location), before);
    let task = only_task(&root).await;
    assert_eq!(task["state"], "waiting");
    assert!(text(&task["error"]).contains("what table broken of catalog lake uses is not known"));

    let _ = root.delete(&route("broken")).await.expect(204);
    clock.advance_s(10);
    run(&server, 1).await;
    assert_eq!(names_below(&location), Vec::<String>::new());
    assert!(names_below(&broken).is_empty());
}

#[tokio::test]
async fn where_too_many_files_are_in_use_all_are_left() {
    let (server, _) = lake(&[("merak.purge.max-files-in-use", "2")]).await;
    let root = server.root().await;
    let (location, other) = (table(&root, "t").await, table(&root, "other").await);
    let entries = ["a", "b", "c", "d"].map(|name| data_file(&location, name));
    let one = manifest(&location, "one", &entries);
    snapshot(&root, "t", 1, &[one]).await;
    let added = manifest(&other, "added", &entries[..3]);
    snapshot(&root, "other", 1, &[added]).await;
    let before = names_below(&location);

    purge(&root, "t").await;
    run(&server, 1).await;

    assert_eq!(names_below(&location), before);
    let task = only_task(&root).await;
    assert_eq!(task["state"], "failed");
    assert!(text(&task["error"]).contains("merak.purge.max-files-in-use"));
}

#[tokio::test]
async fn a_table_that_did_not_change_is_not_read_for_each_purge() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let other = table(&root, "other").await;
    let kept = manifest(&other, "kept", &[data_file(&other, "a")]);
    snapshot(&root, "other", 1, &[kept]).await;
    let mut reads = Vec::new();
    for name in ["t", "u"] {
        table(&root, name).await;
        purge(&root, name).await;
        let before = server.parts.storage.requests().gets;
        run(&server, 1).await;
        reads.push(server.parts.storage.requests().gets - before);
    }

    assert_eq!(reads, [1 + 3, 1]);
}
