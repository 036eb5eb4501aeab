//! Field ids of a table that is created.

use std::collections::HashMap;

use super::{StructType, Type};
use crate::Error;

/// Counts ids up, and remembers what each was before.
#[derive(Debug, Default)]
struct Ids {
    last: i32,
    renamed: HashMap<i32, i32>,
}

impl Ids {
    fn renew(&mut self, id: &mut i32) -> Result<(), Error> {
        self.last += 1;
        if self.renamed.insert(*id, self.last).is_some() {
            return Err(Error::invalid(format!("Invalid schema: multiple fields for id {id}")));
        }
        *id = self.last;
        Ok(())
    }
}

/// Renews all ids below a schema, level by level, and answers old to new.
pub(super) fn assign(root: &mut StructType) -> Result<HashMap<i32, i32>, Error> {
    let mut ids = Ids::default();
    in_struct(root, &mut ids)?;
    Ok(ids.renamed)
}

fn in_struct(fields: &mut StructType, ids: &mut Ids) -> Result<(), Error> {
    for field in &mut fields.fields {
        ids.renew(&mut field.id)?;
    }
    fields.fields.iter_mut().try_for_each(|field| in_type(&mut field.data_type, ids))
}

fn in_type(data_type: &mut Type, ids: &mut Ids) -> Result<(), Error> {
    match data_type {
        Type::Primitive(_) => Ok(()),
        Type::Struct(fields) => in_struct(fields, ids),
        Type::List(list) => {
            ids.renew(&mut list.element_id)?;
            in_type(&mut list.element, ids)
        }
        Type::Map(map) => {
            ids.renew(&mut map.key_id)?;
            ids.renew(&mut map.value_id)?;
            in_type(&mut map.key, ids)?;
            in_type(&mut map.value, ids)
        }
    }
}
