//! Realms that accept their own tokens, those of a provider, or both.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

use super::*;

#[tokio::test]
async fn a_mixed_realm_accepts_both_kinds() {
    let issuer = TestIssuer::start().await;
    let key = TestKey::ed25519("o");
    issuer.publish(&[&key]);
    let settings = AuthnSettings { default: mixed(oidc(&issuer)), ..AuthnSettings::default() };
    let server = Server::with(settings);
    let own = server.token().await;
    let mut claims = issuer.claims(START_S, "merak");
    claims["preferred_username"] = json!("anna");
    server.metastore.statements();

    let caller = server.authn.verify(&realm(), &own).await.unwrap();
    assert_eq!(caller.principal, EntityId(7).into());
    assert_eq!(issuer.asked(DOCUMENT), 0);

    let caller = server.authn.verify(&realm(), &key.sign(&claims)).await.unwrap();
    assert_eq!(caller.principal, PrincipalRef::Name("anna".into()));
    assert_eq!(server.metastore.statements(), 0);

    let exchanged = server.authn.issue_token(&realm(), by_token(&own, None)).await.unwrap();
    server.authn.verify(&realm(), &text(&exchanged)).await.unwrap();
}

#[tokio::test]
async fn a_mixed_realm_exchanges_its_own_tokens_only() {
    let issuer = TestIssuer::start().await;
    let key = TestKey::ed25519("o");
    issuer.publish(&[&key]);
    let settings = AuthnSettings { default: mixed(oidc(&issuer)), ..AuthnSettings::default() };
    let server = Server::with(settings);
    server.token().await;
    let mut claims = issuer.claims(START_S, "merak");
    claims["preferred_username"] = json!("anna");
    let theirs = key.sign(&claims);
    server.authn.verify(&realm(), &theirs).await.unwrap();

    let refused = refusal(server.authn.issue_token(&realm(), by_token(&theirs, None)).await);

    assert_eq!(refused, ("invalid_client", "The Client is invalid".into()));
}

#[tokio::test]
async fn one_kind_does_not_pass_for_the_other_in_a_mixed_realm() {
    const SECRET: &str = "a secret of the server's";
    let issuer = TestIssuer::start().await;
    let key = TestKey::ed25519("o");
    issuer.publish(&[&key]);
    let settings = TokenSettings { broker: symmetric(SECRET), ..mixed(oidc(&issuer)) };
    let server = Server::with(AuthnSettings { default: settings, ..AuthnSettings::default() });
    let mut claims = json!(claims(&server.token().await));

    // The provider's key, and what our tokens say.
    let error = server.authn.verify(&realm(), &key.sign(&claims)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidToken("signed with another algorithm")), "{error:?}");

    // Our key, and what the provider's tokens say.
    claims["iss"] = json!(issuer.url);
    claims["aud"] = json!("merak");
    claims["preferred_username"] = json!("anna");
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let token = encode(&Header::new(Algorithm::HS256), &claims, &secret).unwrap();
    let error = server.authn.verify(&realm(), &token).await.unwrap_err();
    let expected = "signed with an algorithm that is not accepted";
    assert!(matches!(error, Error::InvalidToken(why) if why == expected), "{error:?}");
}

#[tokio::test]
async fn own_tokens_of_a_mixed_realm_need_no_provider() {
    let issuer = TestIssuer::start().await;
    issuer.set_down(true);
    let settings = AuthnSettings { default: mixed(oidc(&issuer)), ..AuthnSettings::default() };
    let server = Server::with(settings);
    let token = server.token().await;

    server.authn.verify(&realm(), &token).await.unwrap();
    server.metastore.drop_keys();
    server.clock.advance_s(3600);

    let error = server.authn.verify(&realm(), &token).await.unwrap_err();
    assert!(matches!(error, Error::InvalidToken(_)), "{error:?}");
    assert_eq!(issuer.asked(DOCUMENT), 0);
}

#[tokio::test]
async fn an_external_realm_issues_no_tokens_and_accepts_none_of_ours() {
    let issuer = TestIssuer::start().await;
    let internal = Server::new(TokenBroker::Ed25519);
    let token = internal.token().await;
    let key = TestKey::ed25519("o");
    issuer.publish(&[&key]);
    let settings = AuthnSettings { default: external(oidc(&issuer)), ..AuthnSettings::default() };
    let server = authn(&internal.metastore, &internal.clock, settings);
    internal.metastore.statements();

    let elsewhere = (
        "unsupported_grant_type",
        format!("This realm issues no tokens: its identity provider does, {}/", issuer.url),
    );
    for request in [by_secret("anna-secret", ALL_ROLES), by_token(&token, None)] {
        assert_eq!(refusal(server.issue_token(&realm(), request).await), elsewhere);
    }
    let error = server.verify(&realm(), &token).await.unwrap_err();
    assert!(matches!(error, Error::InvalidToken(_)), "{error:?}");
    assert_eq!(internal.metastore.statements(), 0);
}

#[tokio::test]
async fn an_internal_realm_accepts_nothing_of_a_provider_that_another_realm_has() {
    let issuer = TestIssuer::start().await;
    let key = TestKey::ed25519("o");
    issuer.publish(&[&key]);
    let other = RealmId::new("OTHER");
    let settings = AuthnSettings {
        realms: BTreeMap::from([(other.clone(), external(oidc(&issuer)))]),
        ..AuthnSettings::default()
    };
    let server = Server::with(settings);
    server.token().await;
    let mut claims = issuer.claims(START_S, "merak");
    claims["preferred_username"] = json!("anna");
    let token = key.sign(&claims);

    server.authn.verify(&other, &token).await.unwrap();
    let error = server.authn.verify(&realm(), &token).await.unwrap_err();

    assert!(matches!(error, Error::InvalidToken(_)), "{error:?}");
}

#[tokio::test]
async fn realms_with_two_providers_refuse_each_others_tokens() {
    let (one, two) = (TestIssuer::start().await, TestIssuer::start().await);
    let (key_of_one, key_of_two) = (TestKey::ed25519("o"), TestKey::ed25519("o"));
    one.publish(&[&key_of_one]);
    two.publish(&[&key_of_two]);
    let realms = [RealmId::new("one"), RealmId::new("two")];
    let settings = AuthnSettings {
        realms: BTreeMap::from([
            (realms[0].clone(), external(oidc(&one))),
            (realms[1].clone(), external(oidc(&two))),
        ]),
        ..AuthnSettings::default()
    };
    let server = Server::with(settings);
    let token = |issuer: &TestIssuer, key: &TestKey| {
        let mut claims = issuer.claims(START_S, "merak");
        claims["preferred_username"] = json!("anna");
        key.sign(&claims)
    };
    let tokens = [token(&one, &key_of_one), token(&two, &key_of_two)];

    for (nth, realm) in realms.iter().enumerate() {
        server.authn.verify(realm, &tokens[nth]).await.unwrap();
        let error = server.authn.verify(realm, &tokens[1 - nth]).await.unwrap_err();
        assert!(matches!(error, Error::InvalidToken("signed with another key")), "{error:?}");
    }
    // One that lends its name does not lend its key.
    let pretended = token(&one, &key_of_two);
    assert!(server.authn.verify(&realms[0], &pretended).await.is_err());
    assert!(server.authn.verify(&realms[1], &pretended).await.is_err());
}

#[tokio::test]
async fn realms_with_one_provider_have_its_keys_in_common() {
    let issuer = TestIssuer::start().await;
    let key = TestKey::ed25519("o");
    issuer.publish(&[&key]);
    let mut other_audience = oidc(&issuer);
    other_audience.audience = Audience::OneOf(vec!["lake".into()]);
    let settings = AuthnSettings {
        realms: BTreeMap::from([
            (RealmId::new("one"), external(oidc(&issuer))),
            (RealmId::new("two"), mixed(other_audience)),
        ]),
        ..AuthnSettings::default()
    };
    let server = Server::with(settings);
    for (realm, audience, other) in [("one", "merak", "lake"), ("two", "lake", "merak")] {
        let token = |audience| {
            let mut claims = issuer.claims(START_S, audience);
            claims["preferred_username"] = json!("anna");
            key.sign(&claims)
        };
        let realm = RealmId::new(realm);
        server.authn.verify(&realm, &token(audience)).await.unwrap();
        let error = server.authn.verify(&realm, &token(other)).await.unwrap_err();
        assert!(matches!(error, Error::InvalidToken("for another audience")), "{error:?}");
    }
    assert_eq!((issuer.asked(DOCUMENT), issuer.asked(KEYS)), (1, 1));
}
