//! Files whose frame is made here, byte by byte.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value as Json, json};

use super::{data, entries, field, record};
use crate::{EntryStatus, Error};

pub(super) const SYNC: [u8; 16] = *b"0123456789abcdef";

/// A number as Avro writes it.
pub(super) fn long(number: i64) -> Vec<u8> {
    let mut bits = ((number << 1) ^ (number >> 63)).cast_unsigned();
    let mut bytes = Vec::new();
    loop {
        let seven = bits.to_le_bytes()[0] & 0x7f;
        bits >>= 7;
        if bits == 0 {
            bytes.push(seven);
            break;
        }
        bytes.push(seven | 0x80);
    }
    bytes
}

pub(super) fn chunk(content: &[u8]) -> Vec<u8> {
    [long(content.len().try_into().unwrap()), content.to_vec()].concat()
}

pub(super) fn header(schema: &Json, codec: &str) -> Vec<u8> {
    [
        b"Obj\x01".to_vec(),
        long(2),
        chunk(b"avro.schema"),
        chunk(schema.to_string().as_bytes()),
        chunk(b"avro.codec"),
        chunk(codec.as_bytes()),
        long(0),
        SYNC.to_vec(),
    ]
    .concat()
}

pub(super) fn block(count: i64, content: &[u8]) -> Vec<u8> {
    [long(count), chunk(content), SYNC.to_vec()].concat()
}

/// The least that a manifest needs.
pub(super) fn least() -> Json {
    least_with(&[])
}

/// The same, with more fields in the record of the file.
pub(super) fn least_with(more: &[Json]) -> Json {
    let fields = [&[field(100, "file_path", &json!("string"))], more].concat();
    let file = record("r2", &fields);
    record("e", &[field(0, "status", &json!("int")), field(2, "data_file", &file)])
}

pub(super) fn row(path: &str) -> Vec<u8> {
    [long(1), chunk(path.as_bytes())].concat()
}

pub(super) fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn snappy(content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(content);
    let compressed = snap::raw::Encoder::new().compress_vec(content).unwrap();
    [compressed, crc.sum().to_be_bytes().to_vec()].concat()
}

pub(super) fn zstandard(content: &[u8]) -> Vec<u8> {
    compress_to_vec(content, CompressionLevel::Fastest)
}

#[test]
fn blocks_are_read_in_each_way_that_iceberg_compresses_them() {
    let rows: Vec<u8> = (0..5000).flat_map(|at| row(&format!("s3://bucket/{at}"))).collect();
    let expected: Vec<_> =
        (0..5000).map(|at| data(&format!("s3://bucket/{at}"), EntryStatus::Added)).collect();

    for (codec, content) in [
        ("null", rows.clone()),
        ("deflate", deflate(&rows)),
        ("snappy", snappy(&rows)),
        ("zstandard", zstandard(&rows)),
    ] {
        let file = [header(&least(), codec), block(5000, &content)].concat();

        assert_eq!(entries(&file).unwrap(), expected, "{codec}");
    }
}

#[test]
fn another_codec_is_named() {
    let file = header(&least(), "bzip2");

    assert_eq!(
        entries(&file),
        Err(Error::malformed("its blocks are compressed with 'bzip2', which is not supported"))
    );
}

#[test]
fn a_header_may_tell_its_length_and_leave_the_codec_out() {
    let schema = [chunk(b"avro.schema"), chunk(least().to_string().as_bytes())].concat();
    let length = long(schema.len().try_into().unwrap());
    let file = [b"Obj\x01", &long(-1)[..], &length, &schema, &long(0), &SYNC, &block(1, &row("x"))];

    assert_eq!(entries(&file.concat()).unwrap(), [data("x", EntryStatus::Added)]);
}

#[test]
fn runs_of_an_array_that_tell_their_length_are_stepped_over() {
    let numbers = json!({"type": "array", "items": "long"});
    let schema = least_with(&[field(132, "split_offsets", &numbers)]);
    let items = [long(-2), long(3), long(1), long(1000), long(1), long(5), long(0)].concat();
    let file = [header(&schema, "null"), block(1, &[row("x"), items].concat())].concat();

    assert_eq!(entries(&file).unwrap(), [data("x", EntryStatus::Added)]);
}

#[test]
fn types_are_found_by_their_names_and_namespaces() {
    let state = json!({"type": "enum", "name": "a.b.State", "symbols": ["X", "Y"]});
    let more = [
        field(900, "first", &state),
        // In the namespace of the record, which is that of its name.
        field(901, "second", &json!("a.b.State")),
    ];
    let file =
        [header(&least_with(&more), "null"), block(1, &[row("x"), long(1), long(0)].concat())];

    assert_eq!(entries(&file.concat()).unwrap(), [data("x", EntryStatus::Added)]);
}
