//! How blocks are compressed.

use std::io::{Cursor, Read};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use ruzstd::decoding::StreamingDecoder;

use crate::{Error, Limits};

/// The largest window that Zstandard may ask for: that of its highest common level, 19, several
/// times. It is held while a block is read.
const LARGEST_WINDOW: u64 = 32 * 1024 * 1024;

/// How blocks are compressed: what Iceberg's `write.avro.compression-codec` can be, but for the
/// `bzip2` of `PyIceberg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Not at all.
    Null,
    /// Deflate, without the frame of zlib or gzip. Iceberg calls it `gzip`; its default.
    Deflate,
    /// Snappy, followed by a checksum.
    Snappy,
    /// Zstandard.
    Zstandard,
}

impl Codec {
    /// The codec of that name in a file's header.
    pub(crate) fn of(name: &[u8]) -> Result<Self, Error> {
        match name {
            b"null" => Ok(Self::Null),
            b"deflate" => Ok(Self::Deflate),
            b"snappy" => Ok(Self::Snappy),
            b"zstandard" => Ok(Self::Zstandard),
            other => Err(Error::Malformed(format!(
                "its blocks are compressed with '{}', which is not supported",
                other
                    .iter()
                    .take(20)
                    .map(|byte| byte.escape_ascii().to_string())
                    .collect::<String>()
            ))),
        }
    }

    /// The content of a block, as it is decompressed bit by bit.
    pub(crate) fn reader<'a>(
        self,
        block: &'a [u8],
        limits: &Limits,
    ) -> Result<Box<dyn Read + 'a>, Error> {
        Ok(match self {
            Self::Null => Box::new(block),
            Self::Deflate => Box::new(DeflateDecoder::new(block)),
            Self::Snappy => Box::new(Cursor::new(snappy(block, limits)?)),
            Self::Zstandard => {
                let decoder = StreamingDecoder::new_with_max_window_size(block, LARGEST_WINDOW);
                Box::new(decoder.map_err(|error| broken(&error))?)
            }
        })
    }
}

/// The error for a block that cannot be decompressed.
pub(crate) fn broken(error: &dyn std::error::Error) -> Error {
    Error::Malformed(format!("a block cannot be decompressed: {error}"))
}

fn snappy(block: &[u8], limits: &Limits) -> Result<Vec<u8>, Error> {
    let (compressed, checksum) = block.split_last_chunk().ok_or_else(Error::cut_short)?;
    let length = snap::raw::decompress_len(compressed).map_err(|error| broken(&error))?;
    if length > limits.held_bytes {
        let limit = limits.held_bytes as u64;
        return Err(Error::TooLarge { what: "bytes in a block", limit });
    }
    // Three bytes stand for at most 64: a length beyond that is a lie, and not worth its memory.
    if length / 64 > compressed.len() {
        return Err(Error::malformed("a block is shorter than it says"));
    }
    let content =
        snap::raw::Decoder::new().decompress_vec(compressed).map_err(|error| broken(&error))?;
    let mut crc = Crc::new();
    crc.update(&content);
    if crc.sum() != u32::from_be_bytes(*checksum) {
        return Err(Error::malformed("the checksum of a block is wrong"));
    }
    Ok(content)
}
