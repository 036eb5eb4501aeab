//! Principals that were told to rotate the credentials they were given. That they may do nothing
//! else is shown for each operation beside the authorization matrix.

use merak_tests::TestServer;
use serde_json::{Value, json};

use super::{route, shown};
use crate::access::{Credentials, PRINCIPALS, assign};

const ENFORCED: (&str, &str) =
    ("polaris.features.\"ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING\"", "true");

const MUST_ROTATE: &str = "403 ForbiddenException: Principal 'ana' is not authorized for op \
                           LIST_PRINCIPALS because it must rotate credentials first";

/// Makes the principal `ana` with that flag, and makes it a service admin.
async fn flagged(server: &TestServer, required: Value) -> Credentials {
    let root = server.root().await;
    let body = json!({"principal": {"name": "ana"}, "credentialRotationRequired": required});
    let credentials = Credentials::of(&root.post(PRINCIPALS, body).await.expect(201));
    assign(&root, "service_admin", "ana").await;
    credentials
}

fn rotation() -> String {
    format!("{}/rotate", route("ana"))
}

#[tokio::test]
async fn where_it_is_enforced_nothing_is_open_but_a_token_and_the_rotation() {
    let server = TestServer::start_with(&[ENFORCED]).await;
    let first = flagged(&server, json!(true)).await;
    let ana = first.log_in(&server).await;

    assert_eq!(ana.get(PRINCIPALS).await.expect(403).error(), MUST_ROTATE);
    let _ = ana.post(&rotation(), json!({})).await.expect(200);

    // The token is as good as a new one.
    let _ = ana.get(PRINCIPALS).await.expect(200);
}

#[tokio::test]
async fn the_rotation_ends_the_secret_that_was_given() {
    for settings in [&[ENFORCED][..], &[]] {
        let server = TestServer::start_with(settings).await;
        let first = flagged(&server, json!(true)).await;
        let ana = first.log_in(&server).await;

        let answer = ana.post(&rotation(), json!({})).await.expect(200);

        let second = Credentials::of(&answer);
        assert_eq!(second.id, first.id);
        assert!(second.are_good(&server).await);
        assert!(!first.are_good(&server).await);
        let now = shown(&server, "ana").await;
        assert_eq!(now["entityVersion"], 2);
        assert_eq!(answer.json()["principal"], now);
    }
}

#[tokio::test]
async fn the_rotation_after_it_is_like_any_other() {
    let server = TestServer::start_with(&[ENFORCED]).await;
    let ana = flagged(&server, json!(true)).await.log_in(&server).await;
    let second = Credentials::of(&ana.post(&rotation(), json!({})).await.expect(200));

    let third = Credentials::of(&ana.post(&rotation(), json!({})).await.expect(200));

    assert!(second.are_good(&server).await);
    assert!(third.are_good(&server).await);
    assert_eq!(shown(&server, "ana").await["entityVersion"], 2);
}

#[tokio::test]
async fn where_it_is_not_enforced_everything_is_open() {
    let server = TestServer::start().await;
    let ana = flagged(&server, json!(true)).await.log_in(&server).await;

    let _ = ana.get(PRINCIPALS).await.expect(200);
}

#[tokio::test]
async fn who_was_not_told_to_rotate_need_not() {
    let server = TestServer::start_with(&[ENFORCED]).await;
    for required in [json!(false), json!(null)] {
        let first = flagged(&server, required).await;
        let ana = first.log_in(&server).await;
        let _ = ana.get(PRINCIPALS).await.expect(200);
        let _ = ana.post(&rotation(), json!({})).await.expect(200);
        assert!(first.are_good(&server).await);
        let _ = ana.delete(&route("ana")).await.expect(204);
    }
}

#[tokio::test]
async fn whether_to_rotate_is_true_or_false() {
    let server = TestServer::start().await;
    let root = server.root().await;
    for other in [json!("true"), json!(1), json!([]), json!({})] {
        let body = json!({"principal": {"name": "ana"}, "credentialRotationRequired": other});
        assert_eq!(
            root.post(PRINCIPALS, body).await.expect(400).error(),
            "400 ConstraintViolationException: Invalid value: \
             createPrincipal.arg0.credentialRotationRequired: must be true or false"
        );
    }
    let _ = root.get(&route("ana")).await.expect(404);
}

#[tokio::test]
async fn neither_a_reset_nor_an_update_takes_the_place_of_the_rotation() {
    let server = TestServer::start_with(&[ENFORCED]).await;
    let root = server.root().await;
    let _ = flagged(&server, json!(true)).await;

    let reset = format!("{}/reset", route("ana"));
    let after = Credentials::of(&root.post(&reset, json!({})).await.expect(200));
    let update = json!({"currentEntityVersion": 1, "properties": {"a": "b"}});
    let _ = root.put(&route("ana"), update).await.expect(200);

    let ana = after.log_in(&server).await;
    assert_eq!(ana.get(PRINCIPALS).await.expect(403).error(), MUST_ROTATE);
    let _ = ana.post(&rotation(), json!({})).await.expect(200);
    let _ = ana.get(PRINCIPALS).await.expect(200);
    assert!(!after.are_good(&server).await);
}

#[tokio::test]
async fn nobody_sees_whether_a_principal_is_to_rotate() {
    let server = TestServer::start_with(&[ENFORCED]).await;
    let _ = flagged(&server, json!(true)).await;

    let shown = shown(&server, "ana").await;

    let members: Vec<_> = shown.as_object().unwrap().keys().collect();
    let expected = [
        "name",
        "clientId",
        "properties",
        "createTimestamp",
        "lastUpdateTimestamp",
        "entityVersion",
    ];
    assert_eq!(members, expected);
}

#[tokio::test]
async fn of_two_first_rotations_that_begin_at_once_one_is_made() {
    // Whatever meets whatever: the version says who was first.
    for _ in 0..4 {
        let server = TestServer::start_with(&[ENFORCED]).await;
        let ana = flagged(&server, json!(true)).await.log_in(&server).await;
        let path = rotation();

        let (one, two) = tokio::join!(ana.post(&path, json!({})), ana.post(&path, json!({})));

        let won: Vec<_> = [&one, &two].into_iter().filter(|answer| answer.status == 200).collect();
        for answer in &won {
            assert!(Credentials::of(answer).are_good(&server).await);
        }
        for lost in [&one, &two].into_iter().filter(|answer| answer.status != 200) {
            assert_eq!(
                lost.clone().expect(409).error(),
                "409 CommitConflictException: Concurrent modification on Principal 'ana'; retry \
                 later"
            );
        }
        assert!(!won.is_empty(), "{} {}", one.text(), two.text());
        assert_eq!(shown(&server, "ana").await["entityVersion"], 2);
    }
}
