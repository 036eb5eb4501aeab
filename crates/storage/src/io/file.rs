//! Files in the server's own file system: for development.
//!
//! `object_store` has a local store, but it creates files by hard link, which not every file system
//! has, and its errors do not tell whoever mounted a folder what to change.
//!
//! **Symbolic links.** Whoever can write below a table's location (an engine running as another
//! user, say) could put a link there that leads the server elsewhere. So before each access the
//! path is resolved, and what leads out of the allowed location that contains it is denied. Links
//! *above* an allowed location are the operator's own and are followed. A link that is put in place
//! between the check and the access is not noticed; even then no file is ever overwritten, since
//! files are only created. With the wildcard `*` there is no boundary and nothing is checked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use merak_model::{Location, StorageConfig};

use crate::{Error, ProviderMessage};

/// A file in the server's file system.
pub(super) struct LocalFile {
    location: String,
    path: PathBuf,
    /// The allowed locations it is in.
    roots: Vec<PathBuf>,
}

impl LocalFile {
    pub(super) fn new(config: &StorageConfig, location: &Location) -> Self {
        let roots = config
            .allowed_locations
            .iter()
            .filter_map(|allowed| Location::parse(allowed).ok())
            .filter(|allowed| allowed.contains(location))
            .map(|allowed| path_of(&allowed))
            .collect();
        Self { location: location.to_string(), path: path_of(location), roots }
    }

    /// Does blocking work with the file on a thread for such.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let location = self.location.clone();
        tokio::task::spawn_blocking(move || work(&self)).await.unwrap_or_else(|error| {
            Err(Error::Unavailable { location, source: ProviderMessage(error.to_string()) })
        })
    }

    pub(super) fn read(&self, limit: u64) -> Result<Vec<u8>, Error> {
        let fault = |error: io::Error| self.fault(&Doing::Reading, &error);
        self.check_links()?;
        // A pipe or a device would never end, or not even open.
        if !fs::metadata(&self.path).map_err(fault)?.is_file() {
            return Err(self.denied(format!("'{}' is no regular file", self.path.display())));
        }
        let file = File::open(&self.path).map_err(fault)?;
        let mut content = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(fault)?;
        if content.len() as u64 > limit {
            return Err(Error::TooLarge { location: self.location.clone(), limit });
        }
        Ok(content)
    }

    pub(super) fn create(&self, content: &[u8]) -> Result<(), Error> {
        self.check_links()?;
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        make_directories(directory).map_err(|error| self.fault(&Doing::MakingFolders, &error))?;

        let fault = |error: io::Error| self.fault(&Doing::Writing, &error);
        let mut file =
            OpenOptions::new().write(true).create_new(true).open(&self.path).map_err(fault)?;
        let written = file.write_all(content).and_then(|()| file.sync_all());
        if let Err(error) = written.and_then(|()| sync_directory(directory)) {
            // It is ours, and not whole.
            _ = fs::remove_file(&self.path);
            return Err(fault(error));
        }
        Ok(())
    }

    /// Makes the folder that this names, and those above it.
    pub(super) fn make_folder(&self) -> Result<(), Error> {
        self.check_links()?;
        make_directories(&self.path).map_err(|error| self.fault(&Doing::MakingFolders, &error))
    }

    pub(super) fn delete(&self) -> Result<(), Error> {
        self.check_links()?;
        let removed =
            fs::remove_file(&self.path).map_err(|error| self.fault(&Doing::Removing, &error));
        if let Err(Error::NotFound { .. }) = removed {
            return Ok(());
        }
        removed
    }

    /// Removes the empty folders in the folder that this names, then itself if nothing is left.
    pub(super) fn remove_empty_folders(&self) -> Result<(), Error> {
        self.check_links()?;
        // A link is none, wherever it leads.
        if !self.path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Ok(());
        }
        self.remove_if_empty(&self.path).map_err(|error| self.fault(&Doing::Removing, &error))
    }

    fn remove_if_empty(&self, folder: &Path) -> io::Result<()> {
        // Read to its end first: there may be more folders in one another than files may be open.
        let mut folders = Vec::new();
        let mut has_files = false;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            // That of the entry itself, also if it is a link.
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                has_files = true;
            }
        }
        for within in folders {
            self.remove_if_empty(&within)?;
        }
        if has_files || self.roots.iter().any(|root| root == folder) {
            return Ok(());
        }
        match fs::remove_dir(folder) {
            Ok(()) => Ok(()),
            // Others write and remove meanwhile.
            Err(error)
                if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Denies a path that a link leads out of its allowed location.
    fn check_links(&self) -> Result<(), Error> {
        if self.roots.is_empty() {
            return Ok(());
        }
        let resolve =
            |path| resolve(path).map_err(|error| self.fault(&Doing::FollowingLinks, &error));
        let path = resolve(&self.path)?;
        for root in &self.roots {
            if path.starts_with(resolve(root)?) {
                return Ok(());
            }
        }
        Err(self.denied("a symbolic link leads out of the allowed location".to_owned()))
    }

    /// The error of an operation, with what the operator can do about it.
    fn fault(&self, doing: &Doing, error: &io::Error) -> Error {
        let location = self.location.clone();
        let kind = error.kind();
        if kind == ErrorKind::PermissionDenied {
            return self.denied(self.whose_permission(doing));
        }
        if kind == ErrorKind::ReadOnlyFilesystem {
            let reason = format!("the file system of '{}' is read-only", self.path.display());
            return self.denied(reason);
        }
        if matches!(doing, Doing::FollowingLinks) {
            return self.denied(format!("the symbolic links on its path lead nowhere: {error}"));
        }
        let blocked = matches!(kind, ErrorKind::NotADirectory | ErrorKind::AlreadyExists);
        if blocked && matches!(doing, Doing::MakingFolders) {
            return self.denied(self.what_is_no_folder());
        }
        if kind == ErrorKind::AlreadyExists {
            return Error::AlreadyExists { location };
        }
        if matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory) {
            let reason = format!("there is no file '{}'", self.path.display());
            return Error::NotFound { location, reason };
        }
        if kind == ErrorKind::IsADirectory {
            return self.denied(format!("'{}' is a folder", self.path.display()));
        }
        if kind == ErrorKind::InvalidFilename {
            return Error::Refused { location, status: None, reason: error.to_string() };
        }
        Error::Unavailable { location, source: ProviderMessage(error.to_string()) }
    }

    fn denied(&self, reason: String) -> Error {
        Error::Denied { location: self.location.clone(), reason }
    }

    /// Names the user the server runs as, and the one whose permission is missing.
    fn whose_permission(&self, doing: &Doing) -> String {
        let server = match fs::metadata("/proc/self") {
            Ok(process) => format!("the server runs as uid {}", process.uid()),
            Err(_) => "the server's user".to_owned(),
        };
        let (verb, subject) = match doing {
            Doing::Reading => ("read", self.path.clone()),
            Doing::FollowingLinks => ("follow", self.path.clone()),
            Doing::Writing | Doing::MakingFolders | Doing::Removing => {
                ("write in", nearest(self.path.parent().unwrap_or(Path::new("/"))))
            }
        };
        let owner = match fs::metadata(&subject) {
            Ok(found) => format!(
                ", which belongs to uid {} and has mode {:o}",
                found.uid(),
                found.mode() & 0o7777
            ),
            Err(_) => String::new(),
        };
        format!("{server} and may not {verb} '{}'{owner}", subject.display())
    }

    fn what_is_no_folder(&self) -> String {
        let folders = self.path.ancestors().skip(1);
        let mut files = folders.filter(|path| path.symlink_metadata().is_ok() && !path.is_dir());
        match files.next() {
            Some(file) => format!("'{}' is no folder", file.display()),
            None => format!("no folder can be made for '{}'", self.path.display()),
        }
    }
}

/// What was being done when it failed.
enum Doing {
    Reading,
    MakingFolders,
    Writing,
    Removing,
    FollowingLinks,
}

/// The path as the location spells it: nothing is decoded.
fn path_of(location: &Location) -> PathBuf {
    Path::new("/").join(location.path())
}

/// The longest part of the path that exists, a link without a target included.
fn nearest(path: &Path) -> PathBuf {
    let exists = |path: &&Path| path.symlink_metadata().is_ok();
    path.ancestors().find(exists).unwrap_or(Path::new("/")).to_owned()
}

/// The path without links, where as much of it as is missing is taken as it stands.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let existing = nearest(path);
    let missing = path.strip_prefix(&existing).unwrap_or(Path::new(""));
    let resolved = existing.canonicalize()?;
    // Joining nothing would add a slash, and then a file could not be opened.
    Ok(if missing.as_os_str().is_empty() { resolved } else { resolved.join(missing) })
}

/// Makes a folder and those above it, so that they outlast a crash.
fn make_directories(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let above = directory.parent().unwrap_or(Path::new("/"));
    make_directories(above)?;
    match fs::create_dir(directory) {
        Ok(()) => sync_directory(above),
        // Another writer made it meanwhile.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes the entries of a folder outlast a crash.
fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory) {
        Ok(opened) => opened.sync_all(),
        // A folder may be writable but not readable; then this cannot be had.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> LocalFile {
        LocalFile { location: format!("file://{path}"), path: path.into(), roots: Vec::new() }
    }

    /// Made up, since the tests may run as the super-user, who lacks no permission.
    fn fault(path: &str, doing: &Doing, kind: ErrorKind) -> String {
        let error = file(path).fault(doing, &io::Error::from(kind));
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
        error.to_string()
    }

    #[test]
    fn a_missing_permission_names_the_folder_and_both_users() {
        let uid = fs::metadata("/proc/self").unwrap().uid();

        let told = fault("/proc/none/t/x", &Doing::MakingFolders, ErrorKind::PermissionDenied);

        assert_eq!(
            told,
            format!(
                "Access to file:///proc/none/t/x was denied: the server runs as uid {uid} and may \
                 not write in '/proc', which belongs to uid 0 and has mode 555"
            )
        );
    }

    #[test]
    fn a_file_that_may_not_be_read_is_named_itself() {
        let told = fault("/proc/none/x", &Doing::Reading, ErrorKind::PermissionDenied);

        assert!(told.ends_with("and may not read '/proc/none/x'"), "{told}");
    }

    #[test]
    fn a_read_only_file_system_is_called_so() {
        let told = fault("/mnt/x", &Doing::Writing, ErrorKind::ReadOnlyFilesystem);

        assert!(told.ends_with("the file system of '/mnt/x' is read-only"), "{told}");
    }

    #[test]
    fn a_full_disk_is_no_denial() {
        let error = file("/mnt/x").fault(&Doing::Writing, &ErrorKind::StorageFull.into());

        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
}
