//! What a client wants changed.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::Error;
use crate::json::{self, At, Object};
use crate::partition::PartitionSpec;
use crate::schema::Schema;
use crate::snapshot::{Reference, Snapshot};
use crate::sort::SortOrder;
use crate::statistics::{EncryptionKey, StatisticsFile};

/// One change to a table. Made by [`TableCommit::parse`](crate::TableCommit::parse), and by the
/// constructors below for what the server itself changes.
#[derive(Debug, Clone)]
pub struct TableUpdate(pub(crate) Update);

#[derive(Debug, Clone)]
pub(crate) enum Update {
    AssignUuid { uuid: String },
    UpgradeFormatVersion { format_version: i32 },
    AddSchema { schema: Schema },
    SetCurrentSchema { id: i32 },
    AddSpec { spec: PartitionSpec },
    SetDefaultSpec { id: i32 },
    AddSortOrder { order: SortOrder },
    SetDefaultSortOrder { id: i32 },
    AddSnapshot { snapshot: Arc<Snapshot> },
    SetSnapshotRef { name: String, reference: Reference },
    RemoveSnapshotRef { name: String },
    RemoveSnapshots { ids: Vec<i64> },
    SetLocation { location: String },
    SetProperties { properties: Map<String, Value> },
    RemoveProperties { keys: Vec<String> },
    SetStatistics { file: StatisticsFile },
    RemoveStatistics { snapshot_id: i64 },
    SetPartitionStatistics { file: StatisticsFile },
    RemovePartitionStatistics { snapshot_id: i64 },
    RemovePartitionSpecs { ids: Vec<i32> },
    RemoveSchemas { ids: Vec<i32> },
    AddEncryptionKey { key: EncryptionKey },
    RemoveEncryptionKey { id: String },
}

impl TableUpdate {
    /// Sets the location, without a slash at its end.
    pub fn set_location(location: &str) -> Self {
        Self(Update::SetLocation { location: without_trailing_slash(location) })
    }

    /// Sets one property.
    pub fn set_property(key: &str, value: &str) -> Self {
        let properties = Map::from_iter([(key.to_owned(), Value::from(value))]);
        Self(Update::SetProperties { properties })
    }

    /// Sets the uuid of a table that is created.
    pub fn assign_uuid(uuid: uuid::Uuid) -> Self {
        Self(Update::AssignUuid { uuid: uuid.to_string() })
    }

    pub(crate) fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value)?;
        let action: String = object.required("action")?;
        let update = match action.as_str() {
            "assign-uuid" => Update::AssignUuid { uuid: take_uuid(&mut object)? },
            "upgrade-format-version" => {
                Update::UpgradeFormatVersion { format_version: object.required("format-version")? }
            }
            "add-schema" => {
                let schema = object.take_required("schema")?;
                Update::AddSchema { schema: Schema::parse(at.member("schema"), schema)? }
            }
            "set-current-schema" => Update::SetCurrentSchema { id: object.required("schema-id")? },
            "add-spec" => {
                let spec = object.take_required("spec")?;
                Update::AddSpec { spec: PartitionSpec::parse(at.member("spec"), spec)? }
            }
            "set-default-spec" => Update::SetDefaultSpec { id: object.required("spec-id")? },
            "add-sort-order" => {
                let order = object.take_required("sort-order")?;
                Update::AddSortOrder { order: SortOrder::parse(at.member("sort-order"), order)? }
            }
            "set-default-sort-order" => {
                Update::SetDefaultSortOrder { id: object.required("sort-order-id")? }
            }
            "add-snapshot" => {
                let snapshot = object.take_required("snapshot")?;
                let snapshot = Snapshot::parse(at.member("snapshot"), snapshot)?;
                Update::AddSnapshot { snapshot: Arc::new(snapshot) }
            }
            "set-snapshot-ref" => {
                let name: String = object.required("ref-name")?;
                let reference = Reference::take(object)?;
                reference.check(&name)?;
                Update::SetSnapshotRef { name, reference }
            }
            "remove-snapshot-ref" => {
                Update::RemoveSnapshotRef { name: object.required("ref-name")? }
            }
            "remove-snapshots" => Update::RemoveSnapshots { ids: object.required("snapshot-ids")? },
            "set-location" => Update::SetLocation { location: take_location(&mut object)? },
            "set-properties" => Update::SetProperties { properties: take_properties(&mut object)? },
            "remove-properties" => Update::RemoveProperties { keys: take_removals(&mut object)? },
            _ => return Self::parse_maintenance(at, object, &action),
        };
        Ok(Self(update))
    }

    /// Reads the updates that maintenance makes, rather than engines that write.
    fn parse_maintenance(at: At<'_>, mut object: Object<'_>, action: &str) -> Result<Self, Error> {
        Ok(Self(match action {
            "set-statistics" => {
                // The snapshot id beside the statistics is deprecated, and was always the one inside.
                let file = object.take_required("statistics")?;
                let file = StatisticsFile::parse_of_table(at.member("statistics"), &file)?;
                Update::SetStatistics { file }
            }
            "remove-statistics" => {
                Update::RemoveStatistics { snapshot_id: object.required("snapshot-id")? }
            }
            "set-partition-statistics" => {
                let file = object.take_required("partition-statistics")?;
                let at = at.member("partition-statistics");
                let file = StatisticsFile::parse_of_partitions(at, &file)?;
                Update::SetPartitionStatistics { file }
            }
            "remove-partition-statistics" => {
                Update::RemovePartitionStatistics { snapshot_id: object.required("snapshot-id")? }
            }
            "remove-partition-specs" => {
                Update::RemovePartitionSpecs { ids: object.required("spec-ids")? }
            }
            "remove-schemas" => Update::RemoveSchemas { ids: object.required("schema-ids")? },
            "add-encryption-key" => {
                let key = object.take_required("encryption-key")?;
                let key = EncryptionKey::parse(at.member("encryption-key"), &key)?;
                Update::AddEncryptionKey { key }
            }
            "remove-encryption-key" => {
                Update::RemoveEncryptionKey { id: object.required("key-id")? }
            }
            "add-view-version" | "set-current-view-version" => {
                return Err(at.invalid(format_args!("{action} is no update of a table")));
            }
            _ => return Err(at.invalid(format_args!("unknown update action: {action}"))),
        }))
    }

    /// What the update's `action` member says.
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            Update::AssignUuid { .. } => "assign-uuid",
            Update::UpgradeFormatVersion { .. } => "upgrade-format-version",
            Update::AddSchema { .. } => "add-schema",
            Update::SetCurrentSchema { .. } => "set-current-schema",
            Update::AddSpec { .. } => "add-spec",
            Update::SetDefaultSpec { .. } => "set-default-spec",
            Update::AddSortOrder { .. } => "add-sort-order",
            Update::SetDefaultSortOrder { .. } => "set-default-sort-order",
            Update::AddSnapshot { .. } => "add-snapshot",
            Update::SetSnapshotRef { .. } => "set-snapshot-ref",
            Update::RemoveSnapshotRef { .. } => "remove-snapshot-ref",
            Update::RemoveSnapshots { .. } => "remove-snapshots",
            Update::SetLocation { .. } => "set-location",
            Update::SetProperties { .. } => "set-properties",
            Update::RemoveProperties { .. } => "remove-properties",
            Update::SetStatistics { .. } => "set-statistics",
            Update::RemoveStatistics { .. } => "remove-statistics",
            Update::SetPartitionStatistics { .. } => "set-partition-statistics",
            Update::RemovePartitionStatistics { .. } => "remove-partition-statistics",
            Update::RemovePartitionSpecs { .. } => "remove-partition-specs",
            Update::RemoveSchemas { .. } => "remove-schemas",
            Update::AddEncryptionKey { .. } => "add-encryption-key",
            Update::RemoveEncryptionKey { .. } => "remove-encryption-key",
        }
    }
}

pub(crate) fn take_uuid(object: &mut Object<'_>) -> Result<String, Error> {
    let uuid: String = object.required("uuid")?;
    if uuid::Uuid::try_parse(&uuid).is_err() {
        return Err(object.at().member("uuid").invalid(format_args!("not a uuid: {uuid}")));
    }
    Ok(uuid)
}

pub(crate) fn take_location(object: &mut Object<'_>) -> Result<String, Error> {
    let location: String = object.required("location")?;
    if location.is_empty() {
        return Err(object.at().member("location").invalid("must not be empty"));
    }
    Ok(without_trailing_slash(&location))
}

/// Takes the properties to set. Old clients say `updated` for `updates`.
pub(crate) fn take_properties(object: &mut Object<'_>) -> Result<Map<String, Value>, Error> {
    for name in ["updates", "updated"] {
        if let Some(properties) = object.take(name) {
            return json::string_map(object.at().member(name), properties);
        }
    }
    Err(object.at().member("updates").missing())
}

/// Takes the keys of properties to remove. Old clients say `removed` for `removals`.
pub(crate) fn take_removals(object: &mut Object<'_>) -> Result<Vec<String>, Error> {
    match object.optional("removals")? {
        Some(keys) => Ok(keys),
        None => object.optional("removed")?.ok_or_else(|| object.at().member("removals").missing()),
    }
}

/// A location without slashes at its end, unless they are all there is after the scheme.
pub(crate) fn without_trailing_slash(location: &str) -> String {
    let mut stripped = location;
    while let Some(shorter) = stripped.strip_suffix('/') {
        if stripped.ends_with("://") || shorter.is_empty() {
            break;
        }
        stripped = shorter;
    }
    stripped.to_owned()
}
