//! Who asks, and whether they may.

use super::answer::Refusal;
use super::place::Place;
use super::sas::{Sas, Scope};
use super::state::{AUDIENCE, Access, State, Token};
use crate::serving::Asked;
use crate::traffic::lock;

/// The versions of the storage services that clients may ask for.
const VERSIONS: [&str; 33] = [
    "2018-11-09",
    "2019-02-02",
    "2019-07-07",
    "2019-10-10",
    "2019-12-12",
    "2020-02-10",
    "2020-04-08",
    "2020-06-12",
    "2020-08-04",
    "2020-10-02",
    "2020-12-06",
    "2021-02-12",
    "2021-04-10",
    "2021-06-08",
    "2021-08-06",
    "2021-12-02",
    "2022-11-02",
    "2023-01-03",
    "2023-05-03",
    "2023-08-03",
    "2023-11-03",
    "2024-02-04",
    "2024-05-04",
    "2024-08-04",
    "2024-11-04",
    "2025-01-05",
    "2025-05-05",
    "2025-07-05",
    "2025-11-05",
    "2026-02-06",
    "2026-04-06",
    "2026-06-06",
    "2026-10-06",
];

/// Somebody whose token or signature is right.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Bearer(Token),
    Sas(Sas),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Read,
    /// Of what is not there yet.
    Create,
    /// Of what is there, or of a part of it.
    Write,
    Delete,
    List,
    /// Of the container, or of the account.
    Properties,
}

impl Need {
    /// Any of these letters will do.
    fn letters(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::Create => "cw",
            Self::Write => "w",
            Self::Delete => "d",
            Self::List => "l",
            // No letter permits it.
            Self::Properties => "",
        }
    }

    fn access(self) -> Access {
        match self {
            Self::Read | Self::List | Self::Properties => Access::Read,
            Self::Create | Self::Write | Self::Delete => Access::Write,
        }
    }
}

/// Finds out who asks for a place.
pub(crate) fn authenticated(
    state: &State,
    asked: &Asked,
    place: &Place,
) -> Result<Caller, Refusal> {
    let version = asked.header("x-ms-version");
    if version.is_some_and(|version| !VERSIONS.contains(&version)) {
        return Err(Refusal::header("x-ms-version"));
    }
    let sas = Sas::find(&asked.query);
    match (asked.bearer(), sas) {
        (Some(_), Some(_)) => Err(Refusal::signature("a signature, and a token as well")),
        (None, Some(sas)) => by_sas(state, sas?, place).map(Caller::Sas),
        (Some(_), None) if version.is_none() => Err(Refusal::header("x-ms-version")),
        (Some(token), None) => by_token(state, token, &place.account).map(Caller::Bearer),
        (None, None) if asked.header("authorization").is_some() => {
            Err(Refusal::signature("Key based authentication is not permitted"))
        }
        (None, None) => Err(Refusal::anonymous()),
    }
}

/// Whoever bears the token, if it is for storage, and of the account's tenant.
pub(crate) fn by_token(state: &State, token: &str, account: &str) -> Result<Token, Refusal> {
    let unknown = || Refusal::bearer("Signature validation failed. Signature verification failed.");
    let token = state.issued(token).ok_or_else(unknown)?;
    let account = state.account(account).ok_or_else(Refusal::no_account)?;
    if token.expires <= state.traffic.now() {
        return Err(Refusal::bearer("Lifetime validation failed. The token is expired."));
    }
    if token.audience != AUDIENCE {
        return Err(Refusal::bearer("Audience validation failed. Audience did not match."));
    }
    if token.tenant != account.tenant {
        return Err(Refusal::bearer("Issuer validation failed. Issuer did not match."));
    }
    Ok(token)
}

pub(crate) fn by_sas(state: &State, sas: Sas, place: &Place) -> Result<Sas, Refusal> {
    let account = state.account(&place.account).ok_or_else(Refusal::no_account)?;
    let is_https = lock(&state.settings).counts_as_https;
    sas.check_circumstances(state.traffic.now(), is_https)?;
    if matches!(sas.scope, Scope::Directory(_)) && !account.is_hierarchical {
        return Err(Refusal::signature("sr=d needs a hierarchical namespace"));
    }
    if sas.tenant() != account.tenant {
        return Err(Refusal::signature("the key is one of another tenant"));
    }
    let key = state.delegation_key(&place.account, sas.key_fields());
    sas.check_signature(&key, place)?;
    Ok(sas)
}

impl Caller {
    /// Whether they may do it: the letters, and the roles of whoever asked for the key.
    pub(crate) fn check(&self, state: &State, need: Need, place: &Place) -> Result<(), Refusal> {
        let object_id = match self {
            Self::Bearer(token) => &token.object_id,
            Self::Sas(sas) if !sas.permits(need.letters()) => return Err(Refusal::permission()),
            Self::Sas(sas) => sas.object_id(),
        };
        if state.may(object_id, &place.account, &place.container, need.access()) {
            Ok(())
        } else {
            Err(Refusal::permission())
        }
    }

    /// Whether they may list the names that begin with a text: a directory ends at a slash, or
    /// those of its neighbours would be listed too.
    pub(crate) fn check_prefix(&self, prefix: &str) -> Result<(), Refusal> {
        let depth = match self {
            Self::Bearer(_) => return Ok(()),
            Self::Sas(sas) => match sas.scope {
                Scope::Container => return Ok(()),
                Scope::Directory(depth) => depth,
                // One blob has no list.
                Scope::Blob => return Err(Refusal::outside()),
            },
        };
        // The signature has covered the segments: what is left is that the last one is whole.
        let is_whole = prefix.matches('/').count() >= depth
            && prefix.split('/').take(depth).all(|segment| !segment.is_empty());
        if is_whole { Ok(()) } else { Err(Refusal::outside()) }
    }

    /// Whether they were given rights on the whole container.
    pub(crate) fn is_for_container(&self) -> bool {
        match self {
            Self::Bearer(_) => true,
            Self::Sas(sas) => sas.scope == Scope::Container,
        }
    }
}
