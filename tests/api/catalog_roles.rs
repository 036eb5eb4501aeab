//! Catalog roles in the management API, and which principal roles have them. What they have in
//! common with principals is in `access`.

use merak_tests::{Identity, Response, TestServer};
use serde_json::json;

use crate::access::{
    CATALOG_ROLES, NOT_GRANTED, PRINCIPAL_ROLES, assign, assign_catalog_role, create_catalog_role,
    create_principal, create_principal_role, encode, names,
};

const CATALOGS: &str = "/api/management/v1/catalogs";

fn route(catalog: &str, role: &str) -> String {
    format!("{CATALOGS}/{catalog}/catalog-roles/{}", encode(role))
}

/// Where the roles of a catalog that a principal role has are listed and given.
fn roles_of(principal_role: &str, catalog: &str) -> String {
    format!("{PRINCIPAL_ROLES}/{}/catalog-roles/{}", encode(principal_role), encode(catalog))
}

async fn revoke(who: &Identity<'_>, role: &str, principal_role: &str, catalog: &str) -> Response {
    who.delete(&format!("{}/{}", roles_of(principal_role, catalog), encode(role))).await
}

async fn roles(who: &Identity<'_>, principal_role: &str, catalog: &str) -> Vec<String> {
    names(&who.get(&roles_of(principal_role, catalog)).await.expect(200), "roles")
}

async fn principal_roles(who: &Identity<'_>, catalog: &str, role: &str) -> Vec<String> {
    let path = format!("{}/principal-roles", route(catalog, role));
    names(&who.get(&path).await.expect(200), "roles")
}

/// A server with the catalog `lake`, its role `reader`, and the principal role `analyst`.
async fn with_reader_and_analyst() -> TestServer {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    create_catalog_role(&root, "reader").await;
    create_principal_role(&root, "analyst").await;
    server
}

#[tokio::test]
async fn a_catalog_comes_with_its_admin() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;

    assert_eq!(names(&root.get(CATALOG_ROLES).await.expect(200), "roles"), ["catalog_admin"]);
    assert_eq!(principal_roles(&root, "lake", "catalog_admin").await, ["service_admin"]);
    assert_eq!(roles(&root, "service_admin", "lake").await, ["catalog_admin"]);
    let path = format!("{}/grants", route("lake", "catalog_admin"));
    assert_eq!(
        root.get(&path).await.expect(200).json(),
        json!({"grants": [
            {"type": "catalog", "privilege": "CATALOG_MANAGE_ACCESS"},
            {"type": "catalog", "privilege": "CATALOG_MANAGE_METADATA"},
        ]})
    );
}

#[tokio::test]
async fn catalog_admin_is_not_deleted() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;

    assert_eq!(
        root.delete(&route("lake", "catalog_admin")).await.expect(400).error(),
        "400 BadRequestException: Catalog admin role cannot be dropped"
    );
    assert_eq!(principal_roles(&root, "lake", "catalog_admin").await, ["service_admin"]);
}

#[tokio::test]
async fn a_role_is_its_catalogs_alone() {
    let server = TestServer::start().await;
    let root = server.root().await;
    for catalog in ["lake", "sea"] {
        server.create_catalog(catalog).await;
        let path = format!("{CATALOGS}/{catalog}/catalog-roles");
        let body = json!({"name": "reader", "properties": {"of": catalog}});
        let _ = root.post(&path, body).await.expect(201);
    }
    let _ = root.post(&format!("{CATALOGS}/sea/catalog-roles"), json!({"name": "fisher"})).await;

    assert_eq!(
        names(&root.get(CATALOG_ROLES).await.expect(200), "roles"),
        ["catalog_admin", "reader"]
    );
    let reader = root.get(&route("lake", "reader")).await.expect(200).json();
    assert_eq!(reader["properties"]["of"], "lake");
    let _ = root.get(&route("lake", "fisher")).await.expect(404);
    let _ = root.delete(&route("sea", "reader")).await.expect(204);
    let _ = root.get(&route("lake", "reader")).await.expect(200);
}

#[tokio::test]
async fn a_catalog_that_is_missing_is_told() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let update = json!({"currentEntityVersion": 1, "properties": {}});

    let path = format!("{CATALOGS}/lake/catalog-roles");
    for answer in [root.get(&path).await, root.post(&path, json!({"name": "reader"})).await] {
        assert_eq!(
            answer.expect(404).error(),
            "404 NotFoundException: TopLevelEntity of type CATALOG does not exist: lake"
        );
    }
    let path = route("lake", "reader");
    for answer in [
        root.get(&path).await,
        root.put(&path, update).await,
        root.delete(&path).await,
        root.get(&format!("{path}/principal-roles")).await,
        root.get(&format!("{path}/grants")).await,
    ] {
        let told = "404 NotFoundException: CatalogRole does not exist: reader";
        assert_eq!(answer.expect(404).error(), told);
    }
}

#[tokio::test]
async fn a_role_that_is_missing_lists_nothing() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;

    for list in ["principal-roles", "grants"] {
        assert_eq!(
            root.get(&format!("{}/{list}", route("lake", "nobody"))).await.expect(404).error(),
            "404 NotFoundException: CatalogRole does not exist: nobody"
        );
    }
}

#[tokio::test]
async fn a_role_is_given_wrapped_or_bare_and_without_a_body_in_the_answer() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    for body in [
        json!({"catalogRole": {"name": "reader"}}),
        json!({"name": "reader"}),
        json!({"name": "reader", "properties": {"a": 1}, "entityVersion": 9}),
    ] {
        let answer = root.put(&roles_of("analyst", "lake"), body).await.expect(201);
        assert_eq!(answer.text(), "");
        assert_eq!(roles(&root, "analyst", "lake").await, ["reader"]);
        let answer = revoke(&root, "reader", "analyst", "lake").await.expect(204);
        assert_eq!(answer.text(), "");
        assert_eq!(roles(&root, "analyst", "lake").await, [""; 0]);
    }
}

#[tokio::test]
async fn a_role_that_is_to_be_given_must_be_named() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    let start = "400 ConstraintViolationException: Invalid value: \
                 assignCatalogRoleToPrincipalRole.arg2";
    for (body, told) in [
        (json!([]), ": must be an object"),
        (json!("reader"), ": must be an object"),
        (json!({"catalogRole": null}), ".catalogRole: must not be null"),
        (json!({"catalogRole": "reader"}), ".catalogRole: must be an object"),
        (json!({}), ".catalogRole.name: must not be null"),
        (json!({"catalogRole": {}}), ".catalogRole.name: must not be null"),
        (json!({"name": 7}), ".catalogRole.name: must be a text"),
    ] {
        let error = root.put(&roles_of("analyst", "lake"), body).await.expect(400).error();
        assert_eq!(error, format!("{start}{told}"));
    }
    assert_eq!(roles(&root, "analyst", "lake").await, [""; 0]);
}

#[tokio::test]
async fn giving_a_role_again_changes_nothing() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    let before = root.get(&route("lake", "reader")).await.expect(200).json();
    for _ in 0..3 {
        assign_catalog_role(&root, "reader", "analyst").await;
    }

    assert_eq!(roles(&root, "analyst", "lake").await, ["reader"]);
    assert_eq!(principal_roles(&root, "lake", "reader").await, ["analyst"]);
    assert_eq!(root.get(&route("lake", "reader")).await.expect(200).json(), before);
    let _ = revoke(&root, "reader", "analyst", "lake").await.expect(204);
    assert_eq!(principal_roles(&root, "lake", "reader").await, [""; 0]);
}

#[tokio::test]
async fn a_role_that_is_not_there_to_take_is_told() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    let told = revoke(&root, "reader", "analyst", "lake").await.expect(400).error();
    assert_eq!(told, NOT_GRANTED);

    assign_catalog_role(&root, "reader", "analyst").await;
    let _ = revoke(&root, "reader", "analyst", "lake").await.expect(204);

    let told = revoke(&root, "reader", "analyst", "lake").await.expect(400).error();
    assert_eq!(told, NOT_GRANTED);
}

#[tokio::test]
async fn who_or_what_is_missing_is_told_by_its_name() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    for (catalog, role, principal_role, missing) in [
        ("sea", "reader", "analyst", "sea"),
        ("lake", "nothing", "analyst", "nothing"),
        ("lake", "reader", "nobody", "nobody"),
    ] {
        let told = format!(
            "404 NotFoundException: Entity {missing} not found when trying to assign \
             {catalog}.{role} to {principal_role}"
        );
        let body = json!({"name": role});
        let given = root.put(&roles_of(principal_role, catalog), body).await;
        assert_eq!(given.expect(404).error(), told);
        let taken = revoke(&root, role, principal_role, catalog).await;
        assert_eq!(taken.expect(404).error(), told);
    }
    for (principal_role, catalog, told) in [
        ("analyst", "sea", "CATALOG does not exist: sea"),
        ("nobody", "lake", "PRINCIPAL_ROLE does not exist: nobody"),
    ] {
        assert_eq!(
            root.get(&roles_of(principal_role, catalog)).await.expect(404).error(),
            format!("404 NotFoundException: TopLevelEntity of type {told}")
        );
    }
}

#[tokio::test]
async fn who_has_which_role_is_listed_both_ways_and_in_name_order() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    for name in ["b", "C", "a"] {
        create_catalog_role(&root, name).await;
        create_principal_role(&root, name).await;
    }
    for (role, principal_role) in [("b", "a"), ("a", "a"), ("C", "a"), ("b", "C"), ("b", "b")] {
        assign_catalog_role(&root, role, principal_role).await;
    }

    assert_eq!(roles(&root, "a", "lake").await, ["C", "a", "b"]);
    assert_eq!(roles(&root, "b", "lake").await, ["b"]);
    assert_eq!(principal_roles(&root, "lake", "b").await, ["C", "a", "b"]);
    assert_eq!(principal_roles(&root, "lake", "C").await, ["a"]);
}

#[tokio::test]
async fn lists_show_each_as_it_is_shown_by_itself() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    assign_catalog_role(&root, "reader", "analyst").await;

    let listed = root.get(&roles_of("analyst", "lake")).await.expect(200).json();
    let reader = root.get(&route("lake", "reader")).await.expect(200).json();
    assert_eq!(listed, json!({"roles": [reader]}));
    let path = format!("{}/principal-roles", route("lake", "reader"));
    let analyst = root.get(&format!("{PRINCIPAL_ROLES}/analyst")).await.expect(200).json();
    assert_eq!(root.get(&path).await.expect(200).json(), json!({"roles": [analyst]}));
}

#[tokio::test]
async fn only_the_roles_of_the_catalog_that_is_asked_about_are_listed() {
    let server = with_reader_and_analyst().await;
    server.create_catalog("sea").await;
    let root = server.root().await;
    let path = format!("{CATALOGS}/sea/catalog-roles");
    for name in ["reader", "fisher"] {
        let _ = root.post(&path, json!({"name": name})).await.expect(201);
        let given = root.put(&roles_of("analyst", "sea"), json!({"name": name})).await;
        let _ = given.expect(201);
    }

    assert_eq!(roles(&root, "analyst", "lake").await, [""; 0]);
    assert_eq!(roles(&root, "analyst", "sea").await, ["fisher", "reader"]);
    assert_eq!(principal_roles(&root, "lake", "reader").await, [""; 0]);
    assert_eq!(principal_roles(&root, "sea", "reader").await, ["analyst"]);
}

#[tokio::test]
async fn a_federated_principal_role_may_have_catalog_roles() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    let body = json!({"name": "sso", "federated": true});
    let _ = root.post(PRINCIPAL_ROLES, body).await.expect(201);

    assign_catalog_role(&root, "reader", "sso").await;

    assert_eq!(roles(&root, "sso", "lake").await, ["reader"]);
    assert_eq!(principal_roles(&root, "lake", "reader").await, ["sso"]);
    let _ = revoke(&root, "reader", "sso", "lake").await.expect(204);
}

#[tokio::test]
async fn a_role_counts_from_the_next_request_on_and_no_longer_than_it_is_held() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await.log_in(&server).await;
    assign(&root, "analyst", "ana").await;
    let path = format!("{}/grants", route("lake", "reader"));
    let grant = json!({"type": "catalog", "privilege": "CATALOG_READ_PROPERTIES"});
    let _ = root.put(&path, grant).await.expect(201);
    let catalog = format!("{CATALOGS}/lake");
    let _ = ana.get(&catalog).await.expect(403);

    assign_catalog_role(&root, "reader", "analyst").await;
    let _ = ana.get(&catalog).await.expect(200);

    let _ = revoke(&root, "reader", "analyst", "lake").await.expect(204);
    let _ = ana.get(&catalog).await.expect(403);
}

#[tokio::test]
async fn a_role_that_is_deleted_is_gone_with_all_it_was() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await.log_in(&server).await;
    assign(&root, "analyst", "ana").await;
    assign_catalog_role(&root, "reader", "analyst").await;
    let path = format!("{}/grants", route("lake", "reader"));
    let grant = json!({"type": "catalog", "privilege": "CATALOG_READ_PROPERTIES"});
    let _ = root.put(&path, grant).await.expect(201);
    let catalog = format!("{CATALOGS}/lake");
    let _ = ana.get(&catalog).await.expect(200);

    let _ = root.delete(&route("lake", "reader")).await.expect(204);

    let _ = ana.get(&catalog).await.expect(403);
    assert_eq!(roles(&root, "analyst", "lake").await, [""; 0]);
    // Made anew, it holds nothing, and nobody has it.
    create_catalog_role(&root, "reader").await;
    assert_eq!(principal_roles(&root, "lake", "reader").await, [""; 0]);
    assert_eq!(root.get(&path).await.expect(200).json(), json!({"grants": []}));
}

#[tokio::test]
async fn the_roles_of_a_catalog_go_before_it_but_for_its_admin() {
    let server = with_reader_and_analyst().await;
    let root = server.root().await;
    let catalog = format!("{CATALOGS}/lake");
    let error = root.delete(&catalog).await.expect(400).error();
    assert!(error.contains("'lake' cannot be dropped, it is not empty"), "{error}");
    let _ = root.delete(&route("lake", "reader")).await.expect(204);

    let _ = root.delete(&catalog).await.expect(204);

    let _ = root.get(&route("lake", "catalog_admin")).await.expect(404);
    let _ = root.get(&roles_of("service_admin", "lake")).await.expect(404);
    // Made anew, the admin is another, and has what an admin has.
    server.create_catalog("lake").await;
    assert_eq!(roles(&root, "service_admin", "lake").await, ["catalog_admin"]);
}

#[tokio::test]
async fn whoever_has_catalog_admin_manages_the_roles_of_that_catalog_and_no_other() {
    let server = with_reader_and_analyst().await;
    server.create_catalog("sea").await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await.log_in(&server).await;
    assign(&root, "analyst", "ana").await;
    assign_catalog_role(&root, "catalog_admin", "analyst").await;

    create_catalog_role(&ana, "writer").await;
    assign_catalog_role(&ana, "writer", "service_admin").await;
    assert_eq!(principal_roles(&ana, "lake", "writer").await, ["service_admin"]);
    let _ = ana.delete(&route("lake", "writer")).await.expect(204);

    let sea = format!("{CATALOGS}/sea/catalog-roles");
    let _ = ana.get(&sea).await.expect(403);
    let _ = ana.post(&sea, json!({"name": "x"})).await.expect(403);
    let body = json!({"name": "catalog_admin"});
    assert_eq!(
        ana.put(&roles_of("analyst", "sea"), body).await.expect(403).error(),
        "403 ForbiddenException: Principal 'ana' with activated PrincipalRoles '[analyst]' and \
         activated grants via '[analyst]' is not authorized for op \
         ASSIGN_CATALOG_ROLE_TO_PRINCIPAL_ROLE"
    );
}
