//! Commits that were applied before, and come again because their answer was lost.

use merak_table_metadata::TableCommit;
use serde_json::{Value, json};

use crate::support::{UUID, snapshot, table, v2, with};

fn was_applied(requirements: &Value, updates: &Value) -> bool {
    let commit = TableCommit::parse(requirements, updates).expect("it can be read");
    commit.was_applied_to(&table(&v2()))
}

fn append(snapshot: Value) -> Value {
    json!([
        { "action": "add-snapshot", "snapshot": snapshot },
        { "action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 12 },
    ])
}

fn known() -> Value {
    snapshot(12, Some(11), 2, 1_700_000_002_000)
}

#[test]
fn a_snapshot_that_is_there_was_added_before() {
    let stale = json!([{ "type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 11 }]);
    assert!(was_applied(&stale, &append(known())));

    let mut members: Vec<_> = known().as_object().unwrap().clone().into_iter().collect();
    members.reverse();
    let reordered = Value::Object(members.into_iter().collect());
    assert!(was_applied(&json!([]), &append(reordered)), "the order of members does not matter");
}

#[test]
fn it_is_another_if_anything_in_it_is() {
    for (member, value) in [
        ("snapshot-id", json!(13)),
        ("manifest-list", json!("s3://lake/orders/metadata/other.avro")),
        ("sequence-number", json!(3)),
        ("parent-snapshot-id", Value::Null),
        ("summary", json!({ "operation": "overwrite" })),
        ("timestamp-ms", json!(1_700_000_002_001_i64)),
        ("unknown", json!(true)),
    ] {
        let other = with(known(), &[(member, value)]);
        assert!(!was_applied(&json!([]), &append(other)), "another {member}");
    }
}

#[test]
fn all_snapshots_of_the_commit_must_be_there() {
    let mut updates = append(known());
    let new = json!({ "action": "add-snapshot", "snapshot": snapshot(13, Some(12), 3, 1_700_000_003_000) });
    updates.as_array_mut().unwrap().push(new);

    assert!(!was_applied(&json!([]), &updates));
}

#[test]
fn another_table_of_the_name_never_saw_it() {
    let other =
        json!([{ "type": "assert-table-uuid", "uuid": "9c12d441-03fe-4693-9a96-000000000000" }]);
    assert!(!was_applied(&other, &append(known())));
    let same = json!([{ "type": "assert-table-uuid", "uuid": UUID.to_uppercase() }]);
    assert!(was_applied(&same, &append(known())));
}

#[test]
fn a_commit_without_snapshots_leaves_no_trace() {
    let set = json!([{ "action": "set-properties", "updates": { "owner": "sales" } }]);
    assert!(!was_applied(&json!([]), &set));
}

#[test]
fn a_table_shows_by_its_uuid_what_created_it() {
    let create = json!([{ "type": "assert-create" }]);
    let assign = |uuid: &str| json!([{ "action": "assign-uuid", "uuid": uuid }]);

    assert!(was_applied(&create, &assign(UUID)));
    assert!(!was_applied(&create, &assign("9c12d441-03fe-4693-9a96-000000000000")));
    assert!(!was_applied(&create, &json!([])), "nobody knows whose it is");
    let mut with_data = assign(UUID);
    with_data.as_array_mut().unwrap().extend(append(known()).as_array().unwrap().clone());
    assert!(was_applied(&create, &with_data));
    with_data[1]["snapshot"]["snapshot-id"] = json!(99);
    assert!(!was_applied(&create, &with_data));
}
