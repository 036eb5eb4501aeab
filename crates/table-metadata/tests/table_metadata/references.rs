//! Branches and tags.

use serde_json::{Value, json};

use crate::support::{NOW, changed, is_unchanged, refusal, snapshot, v2, v3, with};

fn set(name: &str, kind: &str, id: i64) -> Value {
    json!({ "action": "set-snapshot-ref", "ref-name": name, "type": kind, "snapshot-id": id })
}

fn remove(name: &str) -> Value {
    json!({ "action": "remove-snapshot-ref", "ref-name": name })
}

#[test]
fn a_branch_or_tag_is_set_beside_the_others() {
    let mut audit = set("audit", "BRANCH", 11);
    audit["min-snapshots-to-keep"] = json!(3);
    audit["max-snapshot-age-ms"] = json!(1000);
    audit["max-ref-age-ms"] = Value::Null;
    let after = changed(&v2(), &json!([audit]));
    assert_eq!(
        after["refs"]["audit"],
        json!({
            "snapshot-id": 11, "type": "branch", "min-snapshots-to-keep": 3,
            "max-snapshot-age-ms": 1000,
        })
    );
    assert_eq!(after["current-snapshot-id"], 12);
    assert_eq!(after["snapshot-log"], v2()["snapshot-log"]);
}

#[test]
fn an_equal_branch_or_tag_is_not_set_again() {
    assert!(is_unchanged(&v2(), &json!([set("main", "branch", 12)])));
    let mut first = set("first", "tag", 11);
    assert_eq!(changed(&v2(), &json!([first]))["refs"]["first"].get("max-ref-age-ms"), None);
    first["max-ref-age-ms"] = json!(5000);
    assert!(is_unchanged(&v2(), &json!([first])));
}

#[test]
fn main_makes_its_snapshot_the_current_one() {
    let after = changed(&v2(), &json!([set("main", "branch", 11)]));
    assert_eq!(after["current-snapshot-id"], 11);
    assert_eq!(after["snapshot-log"][2], json!({ "snapshot-id": 11, "timestamp-ms": NOW }));
}

#[test]
fn main_that_only_keeps_snapshots_longer_is_not_logged() {
    let mut longer = set("main", "branch", 12);
    longer["max-snapshot-age-ms"] = json!(5);
    assert_eq!(changed(&v2(), &json!([longer]))["snapshot-log"], v2()["snapshot-log"]);
}

#[test]
fn the_snapshot_must_be_there() {
    assert_eq!(
        refusal(&v2(), &json!([set("main", "branch", 99)])),
        "Cannot set main to unknown snapshot: 99"
    );
    let added = json!({ "action": "add-snapshot", "snapshot": snapshot(13, Some(12), 3, 1) });
    assert_eq!(
        refusal(&v2(), &json!([set("x", "tag", 13), added])),
        "Cannot set x to unknown snapshot: 13"
    );
}

#[test]
fn what_no_branch_or_tag_can_be_is_refused() {
    let with_member = |mut update: Value, name: &str, value: i64| {
        update[name] = json!(value);
        update
    };
    for (update, reason) in [
        (set("main", "tag", 12), "Cannot set main: main must be a branch, not a tag"),
        (set("x", "fork", 12), "Invalid updates[0].type: expected branch or tag, not fork"),
        (
            with_member(set("x", "tag", 12), "min-snapshots-to-keep", 1),
            "Cannot set x: Tags do not support setting minSnapshotsToKeep",
        ),
        (
            with_member(set("x", "tag", 12), "max-snapshot-age-ms", 1),
            "Cannot set x: Tags do not support setting maxSnapshotAgeMs",
        ),
        (
            with_member(set("x", "branch", 12), "min-snapshots-to-keep", 0),
            "Cannot set x: Min snapshots to keep must be greater than 0",
        ),
        (
            with_member(set("x", "branch", 12), "max-snapshot-age-ms", 0),
            "Cannot set x: Max snapshot age must be greater than 0 ms",
        ),
        (
            with_member(set("x", "branch", 12), "max-ref-age-ms", -1),
            "Cannot set x: Max reference age must be greater than 0",
        ),
    ] {
        assert_eq!(refusal(&v2(), &json!([update])), reason);
    }
}

#[test]
fn removing_main_leaves_no_current_snapshot_and_keeps_the_log() {
    let after = changed(&v2(), &json!([remove("main")]));
    assert_eq!(after["current-snapshot-id"], -1);
    assert_eq!(after["refs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["first"]);
    assert_eq!(after["snapshot-log"], v2()["snapshot-log"]);
    assert_eq!(changed(&v3(), &json!([remove("main")])).get("current-snapshot-id"), None);
}

#[test]
fn removing_another_branch_or_tag_touches_nothing_else() {
    let after = changed(&v2(), &json!([remove("first")]));
    assert_eq!(after["refs"], json!({ "main": v2()["refs"]["main"] }));
    assert_eq!(after["current-snapshot-id"], 12);
    assert!(is_unchanged(&v2(), &json!([remove("none")])));
}

#[test]
fn a_branch_can_be_set_on_a_table_that_has_none() {
    let base = with(
        v2(),
        &[("refs", json!({})), ("current-snapshot-id", json!(-1)), ("snapshot-log", json!([]))],
    );
    let after = changed(&base, &json!([set("main", "branch", 12)]));
    assert_eq!(after["current-snapshot-id"], 12);
    assert_eq!(after["snapshot-log"], json!([{ "snapshot-id": 12, "timestamp-ms": NOW }]));
}
