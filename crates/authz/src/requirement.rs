//! What an operation asks for, one by one, and whether it is there.

use std::fmt;

use merak_model::Privilege;

/// Something that an operation asks for. All of an operation's requirements must be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What is asked for.
    pub need: Need,
    /// Where: which of the target's [`crate::Securable::spots`].
    pub on: usize,
    /// Whether it is there.
    pub is_met: bool,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// That a privilege is held, by itself or by one that implies it.
    Privilege(Privilege),
    /// Something that no privilege is enough for, in the words that refuse it.
    Rule(&'static str),
}

impl Requirement {
    /// A privilege on what is acted on.
    pub const fn on_target(privilege: Privilege, is_met: bool) -> Self {
        Self { need: Need::Privilege(privilege), on: 0, is_met }
    }

    /// A privilege on another of the securables that are acted on.
    pub const fn on(spot: usize, privilege: Privilege, is_met: bool) -> Self {
        Self { need: Need::Privilege(privilege), on: spot, is_met }
    }

    /// A rule that is broken.
    pub const fn broken(rule: &'static str) -> Self {
        Self { need: Need::Rule(rule), on: 0, is_met: false }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Privilege(privilege) => privilege.fmt(f),
            Self::Rule(rule) => f.write_str(rule),
        }
    }
}
