//! Schemas of views, which are never removed, and which versions name.

use serde_json::{Value, json};

use super::support::{
    a_view, add_schema, add_version, apply, changed, is_unchanged, refusal, schema, set_current,
    version,
};
use crate::support::with;

fn schema_ids(document: &Value) -> Vec<i64> {
    let schemas = document["schemas"].as_array().expect("a list").iter();
    schemas.map(|schema| schema["schema-id"].as_i64().expect("an id")).collect()
}

#[test]
fn a_new_schema_gets_the_next_id() {
    for wish in [json!(0), json!(9), json!(-1), Value::Null] {
        let mut wanted = schema(0, "new");
        wanted["schema-id"] = wish;
        let after = changed(&a_view(), &json!([add_schema(&wanted)]));
        assert_eq!(schema_ids(&after), [0, 1, 2]);
        // Ids of columns stay as they are.
        assert_eq!(after["schemas"][2], schema(2, "new"));
    }
    let none = with(a_view(), &[("schemas", json!([]))]);
    assert_eq!(schema_ids(&changed(&none, &json!([add_schema(&schema(9, "new"))]))), [0]);
}

#[test]
fn a_schema_that_is_there_already_is_used_again() {
    assert!(is_unchanged(&a_view(), &json!([add_schema(&schema(5, "id"))])));
    let (one, two) = (schema(5, "a"), schema(5, "b"));
    let after = changed(&a_view(), &json!([add_schema(&one), add_schema(&two), add_schema(&one)]));
    assert_eq!(schema_ids(&after), [0, 1, 2, 3]);
}

#[test]
fn a_version_can_name_the_schema_added_last() {
    let after = changed(
        &a_view(),
        &json!([
            add_schema(&schema(0, "new")),
            add_version(&version(3, -1, "SELECT new")),
            set_current(-1),
        ]),
    );
    assert_eq!(after["versions"][2]["schema-id"], 2);
}

#[test]
fn the_schema_added_last_may_be_one_that_somebody_else_added_before() {
    let updates = json!([
        add_schema(&schema(0, "id")),
        add_version(&version(3, -1, "SELECT new")),
        set_current(-1),
    ]);
    let after = changed(&a_view(), &updates);
    assert_eq!(after["versions"][2]["schema-id"], 0);
    // All of it is there when the same comes again.
    assert!(is_unchanged(&after, &updates));
}

#[test]
fn the_schema_added_last_cannot_be_named_where_none_was_added() {
    assert_eq!(
        refusal(apply(&a_view(), &json!([add_version(&version(3, -1, "SELECT new"))]))),
        "Cannot set last added schema: no schema has been added"
    );
}

#[test]
fn an_unknown_schema_cannot_be_named() {
    assert_eq!(
        refusal(apply(&a_view(), &json!([add_version(&version(3, 23, "SELECT new"))]))),
        "Cannot add version with unknown schema: 23"
    );
}

#[test]
fn an_impossible_schema_is_refused() {
    let mut wanted = schema(0, "new");
    wanted["identifier-field-ids"] = json!([8]);
    assert_eq!(
        refusal(apply(&a_view(), &json!([add_schema(&wanted)]))),
        "Cannot add fieldId 8 as an identifier field: field does not exist"
    );
}
