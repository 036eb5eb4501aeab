//! Views that the create route makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::version::RequestedVersion;
use super::{FORMAT_VERSION, ViewMetadata, builder};
use crate::Error;
use crate::history::VersionLogEntry;
use crate::metadata::NEWEST_FORMAT_VERSION;
use crate::new_table::parse;
use crate::numbered::Numbered;
use crate::schema::Schema;
use crate::update::without_trailing_slash;

const FIRST_VERSION_ID: i32 = 1;
const FIRST_SCHEMA_ID: i32 = 0;

/// What a client asks a new view to be.
///
/// Of the version its id, its time and its schema's id do not count: they are given anew. Unlike a
/// new table's, the ids of columns stay as they are.
#[derive(Debug, Clone)]
pub struct NewView {
    /// The columns.
    pub schema: Value,
    /// The first version.
    pub view_version: Value,
    /// Where the metadata files are to be.
    pub location: String,
    /// View properties.
    pub properties: BTreeMap<String, String>,
    /// The view's identity.
    pub uuid: Uuid,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

impl NewView {
    /// Makes the view's first metadata.
    pub fn build(self) -> Result<ViewMetadata, Error> {
        let location = without_trailing_slash(&self.location);
        if location.is_empty() {
            return Err(Error::invalid("Invalid location: must not be empty"));
        }
        let schema = parse("Invalid schema", self.schema, Schema::parse)?;
        // The format versions are those of tables; a view can select whatever a table can hold.
        schema.check(NEWEST_FORMAT_VERSION)?;
        let schema = Schema { id: Some(FIRST_SCHEMA_ID), ..schema };
        let version = parse("Invalid view version", self.view_version, RequestedVersion::parse)?;
        let version = version.numbered(FIRST_VERSION_ID, self.now_ms, FIRST_SCHEMA_ID);
        let properties = self.properties.into_iter();
        let metadata = ViewMetadata {
            uuid: self.uuid.to_string(),
            format_version: FORMAT_VERSION,
            location,
            current_version_id: FIRST_VERSION_ID,
            versions: vec![Arc::new(version)],
            version_log: vec![VersionLogEntry::new(self.now_ms, FIRST_VERSION_ID)],
            schemas: vec![Arc::new(Numbered::new(FIRST_SCHEMA_ID, schema))],
            properties: properties.map(|(key, value)| (key, Value::String(value))).collect(),
            members: ViewMetadata::new_members(),
        };
        builder::history_size(&metadata)?;
        Ok(metadata)
    }
}
