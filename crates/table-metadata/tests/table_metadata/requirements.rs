//! What clients assume, and the words in which they are told that it is not so.

use merak_table_metadata::{Error, TableCommit};
use serde_json::{Value, json};

use crate::support::{UUID, context, table, v2};

fn check(requirement: Value) -> Result<(), Error> {
    let commit = TableCommit::parse(&json!([requirement]), &json!([])).expect("it can be read");
    commit.check(&table(&v2()))
}

fn failure(requirement: Value) -> String {
    match check(requirement) {
        Err(Error::RequirementFailed(reason)) => reason,
        other => panic!("expected a failed requirement, got {other:?}"),
    }
}

#[test]
fn a_table_that_is_created_must_not_exist() {
    assert_eq!(
        failure(json!({ "type": "assert-create" })),
        "Requirement failed: table already exists"
    );
}

#[test]
fn the_uuid_must_be_equal_in_any_case() {
    let upper = UUID.to_uppercase();
    assert!(check(json!({ "type": "assert-table-uuid", "uuid": upper })).is_ok());
    assert_eq!(
        failure(json!({ "type": "assert-table-uuid", "uuid": "other" })),
        format!("Requirement failed: UUID does not match: expected {UUID} != other")
    );
}

#[test]
fn a_branch_or_tag_must_point_to_its_snapshot() {
    let on = |name: &str, id: Value| json!({ "type": "assert-ref-snapshot-id", "ref": name, "snapshot-id": id });
    assert!(check(on("main", json!(12))).is_ok());
    assert!(check(on("first", json!(11))).is_ok());
    assert_eq!(
        failure(on("main", json!(11))),
        "Requirement failed: branch main has changed: expected id 11 != 12"
    );
    assert_eq!(
        failure(on("first", json!(12))),
        "Requirement failed: tag first has changed: expected id 12 != 11"
    );
    assert_eq!(
        failure(on("none", json!(12))),
        "Requirement failed: branch or tag none is missing, expected 12"
    );
}

#[test]
fn a_branch_or_tag_must_be_absent_where_the_snapshot_is_null_or_missing() {
    let without = |name: &str| json!({ "type": "assert-ref-snapshot-id", "ref": name });
    let with_null =
        |name: &str| json!({ "type": "assert-ref-snapshot-id", "ref": name, "snapshot-id": null });
    assert!(check(without("none")).is_ok());
    assert!(check(with_null("none")).is_ok());
    for requirement in [without("main"), with_null("main")] {
        assert_eq!(
            failure(requirement),
            "Requirement failed: branch main was created concurrently"
        );
    }
    assert_eq!(
        failure(with_null("first")),
        "Requirement failed: tag first was created concurrently"
    );
}

#[test]
fn the_ids_in_use_must_be_equal() {
    for (kind, member, actual, what) in [
        ("assert-last-assigned-field-id", "last-assigned-field-id", 4, "last assigned field id"),
        ("assert-current-schema-id", "current-schema-id", 1, "current schema"),
        (
            "assert-last-assigned-partition-id",
            "last-assigned-partition-id",
            1000,
            "last assigned partition id",
        ),
        ("assert-default-spec-id", "default-spec-id", 0, "default partition spec"),
        ("assert-default-sort-order-id", "default-sort-order-id", 1, "default sort order"),
    ] {
        assert!(check(json!({ "type": kind, member: actual })).is_ok(), "{kind}");
        assert_eq!(
            failure(json!({ "type": kind, member: 77 })),
            format!("Requirement failed: {what} changed: expected id 77 != {actual}")
        );
    }
}

#[test]
fn one_failed_requirement_refuses_the_whole_commit() {
    let commit = TableCommit::parse(
        &json!([
            { "type": "assert-table-uuid", "uuid": UUID },
            { "type": "assert-current-schema-id", "current-schema-id": 0 },
        ]),
        &json!([{ "action": "set-properties", "updates": { "a": "b" } }]),
    )
    .expect("it can be read");
    assert_eq!(
        commit.apply(&table(&v2()), &context()).expect_err("the schema is another"),
        Error::RequirementFailed(
            "Requirement failed: current schema changed: expected id 0 != 1".into()
        )
    );
}
