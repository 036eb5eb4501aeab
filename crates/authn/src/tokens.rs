//! Tokens: what they say, and whether it is true.

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, decode, decode_header, encode};
use merak_model::RealmId;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::keys::{KeyError, RealmKey};

/// The longest token that is made or looked at. It goes into a header with each request.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;

const ISSUER: &str = "polaris";

/// What a token says. As in Polaris, but for the realm.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    /// The principal's name.
    sub: String,
    iat: i64,
    pub(crate) exp: i64,
    jti: String,
    active: bool,
    pub(crate) client_id: String,
    #[serde(rename = "principalId")]
    pub(crate) principal_id: i64,
    pub(crate) scope: String,
    /// Polaris' tokens have none, so that one realm's token is good in another that shares its key
    /// files or its secret. Ours is not, and theirs are refused.
    realm: String,
}

/// Who a token is for.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) principal_id: i64,
    pub(crate) name: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
}

impl Claims {
    /// What a new token says.
    pub(crate) fn new(realm: &RealmId, subject: Subject, now_s: i64, lifetime_s: u64) -> Self {
        let lifetime_s = i64::try_from(lifetime_s).unwrap_or(i64::MAX);
        Self {
            iss: ISSUER.to_owned(),
            sub: subject.name,
            iat: now_s,
            exp: now_s.saturating_add(lifetime_s),
            jti: uuid::Uuid::new_v4().to_string(),
            active: true,
            client_id: subject.client_id,
            principal_id: subject.principal_id,
            scope: subject.scope,
            realm: realm.as_str().to_owned(),
        }
    }

    /// Why the token is refused, even though we signed it.
    fn objection(&self, realm: &RealmId, now_s: i64) -> Option<&'static str> {
        if self.iss != ISSUER {
            Some("another issuer's")
        } else if self.realm != realm.as_str() {
            Some("another realm's")
        } else if !self.active {
            Some("not active")
        } else if is_expired(self.exp, now_s) {
            Some("expired")
        } else if self.principal_id <= 0 {
            Some("for no principal")
        } else {
            None
        }
    }
}

/// Whether a token is not good any more.
pub(crate) const fn is_expired(exp: i64, now_s: i64) -> bool {
    now_s >= exp
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal {
    /// It was signed with another key, which may be a newer one of ours.
    Signature,
    /// No key could change it.
    Token(&'static str),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::InvalidToken(match refusal {
            Refusal::Signature => "signed with another key",
            Refusal::Token(reason) => reason,
        })
    }
}

/// Signs a token.
pub(crate) fn sign(key: &RealmKey, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
    encode(&Header::new(key.algorithm), claims, &key.signing)
}

/// Refuses what is not even the form of a token, so that it costs neither a key nor a statement.
pub(crate) fn check_form(token: &str) -> Result<(), Refusal> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Refusal::Token("too long"));
    }
    decode_header(token).map(|_| ()).map_err(|_| Refusal::Token("malformed"))
}

/// Whether a token says that it was issued here. Whether that is true, only [`check`] can tell.
pub(crate) fn claims_to_be_ours(token: &str) -> bool {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    insecure_decode_claims::<Issuer>(token).is_ok_and(|claims| claims.iss == ISSUER)
}

/// What a token says, if it is one of the realm's and still good.
pub(crate) fn check(
    key: &RealmKey,
    token: &str,
    realm: &RealmId,
    now_s: i64,
) -> Result<Claims, Refusal> {
    let claims = decode::<Claims>(token, &key.checking, &key.validation)
        .map_err(|error| refusal(error.kind()))?
        .claims;
    match claims.objection(realm, now_s) {
        None => Ok(claims),
        Some(reason) => Err(Refusal::Token(reason)),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is not exhaustive, and whatever it is, the token is refused"
)]
fn refusal(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidAlgorithm => Refusal::Token("signed with another algorithm"),
        ErrorKind::Json(_) => Refusal::Token("without the claims it should have"),
        _ => Refusal::Token("malformed"),
    }
}

/// Signs a token and checks it.
pub(crate) fn try_out(key: &RealmKey) -> Result<(), KeyError> {
    let realm = RealmId::new("realm");
    let subject = Subject {
        principal_id: 1,
        name: String::new(),
        client_id: String::new(),
        scope: String::new(),
    };
    let claims = Claims::new(&realm, subject, 0, 1);
    let token = sign(key, &claims).map_err(|_| KeyError::NotAPrivateRsaKey)?;
    check(key, &token, &realm, 0).map(|_| ()).map_err(|_| KeyError::NotAPair)
}
