//! Reading metadata, of any version and from any writer.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::TableMetadata;
use crate::Error;
use crate::history::{MetadataLogEntry, SnapshotLogEntry};
use crate::json::{self, At, Members, Object};
use crate::numbered::{self, Content, Numbered, Versions};
use crate::partition::{NO_PARTITION_ID, PartitionSpec};
use crate::schema::Schema;
use crate::snapshot::{MAIN, Reference, Snapshot};
use crate::sort::SortOrder;
use crate::statistics::{EncryptionKey, StatisticsFile};

const ROOT: At<'static> = At::root("Invalid table metadata");

/// The newest format version that can be read and written.
pub(crate) const NEWEST_FORMAT_VERSION: u8 = 3;

impl TableMetadata {
    /// Reads metadata. An error names the member that is wrong.
    ///
    /// What metadata of version 1 may lack is derived: schemas from the one schema, specs from the
    /// one spec, the branch `main` from the current snapshot, a uuid from the location.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let mut members = Members::parse(ROOT, json)?;
        let format_version = read_format_version(&mut members)?;
        let location: String = required(&mut members, "location")?;
        let uuid: Option<String> = optional(&mut members, "table-uuid")?;
        if uuid.is_none() && format_version > 1 {
            return Err(ROOT.member("table-uuid").missing());
        }
        let (schemas, current_schema_id) = read_schemas(&mut members, format_version)?;
        let (specs, default_spec_id) = read_specs(&mut members, format_version)?;
        let (sort_orders, default_sort_order_id) = read_orders(&mut members, format_version)?;
        let last_partition_id = read_last_partition_id(&mut members, format_version, &specs)?;
        let last_sequence_number: Option<i64> = optional(&mut members, "last-sequence-number")?;
        let next_row_id: Option<i64> = optional(&mut members, "next-row-id")?;
        let current_snapshot_id: Option<i64> = optional(&mut members, "current-snapshot-id")?;

        let metadata = Self {
            format_version,
            uuid_is_derived: uuid.is_none(),
            uuid: uuid.unwrap_or_else(|| derived_uuid(&location)),
            location,
            last_sequence_number: if format_version == 1 {
                0
            } else {
                not_negative("last-sequence-number", last_sequence_number)?
            },
            last_updated_ms: required(&mut members, "last-updated-ms")?,
            last_column_id: required(&mut members, "last-column-id")?,
            current_schema_id,
            schemas,
            default_spec_id,
            specs,
            last_partition_id,
            default_sort_order_id,
            sort_orders,
            properties: read_properties(&mut members)?,
            // Writers say -1 for none.
            current_snapshot_id: current_snapshot_id.filter(|id| *id != -1),
            next_row_id: if format_version < 3 {
                0
            } else {
                not_negative("next-row-id", next_row_id)?
            },
            snapshots: list(&mut members, "snapshots", |at, raw| {
                Snapshot::read(at, raw).map(Arc::new)
            })?,
            refs: read_refs(&mut members, current_snapshot_id.filter(|id| *id != -1))?,
            statistics: list(&mut members, "statistics", StatisticsFile::read)?,
            partition_statistics: list(&mut members, "partition-statistics", StatisticsFile::read)?,
            snapshot_log: list(&mut members, "snapshot-log", SnapshotLogEntry::read)?,
            metadata_log: list(&mut members, "metadata-log", MetadataLogEntry::read)?,
            encryption_keys: optional_list(&mut members, "encryption-keys", EncryptionKey::read)?,
            unknown: members.0.iter().map(|(key, raw)| (key.clone(), json::keep(raw))).collect(),
        };
        metadata.check_snapshots()?;
        Ok(metadata)
    }

    /// What points to snapshots must point to some, and none may be newer than the newest.
    fn check_snapshots(&self) -> Result<(), Error> {
        let at = ROOT.member("snapshots");
        let ids = unique(at, self.snapshots.iter().map(|snapshot| snapshot.id))?;
        for snapshot in &self.snapshots {
            if self.format_version > 1 && snapshot.sequence_number() > self.last_sequence_number {
                return Err(at.invalid(format_args!(
                    "sequence number {} of snapshot {} is greater than last sequence number {}",
                    snapshot.sequence_number(),
                    snapshot.id,
                    self.last_sequence_number
                )));
            }
        }
        if let Some(current) = self.current_snapshot_id
            && !ids.contains(&current)
        {
            let at = ROOT.member("current-snapshot-id");
            return Err(at.invalid(format_args!("there is no snapshot {current}")));
        }
        let refs = ROOT.member("refs");
        unique(refs, self.refs.iter().map(|(name, _)| name))?;
        for (name, reference) in &self.refs {
            let (at, id) = (refs.member(name), reference.snapshot_id);
            if !ids.contains(&id) {
                return Err(at.invalid(format_args!("there is no snapshot {id}")));
            }
            if name == MAIN && self.current_snapshot_id != Some(id) {
                return Err(at.invalid(format_args!("{id} is not the current snapshot")));
            }
        }
        Ok(())
    }
}

fn read_format_version(members: &mut Members<'_>) -> Result<u8, Error> {
    let version: i32 = required(members, "format-version")?;
    u8::try_from(version)
        .ok()
        .filter(|version| (1..=NEWEST_FORMAT_VERSION).contains(version))
        .ok_or_else(|| {
            ROOT.member("format-version").invalid(format_args!("unsupported version {version}"))
        })
}

fn read_schemas(
    members: &mut Members<'_>,
    format_version: u8,
) -> Result<(Versions<Schema>, i32), Error> {
    let legacy = members.take("schema");
    let versions = optional_list(members, "schemas", read_version)?;
    let current: Option<i32> = optional(members, "current-schema-id")?;
    let (versions, current) = match (versions, current, legacy) {
        (Some(versions), Some(current), _) => (versions, current),
        (_, _, Some(schema)) if format_version == 1 => {
            let at = ROOT.member("schema");
            let mut object = Object::new(at, json::value(at, schema)?)?;
            let id: i32 = object.optional("schema-id")?.unwrap_or(0);
            let mut members = object.rest();
            members.insert(Schema::ID.to_owned(), json!(id));
            (vec![Arc::new(Numbered::from_text(id, json::raw(&members)))], id)
        }
        (None, _, _) => return Err(ROOT.member("schemas").missing()),
        (Some(_), None, _) => return Err(ROOT.member("current-schema-id").missing()),
    };
    check_versions("schemas", "current-schema-id", &versions, current)?;
    Ok((versions, current))
}

fn read_specs(
    members: &mut Members<'_>,
    format_version: u8,
) -> Result<(Versions<PartitionSpec>, i32), Error> {
    let legacy = members.take("partition-spec");
    let versions = optional_list(members, "partition-specs", read_version)?;
    let default: Option<i32> = optional(members, "default-spec-id")?;
    let (versions, default) = match (versions, default, legacy) {
        (Some(versions), Some(default), _) => (versions, default),
        (_, _, Some(fields)) if format_version == 1 => {
            let fields = json::value(ROOT.member("partition-spec"), fields)?;
            let spec = json!({ "spec-id": 0, "fields": fields });
            (vec![Arc::new(Numbered::from_text(0, json::raw(&spec)))], 0)
        }
        (None, _, _) => return Err(ROOT.member("partition-specs").missing()),
        (Some(_), None, _) => return Err(ROOT.member("default-spec-id").missing()),
    };
    check_versions("partition-specs", "default-spec-id", &versions, default)?;
    Ok((versions, default))
}

fn read_orders(
    members: &mut Members<'_>,
    format_version: u8,
) -> Result<(Versions<SortOrder>, i32), Error> {
    let versions = optional_list(members, "sort-orders", read_version)?;
    let default: Option<i32> = optional(members, "default-sort-order-id")?;
    let (versions, default) = match (versions, default) {
        (Some(versions), Some(default)) => (versions, default),
        _ if format_version == 1 => (vec![Arc::new(Numbered::new(0, SortOrder::unsorted()))], 0),
        (None, _) => return Err(ROOT.member("sort-orders").missing()),
        (Some(_), None) => return Err(ROOT.member("default-sort-order-id").missing()),
    };
    check_versions("sort-orders", "default-sort-order-id", &versions, default)?;
    Ok((versions, default))
}

fn read_version<T: Content>(at: At<'_>, raw: &RawValue) -> Result<Arc<Numbered<T>>, Error> {
    Numbered::read(at, raw).map(Arc::new)
}

/// Numbers must be unique, and the one in use must be there.
fn check_versions<T>(
    list: &str,
    in_use: &str,
    versions: &Versions<T>,
    id: i32,
) -> Result<(), Error> {
    unique(ROOT.member(list), versions.iter().map(|version| version.id))?;
    if numbered::find(versions, id).is_none() {
        return Err(ROOT.member(in_use).invalid(format_args!("{id} is not in {list}")));
    }
    Ok(())
}

fn read_last_partition_id(
    members: &mut Members<'_>,
    format_version: u8,
    specs: &Versions<PartitionSpec>,
) -> Result<i32, Error> {
    if let Some(id) = optional(members, "last-partition-id")? {
        return Ok(id);
    }
    if format_version > 1 {
        return Err(ROOT.member("last-partition-id").missing());
    }
    specs.iter().try_fold(NO_PARTITION_ID, |last, spec| {
        Ok(spec.content()?.highest_field_id().map_or(last, |id| id.max(last)))
    })
}

fn read_properties(members: &mut Members<'_>) -> Result<Map<String, Value>, Error> {
    let at = ROOT.member("properties");
    match members.take("properties") {
        Some(raw) => json::string_map(at, json::value(at, raw)?),
        None => Ok(Map::new()),
    }
}

fn read_refs(
    members: &mut Members<'_>,
    current_snapshot_id: Option<i64>,
) -> Result<Vec<(String, Reference)>, Error> {
    let at = ROOT.member("refs");
    let mut refs = Vec::new();
    if let Some(raw) = members.take("refs") {
        for (name, raw) in Members::read(at, raw)?.0 {
            let at = at.member(&name);
            let reference = Reference::take(Object::new(at, json::value(at, raw)?)?)?;
            refs.push((name, reference));
        }
    }
    if let Some(current) = current_snapshot_id
        && !refs.iter().any(|(name, _)| name == MAIN)
    {
        refs.push((MAIN.to_owned(), Reference::branch(current)));
    }
    Ok(refs)
}

fn optional<T: json::Plain>(members: &mut Members<'_>, name: &str) -> Result<Option<T>, Error> {
    json::optional(ROOT.member(name), members.take(name))
}

fn required<T: json::Plain>(members: &mut Members<'_>, name: &str) -> Result<T, Error> {
    json::required(ROOT.member(name), members.take(name))
}

fn not_negative(name: &str, number: Option<i64>) -> Result<i64, Error> {
    let at = ROOT.member(name);
    match number {
        Some(number) if number >= 0 => Ok(number),
        Some(_) => Err(at.invalid("must not be negative")),
        None => Err(at.missing()),
    }
}

fn list<T>(
    members: &mut Members<'_>,
    name: &str,
    read: impl FnMut(At<'_>, &RawValue) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    optional_list(members, name, read).map(Option::unwrap_or_default)
}

fn optional_list<T>(
    members: &mut Members<'_>,
    name: &str,
    mut read: impl FnMut(At<'_>, &RawValue) -> Result<T, Error>,
) -> Result<Option<Vec<T>>, Error> {
    let at = ROOT.member(name);
    let Some(raw) = members.take(name) else { return Ok(None) };
    let elements = json::elements(at, raw)?.into_iter().enumerate();
    elements.map(|(index, raw)| read(at.index(index), raw)).collect::<Result<_, _>>().map(Some)
}

/// The ids, none of which may be there twice.
pub(crate) fn unique<T: Hash + Eq + Copy + std::fmt::Display>(
    at: At<'_>,
    ids: impl Iterator<Item = T>,
) -> Result<HashSet<T>, Error> {
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(at.invalid(format_args!("{id} is there twice")));
        }
    }
    Ok(seen)
}

/// A uuid made from a table's location: FNV-1a, of 128 bits, in a uuid of the free-form version.
fn derived_uuid(location: &str) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
    let hash =
        location.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid().to_string()
}
