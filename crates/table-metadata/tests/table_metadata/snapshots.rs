//! Adding and removing snapshots.

use merak_table_metadata::Error;
use serde_json::{Value, json};

use crate::support::{apply, changed, is_unchanged, refusal, snapshot, v1, v2, with};

const LATER: i64 = 1_700_000_003_000;

fn add(snapshot: Value) -> Value {
    json!({ "action": "add-snapshot", "snapshot": snapshot })
}

fn remove(ids: Value) -> Value {
    json!([{ "action": "remove-snapshots", "snapshot-ids": ids }])
}

#[test]
fn an_added_snapshot_counts_the_sequence_number_and_moves_nothing() {
    let added = snapshot(13, Some(12), 3, LATER);
    let after = changed(&v2(), &json!([add(added.clone())]));
    assert_eq!(after["snapshots"][2], added);
    assert_eq!(after["last-sequence-number"], 3);
    assert_eq!(after["current-snapshot-id"], 12);
    assert_eq!(after["snapshot-log"], v2()["snapshot-log"]);
    assert_eq!(after["refs"], v2()["refs"]);
}

#[test]
fn a_used_sequence_number_sends_the_client_back() {
    let stale = apply(&v2(), &json!([add(snapshot(13, Some(11), 2, LATER))]));
    assert_eq!(
        stale.expect_err("the number is used"),
        Error::Stale(
            "Validation failed, please retry: Cannot add snapshot with sequence number 2 older \
             than last sequence number 2"
                .into()
        )
    );
}

#[test]
fn a_snapshot_without_a_parent_replaces_all_and_may_have_a_used_number() {
    let after = changed(&v2(), &json!([add(snapshot(13, None, 1, LATER))]));
    assert_eq!(after["last-sequence-number"], 2, "it must not fall");
    assert_eq!(after["snapshots"][2]["sequence-number"], 1);
    let after = changed(&v2(), &json!([add(snapshot(13, None, 9, LATER))]));
    assert_eq!(after["last-sequence-number"], 9);
}

#[test]
fn a_missing_sequence_number_is_0_where_nothing_is_ordered() {
    let without =
        |parent| with(snapshot(13, parent, 0, LATER), &[("sequence-number", Value::Null)]);
    let after = changed(&v2(), &json!([add(without(None))]));
    assert_eq!(after["snapshots"][2]["sequence-number"], 0);
    assert_eq!(
        refusal(&v2(), &json!([add(without(Some(12)))])),
        "Cannot add snapshot 13: sequence-number is missing"
    );
}

#[test]
fn version_1_has_no_sequence_numbers() {
    let after = changed(&v1(), &json!([add(snapshot(13, Some(12), 0, LATER))]));
    assert_eq!(after.get("last-sequence-number"), None);
    let inline =
        json!({ "snapshot-id": 14, "timestamp-ms": LATER, "manifests": ["s3://lake/m.avro"] });
    assert_eq!(changed(&v1(), &json!([add(inline.clone())]))["snapshots"][2], inline);
}

#[test]
fn an_id_cannot_be_used_twice() {
    assert_eq!(
        refusal(&v2(), &json!([add(snapshot(12, Some(11), 3, LATER))])),
        "Snapshot already exists for id: 12"
    );
    let twice = add(snapshot(13, None, 3, LATER));
    assert_eq!(refusal(&v2(), &json!([twice, twice])), "Snapshot already exists for id: 13");
}

#[test]
fn nulls_that_clients_cannot_read_are_left_out() {
    let mut added = snapshot(13, None, 3, LATER);
    added["parent-snapshot-id"] = Value::Null;
    added["first-row-id"] = Value::Null;
    added["x-future"] = Value::Null;
    let after = changed(&v2(), &json!([add(added)]));
    let kept = after["snapshots"][2].as_object().unwrap();
    assert!(!kept.contains_key("parent-snapshot-id") && !kept.contains_key("first-row-id"));
    assert_eq!(kept.get("x-future"), Some(&Value::Null));
}

#[test]
fn what_no_snapshot_can_be_is_refused() {
    for (name, value, reason) in [
        ("sequence-number", json!(-1), "sequence-number: must not be negative"),
        ("added-rows", json!(-1), "added-rows: must not be negative"),
        ("summary", json!({ "operation": 1 }), "summary.operation: expected a string, not 1"),
        ("timestamp-ms", Value::Null, "timestamp-ms is missing"),
    ] {
        let mut added = snapshot(13, None, 3, LATER);
        added[name] = value;
        let refusal = refusal(&v2(), &json!([add(added)]));
        assert!(refusal.ends_with(reason), "{refusal}");
    }
}

#[test]
fn removing_a_snapshot_removes_all_that_is_about_it() {
    let after = changed(&v2(), &remove(json!([11, 404])));
    assert_eq!(after["snapshots"], json!([v2()["snapshots"][1]]));
    assert_eq!(after["refs"], json!({ "main": { "snapshot-id": 12, "type": "branch" } }));
    assert_eq!(after["statistics"], json!([v2()["statistics"][1]]));
    assert_eq!(after["partition-statistics"], v2()["partition-statistics"]);
    assert_eq!(after["snapshot-log"], json!([v2()["snapshot-log"][1]]));
    assert_eq!(after["current-snapshot-id"], 12);
}

#[test]
fn removing_the_current_snapshot_leaves_none() {
    let after = changed(&v2(), &remove(json!([12])));
    assert_eq!(after["current-snapshot-id"], -1);
    assert_eq!(after["refs"].get("main"), None);
    assert_eq!(after["partition-statistics"], json!([]));
    assert_eq!(after["snapshot-log"], json!([]));
    assert_eq!(after["last-sequence-number"], 2);
}

#[test]
fn removing_what_is_not_there_changes_nothing() {
    assert!(is_unchanged(&v2(), &remove(json!([404]))));
    assert!(is_unchanged(&v2(), &remove(json!([]))));
}
