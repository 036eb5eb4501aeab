//! Row ids, which version 3 hands out.

use merak_table_metadata::Error;
use serde_json::{Value, json};

use crate::support::{apply, changed, refusal, snapshot, v3, with};

fn add(first: Value, rows: Value) -> Value {
    let added = with(
        snapshot(13, Some(12), 3, 1_700_000_003_000),
        &[("first-row-id", first), ("added-rows", rows)],
    );
    json!([{ "action": "add-snapshot", "snapshot": added }])
}

#[test]
fn added_rows_are_counted() {
    let after = changed(&v3(), &add(json!(100), json!(7)));
    assert_eq!(after["next-row-id"], 107);
    assert_eq!(after["snapshots"][2]["first-row-id"], 100);
}

#[test]
fn ids_that_a_snapshot_skips_are_not_handed_out_later() {
    assert_eq!(changed(&v3(), &add(json!(150), json!(7)))["next-row-id"], 157);
}

#[test]
fn a_used_row_id_sends_the_client_back() {
    let stale = apply(&v3(), &add(json!(99), json!(7)));
    assert_eq!(
        stale.expect_err("the id is used"),
        Error::Stale(
            "Validation failed, please retry: Cannot add a snapshot, first-row-id is behind table \
             next-row-id: 99 < 100"
                .into()
        )
    );
}

#[test]
fn version_3_needs_both_numbers() {
    assert_eq!(
        refusal(&v3(), &add(Value::Null, json!(7))),
        "Cannot add a snapshot: first-row-id is null"
    );
    assert_eq!(
        refusal(&v3(), &add(json!(100), Value::Null)),
        "Cannot add a snapshot: added-rows is null"
    );
}

#[test]
fn row_ids_that_run_out_are_no_panic() {
    assert_eq!(
        refusal(&v3(), &add(json!(i64::MAX), json!(1))),
        "Cannot add a snapshot: there are not as many row ids"
    );
}

#[test]
fn before_version_3_rows_are_not_counted() {
    let after = changed(&crate::support::v2(), &add(json!(5), json!(7)));
    assert_eq!(after.get("next-row-id"), None);
    assert_eq!(after["snapshots"][2]["first-row-id"], 5);
}
