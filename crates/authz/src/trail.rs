//! What is known of a request that is being served, for its line in the log and its audit record.
//!
//! Whoever learns something notes it here, once. It goes into the span that log lines are in and,
//! where somebody keeps the request's [`Trail`], into that: so what the log says and what is kept
//! cannot differ, and the level of the log does not matter for what is kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use merak_metastore::ResolvedCaller;

/// Something that is learnt of a request while it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// The realm it is for.
    Realm,
    /// The id of whoever asks, as the token has it. It is noted once the token was found good.
    PrincipalId,
    /// The name of whoever asks.
    Principal,
    /// What is asked for, by its name in Polaris.
    Operation,
    /// On what.
    Securable,
    /// The id of the credentials that were given out.
    Credential,
    /// The views that a table is read through, as the client says.
    ReferencedBy,
    /// What was missing, if it was refused.
    Missing,
    /// Which limit on the rate of requests it was over.
    RateLimit,
    /// The host of the catalog that was asked, where another catalog owns what it is about.
    Owner,
}

impl Noted {
    /// How many there are.
    const COUNT: usize = 10;

    /// The field of the request's span, and of audit records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Realm => "realm",
            Self::PrincipalId => "principal_id",
            Self::Principal => "principal",
            Self::Operation => "operation",
            Self::Securable => "securable",
            Self::Credential => "credential",
            Self::ReferencedBy => "referenced_by",
            Self::Missing => "missing",
            Self::RateLimit => "rate_limit",
            Self::Owner => "owner",
        }
    }
}

/// All that was noted of one request. Its clones are one and the same.
#[derive(Debug, Clone, Default)]
pub struct Trail(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    texts: [Option<String>; Noted::COUNT],
    roles: Vec<String>,
}

tokio::task_local! {
    static CURRENT: Option<Trail>;
}

impl Trail {
    /// The trail of the request that is served, if somebody keeps one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok().flatten()
    }

    /// Does some work of the request that the trail is of, or of one whose trail nobody keeps.
    pub async fn along<F: Future>(trail: Option<Self>, work: F) -> F::Output {
        CURRENT.scope(trail, work).await
    }

    /// What was noted.
    pub fn get(&self, noted: Noted) -> Option<String> {
        self.notes().texts[noted as usize].clone()
    }

    /// The roles that whoever asks acts in.
    pub fn roles(&self) -> Vec<String> {
        self.notes().roles.clone()
    }

    fn set(&self, noted: Noted, text: String) {
        self.notes().texts[noted as usize] = Some(text);
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes something of the request that is served. The text is made only if anybody wants it.
pub fn note(noted: Noted, text: impl FnOnce() -> String) {
    let span = tracing::Span::current();
    let trail = Trail::current();
    if span.is_disabled() && trail.is_none() {
        return;
    }
    let text = text();
    span.record(noted.name(), text.as_str());
    if let Some(trail) = trail {
        trail.set(noted, text);
    }
}

/// Notes who asks, and in which roles.
pub(crate) fn note_who(who: &ResolvedCaller) {
    note(Noted::Principal, || who.name.clone());
    let span = tracing::Span::current();
    if !span.is_disabled() {
        span.record("roles", role_names(who));
    }
    if let Some(trail) = Trail::current() {
        trail.notes().roles = who.roles.iter().map(|role| role.name.clone()).collect();
    }
}

/// The names of the roles that somebody acts in, for people.
pub(crate) fn role_names(who: &ResolvedCaller) -> String {
    let roles: Vec<_> = who.roles.iter().map(|role| role.name.as_str()).collect();
    roles.join(", ")
}

/// Notes the principal of a token that was found good. The log has its id as a number.
pub fn note_principal_id(id: i64) {
    tracing::Span::current().record(Noted::PrincipalId.name(), id);
    note_authenticated(&id.to_string());
}

/// Notes that the token was found good, where it names a principal by something else than an id.
pub fn note_authenticated(by: &str) {
    if let Some(trail) = Trail::current() {
        trail.set(Noted::PrincipalId, by.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_noted_is_in_the_trail_of_its_request_alone() {
        let (one, other) = (Trail::default(), Trail::default());

        Trail::along(Some(one.clone()), async { note(Noted::Operation, || "A".into()) }).await;
        Trail::along(Some(other.clone()), async { note(Noted::Operation, || "B".into()) }).await;
        note(Noted::Operation, || unreachable!("nobody keeps a trail here"));

        assert_eq!(one.get(Noted::Operation).as_deref(), Some("A"));
        assert_eq!(other.get(Noted::Operation).as_deref(), Some("B"));
        assert_eq!(one.get(Noted::Missing), None);
    }
}
