//! What is remembered of requests with an idempotency key.

use std::time::Duration;

use super::reader::Reader;
use super::registry as settings;

/// Whether and how long answers to requests with an idempotency key are remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// How long; not at all if absent.
    pub lifetime: Option<Duration>,
}

impl Idempotency {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let is_enabled = reader.get(&settings::IDEMPOTENCY);
        let lifetime = reader.get(&settings::IDEMPOTENCY_TTL);
        Self { lifetime: is_enabled.then_some(lifetime) }
    }
}
