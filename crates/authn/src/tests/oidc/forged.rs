//! Tokens that the provider did not issue, or not like this.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

use super::*;

/// A token whose signature is the HMAC of a public key, which everybody has.
fn hmac(alg: Algorithm, kid: &str, secret: &[u8], claims: &Value) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(alg) };
    encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

#[tokio::test]
async fn an_unsigned_token_is_refused() {
    let world = World::new().await;
    let key = TestKey::rsa("r");
    world.issuer.publish(&[&key]);

    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for kid in [json!("r"), json!(null)] {
            let signed = key.sign_with(&json!({"alg": alg, "kid": kid}), &world.claims());
            let (message, _) = signed.rsplit_once('.').unwrap();
            for token in [format!("{message}."), format!("{message}.AAAA"), signed.clone()] {
                let reason = world.reason(&token).await;
                assert_eq!(reason, "signed with an algorithm that is not accepted", "{alg}");
            }
        }
    }
    assert_eq!(world.looks(), 0);
}

#[tokio::test]
async fn a_public_key_is_no_secret_to_sign_with() {
    let world = World::new().await;
    let keys = [TestKey::rsa("r"), TestKey::p256("e"), TestKey::ed25519("o")];
    world.issuer.publish(&keys.each_ref());
    let claims = world.claims();

    for key in &keys {
        let jwk = key.jwk();
        let kid = jwk["kid"].as_str().unwrap();
        let texts = ["n", "x"].iter().filter_map(|name| jwk[name].as_str());
        let mut secrets = vec![jwk.to_string().into_bytes()];
        for text in texts {
            let der = URL_SAFE_NO_PAD.decode(text).unwrap();
            secrets.extend([text.as_bytes().to_vec(), pem("PUBLIC KEY", &der).into_bytes(), der]);
        }
        for secret in secrets {
            for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let reason = world.reason(&hmac(alg, kid, &secret, &claims)).await;
                assert_eq!(reason, "signed with an algorithm that is not accepted");
            }
        }
    }
}

#[tokio::test]
async fn a_shared_secret_among_the_keys_is_none_of_them() {
    let world = World::new().await;
    let secret = json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": "c2VjcmV0"});
    world.issuer.answer(KEYS, Answer::Json(json!({"keys": [secret]})));

    let token = hmac(Algorithm::HS256, "s", b"secret", &world.claims());
    let reason = world.reason(&token).await;
    assert_eq!(reason, "signed with an algorithm that is not accepted");
}

#[tokio::test]
async fn a_key_is_good_for_its_own_algorithms_only() {
    let world = World::new().await;
    let keys = [TestKey::rsa("r"), TestKey::p256("e"), TestKey::p384("e3"), TestKey::ed25519("o")];
    let mut jwks = keys.each_ref().map(TestKey::jwk);
    jwks[0]["alg"] = json!("RS256");
    world.issuer.answer(KEYS, Answer::Json(json!({"keys": jwks})));

    for (nth, algs) in [
        (0, &["RS384", "RS512", "PS256", "ES256", "EdDSA"][..]),
        (1, &["ES384", "RS256", "EdDSA"]),
        (2, &["ES256", "RS256"]),
        (3, &["ES256", "RS256", "PS256"]),
    ] {
        let key: &TestKey = &keys[nth];
        world.verify(&key.sign(&world.claims())).await.unwrap();
        for alg in algs {
            let head = json!({"alg": alg, "kid": key.jwk()["kid"]});
            let reason = world.reason(&key.sign_with(&head, &world.claims())).await;
            assert_eq!(reason, "signed with an algorithm that is not its key's", "{nth} {alg}");
        }
    }
}

#[tokio::test]
async fn keys_that_a_token_brings_along_are_not_looked_at() {
    let world = World::new().await;
    let (good, own) = (TestKey::ed25519("o"), TestKey::ed25519("own"));
    world.issuer.publish(&[&good]);
    let elsewhere = TestIssuer::start().await;
    elsewhere.publish(&[&own]);
    let keys = format!("{}{KEYS}", elsewhere.url);

    for head in [
        json!({"alg": "EdDSA", "kid": "own", "jwk": own.jwk()}),
        json!({"alg": "EdDSA", "kid": "own", "jku": keys}),
        json!({"alg": "EdDSA", "kid": "own", "x5u": keys}),
        json!({"alg": "EdDSA", "kid": "own", "x5c": ["AAAA"]}),
        json!({"alg": "EdDSA", "kid": "o", "jwk": own.jwk()}),
        json!({"alg": "EdDSA", "jwk": own.jwk()}),
    ] {
        let token = own.sign_with(&head, &world.claims());
        assert!(matches!(world.verify(&token).await, Err(Error::InvalidToken(_))), "{head}");
    }
    assert_eq!(elsewhere.asked(KEYS), 0);

    // Nor do they keep a good token out.
    let head = json!({"alg": "EdDSA", "kid": "o", "jwk": own.jwk(), "jku": keys});
    world.verify(&good.sign_with(&head, &world.claims())).await.unwrap();
}

#[tokio::test]
async fn critical_fields_and_types_of_other_tokens_are_refused() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    let signed = |more: Value| {
        let mut head = json!({"alg": "EdDSA", "kid": "o"});
        head.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key.sign_with(&head, &world.claims())
    };

    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("b64")] {
        let reason = world.reason(&signed(json!({"crit": crit, "b64": false}))).await;
        assert_eq!(reason, "with critical header fields, none of which is known here", "{crit}");
    }
    for typ in ["logout+jwt", "dpop+jwt", "application/secevent+jwt", ""] {
        let reason = world.reason(&signed(json!({"typ": typ}))).await;
        assert_eq!(reason, "of a type that is none of access tokens", "{typ}");
    }
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"] {
        world.verify(&signed(json!({"typ": typ}))).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_of_a_foreign_or_tampered_signature_is_refused() {
    let world = World::new().await;
    let keys = [TestKey::rsa("r"), TestKey::p256("e"), TestKey::ed25519("o")];
    let foreign = [TestKey::rsa("r2"), TestKey::p256("e"), TestKey::ed25519("o")];
    world.issuer.publish(&keys.each_ref());

    for (key, foreign) in keys.iter().zip(&foreign) {
        let head = json!({"alg": key.algorithm(), "kid": key.jwk()["kid"]});
        let token = foreign.sign_with(&head, &world.claims());
        assert_eq!(world.reason(&token).await, "signed with another key");

        let good = key.sign(&world.claims());
        let parts: Vec<&str> = good.split('.').collect();
        let more = world.claims_with(&json!({"preferred_username": "root"}));
        let more = URL_SAFE_NO_PAD.encode(more.to_string());
        for tampered in [
            format!("{}.{more}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{good}."),
            format!("{good}A"),
            format!(".{good}"),
        ] {
            assert!(matches!(world.verify(&tampered).await, Err(Error::InvalidToken(_))));
        }
    }
    assert_eq!(world.looks(), 1);
}

#[tokio::test]
async fn what_is_no_token_costs_no_question() {
    let world = World::new().await;

    for garbage in ["", "opaque-token", "a.b.c", "..", "\0", "é.é.é", "a.b.c.d.e"] {
        assert_eq!(world.reason(garbage).await, "malformed", "{garbage}");
    }
    assert_eq!(world.reason(&"a".repeat(MAX_TOKEN_BYTES + 1)).await, "too long");
    assert_eq!((world.issuer.asked(DOCUMENT), world.looks()), (0, 0));
}

#[tokio::test]
async fn a_token_may_be_as_long_as_the_bound_and_no_longer() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    let of_length =
        |length: usize| key.sign(&world.claims_with(&json!({"padding": "x".repeat(length)})));
    let lengths: Vec<usize> = (0..16_000).collect();
    let too_long = lengths.partition_point(|&length| of_length(length).len() <= MAX_TOKEN_BYTES);
    let longest = of_length(too_long - 1);
    assert!(MAX_TOKEN_BYTES - longest.len() < 2, "{}", longest.len());

    world.verify(&longest).await.unwrap();
    assert_eq!(world.reason(&of_length(too_long)).await, "too long");
}
