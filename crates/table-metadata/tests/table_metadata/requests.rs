//! Reading commits.

use merak_table_metadata::{Error, MAX_NESTING, TableCommit, TableRequirement, TableUpdate};
use serde_json::{Value, json};

use crate::support::{partition_statistics, snapshot, statistics};

fn refusal(requirements: &Value, updates: &Value) -> String {
    match TableCommit::parse(requirements, updates) {
        Err(Error::Invalid(reason)) => reason,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn what_is_not_known_is_refused_and_named() {
    assert_eq!(
        refusal(&json!([{ "type": "assert-moon" }]), &json!([])),
        "Invalid requirements[0]: unknown requirement type: assert-moon"
    );
    assert_eq!(
        refusal(
            &json!([]),
            &json!([{ "action": "set-location", "location": "x" }, { "action": "fly" }])
        ),
        "Invalid updates[1]: unknown update action: fly"
    );
}

#[test]
fn what_is_for_views_is_refused() {
    assert_eq!(
        refusal(&json!([{ "type": "assert-view-uuid", "uuid": "x" }]), &json!([])),
        "Invalid requirements[0]: assert-view-uuid is no requirement of a table"
    );
    assert_eq!(
        refusal(&json!([]), &json!([{ "action": "set-current-view-version" }])),
        "Invalid updates[0]: set-current-view-version is no update of a table"
    );
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for (updates, reason) in [
        (json!({}), "Invalid updates: expected a list"),
        (json!([1]), "Invalid updates[0]: expected an object, not 1"),
        (json!([{}]), "Invalid updates[0].action is missing"),
        (json!([{ "action": "assign-uuid" }]), "Invalid updates[0].uuid is missing"),
        (
            json!([{ "action": "assign-uuid", "uuid": "x" }]),
            "Invalid updates[0].uuid: not a uuid: x",
        ),
        (
            json!([{ "action": "set-current-schema", "schema-id": "1" }]),
            "Invalid updates[0].schema-id: expected a 32-bit integer, not \"1\"",
        ),
        (
            json!([{ "action": "set-current-schema", "schema-id": 4_000_000_000_u32 }]),
            "Invalid updates[0].schema-id: expected a 32-bit integer, not 4000000000",
        ),
        (
            json!([{ "action": "add-schema", "schema": { "type": "struct" } }]),
            "Invalid updates[0].schema.fields is missing",
        ),
        (
            json!([{ "action": "add-schema", "schema": { "type": "list", "fields": [] } }]),
            "Invalid updates[0].schema.type: a schema is a struct, not a list",
        ),
        (
            json!([{ "action": "add-schema", "schema": { "fields": [{ "type": "int" }] } }]),
            "Invalid updates[0].schema.fields[0].id is missing",
        ),
        (
            json!([{ "action": "add-spec", "spec": { "fields": [{ "name": "a" }] } }]),
            "Invalid updates[0].spec.fields[0].source-id is missing",
        ),
        (
            json!([{ "action": "set-properties", "updates": { "a": null } }]),
            "Invalid updates[0].updates.a: expected a string, not null",
        ),
        (json!([{ "action": "set-properties" }]), "Invalid updates[0].updates is missing"),
        (json!([{ "action": "remove-properties" }]), "Invalid updates[0].removals is missing"),
        (
            json!([{ "action": "set-location", "location": "" }]),
            "Invalid updates[0].location: must not be empty",
        ),
        (
            json!([{ "action": "set-statistics", "statistics": { "snapshot-id": 1 } }]),
            "Invalid updates[0].statistics.file-footer-size-in-bytes is missing",
        ),
        (
            json!([{ "action": "add-snapshot", "snapshot": { "snapshot-id": 1, "timestamp-ms": 1 } }]),
            "Invalid updates[0].snapshot.manifest-list is missing",
        ),
    ] {
        assert_eq!(refusal(&json!([]), &updates), reason);
    }
}

#[test]
fn null_is_as_good_as_no_list() {
    let commit = TableCommit::parse(&Value::Null, &Value::Null).expect("it can be read");
    assert!(commit.requirements.is_empty() && commit.updates.is_empty());
}

#[test]
fn a_creating_commit_can_have_no_other_requirement() {
    let create = json!({ "type": "assert-create" });
    let uuid = json!({ "type": "assert-table-uuid", "uuid": "x" });
    assert!(refusal(&json!([create, uuid]), &json!([])).starts_with("Invalid create requirements"));
    let commit = TableCommit::parse(&json!([create]), &json!([])).expect("it can be read");
    assert!(commit.is_create());
    assert!(!TableCommit::default().is_create());
}

#[test]
fn every_update_can_be_read_and_says_its_kind() {
    let updates = json!([
        { "action": "assign-uuid", "uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1" },
        { "action": "upgrade-format-version", "format-version": 3 },
        { "action": "add-schema", "schema": { "fields": [] }, "last-column-id": 3 },
        { "action": "set-current-schema", "schema-id": -1 },
        { "action": "add-spec", "spec": { "fields": [] } },
        { "action": "set-default-spec", "spec-id": -1 },
        { "action": "add-sort-order", "sort-order": { "order-id": 0, "fields": [] } },
        { "action": "set-default-sort-order", "sort-order-id": -1 },
        { "action": "add-snapshot", "snapshot": snapshot(1, None, 1, 1) },
        { "action": "set-snapshot-ref", "ref-name": "main", "type": "BRANCH", "snapshot-id": 1 },
        { "action": "remove-snapshots", "snapshot-ids": [1] },
        { "action": "remove-snapshot-ref", "ref-name": "main" },
        { "action": "set-location", "location": "s3://a/b" },
        { "action": "set-properties", "updates": {} },
        { "action": "remove-properties", "removals": [] },
        { "action": "set-statistics", "snapshot-id": 9, "statistics": statistics(1) },
        { "action": "remove-statistics", "snapshot-id": 1 },
        { "action": "set-partition-statistics", "partition-statistics": partition_statistics(1) },
        { "action": "remove-partition-statistics", "snapshot-id": 1 },
        { "action": "remove-partition-specs", "spec-ids": [1] },
        { "action": "remove-schemas", "schema-ids": [1] },
        { "action": "add-encryption-key",
          "encryption-key": { "key-id": "k", "encrypted-key-metadata": "a2V5" } },
        { "action": "remove-encryption-key", "key-id": "k" },
    ]);
    let commit = TableCommit::parse(&json!([]), &updates).expect("it can be read");
    let actions = updates.as_array().expect("a list").iter().map(|update| &update["action"]);
    assert!(commit.update_kinds().eq(actions));
    assert_eq!(
        commit.file_locations().collect::<Vec<_>>(),
        [
            "s3://lake/orders/metadata/snap-1.avro",
            "s3://lake/orders/metadata/1.puffin",
            "s3://lake/orders/metadata/1.parquet"
        ]
    );
}

#[test]
fn the_last_requested_location_and_all_set_properties_can_be_asked_for() {
    let commit = TableCommit::parse(
        &json!([]),
        &json!([
            { "action": "set-location", "location": "s3://a/b" },
            { "action": "set-properties", "updates": { "k": "1", "l": "2" } },
            { "action": "set-properties", "updated": { "k": "3" } },
            { "action": "set-location", "location": "s3://a/c//" },
        ]),
    )
    .expect("it can be read");
    assert_eq!(commit.requested_location(), Some("s3://a/c"));
    let properties: Vec<_> = commit.set_properties().collect();
    assert_eq!(properties, [("k", "1"), ("l", "2"), ("k", "3")]);
    assert_eq!(TableCommit::default().requested_location(), None);
}

#[test]
fn the_server_can_make_updates_of_its_own() {
    let commit = TableCommit {
        requirements: vec![TableRequirement::AssertCreate],
        updates: vec![
            TableUpdate::set_location("s3://a/b/"),
            TableUpdate::set_property("k", "v"),
            TableUpdate::assign_uuid(uuid::Uuid::nil()),
        ],
    };
    assert_eq!(commit.requested_location(), Some("s3://a/b"));
    assert_eq!(commit.set_properties().collect::<Vec<_>>(), [("k", "v")]);
    assert_eq!(commit.update_kinds().last(), Some("assign-uuid"));
}

#[test]
fn what_nests_too_deep_is_refused() {
    let nested = |levels: usize| {
        (0..levels).fold(json!("int"), |element, id| {
            json!({ "type": "list", "element-id": id + 2, "element": element, "element-required": true })
        })
    };
    let add = |levels| {
        json!([{ "action": "add-schema", "schema": { "fields": [
            { "id": 1, "name": "a", "required": true, "type": nested(levels) },
        ]}}])
    };
    // The update, the schema, its list of fields, the field, and the text at the end.
    assert!(TableCommit::parse(&json!([]), &add(MAX_NESTING - 5)).is_ok());
    assert_eq!(
        refusal(&json!([]), &add(MAX_NESTING - 4)),
        "Invalid updates[0]: nests deeper than 100 levels"
    );
    assert!(TableCommit::parse(&json!([]), &add(300)).is_err());
}
