//! The provider's keys: when they are looked up, and what comes of it if that fails.

use std::time::Duration;

use futures::future::join_all;

use super::super::issuer::response;
use super::*;

/// The whole chain of causes, as the log has it.
fn chain(error: &Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    texts.join(": ")
}

impl World {
    /// Why the provider's keys could not be had.
    async fn unavailable(&self, token: &str) -> String {
        match self.verify(token).await {
            Err(error @ Error::ProviderUnavailable(_)) => chain(&error),
            other => panic!("{token} is {other:?}"),
        }
    }

    /// Tokens that have not been seen before.
    fn fresh_token(&self, key: &TestKey) -> String {
        key.sign(&self.claims_with(&json!({"jti": uuid::Uuid::new_v4().to_string()})))
    }
}

#[tokio::test]
async fn a_key_that_is_new_is_found_at_once_and_one_that_is_withdrawn_is_refused_with_it() {
    let world = World::new().await;
    let (old, new) = (TestKey::ed25519("old"), TestKey::p256("new"));
    world.issuer.publish(&[&old]);
    world.verify(&world.fresh_token(&old)).await.unwrap();

    world.issuer.publish(&[&old, &new]);
    world.verify(&world.fresh_token(&new)).await.unwrap();
    world.verify(&world.fresh_token(&old)).await.unwrap();
    assert_eq!(world.looks(), 2);

    world.issuer.publish(&[&new]);
    world.verify(&world.fresh_token(&old)).await.unwrap();
    world.server.clock.advance_s(600);
    let reason = world.reason(&world.fresh_token(&old)).await;
    assert_eq!(reason, "signed with a key that its issuer does not publish");
    world.verify(&world.fresh_token(&new)).await.unwrap();
    assert_eq!(world.looks(), 3);
}

#[tokio::test]
async fn a_token_that_was_found_good_is_looked_at_again_with_the_keys() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    let token = world.fresh_token(&key);
    world.verify(&token).await.unwrap();

    world.issuer.publish(&[]);
    world.server.clock.advance_s(599);
    world.verify(&token).await.unwrap();
    assert_eq!(world.looks(), 1);

    world.server.clock.advance_s(1);
    let reason = world.reason(&token).await;
    assert_eq!(reason, "signed with a key that its issuer does not publish");
}

#[tokio::test]
async fn however_many_unknown_keys_come_they_are_asked_about_only_so_often() {
    let world = World::new().await;
    let (good, forger) = (TestKey::ed25519("good"), TestKey::ed25519("forged"));
    world.issuer.publish(&[&good]);
    world.verify(&world.fresh_token(&good)).await.unwrap();

    for second in 0..30 {
        let tokens: Vec<String> = (0..20).map(|_| world.fresh_token(&forger)).collect();
        let verified = tokens.iter().map(|token| world.reason(token));
        for reason in join_all(verified).await {
            assert_eq!(reason, "signed with a key that its issuer does not publish");
        }
        // At the start, and then every ten seconds.
        assert_eq!(world.looks(), 2 + second / 10);
        world.server.clock.advance_s(1);
    }
}

#[tokio::test]
async fn a_new_key_is_found_in_spite_of_forged_ones() {
    let world = World::new().await;
    let (old, new, forger) =
        (TestKey::ed25519("old"), TestKey::ed25519("new"), TestKey::ed25519("forged"));
    world.issuer.publish(&[&old]);
    world.verify(&world.fresh_token(&old)).await.unwrap();
    world.reason(&world.fresh_token(&forger)).await;
    world.issuer.publish(&[&old, &new]);

    world.reason(&world.fresh_token(&new)).await;
    world.server.clock.advance_s(10);

    world.verify(&world.fresh_token(&new)).await.unwrap();
}

#[tokio::test]
async fn a_token_without_a_key_id_is_for_a_provider_with_one_key() {
    let world = World::new().await;
    let (one, other) = (TestKey::ed25519("x").unnamed(), TestKey::ed25519("x").unnamed());
    world.issuer.publish(&[&one]);
    world.verify(&world.fresh_token(&one)).await.unwrap();

    // Where names do not tell, a signature that does not fit is what an unknown key is else.
    world.issuer.publish(&[&other]);
    world.verify(&world.fresh_token(&other)).await.unwrap();
    assert_eq!(world.reason(&world.fresh_token(&one)).await, "signed with another key");
    assert_eq!(world.looks(), 2);

    world.server.clock.advance_s(600);
    world.issuer.publish(&[&one, &other]);
    let reason = world.reason(&world.fresh_token(&one)).await;
    assert_eq!(reason, "without a key id, and its issuer has several keys");
}

#[tokio::test]
async fn keys_that_are_for_something_else_or_not_understood_are_left_out() {
    let world = World::new().await;
    let key = TestKey::ed25519("o").unnamed();
    let mut encrypting = TestKey::rsa("e").jwk();
    encrypting["use"] = json!("enc");
    let mut oaep = TestKey::rsa("e2").jwk();
    oaep.as_object_mut().unwrap().remove("use");
    oaep["alg"] = json!("RSA-OAEP");
    let mut wrapping = TestKey::rsa("e3").jwk();
    wrapping["key_ops"] = json!(["wrapKey"]);
    let keys = json!([
        encrypting,
        oaep,
        wrapping,
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "RSA", "n": "!", "e": "AQAB"},
        {"kty": "RSA"},
        "no key",
        key.jwk(),
    ]);
    world.issuer.answer(KEYS, Answer::Json(json!({"keys": keys})));

    // The one that is left needs no name.
    world.verify(&world.fresh_token(&key)).await.unwrap();
}

#[tokio::test]
async fn many_who_need_the_keys_at_once_look_once() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);

    let tokens: Vec<String> = (0..50).map(|_| world.fresh_token(&key)).collect();
    for caller in join_all(tokens.iter().map(|token| world.verify(token))).await {
        assert_eq!(caller.unwrap(), anna());
    }

    assert_eq!((world.issuer.asked(DOCUMENT), world.looks()), (1, 1));
}

#[tokio::test]
async fn a_look_goes_on_though_whoever_wanted_it_has_left() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    let token = world.fresh_token(&key);

    for _ in 0..20 {
        // Polled once, and given up.
        let given_up = tokio::time::timeout(Duration::ZERO, world.verify(&token)).await;
        assert!(given_up.is_err() || world.looks() == 1);
    }
    world.verify(&token).await.unwrap();

    assert_eq!((world.issuer.asked(DOCUMENT), world.looks()), (1, 1));
}

#[tokio::test]
async fn without_a_provider_tokens_are_not_refused_but_cannot_be_judged() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    world.issuer.set_down(true);
    let token = world.fresh_token(&key);

    let why = world.unavailable(&token).await;
    assert!(why.contains("/.well-known/openid-configuration does not answer"), "{why}");
    // Not asked again at once, not even by tokens that nobody could find good.
    world.unavailable(&token).await;
    world.unavailable(&TestKey::ed25519("forged").sign(&world.claims())).await;
    assert_eq!(world.issuer.asked(DOCUMENT), 1);

    world.issuer.set_down(false);
    world.server.clock.advance_s(5);
    assert_eq!(world.verify(&token).await.unwrap(), anna());
}

#[tokio::test]
async fn keys_that_are_here_go_on_being_good_without_a_provider_but_not_for_ever() {
    let world = World::new().await;
    let (key, new) = (TestKey::ed25519("o"), TestKey::ed25519("new"));
    world.issuer.publish(&[&key]);
    let lasting = json!({"exp": START_S + 1_000_000});
    let token = key.sign(&world.claims_with(&lasting));
    world.verify(&token).await.unwrap();
    world.issuer.set_down(true);

    for _ in 0..143 {
        world.server.clock.advance_s(600);
        world.verify(&token).await.unwrap();
    }
    // One that may have come since cannot be asked about.
    world.unavailable(&new.sign(&world.claims_with(&lasting))).await;

    world.server.clock.advance_s(600);
    let why = world.unavailable(&token).await;
    assert!(why.contains("does not answer"), "{why}");

    world.issuer.publish(&[&new]);
    world.issuer.set_down(false);
    world.server.clock.advance_s(5);
    world.verify(&new.sign(&world.claims_with(&lasting))).await.unwrap();
    let reason = world.reason(&token).await;
    assert_eq!(reason, "signed with a key that its issuer does not publish");
}

#[tokio::test]
async fn once_a_provider_is_known_to_fail_nobody_waits_for_it_who_has_its_keys() {
    let world = World::with(|oidc| oidc.provider.timeout_ms = 3_600_000).await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    world.verify(&world.fresh_token(&key)).await.unwrap();
    world.issuer.set_down(true);
    world.server.clock.advance_s(600);
    world.verify(&world.fresh_token(&key)).await.unwrap();
    world.issuer.answer(DOCUMENT, Answer::Silence);

    world.server.clock.advance_s(5);
    for _ in 0..3 {
        let token = world.fresh_token(&key);
        let verified = tokio::time::timeout(Duration::from_secs(20), world.verify(&token)).await;
        verified.expect("nobody waits").unwrap();
    }
}

#[tokio::test]
async fn after_a_failure_a_withdrawn_key_is_refused_as_soon_as_the_provider_answers() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    let token = world.fresh_token(&key);
    world.verify(&token).await.unwrap();
    world.issuer.set_down(true);
    world.server.clock.advance_s(600);
    world.verify(&token).await.unwrap();

    world.issuer.publish(&[]);
    world.issuer.set_down(false);
    world.server.clock.advance_s(5);
    // Nobody waits for the look, so that it may take a while until it has ended.
    let refused = async {
        while world.verify(&token).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };

    tokio::time::timeout(Duration::from_secs(20), refused).await.expect("it is refused");
    let reason = world.reason(&token).await;
    assert_eq!(reason, "signed with a key that its issuer does not publish");
}

#[tokio::test]
async fn a_failure_of_long_ago_does_not_help_a_withdrawn_key() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    world.verify(&world.fresh_token(&key)).await.unwrap();
    world.issuer.set_down(true);
    world.server.clock.advance_s(600);
    world.verify(&world.fresh_token(&key)).await.unwrap();

    world.issuer.publish(&[]);
    world.issuer.set_down(false);
    world.server.clock.advance_s(60);

    let reason = world.reason(&world.fresh_token(&key)).await;
    assert_eq!(reason, "signed with a key that its issuer does not publish");
}

#[tokio::test]
async fn a_key_that_may_be_new_cannot_be_judged_without_a_provider() {
    let world = World::new().await;
    let (key, new) = (TestKey::ed25519("o"), TestKey::ed25519("new"));
    world.issuer.publish(&[&key]);
    world.verify(&world.fresh_token(&key)).await.unwrap();
    world.issuer.set_down(true);
    world.server.clock.advance_s(600);

    for _ in 0..3 {
        world.unavailable(&world.fresh_token(&new)).await;
        world.verify(&world.fresh_token(&key)).await.unwrap();
    }

    assert_eq!(world.issuer.asked(DOCUMENT), 2);
}

#[tokio::test]
async fn a_provider_that_takes_too_long_has_not_answered() {
    let world = World::with(|oidc| oidc.provider.timeout_ms = 50).await;
    world.issuer.answer(KEYS, Answer::Silence);

    let why = world.unavailable(&TestKey::ed25519("o").sign(&world.claims())).await;

    assert!(why.contains("does not answer") && why.contains("timed out"), "{why}");
}

#[tokio::test]
async fn answers_that_will_not_do_are_told_apart_in_the_log() {
    let world = World::new().await;
    let url = &world.issuer.url;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    let token = world.fresh_token(&key);
    let redirect = |to: &str| {
        Answer::Raw(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"))
    };
    let document = |name: &str, value: Value| {
        let mut document = world.issuer.document();
        document[name] = value;
        Answer::Json(document)
    };
    let long = "x".repeat(17 * 1024);

    for (path, answer, expected) in [
        (DOCUMENT, Answer::Raw(response("404 Not Found", "")), "answers 404 Not Found"),
        (DOCUMENT, Answer::Raw(response("204 No Content", "")), "answers 204 No Content"),
        (DOCUMENT, Answer::Raw(response("200 OK", "<html>")), "is not what it should be"),
        (DOCUMENT, Answer::Json(json!({})), "missing field `issuer`"),
        (DOCUMENT, document("issuer", json!("https://other")), "of the issuer `https://other`"),
        (DOCUMENT, document("jwks_uri", json!("file:///etc/passwd")), "`http` or `https` URL"),
        (DOCUMENT, document("jwks_uri", json!("http://example.com/k")), "anybody on the way"),
        (DOCUMENT, Answer::Raw("no HTTP".to_owned()), "does not answer"),
        (DOCUMENT, redirect("http://example.com/"), "an address that anybody on the way"),
        (DOCUMENT, redirect(&url.replace("http", "https")), "an address that anybody on the way"),
        (DOCUMENT, redirect(DOCUMENT), "from one address to the next"),
        (KEYS, Answer::Json(json!({"keys": [], "x": long})), "longer than 16384 bytes"),
        (KEYS, Answer::Raw(format!("HTTP/1.1 200 OK\r\n\r\n{long}")), "longer than 16384 bytes"),
        (KEYS, Answer::Json(json!({"jwks": []})), "missing field `keys`"),
        (KEYS, Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_owned()), "does not"),
    ] {
        world.issuer.set_down(false);
        world.issuer.publish(&[&key]);
        world.issuer.answer(path, answer);
        world.server.clock.advance_s(5);

        let why = world.unavailable(&token).await;

        assert!(why.contains(expected), "{expected}: {why}");
        assert!(why.starts_with("the keys of the identity provider cannot be had"), "{why}");
    }
    // None of this was kept.
    world.issuer.set_down(false);
    world.issuer.publish(&[&key]);
    world.server.clock.advance_s(5);
    world.verify(&token).await.unwrap();
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_the_bound() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    let mut keys = json!({"keys": [key.jwk()], "padding": ""});
    let padding = 16 * 1024 - keys.to_string().len();
    keys["padding"] = json!("x".repeat(padding));
    world.issuer.answer(KEYS, Answer::Json(keys));

    world.verify(&world.fresh_token(&key)).await.unwrap();
}

#[tokio::test]
async fn three_redirects_to_where_nobody_else_answers_are_followed() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    let moved = |to: &str| {
        Answer::Raw(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"))
    };
    for (from, to) in [("/1", "/2"), ("/2", "/3"), ("/3", "/end")] {
        world.issuer.answer(from, moved(to));
    }
    world.issuer.answer("/end", Answer::Json(json!({"keys": [key.jwk()]})));
    let token = world.fresh_token(&key);

    world.issuer.answer(KEYS, moved("/1"));
    let why = world.unavailable(&token).await;
    assert!(why.contains("from one address to the next"), "{why}");

    world.issuer.answer(KEYS, moved("/2"));
    world.server.clock.advance_s(5);
    world.verify(&token).await.unwrap();
}

#[tokio::test]
async fn keys_are_where_the_settings_say_with_and_without_a_document() {
    let key = TestKey::ed25519("o");
    for (is_fixed, of_document) in [(false, 1), (true, 0)] {
        let world = World::with(|oidc| {
            let certs = oidc.provider.url.join("/certs").unwrap();
            oidc.provider.keys =
                if is_fixed { KeysAt::Fixed(certs) } else { KeysAt::Overridden(certs) };
        })
        .await;
        world.issuer.answer("/certs", Answer::Json(json!({"keys": [key.jwk()]})));
        // Without a document, it is called what its address is; with a slash, if it has no path.
        let issuer = format!("{}{}", world.issuer.url, if is_fixed { "/" } else { "" });
        let token = key.sign(&world.claims_with(&json!({"iss": issuer})));

        world.verify(&token).await.unwrap();

        let asked = (world.issuer.asked(DOCUMENT), world.issuer.asked("/certs"), world.looks());
        assert_eq!(asked, (of_document, 1, 0));
    }
}

#[tokio::test]
async fn plain_http_is_spoken_to_others_only_if_it_is_allowed() {
    for (allow_http, expected) in [(false, "anybody on the way"), (true, "does not answer")] {
        let world = World::with(|oidc| {
            // This machine, by a name that does not say so.
            let elsewhere = oidc.provider.url.to_string().replace("127.0.0.1", "0.0.0.0");
            oidc.provider.url = ProviderUrl::parse(&elsewhere).unwrap();
            oidc.provider.allow_http = allow_http;
        })
        .await;
        world.issuer.set_down(true);

        let why = world.unavailable(&TestKey::ed25519("o").sign(&world.claims())).await;

        assert!(why.contains(expected), "{why}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_the_keys_be_looked_up_anew() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    world.verify(&world.fresh_token(&key)).await.unwrap();

    world.server.clock.advance_s(-1000);
    world.verify(&world.fresh_token(&key)).await.unwrap();
    world.verify(&world.fresh_token(&key)).await.unwrap();

    assert_eq!(world.looks(), 2);
}
