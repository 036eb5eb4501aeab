//! The types of columns.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::Error;
use crate::json::{At, Object};

/// What a column holds.
///
/// Equality is Iceberg's: the spelling of a primitive type does not matter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    Primitive(PrimitiveType),
    Struct(StructType),
    List(Box<ListType>),
    Map(Box<MapType>),
}

/// Columns, of a schema or of a column that is a struct.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StructType {
    pub(crate) fields: Vec<Field>,
    /// Members that this version of the format does not know; likewise below.
    pub(crate) unknown: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListType {
    pub(crate) element_id: i32,
    pub(crate) element: Type,
    pub(crate) element_required: bool,
    pub(crate) unknown: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MapType {
    pub(crate) key_id: i32,
    pub(crate) key: Type,
    pub(crate) value_id: i32,
    pub(crate) value: Type,
    pub(crate) value_required: bool,
    pub(crate) unknown: Map<String, Value>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) data_type: Type,
    pub(crate) doc: Option<String>,
    pub(crate) initial_default: Option<Value>,
    pub(crate) write_default: Option<Value>,
    pub(crate) unknown: Map<String, Value>,
}

/// A type without inner columns, with its text.
///
/// The text is the client's, in lower case: there are readers that know no other. Only the names of
/// coordinate reference systems keep their case, since they are not Iceberg's to spell.
#[derive(Debug, Clone, Eq)]
pub(crate) struct PrimitiveType {
    pub(crate) kind: Primitive,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Primitive {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    TimestampNs,
    TimestamptzNs,
    String,
    Uuid,
    Binary,
    Fixed { length: u32 },
    Decimal { precision: u32, scale: u32 },
    Unknown,
    Variant,
    Geometry { parameters: String },
    Geography { parameters: String },
}

impl PartialEq for PrimitiveType {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl fmt::Display for PrimitiveType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primitive(primitive) => primitive.fmt(f),
            Self::Struct(_) => f.write_str("struct"),
            Self::List(_) => f.write_str("list"),
            Self::Map(_) => f.write_str("map"),
        }
    }
}

impl Primitive {
    /// The first format version that has the type.
    pub(crate) const fn since_version(&self) -> u8 {
        match self {
            Self::TimestampNs
            | Self::TimestamptzNs
            | Self::Unknown
            | Self::Variant
            | Self::Geometry { .. }
            | Self::Geography { .. } => 3,
            Self::Boolean
            | Self::Int
            | Self::Long
            | Self::Float
            | Self::Double
            | Self::Date
            | Self::Time
            | Self::Timestamp
            | Self::Timestamptz
            | Self::String
            | Self::Uuid
            | Self::Binary
            | Self::Fixed { .. }
            | Self::Decimal { .. } => 1,
        }
    }
}

impl PrimitiveType {
    /// Reads a type's text, in any case. `None` if there is no such type.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let simple = match lower.as_str() {
            "boolean" => Some(Primitive::Boolean),
            "int" => Some(Primitive::Int),
            "long" => Some(Primitive::Long),
            "float" => Some(Primitive::Float),
            "double" => Some(Primitive::Double),
            "date" => Some(Primitive::Date),
            "time" => Some(Primitive::Time),
            "timestamp" => Some(Primitive::Timestamp),
            "timestamptz" => Some(Primitive::Timestamptz),
            "timestamp_ns" => Some(Primitive::TimestampNs),
            "timestamptz_ns" => Some(Primitive::TimestamptzNs),
            "string" => Some(Primitive::String),
            "uuid" => Some(Primitive::Uuid),
            "binary" => Some(Primitive::Binary),
            "unknown" => Some(Primitive::Unknown),
            "variant" => Some(Primitive::Variant),
            _ => None,
        };
        if let Some(kind) = simple {
            return Some(Self { kind, text: lower });
        }

        if let Some(length) = parameters(&lower, "fixed", '[', ']') {
            let length = length.trim().parse().ok()?;
            return Some(Self { kind: Primitive::Fixed { length }, text: lower });
        }
        if let Some(parameters) = parameters(&lower, "decimal", '(', ')') {
            let (precision, scale) = parameters.split_once(',')?;
            let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
            let fits = (1..=38).contains(&precision);
            return fits
                .then_some(Self { kind: Primitive::Decimal { precision, scale }, text: lower });
        }
        for (name, kind) in [
            ("geometry", (|parameters| Primitive::Geometry { parameters }) as fn(String) -> _),
            ("geography", |parameters| Primitive::Geography { parameters }),
        ] {
            if lower.starts_with(name) {
                // Lower case has the same length here, so the name ends at the same place.
                let rest = text.get(name.len()..)?;
                let parameters = match rest.trim() {
                    "" => "",
                    rest => rest.strip_prefix('(')?.strip_suffix(')')?.trim(),
                };
                return Some(Self {
                    kind: kind(parameters.to_owned()),
                    text: format!("{name}{rest}"),
                });
            }
        }
        None
    }
}

/// What stands between `name` with its opening bracket and the closing bracket at the end.
fn parameters<'a>(text: &'a str, name: &str, open: char, close: char) -> Option<&'a str> {
    text.strip_prefix(name)?.trim_start().strip_prefix(open)?.strip_suffix(close)
}

impl Type {
    pub(crate) fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        if let Value::String(text) = &value {
            return PrimitiveType::parse(text)
                .map(Self::Primitive)
                .ok_or_else(|| at.invalid(format_args!("cannot parse type: {text}")));
        }
        let mut object = Object::new(at, value)?;
        let kind: String = object.required("type")?;
        match kind.to_ascii_lowercase().as_str() {
            "struct" => StructType::take(object).map(Self::Struct),
            "list" => ListType::take(object).map(|list| Self::List(Box::new(list))),
            "map" => MapType::take(object).map(|map| Self::Map(Box::new(map))),
            _ => Err(at.member("type").invalid(format_args!("cannot parse type: {kind}"))),
        }
    }
}

impl StructType {
    /// Reads what is left of a struct once its `type` is taken.
    pub(crate) fn take(mut object: Object<'_>) -> Result<Self, Error> {
        let fields = object.list("fields", Field::parse)?;
        Ok(Self { fields, unknown: object.rest() })
    }
}

impl ListType {
    fn take(mut object: Object<'_>) -> Result<Self, Error> {
        let element_id = object.required("element-id")?;
        let element = object.take_required("element")?;
        let element = Type::parse(object.at().member("element"), element)?;
        let element_required = object.required("element-required")?;
        Ok(Self { element_id, element, element_required, unknown: object.rest() })
    }
}

impl MapType {
    fn take(mut object: Object<'_>) -> Result<Self, Error> {
        let key_id = object.required("key-id")?;
        let key = object.take_required("key")?;
        let key = Type::parse(object.at().member("key"), key)?;
        let value_id = object.required("value-id")?;
        let value = object.take_required("value")?;
        let value = Type::parse(object.at().member("value"), value)?;
        let value_required = object.required("value-required")?;
        Ok(Self { key_id, key, value_id, value, value_required, unknown: object.rest() })
    }
}

impl Field {
    fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value)?;
        let data_type = object.take_required("type")?;
        Ok(Self {
            id: object.required("id")?,
            name: object.required("name")?,
            required: object.required("required")?,
            data_type: Type::parse(object.at().member("type"), data_type)?,
            doc: object.optional("doc")?,
            initial_default: object.take("initial-default"),
            write_default: object.take("write-default"),
            unknown: object.rest(),
        })
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Primitive(primitive) => serializer.serialize_str(&primitive.text),
            Self::Struct(fields) => fields.serialize(serializer),
            Self::List(list) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("type", "list")?;
                map.serialize_entry("element-id", &list.element_id)?;
                map.serialize_entry("element", &list.element)?;
                map.serialize_entry("element-required", &list.element_required)?;
                serialize_unknown(&mut map, &list.unknown)?;
                map.end()
            }
            Self::Map(inner) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("type", "map")?;
                map.serialize_entry("key-id", &inner.key_id)?;
                map.serialize_entry("key", &inner.key)?;
                map.serialize_entry("value-id", &inner.value_id)?;
                map.serialize_entry("value", &inner.value)?;
                map.serialize_entry("value-required", &inner.value_required)?;
                serialize_unknown(&mut map, &inner.unknown)?;
                map.end()
            }
        }
    }
}

impl Serialize for StructType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "struct")?;
        map.serialize_entry("fields", &self.fields)?;
        serialize_unknown(&mut map, &self.unknown)?;
        map.end()
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("required", &self.required)?;
        map.serialize_entry("type", &self.data_type)?;
        if let Some(doc) = &self.doc {
            map.serialize_entry("doc", doc)?;
        }
        if let Some(default) = &self.initial_default {
            map.serialize_entry("initial-default", default)?;
        }
        if let Some(default) = &self.write_default {
            map.serialize_entry("write-default", default)?;
        }
        serialize_unknown(&mut map, &self.unknown)?;
        map.end()
    }
}

/// Writes members back that were not understood.
pub(crate) fn serialize_unknown<M: SerializeMap>(
    map: &mut M,
    unknown: &Map<String, Value>,
) -> Result<(), M::Error> {
    unknown.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<Primitive> {
        PrimitiveType::parse(text).map(|parsed| parsed.kind)
    }

    #[test]
    fn types_are_read_in_any_case_and_written_in_lower_case() {
        assert_eq!(kind("INT"), Some(Primitive::Int));
        assert_eq!(kind("TimestampTZ_ns"), Some(Primitive::TimestamptzNs));
        let decimal = PrimitiveType::parse("DECIMAL(9, 2)").unwrap();
        assert_eq!(decimal.kind, Primitive::Decimal { precision: 9, scale: 2 });
        assert_eq!(decimal.to_string(), "decimal(9, 2)");
    }

    #[test]
    fn spacing_does_not_tell_types_apart() {
        assert_eq!(PrimitiveType::parse("decimal(9,2)"), PrimitiveType::parse("decimal( 9 , 2 )"));
        assert_eq!(PrimitiveType::parse("fixed[16]"), PrimitiveType::parse("fixed[ 16 ]"));
    }

    #[test]
    fn reference_systems_keep_their_case() {
        let geometry = PrimitiveType::parse("GEOMETRY(srid:OGC)").unwrap();
        assert_eq!(geometry.to_string(), "geometry(srid:OGC)");
        assert_eq!(kind("geometry"), Some(Primitive::Geometry { parameters: String::new() }));
        assert_eq!(
            kind("geography(OGC:CRS84, spherical)"),
            Some(Primitive::Geography { parameters: "OGC:CRS84, spherical".to_owned() })
        );
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for text in [
            "",
            "integer",
            "varchar(3)",
            "decimal",
            "decimal(39,2)",
            "decimal(0,0)",
            "decimal(9)",
            "decimal(-1,2)",
            "fixed",
            "fixed[]",
            "fixed[-1]",
            "fixed[99999999999]",
            "geometry(",
            "geometry)x",
            "geométrie",
        ] {
            assert_eq!(PrimitiveType::parse(text), None, "{text}");
        }
    }
}
