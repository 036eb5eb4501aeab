//! A principal gives itself a new secret.

use axum::http::Method;
use merak_tests::TestServer;
use serde_json::json;

use super::{is_lower_hex, route, shown};
use crate::access::{Credentials, assign, create_principal};

fn rotation(name: &str) -> String {
    format!("{}/rotate", route(name))
}

#[tokio::test]
async fn rotating_answers_a_new_secret_for_the_same_client() {
    let server = TestServer::start().await;
    let first = create_principal(&server.root().await, "ana").await;
    let before = shown(&server, "ana").await;
    let ana = first.log_in(&server).await;

    let answer = ana.post(&rotation("ana"), json!({})).await.expect(200);

    let second = Credentials::of(&answer);
    assert_eq!(second.id, first.id);
    assert!(is_lower_hex(&second.secret, 32), "{}", second.secret);
    assert_ne!(second.secret, first.secret);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // What the client says of itself is as it was, the version too.
    assert_eq!(answer.json()["principal"], before);
    assert_eq!(shown(&server, "ana").await, before);
}

#[tokio::test]
async fn the_secret_before_is_good_until_the_next_rotation() {
    let server = TestServer::start().await;
    let first = create_principal(&server.root().await, "ana").await;
    let ana = first.log_in(&server).await;

    let second = Credentials::of(&ana.post(&rotation("ana"), json!({})).await.expect(200));
    assert!(first.are_good(&server).await);
    assert!(second.are_good(&server).await);

    let third = Credentials::of(&ana.post(&rotation("ana"), json!({})).await.expect(200));
    assert!(!first.are_good(&server).await);
    assert!(second.are_good(&server).await);
    assert!(third.are_good(&server).await);
}

#[tokio::test]
async fn a_rotation_needs_no_body() {
    let server = TestServer::start().await;
    let first = create_principal(&server.root().await, "ana").await;
    let ana = first.log_in(&server).await;

    // Clients send an empty body and say that it is JSON.
    for body in ["", " ", "{}", "null"] {
        let body = body.as_bytes().to_vec();
        let answer = ana.send_bytes(Method::POST, &rotation("ana"), body).await.expect(200);
        assert!(Credentials::of(&answer).are_good(&server).await);
    }
}

#[tokio::test]
async fn nobody_rotates_the_secret_of_another() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let first = create_principal(&root, "ana").await;
    let bob = create_principal(&root, "bob").await.log_in(&server).await;
    let admin = create_principal(&root, "admin").await.log_in(&server).await;
    assign(&root, "service_admin", "admin").await;

    for (who, name, roles) in
        [(&root, "root", "service_admin"), (&admin, "admin", "service_admin"), (&bob, "bob", "")]
    {
        assert_eq!(
            who.post(&rotation("ana"), json!({})).await.expect(403).error(),
            format!(
                "403 ForbiddenException: Principal '{name}' with activated PrincipalRoles \
                 '[{roles}]' and activated grants via '[{roles}]' is not authorized for op \
                 ROTATE_CREDENTIALS"
            )
        );
    }
    assert!(first.are_good(&server).await);
}

#[tokio::test]
async fn the_root_principal_rotates_its_own_secret() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let answer = root.post(&rotation("root"), json!({})).await.expect(200);

    let second = Credentials::of(&answer);
    assert_eq!(second.id, "root");
    assert!(second.are_good(&server).await);
    assert!(Credentials::new("root", "s3cr3t").are_good(&server).await);
}

#[tokio::test]
async fn a_principal_that_is_missing_is_told_by_its_name() {
    let server = TestServer::start().await;
    let root = server.root().await;

    assert_eq!(
        root.post(&rotation("nobody"), json!({})).await.expect(404).error(),
        "404 NotFoundException: TopLevelEntity of type PRINCIPAL does not exist: nobody"
    );
}

#[tokio::test]
async fn of_two_rotations_that_begin_at_once_one_is_made() {
    let server = TestServer::start().await;
    let first = create_principal(&server.root().await, "ana").await;
    let ana = first.log_in(&server).await;
    let path = rotation("ana");
    // Those of which one is the newest.
    let mut before = vec![first];

    // Where one ends before the other begins, there are two. Mostly they meet.
    for _ in 0..50 {
        let (one, two) = tokio::join!(ana.post(&path, json!({})), ana.post(&path, json!({})));
        if one.status == 200 && two.status == 200 {
            let (one, two) = (Credentials::of(&one), Credentials::of(&two));
            assert!(one.are_good(&server).await);
            assert!(two.are_good(&server).await);
            before = vec![one, two];
            continue;
        }
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        let won = Credentials::of(&won.expect(200));
        assert_eq!(
            lost.expect(409).error(),
            "409 CommitConflictException: Concurrent modification on Principal 'ana'; retry later"
        );
        assert!(won.are_good(&server).await);
        let mut still_good = 0;
        for credentials in &before {
            still_good += u32::from(credentials.are_good(&server).await);
        }
        assert_eq!(still_good, 1, "the one before is good, and no other");
        return;
    }
    panic!("no two rotations met");
}
