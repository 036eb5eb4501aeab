//! Asking for a token.

use serde_json::json;

use super::*;
use crate::NewCredentials;

#[tokio::test]
async fn client_credentials_get_a_token_with_polaris_claims() {
    let server = Server::new(TokenBroker::Ed25519);

    let scope = "PRINCIPAL_ROLE:a PRINCIPAL_ROLE:b";
    let issued = server.authn.issue_token(&realm(), by_secret("anna-secret", scope)).await.unwrap();

    assert_eq!((issued.expires_in_s, &*issued.scope), (3600, scope));
    let mut claims = claims(&text(&issued));
    let jti = claims.remove("jti").unwrap();
    assert!(uuid::Uuid::parse_str(jti.as_str().unwrap()).is_ok(), "{jti}");
    assert_eq!(
        json!(claims),
        json!({
            "iss": "polaris",
            "sub": "anna",
            "iat": START_S,
            "exp": START_S + 3600,
            "active": true,
            "client_id": "anna-id",
            "principalId": 7,
            "scope": scope,
            "realm": "POLARIS",
        })
    );
    assert_eq!(json!(header(&text(&issued))), json!({"typ": "JWT", "alg": "EdDSA"}));
}

#[tokio::test]
async fn each_broker_signs_with_its_algorithm() {
    for (broker, algorithm) in brokers().into_iter().zip(["EdDSA", "RS256", "RS256", "HS256"]) {
        let token = Server::new(broker).token().await;

        assert_eq!(header(&token)["alg"], algorithm);
    }
}

#[tokio::test]
async fn a_realm_has_its_own_lifetime() {
    let brief = TokenSettings { lifetime_s: 60, ..TokenSettings::default() };
    let server = Server::with(AuthnSettings {
        realms: BTreeMap::from([(realm(), brief)]),
        ..AuthnSettings::default()
    });

    let issued =
        server.authn.issue_token(&realm(), by_secret("anna-secret", ALL_ROLES)).await.unwrap();

    assert_eq!(issued.expires_in_s, 60);
    assert_eq!(claims(&text(&issued))["exp"], START_S + 60);
}

#[tokio::test]
async fn a_lifetime_without_end_does_not_overflow() {
    let endless = TokenSettings { lifetime_s: u64::MAX, ..TokenSettings::default() };
    let server = Server::with(AuthnSettings { default: endless, ..AuthnSettings::default() });

    let token = server.token().await;

    server.authn.verify(&realm(), &token).await.unwrap();
}

#[tokio::test]
async fn a_token_costs_one_statement_and_the_first_one_more() {
    for (broker, of_first) in brokers().into_iter().zip([2, 3, 1, 1]) {
        let server = Server::new(broker);
        server.metastore.drop_keys();

        let token = server.token().await;
        assert_eq!(server.metastore.statements(), of_first);

        server.token().await;
        assert_eq!(server.metastore.statements(), 1);

        server.authn.issue_token(&realm(), by_token(&token, None)).await.unwrap();
        assert_eq!(server.metastore.statements(), 1);
    }
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_client_are_told_the_same() {
    let server = Server::new(TokenBroker::Ed25519);
    let unauthorized = ("unauthorized_client", "The client is not authorized".to_owned());

    let wrong = by_secret("anna-secret2", ALL_ROLES);
    assert_eq!(refusal(server.authn.issue_token(&realm(), wrong).await), unauthorized);
    assert_eq!(server.metastore.statements(), 1);

    for client_id in ["nobody", "anna-id\0"] {
        let unknown = TokenRequest::ClientCredentials {
            client_id: client_id.into(),
            client_secret: "anna-secret".into(),
            address: ADDRESS,
            scope: Some(ALL_ROLES.into()),
        };
        assert_eq!(refusal(server.authn.issue_token(&realm(), unknown).await), unauthorized);
    }
    assert_eq!(server.metastore.statements(), 1, "a NUL is not asked for");
}

#[tokio::test]
async fn the_secret_of_one_realm_is_none_in_another() {
    let server = Server::new(TokenBroker::Ed25519);

    let elsewhere = RealmId::new("OTHER");
    let refused = server.authn.issue_token(&elsewhere, by_secret("anna-secret", ALL_ROLES)).await;

    assert_eq!(refusal(refused).0, "unauthorized_client");
}

#[tokio::test]
async fn an_empty_id_or_secret_is_an_invalid_client() {
    let server = Server::new(TokenBroker::Ed25519);

    for (id, secret) in [("", "anna-secret"), ("anna-id", "")] {
        let request = TokenRequest::ClientCredentials {
            client_id: id.into(),
            client_secret: secret.into(),
            address: ADDRESS,
            scope: None,
        };
        assert_eq!(
            refusal(server.authn.issue_token(&realm(), request).await),
            ("invalid_client", "The Client is invalid".to_owned())
        );
    }
    assert_eq!(server.metastore.statements(), 0);
}

#[tokio::test]
async fn client_credentials_need_a_scope_of_roles() {
    let server = Server::new(TokenBroker::Ed25519);

    for scope in [None, Some(""), Some("  "), Some("catalog"), Some("PRINCIPAL_ROLE:")] {
        let request = TokenRequest::ClientCredentials {
            client_id: "anna-id".into(),
            client_secret: "wrong too, but the scope is looked at first".into(),
            address: ADDRESS,
            scope: scope.map(str::to_owned),
        };
        assert_eq!(
            refusal(server.authn.issue_token(&realm(), request).await),
            ("invalid_scope", "The scope is invalid".to_owned()),
            "{scope:?}"
        );
    }
    assert_eq!(server.metastore.statements(), 0);
}

#[tokio::test]
async fn a_scope_may_be_as_long_as_its_token_can_be_verified() {
    let server = Server::new(TokenBroker::Ed25519);
    let of_length = |length| by_secret("anna-secret", &format!("PRINCIPAL_ROLE:{:x<length$}", ""));

    let long = server.authn.issue_token(&realm(), of_length(11_000)).await.unwrap();
    server.authn.verify(&realm(), &text(&long)).await.unwrap();

    let too_long = server.authn.issue_token(&realm(), of_length(13_000)).await;
    assert_eq!(refusal(too_long).0, "invalid_scope");
}

#[tokio::test]
async fn after_a_rotation_both_secrets_are_good_and_after_the_next_the_first_is_not() {
    let server = Server::new(TokenBroker::Ed25519);
    let first = server.metastore.secrets(&realm(), "anna-id");
    let rotated = NewCredentials::rotated(&first);
    server.metastore.set_secrets(&realm(), rotated.secrets.clone());
    let new_secret = rotated.client_secret.expose_secret();

    for secret in ["anna-secret", new_secret] {
        server.authn.issue_token(&realm(), by_secret(secret, ALL_ROLES)).await.unwrap();
    }

    let again = NewCredentials::rotated(&rotated.secrets);
    server.metastore.set_secrets(&realm(), again.secrets);
    server.authn.issue_token(&realm(), by_secret(new_secret, ALL_ROLES)).await.unwrap();
    let old = server.authn.issue_token(&realm(), by_secret("anna-secret", ALL_ROLES)).await;
    assert_eq!(refusal(old).0, "unauthorized_client");
}

#[tokio::test]
async fn a_token_is_exchanged_for_one_that_lasts_longer() {
    let server = Server::new(TokenBroker::Ed25519);
    let first = server.token().await;
    server.clock.advance_s(3000);

    let second = server.authn.issue_token(&realm(), by_token(&first, None)).await.unwrap();

    let (old, new) = (claims(&first), claims(&text(&second)));
    assert_eq!(new["exp"], START_S + 3000 + 3600);
    for same in ["sub", "client_id", "principalId", "scope", "realm"] {
        assert_eq!(new[same], old[same]);
    }
    assert_ne!(new["jti"], old["jti"]);
    assert_eq!(second.scope, ALL_ROLES);
}

#[tokio::test]
async fn an_exchange_narrows_the_scope_and_never_widens_it() {
    let server = Server::new(TokenBroker::Ed25519);
    let all = server.token().await;
    let exchange = async |token: &str, scope| {
        server.authn.issue_token(&realm(), by_token(token, Some(scope))).await
    };

    let two = exchange(&all, "PRINCIPAL_ROLE:a PRINCIPAL_ROLE:b").await.unwrap();
    let one = exchange(&text(&two), "PRINCIPAL_ROLE:a").await.unwrap();
    assert_eq!(one.scope, "PRINCIPAL_ROLE:a");

    for wider in [ALL_ROLES, "PRINCIPAL_ROLE:b", "PRINCIPAL_ROLE:a PRINCIPAL_ROLE:b", "catalog"] {
        assert_eq!(
            refusal(exchange(&text(&one), wider).await),
            ("invalid_scope", "The scope is invalid".to_owned()),
            "{wider}"
        );
    }
}

#[tokio::test]
async fn an_exchange_needs_the_type_of_its_token() {
    let server = Server::new(TokenBroker::Ed25519);
    let token = server.token().await;

    for of_type in [None, Some("urn:ietf:params:oauth:token-type:jwt")] {
        let request = TokenRequest::Exchange {
            subject_token: token.as_str().into(),
            subject_token_type: of_type.map(str::to_owned),
            scope: None,
        };
        assert_eq!(
            refusal(server.authn.issue_token(&realm(), request).await),
            ("invalid_request", "The request is invalid".to_owned())
        );
    }
}

#[tokio::test]
async fn an_exchange_of_a_bad_or_expired_token_is_an_invalid_client() {
    let server = Server::new(TokenBroker::Ed25519);
    let token = server.token().await;
    // Remembered as good, which must not help it later.
    server.authn.verify(&realm(), &token).await.unwrap();
    server.clock.advance_s(3600);

    for bad in [&*token, "", "a.b.c"] {
        assert_eq!(
            refusal(server.authn.issue_token(&realm(), by_token(bad, None)).await),
            ("invalid_client", "The Client is invalid".to_owned()),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn an_exchange_for_a_principal_that_is_gone_is_unauthorized() {
    let server = Server::new(TokenBroker::Ed25519);
    let token = server.token().await;
    server.metastore.drop_principals();

    assert_eq!(
        refusal(server.authn.issue_token(&realm(), by_token(&token, None)).await),
        ("unauthorized_client", "The client is not authorized".to_owned())
    );
}

#[tokio::test]
async fn a_metastore_that_is_down_is_no_fault_of_the_client() {
    let server = Server::new(TokenBroker::Ed25519);
    let token = server.token().await;
    server.metastore.set_down(true);

    for request in [by_secret("anna-secret", ALL_ROLES), by_token(&token, None)] {
        let error = server.authn.issue_token(&realm(), request).await.unwrap_err();
        assert!(matches!(error, TokenError::Unavailable(_)), "{error:?}");
        assert_eq!(error.code(), "temporarily_unavailable");
    }
}

#[tokio::test]
async fn nothing_is_signed_with_an_empty_secret() {
    let server = Server::new(symmetric(""));

    let result = server.authn.issue_token(&realm(), by_secret("anna-secret", ALL_ROLES)).await;

    assert!(matches!(result, Err(TokenError::Unavailable(_))), "{result:?}");
}

#[test]
fn every_refusal_has_polaris_code_and_text() {
    for (error, code, text) in [
        (TokenError::InvalidRequest, "invalid_request", "The request is invalid"),
        (TokenError::InvalidClient, "invalid_client", "The Client is invalid"),
        (TokenError::InvalidGrant, "invalid_grant", "The grant is invalid"),
        (TokenError::UnauthorizedClient, "unauthorized_client", "The client is not authorized"),
        (TokenError::UnsupportedGrantType, "unsupported_grant_type", "The grant type is invalid"),
        (TokenError::InvalidScope, "invalid_scope", "The scope is invalid"),
    ] {
        assert_eq!((error.code(), &*error.to_string()), (code, text));
    }
}

#[tokio::test]
async fn debug_shows_no_secret_and_no_token() {
    let server = Server::new(symmetric("a secret of the server's"));
    let request = by_secret("anna-secret", ALL_ROLES);
    let shown = format!("{request:?}");
    assert!(!shown.contains("anna-secret"), "{shown}");

    let issued = server.authn.issue_token(&realm(), request).await.unwrap();
    let token = text(&issued);
    server.authn.verify(&realm(), &token).await.unwrap();

    let exchange = by_token(&token, None);
    let shown = format!("{issued:?} {exchange:?} {:?}", server.authn);
    for secret in [&*token, "a secret of the server's", "97, 32, 115, 101, 99"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
