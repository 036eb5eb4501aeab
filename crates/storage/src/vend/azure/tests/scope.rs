//! Which paths a signature opens, by an evaluator that knows nothing of the signer.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::vectors::{key, parameters, query, terms};

/// Judges as Azure does: the resource is made of the *request*, cut at the signed depth, and what
/// was signed for another resource has another signature.
fn opens(query: &str, path: &str) -> bool {
    let parameters = parameters(query);
    let get = |name: &str| parameters.get(name).map_or("", String::as_str);
    let resource = match get("sr") {
        "c" => "/blob/acct/lake".to_owned(),
        "d" => {
            let depth: usize = get("sdd").parse().unwrap();
            let segments: Vec<_> = path.split('/').collect();
            if segments.len() < depth {
                return false;
            }
            format!("/blob/acct/lake/{}", segments[..depth].join("/"))
        }
        other => panic!("{other}"),
    };
    let text = [
        get("sp"),
        get("st"),
        get("se"),
        &resource,
        get("skoid"),
        get("sktid"),
        get("skt"),
        get("ske"),
        get("sks"),
        get("skv"),
        "",
        "",
        "",
        "",
        "",
        "",
        get("spr"),
        get("sv"),
        get("sr"),
        "",
        "",
        "",
        "",
        "",
        "",
        "",
    ]
    .join("\n");
    let secret: Vec<u8> = (0..32).collect();
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let signature = STANDARD.decode(get("sig")).unwrap();
    hmac::verify(&secret, text.as_bytes(), &signature).is_ok()
}

fn signed(directory: Option<&str>) -> String {
    query(&terms("2025-07-05", directory), &key("2025-07-05"))
}

#[test]
fn a_directory_opens_itself_and_what_is_below_it() {
    let query = signed(Some("db1/t1"));

    for inside in ["db1/t1", "db1/t1/data/x.parquet", "db1/t1/ "] {
        assert!(opens(&query, inside), "{inside}");
    }
    for outside in ["db1/t1x", "db1/t1x/data", "db1", "db1/t2", "db2/t1", "t1", "db1t1", "x/db1/t1"]
    {
        assert!(!opens(&query, outside), "{outside}");
    }
    assert!(opens(&signed(None), "db2"));
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("t1".to_owned()),
        Just("t1x".to_owned()),
        Just("t".to_owned()),
        "[a-c'\"% ?#&=+ü表]{1,3}",
    ]
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(segment(), 1..5).prop_map(|segments| segments.join("/"))
}

proptest! {
    #[test]
    fn a_path_is_opened_exactly_when_it_is_below_what_was_granted(
        granted in path(),
        other in path(),
    ) {
        let query = signed(Some(&granted));

        for asked in [other.clone(), format!("{granted}/{other}"), format!("{granted}{other}")] {
            let is_below = asked == granted || asked.starts_with(&format!("{granted}/"));
            prop_assert_eq!(opens(&query, &asked), is_below, "{} for {}", asked, granted);
        }
    }
}
