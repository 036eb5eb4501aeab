//! The frame of an Avro file: its header, and blocks of values.
//!
//! Specified at <https://avro.apache.org/docs/1.12.0/specification/#object-container-files>.

use crate::codec::Codec;
use crate::{Error, input};

const MAGIC: &[u8] = b"Obj\x01";
const SYNC_MARKER_LENGTH: u64 = 16;
/// The longest schema that is looked at. That of a manifest grows with the table's partitions only.
const LONGEST_SCHEMA: usize = 1024 * 1024;

/// A file, of which the header is read.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    /// The writer's schema, as JSON.
    pub(crate) schema: &'a [u8],
    pub(crate) codec: Codec,
    sync_marker: &'a [u8],
    rest: Bytes<'a>,
}

/// Some values, one after the other.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    /// How many.
    pub(crate) count: u64,
    /// They, compressed.
    pub(crate) content: &'a [u8],
}

impl<'a> Container<'a> {
    pub(crate) fn open(file: &'a [u8]) -> Result<Self, Error> {
        let mut rest = Bytes(file.strip_prefix(MAGIC).ok_or(Error::NotAvro)?);
        let (mut schema, mut codec) = (None, Codec::Null);
        loop {
            let entries = match rest.long()? {
                0 => break,
                // Then the length of them all follows, for those who want none of them.
                negative @ ..0 => {
                    rest.long()?;
                    negative.unsigned_abs()
                }
                count => count.unsigned_abs(),
            };
            // Each takes two bytes at least, so a count that is a lie ends with the file.
            for _ in 0..entries {
                let key = rest.chunk()?;
                let value = rest.chunk()?;
                match key {
                    b"avro.schema" => schema = Some(value),
                    b"avro.codec" => codec = Codec::of(value)?,
                    _ => {}
                }
            }
        }
        let schema = schema.ok_or_else(|| Error::malformed("it has no schema"))?;
        if schema.len() > LONGEST_SCHEMA {
            let limit = LONGEST_SCHEMA as u64;
            return Err(Error::TooLarge { what: "bytes in its schema", limit });
        }
        let sync_marker = rest.take(SYNC_MARKER_LENGTH)?;
        Ok(Self { schema, codec, sync_marker, rest })
    }

    /// The next block; none at the end of the file.
    pub(crate) fn next_block(&mut self) -> Result<Option<Block<'a>>, Error> {
        if self.rest.0.is_empty() {
            return Ok(None);
        }
        let count = self.rest.length()?;
        let content = self.rest.chunk()?;
        if self.rest.take(SYNC_MARKER_LENGTH)? != self.sync_marker {
            return Err(Error::malformed("a block does not end where it should"));
        }
        Ok(Some(Block { count, content }))
    }
}

/// Bytes that are yet to be read.
#[derive(Debug)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn long(&mut self) -> Result<i64, Error> {
        input::long(|| {
            let (first, rest) = self.0.split_first().ok_or_else(Error::cut_short)?;
            self.0 = rest;
            Ok(*first)
        })
    }

    fn length(&mut self) -> Result<u64, Error> {
        u64::try_from(self.long()?).map_err(|_| Error::malformed("a length is negative"))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let length = usize::try_from(length).map_err(|_| Error::cut_short())?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(Error::cut_short)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Bytes that follow their length.
    fn chunk(&mut self) -> Result<&'a [u8], Error> {
        let length = self.length()?;
        self.take(length)
    }
}
