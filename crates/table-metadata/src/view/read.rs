//! Reading view metadata, from any writer.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::version::ViewVersion;
use super::{FORMAT_VERSION, Known, Member, ViewMetadata};
use crate::Error;
use crate::history::VersionLogEntry;
use crate::json::{self, At, Members};
use crate::metadata::unique;
use crate::numbered::Numbered;
use crate::schema::Schema;

const ROOT: At<'static> = At::root("Invalid view metadata");

impl ViewMetadata {
    /// Reads metadata. An error names the member that is wrong.
    ///
    /// Whether the parts fit each other is left to [`validate`](Self::validate), so that a view can
    /// be loaded as far as its reader understands it.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let mut members = Members::parse(ROOT, json)?;
        let order = order(&members);
        let metadata = Self {
            format_version: read_format_version(&mut members)?,
            uuid: required(&mut members, "view-uuid")?,
            location: required(&mut members, "location")?,
            current_version_id: required(&mut members, "current-version-id")?,
            versions: list(&mut members, "versions", |at, raw| {
                ViewVersion::read(at, raw).map(Arc::new)
            })?,
            version_log: list(&mut members, "version-log", VersionLogEntry::read)?,
            schemas: list(&mut members, "schemas", |at, raw| read_schema(at, raw).map(Arc::new))?,
            properties: read_properties(&mut members)?,
            members: order,
        };
        unique(ROOT.member("versions"), metadata.versions.iter().map(|version| version.id))?;
        unique(ROOT.member("schemas"), metadata.schemas.iter().map(|schema| schema.id))?;
        Ok(metadata)
    }
}

/// The members as they come. One that is known and there twice counts where it is first.
fn order(members: &Members<'_>) -> Vec<Member> {
    let mut seen = HashSet::new();
    members
        .0
        .iter()
        .filter_map(|(name, raw)| match Known::ALL.iter().find(|known| known.name() == name) {
            None => Some(Member::Unknown(name.clone(), json::keep(raw))),
            Some(known) => seen.insert(*known).then_some(Member::Known(*known)),
        })
        .collect()
}

fn read_format_version(members: &mut Members<'_>) -> Result<i32, Error> {
    let version: i32 = required(members, "format-version")?;
    if version == FORMAT_VERSION {
        Ok(version)
    } else {
        Err(ROOT.member("format-version").invalid(format_args!("unsupported version {version}")))
    }
}

/// The id is 0 where the writer left it out, as it is for the reference implementation.
fn read_schema(at: At<'_>, raw: &RawValue) -> Result<Numbered<Schema>, Error> {
    let mut members = Members::read(at, raw)?;
    let id = json::optional(at.member("schema-id"), members.take("schema-id"))?;
    Ok(Numbered::from_text(id.unwrap_or(0), json::keep(raw)))
}

fn read_properties(members: &mut Members<'_>) -> Result<Map<String, Value>, Error> {
    let at = ROOT.member("properties");
    match members.take("properties") {
        Some(raw) => json::string_map(at, json::value(at, raw)?),
        None => Ok(Map::new()),
    }
}

fn required<T: json::Plain>(members: &mut Members<'_>, name: &str) -> Result<T, Error> {
    json::required(ROOT.member(name), members.take(name))
}

fn list<T>(
    members: &mut Members<'_>,
    name: &str,
    mut read: impl FnMut(At<'_>, &RawValue) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let at = ROOT.member(name);
    let raw = members.take(name).ok_or_else(|| at.missing())?;
    let elements = json::elements(at, raw)?.into_iter().enumerate();
    elements.map(|(index, raw)| read(at.index(index), raw)).collect()
}
