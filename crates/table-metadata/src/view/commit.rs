//! A commit to a view: requirements, updates, and what becomes of the view by them.

use serde_json::Value;

use super::ViewMetadata;
use super::builder::Builder;
use super::update::ViewUpdate;
use crate::Error;
use crate::commit::parse_list;
use crate::json::{At, Object};

/// What a client assumes of a view, and what it wants changed.
///
/// It can be applied anew to what others made of the view in the meantime: ids of versions are
/// wishes, so that two clients who both add version 2 get a 2 and a 3.
#[derive(Debug, Clone, Default)]
pub struct ViewCommit {
    /// Uuids that the view must have, in any case.
    required_uuids: Vec<String>,
    updates: Vec<ViewUpdate>,
}

/// Requirements that only a table can meet.
const REQUIREMENTS_OF_TABLES: &[&str] = &[
    "assert-create",
    "assert-table-uuid",
    "assert-ref-snapshot-id",
    "assert-last-assigned-field-id",
    "assert-current-schema-id",
    "assert-last-assigned-partition-id",
    "assert-default-spec-id",
    "assert-default-sort-order-id",
];

impl ViewCommit {
    /// Reads the `requirements` and `updates` of a request. `null` is as good as an empty list.
    pub fn parse(requirements: &Value, updates: &Value) -> Result<Self, Error> {
        Ok(Self {
            required_uuids: parse_list(
                At::root("Invalid requirements"),
                requirements,
                parse_requirement,
            )?,
            updates: parse_list(At::root("Invalid updates"), updates, ViewUpdate::parse)?,
        })
    }

    /// The updates' actions in order, such as `add-view-version`: what authorization goes by.
    pub fn update_kinds(&self) -> impl Iterator<Item = &'static str> {
        self.updates.iter().map(ViewUpdate::kind)
    }

    /// Checks all requirements. The words are the reference implementation's, which clients show and
    /// test suites compare.
    pub fn check(&self, base: &ViewMetadata) -> Result<(), Error> {
        let actual = base.uuid();
        match self.required_uuids.iter().find(|uuid| !uuid.eq_ignore_ascii_case(actual)) {
            None => Ok(()),
            Some(uuid) => Err(Error::requirement(format_args!(
                "view UUID does not match: expected {actual} != {uuid}"
            ))),
        }
    }

    /// Checks the requirements, then makes the changes. `None` if there was nothing to change.
    pub fn apply(&self, base: &ViewMetadata, now_ms: i64) -> Result<Option<ViewMetadata>, Error> {
        self.check(base)?;
        let mut builder = Builder::change(base, now_ms);
        self.updates.iter().try_for_each(|update| builder.apply(update))?;
        builder.finish(base)
    }

    /// The location that the commit asks for; the last if there are several.
    pub fn requested_location(&self) -> Option<&str> {
        self.updates.iter().rev().find_map(|update| {
            let ViewUpdate::SetLocation { location } = update else { return None };
            Some(location.as_str())
        })
    }

    /// The properties that the commit sets. Where a key is there twice the last counts.
    pub fn set_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let properties = self.updates.iter().filter_map(|update| {
            let ViewUpdate::SetProperties { properties } = update else { return None };
            Some(properties)
        });
        properties.flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }
}

/// Reads the one requirement of views there is, `assert-view-uuid`.
fn parse_requirement(at: At<'_>, value: Value) -> Result<String, Error> {
    let mut object = Object::new(at, value)?;
    let kind: String = object.required("type")?;
    match kind.as_str() {
        "assert-view-uuid" => object.required("uuid"),
        kind if REQUIREMENTS_OF_TABLES.contains(&kind) => {
            Err(at.invalid(format_args!("{kind} is no requirement of a view")))
        }
        _ => Err(at.invalid(format_args!("unknown requirement type: {kind}"))),
    }
}
