//! The directory of the embedded database, which one server has to itself.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// A data directory that is ours. Another process gets it once this is dropped, however we end.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if it is not there, for its owner only, and locks it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        make_private(path)?;
        let lock_path = path.join("merak.lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .with_context(|| format!("cannot open {}", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "the data directory {} is in use by another merak: stop that one, or give this one \
                 a directory of its own with MERAK_DATA_DIR",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", lock_path.display()));
            }
        }
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot resolve the data directory {}", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(unix)]
fn make_private(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let is_there = path.is_dir();
    if is_there {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| {
        format!("cannot make the data directory {} (MERAK_DATA_DIR)", path.display())
    })
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).with_context(|| {
        format!("cannot make the data directory {} (MERAK_DATA_DIR)", path.display())
    })
}
