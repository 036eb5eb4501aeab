//! Where settings come from, and which source wins.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::keys::{canonical, loose};
use super::problems::{Origin, Problem};
use super::properties;
use super::registry;

/// What a configuration is made from: data, so that tests need not touch the process.
#[derive(Clone, Default)]
pub struct Sources {
    /// The `-D key=value` flags; the last of one key wins.
    pub flags: Vec<(String, String)>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// The properties file that must be there. Without it, `config/application.properties` is read
    /// if there is one.
    pub file: Option<PathBuf>,
    /// What relative paths are relative to.
    pub working_dir: PathBuf,
}

impl Sources {
    /// Takes the environment and the working directory from the process. Nothing else reads them.
    pub fn of_process(flags: Vec<(String, String)>, file: Option<PathBuf>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let working_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Self { flags, environment, file, working_dir }
    }
}

/// Shows no value: any of them may be a secret.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = |pairs: &[(String, String)]| -> Vec<String> {
            pairs.iter().map(|(key, _)| key.clone()).collect()
        };
        f.debug_struct("Sources")
            .field("flags", &keys(&self.flags))
            .field("environment", &keys(&self.environment))
            .field("file", &self.file)
            .field("working_dir", &self.working_dir)
            .finish()
    }
}

/// A value that was set somewhere.
pub(super) struct Entry {
    /// The key as it was written.
    pub(super) key: String,
    /// What it is found by.
    pub(super) spelling: Spelling,
    /// The value, or why its expressions could not be resolved.
    pub(super) value: Result<String, String>,
    pub(super) origin: Origin,
    /// Whether any setting asked for it. What nobody asks for is unknown.
    pub(super) was_read: bool,
}

/// How exactly the name of an entry says which key it is.
pub(super) enum Spelling {
    /// It is the key, here canonically.
    Exact(String),
    /// It is an environment variable in upper case, here in the form that [`loose`] gives.
    Loose(String),
}

/// Everything that was set, what wins first; and what could not be read.
pub(super) fn entries(sources: &Sources) -> (Vec<Entry>, Vec<Problem>) {
    let mut entries: Vec<Entry> = Vec::new();
    for (key, value) in sources.flags.iter().rev() {
        entries.push(exact(key, Ok(value.clone()), Origin::Flag));
    }
    // Sorted, since the order of the environment means nothing.
    let environment: BTreeMap<&str, &str> =
        sources.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    entries.extend(of_environment(&environment));
    let (of_file, problems) = of_file(sources, &environment);
    entries.extend(of_file);
    (entries, problems)
}

fn exact(key: &str, value: Result<String, String>, origin: Origin) -> Entry {
    let spelling = Spelling::Exact(canonical(key));
    Entry { key: key.trim().to_owned(), spelling, value, origin, was_read: false }
}

/// The variables that are settings: exact keys before upper-case forms, as in Polaris, and last
/// those with a name of their own, such as `DATABASE_URL`.
fn of_environment(environment: &BTreeMap<&str, &str>) -> Vec<Entry> {
    let mut of_keys = Vec::new();
    let mut of_names = Vec::new();
    for (name, value) in environment {
        let origin = Origin::Environment((*name).to_owned());
        let lower = name.to_ascii_lowercase();
        if registry::PREFIXES.iter().any(|prefix| name.starts_with(&format!("{prefix}."))) {
            of_keys.push(exact(name, Ok((*value).to_owned()), origin));
        } else if registry::PREFIXES.iter().any(|prefix| lower.starts_with(&format!("{prefix}_"))) {
            of_names.push(Entry {
                key: (*name).to_owned(),
                spelling: Spelling::Loose(loose(name)),
                value: Ok((*value).to_owned()),
                origin,
                was_read: false,
            });
        }
    }
    of_keys.extend(of_names);
    of_keys.extend(registry::rows().filter_map(|row| {
        let name = row.variable?;
        let value = (*environment.get(name)?).to_owned();
        Some(exact(row.key, Ok(value), Origin::Environment(name.to_owned())))
    }));
    of_keys
}

fn of_file(sources: &Sources, environment: &BTreeMap<&str, &str>) -> (Vec<Entry>, Vec<Problem>) {
    let path = match &sources.file {
        Some(path) => sources.working_dir.join(path),
        None => sources.working_dir.join("config/application.properties"),
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound && sources.file.is_none() => {
            return Default::default();
        }
        Err(e) => return (Vec::new(), vec![unreadable(&path, format!("cannot be read: {e}"))]),
    };
    let (properties, malformed) = properties::parse(&text);
    let entries = properties.into_iter().rev().map(|property| {
        let origin = Origin::File(path.clone(), property.line);
        exact(&property.key, expanded(&property.value, environment), origin)
    });
    let problems = malformed
        .into_iter()
        .map(|malformed| unreadable(&path, format!("line {} {}", malformed.line, malformed.why)));
    (entries.collect(), problems.collect())
}

fn unreadable(path: &Path, why: String) -> Problem {
    Problem { key: path.display().to_string(), origin: None, value: None, why }
}

/// Replaces `${NAME}` and `${NAME:default}` by what the environment has; `\${` is a literal `${`.
fn expanded(text: &str, environment: &BTreeMap<&str, &str>) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('\\') {
            result.push_str(before);
            result.push_str("${");
            rest = after;
            continue;
        }
        let Some((expression, after)) = after.split_once('}') else {
            return Err("has a `${` that no `}` ends".to_owned());
        };
        let (name, default) = match expression.split_once(':') {
            Some((name, default)) => (name, Some(default)),
            None => (expression, None),
        };
        let value = environment.get(name).copied().or(default);
        let unset = || format!("refers to the environment variable {name}, which is not set");
        result.push_str(before);
        result.push_str(value.ok_or_else(unset)?);
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_take_the_environment_or_their_default() {
        let environment = BTreeMap::from([("USER_NAME", "polaris"), ("EMPTY", "")]);
        let expand = |text| expanded(text, &environment);

        assert_eq!(expand("a ${USER_NAME} ${EMPTY:x}${NONE:y}"), Ok("a polaris y".to_owned()));
        assert_eq!(expand("\\${USER_NAME} $x"), Ok("${USER_NAME} $x".to_owned()));
        assert!(expand("${NONE}").unwrap_err().contains("NONE"));
        assert!(expand("${NONE").is_err());
    }

    #[test]
    fn sources_show_no_values() {
        let sources = Sources {
            flags: vec![("quarkus.datasource.password".to_owned(), "s3cr3t".to_owned())],
            environment: vec![("POLARIS_BOOTSTRAP_CREDENTIALS".to_owned(), "s3cr3t".to_owned())],
            ..Sources::default()
        };

        let shown = format!("{sources:?}");

        assert!(shown.contains("quarkus.datasource.password") && !shown.contains("s3cr3t"));
    }
}
