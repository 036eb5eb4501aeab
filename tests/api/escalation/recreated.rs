//! What is dropped and made again under its name is something new: old tokens, assignments and
//! grants stay with what is gone.

use merak_tests::{Identity, TestServer};
use serde_json::{Value, json};

use super::scopes::exchange;
use super::{
    ALL, Credentials, MANAGEMENT, NAMESPACES, ask, assert_refused, assign, catalog, catalog_role,
    enroll, give, grants_of, held_by, make_catalog_role, make_principal, make_principal_role,
    namespace, on_catalog, on_namespace, on_table, principal, principal_role, roles_of, somebody,
    table, token,
};
use crate::fixtures::{lake, load, route, set};

/// The catalog `lake` with the table `sales.t`.
async fn with_table() -> TestServer {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    server
}

fn reads_everything() -> [Value; 1] {
    [on_catalog("TABLE_READ_PROPERTIES")]
}

/// The names in a list of principals or roles.
async fn names(root: &Identity<'_>, path: &str, list: &str) -> Vec<String> {
    let listed = root.get(path).await.expect(200).json();
    let entries = listed[list].as_array().expect("a list").iter();
    entries.map(|entry| entry["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_principal_made_anew_is_not_the_one_whose_tokens_are_about() {
    let server = with_table().await;
    let root = server.root().await;
    let old = enroll(&root, "ana", &reads_everything()).await;
    let (nobody, t) = (server.nobody(), route("t"));
    let old_token = token(&nobody, &old, ALL).await;
    // Seen and remembered as good.
    let _ = nobody.with_token(&old_token).get(&t).await.expect(200);

    let _ = root.delete(&principal("ana")).await.expect(204);
    let _ = nobody.with_token(&old_token).get(&t).await.expect(401);

    let new = make_principal(&root, "ana").await;
    assert_eq!(names(&root, &roles_of("ana"), "roles").await, [""; 0]);
    assert_refused(&new.log_in(&server).await.get(&t).await);
    assign(&root, "ana", "ana").await;
    let _ = new.log_in(&server).await.get(&t).await.expect(200);

    let _ = nobody.with_token(&old_token).get(&t).await.expect(401);
    let _ = exchange(&nobody.with_token(&old_token), &old_token, None).await.expect(401);
    let _ = ask(&nobody, &old, ALL).await.expect(401);
}

#[tokio::test]
async fn a_principal_role_made_anew_is_nobodys_and_has_nothing() {
    let server = with_table().await;
    let root = server.root().await;
    let credentials = enroll(&root, "ana", &reads_everything()).await;
    let in_all_roles = credentials.log_in(&server).await;
    let in_this_role = credentials.acting_in(&server, "PRINCIPAL_ROLE:ana").await;
    for ana in [&in_all_roles, &in_this_role] {
        let _ = ana.get(&route("t")).await.expect(200);
    }

    let _ = root.delete(&principal_role("ana")).await.expect(204);
    make_principal_role(&root, "ana").await;

    assert_refused(&in_all_roles.get(&route("t")).await);
    let _ = in_this_role.get(&route("t")).await.expect(401);
    let holders = format!("{}/principals", principal_role("ana"));
    assert_eq!(names(&root, &holders, "principals").await, [""; 0]);
    assert_eq!(names(&root, &roles_of("ana"), "roles").await, [""; 0]);

    // Given to the principal again, it has none of what the one before had.
    assign(&root, "ana", "ana").await;
    assert_refused(&in_all_roles.get(&route("t")).await);
    assert_refused(&in_this_role.get(&route("t")).await);
    let in_lake = format!("{}/catalog-roles/lake", principal_role("ana"));
    assert_eq!(names(&root, &in_lake, "roles").await, [""; 0]);
}

#[tokio::test]
async fn a_catalog_role_made_anew_is_nobodys_and_holds_nothing() {
    let server = with_table().await;
    let root = server.root().await;
    let ana = somebody(&server, "ana", &reads_everything()).await;
    let _ = ana.get(&route("t")).await.expect(200);

    let _ = root.delete(&catalog_role("lake", "ana")).await.expect(204);
    make_catalog_role(&root, "lake", "ana").await;

    assert_refused(&ana.get(&route("t")).await);
    assert_eq!(held_by(&root, "ana").await, json!([]));
    let holders = format!("{}/principal-roles", catalog_role("lake", "ana"));
    assert_eq!(names(&root, &holders, "roles").await, [""; 0]);
    give(&root, "ana", "lake", "ana").await;
    assert_refused(&ana.get(&route("t")).await);
}

#[tokio::test]
async fn a_catalog_made_anew_is_closed_to_those_who_had_the_one_before() {
    let server = with_table().await;
    let root = server.root().await;
    let ana = somebody(&server, "ana", &[on_catalog("CATALOG_MANAGE_CONTENT")]).await;
    give(&root, "ana", "lake", "catalog_admin").await;
    let before = ana.get(&route("t")).await.expect(200);
    let tag = before.header("ETag").expect("a tag").to_owned();

    let _ = ana.delete(&route("t")).await.expect(204);
    let _ = ana.delete(&namespace("lake", "sales")).await.expect(204);
    let _ = root.delete(&catalog_role("lake", "ana")).await.expect(204);
    let _ = root.delete(&catalog("lake")).await.expect(204);
    let _ = ana.get(NAMESPACES).await.expect(404);
    // At the same place, with a table of the same name.
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    let after = server.create_table("lake", "sales", "t").await;

    assert_refused(&ana.get(NAMESPACES).await);
    assert_refused(&ana.get(&route("t")).await);
    assert_refused(&ana.get(&catalog("lake")).await);
    assert_refused(&ana.get(&format!("{}/catalog-roles", catalog("lake"))).await);
    let in_lake = format!("{}/catalog-roles/lake", principal_role("ana"));
    assert_eq!(names(&root, &in_lake, "roles").await, [""; 0]);
    let all = format!("{}/catalog-roles", catalog("lake"));
    assert_eq!(names(&root, &all, "roles").await, ["catalog_admin"]);

    // Whoever is let in finds the new table, and nothing of the old one.
    let bob = somebody(&server, "bob", &reads_everything()).await;
    assert_eq!(load(&bob, "t").await, after);
    assert_ne!(after["metadata"]["table-uuid"], before.json()["metadata"]["table-uuid"]);
    let since = bob.with_header("If-None-Match", &tag).get(&route("t")).await;
    assert_eq!(since.expect(200).json(), after);
}

#[tokio::test]
async fn a_namespace_made_anew_is_closed_to_those_who_had_the_one_before() {
    let server = lake().await;
    let root = server.root().await;
    let held = [
        on_namespace("sales", "NAMESPACE_FULL_METADATA"),
        on_namespace("sales", "CATALOG_MANAGE_ACCESS"),
    ];
    let ana = somebody(&server, "ana", &held).await;
    let sales = namespace("lake", "sales");
    let _ = ana.get(&sales).await.expect(200);

    let _ = ana.delete(&sales).await.expect(204);
    server.create_namespace("lake", "sales").await;

    assert_refused(&ana.get(&sales).await);
    let again = on_namespace("sales", "NAMESPACE_FULL_METADATA");
    assert_refused(&ana.put(&grants_of("lake", "ana"), again).await);
    assert_eq!(held_by(&root, "ana").await, json!([]));
}

#[tokio::test]
async fn a_table_made_anew_is_closed_to_those_who_had_the_one_before() {
    let server = with_table().await;
    let root = server.root().await;
    let held = ["TABLE_FULL_METADATA", "TABLE_WRITE_DATA"].map(|it| on_table("sales", "t", it));
    let ana = somebody(&server, "ana", &held).await;
    let _ = ana.post(&route("t"), set(json!({"a": "b"}))).await.expect(200);

    let _ = ana.delete(&route("t")).await.expect(204);
    let made = server.create_table("lake", "sales", "t").await;

    assert_refused(&ana.get(&route("t")).await);
    assert_refused(&ana.post(&route("t"), set(json!({"a": "b"}))).await);
    assert_refused(&ana.delete(&table("lake", "sales", "t")).await);
    assert_eq!(held_by(&root, "ana").await, json!([]));
    assert_eq!(load(&root, "t").await, made);
}

#[tokio::test]
async fn a_client_id_given_to_another_principal_is_not_the_old_one() {
    let server = with_table().await;
    let root = server.root().await;
    let old = enroll(&root, "ana", &reads_everything()).await;
    let old_token = token(&server.nobody(), &old, ALL).await;
    let _ = root.delete(&principal("ana")).await.expect(204);
    let _ = make_principal(&root, "eve").await;

    let wanted = json!({"clientId": old.id, "clientSecret": "another"});
    let reset = format!("{}/reset", principal("eve"));
    let eve = Credentials::of(&root.post(&reset, wanted).await.expect(200));

    // The same id is another principal's now: neither token nor roles came with it.
    let _ = server.nobody().with_token(&old_token).get(&route("t")).await.expect(401);
    let _ = ask(&server.nobody(), &old, ALL).await.expect(401);
    let eve = eve.log_in(&server).await;
    assert_refused(&eve.get(&route("t")).await);
    assert_refused(&eve.get(&format!("{MANAGEMENT}/catalogs")).await);
}
