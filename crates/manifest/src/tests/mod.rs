//! Files that another implementation of Avro wrote, and files that nobody should write.

mod container;
mod formats;
mod hostile;

use apache_avro::types::Value;
use apache_avro::{Codec, DeflateSettings, Schema, Writer};
use serde_json::{Value as Json, json};

use crate::{Content, EntryStatus, Error, Limits, read_manifest};

/// An entry as a test compares it: path, status, content, referenced data file.
type Entry = (String, EntryStatus, Content, Option<String>);

fn entries(file: &[u8]) -> Result<Vec<Entry>, Error> {
    entries_within(file, Limits::default())
}

fn entries_within(file: &[u8], limits: Limits) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    read_manifest(file, limits, |file| {
        let referenced = file.referenced_data_file.map(str::to_owned);
        entries.push((file.path.to_owned(), file.status, file.content, referenced));
    })?;
    Ok(entries)
}

fn data(path: &str, status: EntryStatus) -> Entry {
    (path.to_owned(), status, Content::Data, None)
}

/// A file of these values, by another implementation.
fn written(schema: &Json, codec: Codec, values: &[Json]) -> Vec<u8> {
    let schema = Schema::parse(schema).unwrap();
    let mut writer = Writer::with_codec(&schema, Vec::new(), codec).unwrap();
    for value in values {
        let value = untyped(value).resolve(&schema).unwrap();
        writer.append_value(value).unwrap();
    }
    writer.into_inner().unwrap()
}

/// A value of which only a schema says what it is.
fn untyped(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Long(whole),
            None => Value::Double(number.as_f64().unwrap()),
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(untyped).collect()),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), untyped(value)));
            Value::Map(fields.collect())
        }
    }
}

fn deflated(schema: &Json, values: &[Json]) -> Vec<u8> {
    written(schema, Codec::Deflate(DeflateSettings::default()), values)
}

fn optional(of: &Json) -> Json {
    json!(["null", of])
}

fn field(id: i64, name: &str, of: &Json) -> Json {
    json!({"name": name, "type": of, "field-id": id})
}

/// A record with Iceberg's fields.
fn record(name: &str, fields: &[Json]) -> Json {
    json!({"type": "record", "name": name, "fields": fields})
}

/// Iceberg's map with keys that are no texts: an array of pairs.
fn numbered(key: i64, value: i64, of: &str) -> Json {
    let pair = record(
        &format!("k{key}_v{value}"),
        &[field(key, "key", &json!("int")), field(value, "value", &json!(of))],
    );
    json!({"type": "array", "items": pair, "logicalType": "map"})
}

/// The schema of a manifest of format version 2 of a table with two partition fields, which share a
/// named type.
fn version_2() -> Json {
    let uuid = json!({"type": "fixed", "name": "uuid_fixed", "size": 16, "logicalType": "uuid"});
    let partition = record(
        "r102",
        &[
            field(1000, "day", &optional(&json!({"type": "int", "logicalType": "day"}))),
            field(1001, "user", &optional(&uuid)),
            field(1002, "file_path", &optional(&json!("uuid_fixed"))),
        ],
    );
    let file = record(
        "r2",
        &[
            field(134, "content", &json!("int")),
            field(100, "file_path", &json!("string")),
            field(101, "file_format", &json!("string")),
            field(102, "partition", &partition),
            field(103, "record_count", &json!("long")),
            field(104, "file_size_in_bytes", &json!("long")),
            field(108, "column_sizes", &optional(&numbered(117, 118, "long"))),
            field(125, "lower_bounds", &optional(&numbered(126, 127, "bytes"))),
            field(132, "split_offsets", &optional(&json!({"type": "array", "items": "long"}))),
            field(143, "referenced_data_file", &optional(&json!("string"))),
        ],
    );
    record(
        "manifest_entry",
        &[
            field(0, "status", &json!("int")),
            field(1, "snapshot_id", &optional(&json!("long"))),
            field(3, "sequence_number", &optional(&json!("long"))),
            field(2, "data_file", &file),
        ],
    )
}

fn entry(status: i64, content: i64, path: &str, referenced: Option<&str>) -> Json {
    json!({
        "status": status, "snapshot_id": 7, "sequence_number": null,
        "data_file": {
            "content": content, "file_path": path, "file_format": "PARQUET",
            "partition": {"day": -20_000, "user": null, "file_path": null},
            "record_count": 3, "file_size_in_bytes": 900_000_000_000_i64,
            "column_sizes": [{"key": 1, "value": 50}, {"key": 2, "value": 70}],
            "lower_bounds": [{"key": 1, "value": [1, 0, 255]}],
            "split_offsets": [4, 1000], "referenced_data_file": referenced,
        },
    })
}
