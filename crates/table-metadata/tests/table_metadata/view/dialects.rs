//! Who can read a view, and who must still be able to when it is replaced.

use serde_json::{Value, json};

use super::support::{
    a_view, add_version, apply, changed, in_dialects, refusal, replace, set_current, set_property,
    sql_in, version,
};
use crate::support::with;

const ALLOWED: &str = "replace.drop-dialect.allowed";

/// A view whose current version is for these dialects, and an older one for Spark.
fn view_in(dialects: &[&str]) -> Value {
    let versions = json!([version(1, 0, "SELECT id"), in_dialects(version(2, 1, ""), dialects)]);
    with(a_view(), &[("versions", versions)])
}

#[test]
fn a_dialect_must_not_get_lost() {
    let base = view_in(&["spark", "Trino"]);
    assert_eq!(
        refusal(apply(&base, &replace(&in_dialects(version(3, 0, ""), &["duckdb", "Spark"])))),
        "Cannot replace view due to loss of view dialects (replace.drop-dialect.allowed=false):\n\
         Previous dialects: [spark, trino]\n\
         New dialects: [duckdb, spark]"
    );
}

#[test]
fn an_older_version_with_fewer_dialects_cannot_be_chosen_again() {
    assert_eq!(
        refusal(apply(&view_in(&["spark", "trino"]), &json!([set_current(1)]))),
        "Cannot replace view due to loss of view dialects (replace.drop-dialect.allowed=false):\n\
         Previous dialects: [spark, trino]\n\
         New dialects: [spark]"
    );
}

#[test]
fn dialects_can_be_added_and_written_in_another_case() {
    let wanted = in_dialects(version(3, 0, ""), &["TRINO", "Spark", "duckdb"]);
    let after = changed(&view_in(&["spark", "trino"]), &replace(&wanted));
    assert_eq!(after["versions"][2]["representations"], wanted["representations"]);
}

#[test]
fn a_version_with_other_dialects_can_be_added_if_it_is_not_used() {
    let wanted = in_dialects(version(3, 0, ""), &["duckdb"]);
    changed(&view_in(&["spark"]), &json!([add_version(&wanted)]));
}

#[test]
fn only_the_current_version_after_the_whole_commit_counts() {
    let base = view_in(&["spark", "trino"]);
    let after = changed(
        &base,
        &json!([
            set_current(1),
            add_version(&in_dialects(version(3, 0, ""), &["trino", "spark"])),
            set_current(-1),
        ]),
    );
    assert_eq!(after["current-version-id"], 3);
}

#[test]
fn a_dialect_may_get_lost_where_the_view_allows_it() {
    let wanted = in_dialects(version(3, 0, ""), &["trino"]);
    for text in ["true", "TRUE", "True"] {
        let base = with(view_in(&["spark"]), &[("properties", json!({ ALLOWED: text }))]);
        changed(&base, &replace(&wanted));
    }
    for text in ["false", "yes", "1", "", " true"] {
        let base = with(view_in(&["spark"]), &[("properties", json!({ ALLOWED: text }))]);
        let reason = refusal(apply(&base, &replace(&wanted)));
        assert!(reason.starts_with("Cannot replace view due to loss"), "{reason}");
    }
}

#[test]
fn the_permission_counts_that_the_commit_leaves() {
    let wanted = in_dialects(version(3, 0, ""), &["trino"]);
    let add = add_version(&wanted);
    changed(&view_in(&["spark"]), &json!([add, set_current(-1), set_property(ALLOWED, "true")]));

    let base = with(view_in(&["spark"]), &[("properties", json!({ ALLOWED: "true" }))]);
    let remove = json!({ "action": "remove-properties", "removals": [ALLOWED] });
    refusal(apply(&base, &json!([remove, add, set_current(-1)])));
}

#[test]
fn a_dialect_can_have_one_query_only() {
    for dialects in [["trino", "trino"], ["TRINO", "trino"], ["Trino", "tRINO"]] {
        let wanted = in_dialects(version(3, 0, ""), &dialects);
        assert_eq!(
            refusal(apply(&a_view(), &replace(&wanted))),
            "Invalid view version: Cannot add multiple queries for dialect trino"
        );
    }
}

#[test]
fn a_version_needs_a_query() {
    assert_eq!(
        refusal(apply(&a_view(), &replace(&in_dialects(version(3, 0, ""), &[])))),
        "Invalid updates[0].view-version.representations: must not be empty"
    );
}

#[test]
fn only_sql_can_be_added() {
    let mut wanted = version(3, 0, "");
    wanted["representations"] = json!([{ "type": "Substrait" }, sql_in("spark", "SELECT 1")]);
    assert_eq!(
        refusal(apply(&a_view(), &replace(&wanted))),
        "Found unsupported view representations: [substrait]"
    );
}

#[test]
fn what_is_no_sql_is_no_dialect_that_could_get_lost() {
    let mut base = a_view();
    base["versions"][1]["representations"] =
        json!([{ "type": "substrait", "dialect": "x" }, sql_in("spark", "SELECT 1")]);
    changed(&base, &replace(&version(3, 0, "SELECT new")));
}
