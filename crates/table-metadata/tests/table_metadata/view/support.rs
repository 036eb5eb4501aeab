//! Views to try things on.

use std::collections::BTreeMap;

use merak_table_metadata::{Error, NewView, ViewCommit, ViewMetadata};
use serde_json::{Value, json};

use crate::support::NOW;

pub(crate) const VIEW_UUID: &str = "fa6506c3-7681-40c8-86dc-e36561f83385";

/// When version 2 of [`a_view`] was made.
pub(crate) const SECOND: i64 = 1_700_000_002_000;

/// A view with two schemas and two versions, of which the second is the current one.
pub(crate) fn a_view() -> Value {
    json!({
        "view-uuid": VIEW_UUID,
        "format-version": 1,
        "location": "s3://lake/recent_orders",
        "properties": { "comment": "Orders of today", "owner": "sales" },
        "schemas": [schema(0, "id"), schema(1, "order_id")],
        "current-version-id": 2,
        "versions": [version(1, 0, "SELECT id"), with_time(version(2, 1, "SELECT order_id"), SECOND)],
        "version-log": [
            { "timestamp-ms": 1_700_000_001_000_i64, "version-id": 1 },
            { "timestamp-ms": SECOND, "version-id": 2 },
        ],
    })
}

pub(crate) fn schema(id: i32, column: &str) -> Value {
    json!({ "type": "struct", "schema-id": id, "fields": [
        { "id": 3, "name": column, "required": false, "type": "long", "doc": "A number" },
    ]})
}

/// A version with one query, for Spark.
pub(crate) fn version(id: i32, schema: i32, sql: &str) -> Value {
    json!({
        "version-id": id,
        "timestamp-ms": 1_700_000_001_000_i64,
        "schema-id": schema,
        "summary": { "engine-name": "Spark", "engine-version": "3.5" },
        "default-catalog": "lake",
        "default-namespace": ["sales", "eu"],
        "representations": [sql_in("spark", sql)],
    })
}

pub(crate) fn with_time(mut version: Value, time: i64) -> Value {
    version["timestamp-ms"] = time.into();
    version
}

pub(crate) fn sql_in(dialect: &str, sql: &str) -> Value {
    json!({ "type": "sql", "sql": sql, "dialect": dialect })
}

/// The version with a query in each of the dialects.
pub(crate) fn in_dialects(mut version: Value, dialects: &[&str]) -> Value {
    version["representations"] =
        dialects.iter().map(|dialect| sql_in(dialect, "SELECT 1")).collect();
    version
}

pub(crate) fn add_version(version: &Value) -> Value {
    json!({ "action": "add-view-version", "view-version": version })
}

pub(crate) fn add_schema(schema: &Value) -> Value {
    json!({ "action": "add-schema", "schema": schema })
}

pub(crate) fn set_current(id: i32) -> Value {
    json!({ "action": "set-current-view-version", "view-version-id": id })
}

pub(crate) fn set_property(key: &str, value: &str) -> Value {
    json!({ "action": "set-properties", "updates": { key: value } })
}

/// What a client does that replaces a view's query.
pub(crate) fn replace(version: &Value) -> Value {
    json!([add_version(version), set_current(-1)])
}

pub(crate) fn parse(document: &Value) -> Result<ViewMetadata, Error> {
    ViewMetadata::parse(document.to_string().as_bytes())
}

pub(crate) fn view(document: &Value) -> ViewMetadata {
    parse(document).expect("the document is valid")
}

pub(crate) fn written(metadata: &ViewMetadata) -> Value {
    serde_json::from_slice(&metadata.to_json()).expect("what is written is JSON")
}

pub(crate) fn apply(base: &Value, updates: &Value) -> Result<Option<ViewMetadata>, Error> {
    ViewCommit::parse(&json!([]), updates)?.apply(&view(base), NOW)
}

/// What updates make of a view, which they must change.
pub(crate) fn changed(base: &Value, updates: &Value) -> Value {
    let result = apply(base, updates).expect("the updates can be applied");
    written(&result.expect("something changed"))
}

/// Whether updates leave a view as it is.
pub(crate) fn is_unchanged(base: &Value, updates: &Value) -> bool {
    apply(base, updates).expect("the updates can be applied").is_none()
}

/// Why something is refused that is wrong whoever else changes the view.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Invalid(reason)) => reason,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// A request to make a view with one query, for Spark.
pub(crate) fn new_view() -> NewView {
    NewView {
        schema: schema(7, "id"),
        view_version: version(9, 7, "SELECT id"),
        location: "s3://lake/recent_orders".to_owned(),
        properties: BTreeMap::from([("comment".to_owned(), "Orders of today".to_owned())]),
        uuid: VIEW_UUID.parse().expect("a uuid"),
        now_ms: NOW,
    }
}

/// Ids of the versions, in their order.
pub(crate) fn version_ids(document: &Value) -> Vec<i64> {
    ids(&document["versions"])
}

/// Ids of the versions in the log, in their order.
pub(crate) fn logged_ids(document: &Value) -> Vec<i64> {
    ids(&document["version-log"])
}

fn ids(list: &Value) -> Vec<i64> {
    let elements = list.as_array().expect("a list").iter();
    elements.map(|element| element["version-id"].as_i64().expect("an id")).collect()
}
