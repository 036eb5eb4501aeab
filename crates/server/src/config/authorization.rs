//! Who decides on requests.

use merak_opa::{Credentials, OpaSettings, PolicyUrl, TokenFile, Trust};
use secrecy::SecretString;

use super::formats::{Format, not};
use super::problems::Notice;
use super::reader::Reader;
use super::registry as settings;

/// Who decides on requests.
#[derive(Debug, Clone)]
pub enum Authorization {
    /// The roles and grants that are kept here.
    Internal,
    /// A policy in an Open Policy Agent.
    Opa(Box<OpaSettings>),
}

impl Authorization {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let kind = reader.get(&settings::AUTHORIZATION_TYPE);
        // All of them are read whatever the type is, so that none passes for unknown.
        let opa = Opa::read(reader);
        match kind {
            AuthorizationType::Internal => Self::Internal,
            AuthorizationType::Opa => {
                // Without all it needs, a problem was noted.
                opa.settings(reader).map_or(Self::Internal, |opa| Self::Opa(Box::new(opa)))
            }
            AuthorizationType::Ranger => {
                let why = "is not supported by this version: only `internal` and `opa` are";
                reader.refuse(&settings::AUTHORIZATION_TYPE.row, None, why);
                Self::Internal
            }
        }
    }
}

/// What the settings say of the Open Policy Agent, whether it decides or not.
struct Opa {
    url: Option<PolicyUrl>,
    timeout: std::time::Duration,
    verifies: bool,
    trust_file: Option<std::path::PathBuf>,
    max_answer_bytes: usize,
    decision_lifetime: std::time::Duration,
    max_decisions: usize,
    shows: Shows,
    token: Option<SecretString>,
    token_file: Option<TokenFile>,
    ignores_severe: bool,
}

impl Opa {
    fn read(reader: &mut Reader) -> Self {
        // PEM needs no password, and a token that is not there yet is not waited for.
        reader.get(&settings::OPA_TRUST_PASSWORD);
        reader.get(&settings::OPA_TOKEN_WAIT);
        let trust_file = reader.get(&settings::OPA_TRUST_FILE).map(|path| reader.resolve(&path));
        let path = reader.get(&settings::OPA_TOKEN_FILE).map(|path| reader.resolve(&path));
        let refresh_interval = reader.get(&settings::OPA_TOKEN_REFRESH);
        let follows_expiry = reader.get(&settings::OPA_TOKEN_EXPIRY);
        let expiry_buffer = reader.get(&settings::OPA_TOKEN_BUFFER);
        let retry_interval = reader.get(&settings::OPA_TOKEN_RETRY);
        Self {
            url: reader.get(&settings::OPA_URI),
            timeout: reader.get(&settings::OPA_TIMEOUT),
            verifies: reader.get(&settings::OPA_VERIFY),
            trust_file,
            max_answer_bytes: reader.get(&settings::OPA_MAX_ANSWER),
            decision_lifetime: reader.get(&settings::OPA_CACHE_TTL),
            max_decisions: reader.get(&settings::OPA_CACHE_ENTRIES),
            shows: reader.get(&settings::OPA_AUTH),
            token: reader.get(&settings::OPA_TOKEN),
            token_file: path.map(|path| TokenFile {
                path,
                refresh_interval,
                follows_expiry,
                expiry_buffer,
                retry_interval,
            }),
            ignores_severe: reader.get(&settings::IGNORE_SEVERE),
        }
    }

    fn settings(self, reader: &mut Reader) -> Option<OpaSettings> {
        let trust = self.trust(reader);
        let credentials = credentials(reader, self.shows, self.token, self.token_file);
        let Some(policy_url) = self.url else {
            let why = format!("is needed where {} is `opa`", settings::AUTHORIZATION_TYPE.row.key);
            reader.refuse(&settings::OPA_URI.row, None, why);
            return None;
        };
        let credentials = credentials?;
        if !policy_url.is_protected() {
            let what = match &credentials {
                Credentials::None => "answer in its place",
                Credentials::Token(_) | Credentials::TokenFile(_) => {
                    "answer in its place, and read the token"
                }
            };
            reader.notices.push(Notice::warning(format!(
                "{} is not `https`: whoever is on the way can {what}",
                settings::OPA_URI.row.key
            )));
        }
        Some(OpaSettings {
            policy_url,
            timeout: self.timeout,
            trust,
            credentials,
            max_answer_bytes: self.max_answer_bytes,
            decision_lifetime: self.decision_lifetime,
            max_decisions: self.max_decisions as u64,
        })
    }

    /// As in Polaris, it takes two settings not to check certificates.
    fn trust(&self, reader: &mut Reader) -> Trust {
        if self.verifies {
            return self.trust_file.clone().map_or(Trust::Machine, Trust::File);
        }
        let what = "whoever is on the way to the policy service can decide in its place";
        if self.ignores_severe {
            let key = settings::OPA_VERIFY.row.key;
            reader.notices.push(Notice::warning(format!("{key} is `false`: {what}")));
        } else {
            let why = format!(
                "lets the server take anybody for the policy service: {what}; if that is meant, set \
                 {} to true",
                settings::IGNORE_SEVERE.row.key
            );
            reader.refuse(&settings::OPA_VERIFY.row, None, why);
        }
        Trust::Anyone
    }
}

/// Nothing, if a problem was noted.
fn credentials(
    reader: &mut Reader,
    shows: Shows,
    token: Option<SecretString>,
    file: Option<TokenFile>,
) -> Option<Credentials> {
    match (shows, token, file) {
        (Shows::Nothing, ..) => Some(Credentials::None),
        (Shows::Bearer, Some(token), None) => Some(Credentials::Token(token)),
        (Shows::Bearer, None, Some(file)) => Some(Credentials::TokenFile(file)),
        (Shows::Bearer, token, _) => {
            let count = if token.is_some() { "not both" } else { "and neither is set" };
            let (key, file) = (settings::OPA_TOKEN.row.key, settings::OPA_TOKEN_FILE.row.key);
            reader.refuse(&settings::OPA_AUTH.row, None, format!("needs {key} or {file}, {count}"));
            None
        }
    }
}

/// The value of `polaris.authorization.type`. To ignore one that is not ours would let in whom it
/// keeps out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthorizationType {
    Internal,
    Opa,
    Ranger,
}

/// The value of `polaris.authorization.opa.auth.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    Nothing,
    Bearer,
}

/// The address of a policy.
#[derive(Debug)]
pub(super) struct PolicyAddress;

impl Format for AuthorizationType {
    type Value = Self;
    const EXPECTED: &'static str = "`internal` or `opa`";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "internal" => Ok(Self::Internal),
            "opa" => Ok(Self::Opa),
            "ranger" => Ok(Self::Ranger),
            _ => Err(not::<Self>()),
        }
    }
}

impl Format for Shows {
    type Value = Self;
    const EXPECTED: &'static str = "`none` or `bearer`";

    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "none" => Ok(Self::Nothing),
            "bearer" => Ok(Self::Bearer),
            _ => Err(not::<Self>()),
        }
    }
}

impl Format for PolicyAddress {
    type Value = PolicyUrl;
    const EXPECTED: &'static str = "an `http` or `https` URL";

    fn parse(text: &str) -> Result<PolicyUrl, String> {
        PolicyUrl::parse(text).map_err(|why| why.to_string())
    }
}
