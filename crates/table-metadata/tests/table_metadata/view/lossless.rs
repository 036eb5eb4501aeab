//! What is not understood of a view comes through a commit as it was.

use merak_table_metadata::{ViewCommit, ViewMetadata};
use serde_json::{Map, Value, json};

use super::support::{
    a_view, changed, replace, schema, set_property, sql_in, version, view, written,
};
use crate::support::NOW;

/// A view with a member that nobody knows wherever one can be, and a query of an unknown kind.
fn with_unknown_members() -> Value {
    let unknown = json!({ "deep": [1.5, null, { "b": 1, "a": 18_446_744_073_709_551_615_u64 }] });
    let mut document = a_view();
    document["versions"][0]["representations"] =
        json!([{ "type": "substrait", "plan": { "x": 1 } }, sql_in("spark", "SELECT id")]);
    for place in [
        "",
        "/schemas/0",
        "/schemas/0/fields/0",
        "/versions/0",
        "/versions/1",
        "/versions/0/representations/0",
        "/versions/1/representations/0",
        "/version-log/0",
        "/version-log/1",
    ] {
        document.pointer_mut(place).expect("it is there")["x-future"] = unknown.clone();
    }
    document["versions"][1]["storage-table"] = json!({ "namespace": ["s"], "name": "t" });
    document
}

#[test]
fn unknown_members_survive_reading_and_writing() {
    let document = with_unknown_members();
    assert_eq!(written(&view(&document)), document);
    assert_eq!(view(&document).validate(), Ok(()));
}

#[test]
fn a_commit_changes_only_what_it_is_about() {
    let before = with_unknown_members();
    let after = changed(&before, &json!([set_property("owner", "marketing")]));
    for (name, value) in before.as_object().expect("an object") {
        if name != "properties" {
            assert_eq!(&after[name], value, "{name}");
        }
    }
    assert_eq!(after.as_object().map(Map::len), before.as_object().map(Map::len));
    let after = changed(&before, &replace(&version(3, 0, "SELECT new")));
    for place in ["/versions/0", "/versions/1", "/version-log/0", "/version-log/1", "/x-future"] {
        assert_eq!(after.pointer(place), before.pointer(place), "{place}");
    }
}

#[test]
fn unknown_members_of_what_a_commit_adds_are_kept() {
    let mut wanted = version(3, 2, "SELECT new");
    wanted["storage-table"] = json!({ "namespace": ["s"], "name": "t" });
    wanted["representations"][0]["x-sql"] = json!([1]);
    let mut columns = schema(2, "new");
    columns["x-schema"] = json!(1);
    columns["fields"][0]["x-field"] = json!(2);
    let after = changed(
        &a_view(),
        &json!([
            { "action": "add-schema", "schema": columns },
            { "action": "add-view-version", "view-version": wanted },
        ]),
    );
    assert_eq!(after["schemas"][2], columns);
    assert_eq!(after["versions"][2], wanted);
}

#[test]
fn lists_and_members_keep_their_order() {
    let mut document = a_view();
    document["schemas"].as_array_mut().expect("a list").reverse();
    document["versions"].as_array_mut().expect("a list").reverse();
    document["properties"] = json!({ "z": "1", "a": "2", "m": "3" });
    document["x-future"] = json!(1);
    let mut members: Vec<_> =
        document.as_object().expect("an object").clone().into_iter().collect();
    members.reverse();
    let document = Value::Object(members.into_iter().collect());
    // As text, since objects are equal in any order of their members.
    assert_eq!(written(&view(&document)).to_string(), document.to_string());

    let after = changed(&document, &replace(&version(3, 0, "SELECT new")));
    let names = |document: &Value| -> Vec<String> {
        document.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(names(&after), names(&document));
    assert_eq!(names(&after["versions"][2]), names(&version(3, 0, "SELECT new")));
    assert_eq!(names(&after["properties"]), ["z", "a", "m"]);
}

#[test]
fn the_text_of_untouched_parts_is_not_rewritten() {
    let parts = [
        "{ \"version-id\" : 1,\n \"timestamp-ms\": 5, \"schema-id\":0, \"x\": 1e5,\n \
         \"representations\": [ ] }",
        "{\"version-id\":1,  \"timestamp-ms\":5}",
        "{ \"schema-id\": 0, \"fields\": [  ] }",
        "123456789012345678901234567890.10",
    ];
    let mut document = a_view();
    document["versions"][0] = json!("PART-0");
    document["version-log"][0] = json!("PART-1");
    document["schemas"][0] = json!("PART-2");
    document["x-huge"] = json!("PART-3");
    let mut text = document.to_string();
    for (place, part) in parts.iter().enumerate() {
        text = text.replace(&format!("\"PART-{place}\""), part);
    }
    let metadata = ViewMetadata::parse(text.as_bytes()).expect("valid");
    let updates = json!([set_property("owner", "marketing")]);
    let commit = ViewCommit::parse(&Value::Null, &updates).expect("it can be read");
    let after = commit.apply(&metadata, NOW).expect("it can be applied").expect("a change");
    for written in [metadata.to_json(), after.to_json()] {
        let written = String::from_utf8(written).expect("text");
        for part in parts {
            assert!(written.contains(part), "{written}");
        }
    }
}

#[test]
fn the_last_of_two_members_alike_counts_and_only_one_is_written() {
    let text = a_view().to_string().replacen('{', "{\"location\":\"s3://first\",", 1);
    let metadata = ViewMetadata::parse(text.as_bytes()).expect("valid");
    assert_eq!(metadata.location(), "s3://lake/recent_orders");
    let written = String::from_utf8(metadata.to_json()).expect("text");
    assert_eq!(written.matches("\"location\"").count(), 1, "{written}");
    assert!(written.starts_with("{\"location\":\"s3://lake/recent_orders\""), "{written}");
}
