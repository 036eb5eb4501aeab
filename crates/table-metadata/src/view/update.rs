//! What a client wants changed of a view.

use serde_json::{Map, Value};

use super::version::RequestedVersion;
use crate::Error;
use crate::json::{At, Object};
use crate::schema::Schema;
use crate::update::{take_location, take_properties, take_removals, take_uuid};

/// One change to a view.
#[derive(Debug, Clone)]
pub(super) enum ViewUpdate {
    AssignUuid { uuid: String },
    UpgradeFormatVersion { format_version: i32 },
    AddSchema { schema: Schema },
    SetLocation { location: String },
    SetProperties { properties: Map<String, Value> },
    RemoveProperties { keys: Vec<String> },
    AddVersion { version: RequestedVersion },
    SetCurrentVersion { id: i32 },
}

/// Updates that only a table can have.
const OF_TABLES: &[&str] = &[
    "set-current-schema",
    "add-spec",
    "set-default-spec",
    "add-sort-order",
    "set-default-sort-order",
    "add-snapshot",
    "set-snapshot-ref",
    "remove-snapshot-ref",
    "remove-snapshots",
    "set-statistics",
    "remove-statistics",
    "set-partition-statistics",
    "remove-partition-statistics",
    "remove-partition-specs",
    "remove-schemas",
    "add-encryption-key",
    "remove-encryption-key",
];

impl ViewUpdate {
    pub(super) fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value)?;
        let action: String = object.required("action")?;
        Ok(match action.as_str() {
            "assign-uuid" => Self::AssignUuid { uuid: take_uuid(&mut object)? },
            "upgrade-format-version" => {
                Self::UpgradeFormatVersion { format_version: object.required("format-version")? }
            }
            "add-schema" => {
                let schema = object.take_required("schema")?;
                Self::AddSchema { schema: Schema::parse(at.member("schema"), schema)? }
            }
            "set-location" => Self::SetLocation { location: take_location(&mut object)? },
            "set-properties" => Self::SetProperties { properties: take_properties(&mut object)? },
            "remove-properties" => Self::RemoveProperties { keys: take_removals(&mut object)? },
            "add-view-version" => {
                let version = object.take_required("view-version")?;
                let version = RequestedVersion::parse(at.member("view-version"), version)?;
                Self::AddVersion { version }
            }
            "set-current-view-version" => {
                Self::SetCurrentVersion { id: object.required("view-version-id")? }
            }
            action if OF_TABLES.contains(&action) => {
                return Err(at.invalid(format_args!("{action} is no update of a view")));
            }
            _ => return Err(at.invalid(format_args!("unknown update action: {action}"))),
        })
    }

    /// What the update's `action` member says.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::AssignUuid { .. } => "assign-uuid",
            Self::UpgradeFormatVersion { .. } => "upgrade-format-version",
            Self::AddSchema { .. } => "add-schema",
            Self::SetLocation { .. } => "set-location",
            Self::SetProperties { .. } => "set-properties",
            Self::RemoveProperties { .. } => "remove-properties",
            Self::AddVersion { .. } => "add-view-version",
            Self::SetCurrentVersion { .. } => "set-current-view-version",
        }
    }
}
