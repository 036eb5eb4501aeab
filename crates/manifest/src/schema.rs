//! The writer's schema, as far as it takes to step over its values.

use std::collections::HashMap;

use serde_json::Value;

use crate::Error;
use crate::input::Input;

/// How many types a schema may have in it. Those of manifests have a few dozen, and some for each
/// partition field.
const MOST_TYPES: usize = 20_000;
/// How deep values may lie in one another.
const DEEPEST: usize = 64;

/// A type, by its number in a schema.
pub(crate) type TypeId = usize;

/// The types of a file; the first is that of its values.
#[derive(Debug)]
pub(crate) struct Schema {
    types: Vec<Type>,
}

/// What matters of a type.
#[derive(Debug)]
pub(crate) enum Type {
    Null,
    /// An `int` or a `long`, which are written alike.
    Long,
    /// The number of a symbol.
    Enum,
    /// A fixed number of bytes: a boolean, a floating point number, a `fixed`.
    Fixed(u64),
    /// Bytes that follow their length.
    Bytes,
    /// The same, which are text.
    Text,
    Array(TypeId),
    Map(TypeId),
    Union(Vec<TypeId>),
    Record(Vec<Field>),
}

/// A field of a record.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// Iceberg's id.
    pub(crate) id: Option<i64>,
    pub(crate) of: TypeId,
}

impl Schema {
    pub(crate) const ROOT: TypeId = 0;

    pub(crate) fn parse(json: &[u8]) -> Result<Self, Error> {
        // Its message could quote the file.
        let json: Value = serde_json::from_slice(json)
            .map_err(|_| Error::malformed("its schema is no valid JSON"))?;
        let mut parser = Parser { types: Vec::new(), named: HashMap::new() };
        let root = parser.type_of(&json, "")?;
        if root != Self::ROOT {
            return Err(no_schema());
        }
        Ok(Self { types: parser.types })
    }

    pub(crate) fn get(&self, id: TypeId) -> &Type {
        &self.types[id]
    }

    /// The fields of a record.
    pub(crate) fn fields(&self, id: TypeId) -> Option<&[Field]> {
        if let Type::Record(fields) = self.get(id) { Some(fields) } else { None }
    }

    /// The record that a value may be: the type itself, or the first record of a union.
    pub(crate) fn record_within(&self, id: TypeId) -> Option<TypeId> {
        let is_record = |id: &TypeId| self.fields(*id).is_some();
        if let Type::Union(members) = self.get(id) {
            return members.iter().copied().find(is_record);
        }
        Some(id).filter(is_record)
    }

    /// The type that a value turns out to have: of a union, that of the member it is.
    pub(crate) fn resolve(&self, mut id: TypeId, input: &mut Input<'_>) -> Result<TypeId, Error> {
        while let Type::Union(members) = self.get(id) {
            let member = usize::try_from(input.long()?).ok();
            id = *member
                .and_then(|member| members.get(member))
                .ok_or_else(|| Error::malformed("a value is of no type that it may have"))?;
        }
        Ok(id)
    }

    /// Steps over a value.
    pub(crate) fn skip(&self, id: TypeId, input: &mut Input<'_>) -> Result<(), Error> {
        self.skip_within(id, input, 0)
    }

    fn skip_within(&self, id: TypeId, input: &mut Input<'_>, depth: usize) -> Result<(), Error> {
        input.begin_value()?;
        if depth > DEEPEST {
            return Err(Error::malformed("its values lie too deep in one another"));
        }
        match self.get(id) {
            Type::Null => Ok(()),
            Type::Long | Type::Enum => input.long().map(|_| ()),
            Type::Fixed(length) => input.skip(*length),
            Type::Bytes | Type::Text => {
                let length = input.length()?;
                input.skip(length)
            }
            Type::Array(item) => {
                skip_items(input, |input| self.skip_within(*item, input, depth + 1))
            }
            Type::Map(value) => skip_items(input, |input| {
                let length = input.length()?;
                input.skip(length)?;
                self.skip_within(*value, input, depth + 1)
            }),
            Type::Union(_) => {
                let member = self.resolve(id, input)?;
                self.skip_within(member, input, depth + 1)
            }
            Type::Record(fields) => {
                fields.iter().try_for_each(|field| self.skip_within(field.of, input, depth + 1))
            }
        }
    }
}

/// Steps over an array or a map: runs of items, each run after its count, the last of none.
fn skip_items(
    input: &mut Input<'_>,
    mut item: impl FnMut(&mut Input<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    loop {
        match input.long()? {
            0 => return Ok(()),
            // Then the length of the run follows.
            ..0 => {
                let length = input.length()?;
                input.skip(length)?;
            }
            count => {
                for _ in 0..count {
                    item(input)?;
                }
            }
        }
    }
}

struct Parser {
    types: Vec<Type>,
    /// The types that have names, which stand for them from then on.
    named: HashMap<String, TypeId>,
}

impl Parser {
    fn add(&mut self, added: Type) -> Result<TypeId, Error> {
        if self.types.len() == MOST_TYPES {
            return Err(Error::TooLarge { what: "types in its schema", limit: MOST_TYPES as u64 });
        }
        self.types.push(added);
        Ok(self.types.len() - 1)
    }

    /// Adds what is made by `make`, which may refer to it.
    fn add_after(
        &mut self,
        name: Option<String>,
        make: impl FnOnce(&mut Self) -> Result<Type, Error>,
    ) -> Result<TypeId, Error> {
        let id = self.add(Type::Null)?;
        if let Some(name) = name {
            self.named.insert(name, id);
        }
        self.types[id] = make(self)?;
        Ok(id)
    }

    fn type_of(&mut self, json: &Value, namespace: &str) -> Result<TypeId, Error> {
        match json {
            Value::String(name) => self.named_type(name, namespace),
            Value::Array(members) => self.add_after(None, |parser| {
                let members = members.iter().map(|member| parser.type_of(member, namespace));
                Ok(Type::Union(members.collect::<Result<_, _>>()?))
            }),
            Value::Object(object) => {
                let within = |key| object.get(key).ok_or_else(no_schema);
                let kind = within("type")?;
                let Value::String(kind) = kind else { return self.type_of(kind, namespace) };
                match kind.as_str() {
                    "array" => self.add_after(None, |parser| {
                        Ok(Type::Array(parser.type_of(within("items")?, namespace)?))
                    }),
                    "map" => self.add_after(None, |parser| {
                        Ok(Type::Map(parser.type_of(within("values")?, namespace)?))
                    }),
                    "record" | "enum" | "fixed" => self.definition(kind, json, namespace),
                    simple => self.named_type(simple, namespace),
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Err(no_schema()),
        }
    }

    fn definition(&mut self, kind: &str, json: &Value, namespace: &str) -> Result<TypeId, Error> {
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        let namespace = text("namespace").unwrap_or(namespace);
        let name = full_name(text("name").ok_or_else(no_schema)?, namespace);
        let namespace = name.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        self.add_after(Some(name), |parser| match kind {
            "fixed" => {
                let size = json.get("size").and_then(Value::as_u64);
                Ok(Type::Fixed(size.ok_or_else(no_schema)?))
            }
            "enum" => Ok(Type::Enum),
            _ => {
                let fields = json.get("fields").and_then(Value::as_array).ok_or_else(no_schema)?;
                let fields = fields.iter().map(|field| parser.field(field, &namespace));
                Ok(Type::Record(fields.collect::<Result<_, _>>()?))
            }
        })
    }

    fn field(&mut self, json: &Value, namespace: &str) -> Result<Field, Error> {
        let name = json.get("name").and_then(Value::as_str).ok_or_else(no_schema)?;
        Ok(Field {
            name: name.to_owned(),
            id: json.get("field-id").and_then(Value::as_i64),
            of: self.type_of(json.get("type").ok_or_else(no_schema)?, namespace)?,
        })
    }

    fn named_type(&mut self, name: &str, namespace: &str) -> Result<TypeId, Error> {
        let simple = match name {
            "null" => Type::Null,
            "int" | "long" => Type::Long,
            "boolean" => Type::Fixed(1),
            "float" => Type::Fixed(4),
            "double" => Type::Fixed(8),
            "bytes" => Type::Bytes,
            "string" => Type::Text,
            defined => {
                let known = self.named.get(&full_name(defined, namespace));
                return known.or_else(|| self.named.get(defined)).copied().ok_or_else(no_schema);
            }
        };
        self.add(simple)
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if namespace.is_empty() || name.contains('.') {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn no_schema() -> Error {
    Error::malformed("its schema is none of Avro's")
}
