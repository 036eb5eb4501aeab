//! How many versions a view keeps, and what its log says of them.

use serde_json::{Value, json};

use super::support::{
    a_view, add_version, apply, changed, logged_ids, refusal, replace, set_current, set_property,
    version, version_ids,
};
use crate::support::with;

const SIZE: &str = "version.history.num-entries";

/// A view with so many versions, each of which was the current one after the other.
fn view_of(versions: i32) -> Value {
    let all: Vec<Value> =
        (1..=versions).map(|id| version(id, 0, &format!("SELECT {id}"))).collect();
    let log: Vec<Value> =
        (1..=versions).map(|id| json!({ "timestamp-ms": id, "version-id": id })).collect();
    with(
        a_view(),
        &[
            ("versions", json!(all)),
            ("version-log", json!(log)),
            ("current-version-id", json!(versions)),
        ],
    )
}

fn keeping(size: &str, view: Value) -> Value {
    with(view, &[("properties", json!({ SIZE: size }))])
}

fn replaced(base: &Value) -> Value {
    changed(base, &replace(&version(1, 0, "SELECT new")))
}

fn range(first: i64, last: i64) -> Vec<i64> {
    (first..=last).collect()
}

#[test]
fn ten_versions_are_kept() {
    for (before, kept) in
        [(8, range(1, 9)), (9, range(1, 10)), (10, range(2, 11)), (11, range(3, 12))]
    {
        let after = replaced(&view_of(before));
        assert_eq!(version_ids(&after), kept, "{before}");
        assert_eq!(logged_ids(&after), kept, "{before}");
    }
}

#[test]
fn a_view_can_keep_another_number_of_versions() {
    for (size, kept) in [
        ("1", range(4, 4)),
        ("2", range(3, 4)),
        ("3", range(2, 4)),
        ("4", range(1, 4)),
        ("+5", range(1, 4)),
        ("2147483647", range(1, 4)),
    ] {
        let after = replaced(&keeping(size, view_of(3)));
        assert_eq!(version_ids(&after), kept, "{size}");
        assert_eq!(logged_ids(&after), kept, "{size}");
    }
}

#[test]
fn any_change_of_a_view_makes_it_forget() {
    let after = changed(&keeping("10", view_of(5)), &json!([set_property(SIZE, "2")]));
    assert_eq!(version_ids(&after), [4, 5]);
    assert_eq!(logged_ids(&after), [4, 5]);
}

#[test]
fn a_bad_number_of_versions_is_refused() {
    for (text, reason) in [
        ("0", "version.history.num-entries must be positive but was 0"),
        ("-3", "version.history.num-entries must be positive but was -3"),
        (
            "2147483648",
            "View property version.history.num-entries must have integer value, not 2147483648",
        ),
        ("x", "View property version.history.num-entries must have integer value, not x"),
    ] {
        assert_eq!(refusal(apply(&a_view(), &json!([set_property(SIZE, text)]))), reason);
        let base = keeping(text, a_view());
        assert_eq!(refusal(apply(&base, &json!([set_property("a", "b")]))), reason);
        // The way out.
        changed(&base, &json!([{ "action": "remove-properties", "removals": [SIZE] }]));
    }
}

#[test]
fn the_current_version_is_kept_however_old() {
    let after = changed(&keeping("3", view_of(5)), &json!([set_current(1)]));
    assert_eq!(version_ids(&after), [1, 4, 5]);
    // 2 and 3 are gone, and all before them.
    assert_eq!(logged_ids(&after), [4, 5, 1]);
    let after = changed(&keeping("1", view_of(5)), &json!([set_current(2)]));
    assert_eq!(version_ids(&after), [2]);
    assert_eq!(logged_ids(&after), [2]);
}

#[test]
fn versions_of_the_commit_are_kept_even_if_they_are_more_than_the_view_wants() {
    let add = |n: i32| add_version(&version(1, 0, &format!("SELECT new {n}")));
    let base = keeping("2", view_of(2));
    let after = changed(&base, &json!([add(1), add(2), add(3), set_current(-1)]));
    assert_eq!(version_ids(&after), [3, 4, 5]);
    assert_eq!(logged_ids(&after), [5]);
    // The current one is kept beside them.
    let after = changed(&base, &json!([add(1), add(2), add(3)]));
    assert_eq!(version_ids(&after), [2, 3, 4, 5]);
    assert_eq!(logged_ids(&after), [2]);
    // One that was there before is none of them.
    let old = add_version(&version(1, 0, "SELECT 1"));
    let after = changed(&base, &json!([old, add(1), set_current(-1)]));
    assert_eq!(version_ids(&after), [2, 3]);
}

#[test]
fn the_log_is_dropped_up_to_the_newest_entry_whose_version_is_gone() {
    let log = |ids: &[i64]| -> Value {
        ids.iter().map(|id| json!({ "timestamp-ms": 1, "version-id": id })).collect()
    };
    for (before, after) in [
        (vec![1, 2, 3], vec![2, 3, 4]),
        (vec![3, 1, 2, 3], vec![2, 3, 4]),
        (vec![2, 3, 2, 3], vec![2, 3, 2, 3, 4]),
        (vec![2, 1, 3, 1], vec![4]),
        (vec![99, 3], vec![3, 4]),
        (vec![], vec![4]),
    ] {
        let base = with(keeping("3", view_of(3)), &[("version-log", log(&before))]);
        assert_eq!(logged_ids(&replaced(&base)), after, "{before:?}");
    }
}

#[test]
fn the_log_is_left_alone_where_no_version_is_forgotten() {
    let mut base = view_of(3);
    base["version-log"][0]["version-id"] = json!(99);
    assert_eq!(logged_ids(&replaced(&base)), [99, 2, 3, 4]);
}

#[test]
fn versions_are_forgotten_by_their_ids_and_keep_their_order() {
    let mut base = keeping("3", view_of(4));
    base["versions"].as_array_mut().expect("a list").reverse();
    assert_eq!(version_ids(&replaced(&base)), [4, 3, 5]);
}
