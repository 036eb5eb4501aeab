//! The snapshot log, the metadata log, and the time of an update.

use merak_table_metadata::{CommitContext, TableCommit};
use serde_json::{Value, json};

use crate::support::{NOW, PREVIOUS_FILE, changed, refusal, snapshot, table, v2, with, written};

fn append(id: i64, parent: i64, sequence: i64, time: i64) -> [Value; 2] {
    [
        json!({ "action": "add-snapshot", "snapshot": snapshot(id, Some(parent), sequence, time) }),
        set_main(id),
    ]
}

fn set_main(id: i64) -> Value {
    json!({ "action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": id })
}

fn logged(table: &Value) -> Vec<i64> {
    let log = table["snapshot-log"].as_array().expect("a list");
    log.iter().map(|entry| entry["snapshot-id"].as_i64().expect("a number")).collect()
}

fn a_change() -> Value {
    json!([{ "action": "set-properties", "updates": { "a": "b" } }])
}

#[test]
fn a_new_snapshot_is_logged_with_its_own_time() {
    let after = changed(&v2(), &json!(append(13, 12, 3, 1_700_000_003_000)));
    assert_eq!(
        after["snapshot-log"][2],
        json!({ "snapshot-id": 13, "timestamp-ms": 1_700_000_003_000_i64 })
    );
    assert_eq!(after["last-updated-ms"], NOW);
}

#[test]
fn snapshots_that_main_went_past_are_not_logged() {
    let time = 1_700_000_003_000;
    let updates = [append(13, 12, 3, time), append(14, 13, 4, time + 1)].concat();
    assert_eq!(logged(&changed(&v2(), &json!(updates))), [11, 12, 14]);
    let there_and_back = [append(13, 12, 3, time).to_vec(), vec![set_main(12)]].concat();
    assert_eq!(logged(&changed(&v2(), &json!(there_and_back))), [11, 12]);
}

#[test]
fn a_rollback_is_logged_again() {
    let after = changed(&v2(), &json!([set_main(11)]));
    assert_eq!(logged(&after), [11, 12, 11]);
}

#[test]
fn the_log_is_cut_before_a_gap() {
    let time = 1_700_000_003_000;
    let base = changed(&v2(), &json!(append(13, 12, 3, time)));
    let base = changed(&base, &json!(append(14, 13, 4, time + 1)));
    let remove = |ids: Value| json!([{ "action": "remove-snapshots", "snapshot-ids": ids }]);
    assert_eq!(logged(&changed(&base, &remove(json!([11])))), [12, 13, 14]);
    assert_eq!(logged(&changed(&base, &remove(json!([12])))), [13, 14]);
    assert_eq!(logged(&changed(&base, &remove(json!([11, 13])))), [14]);
}

#[test]
fn a_gap_that_was_there_before_stays_until_snapshots_are_removed() {
    let base = with(
        v2(),
        &[(
            "snapshot-log",
            json!([
                { "snapshot-id": 7, "timestamp-ms": 1 },
                { "snapshot-id": 12, "timestamp-ms": 1_700_000_002_000_i64 },
            ]),
        )],
    );
    assert_eq!(logged(&changed(&base, &a_change())), [7, 12]);
    let after = changed(&base, &json!([{ "action": "remove-snapshots", "snapshot-ids": [11] }]));
    assert_eq!(logged(&after), [12]);
}

#[test]
fn after_a_cut_the_log_still_ends_with_the_current_snapshot() {
    let base = with(v2(), &[("snapshot-log", json!([{ "snapshot-id": 11, "timestamp-ms": 1 }]))]);
    let after = changed(&base, &json!([{ "action": "remove-snapshots", "snapshot-ids": [11] }]));
    assert_eq!(after["snapshot-log"], json!([{ "snapshot-id": 12, "timestamp-ms": NOW }]));
}

#[test]
fn times_in_logs_do_not_run_backwards_further_than_readers_tolerate() {
    let after = changed(&v2(), &json!(append(13, 12, 3, 1_700_000_002_000 - 60_000)));
    assert_eq!(after["snapshot-log"][2]["timestamp-ms"], 1_700_000_002_000_i64 - 60_000);
    let after = changed(&v2(), &json!(append(13, 12, 3, 5)));
    assert_eq!(after["snapshot-log"][2]["timestamp-ms"], 1_700_000_002_000_i64);
    assert_eq!(after["snapshots"][2]["timestamp-ms"], 5);
}

#[test]
fn a_client_whose_clock_is_far_ahead_is_not_believed() {
    let time_of = |time: i64| {
        let after = changed(&v2(), &json!(append(13, 12, 3, time)));
        assert_eq!(after["snapshots"][2]["timestamp-ms"], time);
        assert_eq!(after["last-updated-ms"], NOW);
        after["snapshot-log"][2]["timestamp-ms"].clone()
    };
    assert_eq!(time_of(NOW + 60_000), NOW + 60_000);
    assert_eq!(time_of(NOW + 60_001), NOW);
    assert_eq!(time_of(i64::MAX), NOW);
}

#[test]
fn a_table_of_the_future_stays_there() {
    let ahead = NOW + 3_600_000;
    let base = with(v2(), &[("last-updated-ms", json!(ahead))]);
    let after = changed(&base, &a_change());
    assert_eq!(after["metadata-log"][1]["timestamp-ms"], ahead);
    assert_eq!(after["last-updated-ms"], ahead);
}

#[test]
fn the_previous_metadata_file_is_logged_with_the_time_of_its_metadata() {
    let after = changed(&v2(), &a_change());
    assert_eq!(
        after["metadata-log"],
        json!([
            v2()["metadata-log"][0],
            { "metadata-file": PREVIOUS_FILE, "timestamp-ms": v2()["last-updated-ms"] },
        ])
    );
}

#[test]
fn without_a_previous_file_nothing_is_logged() {
    let commit = TableCommit::parse(&json!([]), &a_change()).unwrap();
    let context =
        CommitContext { now_ms: NOW, previous_metadata_file: None, rolls_back_compactions: false };
    let after = commit.apply(&table(&v2()), &context).unwrap().unwrap();
    assert_eq!(written(&after)["metadata-log"], v2()["metadata-log"]);
}

#[test]
fn the_metadata_log_is_trimmed_from_its_old_end() {
    let entry = |n: i64| json!({ "metadata-file": format!("f{n}"), "timestamp-ms": n });
    let log: Vec<Value> = (0..150).map(entry).collect();
    let base = with(v2(), &[("metadata-log", json!(log))]);
    let after = changed(&base, &a_change());
    let kept = after["metadata-log"].as_array().unwrap();
    assert_eq!(kept.len(), 100);
    assert_eq!(kept[0], entry(51));

    let most = |most: &str| {
        json!([{ "action": "set-properties",
                 "updates": { "write.metadata.previous-versions-max": most } }])
    };
    for (text, length) in [("3", 3), ("0", 1), ("-5", 1), ("1000", 151)] {
        let after = changed(&base, &most(text));
        assert_eq!(after["metadata-log"].as_array().unwrap().len(), length, "{text}");
    }
    assert_eq!(
        refusal(&base, &most("many")),
        "Table property write.metadata.previous-versions-max must have integer value, not many"
    );
}
