//! Makes new metadata by applying updates one after another.

mod definitions;
mod snapshots;

use std::collections::HashSet;

use serde_json::Map;

use crate::history::MetadataLogEntry;
use crate::metadata::NEWEST_FORMAT_VERSION;
use crate::new_table::check_encryption;
use crate::partition::NO_PARTITION_ID;
use crate::properties::{remove_properties, set_location, set_properties};
use crate::statistics::{EncryptionKey, StatisticsFile};
use crate::update::Update;
use crate::{Error, TableMetadata};

/// The format version of a table whose creator asks for none.
pub(crate) const DEFAULT_FORMAT_VERSION: u8 = 2;

const PREVIOUS_VERSIONS_MAX: &str = "write.metadata.previous-versions-max";
const PREVIOUS_VERSIONS_MAX_DEFAULT: i32 = 100;

/// How far times in logs may run backwards before released clients refuse to read the metadata.
const TOLERATED_SKEW_MS: i64 = 60_000;

/// Metadata in the making.
#[derive(Debug)]
pub(crate) struct Builder {
    metadata: TableMetadata,
    now_ms: i64,
    purpose: Purpose,
    changed: bool,
    /// Whether another schema, spec or order is in use, so that they must fit each other.
    choices_changed: bool,
    /// What -1 stands for; likewise below.
    last_added_schema: Option<i32>,
    last_added_spec: Option<i32>,
    last_added_sort_order: Option<i32>,
    added_snapshots: HashSet<i64>,
    has_removed_main: bool,
    before: Before,
}

#[derive(Debug)]
enum Purpose {
    Change,
    /// Ids that the client gave are kept.
    Create {
        schema_is_chosen: bool,
    },
}

/// How things were before this request.
#[derive(Debug)]
struct Before {
    current_snapshot_id: Option<i64>,
    snapshots: usize,
    snapshot_log_entries: usize,
}

impl Builder {
    pub(crate) fn change(base: &TableMetadata, now_ms: i64) -> Self {
        Self {
            metadata: base.clone(),
            now_ms,
            purpose: Purpose::Change,
            changed: false,
            choices_changed: false,
            last_added_schema: None,
            last_added_spec: None,
            last_added_sort_order: None,
            added_snapshots: HashSet::new(),
            has_removed_main: false,
            before: Before {
                current_snapshot_id: base.current_snapshot_id,
                snapshots: base.snapshots.len(),
                snapshot_log_entries: base.snapshot_log.len(),
            },
        }
    }

    pub(crate) fn create(format_version: Option<i32>, now_ms: i64) -> Result<Self, Error> {
        let format_version = match format_version {
            None => DEFAULT_FORMAT_VERSION,
            Some(version) => u8::try_from(version)
                .ok()
                .filter(|version| (1..=NEWEST_FORMAT_VERSION).contains(version))
                .ok_or_else(|| Error::invalid(format!("Unsupported format version: v{version}")))?,
        };
        let builder = Self::change(&empty(format_version), now_ms);
        Ok(Self { purpose: Purpose::Create { schema_is_chosen: false }, ..builder })
    }

    pub(crate) fn apply(&mut self, update: &Update) -> Result<(), Error> {
        match update {
            Update::AssignUuid { uuid } => self.assign_uuid(uuid),
            Update::UpgradeFormatVersion { format_version } => {
                self.upgrade_format_version(*format_version)
            }
            Update::AddSchema { schema } => self.add_schema(schema),
            Update::SetCurrentSchema { id } => self.set_current_schema(*id),
            Update::AddSpec { spec } => self.add_spec(spec),
            Update::SetDefaultSpec { id } => self.set_default_spec(*id),
            Update::AddSortOrder { order } => self.add_sort_order(order),
            Update::SetDefaultSortOrder { id } => self.set_default_sort_order(*id),
            Update::AddSnapshot { snapshot } => self.add_snapshot(snapshot),
            Update::SetSnapshotRef { name, reference } => self.set_snapshot_ref(name, reference),
            Update::RemoveSnapshotRef { name } => {
                self.remove_snapshot_ref(name);
                Ok(())
            }
            Update::RemoveSnapshots { ids } => {
                self.remove_snapshots(ids);
                Ok(())
            }
            Update::SetLocation { location } => {
                self.changed |= set_location(&mut self.metadata.location, location);
                Ok(())
            }
            Update::SetProperties { properties } => {
                self.changed |= set_properties(&mut self.metadata.properties, properties);
                Ok(())
            }
            Update::RemoveProperties { keys } => {
                self.changed |= remove_properties(&mut self.metadata.properties, keys);
                Ok(())
            }
            Update::SetStatistics { file } => {
                self.changed |= set_statistics(&mut self.metadata.statistics, file);
                Ok(())
            }
            Update::RemoveStatistics { snapshot_id } => {
                self.changed |= remove_statistics(&mut self.metadata.statistics, *snapshot_id);
                Ok(())
            }
            Update::SetPartitionStatistics { file } => {
                self.changed |= set_statistics(&mut self.metadata.partition_statistics, file);
                Ok(())
            }
            Update::RemovePartitionStatistics { snapshot_id } => {
                let files = &mut self.metadata.partition_statistics;
                self.changed |= remove_statistics(files, *snapshot_id);
                Ok(())
            }
            Update::RemovePartitionSpecs { ids } => self.remove_specs(ids),
            Update::RemoveSchemas { ids } => self.remove_schemas(ids),
            Update::AddEncryptionKey { key } => self.add_encryption_key(key),
            Update::RemoveEncryptionKey { id } => {
                self.remove_encryption_key(id);
                Ok(())
            }
        }
    }

    /// The changed metadata, unless nothing changed.
    pub(crate) fn finish_change(
        mut self,
        base: &TableMetadata,
        previous_metadata_file: Option<&str>,
    ) -> Result<Option<TableMetadata>, Error> {
        if !self.changed {
            return Ok(None);
        }
        // A table may be one that could not be made so any more; only what is chosen now is checked.
        if self.choices_changed {
            self.check_bindings()?;
            self.check_initial_defaults(base)?;
        }
        self.correct_snapshot_log();
        if let Some(file) = previous_metadata_file {
            self.log_metadata_file(base, file)?;
        }
        self.metadata.uuid_is_derived = false;
        self.metadata.last_updated_ms = self.update_time();
        Ok(Some(self.metadata))
    }

    /// The created metadata.
    pub(crate) fn finish_create(mut self) -> Result<TableMetadata, Error> {
        if self.metadata.location.is_empty() {
            return Err(Error::invalid("Cannot create table: set-location is missing"));
        }
        if self.metadata.uuid.is_empty() {
            self.metadata.uuid = uuid::Uuid::new_v4().to_string();
        }
        check_encryption(self.metadata.properties.keys(), self.metadata.format_version)?;
        self.complete_definitions()?;
        self.check_bindings()?;
        self.correct_snapshot_log();
        self.metadata.last_updated_ms = self.update_time();
        Ok(self.metadata)
    }

    fn assign_uuid(&mut self, uuid: &str) -> Result<(), Error> {
        let current = &self.metadata.uuid;
        if current.is_empty() || self.metadata.uuid_is_derived {
            uuid.clone_into(&mut self.metadata.uuid);
            self.metadata.uuid_is_derived = false;
            self.changed = true;
        } else if !current.eq_ignore_ascii_case(uuid) {
            return Err(Error::invalid(format!("Cannot reassign uuid: {current} to {uuid}")));
        }
        Ok(())
    }

    fn upgrade_format_version(&mut self, version: i32) -> Result<(), Error> {
        let current = self.metadata.format_version;
        if version > i32::from(NEWEST_FORMAT_VERSION) {
            return Err(Error::invalid(format!(
                "Cannot upgrade table to unsupported format version: v{version} \
                 (supported: v{NEWEST_FORMAT_VERSION})"
            )));
        }
        match u8::try_from(version) {
            Ok(version) if version >= current => {
                if current == 1 && version > 1 {
                    self.metadata.last_sequence_number = self.highest_sequence_number();
                }
                self.changed |= version != current;
                self.metadata.format_version = version;
                Ok(())
            }
            Ok(_) | Err(_) => {
                Err(Error::invalid(format!("Cannot downgrade v{current} table to v{version}")))
            }
        }
    }

    /// 0 for a table of version 1, unless a writer numbered snapshots that need no number.
    fn highest_sequence_number(&self) -> i64 {
        let snapshots = self.metadata.snapshots.iter();
        snapshots.map(|snapshot| snapshot.sequence_number()).max().unwrap_or(0).max(0)
    }

    fn add_encryption_key(&mut self, key: &EncryptionKey) -> Result<(), Error> {
        // The reference implementation does not look at the version here; its readers do.
        if self.metadata.format_version < 3 {
            return Err(Error::invalid("Encryption keys are not supported until v3"));
        }
        let keys = self.metadata.encryption_keys.get_or_insert_default();
        if !keys.iter().any(|known| known.id == key.id) {
            keys.push(key.clone());
            self.changed = true;
        }
        Ok(())
    }

    fn remove_encryption_key(&mut self, id: &str) {
        if let Some(keys) = &mut self.metadata.encryption_keys {
            let before = keys.len();
            keys.retain(|key| key.id != id);
            self.changed |= keys.len() != before;
        }
    }

    fn log_metadata_file(&mut self, base: &TableMetadata, file: &str) -> Result<(), Error> {
        let most = match self.metadata.property(PREVIOUS_VERSIONS_MAX) {
            None => PREVIOUS_VERSIONS_MAX_DEFAULT,
            Some(text) => text.parse().map_err(|_| {
                Error::invalid(format!(
                    "Table property {PREVIOUS_VERSIONS_MAX} must have integer value, not {text}"
                ))
            })?,
        };
        let most = usize::try_from(most).unwrap_or(1).max(1);
        let log = &mut self.metadata.metadata_log;
        let last = log.last().map(|entry| entry.timestamp_ms);
        let time = not_much_before(base.last_updated_ms, last);
        log.push(MetadataLogEntry::new(time, file));
        log.drain(..log.len().saturating_sub(most));
        Ok(())
    }

    /// The time of the change: now, but not before what the logs say.
    fn update_time(&self) -> i64 {
        let snapshot_log = self.metadata.snapshot_log.last().map(|entry| entry.timestamp_ms);
        let metadata_log = self.metadata.metadata_log.last().map(|entry| entry.timestamp_ms);
        not_much_before(self.now_ms, snapshot_log.max(metadata_log))
    }
}

/// A time, or that of the last entry of a log if it is later than clocks may differ.
fn not_much_before(time_ms: i64, last_ms: Option<i64>) -> i64 {
    match last_ms {
        Some(last) if time_ms < last.saturating_sub(TOLERATED_SKEW_MS) => last,
        Some(_) | None => time_ms,
    }
}

/// Puts a file in the place of that of the same snapshot. Answers whether that changed anything.
fn set_statistics(files: &mut Vec<StatisticsFile>, file: &StatisticsFile) -> bool {
    match files.iter_mut().find(|known| known.snapshot_id == file.snapshot_id) {
        Some(known) if known.is_same_as(file) => false,
        Some(known) => {
            *known = file.clone();
            true
        }
        None => {
            files.push(file.clone());
            true
        }
    }
}

/// Removes the file of a snapshot. Answers whether that changed anything.
fn remove_statistics(files: &mut Vec<StatisticsFile>, snapshot_id: i64) -> bool {
    let before = files.len();
    files.retain(|file| file.snapshot_id != snapshot_id);
    files.len() != before
}

/// What a table is created from. The ids count as set to 0, as they do in the reference.
pub(crate) fn empty(format_version: u8) -> TableMetadata {
    TableMetadata {
        format_version,
        uuid: String::new(),
        uuid_is_derived: false,
        location: String::new(),
        last_sequence_number: 0,
        last_updated_ms: 0,
        last_column_id: 0,
        current_schema_id: 0,
        schemas: Vec::new(),
        default_spec_id: 0,
        specs: Vec::new(),
        last_partition_id: NO_PARTITION_ID,
        default_sort_order_id: 0,
        sort_orders: Vec::new(),
        properties: Map::new(),
        current_snapshot_id: None,
        next_row_id: 0,
        refs: Vec::new(),
        snapshots: Vec::new(),
        statistics: Vec::new(),
        partition_statistics: Vec::new(),
        snapshot_log: Vec::new(),
        metadata_log: Vec::new(),
        encryption_keys: None,
        unknown: Vec::new(),
    }
}
