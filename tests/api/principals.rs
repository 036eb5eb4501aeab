//! Principals in the management API. What they have in common with roles is in `access`.

mod reset;
mod rotation;
mod unrotated;

use merak_tests::TestServer;
use serde_json::{Value, json};

use crate::access::{
    Credentials, PRINCIPALS, assign, create_principal, create_principal_role, encode, names,
};

const NOT_THERE: &str = "401 NotAuthorizedException: The principal of this token does not exist";

fn is_lower_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The route of one of them.
fn route(name: &str) -> String {
    format!("{PRINCIPALS}/{}", encode(name))
}

/// What the server shows of one of them.
async fn shown(server: &TestServer, name: &str) -> Value {
    server.root().await.get(&route(name)).await.expect(200).json()
}

#[tokio::test]
async fn a_principal_gets_credentials_that_get_a_token() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let made = root.post(PRINCIPALS, json!({"name": "ana"})).await.expect(201);

    let credentials = Credentials::of(&made);
    assert!(is_lower_hex(&credentials.id, 16), "{}", credentials.id);
    assert!(is_lower_hex(&credentials.secret, 32), "{}", credentials.secret);
    let body = made.json();
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["principal", "credentials"]);
    assert_eq!(body["credentials"].as_object().map(|members| members.len()), Some(2));
    assert_eq!(body["principal"]["clientId"], *credentials.id);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert!(credentials.are_good(&server).await);
}

#[tokio::test]
async fn no_two_principals_get_the_same_credentials() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let (ana, bob) = (create_principal(&root, "ana").await, create_principal(&root, "bob").await);

    assert_ne!(ana.id, bob.id);
    assert_ne!(ana.secret, bob.secret);
    assert!(!Credentials::new(&ana.id, &bob.secret).are_good(&server).await);
}

#[tokio::test]
async fn a_client_id_that_is_sent_is_ignored() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for (name, id) in [("a", json!("root")), ("b", json!("chosen")), ("c", json!(7))] {
        let body = json!({"principal": {"name": name, "clientId": id, "clientSecret": "chosen"}});
        let made = root.post(PRINCIPALS, body).await.expect(201);
        let credentials = Credentials::of(&made);
        assert!(is_lower_hex(&credentials.id, 16), "{}", made.text());
        assert!(is_lower_hex(&credentials.secret, 32), "{}", made.text());
    }
    assert!(Credentials::new("root", "s3cr3t").are_good(&server).await);
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await;

    let update = json!({"currentEntityVersion": 1, "properties": {"a": "b"}});
    for later in [
        root.get(PRINCIPALS).await,
        root.get(&route("ana")).await,
        root.put(&route("ana"), update).await,
    ] {
        let later = later.expect(200).text();
        assert!(later.contains(&ana.id), "{later}");
        assert!(!later.contains(&ana.secret), "{later}");
        assert!(!later.to_lowercase().contains("secret"), "{later}");
        assert!(!later.to_lowercase().contains("hash"), "{later}");
    }
}

#[tokio::test]
async fn a_new_principal_has_no_roles_and_may_do_nothing() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await.log_in(&server).await;

    let roles = root.get(&format!("{}/principal-roles", route("ana"))).await.expect(200);

    assert_eq!(roles.json(), json!({"roles": []}));
    assert_eq!(
        ana.get(&route("ana")).await.expect(403).error(),
        "403 ForbiddenException: Principal 'ana' with activated PrincipalRoles '[]' and activated \
         grants via '[]' is not authorized for op GET_PRINCIPAL"
    );
}

#[tokio::test]
async fn whoever_gets_service_admin_manages_principals_from_the_next_request_on() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await.log_in(&server).await;
    let _ = ana.get(PRINCIPALS).await.expect(403);

    assign(&root, "service_admin", "ana").await;

    assert_eq!(names(&ana.get(PRINCIPALS).await.expect(200), "principals"), ["ana", "root"]);
    let _ = create_principal(&ana, "bob").await;
    let path = format!("{}/principal-roles/service_admin", route("ana"));
    let _ = ana.delete(&path).await.expect(204);
    let _ = ana.get(PRINCIPALS).await.expect(403);
}

#[tokio::test]
async fn the_tokens_and_credentials_of_a_principal_end_with_it() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let credentials = create_principal(&root, "ana").await;
    let ana = credentials.log_in(&server).await;
    let _ = ana.get(PRINCIPALS).await.expect(403);

    let _ = root.delete(&route("ana")).await.expect(204);

    assert_eq!(ana.get(PRINCIPALS).await.expect(401).error(), NOT_THERE);
    assert!(!credentials.are_good(&server).await);
}

#[tokio::test]
async fn the_client_id_of_a_principal_that_is_deleted_is_free() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await;
    let _ = create_principal(&root, "bob").await;
    let take = async || {
        let body = json!({"clientId": ana.id, "clientSecret": "another"});
        root.post(&format!("{}/reset", route("bob")), body).await
    };
    let _ = take().await.expect(409);

    let _ = root.delete(&route("ana")).await.expect(204);

    let _ = take().await.expect(200);
    assert!(Credentials::new(&ana.id, "another").are_good(&server).await);
    assert!(!ana.are_good(&server).await);
}

#[tokio::test]
async fn a_principal_made_anew_is_not_the_one_before() {
    let server = TestServer::start().await;
    let root = server.root().await;
    create_principal_role(&root, "analyst").await;
    let before = create_principal(&root, "ana").await;
    assign(&root, "analyst", "ana").await;
    let ana = before.log_in(&server).await;

    let _ = root.delete(&route("ana")).await.expect(204);
    let after = create_principal(&root, "ana").await;

    assert_eq!(ana.get(PRINCIPALS).await.expect(401).error(), NOT_THERE);
    assert!(!before.are_good(&server).await);
    assert!(after.are_good(&server).await);
    let roles = root.get(&format!("{}/principal-roles", route("ana"))).await.expect(200);
    assert_eq!(roles.json(), json!({"roles": []}));
}

#[tokio::test]
async fn the_root_principal_is_not_deleted() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await.log_in(&server).await;
    assign(&root, "service_admin", "ana").await;

    for who in [&root, &ana] {
        assert_eq!(
            who.delete(&route("root")).await.expect(400).error(),
            "400 BadRequestException: Root principal cannot be dropped"
        );
    }
    assert_eq!(names(&root.get(PRINCIPALS).await.expect(200), "principals"), ["ana", "root"]);
}

#[tokio::test]
async fn who_deletes_itself_is_gone() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await.log_in(&server).await;
    assign(&root, "service_admin", "ana").await;

    let _ = ana.delete(&route("ana")).await.expect(204);

    assert_eq!(ana.get(PRINCIPALS).await.expect(401).error(), NOT_THERE);
    assert_eq!(names(&root.get(PRINCIPALS).await.expect(200), "principals"), ["root"]);
}

#[tokio::test]
async fn a_federated_principal_is_its_identity_providers_to_change() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = server.federated_principal("ana").await;
    create_principal_role(&root, "analyst").await;
    let before = shown(&server, "ana").await;
    let roles = format!("{}/principal-roles", route("ana"));
    let update = json!({"currentEntityVersion": 1, "properties": {"a": "b"}});
    let empty = json!({});

    for (answer, told) in [
        (root.put(&route("ana"), update).await, "Cannot update a federated principal: ana"),
        (
            ana.post(&format!("{}/rotate", route("ana")), empty.clone()).await,
            "Cannot rotate/reset credentials for a federated principal: ana",
        ),
        (
            root.post(&format!("{}/reset", route("ana")), empty).await,
            "Cannot reset credentials for a federated principal: ana",
        ),
        (
            root.put(&roles, json!({"name": "analyst"})).await,
            "Cannot assign a role to a federated principal",
        ),
        (
            root.delete(&format!("{roles}/ana")).await,
            "Cannot revoke a role from a federated principal",
        ),
    ] {
        assert_eq!(answer.expect(400).error(), format!("400 ValidationException: {told}"));
    }
    assert_eq!(shown(&server, "ana").await, before);
    assert_eq!(names(&root.get(&roles).await.expect(200), "roles"), ["ana"]);
}

#[tokio::test]
async fn a_federated_principal_is_listed_and_may_be_deleted() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = server.federated_principal("ana").await;

    assert_eq!(names(&root.get(PRINCIPALS).await.expect(200), "principals"), ["ana", "root"]);
    let _ = root.delete(&route("ana")).await.expect(204);

    assert_eq!(ana.get(PRINCIPALS).await.expect(401).error(), NOT_THERE);
    assert_eq!(names(&root.get(PRINCIPALS).await.expect(200), "principals"), ["root"]);
}
