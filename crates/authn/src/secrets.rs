//! Client ids, client secrets, and what is kept of them.

use std::fmt::Write as _;

use aws_lc_rs::rand;
use merak_metastore::PrincipalSecrets;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// A principal's new credentials: the secret as the client gets it, once, and what is kept of it.
#[derive(Debug, Clone)]
pub struct NewCredentials {
    /// What the principal names itself by.
    pub client_id: String,
    /// What it proves itself with.
    pub client_secret: SecretString,
    /// What the metastore is to keep.
    pub secrets: PrincipalSecrets,
}

impl NewCredentials {
    /// A new client id with a new secret.
    pub fn generate() -> Self {
        Self::of(new_client_id(), new_client_secret())
    }

    /// That client id with that secret, which replace all there was before.
    pub fn of(client_id: impl Into<String>, client_secret: SecretString) -> Self {
        let client_id = client_id.into();
        let salt = random_hex::<8>();
        let main_hash = hash(&client_secret, &salt);
        // Nothing was rotated yet, so nothing but the one secret is accepted.
        let secondary_hash = main_hash.clone();
        let secrets =
            PrincipalSecrets { client_id: client_id.clone(), main_hash, secondary_hash, salt };
        Self { client_id, client_secret, secrets }
    }

    /// A new secret for a client whose secrets so far all end at once.
    pub fn renewed(before: &PrincipalSecrets) -> Self {
        Self::of(before.client_id.clone(), new_client_secret())
    }

    /// A new secret for a client whose main secret so far is accepted until the next rotation.
    pub fn rotated(before: &PrincipalSecrets) -> Self {
        let client_secret = new_client_secret();
        let secrets = PrincipalSecrets {
            client_id: before.client_id.clone(),
            main_hash: hash(&client_secret, &before.salt),
            secondary_hash: before.main_hash.clone(),
            // Both hashes are made with it, so it stays.
            salt: before.salt.clone(),
        };
        Self { client_id: before.client_id.clone(), client_secret, secrets }
    }
}

/// A new client id: 16 hex digits.
pub fn new_client_id() -> String {
    random_hex::<8>()
}

/// A new client secret: 32 hex digits.
pub fn new_client_secret() -> SecretString {
    random_hex::<16>().into()
}

/// Whether a secret is one of a client's two. A client that is not known has none, and finding
/// that out takes as long.
pub(crate) fn is_secret_of(secrets: Option<&PrincipalSecrets>, secret: &SecretString) -> bool {
    const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
    const NO_SALT: &str = "0000000000000000";

    let (main, secondary, salt, known) = match secrets {
        Some(known) => (&*known.main_hash, &*known.secondary_hash, &*known.salt, 1),
        None => (NOBODY, NOBODY, NO_SALT, 0),
    };
    let shown = hash(secret, salt);
    let is_main = shown.as_bytes().ct_eq(main.as_bytes());
    let is_secondary = shown.as_bytes().ct_eq(secondary.as_bytes());
    ((is_main | is_secondary) & Choice::from(known)).into()
}

/// Lower-case hex of the SHA-256 of `secret:salt`: Polaris' way, so that its rows stay good.
#[expect(clippy::disallowed_methods, reason = "the secret goes into its hash and nowhere else")]
fn hash(secret: &SecretString, salt: &str) -> String {
    let digest = Sha256::new()
        .chain_update(secret.expose_secret())
        .chain_update(":")
        .chain_update(salt)
        .finalize();
    hex(&digest)
}

/// So many random bytes, as lower-case hex.
fn random_hex<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).expect("the system's random source does not fail once it is seeded");
    hex(&bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes what is written to it");
        text
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at the secrets they make")]
mod tests {
    use super::*;

    fn is_lower_hex(text: &str, digits: usize) -> bool {
        text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    #[test]
    fn new_credentials_have_polaris_form_and_differ() {
        let (one, other) = (NewCredentials::generate(), NewCredentials::generate());

        assert!(is_lower_hex(&one.client_id, 16), "{}", one.client_id);
        assert!(is_lower_hex(one.client_secret.expose_secret(), 32));
        assert!(is_lower_hex(&one.secrets.salt, 16), "{}", one.secrets.salt);
        assert!(is_lower_hex(&one.secrets.main_hash, 64), "{}", one.secrets.main_hash);
        assert_eq!(one.secrets.client_id, one.client_id);
        assert_ne!(one.client_id, other.client_id);
        assert_ne!(one.client_secret.expose_secret(), other.client_secret.expose_secret());
        assert_ne!(one.secrets.salt, other.secrets.salt);
    }

    #[test]
    fn a_hash_is_that_of_secret_colon_salt() {
        assert_eq!(
            hash(&"s3cr3t".into(), "0123456789abcdef"),
            "7417bb0b7e7ab0850f6a63e38cf00e3937a948f64efff13cd5d926e12e750a46"
        );
    }

    #[test]
    fn after_a_rotation_the_secret_before_is_still_accepted_and_the_one_before_that_is_not() {
        let first = NewCredentials::generate();
        let second = NewCredentials::rotated(&first.secrets);
        let third = NewCredentials::rotated(&second.secrets);

        assert!(is_secret_of(Some(&second.secrets), &first.client_secret));
        assert!(is_secret_of(Some(&second.secrets), &second.client_secret));
        assert!(!is_secret_of(Some(&third.secrets), &first.client_secret));
        assert!(is_secret_of(Some(&third.secrets), &second.client_secret));
        assert_eq!(third.client_id, first.client_id);
    }

    #[test]
    fn replaced_credentials_accept_nothing_but_the_new_secret() {
        let before = NewCredentials::generate();
        let after = NewCredentials::of(before.client_id.clone(), new_client_secret());

        assert!(!is_secret_of(Some(&after.secrets), &before.client_secret));
        assert!(is_secret_of(Some(&after.secrets), &after.client_secret));
    }

    #[test]
    fn nobody_has_no_secret() {
        for secret in ["", "0", "0000000000000000"] {
            assert!(!is_secret_of(None, &secret.into()));
        }
    }

    #[test]
    fn empty_hashes_are_matched_by_nothing() {
        let secrets = PrincipalSecrets {
            client_id: "id".into(),
            main_hash: String::new(),
            secondary_hash: String::new(),
            salt: String::new(),
        };

        assert!(!is_secret_of(Some(&secrets), &"".into()));
    }

    #[test]
    fn debug_shows_no_secret() {
        let credentials = NewCredentials::generate();

        let shown = format!("{credentials:?}");

        assert!(!shown.contains(credentials.client_secret.expose_secret()), "{shown}");
    }
}
