//! Statistics files and encryption keys.

use serde_json::{Value, json};

use crate::support::{changed, is_unchanged, partition_statistics, refusal, statistics, v2, v3};

#[test]
fn statistics_take_the_place_of_those_of_the_same_snapshot() {
    let mut new = statistics(11);
    new["file-size-in-bytes"] = json!(999);
    // The snapshot id beside the statistics is deprecated, and does not count.
    let set = json!([{ "action": "set-statistics", "snapshot-id": 12, "statistics": new }]);
    assert_eq!(changed(&v2(), &set)["statistics"], json!([new, statistics(12)]));

    let same = json!([{ "action": "set-statistics", "statistics": statistics(11) }]);
    assert!(is_unchanged(&v2(), &same));
}

#[test]
fn statistics_need_no_snapshot() {
    let set = json!([{ "action": "set-statistics", "statistics": statistics(77) }]);
    assert_eq!(changed(&v2(), &set)["statistics"][2], statistics(77));
}

#[test]
fn statistics_are_removed_if_they_are_there() {
    let remove = |id: i64| json!([{ "action": "remove-statistics", "snapshot-id": id }]);
    assert_eq!(changed(&v2(), &remove(11))["statistics"], json!([statistics(12)]));
    assert!(is_unchanged(&v2(), &remove(77)));
}

#[test]
fn partition_statistics_are_set_and_removed_alike() {
    let set = |file: Value| json!([{ "action": "set-partition-statistics", "partition-statistics": file }]);
    let remove = |id: i64| json!([{ "action": "remove-partition-statistics", "snapshot-id": id }]);
    let both = changed(&v2(), &set(partition_statistics(11)));
    assert_eq!(
        both["partition-statistics"],
        json!([partition_statistics(12), partition_statistics(11)])
    );
    assert!(is_unchanged(&both, &set(partition_statistics(11))));
    assert_eq!(
        changed(&both, &remove(12))["partition-statistics"],
        json!([partition_statistics(11)])
    );
    assert!(is_unchanged(&v2(), &remove(11)));
}

fn key(id: &str, text: &str) -> Value {
    json!([{ "action": "add-encryption-key", "encryption-key": {
        "key-id": id, "encrypted-key-metadata": text, "encrypted-by-id": "master",
        "properties": { "a": "b" },
    }}])
}

#[test]
fn encryption_keys_are_added_once_and_removed() {
    let remove = |id: &str| json!([{ "action": "remove-encryption-key", "key-id": id }]);
    let base = changed(&v3(), &key("k1", "YQ=="));
    assert_eq!(base["encryption-keys"][0]["encrypted-key-metadata"], "YQ==");
    assert!(is_unchanged(&base, &key("k1", "Yg==")));
    assert!(is_unchanged(&base, &remove("k2")));
    assert_eq!(changed(&base, &remove("k1"))["encryption-keys"], json!([]));
}

#[test]
fn encryption_keys_need_version_3() {
    assert_eq!(refusal(&v2(), &key("k1", "YQ==")), "Encryption keys are not supported until v3");
}
