//! Guessing secrets.

use super::*;
use crate::GuessSettings;

const HOME: &str = "192.0.2.1";
const AWAY: &str = "198.51.100.1";
const OK: &str = "ok";
const WRONG: &str = "unauthorized_client";
const LATER: &str = "temporarily_unavailable";

/// A server that bears so many wrong secrets in a minute.
fn server(per_client: u32, per_address: u32) -> Server {
    let guesses = GuessSettings { per_client, per_address, ..GuessSettings::default() };
    Server::with(AuthnSettings { guesses, ..AuthnSettings::default() })
}

fn showing(client_id: &str, secret: &str, address: &str) -> TokenRequest {
    TokenRequest::ClientCredentials {
        client_id: client_id.into(),
        client_secret: secret.into(),
        address: address.parse().unwrap(),
        scope: Some(ALL_ROLES.into()),
    }
}

/// What a client is told.
fn told(result: Result<IssuedToken, TokenError>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| OK)
}

impl Server {
    async fn show(&self, client_id: &str, secret: &str, address: &str) -> &'static str {
        told(self.authn.issue_token(&realm(), showing(client_id, secret, address)).await)
    }

    /// Shows wrong secrets until it is told to come later, and answers how many were wrong.
    async fn guess(&self, client_id: &str, address: &str) -> usize {
        for count in 0.. {
            match self.show(client_id, "wrong", address).await {
                WRONG => {}
                LATER => return count,
                other => panic!("{other}"),
            }
        }
        unreachable!("numbers do not end")
    }
}

#[tokio::test]
async fn after_too_many_wrong_secrets_none_is_looked_at_until_there_is_time_for_it() {
    let server = server(3, 100);

    assert_eq!(server.guess("anna-id", AWAY).await, 3);

    assert_eq!(server.metastore.statements(), 3, "the last one was not looked at");
    let right = server.authn.issue_token(&realm(), showing("anna-id", "anna-secret", HOME)).await;
    let text = "Too many attempts have failed; try again in 20 s".to_owned();
    assert_eq!(refusal(right), (LATER, text));
    assert_eq!(server.metastore.statements(), 0);
    server.clock.advance_ms(19_999);
    assert_eq!(server.show("anna-id", "anna-secret", HOME).await, LATER);
    server.clock.advance_ms(1);
    assert_eq!(server.show("anna-id", "anna-secret", HOME).await, OK);
}

#[tokio::test]
async fn only_wrong_secrets_count() {
    let server = server(1, 1);
    let token = server.token().await;

    for _ in 0..5 {
        assert_eq!(server.show("anna-id", "anna-secret", AWAY).await, OK);
        assert_eq!(server.show("anna-id", "", AWAY).await, "invalid_client");
        let mut no_scope = showing("anna-id", "wrong", AWAY);
        if let TokenRequest::ClientCredentials { scope, .. } = &mut no_scope {
            *scope = None;
        }
        assert_eq!(told(server.authn.issue_token(&realm(), no_scope).await), "invalid_scope");
        let forged = by_token(&token[1..], None);
        assert_eq!(told(server.authn.issue_token(&realm(), forged).await), "invalid_client");
        server.metastore.set_down(true);
        let error = server.authn.issue_token(&realm(), showing("anna-id", "wrong", AWAY)).await;
        assert!(matches!(error, Err(TokenError::Unavailable(_))), "{error:?}");
        server.metastore.set_down(false);
    }
    assert_eq!(server.show("anna-id", "wrong", AWAY).await, WRONG);
    // Nor does a refusal that is no look at the secret: the wait gets no longer by it.
    for _ in 0..60 {
        assert_eq!(server.show("anna-id", "wrong", AWAY).await, LATER);
        server.clock.advance_s(1);
    }
    assert_eq!(server.show("anna-id", "wrong", AWAY).await, WRONG);
}

#[tokio::test]
async fn nobody_locks_a_client_out_of_an_address_that_it_came_from() {
    let server = server(3, 5);
    assert_eq!(server.show("anna-id", "anna-secret", HOME).await, OK);

    // From elsewhere, and then from a neighbour behind the same address.
    assert_eq!(server.guess("anna-id", AWAY).await, 3);
    assert_eq!(server.guess("a", HOME).await + server.guess("b", HOME).await, 5);

    assert_eq!(server.show("anna-id", "anna-secret", "203.0.113.1").await, LATER);
    assert_eq!(server.show("anna-id", "anna-secret", HOME).await, OK);
    // Even there, the secret is not guessed for long.
    for _ in 0..3 {
        assert_eq!(server.show("anna-id", "wrong", HOME).await, LATER);
    }
    assert_eq!(server.show("anna-id", "anna-secret", HOME).await, LATER);
    server.clock.advance_s(20);
    assert_eq!(server.show("anna-id", "anna-secret", HOME).await, OK);
}

#[tokio::test]
async fn an_unknown_id_is_limited_like_one_that_is_known_at_the_address() {
    let server = server(3, 8);
    assert_eq!(server.show("anna-id", "anna-secret", HOME).await, OK);
    let script = [
        (AWAY, 0),
        (HOME, 0),
        (HOME, 0),
        (HOME, 0),
        (AWAY, 0),
        (HOME, 19_999),
        (HOME, 1),
        (HOME, 0),
        (AWAY, 40_000),
        (AWAY, 0),
        (HOME, 0),
    ];

    let mut answers = Vec::new();
    for client_id in ["anna-id", "nobody"] {
        // So that the first one's attempts are over.
        server.clock.advance_s(60);
        let mut told = Vec::new();
        for (address, later_ms) in script {
            server.clock.advance_ms(later_ms);
            let shown = showing(client_id, "wrong", address);
            told.push(refusal(server.authn.issue_token(&realm(), shown).await));
        }
        answers.push(told);
    }

    assert_eq!(answers[0], answers[1]);
    let limited = answers[0].iter().filter(|(code, _)| *code == LATER).count();
    assert_eq!(limited, 5, "{answers:?}");
}

#[tokio::test]
async fn where_an_address_may_try_no_more_a_wrong_secret_does_not_tell_who_is_known_there() {
    let server = server(3, 3);
    assert_eq!(server.show("anna-id", "anna-secret", HOME).await, OK);
    assert_eq!(server.guess("a", HOME).await, 3);

    assert_eq!(server.show("anna-id", "wrong", HOME).await, LATER);
    assert_eq!(server.show("nobody", "wrong", HOME).await, LATER);
    assert_eq!(server.show("anna-id", "anna-secret", HOME).await, OK);
}

#[tokio::test]
async fn an_address_is_limited_whatever_ids_it_tries_in_whatever_realms() {
    let server = server(2, 5);
    let other = RealmId::new("OTHER");

    assert_eq!(server.guess("a", HOME).await, 2);
    assert_eq!(server.guess("b", HOME).await, 2);
    let elsewhere = server.authn.issue_token(&other, showing("a", "wrong", HOME)).await;
    assert_eq!(told(elsewhere), WRONG);

    assert_eq!(server.show("c", "wrong", HOME).await, LATER);
    let elsewhere = server.authn.issue_token(&other, showing("c", "wrong", HOME)).await;
    assert_eq!(told(elsewhere), LATER);
    assert_eq!(server.show("c", "wrong", AWAY).await, WRONG);
}

#[tokio::test]
async fn a_client_id_counts_by_its_realm() {
    let server = server(2, 100);

    assert_eq!(server.guess("anna-id", AWAY).await, 2);

    let other = RealmId::new("OTHER");
    let elsewhere = server.authn.issue_token(&other, showing("anna-id", "wrong", AWAY)).await;
    assert_eq!(told(elsewhere), WRONG);
}

#[tokio::test]
async fn a_network_of_ipv6_is_one_address() {
    let server = server(100, 3);

    for (nth, address) in ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1"].iter().enumerate() {
        assert_eq!(server.show(&nth.to_string(), "wrong", address).await, WRONG);
    }

    assert_eq!(server.show("3", "wrong", "2001:db8::3").await, LATER);
    assert_eq!(server.show("3", "wrong", "2001:db8:0:1::3").await, WRONG);
}

#[tokio::test]
async fn a_limit_of_zero_is_none() {
    let by_address = server(0, 15);
    assert_eq!(by_address.guess("anna-id", AWAY).await, 15);
    assert_eq!(by_address.show("anna-id", "anna-secret", HOME).await, OK);
    assert_eq!(by_address.show("anna-id", "anna-secret", AWAY).await, LATER);

    let by_client = server(15, 0);
    assert_eq!(by_client.guess("anna-id", AWAY).await, 15);
    assert_eq!(by_client.guess("nobody", AWAY).await, 15);

    let by_nothing = server(0, 0);
    for _ in 0..200 {
        assert_eq!(by_nothing.show("anna-id", "wrong", AWAY).await, WRONG);
    }
}

#[tokio::test]
async fn many_at_once_get_no_more_tries_than_one_after_the_other() {
    let server = server(3, 100);
    let wrong = || server.show("anna-id", "wrong", AWAY);
    let right = server.show("anna-id", "anna-secret", AWAY);

    // In this order, once all have asked for the hash.
    let answers = tokio::join!(biased; wrong(), wrong(), wrong(), wrong(), right);

    assert_eq!(server.metastore.statements(), 5, "all were looked at");
    assert_eq!(answers, (WRONG, WRONG, WRONG, LATER, LATER));
}

#[tokio::test]
async fn who_tries_many_ids_is_not_forgotten_for_it() {
    let guesses =
        GuessSettings { per_client: 1, per_address: 50, max_entries: 2, ..Default::default() };
    let server = Server::with(AuthnSettings { guesses, ..AuthnSettings::default() });

    for nth in 0..50 {
        assert_eq!(server.show(&nth.to_string(), "wrong", AWAY).await, WRONG);
    }

    assert_eq!(server.show("50", "wrong", AWAY).await, LATER);
}
