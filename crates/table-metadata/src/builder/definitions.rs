//! Schemas, partition specs and sort orders.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Builder, Purpose};
use crate::numbered::{self, Content, Numbered, Versions};
use crate::partition::PartitionSpec;
use crate::schema::Schema;
use crate::sort::SortOrder;
use crate::{Error, TableMetadata};

/// What stands for the schema, spec or order that was added last.
const LAST_ADDED: i32 = -1;

impl Builder {
    pub(super) fn add_schema(&mut self, schema: &Schema) -> Result<(), Error> {
        schema.check(self.metadata.format_version)?;
        let same = find_same(&self.metadata.schemas, |known| known.is_same_as(schema))?;
        self.last_added_schema = Some(match same {
            Some(id) => id,
            None => self.add_new_schema(schema)?,
        });
        Ok(())
    }

    fn add_new_schema(&mut self, schema: &Schema) -> Result<i32, Error> {
        let id = self.new_id(&self.metadata.schemas, schema.id, 0)?;
        let added = Schema { id: Some(id), ..schema.clone() };
        let metadata = &mut self.metadata;
        metadata.last_column_id = metadata.last_column_id.max(added.highest_field_id());
        metadata.schemas.push(Arc::new(Numbered::new(id, added)));
        self.changed = true;
        Ok(id)
    }

    pub(super) fn set_current_schema(&mut self, id: i32) -> Result<(), Error> {
        let id = resolve(id, self.last_added_schema, &self.metadata.schemas, "current schema")?;
        self.note_choice(self.metadata.current_schema_id != id);
        self.metadata.current_schema_id = id;
        if let Purpose::Create { schema_is_chosen } = &mut self.purpose {
            *schema_is_chosen = true;
        }
        Ok(())
    }

    pub(super) fn add_spec(&mut self, spec: &PartitionSpec) -> Result<(), Error> {
        let schema = self.schema_to_bind_to("partition spec")?;
        let same = find_same(&self.metadata.specs, |known| known.is_compatible_with(spec))?;
        self.last_added_spec = Some(match same {
            Some(id) => id,
            None => self.add_new_spec(spec, schema.content()?)?,
        });
        Ok(())
    }

    fn add_new_spec(&mut self, spec: &PartitionSpec, schema: &Schema) -> Result<i32, Error> {
        spec.check(schema)?;
        let id = self.new_id(&self.metadata.specs, spec.id, 0)?;
        let mut added = PartitionSpec { id: Some(id), ..spec.clone() };
        let metadata = &mut self.metadata;
        let others: Vec<&PartitionSpec> =
            metadata.specs.iter().map(|spec| spec.content()).collect::<Result<_, _>>()?;
        added.assign_field_ids(metadata.format_version, metadata.last_partition_id, &others)?;
        let highest = added.highest_field_id().unwrap_or(metadata.last_partition_id);
        metadata.last_partition_id = metadata.last_partition_id.max(highest);
        metadata.specs.push(Arc::new(Numbered::new(id, added)));
        self.changed = true;
        Ok(id)
    }

    pub(super) fn set_default_spec(&mut self, id: i32) -> Result<(), Error> {
        let id = resolve(id, self.last_added_spec, &self.metadata.specs, "default partition spec")?;
        self.note_choice(self.metadata.default_spec_id != id);
        self.metadata.default_spec_id = id;
        Ok(())
    }

    pub(super) fn add_sort_order(&mut self, order: &SortOrder) -> Result<(), Error> {
        let schema = self.schema_to_bind_to("sort order")?;
        let same = find_same(&self.metadata.sort_orders, |known| known.is_same_as(order))?;
        self.last_added_sort_order = Some(match same {
            Some(id) => id,
            None => self.add_new_sort_order(order, schema.content()?)?,
        });
        Ok(())
    }

    fn add_new_sort_order(&mut self, order: &SortOrder, schema: &Schema) -> Result<i32, Error> {
        order.check_compatible(schema)?;
        let orders = &self.metadata.sort_orders;
        // 0 is the order of rows that are not sorted, and no other's.
        let id = if order.is_unsorted() && numbered::find(orders, 0).is_none() {
            0
        } else {
            self.new_id(orders, order.id, 1)?
        };
        let added = SortOrder { id: Some(id), ..order.clone() };
        self.metadata.sort_orders.push(Arc::new(Numbered::new(id, added)));
        self.changed = true;
        Ok(id)
    }

    pub(super) fn set_default_sort_order(&mut self, id: i32) -> Result<(), Error> {
        let orders = &self.metadata.sort_orders;
        let id = resolve(id, self.last_added_sort_order, orders, "default sort order")?;
        self.note_choice(self.metadata.default_sort_order_id != id);
        self.metadata.default_sort_order_id = id;
        Ok(())
    }

    pub(super) fn remove_schemas(&mut self, ids: &[i32]) -> Result<(), Error> {
        if ids.contains(&self.metadata.current_schema_id) {
            return Err(Error::invalid("Cannot remove the current schema"));
        }
        self.changed |= remove(&mut self.metadata.schemas, ids);
        Ok(())
    }

    pub(super) fn remove_specs(&mut self, ids: &[i32]) -> Result<(), Error> {
        if ids.contains(&self.metadata.default_spec_id) {
            return Err(Error::invalid("Cannot remove the default partition spec"));
        }
        self.changed |= remove(&mut self.metadata.specs, ids);
        Ok(())
    }

    /// Fills in what a creating commit may leave out, and settles on what it did not choose.
    pub(super) fn complete_definitions(&mut self) -> Result<(), Error> {
        let metadata = &mut self.metadata;
        if metadata.specs.is_empty() {
            metadata.specs.push(Arc::new(Numbered::new(0, PartitionSpec::unpartitioned())));
        }
        if metadata.sort_orders.is_empty() {
            metadata.sort_orders.push(Arc::new(Numbered::new(0, SortOrder::unsorted())));
        }
        metadata.current_schema_id = settle(&metadata.schemas, metadata.current_schema_id)
            .ok_or_else(|| Error::invalid("Cannot create table: add-schema is missing"))?;
        metadata.default_spec_id =
            settle(&metadata.specs, metadata.default_spec_id).unwrap_or_default();
        metadata.default_sort_order_id =
            settle(&metadata.sort_orders, metadata.default_sort_order_id).unwrap_or_default();
        Ok(())
    }

    /// Spec and order must be ones that can be written with, by the schema.
    pub(super) fn check_bindings(&self) -> Result<(), Error> {
        let metadata = &self.metadata;
        let Some(schema) = metadata.current_schema().transpose()? else { return Ok(()) };
        if let Some(spec) = numbered::find(&metadata.specs, metadata.default_spec_id) {
            spec.content()?.check_compatible(schema)?;
        }
        if let Some(order) = numbered::find(&metadata.sort_orders, metadata.default_sort_order_id) {
            order.content()?.check_compatible(schema)?;
        }
        Ok(())
    }

    /// The initial default is what rows have that were written before the column was there. To
    /// change it would be to change them, unless the commit replaces them all.
    pub(super) fn check_initial_defaults(&self, base: &TableMetadata) -> Result<(), Error> {
        if base.current_snapshot_id.is_none() || self.has_removed_main {
            return Ok(());
        }
        let (Some(before), Some(after)) =
            (base.current_schema().transpose()?, self.metadata.current_schema().transpose()?)
        else {
            return Ok(());
        };
        let after = after.index();
        for column in before.index().columns() {
            let Some(default) = column.field.and_then(|field| field.initial_default.as_ref())
            else {
                continue;
            };
            let Some(kept) = after.find(column.id) else { continue };
            if kept.field.and_then(|field| field.initial_default.as_ref()) != Some(default) {
                return Err(Error::invalid(format!(
                    "Cannot change initial default of {}: it is {default}",
                    kept.name
                )));
            }
        }
        Ok(())
    }

    /// The schema that a new spec or order names columns of.
    ///
    /// A creating commit may choose its schema last. Until then that is the one added last.
    fn schema_to_bind_to(&self, what: &str) -> Result<Arc<Numbered<Schema>>, Error> {
        let schemas = &self.metadata.schemas;
        let id = match self.purpose {
            Purpose::Create { schema_is_chosen: false } => self.last_added_schema,
            Purpose::Create { schema_is_chosen: true } | Purpose::Change => {
                Some(self.metadata.current_schema_id)
            }
        };
        schemas
            .iter()
            .find(|schema| Some(schema.id) == id)
            .map(Arc::clone)
            .ok_or_else(|| Error::invalid(format!("Cannot add {what} before a schema is added")))
    }

    /// The id of a new version: the wished one if a table is created, else the next.
    fn new_id<T>(
        &self,
        versions: &Versions<T>,
        wish: Option<i32>,
        first: i32,
    ) -> Result<i32, Error> {
        let is_free = |wish: &i32| *wish >= first && numbered::find(versions, *wish).is_none();
        let is_kept = matches!(self.purpose, Purpose::Create { .. });
        match wish.filter(|wish| is_kept && is_free(wish)) {
            Some(wish) => Ok(wish),
            None => numbered::next_id(versions, first),
        }
    }

    fn note_choice(&mut self, changes: bool) {
        self.changed |= changes;
        self.choices_changed |= changes;
    }
}

/// The id of a version that makes a new one needless.
fn find_same<T: Content>(
    versions: &Versions<T>,
    is_same: impl Fn(&T) -> bool,
) -> Result<Option<i32>, Error> {
    for version in versions {
        if is_same(version.content()?) {
            return Ok(Some(version.id));
        }
    }
    Ok(None)
}

fn resolve<T: Content>(
    id: i32,
    last_added: Option<i32>,
    versions: &Versions<T>,
    what: &str,
) -> Result<i32, Error> {
    let id = match (id, last_added) {
        (LAST_ADDED, Some(last_added)) => last_added,
        (LAST_ADDED, None) => {
            let name = T::NAME;
            return Err(Error::invalid(format!(
                "Cannot set last added {name}: no {name} has been added"
            )));
        }
        (id, _) => id,
    };
    if numbered::find(versions, id).is_none() {
        return Err(Error::invalid(format!("Cannot set {what} to unknown {}: {id}", T::NAME)));
    }
    Ok(id)
}

/// The chosen version if it is there, else the last.
fn settle<T>(versions: &Versions<T>, id: i32) -> Option<i32> {
    match numbered::find(versions, id) {
        Some(chosen) => Some(chosen.id),
        None => versions.last().map(|last| last.id),
    }
}

fn remove<T>(versions: &mut Versions<T>, ids: &[i32]) -> bool {
    let ids: HashSet<i32> = ids.iter().copied().collect();
    let before = versions.len();
    versions.retain(|version| !ids.contains(&version.id));
    versions.len() != before
}
