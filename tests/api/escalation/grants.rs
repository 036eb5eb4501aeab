//! Grants that one would like to have, and places beside those one was granted.

use merak_tests::{Identity, TestServer};
use serde_json::json;

use super::{
    NAMESPACES, assert_refused, catalog_role, catalog_roles_of, grant, grants_of, held_by,
    make_catalog_role, namespace, on_catalog, on_namespace, on_table, revoke, somebody, table,
};
use crate::fixtures::{RENAME, lake};

/// The catalog `lake` with tables `t` and `u` in `sales`, and `t` in each of `sales.eu`, `salesman`
/// and `hr`.
async fn crowded() -> TestServer {
    let server = lake().await;
    for levels in ["sales.eu", "salesman", "hr"] {
        server.create_namespace("lake", levels).await;
        server.create_table("lake", levels, "t").await;
    }
    server.create_table("lake", "sales", "t").await;
    server.create_table("lake", "sales", "u").await;
    server
}

async fn rename(root: &Identity<'_>, source: &str, destination: &str) {
    let ident =
        |levels: &str| json!({"namespace": levels.split('.').collect::<Vec<_>>(), "name": "t"});
    let body = json!({"source": ident(source), "destination": ident(destination)});
    let _ = root.post(RENAME, body).await.expect(204);
}

#[tokio::test]
async fn whoever_manages_all_content_grants_nothing_to_itself() {
    let server = crowded().await;
    let root = server.root().await;
    let content = on_catalog("CATALOG_MANAGE_CONTENT");
    let mallory = somebody(&server, "mallory", std::slice::from_ref(&content)).await;

    for wanted in [
        on_catalog("CATALOG_MANAGE_ACCESS"),
        on_catalog("TABLE_READ_DATA"),
        on_namespace("sales", "CATALOG_MANAGE_ACCESS"),
        on_table("sales", "t", "CATALOG_MANAGE_ACCESS"),
    ] {
        assert_refused(&mallory.put(&grants_of("lake", "mallory"), wanted.clone()).await);
        assert_refused(&mallory.put(&grants_of("lake", "catalog_admin"), wanted).await);
    }
    assert_refused(&mallory.post(&grants_of("lake", "mallory"), content.clone()).await);
    assert_eq!(held_by(&root, "mallory").await, json!([content]));
}

#[tokio::test]
async fn whoever_manages_access_on_a_namespace_grants_there_and_below() {
    let server = crowded().await;
    let access = on_namespace("sales", "CATALOG_MANAGE_ACCESS");
    let mallory = somebody(&server, "mallory", &[access]).await;
    let own = grants_of("lake", "mallory");
    assert_refused(&mallory.get(&table("lake", "sales", "t")).await);

    for wanted in [
        on_namespace("sales", "TABLE_READ_PROPERTIES"),
        on_namespace("sales.eu", "NAMESPACE_READ_PROPERTIES"),
        on_table("sales", "t", "TABLE_DROP"),
        on_table("sales.eu", "t", "TABLE_DROP"),
    ] {
        let _ = mallory.put(&own, wanted).await.expect(201);
    }

    let _ = mallory.get(&table("lake", "sales", "u")).await.expect(200);
    let _ = mallory.get(&table("lake", "sales.eu", "t")).await.expect(200);
    assert_refused(&mallory.get(&table("lake", "hr", "t")).await);
}

#[tokio::test]
async fn whoever_manages_access_on_a_namespace_grants_neither_above_nor_beside() {
    let server = crowded().await;
    let root = server.root().await;
    let access = on_namespace("sales.eu", "CATALOG_MANAGE_ACCESS");
    let mallory = somebody(&server, "mallory", std::slice::from_ref(&access)).await;

    for wanted in [
        on_catalog("CATALOG_MANAGE_ACCESS"),
        on_catalog("TABLE_READ_DATA"),
        on_namespace("sales", "TABLE_READ_DATA"),
        on_namespace("salesman", "TABLE_READ_DATA"),
        on_namespace("hr", "TABLE_READ_DATA"),
        on_table("sales", "t", "TABLE_READ_DATA"),
        on_table("hr", "t", "TABLE_READ_DATA"),
    ] {
        assert_refused(&mallory.put(&grants_of("lake", "mallory"), wanted).await);
    }
    assert_eq!(held_by(&root, "mallory").await, json!([access]));
}

#[tokio::test]
async fn to_manage_access_on_a_namespace_is_no_power_over_roles() {
    let server = crowded().await;
    let root = server.root().await;
    let access = on_namespace("sales", "CATALOG_MANAGE_ACCESS");
    let mallory = somebody(&server, "mallory", std::slice::from_ref(&access)).await;
    make_catalog_role(&root, "lake", "strong").await;
    grant(&root, "lake", "strong", on_catalog("CATALOG_MANAGE_CONTENT")).await;
    let roles = "/api/management/v1/catalogs/lake/catalog-roles";

    assert_refused(&mallory.get(roles).await);
    assert_refused(&mallory.post(roles, json!({"name": "new"})).await);
    assert_refused(&mallory.delete(&catalog_role("lake", "strong")).await);
    assert_refused(&mallory.get(&grants_of("lake", "strong")).await);
    let gift = json!({"name": "strong"});
    assert_refused(&mallory.put(&catalog_roles_of("mallory", "lake"), gift).await);
    // What it grants it cannot take back: that is a matter of the role too.
    assert_refused(&mallory.post(&grants_of("lake", "mallory"), access).await);
}

#[tokio::test]
async fn whoever_manages_access_on_a_table_grants_on_that_table_alone() {
    let server = crowded().await;
    let access = on_table("sales", "t", "CATALOG_MANAGE_ACCESS");
    let mallory = somebody(&server, "mallory", &[access]).await;
    let own = grants_of("lake", "mallory");

    let _ = mallory.put(&own, on_table("sales", "t", "TABLE_READ_DATA")).await.expect(201);

    assert_refused(&mallory.put(&own, on_table("sales", "u", "TABLE_READ_DATA")).await);
    assert_refused(&mallory.put(&own, on_namespace("sales", "TABLE_READ_DATA")).await);
    let _ = mallory.get(&table("lake", "sales", "t")).await.expect(200);
    assert_refused(&mallory.get(&table("lake", "sales", "u")).await);
}

#[tokio::test]
async fn who_was_granted_access_by_a_manager_of_a_namespace_reaches_no_further() {
    let server = crowded().await;
    let access = on_namespace("sales", "CATALOG_MANAGE_ACCESS");
    let mallory = somebody(&server, "mallory", std::slice::from_ref(&access)).await;
    let friend = somebody(&server, "friend", &[]).await;

    let _ = mallory.put(&grants_of("lake", "friend"), access).await.expect(201);

    let own = grants_of("lake", "friend");
    let _ = friend.put(&own, on_namespace("sales.eu", "TABLE_READ_DATA")).await.expect(201);
    assert_refused(&friend.put(&own, on_catalog("TABLE_READ_DATA")).await);
    assert_refused(&friend.put(&own, on_namespace("hr", "TABLE_READ_DATA")).await);
}

#[tokio::test]
async fn what_reaches_beyond_a_catalog_is_granted_by_nobody() {
    let server = crowded().await;
    let root = server.root().await;
    make_catalog_role(&root, "lake", "strong").await;

    for privilege in [
        "SERVICE_MANAGE_ACCESS",
        "CATALOG_CREATE",
        "CATALOG_DROP",
        "CATALOG_FULL_METADATA",
        "PRINCIPAL_CREATE",
        "PRINCIPAL_ROTATE_CREDENTIALS",
        "PRINCIPAL_RESET_CREDENTIALS",
        "PRINCIPAL_ROLE_USAGE",
        "PRINCIPAL_ROLE_MANAGE_GRANTS_ON_SECURABLE",
        "CATALOG_ROLE_USAGE",
        "CATALOG_ROLE_MANAGE_GRANTS_ON_SECURABLE",
        "CATALOG_MANAGE_GRANTS_ON_SECURABLE",
        "service_manage_access",
        " SERVICE_MANAGE_ACCESS",
        "",
    ] {
        for wanted in [
            on_catalog(privilege),
            on_namespace("sales", privilege),
            on_table("sales", "t", privilege),
        ] {
            let _ = root.put(&grants_of("lake", "strong"), wanted).await.expect(400).error();
        }
    }
    assert_eq!(held_by(&root, "strong").await, json!([]));
}

#[tokio::test]
async fn every_privilege_on_a_namespace_together_opens_nothing_beside_it() {
    let server = crowded().await;
    let root = server.root().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    for privilege in merak_authz::grantable_on(merak_model::EntityKind::Namespace).iter() {
        grant(&root, "lake", "mallory", on_namespace("sales", privilege.name())).await;
    }
    let _ = mallory.get(&table("lake", "sales", "t")).await.expect(200);

    for levels in ["hr", "salesman"] {
        let beside = namespace("lake", levels);
        assert_refused(&mallory.get(&beside).await);
        assert_refused(&mallory.get(&format!("{beside}/tables")).await);
        assert_refused(&mallory.get(&format!("{beside}/tables/t")).await);
        assert_refused(&mallory.delete(&format!("{beside}/tables/t")).await);
        assert_refused(&mallory.delete(&beside).await);
        let properties = json!({"updates": {"a": "b"}});
        assert_refused(&mallory.post(&format!("{beside}/properties"), properties).await);
    }
    assert_refused(&mallory.get(NAMESPACES).await);
    assert_refused(&mallory.post(NAMESPACES, json!({"namespace": ["new"]})).await);
    assert_refused(&mallory.get("/api/management/v1/catalogs/lake").await);
}

#[tokio::test]
async fn a_namespace_is_open_with_all_that_is_in_it_and_nothing_that_begins_like_it() {
    let server = lake().await;
    let root = server.root().await;
    // `a.b` twice: `b` in `a`, and a namespace at the top with a dot in its name.
    for levels in [json!(["a"]), json!(["a", "b"]), json!(["a.b"]), json!(["ab"]), json!(["a_"])] {
        let _ = root.post(NAMESPACES, json!({"namespace": levels})).await.expect(200);
    }
    let ana = somebody(&server, "ana", &[on_namespace("a", "NAMESPACE_READ_PROPERTIES")]).await;

    for open in ["a", "a%1Fb"] {
        let _ = ana.get(&format!("{NAMESPACES}/{open}")).await.expect(200);
    }
    for closed in ["a.b", "ab", "a_", "sales"] {
        assert_refused(&ana.get(&format!("{NAMESPACES}/{closed}")).await);
    }
}

#[tokio::test]
async fn a_grant_on_a_name_with_wildcards_is_one_on_that_name() {
    let server = lake().await;
    let root = server.root().await;
    for name in ["%", "_", "ab", "a%"] {
        let _ = root.post(NAMESPACES, json!({"namespace": [name]})).await.expect(200);
    }
    let held = ["%", "_", "a%"].map(|name| on_namespace(name, "NAMESPACE_FULL_METADATA"));
    let ana = somebody(&server, "ana", &held).await;

    for open in ["%", "_", "a%"] {
        let _ = ana.get(&namespace("lake", open)).await.expect(200);
    }
    for closed in ["ab", "sales"] {
        assert_refused(&ana.get(&namespace("lake", closed)).await);
    }
}

#[tokio::test]
async fn the_grants_of_a_table_move_with_it_and_those_of_its_namespace_do_not() {
    let server = crowded().await;
    server.create_namespace("lake", "archive").await;
    let root = server.root().await;
    let read = "TABLE_READ_PROPERTIES";
    let of_table = somebody(&server, "of-table", &[on_table("sales", "t", read)]).await;
    let of_old = somebody(&server, "of-old", &[on_namespace("sales", read)]).await;
    let of_new = somebody(&server, "of-new", &[on_namespace("archive", read)]).await;

    rename(&root, "sales", "archive").await;

    let moved = table("lake", "archive", "t");
    let _ = of_table.get(&moved).await.expect(200);
    assert_refused(&of_old.get(&moved).await);
    let _ = of_new.get(&moved).await.expect(200);
}

#[tokio::test]
async fn a_table_under_the_name_of_one_that_moved_away_has_none_of_its_grants() {
    let server = crowded().await;
    server.create_namespace("lake", "archive").await;
    let root = server.root().await;
    let ana = somebody(&server, "ana", &[on_table("sales", "t", "TABLE_READ_PROPERTIES")]).await;
    rename(&root, "sales", "archive").await;

    let location = format!("{}/sales/t2", server.location("lake"));
    let body = json!({"name": "t", "schema": merak_tests::schema(), "location": location});
    let _ = root.post(&format!("{}/tables", namespace("lake", "sales")), body).await.expect(200);

    assert_refused(&ana.get(&table("lake", "sales", "t")).await);
    assert_eq!(
        held_by(&root, "ana").await,
        json!([on_table("archive", "t", "TABLE_READ_PROPERTIES")])
    );
}

#[tokio::test]
async fn a_table_cannot_be_carried_into_or_out_of_what_one_may_not_touch() {
    let server = crowded().await;
    let content = on_namespace("sales", "CATALOG_MANAGE_CONTENT");
    let mallory = somebody(&server, "mallory", &[content]).await;
    let ident = |levels: &str, name: &str| json!({"namespace": [levels], "name": name});
    let moving = |source, destination| json!({"source": source, "destination": destination});

    let taking = moving(ident("hr", "t"), ident("sales", "mine"));
    assert_refused(&mallory.post(RENAME, taking).await);
    let putting = moving(ident("sales", "t"), ident("hr", "mine"));
    assert_refused(&mallory.post(RENAME, putting).await);
}

#[tokio::test]
async fn a_transaction_is_refused_for_one_table_that_may_not_be_changed() {
    let server = crowded().await;
    let root = server.root().await;
    let content = on_namespace("sales", "CATALOG_MANAGE_CONTENT");
    let mallory = somebody(&server, "mallory", &[content]).await;
    let change = |levels: &str| {
        json!({
            "identifier": {"namespace": [levels], "name": "t"},
            "requirements": [],
            "updates": [{"action": "set-properties", "updates": {"taken": "yes"}}],
        })
    };

    let body = json!({"table-changes": [change("sales"), change("hr")]});
    assert_refused(&mallory.post(crate::fixtures::TRANSACTIONS, body).await);

    for levels in ["sales", "hr"] {
        let loaded = root.get(&table("lake", levels, "t")).await.expect(200).json();
        assert!(loaded["metadata"]["properties"].get("taken").is_none(), "{levels}");
    }
}

#[tokio::test]
async fn a_revoked_right_to_grant_leaves_what_it_granted_and_grants_no_more() {
    let server = crowded().await;
    let root = server.root().await;
    let access = on_namespace("sales", "CATALOG_MANAGE_ACCESS");
    let mallory = somebody(&server, "mallory", std::slice::from_ref(&access)).await;
    let own = grants_of("lake", "mallory");
    let read = on_namespace("sales", "TABLE_READ_PROPERTIES");
    let _ = mallory.put(&own, read.clone()).await.expect(201);

    revoke(&root, "lake", "mallory", access.clone()).await;

    assert_refused(&mallory.put(&own, access).await);
    let _ = mallory.get(&table("lake", "sales", "t")).await.expect(200);
    assert_eq!(held_by(&root, "mallory").await, json!([read]));
}
