//! A commit: requirements, updates, and what becomes of a table by them.

use serde_json::Value;

use crate::builder::Builder;
use crate::json::{self, At};
use crate::rollback::Rollback;
use crate::snapshot::Snapshot;
use crate::update::Update;
use crate::{Error, TableMetadata, TableRequirement, TableUpdate};

/// What a client assumes of a table, and what it wants changed.
#[derive(Debug, Clone, Default)]
pub struct TableCommit {
    /// What must hold; all of it is checked before anything is changed.
    pub requirements: Vec<TableRequirement>,
    /// What is changed, in order.
    pub updates: Vec<TableUpdate>,
}

/// What a commit needs to know beside the table.
#[derive(Debug, Clone, Copy)]
pub struct CommitContext<'a> {
    /// The time of the commit, in milliseconds since 1970.
    pub now_ms: i64,
    /// Where the metadata is that the commit changes. It goes into the metadata log.
    pub previous_metadata_file: Option<&'a str>,
    /// Whether compactions that allow it are rolled back where they are in the commit's way.
    pub rolls_back_compactions: bool,
}

impl TableCommit {
    /// Reads the `requirements` and `updates` of a request. `null` is as good as an empty list.
    pub fn parse(requirements: &Value, updates: &Value) -> Result<Self, Error> {
        let requirements =
            parse_list(At::root("Invalid requirements"), requirements, TableRequirement::parse)?;
        let updates = parse_list(At::root("Invalid updates"), updates, TableUpdate::parse)?;
        let commit = Self { requirements, updates };
        let is_other =
            |requirement: &TableRequirement| *requirement != TableRequirement::AssertCreate;
        if commit.is_create() && commit.requirements.iter().any(is_other) {
            return Err(Error::invalid(
                "Invalid create requirements: assert-create goes with no other requirement",
            ));
        }
        Ok(commit)
    }

    /// Whether the commit creates its table.
    pub fn is_create(&self) -> bool {
        self.requirements.contains(&TableRequirement::AssertCreate)
    }

    /// The updates' actions in order, such as `add-schema`: what authorization goes by.
    pub fn update_kinds(&self) -> impl Iterator<Item = &'static str> {
        self.updates.iter().map(TableUpdate::kind)
    }

    /// Checks all requirements.
    pub fn check(&self, base: &TableMetadata) -> Result<(), Error> {
        self.requirements.iter().try_for_each(|requirement| requirement.check(base))
    }

    /// Checks the requirements, then makes the changes. `None` if there was nothing to change.
    ///
    /// Where requirements do not hold because of compactions, these are rolled back if the context
    /// says so, and the requirements checked on what is left.
    pub fn apply(
        &self,
        base: &TableMetadata,
        context: &CommitContext<'_>,
    ) -> Result<Option<TableMetadata>, Error> {
        let mut builder = Builder::change(base, context.now_ms);
        if let Err(refused) = self.check(base) {
            let Some(rollback) =
                context.rolls_back_compactions.then(|| Rollback::of(self, base)).flatten()
            else {
                return Err(refused);
            };
            self.check(builder.roll_back(&rollback)?)?;
        }
        self.updates.iter().try_for_each(|update| builder.apply(&update.0))?;
        builder.finish_change(base, context.previous_metadata_file)
    }

    /// Makes the table that the commit creates.
    ///
    /// Unlike [`NewTable`](crate::NewTable) this keeps the ids that the client gave: there are data
    /// files written with them. If the commit does not assign a uuid the table gets a random one.
    pub fn create(&self, context: &CommitContext<'_>) -> Result<TableMetadata, Error> {
        let version = self.updates.iter().find_map(|update| {
            let Update::UpgradeFormatVersion { format_version } = &update.0 else { return None };
            Some(*format_version)
        });
        let mut builder = Builder::create(version, context.now_ms)?;
        self.updates.iter().try_for_each(|update| builder.apply(&update.0))?;
        builder.finish_create()
    }

    /// Whether the commit adds snapshots.
    pub fn adds_snapshots(&self) -> bool {
        self.added_snapshots().next().is_some()
    }

    /// Whether a table shows that the commit was applied to it before: its client did not hear of
    /// it, and asks again.
    ///
    /// The table has every snapshot that the commit adds, with the same content. Of a commit that
    /// creates the table, the table has the uuid too, which was made up for it. A commit that adds
    /// nothing and creates nothing leaves no such trace.
    pub fn was_applied_to(&self, table: &TableMetadata) -> bool {
        if !self.adds_snapshots() && !self.is_create() {
            return false;
        }
        let is_table = |uuid: &str| uuid.eq_ignore_ascii_case(table.uuid());
        let is_meant = if self.is_create() {
            self.updates
                .iter()
                .any(|update| matches!(&update.0, Update::AssignUuid { uuid } if is_table(uuid)))
        } else {
            !self.requirements.iter().any(|requirement| {
                matches!(requirement, TableRequirement::AssertTableUuid { uuid } if !is_table(uuid))
            })
        };
        is_meant
            && self
                .added_snapshots()
                .all(|added| table.snapshots.iter().any(|known| known.is_same_as(added)))
    }

    fn added_snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.updates.iter().filter_map(|update| {
            let Update::AddSnapshot { snapshot } = &update.0 else { return None };
            Some(&**snapshot)
        })
    }

    /// The location that the commit asks for; the last if there are several.
    pub fn requested_location(&self) -> Option<&str> {
        self.updates.iter().rev().find_map(|update| {
            let Update::SetLocation { location } = &update.0 else { return None };
            Some(location.as_str())
        })
    }

    /// The properties that the commit sets. Where a key is there twice the last counts.
    pub fn set_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let properties = self.updates.iter().filter_map(|update| {
            let Update::SetProperties { properties } = &update.0 else { return None };
            Some(properties)
        });
        properties.flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// Locations of the files that the commit adds to those of
    /// [`TableMetadata::file_locations`].
    pub fn file_locations(&self) -> impl Iterator<Item = &str> {
        let statistics = self.updates.iter().filter_map(|update| {
            let (Update::SetStatistics { file } | Update::SetPartitionStatistics { file }) =
                &update.0
            else {
                return None;
            };
            Some(file.path.as_str())
        });
        self.added_snapshots().flat_map(Snapshot::file_locations).chain(statistics)
    }
}

pub(crate) fn parse_list<T>(
    at: At<'_>,
    value: &Value,
    parse: impl Fn(At<'_>, Value) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let elements = value.as_array().ok_or_else(|| at.invalid("expected a list"))?;
    elements
        .iter()
        .enumerate()
        .map(|(index, element)| {
            let at = at.index(index);
            json::check_nesting(at, element)?;
            parse(at, element.clone())
        })
        .collect()
}
