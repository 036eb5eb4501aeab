//! What is not understood comes through a commit as it was.

use merak_table_metadata::TableMetadata;
use serde_json::{Map, Value, json};

use crate::support::{changed, table, v1, v2, v3, with, written};

/// A table with a member that nobody knows wherever one can be.
fn with_unknown_members(mut document: Value) -> Value {
    let unknown = json!({ "deep": [1.5, null, { "b": 1, "a": 18_446_744_073_709_551_615_u64 }] });
    for place in [
        "",
        "/schemas/0",
        "/schemas/1/fields/0",
        "/schemas/1/fields/2/type",
        "/partition-specs/0",
        "/partition-specs/0/fields/0",
        "/sort-orders/0",
        "/sort-orders/0/fields/0",
        "/snapshots/0",
        "/snapshots/1",
        "/refs/main",
        "/refs/first",
        "/statistics/0",
        "/partition-statistics/0",
        "/snapshot-log/0",
        "/metadata-log/0",
    ] {
        document.pointer_mut(place).expect("it is there")["x-future"] = unknown.clone();
    }
    document["encryption-keys"] = json!([
        { "key-id": "k1", "encrypted-key-metadata": "a2V5", "x-future": unknown },
    ]);
    document
}

#[test]
fn unknown_members_survive_reading_and_writing_in_every_version() {
    for document in [v2(), v3()] {
        let document = with_unknown_members(document);
        assert_eq!(written(&table(&document)), document);
    }
    // Version 1 repeats the current schema and the default spec.
    let document = with_unknown_members(v1());
    let schema = document["schemas"][1].clone();
    let spec = document["partition-specs"][0]["fields"].clone();
    let document = with(document, &[("schema", schema), ("partition-spec", spec)]);
    assert_eq!(written(&table(&document)), document);
}

#[test]
fn a_commit_changes_only_what_it_is_about() {
    let before = with_unknown_members(v2());
    let after = changed(
        &before,
        &json!([{ "action": "set-properties", "updates": { "owner": "marketing" } }]),
    );
    for (name, value) in before.as_object().expect("an object") {
        if !["properties", "last-updated-ms", "metadata-log"].contains(&name.as_str()) {
            assert_eq!(&after[name], value, "{name}");
        }
    }
    assert_eq!(after["metadata-log"][0], before["metadata-log"][0]);
    assert_eq!(after.as_object().map(Map::len), before.as_object().map(Map::len));
}

#[test]
fn unknown_members_of_what_a_commit_adds_are_kept() {
    let added = changed(
        &v3(),
        &json!([
            { "action": "add-schema", "schema": {
                "type": "struct", "x-schema": 1, "fields": [
                    { "id": 1, "name": "id", "required": true, "type": "long", "x-field": [1] },
                    { "id": 2, "name": "placed", "required": false, "type": "timestamptz" },
                    { "id": 9, "name": "pairs", "required": false, "type": {
                        "type": "map", "x-map": 2, "key-id": 10, "key": "string", "value-id": 11,
                        "value": { "type": "struct", "x-struct": 3, "fields": [] },
                        "value-required": false,
                    }},
                ],
            }},
            { "action": "add-spec", "spec": { "x-spec": 4, "fields": [
                { "source-id": 1, "name": "b", "transform": "bucket[4]", "x-field": 5 },
            ]}},
            { "action": "add-sort-order", "sort-order": { "order-id": 9, "x-order": 6, "fields": [{
                "source-id": 1, "transform": "identity", "direction": "desc",
                "null-order": "nulls-last", "x-field": 7,
            }]}},
            { "action": "add-snapshot", "snapshot": {
                "snapshot-id": 13, "parent-snapshot-id": 12, "sequence-number": 3,
                "timestamp-ms": 1_700_000_003_000_i64, "manifest-list": "s3://lake/m.avro",
                "summary": { "operation": "append", "flink.job-id": "j" },
                "first-row-id": 100, "added-rows": 5, "key-id": "k1", "x-snapshot": 8,
            }},
            { "action": "set-snapshot-ref", "ref-name": "audit", "type": "branch",
              "snapshot-id": 13, "x-ref": 9 },
            { "action": "set-statistics", "statistics": {
                "snapshot-id": 13, "statistics-path": "s3://lake/s.puffin",
                "file-size-in-bytes": 1, "file-footer-size-in-bytes": 1, "blob-metadata": [],
                "x-statistics": 10,
            }},
            { "action": "add-encryption-key", "encryption-key": {
                "key-id": "k2", "encrypted-key-metadata": "a2V5", "x-key": 11,
            }},
        ]),
    );
    for (place, value) in [
        ("/schemas/2/x-schema", json!(1)),
        ("/schemas/2/fields/0/x-field", json!([1])),
        ("/schemas/2/fields/2/type/x-map", json!(2)),
        ("/schemas/2/fields/2/type/value/x-struct", json!(3)),
        ("/partition-specs/1/x-spec", json!(4)),
        ("/partition-specs/1/fields/0/x-field", json!(5)),
        ("/sort-orders/1/x-order", json!(6)),
        ("/sort-orders/1/fields/0/x-field", json!(7)),
        ("/snapshots/2/x-snapshot", json!(8)),
        ("/snapshots/2/key-id", json!("k1")),
        ("/snapshots/2/summary/flink.job-id", json!("j")),
        ("/refs/audit/x-ref", json!(9)),
        ("/statistics/2/x-statistics", json!(10)),
        ("/encryption-keys/0/x-key", json!(11)),
    ] {
        assert_eq!(added.pointer(place), Some(&value), "{place}");
    }
    assert_eq!(added.pointer("/refs/audit/action"), None);
}

#[test]
fn lists_and_properties_keep_their_order() {
    let mut document = v2();
    document["schemas"].as_array_mut().expect("a list").reverse();
    document["snapshots"].as_array_mut().expect("a list").reverse();
    document["properties"] = json!({ "z": "1", "a": "2", "m": "3", "b": "4" });
    let after = changed(&document, &json!([{ "action": "remove-properties", "removals": ["z"] }]));
    assert_eq!(after["schemas"], document["schemas"]);
    assert_eq!(after["snapshots"], document["snapshots"]);
    let keys: Vec<_> = after["properties"].as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["a", "m", "b"]);
}

#[test]
fn numbers_keep_every_digit() {
    let text = v2().to_string().replacen(
        '{',
        "{\"x-huge\":123456789012345678901234567890.10,\"x-exact\":0.1000000000000000055511151231,",
        1,
    );
    let metadata = TableMetadata::parse(text.as_bytes()).expect("valid");
    let written = String::from_utf8(metadata.to_json()).expect("text");
    assert!(written.contains("\"x-huge\":123456789012345678901234567890.10"), "{written}");
    assert!(written.contains("\"x-exact\":0.1000000000000000055511151231"), "{written}");
}

#[test]
fn the_text_of_an_untouched_snapshot_is_not_rewritten() {
    let snapshot =
        "{ \"snapshot-id\" : 11,\n \"timestamp-ms\": 5, \"sequence-number\": 1, \"x\": 1e5 }";
    let mut document = v2();
    document["snapshots"][0] = json!("HERE");
    let text = document.to_string().replace("\"HERE\"", snapshot);
    let metadata = TableMetadata::parse(text.as_bytes()).expect("valid");
    let written = String::from_utf8(metadata.to_json()).expect("text");
    assert!(written.contains(snapshot), "{written}");
}
