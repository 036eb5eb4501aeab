//! Drop with purge: the files go, and exactly those.

mod attempts;
mod fixtures;
mod shared;
mod tasks;
mod unsteady;

use serde_json::{Value, json};

use crate::fixtures::{commit_to, disk, load, text, write};
use fixtures::{
    data_file, lake, manifest, names_below, only_task, purge, removed, run, snapshot, table,
    table_with,
};

#[tokio::test]
async fn the_files_of_all_snapshots_go_and_nothing_else() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let (location, neighbour) = (table(&root, "t").await, table(&root, "t1").await);
    let beside = data_file(&neighbour, "beside");
    let kept = manifest(&neighbour, "kept", &[beside]);
    snapshot(&root, "t1", 1, &[kept]).await;
    let [a, b, c] = ["a", "b", "c"].map(|name| data_file(&location, name));
    let first = manifest(&location, "first", &[a.clone(), b]);
    snapshot(&root, "t", 1, std::slice::from_ref(&first)).await;
    let second = manifest(&location, "second", &[removed(a), c]);
    snapshot(&root, "t", 2, &[first, second]).await;
    let statistics = format!("{location}/metadata/stats.puffin");
    write(&disk(&statistics), "statistics");
    let partitions = format!("{location}/metadata/partitions.parquet");
    write(&disk(&partitions), "statistics");
    let updates = json!([
        {"action": "set-statistics", "snapshot-id": 2, "statistics": {
            "snapshot-id": 2, "statistics-path": statistics, "file-size-in-bytes": 10,
            "file-footer-size-in-bytes": 4, "blob-metadata": []}},
        {"action": "set-partition-statistics", "partition-statistics": {
            "snapshot-id": 2, "statistics-path": partitions, "file-size-in-bytes": 10}},
    ]);
    commit_to(&root, "t", json!({"requirements": [], "updates": updates})).await;
    let stray = format!("{location}/data/stray.parquet");
    write(&disk(&stray), "of nobody");
    let left_of_neighbour = names_below(&neighbour);
    let before = names_below(&location);
    assert_eq!(before.len(), 4 + 2 + 2 + 2 + 4, "{before:?}");

    purge(&root, "t").await;
    assert_eq!(names_below(&location), before, "nothing is deleted before the answer");
    let _ = root.head(&crate::fixtures::route("t")).await.expect(404);
    assert_eq!(only_task(&root).await["state"], "waiting");
    run(&server, 1).await;

    assert_eq!(names_below(&location), ["stray.parquet"], "the store is not listed");
    assert_eq!(names_below(&neighbour), left_of_neighbour);
    let task = only_task(&root).await;
    assert_eq!(task["state"], "done");
    assert_eq!(task["subject"], "sales.t");
    let expected = json!({
        "data-files": 3, "manifests": 2, "manifest-lists": 2, "statistics": 2, "metadata-files": 4,
    });
    assert_eq!(task["progress"]["deleted"], expected);
    assert_eq!(task["progress"]["snapshots"], 2);
    assert_eq!(left(&task), 0);
    run(&server, 0).await;
}

#[tokio::test]
async fn folders_that_are_empty_then_go_too() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let one = manifest(&location, "one", &[data_file(&location, "day=1/a")]);
    snapshot(&root, "t", 1, &[one]).await;

    purge(&root, "t").await;
    run(&server, 1).await;

    assert!(!disk(&location).exists());
    assert!(disk(&server.location("lake")).exists());
}

#[tokio::test]
async fn data_files_stay_where_they_are_not_the_tables_to_collect() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let location = table_with(&root, "t", json!({"gc.enabled": "FALSE"})).await;
    let one = manifest(&location, "one", &[data_file(&location, "a")]);
    snapshot(&root, "t", 1, &[one]).await;

    purge(&root, "t").await;
    run(&server, 1).await;

    assert_eq!(names_below(&location), ["a.parquet"]);
    let task = only_task(&root).await;
    assert_eq!(task["progress"]["data-is-kept"], true);
    assert_eq!(task["progress"]["deleted"]["manifests"], 1);
}

#[tokio::test]
async fn files_beside_the_tables_places_stay() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let sibling = format!("{location}1");
    let outside = format!("file://{}/elsewhere", server.folder().display());
    let entries = [
        data_file(&location, "own"),
        data_file(&sibling, "sibling"),
        data_file(&outside, "outside"),
        (false, format!("{location}/data/../../t1/data/sibling.parquet")),
        (false, format!("{location}//data/own.parquet")),
    ];
    let one = manifest(&location, "one", &entries);
    snapshot(&root, "t", 1, &[one]).await;

    purge(&root, "t").await;
    run(&server, 1).await;

    assert_eq!(names_below(&location), Vec::<String>::new());
    assert_eq!(names_below(&sibling), ["sibling.parquet"]);
    assert_eq!(names_below(&outside), ["outside.parquet"]);
    let task = only_task(&root).await;
    assert_eq!(task["progress"]["left"]["outside-table"], 2);
    assert_eq!(task["progress"]["left"]["no-location"], 2);
}

#[tokio::test]
async fn where_a_table_writes_elsewhere_these_files_go_too() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let data = format!("{}/sales/data-of-t", server.location("lake"));
    let location = table_with(&root, "t", json!({"write.data.path": data})).await;
    let one = manifest(&location, "one", &[data_file(&data, "a")]);
    snapshot(&root, "t", 1, &[one]).await;

    purge(&root, "t").await;
    run(&server, 1).await;

    assert_eq!(names_below(&data), Vec::<String>::new());
    assert_eq!(names_below(&location), Vec::<String>::new());
}

#[tokio::test]
async fn what_the_catalog_may_not_reach_any_more_is_not_touched() {
    let (server, clock) = lake(&[("merak.tasks.max-attempts", "1")]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let before = names_below(&location);
    purge(&root, "t").await;
    let catalog = root.get("/api/management/v1/catalogs/lake").await.expect(200).json();
    let mut storage = catalog["storageConfigInfo"].clone();
    storage["allowedLocations"] = json!([format!("{}/other", server.location("lake"))]);
    let mut properties = catalog["properties"].clone();
    properties["default-base-location"] = json!(format!("{}/other", server.location("lake")));
    let update = json!({
        "currentEntityVersion": catalog["entityVersion"],
        "properties": properties,
        "storageConfigInfo": storage,
    });
    let _ = root.put("/api/management/v1/catalogs/lake", update).await.expect(200);

    clock.advance_s(1);
    run(&server, 1).await;

    assert_eq!(names_below(&location), before);
    let task = only_task(&root).await;
    assert_eq!(task["state"], "failed");
    assert!(text(&task["error"]).contains("outside the catalog's current allowed locations"));
}

#[tokio::test]
async fn the_files_go_though_the_catalog_went_before() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let one = manifest(&location, "one", &[data_file(&location, "a")]);
    snapshot(&root, "t", 1, &[one]).await;
    purge(&root, "t").await;
    let _ = root.delete("/api/catalog/v1/lake/namespaces/sales").await.expect(204);
    let _ = root.delete("/api/management/v1/catalogs/lake").await.expect(204);

    run(&server, 1).await;

    assert!(!disk(&location).exists());
}

#[tokio::test]
async fn a_table_of_the_same_name_and_place_is_left_alone() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let one = manifest(&location, "one", &[data_file(&location, "old")]);
    snapshot(&root, "t", 1, &[one]).await;
    purge(&root, "t").await;
    assert_eq!(table(&root, "t").await, location);
    let two = manifest(&location, "two", &[data_file(&location, "new")]);
    snapshot(&root, "t", 7, &[two]).await;

    run(&server, 1).await;

    let names = names_below(&location);
    assert!(
        names.contains(&"new.parquet".to_owned()) && !names.contains(&"old.parquet".to_owned())
    );
    assert_eq!(names.len(), 1 + 1 + 1 + 2, "{names:?}");
    let _ = load(&root, "t").await;
}

fn left(task: &Value) -> u64 {
    let left = task["progress"]["left"].as_object().expect("counts");
    left.values().filter_map(Value::as_u64).sum()
}
