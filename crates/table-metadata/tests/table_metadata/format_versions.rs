//! What differs between versions of the format, and going from one to the next.

use serde_json::{Value, json};

use crate::support::{changed, is_unchanged, refusal, table, v1, v2, v3, with, written};

fn upgrade(version: i32) -> Value {
    json!([{ "action": "upgrade-format-version", "format-version": version }])
}

#[test]
fn version_1_writes_its_schema_and_spec_again() {
    let after = changed(&v1(), &json!([{ "action": "set-current-schema", "schema-id": 0 }]));
    assert_eq!(after["schema"], after["schemas"][0]);
    assert_eq!(after["partition-spec"], after["partition-specs"][0]["fields"]);
    assert_eq!(after.get("last-sequence-number"), None);
}

#[test]
fn no_current_snapshot_is_minus_one_until_version_2_and_absent_in_3() {
    let remove = json!([{ "action": "remove-snapshot-ref", "ref-name": "main" }]);
    assert_eq!(changed(&v1(), &remove)["current-snapshot-id"], -1);
    assert_eq!(changed(&v2(), &remove)["current-snapshot-id"], -1);
    assert_eq!(changed(&v3(), &remove).get("current-snapshot-id"), None);
}

#[test]
fn an_upgrade_to_2_starts_counting_snapshots() {
    let after = changed(&v1(), &upgrade(2));
    assert_eq!(after["format-version"], 2);
    assert_eq!(after["last-sequence-number"], 0);
    assert_eq!(after.get("schema"), None);
    assert_eq!(after.get("partition-spec"), None);
    assert_eq!(after["snapshots"], v1()["snapshots"]);
}

#[test]
fn an_upgrade_counts_on_from_numbers_that_version_1_does_not_need() {
    let mut base = v1();
    base["snapshots"][0]["sequence-number"] = json!(7);
    assert_eq!(changed(&base, &upgrade(2))["last-sequence-number"], 7);
}

#[test]
fn an_upgrade_to_3_starts_counting_rows() {
    for base in [v1(), v2()] {
        let after = changed(&base, &upgrade(3));
        assert_eq!(after["format-version"], 3);
        assert_eq!(after["next-row-id"], 0);
    }
}

#[test]
fn what_another_version_has_is_not_counted_on() {
    let strange = with(v2(), &[("next-row-id", json!(7))]);
    assert_eq!(changed(&strange, &upgrade(3))["next-row-id"], 0);
    let strange = with(v1(), &[("last-sequence-number", json!(7))]);
    assert_eq!(changed(&strange, &upgrade(2))["last-sequence-number"], 0);
}

#[test]
fn versions_go_up_to_3_and_never_down() {
    assert!(is_unchanged(&v2(), &upgrade(2)));
    assert_eq!(
        refusal(&v2(), &upgrade(4)),
        "Cannot upgrade table to unsupported format version: v4 (supported: v3)"
    );
    assert_eq!(refusal(&v3(), &upgrade(2)), "Cannot downgrade v3 table to v2");
    assert_eq!(refusal(&v1(), &upgrade(-1)), "Cannot downgrade v1 table to v-1");
}

#[test]
fn a_table_can_use_what_it_was_upgraded_for_in_the_same_commit() {
    let updates = json!([
        { "action": "upgrade-format-version", "format-version": 3 },
        { "action": "add-schema", "schema": { "fields": [
            { "id": 5, "name": "v", "required": false, "type": "variant" },
        ]}},
    ]);
    assert_eq!(changed(&v2(), &updates)["last-column-id"], 5);
}

#[test]
fn what_is_written_can_be_read_again() {
    for document in [v1(), v2(), v3()] {
        let once = written(&table(&document));
        assert_eq!(written(&table(&once)), once);
        assert_eq!(once, document);
    }
}
