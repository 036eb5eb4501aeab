//! What can go wrong, and how often or when it does.

use std::collections::{HashMap, VecDeque};

use merak_server::FileOperation;

use super::chance::Chance;

/// What goes wrong with the metastore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreFault {
    /// It does not answer, and nothing is done.
    Unavailable,
    /// It is done, and the answer is lost.
    LostDone,
    /// It is not done, and nobody can tell.
    LostUndone,
    /// Another replica changes the entity before it is done.
    Overtaken,
}

/// What goes wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFault {
    /// The store does not answer, and nothing is done.
    Before,
    /// It is done, and the store does not answer in time.
    After,
    /// The store refuses.
    Denied,
}

/// Faults one after the other, and what comes after the last of them.
#[derive(Debug, Clone)]
pub(crate) struct Script<T> {
    pub(crate) first: VecDeque<Option<T>>,
    pub(crate) then: Option<T>,
}

impl<T> Default for Script<T> {
    fn default() -> Self {
        Self { first: VecDeque::new(), then: None }
    }
}

impl<T: Copy> Script<T> {
    /// These, and no more.
    pub(crate) fn of(first: &[Option<T>]) -> Self {
        Self { first: first.iter().copied().collect(), then: None }
    }

    /// These, and then always that.
    pub(crate) fn until(first: &[Option<T>], then: T) -> Self {
        Self { then: Some(then), ..Self::of(first) }
    }

    pub(crate) fn next(&mut self) -> Option<T> {
        self.first.pop_front().unwrap_or(self.then)
    }
}

/// Faults that a test names one by one.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    pub(crate) resolves: Script<StoreFault>,
    pub(crate) applies: Script<StoreFault>,
    pub(crate) files: HashMap<FileOperation, Script<FileFault>>,
}

/// How often something goes wrong, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) unavailable: u64,
    pub(crate) lost_done: u64,
    pub(crate) lost_undone: u64,
    pub(crate) overtaken: u64,
    pub(crate) resolve: u64,
    pub(crate) file: u64,
}

impl Weather {
    /// What goes wrong with a write.
    pub(crate) fn of_write(self, chance: &mut Chance) -> Option<StoreFault> {
        let mut drawn = chance.below(100);
        for (share, fault) in [
            (self.unavailable, StoreFault::Unavailable),
            (self.lost_done, StoreFault::LostDone),
            (self.lost_undone, StoreFault::LostUndone),
            (self.overtaken, StoreFault::Overtaken),
        ] {
            if drawn < share {
                return Some(fault);
            }
            drawn -= share;
        }
        None
    }
}
