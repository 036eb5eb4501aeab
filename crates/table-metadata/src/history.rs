//! The two logs of a table, which snapshots were current and which files held its metadata, and
//! that of a view: which of its versions were current.

use serde::Deserialize;
use serde::ser::{Serialize, Serializer};
use serde_json::json;
use serde_json::value::RawValue;

use crate::Error;
use crate::json::{self, At, Raw};

/// When something became what readers get, with the text that says so.
#[derive(Debug, Clone)]
pub(crate) struct LogEntry<T> {
    pub(crate) timestamp_ms: i64,
    /// The id of a snapshot or a version, or a metadata file's location.
    pub(crate) subject: T,
    text: Raw,
}

/// When a snapshot became the current one.
pub(crate) type SnapshotLogEntry = LogEntry<i64>;

/// A former metadata file, and when the metadata in it was made.
pub(crate) type MetadataLogEntry = LogEntry<String>;

/// When a version of a view became the current one.
pub(crate) type VersionLogEntry = LogEntry<i32>;

#[derive(Deserialize)]
struct Known<'a> {
    #[serde(borrow, rename = "timestamp-ms")]
    timestamp_ms: Option<&'a RawValue>,
    #[serde(borrow, rename = "snapshot-id")]
    snapshot_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "metadata-file")]
    metadata_file: Option<&'a RawValue>,
    #[serde(borrow, rename = "version-id")]
    version_id: Option<&'a RawValue>,
}

impl SnapshotLogEntry {
    pub(crate) fn new(timestamp_ms: i64, snapshot_id: i64) -> Self {
        let text = json::raw(&json!({ "snapshot-id": snapshot_id, "timestamp-ms": timestamp_ms }));
        Self { timestamp_ms, subject: snapshot_id, text }
    }

    pub(crate) fn read(at: At<'_>, raw: &RawValue) -> Result<Self, Error> {
        let known: Known<'_> = json::object(at, raw)?;
        Ok(Self {
            timestamp_ms: json::required(at.member("timestamp-ms"), known.timestamp_ms)?,
            subject: json::required(at.member("snapshot-id"), known.snapshot_id)?,
            text: json::keep(raw),
        })
    }
}

impl MetadataLogEntry {
    pub(crate) fn new(timestamp_ms: i64, metadata_file: &str) -> Self {
        let text =
            json::raw(&json!({ "metadata-file": metadata_file, "timestamp-ms": timestamp_ms }));
        Self { timestamp_ms, subject: metadata_file.to_owned(), text }
    }

    pub(crate) fn read(at: At<'_>, raw: &RawValue) -> Result<Self, Error> {
        let known: Known<'_> = json::object(at, raw)?;
        Ok(Self {
            timestamp_ms: json::required(at.member("timestamp-ms"), known.timestamp_ms)?,
            subject: json::required(at.member("metadata-file"), known.metadata_file)?,
            text: json::keep(raw),
        })
    }
}

impl VersionLogEntry {
    pub(crate) fn new(timestamp_ms: i64, version_id: i32) -> Self {
        let text = json::raw(&json!({ "timestamp-ms": timestamp_ms, "version-id": version_id }));
        Self { timestamp_ms, subject: version_id, text }
    }

    pub(crate) fn read(at: At<'_>, raw: &RawValue) -> Result<Self, Error> {
        let known: Known<'_> = json::object(at, raw)?;
        Ok(Self {
            timestamp_ms: json::required(at.member("timestamp-ms"), known.timestamp_ms)?,
            subject: json::required(at.member("version-id"), known.version_id)?,
            text: json::keep(raw),
        })
    }
}

impl<T> Serialize for LogEntry<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}
