//! Two realms with equal names on one store: nothing of one is anything in the other.

use merak_tests::{Identity, TestServer};
use serde_json::{Value, json};

use super::scopes::exchange;
use super::{
    ALL, Credentials, MANAGEMENT, NAMESPACES, ask, assert_refused, assign, catalog, catalog_role,
    encode, enroll, grants_of, namespace, on_catalog, principal, principal_role, roles_of, token,
};
use crate::fixtures::text;
use crate::realms::{root_of, two_realms};

/// A realm in which there are the catalog `lake` with the namespace `sales`, and ana with a role of
/// her name in it, which holds `grants`.
struct Realm<'a> {
    name: String,
    root: Identity<'a>,
    ana: Credentials,
}

impl<'a> Realm<'a> {
    async fn furnish(server: &'a TestServer, name: &str, grants: &[Value]) -> Self {
        let root = root_of(server, name).await;
        let body = json!({
            "name": "lake",
            "properties": {"default-base-location": server.location(name)},
            "storageConfigInfo": {"storageType": "FILE"},
        });
        let _ = root.post(&format!("{MANAGEMENT}/catalogs"), body).await.expect(201);
        let _ = root.post(NAMESPACES, json!({"namespace": ["sales"]})).await.expect(200);
        let ana = enroll(&root, "ana", grants).await;
        Self { name: name.to_owned(), root, ana }
    }

    fn anybody(&self, server: &'a TestServer) -> Identity<'a> {
        server.nobody().with_header("Polaris-Realm", &self.name)
    }

    async fn ana(&self, server: &'a TestServer) -> Identity<'a> {
        let anybody = self.anybody(server);
        anybody.with_token(&token(&anybody, &self.ana, ALL).await)
    }
}

fn content() -> [Value; 1] {
    [on_catalog("CATALOG_MANAGE_CONTENT")]
}

#[tokio::test]
async fn a_token_of_one_realm_is_none_in_the_other_before_and_after_it_was_seen() {
    let (server, first, second) = two_realms(&[]).await;
    let one = Realm::furnish(&server, &first, &content()).await;
    let two = Realm::furnish(&server, &second, &content()).await;
    let sales = namespace("lake", "sales");

    for (home, abroad) in [(&one, &two), (&two, &one)] {
        let ana = home.ana(&server).await;
        let astray = ana.with_header("Polaris-Realm", &abroad.name);
        let _ = astray.get(&sales).await.expect(401);
        let _ = ana.get(&sales).await.expect(200);
        let _ = astray.get(&sales).await.expect(401);
        let _ = abroad.ana(&server).await.get(&sales).await.expect(200);
        let _ = astray.get(&sales).await.expect(401);
        let _ = ana.get(&sales).await.expect(200);
        let root = home.root.with_header("Polaris-Realm", &abroad.name);
        let _ = root.get(&catalog("lake")).await.expect(401);
        let _ = root.put(&roles_of("ana"), json!({"name": "service_admin"})).await.expect(401);
        let _ = root.post(&format!("{}/reset", principal("ana")), json!({})).await.expect(401);
    }
}

#[tokio::test]
async fn neither_credentials_nor_tokens_of_one_realm_get_a_token_in_the_other() {
    let (server, first, second) = two_realms(&[]).await;
    let one = Realm::furnish(&server, &first, &content()).await;
    let two = Realm::furnish(&server, &second, &content()).await;
    let abroad = two.anybody(&server);

    let _ = ask(&abroad, &one.ana, ALL).await.expect(401);
    let stolen = token(&one.anybody(&server), &one.ana, ALL).await;
    let refused = exchange(&abroad.with_token(&stolen), &stolen, None).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_client");
    // Nor does a good token of the realm carry the other's in.
    let own = token(&abroad, &two.ana, ALL).await;
    let _ = exchange(&abroad.with_token(&own), &stolen, None).await.expect(400);
}

#[tokio::test]
async fn grants_in_one_realm_open_nothing_of_the_same_name_in_the_other() {
    let (server, first, second) = two_realms(&[]).await;
    let one = Realm::furnish(&server, &first, &content()).await;
    let two = Realm::furnish(&server, &second, &[]).await;
    let (sales, ana) = (namespace("lake", "sales"), two.ana(&server).await);

    assert_refused(&ana.get(&sales).await);
    assign(&one.root, "ana", "service_admin").await;
    let access = on_catalog("CATALOG_MANAGE_ACCESS");
    let _ = one.root.put(&grants_of("lake", "ana"), access).await.expect(201);

    assert_refused(&ana.get(&sales).await);
    assert_refused(&ana.get(&format!("{MANAGEMENT}/principals")).await);
    assert_refused(&ana.get(&grants_of("lake", "ana")).await);
    let held = two.root.get(&grants_of("lake", "ana")).await.expect(200).json();
    assert_eq!(held["grants"], json!([]));
    let roles = two.root.get(&roles_of("ana")).await.expect(200).json();
    assert_eq!(roles["roles"].as_array().map(Vec::len), Some(1), "{roles}");
}

#[tokio::test]
async fn what_is_dropped_in_one_realm_stays_in_the_other() {
    let (server, first, second) = two_realms(&[]).await;
    let one = Realm::furnish(&server, &first, &content()).await;
    let two = Realm::furnish(&server, &second, &content()).await;
    let (sales, ana) = (namespace("lake", "sales"), two.ana(&server).await);

    for path in [
        sales.clone(),
        catalog_role("lake", "ana"),
        principal_role("ana"),
        principal("ana"),
        catalog("lake"),
    ] {
        let _ = one.root.delete(&path).await.expect(204);
        let _ = ana.get(&sales).await.expect(200);
    }
}

#[tokio::test]
async fn a_client_id_of_one_realm_can_be_had_in_the_other_and_opens_that_alone() {
    let (server, first, second) = two_realms(&[]).await;
    let one = Realm::furnish(&server, &first, &content()).await;
    let two = Realm::furnish(&server, &second, &[]).await;
    let shown = one.root.get(&principal("ana")).await.expect(200).json();

    let wanted = json!({"clientId": text(&shown["clientId"]), "clientSecret": "known"});
    let reset = format!("{}/reset", principal("ana"));
    let theirs = Credentials::of(&two.root.post(&reset, wanted).await.expect(200));

    let (home, abroad) = (two.anybody(&server), one.anybody(&server));
    let ana = home.with_token(&token(&home, &theirs, ALL).await);
    assert_refused(&ana.get(&namespace("lake", "sales")).await);
    let _ = ask(&abroad, &theirs, ALL).await.expect(401);
    let _ = ask(&abroad, &one.ana, ALL).await.expect(200);
}

#[tokio::test]
async fn nothing_of_another_realm_is_found_or_explained() {
    let (server, first, second) = two_realms(&[]).await;
    let one = Realm::furnish(&server, &first, &[]).await;
    let two = Realm::furnish(&server, &second, &[]).await;
    let _ = two
        .root
        .post(&format!("{MANAGEMENT}/principals"), json!({"name": "eve"}))
        .await
        .expect(201);
    let role = json!({"name": "theirs"});
    let _ = two.root.post(&format!("{MANAGEMENT}/principal-roles"), role).await.expect(201);

    for path in [principal("eve"), principal_role("theirs")] {
        let _ = one.root.get(&path).await.expect(404);
        let _ = one.root.delete(&path).await.expect(404);
    }
    let _ = one.root.put(&roles_of("ana"), json!({"name": "theirs"})).await.expect(404);
    let question = "explain?operation=GET_CATALOG&catalog=lake&principal";
    let _ = one.root.get(&format!("{MANAGEMENT}/{question}=eve")).await.expect(404);
    let told = one.root.get(&format!("{MANAGEMENT}/{question}=ana")).await.expect(200).text();
    assert!(!told.contains("theirs") && !told.contains(&encode(&second)), "{told}");
}
