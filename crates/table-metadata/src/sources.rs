//! Which columns a partition or sort field is made from.

use std::collections::HashMap;

use serde::ser::SerializeMap;

use crate::Error;
use crate::json::Object;
use crate::schema::{Index, Type};
use crate::transform::Transform;

/// The ids of the source columns: one, or from format version 3 on several.
///
/// Both members are kept as they came, since a writer may send either or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources {
    one: Option<i32>,
    many: Option<Vec<i32>>,
}

impl Sources {
    pub(crate) fn take(object: &mut Object<'_>) -> Result<Self, Error> {
        let many: Option<Vec<i32>> = object.optional("source-ids")?;
        let one = if many.as_ref().is_some_and(|ids| !ids.is_empty()) {
            object.optional("source-id")?
        } else {
            Some(object.required("source-id")?)
        };
        Ok(Self { one, many })
    }

    pub(crate) fn ids(&self) -> &[i32] {
        match &self.many {
            Some(many) if !many.is_empty() => many,
            Some(_) | None => self.one.as_slice(),
        }
    }

    pub(crate) fn serialize<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        if let Some(one) = self.one {
            map.serialize_entry("source-id", &one)?;
        }
        if let Some(many) = &self.many {
            map.serialize_entry("source-ids", many)?;
        }
        Ok(())
    }

    /// Names the columns by their new ids.
    pub(crate) fn rename(&mut self, renamed: &HashMap<i32, i32>) -> Result<(), Error> {
        for id in self.one.iter_mut().chain(self.many.iter_mut().flatten()) {
            *id = *renamed.get(id).ok_or_else(|| {
                Error::invalid(format!("Cannot find source column with id {id} in the schema"))
            })?;
        }
        Ok(())
    }

    /// Checks that the columns are there and are what the transform takes.
    ///
    /// `kind` (partition or sort) and `field` are what messages call the field.
    pub(crate) fn check(
        &self,
        transform: &Transform,
        columns: &Index<'_>,
        kind: &str,
        field: &dyn std::fmt::Display,
    ) -> Result<(), Error> {
        if transform.is_void() {
            return Ok(());
        }
        for id in self.ids() {
            let Some(column) = columns.find(*id) else {
                return Err(Error::invalid(format!(
                    "Cannot find source column for {kind} field: {field}"
                )));
            };
            let data_type = column.data_type;
            if !matches!(data_type, Type::Primitive(_)) {
                return Err(Error::invalid(format!(
                    "Cannot use non-primitive source column for {kind} field: {field}: {data_type}"
                )));
            }
            // Of several columns together only an unknown transform can be made.
            if self.ids().len() == 1 && !transform.takes(data_type) {
                return Err(Error::invalid(format!(
                    "Invalid source type {data_type} for transform: {transform}"
                )));
            }
        }
        Ok(())
    }

    /// `1` or `1, 2`.
    pub(crate) fn names(&self) -> String {
        self.ids().iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
    }
}
