//! The keys that an identity provider publishes, and which of them a token is to be checked with.

use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation, decode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::claims::Claims;

/// What counts of the head of a token. Keys in it, and addresses of keys, do not.
#[derive(Debug)]
pub(super) struct Head {
    algorithm: Algorithm,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct RawHead {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<IgnoredAny>,
}

impl Head {
    /// Reads a head, or says why no token with it is accepted whatever the keys are.
    pub(super) fn of(token: &str) -> Result<Self, &'static str> {
        const MALFORMED: &str = "malformed";
        let mut parts = token.split('.');
        let (Some(head), Some(_), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MALFORMED);
        };
        let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| MALFORMED)?;
        let RawHead { alg, kid, typ, crit } =
            serde_json::from_slice(&head).map_err(|_| MALFORMED)?;
        if crit.is_some() {
            return Err("with critical header fields, none of which is known here");
        }
        // Others are made for other ends, such as to log somebody out.
        if typ.is_some_and(|typ| !is_type_of_access_tokens(&typ)) {
            return Err("of a type that is none of access tokens");
        }
        let algorithm =
            Algorithm::from_str(&alg).ok().filter(|&algorithm| is_asymmetric(algorithm));
        let algorithm = algorithm.ok_or("signed with an algorithm that is not accepted")?;
        Ok(Self { algorithm, kid })
    }
}

fn is_type_of_access_tokens(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.trim_start_matches("application/"), "jwt" | "at+jwt")
}

/// With the others, whoever can check a token can make one.
fn is_asymmetric(algorithm: Algorithm) -> bool {
    algorithm.family() != AlgorithmFamily::Hmac
}

/// Why a set of keys does not find a token good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Miss {
    /// It may be signed with a key that is newer than the set.
    Unknown(&'static str),
    /// No other set could change it.
    Refused(&'static str),
}

/// The keys that can check signatures, of those that a provider publishes.
#[derive(Debug)]
pub(super) struct KeySet(Vec<PublicKey>);

#[derive(Debug)]
struct PublicKey {
    kid: Option<String>,
    /// What it can be used with, whatever a token says.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct RawKeySet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a set. Keys that are not understood, or not for signatures, are left out.
    pub(super) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let RawKeySet { keys } = serde_json::from_slice(json)?;
        let understood = keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self(understood.filter_map(|jwk| PublicKey::of(&jwk)).collect()))
    }

    /// What the keys are called, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        let names = self.0.iter().map(|key| key.kid.as_deref().unwrap_or_default());
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names
    }

    /// What a token says, if one of the keys signed it. Nothing of what it says is checked.
    pub(super) fn check(&self, head: &Head, token: &str) -> Result<Claims, Miss> {
        let key = self.find(head)?;
        let mut validation = Validation::new(head.algorithm);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let decoded = decode::<Claims>(token, &key.key, &validation);
        decoded.map(|token| token.claims).map_err(|error| match (error.kind(), &head.kid) {
            // A key without a name may have been exchanged for another.
            (jsonwebtoken::errors::ErrorKind::InvalidSignature, None) => {
                Miss::Unknown("signed with another key")
            }
            (jsonwebtoken::errors::ErrorKind::InvalidSignature, Some(_)) => {
                Miss::Refused("signed with another key")
            }
            _ => Miss::Refused("malformed"),
        })
    }

    fn find(&self, head: &Head) -> Result<&PublicKey, Miss> {
        let candidates: Vec<&PublicKey> = match &head.kid {
            Some(kid) => self.0.iter().filter(|key| key.kid.as_ref() == Some(kid)).collect(),
            None if self.0.len() > 1 => {
                return Err(Miss::Refused("without a key id, and its issuer has several keys"));
            }
            None => self.0.iter().collect(),
        };
        if candidates.is_empty() {
            return Err(Miss::Unknown("signed with a key that its issuer does not publish"));
        }
        let fitting = candidates.into_iter().find(|key| key.algorithms.contains(&head.algorithm));
        fitting.ok_or(Miss::Refused("signed with an algorithm that is not its key's"))
    }
}

impl PublicKey {
    fn of(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let is_for_signatures =
            common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
        let verifies =
            |operations: &Vec<KeyOperations>| operations.contains(&KeyOperations::Verify);
        if !is_for_signatures || !common.key_operations.as_ref().is_none_or(verifies) {
            return None;
        }
        let mut algorithms = algorithms(&jwk.algorithm)?.to_vec();
        if let Some(only) = common.key_algorithm {
            algorithms.retain(|&algorithm| KeyAlgorithm::from(algorithm) == only);
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        (!algorithms.is_empty()).then(|| Self { kid: common.key_id.clone(), algorithms, key })
    }
}

/// What a key of that kind can be used with; nothing, if that is a secret shared with others or
/// unknown here.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums are not exhaustive, and what is not named here is not used"
)]
fn algorithms(parameters: &AlgorithmParameters) -> Option<&'static [Algorithm]> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match parameters {
        AlgorithmParameters::RSA(_) => Some(&[RS256, RS384, RS512, PS256, PS384, PS512]),
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => Some(&[ES256]),
            EllipticCurve::P384 => Some(&[ES384]),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(key) => {
            (key.curve == EllipticCurve::Ed25519).then_some(&[EdDSA])
        }
        _ => None,
    }
}
