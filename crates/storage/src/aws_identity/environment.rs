//! What is taken from the process' environment.

use std::collections::BTreeMap;
use std::fmt;

/// The variables that count: those of AWS, and those that say where `~/.aws` is.
///
/// They are taken once, and not whenever they are needed, so that tests can have an environment of
/// their own.
#[derive(Clone, Default)]
pub(crate) struct AwsEnvironment(BTreeMap<String, String>);

const HOME: [&str; 4] = ["HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH"];

impl AwsEnvironment {
    /// The environment of this process, as it is now.
    pub(crate) fn of_process() -> Self {
        let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::of(std::env::vars_os().filter_map(readable))
    }

    /// What counts of such an environment.
    pub(crate) fn of<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        // A variable set to nothing is one that is not set.
        let counts = |(name, value): &(String, String)| {
            (name.starts_with("AWS_") || HOME.contains(&name.as_str())) && !value.trim().is_empty()
        };
        Self(variables.filter(counts).collect())
    }

    /// `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    pub(crate) fn region(&self) -> Option<String> {
        self.first(&["AWS_REGION", "AWS_DEFAULT_REGION"])
    }

    /// `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`.
    pub(crate) fn endpoint(&self) -> Option<String> {
        self.first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
    }

    /// `AWS_ENDPOINT_URL_STS`, else `AWS_ENDPOINT_URL`.
    pub(crate) fn sts_endpoint(&self) -> Option<String> {
        self.first(&["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"])
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether the machine's metadata service may be asked.
    pub(super) fn has_instance_metadata(&self) -> bool {
        let disabled = self.0.get("AWS_EC2_METADATA_DISABLED");
        disabled.is_none_or(|value| !value.trim().eq_ignore_ascii_case("true"))
    }

    #[cfg(test)]
    pub(super) fn variables(&self) -> std::collections::HashMap<String, String> {
        self.0.clone().into_iter().collect()
    }

    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.0.get(*name)).cloned()
    }
}

impl fmt::Debug for AwsEnvironment {
    /// The names alone: values may be secret keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
