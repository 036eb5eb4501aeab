//! Writing metadata.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::TableMetadata;
use crate::snapshot::Reference;
use crate::{json, numbered};

impl TableMetadata {
    /// The metadata as JSON.
    ///
    /// Members without a value are left out, since Java's readers refuse many of them as `null`.
    pub fn to_json(&self) -> Vec<u8> {
        json::to_vec(self)
    }

    /// The fields of the default spec, which is all that readers of version 1 once had.
    fn default_spec_fields(&self) -> serde_json::Value {
        numbered::find(&self.specs, self.default_spec_id)
            .and_then(|spec| serde_json::from_str::<serde_json::Value>(spec.text.get()).ok())
            .and_then(|mut spec| spec.get_mut("fields").map(serde_json::Value::take))
            .unwrap_or_else(|| serde_json::json!([]))
    }
}

impl Serialize for TableMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("format-version", &self.format_version)?;
        map.serialize_entry("table-uuid", &self.uuid)?;
        map.serialize_entry("location", &self.location)?;
        if self.format_version > 1 {
            map.serialize_entry("last-sequence-number", &self.last_sequence_number)?;
        }
        map.serialize_entry("last-updated-ms", &self.last_updated_ms)?;
        map.serialize_entry("last-column-id", &self.last_column_id)?;
        if self.format_version == 1
            && let Some(schema) = numbered::find(&self.schemas, self.current_schema_id)
        {
            map.serialize_entry("schema", schema)?;
        }
        map.serialize_entry("current-schema-id", &self.current_schema_id)?;
        map.serialize_entry("schemas", &self.schemas)?;
        if self.format_version == 1 {
            map.serialize_entry("partition-spec", &self.default_spec_fields())?;
        }
        map.serialize_entry("default-spec-id", &self.default_spec_id)?;
        map.serialize_entry("partition-specs", &self.specs)?;
        map.serialize_entry("last-partition-id", &self.last_partition_id)?;
        map.serialize_entry("default-sort-order-id", &self.default_sort_order_id)?;
        map.serialize_entry("sort-orders", &self.sort_orders)?;
        map.serialize_entry("properties", &self.properties)?;
        match self.current_snapshot_id {
            Some(id) => map.serialize_entry("current-snapshot-id", &id)?,
            // Old readers demand the member.
            None if self.format_version < 3 => map.serialize_entry("current-snapshot-id", &-1)?,
            None => {}
        }
        if let Some(next_row_id) = self.next_row_id() {
            map.serialize_entry("next-row-id", &next_row_id)?;
        }
        map.serialize_entry("refs", &Refs(&self.refs))?;
        map.serialize_entry("snapshots", &self.snapshots)?;
        map.serialize_entry("statistics", &self.statistics)?;
        map.serialize_entry("partition-statistics", &self.partition_statistics)?;
        map.serialize_entry("snapshot-log", &self.snapshot_log)?;
        map.serialize_entry("metadata-log", &self.metadata_log)?;
        if let Some(keys) = &self.encryption_keys {
            map.serialize_entry("encryption-keys", keys)?;
        }
        for (name, value) in &self.unknown {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

struct Refs<'a>(&'a [(String, Reference)]);

impl Serialize for Refs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, reference)| (name, reference)))
    }
}
