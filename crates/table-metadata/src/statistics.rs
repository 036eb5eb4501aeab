//! Statistics files, of tables and of partitions, and encryption keys: members kept by their text.

use serde::Deserialize;
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Error;
use crate::json::{self, At, Object, Raw};

/// A statistics file of a snapshot. There is at most one of each kind.
#[derive(Debug, Clone)]
pub(crate) struct StatisticsFile {
    pub(crate) snapshot_id: i64,
    pub(crate) path: String,
    text: Raw,
}

#[derive(Deserialize)]
struct KnownOfStatistics<'a> {
    #[serde(borrow, rename = "snapshot-id")]
    snapshot_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "statistics-path")]
    path: Option<&'a RawValue>,
}

impl StatisticsFile {
    pub(crate) fn read(at: At<'_>, raw: &RawValue) -> Result<Self, Error> {
        let known: KnownOfStatistics<'_> = json::object(at, raw)?;
        Ok(Self {
            snapshot_id: json::required(at.member("snapshot-id"), known.snapshot_id)?,
            path: json::required(at.member("statistics-path"), known.path)?,
            text: json::keep(raw),
        })
    }

    /// Reads the table statistics that a client wants set.
    pub(crate) fn parse_of_table(at: At<'_>, value: &Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value.clone())?;
        object.required::<i64>("file-footer-size-in-bytes")?;
        object.list("blob-metadata", |at, blob| {
            let mut blob = Object::new(at, blob)?;
            blob.required::<String>("type")?;
            blob.required::<i64>("snapshot-id")?;
            blob.required::<i64>("sequence-number")?;
            blob.required::<Vec<i32>>("fields").map(drop)
        })?;
        Self::parse_of_partitions(at, value)
    }

    /// Reads the partition statistics that a client wants set.
    pub(crate) fn parse_of_partitions(at: At<'_>, value: &Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value.clone())?;
        object.required::<i64>("file-size-in-bytes")?;
        Self::read(at, &json::raw(value))
    }

    /// Whether both say the same, which the texts show if one was made from the other.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        is_same_text(&self.text, &other.text)
    }
}

impl Serialize for StatisticsFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

/// A key that files of the table are encrypted with, itself encrypted.
#[derive(Debug, Clone)]
pub(crate) struct EncryptionKey {
    pub(crate) id: String,
    text: Raw,
}

#[derive(Deserialize)]
struct KnownOfKey<'a> {
    #[serde(borrow, rename = "key-id")]
    id: Option<&'a RawValue>,
}

impl EncryptionKey {
    pub(crate) fn read(at: At<'_>, raw: &RawValue) -> Result<Self, Error> {
        let known: KnownOfKey<'_> = json::object(at, raw)?;
        Ok(Self { id: json::required(at.member("key-id"), known.id)?, text: json::keep(raw) })
    }

    /// Reads a key that a client wants added.
    pub(crate) fn parse(at: At<'_>, value: &Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value.clone())?;
        object.required::<String>("encrypted-key-metadata")?;
        object.optional::<String>("encrypted-by-id")?;
        if let Some(properties) = object.take("properties") {
            json::string_map(at.member("properties"), properties)?;
        }
        Self::read(at, &json::raw(value))
    }
}

impl Serialize for EncryptionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

fn is_same_text(one: &RawValue, other: &RawValue) -> bool {
    let parse = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
    one.get() == other.get() || parse(one).is_some_and(|one| Some(one) == parse(other))
}
