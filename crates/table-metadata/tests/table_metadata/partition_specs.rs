//! Adding, choosing and removing partition specs.

use serde_json::{Value, json};

use crate::support::{changed, is_unchanged, refusal, v1, v2, v3};

fn add(fields: Value) -> Value {
    json!({ "action": "add-spec", "spec": { "spec-id": 33, "fields": fields } })
}

fn field(source: i32, name: &str, transform: &str) -> Value {
    json!({ "source-id": source, "name": name, "transform": transform })
}

fn bound(source: i32, id: i32, name: &str, transform: &str) -> Value {
    json!({ "source-id": source, "field-id": id, "name": name, "transform": transform })
}

fn choose(id: i32) -> Value {
    json!({ "action": "set-default-spec", "spec-id": id })
}

#[test]
fn a_new_spec_gets_the_next_id_and_its_new_fields_new_ids() {
    let after = changed(
        &v2(),
        &json!([add(json!([field(1, "b", "BUCKET[16]"), field(1, "t", "truncate[4]")]))]),
    );
    assert_eq!(
        after["partition-specs"][1],
        json!({ "spec-id": 1, "fields": [
            bound(1, 1001, "b", "bucket[16]"), bound(1, 1002, "t", "truncate[4]"),
        ]})
    );
    assert_eq!(after["last-partition-id"], 1002);
    assert_eq!(after["default-spec-id"], 0);
}

#[test]
fn a_field_that_another_spec_has_keeps_its_id() {
    let after =
        changed(&v2(), &json!([add(json!([field(1, "b", "bucket[16]"), field(2, "day", "day")]))]));
    assert_eq!(
        after["partition-specs"][1]["fields"],
        json!([bound(1, 1001, "b", "bucket[16]"), bound(2, 1000, "day", "day")])
    );
}

#[test]
fn an_id_is_not_given_to_two_fields_of_a_spec() {
    let after =
        changed(&v2(), &json!([add(json!([field(2, "one", "day"), field(2, "two", "day")]))]));
    assert_eq!(
        after["partition-specs"][1]["fields"],
        json!([bound(2, 1000, "one", "day"), bound(2, 1001, "two", "day")])
    );
}

#[test]
fn ids_that_the_client_gave_are_kept() {
    let after = changed(
        &v2(),
        &json!([add(json!([bound(1, 1005, "b", "bucket[16]"), field(1, "c", "bucket[3]")]))]),
    );
    assert_eq!(
        after["partition-specs"][1]["fields"],
        json!([bound(1, 1005, "b", "bucket[16]"), bound(1, 1006, "c", "bucket[3]")])
    );
    assert_eq!(after["last-partition-id"], 1006);
    assert_eq!(
        refusal(
            &v2(),
            &json!([add(json!([
                bound(1, 1005, "b", "bucket[16]"),
                bound(1, 1005, "c", "bucket[3]")
            ]))])
        ),
        "Cannot use partition field id more than once: 1005"
    );
}

#[test]
fn ids_of_version_1_are_places() {
    let after =
        changed(&v1(), &json!([add(json!([field(1, "b", "bucket[16]"), field(2, "day", "day")]))]));
    assert_eq!(
        after["partition-specs"][1]["fields"],
        json!([bound(1, 1000, "b", "bucket[16]"), bound(2, 1001, "day", "day")])
    );
    assert_eq!(
        refusal(&v1(), &json!([add(json!([bound(1, 1001, "b", "bucket[16]")]))])),
        "Spec does not use sequential IDs that are required in v1: [1001: b: bucket[16](1)]"
    );
}

#[test]
fn a_spec_that_divides_alike_is_not_added_again() {
    let same = add(json!([field(2, "placed_day", "Day")]));
    assert!(is_unchanged(&v2(), &json!([same, choose(-1)])));
    let renamed = add(json!([field(2, "d", "day")]));
    assert_eq!(changed(&v2(), &json!([renamed]))["partition-specs"][1]["spec-id"], 1);
}

#[test]
fn the_unpartitioned_spec_moves_no_ids() {
    let after = changed(&v2(), &json!([add(json!([])), choose(-1)]));
    assert_eq!(after["default-spec-id"], 1);
    assert_eq!(after["last-partition-id"], 1000);
}

#[test]
fn the_default_spec_is_chosen_by_id_or_as_the_last_added() {
    assert_eq!(
        refusal(&v2(), &json!([choose(-1)])),
        "Cannot set last added partition spec: no partition spec has been added"
    );
    assert_eq!(
        refusal(&v2(), &json!([choose(5)])),
        "Cannot set default partition spec to unknown partition spec: 5"
    );
    assert!(is_unchanged(&v2(), &json!([choose(0)])));
}

#[test]
fn sources_must_be_columns_that_the_transform_takes() {
    for (fields, reason) in [
        (
            json!([field(77, "x", "identity")]),
            "Cannot find source column for partition field: x: identity(77)",
        ),
        (
            json!([field(3, "x", "identity")]),
            "Cannot use non-primitive source column for partition field: x: identity(3): list",
        ),
        (json!([field(4, "x", "identity")]), "Invalid partition field parent: tags is a list"),
        (json!([field(1, "x", "day")]), "Invalid source type long for transform: day"),
    ] {
        assert_eq!(refusal(&v2(), &json!([add(fields)])), reason);
    }
}

#[test]
fn names_must_tell_fields_apart() {
    for (fields, reason) in [
        (json!([field(1, "", "bucket[4]")]), "Cannot use empty partition name"),
        (
            json!([field(1, "x", "bucket[4]"), field(2, "x", "day")]),
            "Cannot use partition name more than once: x",
        ),
        (
            json!([field(1, "id", "bucket[4]")]),
            "Cannot create partition from name that exists in schema: id",
        ),
        (
            json!([field(2, "id", "identity")]),
            "Cannot create identity partition sourced from different field in schema: id",
        ),
    ] {
        assert_eq!(refusal(&v2(), &json!([add(fields)])), reason);
    }
    changed(&v2(), &json!([add(json!([field(1, "id", "identity")]))]));
    changed(&v2(), &json!([add(json!([field(1, "id", "void")]))]));
}

#[test]
fn unknown_transforms_and_several_sources_are_kept() {
    let many = json!({ "source-ids": [1, 2], "name": "z", "transform": "zOrder[2]" });
    let after = changed(&v3(), &json!([add(json!([many]))]));
    assert_eq!(
        after["partition-specs"][1]["fields"][0],
        json!({ "source-ids": [1, 2], "field-id": 1001, "name": "z", "transform": "zOrder[2]" })
    );
    let missing = json!({ "source-ids": [1, 99], "name": "z", "transform": "zOrder[2]" });
    assert_eq!(
        refusal(&v3(), &json!([add(json!([missing]))])),
        "Cannot find source column for partition field: z: zOrder[2](1, 99)"
    );
}

#[test]
fn specs_that_are_not_default_can_be_removed() {
    let remove = |ids: Value| json!({ "action": "remove-partition-specs", "spec-ids": ids });
    let base = changed(&v2(), &json!([add(json!([]))]));
    let after = changed(&base, &json!([remove(json!([1, 44]))]));
    assert_eq!(after["partition-specs"], v2()["partition-specs"]);
    assert!(is_unchanged(&base, &json!([remove(json!([44]))])));
    assert_eq!(
        refusal(&base, &json!([remove(json!([0]))])),
        "Cannot remove the default partition spec"
    );
}

#[test]
fn field_ids_that_run_out_are_no_panic() {
    let updates =
        json!([add(json!([bound(1, i32::MAX, "b", "bucket[16]"), field(1, "c", "bucket[3]")]))]);
    assert_eq!(refusal(&v2(), &updates), "Cannot assign partition field id: none is left");
}
