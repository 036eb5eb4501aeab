//! Commits to views.

use merak_tests::view_version;
use serde_json::{Value, json};

use super::{REGISTER, VIEWS, current_sql, draft, load, replacing, route};
use crate::fixtures::{disk, files, lake, lake_with, text, write};

fn with_uuid(uuid: &str, mut body: Value) -> Value {
    body["requirements"] = json!([{"type": "assert-view-uuid", "uuid": uuid}]);
    body
}

#[tokio::test]
async fn a_replaced_view_has_a_new_version_and_remembers_the_old_one() {
    let server = lake().await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    let uuid = text(&made["metadata"]["view-uuid"]);

    let body = with_uuid(uuid, replacing("select 2"));
    let replaced = root.post(&route("v"), body).await.expect(200).json();

    assert_eq!(replaced["metadata"]["current-version-id"], 2);
    assert_eq!(current_sql(&replaced), "select 2");
    assert_eq!(replaced["metadata"]["versions"].as_array().map(Vec::len), Some(2));
    assert_eq!(replaced["metadata"]["version-log"].as_array().map(Vec::len), Some(2));
    assert_eq!(replaced["metadata"]["view-uuid"], uuid);
    assert!(text(&replaced["metadata-location"]).contains("/metadata/00001-"), "{replaced}");
    assert_eq!(load(&root, "v").await, replaced);
    // The file before stays: readers may be at it.
    assert_eq!(files(&server).len(), 2);
}

#[tokio::test]
async fn properties_and_location_are_changed_like_those_of_tables() {
    let server = lake().await;
    let root = server.root().await;
    let _ = root.post(VIEWS, draft("v")).await.expect(200);
    let location = format!("{}/sales/moved", server.location("lake"));

    let changed = json!({"updates": [
        {"action": "set-properties", "updates": {"a": "b"}},
        {"action": "remove-properties", "removals": ["comment"]},
        {"action": "set-location", "location": location},
    ]});
    let changed = root.post(&route("v"), changed).await.expect(200).json();

    assert_eq!(changed["metadata"]["properties"], json!({"a": "b"}));
    assert_eq!(changed["metadata"]["location"], location);
    assert!(text(&changed["metadata-location"]).starts_with(&location), "{changed}");
    assert_eq!(load(&root, "v").await, changed);
}

#[tokio::test]
async fn a_requirement_that_does_not_hold_is_told_as_java_tells_it() {
    let server = lake().await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    let uuid = text(&made["metadata"]["view-uuid"]);
    let other = "9c12d441-03fe-4693-9a96-a0705ddf69c1";

    assert_eq!(
        root.post(&route("v"), with_uuid(other, replacing("select 2"))).await.error(),
        format!(
            "409 CommitFailedException: Requirement failed: view UUID does not match: expected \
             {uuid} != {other}"
        )
    );
    assert_eq!(load(&root, "v").await, made);
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test]
async fn what_is_no_commit_to_a_view_is_refused() {
    let server = lake().await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    let update = |update: Value| json!({"updates": [update]});
    let version_but = |member: &str, value: Value| {
        let mut version = view_version("select 2");
        version[member] = value;
        update(json!({"action": "add-view-version", "view-version": version}))
    };
    for body in [
        json!({"updates": {}}),
        json!({"updates": [{}]}),
        json!({"updates": [], "requirements": [{"type": "assert-create"}]}),
        json!({"updates": [], "requirements": [{"type": "assert-table-uuid", "uuid": "x"}]}),
        update(json!({"action": "add-snapshot"})),
        update(json!({"action": "set-current-view-version", "view-version-id": 7})),
        update(json!({"action": "set-current-view-version", "view-version-id": -1})),
        update(json!({"action": "set-properties", "updates": {"polaris.x": "y"}})),
        update(json!({"action": "set-properties", "updates": {"io-impl": "x"}})),
        version_but("schema-id", json!(7)),
        version_but("representations", json!([])),
        json!({"updates": [
            {"action": "add-view-version", "view-version": {
                "version-id": 2, "timestamp-ms": 1, "schema-id": 0, "summary": {},
                "representations": [{"type": "sql", "sql": "select 1", "dialect": "trino"}],
                "default-namespace": [],
            }},
            {"action": "set-current-view-version", "view-version-id": -1},
        ]}),
    ] {
        let refused = root.post(&route("v"), body.clone()).await;
        assert!(refused.error().starts_with("400 "), "{body} got {}", refused.text());
    }
    assert_eq!(load(&root, "v").await, made);
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test]
async fn a_commit_without_effect_answers_the_view_as_it_is() {
    let server = lake().await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();

    for body in [json!({}), json!({"updates": []}), json!({"updates": null})] {
        assert_eq!(root.post(&route("v"), body).await.expect(200).json(), made);
    }
    let same = json!({"updates": [
        {"action": "set-properties", "updates": {"comment": "a view"}},
        {"action": "set-current-view-version", "view-version-id": 1},
    ]});
    assert_eq!(root.post(&route("v"), same).await.expect(200).json(), made);
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test]
async fn what_the_server_does_not_know_of_a_view_survives_it() {
    let server = lake().await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    let _ = root.delete(&route("v")).await.expect(204);
    let mut strange = made["metadata"].clone();
    strange["x-storage-table"] = json!({"namespace": ["z", "a"], "n": [3, 1]});
    strange["versions"][0]["x-version"] = json!({"b": 1, "a": 2});
    strange["versions"][0]["representations"][0]["x-representation"] = json!([true]);
    strange["version-log"][0]["x-log"] = json!("l");
    strange["schemas"][0]["x-schema"] = json!(null);
    let location = format!("{}/sales/v/metadata/00009-x.metadata.json", server.location("lake"));
    write(&disk(&location), &strange.to_string());
    let body = json!({"name": "v", "metadata-location": location});
    let _ = root.post(REGISTER, body).await.expect(200);

    let replaced = root.post(&route("v"), replacing("select 2")).await.expect(200).json();

    let after = &replaced["metadata"];
    assert_eq!(after["x-storage-table"], strange["x-storage-table"]);
    assert_eq!(after["versions"][0], strange["versions"][0]);
    assert_eq!(after["version-log"][0], strange["version-log"][0]);
    assert_eq!(after["schemas"], strange["schemas"]);
    assert_eq!(current_sql(&replaced), "select 2");
}

#[tokio::test]
async fn a_client_may_be_forbidden_to_say_where_a_view_lies() {
    let off = ("polaris.config.allow.client-specified.table.location", "false");
    let server = lake_with(&[], &[off]).await;
    let root = server.root().await;
    let _ = root.post(VIEWS, draft("v")).await.expect(200);
    let location = format!("{}/sales/w", server.location("lake"));
    let told = "Specifying a table or view location using location is not allowed.";

    let created = root.post(VIEWS, super::draft_at("w", &location)).await.error();
    let moving = json!({"updates": [{"action": "set-location", "location": location}]});
    let moved = root.post(&route("v"), moving).await.error();

    for refused in [created, moved] {
        assert!(refused.starts_with("400 ") && refused.ends_with(told), "{refused}");
    }
}
