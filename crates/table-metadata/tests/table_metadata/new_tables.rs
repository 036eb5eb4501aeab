//! Tables that the create route makes.

use std::collections::BTreeMap;

use merak_table_metadata::{Error, NewTable, RESERVED_PROPERTIES, TableMetadata};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{NOW, written};

fn new_table(schema: Value) -> NewTable {
    NewTable {
        schema,
        partition_spec: None,
        write_order: None,
        location: "s3://lake/t/".to_owned(),
        properties: BTreeMap::new(),
        uuid: Uuid::from_u128(7),
        now_ms: NOW,
    }
}

fn columns() -> Value {
    json!({ "type": "struct", "schema-id": 5, "identifier-field-ids": [30], "fields": [
        { "id": 30, "name": "id", "required": true, "type": "long" },
        { "id": 10, "name": "at", "required": false, "type": "timestamp" },
    ]})
}

fn with_properties(properties: &[(&str, &str)]) -> NewTable {
    let properties = properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    NewTable { properties: properties.collect(), ..new_table(columns()) }
}

fn refusal(table: NewTable) -> String {
    match table.build() {
        Err(Error::Invalid(reason)) => reason,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn a_table_that_asks_for_little_gets_the_rest() {
    let metadata = new_table(columns()).build().unwrap();
    assert_eq!(
        written(&metadata),
        json!({
            "format-version": 2,
            "table-uuid": "00000000-0000-0000-0000-000000000007",
            "location": "s3://lake/t",
            "last-sequence-number": 0,
            "last-updated-ms": NOW,
            "last-column-id": 2,
            "current-schema-id": 0,
            "schemas": [{ "type": "struct", "schema-id": 0, "identifier-field-ids": [1], "fields": [
                { "id": 1, "name": "id", "required": true, "type": "long" },
                { "id": 2, "name": "at", "required": false, "type": "timestamp" },
            ]}],
            "default-spec-id": 0,
            "partition-specs": [{ "spec-id": 0, "fields": [] }],
            "last-partition-id": 999,
            "default-sort-order-id": 0,
            "sort-orders": [{ "order-id": 0, "fields": [] }],
            "properties": { "write.parquet.compression-codec": "zstd" },
            "current-snapshot-id": -1,
            "refs": {},
            "snapshots": [],
            "statistics": [],
            "partition-statistics": [],
            "snapshot-log": [],
            "metadata-log": [],
        })
    );
    assert!(TableMetadata::parse(&metadata.to_json()).is_ok());
}

#[test]
fn field_ids_are_given_level_by_level() {
    let schema = json!({ "fields": [
        { "id": 100, "name": "s", "required": true, "type": { "type": "struct", "fields": [
            { "id": 101, "name": "inner", "required": true, "type": {
                "type": "list", "element-id": 102, "element": "int", "element-required": true } },
            { "id": 103, "name": "flat", "required": true, "type": "int" },
        ]}},
        { "id": 104, "name": "m", "required": true, "type": {
            "type": "map", "key-id": 105, "key": "string", "value-id": 106, "value-required": true,
            "value": { "type": "struct", "fields": [
                { "id": 107, "name": "v", "required": true, "type": "int" },
            ]}}},
        { "id": 108, "name": "last", "required": true, "type": "int" },
    ]});
    let document = written(&new_table(schema).build().unwrap());
    let at = |place: &str| document["schemas"][0].pointer(place).cloned().unwrap_or_default();
    for (place, id) in [
        ("/fields/0/id", 1),
        ("/fields/1/id", 2),
        ("/fields/2/id", 3),
        ("/fields/0/type/fields/0/id", 4),
        ("/fields/0/type/fields/1/id", 5),
        ("/fields/0/type/fields/0/type/element-id", 6),
        ("/fields/1/type/key-id", 7),
        ("/fields/1/type/value-id", 8),
        ("/fields/1/type/value/fields/0/id", 9),
    ] {
        assert_eq!(at(place), id, "{place}");
    }
    assert_eq!(document["last-column-id"], 9);
}

#[test]
fn spec_and_order_are_translated_to_the_new_ids() {
    let table = NewTable {
        partition_spec: Some(json!({ "spec-id": 4, "fields": [
            { "source-id": 10, "field-id": 7, "name": "day", "transform": "day" },
            { "source-id": 30, "name": "b", "transform": "bucket[4]" },
        ]})),
        write_order: Some(json!({ "order-id": 9, "fields": [
            { "source-id": 30, "transform": "identity", "direction": "asc", "null-order": "nulls-last" },
        ]})),
        ..new_table(columns())
    };
    let document = written(&table.build().unwrap());
    assert_eq!(
        document["partition-specs"],
        json!([{ "spec-id": 0, "fields": [
            { "source-id": 2, "field-id": 1000, "name": "day", "transform": "day" },
            { "source-id": 1, "field-id": 1001, "name": "b", "transform": "bucket[4]" },
        ]}])
    );
    assert_eq!(document["last-partition-id"], 1001);
    assert_eq!(document["sort-orders"][0]["order-id"], 1);
    assert_eq!(document["sort-orders"][0]["fields"][0]["source-id"], 1);
    assert_eq!(document["sort-orders"].as_array().unwrap().len(), 1);
    assert_eq!(document["default-sort-order-id"], 1);
}

#[test]
fn null_asks_for_no_spec_and_no_order() {
    let table = NewTable {
        partition_spec: Some(Value::Null),
        write_order: Some(Value::Null),
        ..new_table(columns())
    };
    let document = written(&table.build().unwrap());
    assert_eq!(document["partition-specs"], json!([{ "spec-id": 0, "fields": [] }]));
    assert_eq!(document["default-sort-order-id"], 0);
}

#[test]
fn a_property_chooses_the_version() {
    let document = written(&with_properties(&[("format-version", "1")]).build().unwrap());
    assert_eq!(document["format-version"], 1);
    assert_eq!(document["schema"], document["schemas"][0]);
    assert_eq!(document["partition-spec"], json!([]));
    let document = written(&with_properties(&[("format-version", "3")]).build().unwrap());
    assert_eq!(document["next-row-id"], 0);
    assert_eq!(document.get("current-snapshot-id"), None);
    for version in ["4", "0", "two", ""] {
        assert_eq!(
            refusal(with_properties(&[("format-version", version)])),
            format!("Unsupported format version: v{version}")
        );
    }
}

#[test]
fn reserved_properties_are_taken_away() {
    let mut properties: Vec<_> = RESERVED_PROPERTIES.iter().map(|key| (*key, "2")).collect();
    properties.push(("kept", "x"));
    properties.push(("write.parquet.compression-codec", "snappy"));
    let document = written(&with_properties(&properties).build().unwrap());
    assert_eq!(
        document["properties"],
        json!({ "kept": "x", "write.parquet.compression-codec": "snappy" })
    );
}

#[test]
fn properties_that_cannot_be_right_are_refused() {
    for (key, value, reason) in [
        (
            "commit.retry.num-retries",
            "-1",
            "Table property commit.retry.num-retries must have non negative integer value",
        ),
        (
            "commit.retry.min-wait-ms",
            "soon",
            "Table property commit.retry.min-wait-ms must have integer value",
        ),
        (
            "write.metadata.metrics.column.none",
            "full",
            "Invalid metrics config, could not find column none from table prop \
             write.metadata.metrics.column.none in schema",
        ),
        (
            "encryption.key-id",
            "k",
            "Invalid table property encryption.key-id: encryption is not supported until v3",
        ),
    ] {
        assert_eq!(refusal(with_properties(&[(key, value)])), reason);
    }
    let allowed = [
        ("format-version", "3"),
        ("encryption.key-id", "k"),
        ("write.metadata.metrics.column.id", "full"),
    ];
    assert!(with_properties(&allowed).build().is_ok());
}

#[test]
fn what_a_version_cannot_hold_is_refused() {
    let variant =
        || json!({ "fields": [{ "id": 1, "name": "x", "required": false, "type": "variant" }] });
    assert_eq!(
        refusal(new_table(variant())),
        "Invalid schema for v2:\n- Invalid type for x: variant is not supported until v3"
    );
    let table = NewTable {
        properties: with_properties(&[("format-version", "3")]).properties,
        ..new_table(variant())
    };
    assert!(table.build().is_ok());
}

#[test]
fn what_names_no_column_is_refused() {
    let mut schema = columns();
    schema["identifier-field-ids"] = json!([9]);
    assert_eq!(
        refusal(new_table(schema)),
        "Cannot add fieldId 9 as an identifier field: field does not exist"
    );
    let table = NewTable {
        partition_spec: Some(
            json!({ "fields": [{ "source-id": 9, "name": "x", "transform": "day" }] }),
        ),
        ..new_table(columns())
    };
    assert_eq!(refusal(table), "Cannot find source column with id 9 in the schema");
    let mut schema = columns();
    schema["fields"][1]["id"] = json!(30);
    assert_eq!(refusal(new_table(schema)), "Invalid schema: multiple fields for id 30");
}

#[test]
fn what_is_no_schema_is_refused() {
    assert_eq!(refusal(new_table(json!(1))), "Invalid schema: expected an object, not 1");
    let deep = (0..300).fold(json!("int"), |element, id| {
        json!({ "type": "list", "element-id": id, "element": element, "element-required": true })
    });
    let schema = json!({ "fields": [{ "id": 0, "name": "a", "required": true, "type": deep }] });
    assert_eq!(refusal(new_table(schema)), "Invalid schema: nests deeper than 100 levels");
    let table = NewTable { location: "/".repeat(0), ..new_table(columns()) };
    assert_eq!(refusal(table), "Invalid location: must not be empty");
}
