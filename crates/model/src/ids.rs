//! Identifiers.

use std::fmt;
use std::sync::Arc;

/// A tenant's name. Everything belongs to one realm, and nothing crosses.
///
/// Cheap to clone: it is in every request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RealmId(Arc<str>);

impl RealmId {
    /// The realm of that name. Which realms exist is the configuration's business.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name, as clients send it in the realm header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RealmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an entity is known by, whatever its name has come to be. Unique within a realm.
///
/// A positive 63-bit number, as in Polaris; the realm's root container has 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(pub i64);

impl EntityId {
    /// The realm's root container: privileges on the service itself are held here.
    pub const ROOT: Self = Self(0);

    /// The realm's principal role `service_admin`, which bootstrap makes and nobody can drop: its id
    /// is fixed, so that a new catalog's role can be granted to it without looking it up.
    pub const SERVICE_ADMIN: Self = Self(1);

    /// A fresh identifier: random, so that replicas need no counter, and no id tells of another.
    pub fn random() -> Self {
        let bits = uuid::Uuid::new_v4().as_u128();
        let low = i64::try_from(bits >> 65).unwrap_or(i64::MAX);
        Self(low.max(Self::SERVICE_ADMIN.0 + 1))
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How often an entity was changed, counted from 1. No update is made without the version it was
/// based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityVersion(pub i64);

impl EntityVersion {
    /// The version a new entity has.
    pub const FIRST: Self = Self(1);

    /// The version after one more change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for EntityVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_are_positive_and_differ() {
        let ids: std::collections::BTreeSet<_> = (0..1000).map(|_| EntityId::random()).collect();

        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.0 > 0));
    }
}
