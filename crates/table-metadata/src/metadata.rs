//! A table's metadata.

mod read;
mod write;

pub(crate) use self::read::{NEWEST_FORMAT_VERSION, unique};

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::Error;
use crate::history::{MetadataLogEntry, SnapshotLogEntry};
use crate::json::Raw;
use crate::numbered::{self, Versions};
use crate::partition::PartitionSpec;
use crate::schema::Schema;
use crate::snapshot::{Reference, Snapshot};
use crate::sort::SortOrder;
use crate::statistics::{EncryptionKey, StatisticsFile};

/// The metadata of a table, of format version 1, 2 or 3.
///
/// Cheap to clone: what a commit does not touch is shared between the versions.
///
/// Members it does not know, and the text of those it need not understand, are written back as they
/// were read. So is the order of everything in lists.
#[derive(Debug, Clone)]
pub struct TableMetadata {
    pub(crate) format_version: u8,
    pub(crate) uuid: String,
    /// Whether the uuid is ours, because metadata of version 1 need not have one.
    pub(crate) uuid_is_derived: bool,
    pub(crate) location: String,
    pub(crate) last_sequence_number: i64,
    pub(crate) last_updated_ms: i64,
    pub(crate) last_column_id: i32,
    pub(crate) current_schema_id: i32,
    pub(crate) schemas: Versions<Schema>,
    pub(crate) default_spec_id: i32,
    pub(crate) specs: Versions<PartitionSpec>,
    pub(crate) last_partition_id: i32,
    pub(crate) default_sort_order_id: i32,
    pub(crate) sort_orders: Versions<SortOrder>,
    /// All values are strings.
    pub(crate) properties: Map<String, Value>,
    pub(crate) current_snapshot_id: Option<i64>,
    /// 0 before version 3, where rows have no ids.
    pub(crate) next_row_id: i64,
    pub(crate) refs: Vec<(String, Reference)>,
    pub(crate) snapshots: Vec<Arc<Snapshot>>,
    pub(crate) statistics: Vec<StatisticsFile>,
    pub(crate) partition_statistics: Vec<StatisticsFile>,
    pub(crate) snapshot_log: Vec<SnapshotLogEntry>,
    pub(crate) metadata_log: Vec<MetadataLogEntry>,
    pub(crate) encryption_keys: Option<Vec<EncryptionKey>>,
    pub(crate) unknown: Vec<(String, Raw)>,
}

impl TableMetadata {
    /// Version of the format: 1, 2 or 3.
    pub fn format_version(&self) -> u8 {
        self.format_version
    }

    /// The table's identity, which no commit can change.
    ///
    /// Metadata of version 1 need not have one. It then gets one that is derived from the table's
    /// location, so that every reader derives the same, and the next commit writes it.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// Where the table's files are, unless its properties say otherwise.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The value of a table property.
    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(key).and_then(Value::as_str)
    }

    /// All table properties, in the order in which they came.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.properties.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// The highest sequence number of a snapshot; 0 in format version 1.
    pub fn last_sequence_number(&self) -> i64 {
        self.last_sequence_number
    }

    /// When the metadata was made, in milliseconds since 1970.
    pub fn last_updated_ms(&self) -> i64 {
        self.last_updated_ms
    }

    /// The highest field id that was ever given to a column.
    pub fn last_column_id(&self) -> i32 {
        self.last_column_id
    }

    /// Id of the schema that readers and writers use.
    pub fn current_schema_id(&self) -> i32 {
        self.current_schema_id
    }

    /// Id of the partition spec that writers use.
    pub fn default_spec_id(&self) -> i32 {
        self.default_spec_id
    }

    /// Id of the sort order that writers use.
    pub fn default_sort_order_id(&self) -> i32 {
        self.default_sort_order_id
    }

    /// The highest field id that was ever given to a partition field; 999 if there was none.
    pub fn last_partition_id(&self) -> i32 {
        self.last_partition_id
    }

    /// The snapshot that readers get when they do not ask for another.
    pub fn current_snapshot_id(&self) -> Option<i64> {
        self.current_snapshot_id
    }

    /// The id of the next row, in format version 3.
    pub fn next_row_id(&self) -> Option<i64> {
        (self.format_version >= 3).then_some(self.next_row_id)
    }

    /// Locations of former metadata files, the oldest first.
    pub fn metadata_log(&self) -> impl Iterator<Item = &str> {
        self.metadata_log.iter().map(|entry| entry.subject.as_str())
    }

    /// The snapshot that each branch and tag points to.
    pub fn refs(&self) -> impl Iterator<Item = (&str, i64)> {
        self.refs.iter().map(|(name, reference)| (name.as_str(), reference.snapshot_id))
    }

    /// Ids of all snapshots, in the order in which they came.
    pub fn snapshot_ids(&self) -> impl Iterator<Item = i64> {
        self.snapshots.iter().map(|snapshot| snapshot.id)
    }

    /// Locations of every file that the metadata itself names: manifest lists (or manifests, of old
    /// snapshots), and statistics of the table and of its partitions.
    pub fn file_locations(&self) -> Vec<&str> {
        let manifests = self.snapshots.iter().flat_map(|snapshot| snapshot.file_locations());
        let statistics =
            self.statistics.iter().chain(&self.partition_statistics).map(|file| file.path.as_str());
        manifests.chain(statistics).collect()
    }

    /// Locations of the manifest lists of all snapshots that have one.
    pub fn manifest_lists(&self) -> impl Iterator<Item = &str> {
        self.snapshots.iter().filter_map(|snapshot| snapshot.manifest_list())
    }

    /// Locations of the manifests that snapshots name themselves, as old writers of format version 1
    /// have it.
    pub fn manifests_without_list(&self) -> impl Iterator<Item = &str> {
        self.snapshots.iter().flat_map(|snapshot| snapshot.manifests())
    }

    /// Locations of the statistics files of the table and of its partitions.
    pub fn statistics_files(&self) -> impl Iterator<Item = &str> {
        self.statistics.iter().chain(&self.partition_statistics).map(|file| file.path.as_str())
    }

    /// Reads every schema, partition spec and sort order, which [`parse`](Self::parse) leaves until
    /// a commit needs them. For metadata that others wrote, such as that of a registered table.
    pub fn validate(&self) -> Result<(), Error> {
        self.schemas.iter().try_for_each(|schema| schema.content().map(drop))?;
        self.specs.iter().try_for_each(|spec| spec.content().map(drop))?;
        self.sort_orders.iter().try_for_each(|order| order.content().map(drop))
    }

    pub(crate) fn reference(&self, name: &str) -> Option<&Reference> {
        self.refs.iter().find(|(key, _)| key == name).map(|(_, reference)| reference)
    }

    pub(crate) fn has_snapshot(&self, id: i64) -> bool {
        self.snapshots.iter().any(|snapshot| snapshot.id == id)
    }

    pub(crate) fn current_schema(&self) -> Option<Result<&Schema, Error>> {
        numbered::find(&self.schemas, self.current_schema_id).map(numbered::Numbered::content)
    }
}
