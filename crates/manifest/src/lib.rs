//! Reads the manifest lists and manifests of Iceberg tables, of format versions 1 to 3: which files
//! they name.
//!
//! Both are Avro files that clients wrote, with schemas that differ by version, by writer and by the
//! table's partitions. So the fields that matter are found in the writer's own schema, by Iceberg's
//! field ids, and all others are stepped over.
//!
//! It is pure: there is no clock, no file and no network in it. The bytes may be hostile: they cause
//! an error and no panic, and what is held of them is bounded, whatever they claim or decompress to.

#![warn(missing_docs)]

mod codec;
mod container;
mod entries;
mod error;
mod input;
mod schema;
#[cfg(test)]
mod tests;

pub use entries::{
    Content, DataFile, EntryStatus, ManifestFile, read_manifest, read_manifest_list,
};
pub use error::Error;

/// What is accepted of one file. Beyond it reading ends with [`Error::TooLarge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many entries. A list's are held all at once.
    pub entries: u64,
    /// How many bytes all blocks have together, decompressed. Mostly a limit to the time it takes:
    /// only a few of them are held at any time.
    pub decompressed_bytes: u64,
    /// How many bytes are held at a time: those of a block that is compressed with Snappy, which is
    /// decompressed as a whole; and those of all paths of a list.
    pub held_bytes: usize,
    /// How many bytes a path has.
    pub path_bytes: usize,
}

impl Default for Limits {
    /// More than any table has that is cared for: ten million files, in two gibibytes.
    fn default() -> Self {
        Self {
            entries: 10_000_000,
            decompressed_bytes: 2 * 1024 * 1024 * 1024,
            held_bytes: 256 * 1024 * 1024,
            path_bytes: 64 * 1024,
        }
    }
}
