//! Makes new view metadata by applying updates one after another.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::update::ViewUpdate;
use super::version::RequestedVersion;
use super::{FORMAT_VERSION, ViewMetadata, listed};
use crate::Error;
use crate::history::VersionLogEntry;
use crate::metadata::NEWEST_FORMAT_VERSION;
use crate::numbered::{self, Numbered};
use crate::properties::{remove_properties, set_location, set_properties};
use crate::schema::Schema;

const DROP_DIALECT_ALLOWED: &str = "replace.drop-dialect.allowed";
const HISTORY_SIZE: &str = "version.history.num-entries";
const HISTORY_SIZE_DEFAULT: i32 = 10;

/// What stands for the schema or version that was added last.
const LAST_ADDED: i32 = -1;

/// Metadata in the making.
#[derive(Debug)]
pub(super) struct Builder {
    metadata: ViewMetadata,
    now_ms: i64,
    changed: bool,
    /// What -1 stands for; likewise below.
    last_added_schema: Option<i32>,
    last_added_version: Option<i32>,
    added_versions: HashSet<i32>,
    /// What the log is to say of the commit as a whole: only the last choice of a version counts.
    log_entry: Option<VersionLogEntry>,
}

impl Builder {
    pub(super) fn change(base: &ViewMetadata, now_ms: i64) -> Self {
        Self {
            metadata: base.clone(),
            now_ms,
            changed: false,
            last_added_schema: None,
            last_added_version: None,
            added_versions: HashSet::new(),
            log_entry: None,
        }
    }

    pub(super) fn apply(&mut self, update: &ViewUpdate) -> Result<(), Error> {
        match update {
            ViewUpdate::AssignUuid { uuid } => self.assign_uuid(uuid),
            ViewUpdate::UpgradeFormatVersion { format_version } => {
                self.upgrade_format_version(*format_version)
            }
            ViewUpdate::AddSchema { schema } => self.add_schema(schema),
            ViewUpdate::SetLocation { location } => {
                self.changed |= set_location(&mut self.metadata.location, location);
                Ok(())
            }
            ViewUpdate::SetProperties { properties } => {
                self.changed |= set_properties(&mut self.metadata.properties, properties);
                Ok(())
            }
            ViewUpdate::RemoveProperties { keys } => {
                self.changed |= remove_properties(&mut self.metadata.properties, keys);
                Ok(())
            }
            ViewUpdate::AddVersion { version } => self.add_version(version),
            ViewUpdate::SetCurrentVersion { id } => self.set_current_version(*id),
        }
    }

    /// The changed metadata, unless nothing changed.
    pub(super) fn finish(mut self, base: &ViewMetadata) -> Result<Option<ViewMetadata>, Error> {
        let before = base.current_version()?;
        if !self.changed {
            return Ok(None);
        }
        self.metadata.version_log.extend(self.log_entry.take());
        self.check_dialects(&before.dialects)?;
        self.expire_versions()?;
        Ok(Some(self.metadata))
    }

    fn assign_uuid(&self, uuid: &str) -> Result<(), Error> {
        if self.metadata.uuid.eq_ignore_ascii_case(uuid) {
            return Ok(());
        }
        Err(Error::invalid("Cannot reassign uuid"))
    }

    fn upgrade_format_version(&self, version: i32) -> Result<(), Error> {
        let current = self.metadata.format_version;
        if version < current {
            return Err(Error::invalid(format!("Cannot downgrade v{current} view to v{version}")));
        }
        if version > FORMAT_VERSION {
            return Err(Error::invalid(format!("Unsupported format version: {version}")));
        }
        Ok(())
    }

    fn add_schema(&mut self, schema: &Schema) -> Result<(), Error> {
        schema.check(NEWEST_FORMAT_VERSION)?;
        let id = match self.find_same_schema(schema)? {
            Some(id) => id,
            None => self.add_new_schema(schema)?,
        };
        // The reference implementation forgets a schema that was there already, so that a commit
        // fails for which somebody else happened to add the same one.
        self.last_added_schema = Some(id);
        Ok(())
    }

    fn find_same_schema(&self, schema: &Schema) -> Result<Option<i32>, Error> {
        for known in &self.metadata.schemas {
            if known.content()?.is_same_as(schema) {
                return Ok(Some(known.id));
            }
        }
        Ok(None)
    }

    fn add_new_schema(&mut self, schema: &Schema) -> Result<i32, Error> {
        let id = numbered::next_id(&self.metadata.schemas, 0)?;
        let added = Schema { id: Some(id), ..schema.clone() };
        self.metadata.schemas.push(Arc::new(Numbered::new(id, added)));
        self.changed = true;
        Ok(id)
    }

    fn add_version(&mut self, version: &RequestedVersion) -> Result<(), Error> {
        let schema_id = if version.schema_id == LAST_ADDED {
            self.last_added_schema.ok_or_else(|| {
                Error::invalid("Cannot set last added schema: no schema has been added")
            })?
        } else {
            version.schema_id
        };
        // As with schemas: it is the last added one even if it was there already.
        let known = &self.metadata.versions;
        let same = known.iter().find(|known| version.is_same_as(known, schema_id));
        self.last_added_version = Some(match same {
            Some(same) => same.id,
            None => self.add_new_version(version, schema_id)?,
        });
        Ok(())
    }

    fn add_new_version(
        &mut self,
        version: &RequestedVersion,
        schema_id: i32,
    ) -> Result<i32, Error> {
        if numbered::find(&self.metadata.schemas, schema_id).is_none() {
            return Err(Error::invalid(format!(
                "Cannot add version with unknown schema: {schema_id}"
            )));
        }
        let id = self.new_version_id(version.id)?;
        let added = version.numbered(id, version.timestamp_ms, schema_id);
        self.metadata.versions.push(Arc::new(added));
        self.added_versions.insert(id);
        self.changed = true;
        Ok(id)
    }

    /// The wished id, or the next if one as high was given away.
    fn new_version_id(&self, wish: i32) -> Result<i32, Error> {
        match self.metadata.versions.iter().map(|version| version.id).max() {
            Some(last) if last >= wish => last
                .checked_add(1)
                .ok_or_else(|| Error::invalid("Cannot assign an id: none is left")),
            Some(_) | None => Ok(wish),
        }
    }

    fn set_current_version(&mut self, id: i32) -> Result<(), Error> {
        let id = if id == LAST_ADDED {
            self.last_added_version.ok_or_else(|| {
                Error::invalid("Cannot set last version id: no current version id has been set")
            })?
        } else {
            id
        };
        let metadata = &mut self.metadata;
        if id == metadata.current_version_id {
            return Ok(());
        }
        let Some(version) = metadata.version(id) else {
            return Err(Error::invalid(format!(
                "Cannot set current version to unknown version: {id}"
            )));
        };
        // A version that is older than the commit becomes the current one now.
        let time =
            if self.added_versions.contains(&id) { version.timestamp_ms } else { self.now_ms };
        metadata.current_version_id = id;
        let current = metadata.current_version()?;
        metadata.check_schema_of(current)?;
        self.log_entry = Some(VersionLogEntry::new(time, id));
        self.changed = true;
        Ok(())
    }

    /// Who could read the view before must be able to after, unless its properties say otherwise.
    fn check_dialects(&self, before: &BTreeSet<String>) -> Result<(), Error> {
        let allowed = self.metadata.property(DROP_DIALECT_ALLOWED);
        let after = &self.metadata.current_version()?.dialects;
        if allowed.is_some_and(|text| text.eq_ignore_ascii_case("true"))
            || after.is_superset(before)
        {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Cannot replace view due to loss of view dialects ({DROP_DIALECT_ALLOWED}=false):\n\
             Previous dialects: {}\nNew dialects: {}",
            listed(before),
            listed(after)
        )))
    }

    /// Forgets the versions with the lowest ids that are more than the view wants to keep, but not
    /// those that this commit added or uses.
    fn expire_versions(&mut self) -> Result<(), Error> {
        let metadata = &mut self.metadata;
        self.added_versions.insert(metadata.current_version_id);
        let to_keep = history_size(metadata)?.max(self.added_versions.len());
        if metadata.versions.len() <= to_keep {
            return Ok(());
        }
        let mut others: Vec<i32> = metadata.versions.iter().map(|version| version.id).collect();
        others.retain(|id| *id != metadata.current_version_id);
        others.sort_unstable_by(|one, other| other.cmp(one));
        let mut kept: HashSet<i32> = others.into_iter().take(to_keep - 1).collect();
        kept.insert(metadata.current_version_id);

        metadata.versions.retain(|version| kept.contains(&version.id));
        // What is left of the log must not have gaps.
        let gap = metadata.version_log.iter().rposition(|entry| !kept.contains(&entry.subject));
        metadata.version_log.drain(..gap.map_or(0, |gap| gap + 1));
        Ok(())
    }
}

/// How many versions the view wants to keep, which is at least one.
pub(super) fn history_size(metadata: &ViewMetadata) -> Result<usize, Error> {
    let size: i32 = match metadata.property(HISTORY_SIZE) {
        None => HISTORY_SIZE_DEFAULT,
        Some(text) => text.parse().map_err(|_| {
            Error::invalid(format!(
                "View property {HISTORY_SIZE} must have integer value, not {text}"
            ))
        })?,
    };
    usize::try_from(size)
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(|| Error::invalid(format!("{HISTORY_SIZE} must be positive but was {size}")))
}
