//! Credential Access Boundaries: what a narrowed token may do at most.
//!
//! <https://cloud.google.com/iam/docs/downscoping-short-lived-credentials>

use serde_json::{Map, Value};

use super::cel::{self, Term};
use super::role::{Permission, permissions_of};

/// More rules are refused.
const MAX_RULES: usize = 10;

/// The beginning of each `availableResource`.
const BUCKETS: &str = "//storage.googleapis.com/projects/_/buckets/";

/// A boundary: what none of its rules permits is refused.
#[derive(Debug, Clone)]
pub(crate) struct Boundary {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    bucket: String,
    permissions: Vec<Permission>,
    /// Nothing: no condition.
    terms: Option<Vec<Term>>,
}

/// What a permission is needed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// An object, by its name.
    Object(String),
    /// The names that begin with a prefix, which may be empty.
    Listing(String),
    /// The bucket itself.
    Bucket,
}

impl Boundary {
    /// Reads the `options` of a token exchange.
    ///
    /// An error says what is wrong with them.
    pub(crate) fn parse(options: &str) -> Result<Self, String> {
        let options: Value =
            serde_json::from_str(options).map_err(|_| "options is not JSON".to_owned())?;
        let boundary = only_member(&options, "accessBoundary")?;
        let rules = only_member(boundary, "accessBoundaryRules")?;
        let rules = rules.as_array().ok_or("accessBoundaryRules is not a list")?;
        if rules.is_empty() || rules.len() > MAX_RULES {
            return Err(format!("a boundary has 1 to {MAX_RULES} rules, not {}", rules.len()));
        }
        Ok(Self { rules: rules.iter().map(Rule::parse).collect::<Result<_, _>>()? })
    }

    /// Whether one of its rules permits it.
    pub(crate) fn permits(&self, permission: Permission, bucket: &str, target: &Target) -> bool {
        self.rules.iter().any(|rule| rule.permits(permission, bucket, target))
    }
}

impl Rule {
    fn parse(rule: &Value) -> Result<Self, String> {
        let members =
            members(rule, &["availableResource", "availablePermissions", "availabilityCondition"])?;
        let resource = text(members, "availableResource")?;
        let bucket = resource
            .strip_prefix(BUCKETS)
            .filter(|bucket| !bucket.is_empty() && !bucket.contains('/'))
            .ok_or_else(|| format!("availableResource {resource} is no bucket"))?
            .to_owned();
        let roles = members.get("availablePermissions").and_then(Value::as_array);
        let roles = roles.filter(|roles| !roles.is_empty());
        let roles = roles.ok_or("availablePermissions is missing or empty")?;
        let mut permissions = Vec::new();
        for role in roles {
            let of_role = role.as_str().and_then(|role| role.strip_prefix("inRole:"));
            let of_role = of_role.and_then(permissions_of);
            permissions.extend(of_role.ok_or_else(|| format!("{role} is no role of storage"))?);
        }
        let terms = match members.get("availabilityCondition") {
            None => None,
            Some(condition) => Some(parse_condition(condition)?),
        };
        Ok(Self { bucket, permissions, terms })
    }

    fn permits(&self, permission: Permission, bucket: &str, target: &Target) -> bool {
        self.bucket == bucket
            && self.permissions.contains(&permission)
            && self
                .terms
                .as_ref()
                .is_none_or(|terms| terms.iter().any(|term| holds(term, bucket, target)))
    }
}

fn parse_condition(condition: &Value) -> Result<Vec<Term>, String> {
    let members = members(condition, &["expression", "title", "description"])?;
    let expression = text(members, "expression")?;
    cel::parse(expression).ok_or_else(|| format!("cannot evaluate {expression}"))
}

fn holds(term: &Term, bucket: &str, target: &Target) -> bool {
    match (term, target) {
        (Term::Name(prefix), Target::Object(name)) => {
            format!("projects/_/buckets/{bucket}/objects/{name}").starts_with(prefix)
        }
        // A list is an operation on the bucket, whatever its prefix is.
        (Term::Name(prefix), Target::Listing(_) | Target::Bucket) => {
            format!("projects/_/buckets/{bucket}").starts_with(prefix)
        }
        (Term::ListPrefix(prefix), Target::Listing(asked)) => asked.starts_with(prefix),
        // The attribute is then its default: an empty text.
        (Term::ListPrefix(prefix), Target::Object(_) | Target::Bucket) => prefix.is_empty(),
    }
}

fn members<'a>(value: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, String> {
    let members = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(members),
        Some(unknown) => Err(format!("unknown name \"{unknown}\"")),
    }
}

fn only_member<'a>(value: &'a Value, name: &str) -> Result<&'a Value, String> {
    members(value, &[name])?.get(name).ok_or_else(|| format!("{name} is missing"))
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    members.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is missing"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(roles: &[&str], expression: &str) -> Value {
        json!({
            "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
            "availablePermissions": roles,
            "availabilityCondition": {"expression": expression},
        })
    }

    fn boundary(rules: &[Value]) -> Result<Boundary, String> {
        let options = json!({"accessBoundary": {"accessBoundaryRules": rules}});
        Boundary::parse(&options.to_string())
    }

    #[test]
    fn a_rule_permits_what_its_roles_and_its_condition_permit() {
        let inside = "resource.name.startsWith('projects/_/buckets/lake/objects/db1/t1/')";
        let listed = "api.getAttribute('storage.googleapis.com/objectListPrefix', '')\
                      .startsWith('db1/t1/')";
        let both = format!("{inside} || {listed}");
        let boundary = boundary(&[rule(&["inRole:roles/storage.objectViewer"], &both)]).unwrap();
        let object = |name: &str| Target::Object(name.to_owned());
        let listing = |prefix: &str| Target::Listing(prefix.to_owned());

        assert!(boundary.permits(Permission::Get, "lake", &object("db1/t1/a")));
        assert!(!boundary.permits(Permission::Get, "lake", &object("db1/t1x")));
        assert!(!boundary.permits(Permission::Get, "other", &object("db1/t1/a")));
        assert!(!boundary.permits(Permission::Create, "lake", &object("db1/t1/a")));
        assert!(boundary.permits(Permission::List, "lake", &listing("db1/t1/data/")));
        assert!(!boundary.permits(Permission::List, "lake", &listing("db1/t1")));
        assert!(!boundary.permits(Permission::List, "lake", &listing("")));
        assert!(!boundary.permits(Permission::GetBucket, "lake", &Target::Bucket));
    }

    #[test]
    fn a_boundary_that_is_not_exactly_one_is_refused() {
        let good = rule(&["inRole:roles/storage.objectViewer"], "resource.name.startsWith('a')");
        let with = |name: &str, value: Value| {
            let mut rule = good.clone();
            rule[name] = value;
            boundary(&[rule])
        };

        assert!(boundary(&vec![good.clone(); 10]).is_ok());
        assert!(boundary(&vec![good.clone(); 11]).is_err());
        assert!(boundary(&[]).is_err());
        assert!(with("availableResource", json!("//storage.googleapis.com/lake")).is_err());
        assert!(with("availableResource", json!(format!("{BUCKETS}lake/objects/a"))).is_err());
        assert!(with("availablePermissions", json!([])).is_err());
        assert!(with("availablePermissions", json!(["roles/storage.admin"])).is_err());
        assert!(with("availablePermissions", json!(["inRole:roles/owner"])).is_err());
        assert!(with("availablePermissions", json!(["inRole:roles/storage.none"])).is_err());
        assert!(with("availabilityCondition", json!({"expression": "true"})).is_err());
        assert!(with("availabilityCondition", json!("true")).is_err());
        assert!(with("condition", json!({})).is_err());
        assert!(Boundary::parse("{}").is_err());
        assert!(Boundary::parse("not JSON").is_err());
        let more = json!({"accessBoundary": {"accessBoundaryRules": [good]}, "userProject": "p"});
        assert!(Boundary::parse(&more.to_string()).is_err());
    }
}
