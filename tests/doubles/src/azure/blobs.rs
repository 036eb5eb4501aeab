//! Blobs and directories, in memory.

use std::collections::{BTreeMap, HashMap};

use axum::body::Bytes;
use time::OffsetDateTime;

use super::place::Place;

/// A blob, or a directory of a hierarchical namespace.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) data: Bytes,
    pub(crate) etag: String,
    pub(crate) content_type: String,
    pub(crate) modified: OffsetDateTime,
    pub(crate) is_directory: bool,
}

type Key = (String, String, String);

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    all: BTreeMap<Key, Blob>,
    /// Blocks that no list has committed yet.
    blocks: HashMap<Key, BTreeMap<String, Bytes>>,
    /// What was appended, and not yet flushed.
    appended: HashMap<Key, Vec<u8>>,
    last: u64,
}

fn key(place: &Place) -> Key {
    (place.account.clone(), place.container.clone(), place.path.trim_matches('/').to_owned())
}

impl Blobs {
    pub(crate) fn get(&self, place: &Place) -> Option<&Blob> {
        self.all.get(&key(place))
    }

    /// Puts a blob, and the directories above it where there are such.
    pub(crate) fn put(
        &mut self,
        place: &Place,
        data: Bytes,
        content_type: &str,
        is_hierarchical: bool,
    ) -> Blob {
        if is_hierarchical {
            self.put_parents(place);
        }
        self.blocks.remove(&key(place));
        self.insert(place, data, content_type, false)
    }

    pub(crate) fn put_directory(&mut self, place: &Place) -> Blob {
        self.put_parents(place);
        self.insert(place, Bytes::new(), "", true)
    }

    fn put_parents(&mut self, place: &Place) {
        let path = place.path.trim_matches('/');
        for (end, _) in path.match_indices('/') {
            let parent = place.at(&path[..end]);
            if self.get(&parent).is_none() {
                self.insert(&parent, Bytes::new(), "", true);
            }
        }
    }

    fn insert(
        &mut self,
        place: &Place,
        data: Bytes,
        content_type: &str,
        is_directory: bool,
    ) -> Blob {
        self.last += 1;
        let blob = Blob {
            data,
            etag: format!("\"0x8DE{:012X}\"", self.last),
            content_type: content_type.to_owned(),
            modified: OffsetDateTime::now_utc(),
            is_directory,
        };
        self.all.insert(key(place), blob.clone());
        blob
    }

    pub(crate) fn delete(&mut self, place: &Place) {
        self.all.remove(&key(place));
    }

    /// Deletes a directory and all that is in it.
    pub(crate) fn delete_tree(&mut self, place: &Place) {
        for name in self.names_in(place) {
            self.delete(&place.at(&name));
        }
        self.delete(place);
    }

    /// The full paths of what is in a directory, at any depth; of a container, if the path is empty.
    pub(crate) fn names_in(&self, place: &Place) -> Vec<String> {
        let (account, container, directory) = key(place);
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let of_container = self.all.keys().filter(|it| it.0 == account && it.1 == container);
        of_container.map(|it| &it.2).filter(|it| it.starts_with(&prefix)).cloned().collect()
    }

    pub(crate) fn put_block(&mut self, place: &Place, id: &str, data: Bytes) {
        self.blocks.entry(key(place)).or_default().insert(id.to_owned(), data);
    }

    /// The data of these blocks, if they are all there.
    pub(crate) fn joined_blocks(&self, place: &Place, ids: &[String]) -> Option<Bytes> {
        let none = BTreeMap::new();
        let blocks = self.blocks.get(&key(place)).unwrap_or(&none);
        let mut data = Vec::new();
        for id in ids {
            data.extend_from_slice(blocks.get(id)?);
        }
        Some(data.into())
    }

    /// Appends at a position; gives nothing if it is not where the data ends.
    pub(crate) fn append(&mut self, place: &Place, position: usize, data: &[u8]) -> Option<()> {
        let flushed = self.get(place)?.data.len();
        let appended = self.appended.entry(key(place)).or_default();
        if flushed + appended.len() != position {
            return None;
        }
        appended.extend_from_slice(data);
        Some(())
    }

    /// Flushes what was appended; gives nothing if it does not end at the position.
    pub(crate) fn flush(&mut self, place: &Place, position: usize) -> Option<Blob> {
        let blob = self.get(place)?.clone();
        let appended = self.appended.remove(&key(place)).unwrap_or_default();
        let data = [blob.data.as_ref(), &appended].concat();
        (data.len() == position).then(|| self.insert(place, data.into(), &blob.content_type, false))
    }
}
