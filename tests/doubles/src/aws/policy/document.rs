//! The JSON of a policy document.
//!
//! The grammar: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::condition::Condition;
use super::pattern::{Pattern, Reading};
use super::{Actions, Kind, Policy, Resource, Resources, Statement};

/// Why a document is no policy: the message of `MalformedPolicyDocument`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

impl Malformed {
    /// A document that is JSON, but no policy. AWS says no more than its first four words.
    pub(crate) fn syntax(detail: impl AsRef<str>) -> Self {
        Self(format!("Syntax errors in policy. ({})", detail.as_ref()))
    }
}

impl Policy {
    /// Reads a document.
    pub(crate) fn parse(text: &str, kind: Kind) -> Result<Self, Malformed> {
        let document: Value = serde_json::from_str(text)
            .map_err(|_| Malformed("This policy contains invalid Json".to_owned()))?;
        Self::read(&document, kind)
    }

    /// Reads a document that is JSON already.
    pub(crate) fn read(document: &Value, kind: Kind) -> Result<Self, Malformed> {
        let document = object(document, "the policy")?;
        only(document, &["Version", "Id", "Statement"])?;
        // Without a version a document is of the old one, which has no variables: `${*}` is four
        // characters and a wildcard there.
        let variables = match document.get("Version").map(Value::as_str) {
            None | Some(Some("2008-10-17")) => false,
            Some(Some("2012-10-17")) => true,
            Some(_) => return Err(Malformed::syntax("the version is unknown")),
        };
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.clone(),
            Some(one @ Value::Object(_)) => vec![one.clone()],
            _ => return Err(Malformed::syntax("there is no statement")),
        };
        let mut ids = BTreeSet::new();
        for statement in &statements {
            if let Some(id) = statement.get("Sid") {
                let id = id.as_str().ok_or_else(|| Malformed::syntax("Sid"))?;
                if !id.chars().all(|one| one.is_ascii_alphanumeric()) {
                    return Err(Malformed("Statement IDs (SID) must be alpha-numeric.".to_owned()));
                }
                if !ids.insert(id) {
                    return Err(Malformed(
                        "Statement IDs (SID) in a single policy must be unique.".to_owned(),
                    ));
                }
            }
        }
        let statements =
            statements.iter().map(|statement| Statement::read(statement, kind, variables));
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }
}

impl Statement {
    fn read(statement: &Value, kind: Kind, variables: bool) -> Result<Self, Malformed> {
        let statement = object(statement, "a statement")?;
        let known: &[&str] = match kind {
            Kind::Identity => {
                &["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"]
            }
            Kind::Trust => &["Sid", "Effect", "Action", "NotAction", "Principal", "Condition"],
        };
        only(statement, known)?;
        let allows = match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(Malformed::syntax("Effect is Allow or Deny")),
        };
        let actions = match (statement.get("Action"), statement.get("NotAction")) {
            (Some(these), None) => Actions::These(actions(these)?),
            (None, Some(others)) => Actions::AllBut(actions(others)?),
            _ => return Err(Malformed("Policy statement must contain actions.".to_owned())),
        };
        let resources = match (kind, statement.get("Resource"), statement.get("NotResource")) {
            (Kind::Trust, _, _) => Resources::ItsOwn,
            (_, Some(these), None) => Resources::These(resources(these, variables)?),
            (_, None, Some(others)) => Resources::AllBut(resources(others, variables)?),
            _ => return Err(Malformed("Policy statement must contain resources.".to_owned())),
        };
        let principals = match (kind, statement.get("Principal")) {
            (Kind::Identity, _) => Vec::new(),
            (Kind::Trust, Some(principals)) => read_principals(principals)?,
            (Kind::Trust, None) => return Err(Malformed::syntax("there is no Principal")),
        };
        let mut conditions = Vec::new();
        if let Some(operators) = statement.get("Condition") {
            for (operator, keys) in object(operators, "Condition")? {
                for (key, values) in object(keys, "Condition")? {
                    conditions.push(Condition::parse(operator, key, values, variables)?);
                }
            }
        }
        Ok(Self { allows, actions, resources, principals, conditions })
    }
}

fn actions(value: &Value) -> Result<Vec<Pattern>, Malformed> {
    let reading = Reading { wildcards: true, variables: false };
    let read = texts(value, "Action")?.into_iter().map(|action| {
        let is_named = action.split_once(':').is_some_and(|(vendor, name)| {
            let is_name = |text: &str| {
                !text.is_empty()
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || "*?-".contains(c))
            };
            is_name(vendor) && is_name(name)
        });
        if action != "*" && !is_named {
            return Err(Malformed(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                    .to_owned(),
            ));
        }
        Pattern::parse(&action.to_lowercase(), reading).map_err(Malformed::syntax)
    });
    read.collect()
}

fn resources(value: &Value, variables: bool) -> Result<Vec<Resource>, Malformed> {
    let reading = Reading { wildcards: true, variables };
    let read = texts(value, "Resource")?.into_iter().map(|text| {
        let pattern = Pattern::parse(&text, reading).map_err(Malformed::syntax)?;
        if pattern.is_anything() {
            return Ok(Resource::Everything);
        }
        let parts = pattern.split_at_colons(6);
        if parts.len() != 6 || !text.starts_with("arn:") {
            return Err(Malformed(format!("Resource {text} must be in ARN format or \"*\".")));
        }
        Ok(Resource::Arn(parts))
    });
    read.collect()
}

/// The principals of AWS; services and identity providers are read, and are nobody here.
fn read_principals(value: &Value) -> Result<Vec<String>, Malformed> {
    if value.as_str() == Some("*") {
        return Ok(vec!["*".to_owned()]);
    }
    let mut principals = Vec::new();
    for (kind, values) in object(value, "Principal")? {
        let values = texts(values, "Principal")?;
        match kind.as_str() {
            "AWS" => {
                for value in values {
                    let is_account = value.len() == 12 && value.chars().all(|c| c.is_ascii_digit());
                    let is_arn = value.starts_with("arn:") && !value.contains(['*', '?']);
                    if value != "*" && !is_account && !is_arn {
                        return Err(Malformed(format!(
                            "Invalid principal in policy: \"AWS\":\"{value}\""
                        )));
                    }
                    principals.push(value);
                }
            }
            "Service" | "Federated" | "CanonicalUser" => {}
            _ => return Err(Malformed::syntax("a kind of principal is unknown")),
        }
    }
    Ok(principals)
}

/// A text, or a list of texts that is not empty.
pub(crate) fn texts(value: &Value, element: &str) -> Result<Vec<String>, Malformed> {
    let text = |value: &Value| match value {
        Value::String(text) if !text.is_empty() || element == "Condition" => Ok(text.clone()),
        Value::Bool(truth) if element == "Condition" => Ok(truth.to_string()),
        Value::Number(number) if element == "Condition" => Ok(number.to_string()),
        Value::String(_)
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Null
        | Value::Array(_)
        | Value::Object(_) => {
            Err(Malformed::syntax(format!("{element} is a text or a list of texts")))
        }
    };
    let Some(values) = value.as_array() else { return Ok(vec![text(value)?]) };
    if values.is_empty() {
        return Err(Malformed::syntax(format!("{element} is empty")));
    }
    values.iter().map(text).collect()
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, Malformed> {
    value.as_object().ok_or_else(|| Malformed::syntax(format!("{what} is no object")))
}

fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), Malformed> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Malformed::syntax(format!("{key} has no place here"))),
        None => Ok(()),
    }
}
