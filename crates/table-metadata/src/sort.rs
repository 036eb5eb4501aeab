//! Sort orders.

use std::collections::HashMap;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::Error;
use crate::json::{At, Object};
use crate::schema::{Schema, serialize_unknown};
use crate::sources::Sources;
use crate::transform::Transform;

/// The order of rows in a table's files.
#[derive(Debug, Clone)]
pub(crate) struct SortOrder {
    /// In a request only a wish.
    pub(crate) id: Option<i32>,
    pub(crate) fields: Vec<SortField>,
    pub(crate) unknown: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortField {
    sources: Sources,
    transform: Transform,
    direction: Direction,
    nulls: Nulls,
    unknown: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nulls {
    First,
    Last,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

impl Nulls {
    const fn name(self) -> &'static str {
        match self {
            Self::First => "nulls-first",
            Self::Last => "nulls-last",
        }
    }
}

impl SortOrder {
    pub(crate) fn unsorted() -> Self {
        Self { id: Some(0), fields: Vec::new(), unknown: Map::new() }
    }

    pub(crate) fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value)?;
        let id = object.optional("order-id")?;
        let fields = object.list("fields", SortField::parse)?;
        Ok(Self { id, fields, unknown: object.rest() })
    }

    /// Whether rows may come in any order. Such an order has the id 0, and no other has it.
    pub(crate) fn is_unsorted(&self) -> bool {
        self.fields.is_empty()
    }

    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.fields == other.fields
    }

    /// Gives the order of a new table its id, and names its columns by their new ids.
    pub(crate) fn assign_fresh_ids(&mut self, renamed: &HashMap<i32, i32>) -> Result<(), Error> {
        self.id = Some(i32::from(!self.is_unsorted()));
        self.fields.iter_mut().try_for_each(|field| field.sources.rename(renamed))
    }

    /// Checks that the order can be used to write with this schema.
    pub(crate) fn check_compatible(&self, schema: &Schema) -> Result<(), Error> {
        let columns = schema.index();
        self.fields
            .iter()
            .try_for_each(|field| field.sources.check(&field.transform, &columns, "sort", field))
    }
}

impl SortField {
    fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value)?;
        let sources = Sources::take(&mut object)?;
        let transform = Transform::parse(object.required("transform")?);
        let direction: String = object.required("direction")?;
        let direction = [Direction::Ascending, Direction::Descending]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(&direction))
            .ok_or_else(|| {
                at.member("direction")
                    .invalid(format_args!("expected asc or desc, not {direction}"))
            })?;
        let nulls: String = object.required("null-order")?;
        let nulls = [Nulls::First, Nulls::Last]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(&nulls))
            .ok_or_else(|| {
                at.member("null-order")
                    .invalid(format_args!("expected nulls-first or nulls-last, not {nulls}"))
            })?;
        Ok(Self { sources, transform, direction, nulls, unknown: object.rest() })
    }
}

impl fmt::Display for SortField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (direction, nulls) = (self.direction.name(), self.nulls.name());
        write!(f, "{}({}) {direction} {nulls}", self.transform, self.sources.names())
    }
}

impl Serialize for SortOrder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("order-id", &self.id.unwrap_or(0))?;
        map.serialize_entry("fields", &self.fields)?;
        serialize_unknown(&mut map, &self.unknown)?;
        map.end()
    }
}

impl Serialize for SortField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("transform", &self.transform)?;
        self.sources.serialize(&mut map)?;
        map.serialize_entry("direction", self.direction.name())?;
        map.serialize_entry("null-order", self.nulls.name())?;
        serialize_unknown(&mut map, &self.unknown)?;
        map.end()
    }
}
