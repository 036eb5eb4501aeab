//! IAM policies: read strictly, decided as IAM decides.
//!
//! Only what storage needs: no dates, no addresses, no managed policies. What is not understood is
//! refused when it is read, never passed over.

mod condition;
mod document;
mod pattern;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use condition::Condition;
use pattern::Pattern;

/// What a request says about itself: the values of its condition keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    values: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// Adds the value of a key. Keys are compared without regard to case.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.values.entry(key.to_lowercase()).or_default().push(value.into());
        self
    }

    /// All values of a key.
    fn all(&self, key: &str) -> &[String] {
        self.values.get(&key.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The value of a key that has one.
    fn one(&self, key: &str) -> Option<&str> {
        match self.all(key) {
            [value] => Some(value),
            _ => None,
        }
    }
}

/// What is asked: may this be done to that?
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// An action, such as `s3:GetObject`.
    pub(crate) action: &'a str,
    /// The ARN of what it is done to.
    pub(crate) resource: &'a str,
    /// What the request says about itself.
    pub(crate) context: &'a Context,
}

/// What one policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement speaks of it.
    Silent,
}

/// What a trust policy says about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It names them.
    Named,
    /// It names their account, which decides by its own policies.
    ByAccount,
    /// A statement denies it.
    Denied,
    /// No statement speaks of them.
    Silent,
}

/// What a policy is attached to: this decides what its statements must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To a user, a role or a session: it names resources.
    Identity,
    /// To a role, and says who may take it: it names principals.
    Trust,
}

/// A policy document that was read.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug, Clone)]
struct Statement {
    allows: bool,
    actions: Actions,
    resources: Resources,
    principals: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
enum Actions {
    These(Vec<Pattern>),
    AllBut(Vec<Pattern>),
}

#[derive(Debug, Clone)]
enum Resources {
    These(Vec<Resource>),
    AllBut(Vec<Resource>),
    /// A trust policy is about the role that it is attached to.
    ItsOwn,
}

#[derive(Debug, Clone)]
enum Resource {
    Everything,
    /// The six parts of an ARN. A wildcard does not reach beyond its part.
    Arn(Vec<Pattern>),
}

impl Policy {
    /// Decides what an identity or session policy says.
    pub(crate) fn decide(&self, question: Question<'_>) -> Verdict {
        let mut verdict = Verdict::Silent;
        for statement in self.statements.iter().filter(|one| one.speaks_of(question)) {
            if !statement.allows {
                return Verdict::Denied;
            }
            verdict = Verdict::Allowed;
        }
        verdict
    }

    /// Decides what a trust policy says about somebody of an account with some ARNs: a session has its own
    /// and that of its role.
    pub(crate) fn trusts(&self, question: Question<'_>, account: &str, arns: &[String]) -> Trust {
        let root = format!("arn:aws:iam::{account}:root");
        let mut trust = Trust::Silent;
        for statement in self.statements.iter().filter(|one| one.speaks_of(question)) {
            let named = statement
                .principals
                .iter()
                .any(|principal| principal == "*" || arns.iter().any(|arn| arn == principal));
            let by_account =
                statement.principals.iter().any(|named| *named == root || named == account);
            match (statement.allows, named, by_account) {
                (_, false, false) => {}
                (false, _, _) => return Trust::Denied,
                (true, true, _) => trust = Trust::Named,
                (true, false, true) if trust == Trust::Silent => trust = Trust::ByAccount,
                (true, false, true) => {}
            }
        }
        trust
    }
}

impl Statement {
    fn speaks_of(&self, question: Question<'_>) -> bool {
        let Question { action, resource, context } = question;
        self.actions.have(action)
            && self.resources.have(resource, context)
            && self.conditions.iter().all(|condition| condition.holds(context))
    }
}

impl Actions {
    fn have(&self, action: &str) -> bool {
        let action = action.to_lowercase();
        let any = |patterns: &[Pattern]| {
            patterns.iter().any(|pattern| pattern.matches(&action, &Context::default()))
        };
        match self {
            Self::These(patterns) => any(patterns),
            Self::AllBut(patterns) => !any(patterns),
        }
    }
}

impl Resources {
    fn have(&self, arn: &str, context: &Context) -> bool {
        let any = |resources: &[Resource]| {
            resources.iter().any(|resource| resource.matches(arn, context))
        };
        match self {
            Self::These(resources) => any(resources),
            Self::AllBut(resources) => !any(resources),
            Self::ItsOwn => true,
        }
    }
}

impl Resource {
    fn matches(&self, arn: &str, context: &Context) -> bool {
        match self {
            Self::Everything => true,
            Self::Arn(patterns) => {
                let parts: Vec<&str> = arn.splitn(6, ':').collect();
                parts.len() == patterns.len()
                    && parts.iter().zip(patterns).all(|(part, one)| one.matches(part, context))
            }
        }
    }
}
