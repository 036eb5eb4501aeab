//! Bodies of the management API: objects that may be wrapped or bare, with what is missing told in
//! Polaris' words.

use merak_model::{EntityVersion, Properties};
use merak_service::PropertiesReplacement;
use serde_json::{Map, Value};

use crate::error::{ApiError, ErrorKind};
use crate::extract::management_name;

/// The members of an object, and where it is, for messages.
#[derive(Debug)]
pub(crate) struct Fields {
    members: Map<String, Value>,
    path: String,
}

impl Fields {
    /// The body itself, which must be an object. `path` is the parameter that Polaris names in its
    /// messages, generated name included.
    pub(crate) fn of(body: Value, path: &str) -> Result<Self, ApiError> {
        let Value::Object(members) = body else {
            return Err(constraint(path, "must be an object"));
        };
        Ok(Self { members, path: path.to_owned() })
    }

    /// The object in the member `wrapper`, or the body itself if it has no such member.
    pub(crate) fn unwrap(self, wrapper: &str) -> Result<Self, ApiError> {
        let Self { mut members, path } = self;
        let path = format!("{path}.{wrapper}");
        match members.remove(wrapper) {
            None => Ok(Self { members, path }),
            Some(Value::Object(members)) => Ok(Self { members, path }),
            Some(Value::Null) => Err(constraint(&path, "must not be null")),
            Some(_) => Err(constraint(&path, "must be an object")),
        }
    }

    /// A member, or nothing if it is absent or null.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// A text that may be absent.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be a text")),
        }
    }

    /// A text that must be there.
    pub(crate) fn required_text(&mut self, name: &str) -> Result<String, ApiError> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "must not be null"))
    }

    /// The member `name`, which must be one that something in the management API can have.
    pub(crate) fn name(&mut self) -> Result<String, ApiError> {
        let name = self.required_text("name")?;
        management_name(&name)?;
        Ok(name)
    }

    /// `true` or `false`, or nothing.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// A list of texts that must be there.
    pub(crate) fn required_texts(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        let value = self.take(name).ok_or_else(|| self.wrong(name, "must not be null"))?;
        serde_json::from_value(value).map_err(|_| self.wrong(name, "must be a list of texts"))
    }

    /// The member `properties`, or nothing.
    pub(crate) fn properties(&mut self) -> Result<Option<Properties>, ApiError> {
        let value = self.take("properties");
        value
            .map(|value| {
                serde_json::from_value(value).map_err(|error| {
                    ApiError::new(
                        ErrorKind::MismatchedInput,
                        format!("Invalid value: properties: {error}"),
                    )
                })
            })
            .transpose()
    }

    /// What is wrong with a member.
    pub(crate) fn wrong(&self, name: &str, what: &str) -> ApiError {
        constraint(&format!("{}.{name}", self.path), what)
    }
}

/// The body of an update: the version it is based on and all properties. Polaris asks for both.
/// `path` is the parameter, as in [`Fields::of`].
pub(crate) fn replacement(body: Value, path: &str) -> Result<PropertiesReplacement, ApiError> {
    let mut fields = Fields::of(body, path)?;
    let version = fields.take("currentEntityVersion");
    let version = version.as_ref().and_then(Value::as_i64).ok_or_else(|| {
        fields.wrong("currentEntityVersion", "must be the entityVersion that was read")
    })?;
    let properties = fields.properties()?;
    if properties.is_none() {
        return Err(fields.wrong("properties", "must not be null"));
    }
    Ok(PropertiesReplacement { current_version: EntityVersion(version), properties })
}

/// A rule of the API document that the body breaks.
pub(crate) fn constraint(path: &str, what: &str) -> ApiError {
    ApiError::new(ErrorKind::ConstraintViolation, format!("Invalid value: {path}: {what}"))
}
