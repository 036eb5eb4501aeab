//! The admin of one catalog, with all that can be granted on it, in another and in the realm.

use merak_model::EntityKind;
use merak_tests::{Identity, TestServer};
use serde_json::json;

use super::{
    assert_refused, assign, give, grant, make_catalog_role, make_principal, make_principal_role,
    on_catalog,
};
use crate::authz::{World, all, call};

/// The catalog `lake`, and somebody who has everything there is to have in the catalog `pond`.
async fn lake_and_pond() -> (TestServer, super::Credentials) {
    let server = TestServer::start().await;
    for name in ["lake", "pond"] {
        server.create_catalog(name).await;
    }
    let root = server.root().await;
    let mallory = make_principal(&root, "mallory").await;
    make_principal_role(&root, "mallory").await;
    assign(&root, "mallory", "mallory").await;
    make_catalog_role(&root, "pond", "everything").await;
    for privilege in merak_authz::grantable_on(EntityKind::Catalog).iter() {
        grant(&root, "pond", "everything", on_catalog(privilege.name())).await;
    }
    for role in ["everything", "catalog_admin"] {
        give(&root, "mallory", "pond", role).await;
    }
    (server, mallory)
}

#[tokio::test]
async fn the_admin_of_one_catalog_may_do_nothing_in_another_nor_in_the_realm() {
    let (server, mallory) = lake_and_pond().await;
    let mallory: Identity<'_> = mallory.log_in(&server).await;
    let _ = mallory.get("/api/management/v1/catalogs/pond").await.expect(200);

    let mut world = World { server: &server, number: 0 };
    let mut refused = 0;
    for operation in all().filter(|operation| !operation.needs.is_empty() || operation.only_root) {
        world.prepare(operation).await;
        let answer = call(operation, &world, &mallory).await;
        assert_eq!(answer.status, 403, "{}: {}", operation.label(), answer.text());
        refused += 1;
    }
    assert!(refused > 50, "{refused}");
}

#[tokio::test]
async fn the_admin_of_a_catalog_neither_drops_it_nor_makes_another() {
    let (server, mallory) = lake_and_pond().await;
    let mallory = mallory.log_in(&server).await;
    let catalogs = "/api/management/v1/catalogs";

    assert_refused(&mallory.delete(&format!("{catalogs}/pond")).await);
    let body = json!({
        "name": "sea",
        "properties": {"default-base-location": server.location("sea")},
        "storageConfigInfo": {"storageType": "FILE"},
    });
    assert_refused(&mallory.post(catalogs, body).await);
    assert_refused(&mallory.get(catalogs).await);
}

#[tokio::test]
async fn the_admin_of_a_catalog_does_not_move_it_over_another() {
    let (server, mallory) = lake_and_pond().await;
    let mallory = mallory.log_in(&server).await;
    let pond = "/api/management/v1/catalogs/pond";

    for place in [server.location("lake"), format!("{}/sales", server.location("lake"))] {
        let body = json!({
            "currentEntityVersion": 1,
            "properties": {"default-base-location": place},
            "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [place]},
        });
        let told = mallory.put(pond, body).await.expect(400).error();
        assert!(told.contains("overlaps with an existing catalog"), "{told}");
        // Whose it is is not said.
        assert!(!told.contains("lake"), "{told}");
    }
}
