//! Sets of files that take the same, small room for each, however long their names.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hash, RandomState};

/// What stands for a text: two hashes with keys of this process, so that nobody can make two texts
/// that have the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fingerprints([RandomState; 2]);

impl Fingerprints {
    /// That of a value.
    pub(crate) fn of(&self, value: impl Hash) -> u128 {
        let [one, other] = &self.0;
        u128::from(one.hash_one(&value)) << 64 | u128::from(other.hash_one(&value))
    }
}

/// Files, by what stands for their names.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    fingerprints: Fingerprints,
    seen: HashSet<u128>,
}

impl Paths {
    /// Whether the file is among them.
    pub(crate) fn contains(&self, path: &str) -> bool {
        !self.seen.is_empty() && self.seen.contains(&self.fingerprints.of(path))
    }

    /// Adds a file. Whether it is new.
    pub(crate) fn insert(&mut self, path: &str) -> bool {
        self.seen.insert(self.fingerprints.of(path))
    }

    /// Adds a file to a memory of `room`, which is emptied when it is full. Whether the file is
    /// new, or forgotten.
    pub(crate) fn remember(&mut self, path: &str, room: usize) -> bool {
        if self.seen.len() >= room {
            self.seen.clear();
        }
        self.insert(path)
    }

    /// How many they are.
    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_memory_forgets_and_is_never_wrong_about_what_is_new() {
        let mut paths = Paths::default();

        assert!(paths.remember("a", 2) && paths.remember("b", 2));
        assert!(paths.contains("a") && !paths.contains("c"));
        assert!(paths.remember("c", 2), "a new one is never taken for an old one");
        assert!(paths.remember("a", 2), "it was forgotten");
        assert_eq!(paths.len(), 2);
        assert!(!paths.insert("a"));
    }
}
