//! What grants do, for how long, and who may make them.

use merak_tests::{Identity, TestServer, schema};
use serde_json::{Value, json};

use super::{add, held, on, on_catalog, on_namespace, revoke, world};
use crate::access::{
    CATALOG_ROLES, assign, assign_catalog_role, create_catalog_role, create_principal,
    create_principal_role,
};
use crate::fixtures::{RENAME, TABLES, route};

/// The table `orders` in the namespace within the namespace.
const NESTED: &str = "/api/catalog/v1/lake/namespaces/sales%1Feu/tables/orders";

/// A principal that has the role `reader`.
async fn reader(server: &TestServer) -> Identity<'_> {
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await;
    create_principal_role(&root, "analyst").await;
    assign(&root, "analyst", "ana").await;
    assign_catalog_role(&root, "reader", "analyst").await;
    ana.log_in(server).await
}

#[tokio::test]
async fn a_grant_counts_from_the_next_request_on_and_no_longer_than_it_is_held() {
    let server = world().await;
    let root = server.root().await;
    let ana = reader(&server).await;
    let grant = on("table", &["sales"], "orders", "TABLE_READ_PROPERTIES");
    for _ in 0..3 {
        let _ = ana.get(&route("orders")).await.expect(403);
        let _ = add(&root, grant.clone()).await.expect(201);
        let _ = ana.get(&route("orders")).await.expect(200);
        let _ = revoke(&root, grant.clone()).await.expect(201);
    }
    let _ = ana.get(&route("orders")).await.expect(403);
}

#[tokio::test]
async fn a_grant_counts_for_all_that_is_inside_and_for_nothing_beside() {
    let server = world().await;
    let root = server.root().await;
    let ana = reader(&server).await;
    let privilege = "TABLE_READ_PROPERTIES";
    for (grant, outer, inner) in [
        (on_catalog(privilege), 200, 200),
        (on_namespace(&["sales"], privilege), 200, 200),
        (on_namespace(&["sales", "eu"], privilege), 403, 200),
        (on("table", &["sales"], "orders", privilege), 200, 403),
        (on("table", &["sales", "eu"], "orders", privilege), 403, 200),
        (on("table", &["sales"], "generic", privilege), 403, 403),
    ] {
        let _ = add(&root, grant.clone()).await.expect(201);
        assert_eq!(ana.get(&route("orders")).await.status, outer, "{grant}");
        assert_eq!(ana.get(NESTED).await.status, inner, "{grant}");
        let _ = revoke(&root, grant).await.expect(201);
    }
}

#[tokio::test]
async fn what_was_granted_on_a_table_is_dropped_with_it() {
    let server = world().await;
    let root = server.root().await;
    let ana = reader(&server).await;
    let grant = on("table", &["sales"], "orders", "TABLE_READ_PROPERTIES");
    let _ = add(&root, grant.clone()).await.expect(201);
    let _ = ana.get(&route("orders")).await.expect(200);

    let _ = root.delete(&route("orders")).await.expect(204);

    assert_eq!(held(&root).await, json!([]));
    let _ = revoke(&root, grant).await.expect(404);
    // One that is made anew under the name is another.
    server.create_table("lake", "sales", "orders").await;
    assert_eq!(held(&root).await, json!([]));
    let _ = ana.get(&route("orders")).await.expect(403);
}

#[tokio::test]
async fn a_grant_that_meets_the_drop_of_its_table_leaves_nothing() {
    let server = world().await;
    let root = server.root().await;
    let grant = on("table", &["sales"], "orders", "TABLE_READ_PROPERTIES");
    for _ in 0..8 {
        let path = route("orders");
        let (granted, dropped) = tokio::join!(add(&root, grant.clone()), root.delete(&path));

        let _ = dropped.expect(204);
        let told = match granted.status.as_u16() {
            201 => String::new(),
            404 => "404 NoSuchTableException: Table does not exist: sales.orders".to_owned(),
            _ => {
                let what = "What it belongs to was removed at the same time";
                format!("409 CommitConflictException: {what}")
            }
        };
        assert!(told.is_empty() || granted.error() == told, "{}", granted.text());
        assert_eq!(held(&root).await, json!([]));
        server.create_table("lake", "sales", "orders").await;
        assert_eq!(held(&root).await, json!([]));
    }
}

#[tokio::test]
async fn what_was_granted_on_a_namespace_is_dropped_with_it() {
    let server = world().await;
    let root = server.root().await;
    server.create_namespace("lake", "archive").await;
    let grant = on_namespace(&["archive"], "TABLE_LIST");
    let _ = add(&root, grant).await.expect(201);

    let _ = root.delete("/api/catalog/v1/lake/namespaces/archive").await.expect(204);

    assert_eq!(held(&root).await, json!([]));
    server.create_namespace("lake", "archive").await;
    assert_eq!(held(&root).await, json!([]));
}

#[tokio::test]
async fn what_was_granted_on_a_table_stays_when_it_is_renamed() {
    let server = world().await;
    let root = server.root().await;
    let ana = reader(&server).await;
    let grant = on("table", &["sales"], "orders", "TABLE_READ_PROPERTIES");
    let _ = add(&root, grant).await.expect(201);
    let ident = |levels: &[&str], name: &str| json!({"namespace": levels, "name": name});

    let body =
        json!({"source": ident(&["sales"], "orders"), "destination": ident(&["sales"], "o")});
    let _ = root.post(RENAME, body).await.expect(204);

    let grant = on("table", &["sales"], "o", "TABLE_READ_PROPERTIES");
    assert_eq!(held(&root).await, json!([grant]));
    let _ = ana.get(&route("o")).await.expect(200);

    let body =
        json!({"source": ident(&["sales"], "o"), "destination": ident(&["sales", "eu"], "o")});
    let _ = root.post(RENAME, body).await.expect(204);

    let grant = on("table", &["sales", "eu"], "o", "TABLE_READ_PROPERTIES");
    assert_eq!(held(&root).await, json!([grant]));
    let _ = ana.get(&NESTED.replace("orders", "o")).await.expect(200);
    // The name it had is nobody's. Where it lies, no other can.
    let location = format!("{}/sales/others", server.location("lake"));
    let body = json!({"name": "orders", "schema": schema(), "location": location});
    let _ = root.post(TABLES, body).await.expect(200);
    let _ = ana.get(&route("orders")).await.expect(403);
    let _ = revoke(&root, grant).await.expect(201);
    let _ = ana.get(&NESTED.replace("orders", "o")).await.expect(403);
}

#[tokio::test]
async fn what_was_granted_on_a_table_stays_when_it_is_committed_to() {
    let server = world().await;
    let root = server.root().await;
    let grant = on("table", &["sales"], "orders", "TABLE_READ_PROPERTIES");
    let _ = add(&root, grant.clone()).await.expect(201);

    let body = crate::fixtures::set(json!({"a": "b"}));
    let _ = root.post(&route("orders"), body).await.expect(200);

    assert_eq!(held(&root).await, json!([grant]));
}

async fn may(who: &Identity<'_>, grant: Value) -> bool {
    let added = add(who, grant).await;
    match added.status.as_u16() {
        201 => true,
        403 => false,
        other => panic!("{other}: {}", added.text()),
    }
}

#[tokio::test]
async fn whoever_manages_access_to_a_namespace_grants_what_is_inside_and_no_more() {
    let server = world().await;
    let root = server.root().await;
    let ana = reader(&server).await;
    let _ = add(&root, on_namespace(&["sales", "eu"], "CATALOG_MANAGE_ACCESS")).await.expect(201);

    assert!(may(&ana, on_namespace(&["sales", "eu"], "TABLE_LIST")).await);
    assert!(may(&ana, on("table", &["sales", "eu"], "orders", "TABLE_DROP")).await);
    assert!(!may(&ana, on_namespace(&["sales"], "TABLE_LIST")).await);
    assert!(!may(&ana, on("table", &["sales"], "orders", "TABLE_LIST")).await);
    assert!(!may(&ana, on_catalog("TABLE_LIST")).await);
    // To take it away, it would have to manage the role too.
    let grant = on_namespace(&["sales", "eu"], "TABLE_LIST");
    assert_eq!(
        revoke(&ana, grant).await.expect(403).error(),
        "403 ForbiddenException: Principal 'ana' with activated PrincipalRoles '[analyst]' and \
         activated grants via '[analyst]' is not authorized for op \
         REVOKE_NAMESPACE_GRANT_FROM_CATALOG_ROLE"
    );
}

#[tokio::test]
async fn whoever_manages_content_grants_nothing() {
    let server = world().await;
    let root = server.root().await;
    let ana = reader(&server).await;
    let _ = add(&root, on_catalog("CATALOG_MANAGE_CONTENT")).await.expect(201);
    let _ = ana.get(TABLES).await.expect(200);

    for (grant, operation) in [
        (on_catalog("TABLE_LIST"), "ADD_CATALOG_GRANT_TO_CATALOG_ROLE"),
        (on_namespace(&["sales"], "TABLE_LIST"), "ADD_NAMESPACE_GRANT_TO_CATALOG_ROLE"),
        (on("table", &["sales"], "orders", "TABLE_LIST"), "ADD_TABLE_GRANT_TO_CATALOG_ROLE"),
        (on("table", &["sales"], "generic", "TABLE_LIST"), "ADD_TABLE_GRANT_TO_CATALOG_ROLE"),
        (on("view", &["sales"], "recent", "VIEW_LIST"), "ADD_VIEW_GRANT_TO_CATALOG_ROLE"),
        (on("policy", &["sales"], "expiry", "POLICY_LIST"), "ADD_POLICY_GRANT_TO_CATALOG_ROLE"),
    ] {
        let error = add(&ana, grant).await.expect(403).error();
        assert!(error.ends_with(&format!("is not authorized for op {operation}")), "{error}");
    }
    let _ = ana.get(super::GRANTS).await.expect(403);
}

#[tokio::test]
async fn whoever_manages_access_to_a_catalog_may_give_it_away() {
    let server = world().await;
    let root = server.root().await;
    let ana = reader(&server).await;
    let _ = add(&root, on_catalog("CATALOG_MANAGE_ACCESS")).await.expect(201);
    let _ = ana.get(&route("orders")).await.expect(403);

    let _ = add(&ana, on_catalog("CATALOG_MANAGE_CONTENT")).await.expect(201);
    let _ = ana.get(&route("orders")).await.expect(200);

    // There is no protection of the last who may.
    let _ = revoke(&ana, on_catalog("CATALOG_MANAGE_ACCESS")).await.expect(201);
    let _ = add(&ana, on_catalog("TABLE_LIST")).await.expect(403);
}

#[tokio::test]
async fn a_grant_to_one_role_is_none_to_another() {
    let server = world().await;
    let root = server.root().await;
    let ana = reader(&server).await;
    create_catalog_role(&root, "writer").await;
    let path = format!("{CATALOG_ROLES}/writer/grants");
    let _ = root.put(&path, on_catalog("CATALOG_MANAGE_CONTENT")).await.expect(201);

    let _ = ana.get(&route("orders")).await.expect(403);
}
