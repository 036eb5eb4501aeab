//! What this server does not know survives it.

use merak_tests::schema;
use serde_json::{Value, json};

use crate::fixtures::{
    append, commit, commit_to, disk, foreign_metadata, lake, load, point, register, route, set,
    snapshot, text, write_metadata,
};

/// Metadata with members of the future wherever there is an object.
fn strange(server: &merak_tests::TestServer) -> Value {
    let mut metadata = foreign_metadata(server, "t");
    let location = text(&metadata["location"]).to_owned();
    let mut first = snapshot(&location, 11, None);
    first["sequence-number"] = json!(1);
    first["key-id"] = json!("k1");
    first["x-snapshot"] = json!({"z": 1, "a": [3, 1, 2]});
    first["summary"] = json!({"zebra": "1", "operation": "append", "added": "2"});
    let statistics = json!({
        "snapshot-id": 11,
        "statistics-path": format!("{location}/metadata/s.puffin"),
        "file-size-in-bytes": 5,
        "file-footer-size-in-bytes": 1,
        "blob-metadata": [],
        "x-statistics": true,
    });
    metadata["last-sequence-number"] = json!(1);
    metadata["current-snapshot-id"] = json!(11);
    metadata["snapshots"] = json!([first]);
    metadata["snapshot-log"] =
        json!([{"snapshot-id": 11, "timestamp-ms": 1_755_000_000_011_i64, "x-log": "l"}]);
    metadata["refs"] = json!({
        "zeta": {"snapshot-id": 11, "type": "tag", "x-ref": [1]},
        "main": {"snapshot-id": 11, "type": "branch", "x-ref": {"b": 1, "a": 2}},
    });
    metadata["statistics"] = json!([statistics]);
    metadata["last-column-id"] = json!(9);
    metadata["current-schema-id"] = json!(4);
    metadata["schemas"] = json!([
        {"type": "struct", "schema-id": 4, "x-schema": {"q": null}, "fields": [
            {"x-field": 1, "id": 9, "name": "b", "required": false, "type": "string", "doc": "d"},
            {"id": 2, "name": "a", "required": true, "type": "long", "x-field": [true]},
            {"id": 3, "name": "s", "required": false, "type": {
                "type": "struct", "x-struct": 1, "fields": [
                    {"id": 5, "name": "i", "required": false, "type": "int", "x-field": "deep"},
                ],
            }},
        ]},
        {"type": "struct", "schema-id": 1, "fields": [
            {"id": 2, "name": "a", "required": true, "type": "long"},
        ]},
    ]);
    metadata["default-spec-id"] = json!(3);
    metadata["partition-specs"] = json!([
        {"spec-id": 3, "x-spec": "s", "fields": [
            {"source-id": 2, "field-id": 1004, "transform": "bucket[8]", "name": "p", "x-part": 1},
        ]},
        {"spec-id": 0, "fields": []},
    ]);
    metadata["last-partition-id"] = json!(1004);
    metadata["default-sort-order-id"] = json!(2);
    metadata["sort-orders"] = json!([
        {"order-id": 2, "x-order": 1.5, "fields": [
            {"source-id": 2, "transform": "identity", "direction": "asc",
             "null-order": "nulls-first", "x-sort": null},
        ]},
        {"order-id": 0, "fields": []},
    ]);
    metadata["properties"] = json!({"zz": "1", "aa": "2"});
    metadata["x-table"] = json!({"z": 12_345_678_901_234_567_890_u64, "a": [null, "ü", 1.25]});
    metadata["a-table"] = json!([]);
    metadata
}

/// The JSON with the order of its members, as a text.
fn written(value: &Value) -> String {
    value.to_string()
}

#[tokio::test]
async fn commits_keep_what_they_do_not_know_in_value_and_in_order() {
    let server = lake().await;
    let root = server.root().await;
    let before = strange(&server);
    let location = write_metadata(&server, "t", "00003-x.metadata.json", &before.to_string());
    let _ = register(&root, "t", &location).await.expect(200);

    let mut wider = before["schemas"][0].clone();
    wider["fields"].as_array_mut().unwrap().push(
        json!({"id": 10, "name": "new", "required": false, "type": "date", "x-field": "new"}),
    );
    commit_to(&root, "t", set(json!({"mm": "3"}))).await;
    commit_to(&root, "t", commit(json!([]), json!([{"action": "add-schema", "schema": wider}])))
        .await;
    let table = load(&root, "t").await;
    let mut body = append(&table, 12, Some(11));
    body["updates"].as_array_mut().unwrap().push(point("dev", "branch", 12));
    commit_to(&root, "t", body).await;

    let answer = root.get(&route("t")).await.expect(200);
    let after = answer.json()["metadata"].clone();
    for kept in ["x-table", "a-table", "statistics", "partition-specs", "sort-orders"] {
        assert_eq!(written(&after[kept]), written(&before[kept]), "{kept}");
    }
    for list in ["snapshots", "schemas", "snapshot-log"] {
        let before = before[list].as_array().unwrap();
        let after = after[list].as_array().unwrap();
        assert_eq!(after.len(), before.len() + 1, "{list}");
        for (after, before) in after.iter().zip(before) {
            assert_eq!(written(after), written(before), "{list}");
        }
    }
    assert_eq!(written(&after["refs"]["zeta"]), written(&before["refs"]["zeta"]));
    let refs: Vec<_> = after["refs"].as_object().unwrap().keys().collect();
    assert_eq!(refs, ["zeta", "main", "dev"]);
    let properties: Vec<_> = after["properties"].as_object().unwrap().keys().collect();
    assert_eq!(properties, ["zz", "aa", "mm"]);
    let added = after["schemas"][2]["fields"][3].clone();
    assert_eq!(added["x-field"], "new");
    assert_eq!(after["schemas"][2]["x-schema"], json!({"q": null}));
    // The client reads what the file says.
    let file = std::fs::read_to_string(disk(text(&answer.json()["metadata-location"]))).unwrap();
    assert!(answer.text().contains(&file));
}

#[tokio::test]
async fn numbers_keep_all_their_digits() {
    let server = lake().await;
    let root = server.root().await;
    let text = foreign_metadata(&server, "t").to_string();
    let strange = "{\"big\":123456789012345678901234567890,\"exact\":0.10000000000000000000001,\
                   \"form\":1.0E+2}";
    let text = format!("{},\"x-numbers\":{strange}}}", text.strip_suffix('}').unwrap());
    let location = write_metadata(&server, "t", "00000-x.metadata.json", &text);
    let _ = register(&root, "t", &location).await.expect(200);

    commit_to(&root, "t", set(json!({"a": "b"}))).await;

    let after = root.get(&route("t")).await.expect(200).text();
    assert!(after.contains(strange), "{after}");
}

#[tokio::test]
async fn what_a_client_adds_is_kept_with_members_of_its_own() {
    let server = lake().await;
    let made = server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let mut body = append(&made, 1, None);
    body["updates"][0]["snapshot"]["key-id"] = json!("k");
    body["updates"][0]["snapshot"]["x-own"] = json!({"b": 1, "a": 2});
    body["updates"][1]["x-ref"] = json!("r");

    let after = commit_to(&root, "t", body).await;

    let snapshot = &after["metadata"]["snapshots"][0];
    assert_eq!(snapshot["key-id"], "k");
    assert_eq!(written(&snapshot["x-own"]), r#"{"b":1,"a":2}"#);
}

/// A table of version 1 as the first writers made it: one schema, one spec, no uuid.
fn ancient(server: &merak_tests::TestServer) -> Value {
    let location = format!("{}/sales/old", server.location("lake"));
    let mut schema = schema();
    schema.as_object_mut().unwrap().remove("schema-id");
    json!({
        "format-version": 1,
        "location": location,
        "last-updated-ms": 1_755_000_000_000_i64,
        "last-column-id": 2,
        "schema": schema,
        "partition-spec": [
            {"source-id": 1, "field-id": 1000, "transform": "bucket[4]", "name": "b"},
        ],
        "properties": {},
        "current-snapshot-id": 5,
        "snapshots": [{
            "snapshot-id": 5,
            "timestamp-ms": 1_755_000_000_000_i64,
            "manifests": [format!("{location}/metadata/m0.avro")],
        }],
    })
}

#[tokio::test]
async fn a_table_of_version_one_without_a_uuid_gets_one_and_keeps_it() {
    let server = lake().await;
    let root = server.root().await;
    let content = ancient(&server).to_string();
    let location = write_metadata(&server, "old", "v1.metadata.json", &content);
    let _ = register(&root, "old", &location).await.expect(200);

    let first = commit_to(&root, "old", set(json!({"a": "b"}))).await;
    let second = commit_to(&root, "old", set(json!({"c": "d"}))).await;

    let metadata = &second["metadata"];
    assert!(uuid::Uuid::try_parse(text(&metadata["table-uuid"])).is_ok());
    assert_eq!(metadata["table-uuid"], first["metadata"]["table-uuid"]);
    assert_eq!(metadata["format-version"], 1);
    assert_eq!(metadata["snapshots"], ancient(&server)["snapshots"]);
    assert_eq!(metadata["current-snapshot-id"], 5);
    assert_eq!(metadata["schema"]["fields"], ancient(&server)["schema"]["fields"]);
    assert_eq!(metadata["schemas"][0]["fields"], ancient(&server)["schema"]["fields"]);
    assert_eq!(metadata["partition-spec"], ancient(&server)["partition-spec"]);
    assert_eq!(metadata["partition-specs"][0]["fields"], ancient(&server)["partition-spec"]);
    assert_eq!(metadata["last-partition-id"], 1000);

    let upgrade = json!([{"action": "upgrade-format-version", "format-version": 2}]);
    let upgraded = commit_to(&root, "old", commit(json!([]), upgrade)).await;
    let metadata = &upgraded["metadata"];
    assert_eq!(metadata["format-version"], 2);
    assert_eq!(metadata["last-sequence-number"], 0);
    assert_eq!(metadata["table-uuid"], second["metadata"]["table-uuid"]);
    assert_eq!(metadata.get("schema"), None);
}
