//! Adding and choosing sort orders.

use serde_json::{Value, json};

use crate::support::{changed, is_unchanged, refusal, v2};

fn field(source: i32, transform: &str) -> Value {
    json!({
        "source-id": source, "transform": transform, "direction": "desc", "null-order": "nulls-last",
    })
}

fn add(fields: Value) -> Value {
    json!({ "action": "add-sort-order", "sort-order": { "order-id": 33, "fields": fields } })
}

fn choose(id: i32) -> Value {
    json!({ "action": "set-default-sort-order", "sort-order-id": id })
}

#[test]
fn a_new_order_gets_the_next_id_whatever_it_wishes() {
    let after = changed(&v2(), &json!([add(json!([field(2, "HOUR")])), choose(-1)]));
    assert_eq!(after["sort-orders"][1], json!({ "order-id": 2, "fields": [field(2, "hour")] }));
    assert_eq!(after["default-sort-order-id"], 2);
}

#[test]
fn the_unsorted_order_has_the_id_0() {
    let after = changed(&v2(), &json!([add(json!([])), choose(-1)]));
    assert_eq!(after["sort-orders"][1], json!({ "order-id": 0, "fields": [] }));
    assert_eq!(after["default-sort-order-id"], 0);
    assert!(is_unchanged(&after, &json!([add(json!([])), choose(0)])));
}

#[test]
fn an_equal_order_is_not_added_again() {
    let mut same = v2()["sort-orders"][0]["fields"].clone();
    same[0]["direction"] = json!("ASC");
    assert!(is_unchanged(&v2(), &json!([add(same), choose(-1)])));
}

#[test]
fn the_default_order_must_be_there() {
    assert_eq!(
        refusal(&v2(), &json!([choose(-1)])),
        "Cannot set last added sort order: no sort order has been added"
    );
    assert_eq!(
        refusal(&v2(), &json!([choose(7)])),
        "Cannot set default sort order to unknown sort order: 7"
    );
}

#[test]
fn fields_must_be_complete_and_fit() {
    for (name, value, reason) in [
        (
            "direction",
            json!("up"),
            "Invalid updates[0].sort-order.fields[0].direction: expected asc or desc, not up",
        ),
        ("direction", Value::Null, "Invalid updates[0].sort-order.fields[0].direction is missing"),
        (
            "null-order",
            json!("x"),
            "Invalid updates[0].sort-order.fields[0].null-order: expected nulls-first or nulls-last, not x",
        ),
        (
            "source-id",
            json!(99),
            "Cannot find source column for sort field: day(99) desc nulls-last",
        ),
        ("source-id", json!(1), "Invalid source type long for transform: day"),
        (
            "source-id",
            json!(3),
            "Cannot use non-primitive source column for sort field: day(3) desc nulls-last: list",
        ),
    ] {
        let mut field = field(2, "day");
        field[name] = value;
        assert_eq!(refusal(&v2(), &json!([add(json!([field]))])), reason);
    }
}
