//! The values of a block, read one after the other while it is decompressed.

use std::io::{ErrorKind, Read};

use crate::codec::broken;
use crate::container::Block;
use crate::{Error, Limits};

/// How much is decompressed at a time.
const BUFFER: usize = 16 * 1024;

/// How many values a block may have beside those that its bytes account for. A value may take no
/// byte at all, so without this a few bytes could announce as many values as they like.
const SPARE_VALUES: u64 = 1024;
/// How many values a byte accounts for: an absent one in a record in an optional field, and some more.
const VALUES_PER_BYTE: u64 = 4;

/// The content of a block.
pub(crate) struct Input<'a> {
    source: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// How many bytes came out of it so far.
    bytes: u64,
    /// How many may.
    allowed_bytes: u64,
    values: u64,
    limits: &'a Limits,
}

impl<'a> Input<'a> {
    /// The content of a block of a file of which `bytes_before` bytes were decompressed before.
    pub(crate) fn new(
        block: &Block<'a>,
        codec: crate::codec::Codec,
        limits: &'a Limits,
        bytes_before: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            source: codec.reader(block.content, limits)?,
            buffer: vec![0; BUFFER],
            at: 0,
            filled: 0,
            bytes: 0,
            allowed_bytes: limits.decompressed_bytes.saturating_sub(bytes_before),
            values: 0,
            limits,
        })
    }

    /// How many bytes were decompressed.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether all is read.
    pub(crate) fn is_at_end(&mut self) -> Result<bool, Error> {
        Ok(self.available()?.is_empty())
    }

    /// Is called for each value, so that those that take no bytes come to an end too.
    pub(crate) fn begin_value(&mut self) -> Result<(), Error> {
        self.values += 1;
        if self.values / VALUES_PER_BYTE > self.bytes.saturating_add(SPARE_VALUES) {
            return Err(Error::malformed("a block has more values than bytes for them"));
        }
        Ok(())
    }

    pub(crate) fn long(&mut self) -> Result<i64, Error> {
        long(|| {
            let byte = *self.available()?.first().ok_or_else(Error::cut_short)?;
            self.at += 1;
            Ok(byte)
        })
    }

    pub(crate) fn length(&mut self) -> Result<u64, Error> {
        u64::try_from(self.long()?).map_err(|_| Error::malformed("a length is negative"))
    }

    pub(crate) fn skip(&mut self, mut length: u64) -> Result<(), Error> {
        while length > 0 {
            let available = self.available()?.len();
            if available == 0 {
                return Err(Error::cut_short());
            }
            let skipped = usize::try_from(length).map_or(available, |left| left.min(available));
            self.at += skipped;
            length -= skipped as u64;
        }
        Ok(())
    }

    /// Puts a path in the place of what `path` had.
    pub(crate) fn path(&mut self, path: &mut Vec<u8>) -> Result<(), Error> {
        let limit = self.limits.path_bytes;
        let length = usize::try_from(self.length()?).unwrap_or(usize::MAX);
        if length > limit {
            return Err(Error::TooLarge { what: "bytes in a path", limit: limit as u64 });
        }
        path.clear();
        while path.len() < length {
            let available = self.available()?;
            if available.is_empty() {
                return Err(Error::cut_short());
            }
            let taken = &available[..available.len().min(length - path.len())];
            let count = taken.len();
            path.extend_from_slice(taken);
            self.at += count;
        }
        Ok(())
    }

    /// What is decompressed and not read; nothing only at the end.
    fn available(&mut self) -> Result<&[u8], Error> {
        if self.at == self.filled {
            self.at = 0;
            self.filled = loop {
                match self.source.read(&mut self.buffer) {
                    Ok(count) => break count,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(broken(&error)),
                }
            };
            self.bytes += self.filled as u64;
            if self.bytes > self.allowed_bytes {
                let limit = self.limits.decompressed_bytes;
                return Err(Error::TooLarge { what: "bytes when decompressed", limit });
            }
        }
        Ok(&self.buffer[self.at..self.filled])
    }
}

/// Avro's `int` or `long`: seven bits a byte, the least first, with the sign in the very least.
pub(crate) fn long(mut next_byte: impl FnMut() -> Result<u8, Error>) -> Result<i64, Error> {
    let mut bits = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = next_byte()?;
        let seven = u64::from(byte & 0x7f);
        if shift == 63 && seven > 1 {
            break;
        }
        bits |= seven << shift;
        if byte & 0x80 == 0 {
            return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
        }
    }
    Err(Error::malformed("a number is too large"))
}
