//! The types of policies that there are, and what a policy of each says.
//!
//! The types, their codes and what their contents may hold are Polaris'. A content is kept as it was
//! written; engines read it, and nothing here does but to see that they can.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::Error;

/// A type of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PolicyType {
    /// How data files are merged.
    DataCompaction,
    /// How metadata files are merged.
    MetadataCompaction,
    /// How files are removed that no snapshot names.
    OrphanFileRemoval,
    /// How snapshots expire.
    SnapshotExpiry,
}

/// Whether what a policy is attached to hands it down to all that is in it. All types there are do.
pub(crate) const INHERITABLE: bool = true;

impl PolicyType {
    /// Every type there is.
    pub(crate) const ALL: [Self; 4] = [
        Self::DataCompaction,
        Self::MetadataCompaction,
        Self::OrphanFileRemoval,
        Self::SnapshotExpiry,
    ];

    /// Its name in the API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::DataCompaction => "system.data-compaction",
            Self::MetadataCompaction => "system.metadata-compaction",
            Self::OrphanFileRemoval => "system.orphan-file-removal",
            Self::SnapshotExpiry => "system.snapshot-expiry",
        }
    }

    /// What it is stored as.
    pub(crate) const fn code(self) -> i32 {
        match self {
            Self::DataCompaction => 0,
            Self::MetadataCompaction => 1,
            Self::OrphanFileRemoval => 2,
            Self::SnapshotExpiry => 3,
        }
    }

    /// The type of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The type stored as that.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code().to_string() == code)
    }

    /// Refuses what a policy of this type cannot say.
    pub(crate) fn check(self, content: Option<&str>) -> Result<(), Error> {
        let content = content.unwrap_or_default();
        if content.is_empty() {
            return Err(Error::InvalidPolicy("Policy is empty".to_owned()));
        }
        let version = match self {
            Self::DataCompaction | Self::MetadataCompaction | Self::SnapshotExpiry => {
                read::<Maintenance>(content)?.version
            }
            Self::OrphanFileRemoval => {
                let OrphanFileRemoval { version, max_age, .. } = read(content)?;
                if let Some(days) = max_age
                    && days < 0
                {
                    return Err(Error::InvalidPolicy(format!(
                        "Invalid max_orphan_file_age_in_days: {days}. It must be greater than or \
                         equal to 0"
                    )));
                }
                version
            }
        };
        match version {
            Some(Scalar(version)) if !version.is_empty() && version != VERSION => {
                Err(Error::InvalidPolicy(format!("Invalid policy version: {version}")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The one version of all contents, which one without a version has.
const VERSION: &str = "2025-02-03";

/// What most policies say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Maintenance {
    #[serde(rename = "enable")]
    _enable: Switch,
    version: Option<Scalar>,
    #[serde(rename = "config")]
    _config: Option<BTreeMap<String, Option<Scalar>>>,
}

/// What a policy says about files that no snapshot names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrphanFileRemoval {
    #[serde(rename = "enable")]
    _enable: Switch,
    version: Option<Scalar>,
    #[serde(rename = "config")]
    _config: Option<BTreeMap<String, Option<Scalar>>>,
    /// In days.
    #[serde(rename = "max_orphan_file_age_in_days")]
    max_age: Option<i32>,
    #[serde(rename = "locations")]
    _locations: Option<Vec<String>>,
}

fn read<T: DeserializeOwned>(content: &str) -> Result<T, Error> {
    let invalid =
        |reason: &dyn fmt::Display| Error::InvalidPolicy(format!("Invalid policy: {reason}"));
    // serde would read a struct from an array too.
    if !content.trim_start().starts_with('{') {
        let shown: String = content.chars().take(40).collect();
        return Err(invalid(&shown));
    }
    serde_json::from_str(content).map_err(|error| invalid(&error))
}

/// True or false. Polaris takes them as texts too.
#[derive(Debug)]
struct Switch;

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Wanted;
        impl Visitor<'_> for Wanted {
            type Value = Switch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Switch, E> {
                Ok(Switch)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Switch, E> {
                match text {
                    "true" | "false" => Ok(Switch),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Wanted)
    }
}

/// A text, or what Polaris takes for one: a number, true or false.
#[derive(Debug)]
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde_json::Value;
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            value @ (Value::Bool(_) | Value::Number(_)) => Ok(Self(value.to_string())),
            Value::Null => Err(D::Error::invalid_type(Unexpected::Unit, &"a text")),
            Value::Array(_) => Err(D::Error::invalid_type(Unexpected::Seq, &"a text")),
            Value::Object(_) => Err(D::Error::invalid_type(Unexpected::Map, &"a text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a content, or nothing.
    fn wrong(kind: PolicyType, content: &str) -> String {
        kind.check(Some(content)).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn every_type_is_found_by_its_name_and_by_its_code() {
        for kind in PolicyType::ALL {
            assert_eq!(PolicyType::from_name(kind.name()), Some(kind));
            assert_eq!(PolicyType::from_code(&kind.code().to_string()), Some(kind));
        }
        for name in ["", "system.data_compaction", "SYSTEM.DATA-COMPACTION", "0"] {
            assert_eq!(PolicyType::from_name(name), None, "{name}");
        }
        for code in ["", "4", "-1", "00", "+0", "system.data-compaction"] {
            assert_eq!(PolicyType::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn what_all_policies_may_say() {
        for kind in PolicyType::ALL {
            for content in [
                r#"{"enable": true}"#,
                r#" {"enable": false} "#,
                r#"{"enable": "true"}"#,
                r#"{"enable": true, "version": "2025-02-03"}"#,
                r#"{"enable": true, "version": null, "config": null}"#,
                r#"{"enable": true, "version": ""}"#,
                r#"{"enable": true, "config": {}}"#,
                r#"{"enable": true, "config": {"a": "b", "c": true, "d": 1.5, "e": null}}"#,
            ] {
                assert_eq!(wrong(kind, content), "", "{kind:?}: {content}");
            }
        }
    }

    #[test]
    fn what_no_policy_may_say() {
        for kind in PolicyType::ALL {
            for (content, expected) in [
                ("", "Policy is empty"),
                ("null", "Invalid policy: null"),
                ("invalid", "Invalid policy: invalid"),
                ("[true]", "Invalid policy: [true]"),
                ("\"{}\"", "Invalid policy: \"{}\""),
                ("{}", "missing field `enable`"),
                (r#"{"enable": null}"#, "expected true or false"),
                (r#"{"enable": 1}"#, "expected true or false"),
                (r#"{"enable": "True"}"#, "expected true or false"),
                (r#"{"enable": [true]}"#, "expected true or false"),
                (r#"{"enable": {}}"#, "expected true or false"),
                (r#"{"enable": true"#, "EOF"),
                (r#"{"enable": true} {}"#, "trailing characters"),
                (r#"{"enable": true, "enable": false}"#, "duplicate field"),
                (r#"{"enable": maybe}"#, "Invalid policy: "),
                (r#"{"enable": true, "more": 1}"#, "unknown field `more`"),
                (r#"{"Enable": true}"#, "unknown field `Enable`"),
                (r#"{"enable": true, "config": []}"#, "expected a map"),
                (r#"{"enable": true, "config": {"a": {}}}"#, "expected a text"),
                (r#"{"enable": true, "config": {"a": []}}"#, "expected a text"),
                (r#"{"enable": true, "version": {}}"#, "expected a text"),
            ] {
                let wrong = wrong(kind, content);
                let is_told = wrong.starts_with("Invalid policy: ") || wrong == "Policy is empty";
                assert!(is_told && wrong.contains(expected), "{kind:?}: {content}: {wrong}");
            }
            let none = kind.check(None).unwrap_err().to_string();
            assert_eq!(none, "Policy is empty");
        }
    }

    #[test]
    fn there_is_one_version() {
        for kind in PolicyType::ALL {
            for (version, told) in [
                (r#""2025-02-04""#, "2025-02-04"),
                (r#"" 2025-02-03""#, " 2025-02-03"),
                ("20250203", "20250203"),
                ("true", "true"),
            ] {
                let content = format!(r#"{{"enable": true, "version": {version}}}"#);
                assert_eq!(wrong(kind, &content), format!("Invalid policy version: {told}"));
            }
        }
    }

    #[test]
    fn orphan_files_have_an_age_and_places() {
        let orphans = PolicyType::OrphanFileRemoval;
        let with = |rest: &str| format!(r#"{{"enable": true, {rest}}}"#);
        for good in [
            r#""max_orphan_file_age_in_days": 0"#,
            r#""max_orphan_file_age_in_days": 2147483647"#,
            r#""max_orphan_file_age_in_days": null"#,
            r#""locations": []"#,
            r#""locations": ["s3://b/ns/t/", "s3://b/ns/t/data"]"#,
            r#""locations": null"#,
        ] {
            assert_eq!(wrong(orphans, &with(good)), "", "{good}");
        }
        for (bad, expected) in [
            (r#""max_orphan_file_age_in_days": -1"#, "Invalid max_orphan_file_age_in_days: -1. "),
            (r#""max_orphan_file_age_in_days": 2147483648"#, "Invalid policy: "),
            (r#""max_orphan_file_age_in_days": 1.5"#, "Invalid policy: "),
            (r#""max_orphan_file_age_in_days": "3""#, "Invalid policy: "),
            (r#""locations": "s3://b""#, "Invalid policy: "),
            (r#""locations": [1]"#, "Invalid policy: "),
        ] {
            let wrong = wrong(orphans, &with(bad));
            assert!(wrong.starts_with(expected), "{bad}: {wrong}");
        }
        for other in PolicyType::ALL.into_iter().filter(|kind| *kind != orphans) {
            for field in [r#""max_orphan_file_age_in_days": 1"#, r#""locations": []"#] {
                assert!(wrong(other, &with(field)).contains("unknown field"), "{other:?}: {field}");
            }
        }
    }

    #[test]
    fn what_is_shown_of_a_content_is_bounded() {
        let long = "ö".repeat(1_000);

        assert!(wrong(PolicyType::DataCompaction, &long).chars().count() < 100);
        let nested = format!(r#"{{"enable": {}}}"#, "[".repeat(100_000));
        assert!(wrong(PolicyType::DataCompaction, &nested).starts_with("Invalid policy: "));
    }
}
