//! What a refusal tells: who asked for what, and nothing else.

use axum::http::Method;
use merak_model::Privilege;
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use super::{
    Credentials, MANAGEMENT, NAMESPACES, assert_refused, assign, catalog, catalog_role,
    catalog_roles_of, enroll, grants_of, make_catalog_role, make_principal, namespace, on_catalog,
    on_namespace, on_table, principal, principal_role, roles_of, somebody, table,
};
use crate::fixtures::{
    REGISTER, RENAME, TABLES, TRANSACTIONS, change, commit, lake_with, route, set,
};

/// A request without its sender.
type Request = (Method, String, Value);

fn post(path: impl Into<String>, body: Value) -> Request {
    (Method::POST, path.into(), body)
}

fn put(path: impl Into<String>, body: Value) -> Request {
    (Method::PUT, path.into(), body)
}

fn get(path: impl Into<String>) -> Request {
    (Method::GET, path.into(), json!({}))
}

fn delete(path: impl Into<String>) -> Request {
    (Method::DELETE, path.into(), json!({}))
}

async fn send(who: &Identity<'_>, (method, path, body): &Request) -> Response {
    who.send_json(method.clone(), path, body).await
}

/// A realm with something of everything, and mallory, who was granted nothing in it.
async fn furnished() -> TestServer {
    furnished_with(&[]).await
}

async fn furnished_with(settings: &[(&str, &str)]) -> TestServer {
    let server = lake_with(settings, &[]).await;
    server.create_catalog("pond").await;
    server.create_namespace("lake", "hr").await;
    server.create_table("lake", "sales", "t").await;
    server.create_table("lake", "sales", "u").await;
    let root = server.root().await;
    let _ = enroll(&root, "ana", &[on_catalog("TABLE_READ_DATA")]).await;
    let _ = make_principal(&root, "bob").await;
    make_catalog_role(&root, "lake", "spare").await;
    server
}

/// Requests that differ in what is there, in pairs: the first would do something or find something,
/// the second would fail or find nothing.
fn pairs(server: &TestServer) -> Vec<(Request, Request)> {
    let schema = merak_tests::schema;
    let new_table = |name: &str| json!({"name": name, "schema": schema()});
    let new_staged = |name: &str| json!({"name": name, "schema": schema(), "stage-create": true});
    let file = |name: &str| {
        let location = format!("{}/sales/t/metadata/{name}", server.location("lake"));
        json!({"name": "new", "metadata-location": location})
    };
    let overwrite =
        |name: &str| json!({"name": name, "metadata-location": "file:///none", "overwrite": true});
    let moving = |to: &str| {
        json!({
            "source": {"namespace": ["sales"], "name": "t"},
            "destination": {"namespace": ["sales"], "name": to},
        })
    };
    let named = |name: &str| json!({"name": name});
    let version = |number: i64| json!({"currentEntityVersion": number, "properties": {}});
    let new_catalog = |name: &str| {
        json!({
            "name": name,
            "properties": {"default-base-location": server.location(name)},
            "storageConfigInfo": {"storageType": "FILE"},
        })
    };
    let wrong_uuid = json!([{"type": "assert-table-uuid", "uuid": uuid::Uuid::nil().to_string()}]);
    let nothing = json!([]);
    let transaction = |requirements: &Value| json!({"table-changes": [change("t", requirements.clone(), json!([]))]});
    let roles = format!("{}/catalog-roles", catalog("lake"));
    let principals = format!("{MANAGEMENT}/principals");
    let principal_roles = format!("{MANAGEMENT}/principal-roles");
    let catalogs = format!("{MANAGEMENT}/catalogs");
    let of_ana = roles_of("ana");
    let lake_of_ana = catalog_roles_of("ana", "lake");
    vec![
        (post(TABLES, new_table("new")), post(TABLES, new_table("t"))),
        (post(TABLES, new_staged("new")), post(TABLES, new_staged("t"))),
        (post(REGISTER, file("none.json")), post(REGISTER, file("none-either.json"))),
        (post(REGISTER, overwrite("t")), post(REGISTER, overwrite("new"))),
        (
            post(NAMESPACES, json!({"namespace": ["new"]})),
            post(NAMESPACES, json!({"namespace": ["hr"]})),
        ),
        (post(RENAME, moving("new")), post(RENAME, moving("u"))),
        (
            post(route("t"), set(json!({"a": "b"}))),
            post(route("t"), commit(wrong_uuid.clone(), json!([]))),
        ),
        (post(TRANSACTIONS, transaction(&nothing)), post(TRANSACTIONS, transaction(&wrong_uuid))),
        (delete(namespace("lake", "hr")), delete(namespace("lake", "sales"))),
        (put(catalog("lake"), version(1)), put(catalog("lake"), version(7))),
        (delete(catalog("pond")), delete(catalog("lake"))),
        (post(catalogs.clone(), new_catalog("new")), post(catalogs, new_catalog("lake"))),
        (post(principals.clone(), named("new")), post(principals, named("ana"))),
        (post(principal_roles.clone(), named("new")), post(principal_roles, named("ana"))),
        (post(roles.clone(), named("new")), post(roles, named("ana"))),
        (put(principal("ana"), version(1)), put(principal("ana"), version(7))),
        (put(principal_role("ana"), version(1)), put(principal_role("ana"), version(7))),
        (
            put(catalog_role("lake", "ana"), version(1)),
            put(catalog_role("lake", "ana"), version(7)),
        ),
        (delete(principal("bob")), delete(principal("root"))),
        (delete(principal_role("ana")), delete(principal_role("service_admin"))),
        (delete(catalog_role("lake", "ana")), delete(catalog_role("lake", "catalog_admin"))),
        (put(of_ana.clone(), named("service_admin")), put(of_ana.clone(), named("ana"))),
        (delete(format!("{of_ana}/ana")), delete(format!("{of_ana}/service_admin"))),
        (put(lake_of_ana.clone(), named("spare")), put(lake_of_ana.clone(), named("ana"))),
        (delete(format!("{lake_of_ana}/ana")), delete(format!("{lake_of_ana}/spare"))),
        (
            put(grants_of("lake", "ana"), on_catalog("TABLE_WRITE_DATA")),
            put(grants_of("lake", "ana"), on_catalog("TABLE_READ_DATA")),
        ),
        (
            post(grants_of("lake", "ana"), on_catalog("TABLE_READ_DATA")),
            post(grants_of("lake", "ana"), on_catalog("TABLE_WRITE_DATA")),
        ),
        (get(roles_of("ana")), get(roles_of("bob"))),
        (get(grants_of("lake", "ana")), get(grants_of("lake", "spare"))),
        (get(lake_of_ana), get(catalog_roles_of("service_admin", "lake"))),
        (get(route("t")), get(route("u"))),
        (
            get(format!("{}/tables", namespace("lake", "sales"))),
            get(format!("{}/tables", namespace("lake", "hr"))),
        ),
    ]
}

#[tokio::test]
async fn a_refusal_does_not_depend_on_what_would_have_come_of_it() {
    let server = furnished().await;
    let mallory = somebody(&server, "mallory", &[]).await;

    for (one, other) in pairs(&server) {
        let (first, second) = (send(&mallory, &one).await, send(&mallory, &other).await);
        assert_refused(&first);
        assert_eq!(first.text(), second.text(), "{one:?} and {other:?}");
    }
}

#[tokio::test]
async fn no_refusal_names_a_privilege() {
    let server = furnished().await;
    let mallory = somebody(&server, "mallory", &[]).await;

    let requests = pairs(&server).into_iter().flat_map(|(one, other)| [one, other]);
    for request in requests {
        let told = send(&mallory, &request).await.error();
        let named = Privilege::ALL.iter().find(|privilege| told.contains(privilege.name()));
        assert_eq!(named, None, "{told}");
        assert!(
            told.starts_with(
                "403 ForbiddenException: Principal 'mallory' with activated PrincipalRoles \
                 '[mallory]' and activated grants via '[mallory]' is not authorized for op "
            ),
            "{told}"
        );
    }
}

#[tokio::test]
async fn what_is_missing_is_not_found_by_those_who_may_do_nothing_either() {
    let server = furnished().await;
    let mallory = somebody(&server, "mallory", &[]).await;

    for request in [
        get(catalog("none")),
        get(catalog_role("lake", "none")),
        get(catalog_role("none", "none")),
        get(grants_of("lake", "none")),
        get(principal("none")),
        get(principal_role("none")),
        get(catalog_roles_of("none", "lake")),
        get(catalog_roles_of("mallory", "none")),
        put(roles_of("none"), json!({"name": "service_admin"})),
        put(roles_of("mallory"), json!({"name": "none"})),
        put(catalog_roles_of("mallory", "lake"), json!({"name": "none"})),
        put(grants_of("lake", "none"), on_catalog("TABLE_READ_DATA")),
        put(grants_of("lake", "mallory"), on_namespace("none", "TABLE_READ_DATA")),
        put(grants_of("lake", "mallory"), on_table("sales", "none", "TABLE_READ_DATA")),
        delete(principal("none")),
        post(format!("{}/rotate", principal("none")), json!({})),
        post(format!("{}/reset", principal("none")), json!({})),
        get(namespace("none", "sales")),
        get(namespace("lake", "none")),
        get(table("lake", "sales", "none")),
        get(table("lake", "none", "t")),
        get(format!("{}/tables", namespace("lake", "none"))),
        post(table("lake", "sales", "none"), set(json!({"a": "b"}))),
    ] {
        let _ = send(&mallory, &request).await.expect(404).error();
    }
}

#[tokio::test]
async fn whose_token_is_spoilt_learns_not_even_what_is_there() {
    let server = furnished().await;
    let root = server.root().await;
    let credentials = make_principal(&root, "mallory").await;
    let spoilt = credentials.acting_in(&server, "PRINCIPAL_ROLE:service_admin").await;
    let gone = credentials.log_in(&server).await;

    for path in [catalog("lake"), catalog("none"), principal("root"), principal("none")] {
        let told = spoilt.get(&path).await.expect(401).error();
        assert!(!told.contains("not exist"), "{told}");
    }
    let _ = root.delete(&principal("mallory")).await.expect(204);
    for path in [catalog("lake"), catalog("none"), route("t"), route("none")] {
        let _ = gone.get(&path).await.expect(401).error();
    }
}

#[tokio::test]
async fn a_principal_that_must_rotate_first_does_nothing_else_whatever_it_holds() {
    let rule = "polaris.features.\"ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING\"";
    let server = furnished_with(&[(rule, "true")]).await;
    let root = server.root().await;
    let body = json!({"principal": {"name": "new"}, "credentialRotationRequired": true});
    let made = root.post(&format!("{MANAGEMENT}/principals"), body).await.expect(201);
    assign(&root, "new", "service_admin").await;
    let new = Credentials::of(&made).log_in(&server).await;

    for (request, _) in pairs(&server) {
        let told = send(&new, &request).await.error();
        assert!(told.starts_with("403 ForbiddenException: Principal 'new' is not"), "{told}");
        assert!(told.ends_with("because it must rotate credentials first"), "{told}");
    }
    let explain = format!("{MANAGEMENT}/explain?principal=new&operation=LIST_CATALOGS");
    assert_refused(&new.get(&explain).await);

    let _ = new.post(&format!("{}/rotate", principal("new")), json!({})).await.expect(200);
    let _ = new.get(&catalog("lake")).await.expect(200);
}
