//! Roles that one would like to have.

use serde_json::json;

use super::{
    MANAGEMENT, assert_refused, assign, catalog, catalog_role, catalog_roles_of, give, grant,
    grants_of, make_catalog_role, make_principal, make_principal_role, namespace, on_catalog,
    principal, principal_role, roles_of, somebody,
};
use crate::fixtures::lake;

#[tokio::test]
async fn a_catalog_role_is_given_by_those_who_manage_it_and_not_by_those_who_have_it() {
    let server = lake().await;
    let root = server.root().await;
    let mallory = somebody(&server, "mallory", &[on_catalog("CATALOG_MANAGE_CONTENT")]).await;
    make_catalog_role(&root, "lake", "strong").await;
    make_principal_role(&root, "friends").await;

    let own = catalog_roles_of("mallory", "lake");
    for role in ["strong", "catalog_admin"] {
        assert_refused(&mallory.put(&own, json!({"name": role})).await);
    }
    // Not even on to others.
    let friends = catalog_roles_of("friends", "lake");
    assert_refused(&mallory.put(&friends, json!({"name": "mallory"})).await);
    assert_refused(&mallory.delete(&format!("{own}/mallory")).await);
}

#[tokio::test]
async fn the_admin_of_a_catalog_gives_no_role_of_another() {
    let server = lake().await;
    server.create_catalog("pond").await;
    let root = server.root().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    give(&root, "mallory", "lake", "catalog_admin").await;
    make_catalog_role(&root, "pond", "reader").await;

    for role in ["catalog_admin", "reader"] {
        let wanted = json!({"name": role});
        assert_refused(&mallory.put(&catalog_roles_of("mallory", "pond"), wanted).await);
    }

    assert_refused(&mallory.get(&catalog("pond")).await);
    let _ = mallory.get(&catalog("lake")).await.expect(200);
}

#[tokio::test]
async fn a_role_of_one_catalog_is_not_there_in_another() {
    let server = lake().await;
    server.create_catalog("pond").await;
    let root = server.root().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    give(&root, "mallory", "lake", "catalog_admin").await;
    make_catalog_role(&root, "pond", "reader").await;
    give(&root, "mallory", "pond", "reader").await;

    // Through its own catalog the admin reaches no role of another, whatever it is called.
    for role in ["reader", "pond.reader", "../../pond/catalog-roles/reader"] {
        let _ = mallory.get(&catalog_role("lake", role)).await.expect(404);
        let _ = mallory.delete(&catalog_role("lake", role)).await.expect(404);
        let _ =
            mallory.put(&grants_of("lake", role), on_catalog("TABLE_READ_DATA")).await.expect(404);
        let own = catalog_roles_of("mallory", "lake");
        let _ = mallory.put(&own, json!({"name": role})).await.expect(404);
    }
}

#[tokio::test]
async fn equal_names_of_roles_in_two_catalogs_open_one_catalog_alone() {
    let server = lake().await;
    server.create_catalog("pond").await;
    server.create_namespace("pond", "sales").await;
    let root = server.root().await;
    let content = on_catalog("CATALOG_MANAGE_CONTENT");
    let ana = somebody(&server, "ana", std::slice::from_ref(&content)).await;
    make_catalog_role(&root, "pond", "ana").await;
    grant(&root, "pond", "ana", content).await;
    make_principal_role(&root, "others").await;
    give(&root, "others", "pond", "ana").await;

    let _ = ana.get(&namespace("lake", "sales")).await.expect(200);
    assert_refused(&ana.get(&namespace("pond", "sales")).await);
    assert_refused(&ana.delete(&namespace("pond", "sales")).await);
    assert_refused(&ana.get(&catalog("pond")).await);
}

#[tokio::test]
async fn nobody_makes_itself_an_admin_of_the_service() {
    let server = lake().await;
    let root = server.root().await;
    let held = [on_catalog("CATALOG_MANAGE_CONTENT"), on_catalog("CATALOG_MANAGE_ACCESS")];
    let mallory = somebody(&server, "mallory", &held).await;
    give(&root, "mallory", "lake", "catalog_admin").await;

    let wanted = json!({"name": "service_admin"});
    assert_refused(&mallory.put(&roles_of("mallory"), wanted.clone()).await);
    assert_refused(&mallory.put(&roles_of("root"), json!({"name": "mallory"})).await);
    assert_refused(&mallory.delete(&format!("{}/service_admin", roles_of("root"))).await);
    assert_refused(&mallory.delete(&principal_role("service_admin")).await);
    assert_refused(&mallory.delete(&principal("root")).await);
    for action in ["rotate", "reset"] {
        let path = format!("{}/{action}", principal("root"));
        assert_refused(&mallory.post(&path, json!({})).await);
    }
    let update = json!({"currentEntityVersion": 1, "properties": {}});
    assert_refused(&mallory.put(&principal_role("service_admin"), update).await);
}

#[tokio::test]
async fn a_principal_role_is_not_handed_on_by_who_has_it() {
    let server = lake().await;
    let root = server.root().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    let _ = make_principal(&root, "friend").await;
    make_principal_role(&root, "strong").await;

    assert_refused(&mallory.put(&roles_of("friend"), json!({"name": "mallory"})).await);
    assert_refused(&mallory.put(&roles_of("mallory"), json!({"name": "strong"})).await);
    // Nor does one get rid of one's own, to be taken for somebody else's problem.
    assert_refused(&mallory.delete(&format!("{}/mallory", roles_of("mallory"))).await);
}

#[tokio::test]
async fn an_admin_of_the_service_manages_metadata_and_reads_no_data() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let credentials = make_principal(&root, "ops").await;
    assign(&root, "ops", "service_admin").await;
    let ops = credentials.log_in(&server).await;
    let table = super::table("lake", "sales", "t");
    let delegated = ops.with_header("X-Iceberg-Access-Delegation", "vended-credentials");

    // `catalog_admin`, which it has, manages metadata, and never opens data.
    let _ = ops.get(&table).await.expect(200);
    assert_refused(&delegated.get(&table).await);
    assert_refused(&ops.post(&format!("{}/reset", principal("root")), json!({})).await);
    let _ = ops.get(&format!("{MANAGEMENT}/principals")).await.expect(200);
}
