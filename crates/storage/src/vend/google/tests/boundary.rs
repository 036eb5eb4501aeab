//! What a boundary allows, judged by an evaluator that knows nothing of how it was written.

use insta::assert_json_snapshot;
use merak_model::Location;
use proptest::prelude::*;
use serde_json::Value;

use super::super::boundary::access_boundary;
use crate::vend::{DataAccess, LocationGrant, VendError};

fn grant(locations: &[&str], access: DataAccess) -> LocationGrant {
    let locations = locations.iter().map(|text| Location::parse(text).unwrap()).collect();
    LocationGrant::new(locations, access).unwrap()
}

fn boundary(locations: &[&str], access: DataAccess) -> Value {
    access_boundary(&grant(locations, access)).unwrap()
}

fn refusal(locations: &[&str], access: DataAccess) -> String {
    let error = access_boundary(&grant(locations, access)).unwrap_err();
    assert!(matches!(error, VendError::Impossible(_)), "{error:?}");
    error.to_string()
}

#[test]
fn a_grant_to_read_has_one_rule() {
    assert_json_snapshot!(boundary(&["gs://lake/db/t"], DataAccess::Read), @r#"
    {
      "accessBoundary": {
        "accessBoundaryRules": [
          {
            "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
            "availablePermissions": [
              "inRole:roles/storage.legacyObjectReader",
              "inRole:roles/storage.objectViewer"
            ],
            "availabilityCondition": {
              "expression": "resource.name.startsWith('projects/_/buckets/lake/objects/db/t/') || api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('db/t/')"
            }
          }
        ]
      }
    }
    "#);
}

#[test]
fn a_grant_to_write_has_two_rules_a_bucket() {
    let locations = ["gs://lake/db/t", "gs://lake/it's/t", "gs://other"];

    assert_json_snapshot!(boundary(&locations, DataAccess::Write), @r#"
    {
      "accessBoundary": {
        "accessBoundaryRules": [
          {
            "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
            "availablePermissions": [
              "inRole:roles/storage.legacyObjectReader",
              "inRole:roles/storage.objectViewer"
            ],
            "availabilityCondition": {
              "expression": "resource.name.startsWith('projects/_/buckets/lake/objects/db/t/') || api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('db/t/') || resource.name.startsWith('projects/_/buckets/lake/objects/it\\'s/t/') || api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('it\\'s/t/')"
            }
          },
          {
            "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
            "availablePermissions": [
              "inRole:roles/storage.legacyBucketWriter"
            ],
            "availabilityCondition": {
              "expression": "resource.name.startsWith('projects/_/buckets/lake/objects/db/t/') || resource.name.startsWith('projects/_/buckets/lake/objects/it\\'s/t/')"
            }
          },
          {
            "availableResource": "//storage.googleapis.com/projects/_/buckets/other",
            "availablePermissions": [
              "inRole:roles/storage.legacyObjectReader",
              "inRole:roles/storage.objectViewer"
            ],
            "availabilityCondition": {
              "expression": "resource.name.startsWith('projects/_/buckets/other/objects/') || api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('')"
            }
          },
          {
            "availableResource": "//storage.googleapis.com/projects/_/buckets/other",
            "availablePermissions": [
              "inRole:roles/storage.legacyBucketWriter"
            ],
            "availabilityCondition": {
              "expression": "resource.name.startsWith('projects/_/buckets/other/objects/')"
            }
          }
        ]
      }
    }
    "#);
}

#[test]
fn what_google_takes_no_more_of_is_refused() {
    let buckets: Vec<_> = (0..6).map(|n| format!("gs://bucket-{n}/t")).collect();
    let buckets: Vec<_> = buckets.iter().map(String::as_str).collect();

    boundary(&buckets, DataAccess::Read);
    boundary(&buckets[..5], DataAccess::Write);
    let error = refusal(&buckets, DataAccess::Write);
    assert!(error.contains("10 rules") && error.contains("need 12"), "{error}");
}

#[test]
fn a_condition_that_is_too_long_becomes_several_rules() {
    let paths: Vec<_> = (0..4).map(|n| format!("gs://lake/{n}{}", "x".repeat(900))).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();

    let boundary = boundary(&paths, DataAccess::Write);

    let rules = boundary["accessBoundary"]["accessBoundaryRules"].as_array().unwrap();
    assert_eq!(rules.len(), 6);
    for rule in rules {
        let text = rule["availabilityCondition"]["expression"].as_str().unwrap();
        assert!(text.chars().count() <= 2048, "{}", text.chars().count());
    }
    let long = format!("gs://lake/{}", "'".repeat(1100));
    assert!(refusal(&[&long], DataAccess::Read).contains("2048 characters"));
}

#[test]
fn a_bucket_that_is_none_and_a_store_of_another_kind_are_refused() {
    let error = refusal(&["gs://a')||true||('/t"], DataAccess::Read);
    assert!(error.contains("no name of a bucket"), "{error}");
    // One bad bucket among good ones is enough.
    assert!(refusal(&["gs://lake/t", "gs://LAKE/t"], DataAccess::Read).contains("LAKE"));
    assert!(refusal(&["s3://lake/t"], DataAccess::Read).contains("not in Google"));
}

/// A request as Google judges it.
enum Asked<'a> {
    Get(&'a str),
    Create(&'a str),
    Delete(&'a str),
    List(&'a str),
    ShowBucket,
}

impl Asked<'_> {
    fn resource(&self, bucket: &str) -> String {
        match self {
            Self::Get(name) | Self::Create(name) | Self::Delete(name) => {
                format!("projects/_/buckets/{bucket}/objects/{name}")
            }
            Self::List(_) | Self::ShowBucket => format!("projects/_/buckets/{bucket}"),
        }
    }

    fn prefix(&self) -> &str {
        match self {
            Self::List(prefix) => prefix,
            Self::Get(_) | Self::Create(_) | Self::Delete(_) | Self::ShowBucket => "",
        }
    }

    /// Whether a role has the permission that is asked for.
    fn is_in(&self, role: &str) -> bool {
        match role {
            "inRole:roles/storage.legacyObjectReader" => matches!(self, Self::Get(_)),
            "inRole:roles/storage.objectViewer" => matches!(self, Self::Get(_) | Self::List(_)),
            "inRole:roles/storage.legacyBucketWriter" => !matches!(self, Self::Get(_)),
            other => panic!("{other} is not judged here"),
        }
    }
}

/// Whether a token with this boundary may do that in a bucket.
fn allows(boundary: &Value, bucket: &str, asked: &Asked<'_>) -> bool {
    let rules = boundary["accessBoundary"]["accessBoundaryRules"].as_array().unwrap();
    assert!((1..=10).contains(&rules.len()));
    rules.iter().any(|rule| {
        let of_bucket = format!("//storage.googleapis.com/projects/_/buckets/{bucket}");
        let permissions = rule["availablePermissions"].as_array().unwrap();
        let expression = rule["availabilityCondition"]["expression"].as_str().unwrap();
        rule["availableResource"] == of_bucket.as_str()
            && permissions.iter().any(|role| asked.is_in(role.as_str().unwrap()))
            && Expression(expression).holds(&asked.resource(bucket), asked.prefix())
    })
}

/// The rest of a condition that is being read: calls of `startsWith`, joined by `||`.
struct Expression<'a>(&'a str);

impl Expression<'_> {
    fn holds(mut self, name: &str, prefix: &str) -> bool {
        let mut holds = false;
        loop {
            let subject = if self.takes("resource.name.startsWith(") {
                name
            } else {
                assert!(self.takes("api.getAttribute("), "what is {}?", self.0);
                assert_eq!(self.literal(), "storage.googleapis.com/objectListPrefix");
                assert!(self.takes(", "));
                assert_eq!(self.literal(), "");
                assert!(self.takes(").startsWith("));
                prefix
            };
            holds |= subject.starts_with(&self.literal());
            assert!(self.takes(")"), "what is {}?", self.0);
            if self.0.is_empty() {
                return holds;
            }
            assert!(self.takes(" || "), "what is {}?", self.0);
        }
    }

    fn takes(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// A literal in either kind of quotes, with the escapes that the language has.
    fn literal(&mut self) -> String {
        let mut chars = self.0.char_indices();
        let (_, quote) = chars.next().unwrap();
        assert!(matches!(quote, '\'' | '"'), "what is {}?", self.0);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next().unwrap().1 {
                    c @ ('\\' | '\'' | '"' | '`' | '?') => text.push(c),
                    c => panic!("what is \\{c}?"),
                },
                '\n' | '\r' => panic!("a literal ends with its line"),
                c if c == quote => {
                    self.0 = &self.0[at + 1..];
                    return text;
                }
                c => text.push(c),
            }
        }
        panic!("a literal has no end");
    }
}

/// Names that mean something to somebody: to the language, to clients, to people.
fn segment() -> impl Strategy<Value = String> {
    let tricky = prop::sample::select(vec![
        "t1",
        "t1x",
        "t",
        "T1",
        "'",
        "\"",
        "') || true || ('",
        "x') || resource.name != ('",
        "%27",
        "%2F",
        "%",
        "...",
        "a.b",
        "ü",
        "u\u{308}",
        "🪣",
        "`",
        "\u{2028}",
        "\u{200b}",
        "{}",
        "*",
        "objects",
        "buckets",
        "||",
        " ",
        "\\'",
    ]);
    prop_oneof![3 => tricky.prop_map(str::to_owned), 1 => "[a-z'\" .%|()-]{1,6}"]
}

fn location() -> impl Strategy<Value = Location> {
    let bucket = prop::sample::select(vec!["lake", "lake2", "my-lake.example.com"]);
    let path = prop::collection::vec(segment(), 0..4);
    (bucket, path).prop_filter_map("a location", |(bucket, path)| {
        Location::parse(&format!("gs://{bucket}/{}", path.join("/"))).ok()
    })
}

/// Names of objects beside, above and below a location, and of none.
fn object() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(segment(), 1..5).prop_map(|path| path.join("/")),
        segment(),
        Just(String::new())
    ]
}

proptest! {
    #[test]
    fn exactly_what_is_below_a_granted_location_is_allowed(
        locations in prop::collection::vec(location(), 1..4),
        writes in any::<bool>(),
        base in any::<prop::sample::Index>(),
        joint in prop::sample::select(vec!["", "/", "x", "'"]),
        tail in object(),
        free in object(),
    ) {
        let access = if writes { DataAccess::Write } else { DataAccess::Read };
        let grant = LocationGrant::new(locations.clone(), access).unwrap();
        let boundary = access_boundary(&grant).unwrap();
        let near = format!("{}{joint}{tail}", base.get(&locations).path());

        for bucket in ["lake", "lake2", "my-lake.example.com", "lak"] {
            for name in [&near, &free] {
                let is_below = locations.iter().any(|location| {
                    location.authority() == bucket
                        && (location.path().is_empty()
                            || name.strip_prefix(location.path())
                                .is_some_and(|rest| rest.starts_with('/')))
                });
                prop_assert_eq!(allows(&boundary, bucket, &Asked::List(name)), is_below);
                prop_assert_eq!(allows(&boundary, bucket, &Asked::Get(name)), is_below);
                let may_write = is_below && writes;
                prop_assert_eq!(allows(&boundary, bucket, &Asked::Create(name)), may_write);
                prop_assert_eq!(allows(&boundary, bucket, &Asked::Delete(name)), may_write);
            }
            prop_assert!(!allows(&boundary, bucket, &Asked::ShowBucket));
        }
    }
}
