//! Several servers over one metastore, and a key that changes or cannot be had.

use merak_metastore::CallerRef;

use super::*;
use crate::Error;

#[tokio::test]
async fn replicas_accept_each_others_tokens() {
    for broker in brokers() {
        let server = Server::new(broker.clone());
        let replica = server.replica(broker);

        let ours = server.token().await;
        let request = by_secret("anna-secret", ALL_ROLES);
        let theirs = text(&replica.issue_token(&realm(), request).await.unwrap());

        server.authn.verify(&realm(), &theirs).await.unwrap();
        replica.verify(&realm(), &ours).await.unwrap();
        replica.issue_token(&realm(), by_token(&ours, None)).await.unwrap();
    }
}

#[tokio::test]
async fn of_replicas_that_make_a_key_at_once_all_use_the_same() {
    let server = Server::new(TokenBroker::Ed25519);
    let replica = server.replica(TokenBroker::Ed25519);
    let request = || by_secret("anna-secret", ALL_ROLES);
    let realm = realm();

    let (one, other) = tokio::join!(
        server.authn.issue_token(&realm, request()),
        replica.issue_token(&realm, request())
    );

    server.authn.verify(&realm, &text(&other.unwrap())).await.unwrap();
    replica.verify(&realm, &text(&one.unwrap())).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_replica_finds_the_key_that_was_made_meanwhile() {
    let server = Server::new(TokenBroker::Ed25519);
    let replica = server.replica(TokenBroker::Ed25519);
    let token = server.token().await;

    replica.verify(&realm(), &token).await.unwrap();
}

#[tokio::test]
async fn before_there_is_a_key_forged_tokens_cost_one_statement_a_second() {
    let server = Server::new(TokenBroker::Ed25519);
    let replica = server.replica(TokenBroker::Ed25519);
    let token = server.token().await;
    server.metastore.drop_keys();
    server.metastore.statements();

    for _ in 0..20 {
        assert!(matches!(replica.verify(&realm(), &token).await, Err(Error::InvalidToken(_))));
    }
    assert_eq!(server.metastore.statements(), 1);

    server.clock.advance_ms(1000);
    assert!(replica.verify(&realm(), &token).await.is_err());
    assert_eq!(server.metastore.statements(), 1);
}

#[tokio::test]
async fn forged_tokens_cost_one_statement_a_second() {
    let server = Server::new(TokenBroker::Ed25519);
    server.token().await;
    let elsewhere = Server::new(TokenBroker::Ed25519);
    server.metastore.statements();

    for _ in 0..20 {
        let forged = elsewhere.token().await;
        let error = server.authn.verify(&realm(), &forged).await.unwrap_err();
        assert!(matches!(error, Error::InvalidToken("signed with another key")), "{error:?}");
    }

    // The server looked for its key just before, to sign with it.
    assert_eq!(server.metastore.statements(), 0);
    for _ in 0..3 {
        server.clock.advance_ms(1000);
        for _ in 0..20 {
            let forged = elsewhere.token().await;
            assert!(server.authn.verify(&realm(), &forged).await.is_err());
        }
        assert_eq!(server.metastore.statements(), 1);
    }
}

#[tokio::test]
async fn a_realm_that_was_purged_and_made_anew_has_its_new_key_found() {
    let server = Server::new(TokenBroker::Ed25519);
    let before = server.token().await;
    server.metastore.drop_keys();
    let replica = server.replica(TokenBroker::Ed25519);
    let request = by_secret("anna-secret", ALL_ROLES);
    let after = text(&replica.issue_token(&realm(), request).await.unwrap());
    server.clock.advance_ms(1000);
    server.metastore.statements();

    let all: Vec<Result<CallerRef, Error>> = {
        let (realm, authn) = (realm(), &server.authn);
        let one = authn.verify(&realm, &after);
        let other = authn.verify(&realm, &after);
        let (one, other) = tokio::join!(one, other);
        vec![one, other]
    };

    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(server.metastore.statements(), 1);
    assert!(server.authn.verify(&realm(), &before).await.is_err());
    replica.verify(&realm(), &server.token().await).await.unwrap();
}

#[tokio::test]
async fn many_first_tokens_wait_for_one_look() {
    let server = Server::new(TokenBroker::Ed25519);
    let replica = server.replica(TokenBroker::Ed25519);
    let (one, two, three) = (server.token().await, server.token().await, server.token().await);
    server.metastore.statements();
    let realm = realm();

    let (one, two, three) = tokio::join!(
        replica.verify(&realm, &one),
        replica.verify(&realm, &two),
        replica.verify(&realm, &three)
    );

    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(server.metastore.statements(), 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_had_is_unavailable_and_asked_for_once_a_second() {
    let server = Server::new(TokenBroker::Ed25519);
    let replica = server.replica(TokenBroker::Ed25519);
    let token = server.token().await;
    server.metastore.set_down(true);
    server.metastore.statements();

    for _ in 0..5 {
        let error = replica.verify(&realm(), &token).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    }
    assert_eq!(server.metastore.statements(), 1);

    server.metastore.set_down(false);
    server.clock.advance_ms(1000);
    replica.verify(&realm(), &token).await.unwrap();
}

#[tokio::test]
async fn a_server_that_has_its_key_verifies_while_the_metastore_is_down() {
    let server = Server::new(TokenBroker::Ed25519);
    let token = server.token().await;
    server.metastore.set_down(true);

    server.authn.verify(&realm(), &token).await.unwrap();
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_a_key_from_being_found() {
    let server = Server::new(TokenBroker::Ed25519);
    let replica = server.replica(TokenBroker::Ed25519);
    let token = server.token().await;
    server.metastore.set_down(true);
    assert!(replica.verify(&realm(), &token).await.is_err());
    server.metastore.set_down(false);

    server.clock.advance_s(-600);

    replica.verify(&realm(), &token).await.unwrap();
}
