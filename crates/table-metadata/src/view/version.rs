//! The versions of a view: what it selects, and for whom.

use std::collections::BTreeSet;

use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::Error;
use crate::json::{self, At, Members, Object, Raw};

const ID: &str = "version-id";
const TIMESTAMP: &str = "timestamp-ms";
const SCHEMA: &str = "schema-id";
const REPRESENTATIONS: &str = "representations";

/// A version that the view has, with the text that says so.
#[derive(Debug)]
pub(super) struct ViewVersion {
    pub(super) id: i32,
    pub(super) timestamp_ms: i64,
    pub(super) schema_id: i32,
    /// The SQL dialects it is written in, in lower case.
    pub(super) dialects: BTreeSet<String>,
    text: Raw,
}

impl ViewVersion {
    /// Reads one that is part of a view, as far as a commit must understand it.
    pub(super) fn read(at: At<'_>, raw: &RawValue) -> Result<Self, Error> {
        let known = Known::take(at, &mut Members::read(at, raw)?)?;
        let representations = known.representations.into_iter();
        Ok(Self {
            id: known.id,
            timestamp_ms: known.timestamp_ms,
            schema_id: known.schema_id,
            dialects: representations.filter_map(Representation::dialect).collect(),
            text: json::keep(raw),
        })
    }

    /// Checks what [`read`](Self::read) passes over, but readers demand.
    pub(super) fn check_complete(&self) -> Result<(), Error> {
        let name = format!("Invalid view version {}", self.id);
        let at = At::root(&name);
        let mut members = Members::read(at, &self.text)?;
        check_not_empty(at, &Known::take(at, &mut members)?.representations)?;
        check_context(at, &mut members)
    }

    /// `None` if it holds what cannot be compared, such as a number that is too large.
    fn content(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(self.text.get()).ok().map(comparable)
    }
}

impl Serialize for ViewVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

/// A version that a client asks for.
#[derive(Debug, Clone)]
pub(super) struct RequestedVersion {
    /// Only a wish.
    pub(super) id: i32,
    pub(super) timestamp_ms: i64,
    pub(super) schema_id: i32,
    dialects: BTreeSet<String>,
    members: Map<String, Value>,
}

impl RequestedVersion {
    pub(super) fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let text = json::raw(&value);
        let mut members = Members::read(at, &text)?;
        let known = Known::take(at, &mut members)?;
        check_not_empty(at, &known.representations)?;
        check_context(at, &mut members)?;
        Ok(Self {
            id: known.id,
            timestamp_ms: known.timestamp_ms,
            schema_id: known.schema_id,
            dialects: unique_dialects(known.representations)?,
            members: Object::new(at, value)?.rest(),
        })
    }

    /// Whether a view that has one needs not be given the other: the id and the time do not count.
    ///
    /// Members that are not understood do, since they may say something of the version.
    pub(super) fn is_same_as(&self, known: &ViewVersion, schema_id: i32) -> bool {
        known.schema_id == schema_id
            && known.dialects == self.dialects
            && known.content().is_some_and(|content| content == comparable(self.members.clone()))
    }

    /// What becomes of it in a view.
    pub(super) fn numbered(&self, id: i32, timestamp_ms: i64, schema_id: i32) -> ViewVersion {
        let mut members = self.members.clone();
        members.insert(ID.to_owned(), id.into());
        members.insert(TIMESTAMP.to_owned(), timestamp_ms.into());
        members.insert(SCHEMA.to_owned(), schema_id.into());
        ViewVersion {
            id,
            timestamp_ms,
            schema_id,
            dialects: self.dialects.clone(),
            text: json::raw(&members),
        }
    }
}

/// What two versions that do the same have in common.
fn comparable(mut members: Map<String, Value>) -> Map<String, Value> {
    members.retain(|name, value| {
        ![ID, TIMESTAMP, SCHEMA].contains(&name.as_str()) && !value.is_null()
    });
    members
}

/// What a commit must understand of a version.
#[derive(Debug)]
struct Known {
    id: i32,
    timestamp_ms: i64,
    schema_id: i32,
    representations: Vec<Representation>,
}

impl Known {
    fn take(at: At<'_>, members: &mut Members<'_>) -> Result<Self, Error> {
        let id = json::required(at.member(ID), members.take(ID))?;
        let timestamp_ms = json::required(at.member(TIMESTAMP), members.take(TIMESTAMP))?;
        let schema_id = json::required(at.member(SCHEMA), members.take(SCHEMA))?;
        let at = at.member(REPRESENTATIONS);
        let raw = members.take(REPRESENTATIONS).ok_or_else(|| at.missing())?;
        let representations = json::elements(at, raw)?.into_iter().enumerate();
        let representations = representations
            .map(|(index, raw)| Representation::read(at.index(index), raw))
            .collect::<Result<_, _>>()?;
        Ok(Self { id, timestamp_ms, schema_id, representations })
    }
}

/// The summary and the namespace must be there: no reader of the reference implementation gets by
/// without them.
fn check_context(at: At<'_>, members: &mut Members<'_>) -> Result<(), Error> {
    let summary = members.take("summary").ok_or_else(|| at.member("summary").missing())?;
    json::string_map(at.member("summary"), json::value(at.member("summary"), summary)?)?;
    let namespace = "default-namespace";
    json::required::<Vec<String>>(at.member(namespace), members.take(namespace))?;
    let catalog = "default-catalog";
    json::optional::<String>(at.member(catalog), members.take(catalog)).map(drop)
}

fn check_not_empty(at: At<'_>, representations: &[Representation]) -> Result<(), Error> {
    if representations.is_empty() {
        return Err(at.member(REPRESENTATIONS).invalid("must not be empty"));
    }
    Ok(())
}

/// One way to say what a version selects.
#[derive(Debug)]
enum Representation {
    Sql {
        dialect: String,
    },
    /// Of a kind that is not understood, in lower case.
    Other {
        kind: String,
    },
}

impl Representation {
    fn read(at: At<'_>, raw: &RawValue) -> Result<Self, Error> {
        let mut members = Members::read(at, raw)?;
        let mut required = |name| json::required::<String>(at.member(name), members.take(name));
        let kind = required("type")?.to_lowercase();
        if kind != "sql" {
            return Ok(Self::Other { kind });
        }
        required("sql")?;
        Ok(Self::Sql { dialect: required("dialect")?.to_lowercase() })
    }

    fn dialect(self) -> Option<String> {
        match self {
            Self::Sql { dialect } => Some(dialect),
            Self::Other { .. } => None,
        }
    }
}

/// The dialects of a new version, which must have SQL only and no dialect twice.
fn unique_dialects(representations: Vec<Representation>) -> Result<BTreeSet<String>, Error> {
    let unsupported: BTreeSet<&str> = representations
        .iter()
        .filter_map(|representation| match representation {
            Representation::Sql { .. } => None,
            Representation::Other { kind } => Some(kind.as_str()),
        })
        .collect();
    if !unsupported.is_empty() {
        return Err(Error::invalid(format!(
            "Found unsupported view representations: {}",
            super::listed(unsupported)
        )));
    }
    let mut dialects = BTreeSet::new();
    for dialect in representations.into_iter().filter_map(Representation::dialect) {
        if dialects.contains(&dialect) {
            return Err(Error::invalid(format!(
                "Invalid view version: Cannot add multiple queries for dialect {dialect}"
            )));
        }
        dialects.insert(dialect);
    }
    Ok(dialects)
}
