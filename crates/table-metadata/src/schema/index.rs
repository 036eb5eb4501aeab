//! A schema's columns, flat.

use std::collections::{HashMap, HashSet};

use super::{Primitive, Schema, StructType, Type};
use crate::Error;
use crate::schema::types::Field;

/// A column, an element of a list, or a key or value of a map.
#[derive(Debug)]
pub(crate) struct Column<'a> {
    pub(crate) id: i32,
    /// The full name: `a.b` is `b` in the struct `a`.
    pub(crate) name: String,
    pub(crate) data_type: &'a Type,
    pub(crate) required: bool,
    /// Absent for elements, keys and values.
    pub(crate) field: Option<&'a Field>,
    parent: Option<usize>,
}

impl Column<'_> {
    /// The type, unless it has inner columns or, like variant, inner structure.
    pub(crate) fn primitive(&self) -> Option<&Primitive> {
        match self.data_type {
            Type::Primitive(primitive) => {
                Some(&primitive.kind).filter(|kind| !matches!(kind, Primitive::Variant))
            }
            Type::Struct(_) | Type::List(_) | Type::Map(_) => None,
        }
    }
}

/// All columns of a schema, each before those inside of it.
#[derive(Debug)]
pub(crate) struct Index<'a> {
    columns: Vec<Column<'a>>,
    by_id: HashMap<i32, usize>,
}

impl<'a> Index<'a> {
    pub(crate) fn of(schema: &'a Schema) -> Self {
        let mut index = Self { columns: Vec::new(), by_id: HashMap::new() };
        index.add_struct(&schema.root, None);
        index.by_id =
            index.columns.iter().enumerate().map(|(place, column)| (column.id, place)).collect();
        index
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column<'a>> {
        self.columns.iter()
    }

    pub(crate) fn find(&self, id: i32) -> Option<&Column<'a>> {
        self.by_id.get(&id).and_then(|place| self.columns.get(*place))
    }

    pub(crate) fn find_by_name(&self, name: &str) -> Option<&Column<'a>> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// What a column is inside of, from the inside.
    pub(crate) fn parents<'s>(
        &'s self,
        column: &'s Column<'a>,
    ) -> impl Iterator<Item = &'s Column<'a>> {
        let parent_of = |column: &Column<'a>| column.parent.and_then(|at| self.columns.get(at));
        std::iter::successors(parent_of(column), move |column| parent_of(column))
    }

    /// No id and no full name may be there twice.
    pub(crate) fn check_unique(&self) -> Result<(), Error> {
        let mut ids = HashMap::new();
        let mut names = HashSet::new();
        for column in &self.columns {
            if let Some(other) = ids.insert(column.id, &column.name) {
                return Err(Error::invalid(format!(
                    "Invalid schema: multiple fields for id {}: {other} and {}",
                    column.id, column.name
                )));
            }
            if !names.insert(&column.name) {
                return Err(Error::invalid(format!(
                    "Invalid schema: multiple fields for name {}",
                    column.name
                )));
            }
        }
        Ok(())
    }

    fn add_struct(&mut self, fields: &'a StructType, parent: Option<usize>) {
        for field in &fields.fields {
            self.add(Column {
                id: field.id,
                name: self.name_below(parent, &field.name),
                data_type: &field.data_type,
                required: field.required,
                field: Some(field),
                parent,
            });
        }
    }

    fn add(&mut self, column: Column<'a>) {
        let (place, data_type) = (self.columns.len(), column.data_type);
        self.columns.push(column);
        let inner = |index: &Self, id, name, data_type, required| Column {
            id,
            name: index.name_below(Some(place), name),
            data_type,
            required,
            field: None,
            parent: Some(place),
        };
        match data_type {
            Type::Primitive(_) => {}
            Type::Struct(fields) => self.add_struct(fields, Some(place)),
            Type::List(list) => {
                let element =
                    inner(self, list.element_id, "element", &list.element, list.element_required);
                self.add(element);
            }
            Type::Map(map) => {
                let key = inner(self, map.key_id, "key", &map.key, true);
                self.add(key);
                let value = inner(self, map.value_id, "value", &map.value, map.value_required);
                self.add(value);
            }
        }
    }

    fn name_below(&self, parent: Option<usize>, name: &str) -> String {
        match parent.and_then(|at| self.columns.get(at)) {
            Some(parent) => format!("{}.{name}", parent.name),
            None => name.to_owned(),
        }
    }
}
