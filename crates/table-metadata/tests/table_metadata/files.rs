//! Metadata files: names, folders, compression, and leaving out snapshots.

use merak_table_metadata::{
    Error, metadata_file_name, metadata_folder, only_referenced_snapshots, wants_gzip,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{snapshot, table, v1, v2, with};

#[test]
fn file_names_count_up() {
    let uuid = Uuid::from_u128(7);
    for (previous, name) in [
        (None, "00000-00000000-0000-0000-0000-000000000007.metadata.json"),
        (Some("00003-x.metadata.json"), "00004-00000000-0000-0000-0000-000000000007.metadata.json"),
        (
            Some("s3://lake/2-a/t/metadata/00041-x.gz.metadata.json"),
            "00042-00000000-0000-0000-0000-000000000007.metadata.json",
        ),
        (
            Some("99999-x.metadata.json"),
            "100000-00000000-0000-0000-0000-000000000007.metadata.json",
        ),
        (Some("v3.metadata.json"), "00000-00000000-0000-0000-0000-000000000007.metadata.json"),
        (Some("-1-x.metadata.json"), "00000-00000000-0000-0000-0000-000000000007.metadata.json"),
        (Some("99999999999-x"), "00000-00000000-0000-0000-0000-000000000007.metadata.json"),
        (Some(""), "00000-00000000-0000-0000-0000-000000000007.metadata.json"),
    ] {
        assert_eq!(metadata_file_name(previous, uuid, false), name);
    }
    assert_eq!(
        metadata_file_name(None, uuid, true),
        "00000-00000000-0000-0000-0000-000000000007.gz.metadata.json"
    );
}

fn with_property(key: &str, value: &str) -> Value {
    with(v2(), &[("properties", json!({ key: value }))])
}

#[test]
fn a_table_says_whether_it_wants_gzip() {
    let wants =
        |codec: &str| wants_gzip(&table(&with_property("write.metadata.compression-codec", codec)));
    assert_eq!(wants("gzip"), Ok(true));
    assert_eq!(wants("GZIP"), Ok(true));
    assert_eq!(wants("None"), Ok(false));
    assert_eq!(wants_gzip(&table(&v2())), Ok(false));
    assert_eq!(
        wants("zstd"),
        Err(Error::Invalid(
            "Invalid table property write.metadata.compression-codec: expected none or gzip, not \
             zstd"
                .into()
        ))
    );
}

#[test]
fn metadata_files_lie_below_the_table_or_where_it_says() {
    assert_eq!(metadata_folder(&table(&v2())), "s3://lake/orders/metadata");
    let slash = with(v2(), &[("location", json!("s3://lake/orders/"))]);
    assert_eq!(metadata_folder(&table(&slash)), "s3://lake/orders/metadata");
    let elsewhere = with_property("write.metadata.path", "s3://lake/meta/");
    assert_eq!(metadata_folder(&table(&elsewhere)), "s3://lake/meta");
}

fn only_referenced(document: &Value) -> Value {
    let bytes = only_referenced_snapshots(document.to_string().as_bytes()).expect("valid");
    serde_json::from_slice(&bytes).expect("what is written is JSON")
}

#[test]
fn snapshots_that_nothing_points_to_are_left_out() {
    let mut document = v2();
    document["x \"future\""] = json!([1]);
    let referenced = document.clone();
    let snapshots = document["snapshots"].as_array_mut().expect("a list");
    snapshots.insert(1, snapshot(10, None, 1, 1));
    snapshots.push(snapshot(9, None, 1, 1));
    assert_eq!(only_referenced(&document), referenced);
}

#[test]
fn the_current_snapshot_is_main_where_there_are_no_branches() {
    let document = with(v1(), &[("refs", Value::Null)]);
    let expected = with(document.clone(), &[("snapshots", json!([v1()["snapshots"][1]]))]);
    assert_eq!(only_referenced(&document), expected);
}

#[test]
fn a_table_without_snapshots_is_left_as_it_is() {
    for snapshots in [json!([]), Value::Null] {
        let document = json!({ "snapshots": snapshots, "current-snapshot-id": -1 });
        assert_eq!(only_referenced(&document), with(document.clone(), &[]));
    }
    let mut with_null = v2();
    with_null["snapshots"] = Value::Null;
    assert_eq!(only_referenced(&with_null), with_null);
}

#[test]
fn what_cannot_be_filtered_is_refused() {
    for text in ["", "[]", "{\"snapshots\":{}}", "{\"snapshots\":[1]}", "{\"refs\":{\"a\":{}}}"] {
        let result = only_referenced_snapshots(text.as_bytes());
        assert!(matches!(result, Err(Error::Invalid(_))), "{text}: {result:?}");
    }
}
