//! How other catalogs are reached.

use merak_model::RealmId;
use secrecy::ExposeSecret as _;

use super::{Sources, config, environment, errors};
use crate::config::EncryptionKeys;

const KEY: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const IDENTITY: &str = "polaris.service-identity";

/// All that is wrong with some sources.
fn problems(sources: &Sources) -> String {
    errors(sources).to_string()
}

#[test]
fn encryption_keys_are_looked_at_when_the_server_starts_and_never_shown() {
    let keys = "merak.secrets.encryption-keys";
    let given = config(&environment(&[(keys, KEY)]));
    assert!(matches!(given.federation.keys, EncryptionKeys::Given(_)));
    assert!(!format!("{given:?}").contains("AAAA"));
    assert!(matches!(config(&environment(&[])).federation.keys, EncryptionKeys::Unset));

    let told = problems(&environment(&[(keys, "a:AAAA")]));
    assert!(told.contains(keys) && told.contains("key 1 is not"), "{told}");
    assert!(!told.contains("AAAA"), "{told}");
    let told = problems(&environment(&[(keys, KEY), ("merak.secrets.encryption-keys-file", "x")]));
    assert!(told.contains("is set, and so is merak.secrets.encryption-keys"), "{told}");
}

#[test]
fn hosts_that_are_none_are_a_problem() {
    let told =
        problems(&environment(&[("merak.federation.allowed-hosts", "a.example.com, https://b")]));

    assert!(told.contains("'https://b' is no host"), "{told}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the secrets are made up")]
fn a_realm_with_an_identity_of_its_own_takes_no_keys_of_another() {
    let settings = [
        ("polaris.realm-context.realms".to_owned(), "a,b,c".to_owned()),
        (format!("{IDENTITY}.aws-iam.iam-arn"), "arn:aws:iam::1:user/all".to_owned()),
        (format!("{IDENTITY}.aws-iam.access-key-id"), "AKIDALL".to_owned()),
        (format!("{IDENTITY}.aws-iam.secret-access-key"), "hunter1".to_owned()),
        (format!("{IDENTITY}.b.aws-iam.iam-arn"), "arn:aws:iam::1:user/b".to_owned()),
        (format!("{IDENTITY}.c.aws-iam.iam-arn"), "arn:aws:iam::1:user/c".to_owned()),
        (format!("{IDENTITY}.c.aws-iam.access-key-id"), "AKIDC".to_owned()),
        (format!("{IDENTITY}.c.aws-iam.secret-access-key"), "hunter2".to_owned()),
        (format!("{IDENTITY}.c.aws-iam.session-token"), "hunter3".to_owned()),
    ];
    let settings: Vec<_> = settings.iter().map(|(key, value)| (&**key, &**value)).collect();

    let config = config(&environment(&settings));

    assert!(!format!("{config:?}").contains("hunter"));
    let identities = &config.federation.settings.service_identities;
    let found = |realm: &str| {
        let identity = &identities[&RealmId::new(realm)];
        let keys = identity.keys.as_ref().map(|keys| {
            let token = keys.session_token.as_ref().map(|token| token.expose_secret().to_owned());
            (keys.access_key.expose_secret().to_owned(), token)
        });
        (identity.iam_arn.trim_start_matches("arn:aws:iam::1:user/").to_owned(), keys)
    };
    assert_eq!(found("a"), ("all".to_owned(), Some(("AKIDALL".to_owned(), None))));
    assert_eq!(found("b"), ("b".to_owned(), None));
    let own = ("AKIDC".to_owned(), Some("hunter3".to_owned()));
    assert_eq!(found("c"), ("c".to_owned(), Some(own)));
}

#[test]
fn half_of_a_key_is_a_problem() {
    let arn = format!("{IDENTITY}.aws-iam.iam-arn");
    let key = format!("{IDENTITY}.aws-iam.access-key-id");

    let told = problems(&environment(&[(&arn, "arn:aws:iam::1:user/m"), (&key, "AKID")]));

    assert!(told.contains("has no secret"), "{told}");
}
