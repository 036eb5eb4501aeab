//! How many wrong client secrets are borne.

use std::time::Duration;

use super::reader::Reader;
use super::registry as settings;

/// Bounds on wrong client secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guesses {
    /// How many a client id may be shown; 0 for any number.
    pub per_client: usize,
    /// How many an address may show; 0 for any number.
    pub per_address: usize,
    /// The time in which as many may come again.
    pub window: Duration,
    /// How many client ids and addresses are remembered, of each.
    pub max_entries: usize,
}

impl Guesses {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            per_client: reader.get(&settings::GUESSES_PER_CLIENT),
            per_address: reader.get(&settings::GUESSES_PER_ADDRESS),
            window: reader.get(&settings::GUESS_WINDOW),
            max_entries: reader.get(&settings::GUESS_ENTRIES),
        }
    }
}
