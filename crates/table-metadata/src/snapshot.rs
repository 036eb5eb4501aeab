//! Snapshots, and the names (branches and tags) that point to them.

use std::fmt;

use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::Error;
use crate::json::{self, At, Object, Raw};
use crate::schema::serialize_unknown;

/// The branch that readers get when they do not ask for another.
pub(crate) const MAIN: &str = "main";

/// What released clients refuse to read as `null`, so that it is left out instead.
const NEVER_NULL: &[&str] = &[
    "parent-snapshot-id",
    "sequence-number",
    "summary",
    "manifest-list",
    "manifests",
    "schema-id",
    "first-row-id",
    "added-rows",
    "key-id",
];

/// A version of a table's data: its text, and what commits need to know of it.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) id: i64,
    pub(crate) parent_id: Option<i64>,
    pub(crate) sequence_number: Option<i64>,
    pub(crate) timestamp_ms: i64,
    pub(crate) first_row_id: Option<i64>,
    pub(crate) added_rows: Option<i64>,
    manifest_list: Option<String>,
    /// What old writers of format version 1 have instead of a manifest list.
    manifests: Vec<String>,
    pub(crate) text: Raw,
}

#[derive(Deserialize)]
struct Known<'a> {
    #[serde(borrow, rename = "snapshot-id")]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "parent-snapshot-id")]
    parent_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "sequence-number")]
    sequence_number: Option<&'a RawValue>,
    #[serde(borrow, rename = "timestamp-ms")]
    timestamp_ms: Option<&'a RawValue>,
    #[serde(borrow, rename = "first-row-id")]
    first_row_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "added-rows")]
    added_rows: Option<&'a RawValue>,
    #[serde(borrow, rename = "manifest-list")]
    manifest_list: Option<&'a RawValue>,
    #[serde(borrow)]
    manifests: Option<&'a RawValue>,
}

impl Snapshot {
    pub(crate) fn read(at: At<'_>, raw: &RawValue) -> Result<Self, Error> {
        let known: Known<'_> = json::object(at, raw)?;
        Ok(Self {
            id: json::required(at.member("snapshot-id"), known.id)?,
            parent_id: json::optional(at.member("parent-snapshot-id"), known.parent_id)?,
            sequence_number: json::optional(at.member("sequence-number"), known.sequence_number)?,
            timestamp_ms: json::required(at.member("timestamp-ms"), known.timestamp_ms)?,
            first_row_id: json::optional(at.member("first-row-id"), known.first_row_id)?,
            added_rows: json::optional(at.member("added-rows"), known.added_rows)?,
            manifest_list: json::optional(at.member("manifest-list"), known.manifest_list)?,
            manifests: json::optional(at.member("manifests"), known.manifests)?.unwrap_or_default(),
            text: json::keep(raw),
        })
    }

    /// Reads a snapshot that a client wants added, which must be complete.
    pub(crate) fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut members = Object::new(at, value)?.rest();
        members.retain(|name, value| !(value.is_null() && NEVER_NULL.contains(&name.as_str())));
        if let Some(summary) = members.get("summary") {
            json::string_map(at.member("summary"), summary.clone())?;
        }
        let snapshot = Self::read(at, &json::raw(&members))?;
        if snapshot.manifest_list.is_none() && !members.contains_key("manifests") {
            return Err(at.member("manifest-list").missing());
        }
        for (name, number) in [
            ("sequence-number", snapshot.sequence_number),
            ("first-row-id", snapshot.first_row_id),
            ("added-rows", snapshot.added_rows),
        ] {
            if number.is_some_and(i64::is_negative) {
                return Err(at.member(name).invalid("must not be negative"));
            }
        }
        Ok(snapshot)
    }

    /// The same snapshot, saying that it has the sequence number 0 instead of saying nothing.
    pub(crate) fn with_sequence_number_zero(&self) -> Result<Self, Error> {
        let at = At::root("Invalid snapshot");
        let mut members = Object::new(at, json::value(at, &self.text)?)?.rest();
        members.insert("sequence-number".to_owned(), Value::from(0));
        Self::read(at, &json::raw(&members))
    }

    /// Whether another is this snapshot, written in whatever way.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        let at = At::root("Invalid snapshot");
        let content = |snapshot: &Self| {
            let mut value = json::value(at, &snapshot.text).ok()?;
            // Java leaves 0 out, and it was written where it was not said.
            let members = value.as_object_mut()?;
            members.entry("sequence-number").or_insert(Value::from(0));
            members.retain(|name, value| !(value.is_null() && NEVER_NULL.contains(&name.as_str())));
            Some(value)
        };
        self.id == other.id && content(self).is_some_and(|mine| content(other) == Some(mine))
    }

    /// The sequence number; in format version 1, which has none, 0.
    pub(crate) fn sequence_number(&self) -> i64 {
        self.sequence_number.unwrap_or(0)
    }

    /// Where the snapshot's manifest list is, if it has one.
    pub(crate) fn manifest_list(&self) -> Option<&str> {
        self.manifest_list.as_deref()
    }

    /// Where the manifests are that it names itself.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &str> {
        self.manifests.iter().map(String::as_str)
    }

    /// Where the snapshot's manifest list is, or the manifests if it has none.
    pub(crate) fn file_locations(&self) -> impl Iterator<Item = &str> {
        self.manifest_list.iter().chain(&self.manifests).map(String::as_str)
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

/// A branch or tag.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reference {
    pub(crate) snapshot_id: i64,
    pub(crate) kind: ReferenceKind,
    min_snapshots_to_keep: Option<i32>,
    max_snapshot_age_ms: Option<i64>,
    max_ref_age_ms: Option<i64>,
    unknown: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReferenceKind {
    Branch,
    Tag,
}

impl fmt::Display for ReferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
        })
    }
}

impl Reference {
    /// A branch that keeps snapshots for as long as the table does.
    pub(crate) fn branch(snapshot_id: i64) -> Self {
        Self {
            snapshot_id,
            kind: ReferenceKind::Branch,
            min_snapshots_to_keep: None,
            max_snapshot_age_ms: None,
            max_ref_age_ms: None,
            unknown: Map::new(),
        }
    }

    /// The same branch or tag, at another snapshot.
    pub(crate) fn moved_to(&self, snapshot_id: i64) -> Self {
        Self { snapshot_id, ..self.clone() }
    }

    /// Reads what is left of a reference once whatever surrounds it is taken.
    pub(crate) fn take(mut object: Object<'_>) -> Result<Self, Error> {
        let kind: String = object.required("type")?;
        let kind = [ReferenceKind::Branch, ReferenceKind::Tag]
            .into_iter()
            .find(|known| known.to_string().eq_ignore_ascii_case(&kind))
            .ok_or_else(|| {
                let at = object.at().member("type");
                at.invalid(format_args!("expected branch or tag, not {kind}"))
            })?;
        Ok(Self {
            snapshot_id: object.required("snapshot-id")?,
            kind,
            min_snapshots_to_keep: object.optional("min-snapshots-to-keep")?,
            max_snapshot_age_ms: object.optional("max-snapshot-age-ms")?,
            max_ref_age_ms: object.optional("max-ref-age-ms")?,
            unknown: object.rest(),
        })
    }

    /// Checks a reference that a client wants set.
    pub(crate) fn check(&self, name: &str) -> Result<(), Error> {
        let refuse = |reason: &str| Err(Error::invalid(format!("Cannot set {name}: {reason}")));
        if self.kind == ReferenceKind::Tag {
            if name == MAIN {
                return refuse("main must be a branch, not a tag");
            }
            if self.min_snapshots_to_keep.is_some() {
                return refuse("Tags do not support setting minSnapshotsToKeep");
            }
            if self.max_snapshot_age_ms.is_some() {
                return refuse("Tags do not support setting maxSnapshotAgeMs");
            }
        }
        if self.min_snapshots_to_keep.is_some_and(|count| count <= 0) {
            return refuse("Min snapshots to keep must be greater than 0");
        }
        if self.max_snapshot_age_ms.is_some_and(|age| age <= 0) {
            return refuse("Max snapshot age must be greater than 0 ms");
        }
        if self.max_ref_age_ms.is_some_and(|age| age <= 0) {
            return refuse("Max reference age must be greater than 0");
        }
        Ok(())
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("snapshot-id", &self.snapshot_id)?;
        map.serialize_entry("type", &self.kind.to_string())?;
        if let Some(count) = self.min_snapshots_to_keep {
            map.serialize_entry("min-snapshots-to-keep", &count)?;
        }
        if let Some(age) = self.max_snapshot_age_ms {
            map.serialize_entry("max-snapshot-age-ms", &age)?;
        }
        if let Some(age) = self.max_ref_age_ms {
            map.serialize_entry("max-ref-age-ms", &age)?;
        }
        serialize_unknown(&mut map, &self.unknown)?;
        map.end()
    }
}
