//! Which view metadata can be read, and what is wrong with that which cannot.

use merak_table_metadata::{Error, ViewMetadata};
use serde_json::{Value, json};

use super::support::{SECOND, VIEW_UUID, a_view, parse, refusal, schema, version, view, written};
use crate::support::with;

fn why(document: Value) -> String {
    refusal(parse(&document))
}

fn why_not_valid(document: Value) -> String {
    refusal(view(&document).validate())
}

#[test]
fn a_view_tells_what_it_is() {
    let view = view(&a_view());
    assert_eq!(view.uuid(), VIEW_UUID);
    assert_eq!(view.format_version(), 1);
    assert_eq!(view.location(), "s3://lake/recent_orders");
    assert_eq!(view.current_version_id(), 2);
    assert_eq!(view.property("owner"), Some("sales"));
    assert_eq!(view.property("none"), None);
    assert_eq!(view.last_updated_ms(), SECOND);
    assert_eq!(view.validate(), Ok(()));
}

#[test]
fn without_a_log_the_current_version_says_when_the_view_was_updated() {
    let unlogged = with(a_view(), &[("version-log", json!([]))]);
    assert_eq!(view(&unlogged).last_updated_ms(), SECOND);
    let empty = with(unlogged, &[("versions", json!([]))]);
    assert_eq!(view(&empty).last_updated_ms(), 0);
}

#[test]
fn the_last_entry_of_the_log_counts_even_if_an_earlier_one_has_a_later_time() {
    let mut document = a_view();
    document["version-log"][0]["timestamp-ms"] = json!(SECOND + 5);
    assert_eq!(view(&document).last_updated_ms(), SECOND);
}

#[test]
fn every_member_but_the_properties_must_be_there() {
    for (name, _) in a_view().as_object().expect("an object") {
        for absent in [with(a_view(), &[(name, Value::Null)]), {
            let mut document = a_view();
            document[name] = Value::Null;
            document
        }] {
            if name == "properties" {
                assert_eq!(view(&absent).property("owner"), None);
            } else {
                assert_eq!(why(absent), format!("Invalid view metadata: {name} is missing"));
            }
        }
    }
}

#[test]
fn members_of_a_wrong_type_are_named() {
    for (place, value, reason) in [
        ("/view-uuid", json!(1), "view-uuid: expected a string, not 1"),
        (
            "/current-version-id",
            json!("2"),
            "current-version-id: expected a 32-bit integer, not \"2\"",
        ),
        ("/versions", json!({}), "versions: expected a list, not {}"),
        ("/versions/1", json!([]), "versions[1]: expected an object, not []"),
        (
            "/versions/1/version-id",
            json!(1.5),
            "versions[1].version-id: expected a 32-bit integer, not 1.5",
        ),
        ("/versions/0/timestamp-ms", Value::Null, "versions[0].timestamp-ms is missing"),
        ("/versions/0/schema-id", Value::Null, "versions[0].schema-id is missing"),
        ("/versions/0/representations", Value::Null, "versions[0].representations is missing"),
        (
            "/versions/0/representations/0",
            json!("SELECT"),
            "versions[0].representations[0]: expected an object, not \"SELECT\"",
        ),
        (
            "/versions/0/representations/0/type",
            Value::Null,
            "versions[0].representations[0].type is missing",
        ),
        (
            "/versions/0/representations/0/sql",
            Value::Null,
            "versions[0].representations[0].sql is missing",
        ),
        (
            "/versions/0/representations/0/dialect",
            json!(1),
            "versions[0].representations[0].dialect: expected a string, not 1",
        ),
        ("/version-log/0", json!([1, 2]), "version-log[0]: expected an object, not [1,2]"),
        ("/version-log/1/version-id", Value::Null, "version-log[1].version-id is missing"),
        (
            "/version-log/1/timestamp-ms",
            json!("x"),
            "version-log[1].timestamp-ms: expected a 64-bit integer, not \"x\"",
        ),
        (
            "/schemas/0/schema-id",
            json!("x"),
            "schemas[0].schema-id: expected a 32-bit integer, not \"x\"",
        ),
        ("/properties/owner", json!(1), "properties.owner: expected a string, not 1"),
    ] {
        let mut document = a_view();
        *document.pointer_mut(place).expect("it is there") = value;
        assert_eq!(why(document), format!("Invalid view metadata: {reason}"));
    }
}

#[test]
fn only_format_version_1_is_supported() {
    for version in [-1, 0, 2] {
        assert_eq!(
            why(with(a_view(), &[("format-version", json!(version))])),
            format!("Invalid view metadata: format-version: unsupported version {version}")
        );
    }
}

#[test]
fn ids_must_be_unique() {
    let versions = json!([version(2, 0, "SELECT 1"), version(2, 0, "SELECT 2")]);
    assert_eq!(
        why(with(a_view(), &[("versions", versions)])),
        "Invalid view metadata: versions: 2 is there twice"
    );
    let schemas = json!([schema(1, "a"), schema(0, "b"), schema(1, "c")]);
    assert_eq!(
        why(with(a_view(), &[("schemas", schemas)])),
        "Invalid view metadata: schemas: 1 is there twice"
    );
}

#[test]
fn what_is_no_object_is_refused() {
    for text in ["", "[]", "1", "{", "{} {}"] {
        let Err(Error::Invalid(reason)) = ViewMetadata::parse(text.as_bytes()) else {
            panic!("{text} was read");
        };
        assert!(reason.starts_with("Invalid view metadata: "), "{reason}");
    }
}

#[test]
fn a_schema_without_an_id_has_the_id_0() {
    let mut document = a_view();
    document["schemas"][0].as_object_mut().expect("an object").shift_remove("schema-id");
    assert_eq!(view(&document).validate(), Ok(()));
    assert_eq!(written(&view(&document)), document);
}

#[test]
fn a_view_that_does_not_fit_together_is_read_but_not_valid() {
    assert_eq!(
        why_not_valid(with(a_view(), &[("current-version-id", json!(3))])),
        "Cannot find current version 3 in view versions: [1, 2]"
    );
    let one = |schema| with(a_view(), &[("schemas", json!([schema]))]);
    assert_eq!(
        why_not_valid(one(schema(0, "id"))),
        "Cannot find current schema with id 1 in schemas: [0]"
    );
    assert_eq!(why_not_valid(one(schema(1, "id"))), "Cannot find schema with id 0 in schemas: [1]");
    let mut document = a_view();
    document["schemas"][1]["fields"][0]["type"] = json!("number");
    let reason = why_not_valid(document);
    assert!(reason.starts_with("Invalid schema 1: fields[0].type"), "{reason}");
}

#[test]
fn a_version_is_valid_only_with_all_that_readers_demand() {
    for (place, value, reason) in [
        ("/summary", Value::Null, "summary is missing"),
        ("/summary/engine-name", json!(1), "summary.engine-name: expected a string, not 1"),
        ("/default-namespace", Value::Null, "default-namespace is missing"),
        (
            "/default-namespace",
            json!("a"),
            "default-namespace: expected a list of strings, not \"a\"",
        ),
        ("/default-catalog", json!(1), "default-catalog: expected a string, not 1"),
        ("/representations", json!([]), "representations: must not be empty"),
    ] {
        let mut document = a_view();
        *document["versions"][0].pointer_mut(place).expect("it is there") = value;
        assert_eq!(why_not_valid(document), format!("Invalid view version 1: {reason}"));
    }
}
