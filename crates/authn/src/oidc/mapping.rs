//! From what a token says to a principal and its roles.

use std::borrow::Cow;

use merak_metastore::{PrincipalRef, RoleSelection};
use merak_model::EntityId;
use regex::{Captures, Regex};
use serde_json::Value;

use super::claims::{ClaimPath, Claims};
use crate::scope::Scope;

/// The claims that say which principal a token is for. It must be there already: none is made.
#[derive(Debug, Clone, Default)]
pub struct PrincipalClaims {
    /// The one with the principal's id. If it has one, the name does not count.
    pub id: Option<ClaimPath>,
    /// The one with its name.
    pub name: Option<ClaimPath>,
}

impl PrincipalClaims {
    pub(super) fn find(&self, claims: &Claims) -> Option<PrincipalRef> {
        let id = self.id.as_ref().and_then(|path| path.find(claims)).and_then(id);
        let name = self.name.as_ref().and_then(|path| path.find(claims)).and_then(name);
        id.map(PrincipalRef::Id).or(name.map(PrincipalRef::Name))
    }
}

/// The id that a claim has. A text that is no number has none, as subjects of many providers do not.
fn id(claim: &Value) -> Option<EntityId> {
    let number = claim.as_str().map_or(claim.as_i64(), |text| text.parse().ok());
    number.filter(|id| *id > 0).map(EntityId)
}

fn name(claim: &Value) -> Option<String> {
    match claim {
        Value::String(name) => (!name.is_empty()).then(|| name.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The claims that name roles.
#[derive(Debug, Clone)]
pub enum RoleClaims {
    /// `groups`; if there are none, those of Keycloak: of its realm, and of the client of that id.
    Usual(Option<String>),
    /// All of these.
    At(Vec<ClaimPath>),
}

impl RoleClaims {
    pub(super) fn find<'a>(&self, claims: &'a Claims) -> Vec<&'a str> {
        let all = |paths: &[ClaimPath]| -> Vec<&'a str> {
            paths.iter().filter_map(|path| path.find(claims)).flat_map(texts).collect()
        };
        let client = match self {
            Self::At(paths) => return all(paths),
            Self::Usual(client) => client,
        };
        let groups = all(&[ClaimPath::of(&["groups"])]);
        if !groups.is_empty() {
            return groups;
        }
        let mut paths = vec![ClaimPath::of(&["realm_access", "roles"])];
        paths.extend(client.iter().map(|id| ClaimPath::of(&["resource_access", id, "roles"])));
        all(&paths)
    }
}

/// The texts of a claim: those of a list, or the words of a text, as `scope` has them.
fn texts(claim: &Value) -> Vec<&str> {
    match claim {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(words) => words.split(' ').filter(|word| !word.is_empty()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// Which of the roles that a token names count, and what principal roles they stand for.
#[derive(Debug, Clone, Default)]
pub struct RolesMapping {
    /// What a role must be like from end to end. Without it, all count.
    pub filter: Option<Pattern>,
    /// What is made of it, one after the other.
    pub mappings: Vec<RoleMapping>,
}

impl RolesMapping {
    /// The roles that those names activate. What does not come out as `PRINCIPAL_ROLE:` and a name
    /// is passed over.
    pub(super) fn apply(&self, names: &[&str]) -> RoleSelection {
        let is_wanted =
            |name: &&str| self.filter.as_ref().is_none_or(|filter| filter.is_whole(name));
        let mapped = names.iter().copied().filter(is_wanted).map(|name| {
            let start = Cow::Borrowed(name);
            self.mappings.iter().fold(start, |name, mapping| mapping.apply(&name).into())
        });
        Scope::of_parts(mapped).into_selection()
    }
}

/// A regular expression, as Polaris' users write it in Java's syntax; but without looking around,
/// back references and possessive quantifiers, which take time without bound.
#[derive(Debug, Clone)]
pub struct Pattern {
    anywhere: Regex,
    from_end_to_end: Regex,
}

/// Why a text is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a regular expression that is understood here: {0}")]
pub struct InvalidPattern(String);

impl Pattern {
    /// Reads a regular expression.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        // By itself first: within the other one, `a)|(b` would pass for two groups.
        let compiled = |text: &str| Regex::new(text).map_err(|error| InvalidPattern(short(&error)));
        let anywhere = compiled(text)?;
        Ok(Self { anywhere, from_end_to_end: compiled(&format!(r"\A(?:{text})\z"))? })
    }

    fn is_whole(&self, text: &str) -> bool {
        self.from_end_to_end.is_match(text)
    }
}

/// The last line of an error that shows the pattern with marks below it.
fn short(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

/// A replacement of every match of a regular expression.
#[derive(Debug, Clone)]
pub struct RoleMapping {
    pattern: Pattern,
    replacement: Vec<Part>,
}

/// What a replacement is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
}

/// Why a text cannot replace what a regular expression matches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReplacement {
    /// There is no such group.
    #[error("refers to the group {0}, which the regular expression has not")]
    NoSuchGroup(String),
    /// A `$` or `\` has no meaning where it is.
    #[error("has a `$` or `\\` without what must follow it; `\\$` and `\\\\` stand for themselves")]
    Dangling,
}

impl RoleMapping {
    /// Replaces what `pattern` matches by `replacement`, which is in Java's syntax: `$1` and
    /// `${name}` are groups, and a backslash takes the meaning from what follows it.
    pub fn new(pattern: Pattern, replacement: &str) -> Result<Self, InvalidReplacement> {
        let replacement = parts(replacement, &pattern.anywhere)?;
        Ok(Self { pattern, replacement })
    }

    /// An empty match that ends where the one before ended is none here, other than in Java: there,
    /// `(.*)` would match `a` and then, once more, its end.
    fn apply(&self, name: &str) -> String {
        let replaced = |captures: &Captures<'_>| -> String {
            let parts = self.replacement.iter().map(|part| match part {
                Part::Text(text) => text,
                Part::Group(group) => captures.get(*group).map_or("", |matched| matched.as_str()),
            });
            parts.collect()
        };
        self.pattern.anywhere.replace_all(name, replaced).into_owned()
    }
}

fn parts(text: &str, pattern: &Regex) -> Result<Vec<Part>, InvalidReplacement> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let escaped = rest.chars().next().ok_or(InvalidReplacement::Dangling)?;
                plain.push(escaped);
                rest = &rest[escaped.len_utf8()..];
            }
            '$' => {
                let (group, after) = group(rest, pattern)?;
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::Group(group));
                rest = after;
            }
            _ => plain.push(c),
        }
    }
    parts.push(Part::Text(plain));
    Ok(parts)
}

/// The group that a `$` refers to, and what comes after that. As in Java, the number is as long as
/// there are groups for it: with one group, `$10` is that group and a zero.
fn group<'a>(text: &'a str, pattern: &Regex) -> Result<(usize, &'a str), InvalidReplacement> {
    if let Some(named) = text.strip_prefix('{') {
        let (name, after) = named.split_once('}').ok_or(InvalidReplacement::Dangling)?;
        let is_it = |known: Option<&str>| known == Some(name);
        let group = pattern.capture_names().position(is_it);
        return Ok((group.ok_or_else(|| InvalidReplacement::NoSuchGroup(name.to_owned()))?, after));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(InvalidReplacement::Dangling);
    }
    let found = (1..=digits).rev().find_map(|length| {
        let group: usize = text[..length].parse().ok()?;
        (group < pattern.captures_len()).then_some((group, &text[length..]))
    });
    found.ok_or_else(|| InvalidReplacement::NoSuchGroup(text[..1].to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    fn replaced(regex: &str, replacement: &str, name: &str) -> String {
        RoleMapping::new(pattern(regex), replacement).unwrap().apply(name)
    }

    fn refusal(regex: &str, replacement: &str) -> String {
        RoleMapping::new(pattern(regex), replacement).unwrap_err().to_string()
    }

    fn path(text: &str) -> ClaimPath {
        ClaimPath::parse(text).unwrap()
    }

    #[test]
    fn replacements_are_read_as_java_reads_them() {
        for (regex, replacement, name, expected) in [
            ("role_(.*)", "PRINCIPAL_ROLE:$1", "role_reader", "PRINCIPAL_ROLE:reader"),
            ("^.*$", "PRINCIPAL_ROLE:$0", "reader", "PRINCIPAL_ROLE:reader"),
            ("(.+)", "<$1>", "a b", "<a b>"),
            // The group's name ends where its number does, and not with the letters after it.
            ("(.+)", "$1abc", "x", "xabc"),
            ("(.+)", "$1_", "x", "x_"),
            ("(.+)", "$10", "x", "x0"),
            ("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)", "$10$1", "abcdefghij", "ja"),
            ("(a)", "$01", "a", "a"),
            ("(?<who>.+)", "${who}s", "x", "xs"),
            ("(a)|(b)", "[$1$2]", "ab", "[a][b]"),
            ("a", r"\$1\\\a", "a", r"$1\a"),
            ("-", "_", "a-b-c", "a_b_c"),
            ("x", "y", "a", "a"),
            ("(.*)", "<$1>", "a", "<a>"),
            ("é", "$0è", "aé", "aéè"),
        ] {
            assert_eq!(replaced(regex, replacement, name), expected, "{regex} {replacement}");
        }
    }

    #[test]
    fn replacements_that_refer_to_nothing_are_refused() {
        let missing =
            |group| format!("refers to the group {group}, which the regular expression has not");
        assert_eq!(refusal("(a)", "$2"), missing("2"));
        assert_eq!(refusal("a", "$1"), missing("1"));
        assert_eq!(refusal("(?<a>a)", "${b}"), missing("b"));
        for dangling in ["$", "a$b", "$ 1", "${a", "\\"] {
            let refusal = refusal("(?<a>a)", dangling);
            assert_eq!(refusal, InvalidReplacement::Dangling.to_string(), "{dangling}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_refused_in_a_line() {
        for (text, why) in [
            ("(", "unclosed group"),
            ("a)|(b", "unopened group"),
            ("^(?!profile$).*", "look-around"),
            (r"(a)\1", "backreferences are not supported"),
        ] {
            let refusal = Pattern::parse(text).unwrap_err().to_string();
            assert!(refusal.contains(why) && !refusal.contains('\n'), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_filter_must_match_from_end_to_end() {
        for (filter, name, is_whole) in [
            ("PRINCIPAL_ROLE:.*", "PRINCIPAL_ROLE:a", true),
            ("a|ab", "ab", true),
            ("a", "ab", false),
            ("b", "ab", false),
            ("a$", "a\n", false),
            ("a|b", "xb", false),
        ] {
            assert_eq!(pattern(filter).is_whole(name), is_whole, "{filter} {name:?}");
        }
    }

    #[test]
    fn roles_are_filtered_then_mapped_in_order_and_only_principal_roles_count() {
        let mapping =
            |regex: &str, replacement: &str| RoleMapping::new(pattern(regex), replacement).unwrap();
        let roles = RolesMapping {
            filter: Some(pattern("role_.*|ALL.*|other")),
            mappings: vec![mapping("_", "-"), mapping("^role-(.*)$", "PRINCIPAL_ROLE:$1")],
        };

        let names = ["role_b", "role_data_reader", "other", "PRINCIPAL_ROLE:x", "role_", "role_b"];
        let expected = RoleSelection::Named(vec!["b".into(), "data-reader".into()]);
        assert_eq!(roles.apply(&names), expected);
        assert_eq!(roles.apply(&["role_b", "role_ALL"]), RoleSelection::All);
        assert_eq!(roles.apply(&["ALL"]), RoleSelection::Named(vec![]));
    }

    #[test]
    fn without_a_mapping_roles_must_be_principal_roles_already() {
        let roles = RolesMapping::default();

        let named = roles.apply(&["PRINCIPAL_ROLE:data reader", "offline_access"]);

        assert_eq!(named, RoleSelection::Named(vec!["data reader".into()]));
    }

    #[test]
    fn roles_are_where_the_paths_lead_or_in_the_usual_places() {
        let claims = Claims::from_json(json!({
            "realm_access": {"roles": ["realm", 1, null]},
            "resource_access": {"merak": {"roles": ["client"]}, "other": {"roles": ["other"]}},
            "scope": "openid  profile",
            "number": 7,
        }));
        let with_groups = Claims::from_json(json!({
            "groups": ["group"],
            "realm_access": {"roles": ["realm"]},
        }));
        let usual = RoleClaims::Usual(Some("merak".into()));

        assert_eq!(usual.find(&claims), ["realm", "client"]);
        assert_eq!(usual.find(&with_groups), ["group"]);
        assert_eq!(RoleClaims::Usual(None).find(&claims), ["realm"]);
        let paths = ["scope", "missing", "number", "resource_access/other/roles"];
        let paths = paths.map(path).to_vec();
        assert_eq!(RoleClaims::At(paths).find(&claims), ["openid", "profile", "other"]);
    }

    #[test]
    fn a_principal_is_found_by_its_id_or_else_by_its_name() {
        let found = |claims: Value| {
            let principal =
                PrincipalClaims { id: Some(path("polaris/id")), name: Some(path("sub")) };
            principal.find(&Claims::from_json(claims))
        };
        let anna = || Some(PrincipalRef::Name("anna".into()));
        let seven = || Some(PrincipalRef::Id(EntityId(7)));

        assert_eq!(found(json!({"polaris": {"id": 7}, "sub": "anna"})), seven());
        assert_eq!(found(json!({"polaris": {"id": "7"}})), seven());
        for no_id in [json!(0), json!(-7), json!(7.5), json!("x7"), json!(""), json!([7])] {
            let claims = json!({"polaris": {"id": no_id}, "sub": "anna"});
            assert_eq!(found(claims), anna(), "{no_id}");
        }
        assert_eq!(found(json!({"sub": 42})), Some(PrincipalRef::Name("42".into())));
        for nobody in [json!({}), json!({"sub": ""}), json!({"sub": ["anna"]})] {
            assert_eq!(found(nobody.clone()), None, "{nobody}");
        }
        let unnamed = PrincipalClaims::default();
        assert_eq!(unnamed.find(&Claims::from_json(json!({"sub": "anna"}))), None);
    }
}
