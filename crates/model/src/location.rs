//! Places in object stores, in a form that can be compared without being fooled.

use std::fmt;

/// The kind of store a location is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StorageType {
    /// S3 and what speaks its protocol.
    S3,
    /// Azure Blob and Data Lake storage.
    Azure,
    /// Google Cloud Storage.
    Gcs,
    /// The file system of the machine the server runs on.
    File,
}

impl StorageType {
    /// Its name in the management API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::Azure => "AZURE",
            Self::Gcs => "GCS",
            Self::File => "FILE",
        }
    }

    /// What its locations begin with, for messages.
    pub const fn prefixes(self) -> &'static str {
        match self {
            Self::S3 => "s3:// or s3a://",
            Self::Azure => "abfs://, abfss://, wasb:// or wasbs://",
            Self::Gcs => "gs://",
            Self::File => "file:// or /",
        }
    }
}

impl fmt::Display for StorageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The most bytes a location may have: object stores take keys of 1024, and an index of either
/// database not much more than this.
pub const MAX_LOCATION_BYTES: usize = 2000;

/// Why a text is not a location we would act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid location '{location}': {reason}")]
pub struct InvalidLocation {
    location: String,
    reason: &'static str,
}

/// A directory or file in an object store: parsed, and free of what could make two spellings of one
/// place look different, or two places look nested (dot segments, empty segments, control
/// characters).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    text: String,
    storage_type: StorageType,
    authority: String,
    path: String,
}

impl Location {
    /// Parses what a user or a client sent. Slashes at the end are dropped.
    pub fn parse(text: &str) -> Result<Self, InvalidLocation> {
        let fail = |reason| InvalidLocation {
            location: text.escape_debug().take(MAX_LOCATION_BYTES).collect(),
            reason,
        };
        if text.chars().any(char::is_control) {
            return Err(fail("it contains control characters; was it copied from a terminal?"));
        }
        if text.len() > MAX_LOCATION_BYTES {
            return Err(fail("it is longer than 2000 bytes"));
        }
        if text.contains('\\') {
            return Err(fail("it must not contain backslashes"));
        }
        let (storage_type, authority, path) = split(text).map_err(fail)?;
        let path = path.trim_end_matches('/');
        check_segments(path).map_err(fail)?;
        let text = match storage_type {
            // Always written with an empty authority: what all engines read.
            StorageType::File => format!("file:///{path}"),
            StorageType::S3 | StorageType::Azure | StorageType::Gcs => {
                text.trim_end_matches('/').to_owned()
            }
        };
        Ok(Self { text, storage_type, authority: authority.to_owned(), path: path.to_owned() })
    }

    /// The location as it is told to clients: as given, without slashes at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The kind of store it is in.
    pub fn storage_type(&self) -> StorageType {
        self.storage_type
    }

    /// The bucket, or for Azure `container@host`; empty for files.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path within the bucket, without slashes at either end. For files, the absolute path
    /// without its first slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The form that overlaps are judged by, which ends in a slash: one location is within another
    /// exactly when its form begins with the other's. `s3` and `s3a` are one, and so are the ways
    /// to name one Azure container.
    pub fn comparable(&self) -> String {
        let mut form = match self.storage_type {
            StorageType::S3 => format!("s3://{}/", self.authority),
            StorageType::Gcs => format!("gs://{}/", self.authority),
            StorageType::File => "file:///".to_owned(),
            StorageType::Azure => {
                let account_end = self.authority.find('.').unwrap_or(self.authority.len());
                format!("abfs://{}/", &self.authority[..account_end])
            }
        };
        if !self.path.is_empty() {
            form.push_str(&self.path);
            form.push('/');
        }
        form
    }

    /// Whether `other` is this place or one below it, judged at a path boundary.
    pub fn contains(&self, other: &Self) -> bool {
        other.comparable().starts_with(&self.comparable())
    }

    /// The place below this one. The name must be free of slashes: see [`crate::EntityName`].
    pub fn child(&self, name: &str) -> Result<Self, InvalidLocation> {
        Self::parse(&format!("{}/{name}", self.text.trim_end_matches('/')))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Takes a location apart: the kind of store, the bucket, the path.
fn split(text: &str) -> Result<(StorageType, &str, &str), &'static str> {
    if let Some(path) = text.strip_prefix('/') {
        return Ok((StorageType::File, "", path.trim_start_matches('/')));
    }
    let (scheme, rest) = text.split_once(':').ok_or("it has no scheme such as s3:// or file://")?;
    if scheme.eq_ignore_ascii_case("file") {
        let path = match rest.strip_prefix("//") {
            Some(after) => after
                .strip_prefix("localhost/")
                .or_else(|| after.strip_prefix('/'))
                // `file://` alone is the root, as in Polaris.
                .or_else(|| after.is_empty().then_some(after))
                .ok_or("a file location names no host: write file:///path")?,
            None => rest.strip_prefix('/').ok_or("a file location must be absolute")?,
        };
        return Ok((StorageType::File, "", path));
    }
    let storage_type = match scheme {
        "s3" | "s3a" => StorageType::S3,
        "gs" => StorageType::Gcs,
        "abfs" | "abfss" | "wasb" | "wasbs" => StorageType::Azure,
        _ => return Err("its scheme is none of s3, s3a, gs, abfs, abfss, wasb, wasbs, file"),
    };
    let rest = rest.strip_prefix("//").ok_or("two slashes must follow the scheme")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.is_empty() {
        return Err("it names no bucket or container");
    }
    if storage_type == StorageType::Azure {
        let (container, host) = authority.split_once('@').ok_or("write container@account.host")?;
        if container.is_empty() || host.is_empty() {
            return Err("write container@account.host");
        }
    } else if authority.contains(['@', ':', '?', '#', '*', ' ']) {
        return Err("its bucket name contains a character that no bucket name has");
    }
    Ok((storage_type, authority, path))
}

/// Refuses the segments that make a path mean another place than it says.
fn check_segments(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Ok(());
    }
    for segment in path.split('/') {
        if segment.is_empty() {
            return Err("it contains an empty path segment");
        }
        // Some clients and stores decode percent signs: what would decode to a dot segment is one.
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        if decoded == "." || decoded == ".." {
            return Err("it contains a relative path segment");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(text: &str) -> Location {
        Location::parse(text).unwrap()
    }

    #[test]
    fn a_sibling_with_the_same_beginning_is_not_inside() {
        let table = location("s3://lake/db/t1");

        assert!(table.contains(&location("s3a://lake/db/t1/")));
        assert!(table.contains(&location("s3://lake/db/t1/data/x")));
        assert!(!table.contains(&location("s3://lake/db/t1x")));
        assert!(!table.contains(&location("s3://lake/db")));
        assert!(!table.contains(&location("s3://lak/db/t1")));
    }

    #[test]
    fn a_bucket_contains_what_is_in_it() {
        assert!(location("s3://lake").contains(&location("s3://lake/db")));
        assert!(!location("s3://lake").contains(&location("s3://lake2/db")));
    }

    #[test]
    fn the_names_of_one_azure_container_are_one_place() {
        let dfs = location("abfss://c@acct.dfs.core.windows.net/p");

        assert!(dfs.contains(&location("wasbs://c@acct.blob.core.windows.net/p/q")));
        assert!(!dfs.contains(&location("abfss://d@acct.dfs.core.windows.net/p/q")));
    }

    #[test]
    fn a_path_that_means_another_place_is_refused() {
        for bad in [
            "s3://lake/a/../b",
            "s3://lake/a/./b",
            "s3://lake/a//b",
            "s3://lake/%2e%2E/b",
            "s3://lake/.%2e/b",
            "file:///a/../b",
            "s3://lake/a\u{0}b",
            "s3://lake/a\nb",
            "s3://lake\\a",
            "s3://",
            "s3:///a",
            "s3:/lake/a",
            "s3://user@lake/a",
            "http://lake/a",
            "file://host/a",
            "lake/a",
            "",
        ] {
            assert!(Location::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn files_are_written_one_way() {
        for text in ["/tmp/a", "file:/tmp/a", "file:///tmp/a/", "FILE:///tmp/a", "//tmp/a"] {
            assert_eq!(location(text).as_str(), "file:///tmp/a", "from {text}");
        }
        for text in ["/", "file:/", "file://", "file:///"] {
            assert_eq!(location(text).as_str(), "file:///", "from {text}");
        }
    }

    #[test]
    fn slashes_at_the_end_are_dropped() {
        assert_eq!(location("s3://lake/a/").as_str(), "s3://lake/a");
        assert_eq!(location("s3://lake/").comparable(), "s3://lake/");
    }
}
