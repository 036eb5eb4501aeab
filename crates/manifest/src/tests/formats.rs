//! What is read of the files of each format version.

use apache_avro::Codec;
use serde_json::{Value as Json, json};

use super::{data, deflated, entries, entry, field, optional, record, version_2, written};
use crate::{Content, EntryStatus, Error, Limits, ManifestFile, read_manifest_list};

fn list_of(file: &[u8]) -> Result<Vec<ManifestFile>, Error> {
    read_manifest_list(file, Limits::default())
}

fn manifest(path: &str, length: i64, is_deletes: bool) -> ManifestFile {
    ManifestFile { path: path.to_owned(), length, is_deletes }
}

#[test]
fn a_list_of_version_1_has_no_deletes() {
    let summary = record(
        "r508",
        &[
            field(509, "contains_null", &json!("boolean")),
            field(510, "lower_bound", &optional(&json!("bytes"))),
        ],
    );
    let schema = record(
        "manifest_file",
        &[
            field(500, "manifest_path", &json!("string")),
            field(501, "manifest_length", &json!("long")),
            field(502, "partition_spec_id", &json!("int")),
            field(503, "added_snapshot_id", &optional(&json!("long"))),
            field(507, "partitions", &optional(&json!({"type": "array", "items": summary}))),
        ],
    );
    let row = |path: &str, length: i64, partitions: &Json| {
        json!({"manifest_path": path, "manifest_length": length, "partition_spec_id": 0,
               "added_snapshot_id": null, "partitions": partitions})
    };
    let partitions = json!([{"contains_null": true, "lower_bound": null},
                            {"contains_null": false, "lower_bound": [1, 2]}]);
    let file =
        deflated(&schema, &[row("s3://b/1", 5, &partitions), row("s3://b/ü", 0, &json!(null))]);

    let list = list_of(&file).unwrap();

    assert_eq!(list, [manifest("s3://b/1", 5, false), manifest("s3://b/ü", 0, false)]);
}

/// The fields of a list of version 2, in another order than usual, with one of the future.
fn list_schema() -> Json {
    record(
        "manifest_file",
        &[
            field(999, "of_the_future", &json!({"type": "map", "values": "double"})),
            field(517, "content", &json!("int")),
            field(501, "manifest_length", &json!("long")),
            field(500, "manifest_path", &json!("string")),
        ],
    )
}

fn list_row(path: &str, content: i64) -> Json {
    json!({"of_the_future": {"a": 1.5, "b": -2.5}, "content": content, "manifest_length": 1_i64 << 40,
           "manifest_path": path})
}

#[test]
fn a_list_of_version_2_tells_deletes_from_data_in_any_order_of_fields() {
    let file = deflated(&list_schema(), &[list_row("m0", 0), list_row("m1", 1)]);

    assert_eq!(
        list_of(&file).unwrap(),
        [manifest("m0", 1 << 40, false), manifest("m1", 1 << 40, true)]
    );
}

#[test]
fn a_list_without_manifests_is_empty() {
    assert_eq!(list_of(&deflated(&list_schema(), &[])).unwrap(), []);
}

#[test]
fn unknown_content_is_an_error_and_not_guessed() {
    let list = list_of(&deflated(&list_schema(), &[list_row("m", 2)]));
    let content = entries(&deflated(&version_2(), &[entry(1, 3, "x", None)]));
    let status = entries(&deflated(&version_2(), &[entry(3, 0, "x", None)]));

    assert_eq!(list, Err(Error::malformed("a manifest has unknown content")));
    assert_eq!(content, Err(Error::malformed("a file has unknown content")));
    assert_eq!(status, Err(Error::malformed("an entry has unknown status")));
}

#[test]
fn a_manifest_of_version_1_names_data_files() {
    let partition = record("r102", &[]);
    let file = record(
        "r2",
        &[
            field(100, "file_path", &json!("string")),
            field(102, "partition", &partition),
            field(105, "block_size_in_bytes", &json!("long")),
        ],
    );
    let schema = record(
        "manifest_entry",
        &[
            field(0, "status", &json!("int")),
            field(1, "snapshot_id", &json!("long")),
            field(2, "data_file", &file),
        ],
    );
    let row = |status: i64, path: &str| {
        json!({"status": status, "snapshot_id": 1, "data_file":
               {"file_path": path, "partition": {}, "block_size_in_bytes": 67_108_864}})
    };

    let read = entries(&deflated(&schema, &[row(1, "a"), row(0, "b"), row(2, "c")])).unwrap();

    assert_eq!(
        read,
        [
            data("a", EntryStatus::Added),
            data("b", EntryStatus::Existing),
            data("c", EntryStatus::Deleted),
        ]
    );
}

#[test]
fn a_manifest_of_version_2_or_3_names_deletes_and_what_they_are_for() {
    let rows = [
        entry(1, 0, "s3://b/data.parquet", None),
        entry(1, 1, "s3://b/deletes.puffin", Some("s3://b/data.parquet")),
        entry(2, 2, "s3://b/equality.parquet", None),
    ];
    let expected = [
        data("s3://b/data.parquet", EntryStatus::Added),
        (
            "s3://b/deletes.puffin".to_owned(),
            EntryStatus::Added,
            Content::PositionDeletes,
            Some("s3://b/data.parquet".to_owned()),
        ),
        (
            "s3://b/equality.parquet".to_owned(),
            EntryStatus::Deleted,
            Content::EqualityDeletes,
            None,
        ),
    ];

    for file in [deflated(&version_2(), &rows), written(&version_2(), Codec::Null, &rows)] {
        assert_eq!(entries(&file).unwrap(), expected);
    }
}

#[test]
fn many_entries_in_many_blocks_come_in_their_order() {
    let rows: Vec<_> = (0..3000).map(|row| entry(1, 0, &format!("s3://b/{row}"), None)).collect();
    let file = deflated(&version_2(), &rows);

    let read = entries(&file).unwrap();

    let expected: Vec<_> =
        (0..3000).map(|row| data(&format!("s3://b/{row}"), EntryStatus::Added)).collect();
    assert_eq!(read, expected);
}

#[test]
fn fields_are_known_by_id_and_by_name_only_where_there_is_no_id() {
    let schema = |fields: &[Json]| {
        record(
            "manifest_entry",
            &[
                field(0, "state", &json!("int")),
                json!({"name": "data_file", "type": record("r2", fields)}),
            ],
        )
    };
    let row = json!({"state": 1, "data_file": {"file_path": "by name", "renamed": "by id"}});
    let text = json!("string");
    let unnumbered = json!({"name": "file_path", "type": "string"});
    let renamed = field(100, "renamed", &text);
    let other = field(900, "renamed", &text);

    let by_id = deflated(&schema(&[unnumbered.clone(), renamed]), std::slice::from_ref(&row));
    let by_name = deflated(&schema(&[unnumbered, other.clone()]), std::slice::from_ref(&row));
    let neither = deflated(&schema(&[field(901, "file_path", &text), other]), &[row]);

    assert_eq!(entries(&by_id).unwrap(), [data("by id", EntryStatus::Added)]);
    assert_eq!(entries(&by_name).unwrap(), [data("by name", EntryStatus::Added)]);
    assert_eq!(entries(&neither), Err(Error::malformed("its schema has no 'file_path'")));
}

#[test]
fn a_list_is_no_manifest_and_a_manifest_is_no_list() {
    let list = deflated(&list_schema(), &[list_row("m", 0)]);
    let manifest = deflated(&version_2(), &[entry(1, 0, "x", None)]);

    assert_eq!(entries(&list), Err(Error::malformed("its schema has no 'status'")));
    assert_eq!(list_of(&manifest), Err(Error::malformed("its schema has no 'manifest_path'")));
}
