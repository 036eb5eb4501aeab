//! Reading metadata of all versions and from all writers.

use merak_table_metadata::{Error, TableMetadata};
use serde_json::{Value, json};

use crate::support::{UUID, parse, table, v1, v2, v3, with, written};

fn refusal(document: &Value) -> String {
    match parse(document) {
        Err(Error::Invalid(reason)) => reason,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn members_can_be_asked_for() {
    let metadata = table(&v3());
    assert_eq!(metadata.format_version(), 3);
    assert_eq!(metadata.uuid(), UUID);
    assert_eq!(metadata.location(), "s3://lake/orders");
    assert_eq!(metadata.property("owner"), Some("sales"));
    assert_eq!(metadata.property("none"), None);
    assert_eq!(metadata.properties().count(), 2);
    assert_eq!(metadata.last_sequence_number(), 2);
    assert_eq!(metadata.last_updated_ms(), 1_700_000_002_000);
    assert_eq!(metadata.last_column_id(), 4);
    assert_eq!(metadata.current_schema_id(), 1);
    assert_eq!(metadata.default_spec_id(), 0);
    assert_eq!(metadata.default_sort_order_id(), 1);
    assert_eq!(metadata.last_partition_id(), 1000);
    assert_eq!(metadata.current_snapshot_id(), Some(12));
    assert_eq!(metadata.next_row_id(), Some(100));
    assert_eq!(metadata.refs().collect::<Vec<_>>(), [("main", 12), ("first", 11)]);
    assert_eq!(metadata.snapshot_ids().collect::<Vec<_>>(), [11, 12]);
    assert_eq!(
        metadata.metadata_log().collect::<Vec<_>>(),
        ["s3://lake/orders/metadata/00003-a.metadata.json"]
    );
    assert!(metadata.validate().is_ok());
}

#[test]
fn every_file_that_metadata_names_is_listed() {
    assert_eq!(
        table(&v2()).file_locations(),
        [
            "s3://lake/orders/metadata/snap-11.avro",
            "s3://lake/orders/metadata/snap-12.avro",
            "s3://lake/orders/metadata/11.puffin",
            "s3://lake/orders/metadata/12.puffin",
            "s3://lake/orders/metadata/12.parquet",
        ]
    );
}

#[test]
fn manifests_of_old_snapshots_are_listed_too() {
    let mut document = v1();
    document["snapshots"][0] = json!({
        "snapshot-id": 11, "timestamp-ms": 5, "manifests": ["s3://lake/m1.avro", "s3://lake/m2.avro"],
    });
    let metadata = table(&document);
    assert_eq!(metadata.file_locations()[..2], ["s3://lake/m1.avro", "s3://lake/m2.avro"]);
}

#[test]
fn there_is_no_next_row_id_before_version_3() {
    assert_eq!(table(&v2()).next_row_id(), None);
    assert_eq!(table(&v1()).next_row_id(), None);
}

#[test]
fn no_snapshot_is_said_in_three_ways() {
    let empty =
        with(v2(), &[("refs", json!({})), ("snapshots", json!([])), ("snapshot-log", json!([]))]);
    for none in [json!(-1), Value::Null] {
        let document = with(empty.clone(), &[("current-snapshot-id", none)]);
        assert_eq!(table(&document).current_snapshot_id(), None);
    }
    let mut document = empty;
    document["current-snapshot-id"] = Value::Null;
    assert_eq!(table(&document).current_snapshot_id(), None);
}

#[test]
fn lists_and_maps_may_be_null_or_absent() {
    let mut document = with(
        v2(),
        &[
            ("properties", Value::Null),
            ("current-snapshot-id", Value::Null),
            ("statistics", Value::Null),
        ],
    );
    for name in ["refs", "snapshots", "snapshot-log", "metadata-log", "partition-statistics"] {
        document[name] = Value::Null;
    }
    let document = written(&table(&document));
    assert_eq!(document["properties"], json!({}));
    assert_eq!(document["refs"], json!({}));
    for name in ["snapshots", "snapshot-log", "metadata-log", "statistics", "partition-statistics"]
    {
        assert_eq!(document[name], json!([]), "{name}");
    }
}

#[test]
fn what_version_1_may_lack_is_derived() {
    let old = with(
        v1(),
        &[
            ("table-uuid", Value::Null),
            ("schemas", Value::Null),
            ("current-schema-id", Value::Null),
            ("partition-specs", Value::Null),
            ("default-spec-id", Value::Null),
            ("last-partition-id", Value::Null),
            ("sort-orders", Value::Null),
            ("default-sort-order-id", Value::Null),
            ("refs", Value::Null),
            (
                "partition-spec",
                json!([
                    { "source-id": 2, "name": "placed_day", "transform": "day" },
                    { "source-id": 1, "name": "id_bucket", "transform": "bucket[4]" },
                ]),
            ),
            (
                "schema",
                json!({ "type": "struct", "fields": [
                    { "id": 1, "name": "id", "required": true, "type": "long" },
                    { "id": 2, "name": "placed", "required": false, "type": "timestamptz" },
                ]}),
            ),
        ],
    );
    let metadata = table(&old);
    assert!(metadata.validate().is_ok());
    assert_eq!(metadata.current_schema_id(), 0);
    assert_eq!(metadata.last_partition_id(), 1001);
    assert_eq!(metadata.refs().collect::<Vec<_>>(), [("main", 12)]);
    assert_eq!(metadata.last_sequence_number(), 0);

    let document = written(&metadata);
    assert_eq!(document["schemas"][0]["schema-id"], 0);
    assert_eq!(document["partition-specs"][0]["fields"], old["partition-spec"]);
    assert_eq!(document["sort-orders"], json!([{ "order-id": 0, "fields": [] }]));
    assert_eq!(document["refs"], json!({ "main": { "snapshot-id": 12, "type": "branch" } }));
}

#[test]
fn the_derived_uuid_is_the_same_for_every_reader_of_a_table() {
    let old = with(v1(), &[("table-uuid", Value::Null)]);
    let elsewhere = with(old.clone(), &[("location", json!("s3://lake/other"))]);
    assert_eq!(table(&old).uuid(), table(&old).uuid());
    assert_ne!(table(&old).uuid(), table(&elsewhere).uuid());
    assert_eq!(table(&old).uuid().len(), 36);
}

#[test]
fn errors_name_the_member_that_is_wrong() {
    for (name, value, reason) in [
        ("format-version", json!(4), "format-version: unsupported version 4"),
        ("format-version", json!(0), "format-version: unsupported version 0"),
        ("format-version", json!("2"), "format-version: expected a 32-bit integer, not \"2\""),
        ("location", Value::Null, "location is missing"),
        ("table-uuid", Value::Null, "table-uuid is missing"),
        ("last-updated-ms", Value::Null, "last-updated-ms is missing"),
        ("last-column-id", json!(1.5), "last-column-id: expected a 32-bit integer, not 1.5"),
        ("last-sequence-number", Value::Null, "last-sequence-number is missing"),
        ("last-sequence-number", json!(-1), "last-sequence-number: must not be negative"),
        ("last-partition-id", Value::Null, "last-partition-id is missing"),
        ("schemas", Value::Null, "schemas is missing"),
        ("schemas", json!({}), "schemas: expected a list, not {}"),
        ("schemas", json!([{}]), "schemas[0].schema-id is missing"),
        ("schemas", json!([[0]]), "schemas[0]: expected an object, not [0]"),
        ("current-schema-id", json!(7), "current-schema-id: 7 is not in schemas"),
        ("current-schema-id", Value::Null, "current-schema-id is missing"),
        ("partition-specs", Value::Null, "partition-specs is missing"),
        ("default-spec-id", json!(7), "default-spec-id: 7 is not in partition-specs"),
        ("sort-orders", Value::Null, "sort-orders is missing"),
        ("default-sort-order-id", json!(7), "default-sort-order-id: 7 is not in sort-orders"),
        ("properties", json!({ "a": 1 }), "properties.a: expected a string, not 1"),
        ("properties", json!([]), "properties: expected an object, not []"),
        ("current-snapshot-id", json!(7), "current-snapshot-id: there is no snapshot 7"),
        ("current-snapshot-id", json!(11), "refs.main: 12 is not the current snapshot"),
        ("current-snapshot-id", Value::Null, "refs.main: 12 is not the current snapshot"),
        ("snapshots", json!([{}]), "snapshots[0].snapshot-id is missing"),
        ("snapshots", json!([[11, 5]]), "snapshots[0]: expected an object, not [11,5]"),
        ("refs", json!({ "x": {} }), "refs.x.type is missing"),
        (
            "refs",
            json!({ "x": { "type": "tag", "snapshot-id": 7 } }),
            "refs.x: there is no snapshot 7",
        ),
        ("snapshot-log", json!([{}]), "snapshot-log[0].timestamp-ms is missing"),
        (
            "metadata-log",
            json!([{ "timestamp-ms": 1 }]),
            "metadata-log[0].metadata-file is missing",
        ),
        ("statistics", json!([{ "snapshot-id": 1 }]), "statistics[0].statistics-path is missing"),
        ("encryption-keys", json!([{}]), "encryption-keys[0].key-id is missing"),
    ] {
        let expected = format!("Invalid table metadata: {reason}");
        assert_eq!(refusal(&with(v2(), &[(name, value.clone())])), expected, "{name}: {value}");
    }
}

#[test]
fn version_3_must_have_a_next_row_id() {
    let document = with(v3(), &[("next-row-id", Value::Null)]);
    assert_eq!(refusal(&document), "Invalid table metadata: next-row-id is missing");
}

#[test]
fn a_snapshot_newer_than_the_last_is_refused() {
    let document = with(v2(), &[("last-sequence-number", json!(1))]);
    assert_eq!(
        refusal(&document),
        "Invalid table metadata: snapshots: sequence number 2 of snapshot 12 is greater than last \
         sequence number 1"
    );
}

#[test]
fn what_is_there_twice_is_refused() {
    for name in ["schemas", "partition-specs", "sort-orders", "snapshots"] {
        let mut document = v2();
        let first = document[name][0].clone();
        document[name].as_array_mut().expect("a list").push(first);
        assert!(refusal(&document).ends_with("is there twice"), "{name}");
    }
}

#[test]
fn a_schema_that_is_wrong_is_found_by_validation() {
    let mut document = v2();
    document["schemas"][0]["fields"][0]["type"] = json!("varchar(3)");
    let metadata = table(&document);
    assert_eq!(
        metadata.validate(),
        Err(Error::Invalid(
            "Invalid schema 0: fields[0].type: cannot parse type: varchar(3)".into()
        ))
    );
}

#[test]
fn what_is_not_json_is_refused() {
    for text in ["", "{", "[]", "null", "{\"a\":}", "\u{feff}{}"] {
        let result = TableMetadata::parse(text.as_bytes());
        let Err(Error::Invalid(reason)) = result else { panic!("{text} was read") };
        assert!(reason.starts_with("Invalid table metadata: "), "{reason}");
    }
    assert!(TableMetadata::parse(b"{\"location\":\"\xff\"}").is_err());
}
