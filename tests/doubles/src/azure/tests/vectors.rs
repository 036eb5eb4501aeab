//! Signatures that Microsoft's SDK for Python has made, with a key that is written down here:
//! azure-storage-blob 12.26.0 and azure-storage-file-datalake 12.21.0 for version 2025-07-05,
//! 12.31.1 and 12.26.1 for version 2026-10-06, and what lies between for the versions between.

use super::*;
use crate::http_text::pairs;

const KEY: &[u8] = b"key-key-key-key-key-key-key-key1";

/// What all have after what is their own.
const BY_KEY: &str = "skoid=11111111-1111-4111-8111-111111111111&\
                      sktid=22222222-2222-4222-8222-222222222222&skt=2026-01-02T03%3A04%3A05Z&\
                      ske=2026-01-08T03%3A04%3A05Z&sks=b";

/// What is signed, and the signature's own parameters.
const VECTORS: [(&str, &str, &str); 14] = [
    (
        "db1/t1/a b.parquet",
        "se=2026-01-02T04%3A04%3A05Z&sp=r&sv=2025-07-05&sr=b",
        "skv=2025-07-05&sig=Amv6lgIbUxq9Tm6ebBd3fSMzvj8bXMIo8C7RjVIdulM%3D",
    ),
    (
        "db1/t1/x",
        "st=2026-01-02T03%3A04%3A05Z&se=2026-01-02T04%3A04%3A05Z&sp=rcwd&sip=127.0.0.1&\
         spr=https%2Chttp&sv=2025-07-05&sr=b&rsct=text/plain&\
         scid=33333333-3333-4333-8333-333333333333",
        "skv=2025-07-05&sig=1g31BNf73Z7F3JFKTWcazMYTzGi5gGe78w6tyddM1Kw%3D",
    ),
    (
        "any/blob",
        "se=2026-01-02T04%3A04%3A05Z&sp=racwdl&sv=2025-07-05&sr=c",
        "skv=2025-07-05&sig=%2BVhvmVGS%2Bl/zrn6xOvzDJsMtWn1GNsEi3LLUb2jCFCk%3D",
    ),
    (
        "db1/t1/data/a.parquet",
        "se=2026-01-02T04%3A04%3A05Z&sp=rcwdl&sv=2025-07-05&sr=d&sdd=2&\
         saoid=44444444-4444-4444-8444-444444444444",
        "skv=2025-07-05&sig=9EDmtuZ/PvrGefgd61kVjRg/KsghUYmTAdasdg4b3DU%3D",
    ),
    (
        "db1/t1",
        "se=2026-01-02T04%3A04%3A05Z&sp=rl&sv=2025-07-05&sr=d&sdd=2",
        "skv=2025-07-05&sig=ESLJ5bBCBZHF4jxgcDDEnFeeaCG8CrfhBuCSmR4V/5w%3D",
    ),
    (
        "db1/t1/a b.parquet",
        "se=2026-01-02T04%3A04%3A05Z&sp=r&sv=2026-10-06&sr=b",
        "skv=2026-10-06&sig=NOMSkM6dIFiHzWGfhoeMBuoiM62INnX8uZA%2Biquy9tc%3D",
    ),
    (
        "db1/t1/x",
        "st=2026-01-02T03%3A04%3A05Z&se=2026-01-02T04%3A04%3A05Z&sp=rcwd&sip=127.0.0.1&\
         spr=https%2Chttp&sv=2026-10-06&sr=b&rsct=text/plain&\
         scid=33333333-3333-4333-8333-333333333333",
        "skv=2026-10-06&sig=qZKMeCatQj8VLtL5fv/WCFC5TFL0EL79Ls5b0uk4Qs4%3D",
    ),
    (
        "any/blob",
        "se=2026-01-02T04%3A04%3A05Z&sp=racwdl&sv=2026-10-06&sr=c",
        "skv=2026-10-06&sig=4J2866pOSzZDM3V5Tdsaf7c93uXss921GQZczfeFTPc%3D",
    ),
    (
        "db1/t1/data/a.parquet",
        "se=2026-01-02T04%3A04%3A05Z&sp=rcwdl&sv=2026-10-06&sr=d&sdd=2&\
         saoid=44444444-4444-4444-8444-444444444444",
        "skv=2026-10-06&sig=MEozJBqZ6FoZbm9ecTV1YmxFRiy9nJUV5My%2B5o1ZW9Y%3D",
    ),
    (
        "db1/t1",
        "se=2026-01-02T04%3A04%3A05Z&sp=rl&sv=2026-10-06&sr=d&sdd=2",
        "skv=2026-10-06&sig=l5QFS7Jh/P229/zz%2BRBAaOgxUinI4Qj1X27DIPw8THU%3D",
    ),
    (
        "db1/t1",
        "se=2026-01-02T04%3A04%3A05Z&sp=rl&sv=2025-11-05&sr=d&sdd=2",
        "skv=2025-11-05&sig=oJhUTSU3hRQkyl51JwhO22WBRrvQDcX1kMuxCgs8SW0%3D",
    ),
    (
        "db1/t1",
        "se=2026-01-02T04%3A04%3A05Z&sp=rl&sv=2026-02-06&sr=d&sdd=2",
        "skv=2026-02-06&sig=QoGseLRRF2kT8QUW34ExQZFhU3h/eU9liyivY/or8ho%3D",
    ),
    (
        "db1/t1",
        "se=2026-01-02T04%3A04%3A05Z&sp=rl&sv=2026-04-06&sr=d&sdd=2",
        "skv=2026-04-06&sig=mg%2BJDFLJD7Q0VJ7hvUIjbefrL17KSGPMe4YV0F31EH0%3D",
    ),
    (
        "db1/t1",
        "se=2026-01-02T04%3A04%3A05Z&sp=rl&sv=2026-06-06&sr=d&sdd=2",
        "skv=2026-06-06&sig=njAzutoXPCl9YlKg1GUIVnpgbihl3xINElx65W8oL2M%3D",
    ),
];

fn query((_, own, end): (&str, &str, &str)) -> Vec<(String, String)> {
    pairs(&format!("{own}&{BY_KEY}&{end}"))
}

fn place(path: &str) -> Place {
    Place { account: "acct".to_owned(), container: "lake".to_owned(), path: path.to_owned() }
}

fn checked(query: &[(String, String)], place: &Place) -> Result<(), Refusal> {
    let now = parsed_date("2026-01-02T03:30:00Z").unwrap();
    let sas = Sas::find(query).unwrap()?;
    sas.check_circumstances(now, false)?;
    sas.check_signature(KEY, place)
}

#[test]
fn what_microsofts_sdk_signs_is_accepted() {
    for vector in VECTORS {
        assert_eq!(checked(&query(vector), &place(vector.0)), Ok(()), "{vector:?}");
    }
}

#[test]
fn whatever_is_changed_breaks_the_signature() {
    for vector in VECTORS {
        let query = query(vector);
        for nth in 0..query.len() {
            let mut without = query.clone();
            let (name, value) = without.remove(nth);
            if name == "sig" {
                assert!(Sas::find(&without).is_none());
                continue;
            }
            assert!(checked(&without, &place(vector.0)).is_err(), "without {name}: {vector:?}");
            let other = match name.as_str() {
                "sv" | "skv" if value == "2025-07-05" => "2026-04-06".to_owned(),
                "sv" | "skv" => "2025-07-05".to_owned(),
                "sr" if value == "c" => "b".to_owned(),
                "sr" => "c".to_owned(),
                "sdd" => "1".to_owned(),
                "sp" => format!("{value}m"),
                "sip" => "127.0.0.1-127.0.0.2".to_owned(),
                "spr" => String::new(),
                "st" | "se" | "skt" | "ske" => value.replace(":05Z", ":06Z"),
                _ => format!("{value}1"),
            };
            let mut changed = query.clone();
            changed[nth].1 = other;
            let is_sdd_needed = name == "sr" && vector.1.contains("sdd");
            assert!(checked(&changed, &place(vector.0)).is_err(), "{name}: {vector:?}");
            if is_sdd_needed {
                changed.retain(|(name, _)| name != "sdd");
                assert!(checked(&changed, &place(vector.0)).is_err(), "{name}: {vector:?}");
            }
        }
        for (name, value) in [("rscc", "no-cache"), ("ses", "scope"), ("suoid", "a"), ("sp", "r")] {
            let mut more = query.clone();
            more.push((name.to_owned(), value.to_owned()));
            assert!(checked(&more, &place(vector.0)).is_err(), "with {name}: {vector:?}");
        }
        let other_account = Place { account: "other".to_owned(), ..place(vector.0) };
        assert!(checked(&query, &other_account).is_err());
        let other_container = Place { container: "lake2".to_owned(), ..place(vector.0) };
        assert!(checked(&query, &other_container).is_err());
    }
}

#[test]
fn a_directory_ends_at_a_slash() {
    let query = query(VECTORS[4]);

    for inside in ["db1/t1", "db1/t1/", "db1/t1/a", "db1/t1/a/b"] {
        assert_eq!(checked(&query, &place(inside)), Ok(()), "{inside}");
    }
    for outside in ["", "db1", "db1/", "db1/t1x", "db1/t1x/a", "db1//t1/a", "/db1/t1", "a/db1/t1"] {
        assert!(checked(&query, &place(outside)).is_err(), "{outside}");
    }
}

#[test]
fn a_signature_is_in_force_between_its_times_and_those_of_its_key() {
    let sas = Sas::find(&query(VECTORS[1])).unwrap().unwrap();
    let at = |text: &str| sas.check_circumstances(parsed_date(text).unwrap(), false);

    assert!(at("2026-01-02T03:03:00Z").is_err());
    assert_eq!(at("2026-01-02T03:04:05Z"), Ok(()));
    assert_eq!(at("2026-01-02T04:04:04Z"), Ok(()));
    assert!(at("2026-01-02T04:04:05Z").is_err());
    let key_ended =
        format!("{}&{BY_KEY}&sig=a", VECTORS[1].1).replace("2026-01-08T", "2026-01-02T");
    let key_ended = pairs(&format!("{key_ended}&skv=2025-07-05"));
    let key_ended = Sas::find(&key_ended).unwrap().unwrap();
    let now = parsed_date("2026-01-02T03:30:00Z").unwrap();
    assert!(key_ended.check_circumstances(now, false).is_err());
}

#[test]
fn protocols_and_addresses_bind() {
    let circumstances = |name: &str, value: &str, is_https: bool| {
        let mut query = query(VECTORS[1]);
        query.retain(|(known, _)| known != name);
        query.push((name.to_owned(), value.to_owned()));
        let now = parsed_date("2026-01-02T03:30:00Z").unwrap();
        Sas::find(&query).unwrap().unwrap().check_circumstances(now, is_https)
    };

    assert_eq!(circumstances("spr", "https", true), Ok(()));
    assert_eq!(circumstances("spr", "https", false), Err(Refusal::protocol()));
    assert!(circumstances("spr", "http", true).is_err());
    assert_eq!(circumstances("sip", "127.0.0.0-127.0.0.9", false), Ok(()));
    for address in ["10.0.0.1", "127.0.0.2-127.0.0.9", "any"] {
        assert_eq!(circumstances("sip", address, false), Err(Refusal::source_address()));
    }
}

#[test]
fn letters_have_an_order_and_a_place() {
    let parse = |sr: &str, sp: &str| {
        let query = pairs(&format!(
            "sv=2025-07-05&sr={sr}&sp={sp}&se=2026-01-02T04%3A04%3A05Z&{BY_KEY}&skv=2025-07-05&sig=a"
        ));
        Sas::find(&query).unwrap()
    };

    assert!(parse("c", "racwdl").is_ok());
    for bad in ["lr", "rr", "rz", ""] {
        assert!(parse("c", bad).is_err(), "{bad}");
    }
    assert!(parse("b", "rl").is_err());
    assert!(parse("d", "r").is_err(), "without a depth");
    assert!(parse("c&sdd=1", "r").is_err());
    assert!(parse("d&sdd=0", "r").is_err());
}
