//! Default values of columns, in the JSON form of single values.

use serde_json::Value;

use super::{Column, Primitive, Type};
use crate::Error;

/// Checks a column's defaults against its type.
pub(super) fn check(column: &Column<'_>) -> Result<(), Error> {
    let Some(field) = column.field else { return Ok(()) };
    let name = &column.name;
    if let Type::Primitive(primitive) = column.data_type
        && primitive.kind == Primitive::Unknown
        && column.required
    {
        return Err(Error::invalid(format!(
            "Invalid type for {name}: a column of type unknown must be optional"
        )));
    }
    for (member, default) in
        [("initial-default", &field.initial_default), ("write-default", &field.write_default)]
    {
        if let Some(default) = default
            && !fits(column.data_type, default)
        {
            let data_type = column.data_type;
            return Err(Error::invalid(format!(
                "Invalid {member} for {name}: {default} is not a value of type {data_type}"
            )));
        }
    }
    Ok(())
}

/// Whether a value that is not null is one of the type.
fn fits(data_type: &Type, value: &Value) -> bool {
    match data_type {
        Type::Primitive(primitive) => fits_primitive(&primitive.kind, value),
        Type::Struct(fields) => value.as_object().is_some_and(|members| {
            members.iter().all(|(id, value)| {
                let field = fields.fields.iter().find(|field| field.id.to_string() == *id);
                field.is_some_and(|field| value.is_null() || fits(&field.data_type, value))
            })
        }),
        Type::List(list) => value.as_array().is_some_and(|elements| {
            elements.iter().all(|value| value.is_null() || fits(&list.element, value))
        }),
        Type::Map(map) => {
            let all = |name: &str, inner: &Type| {
                value.get(name).and_then(Value::as_array).is_some_and(|values| {
                    values.iter().all(|value| value.is_null() || fits(inner, value))
                })
            };
            all("keys", &map.key) && all("values", &map.value)
        }
    }
}

fn fits_primitive(kind: &Primitive, value: &Value) -> bool {
    let text = value.as_str();
    match kind {
        Primitive::Boolean => value.is_boolean(),
        Primitive::Int => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Primitive::Long => value.is_i64(),
        Primitive::Float | Primitive::Double => value.is_number(),
        Primitive::Decimal { scale, .. } => text.is_some_and(|text| is_decimal(text, *scale)),
        Primitive::Date => text.is_some_and(|text| matches(text, "dddd-dd-dd")),
        Primitive::Time => text.is_some_and(is_time),
        Primitive::Timestamp | Primitive::TimestampNs => text.is_some_and(is_timestamp),
        Primitive::Timestamptz | Primitive::TimestamptzNs => text.is_some_and(is_timestamptz),
        Primitive::String => text.is_some(),
        Primitive::Uuid => {
            text.is_some_and(|text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok())
        }
        Primitive::Binary => text.is_some_and(is_hex),
        Primitive::Fixed { length } => text.is_some_and(|text| {
            is_hex(text) && u32::try_from(text.len() / 2).is_ok_and(|found| found == *length)
        }),
        // These default to null, whatever is said.
        Primitive::Unknown
        | Primitive::Variant
        | Primitive::Geometry { .. }
        | Primitive::Geography { .. } => false,
    }
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a text has the shape of a pattern in which `d` stands for a digit.
fn matches(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}

/// `12:34`, `12:34:56` or `12:34:56.123456789` with any number of decimals up to nine.
fn is_time(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
    let decimals_fit = decimals.is_none_or(|decimals| {
        (1..=9).contains(&decimals.len()) && decimals.bytes().all(|byte| byte.is_ascii_digit())
    });
    decimals_fit && (matches(whole, "dd:dd:dd") || (decimals.is_none() && matches(whole, "dd:dd")))
}

fn is_timestamp(text: &str) -> bool {
    text.split_once('T').is_some_and(|(date, time)| matches(date, "dddd-dd-dd") && is_time(time))
}

/// A timestamp in UTC: the single-value form knows no other zone.
fn is_timestamptz(text: &str) -> bool {
    ["+00:00", "-00:00", "Z"].iter().any(|zone| text.strip_suffix(zone).is_some_and(is_timestamp))
}

/// A decimal with exactly the scale of its type: `14.20` is of scale 2.
fn is_decimal(text: &str, scale: u32) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    // A negative scale has an exponent; no type here has one, so any that is sent is taken on trust.
    if let Some((mantissa, exponent)) = unsigned.split_once(['E', 'e']) {
        return !mantissa.is_empty() && exponent.parse::<i32>().is_ok();
    }
    match unsigned.split_once('.') {
        Some((whole, decimals)) => {
            digits(whole)
                && digits(decimals)
                && u32::try_from(decimals.len()).is_ok_and(|found| found == scale)
        }
        None => digits(unsigned) && scale == 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::types::PrimitiveType;
    use super::*;

    fn fits_text(data_type: &str, value: &Value) -> bool {
        fits_primitive(&PrimitiveType::parse(data_type).unwrap().kind, value)
    }

    #[test]
    fn values_of_their_type_are_taken() {
        for (data_type, value) in [
            ("boolean", json!(true)),
            ("int", json!(34)),
            ("long", json!(i64::MAX)),
            ("float", json!(1)),
            ("double", json!(1.5)),
            ("decimal(9,2)", json!("-14.20")),
            ("decimal(9,0)", json!("14")),
            ("date", json!("2017-11-16")),
            ("time", json!("22:31:08.123456")),
            ("timestamp", json!("2017-11-16T22:31:08.123456")),
            ("timestamptz", json!("2017-11-16T22:31:08+00:00")),
            ("timestamp_ns", json!("2017-11-16T22:31:08.123456789")),
            ("string", json!("iceberg")),
            ("uuid", json!("f79c3e09-677c-4bbd-a479-3f349cb785e7")),
            ("fixed[4]", json!("000102ff")),
            ("binary", json!("")),
        ] {
            assert!(fits_text(data_type, &value), "{data_type} {value}");
        }
    }

    #[test]
    fn values_of_other_types_are_refused() {
        for (data_type, value) in [
            ("boolean", json!("true")),
            ("int", json!(3_000_000_000_u32)),
            ("int", json!(1.5)),
            ("long", json!(u64::MAX)),
            ("double", json!("1.5")),
            ("decimal(9,2)", json!("14.2")),
            ("decimal(9,2)", json!(14.2)),
            ("date", json!("16.11.2017")),
            ("time", json!("22:31:08.")),
            ("timestamp", json!("2017-11-16 22:31:08")),
            ("timestamp", json!("2017-11-16T22:31:08+00:00")),
            ("timestamptz", json!("2017-11-16T22:31:08+01:00")),
            ("string", json!(1)),
            ("uuid", json!("f79c3e09677c4bbda4793f349cb785e7")),
            ("fixed[4]", json!("00")),
            ("binary", json!("0")),
            ("binary", json!("zz")),
            ("unknown", json!(1)),
            ("variant", json!({})),
            ("geometry", json!("POINT (1 1)")),
        ] {
            assert!(!fits_text(data_type, &value), "{data_type} {value}");
        }
    }
}
