//! Taking away while it is being used: all of it happens, or none of it.

use std::sync::Arc;

use merak_tests::{Entry, Identity, Response, TestServer};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    ALL, assign, catalog_role, catalog_roles_of, encode, enroll, give, grant, grants_of,
    make_catalog_role, make_principal, make_principal_role, on_catalog, on_namespace, principal,
    principal_role, revoke, roles_of, token,
};
use crate::fixtures::{TRANSACTIONS, change, files, load, route, set};
use crate::races::replicas;

const COMMITS: usize = 12;
const ROUNDS: usize = 10;

/// Sends all requests at once with that token, to the servers in turn.
async fn at_once(
    servers: &[Arc<TestServer>],
    token: &str,
    requests: Vec<(String, Value)>,
) -> Vec<Response> {
    let mut tasks = JoinSet::new();
    for (number, (path, body)) in requests.into_iter().enumerate() {
        let (server, token) = (Arc::clone(&servers[number % servers.len()]), token.to_owned());
        tasks.spawn(
            async move { (number, server.nobody().with_token(&token).post(&path, body).await) },
        );
    }
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Those that were told that they did it did it, and nobody else. Files of the others are gone.
async fn assert_as_told(servers: &[Arc<TestServer>], answers: &[Response], tables: &[&str]) {
    let root = servers[0].root().await;
    let mut succeeded = 0;
    for (number, answer) in answers.iter().enumerate() {
        let is_done = match answer.status.as_u16() {
            200 | 204 => true,
            401 | 403 => false,
            // It lost to others once too often.
            409 => false,
            other => panic!("{other}: {}", answer.text()),
        };
        succeeded += usize::from(is_done);
        for table in tables {
            let properties = load(&root, table).await["metadata"]["properties"].clone();
            let is_there = properties.get(format!("k{number}")).is_some();
            assert_eq!(is_there, is_done, "{table}, k{number}: {}", answer.text());
        }
    }
    assert_eq!(files(&servers[0]).len(), tables.len() * (1 + succeeded));
}

fn setters() -> Vec<(String, Value)> {
    (0..COMMITS).map(|number| (route("t"), set(json!({format!("k{number}"): "v"})))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commits_during_which_the_right_is_revoked_are_made_or_refused() {
    let servers = replicas().await;
    let root = servers[0].root().await;
    let write = on_catalog("TABLE_WRITE_PROPERTIES");
    let ana = enroll(&root, "ana", std::slice::from_ref(&write)).await;
    let token = token(&servers[0].nobody(), &ana, ALL).await;

    let (answers, ()) = tokio::join!(
        at_once(&servers, &token, setters()),
        revoke(&root, "lake", "ana", write.clone())
    );

    assert_as_told(&servers, &answers, &["t"]).await;
    let late = servers[1].nobody().with_token(&token);
    let _ = late.post(&route("t"), set(json!({"late": "v"}))).await.expect(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commits_during_which_their_principal_is_dropped_are_made_or_refused() {
    let servers = replicas().await;
    let root = servers[0].root().await;
    let ana = enroll(&root, "ana", &[on_catalog("TABLE_WRITE_PROPERTIES")]).await;
    let token = token(&servers[0].nobody(), &ana, ALL).await;
    let path = principal("ana");

    let (answers, dropped) = tokio::join!(at_once(&servers, &token, setters()), root.delete(&path));

    let _ = dropped.expect(204);
    assert_as_told(&servers, &answers, &["t"]).await;
    let late = servers[1].nobody().with_token(&token);
    let _ = late.post(&route("t"), set(json!({"late": "v"}))).await.expect(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_during_which_the_role_is_dropped_changes_all_of_its_tables_or_none() {
    let servers = replicas().await;
    servers[0].create_table("lake", "sales", "u").await;
    let root = servers[0].root().await;
    let held = [on_catalog("TABLE_WRITE_PROPERTIES"), on_catalog("TABLE_CREATE")];
    let ana = enroll(&root, "ana", &held).await;
    let token = token(&servers[0].nobody(), &ana, ALL).await;
    let both = |number: usize| {
        let put = json!([{"action": "set-properties", "updates": {format!("k{number}"): "v"}}]);
        let changes = ["t", "u"].map(|name| change(name, json!([]), put.clone()));
        (TRANSACTIONS.to_owned(), json!({"table-changes": changes}))
    };
    let path = catalog_role("lake", "ana");

    let (answers, dropped) = tokio::join!(
        at_once(&servers, &token, (0..COMMITS).map(both).collect()),
        root.delete(&path)
    );

    let _ = dropped.expect(204);
    assert_as_told(&servers, &answers, &["t", "u"]).await;
    let (path, body) = both(COMMITS);
    let late = servers[1].nobody().with_token(&token);
    let _ = late.post(&path, body).await.expect(403);
}

/// The answers to giving something and to dropping one of the two ends at once.
fn assert_gave_or_came_too_late(given: &Response, dropped: Response) {
    let _ = dropped.expect(204);
    // 404 if it was gone before, 409 if it went meanwhile.
    assert!([201, 404, 409].contains(&given.status.as_u16()), "{}", given.text());
}

async fn list(root: &Identity<'_>, path: &str, member: &str) -> Value {
    root.get(path).await.expect(200).json()[member].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_grant_made_while_its_role_is_dropped_leaves_nothing_behind() {
    let servers = replicas().await;
    let (root, other) = (servers[0].root().await, servers[1].root().await);
    let path = catalog_role("lake", "role");

    for round in 0..ROUNDS {
        make_catalog_role(&root, "lake", "role").await;
        let role = servers[0].entity(Entry::CatalogRole("lake", "role")).await;
        let grants = grants_of("lake", "role");
        let what = if round % 2 == 0 {
            on_catalog("CATALOG_MANAGE_ACCESS")
        } else {
            on_namespace("sales", "CATALOG_MANAGE_ACCESS")
        };

        let (given, dropped) = tokio::join!(other.put(&grants, what), root.delete(&path));

        assert_gave_or_came_too_late(&given, dropped);
        let _ = root.get(&grants).await.expect(404);
        servers[0].put_back(role).await;
        assert_eq!(list(&root, &grants, "grants").await, json!([]), "{}", given.text());
        let _ = root.delete(&path).await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_catalog_role_given_while_either_end_is_dropped_leaves_nothing_behind() {
    let servers = replicas().await;
    let (root, other) = (servers[0].root().await, servers[1].root().await);
    let gift = catalog_roles_of("to", "lake");

    for round in 0..ROUNDS {
        make_catalog_role(&root, "lake", "role").await;
        make_principal_role(&root, "to").await;
        let (path, entry) = if round % 2 == 0 {
            (catalog_role("lake", "role"), Entry::CatalogRole("lake", "role"))
        } else {
            (principal_role("to"), Entry::PrincipalRole("to"))
        };
        let entity = servers[0].entity(entry).await;

        let (given, dropped) =
            tokio::join!(other.put(&gift, json!({"name": "role"})), root.delete(&path));

        assert_gave_or_came_too_late(&given, dropped);
        servers[0].put_back(entity).await;
        assert_eq!(list(&root, &gift, "roles").await, json!([]), "{}", given.text());
        for path in [catalog_role("lake", "role"), principal_role("to")] {
            let _ = root.delete(&path).await.expect(204);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_principal_role_given_while_either_end_is_dropped_leaves_nothing_behind() {
    let servers = replicas().await;
    let (root, other) = (servers[0].root().await, servers[1].root().await);
    let gift = roles_of("ana");

    for round in 0..ROUNDS {
        let _ = make_principal(&root, "ana").await;
        make_principal_role(&root, "role").await;
        let (path, entry) = if round % 2 == 0 {
            (principal("ana"), Entry::Principal("ana"))
        } else {
            (principal_role("role"), Entry::PrincipalRole("role"))
        };
        let entity = servers[0].entity(entry).await;

        let (given, dropped) =
            tokio::join!(other.put(&gift, json!({"name": "role"})), root.delete(&path));

        assert_gave_or_came_too_late(&given, dropped);
        servers[0].put_back(entity).await;
        assert_eq!(list(&root, &gift, "roles").await, json!([]), "{}", given.text());
        for path in [principal("ana"), principal_role("role")] {
            let _ = root.delete(&path).await.expect(204);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_one_grant_revoked_twice_at_once_one_revocation_finds_it() {
    let servers = replicas().await;
    let (root, other) = (servers[0].root().await, servers[1].root().await);
    make_catalog_role(&root, "lake", "role").await;
    let grants = grants_of("lake", "role");
    let what = on_catalog("TABLE_READ_DATA");

    for _ in 0..ROUNDS {
        grant(&root, "lake", "role", what.clone()).await;

        let (one, two) =
            tokio::join!(root.post(&grants, what.clone()), other.post(&grants, what.clone()));

        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 400], "{} {}", one.text(), two.text());
        assert_eq!(list(&root, &grants, "grants").await, json!([]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_right_to_grant_that_is_revoked_meanwhile_grants_once_or_not_at_all() {
    let servers = replicas().await;
    let root = servers[0].root().await;
    let access = on_namespace("sales", "CATALOG_MANAGE_ACCESS");
    let mallory = enroll(&root, "mallory", &[]).await;
    let token = token(&servers[0].nobody(), &mallory, ALL).await;
    let mallory = servers[1].nobody().with_token(&token);
    let grants = grants_of("lake", "mallory");

    for _ in 0..ROUNDS {
        grant(&root, "lake", "mallory", access.clone()).await;
        let wanted = on_namespace("sales", "TABLE_READ_DATA");

        let (given, ()) = tokio::join!(
            mallory.put(&grants, wanted.clone()),
            revoke(&root, "lake", "mallory", access.clone())
        );

        let held = list(&root, &grants, "grants").await;
        match given.status.as_u16() {
            201 => {
                assert_eq!(held, json!([wanted]));
                revoke(&root, "lake", "mallory", wanted.clone()).await;
            }
            403 => assert_eq!(held, json!([])),
            other => panic!("{other}: {}", given.text()),
        }
        let _ = mallory.put(&grants, wanted).await.expect(403);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_principals_made_at_once_under_one_name_one_gets_its_credentials() {
    let servers = replicas().await;
    let (root, other) = (servers[0].root().await, servers[1].root().await);
    make_principal_role(&root, "role").await;
    give(&root, "role", "lake", "catalog_admin").await;
    let path = format!("{}/principals", super::MANAGEMENT);

    for round in 0..ROUNDS {
        let name = format!("ana{round}");
        let body = json!({"name": name});

        let (one, two) = tokio::join!(root.post(&path, body.clone()), other.post(&path, body));

        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", one.text(), two.text());
        let won = if one.status == 201 { one } else { two };
        assign(&root, &name, "role").await;
        let ana = super::Credentials::of(&won).log_in(&servers[1]).await;
        let _ = ana.get(&format!("{}/catalog-roles", super::catalog("lake"))).await.expect(200);
        let _ = root.get(&format!("{path}/{}", encode(&name))).await.expect(200);
    }
}
