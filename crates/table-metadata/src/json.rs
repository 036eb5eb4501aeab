//! Reading JSON with errors that say where.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::Error;

/// How deep the JSON of one thing that a client sends (a schema, a snapshot, ..) may nest.
///
/// A nested list takes one level and a nested struct three, so this is about thirty structs in one
/// another. `serde_json` refuses to read anything deeper than 128 levels; the distance to that is
/// for the objects that metadata is wrapped into, so that what was accepted can be read again.
pub const MAX_NESTING: usize = 100;

/// Text of a JSON value, kept as it came and shared between versions of the metadata.
pub(crate) type Raw = Arc<RawValue>;

/// A place in a document, for error messages. Costs nothing until it is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root(&'a str),
    Member(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    /// The document itself, under the name a reader knows it by.
    pub(crate) const fn root(name: &'a str) -> Self {
        Self { parent: None, step: Step::Root(name) }
    }

    pub(crate) const fn member(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Member(name) }
    }

    pub(crate) const fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    pub(crate) fn invalid(&self, reason: impl fmt::Display) -> Error {
        Error::Invalid(format!("{self}: {reason}"))
    }

    fn expected(&self, expected: &str, found: &str) -> Error {
        self.invalid(format_args!("expected {expected}, not {}", shortened(found)))
    }

    pub(crate) fn missing(&self) -> Error {
        Error::Invalid(format!("{self} is missing"))
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below_root = self.parent.is_some_and(|parent| matches!(parent.step, Step::Root(_)));
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root(name) => f.write_str(name),
            Step::Member(name) if below_root => write!(f, ": {name}"),
            Step::Member(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        let start: String = text.chars().take(LONGEST).collect();
        format!("{start}..")
    }
}

/// A JSON type that a member can be asked to have.
pub(crate) trait Plain: DeserializeOwned {
    /// What the type is called in an error message.
    const EXPECTED: &'static str;
}

impl Plain for i32 {
    const EXPECTED: &'static str = "a 32-bit integer";
}

impl Plain for i64 {
    const EXPECTED: &'static str = "a 64-bit integer";
}

impl Plain for String {
    const EXPECTED: &'static str = "a string";
}

impl Plain for bool {
    const EXPECTED: &'static str = "true or false";
}

impl Plain for Vec<i32> {
    const EXPECTED: &'static str = "a list of 32-bit integers";
}

impl Plain for Vec<i64> {
    const EXPECTED: &'static str = "a list of 64-bit integers";
}

impl Plain for Vec<String> {
    const EXPECTED: &'static str = "a list of strings";
}

/// Reads a scalar (or a list of them) from its text.
pub(crate) fn read<T: Plain>(at: At<'_>, raw: &RawValue) -> Result<T, Error> {
    serde_json::from_str(raw.get()).map_err(|_| at.expected(T::EXPECTED, raw.get()))
}

/// Reads a member that must be there. `null` is as good as absent.
pub(crate) fn required<T: Plain>(at: At<'_>, raw: Option<&RawValue>) -> Result<T, Error> {
    optional(at, raw)?.ok_or_else(|| at.missing())
}

/// Reads a member that may be absent or `null`.
pub(crate) fn optional<T: Plain>(at: At<'_>, raw: Option<&RawValue>) -> Result<Option<T>, Error> {
    raw.filter(|raw| raw.get() != "null").map(|raw| read(at, raw)).transpose()
}

/// Reads the members of an object that `T` names, and passes over the others.
pub(crate) fn object<'a, T: Deserialize<'a>>(at: At<'_>, raw: &'a RawValue) -> Result<T, Error> {
    // A derived `Deserialize` would also take an array for the members in their order.
    if !raw.get().starts_with('{') {
        return Err(at.expected("an object", raw.get()));
    }
    serde_json::from_str(raw.get()).map_err(|error| at.invalid(error))
}

/// The elements of an array, each as its text.
pub(crate) fn elements<'a>(at: At<'_>, raw: &'a RawValue) -> Result<Vec<&'a RawValue>, Error> {
    if !raw.get().starts_with('[') {
        return Err(at.expected("a list", raw.get()));
    }
    serde_json::from_str(raw.get()).map_err(|error| at.invalid(error))
}

/// The members of an object in their order, each as its text. The last of two alike counts.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    pub(crate) fn parse(at: At<'_>, json: &'a [u8]) -> Result<Self, Error> {
        serde_json::from_slice(json).map_err(|error| at.invalid(error))
    }

    pub(crate) fn read(at: At<'_>, raw: &'a RawValue) -> Result<Self, Error> {
        if !raw.get().starts_with('{') {
            return Err(at.expected("an object", raw.get()));
        }
        Self::parse(at, raw.get().as_bytes())
    }

    /// Takes a member out. `null` is as good as absent, but is taken out nevertheless.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let mut found = None;
        self.0.retain(|(key, value)| {
            let wanted = key == name;
            if wanted {
                found = Some(*value);
            }
            !wanted
        });
        found.filter(|raw| raw.get() != "null")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Collect<'a> {
            type Value = Members<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect(std::marker::PhantomData))
    }
}

/// An object that a client sent, of which members are taken until only unknown ones are left.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    at: At<'a>,
    members: Map<String, Value>,
}

impl<'a> Object<'a> {
    pub(crate) fn new(at: At<'a>, value: Value) -> Result<Self, Error> {
        match value {
            Value::Object(members) => Ok(Self { at, members }),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Err(at.expected("an object", &value.to_string())),
        }
    }

    pub(crate) const fn at(&self) -> &At<'a> {
        &self.at
    }

    /// Takes a member that may be absent or `null`.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        // `remove` would put the last member in the place of this one.
        self.members.shift_remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn take_required(&mut self, name: &str) -> Result<Value, Error> {
        self.take(name).ok_or_else(|| self.at.member(name).missing())
    }

    pub(crate) fn optional<T: Plain>(&mut self, name: &str) -> Result<Option<T>, Error> {
        self.take(name)
            .map(|value| {
                T::deserialize(&value)
                    .map_err(|_| self.at.member(name).expected(T::EXPECTED, &value.to_string()))
            })
            .transpose()
    }

    pub(crate) fn required<T: Plain>(&mut self, name: &str) -> Result<T, Error> {
        self.optional(name)?.ok_or_else(|| self.at.member(name).missing())
    }

    /// Takes a list that must be there, and reads each element.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        mut read: impl FnMut(At<'_>, Value) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let value = self.take_required(name)?;
        let at = self.at.member(name);
        array(at, value)?
            .into_iter()
            .enumerate()
            .map(|(index, element)| read(at.index(index), element))
            .collect()
    }

    /// What was not taken: members this version of the format does not know.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.members
    }
}

/// The elements of a value that must be an array.
pub(crate) fn array(at: At<'_>, value: Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::Array(elements) => Ok(elements),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Err(at.expected("a list", &value.to_string()))
        }
    }
}

/// Checks that an object has only strings for values.
pub(crate) fn string_map(at: At<'_>, value: Value) -> Result<Map<String, Value>, Error> {
    let object = Object::new(at, value)?;
    for (key, value) in &object.members {
        if !value.is_string() {
            return Err(at.member(key).expected(String::EXPECTED, &value.to_string()));
        }
    }
    Ok(object.members)
}

/// The value that a text stands for.
pub(crate) fn value(at: At<'_>, raw: &RawValue) -> Result<Value, Error> {
    serde_json::from_str(raw.get()).map_err(|error| at.invalid(error))
}

/// Writes a value of ours, which has string keys only and can therefore always be written.
pub(crate) fn raw(value: &impl Serialize) -> Raw {
    Arc::from(serde_json::value::to_raw_value(value).expect("keys are strings"))
}

/// Writes a value of ours, likewise.
pub(crate) fn to_vec(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("keys are strings")
}

/// Keeps a text beyond the document it was read from.
pub(crate) fn keep(raw: &RawValue) -> Raw {
    Arc::from(raw.to_owned())
}

/// Refuses what nests deeper than [`MAX_NESTING`], without recursion.
pub(crate) fn check_nesting(at: At<'_>, value: &Value) -> Result<(), Error> {
    let mut to_visit = vec![(value, 1)];
    while let Some((value, depth)) = to_visit.pop() {
        if depth > MAX_NESTING {
            return Err(at.invalid(format_args!("nests deeper than {MAX_NESTING} levels")));
        }
        match value {
            Value::Array(elements) => to_visit.extend(elements.iter().map(|e| (e, depth + 1))),
            Value::Object(members) => to_visit.extend(members.values().map(|m| (m, depth + 1))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_prints_as_a_path() {
        let root = At::root("Invalid table metadata");
        let snapshots = root.member("snapshots");
        let third = snapshots.index(2);
        let id = third.member("snapshot-id");
        assert_eq!(id.to_string(), "Invalid table metadata: snapshots[2].snapshot-id");
    }

    #[test]
    fn nesting_is_bounded_at_its_limit() {
        let nested = |levels: usize| (1..levels).fold(json!(0), |inner, _| json!([inner]));
        let at = At::root("x");
        assert!(check_nesting(at, &nested(MAX_NESTING)).is_ok());
        assert_eq!(
            check_nesting(at, &nested(MAX_NESTING + 1)),
            Err(Error::invalid("x: nests deeper than 100 levels"))
        );
    }

    #[test]
    fn a_long_wrong_value_is_shortened_in_the_error() {
        let error = At::root("x").expected("a string", &"é".repeat(200));
        assert!(error.to_string().chars().count() < 120, "{error}");
    }
}
