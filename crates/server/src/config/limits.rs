//! How much of anything there may be.

use std::time::Duration;

use super::reader::Reader;
use super::registry as settings;

/// Bounds on requests, lists and memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body in bytes, after decompression.
    pub max_body_bytes: usize,
    /// The largest request head in bytes.
    pub max_header_bytes: usize,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long the head of a request may take to arrive, counted from when the connection waits
    /// for it: an idle connection is closed after it, too.
    pub header_read_timeout: Duration,
    /// The most connections at a time.
    pub max_connections: usize,
    /// The most requests worked on at a time.
    pub max_concurrent_requests: usize,
    /// How long running requests may take to end when the server stops; zero does not wait.
    pub shutdown_timeout: Duration,
    /// The size of a page when the client does not say; at most `max_page_size`.
    pub page_size: usize,
    /// The largest page.
    pub max_page_size: usize,
    /// Up to which compressed size metadata is kept in the database too.
    pub metadata_inline_max_bytes: usize,
    /// How much memory the metadata cache may take.
    pub metadata_cache_max_bytes: usize,
    /// The largest metadata file that is read.
    pub metadata_max_bytes: usize,
    /// How long a diagnosis of a catalog's storage may take.
    pub doctor_timeout: Duration,
}

impl Limits {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let limits = Self {
            max_body_bytes: reader.get(&settings::MAX_BODY),
            max_header_bytes: reader.get(&settings::MAX_HEADER),
            request_timeout: reader.get(&settings::REQUEST_TIMEOUT),
            header_read_timeout: reader.get(&settings::HEADER_TIMEOUT),
            max_connections: reader.get(&settings::MAX_CONNECTIONS),
            max_concurrent_requests: reader.get(&settings::MAX_CONCURRENT),
            shutdown_timeout: reader.get(&settings::SHUTDOWN_TIMEOUT),
            page_size: reader.get(&settings::PAGE_SIZE),
            max_page_size: reader.get(&settings::MAX_PAGE_SIZE),
            metadata_inline_max_bytes: reader.get(&settings::METADATA_INLINE),
            metadata_cache_max_bytes: reader.get(&settings::METADATA_CACHE),
            metadata_max_bytes: reader.get(&settings::METADATA_MAX),
            doctor_timeout: reader.get(&settings::DOCTOR_TIMEOUT),
        };
        if limits.page_size > limits.max_page_size {
            let why = format!("is more than {}", settings::MAX_PAGE_SIZE.row.key);
            reader.refuse(&settings::PAGE_SIZE.row, None, why);
        }
        limits
    }
}
