//! Compressed metadata.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::Error;

/// What gzip data begins with. No JSON text does.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// From this size on, (de)compression is long enough to be kept from the threads that answer
/// requests.
const WORTH_A_THREAD: usize = 64 * 1024;

/// Why bytes could not be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GzipError {
    /// They are more than the limit, decompressed.
    #[error("it is larger than {limit} bytes when decompressed")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// They are not gzip, or broken.
    #[error("it is not valid gzip: {reason}")]
    Malformed {
        /// What the decoder says.
        reason: String,
    },
}

/// Compresses metadata.
///
/// # Panics
///
/// Never: a vector takes all that is written to it.
pub fn gzip(json: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(json.len() / 8), Level::default());
    encoder.write_all(json).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

/// Decompresses metadata, and stops at `limit` bytes.
pub fn gunzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, GzipError> {
    // Several members after one another are one file: Java's writers make such.
    let mut decoder = MultiGzDecoder::new(bytes).take(limit.saturating_add(1));
    let mut json = Vec::new();
    decoder
        .read_to_end(&mut json)
        .map_err(|error| GzipError::Malformed { reason: error.to_string() })?;
    if json.len() as u64 > limit {
        return Err(GzipError::TooLarge { limit });
    }
    Ok(json)
}

/// Whether these bytes are gzip, whatever the file's name says.
fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Compresses metadata, on another thread when that takes long.
pub(super) async fn compress(json: &[u8]) -> Bytes {
    if json.len() < WORTH_A_THREAD {
        return gzip(json).into();
    }
    let json = json.to_vec();
    on_another_thread(move || gzip(&json)).await.into()
}

/// The text in a file, decompressed when it is gzip.
pub(super) async fn decode(stored: Bytes, limit: u64, location: &str) -> Result<Bytes, Error> {
    let text = if !is_gzip(&stored) {
        stored
    } else if stored.len() < WORTH_A_THREAD / 8 {
        gunzip(&stored, limit).map_err(|error| at(&error, location))?.into()
    } else {
        let json = on_another_thread(move || gunzip(&stored, limit)).await;
        json.map_err(|error| at(&error, location))?.into()
    };
    if text.len() as u64 > limit {
        return Err(Error::TooLarge { location: location.to_owned(), limit });
    }
    if let Err(error) = std::str::from_utf8(&text) {
        let reason = format!("it is no UTF-8 text from byte {} on", error.valid_up_to());
        return Err(Error::Malformed { location: location.to_owned(), reason });
    }
    Ok(text)
}

fn at(error: &GzipError, location: &str) -> Error {
    let location = location.to_owned();
    match error {
        &GzipError::TooLarge { limit } => Error::TooLarge { location, limit },
        GzipError::Malformed { .. } => Error::Malformed { location, reason: error.to_string() },
    }
}

async fn on_another_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("compression neither panics nor is cancelled")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let json = br#"{"format-version":2}"#;

        assert_eq!(gunzip(&gzip(json), 20).unwrap(), json);
    }

    #[test]
    fn the_limit_is_the_largest_size_accepted() {
        let packed = gzip(&[b' '; 1000]);

        assert_eq!(gunzip(&packed, 1000).unwrap().len(), 1000);
        assert_eq!(gunzip(&packed, 999), Err(GzipError::TooLarge { limit: 999 }));
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let bomb = gzip(&vec![b' '; 50_000_000]);
        assert!(bomb.len() < 100_000);

        assert_eq!(gunzip(&bomb, 1000), Err(GzipError::TooLarge { limit: 1000 }));
    }

    #[test]
    fn members_after_one_another_are_one_text() {
        let packed = [gzip(b"{\"a\":"), gzip(b"1}")].concat();

        assert_eq!(gunzip(&packed, 100).unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn every_broken_ending_is_an_error_and_no_panic() {
        let packed = gzip(br#"{"format-version":2,"table-uuid":"x"}"#);

        for length in 0..packed.len() {
            // Nothing at all is no member, and so no gzip.
            let result = gunzip(&packed[..length], 1000);
            assert!(result.is_err() || length == 0, "{length} bytes were accepted");
        }
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_refused_without_being_quoted() {
        let stored = Bytes::from_static(b"{\"a\":\"\xff\"}");

        let error = decode(stored, 100, "s3://b/x").await.unwrap_err();

        assert_eq!(error.to_string(), "s3://b/x is damaged: it is no UTF-8 text from byte 6 on");
    }
}
