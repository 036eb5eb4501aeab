//! Showing tokens of an identity provider.

mod forged;
mod keys;
mod modes;

use merak_metastore::{CallerRef, PrincipalRef, RoleSelection};
use merak_model::EntityId;
use serde_json::{Value, json};

use super::issuer::{Answer, DOCUMENT, KEYS, TestIssuer, TestKey};
use super::*;
use crate::{
    Audience, Authentication, ClaimPath, Error, ExpectedIssuer, KeysAt, OidcSettings,
    PrincipalClaims, ProviderSettings, ProviderUrl, RoleClaims, RolesMapping,
};

/// What a realm that has its tokens from there is set up like.
fn oidc(issuer: &TestIssuer) -> OidcSettings {
    OidcSettings {
        provider: ProviderSettings {
            url: ProviderUrl::parse(&issuer.url).unwrap(),
            keys: KeysAt::Discovered,
            issuer: ExpectedIssuer::Discovered,
            allow_http: false,
            timeout_ms: 10_000,
            max_answer_bytes: 16 * 1024,
            refresh_after_ms: 600_000,
            max_age_ms: 86_400_000,
            look_again_after_ms: 10_000,
        },
        audience: Audience::OneOf(vec!["merak".into()]),
        leeway_s: 0,
        principal: PrincipalClaims {
            id: Some(ClaimPath::parse("polaris/id").unwrap()),
            name: Some(ClaimPath::parse("preferred_username").unwrap()),
        },
        role_claims: RoleClaims::Usual(None),
        roles: RolesMapping::default(),
    }
}

fn external(oidc: OidcSettings) -> TokenSettings {
    let authentication = Authentication::External(Box::new(oidc));
    TokenSettings { authentication, ..TokenSettings::default() }
}

fn mixed(oidc: OidcSettings) -> TokenSettings {
    let authentication = Authentication::Mixed(Box::new(oidc));
    TokenSettings { authentication, ..TokenSettings::default() }
}

/// An identity provider, and a server that has its tokens from there.
struct World {
    issuer: TestIssuer,
    server: Server,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut OidcSettings)) -> Self {
        let issuer = TestIssuer::start().await;
        let mut oidc = oidc(&issuer);
        change(&mut oidc);
        let settings = AuthnSettings { default: external(oidc), ..AuthnSettings::default() };
        Self { issuer, server: Server::with(settings) }
    }

    /// The claims of a good token for `anna`.
    fn claims(&self) -> Value {
        let mut claims = self.issuer.claims(self.server.clock.now_s(), "merak");
        claims["preferred_username"] = json!("anna");
        claims["groups"] = json!(["PRINCIPAL_ROLE:ALL"]);
        claims
    }

    /// The same, with some of them replaced.
    fn claims_with(&self, changes: &Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    async fn verify(&self, token: &str) -> Result<CallerRef, Error> {
        self.server.authn.verify(&realm(), token).await
    }

    async fn reason(&self, token: &str) -> &'static str {
        match self.verify(token).await {
            Err(Error::InvalidToken(reason)) => reason,
            other => panic!("{token} is {other:?}"),
        }
    }

    /// How often the provider was asked for its keys.
    fn looks(&self) -> usize {
        self.issuer.asked(KEYS)
    }
}

fn anna() -> CallerRef {
    CallerRef { principal: PrincipalRef::Name("anna".into()), roles: RoleSelection::All }
}

#[tokio::test]
async fn a_token_of_any_asymmetric_key_is_good() {
    let world = World::new().await;
    let keys = [TestKey::rsa("r"), TestKey::p256("e"), TestKey::p384("e3"), TestKey::ed25519("o")];
    world.issuer.publish(&keys.each_ref());

    for key in &keys {
        let caller = world.verify(&key.sign(&world.claims())).await.unwrap();

        assert_eq!(caller, anna());
    }
    for alg in ["RS384", "PS256"] {
        let head = json!({"alg": alg, "kid": "r"});
        world.verify(&keys[0].sign_with(&head, &world.claims())).await.unwrap();
    }
    assert_eq!((world.issuer.asked(DOCUMENT), world.looks()), (1, 1));
    assert_eq!(world.server.metastore.statements(), 0);
}

#[tokio::test]
async fn a_token_says_which_principal_it_is_for_and_in_which_roles() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);

    let claims = world.claims_with(&json!({
        "polaris": {"id": "7"},
        "groups": ["PRINCIPAL_ROLE:a", "staff", "PRINCIPAL_ROLE:b"],
    }));
    let caller = world.verify(&key.sign(&claims)).await.unwrap();

    let roles = RoleSelection::Named(vec!["a".into(), "b".into()]);
    assert_eq!(caller, CallerRef { principal: EntityId(7).into(), roles });

    let nobody = world.claims_with(&json!({"preferred_username": null}));
    let reason = world.reason(&key.sign(&nobody)).await;
    assert_eq!(reason, "without a claim that names the principal");
}

#[tokio::test]
async fn a_token_expires_on_its_last_second_whether_it_was_seen_before_or_not() {
    let world = World::with(|oidc| oidc.leeway_s = 5).await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    let (seen, unseen) = (key.sign(&world.claims()), {
        let claims = world.claims_with(&json!({"jti": "another"}));
        key.sign(&claims)
    });
    world.server.clock.advance_s(3604);
    world.verify(&seen).await.unwrap();

    world.server.clock.advance_s(1);

    for token in [&seen, &unseen] {
        assert_eq!(world.reason(token).await, "expired");
    }
}

#[tokio::test]
async fn claims_of_others_and_for_others_are_refused() {
    let world = World::new().await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);
    let now_s = world.server.clock.now_s();

    for (changes, reason) in [
        (json!({"iss": "https://auth.example.com"}), "another issuer's"),
        (json!({"iss": null}), "another issuer's"),
        (json!({"aud": "account"}), "for another audience"),
        (json!({"aud": null}), "for another audience"),
        (json!({"exp": now_s}), "expired"),
        (json!({"exp": null}), "without an expiry"),
        (json!({"nbf": now_s + 1}), "not good yet"),
        (json!({"iat": now_s + 61}), "issued in the future"),
    ] {
        let token = key.sign(&world.claims_with(&changes));

        assert_eq!(world.reason(&token).await, reason, "{changes}");
    }
}

#[tokio::test]
async fn an_audience_and_an_issuer_of_any_kind_are_good_where_the_settings_say_so() {
    let world = World::with(|oidc| {
        oidc.audience = Audience::Any;
        oidc.provider.issuer = ExpectedIssuer::Any;
    })
    .await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);

    let token = key.sign(&world.claims_with(&json!({"iss": "https://b", "aud": "account"})));

    assert_eq!(world.verify(&token).await.unwrap(), anna());
}

#[tokio::test]
async fn an_issuer_may_be_called_otherwise_than_its_address() {
    let world = World::with(|oidc| {
        oidc.provider.issuer = ExpectedIssuer::Named("https://auth.example.com".into());
    })
    .await;
    let key = TestKey::ed25519("o");
    world.issuer.publish(&[&key]);

    let public = world.claims_with(&json!({"iss": "https://auth.example.com"}));
    assert_eq!(world.verify(&key.sign(&public)).await.unwrap(), anna());
    assert_eq!(world.reason(&key.sign(&world.claims())).await, "another issuer's");
}
