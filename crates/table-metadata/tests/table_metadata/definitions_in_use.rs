//! Schema, spec and order that are in use must go together.

use serde_json::{Value, json};

use crate::support::{changed, refusal, v2};

fn add_and_choose(fields: Value) -> Value {
    json!([
        { "action": "add-schema", "schema": { "fields": fields } },
        { "action": "set-current-schema", "schema-id": -1 },
    ])
}

#[test]
fn the_source_of_a_partition_field_in_use_cannot_go() {
    let without_placed = json!([{ "id": 1, "name": "id", "required": true, "type": "long" }]);
    assert_eq!(
        refusal(&v2(), &add_and_choose(without_placed)),
        "Cannot find source column for partition field: 1000: placed_day: day(2)"
    );
}

#[test]
fn the_source_of_a_sort_field_in_use_cannot_become_something_else() {
    let other_id = json!([
        { "id": 1, "name": "id", "required": true, "type": "variant" },
        { "id": 2, "name": "placed", "required": false, "type": "timestamptz" },
    ]);
    assert_eq!(
        refusal(&crate::support::v3(), &add_and_choose(other_id)),
        "Invalid source type variant for transform: identity"
    );
}

#[test]
fn what_is_not_in_use_need_not_fit() {
    let mut updates = add_and_choose(json!([
        { "id": 1, "name": "id", "required": true, "type": "long" },
    ]));
    let unpartition = json!([
        { "action": "add-spec", "spec": { "fields": [] } },
        { "action": "set-default-spec", "spec-id": -1 },
    ]);
    updates.as_array_mut().unwrap().extend(unpartition.as_array().unwrap().iter().cloned());
    let after = changed(&v2(), &updates);
    assert_eq!(after["partition-specs"][0], v2()["partition-specs"][0]);
    assert_eq!(after["default-spec-id"], 1);
}

#[test]
fn a_void_field_needs_no_source() {
    let mut base = v2();
    base["partition-specs"][0]["fields"][0]["transform"] = json!("void");
    let without_placed = json!([{ "id": 1, "name": "id", "required": true, "type": "long" }]);
    assert_eq!(changed(&base, &add_and_choose(without_placed))["current-schema-id"], 2);
}

#[test]
fn a_table_that_was_always_wrong_can_still_be_written_to() {
    let mut base = v2();
    base["partition-specs"][0]["fields"][0]["source-id"] = json!(99);
    changed(&base, &json!([{ "action": "set-properties", "updates": { "a": "b" } }]));
}

#[test]
fn a_new_spec_is_bound_to_the_schema_that_is_current_then() {
    let total = json!({ "id": 5, "name": "total", "required": false, "type": "int" });
    let mut fields = v2()["schemas"][1]["fields"].clone();
    fields.as_array_mut().unwrap().push(total);
    let add_schema = json!({ "action": "add-schema", "schema": { "fields": fields } });
    let choose = json!({ "action": "set-current-schema", "schema-id": -1 });
    let add_spec = json!({ "action": "add-spec", "spec": { "fields": [
        { "source-id": 5, "name": "total", "transform": "identity" },
    ]}});
    changed(&v2(), &json!([add_schema, choose, add_spec]));
    assert_eq!(
        refusal(&v2(), &json!([add_schema, add_spec, choose])),
        "Cannot find source column for partition field: total: identity(5)"
    );
}

#[test]
fn a_replacing_commit_makes_everything_anew_and_keeps_what_was() {
    let before = v2();
    let replaced = crate::support::snapshot(13, None, 2, 1_700_000_004_000);
    let after = changed(
        &before,
        &json!([
            { "action": "remove-snapshot-ref", "ref-name": "main" },
            { "action": "add-schema", "schema": { "type": "struct", "fields": [
                { "id": 5, "name": "sum", "required": false, "type": "long" },
            ]}},
            { "action": "set-current-schema", "schema-id": -1 },
            { "action": "add-spec", "spec": { "fields": [
                { "source-id": 5, "field-id": 1001, "name": "sum", "transform": "identity" },
            ]}},
            { "action": "set-default-spec", "spec-id": -1 },
            { "action": "add-sort-order", "sort-order": { "order-id": 0, "fields": [] } },
            { "action": "set-default-sort-order", "sort-order-id": -1 },
            { "action": "add-snapshot", "snapshot": replaced },
            { "action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 13 },
        ]),
    );
    assert_eq!(after["current-schema-id"], 2);
    assert_eq!(after["default-spec-id"], 1);
    assert_eq!(after["default-sort-order-id"], 0);
    assert_eq!(after["last-partition-id"], 1001);
    assert_eq!(after["current-snapshot-id"], 13);
    assert_eq!(
        after["snapshots"].as_array().unwrap()[..2],
        before["snapshots"].as_array().unwrap()[..]
    );
    assert_eq!(after["snapshot-log"].as_array().unwrap().len(), 3);
    assert_eq!(after["refs"]["first"], before["refs"]["first"]);
    assert_eq!(after["table-uuid"], before["table-uuid"]);
}
