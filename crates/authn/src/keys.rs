//! Keys that sign and check tokens.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use subtle::ConstantTimeEq as _;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Its file could not be read.
    #[error("cannot read the key file {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The private key is something else.
    #[error(
        "the private key is not an unencrypted RSA key of at least 2048 bits in PEM form (PKCS#8)"
    )]
    NotAPrivateRsaKey,
    /// The public key is something else.
    #[error("the public key is not an RSA key in PEM form (X.509 SubjectPublicKeyInfo)")]
    NotAPublicRsaKey,
    /// They are of different pairs.
    #[error("the public key is not that of the private key")]
    NotAPair,
    /// Anyone could sign with it.
    #[error("the symmetric key is empty")]
    EmptySecret,
    /// What the metastore keeps is no key.
    #[error("the signing key that the metastore keeps cannot be read")]
    UnreadableStored,
    /// A new key could not be made.
    #[error("a new signing key could not be made")]
    NotMade,
}

/// A key of one algorithm, ready to sign and to check with.
#[derive(Debug)]
pub(crate) struct RealmKey {
    /// The only one it is used with, whatever a token says of itself.
    pub(crate) algorithm: Algorithm,
    pub(crate) signing: EncodingKey,
    pub(crate) checking: DecodingKey,
    /// What else jsonwebtoken is to check: nothing, since it would ask the machine for the time.
    pub(crate) validation: Validation,
}

impl RealmKey {
    fn new(algorithm: Algorithm, signing: EncodingKey, checking: DecodingKey) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Self { algorithm, signing, checking, validation }
    }

    /// Whether signing takes too long for a thread that others wait for.
    pub(crate) fn signs_slowly(&self) -> bool {
        self.algorithm == Algorithm::RS256
    }

    /// The HS256 key of a secret.
    #[expect(clippy::disallowed_methods, reason = "the secret becomes a key")]
    pub(crate) fn symmetric(secret: &SecretBox<[u8]>) -> Result<Self, KeyError> {
        let secret = secret.expose_secret();
        if secret.is_empty() {
            return Err(KeyError::EmptySecret);
        }
        let (signing, checking) =
            (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        Ok(Self::new(Algorithm::HS256, signing, checking))
    }
}

/// The kinds of keys that are made here and kept in the metastore, as PKCS#8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredKind {
    Ed25519,
    Rsa,
}

impl StoredKind {
    /// What the metastore knows it by: the algorithm's name in a token.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "EdDSA",
            Self::Rsa => "RS256",
        }
    }

    /// Makes a new key. For RSA this takes a good part of a second.
    pub(crate) fn generate(self) -> Result<SecretBox<[u8]>, KeyError> {
        let made = match self {
            Self::Ed25519 => Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                .map(|pkcs8| pkcs8.as_ref().to_vec()),
            Self::Rsa => generate_rsa(),
        };
        made.map(SecretBox::from).map_err(|Unspecified| KeyError::NotMade)
    }

    /// Reads a key as the metastore keeps it.
    #[expect(clippy::disallowed_methods, reason = "the secret becomes a key")]
    pub(crate) fn read(self, pkcs8: &SecretBox<[u8]>) -> Result<RealmKey, KeyError> {
        let pkcs8 = pkcs8.expose_secret();
        match self {
            Self::Ed25519 => read_ed25519(pkcs8),
            Self::Rsa => read_rsa(pkcs8),
        }
        .ok_or(KeyError::UnreadableStored)
    }
}

/// Whether two keys as the metastore keeps them are one.
#[expect(clippy::disallowed_methods, reason = "they are compared, in constant time")]
pub(crate) fn is_same(one: &SecretBox<[u8]>, other: &SecretBox<[u8]>) -> bool {
    one.expose_secret().ct_eq(other.expose_secret()).into()
}

fn generate_rsa() -> Result<Vec<u8>, Unspecified> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der()?;
    Ok(pkcs8.as_ref().to_vec())
}

fn read_ed25519(pkcs8: &[u8]) -> Option<RealmKey> {
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
    let checking = DecodingKey::from_ed_der(pair.public_key().as_ref());
    Some(RealmKey::new(Algorithm::EdDSA, EncodingKey::from_ed_der(pkcs8), checking))
}

fn read_rsa(pkcs8: &[u8]) -> Option<RealmKey> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).ok()?;
    let checking = DecodingKey::from_rsa_der(pair.public_key().as_ref());
    // Only its PEM reader takes RSA keys in PKCS#8.
    let pem = private_pem(pkcs8);
    let signing = EncodingKey::from_rsa_pem(secret_bytes(&pem)).ok()?;
    Some(RealmKey::new(Algorithm::RS256, signing, checking))
}

fn private_pem(pkcs8: &[u8]) -> SecretString {
    let body = STANDARD.encode(pkcs8);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n").into()
}

#[expect(clippy::disallowed_methods, reason = "the PEM text is parsed into a key")]
fn secret_bytes(pem: &SecretString) -> &[u8] {
    pem.expose_secret().as_bytes()
}

/// An RSA key pair from PEM files, found to belong together.
#[derive(Debug, Clone)]
pub struct RsaKeyFiles {
    pub(crate) key: Arc<RealmKey>,
}

impl RsaKeyFiles {
    /// Reads the two files.
    pub fn read(private: &Path, public: &Path) -> Result<Self, KeyError> {
        let text = |path: &Path| {
            fs::read_to_string(path).map_err(|error| KeyError::File(path.to_owned(), error))
        };
        Self::from_pem(&text(private)?.into(), &text(public)?)
    }

    /// Reads the texts of the two files: a private key in PKCS#8 and its public key in X.509 form.
    pub fn from_pem(private: &SecretString, public: &str) -> Result<Self, KeyError> {
        let signing = EncodingKey::from_rsa_pem(secret_bytes(private))
            .map_err(|_| KeyError::NotAPrivateRsaKey)?;
        let checking =
            DecodingKey::from_rsa_pem(public.as_bytes()).map_err(|_| KeyError::NotAPublicRsaKey)?;
        let key = RealmKey::new(Algorithm::RS256, signing, checking);
        // Better a start that fails than a server whose every token is refused.
        crate::tokens::try_out(&key)?;
        Ok(Self { key: Arc::new(key) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::rsa_pems;

    #[test]
    fn made_keys_are_read_again() {
        for kind in [StoredKind::Ed25519, StoredKind::Rsa] {
            let (one, other) = (kind.generate().unwrap(), kind.generate().unwrap());

            crate::tokens::try_out(&kind.read(&one).unwrap()).unwrap();
            assert!(is_same(&one, &one));
            assert!(!is_same(&one, &other));
        }
    }

    #[test]
    fn a_stored_key_of_another_kind_is_refused() {
        let key = StoredKind::Ed25519.generate().unwrap();

        assert!(matches!(StoredKind::Rsa.read(&key), Err(KeyError::UnreadableStored)));
        let none = SecretBox::from(Vec::new());
        assert!(matches!(StoredKind::Ed25519.read(&none), Err(KeyError::UnreadableStored)));
    }

    #[test]
    fn an_empty_symmetric_key_is_refused() {
        let empty = SecretBox::from(Vec::new());

        assert!(matches!(RealmKey::symmetric(&empty), Err(KeyError::EmptySecret)));
    }

    #[test]
    fn key_files_must_be_a_pair_of_rsa_keys() {
        let (private, public) = rsa_pems();
        let (_, other) = rsa_pems();
        let no_key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";

        RsaKeyFiles::from_pem(&private, &public).unwrap();

        let refusal = |private: &SecretString, public: &str| {
            RsaKeyFiles::from_pem(private, public).unwrap_err().to_string()
        };
        assert_eq!(refusal(&private, &other), "the public key is not that of the private key");
        assert_eq!(refusal(&no_key.into(), &public), KeyError::NotAPrivateRsaKey.to_string());
        assert_eq!(
            refusal(&public.as_str().into(), &public),
            KeyError::NotAPrivateRsaKey.to_string()
        );
        assert_eq!(refusal(&private, "garbage"), KeyError::NotAPublicRsaKey.to_string());
    }

    #[test]
    fn a_missing_key_file_is_named() {
        let missing = Path::new("no/such/private.pem");

        let error = RsaKeyFiles::read(missing, missing).unwrap_err();

        assert_eq!(error.to_string(), "cannot read the key file no/such/private.pem");
    }

    #[test]
    fn debug_shows_no_key() {
        let key = RealmKey::symmetric(&SecretBox::from(b"open sesame".to_vec())).unwrap();

        let shown = format!("{key:?}");

        assert!(!shown.contains("open sesame") && !shown.contains("111, 112, 101"), "{shown}");
    }
}
