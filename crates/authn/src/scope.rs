//! Which roles a token activates.

use std::borrow::Cow;
use std::fmt;

use merak_metastore::RoleSelection;

use crate::TokenError;

/// What each part of a scope begins with.
const PREFIX: &str = "PRINCIPAL_ROLE:";

/// The name that stands for every role the principal has.
const ALL: &str = "ALL";

/// The roles that a scope activates, written as in a request for a token; nothing if it is none.
pub fn parse_scope(text: &str) -> Option<RoleSelection> {
    Scope::of_request(text).ok().map(Scope::into_selection)
}

/// The roles that a scope names, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    roles: Vec<String>,
}

impl Scope {
    /// The scope that a client asks for: at least one role, and nothing but roles. Whether there
    /// are such roles is not asked here, as in Polaris: that is for the requests made with the token.
    pub(crate) fn of_request(text: &str) -> Result<Self, TokenError> {
        let roles: Option<Vec<String>> = parts(text).map(role).collect();
        roles
            .filter(|roles| !roles.is_empty())
            .map(|roles| Self { roles })
            .ok_or(TokenError::InvalidScope)
    }

    /// The scope that a token carries. What names no role is passed over.
    pub(crate) fn of_claim(text: &str) -> Self {
        Self { roles: parts(text).filter_map(role).collect() }
    }

    /// The scope of these parts, which another issuer names one by one. What names no role is passed
    /// over.
    pub(crate) fn of_parts<'a>(parts: impl Iterator<Item = Cow<'a, str>>) -> Self {
        let mut roles: Vec<String> = Vec::new();
        for role in parts.filter_map(|part| role(&part)) {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        Self { roles }
    }

    /// The scope of a token that is exchanged for another: what was asked for, unless that is more
    /// than the first token has.
    pub(crate) fn narrow(self, asked: Option<&str>) -> Result<Self, TokenError> {
        let Some(asked) = asked.filter(|asked| parts(asked).next().is_some()) else {
            return Ok(self);
        };
        let asked = Self::of_request(asked)?;
        if self.is_all() || asked.roles.iter().all(|role| self.roles.contains(role)) {
            Ok(asked)
        } else {
            Err(TokenError::InvalidScope)
        }
    }

    /// The roles that it activates.
    pub(crate) fn into_selection(self) -> RoleSelection {
        if self.is_all() { RoleSelection::All } else { RoleSelection::Named(self.roles) }
    }

    fn is_all(&self) -> bool {
        self.roles.iter().any(|role| role == ALL)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, role) in self.roles.iter().enumerate() {
            let space = if nth == 0 { "" } else { " " };
            write!(f, "{space}{PREFIX}{role}")?;
        }
        Ok(())
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|part| !part.is_empty())
}

fn role(part: &str) -> Option<String> {
    part.strip_prefix(PREFIX).filter(|role| !role.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(from: &str, asked: Option<&str>) -> Option<String> {
        Scope::of_claim(from).narrow(asked).ok().map(|scope| scope.to_string())
    }

    #[test]
    fn a_request_names_at_least_one_role_and_nothing_else() {
        for good in
            ["PRINCIPAL_ROLE:ALL", "PRINCIPAL_ROLE:a PRINCIPAL_ROLE:b", "PRINCIPAL_ROLE:a:b"]
        {
            assert_eq!(Scope::of_request(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            " ",
            "catalog",
            "PRINCIPAL_ROLE",
            "PRINCIPAL_ROLE:",
            "principal_role:ALL",
            "PRINCIPAL_ROLE:a catalog",
            "PRINCIPAL_ROLE:a PRINCIPAL_ROLE:",
        ] {
            assert!(matches!(Scope::of_request(bad), Err(TokenError::InvalidScope)), "{bad:?}");
        }
    }

    #[test]
    fn spaces_more_than_needed_do_no_harm() {
        let scope = Scope::of_request("  PRINCIPAL_ROLE:a   PRINCIPAL_ROLE:b ").unwrap();

        assert_eq!(scope.to_string(), "PRINCIPAL_ROLE:a PRINCIPAL_ROLE:b");
    }

    #[test]
    fn all_anywhere_activates_every_role() {
        assert_eq!(
            Scope::of_claim("PRINCIPAL_ROLE:a PRINCIPAL_ROLE:ALL").into_selection(),
            RoleSelection::All
        );
        assert_eq!(
            Scope::of_claim("PRINCIPAL_ROLE:a x PRINCIPAL_ROLE:b").into_selection(),
            RoleSelection::Named(vec!["a".into(), "b".into()])
        );
        assert_eq!(Scope::of_claim("catalog ALL").into_selection(), RoleSelection::Named(vec![]));
    }

    #[test]
    fn an_exchange_only_narrows() {
        let two = "PRINCIPAL_ROLE:a PRINCIPAL_ROLE:b";
        let all = "PRINCIPAL_ROLE:ALL";

        assert_eq!(narrowed(two, None).as_deref(), Some(two));
        assert_eq!(narrowed(two, Some(" ")).as_deref(), Some(two));
        assert_eq!(narrowed(two, Some("PRINCIPAL_ROLE:b")).as_deref(), Some("PRINCIPAL_ROLE:b"));
        assert_eq!(narrowed(all, Some("PRINCIPAL_ROLE:z")).as_deref(), Some("PRINCIPAL_ROLE:z"));

        assert_eq!(narrowed(two, Some("PRINCIPAL_ROLE:c")), None);
        assert_eq!(narrowed(two, Some("PRINCIPAL_ROLE:a PRINCIPAL_ROLE:c")), None);
        assert_eq!(narrowed(two, Some(all)), None);
        assert_eq!(narrowed(all, Some("catalog")), None);
    }
}
