//! Where the other catalog has what a request names.

use merak_model::Namespace;

use super::Owner;
use crate::Error;

impl Owner {
    /// The path of a namespace.
    pub(super) fn namespace(&self, namespace: &Namespace) -> Result<Vec<String>, Error> {
        self.in_namespace(namespace, &[])
    }

    /// The path of something below a namespace.
    pub(super) fn in_namespace(
        &self,
        namespace: &Namespace,
        rest: &[&str],
    ) -> Result<Vec<String>, Error> {
        if namespace.is_root() {
            // No catalog has anything beside its namespaces.
            return Err(Error::NoSuchNamespace("Namespace does not exist: ''".to_owned()));
        }
        let joined = joined(namespace, &self.separator)?;
        let mut path = vec!["namespaces".to_owned(), joined];
        for segment in rest {
            check(segment)?;
            path.push((*segment).to_owned());
        }
        Ok(path)
    }

    /// What a namespace is called in a query.
    pub(super) fn name_of(&self, namespace: &Namespace) -> Result<String, Error> {
        joined(namespace, &self.separator)
    }
}

/// The levels of a namespace as a segment of a path.
fn joined(namespace: &Namespace, separator: &str) -> Result<String, Error> {
    for level in namespace.levels() {
        check(level)?;
        if level.contains(separator) {
            // It would be another namespace there than the one that was judged.
            return Err(unaddressable(level));
        }
    }
    Ok(namespace.levels().join(separator))
}

/// Refuses what could mean something else in a path than a name, however it is encoded: proxies and
/// servers on the way decode paths, and resolve dots in them.
fn check(name: &str) -> Result<(), Error> {
    let is_dots = name == "." || name == "..";
    let is_odd = name.contains(['/', '\\']) || name.chars().any(char::is_control);
    if name.is_empty() || is_dots || is_odd { Err(unaddressable(name)) } else { Ok(()) }
}

fn unaddressable(name: &str) -> Error {
    Error::IllegalArgument(format!(
        "The name '{}' cannot be asked for in another catalog",
        name.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(levels: &[&str]) -> Namespace {
        Namespace::lookup(levels.iter().map(|&level| level.to_owned()).collect()).unwrap()
    }

    #[test]
    fn levels_are_joined_by_what_the_other_catalog_says() {
        assert_eq!(joined(&namespace(&["a", "b%2F"]), "\u{1f}").unwrap(), "a\u{1f}b%2F");
        assert_eq!(joined(&namespace(&["a", "b"]), ".").unwrap(), "a.b");
    }

    #[test]
    fn a_level_cannot_pass_for_two_or_for_another_path() {
        assert!(joined(&namespace(&["a.b"]), ".").is_err());
        for bad in [".", "..", "a/b", "a\\b", "a\nb"] {
            assert!(joined(&namespace(&["x", bad]), "\u{1f}").is_err(), "{bad:?}");
            assert!(check(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "...", "größe", "a b", "%2e%2e", "a?b#c"] {
            assert!(check(good).is_ok(), "{good:?}");
        }
    }
}
