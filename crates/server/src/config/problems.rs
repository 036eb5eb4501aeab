//! What is said about a configuration: why it cannot be used, and what its owner should know.

use std::fmt;
use std::path::PathBuf;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A `-D key=value` flag.
    Flag,
    /// An environment variable of that name.
    Environment(String),
    /// That line of that file.
    File(PathBuf, usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("a -D flag"),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// A reason why the server cannot start with this configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, as it was written where it was set.
    pub key: String,
    /// Where it was set, unless the problem is that it was not.
    pub origin: Option<Origin>,
    /// The value, unless it is a secret.
    pub value: Option<String>,
    /// What is wrong with it, in words that follow the value.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, origin, value, why } = self;
        match (origin, value) {
            (Some(origin), Some(value)) => {
                write!(f, "{key}: '{}', set by {origin}, {why}", value.escape_debug())
            }
            (Some(origin), None) => write!(f, "{key}: the value set by {origin} {why}"),
            (None, _) => write!(f, "{key}: {why}"),
        }
    }
}

/// Everything that is wrong with a configuration, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// Why the server cannot start; never empty.
    pub problems: Vec<Problem>,
    /// What else was noticed: a misspelt key is often why another value is missing.
    pub notices: Vec<Notice>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// How loudly a notice is to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Probably not what its owner meant, or not safe.
    Warning,
    /// Good to know.
    Info,
    /// For whoever looks for something.
    Debug,
}

/// Something about the configuration that does not keep the server from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How loudly it is to be said.
    pub severity: Severity,
    /// A sentence without a full stop, and without any secret.
    pub text: String,
}

impl Notice {
    pub(super) fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into() }
    }

    pub(super) fn info(text: impl Into<String>) -> Self {
        Self { severity: Severity::Info, text: text.into() }
    }

    pub(super) fn debug(text: impl Into<String>) -> Self {
        Self { severity: Severity::Debug, text: text.into() }
    }

    /// Writes it to the log. Logging is itself configured, so this comes after loading.
    pub fn log(&self) {
        match self.severity {
            Severity::Warning => tracing::warn!("{}", self.text),
            Severity::Info => tracing::info!("{}", self.text),
            Severity::Debug => tracing::debug!("{}", self.text),
        }
    }
}
