//! Files that are broken, or made to do harm.

use apache_avro::Codec;
use proptest::prelude::{any, prop, proptest};
use serde_json::{Value as Json, json};

use super::container::{
    SYNC, block, chunk, deflate, header, least, least_with, long, row, snappy, zstandard,
};
use super::{deflated, entries, entries_within, entry, field, record, version_2, written};
use crate::{Error, Limits, read_manifest_list};

fn one_block(schema: &Json, codec: &str, count: i64, content: &[u8]) -> Vec<u8> {
    [header(schema, codec), block(count, content)].concat()
}

#[test]
fn a_file_that_ends_anywhere_is_an_error_unless_it_ends_between_blocks() {
    let rows: Vec<_> = (0..3).map(|at| entry(1, 0, &format!("s3://b/{at}"), None)).collect();
    let plain: Vec<u8> = (0..9).flat_map(|at| row(&format!("s3://b/{at}"))).collect();
    for file in [
        deflated(&version_2(), &rows),
        written(&version_2(), Codec::Null, &rows),
        one_block(&least(), "snappy", 9, &snappy(&plain)),
        one_block(&least(), "zstandard", 9, &zstandard(&plain)),
    ] {
        let whole = entries(&file).unwrap();
        for length in 0..file.len() {
            match entries(&file[..length]) {
                Ok(read) => assert!(read.is_empty(), "of {length} bytes came {read:?}"),
                Err(Error::NotAvro) => assert!(length < 4),
                Err(error) => assert!(matches!(error, Error::Malformed(_)), "{length}: {error:?}"),
            }
        }
        assert!(!whole.is_empty());
    }
}

#[test]
fn no_single_byte_that_is_changed_does_harm() {
    let plain: Vec<u8> = (0..9).flat_map(|at| row(&format!("s3://b/{at}"))).collect();
    for file in [
        deflated(&version_2(), &[entry(1, 1, "s3://b/x", Some("s3://b/y"))]),
        written(&version_2(), Codec::Null, &[entry(1, 1, "s3://b/x", Some("s3://b/y"))]),
        one_block(&least(), "snappy", 9, &snappy(&plain)),
        one_block(&least(), "zstandard", 9, &zstandard(&plain)),
    ] {
        for at in 0..file.len() {
            for with in [0x01, 0x80, 0xff] {
                let mut file = file.clone();
                file[at] ^= with;
                _ = entries(&file);
                _ = read_manifest_list(&file, Limits::default());
            }
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        _ = entries(&bytes);
        _ = entries(&[b"Obj\x01", &bytes[..]].concat());
        for codec in ["null", "deflate", "snappy", "zstandard"] {
            _ = entries(&one_block(&version_2(), codec, 3, &bytes));
        }
        // The magic number of a frame, so that what follows is looked at.
        let frame = [&[0x28, 0xb5, 0x2f, 0xfd], &bytes[..]].concat();
        _ = entries(&one_block(&version_2(), "zstandard", 3, &frame));
    }

    #[test]
    fn random_schemas_do_no_harm(text in "[\\[\\]{}:,\"a-z]{0,60}") {
        _ = entries(&header(&json!(text), "null"));
        let quoted = format!("{{\"type\":\"record\",\"name\":\"e\",\"fields\":[{text}]}}");
        let file = [b"Obj\x01".to_vec(), long(1), chunk(b"avro.schema"), chunk(quoted.as_bytes()),
            long(0), SYNC.to_vec()];
        _ = entries(&file.concat());
    }
}

#[test]
fn a_bomb_is_stopped_at_the_limit_however_it_is_packed() {
    let limits = Limits { decompressed_bytes: 1_000_000, ..Limits::default() };
    // One value that is stepped over, of fifty million bytes.
    let schema = least_with(&[field(131, "key_metadata", &json!("bytes"))]);
    let plain = [row("x"), chunk(&vec![0; 50_000_000])].concat();
    for (codec, content) in [
        ("null", plain.clone()),
        ("deflate", deflate(&plain)),
        ("snappy", snappy(&plain)),
        ("zstandard", zstandard(&plain)),
    ] {
        let file = one_block(&schema, codec, 1, &content);

        assert_eq!(entries(&file).unwrap().len(), 1, "{codec}");
        assert_eq!(
            entries_within(&file, limits),
            Err(Error::TooLarge { what: "bytes when decompressed", limit: 1_000_000 }),
            "{codec}"
        );
    }
}

#[test]
fn the_limit_of_bytes_is_that_of_all_blocks_together() {
    let limits = Limits { decompressed_bytes: 250, ..Limits::default() };
    let content = deflate(&row(&"x".repeat(97)));
    let blocks = |count| [header(&least(), "deflate"), block(1, &content).repeat(count)].concat();

    assert_eq!(entries_within(&blocks(2), limits).unwrap().len(), 2);
    assert!(matches!(entries_within(&blocks(3), limits), Err(Error::TooLarge { limit: 250, .. })));
}

#[test]
fn a_block_that_is_held_whole_is_refused_by_its_own_word() {
    let limits = Limits { held_bytes: 1000, ..Limits::default() };
    let content = snappy(&row(&"x".repeat(2000)));
    let file = one_block(&least(), "snappy", 1, &content);

    assert_eq!(
        entries_within(&file, limits),
        Err(Error::TooLarge { what: "bytes in a block", limit: 1000 })
    );
    // Two hundred million bytes, it says.
    let lie = [&[0x80, 0x84, 0xaf, 0x5f], &[0_u8; 20][..]].concat();
    assert_eq!(
        entries(&one_block(&least(), "snappy", 1, &lie)),
        Err(Error::malformed("a block is shorter than it says"))
    );
}

#[test]
fn a_checksum_that_is_wrong_is_noticed() {
    let mut content = snappy(&row("x"));
    *content.last_mut().unwrap() ^= 1;

    assert_eq!(
        entries(&one_block(&least(), "snappy", 1, &content)),
        Err(Error::malformed("the checksum of a block is wrong"))
    );
}

#[test]
fn a_window_that_is_too_large_is_refused() {
    // A frame that asks for a window of a gibibyte and then ends.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 1, 0, 0];

    let error = entries(&one_block(&least(), "zstandard", 1, &frame)).unwrap_err();

    assert!(error.to_string().contains("window"), "{error}");
}

#[test]
fn entries_paths_and_lists_are_limited() {
    let limits = Limits { entries: 2, path_bytes: 10, held_bytes: 100, ..Limits::default() };
    let rows = |count: usize, path: &str| row(path).repeat(count);

    let fits = one_block(&least(), "null", 2, &rows(2, "0123456789"));
    assert_eq!(entries_within(&fits, limits).unwrap().len(), 2);
    let many = one_block(&least(), "null", 3, &rows(3, "x"));
    assert_eq!(entries_within(&many, limits), Err(Error::TooLarge { what: "entries", limit: 2 }));
    let long_path = one_block(&least(), "null", 1, &rows(1, "0123456789a"));
    assert_eq!(
        entries_within(&long_path, limits),
        Err(Error::TooLarge { what: "bytes in a path", limit: 10 })
    );

    let list = record(
        "m",
        &[
            field(500, "manifest_path", &json!("string")),
            field(501, "manifest_length", &json!("long")),
        ],
    );
    let limits = Limits { held_bytes: 100, ..Limits::default() };
    let manifest = [chunk(b"s3://b/x"), long(1)].concat();
    let of = |count| {
        let content = manifest.repeat(usize::try_from(count).unwrap());
        read_manifest_list(&one_block(&list, "null", count, &content), limits)
    };
    assert_eq!(of(2).unwrap().len(), 2);
    assert_eq!(of(3), Err(Error::TooLarge { what: "bytes in paths", limit: 100 }));
}

#[test]
fn values_that_take_no_bytes_come_to_an_end() {
    // Each record holds the one before it twice, and the innermost nothing.
    let mut doubled = record("d0", &[]);
    for depth in 1..35 {
        let name = format!("d{}", depth - 1);
        let fields = [field(900, "a", &doubled), field(901, "b", &json!(name))];
        doubled = record(&format!("d{depth}"), &fields);
    }
    let nothings = json!({"type": "array", "items": "null"});
    let too_many = Err(Error::malformed("a block has more values than bytes for them"));

    let file = one_block(&least_with(&[field(900, "f", &doubled)]), "null", 1, &row("x"));
    assert_eq!(entries(&file), too_many);
    let content = [row("x"), long(i64::MAX), long(0)].concat();
    let file = one_block(&least_with(&[field(900, "f", &nothings)]), "null", 1, &content);
    assert_eq!(entries(&file), too_many);
}

#[test]
fn a_value_that_holds_itself_comes_to_an_end() {
    let endless = record("endless", &[field(900, "next", &json!("endless"))]);
    let file = one_block(&least_with(&[field(901, "f", &endless)]), "null", 1, &row("x"));

    assert_eq!(entries(&file), Err(Error::malformed("its values lie too deep in one another")));
}

#[test]
fn lengths_and_counts_that_lie_are_errors() {
    let text = |length: i64| [long(1), long(length), b"abc".to_vec()].concat();
    for (count, content) in [
        (1, text(-1)),
        (1, text(4)),
        (1, text(i64::MAX)),
        (1, text(i64::MIN)),
        (-1, row("x")),
        (i64::MIN, row("x")),
        (1_000_000, row("x")),
        (0, row("x")),
        (1, [row("x"), vec![0]].concat()),
        (1, vec![0xff; 20]),
        (1, row("")),
        (1, [long(1), chunk(b"\xff\xfe")].concat()),
    ] {
        let read = entries(&one_block(&least(), "null", count, &content));

        let is_error = matches!(read, Err(Error::Malformed(_) | Error::TooLarge { .. }));
        assert!(is_error, "{count} {content:?}: {read:?}");
    }
    let endless_header = [b"Obj\x01".to_vec(), long(i64::MIN), long(0)].concat();
    assert!(matches!(entries(&endless_header), Err(Error::Malformed(_))));
}

#[test]
fn schemas_that_are_none_are_errors() {
    let text = json!("string");
    let path = field(100, "file_path", &text);
    for schema in [
        json!(null),
        json!("string"),
        json!("nothing"),
        json!(["null", least()]),
        json!({"type": "record"}),
        json!({"type": {"type": {"type": "array"}}}),
        json!({"type": "record", "name": "e", "fields": {}}),
        json!({"type": "fixed", "name": "e", "size": -1}),
        record("e", &[field(0, "status", &json!("int")), field(2, "data_file", &text)]),
        least_with(&[path]),
    ] {
        let read = entries(&header(&schema, "null"));

        assert!(matches!(read, Err(Error::Malformed(_))), "{schema}: {read:?}");
    }
    let huge = least_with(&[field(900, &"x".repeat(1_100_000), &text)]);
    let many = least_with(&vec![field(900, "x", &text); 20_000]);
    for schema in [huge, many] {
        let read = entries(&header(&schema, "null"));
        assert!(matches!(read, Err(Error::TooLarge { .. })), "{read:?}");
    }
}

#[test]
fn what_is_no_avro_file_is_told_apart() {
    for bytes in [&b""[..], b"Obj", b"Obj\x02", b"PAR1", b"{\"format-version\":2}"] {
        assert_eq!(entries(bytes), Err(Error::NotAvro));
        assert_eq!(read_manifest_list(bytes, Limits::default()), Err(Error::NotAvro));
    }
}
