//! What a created view looks like.

use merak_table_metadata::NewView;
use serde_json::{Map, Value, json};

use super::support::{
    VIEW_UUID, in_dialects, new_view, refusal, schema, sql_in, version, view, with_time, written,
};
use crate::support::NOW;

fn with_version(view_version: Value) -> NewView {
    NewView { view_version, ..new_view() }
}

fn with_property(key: &str, value: &str) -> NewView {
    let mut new = new_view();
    new.properties.insert(key.to_owned(), value.to_owned());
    new
}

#[test]
fn the_server_says_ids_and_time_of_the_first_version() {
    let made = new_view().build().expect("it can be made");
    assert_eq!(
        written(&made),
        json!({
            "view-uuid": VIEW_UUID,
            "format-version": 1,
            "location": "s3://lake/recent_orders",
            "properties": { "comment": "Orders of today" },
            // The ids of columns are the client's.
            "schemas": [schema(0, "id")],
            "current-version-id": 1,
            "versions": [with_time(version(1, 0, "SELECT id"), NOW)],
            "version-log": [{ "timestamp-ms": NOW, "version-id": 1 }],
        })
    );
    assert_eq!(made.last_updated_ms(), NOW);
    assert_eq!(made.validate(), Ok(()));
}

#[test]
fn members_come_in_the_order_that_other_writers_use() {
    let written = written(&new_view().build().expect("it can be made"));
    let names: Vec<_> = written.as_object().map(Map::keys).expect("an object").collect();
    assert_eq!(
        names,
        [
            "view-uuid",
            "format-version",
            "location",
            "properties",
            "schemas",
            "current-version-id",
            "versions",
            "version-log"
        ]
    );
}

#[test]
fn the_location_has_no_slash_at_its_end_and_is_not_empty() {
    let at = |location: &str| NewView { location: location.to_owned(), ..new_view() }.build();
    assert_eq!(at("s3://lake/v//").expect("it can be made").location(), "s3://lake/v");
    assert_eq!(refusal(at("")), "Invalid location: must not be empty");
}

#[test]
fn unknown_members_of_the_first_version_are_kept() {
    let mut wanted = version(1, 0, "SELECT id");
    wanted["storage-table"] = json!({ "namespace": ["sales"], "name": "st_1" });
    wanted["representations"][0]["x-future"] = json!([1]);
    let made = written(&with_version(wanted.clone()).build().expect("it can be made"));
    assert_eq!(made["versions"][0], with_time(wanted, NOW));
}

#[test]
fn a_version_of_a_view_needs_all_that_readers_demand() {
    for name in [
        "version-id",
        "timestamp-ms",
        "schema-id",
        "summary",
        "default-namespace",
        "representations",
    ] {
        let mut wanted = version(1, 0, "SELECT id");
        wanted.as_object_mut().expect("an object").shift_remove(name);
        let reason = refusal(with_version(wanted).build());
        assert_eq!(reason, format!("Invalid view version: {name} is missing"));
    }
    let mut wanted = version(1, 0, "SELECT id");
    wanted.as_object_mut().expect("an object").shift_remove("default-catalog");
    assert!(with_version(wanted).build().is_ok());
}

#[test]
fn there_must_be_a_query_and_only_one_for_a_dialect() {
    let empty = in_dialects(version(1, 0, ""), &[]);
    assert_eq!(
        refusal(with_version(empty).build()),
        "Invalid view version: representations: must not be empty"
    );
    let twice = in_dialects(version(1, 0, ""), &["trino", "spark", "Trino"]);
    assert_eq!(
        refusal(with_version(twice).build()),
        "Invalid view version: Cannot add multiple queries for dialect trino"
    );
    let different = in_dialects(version(1, 0, ""), &["trino", "spark"]);
    assert!(with_version(different).build().is_ok());
}

#[test]
fn only_sql_can_be_created() {
    let mut wanted = version(1, 0, "SELECT id");
    wanted["representations"] = json!([
        { "type": "Substrait", "plan": "x" },
        sql_in("spark", "SELECT id"),
        { "type": "plan" },
        { "type": "substrait" },
    ]);
    assert_eq!(
        refusal(with_version(wanted).build()),
        "Found unsupported view representations: [plan, substrait]"
    );
    // The type of SQL may be written in any case.
    let mut wanted = version(1, 0, "SELECT id");
    wanted["representations"][0]["type"] = json!("SQL");
    assert!(with_version(wanted).build().is_ok());
}

#[test]
fn the_schema_must_be_one() {
    let with_schema = |schema: Value| NewView { schema, ..new_view() }.build();
    assert_eq!(refusal(with_schema(Value::Null)), "Invalid schema: expected an object, not null");
    let mut twice = schema(0, "id");
    let again = twice["fields"][0].clone();
    twice["fields"].as_array_mut().expect("a list").push(again);
    refusal(with_schema(twice));
    // Views can have whatever the newest format version of tables has.
    let mut newest = schema(0, "id");
    newest["fields"][0]["type"] = json!("variant");
    assert!(with_schema(newest).is_ok());
}

#[test]
fn the_history_size_must_be_a_positive_integer() {
    let key = "version.history.num-entries";
    for (text, reason) in [
        ("0", "version.history.num-entries must be positive but was 0"),
        ("-1", "version.history.num-entries must be positive but was -1"),
        ("ten", "View property version.history.num-entries must have integer value, not ten"),
        ("", "View property version.history.num-entries must have integer value, not "),
    ] {
        assert_eq!(refusal(with_property(key, text).build()), reason);
    }
    assert!(with_property(key, "1").build().is_ok());
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    let mut wanted = version(1, 0, "SELECT id");
    wanted["x"] = (0..120).fold(json!(0), |inner, _| json!([inner]));
    assert_eq!(
        refusal(with_version(wanted).build()),
        "Invalid view version: nests deeper than 100 levels"
    );
}

#[test]
fn a_new_view_is_read_as_it_was_made() {
    let made = written(&new_view().build().expect("it can be made"));
    assert_eq!(written(&view(&made)), made);
    let mut plain = new_view();
    plain.properties.clear();
    let made = written(&plain.build().expect("it can be made"));
    assert_eq!(written(&view(&made)), made);
}
