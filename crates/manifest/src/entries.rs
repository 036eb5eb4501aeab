//! The entries of manifest lists and manifests.
//!
//! Specified at <https://iceberg.apache.org/spec/#manifests>.

use crate::container::Container;
use crate::input::Input;
use crate::schema::{Field, Schema, Type, TypeId};
use crate::{Error, Limits};

/// An entry of a manifest list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFile {
    /// Where the manifest is, as the writer spelled it.
    pub path: String,
    /// How many bytes it has, as the writer says.
    pub length: i64,
    /// Whether the files that it names hold deletes, not data.
    pub is_deletes: bool,
}

/// An entry of a manifest: a file of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataFile<'a> {
    /// Where it is, as the writer spelled it.
    pub path: &'a str,
    /// What became of it with the snapshot that the manifest was written for.
    pub status: EntryStatus,
    /// What it holds.
    pub content: Content,
    /// The only data file that the deletes in it are for, if there is only one and it is told.
    pub referenced_data_file: Option<&'a str>,
}

/// What became of a file with the snapshot that its manifest was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryStatus {
    /// It was there before.
    Existing,
    /// It was added.
    Added,
    /// It was removed from the table. It is still there for the snapshots before.
    Deleted,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Rows.
    Data,
    /// Positions of deleted rows; of format version 3, also deletion vectors.
    PositionDeletes,
    /// Values of deleted rows.
    EqualityDeletes,
}

/// A field of Iceberg's, which is known by its id, and by its name where a writer leaves ids out.
struct Known {
    id: i64,
    name: &'static str,
}

const MANIFEST_PATH: Known = Known { id: 500, name: "manifest_path" };
const MANIFEST_LENGTH: Known = Known { id: 501, name: "manifest_length" };
const MANIFEST_CONTENT: Known = Known { id: 517, name: "content" };
const STATUS: Known = Known { id: 0, name: "status" };
const DATA_FILE: Known = Known { id: 2, name: "data_file" };
const CONTENT: Known = Known { id: 134, name: "content" };
const FILE_PATH: Known = Known { id: 100, name: "file_path" };
const REFERENCED_DATA_FILE: Known = Known { id: 143, name: "referenced_data_file" };

impl Known {
    /// Which of the fields it is.
    fn among(&self, fields: &[Field]) -> Result<Option<usize>, Error> {
        let is_it = |field: &Field| field.id == Some(self.id);
        let is_called_so = |field: &Field| field.id.is_none() && field.name == self.name;
        let at = fields.iter().position(is_it).or_else(|| fields.iter().position(is_called_so));
        if fields.iter().filter(|field| is_it(field)).count() > 1 {
            return Err(Error::Malformed(format!("its schema has '{}' twice", self.name)));
        }
        Ok(at)
    }

    fn required_among(&self, fields: &[Field]) -> Result<usize, Error> {
        self.among(fields)?
            .ok_or_else(|| Error::Malformed(format!("its schema has no '{}'", self.name)))
    }
}

/// The entries of a manifest list, in its order.
pub fn read_manifest_list(bytes: &[u8], limits: Limits) -> Result<Vec<ManifestFile>, Error> {
    let mut container = Container::open(bytes)?;
    let schema = Schema::parse(container.schema)?;
    let fields = schema.fields(Schema::ROOT).ok_or_else(no_record)?;
    let path_at = MANIFEST_PATH.required_among(fields)?;
    let length_at = MANIFEST_LENGTH.required_among(fields)?;
    let content_at = MANIFEST_CONTENT.among(fields)?;

    let mut manifests = Vec::new();
    let mut held_bytes = 0;
    let mut path = Vec::new();
    each_value(&mut container, &limits, |input| {
        let (mut length, mut content) = (None, None);
        path.clear();
        for (at, field) in fields.iter().enumerate() {
            if at == path_at {
                required_path(&schema, field.of, input, &mut path)?;
            } else if at == length_at {
                length = optional_long(&schema, field.of, input)?;
            } else if Some(at) == content_at {
                content = optional_long(&schema, field.of, input)?;
            } else {
                schema.skip(field.of, input)?;
            }
        }
        held_bytes += size_of::<ManifestFile>() + path.len();
        if held_bytes > limits.held_bytes {
            let limit = limits.held_bytes as u64;
            return Err(Error::TooLarge { what: "bytes in paths", limit });
        }
        manifests.push(ManifestFile {
            path: text(&path)?.to_owned(),
            length: length.ok_or_else(|| Error::malformed("a manifest has no length"))?,
            is_deletes: match content {
                // Before version 2 there were no deletes.
                None | Some(0) => false,
                Some(1) => true,
                Some(_) => return Err(Error::malformed("a manifest has unknown content")),
            },
        });
        Ok(())
    })?;
    Ok(manifests)
}

/// Calls `each` for every entry of a manifest, in its order: also for those of files that were
/// removed from the table. They are not held.
///
/// When it fails, `each` may have been called for the entries before the fault.
pub fn read_manifest(
    bytes: &[u8],
    limits: Limits,
    mut each: impl FnMut(DataFile<'_>),
) -> Result<(), Error> {
    let mut container = Container::open(bytes)?;
    let schema = Schema::parse(container.schema)?;
    let entry = schema.fields(Schema::ROOT).ok_or_else(no_record)?;
    let status_at = STATUS.required_among(entry)?;
    let file_at = DATA_FILE.required_among(entry)?;
    let file_type = schema.record_within(entry[file_at].of).ok_or_else(no_record)?;
    let file = schema.fields(file_type).ok_or_else(no_record)?;
    let path_at = FILE_PATH.required_among(file)?;
    let content_at = CONTENT.among(file)?;
    let referenced_at = REFERENCED_DATA_FILE.among(file)?;

    let (mut path, mut referenced) = (Vec::new(), Vec::new());
    each_value(&mut container, &limits, |input| {
        let (mut status, mut content, mut has_referenced) = (None, None, false);
        for (at, field) in entry.iter().enumerate() {
            if at == status_at {
                status = optional_long(&schema, field.of, input)?;
            } else if at == file_at {
                if schema.resolve(field.of, input)? != file_type {
                    return Err(Error::malformed("an entry names no file"));
                }
                for (at, field) in file.iter().enumerate() {
                    if at == path_at {
                        required_path(&schema, field.of, input, &mut path)?;
                    } else if Some(at) == content_at {
                        content = optional_long(&schema, field.of, input)?;
                    } else if Some(at) == referenced_at {
                        has_referenced = optional_path(&schema, field.of, input, &mut referenced)?;
                    } else {
                        schema.skip(field.of, input)?;
                    }
                }
            } else {
                schema.skip(field.of, input)?;
            }
        }
        each(DataFile {
            path: text(&path)?,
            status: match status {
                Some(0) => EntryStatus::Existing,
                Some(1) => EntryStatus::Added,
                Some(2) => EntryStatus::Deleted,
                Some(_) | None => return Err(Error::malformed("an entry has unknown status")),
            },
            content: match content {
                // Before version 2 there were no deletes.
                None | Some(0) => Content::Data,
                Some(1) => Content::PositionDeletes,
                Some(2) => Content::EqualityDeletes,
                Some(_) => return Err(Error::malformed("a file has unknown content")),
            },
            referenced_data_file: if has_referenced { Some(text(&referenced)?) } else { None },
        });
        Ok(())
    })
}

/// Calls `read` where each value begins, which is to read it to its end.
fn each_value(
    container: &mut Container<'_>,
    limits: &Limits,
    mut read: impl FnMut(&mut Input<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut entries, mut bytes) = (0_u64, 0);
    while let Some(block) = container.next_block()? {
        entries = entries.saturating_add(block.count);
        if entries > limits.entries {
            return Err(Error::TooLarge { what: "entries", limit: limits.entries });
        }
        let mut input = Input::new(&block, container.codec, limits, bytes)?;
        for _ in 0..block.count {
            input.begin_value()?;
            read(&mut input)?;
        }
        if !input.is_at_end()? {
            return Err(Error::malformed("a block is longer than its values"));
        }
        bytes += input.bytes();
    }
    Ok(())
}

fn optional_long(schema: &Schema, of: TypeId, input: &mut Input<'_>) -> Result<Option<i64>, Error> {
    let resolved = schema.get(schema.resolve(of, input)?);
    if matches!(resolved, Type::Null) {
        return Ok(None);
    }
    if matches!(resolved, Type::Long) {
        return input.long().map(Some);
    }
    Err(Error::malformed("a field that should be a number is none"))
}

/// Whether there is a path; it is in `path` then.
fn optional_path(
    schema: &Schema,
    of: TypeId,
    input: &mut Input<'_>,
    path: &mut Vec<u8>,
) -> Result<bool, Error> {
    let resolved = schema.get(schema.resolve(of, input)?);
    if matches!(resolved, Type::Null) {
        return Ok(false);
    }
    if matches!(resolved, Type::Text) {
        return input.path(path).map(|()| true);
    }
    Err(Error::malformed("a field that should be a path is none"))
}

fn required_path(
    schema: &Schema,
    of: TypeId,
    input: &mut Input<'_>,
    path: &mut Vec<u8>,
) -> Result<(), Error> {
    if optional_path(schema, of, input, path)? && !path.is_empty() {
        return Ok(());
    }
    Err(Error::malformed("an entry has no path"))
}

fn text(path: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(path).map_err(|_| Error::malformed("a path is no UTF-8 text"))
}

fn no_record() -> Error {
    Error::malformed("its values are no records")
}
