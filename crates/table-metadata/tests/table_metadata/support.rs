//! Tables to try things on.

use merak_table_metadata::{CommitContext, Error, TableCommit, TableMetadata};
use serde_json::{Value, json};

/// When commits of the tests are made.
pub(crate) const NOW: i64 = 1_700_000_500_000;

/// Where the metadata is that they change.
pub(crate) const PREVIOUS_FILE: &str = "s3://lake/orders/metadata/00004-a.metadata.json";

pub(crate) const UUID: &str = "9c12d441-03fe-4693-9a96-a0705ddf69c1";

/// A table of version 2 with two schemas, a spec, an order, and the snapshots 11 and 12.
pub(crate) fn v2() -> Value {
    json!({
        "format-version": 2,
        "table-uuid": UUID,
        "location": "s3://lake/orders",
        "last-sequence-number": 2,
        "last-updated-ms": 1_700_000_002_000_i64,
        "last-column-id": 4,
        "current-schema-id": 1,
        "schemas": [
            { "type": "struct", "schema-id": 0, "fields": [
                { "id": 1, "name": "id", "required": true, "type": "long" },
                { "id": 2, "name": "placed", "required": false, "type": "timestamptz" },
            ]},
            { "type": "struct", "schema-id": 1, "identifier-field-ids": [1], "fields": [
                { "id": 1, "name": "id", "required": true, "type": "long" },
                { "id": 2, "name": "placed", "required": false, "type": "timestamptz" },
                { "id": 3, "name": "tags", "required": false, "type": {
                    "type": "list", "element-id": 4, "element": "string", "element-required": true,
                }},
            ]},
        ],
        "default-spec-id": 0,
        "partition-specs": [
            { "spec-id": 0, "fields": [
                { "source-id": 2, "field-id": 1000, "name": "placed_day", "transform": "day" },
            ]},
        ],
        "last-partition-id": 1000,
        "default-sort-order-id": 1,
        "sort-orders": [
            { "order-id": 1, "fields": [{
                "transform": "identity", "source-id": 1,
                "direction": "asc", "null-order": "nulls-first",
            }]},
        ],
        "properties": { "owner": "sales", "commit.retry.num-retries": "4" },
        "current-snapshot-id": 12,
        "refs": {
            "main": { "snapshot-id": 12, "type": "branch" },
            "first": { "snapshot-id": 11, "type": "tag", "max-ref-age-ms": 5000 },
        },
        "snapshots": [
            snapshot(11, None, 1, 1_700_000_001_000),
            snapshot(12, Some(11), 2, 1_700_000_002_000),
        ],
        "statistics": [statistics(11), statistics(12)],
        "partition-statistics": [partition_statistics(12)],
        "snapshot-log": [
            { "snapshot-id": 11, "timestamp-ms": 1_700_000_001_000_i64 },
            { "snapshot-id": 12, "timestamp-ms": 1_700_000_002_000_i64 },
        ],
        "metadata-log": [
            {
                "metadata-file": "s3://lake/orders/metadata/00003-a.metadata.json",
                "timestamp-ms": 1_700_000_001_000_i64,
            },
        ],
    })
}

/// The same table in version 3, where its next row has the id 100.
pub(crate) fn v3() -> Value {
    with(v2(), &[("format-version", json!(3)), ("next-row-id", json!(100))])
}

/// The same table in version 1, as writers of today write it.
pub(crate) fn v1() -> Value {
    let mut table =
        with(v2(), &[("format-version", json!(1)), ("last-sequence-number", Value::Null)]);
    for snapshot in table["snapshots"].as_array_mut().expect("a list") {
        snapshot.as_object_mut().expect("an object").remove("sequence-number");
    }
    let schema = table["schemas"][1].clone();
    let spec = table["partition-specs"][0]["fields"].clone();
    with(table, &[("schema", schema), ("partition-spec", spec)])
}

/// The document with members set, or removed where they are null.
pub(crate) fn with(mut document: Value, members: &[(&str, Value)]) -> Value {
    let object = document.as_object_mut().expect("an object");
    for (name, value) in members {
        if value.is_null() {
            object.shift_remove(*name);
        } else {
            object.insert((*name).to_owned(), value.clone());
        }
    }
    document
}

pub(crate) fn snapshot(id: i64, parent: Option<i64>, sequence: i64, time: i64) -> Value {
    let snapshot = json!({
        "snapshot-id": id,
        "sequence-number": sequence,
        "timestamp-ms": time,
        "manifest-list": format!("s3://lake/orders/metadata/snap-{id}.avro"),
        "summary": { "operation": "append", "added-records": "10" },
        "schema-id": 1,
    });
    with(snapshot, &[("parent-snapshot-id", parent.map_or(Value::Null, Value::from))])
}

pub(crate) fn statistics(snapshot: i64) -> Value {
    json!({
        "snapshot-id": snapshot,
        "statistics-path": format!("s3://lake/orders/metadata/{snapshot}.puffin"),
        "file-size-in-bytes": 400,
        "file-footer-size-in-bytes": 40,
        "blob-metadata": [
            { "type": "theta", "snapshot-id": snapshot, "sequence-number": 1, "fields": [1] },
        ],
    })
}

pub(crate) fn partition_statistics(snapshot: i64) -> Value {
    json!({
        "snapshot-id": snapshot,
        "statistics-path": format!("s3://lake/orders/metadata/{snapshot}.parquet"),
        "file-size-in-bytes": 300,
    })
}

pub(crate) fn table(document: &Value) -> TableMetadata {
    parse(document).expect("the document is valid")
}

pub(crate) fn parse(document: &Value) -> Result<TableMetadata, Error> {
    TableMetadata::parse(document.to_string().as_bytes())
}

pub(crate) fn written(metadata: &TableMetadata) -> Value {
    serde_json::from_slice(&metadata.to_json()).expect("what is written is JSON")
}

pub(crate) fn context() -> CommitContext<'static> {
    CommitContext {
        now_ms: NOW,
        previous_metadata_file: Some(PREVIOUS_FILE),
        rolls_back_compactions: false,
    }
}

/// Applies updates to a table.
pub(crate) fn apply(base: &Value, updates: &Value) -> Result<Option<TableMetadata>, Error> {
    TableCommit::parse(&json!([]), updates)?.apply(&table(base), &context())
}

/// What updates make of a table, which they must change.
pub(crate) fn changed(base: &Value, updates: &Value) -> Value {
    let result = apply(base, updates).expect("the updates can be applied");
    written(&result.expect("something changed"))
}

/// Whether updates leave a table as it is.
pub(crate) fn is_unchanged(base: &Value, updates: &Value) -> bool {
    apply(base, updates).expect("the updates can be applied").is_none()
}

/// Why updates cannot be applied whatever the table looks like.
pub(crate) fn refusal(base: &Value, updates: &Value) -> String {
    match apply(base, updates) {
        Err(Error::Invalid(reason)) => reason,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Creates a table by a commit.
pub(crate) fn create(updates: &Value) -> Result<TableMetadata, Error> {
    let requirements = json!([{ "type": "assert-create" }]);
    let context =
        CommitContext { now_ms: NOW, previous_metadata_file: None, rolls_back_compactions: false };
    TableCommit::parse(&requirements, updates)?.create(&context)
}
