//! What partition and sort fields make of a column's value.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::schema::{Primitive, Type};

/// A transform, with its text.
#[derive(Debug, Clone)]
pub(crate) struct Transform {
    kind: Kind,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    Identity,
    Void,
    Year,
    Month,
    Day,
    Hour,
    Bucket(u32),
    Truncate(u32),
    /// One that a later version of the format, or somebody else, has. Readers must keep it.
    Unknown(String),
}

impl Transform {
    /// Reads a transform's text, in any case. There is always one, if only an unknown.
    pub(crate) fn parse(text: String) -> Self {
        let lower = text.to_ascii_lowercase();
        let width = |name: &str| {
            let width = lower.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            width.trim().parse().ok().filter(|width| *width > 0)
        };
        let kind = match lower.as_str() {
            "identity" => Kind::Identity,
            "void" => Kind::Void,
            "year" => Kind::Year,
            "month" => Kind::Month,
            "day" => Kind::Day,
            "hour" => Kind::Hour,
            _ => match (width("bucket"), width("truncate")) {
                (Some(buckets), _) => Kind::Bucket(buckets),
                (None, Some(width)) => Kind::Truncate(width),
                (None, None) => return Self { kind: Kind::Unknown(text.clone()), text },
            },
        };
        Self { kind, text: lower }
    }

    /// Whether every value becomes null. The source of such a field may be gone.
    pub(crate) fn is_void(&self) -> bool {
        self.kind == Kind::Void
    }

    pub(crate) fn is_identity(&self) -> bool {
        self.kind == Kind::Identity
    }

    /// Whether the transform takes values of a type. Of an unknown one nobody can say no.
    pub(crate) fn takes(&self, source: &Type) -> bool {
        use Primitive::{
            Binary, Date, Decimal, Fixed, Geography, Geometry, Int, Long, String, Time, Timestamp,
            TimestampNs, Timestamptz, TimestamptzNs, Uuid, Variant,
        };
        let Type::Primitive(primitive) = source else {
            return matches!(self.kind, Kind::Void | Kind::Unknown(_));
        };
        let source = &primitive.kind;
        let is_timestamp = matches!(source, Timestamp | Timestamptz | TimestampNs | TimestamptzNs);
        match &self.kind {
            Kind::Void | Kind::Unknown(_) => true,
            Kind::Identity => !matches!(source, Variant | Geometry { .. } | Geography { .. }),
            Kind::Year | Kind::Month | Kind::Day => is_timestamp || matches!(source, Date),
            Kind::Hour => is_timestamp,
            Kind::Bucket(_) => {
                let hashable = matches!(
                    source,
                    Int | Long
                        | Decimal { .. }
                        | Date
                        | Time
                        | String
                        | Uuid
                        | Fixed { .. }
                        | Binary
                );
                is_timestamp || hashable
            }
            Kind::Truncate(_) => matches!(source, Int | Long | Decimal { .. } | String | Binary),
        }
    }
}

impl PartialEq for Transform {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Transform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::At;

    fn transform(text: &str) -> Transform {
        Transform::parse(text.to_owned())
    }

    fn takes(text: &str, source: &str) -> bool {
        transform(text).takes(&Type::parse(At::root("type"), json!(source)).unwrap())
    }

    #[test]
    fn transforms_are_read_in_any_case_and_written_in_lower_case() {
        assert_eq!(transform("Bucket[16]"), transform("bucket[ 16 ]"));
        assert_eq!(transform("BUCKET[16]").to_string(), "bucket[16]");
    }

    #[test]
    fn an_unknown_transform_keeps_its_text() {
        for text in ["zOrder[3]", "bucket[0]", "bucket[-1]", "bucket", "truncate[x]", ""] {
            assert_eq!(transform(text).kind, Kind::Unknown(text.to_owned()), "{text}");
            assert_eq!(transform(text).to_string(), text);
        }
    }

    #[test]
    fn a_transform_takes_the_types_it_is_made_for() {
        for (text, source) in [
            ("identity", "unknown"),
            ("void", "variant"),
            ("day", "date"),
            ("hour", "timestamptz_ns"),
            ("bucket[4]", "uuid"),
            ("bucket[4]", "timestamp_ns"),
            ("truncate[4]", "decimal(9,2)"),
            ("zorder", "geometry"),
        ] {
            assert!(takes(text, source), "{text}({source})");
        }
    }

    #[test]
    fn a_transform_refuses_other_types() {
        for (text, source) in [
            ("identity", "variant"),
            ("identity", "geography"),
            ("day", "time"),
            ("hour", "date"),
            ("bucket[4]", "double"),
            ("bucket[4]", "boolean"),
            ("truncate[4]", "uuid"),
        ] {
            assert!(!takes(text, source), "{text}({source})");
        }
    }
}
