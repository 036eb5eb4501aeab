//! Where metadata files are, what they are called, and how they are written.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::json::{self, At, Members};
use crate::snapshot::MAIN;
use crate::update::without_trailing_slash;
use crate::{Error, TableMetadata, ViewMetadata};

const CODEC: &str = "write.metadata.compression-codec";
const METADATA_PATH: &str = "write.metadata.path";

/// The name of a new metadata file, such as `00003-<uuid>.metadata.json`.
///
/// The number is one more than that of the previous file, which is given by its name or location;
/// 0 if there is no previous file or its name has no number.
pub fn metadata_file_name(previous: Option<&str>, uuid: Uuid, gzip: bool) -> String {
    let version = previous.and_then(version_of).map_or(0, |version| version.saturating_add(1));
    // Readers tell gzip by this part, which they expect before `.metadata.json`.
    let gzip = if gzip { ".gz" } else { "" };
    format!("{version:05}-{uuid}{gzip}.metadata.json")
}

fn version_of(location: &str) -> Option<u32> {
    let name = location.rsplit('/').next()?;
    let (version, _) = name.split_once('-')?;
    version.bytes().all(|byte| byte.is_ascii_digit()).then(|| version.parse().ok())?
}

/// Whether the table wants its metadata files written with gzip.
pub fn wants_gzip(metadata: &TableMetadata) -> Result<bool, Error> {
    is_gzip("table", metadata.property(CODEC).unwrap_or("none"))
}

/// Whether the view wants its metadata files written with gzip, which views do unless they say
/// otherwise.
pub fn view_wants_gzip(metadata: &ViewMetadata) -> Result<bool, Error> {
    is_gzip("view", metadata.property(CODEC).unwrap_or("gzip"))
}

fn is_gzip(owner: &str, codec: &str) -> Result<bool, Error> {
    if codec.eq_ignore_ascii_case("none") {
        Ok(false)
    } else if codec.eq_ignore_ascii_case("gzip") {
        Ok(true)
    } else {
        Err(Error::invalid(format!(
            "Invalid {owner} property {CODEC}: expected none or gzip, not {codec}"
        )))
    }
}

/// The folder that the table's metadata files go to, without a slash at its end.
pub fn metadata_folder(metadata: &TableMetadata) -> String {
    folder(metadata.property(METADATA_PATH), metadata.location())
}

/// The folder that the view's metadata files go to, without a slash at its end.
pub fn view_metadata_folder(metadata: &ViewMetadata) -> String {
    folder(metadata.property(METADATA_PATH), metadata.location())
}

fn folder(wanted: Option<&str>, location: &str) -> String {
    match wanted {
        Some(path) if !path.is_empty() => without_trailing_slash(path),
        Some(_) | None => format!("{}/metadata", without_trailing_slash(location)),
    }
}

/// The same metadata with only those snapshots that a branch or tag points to.
///
/// For clients that ask for `snapshots=refs`. Everything else, the logs too, is as it was.
pub fn only_referenced_snapshots(json: &[u8]) -> Result<Vec<u8>, Error> {
    let root = At::root("Invalid table metadata");
    let members = Members::parse(root, json)?;
    let referenced = referenced_snapshots(root, &members)?;

    let mut written = Vec::with_capacity(json.len());
    written.push(b'{');
    for (place, (name, raw)) in members.0.iter().enumerate() {
        if place > 0 {
            written.push(b',');
        }
        written.extend(json::to_vec(name));
        written.push(b':');
        if name == "snapshots" && raw.get() != "null" {
            write_snapshots(root.member(name), raw, &referenced, &mut written)?;
        } else {
            written.extend_from_slice(raw.get().as_bytes());
        }
    }
    written.push(b'}');
    Ok(written)
}

fn write_snapshots(
    at: At<'_>,
    raw: &RawValue,
    referenced: &HashSet<i64>,
    written: &mut Vec<u8>,
) -> Result<(), Error> {
    written.push(b'[');
    let mut is_first = true;
    for (index, snapshot) in json::elements(at, raw)?.into_iter().enumerate() {
        if referenced.contains(&snapshot_id(at.index(index), snapshot)?) {
            if !is_first {
                written.push(b',');
            }
            is_first = false;
            written.extend_from_slice(snapshot.get().as_bytes());
        }
    }
    written.push(b']');
    Ok(())
}

/// What branches and tags point to. Where there are none, the current snapshot is `main`.
fn referenced_snapshots(root: At<'_>, members: &Members<'_>) -> Result<HashSet<i64>, Error> {
    let member = |name: &str| members.0.iter().rfind(|(key, _)| key == name).map(|(_, raw)| *raw);
    let mut referenced = HashSet::new();
    let mut has_main = false;
    if let Some(refs) = member("refs").filter(|raw| raw.get() != "null") {
        let at = root.member("refs");
        for (name, reference) in Members::read(at, refs)?.0 {
            has_main |= name == MAIN;
            referenced.insert(snapshot_id(at.member(&name), reference)?);
        }
    }
    let name = "current-snapshot-id";
    if let Some(current) = json::optional(root.member(name), member(name))?
        && !has_main
    {
        referenced.insert(current);
    }
    Ok(referenced)
}

fn snapshot_id(at: At<'_>, raw: &RawValue) -> Result<i64, Error> {
    #[derive(Deserialize)]
    struct Known<'a> {
        #[serde(borrow, rename = "snapshot-id")]
        id: Option<&'a RawValue>,
    }
    let known: Known<'_> = json::object(at, raw)?;
    json::required(at.member("snapshot-id"), known.id)
}
