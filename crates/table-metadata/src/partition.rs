//! Partition specs.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::Error;
use crate::json::{At, Object};
use crate::schema::{Schema, Type, serialize_unknown};
use crate::sources::Sources;
use crate::transform::Transform;

/// The last field id of a table that has no partition fields. The first is the next.
pub(crate) const NO_PARTITION_ID: i32 = 999;

/// How a table's files are divided.
#[derive(Debug, Clone)]
pub(crate) struct PartitionSpec {
    /// In a request only a wish.
    pub(crate) id: Option<i32>,
    pub(crate) fields: Vec<PartitionField>,
    pub(crate) unknown: Map<String, Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct PartitionField {
    sources: Sources,
    /// Absent in requests that leave it to us.
    pub(crate) field_id: Option<i32>,
    pub(crate) name: String,
    pub(crate) transform: Transform,
    unknown: Map<String, Value>,
}

impl PartitionSpec {
    pub(crate) fn unpartitioned() -> Self {
        Self { id: Some(0), fields: Vec::new(), unknown: Map::new() }
    }

    pub(crate) fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value)?;
        let id = object.optional("spec-id")?;
        let fields = object.list("fields", PartitionField::parse)?;
        Ok(Self { id, fields, unknown: object.rest() })
    }

    /// Reads a spec of a table. Where old writers left out field ids, they count up from 1000.
    pub(crate) fn parse_bound(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut spec = Self::parse(at, value)?;
        for (id, field) in (NO_PARTITION_ID + 1..).zip(&mut spec.fields) {
            field.field_id.get_or_insert(id);
        }
        Ok(spec)
    }

    /// The highest field id, if there are fields.
    pub(crate) fn highest_field_id(&self) -> Option<i32> {
        self.fields.iter().filter_map(|field| field.field_id).max()
    }

    /// Whether files divided by one are divided by the other, whatever the field ids.
    pub(crate) fn is_compatible_with(&self, other: &Self) -> bool {
        self.fields.len() == other.fields.len()
            && self
                .fields
                .iter()
                .zip(&other.fields)
                .all(|(one, other)| one.makes_the_same_as(other) && one.name == other.name)
    }

    /// Gives ids to the fields that have none: that of the same field in another spec, else a new.
    ///
    /// In format version 1 ids are places, so there they are always counted from the first.
    pub(crate) fn assign_field_ids(
        &mut self,
        format_version: u8,
        last_partition_id: i32,
        others: &[&Self],
    ) -> Result<(), Error> {
        let mut taken: HashSet<i32> =
            self.fields.iter().filter_map(|field| field.field_id).collect();
        let mut last = taken.iter().copied().fold(last_partition_id, i32::max);
        for (place, field) in (NO_PARTITION_ID + 1..).zip(&mut self.fields) {
            if field.field_id.is_some() {
                continue;
            }
            let reused = others
                .iter()
                .flat_map(|spec| &spec.fields)
                .filter(|other| other.makes_the_same_as(field))
                .find_map(|other| other.field_id.filter(|id| !taken.contains(id)));
            let id = match reused {
                _ if format_version == 1 => place,
                Some(id) => id,
                None => {
                    last = last.checked_add(1).ok_or_else(|| {
                        Error::invalid("Cannot assign partition field id: none is left")
                    })?;
                    last
                }
            };
            taken.insert(id);
            field.field_id = Some(id);
        }
        self.check_field_ids(format_version)
    }

    fn check_field_ids(&self, format_version: u8) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for (place, field) in (NO_PARTITION_ID + 1..).zip(&self.fields) {
            if format_version == 1 && field.field_id != Some(place) {
                return Err(Error::invalid(format!(
                    "Spec does not use sequential IDs that are required in v1: {self}"
                )));
            }
            if let Some(id) = field.field_id
                && !seen.insert(id)
            {
                return Err(Error::invalid(format!(
                    "Cannot use partition field id more than once: {id}"
                )));
            }
        }
        Ok(())
    }

    /// Counts the field ids of a new table, and names its columns by their new ids.
    pub(crate) fn assign_fresh_ids(&mut self, renamed: &HashMap<i32, i32>) -> Result<(), Error> {
        self.id = Some(0);
        for (id, field) in (NO_PARTITION_ID + 1..).zip(&mut self.fields) {
            field.field_id = Some(id);
            field.sources.rename(renamed)?;
        }
        Ok(())
    }

    /// Checks a spec that is to be added to a table with this schema.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), Error> {
        let columns = schema.index();
        let mut names = HashSet::new();
        for field in &self.fields {
            let name = &field.name;
            if name.is_empty() {
                return Err(Error::invalid("Cannot use empty partition name"));
            }
            if !names.insert(name) {
                return Err(Error::invalid(format!(
                    "Cannot use partition name more than once: {name}"
                )));
            }
            let Some(column) = columns.find_by_name(name) else { continue };
            // Void is what identity becomes when its field is dropped from a table of version 1.
            let keeps_values = field.transform.is_identity() || field.transform.is_void();
            if !keeps_values {
                return Err(Error::invalid(format!(
                    "Cannot create partition from name that exists in schema: {name}"
                )));
            }
            if field.sources.ids() != [column.id] {
                return Err(Error::invalid(format!(
                    "Cannot create identity partition sourced from different field in schema: {name}"
                )));
            }
        }
        self.check_compatible(schema)
    }

    /// Checks that the spec can be used to write with this schema.
    pub(crate) fn check_compatible(&self, schema: &Schema) -> Result<(), Error> {
        let columns = schema.index();
        for field in &self.fields {
            field.sources.check(&field.transform, &columns, "partition", field)?;
            let sources = field.sources.ids().iter().filter_map(|id| columns.find(*id));
            let repeated = sources
                .flat_map(|column| columns.parents(column))
                .find(|parent| !matches!(parent.data_type, Type::Struct(_)));
            if let Some(parent) = repeated
                && !field.transform.is_void()
            {
                return Err(Error::invalid(format!(
                    "Invalid partition field parent: {} is a {}",
                    parent.name, parent.data_type
                )));
            }
        }
        Ok(())
    }
}

impl PartitionField {
    fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value)?;
        Ok(Self {
            sources: Sources::take(&mut object)?,
            field_id: object.optional("field-id")?,
            name: object.required("name")?,
            transform: Transform::parse(object.required("transform")?),
            unknown: object.rest(),
        })
    }

    fn makes_the_same_as(&self, other: &Self) -> bool {
        self.sources.ids() == other.sources.ids() && self.transform == other.transform
    }
}

impl fmt::Display for PartitionField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = self.field_id {
            write!(f, "{id}: ")?;
        }
        write!(f, "{}: {}({})", self.name, self.transform, self.sources.names())
    }
}

impl fmt::Display for PartitionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<String> = self.fields.iter().map(PartitionField::to_string).collect();
        write!(f, "[{}]", fields.join("; "))
    }
}

impl Serialize for PartitionSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("spec-id", &self.id.unwrap_or(0))?;
        map.serialize_entry("fields", &self.fields)?;
        serialize_unknown(&mut map, &self.unknown)?;
        map.end()
    }
}

impl Serialize for PartitionField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.sources.serialize(&mut map)?;
        if let Some(id) = self.field_id {
            map.serialize_entry("field-id", &id)?;
        }
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("transform", &self.transform)?;
        serialize_unknown(&mut map, &self.unknown)?;
        map.end()
    }
}
