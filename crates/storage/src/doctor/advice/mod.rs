//! What a failure comes from, and what mends it: of the step, of what the provider said, and of the
//! names at hand. Pure, one module a cloud.
//!
//! Names are put into commands quoted, and into policies as JSON strings: a catalog's configuration
//! is text that somebody else wrote.

pub(super) mod aws;
pub(super) mod azure;
pub(super) mod file;
pub(super) mod google;

use super::Remedy;

/// What a failure comes from, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) cause: String,
    pub(super) remedies: Vec<Remedy>,
}

impl Advice {
    pub(super) fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), remedies: Vec::new() }
    }

    pub(super) fn with(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }

    /// Adds what is to be done, in words alone.
    pub(super) fn say(self, what: impl Into<String>) -> Self {
        self.with(Remedy { what: what.into(), text: None })
    }

    /// Adds what is to be done, with the command or policy to do it with.
    pub(super) fn give(self, what: impl Into<String>, text: impl Into<String>) -> Self {
        self.with(Remedy { what: what.into(), text: Some(text.into()) })
    }
}

/// How a catalog's configuration is changed.
pub(super) fn catalog(name: &str) -> Remedy {
    Remedy {
        what: format!(
            "Correct the catalog's storage configuration (PUT /api/management/v1/catalogs/{name}), \
             which this shows"
        ),
        text: Some(format!("polaris catalogs get {}", sh(name))),
    }
}

/// Whether a text holds any of these, whatever the case of their letters.
pub(super) fn says(text: &str, any: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    any.iter().any(|part| text.contains(&part.to_ascii_lowercase()))
}

/// Whether nobody was reached: a wrong name, a closed port, a firewall.
pub(super) fn is_unreachable(said: &str) -> bool {
    says(
        said,
        &[
            "dns error",
            "failed to lookup",
            "connection refused",
            "connect error",
            "error trying to connect",
            "tcp connect",
            "no route to host",
            "network is unreachable",
            "certificate",
            "timed out",
            "no answer",
            "did not answer in time",
            "no network",
            "dispatch failure",
        ],
    )
}

/// A word of a shell's command line.
pub(super) fn sh(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What the tests of all clouds' advice have in common.
#[cfg(test)]
mod testing {
    use super::Advice;

    /// All that is told.
    pub(super) fn text(advice: &Advice) -> String {
        let remedies = advice.remedies.iter().map(|remedy| {
            format!("{}\n{}\n", remedy.what, remedy.text.as_deref().unwrap_or_default())
        });
        format!("{}\n{}", advice.cause, remedies.collect::<String>())
    }

    /// Asserts that a step and what was said there have this in their cause, and that in what is told.
    pub(super) fn assert_told(
        advice: &Advice,
        (step, said): (&str, &str),
        cause: &str,
        remedy: &str,
    ) {
        let text = text(advice);
        assert!(advice.cause.contains(cause), "{step}, {said}: {text}");
        assert!(text.contains(remedy), "{step}, {said}: {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_of_a_command_line() {
        for (name, word) in [
            ("arn:aws:iam::1:role/lake", "arn:aws:iam::1:role/lake"),
            ("my lake", "'my lake'"),
            ("a'; rm -rf /; '", r"'a'\''; rm -rf /; '\'''"),
            ("$(id)", "'$(id)'"),
            ("`id`", "'`id`'"),
            ("", "''"),
            ("~root", "'~root'"),
            ("a\nb", "'a\nb'"),
        ] {
            assert_eq!(sh(name), word);
        }
    }
}
