//! What catalog roles hold.

mod effects;
mod privileges;
mod refusals;

use merak_model::EntityKind;
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use crate::access::{CATALOG_ROLES, NOT_GRANTED, create_catalog_role};
use crate::fixtures::lake;

/// The route of what the role `reader` of the catalog `lake` holds.
const GRANTS: &str = "/api/management/v1/catalogs/lake/catalog-roles/reader/grants";

async fn add(who: &Identity<'_>, grant: Value) -> Response {
    who.put(GRANTS, json!({"grant": grant})).await
}

async fn revoke(who: &Identity<'_>, grant: Value) -> Response {
    who.post(GRANTS, json!({"grant": grant})).await
}

async fn held(who: &Identity<'_>) -> Value {
    let list = who.get(GRANTS).await.expect(200).json();
    assert_eq!(list.as_object().map(|members| members.len()), Some(1), "{list}");
    list["grants"].clone()
}

/// A privilege on the catalog.
fn on_catalog(privilege: &str) -> Value {
    json!({"type": "catalog", "privilege": privilege})
}

/// A privilege on a namespace.
fn on_namespace(levels: &[&str], privilege: &str) -> Value {
    json!({"type": "namespace", "namespace": levels, "privilege": privilege})
}

/// A privilege on something of that kind in a namespace.
fn on(kind: &str, levels: &[&str], name: &str, privilege: &str) -> Value {
    let member = format!("{kind}Name");
    json!({"type": kind, "namespace": levels, member: name, "privilege": privilege})
}

/// A privilege on each kind of securable in [`world`].
fn one_on_each() -> [Value; 8] {
    [
        on_catalog("TABLE_LIST"),
        on_namespace(&["sales"], "TABLE_LIST"),
        on_namespace(&["sales", "eu"], "TABLE_LIST"),
        on("table", &["sales"], "generic", "TABLE_LIST"),
        on("table", &["sales"], "orders", "TABLE_LIST"),
        on("table", &["sales", "eu"], "orders", "TABLE_LIST"),
        on("view", &["sales"], "recent", "VIEW_LIST"),
        on("policy", &["sales"], "expiry", "POLICY_LIST"),
    ]
}

/// A server with a catalog `lake` that has a securable of each kind, and the role `reader`.
async fn world() -> TestServer {
    let server = lake().await;
    server.create_namespace("lake", "sales.eu").await;
    server.create_table("lake", "sales", "orders").await;
    server.create_table("lake", "sales.eu", "orders").await;
    server.place(EntityKind::GenericTable, "lake", "sales", "generic").await;
    server.place(EntityKind::View, "lake", "sales", "recent").await;
    server.place(EntityKind::Policy, "lake", "sales", "expiry").await;
    create_catalog_role(&server.root().await, "reader").await;
    server
}

#[tokio::test]
async fn a_new_role_holds_nothing() {
    let server = world().await;

    assert_eq!(held(&server.root().await).await, json!([]));
}

#[tokio::test]
async fn a_privilege_is_granted_on_each_kind_of_securable_and_taken_again() {
    let server = world().await;
    let root = server.root().await;
    for grant in one_on_each() {
        let added = add(&root, grant.clone()).await.expect(201);
        assert_eq!(added.text(), "");
        assert_eq!(held(&root).await, json!([grant]));

        let revoked = revoke(&root, grant.clone()).await.expect(201);
        assert_eq!(revoked.text(), "");
        assert_eq!(held(&root).await, json!([]), "{grant}");
    }
}

#[tokio::test]
async fn a_grant_may_come_wrapped_or_bare() {
    let server = world().await;
    let root = server.root().await;
    for grant in one_on_each() {
        let mut more = grant.clone();
        more["colour"] = json!("blue");
        for body in [grant.clone(), more.clone(), json!({"grant": more, "colour": "blue"})] {
            let _ = root.put(GRANTS, body.clone()).await.expect(201);
            assert_eq!(held(&root).await, json!([grant]));
            let _ = root.post(GRANTS, body).await.expect(201);
            assert_eq!(held(&root).await, json!([]));
        }
    }
}

#[tokio::test]
async fn what_a_role_holds_is_listed_by_kind_place_and_privilege() {
    let server = world().await;
    server.create_namespace("lake", "archive").await;
    server.create_table("lake", "archive", "zoo").await;
    let root = server.root().await;
    let expected = [
        on_catalog("NAMESPACE_LIST"),
        on_catalog("TABLE_READ_DATA"),
        on_namespace(&["archive"], "TABLE_LIST"),
        on_namespace(&["sales"], "NAMESPACE_LIST"),
        on_namespace(&["sales"], "TABLE_LIST"),
        on_namespace(&["sales", "eu"], "TABLE_LIST"),
        on("table", &["archive"], "zoo", "TABLE_LIST"),
        on("table", &["sales"], "generic", "TABLE_LIST"),
        on("table", &["sales"], "orders", "TABLE_DROP"),
        on("table", &["sales"], "orders", "TABLE_LIST"),
        on("table", &["sales", "eu"], "orders", "TABLE_LIST"),
        on("view", &["sales"], "recent", "VIEW_LIST"),
        on("policy", &["sales"], "expiry", "POLICY_READ"),
        on("policy", &["sales"], "expiry", "POLICY_LIST"),
    ];

    for grant in expected.iter().rev() {
        let _ = add(&root, grant.clone()).await.expect(201);
    }

    assert_eq!(held(&root).await, json!(expected));
}

#[tokio::test]
async fn granting_again_changes_nothing() {
    let server = world().await;
    let root = server.root().await;
    let role = format!("{CATALOG_ROLES}/reader");
    let before = root.get(&role).await.expect(200).json();
    for grant in one_on_each() {
        for _ in 0..3 {
            let _ = add(&root, grant.clone()).await.expect(201);
        }
    }

    assert_eq!(held(&root).await, json!(one_on_each()));
    // The role is no other for it.
    assert_eq!(root.get(&role).await.expect(200).json(), before);
    for grant in one_on_each() {
        let _ = revoke(&root, grant).await.expect(201);
    }
    assert_eq!(held(&root).await, json!([]));
}

#[tokio::test]
async fn of_all_who_grant_at_once_each_succeeds_and_of_those_who_revoke_one() {
    let server = world().await;
    let root = server.root().await;
    let grant = || on_catalog("TABLE_LIST");

    let (one, two, three) =
        tokio::join!(add(&root, grant()), add(&root, grant()), add(&root, grant()));
    for answer in [one, two, three] {
        let _ = answer.expect(201);
    }

    let (one, two) = tokio::join!(revoke(&root, grant()), revoke(&root, grant()));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400], "{} {}", one.text(), two.text());
}

#[tokio::test]
async fn a_grant_that_is_not_there_to_revoke_is_told() {
    let server = world().await;
    let root = server.root().await;
    for grant in one_on_each() {
        assert_eq!(revoke(&root, grant.clone()).await.expect(400).error(), NOT_GRANTED, "{grant}");
    }
}

#[tokio::test]
async fn a_grant_is_revoked_where_it_was_made_and_nowhere_else() {
    let server = world().await;
    let root = server.root().await;
    let on_sales = on_namespace(&["sales"], "TABLE_FULL_METADATA");
    let _ = add(&root, on_sales.clone()).await.expect(201);

    for other in [
        on_catalog("TABLE_FULL_METADATA"),
        on_namespace(&["sales", "eu"], "TABLE_FULL_METADATA"),
        on("table", &["sales"], "orders", "TABLE_FULL_METADATA"),
        // What it implies is no grant by itself.
        on_namespace(&["sales"], "TABLE_LIST"),
    ] {
        assert_eq!(revoke(&root, other.clone()).await.expect(400).error(), NOT_GRANTED, "{other}");
    }
    assert_eq!(held(&root).await, json!([on_sales]));
}

#[tokio::test]
async fn what_one_role_holds_no_other_does() {
    let server = world().await;
    let root = server.root().await;
    create_catalog_role(&root, "writer").await;
    let writers = format!("{CATALOG_ROLES}/writer/grants");
    let _ = root.put(&writers, on_catalog("TABLE_LIST")).await.expect(201);

    assert_eq!(held(&root).await, json!([]));
    let answer = revoke(&root, on_catalog("TABLE_LIST")).await;
    assert_eq!(answer.expect(400).error(), NOT_GRANTED);
    let writes = root.get(&writers).await.expect(200).json();
    assert_eq!(writes, json!({"grants": [on_catalog("TABLE_LIST")]}));
}

#[tokio::test]
async fn names_with_dots_and_separators_come_back_as_they_were() {
    let server = world().await;
    let root = server.root().await;
    let namespaces = "/api/catalog/v1/lake/namespaces";
    let levels = ["a.b", "größe"];
    for depth in 1..=2 {
        let body = json!({"namespace": levels[..depth]});
        let _ = root.post(namespaces, body).await.expect(200);
    }
    let tables = format!("{namespaces}/a.b%1Fgr%C3%B6%C3%9Fe/tables");
    let body = json!({"name": "1.x y", "schema": merak_tests::schema()});
    let _ = root.post(&tables, body).await.expect(200);
    let expected = [
        on_namespace(&levels[..1], "TABLE_LIST"),
        on_namespace(&levels, "TABLE_LIST"),
        on("table", &levels, "1.x y", "TABLE_LIST"),
    ];

    for grant in &expected {
        let _ = add(&root, grant.clone()).await.expect(201);
    }

    assert_eq!(held(&root).await, json!(expected));
    // Neither is taken for the other.
    let split = on_namespace(&["a", "b"], "TABLE_LIST");
    let error = add(&root, split).await.expect(404).error();
    assert_eq!(error, "404 NoSuchNamespaceException: Namespace does not exist: a.b");
}
