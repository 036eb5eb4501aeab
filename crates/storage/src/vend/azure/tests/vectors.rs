//! Signatures that Microsoft's own signers made.
//!
//! Each version's by the release of azure-storage-blob for Python that signs in it (12.25.1 to
//! 12.31.1), those of directories checked against azure-storage-file-datalake 12.21.0.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use url::form_urlencoded;

use super::super::delegation_key::UserDelegationKey;
use super::super::delegation_key::tests::ANSWER;
use super::super::sas::{SasVersion, Terms};

/// Version, directory, permissions, protocol, depth, signature.
type Vector =
    (&'static str, Option<&'static str>, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const VECTORS: [Vector; 23] = [
    ("2025-05-05", None, "rl", "https", "", "3cAE3Jtqx/MiN62ZAic/Xq96Q/UWXKMBFxlQPAqrkmg="),
    ("2025-05-05", Some("größe/表"), "rl", "https", "2", "BLeF85KTrsh/1Oizp2JPNa4UWdybIYxaV62zmqxs/Xo="),
    ("2025-07-05", None, "rl", "https", "", "X6NqpQuk7HqtFuyvp6PECRf3W3vHJDixvsRQLFZAqAE="),
    ("2025-07-05", None, "rl", "https,http", "", "lOuEESJNjGmWlOpXUyFZVXmM73ylW6m1tmZgcLJy9hM="),
    ("2025-07-05", None, "racwdl", "https", "", "tLjyakR8TfMH4a+oZ/9kcVnqk8klPhz9QCrq97NzvZo="),
    ("2025-07-05", Some("db1/t1"), "rl", "https", "2", "rlbOtxivCYDHNt06KcPaoI8MQ/mDVKIFNotjH+i2+u8="),
    ("2025-07-05", Some("db1/t1"), "racwdl", "https", "2", "rmnkgmjTn/gekwIjTWdtxsJy9xDHLFTUWxj4WPnlTs0="),
    ("2025-07-05", Some("t"), "rl", "https", "1", "VbvH6Kw81AP/HsKRu/DaehoopS9AgdTponPcgZ80OJg="),
    ("2025-07-05", Some("a b/c%20d"), "rl", "https", "2", "NYI3p60mtRnJZI22OISV8hTo3dQWty7Zsaue2gqOV50="),
    ("2025-07-05", Some(r#"it's/"quoted""#), "rl", "https", "2", "xEncTzSNNTHDNh/etB1tLHxIs1MaKo/tASY1/r2Q3Y0="),
    ("2025-07-05", Some("größe/表"), "rl", "https", "2", "wSR5QQ/+pxeSFUCS3cOQKZ/YVmupiAlT1VvvSnjoS+Y="),
    ("2025-07-05", Some("a+b/c&d=e/f?g#h"), "rl", "https", "3", "QYJ+yeNuBbeL8vPAWPxK6Gbi8U7ANnNGg6kRez8t7hw="),
    ("2025-07-05", Some("x/$y/*~!()[]{}|^`@:;,<>"), "rl", "https", "3", "IjGiAxFRq60ta/wDv5oVHK8VMl6wLOQnVXbj0sZ8qFY="),
    ("2025-11-05", None, "rl", "https", "", "3VewickuX/hq3IpO+Y/OnXg2deI5VM9kmRZSlCrdwOQ="),
    ("2025-11-05", Some("größe/表"), "rl", "https", "2", "tNjvMpi+8mH8d+djmo1ViKjtESKpbe0nQam3AlWR8OQ="),
    ("2026-02-06", None, "rl", "https", "", "Pg0rer+lN3mkVYENTxjyMpxVQh8IPDIqOUZRiFIYEdA="),
    ("2026-02-06", Some("größe/表"), "rl", "https", "2", "8QiE1Juj+CFqVag7MlOUHTU7L7q3aRES0w99XHDS4xc="),
    ("2026-04-06", None, "rl", "https", "", "hel4LdvNxToo24i6heFGDPPqmsSPh8uukOmQ6yV5Xqk="),
    ("2026-04-06", Some("größe/表"), "rl", "https", "2", "oBLfqIjofS7Iuh6H9se8YyBTU+5oKBbtrC0M344eIWo="),
    ("2026-06-06", None, "rl", "https", "", "NO4jwaVfQmhvSmAUZ4NyerCuhOnOTCGc5EA2fsd5VN4="),
    ("2026-06-06", Some("größe/表"), "rl", "https", "2", "V1hbfOANfLkbLGiO/50xXPjQYgBbkD8ypRzmVarRIvE="),
    ("2026-10-06", None, "rl", "https", "", "mBBmqXojWt9JdGRvCPI4FTjLdfB6iQLNICD/3ws2cAU="),
    ("2026-10-06", Some("größe/表"), "rl", "https", "2", "Knw5WHS5hQNJzPc3+RRtHo4+p3j35NX5G3RPLlles/Q="),
];

pub(super) fn key(version: &str) -> UserDelegationKey {
    UserDelegationKey::read(&ANSWER.replace("2025-07-05", version)).unwrap()
}

pub(super) fn terms(version: &str, directory: Option<&str>) -> Terms {
    Terms {
        version: SasVersion::parse(version).unwrap(),
        account: "acct".to_owned(),
        container: "lake".to_owned(),
        directory: directory.map(str::to_owned),
        permissions: "rl",
        protocol: "https",
        expiry: "2026-01-01T01:00:00Z".to_owned(),
    }
}

#[expect(clippy::disallowed_methods, reason = "the test looks into it")]
pub(super) fn query(terms: &Terms, key: &UserDelegationKey) -> String {
    terms.sign(key).unwrap().query.expose_secret().to_owned()
}

pub(super) fn parameters(query: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

#[test]
fn signatures_are_those_of_microsofts_signers() {
    for (version, directory, permissions, protocol, depth, signature) in VECTORS {
        let terms = Terms { permissions, protocol, ..terms(version, directory) };

        let query = query(&terms, &key(version));

        let parameters = parameters(&query);
        let get = |name: &str| parameters.get(name).map_or("", String::as_str);
        assert_eq!(get("sig"), signature, "{version} {directory:?} {permissions} {protocol}");
        assert_eq!(get("sdd"), depth, "{directory:?}");
        assert_eq!(get("sr"), if directory.is_some() { "d" } else { "c" });
    }
}

#[test]
fn all_parameters_are_there_and_none_can_be_mistaken_for_another() {
    let query = query(&terms("2025-07-05", Some("a b/c%20d")), &key("2025-07-05"));

    assert_eq!(
        query,
        "sv=2025-07-05&sp=rl&se=2026-01-01T01%3A00%3A00Z&spr=https&sr=d&sdd=2\
         &skoid=11111111-2222-3333-4444-555555555555&sktid=66666666-7777-8888-9999-aaaaaaaaaaaa\
         &skt=2026-01-01T00%3A00%3A00Z&ske=2026-01-02T00%3A00%3A00Z&sks=b&skv=2025-07-05\
         &sig=NYI3p60mtRnJZI22OISV8hTo3dQWty7Zsaue2gqOV50%3D"
    );
}

#[test]
fn every_accepted_version_has_signatures_to_be_held_against() {
    for (version, ..) in VECTORS {
        assert_eq!(SasVersion::parse(version).unwrap().as_str(), version);
    }
    for unknown in ["2019-12-12", "2025-07-06", "2027-01-01", "", "2025-07-05 "] {
        assert_eq!(SasVersion::parse(unknown), None, "{unknown}");
    }
    assert_eq!(SasVersion::default().as_str(), "2025-07-05");
}

#[test]
fn a_line_break_is_never_signed() {
    let key = key("2025-07-05");
    for path in ["a\nb", "a\rb"] {
        assert!(terms("2025-07-05", Some(path)).sign(&key).is_err());
    }
    let container = Terms { container: "lake\nb".to_owned(), ..terms("2025-07-05", None) };
    assert!(container.sign(&key).is_err());
}
