//! Tables that the create route makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::builder::{DEFAULT_FORMAT_VERSION, empty};
use crate::json::{self, At};
use crate::metadata::NEWEST_FORMAT_VERSION;
use crate::numbered::Numbered;
use crate::partition::{NO_PARTITION_ID, PartitionSpec};
use crate::schema::Schema;
use crate::sort::SortOrder;
use crate::update::without_trailing_slash;
use crate::{Error, TableMetadata};

/// Properties that say something about the table which its metadata says elsewhere. They are taken
/// from a new table's properties; `format-version` is obeyed before.
pub const RESERVED_PROPERTIES: &[&str] = &[
    "format-version",
    "uuid",
    "snapshot-count",
    "current-snapshot-id",
    "current-snapshot-summary",
    "current-snapshot-timestamp-ms",
    "current-schema",
    "default-partition-spec",
    "default-sort-order",
];

const FORMAT_VERSION: &str = "format-version";

/// What a property is set to in a new table if its creator does not set it.
const DEFAULTS: &[(&str, &str)] = &[("write.parquet.compression-codec", "zstd")];

/// Properties that must be whole numbers, and not negative.
const COUNTS: &[&str] = &[
    "commit.retry.num-retries",
    "commit.retry.min-wait-ms",
    "commit.retry.max-wait-ms",
    "commit.retry.total-timeout-ms",
];

const COLUMN_METRICS_PREFIX: &str = "write.metadata.metrics.column.";

/// What a client asks a new table to be.
///
/// Field ids are given anew: those of the request only say which columns its partition spec, sort
/// order and identifier fields mean. A creating *commit* is another thing, see
/// [`TableCommit::create`](crate::TableCommit::create).
#[derive(Debug, Clone)]
pub struct NewTable {
    /// The columns.
    pub schema: Value,
    /// How files are divided; if `None`, not at all.
    pub partition_spec: Option<Value>,
    /// How rows are sorted; if `None`, not at all.
    pub write_order: Option<Value>,
    /// Where the files are to be.
    pub location: String,
    /// Table properties, among them perhaps reserved ones.
    pub properties: BTreeMap<String, String>,
    /// The table's identity.
    pub uuid: Uuid,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

impl NewTable {
    /// Makes the table's first metadata.
    pub fn build(self) -> Result<TableMetadata, Error> {
        let format_version = self.format_version()?;
        let location = without_trailing_slash(&self.location);
        if location.is_empty() {
            return Err(Error::invalid("Invalid location: must not be empty"));
        }
        let schema = parse("Invalid schema", self.schema, Schema::parse)?;
        let spec = self.partition_spec.filter(|spec| !spec.is_null()).map_or_else(
            || Ok(PartitionSpec::unpartitioned()),
            |spec| parse("Invalid partition spec", spec, PartitionSpec::parse),
        )?;
        let order = self.write_order.filter(|order| !order.is_null()).map_or_else(
            || Ok(SortOrder::unsorted()),
            |order| parse("Invalid write order", order, SortOrder::parse),
        )?;

        let Definitions { schema, spec, order } =
            Definitions { schema, spec, order }.with_fresh_ids(format_version)?;
        let properties = new_properties(self.properties, format_version, &schema)?;
        let order_id = order.id.unwrap_or(0);

        Ok(TableMetadata {
            uuid: self.uuid.to_string(),
            location,
            last_updated_ms: self.now_ms,
            last_column_id: schema.highest_field_id(),
            schemas: vec![Arc::new(Numbered::new(0, schema))],
            last_partition_id: spec.highest_field_id().unwrap_or(NO_PARTITION_ID),
            specs: vec![Arc::new(Numbered::new(0, spec))],
            default_sort_order_id: order_id,
            sort_orders: vec![Arc::new(Numbered::new(order_id, order))],
            properties,
            ..empty(format_version)
        })
    }

    fn format_version(&self) -> Result<u8, Error> {
        let Some(text) = self.properties.get(FORMAT_VERSION) else {
            return Ok(DEFAULT_FORMAT_VERSION);
        };
        text.parse()
            .ok()
            .filter(|version| (1..=NEWEST_FORMAT_VERSION).contains(version))
            .ok_or_else(|| Error::invalid(format!("Unsupported format version: v{text}")))
    }
}

struct Definitions {
    schema: Schema,
    spec: PartitionSpec,
    order: SortOrder,
}

impl Definitions {
    fn with_fresh_ids(mut self, format_version: u8) -> Result<Self, Error> {
        let renamed = self.schema.assign_fresh_ids()?;
        self.schema.id = Some(0);
        self.schema.check(format_version)?;
        self.spec.assign_fresh_ids(&renamed)?;
        self.spec.check(&self.schema)?;
        self.order.assign_fresh_ids(&renamed)?;
        self.order.check_compatible(&self.schema)?;
        Ok(self)
    }
}

/// Reads what a request asks for, under the name a reader knows it by.
pub(crate) fn parse<T>(
    name: &str,
    value: Value,
    parse: impl FnOnce(At<'_>, Value) -> Result<T, Error>,
) -> Result<T, Error> {
    let at = At::root(name);
    json::check_nesting(at, &value)?;
    parse(at, value)
}

fn new_properties(
    mut properties: BTreeMap<String, String>,
    format_version: u8,
    schema: &Schema,
) -> Result<Map<String, Value>, Error> {
    for reserved in RESERVED_PROPERTIES {
        properties.remove(*reserved);
    }
    for (key, default) in DEFAULTS {
        properties.entry((*key).to_owned()).or_insert_with(|| (*default).to_owned());
    }
    for key in COUNTS {
        if let Some(text) = properties.get(*key) {
            let number: i32 = text.parse().map_err(|_| {
                Error::invalid(format!("Table property {key} must have integer value"))
            })?;
            if number < 0 {
                return Err(Error::invalid(format!(
                    "Table property {key} must have non negative integer value"
                )));
            }
        }
    }
    let columns = schema.index();
    for key in properties.keys() {
        if let Some(column) = key.strip_prefix(COLUMN_METRICS_PREFIX)
            && columns.find_by_name(column).is_none()
        {
            return Err(Error::invalid(format!(
                "Invalid metrics config, could not find column {column} from table prop {key} in \
                 schema"
            )));
        }
    }
    check_encryption(properties.keys(), format_version)?;
    Ok(properties.into_iter().map(|(key, value)| (key, Value::String(value))).collect())
}

/// A table whose properties ask for encryption must not be created where there is none.
pub(crate) fn check_encryption<'a>(
    mut keys: impl Iterator<Item = &'a String>,
    format_version: u8,
) -> Result<(), Error> {
    match keys.find(|key| key.starts_with("encryption.")) {
        Some(key) if format_version < 3 => Err(Error::invalid(format!(
            "Invalid table property {key}: encryption is not supported until v3"
        ))),
        Some(_) | None => Ok(()),
    }
}
