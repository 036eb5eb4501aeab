//! Tables that a commit creates, whose data files are written already.

use merak_table_metadata::{Error, TableMetadata};
use serde_json::{Value, json};

use crate::support::{NOW, UUID, create, snapshot, written};

fn schema(id: i32) -> Value {
    json!({ "type": "struct", "schema-id": id, "fields": [
        { "id": 5, "name": "id", "required": true, "type": "long" },
        { "id": 8, "name": "at", "required": false, "type": "timestamp" },
    ]})
}

fn created(updates: &Value) -> Value {
    let metadata = create(updates).expect("it can be created");
    assert!(TableMetadata::parse(&metadata.to_json()).is_ok());
    written(&metadata)
}

fn refusal(updates: &Value) -> String {
    match create(updates) {
        Err(Error::Invalid(reason)) => reason,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// What Java sends: everything of the staged metadata, one after another.
fn complete() -> Vec<Value> {
    vec![
        json!({ "action": "assign-uuid", "uuid": UUID }),
        json!({ "action": "upgrade-format-version", "format-version": 2 }),
        json!({ "action": "add-schema", "schema": schema(0), "last-column-id": 8 }),
        json!({ "action": "set-current-schema", "schema-id": -1 }),
        json!({ "action": "add-spec", "spec": { "spec-id": 0, "fields": [
            { "source-id": 8, "field-id": 1000, "name": "day", "transform": "day" },
        ]}}),
        json!({ "action": "set-default-spec", "spec-id": -1 }),
        json!({ "action": "add-sort-order", "sort-order": { "order-id": 0, "fields": [] } }),
        json!({ "action": "set-default-sort-order", "sort-order-id": -1 }),
        json!({ "action": "set-location", "location": "s3://lake/t" }),
        json!({ "action": "set-properties", "updates": { "owner": "me" } }),
        json!({ "action": "add-snapshot", "snapshot": snapshot(11, None, 1, NOW - 5) }),
        json!({ "action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 11 }),
    ]
}

#[test]
fn a_complete_commit_becomes_the_table_it_describes() {
    assert_eq!(
        created(&json!(complete())),
        json!({
            "format-version": 2,
            "table-uuid": UUID,
            "location": "s3://lake/t",
            "last-sequence-number": 1,
            "last-updated-ms": NOW,
            "last-column-id": 8,
            "current-schema-id": 0,
            "schemas": [schema(0)],
            "default-spec-id": 0,
            "partition-specs": [{ "spec-id": 0, "fields": [
                { "source-id": 8, "field-id": 1000, "name": "day", "transform": "day" },
            ]}],
            "last-partition-id": 1000,
            "default-sort-order-id": 0,
            "sort-orders": [{ "order-id": 0, "fields": [] }],
            "properties": { "owner": "me" },
            "current-snapshot-id": 11,
            "refs": { "main": { "snapshot-id": 11, "type": "branch" } },
            "snapshots": [snapshot(11, None, 1, NOW - 5)],
            "statistics": [],
            "partition-statistics": [],
            "snapshot-log": [{ "snapshot-id": 11, "timestamp-ms": NOW - 5 }],
            "metadata-log": [],
        })
    );
}

#[test]
fn the_schema_may_be_chosen_last_and_by_its_id() {
    let mut updates = complete();
    let choose = json!({ "action": "set-current-schema", "schema-id": 0 });
    updates.retain(|update| update["action"] != "set-current-schema");
    updates.push(choose);
    assert_eq!(created(&json!(updates))["current-schema-id"], 0);
}

#[test]
fn ids_that_the_client_gave_are_kept() {
    let updates = json!([
        { "action": "set-location", "location": "s3://lake/t" },
        { "action": "add-schema", "schema": schema(4) },
        { "action": "add-spec", "spec": { "spec-id": 3, "fields": [
            { "source-id": 5, "field-id": 1007, "name": "b", "transform": "bucket[4]" },
        ]}},
        { "action": "add-sort-order", "sort-order": { "order-id": 6, "fields": [
            { "source-id": 5, "transform": "identity", "direction": "asc", "null-order": "nulls-first" },
        ]}},
        { "action": "set-current-schema", "schema-id": 4 },
        { "action": "set-default-spec", "spec-id": 3 },
        { "action": "set-default-sort-order", "sort-order-id": 6 },
    ]);
    let table = created(&updates);
    assert_eq!(table["schemas"][0], schema(4));
    assert_eq!(table["last-column-id"], 8);
    assert_eq!(table["partition-specs"][0]["spec-id"], 3);
    assert_eq!(table["last-partition-id"], 1007);
    assert_eq!(table["default-sort-order-id"], 6);
}

#[test]
fn ids_that_are_taken_or_impossible_are_given_anew() {
    let mut other = schema(4);
    other["fields"][0]["doc"] = json!("another");
    let mut negative = schema(-7);
    negative["fields"][0]["doc"] = json!("a third");
    let table = created(&json!([
        { "action": "set-location", "location": "s3://lake/t" },
        { "action": "add-schema", "schema": schema(4) },
        { "action": "add-schema", "schema": other },
        { "action": "add-schema", "schema": negative },
        { "action": "set-current-schema", "schema-id": 4 },
        { "action": "add-sort-order", "sort-order": { "order-id": 0, "fields": [
            { "source-id": 5, "transform": "identity", "direction": "asc", "null-order": "nulls-first" },
        ]}},
    ]));
    let ids: Vec<_> =
        table["schemas"].as_array().unwrap().iter().map(|s| &s["schema-id"]).collect();
    assert_eq!(ids, [4, 5, 6]);
    assert_eq!(table["sort-orders"][0]["order-id"], 1, "0 is the unsorted order's");
}

#[test]
fn what_is_left_out_is_filled_in() {
    let table = created(&json!([
        { "action": "set-location", "location": "s3://lake/t" },
        { "action": "add-schema", "schema": schema(2) },
    ]));
    assert_eq!(table["format-version"], 2);
    assert_eq!(table["table-uuid"].as_str().map(str::len), Some(36));
    assert_eq!(table["current-schema-id"], 2);
    assert_eq!(table["partition-specs"], json!([{ "spec-id": 0, "fields": [] }]));
    assert_eq!(table["default-sort-order-id"], 0);
}

#[test]
fn the_first_upgrade_names_the_version() {
    for version in 1..=3 {
        let table = created(&json!([
            { "action": "add-schema", "schema": schema(0) },
            { "action": "upgrade-format-version", "format-version": version },
            { "action": "set-location", "location": "s3://lake/t" },
        ]));
        assert_eq!(table["format-version"], version);
    }
    for version in [0, 4, -1, 300] {
        assert_eq!(
            refusal(&json!([{ "action": "upgrade-format-version", "format-version": version }])),
            format!("Unsupported format version: v{version}")
        );
    }
}

#[test]
fn a_table_must_have_a_location_and_a_schema() {
    assert_eq!(
        refusal(&json!([{ "action": "add-schema", "schema": schema(0) }])),
        "Cannot create table: set-location is missing"
    );
    assert_eq!(
        refusal(&json!([{ "action": "set-location", "location": "s3://lake/t" }])),
        "Cannot create table: add-schema is missing"
    );
}

#[test]
fn what_needs_something_else_must_come_after_it() {
    let add_spec = json!({ "action": "add-spec", "spec": { "fields": [] } });
    let add_order =
        json!({ "action": "add-sort-order", "sort-order": { "order-id": 0, "fields": [] } });
    let add_schema = json!({ "action": "add-schema", "schema": schema(0) });
    let add_snapshot = json!({ "action": "add-snapshot", "snapshot": snapshot(1, None, 1, 1) });
    for (updates, reason) in [
        (json!([add_spec]), "Cannot add partition spec before a schema is added"),
        (json!([add_order]), "Cannot add sort order before a schema is added"),
        (json!([add_snapshot]), "Attempting to add a snapshot before a schema is added"),
        (
            json!([add_schema, add_snapshot]),
            "Attempting to add a snapshot before a partition spec is added",
        ),
        (
            json!([add_schema, add_spec, add_snapshot]),
            "Attempting to add a snapshot before a sort order is added",
        ),
    ] {
        assert_eq!(refusal(&updates), reason);
    }
}

#[test]
fn spec_and_order_must_fit_the_schema_that_is_chosen() {
    let mut updates = complete();
    updates.push(json!({ "action": "add-schema", "schema": { "fields": [
        { "id": 5, "name": "id", "required": true, "type": "long" },
    ]}}));
    updates.push(json!({ "action": "set-current-schema", "schema-id": -1 }));
    assert_eq!(
        refusal(&json!(updates)),
        "Cannot find source column for partition field: 1000: day: day(8)"
    );
}

#[test]
fn the_uuid_cannot_be_assigned_twice() {
    let mut updates = complete();
    updates.push(json!({ "action": "assign-uuid", "uuid": UUID }));
    create(&json!(updates)).expect("the same uuid again is nothing new");
    updates
        .push(json!({ "action": "assign-uuid", "uuid": "00000000-0000-4000-8000-000000000000" }));
    assert!(refusal(&json!(updates)).starts_with("Cannot reassign uuid"));
}

#[test]
fn encryption_needs_version_3() {
    let mut updates = complete();
    updates.push(json!({ "action": "set-properties", "updates": { "encryption.key-id": "k" } }));
    assert_eq!(
        refusal(&json!(updates)),
        "Invalid table property encryption.key-id: encryption is not supported until v3"
    );
}
