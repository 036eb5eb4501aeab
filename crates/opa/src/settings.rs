//! How the policy is asked.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::PolicyUrl;

/// How the policy is asked.
#[derive(Debug, Clone)]
pub struct OpaSettings {
    /// Where it is.
    pub policy_url: PolicyUrl,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// Whose certificates it may have.
    pub trust: Trust,
    /// What it knows the server by.
    pub credentials: Credentials,
    /// The longest answer that is read, in bytes.
    pub max_answer_bytes: usize,
    /// How long a decision counts; zero asks each time.
    pub decision_lifetime: Duration,
    /// How many decisions are remembered.
    pub max_decisions: u64,
}

/// Whose certificates the policy service may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those that the machine trusts.
    Machine,
    /// Those of the authorities in a PEM file, and no others.
    File(PathBuf),
    /// Anybody's: then anyone on the way can answer.
    Anyone,
}

/// What the policy service knows the server by.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nothing.
    None,
    /// A bearer token.
    Token(SecretString),
    /// A bearer token that somebody renews in a file.
    TokenFile(TokenFile),
}

/// A file with a bearer token, and when it is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFile {
    /// The file.
    pub path: PathBuf,
    /// After which time it is read again.
    pub refresh_interval: Duration,
    /// Whether a token that says when it ends is kept until then instead.
    pub follows_expiry: bool,
    /// How long before its end such a token is replaced.
    pub expiry_buffer: Duration,
    /// After which time it is tried again where there was no token in it.
    pub retry_interval: Duration,
}
