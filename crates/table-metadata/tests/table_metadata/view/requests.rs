//! Which requests to change a view can be read, and what the client assumes of it.

use merak_table_metadata::{Error, ViewCommit};
use serde_json::{Value, json};

use super::support::{VIEW_UUID, a_view, refusal, set_current, version, view};
use crate::support::NOW;

fn parse(requirements: Value, updates: Value) -> Result<ViewCommit, Error> {
    ViewCommit::parse(&requirements, &updates)
}

fn why_not_update(update: Value) -> String {
    refusal(parse(json!([]), json!([update])))
}

#[test]
fn the_uuid_must_be_equal_in_any_case() {
    let assert = |uuid: &str| {
        parse(json!([{ "type": "assert-view-uuid", "uuid": uuid }]), Value::Null)
            .expect("it can be read")
    };
    assert_eq!(assert(&VIEW_UUID.to_uppercase()).check(&view(&a_view())), Ok(()));
    let failed = Error::RequirementFailed(format!(
        "Requirement failed: view UUID does not match: expected {VIEW_UUID} != other"
    ));
    assert_eq!(assert("other").check(&view(&a_view())), Err(failed.clone()));
    assert_eq!(assert("other").apply(&view(&a_view()), NOW).expect_err("another view"), failed);
}

#[test]
fn all_requirements_are_checked() {
    let commit = parse(
        json!([
            { "type": "assert-view-uuid", "uuid": VIEW_UUID },
            { "type": "assert-view-uuid", "uuid": "other" },
        ]),
        json!([]),
    )
    .expect("it can be read");
    assert!(commit.check(&view(&a_view())).is_err());
}

#[test]
fn requirements_of_tables_are_refused() {
    for kind in [
        "assert-create",
        "assert-table-uuid",
        "assert-ref-snapshot-id",
        "assert-last-assigned-field-id",
        "assert-current-schema-id",
        "assert-last-assigned-partition-id",
        "assert-default-spec-id",
        "assert-default-sort-order-id",
    ] {
        assert_eq!(
            refusal(parse(json!([{ "type": kind, "uuid": VIEW_UUID }]), json!([]))),
            format!("Invalid requirements[0]: {kind} is no requirement of a view")
        );
    }
}

#[test]
fn unknown_and_malformed_requirements_are_refused() {
    for (requirements, reason) in [
        (json!([{ "type": "assert-x" }]), "[0]: unknown requirement type: assert-x"),
        (json!([{ "uuid": "x" }]), "[0].type is missing"),
        (json!([{ "type": "assert-view-uuid" }]), "[0].uuid is missing"),
        (json!([1]), "[0]: expected an object, not 1"),
    ] {
        assert_eq!(
            refusal(parse(requirements, json!([]))),
            format!("Invalid requirements{reason}")
        );
    }
    assert_eq!(refusal(parse(json!({}), json!([]))), "Invalid requirements: expected a list");
}

#[test]
fn updates_of_tables_are_refused() {
    for action in [
        "set-current-schema",
        "add-spec",
        "set-default-spec",
        "add-sort-order",
        "set-default-sort-order",
        "add-snapshot",
        "set-snapshot-ref",
        "remove-snapshot-ref",
        "remove-snapshots",
        "set-statistics",
        "remove-statistics",
        "set-partition-statistics",
        "remove-partition-statistics",
        "remove-partition-specs",
        "remove-schemas",
        "add-encryption-key",
        "remove-encryption-key",
    ] {
        let reason = why_not_update(json!({ "action": action }));
        assert!(reason.ends_with(&format!(": {action} is no update of a view")), "{reason}");
    }
}

#[test]
fn unknown_and_malformed_updates_are_refused() {
    for (update, reason) in [
        (json!({ "action": "set-x" }), "unknown update action: set-x"),
        (json!({}), ".action is missing"),
        (json!({ "action": "assign-uuid", "uuid": "x" }), ".uuid: not a uuid: x"),
        (json!({ "action": "upgrade-format-version" }), ".format-version is missing"),
        (json!({ "action": "add-schema" }), ".schema is missing"),
        (json!({ "action": "set-location" }), ".location is missing"),
        (json!({ "action": "set-location", "location": "" }), ".location: must not be empty"),
        (json!({ "action": "set-properties" }), ".updates is missing"),
        (
            json!({ "action": "set-properties", "updates": { "a": 1 } }),
            ".updates.a: expected a string, not 1",
        ),
        (json!({ "action": "remove-properties" }), ".removals is missing"),
        (json!({ "action": "add-view-version" }), ".view-version is missing"),
        (json!({ "action": "set-current-view-version" }), ".view-version-id is missing"),
        (
            json!({ "action": "add-view-version", "view-version": 1 }),
            ".view-version: expected an object, not 1",
        ),
    ] {
        let found = why_not_update(update);
        assert!(found.starts_with("Invalid updates[0]"), "{found}");
        assert!(found.ends_with(reason), "{found}");
    }
}

#[test]
fn an_added_version_needs_all_that_readers_demand() {
    for name in [
        "version-id",
        "timestamp-ms",
        "schema-id",
        "summary",
        "default-namespace",
        "representations",
    ] {
        let mut wanted = version(1, 0, "SELECT id");
        wanted.as_object_mut().expect("an object").shift_remove(name);
        let reason =
            why_not_update(json!({ "action": "add-view-version", "view-version": wanted }));
        assert!(reason.ends_with(&format!(".view-version.{name} is missing")), "{reason}");
    }
}

#[test]
fn a_commit_tells_what_it_is_about() {
    let commit = parse(
        Value::Null,
        json!([
            { "action": "assign-uuid", "uuid": VIEW_UUID },
            { "action": "upgrade-format-version", "format-version": 1 },
            { "action": "add-schema", "schema": super::support::schema(0, "a") },
            { "action": "set-location", "location": "s3://lake/a" },
            { "action": "set-location", "location": "s3://lake/b/" },
            { "action": "set-properties", "updates": { "a": "1", "b": "2" } },
            { "action": "set-properties", "updated": { "a": "3" } },
            { "action": "remove-properties", "removals": ["c"] },
            { "action": "add-view-version", "view-version": version(3, 0, "SELECT 1") },
            set_current(-1),
        ]),
    )
    .expect("it can be read");
    assert_eq!(
        commit.update_kinds().collect::<Vec<_>>(),
        [
            "assign-uuid",
            "upgrade-format-version",
            "add-schema",
            "set-location",
            "set-location",
            "set-properties",
            "set-properties",
            "remove-properties",
            "add-view-version",
            "set-current-view-version",
        ]
    );
    assert_eq!(commit.requested_location(), Some("s3://lake/b"));
    assert_eq!(commit.set_properties().collect::<Vec<_>>(), [("a", "1"), ("b", "2"), ("a", "3")]);
}

#[test]
fn an_empty_commit_asks_for_nothing() {
    let commit = ViewCommit::default();
    assert_eq!(commit.requested_location(), None);
    assert_eq!(commit.set_properties().count(), 0);
    assert!(commit.apply(&view(&a_view()), NOW).expect("it can be applied").is_none());
}
