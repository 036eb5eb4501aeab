//! For any names: what a policy allows is what the grant says, no less and no more.

use std::collections::BTreeSet;

use merak_model::Location;
use proptest::prelude::*;
use proptest::sample::select;

use super::iam::{Call, Policy};
use super::role;
use crate::vend::aws::policy::session_policy;
use crate::vend::{DataAccess, LocationGrant};

/// What keys are made of: wildcards, what begins a variable, quotes, escapes, beginnings of others.
const NAMES: [&str; 24] = [
    "t",
    "t1",
    "t1x",
    "t*",
    "t?",
    "*",
    "?",
    "$",
    "${",
    "${*}",
    "${aws:username}",
    "$$",
    "{t}",
    "\"",
    "'",
    "t t",
    "a%2Fb",
    "%",
    "t.x",
    "a:b",
    "é",
    "ÿ",
    "湖",
    "🦆",
];
const BUCKETS: [&str; 3] = ["lake", "lake2", "my.lake"];
const ACTIONS: [(&str, Option<DataAccess>); 8] = [
    ("s3:GetObject", Some(DataAccess::Read)),
    ("s3:PutObject", Some(DataAccess::Write)),
    ("s3:DeleteObject", Some(DataAccess::Write)),
    ("s3:AbortMultipartUpload", Some(DataAccess::Write)),
    ("s3:PutObjectAcl", None),
    ("s3:DeleteObjectVersion", None),
    ("s3:BypassGovernanceRetention", None),
    ("s3:GetObjectAcl", None),
];
const BUCKET_ACTIONS: [&str; 4] =
    ["s3:PutBucketPolicy", "s3:DeleteBucket", "s3:ListBucketVersions", "s3:ListAllMyBuckets"];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&NAMES[..]).prop_map(str::to_owned),
        1 => "[ -~¡-ÿ]{1,6}".prop_filter("a location has it", |name| {
            !name.contains(['/', '\\']) && !name.chars().any(char::is_control)
        }),
    ]
}

fn path(depth: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(name(), depth).prop_map(|names| names.join("/"))
}

fn location() -> impl Strategy<Value = Location> {
    (select(&BUCKETS[..]), path(0..3)).prop_filter_map("it is a location", |(bucket, path)| {
        Location::parse(&format!("s3://{bucket}/{path}")).ok()
    })
}

/// Keys near a path: below it, at it, beside it, and where its special characters would lead if
/// they were patterns.
fn near(path: &str, other: &str) -> BTreeSet<String> {
    let replaced = |c: char, by: &str| path.replace(c, by);
    let mut keys = BTreeSet::from([
        path.to_owned(),
        format!("{path}/"),
        format!("{path}/{other}"),
        format!("{path}{other}"),
        format!("{path}x/{other}"),
        format!("x{path}/{other}"),
        other.to_owned(),
        String::new(),
    ]);
    for c in ['*', '?', '$', 'é', '湖'] {
        for by in ["", "x", "x/y", "?"] {
            keys.insert(format!("{}/{other}", replaced(c, by)));
        }
    }
    for until in path.char_indices().map(|(at, _)| at) {
        keys.insert(path[..until].to_owned());
        keys.insert(format!("{}/{other}", &path[..until]));
    }
    keys
}

fn is_below(path: &str, key: &str) -> bool {
    path.is_empty() || key.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_policy_allows_what_lies_below_a_granted_location_and_nothing_else(
        locations in prop::collection::vec(location(), 1..4),
        other in path(1..3),
        writes in any::<bool>(),
    ) {
        let access = if writes { DataAccess::Write } else { DataAccess::Read };
        let grant = LocationGrant::new(locations.clone(), access).unwrap();
        let policy = Policy::parse(&session_policy(&grant, &role()).unwrap().text);

        for key in locations.iter().flat_map(|location| near(location.path(), &other)) {
            for bucket in BUCKETS {
                let mut paths =
                    locations.iter().filter(|one| one.authority() == bucket).map(Location::path);
                let inside = paths.clone().any(|path| is_below(path, &key));
                let resource = format!("arn:aws:s3:::{bucket}/{key}");
                for (action, needed) in ACTIONS {
                    let granted = match needed {
                        Some(DataAccess::Read) => inside,
                        Some(DataAccess::Write) => inside && writes,
                        None => false,
                    };
                    let call = Call { action, resource: &resource, prefix: None };
                    prop_assert_eq!(policy.allows(call), granted, "{:?}", call);
                }

                let listed = inside || paths.clone().any(|path| path == key);
                let resource = format!("arn:aws:s3:::{bucket}");
                let list = Call { action: "s3:ListBucket", resource: &resource, prefix: Some(&key) };
                prop_assert_eq!(policy.allows(list), listed, "{:?}", list);
                let whole = Call { prefix: None, ..list };
                prop_assert_eq!(policy.allows(whole), paths.any(str::is_empty), "{:?}", whole);
                for action in BUCKET_ACTIONS {
                    let call = Call { action, ..list };
                    prop_assert!(!policy.allows(call), "{:?}", call);
                }
            }
        }
    }

    #[test]
    fn a_policy_that_was_shortened_allows_no_more(
        names in prop::collection::vec("[a-z*?$]{60,140}", 2..6),
        other in name(),
        writes in any::<bool>(),
    ) {
        let access = if writes { DataAccess::Write } else { DataAccess::Read };
        let locations: Vec<_> = names
            .iter()
            .map(|name| Location::parse(&format!("s3://lake/{name}")).unwrap())
            .collect();
        let grant = LocationGrant::new(locations.clone(), access).unwrap();
        let policy = session_policy(&grant, &role());
        // Of those that fit, there must be enough to try.
        prop_assume!(policy.is_ok());
        let policy = Policy::parse(&policy.unwrap().text);

        for location in &locations {
            for key in near(location.path(), &other) {
                let inside = locations.iter().any(|one| is_below(one.path(), &key));
                let resource = format!("arn:aws:s3:::lake/{key}");
                let get = Call { action: "s3:GetObject", resource: &resource, prefix: None };
                prop_assert_eq!(policy.allows(get), inside, "{:?}", get);
                let put = Call { action: "s3:PutObject", ..get };
                prop_assert_eq!(policy.allows(put), inside && writes, "{:?}", put);
                let list = Call {
                    action: "s3:ListBucket",
                    resource: "arn:aws:s3:::lake",
                    prefix: Some(&key),
                };
                let exact = locations.iter().any(|one| one.path() == key);
                prop_assert!(policy.allows(list) || !inside, "{:?}", list);
                prop_assert!(!policy.allows(list) || inside || exact, "{:?}", list);
            }
        }
    }
}
