//! A view's metadata.

mod builder;
mod commit;
mod new_view;
mod read;
mod update;
mod version;
mod write;

use std::fmt::Display;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use self::commit::ViewCommit;
pub use self::new_view::NewView;
use self::version::ViewVersion;
use crate::Error;
use crate::history::VersionLogEntry;
use crate::json::Raw;
use crate::numbered::{self, Versions};
use crate::schema::Schema;

/// The only format version there is of views.
const FORMAT_VERSION: i32 = 1;

/// The metadata of a view, of format version 1.
///
/// Cheap to clone: what a commit does not touch is shared between the versions.
///
/// Members it does not know, and the text of those it need not understand, are written back as they
/// were read. So is the order of everything in lists, and that of the metadata's own members.
#[derive(Debug, Clone)]
pub struct ViewMetadata {
    uuid: String,
    format_version: i32,
    location: String,
    current_version_id: i32,
    versions: Vec<Arc<ViewVersion>>,
    version_log: Vec<VersionLogEntry>,
    schemas: Versions<Schema>,
    /// All values are strings.
    properties: Map<String, Value>,
    members: Vec<Member>,
}

/// A member of the metadata, in the order in which they are written.
#[derive(Debug, Clone)]
enum Member {
    Known(Known),
    Unknown(String, Raw),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Known {
    Uuid,
    FormatVersion,
    Location,
    Properties,
    Schemas,
    CurrentVersionId,
    Versions,
    VersionLog,
}

impl Known {
    /// All of them, in the order of new metadata.
    const ALL: [Self; 8] = [
        Self::Uuid,
        Self::FormatVersion,
        Self::Location,
        Self::Properties,
        Self::Schemas,
        Self::CurrentVersionId,
        Self::Versions,
        Self::VersionLog,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Uuid => "view-uuid",
            Self::FormatVersion => "format-version",
            Self::Location => "location",
            Self::Properties => "properties",
            Self::Schemas => "schemas",
            Self::CurrentVersionId => "current-version-id",
            Self::Versions => "versions",
            Self::VersionLog => "version-log",
        }
    }
}

impl ViewMetadata {
    /// Version of the format: 1.
    pub fn format_version(&self) -> i32 {
        self.format_version
    }

    /// The view's identity, which no commit can change.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// Where the view's metadata files are, unless its properties say otherwise.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Id of the version that readers get.
    pub fn current_version_id(&self) -> i32 {
        self.current_version_id
    }

    /// The value of a view property.
    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(key).and_then(Value::as_str)
    }

    /// When another version became the current one for the last time, in milliseconds since 1970.
    /// It is the time that the version log says, which may be that of a client's clock.
    ///
    /// Without a version log it is that of the current version; 0 if there is none either.
    pub fn last_updated_ms(&self) -> i64 {
        let logged = self.version_log.last().map(|entry| entry.timestamp_ms);
        let current = || self.version(self.current_version_id).map(|version| version.timestamp_ms);
        logged.or_else(current).unwrap_or(0)
    }

    /// Checks what [`parse`](Self::parse) leaves until somebody needs it: that there is a current
    /// version, that every version is complete and has a schema, and that every schema can be read.
    /// For metadata that others wrote, such as that of a registered view.
    pub fn validate(&self) -> Result<(), Error> {
        self.current_version()?;
        self.schemas.iter().try_for_each(|schema| schema.content().map(drop))?;
        self.versions.iter().try_for_each(|version| {
            version.check_complete()?;
            self.check_schema_of(version)
        })
    }

    fn version(&self, id: i32) -> Option<&ViewVersion> {
        self.versions.iter().map(Arc::as_ref).find(|version| version.id == id)
    }

    fn current_version(&self) -> Result<&ViewVersion, Error> {
        self.version(self.current_version_id).ok_or_else(|| {
            Error::invalid(format!(
                "Cannot find current version {} in view versions: {}",
                self.current_version_id,
                listed(self.versions.iter().map(|version| version.id))
            ))
        })
    }

    fn check_schema_of(&self, version: &ViewVersion) -> Result<(), Error> {
        if numbered::find(&self.schemas, version.schema_id).is_some() {
            return Ok(());
        }
        let which = if version.id == self.current_version_id { "current schema" } else { "schema" };
        Err(Error::invalid(format!(
            "Cannot find {which} with id {} in schemas: {}",
            version.schema_id,
            listed(self.schemas.iter().map(|schema| schema.id))
        )))
    }
}

/// A list as the reference implementation prints it.
fn listed<T: Display>(elements: impl IntoIterator<Item = T>) -> String {
    let elements: Vec<String> = elements.into_iter().map(|element| element.to_string()).collect();
    format!("[{}]", elements.join(", "))
}
