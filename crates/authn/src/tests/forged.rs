//! Showing a token that we did not issue, or not like this.

use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;
use crate::Error;

const SECRET: &str = "a secret of the server's";

/// The claims of a good token, with some of them replaced, or removed by `null`.
fn claims_with(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "polaris",
        "sub": "anna",
        "iat": START_S,
        "exp": START_S + 3600,
        "jti": "7f6d1f0e-6a2e-4cf0-9d35-2f8b8a3d1c11",
        "active": true,
        "client_id": "anna-id",
        "principalId": 7,
        "scope": ALL_ROLES,
        "realm": "POLARIS",
    });
    let fields = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    claims
}

fn hs256(secret: &[u8], claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret)).unwrap()
}

async fn reason(authn: &Authn, token: &str) -> &'static str {
    match authn.verify(&realm(), token).await {
        Err(Error::InvalidToken(reason)) => reason,
        other => panic!("{token} is {other:?}"),
    }
}

#[tokio::test]
async fn the_claims_that_the_rest_departs_from_are_good() {
    let server = Server::new(symmetric(SECRET));

    let token = hs256(SECRET.as_bytes(), &claims_with(&json!({})));

    server.authn.verify(&realm(), &token).await.unwrap();
}

#[tokio::test]
async fn claims_that_are_not_as_they_should_be_are_refused() {
    let server = Server::new(symmetric(SECRET));
    let missing = "without the claims it should have";

    for (changes, expected) in [
        (json!({"iss": "somebody"}), "another issuer's"),
        (json!({"iss": null}), missing),
        (json!({"active": false}), "not active"),
        (json!({"active": null}), missing),
        (json!({"exp": START_S}), "expired"),
        (json!({"exp": START_S - 1}), "expired"),
        (json!({"exp": null}), missing),
        (json!({"exp": "tomorrow"}), missing),
        (json!({"principalId": 0}), "for no principal"),
        (json!({"principalId": -1}), "for no principal"),
        (json!({"principalId": null}), missing),
        (json!({"realm": "OTHER"}), "another realm's"),
        // What Polaris itself issues.
        (json!({"realm": null}), missing),
    ] {
        let token = hs256(SECRET.as_bytes(), &claims_with(&changes));

        assert_eq!(reason(&server.authn, &token).await, expected, "{changes}");
    }
}

#[tokio::test]
async fn a_token_signed_with_the_word_polaris_is_refused_by_every_broker() {
    for broker in brokers() {
        let server = Server::new(broker);
        server.token().await;

        let token = hs256(b"polaris", &claims_with(&json!({})));

        assert!(server.authn.verify(&realm(), &token).await.is_err());
    }
}

#[tokio::test]
async fn an_unsigned_token_is_refused_by_every_broker() {
    let of = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let body = of(&claims_with(&json!({})).to_string());

    for broker in brokers() {
        let server = Server::new(broker);
        server.token().await;

        for alg in ["none", "None", "NONE", ""] {
            let header = of(&json!({"alg": alg, "typ": "JWT"}).to_string());
            for signature in ["", "AAAA"] {
                let token = format!("{header}.{body}.{signature}");
                assert_eq!(reason(&server.authn, &token).await, "malformed", "{alg}");
            }
        }
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret_to_sign_with() {
    let (private, public) = rsa_pems();
    let files = RsaKeyFiles::from_pem(&private, &public).unwrap();
    let server = Server::new(TokenBroker::Rsa { files: Some(files) });

    let token = hs256(public.as_bytes(), &claims_with(&json!({})));

    assert_eq!(reason(&server.authn, &token).await, "signed with another algorithm");
}

#[tokio::test]
async fn another_algorithm_is_refused_even_with_a_good_key_of_it() {
    let (private, public) = rsa_pems();
    let claims = claims_with(&json!({}));
    let rsa = EncodingKey::from_rsa_pem(private.expose_secret().as_bytes()).unwrap();
    let of = |alg| encode(&Header::new(alg), &claims, &rsa).unwrap();

    let server = Server::new(TokenBroker::Ed25519);
    server.token().await;
    server.metastore.statements();
    assert_eq!(reason(&server.authn, &of(Algorithm::RS256)).await, "signed with another algorithm");
    assert_eq!(server.metastore.statements(), 0);

    let files = RsaKeyFiles::from_pem(&private, &public).unwrap();
    let server = Server::new(TokenBroker::Rsa { files: Some(files) });
    server.authn.verify(&realm(), &of(Algorithm::RS256)).await.unwrap();
    for other in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        assert_eq!(reason(&server.authn, &of(other)).await, "signed with another algorithm");
    }
}

#[tokio::test]
async fn a_token_signed_with_a_foreign_key_of_the_right_kind_is_refused() {
    let server = Server::new(TokenBroker::Ed25519);
    server.token().await;
    let foreign = Ed25519KeyPair::generate().unwrap().to_pkcs8().unwrap();
    let foreign = EncodingKey::from_ed_der(foreign.as_ref());

    let token = encode(&Header::new(Algorithm::EdDSA), &claims_with(&json!({})), &foreign).unwrap();

    assert_eq!(reason(&server.authn, &token).await, "signed with another key");
}

#[tokio::test]
async fn a_tampered_token_is_refused() {
    for broker in brokers() {
        let server = Server::new(broker);
        let token = server.token().await;
        let parts: Vec<&str> = token.split('.').collect();
        let more = URL_SAFE_NO_PAD.encode(claims_with(&json!({"principalId": 8})).to_string());
        let other = server.token().await;
        let other_signature = other.rsplit('.').next().unwrap();

        for tampered in [
            format!("{}.{more}.{}", parts[0], parts[2]),
            format!("{}.{}.{other_signature}", parts[0], parts[1]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{token}."),
            format!("{token}A"),
            format!(" {token}"),
        ] {
            assert!(server.authn.verify(&realm(), &tampered).await.is_err(), "{tampered}");
        }
    }
}

#[tokio::test]
async fn garbage_costs_no_statement() {
    let server = Server::new(TokenBroker::Ed25519);

    for garbage in ["", "None", "a.b.c", "..", "\0", "é.é.é", &"a".repeat(100_000)] {
        assert!(server.authn.verify(&realm(), garbage).await.is_err());
    }

    assert_eq!(server.metastore.statements(), 0);
}

#[tokio::test]
async fn a_token_may_be_as_long_as_the_bound_and_no_longer() {
    let server = Server::new(symmetric(SECRET));
    let of_role = |length: usize| {
        let scope = format!("PRINCIPAL_ROLE:{}", "x".repeat(length));
        hs256(SECRET.as_bytes(), &claims_with(&json!({ "scope": scope })))
    };
    let longest = (11_000..13_000).map(of_role).take_while(|t| t.len() <= MAX_TOKEN_BYTES).last();
    let longest = longest.unwrap();
    assert!(MAX_TOKEN_BYTES - longest.len() < 2, "{}", longest.len());

    server.authn.verify(&realm(), &longest).await.unwrap();
    assert_eq!(reason(&server.authn, &of_role(12_500)).await, "too long");
}
