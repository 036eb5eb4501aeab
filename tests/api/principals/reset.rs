//! The root principal replaces the credentials of another.

use axum::http::Method;
use merak_tests::{Response, TestServer};
use serde_json::{Value, json};

use super::{is_lower_hex, route, shown};
use crate::access::{Credentials, assign, create_principal};

fn resetting(name: &str) -> String {
    format!("{}/reset", route(name))
}

/// Resets the credentials of `ana`, as root.
async fn reset(server: &TestServer, body: Value) -> Response {
    server.root().await.post(&resetting("ana"), body).await
}

/// A principal `ana` with two secrets, the older one first.
async fn rotated(server: &TestServer) -> [Credentials; 2] {
    let first = create_principal(&server.root().await, "ana").await;
    let ana = first.log_in(server).await;
    let second = ana.post(&format!("{}/rotate", route("ana")), json!({})).await.expect(200);
    [first, Credentials::of(&second)]
}

#[tokio::test]
async fn both_secrets_before_end_at_once() {
    let server = TestServer::start().await;
    let before = rotated(&server).await;

    let answer = reset(&server, json!({})).await.expect(200);

    let after = Credentials::of(&answer);
    assert!(after.are_good(&server).await);
    for ended in &before {
        assert!(!ended.are_good(&server).await);
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn without_wishes_the_client_id_stays_and_the_secret_is_made_up() {
    let server = TestServer::start().await;
    let before = create_principal(&server.root().await, "ana").await;
    let entity = shown(&server, "ana").await;
    let root = server.root().await;

    // Clients send an empty body and say that it is JSON.
    for body in ["", " \n", "null", "{}", "{\"clientId\": null, \"clientSecret\": null}"] {
        let body = body.as_bytes().to_vec();
        let answer = root.send_bytes(Method::POST, &resetting("ana"), body).await.expect(200);
        let after = Credentials::of(&answer);
        assert_eq!(after.id, before.id);
        assert!(is_lower_hex(&after.secret, 32), "{}", after.secret);
        assert_ne!(after.secret, before.secret);
        assert!(after.are_good(&server).await);
        // The principal itself did not change.
        assert_eq!(answer.json()["principal"], entity);
    }
    assert_eq!(shown(&server, "ana").await, entity);
}

#[tokio::test]
async fn a_client_id_and_a_secret_may_be_chosen() {
    let server = TestServer::start().await;
    let before = create_principal(&server.root().await, "ana").await;
    let entity = shown(&server, "ana").await;

    let body = json!({"clientId": "ana@example.org", "clientSecret": "chosen secret"});
    let answer = reset(&server, body).await.expect(200);

    let after = Credentials::of(&answer);
    assert_eq!(after, Credentials::new("ana@example.org", "chosen secret"));
    assert!(after.are_good(&server).await);
    assert!(!before.are_good(&server).await);
    let now = shown(&server, "ana").await;
    assert_eq!(answer.json()["principal"], now);
    assert_eq!(now["clientId"], "ana@example.org");
    assert_eq!(now["entityVersion"], 2);
    assert_eq!(now["createTimestamp"], entity["createTimestamp"]);
}

#[tokio::test]
async fn a_client_id_may_be_chosen_alone() {
    let server = TestServer::start().await;
    let _ = create_principal(&server.root().await, "ana").await;

    let after = Credentials::of(&reset(&server, json!({"clientId": "ana"})).await.expect(200));

    assert_eq!(after.id, "ana");
    assert!(is_lower_hex(&after.secret, 32), "{}", after.secret);
    assert!(after.are_good(&server).await);
}

#[tokio::test]
async fn a_secret_may_be_chosen_alone() {
    let server = TestServer::start().await;
    let before = create_principal(&server.root().await, "ana").await;

    let answer = reset(&server, json!({"clientSecret": "chosen"})).await.expect(200);

    let after = Credentials::of(&answer);
    assert_eq!(after, Credentials::new(&before.id, "chosen"));
    assert!(after.are_good(&server).await);
    assert_eq!(answer.json()["principal"]["entityVersion"], 1);
}

#[tokio::test]
async fn a_client_id_of_its_own_may_be_chosen_again() {
    let server = TestServer::start().await;
    let before = create_principal(&server.root().await, "ana").await;

    let after = Credentials::of(&reset(&server, json!({"clientId": before.id})).await.expect(200));

    assert_eq!(after.id, before.id);
    assert!(after.are_good(&server).await);
    assert!(!before.are_good(&server).await);
}

#[tokio::test]
async fn a_client_id_that_another_has_is_refused() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await;
    let bob = create_principal(&root, "bob").await;
    let before = shown(&server, "ana").await;

    for taken in [bob.id.as_str(), "root"] {
        let body = json!({"clientId": taken, "clientSecret": "chosen"});
        assert_eq!(
            reset(&server, body).await.expect(409).error(),
            format!("409 AlreadyExistsException: Client ID already in use: {taken}")
        );
        assert!(!Credentials::new(taken, "chosen").are_good(&server).await);
    }
    assert_eq!(shown(&server, "ana").await, before);
    assert!(ana.are_good(&server).await);
    assert!(bob.are_good(&server).await);
}

#[tokio::test]
async fn a_client_id_that_was_given_up_is_free() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await;
    let _ = create_principal(&root, "bob").await;
    let _ = reset(&server, json!({"clientId": "another"})).await.expect(200);

    let answer = root.post(&resetting("bob"), json!({"clientId": ana.id})).await.expect(200);

    assert!(Credentials::of(&answer).are_good(&server).await);
    assert!(!ana.are_good(&server).await);
}

#[tokio::test]
async fn what_is_chosen_has_between_1_and_256_characters() {
    let server = TestServer::start().await;
    let before = create_principal(&server.root().await, "ana").await;
    let entity = shown(&server, "ana").await;
    let long = "ö".repeat(257);

    for bad in ["", long.as_str(), "a\nb", "a\0", "\u{7f}", "a\u{85}"] {
        for member in ["clientId", "clientSecret"] {
            assert_eq!(
                reset(&server, json!({member: bad})).await.expect(400).error(),
                format!(
                    "400 ConstraintViolationException: Invalid value: resetCredentials.arg1.\
                     {member}: must have between 1 and 256 characters, and no control characters"
                ),
                "{bad:?}"
            );
        }
    }
    assert_eq!(shown(&server, "ana").await, entity);
    assert!(before.are_good(&server).await);

    let long = "ö".repeat(256);
    for good in [long.as_str(), "x", " ", ":", "a b", "&=+%", "数据", "\"\\"] {
        let body = json!({"clientId": good, "clientSecret": good});
        let after = Credentials::of(&reset(&server, body).await.expect(200));
        assert_eq!(after, Credentials::new(good, good));
        assert!(after.are_good(&server).await, "{good}");
    }
}

#[tokio::test]
async fn what_is_chosen_must_be_texts_in_an_object() {
    let server = TestServer::start().await;
    let before = create_principal(&server.root().await, "ana").await;
    let start = "400 ConstraintViolationException: Invalid value: resetCredentials.arg1";

    for body in [json!([]), json!("x"), json!(7)] {
        let error = reset(&server, body).await.expect(400).error();
        assert_eq!(error, format!("{start}: must be an object"));
    }
    for other in [json!(7), json!(true), json!(["x"]), json!({})] {
        for member in ["clientId", "clientSecret"] {
            let error = reset(&server, json!({member: other})).await.expect(400).error();
            assert_eq!(error, format!("{start}.{member}: must be a text"));
        }
    }
    let body = b"{".to_vec();
    let answer = server.root().await.send_bytes(Method::POST, &resetting("ana"), body).await;
    assert!(answer.expect(400).error().starts_with("400 JsonParseException: Invalid JSON: "));
    assert!(before.are_good(&server).await);
}

#[tokio::test]
async fn nobody_but_the_root_principal_resets_credentials() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let credentials = create_principal(&root, "ana").await;
    let ana = credentials.log_in(&server).await;
    let bob = create_principal(&root, "bob").await.log_in(&server).await;
    let admin = create_principal(&root, "admin").await.log_in(&server).await;
    assign(&root, "service_admin", "admin").await;

    for who in [&ana, &bob, &admin] {
        for target in ["ana", "root", "admin"] {
            assert_eq!(
                who.post(&resetting(target), json!({})).await.expect(403).error(),
                "403 ForbiddenException: Only Root principal(service-admin) can perform \
                 RESET_CREDENTIALS"
            );
        }
    }
    assert!(credentials.are_good(&server).await);
}

#[tokio::test]
async fn the_root_principal_needs_no_role_to_reset_credentials() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let before = create_principal(&root, "ana").await;
    let path = format!("{}/principal-roles/service_admin", route("root"));
    let _ = root.delete(&path).await.expect(204);
    let _ = root.get(&route("ana")).await.expect(403);

    let answer = root.post(&resetting("ana"), json!({})).await.expect(200);

    assert!(Credentials::of(&answer).are_good(&server).await);
    assert!(!before.are_good(&server).await);
}

#[tokio::test]
async fn the_root_principal_resets_its_own_credentials() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let answer = root.post(&resetting("root"), json!({"clientId": "admin"})).await.expect(200);

    let after = Credentials::of(&answer);
    assert_eq!(after.id, "admin");
    assert!(!Credentials::new("root", "s3cr3t").are_good(&server).await);
    // It is the name that counts, and not the client id.
    let root = after.log_in(&server).await;
    let _ = root.post(&resetting("root"), json!({})).await.expect(200);
}

#[tokio::test]
async fn a_principal_that_is_missing_is_told_by_its_name() {
    let server = TestServer::start().await;

    assert_eq!(
        reset(&server, json!({})).await.expect(404).error(),
        "404 NotFoundException: TopLevelEntity of type PRINCIPAL does not exist: ana"
    );
}

#[tokio::test]
async fn resetting_may_be_switched_off() {
    let flag = "polaris.features.\"ENABLE_CREDENTIAL_RESET\"";
    let server = TestServer::start_with(&[(flag, "false")]).await;
    let before = create_principal(&server.root().await, "ana").await;

    assert_eq!(
        reset(&server, json!({})).await.expect(406).error(),
        "406 UnsupportedOperationException: Feature not enabled: ENABLE_CREDENTIAL_RESET"
    );
    assert!(before.are_good(&server).await);
    // Rotating is not.
    let ana = before.log_in(&server).await;
    let _ = ana.post(&format!("{}/rotate", route("ana")), json!({})).await.expect(200);
}

#[tokio::test]
async fn of_two_resets_that_begin_at_once_one_is_made() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let before = create_principal(&root, "ana").await;
    let path = resetting("ana");

    // Where one ends before the other begins, the later one counts. Mostly they meet.
    for _ in 0..50 {
        let (one, two) = tokio::join!(
            root.post(&path, json!({"clientSecret": "one"})),
            root.post(&path, json!({"clientSecret": "two"})),
        );
        let is_good = [
            Credentials::new(&before.id, "one").are_good(&server).await,
            Credentials::new(&before.id, "two").are_good(&server).await,
        ];
        if one.status == 200 && two.status == 200 {
            assert_ne!(is_good[0], is_good[1]);
            continue;
        }
        assert_eq!(is_good, [one.status == 200, two.status == 200]);
        let lost = if one.status == 200 { two } else { one };
        assert_eq!(
            lost.expect(409).error(),
            "409 CommitConflictException: Concurrent modification on Principal 'ana'; retry later"
        );
        assert!(!before.are_good(&server).await);
        return;
    }
    panic!("no two resets met");
}
