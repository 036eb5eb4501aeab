//! Showing a token that is good, or was.

use merak_metastore::{CallerRef, RoleSelection};
use merak_model::EntityId;

use super::*;
use crate::Error;

#[tokio::test]
async fn a_token_says_who_is_calling_and_in_which_roles() {
    for broker in brokers() {
        let server = Server::new(broker);
        for (scope, roles) in [
            (ALL_ROLES, RoleSelection::All),
            ("PRINCIPAL_ROLE:a PRINCIPAL_ROLE:ALL", RoleSelection::All),
            (
                "PRINCIPAL_ROLE:a PRINCIPAL_ROLE:b",
                RoleSelection::Named(vec!["a".into(), "b".into()]),
            ),
        ] {
            let request = by_secret("anna-secret", scope);
            let issued = server.authn.issue_token(&realm(), request).await.unwrap();

            let caller = server.authn.verify(&realm(), &text(&issued)).await.unwrap();

            assert_eq!(caller, CallerRef { principal: EntityId(7).into(), roles });
        }
    }
}

#[tokio::test]
async fn verifying_costs_no_statement_but_for_the_key() {
    for (broker, of_first) in brokers().into_iter().zip([1, 1, 0, 0]) {
        let server = Server::new(broker.clone());
        let token = server.token().await;
        let fresh = server.replica(broker);
        server.metastore.statements();

        fresh.verify(&realm(), &token).await.unwrap();
        assert_eq!(server.metastore.statements(), of_first);

        let other = server.token().await;
        server.metastore.statements();
        for token in [&token, &other] {
            fresh.verify(&realm(), token).await.unwrap();
        }
        assert_eq!(server.metastore.statements(), 0);
    }
}

#[tokio::test]
async fn a_token_expires_on_its_last_second_whether_it_was_seen_before_or_not() {
    let server = Server::new(TokenBroker::Ed25519);
    let (seen, unseen) = (server.token().await, server.token().await);
    server.clock.advance_s(3599);
    server.authn.verify(&realm(), &seen).await.unwrap();

    server.clock.advance_s(1);

    for token in [&seen, &unseen] {
        let error = server.authn.verify(&realm(), token).await.unwrap_err();
        assert!(matches!(error, Error::InvalidToken("expired")), "{error:?}");
    }
}

#[tokio::test]
async fn a_verified_token_is_remembered_within_the_bound() {
    let server =
        Server::with(AuthnSettings { verified_max_bytes: 3000, ..AuthnSettings::default() });

    for _ in 0..50 {
        let token = server.token().await;
        server.authn.verify(&realm(), &token).await.unwrap();
    }

    let bytes = server.authn.verified_bytes().await;
    assert!((1..=3000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn a_server_that_remembers_nothing_verifies_all_the_same() {
    let server = Server::with(AuthnSettings { verified_max_bytes: 0, ..AuthnSettings::default() });
    let token = server.token().await;

    for _ in 0..3 {
        server.authn.verify(&realm(), &token).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_of_one_realm_is_refused_in_another_that_shares_its_key() {
    let [_, _, files, secret] = brokers();
    for broker in [files, secret] {
        let server = Server::new(broker);
        let token = server.token().await;
        server.authn.verify(&realm(), &token).await.unwrap();

        let error = server.authn.verify(&RealmId::new("OTHER"), &token).await.unwrap_err();

        assert!(matches!(error, Error::InvalidToken("another realm's")), "{error:?}");
    }
}

#[tokio::test]
async fn realms_have_keys_of_their_own() {
    let server = Server::new(TokenBroker::Ed25519);
    let other = RealmId::new("OTHER");
    server.metastore.add_principal(&other, 7, "anna", "anna-id", "anna-secret");
    let token = server.token().await;
    let request = by_secret("anna-secret", ALL_ROLES);
    server.authn.issue_token(&other, request).await.unwrap();

    let error = server.authn.verify(&other, &token).await.unwrap_err();

    assert!(matches!(error, Error::InvalidToken("signed with another key")), "{error:?}");
    assert_eq!(server.metastore.key_names(), ["EdDSA", "EdDSA"]);
}

#[tokio::test]
async fn a_realm_may_sign_otherwise_than_the_rest() {
    let server = Server::with(AuthnSettings {
        realms: BTreeMap::from([(realm(), signed_by(symmetric("this realm's own secret")))]),
        ..AuthnSettings::default()
    });

    let token = server.token().await;

    assert_eq!(header(&token)["alg"], "HS256");
    server.authn.verify(&realm(), &token).await.unwrap();
    assert_eq!(server.metastore.key_names(), [""; 0]);
}

#[tokio::test]
async fn a_refusal_does_not_tell_its_reason() {
    let server = Server::new(TokenBroker::Ed25519);

    let error = server.authn.verify(&realm(), "garbage").await.unwrap_err();

    assert_eq!(error.to_string(), "the token is not valid");
}
