//! Tokens of an identity provider, shown to the API.

use std::sync::Arc;

use merak_metastore::{
    CallerRef, Children, Metastore as _, Page, PrincipalRef, ResolveRequest, RoleSelection,
};
use merak_model::{Clock as _, EntityKind};
use merak_tests::{Identity, Response, TestClock, TestServer};
use serde_json::{Value, json};

use crate::issuer::{DOCUMENT, KEYS, TestIssuer, TestKey};

const FORM: &str =
    "grant_type=client_credentials&client_id=root&client_secret=s3cr3t&scope=PRINCIPAL_ROLE:ALL";
const PRINCIPALS: &str = "/api/management/v1/principals";
const ROLES: &str = "/api/management/v1/principal-roles";
const CATALOGS: &str = "/api/management/v1/catalogs";
const NOT_VALID: &str = "401 NotAuthorizedException: The access token is not valid";
const EXTERNAL: (&str, &str) = ("polaris.authentication.type", "external");
const MIXED: (&str, &str) = ("polaris.authentication.type", "mixed");

/// A server that has its tokens from an identity provider, which has one key.
struct World {
    issuer: TestIssuer,
    key: TestKey,
    clock: TestClock,
    server: TestServer,
}

impl World {
    /// One of that type, with more settings.
    async fn new(kind: (&str, &str), more: &[(&str, &str)]) -> Self {
        let issuer = TestIssuer::start().await;
        let key = TestKey::p256("first");
        issuer.publish(&[&key]);
        let mut settings = vec![
            kind,
            ("quarkus.oidc.tenant-enabled", "true"),
            ("quarkus.oidc.auth-server-url", issuer.url.as_str()),
            ("quarkus.oidc.client-id", "merak"),
            ("polaris.oidc.principal-mapper.id-claim-path", "polaris/id"),
            ("polaris.oidc.principal-mapper.name-claim-path", "preferred_username"),
        ];
        settings.extend(more);
        let clock = TestClock::new();
        let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
        let server = TestServer::start_at(&realm, &settings, Arc::new(clock.clone())).await;
        Self { issuer, key, clock, server }
    }

    /// The claims of a good token.
    fn claims(&self, changes: &Value) -> Value {
        let mut claims = self.issuer.claims(self.clock.now_s(), "merak");
        // Each token is another one.
        claims["jti"] = json!(uuid::Uuid::new_v4().to_string());
        for (name, value) in changes.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        claims
    }

    /// Somebody whom a token says more of.
    fn bearer(&self, changes: &Value) -> Identity<'_> {
        self.server.nobody().with_token(&self.key.sign(&self.claims(changes)))
    }

    /// The principal of that name, in those roles.
    fn named(&self, name: &str, roles: &[&str]) -> Identity<'_> {
        self.bearer(&json!({"preferred_username": name, "groups": roles}))
    }

    fn root(&self) -> Identity<'_> {
        self.named("root", &["PRINCIPAL_ROLE:ALL"])
    }
}

/// Makes a principal with a role, and answers its id.
async fn make_principal(world: &World, root: &Identity<'_>, name: &str, role: &str) -> i64 {
    let made = root.post(PRINCIPALS, json!({"principal": {"name": name}})).await.expect(201).json();
    let _ = root.post(ROLES, json!({"principalRole": {"name": role}})).await;
    let assigned = format!("{PRINCIPALS}/{name}/principal-roles");
    let _ = root.put(&assigned, json!({"principalRole": {"name": role}})).await.expect(201);
    let client_id = made["principal"]["clientId"].as_str().expect("a client id");
    let found = world.server.parts.metastore.credentials(&world.server.realm, client_id).await;
    found.expect("the store answers").expect("it was made").principal.0
}

/// A refusal of the token endpoint as `status error: description`.
fn refusal(answer: &Response) -> String {
    let body = answer.json();
    let fields: Vec<_> = body.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["error", "error_description"], "not OAuth's form: {body}");
    let text = |field: &str| body[field].as_str().expect("a text").to_owned();
    format!("{} {}: {}", answer.status.as_u16(), text("error"), text("error_description"))
}

/// Who somebody is and in which roles, as they are told when they may not do something.
async fn who(somebody: &Identity<'_>) -> String {
    let error = somebody.get(PRINCIPALS).await.expect(403).error();
    let (who, _) = error.split_once(" and activated grants").expect("a refusal");
    let who = who.replace("403 ForbiddenException: Principal ", "");
    who.replace("with activated PrincipalRoles ", "as ").replace('\'', "")
}

/// The id of a role that every realm has.
async fn id_of_a_role(server: &TestServer) -> i64 {
    let root = PrincipalRef::Name("root".to_owned());
    let roles = Children {
        of: None,
        kind: EntityKind::PrincipalRole,
        page: Page::default(),
        names_only: false,
    };
    let request = ResolveRequest {
        children: Some(roles),
        ..ResolveRequest::of_realm(CallerRef { principal: root, roles: RoleSelection::All })
    };
    let found = server.parts.metastore.resolve(&server.realm, &request).await;
    found.expect("the store answers").children[0].id.0
}

#[tokio::test]
async fn a_principal_is_found_by_the_name_or_the_id_that_a_token_has() {
    let world = World::new(EXTERNAL, &[]).await;
    let root = world.root();
    let _ = root.get(CATALOGS).await.expect(200);
    let id = make_principal(&world, &root, "anna", "reader").await;

    let anna = "anna as [reader]";
    assert_eq!(who(&world.named("anna", &["PRINCIPAL_ROLE:ALL"])).await, anna);
    for id in [json!(id), json!(id.to_string())] {
        let by_id = json!({"polaris": {"id": id}, "groups": ["PRINCIPAL_ROLE:reader"]});
        assert_eq!(who(&world.bearer(&by_id)).await, anna);
    }
    let both = json!({
        "polaris": {"id": id},
        "preferred_username": "root",
        "groups": ["PRINCIPAL_ROLE:ALL"],
    });
    assert_eq!(who(&world.bearer(&both)).await, anna);
}

#[tokio::test]
async fn a_principal_that_is_not_there_is_not_made() {
    let world = World::new(EXTERNAL, &[]).await;

    let missing = "401 NotAuthorizedException: The principal of this token does not exist";
    for nobody in [
        json!({"preferred_username": "nobody"}),
        json!({"preferred_username": "no\0body"}),
        json!({"preferred_username": "reader' or '1'='1"}),
        json!({"polaris": {"id": i64::MAX}, "preferred_username": "root"}),
        json!({"polaris": {"id": id_of_a_role(&world.server).await}}),
    ] {
        let answer = world.bearer(&nobody).get(CATALOGS).await.expect(401);
        assert_eq!(answer.error(), missing, "{nobody}");
    }
    for unnamed in [json!({}), json!({"sub": "root"}), json!({"preferred_username": ""})] {
        assert_eq!(world.bearer(&unnamed).get(CATALOGS).await.expect(401).error(), NOT_VALID);
    }
}

#[tokio::test]
async fn a_principal_that_was_dropped_and_made_again_is_the_same_by_its_name_and_not_by_its_id() {
    let world = World::new(EXTERNAL, &[]).await;
    let root = world.root();
    let id = make_principal(&world, &root, "anna", "reader").await;
    let by_name = world.named("anna", &["PRINCIPAL_ROLE:ALL"]);
    let by_id = world.bearer(&json!({"polaris": {"id": id}, "preferred_username": "anna"}));
    who(&by_name).await;
    who(&by_id).await;

    let _ = root.delete(&format!("{PRINCIPALS}/anna")).await.expect(204);
    let _ = by_name.get(CATALOGS).await.expect(401);
    let _ = by_id.get(CATALOGS).await.expect(401);

    make_principal(&world, &root, "anna", "writer").await;
    assert_eq!(who(&by_name).await, "anna as [writer]");
    let _ = by_id.get(CATALOGS).await.expect(401);
}

#[tokio::test]
async fn roles_are_those_of_the_token_as_far_as_they_are_granted() {
    let world = World::new(EXTERNAL, &[]).await;
    let root = world.root();
    make_principal(&world, &root, "anna", "reader").await;
    let _ = root.post(ROLES, json!({"principalRole": {"name": "writer"}})).await.expect(201);

    let anna = |roles: &[&str]| world.named("anna", roles);
    assert_eq!(who(&anna(&["PRINCIPAL_ROLE:reader"])).await, "anna as [reader]");
    assert_eq!(who(&anna(&["PRINCIPAL_ROLE:ALL", "staff"])).await, "anna as [reader]");
    assert_eq!(who(&anna(&["reader", "ALL"])).await, "anna as []");
    for role in ["writer", "nothing", "service_admin"] {
        let role = format!("PRINCIPAL_ROLE:{role}");
        let answer = anna(&["PRINCIPAL_ROLE:reader", &role]).get(CATALOGS).await.expect(401);
        assert!(answer.error().contains("is not granted to the principal"), "{}", answer.text());
    }

    // What is revoked is seen by the next request, with the token that is remembered.
    let reader = anna(&["PRINCIPAL_ROLE:reader"]);
    who(&reader).await;
    let _ = root.delete(&format!("{PRINCIPALS}/anna/principal-roles/reader")).await.expect(204);
    let _ = reader.get(CATALOGS).await.expect(401);
}

#[tokio::test]
async fn roles_are_taken_from_claims_filtered_and_mapped() {
    let world = World::new(
        EXTERNAL,
        &[
            (
                "quarkus.oidc.roles.role-claim-path",
                "scope,\"https://merak.example.com/roles\"/lake",
            ),
            ("polaris.oidc.principal-roles-mapper.filter", "lake[-_].*|all"),
            ("polaris.oidc.principal-roles-mapper.mappings[0].regex", "_"),
            ("polaris.oidc.principal-roles-mapper.mappings[0].replacement", "-"),
            ("polaris.oidc.principal-roles-mapper.mappings[1].regex", "lake-(.*)"),
            ("polaris.oidc.principal-roles-mapper.mappings[1].replacement", "PRINCIPAL_ROLE:$1er"),
            ("polaris.oidc.principal-roles-mapper.mappings[2].regex", "^all$"),
            ("polaris.oidc.principal-roles-mapper.mappings[2].replacement", "PRINCIPAL_ROLE:ALL"),
        ],
    )
    .await;
    let root = world.bearer(&json!({"preferred_username": "root", "scope": "openid all"}));
    for role in ["reader", "writer"] {
        let _ = root.post(ROLES, json!({"principalRole": {"name": role}})).await.expect(201);
    }
    make_principal(&world, &root, "anna", "reader").await;
    let of_writer = json!({"principalRole": {"name": "writer"}});
    let _ = root.put(&format!("{PRINCIPALS}/anna/principal-roles"), of_writer).await.expect(201);

    let anna = world.bearer(&json!({
        "preferred_username": "anna",
        "scope": "openid lake_read email",
        "https://merak.example.com/roles": {"lake": ["lake-writ", "offline", "my-lake-admin"]},
        "groups": ["PRINCIPAL_ROLE:service_admin"],
    }));

    assert_eq!(who(&anna).await, "anna as [reader, writer]");
}

#[tokio::test]
async fn a_request_with_a_token_of_a_provider_is_one_statement() {
    let world = World::new(EXTERNAL, &[]).await;
    let root = world.root();

    for _ in 0..2 {
        let before = world.server.parts.metastore.statements();
        let _ = root.get(CATALOGS).await.expect(200);
        assert_eq!(world.server.parts.metastore.statements() - before, 1);
    }
    assert_eq!((world.issuer.asked(DOCUMENT), world.issuer.asked(KEYS)), (1, 1));
}

#[tokio::test]
async fn an_external_realm_has_no_tokens_of_its_own() {
    let world = World::new(EXTERNAL, &[]).await;
    let nobody = world.server.nobody();
    let elsewhere =
        format!("This realm issues no tokens: its identity provider does, {}/", world.issuer.url);

    for form in [FORM, "", "grant_type=password", "grant_type=client_credentials"] {
        let answer = nobody.post_form(form).await;
        let expected = format!("501 unsupported_grant_type: {elsewhere}");
        assert_eq!(refusal(&answer), expected, "{form}");
    }
    let answer = nobody.get(CATALOGS).await.expect(401);
    let expected = format!("401 NotAuthorizedException: An access token is needed. {elsewhere}");
    assert_eq!(answer.error(), expected);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    // Nothing was asked for that.
    assert_eq!(world.issuer.asked(DOCUMENT), 0);
}

#[tokio::test]
async fn a_mixed_realm_accepts_tokens_of_both_kinds() {
    let world = World::new(MIXED, &[]).await;

    let ours = world.server.root().await;
    let _ = ours.get(CATALOGS).await.expect(200);
    assert_eq!(world.issuer.asked(DOCUMENT), 0);
    let _ = world.root().get(CATALOGS).await.expect(200);

    let exchange = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={}\
         &subject_token_type=urn:ietf:params:oauth:token-type:access_token",
        world.key.sign(&world.claims(&json!({"preferred_username": "root"})))
    );
    let answer = world.root().post_form(&exchange).await;
    assert_eq!(refusal(&answer), "400 invalid_client: The Client is invalid");
}

#[tokio::test]
async fn tokens_that_will_not_do_are_refused_alike() {
    let world = World::new(EXTERNAL, &[]).await;
    let now_s = world.clock.now_s();
    let root = json!({"preferred_username": "root", "groups": ["PRINCIPAL_ROLE:ALL"]});
    let with = |name: &str, value: Value| {
        let mut claims = root.clone();
        claims[name] = value;
        world.key.sign(&world.claims(&claims))
    };
    let good = world.claims(&root);
    let kid = "first";

    for token in [
        with("exp", json!(now_s)),
        with("nbf", json!(now_s + 5)),
        with("iat", json!(now_s + 600)),
        with("aud", json!("account")),
        with("iss", json!("https://auth.example.com")),
        world.key.sign_with(&json!({"alg": "none", "kid": kid}), &good),
        world.key.sign_with(&json!({"alg": "HS256", "kid": kid}), &good),
        world.key.sign_with(&json!({"alg": "RS256", "kid": kid}), &good),
        world.key.sign_with(&json!({"alg": "ES256", "kid": kid, "crit": ["exp"]}), &good),
        TestKey::p256(kid).sign(&good),
        TestKey::p256("second").sign(&good),
        "opaque".to_owned(),
    ] {
        let answer = world.server.nobody().with_token(&token).get(CATALOGS).await.expect(401);
        assert_eq!(answer.error(), NOT_VALID, "{token}");
    }
    let _ = world.root().get(CATALOGS).await.expect(200);
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_time_and_with_its_key() {
    let world = World::new(EXTERNAL, &[]).await;
    let short = world.bearer(&json!({
        "preferred_username": "root",
        "groups": ["PRINCIPAL_ROLE:ALL"],
        "exp": world.clock.now_s() + 60,
    }));
    let long = world.root();
    let _ = short.get(CATALOGS).await.expect(200);
    let _ = long.get(CATALOGS).await.expect(200);

    world.clock.advance_s(60);
    let _ = short.get(CATALOGS).await.expect(401);

    // A new key is accepted at once, and the one before until the keys are looked up again.
    let new = TestKey::rsa("second");
    world.issuer.publish(&[&new]);
    let claims = world.claims(&json!({
        "preferred_username": "root",
        "groups": ["PRINCIPAL_ROLE:ALL"],
    }));
    let renewed = world.server.nobody().with_token(&new.sign(&claims));
    let _ = renewed.get(CATALOGS).await.expect(200);
    world.clock.advance_s(600);
    let _ = long.get(CATALOGS).await.expect(401);
    let _ = renewed.get(CATALOGS).await.expect(200);
}

#[tokio::test]
async fn a_provider_that_is_away_keeps_no_server_from_starting_and_is_503_until_it_is_back() {
    let world = World::new(EXTERNAL, &[]).await;
    world.issuer.set_down(true);
    let root = world.root();

    let answer = root.get(CATALOGS).await.expect(503);
    assert_eq!(
        answer.error(),
        "503 ServiceUnavailableException: the keys of the identity provider cannot be had at the \
         moment, so that its tokens cannot be verified"
    );
    // The rest of the server goes on.
    let _ = world.server.send_to_management("/q/health/ready").await.expect(200);
    let _ = world.server.nobody().get(CATALOGS).await.expect(401);

    world.issuer.set_down(false);
    world.clock.advance_s(5);
    let _ = root.get(CATALOGS).await.expect(200);
    world.issuer.set_down(true);
    world.clock.advance_s(1200);
    let _ = root.get(CATALOGS).await.expect(200);
}

#[tokio::test]
async fn two_realms_have_two_providers_and_a_third_has_none() {
    let (one, two) = (TestIssuer::start().await, TestIssuer::start().await);
    let (key_of_one, key_of_two) = (TestKey::p256("k"), TestKey::ed25519("k"));
    one.publish(&[&key_of_one]);
    two.publish(&[&key_of_two]);
    // One of them is away: that is no matter to the rest.
    two.set_down(true);
    let names = ["one", "two", "own"].map(|name| format!("{name}-{}", uuid::Uuid::new_v4()));
    let [of_one, of_two, own] = &names;
    let credentials = names.each_ref().map(|name| format!("{name},root,s3cr3t")).join(";");
    let own_type = format!("polaris.authentication.{own}.type");
    let urls = [of_one, of_two].map(|realm| format!("quarkus.oidc.{realm}.auth-server-url"));
    let settings = [
        ("polaris.realm-context.realms", &names.join(",")[..]),
        ("polaris.bootstrap.credentials", &credentials),
        EXTERNAL,
        (&own_type, "internal"),
        (&urls[0], &one.url),
        (&urls[1], &two.url),
        ("quarkus.oidc.client-id", "merak"),
        ("polaris.oidc.principal-mapper.name-claim-path", "sub"),
    ];
    let clock = TestClock::new();
    let server = TestServer::start_at(of_one, &settings, Arc::new(clock.clone())).await;
    let token = |issuer: &TestIssuer, key: &TestKey| {
        let mut claims = issuer.claims(clock.now_s(), "merak");
        claims["sub"] = json!("root");
        claims["groups"] = json!(["PRINCIPAL_ROLE:ALL"]);
        key.sign(&claims)
    };
    let (token_of_one, token_of_two) = (token(&one, &key_of_one), token(&two, &key_of_two));
    let get = async |realm: &str, token: &str| {
        let bearer = server.nobody().with_header("Polaris-Realm", realm).with_token(token);
        bearer.get(CATALOGS).await.status.as_u16()
    };

    assert_eq!(get(of_one, &token_of_one).await, 200);
    assert_eq!(get(of_two, &token_of_two).await, 503);
    assert_eq!(get(of_one, &token_of_two).await, 401);
    two.set_down(false);
    clock.advance_s(5);
    assert_eq!(get(of_two, &token_of_two).await, 200);
    assert_eq!(get(of_two, &token_of_one).await, 401);
    assert_eq!(get(own, &token_of_one).await, 401);

    let own = server.nobody().with_header("Polaris-Realm", own);
    let ours = own.post_form(FORM).await.expect(200).json();
    let ours = ours["access_token"].as_str().expect("a token");
    let _ = own.with_token(ours).get(CATALOGS).await.expect(200);
    assert_eq!(get(of_one, ours).await, 401);
}
