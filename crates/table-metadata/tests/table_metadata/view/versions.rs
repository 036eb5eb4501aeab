//! Versions: their ids, which of them are the same, and which is the current one.

use merak_table_metadata::{NewView, ViewCommit};
use serde_json::{Value, json};

use super::support::{
    a_view, add_schema, add_version, apply, changed, in_dialects, is_unchanged, logged_ids,
    new_view, refusal, replace, schema, set_current, sql_in, version, version_ids, view, with_time,
    written,
};
use crate::support::{NOW, with};

#[test]
fn a_new_version_gets_the_wished_id_if_none_as_high_was_given_away() {
    for (wish, id) in [(1, 3), (2, 3), (3, 3), (-1, 3), (0, 3), (7, 7)] {
        let after = changed(&a_view(), &replace(&version(wish, 0, "SELECT new")));
        assert_eq!(version_ids(&after), [1, 2, id], "{wish}");
        assert_eq!(after["current-version-id"], id);
        assert_eq!(logged_ids(&after), [1, 2, id]);
    }
}

#[test]
fn a_new_version_is_written_as_it_came_with_ids_of_the_server() {
    let wanted = with_time(version(1, 0, "SELECT new"), 1_700_000_003_000);
    let after = changed(&a_view(), &replace(&wanted));
    assert_eq!(after["versions"][2], with(wanted, &[("version-id", json!(3))]));
    assert_eq!(
        after["version-log"][2],
        json!({ "timestamp-ms": 1_700_000_003_000_i64, "version-id": 3 })
    );
    assert_eq!(after["versions"][0], a_view()["versions"][0]);
    assert_eq!(after["versions"][1], a_view()["versions"][1]);
}

#[test]
fn no_id_is_left_after_the_highest() {
    let full = changed(&a_view(), &json!([add_version(&version(i32::MAX, 0, "SELECT max"))]));
    assert_eq!(version_ids(&full), [1, 2, i64::from(i32::MAX)]);
    assert_eq!(
        refusal(apply(&full, &json!([add_version(&version(4, 0, "SELECT more"))]))),
        "Cannot assign an id: none is left"
    );
}

#[test]
fn a_commit_that_lost_a_race_gets_a_new_version_id_when_it_is_applied_again() {
    let mut created = new_view();
    created.properties.insert("replace.drop-dialect.allowed".to_owned(), "true".to_owned());
    let base = created.build().expect("it can be made");
    let commit = |updates: Value| ViewCommit::parse(&json!([]), &updates).expect("it can be read");
    let one = commit(json!([
        add_schema(&schema(1, "other")),
        add_version(&in_dialects(version(2, -1, ""), &["trino"])),
        set_current(-1),
    ]));
    let other = commit(replace(&version(2, 0, "SELECT count(id)")));
    let after_one = one.apply(&base, NOW).expect("it can be applied").expect("a change");
    let after_both = other.apply(&after_one, NOW).expect("it can be applied").expect("a change");
    let after = written(&after_both);
    assert_eq!(version_ids(&after), [1, 2, 3]);
    assert_eq!(after["current-version-id"], 3);
    assert_eq!(after["versions"][1]["schema-id"], 1);
    assert_eq!(after["versions"][2]["schema-id"], 0);
    assert_eq!(
        after["versions"][2]["representations"],
        json!([sql_in("spark", "SELECT count(id)")])
    );
    assert_eq!(after_both.validate(), Ok(()));
}

#[test]
fn a_version_that_is_there_already_is_used_again() {
    let again = with_time(version(9, 1, "SELECT order_id"), NOW);
    assert!(is_unchanged(&a_view(), &replace(&again)));
    let first = with_time(version(9, 0, "SELECT id"), NOW - 7);
    let after = changed(&a_view(), &replace(&first));
    assert_eq!(version_ids(&after), [1, 2]);
    assert_eq!(after["current-version-id"], 1);
    // It was not made now, but becomes the current one now.
    assert_eq!(after["version-log"][2], json!({ "timestamp-ms": NOW, "version-id": 1 }));
    assert_eq!(after["versions"], a_view()["versions"]);
}

#[test]
fn a_version_is_another_where_anything_but_id_and_time_differs() {
    for (place, value) in [
        ("/schema-id", json!(0)),
        ("/summary/engine-version", json!("4.0")),
        ("/default-catalog", json!("other")),
        ("/default-catalog", Value::Null),
        ("/default-namespace", json!(["sales"])),
        ("/representations/0/sql", json!("select order_id")),
        ("/representations/0/dialect", json!("Spark")),
        ("/x-storage-table", json!("t")),
    ] {
        let mut wanted = version(2, 1, "SELECT order_id");
        wanted["x-storage-table"] = Value::Null;
        *wanted.pointer_mut(place).expect("it is there") = value;
        let after = changed(&a_view(), &replace(&wanted));
        assert_eq!(version_ids(&after), [1, 2, 3], "{place}");
    }
}

#[test]
fn versions_with_their_queries_in_another_order_are_different() {
    let base = with(
        a_view(),
        &[("versions", json!([in_dialects(version(2, 0, ""), &["spark", "trino"])]))],
    );
    let wanted = in_dialects(version(2, 0, ""), &["trino", "spark"]);
    assert_eq!(version_ids(&changed(&base, &replace(&wanted))), [2, 3]);
}

#[test]
fn members_that_are_null_and_the_order_of_members_make_no_difference() {
    let wanted = json!({
        "representations": [{ "dialect": "spark", "type": "sql", "sql": "SELECT order_id" }],
        "x-future": null,
        "default-namespace": ["sales", "eu"],
        "default-catalog": "lake",
        "summary": { "engine-version": "3.5", "engine-name": "Spark" },
        "schema-id": 1,
        "timestamp-ms": 5,
        "version-id": 5,
    });
    assert!(is_unchanged(&a_view(), &replace(&wanted)));
}

#[test]
fn several_versions_of_one_commit_are_told_apart() {
    let (one, two) = (version(1, 0, "SELECT 1"), version(1, 0, "SELECT 2"));
    let after = changed(
        &a_view(),
        &json!([add_version(&one), add_version(&two), add_version(&one), set_current(-1)]),
    );
    assert_eq!(version_ids(&after), [1, 2, 3, 4]);
    assert_eq!(after["current-version-id"], 3);
}

#[test]
fn a_version_can_be_added_without_being_used() {
    let after = changed(&a_view(), &json!([add_version(&version(3, 0, "SELECT new"))]));
    assert_eq!(version_ids(&after), [1, 2, 3]);
    assert_eq!(after["current-version-id"], 2);
    assert_eq!(after["version-log"], a_view()["version-log"]);
}

#[test]
fn an_older_version_becomes_the_current_one_again_now() {
    let after = changed(&a_view(), &json!([set_current(1)]));
    assert_eq!(after["current-version-id"], 1);
    assert_eq!(after["version-log"][2], json!({ "timestamp-ms": NOW, "version-id": 1 }));
}

#[test]
fn the_current_version_can_be_chosen_again_without_effect() {
    assert!(is_unchanged(&a_view(), &json!([set_current(2)])));
}

#[test]
fn only_the_last_choice_of_a_commit_is_logged() {
    let after = changed(
        &a_view(),
        &json!([set_current(1), add_version(&version(3, 0, "SELECT new")), set_current(3)]),
    );
    assert_eq!(logged_ids(&after), [1, 2, 3]);
}

#[test]
fn an_unknown_version_cannot_be_chosen() {
    for id in [0, 3, -2] {
        assert_eq!(
            refusal(apply(&a_view(), &json!([set_current(id)]))),
            format!("Cannot set current version to unknown version: {id}")
        );
    }
}

#[test]
fn the_version_added_last_cannot_be_chosen_where_none_was_added() {
    assert_eq!(
        refusal(apply(&a_view(), &json!([set_current(-1)]))),
        "Cannot set last version id: no current version id has been set"
    );
}

#[test]
fn a_version_whose_schema_is_lost_cannot_be_chosen() {
    let base = with(a_view(), &[("schemas", json!([schema(1, "order_id")]))]);
    assert_eq!(
        refusal(apply(&base, &json!([set_current(1)]))),
        "Cannot find current schema with id 0 in schemas: [1]"
    );
}

#[test]
fn a_view_without_its_current_version_cannot_be_changed() {
    let base = with(a_view(), &[("current-version-id", json!(5))]);
    assert_eq!(
        refusal(apply(&base, &replace(&version(3, 0, "SELECT new")))),
        "Cannot find current version 5 in view versions: [1, 2]"
    );
}

#[test]
fn a_version_with_a_number_that_cannot_be_compared_is_like_no_other() {
    let text =
        a_view().to_string().replacen("\"version-id\":2,", "\"version-id\":2,\"x\":1e999,", 1);
    let base = merak_table_metadata::ViewMetadata::parse(text.as_bytes()).expect("it can be read");
    let updates = replace(&version(2, 1, "SELECT order_id"));
    let commit = ViewCommit::parse(&Value::Null, &updates).expect("it can be read");
    let after = commit.apply(&base, NOW).expect("it can be applied").expect("a change");
    let text = String::from_utf8(after.to_json()).expect("text");
    assert!(text.contains("\"x\":1e999"), "{text}");
    assert_eq!(after.current_version_id(), 3);
}

#[test]
fn the_first_version_is_1_whatever_the_client_wishes() {
    for wish in [-1, 0, 5] {
        let new = NewView { view_version: version(wish, -1, "SELECT 1"), ..new_view() };
        assert_eq!(new.build().expect("it can be made").current_version_id(), 1);
    }
    assert_eq!(view(&a_view()).current_version_id(), 2);
}
