//! How many requests there may be.

use std::time::Duration;

use super::formats::{Format, not};
use super::reader::Reader;
use super::registry as settings;

/// Bounds on requests, by whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// How many a realm may have in a second; any number, if absent.
    pub per_realm_and_second: Option<usize>,
    /// How many a principal may make; 0 for any number.
    pub per_principal: usize,
    /// How many may come from an address; 0 for any number.
    pub per_address: usize,
    /// The time in which as many may come again, of a principal or an address.
    pub window: Duration,
    /// How many principals and addresses are remembered, of each.
    pub max_entries: usize,
}

impl Rates {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let filter = reader.get(&settings::RATE_FILTER);
        // All of them are read whatever the filter is, so that none passes for unknown.
        reader.get(&settings::RATE_BUCKET);
        let _ = reader.get(&settings::RATE_BUCKET_WINDOW);
        let per_second = reader.get(&settings::RATE_PER_REALM);
        Self {
            per_realm_and_second: (filter == RateFilter::Default).then_some(per_second),
            per_principal: reader.get(&settings::RATE_PER_PRINCIPAL),
            per_address: reader.get(&settings::RATE_PER_ADDRESS),
            window: reader.get(&settings::RATE_WINDOW),
            max_entries: reader.get(&settings::RATE_ENTRIES),
        }
    }
}

/// The value of `polaris.rate-limiter.filter.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RateFilter {
    NoOp,
    Default,
}

impl Format for RateFilter {
    type Value = Self;
    const EXPECTED: &'static str = "`no-op` or `default`";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "no-op" => Ok(Self::NoOp),
            "default" => Ok(Self::Default),
            _ => Err(not::<Self>()),
        }
    }
}
