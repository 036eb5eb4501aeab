//! Compactions that are rolled back for a commit that they are in the way of.

use merak_table_metadata::{CommitContext, Error, TableCommit};
use serde_json::{Value, json};

use crate::support::{context, snapshot, table, v2, v3, with, written};

/// A compaction that may be rolled back.
fn compaction(id: i64, parent: i64, sequence: i64) -> Value {
    let summary = json!({
        "operation": "replace",
        "polaris.internal.conflict-resolution.by-operation-type.replace": "rollback",
    });
    with(snapshot(id, Some(parent), sequence, 1_700_000_003_000), &[("summary", summary)])
}

/// A table whose branch `main` got these snapshots after 12, the last of which it points to.
fn after(mut base: Value, added: &[Value]) -> Value {
    let last = added.last().expect("one at least");
    base["current-snapshot-id"] = last["snapshot-id"].clone();
    base["refs"]["main"]["snapshot-id"] = last["snapshot-id"].clone();
    base["last-sequence-number"] = last["sequence-number"].clone();
    for one in added {
        base["snapshots"].as_array_mut().expect("a list").push(one.clone());
        base["snapshot-log"].as_array_mut().expect("a list").push(json!({
            "snapshot-id": one["snapshot-id"], "timestamp-ms": one["timestamp-ms"],
        }));
    }
    base
}

fn expects_12() -> Value {
    json!([{ "type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 12 }])
}

/// What a writer sends that began at snapshot 12.
fn append() -> Vec<Value> {
    vec![
        json!({ "action": "add-snapshot", "snapshot": snapshot(50, Some(12), 3, 1_700_000_004_000) }),
        json!({
            "action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 50,
        }),
    ]
}

fn applied(base: &Value, requirements: &Value, updates: &[Value]) -> Result<Value, Error> {
    let context = CommitContext { rolls_back_compactions: true, ..context() };
    let commit = TableCommit::parse(requirements, &json!(updates))?;
    let changed = commit.apply(&table(base), &context)?;
    Ok(written(&changed.expect("something changed")))
}

fn conflict(base: &Value, requirements: &Value, updates: &[Value]) -> String {
    match applied(base, requirements, updates) {
        Err(Error::RequirementFailed(reason)) => reason,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

#[test]
fn compactions_since_are_rolled_back_and_the_commit_takes_their_place() {
    let base = after(v2(), &[compaction(30, 12, 3), compaction(31, 30, 4)]);

    let made = applied(&base, &expects_12(), &append()).expect("the commit is applied");

    let ids: Vec<_> =
        made["snapshots"].as_array().unwrap().iter().map(|one| &one["snapshot-id"]).collect();
    assert_eq!(ids, [&json!(11), &json!(12), &json!(50)]);
    assert_eq!(made["current-snapshot-id"], 50);
    assert_eq!(made["refs"]["main"]["snapshot-id"], 50);
    assert_eq!(made["last-sequence-number"], 3);
    let log: Vec<_> =
        made["snapshot-log"].as_array().unwrap().iter().map(|one| &one["snapshot-id"]).collect();
    assert_eq!(log, [&json!(50)], "what was current beside a removed snapshot is not told");
    assert!(table(&made).validate().is_ok());
}

#[test]
fn row_ids_that_only_a_compaction_had_are_free_again() {
    let numbered = |snapshot: Value, first: i64, rows: i64| {
        with(snapshot, &[("first-row-id", json!(first)), ("added-rows", json!(rows))])
    };
    let mut base = with(v3(), &[("next-row-id", json!(80))]);
    base["snapshots"][1] = numbered(base["snapshots"][1].clone(), 50, 30);
    let base = after(base, &[numbered(compaction(30, 12, 3), 80, 40)]);
    let base = with(base, &[("next-row-id", json!(120))]);
    let mut updates = append();
    updates[0]["snapshot"] = numbered(updates[0]["snapshot"].clone(), 80, 7);

    let made = applied(&base, &expects_12(), &updates).expect("the commit is applied");

    assert_eq!(made["next-row-id"], 87);
}

#[test]
fn nothing_is_rolled_back_unless_asked() {
    let base = after(v2(), &[compaction(30, 12, 3)]);
    let commit = TableCommit::parse(&expects_12(), &json!(append())).unwrap();

    let refused = commit.apply(&table(&base), &context());

    assert!(matches!(refused, Err(Error::RequirementFailed(_))), "{refused:?}");
}

#[test]
fn what_is_no_compaction_or_does_not_allow_it_stays() {
    let append_between = snapshot(30, Some(12), 3, 1_700_000_003_000);
    let mut silent = compaction(30, 12, 3);
    silent["summary"] = json!({ "operation": "replace" });
    let mut overwrite = compaction(30, 12, 3);
    overwrite["summary"]["operation"] = json!("overwrite");
    for in_the_way in [
        vec![append_between.clone()],
        vec![silent],
        vec![overwrite],
        vec![append_between, compaction(31, 30, 4)],
        vec![compaction(30, 12, 3), snapshot(31, Some(30), 4, 1_700_000_003_500)],
    ] {
        let base = after(v2(), &in_the_way);
        let reason = conflict(&base, &expects_12(), &append());
        assert!(reason.contains("branch main has changed: expected id 12 != 3"), "{reason}");
    }
}

#[test]
fn a_compaction_that_another_branch_or_tag_reaches_stays() {
    for kind in ["branch", "tag"] {
        let mut base = after(v2(), &[compaction(30, 12, 3), compaction(31, 30, 4)]);
        base["refs"]["kept"] = json!({ "snapshot-id": 30, "type": kind });
        conflict(&base, &expects_12(), &append());
    }
    let mut base = after(v2(), &[compaction(30, 12, 3)]);
    base["refs"]["kept"] = json!({ "snapshot-id": 40, "type": "branch" });
    let child = snapshot(40, Some(30), 3, 1_700_000_003_000);
    base["snapshots"].as_array_mut().unwrap().push(child);
    conflict(&base, &expects_12(), &append());
}

#[test]
fn the_commit_must_add_one_snapshot_to_the_one_branch_it_expects_to_be_unchanged() {
    let base = after(v2(), &[compaction(30, 12, 3)]);
    let no_snapshot = vec![json!({
        "action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 12,
    })];
    conflict(&base, &expects_12(), &no_snapshot);
    let mut of_another_parent = append();
    of_another_parent[0]["snapshot"]["parent-snapshot-id"] = json!(11);
    conflict(&base, &expects_12(), &of_another_parent);
    let mut to_another_branch = append();
    to_another_branch[1]["ref-name"] = json!("audit");
    conflict(&base, &expects_12(), &to_another_branch);
    let two_expected = json!([
        { "type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 12 },
        { "type": "assert-ref-snapshot-id", "ref": "first", "snapshot-id": 11 },
    ]);
    conflict(&base, &two_expected, &append());
}

#[test]
fn what_else_the_commit_requires_must_hold_too() {
    let base = after(v2(), &[compaction(30, 12, 3)]);
    let requirements = json!([
        { "type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 12 },
        { "type": "assert-current-schema-id", "current-schema-id": 0 },
    ]);
    let reason = conflict(&base, &requirements, &append());
    assert!(reason.contains("current schema changed"), "{reason}");
}

#[test]
fn a_number_that_another_branch_took_meanwhile_is_not_given_twice() {
    let mut base = after(v2(), &[compaction(30, 12, 4)]);
    base["refs"]["audit"] = json!({ "snapshot-id": 40, "type": "branch" });
    let beside = snapshot(40, Some(12), 3, 1_700_000_003_000);
    base["snapshots"].as_array_mut().unwrap().push(beside);

    let refused = applied(&base, &expects_12(), &append()).expect_err("the number 3 is taken");

    assert!(refused.to_string().contains("older than last sequence number 3"), "{refused}");
}

#[test]
fn a_chain_of_parents_that_runs_in_a_circle_is_not_followed_for_ever() {
    let base = after(v2(), &[compaction(30, 31, 3), compaction(31, 30, 4)]);
    conflict(&base, &expects_12(), &append());
}
