//! Schemas: reading, comparing, and what a format version allows in them.

mod default_value;
mod fresh_ids;
mod index;
mod types;

use std::collections::{BTreeSet, HashMap};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

pub(crate) use self::index::{Column, Index};
pub(crate) use self::types::{Primitive, StructType, Type, serialize_unknown};
use crate::Error;
use crate::json::{At, Object};

/// The columns of a table at some time.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    /// In a request only a wish.
    pub(crate) id: Option<i32>,
    pub(crate) root: StructType,
    pub(crate) identifier_field_ids: BTreeSet<i32>,
}

impl Schema {
    pub(crate) fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value)?;
        let id = object.optional("schema-id")?;
        if let Some(kind) = object.optional::<String>("type")?
            && !kind.eq_ignore_ascii_case("struct")
        {
            return Err(at
                .member("type")
                .invalid(format_args!("a schema is a struct, not a {kind}")));
        }
        let identifiers: Option<Vec<i32>> = object.optional("identifier-field-ids")?;
        Ok(Self {
            id,
            identifier_field_ids: identifiers.unwrap_or_default().into_iter().collect(),
            root: StructType::take(object)?,
        })
    }

    /// Whether a table that has one needs not be given the other.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.root == other.root && self.identifier_field_ids == other.identifier_field_ids
    }

    /// The highest field id; 0 if there are no fields.
    pub(crate) fn highest_field_id(&self) -> i32 {
        self.index().columns().map(|column| column.id).max().unwrap_or(0).max(0)
    }

    /// All columns, those inside of others too.
    pub(crate) fn index(&self) -> Index<'_> {
        Index::of(self)
    }

    /// Gives every field a new id from 1: those of a struct before those inside of them.
    ///
    /// Answers the new id of each old one, which is what a partition spec of the request names.
    pub(crate) fn assign_fresh_ids(&mut self) -> Result<HashMap<i32, i32>, Error> {
        let renamed = fresh_ids::assign(&mut self.root)?;
        self.identifier_field_ids = self
            .identifier_field_ids
            .iter()
            .map(|id| {
                renamed.get(id).copied().ok_or_else(|| {
                    Error::invalid(format!(
                        "Cannot add fieldId {id} as an identifier field: field does not exist"
                    ))
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(renamed)
    }

    /// Checks what must hold of a schema that is to be added to a table.
    pub(crate) fn check(&self, format_version: u8) -> Result<(), Error> {
        let index = self.index();
        index.check_unique()?;
        check_version(&index, format_version)?;
        for column in index.columns() {
            default_value::check(column)?;
        }
        self.identifier_field_ids.iter().try_for_each(|id| check_identifier(&index, *id))
    }
}

/// The types and defaults must be of the format version. All that are not are named.
fn check_version(index: &Index<'_>, format_version: u8) -> Result<(), Error> {
    let mut problems: Vec<(i32, String)> = Vec::new();
    for column in index.columns() {
        let name = &column.name;
        if let Type::Primitive(primitive) = column.data_type
            && primitive.kind.since_version() > format_version
        {
            let since = primitive.kind.since_version();
            problems.push((
                column.id,
                format!("Invalid type for {name}: {primitive} is not supported until v{since}"),
            ));
        }
        if let Some(default) = column.field.and_then(|field| field.initial_default.as_ref())
            && format_version < 3
        {
            problems.push((
                column.id,
                format!(
                    "Invalid initial default for {name}: non-null default ({default}) is not \
                     supported until v3"
                ),
            ));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort_by_key(|(id, _)| *id);
    let problems: Vec<String> = problems.into_iter().map(|(_, problem)| problem).collect();
    let problems = problems.join(
        "
- ",
    );
    Err(Error::invalid(format!("Invalid schema for v{format_version}:\n- {problems}")))
}

/// Identifier fields identify a row: none of them may be missing, repeated or imprecise.
fn check_identifier(index: &Index<'_>, id: i32) -> Result<(), Error> {
    let Some(column) = index.find(id) else {
        return Err(Error::invalid(format!(
            "Cannot add fieldId {id} as an identifier field: field does not exist"
        )));
    };
    let refuse = |reason: String| {
        let name = &column.name;
        Err(Error::invalid(format!("Cannot add field {name} as an identifier field: {reason}")))
    };
    let Some(primitive) = column.primitive() else {
        return refuse("not a primitive type field".to_owned());
    };
    if !column.required {
        return refuse("not a required field".to_owned());
    }
    if matches!(primitive, Primitive::Float | Primitive::Double) {
        return refuse("must not be float or double field".to_owned());
    }
    for parent in index.parents(column) {
        if !matches!(parent.data_type, Type::Struct(_)) {
            return refuse(format!("must not be nested in {}", parent.name));
        }
        if !parent.required {
            return refuse(format!("must not be nested in an optional field {}", parent.name));
        }
    }
    Ok(())
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "struct")?;
        if let Some(id) = self.id {
            map.serialize_entry("schema-id", &id)?;
        }
        if !self.identifier_field_ids.is_empty() {
            map.serialize_entry("identifier-field-ids", &self.identifier_field_ids)?;
        }
        map.serialize_entry("fields", &self.root.fields)?;
        serialize_unknown(&mut map, &self.root.unknown)?;
        map.end()
    }
}
