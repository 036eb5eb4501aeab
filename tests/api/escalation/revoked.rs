//! What is taken away is gone with the next request, whichever replica is asked.

use std::sync::Arc;

use merak_tests::{Identity, Response, TestServer};
use serde_json::json;

use super::{
    ALL, Credentials, MANAGEMENT, ask, assert_refused, assign, catalog_role, enroll, give, grant,
    make_catalog_role, make_principal, make_principal_role, on_catalog, on_namespace, on_table,
    principal, principal_role, revoke, roles_of, token,
};
use crate::fixtures::{route, set, text};
use crate::races::replicas;

const ROUNDS: usize = 20;

/// Two replicas, and root at the first.
struct Pair {
    servers: Vec<Arc<TestServer>>,
}

impl Pair {
    async fn start() -> Self {
        Self { servers: replicas().await }
    }

    async fn root(&self) -> Identity<'_> {
        self.servers[0].root().await
    }

    /// Somebody at the second replica, with a token that the first gave out.
    async fn other(&self, credentials: &Credentials, scope: &str) -> Identity<'_> {
        let token = token(&self.servers[0].nobody(), credentials, scope).await;
        self.servers[1].nobody().with_token(&token)
    }

    /// Asks the second replica for a token.
    async fn ask(&self, credentials: &Credentials) -> Response {
        ask(&self.servers[1].nobody(), credentials, ALL).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_that_is_revoked_is_gone_with_the_next_request() {
    let pair = Pair::start().await;
    let root = pair.root().await;
    let ana = pair.other(&enroll(&root, "ana", &[]).await, ALL).await;
    let grants = [
        on_catalog("TABLE_READ_PROPERTIES"),
        on_namespace("sales", "TABLE_FULL_METADATA"),
        on_table("sales", "t", "TABLE_WRITE_DATA"),
    ];

    for round in 0..ROUNDS {
        let what = &grants[round % grants.len()];
        grant(&root, "lake", "ana", what.clone()).await;
        let _ = ana.get(&route("t")).await.expect(200);
        revoke(&root, "lake", "ana", what.clone()).await;
        assert_refused(&ana.get(&route("t")).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_role_that_is_taken_away_or_dropped_is_gone_with_the_next_request() {
    let pair = Pair::start().await;
    let root = pair.root().await;
    let credentials = make_principal(&root, "ana").await;
    make_principal_role(&root, "ana").await;
    assign(&root, "ana", "ana").await;
    let ana = pair.other(&credentials, ALL).await;

    for round in 0..ROUNDS {
        make_catalog_role(&root, "lake", "reader").await;
        grant(&root, "lake", "reader", on_catalog("TABLE_WRITE_DATA")).await;
        give(&root, "ana", "lake", "reader").await;
        let _ = ana.post(&route("t"), set(json!({"round": round.to_string()}))).await.expect(200);
        if round % 2 == 0 {
            let taken = format!("{}/catalog-roles/lake/reader", principal_role("ana"));
            let _ = root.delete(&taken).await.expect(204);
            assert_refused(&ana.get(&route("t")).await);
        }
        let _ = root.delete(&catalog_role("lake", "reader")).await.expect(204);
        assert_refused(&ana.post(&route("t"), set(json!({"round": "after"}))).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_principal_role_that_is_taken_away_or_dropped_is_gone_with_the_next_request() {
    let pair = Pair::start().await;
    let root = pair.root().await;
    let credentials = make_principal(&root, "ana").await;
    make_catalog_role(&root, "lake", "reader").await;
    grant(&root, "lake", "reader", on_catalog("TABLE_READ_PROPERTIES")).await;
    let in_all = pair.other(&credentials, ALL).await;
    let in_one = pair.other(&credentials, "PRINCIPAL_ROLE:reader").await;

    for round in 0..ROUNDS {
        make_principal_role(&root, "reader").await;
        assign(&root, "ana", "reader").await;
        give(&root, "reader", "lake", "reader").await;
        for who in [&in_all, &in_one] {
            let _ = who.get(&route("t")).await.expect(200);
        }
        if round % 2 == 0 {
            let _ = root.delete(&format!("{}/reader", roles_of("ana"))).await.expect(204);
            assert_refused(&in_all.get(&route("t")).await);
        }
        let _ = root.delete(&principal_role("reader")).await.expect(204);
        let _ = in_one.get(&route("t")).await.expect(401);
        assert_refused(&in_all.get(&route("t")).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_principal_that_is_dropped_is_nobody_with_the_next_request() {
    let pair = Pair::start().await;
    let root = pair.root().await;
    make_principal_role(&root, "reader").await;
    give(&root, "reader", "lake", "catalog_admin").await;

    for _ in 0..ROUNDS {
        let credentials = make_principal(&root, "ana").await;
        assign(&root, "ana", "reader").await;
        let ana = pair.other(&credentials, ALL).await;
        let _ = ana.get(&route("t")).await.expect(200);

        let _ = root.delete(&principal("ana")).await.expect(204);

        let _ = ana.get(&route("t")).await.expect(401);
        let _ = ana.delete(&route("t")).await.expect(401);
        let _ = pair.ask(&credentials).await.expect(401);
    }
    let _ = root.get(&route("t")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_was_rotated_twice_or_reset_is_worth_nothing_at_once() {
    let pair = Pair::start().await;
    let root = pair.root().await;

    for round in 0..ROUNDS {
        let name = format!("ana{round}");
        let first = make_principal(&root, &name).await;
        let _ = pair.ask(&first).await.expect(200);
        let itself = first.log_in(&pair.servers[0]).await;
        let rotate = format!("{}/rotate", principal(&name));
        let second = Credentials::of(&itself.post(&rotate, json!({})).await.expect(200));
        // One rotation leaves the secret before good, so that clients can be changed one by one.
        for credentials in [&first, &second] {
            let _ = pair.ask(credentials).await.expect(200);
        }

        let third = if round % 2 == 0 {
            let third = Credentials::of(&itself.post(&rotate, json!({})).await.expect(200));
            let _ = pair.ask(&second).await.expect(200);
            third
        } else {
            let reset = format!("{}/reset", principal(&name));
            let third = Credentials::of(&root.post(&reset, json!({})).await.expect(200));
            let _ = pair.ask(&second).await.expect(401);
            third
        };
        let _ = pair.ask(&first).await.expect(401);
        let _ = pair.ask(&third).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_had_to_be_rotated_is_worth_nothing_at_once() {
    let pair = Pair::start().await;
    let root = pair.root().await;
    let body = json!({"principal": {"name": "ana"}, "credentialRotationRequired": true});
    let made = root.post(&format!("{MANAGEMENT}/principals"), body).await.expect(201);
    let first = Credentials::of(&made);
    let itself = first.log_in(&pair.servers[0]).await;

    let rotate = format!("{}/rotate", principal("ana"));
    let second = Credentials::of(&itself.post(&rotate, json!({})).await.expect(200));

    let _ = pair.ask(&first).await.expect(401);
    let _ = pair.ask(&second).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_to_a_catalog_that_is_dropped_and_made_again_is_gone_with_the_next_request() {
    let pair = Pair::start().await;
    let root = pair.root().await;
    let credentials = make_principal(&root, "ana").await;
    make_principal_role(&root, "ana").await;
    assign(&root, "ana", "ana").await;
    let ana = pair.other(&credentials, ALL).await;
    let pond = "/api/catalog/v1/pond/namespaces";

    for _ in 0..3 {
        pair.servers[0].create_catalog("pond").await;
        assert_refused(&ana.get(pond).await);
        give(&root, "ana", "pond", "catalog_admin").await;
        let listed = ana.get(pond).await.expect(200).json();
        assert_eq!(listed["namespaces"], json!([]));
        let _ = root.delete(&super::catalog("pond")).await.expect(204);
        let told = ana.get(pond).await.expect(404).json();
        assert!(!text(&told["error"]["message"]).is_empty());
    }
}
