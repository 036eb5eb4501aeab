//! Another who decides, in the place of roles and grants.

use std::fmt;

use async_trait::async_trait;
use merak_model::RealmId;

use crate::Spot;

/// Why it cannot be found out what another decides.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Another who decides, in the place of roles and grants. What no privilege is enough for it cannot
/// allow either: rules hold whoever decides, and it is asked only where they are kept.
///
/// It makes no proof: [`crate::Authorizer`] does, if it says yes.
#[async_trait]
pub trait ExternalAuthorizer: fmt::Debug + Send + Sync {
    /// What it is called, for refusals and explanations.
    fn name(&self) -> &'static str;

    /// Whether it allows that. What cannot be found out is an error, which allows nothing.
    async fn allows(&self, question: &PolicyQuestion<'_>) -> Result<bool, BoxError>;
}

/// May they do that?
#[derive(Debug, Clone, Copy)]
pub struct PolicyQuestion<'a> {
    /// The realm of the request.
    pub realm: &'a RealmId,
    /// The request's id, by which it is found in logs.
    pub request_id: &'a str,
    /// Who would do it.
    pub principal: &'a str,
    /// The principal roles they act in.
    pub roles: &'a [&'a str],
    /// What they would do.
    pub asked: &'a Asked<'a>,
}

/// What is to be done, and to what.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// What is done, by the operation's name in Polaris.
    pub action: &'static str,
    /// What it is done to.
    pub resources: Resources<'a>,
}

/// What an operation acts on.
#[derive(Debug, Clone)]
pub struct Resources<'a> {
    /// What it is done to.
    pub targets: Vec<Spot<'a>>,
    /// What it concerns besides: where something is moved to, who is given it.
    pub secondaries: Vec<Spot<'a>>,
}

impl<'a> Resources<'a> {
    /// One thing alone.
    pub fn one(target: Spot<'a>) -> Self {
        Self::many(vec![target])
    }

    /// Many things at once.
    pub fn many(targets: Vec<Spot<'a>>) -> Self {
        Self { targets, secondaries: Vec::new() }
    }
}

/// What another was found to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What it is called.
    pub by: &'static str,
    /// What it said.
    pub verdict: Verdict,
}

/// What another who decides said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it was not asked, since a rule forbids it, or everybody may.
    NotAsked,
    /// Yes.
    Allowed,
    /// No.
    Denied,
}
