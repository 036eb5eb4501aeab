//! Grants that no API makes, placed straight in the metastore: they open nothing.

use merak_model::Privilege;
use merak_tests::{Entry, Identity};
use serde_json::json;

use super::{
    MANAGEMENT, NAMESPACES, assert_refused, catalog, catalog_role, give, make_catalog_role,
    namespace, principal, roles_of, somebody, table,
};
use crate::fixtures::lake;

/// The realm is as closed as it was.
async fn assert_no_power_over_the_realm(who: &Identity<'_>) {
    for list in ["catalogs", "principals", "principal-roles"] {
        assert_refused(&who.get(&format!("{MANAGEMENT}/{list}")).await);
    }
    for list in ["principals", "principal-roles"] {
        assert_refused(&who.post(&format!("{MANAGEMENT}/{list}"), json!({"name": "new"})).await);
    }
    assert_refused(&who.put(&roles_of("mallory"), json!({"name": "service_admin"})).await);
    assert_refused(&who.delete(&principal("root")).await);
}

async fn assert_no_power_over_the_lake(who: &Identity<'_>) {
    assert_refused(&who.get(&catalog("lake")).await);
    assert_refused(&who.get(NAMESPACES).await);
    assert_refused(&who.get(&namespace("lake", "sales")).await);
    assert_refused(&who.get(&format!("{}/catalog-roles", catalog("lake"))).await);
    assert_refused(&who.delete(&catalog_role("lake", "mallory")).await);
}

#[tokio::test]
async fn what_is_granted_to_a_principal_itself_does_not_count() {
    let server = lake().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    let itself = Entry::Principal("mallory");

    for (securable, privilege) in [
        (Entry::Root, Privilege::ServiceManageAccess),
        (Entry::Catalog("lake"), Privilege::CatalogManageContent),
        (Entry::Catalog("lake"), Privilege::CatalogManageAccess),
        (Entry::Namespace("lake", "sales"), Privilege::NamespaceFullMetadata),
        (Entry::CatalogRole("lake", "catalog_admin"), Privilege::CatalogRoleUsage),
        (Entry::CatalogRole("lake", "mallory"), Privilege::CatalogRoleDrop),
        (Entry::PrincipalRole("service_admin"), Privilege::CatalogRoleUsage),
        (Entry::Principal("root"), Privilege::PrincipalRotateCredentials),
    ] {
        server.place_grant(securable, itself, privilege).await;
    }

    assert_no_power_over_the_lake(&mallory).await;
    assert_no_power_over_the_realm(&mallory).await;
    assert_refused(&mallory.post(&format!("{}/rotate", principal("root")), json!({})).await);
}

#[tokio::test]
async fn roles_are_not_had_by_way_of_other_roles() {
    let server = lake().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    let (role, catalog_role) =
        (Entry::PrincipalRole("mallory"), Entry::CatalogRole("lake", "mallory"));
    let admin = Entry::CatalogRole("lake", "catalog_admin");
    let service_admin = Entry::PrincipalRole("service_admin");

    for (securable, grantee, privilege) in [
        // A principal role of a principal role.
        (service_admin, role, Privilege::PrincipalRoleUsage),
        (service_admin, role, Privilege::CatalogRoleUsage),
        // A catalog role of a catalog role.
        (admin, catalog_role, Privilege::CatalogRoleUsage),
        (service_admin, catalog_role, Privilege::PrincipalRoleUsage),
        // A catalog role as if it were a principal role.
        (admin, Entry::Principal("mallory"), Privilege::PrincipalRoleUsage),
        (admin, role, Privilege::PrincipalRoleUsage),
    ] {
        server.place_grant(securable, grantee, privilege).await;
    }

    assert_no_power_over_the_lake(&mallory).await;
    assert_no_power_over_the_realm(&mallory).await;
}

#[tokio::test]
async fn what_is_granted_to_a_role_of_another_catalog_does_not_count() {
    let server = lake().await;
    server.create_catalog("pond").await;
    server.create_namespace("pond", "sales").await;
    server.create_table("pond", "sales", "t").await;
    let root = server.root().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    let of_lake = Entry::CatalogRole("lake", "mallory");

    for securable in [
        Entry::Catalog("pond"),
        Entry::Namespace("pond", "sales"),
        Entry::Table("pond", "sales", "t"),
    ] {
        server.place_grant(securable, of_lake, Privilege::CatalogManageContent).await;
        server.place_grant(securable, of_lake, Privilege::CatalogManageAccess).await;
    }
    let admin_of_pond = Entry::CatalogRole("pond", "catalog_admin");
    server.place_grant(admin_of_pond, of_lake, Privilege::CatalogRoleUsage).await;

    for has_role_there in [false, true] {
        if has_role_there {
            // One of the same name, which holds nothing.
            make_catalog_role(&root, "pond", "mallory").await;
            give(&root, "mallory", "pond", "mallory").await;
        }
        assert_refused(&mallory.get(&catalog("pond")).await);
        assert_refused(&mallory.get(&namespace("pond", "sales")).await);
        assert_refused(&mallory.get(&table("pond", "sales", "t")).await);
        assert_refused(&mallory.delete(&table("pond", "sales", "t")).await);
        assert_refused(&mallory.get(&format!("{}/catalog-roles", catalog("pond"))).await);
    }
}

#[tokio::test]
async fn what_a_catalog_role_is_granted_on_the_root_opens_neither_the_realm_nor_other_catalogs() {
    let server = lake().await;
    server.create_catalog("pond").await;
    server.create_namespace("pond", "sales").await;
    let mallory = somebody(&server, "mallory", &[]).await;
    let of_lake = Entry::CatalogRole("lake", "mallory");

    for privilege in [Privilege::ServiceManageAccess, Privilege::CatalogManageContent] {
        server.place_grant(Entry::Root, of_lake, privilege).await;
    }

    assert_no_power_over_the_realm(&mallory).await;
    assert_refused(&mallory.get(&catalog("pond")).await);
    assert_refused(&mallory.get(&namespace("pond", "sales")).await);
}

#[tokio::test]
async fn a_principal_role_holds_on_the_root_what_it_is_granted_there_and_no_more() {
    let server = lake().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    let role = Entry::PrincipalRole("mallory");
    assert_refused(&mallory.get(&format!("{MANAGEMENT}/catalogs")).await);

    server.place_grant(Entry::Root, role, Privilege::CatalogList).await;

    let _ = mallory.get(&format!("{MANAGEMENT}/catalogs")).await.expect(200);
    assert_refused(&mallory.get(&format!("{MANAGEMENT}/principals")).await);
    assert_no_power_over_the_lake(&mallory).await;
}

#[tokio::test]
async fn whoever_may_make_principals_and_roles_gives_neither() {
    let server = lake().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    let role = Entry::PrincipalRole("mallory");
    for privilege in [Privilege::PrincipalFullMetadata, Privilege::PrincipalRoleFullMetadata] {
        server.place_grant(Entry::Root, role, privilege).await;
    }

    for list in ["principals", "principal-roles"] {
        let body = json!({"name": "puppet"});
        let _ = mallory.post(&format!("{MANAGEMENT}/{list}"), body).await.expect(201);
    }
    for role in ["service_admin", "puppet", "mallory"] {
        assert_refused(&mallory.put(&roles_of("puppet"), json!({"name": role})).await);
        assert_refused(&mallory.put(&roles_of("mallory"), json!({"name": role})).await);
    }
    for who in ["root", "puppet"] {
        for action in ["rotate", "reset"] {
            let path = format!("{}/{action}", principal(who));
            assert_refused(&mallory.post(&path, json!({})).await);
        }
    }
}
