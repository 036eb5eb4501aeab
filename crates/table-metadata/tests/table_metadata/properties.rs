//! Properties, location and uuid.

use serde_json::json;

use crate::support::{UUID, changed, is_unchanged, refusal, v1, v2, with};

#[test]
fn properties_are_merged() {
    let after = changed(
        &v2(),
        &json!([{ "action": "set-properties", "updates": { "owner": "me", "new": "1" } }]),
    );
    assert_eq!(
        after["properties"],
        json!({ "owner": "me", "commit.retry.num-retries": "4", "new": "1" })
    );
}

#[test]
fn properties_are_removed_if_they_are_there() {
    let after =
        changed(&v2(), &json!([{ "action": "remove-properties", "removals": ["owner", "x"] }]));
    assert_eq!(after["properties"], json!({ "commit.retry.num-retries": "4" }));
    assert!(is_unchanged(&v2(), &json!([{ "action": "remove-properties", "removals": ["x"] }])));
}

#[test]
fn old_clients_name_properties_otherwise() {
    let after = changed(
        &v2(),
        &json!([
            { "action": "set-properties", "updated": { "new": "1" } },
            { "action": "remove-properties", "removed": ["owner"] },
        ]),
    );
    assert_eq!(after["properties"], json!({ "commit.retry.num-retries": "4", "new": "1" }));
}

#[test]
fn properties_that_are_so_already_are_no_change() {
    assert!(is_unchanged(
        &v2(),
        &json!([{ "action": "set-properties", "updates": { "owner": "sales" } }])
    ));
    assert!(is_unchanged(&v2(), &json!([])));
}

#[test]
fn the_location_loses_its_slashes_at_the_end() {
    let set = |location: &str| json!([{ "action": "set-location", "location": location }]);
    assert_eq!(changed(&v2(), &set("s3://lake/new//"))["location"], "s3://lake/new");
    assert_eq!(changed(&v2(), &set("file:///"))["location"], "file://");
    assert!(is_unchanged(&v2(), &set("s3://lake/orders/")));
}

#[test]
fn the_uuid_cannot_be_changed() {
    let assign = |uuid: &str| json!([{ "action": "assign-uuid", "uuid": uuid }]);
    assert!(is_unchanged(&v2(), &assign(UUID)));
    assert!(is_unchanged(&v2(), &assign(&UUID.to_uppercase())));
    let other = "00000000-0000-4000-8000-000000000000";
    assert_eq!(refusal(&v2(), &assign(other)), format!("Cannot reassign uuid: {UUID} to {other}"));
}

#[test]
fn a_table_without_a_uuid_can_be_given_one() {
    let base = with(v1(), &[("table-uuid", serde_json::Value::Null)]);
    let after = changed(&base, &json!([{ "action": "assign-uuid", "uuid": UUID }]));
    assert_eq!(after["table-uuid"], UUID);
}

#[test]
fn a_derived_uuid_is_written_by_the_next_commit() {
    let base = with(v1(), &[("table-uuid", serde_json::Value::Null)]);
    let after =
        changed(&base, &json!([{ "action": "set-location", "location": "s3://lake/moved" }]));
    assert_eq!(after["table-uuid"], crate::support::table(&base).uuid());
}
