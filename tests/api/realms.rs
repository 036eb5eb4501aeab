//! Realms: tenants that know nothing of each other.

use merak_tests::{Identity, TestServer};
use serde_json::json;

const REALM_REFUSED: &str = "404 MissingOrInvalidRealm: Missing or invalid realm";
const CONFIG: &str = "/api/catalog/v1/config?warehouse=lake";
const FORM: &str = "grant_type=client_credentials&client_id=root&client_secret=s3cr3t\
                    &scope=PRINCIPAL_ROLE:ALL";

/// A server of two realms, the first of which is the default one.
pub(crate) async fn two_realms(settings: &[(&str, &str)]) -> (TestServer, String, String) {
    let [first, second] =
        ["first", "second"].map(|name| format!("{name}-{}", uuid::Uuid::new_v4()));
    let realms = format!("{first},{second}");
    let credentials = format!("{first},root,s3cr3t;{second},root,s3cr3t");
    let mut all = vec![
        ("polaris.realm-context.realms", realms.as_str()),
        ("polaris.bootstrap.credentials", credentials.as_str()),
    ];
    all.extend(settings);
    let server = TestServer::start_with(&all).await;
    (server, first, second)
}

/// A realm's root principal.
pub(crate) async fn root_of<'a>(server: &'a TestServer, realm: &str) -> Identity<'a> {
    let anybody = server.nobody().with_header("Polaris-Realm", realm);
    let token = anybody.post_form(FORM).await.expect(200).json();
    anybody.with_token(token["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn a_request_that_names_no_realm_is_for_the_first() {
    let (server, first, second) = two_realms(&[]).await;
    server.create_catalog("lake").await;

    let _ = server.root().await.get(CONFIG).await.expect(200);
    let _ = root_of(&server, &first).await.get(CONFIG).await.expect(200);
    let _ = root_of(&server, &second).await.get(CONFIG).await.expect(404);
}

#[tokio::test]
async fn an_unknown_realm_is_not_found_whoever_asks_and_whatever_for() {
    let (server, first, _) = two_realms(&[]).await;
    let root = server.root().await;

    for realm in ["nowhere", "", " ", &first.to_uppercase(), &format!("{first},{first}")] {
        let stranger = server.nobody().with_header("Polaris-Realm", realm);
        assert_eq!(stranger.get(CONFIG).await.expect(404).error(), REALM_REFUSED, "{realm:?}");
        assert_eq!(stranger.post_form(FORM).await.expect(404).error(), REALM_REFUSED);
        let lost = root.with_header("Polaris-Realm", realm);
        assert_eq!(lost.get(CONFIG).await.expect(404).error(), REALM_REFUSED, "{realm:?}");
    }
}

#[tokio::test]
async fn the_name_of_the_realm_header_is_read_in_any_case() {
    let (server, _, second) = two_realms(&[]).await;

    let token = server.nobody().with_header("POLARIS-realm", &second).post_form(FORM).await;
    let token = token.expect(200).json();
    let root = server.nobody().with_token(token["access_token"].as_str().unwrap());

    let list = "/api/management/v1/catalogs";
    let _ = root.with_header("polaris-realm", &second).get(list).await.expect(200);
    let _ = root.get(list).await.expect(401);
}

#[tokio::test]
async fn where_the_header_is_required_a_request_without_is_not_found() {
    let settings = [("polaris.realm-context.require-header", "true")];
    let (server, first, _) = two_realms(&settings).await;

    assert_eq!(server.nobody().get(CONFIG).await.expect(404).error(), REALM_REFUSED);
    assert_eq!(server.nobody().post_form(FORM).await.expect(404).error(), REALM_REFUSED);
    let named = server.nobody().with_header("Polaris-Realm", &first);
    let _ = named.get(CONFIG).await.expect(401);
    let _ = named.post_form(FORM).await.expect(200);
}

#[tokio::test]
async fn the_header_has_the_name_that_is_configured() {
    let settings = [("polaris.realm-context.header-name", "X-Tenant")];
    let (server, _, second) = two_realms(&settings).await;

    let tenant = server.nobody().with_header("X-Tenant", &second);
    let token = tenant.post_form(FORM).await.expect(200).json();
    let root = tenant.with_token(token["access_token"].as_str().unwrap());
    let _ = root.get("/api/management/v1/catalogs").await.expect(200);

    let _ = server.nobody().with_header("X-Tenant", "nowhere").get(CONFIG).await.expect(404);
    let _ = server.nobody().with_header("Polaris-Realm", "nowhere").get(CONFIG).await.expect(401);
}

#[tokio::test]
async fn catalogs_of_one_name_in_two_realms_are_apart() {
    let (server, first, second) = two_realms(&[]).await;
    let (one, two) = (root_of(&server, &first).await, root_of(&server, &second).await);
    let catalog = |comment: &str| {
        json!({
            "name": "lake",
            "properties": {"default-base-location": server.location("lake"), "comment": comment},
            "storageConfigInfo": {"storageType": "FILE"},
        })
    };

    // Neither the name nor the location is taken.
    let _ = one.post("/api/management/v1/catalogs", catalog("one")).await.expect(201);
    let _ = two.post("/api/management/v1/catalogs", catalog("two")).await.expect(201);
    let namespaces = "/api/catalog/v1/lake/namespaces";
    let _ = one.post(namespaces, json!({"namespace": ["sales"]})).await.expect(200);

    assert_eq!(two.get(namespaces).await.expect(200).json()["namespaces"], json!([]));
    let _ = two.get(&format!("{namespaces}/sales")).await.expect(404);
    let _ = two.delete("/api/management/v1/catalogs/lake").await.expect(204);
    let shown = one.get("/api/management/v1/catalogs/lake").await.expect(200).json();
    assert_eq!(shown["properties"]["comment"], "one");
}

#[tokio::test]
async fn a_root_of_one_realm_with_another_secret_is_nobody_in_the_other() {
    let [one, two] = ["one", "two"].map(|name| format!("{name}-{}", uuid::Uuid::new_v4()));
    let server = TestServer::start_with(&[
        ("polaris.realm-context.realms", &format!("{one},{two}")),
        ("polaris.bootstrap.credentials", &format!("{one},root,s3cr3t;{two},root,other")),
    ])
    .await;

    let _ = server.nobody().post_form(FORM).await.expect(200);
    let _ = server.nobody().with_header("Polaris-Realm", &two).post_form(FORM).await.expect(401);
}
