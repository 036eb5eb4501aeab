//! Commits to one table.

use merak_tests::{Identity, TestServer, schema};
use serde_json::{Value, json};

use crate::fixtures::{
    append, commit, commit_to, disk, files, foreign_metadata, lake, load, point, register, route,
    set, snapshot, text, until_gone, write_metadata,
};

/// A table with one snapshot, which `main` and a tag point to.
async fn orders() -> (TestServer, Value) {
    let server = lake().await;
    let made = server.create_table("lake", "sales", "orders").await;
    let root = server.root().await;
    let mut body = append(&made, 1, None);
    body["updates"].as_array_mut().unwrap().push(point("kept", "tag", 1));
    let committed = commit_to(&root, "orders", body).await;
    (server, committed)
}

/// The requirement that a branch or tag points to a snapshot, or is not there.
fn ref_is(name: &str, id: Value) -> Value {
    json!({"type": "assert-ref-snapshot-id", "ref": name, "snapshot-id": id})
}

async fn update(who: &Identity<'_>, updates: Value) -> Value {
    commit_to(who, "orders", commit(json!([]), updates)).await
}

async fn refusal(who: &Identity<'_>, updates: Value) -> String {
    who.post(&route("orders"), commit(json!([]), updates)).await.error()
}

#[tokio::test]
async fn a_requirement_that_does_not_hold_fails_the_commit_in_known_words() {
    let (server, before) = orders().await;
    let root = server.root().await;
    let files_before = files(&server);
    let uuid = text(&before["metadata"]["table-uuid"]);
    let other = "00000000-0000-4000-8000-000000000000";

    for (requirement, told) in [
        (json!({"type": "assert-create"}), "table already exists".to_owned()),
        (
            json!({"type": "assert-table-uuid", "uuid": other}),
            format!("UUID does not match: expected {uuid} != {other}"),
        ),
        (ref_is("main", json!(9)), "branch main has changed: expected id 9 != 1".to_owned()),
        (ref_is("main", json!(null)), "branch main was created concurrently".to_owned()),
        (
            json!({"type": "assert-ref-snapshot-id", "ref": "main"}),
            "branch main was created concurrently".to_owned(),
        ),
        (ref_is("kept", json!(9)), "tag kept has changed: expected id 9 != 1".to_owned()),
        (ref_is("nope", json!(9)), "branch or tag nope is missing, expected 9".to_owned()),
        (
            json!({"type": "assert-last-assigned-field-id", "last-assigned-field-id": 7}),
            "last assigned field id changed: expected id 7 != 2".to_owned(),
        ),
        (
            json!({"type": "assert-current-schema-id", "current-schema-id": 7}),
            "current schema changed: expected id 7 != 0".to_owned(),
        ),
        (
            json!({"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 7}),
            "last assigned partition id changed: expected id 7 != 999".to_owned(),
        ),
        (
            json!({"type": "assert-default-spec-id", "default-spec-id": 7}),
            "default partition spec changed: expected id 7 != 0".to_owned(),
        ),
        (
            json!({"type": "assert-default-sort-order-id", "default-sort-order-id": 7}),
            "default sort order changed: expected id 7 != 0".to_owned(),
        ),
    ] {
        let updates = json!([{"action": "set-properties", "updates": {"a": "b"}}]);
        let refused = root.post(&route("orders"), commit(json!([requirement]), updates)).await;
        assert_eq!(
            refused.error(),
            format!("409 CommitFailedException: Requirement failed: {told}"),
            "{requirement}"
        );
    }
    assert_eq!(load(&root, "orders").await["metadata"], before["metadata"]);
    assert_eq!(files(&server), files_before);
}

#[tokio::test]
async fn requirements_that_hold_let_the_commit_through() {
    let (server, before) = orders().await;
    let root = server.root().await;
    let uuid = text(&before["metadata"]["table-uuid"]).to_uppercase();
    let requirements = json!([
        {"type": "assert-table-uuid", "uuid": uuid},
        ref_is("main", json!(1)), ref_is("kept", json!(1)), ref_is("nope", json!(null)),
        {"type": "assert-last-assigned-field-id", "last-assigned-field-id": 2},
        {"type": "assert-current-schema-id", "current-schema-id": 0},
        {"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 999},
        {"type": "assert-default-spec-id", "default-spec-id": 0},
        {"type": "assert-default-sort-order-id", "default-sort-order-id": 0},
    ]);
    let updates = json!([{"action": "set-properties", "updates": {"a": "b"}}]);

    let answer = root.post(&route("orders"), commit(requirements, updates)).await.expect(200);

    assert_eq!(answer.json()["metadata"]["properties"]["a"], "b");
    let loaded = root.get(&route("orders")).await.expect(200);
    assert_eq!(loaded.json()["metadata"], answer.json()["metadata"]);
    assert!(answer.header("ETag").is_some());
    assert_eq!(answer.header("ETag"), loaded.header("ETag"));
    let members: Vec<_> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["metadata-location", "metadata"]);
}

#[tokio::test]
async fn what_no_base_could_bear_is_a_bad_request() {
    let (server, before) = orders().await;
    let root = server.root().await;
    let files_before = files(&server);
    let location = text(&before["metadata"]["location"]);
    let requirement = |requirements| commit(requirements, json!([]));
    let update = |update: Value| commit(json!([]), json!([update]));
    let another = |location: &str| {
        let mut snapshot = snapshot(location, 1, None);
        snapshot["summary"]["operation"] = json!("overwrite");
        snapshot
    };

    for body in [
        requirement(json!([{"type": "assert-mood"}])),
        requirement(json!([{"type": "assert-view-uuid", "uuid": "x"}])),
        requirement(json!([{"uuid": "x"}])),
        requirement(json!([{"type": "assert-table-uuid"}])),
        requirement(json!({"type": "assert-create"})),
        requirement(json!([{"type": "assert-create"},
                           {"type": "assert-current-schema-id", "current-schema-id": 0}])),
        update(json!({"action": "dance"})),
        update(json!({"action": "add-view-version"})),
        update(json!({"updates": {}})),
        update(json!({"action": "set-properties"})),
        update(json!({"action": "set-properties", "updates": {"a": 1}})),
        update(json!({"action": "set-current-schema", "schema-id": 5})),
        update(json!({"action": "set-current-schema", "schema-id": -1})),
        update(json!({"action": "set-default-spec", "spec-id": 5})),
        update(json!({"action": "set-default-sort-order", "sort-order-id": 5})),
        update(json!({"action": "remove-schemas", "schema-ids": [0]})),
        update(json!({"action": "remove-partition-specs", "spec-ids": [0]})),
        update(json!({"action": "upgrade-format-version", "format-version": 1})),
        update(json!({"action": "upgrade-format-version", "format-version": 9})),
        update(json!({"action": "assign-uuid", "uuid": "00000000-0000-4000-8000-000000000000"})),
        update(json!({"action": "add-snapshot", "snapshot": another(location)})),
        update(point("main", "branch", 77)),
        update(point("main", "tag", 1)),
        update(json!({"action": "set-properties", "updates": {"polaris.x": "1"}})),
        update(json!({"action": "set-properties", "updates": {"io-impl": "x"}})),
        update(json!({"action": "add-schema", "schema": {"type": "struct"}})),
        json!({"requirements": [], "updates": "x"}),
    ] {
        let answer = root.post(&route("orders"), body.clone()).await;
        assert_eq!(answer.status.as_u16(), 400, "{body} got {}", answer.text());
    }
    assert_eq!(load(&root, "orders").await["metadata"], before["metadata"]);
    assert_eq!(files(&server), files_before);
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    let (server, before) = orders().await;
    let root = server.root().await;

    for body in [json!([]), json!([null, [], []]), json!("x"), json!(null)] {
        let answer = root.post(&route("orders"), body.clone()).await;
        assert_eq!(answer.status.as_u16(), 400, "{body} got {}", answer.text());
    }
    assert_eq!(load(&root, "orders").await["metadata"], before["metadata"]);
}

#[tokio::test]
async fn snapshots_are_appended_one_after_the_other() {
    let (server, first) = orders().await;
    let root = server.root().await;

    let second = commit_to(&root, "orders", append(&first, 2, Some(1))).await;

    let metadata = &second["metadata"];
    let location = text(&metadata["location"]);
    assert_eq!(
        metadata["snapshots"],
        json!([snapshot(location, 1, None), snapshot(location, 2, Some(1))])
    );
    assert_eq!(metadata["current-snapshot-id"], 2);
    assert_eq!(metadata["last-sequence-number"], 2);
    assert_eq!(
        metadata["refs"],
        json!({
            "main": {"snapshot-id": 2, "type": "branch"},
            "kept": {"snapshot-id": 1, "type": "tag"},
        })
    );
    let log: Vec<_> = metadata["snapshot-log"].as_array().unwrap().iter().collect();
    assert_eq!(
        log.iter().map(|entry| entry["snapshot-id"].as_i64()).collect::<Vec<_>>(),
        [Some(1), Some(2)]
    );
}

#[tokio::test]
async fn a_stale_sequence_number_is_a_conflict_unless_all_is_replaced() {
    let (server, table) = orders().await;
    let root = server.root().await;
    let location = text(&table["metadata"]["location"]);
    let mut stale = snapshot(location, 5, Some(1));
    stale["sequence-number"] = json!(1);

    assert_eq!(
        refusal(&root, json!([{"action": "add-snapshot", "snapshot": stale}])).await,
        "409 CommitFailedException: Validation failed, please retry: Cannot add snapshot with \
         sequence number 1 older than last sequence number 1"
    );
    let mut replacing = snapshot(location, 5, None);
    replacing["sequence-number"] = json!(1);
    let replaced = update(&root, json!([{"action": "add-snapshot", "snapshot": replacing}])).await;
    assert_eq!(replaced["metadata"]["last-sequence-number"], 1);
}

#[tokio::test]
async fn branches_and_tags_come_and_go_with_their_snapshots() {
    let (server, first) = orders().await;
    let root = server.root().await;
    let mut branch = point("dev", "branch", 1);
    branch["max-ref-age-ms"] = json!(1000);
    branch["min-snapshots-to-keep"] = json!(2);

    let with_branch = update(&root, json!([branch])).await;
    assert_eq!(
        with_branch["metadata"]["refs"]["dev"],
        json!({"snapshot-id": 1, "type": "branch", "min-snapshots-to-keep": 2, "max-ref-age-ms": 1000})
    );
    let without =
        update(&root, json!([{"action": "remove-snapshot-ref", "ref-name": "kept"}])).await;
    assert_eq!(without["metadata"]["refs"].get("kept"), None);

    commit_to(&root, "orders", append(&first, 2, Some(1))).await;
    let removed =
        update(&root, json!([{"action": "remove-snapshots", "snapshot-ids": [1, 99]}])).await;
    let metadata = &removed["metadata"];
    assert_eq!(metadata["refs"], json!({"main": {"snapshot-id": 2, "type": "branch"}}));
    assert_eq!(metadata["snapshots"].as_array().map(Vec::len), Some(1));
    assert_eq!(metadata["snapshot-log"].as_array().map(Vec::len), Some(1));
    assert_eq!(metadata["snapshot-log"][0]["snapshot-id"], 2);
}

#[tokio::test]
async fn rows_of_version_three_get_ids_once() {
    let (server, table) = orders().await;
    let root = server.root().await;
    let location = text(&table["metadata"]["location"]);
    let upgraded =
        update(&root, json!([{"action": "upgrade-format-version", "format-version": 3}])).await;
    assert_eq!(upgraded["metadata"]["format-version"], 3);
    assert_eq!(upgraded["metadata"]["next-row-id"], 0);
    let rows = |id: i64, first: i64| {
        let mut snapshot = snapshot(location, id, Some(1));
        snapshot["first-row-id"] = json!(first);
        snapshot["added-rows"] = json!(10);
        json!([{"action": "add-snapshot", "snapshot": snapshot}])
    };

    let second = update(&root, rows(2, 0)).await;

    assert_eq!(second["metadata"]["next-row-id"], 10);
    let told = refusal(&root, rows(3, 9)).await;
    assert!(
        told.starts_with("409 CommitFailedException: Validation failed, please retry"),
        "{told}"
    );
    let told = refusal(
        &root,
        json!([{"action": "add-snapshot", "snapshot": snapshot(location, 3, Some(1))}]),
    )
    .await;
    assert!(told.starts_with("400 "), "{told}");
}

#[tokio::test]
async fn schemas_specs_and_orders_are_added_and_chosen() {
    let (server, _) = orders().await;
    let root = server.root().await;
    let mut wider = schema();
    wider["fields"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": 3, "name": "city", "required": false, "type": "string"}));
    let spec = json!({"spec-id": 40, "fields": [
        {"source-id": 3, "transform": "identity", "name": "city"}]});
    let order = json!({"order-id": 40, "fields": [
        {"source-id": 1, "transform": "identity", "direction": "asc", "null-order": "nulls-first"}]});

    let committed = update(
        &root,
        json!([
            {"action": "add-schema", "schema": wider, "last-column-id": 3},
            {"action": "set-current-schema", "schema-id": -1},
            {"action": "add-spec", "spec": spec},
            {"action": "set-default-spec", "spec-id": -1},
            {"action": "add-sort-order", "sort-order": order},
            {"action": "set-default-sort-order", "sort-order-id": -1},
        ]),
    )
    .await;

    let metadata = &committed["metadata"];
    assert_eq!(metadata["current-schema-id"], 1);
    assert_eq!(metadata["schemas"][1]["schema-id"], 1);
    assert_eq!(metadata["last-column-id"], 3);
    assert_eq!(metadata["default-spec-id"], 1);
    assert_eq!(
        metadata["partition-specs"][1],
        json!({"spec-id": 1, "fields": [
        {"source-id": 3, "field-id": 1000, "transform": "identity", "name": "city"}]})
    );
    assert_eq!(metadata["last-partition-id"], 1000);
    assert_eq!(metadata["default-sort-order-id"], 1);
    assert_eq!(metadata["sort-orders"][1]["order-id"], 1);

    // The first schema once more: no new one, and the last added all the same.
    let back = update(
        &root,
        json!([
            {"action": "set-default-spec", "spec-id": 0},
            {"action": "add-schema", "schema": schema()},
            {"action": "set-current-schema", "schema-id": -1},
        ]),
    )
    .await;
    assert_eq!(back["metadata"]["current-schema-id"], 0);
    assert_eq!(back["metadata"]["schemas"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn properties_are_set_and_removed_in_old_words_too() {
    let (server, _) = orders().await;
    let root = server.root().await;

    update(&root, json!([{"action": "set-properties", "updates": {"a": "1", "b": "2"}}])).await;
    update(&root, json!([{"action": "set-properties", "updated": {"c": "3"}}])).await;
    update(&root, json!([{"action": "remove-properties", "removals": ["a", "nope"]}])).await;
    let last = update(&root, json!([{"action": "remove-properties", "removed": ["b"]}])).await;

    let properties = &last["metadata"]["properties"];
    assert_eq!(["a", "b", "c"].map(|key| properties.get(key).is_some()), [false, false, true]);
}

#[tokio::test]
async fn a_commit_that_changes_nothing_writes_nothing() {
    let (server, before) = orders().await;
    let root = server.root().await;
    let files_before = files(&server);
    let uuid = &before["metadata"]["table-uuid"];

    for updates in [
        json!([]),
        json!([{"action": "assign-uuid", "uuid": uuid}]),
        json!([{"action": "upgrade-format-version", "format-version": 2}]),
        json!([{"action": "set-location", "location": before["metadata"]["location"]}]),
        json!([{"action": "remove-properties", "removals": ["nope"]}]),
        json!([{"action": "remove-snapshots", "snapshot-ids": [99]}]),
        json!([{"action": "add-schema", "schema": schema()},
               {"action": "set-current-schema", "schema-id": -1}]),
        json!([point("main", "branch", 1)]),
    ] {
        let after = update(&root, updates.clone()).await;
        assert_eq!(after, before, "{updates}");
    }
    let bare = root.post(&route("orders"), json!({})).await.expect(200).json();
    assert_eq!(bare, before);
    assert_eq!(files(&server), files_before);
}

/// The five digits a metadata file's name begins with.
fn version(table: &Value) -> String {
    let location = text(&table["metadata-location"]);
    location.rsplit('/').next().unwrap().split('-').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_commit_is_a_new_file_and_the_log_has_those_before() {
    let server = lake().await;
    let root = server.root().await;
    let first = server.create_table("lake", "sales", "orders").await;

    let second = commit_to(&root, "orders", set(json!({"a": "1"}))).await;
    let third = commit_to(
        &root,
        "orders",
        set(json!({"a": "2", "write.metadata.previous-versions-max": "2"})),
    )
    .await;
    let fourth = commit_to(&root, "orders", set(json!({"a": "3"}))).await;

    assert_eq!(
        [&first, &second, &third, &fourth].map(version),
        ["00000", "00001", "00002", "00003"]
    );
    let entry = |table: &Value| {
        json!({
            "metadata-file": table["metadata-location"],
            "timestamp-ms": table["metadata"]["last-updated-ms"],
        })
    };
    assert_eq!(third["metadata"]["metadata-log"], json!([entry(&first), entry(&second)]));
    assert_eq!(fourth["metadata"]["metadata-log"], json!([entry(&second), entry(&third)]));
    assert_eq!(files(&server).len(), 4);
    let file = std::fs::read(disk(text(&fourth["metadata-location"]))).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&file).unwrap(), fourth["metadata"]);
}

#[tokio::test]
async fn files_that_fall_out_of_the_log_are_removed_if_the_table_wants_it() {
    let server = lake().await;
    let root = server.root().await;
    let first = server.create_table("lake", "sales", "orders").await;
    let one = json!({
        "write.metadata.previous-versions-max": "1",
        "write.metadata.delete-after-commit.enabled": "true",
    });
    let second = commit_to(&root, "orders", set(one)).await;
    assert_eq!(files(&server).len(), 2);

    let third = commit_to(&root, "orders", set(json!({"a": "1"}))).await;

    until_gone(&disk(text(&first["metadata-location"]))).await;
    let mut kept = [&second, &third].map(|table| disk(text(&table["metadata-location"])));
    kept.sort();
    assert_eq!(files(&server), kept);
}

#[tokio::test]
async fn a_log_that_names_the_files_of_others_removes_none_of_them() {
    let server = lake().await;
    let root = server.root().await;
    let victim = server.create_table("lake", "sales", "victim").await;
    let own = write_metadata(&server, "greedy", "00000-own.metadata.json", "{}");
    let mut metadata = foreign_metadata(&server, "greedy");
    let entry =
        |file: &Value| json!({"metadata-file": file, "timestamp-ms": 1_755_000_000_000_i64});
    metadata["metadata-log"] = json!([entry(&victim["metadata-location"]), entry(&json!(own))]);
    metadata["properties"] = json!({
        "write.metadata.previous-versions-max": "1",
        "write.metadata.delete-after-commit.enabled": "true",
    });
    let file = write_metadata(&server, "greedy", "00001-x.metadata.json", &metadata.to_string());
    let _ = register(&root, "greedy", &file).await.expect(200);

    commit_to(&root, "greedy", set(json!({"a": "b"}))).await;

    // The victim's file comes first in the log: if it was to go, it would be gone by now.
    until_gone(&disk(&own)).await;
    assert!(disk(text(&victim["metadata-location"])).exists());
}

#[tokio::test]
async fn metadata_goes_where_the_table_says() {
    let server = lake().await;
    let root = server.root().await;
    let made = server.create_table("lake", "sales", "orders").await;
    let path = format!("{}/elsewhere", text(&made["metadata"]["location"]));

    let moved =
        commit_to(&root, "orders", set(json!({"write.metadata.path": format!("{path}/")}))).await;
    let next = commit_to(&root, "orders", set(json!({"a": "b"}))).await;

    for (table, number) in [(&moved, "00001"), (&next, "00002")] {
        let location = text(&table["metadata-location"]);
        assert!(location.starts_with(&format!("{path}/{number}-")), "{location}");
        assert!(disk(location).exists());
    }
    assert_eq!(load(&root, "orders").await["metadata"], next["metadata"]);
}

#[tokio::test]
async fn a_commit_that_the_store_refuses_takes_its_file_back() {
    let server = lake().await;
    let root = server.root().await;
    let neighbour = server.create_table("lake", "sales", "neighbour").await;
    let before = server.create_table("lake", "sales", "orders").await;
    let files_before = files(&server);
    let inside = format!("{}/inside", text(&neighbour["metadata"]["location"]));

    let told = refusal(&root, json!([{"action": "set-location", "location": inside}])).await;

    assert!(
        told.starts_with("403 ForbiddenException: Unable to create entity at location"),
        "{told}"
    );
    assert_eq!(files(&server), files_before);
    assert_eq!(load(&root, "orders").await, before);
}
