//! Names, parsed where they come in, so that nothing below has to distrust a string.

use std::fmt;

/// Joins the levels of a namespace in paths and in the metastore: the unit separator.
pub const LEVEL_SEPARATOR: char = '\u{1f}';

/// The most levels a namespace may have.
pub const MAX_NAMESPACE_LEVELS: usize = 16;

/// The most characters one name may have. Polaris sets this for its own entities; for namespaces
/// and tables it is our bound, so that a name always fits a database index and a file name.
pub const MAX_NAME_CHARS: usize = 256;

/// The most bytes a namespace may have with all its levels: what an index of either database takes.
pub const MAX_NAMESPACE_BYTES: usize = 2000;

/// Why a name is not one. The text says which name, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(String);

/// Characters that no namespace level and no table may have in its name, as in Polaris: they mean
/// something in a path, a pattern or a URL.
const FORBIDDEN: &[char] = &['/', '\\', ':', '*', '?', '"', '<', '>', '|', '#', '+', '`'];

/// Says why a new namespace level, table or view may not have that name, in Polaris' words.
fn check(name: &str) -> Result<(), InvalidName> {
    let fail = |reason: &str| {
        let shown: String = name.chars().map(show).collect();
        Err(InvalidName(format!("Entity name must not {reason}: {shown}")))
    };
    if name.is_empty() {
        return Err(InvalidName("Entity name must not be empty".to_owned()));
    }
    if name == "." || name == ".." {
        return Err(InvalidName("Entity name must not be '.' or '..'".to_owned()));
    }
    if let Some(found) = name.chars().find(|c| c.is_control()) {
        return fail(&format!("contain control characters (U+{:04X})", u32::from(found)));
    }
    if let Some(found) = name.chars().find(|c| FORBIDDEN.contains(c)) {
        return fail(&format!("contain '{found}'"));
    }
    if name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace) {
        return fail("have leading or trailing whitespace");
    }
    if name.chars().count() > MAX_NAME_CHARS {
        return fail("be longer than 256 characters");
    }
    Ok(())
}

/// A character of a name as a message has it.
fn show(c: char) -> String {
    if c.is_control() { format!("\\u{:04X}", u32::from(c)) } else { c.to_string() }
}

/// Why a namespace cannot be looked up.
fn no_namespace(name: &str, reason: &str) -> InvalidName {
    InvalidName(format!("Invalid namespace name '{name}': {reason}"))
}

/// The name of something new in a namespace: a table, a view.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityName(String);

impl EntityName {
    /// Checks the name of a new table or view.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        check(name)?;
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why something in the management API may not have that name: Polaris' own rule, and its text.
pub fn check_management_name(name: &str) -> Result<(), &'static str> {
    let chars = name.chars().count();
    if chars == 0 || chars > MAX_NAME_CHARS {
        return Err("size must be between 1 and 256");
    }
    let start = name.trim_start();
    let is_system = start.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("system$"));
    if is_system {
        return Err("must match \"^(?!\\s*[sS][yY][sS][tT][eE][mM]\\$).*$\"");
    }
    if name.chars().any(char::is_control) {
        return Err("must not contain control characters");
    }
    Ok(())
}

/// Why a policy may not have that name: Polaris' own rule, and its text.
pub fn check_policy_name(name: &str) -> Result<(), &'static str> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_good) {
        return Err("must match \"^[A-Za-z0-9\\-_]+$\"");
    }
    if name.len() > MAX_NAME_CHARS {
        return Err("size must be between 1 and 256");
    }
    Ok(())
}

/// A path of names within a catalog. Without levels it is the catalog's own root.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Namespace(Vec<String>);

impl Namespace {
    /// The namespace that is to be looked up. Levels that cannot exist are not refused: they are
    /// simply not found, as in Polaris. Neither a separator within a level nor an empty one can
    /// name another namespace: those are refused.
    pub fn lookup(levels: Vec<String>) -> Result<Self, InvalidName> {
        for level in &levels {
            let reason = if level.is_empty() {
                "it must not be empty"
            } else if level.contains(LEVEL_SEPARATOR) || level.contains('\0') {
                "it must not contain control characters"
            } else {
                continue;
            };
            return Err(no_namespace(&level.escape_debug().to_string(), reason));
        }
        if levels.len() > MAX_NAMESPACE_LEVELS {
            let name: String = levels.join(".").chars().take(MAX_NAME_CHARS).collect();
            return Err(no_namespace(&name, "it must not have more than 16 levels"));
        }
        Ok(Self(levels))
    }

    /// The namespace that is about to be made: each of its levels must be a good name.
    pub fn create(levels: Vec<String>) -> Result<Self, InvalidName> {
        for level in &levels {
            check(level)?;
        }
        let namespace = Self::lookup(levels)?;
        if namespace.encoded().len() > MAX_NAMESPACE_BYTES {
            let name: String = namespace.to_string().chars().take(MAX_NAME_CHARS).collect();
            let reason = "it must not be longer than 2000 bytes with all its levels";
            return Err(no_namespace(&name, reason));
        }
        Ok(namespace)
    }

    /// The namespace stored under [`Self::encoded`].
    pub fn decode(encoded: &str) -> Self {
        if encoded.is_empty() {
            return Self::default();
        }
        Self(encoded.split(LEVEL_SEPARATOR).map(str::to_owned).collect())
    }

    /// The levels, outermost first.
    pub fn levels(&self) -> &[String] {
        &self.0
    }

    /// Whether it is the catalog's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last level; nothing for the root.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// The namespace it is in; nothing for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, parents) = self.0.split_last()?;
        Some(Self(parents.to_vec()))
    }

    /// The levels joined by the unit separator: what it is stored and found by.
    pub fn encoded(&self) -> String {
        self.0.join("\u{1f}")
    }

    /// Itself and the namespaces it is in, outermost first, each as [`Self::encoded`].
    pub fn path(&self) -> Vec<String> {
        (1..=self.0.len()).map(|levels| self.0[..levels].join("\u{1f}")).collect()
    }
}

impl fmt::Display for Namespace {
    /// With dots, as Iceberg's own messages have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A table's or view's place and name in a catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableIdent {
    /// The namespace it is in.
    pub namespace: Namespace,
    /// Its name there.
    pub name: String,
}

impl fmt::Display for TableIdent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_root() {
            return f.write_str(&self.name);
        }
        write!(f, "{}.{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn names_that_mean_something_elsewhere_are_refused() {
        for bad in ["", ".", "..", "a/b", "a\\b", "a*", "a?", "a#b", "a+b", " a", "a\t", "a\u{7f}"]
        {
            assert!(EntityName::parse(bad).is_err(), "{bad:?} was accepted");
        }
        for good in ["a", "A b", "a.b", "größe", "数据", "a-b_c$", "a%2Fb", "'", "{}"] {
            assert!(EntityName::parse(good).is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn what_is_wrong_with_a_name_is_said_in_polaris_words() {
        for (bad, reason) in [
            ("", "be empty"),
            (".", "be '.' or '..'"),
            ("a/b", "contain '/': a/b"),
            ("a\tb", "contain control characters (U+0009): a\\u0009b"),
            (" a", "have leading or trailing whitespace:  a"),
        ] {
            let told = EntityName::parse(bad).unwrap_err().to_string();
            assert_eq!(told, format!("Entity name must not {reason}"));
        }
    }

    #[test]
    fn a_name_may_have_256_characters_and_not_one_more() {
        assert!(EntityName::parse(&"ä".repeat(256)).is_ok());
        assert!(EntityName::parse(&"a".repeat(257)).is_err());
    }

    #[test]
    fn system_names_are_reserved_in_any_spelling() {
        assert!(check_management_name("  SyStEm$x").is_err());
        assert!(check_management_name("system").is_ok());
        assert!(check_management_name("").is_err());
    }

    #[test]
    fn a_level_cannot_smuggle_in_another() {
        assert!(Namespace::lookup(levels(&["a\u{1f}b"])).is_err());
        assert!(Namespace::lookup(levels(&["a", "", "b"])).is_err());
        assert!(Namespace::lookup(levels(&["a?"])).is_ok(), "looked up, it is just not there");
    }

    #[test]
    fn a_namespace_has_at_most_sixteen_levels() {
        assert!(Namespace::create(vec!["a".to_owned(); 16]).is_ok());
        assert!(Namespace::create(vec!["a".to_owned(); 17]).is_err());
    }

    #[test]
    fn a_path_lists_the_namespaces_from_the_outermost() {
        let namespace = Namespace::create(levels(&["a", "b", "c"])).unwrap();

        assert_eq!(namespace.path(), ["a", "a\u{1f}b", "a\u{1f}b\u{1f}c"]);
        assert_eq!(Namespace::decode(&namespace.encoded()), namespace);
        assert_eq!(namespace.to_string(), "a.b.c");
    }
}
