//! What a request is about.

use crate::http_text::decoded;
use crate::serving::Asked;

/// An account, and what is named of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) account: String,
    /// Empty: the account itself.
    pub(crate) container: String,
    /// Empty: the container itself. For a list, what is listed.
    pub(crate) path: String,
}

impl Place {
    /// The place that a path-style URL names.
    pub(crate) fn of(asked: &Asked) -> Self {
        Self::of_path(asked.uri.path())
    }

    pub(crate) fn of_path(path: &str) -> Self {
        let mut parts = path.trim_start_matches('/').splitn(3, '/').map(decoded);
        let mut next = || parts.next().unwrap_or_default();
        Self { account: next(), container: next(), path: next() }
    }

    /// The same container, and another path.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }
}
