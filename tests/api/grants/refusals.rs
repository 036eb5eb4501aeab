//! Grants that cannot be made, and in which words that is told. What is said of granting holds for
//! revoking.

use merak_tests::Identity;
use serde_json::{Value, json};

use super::{GRANTS, add, held, on, on_catalog, on_namespace, one_on_each, revoke, world};
use crate::access::CATALOG_ROLES;
use crate::fixtures::lake;

/// Neither is it granted nor revoked, with these words. A parameter in them is that of granting.
async fn assert_refused(who: &Identity<'_>, status: u16, body: Value, told: &str) {
    let added = who.put(GRANTS, body.clone()).await.expect(status).error();
    assert_eq!(added, told, "{body}");
    let revoked = who.post(GRANTS, body.clone()).await.expect(status).error();
    let told = told.replace("addGrantToCatalogRole.arg2", "revokeGrantFromCatalogRole.arg3");
    assert_eq!(revoked, told, "{body}");
    assert_eq!(held(who).await, json!([]));
}

const START: &str = "400 ConstraintViolationException: Invalid value: addGrantToCatalogRole.arg2";

#[tokio::test]
async fn a_body_of_another_shape_is_refused() {
    let server = world().await;
    let root = server.root().await;
    for other in [json!(null), json!([]), json!("TABLE_LIST"), json!(7)] {
        let told = format!("{START}: must be an object");
        assert_refused(&root, 400, other.clone(), &told).await;
        let what = if other.is_null() { "must not be null" } else { "must be an object" };
        let told = format!("{START}.grant: {what}");
        assert_refused(&root, 400, json!({"grant": other}), &told).await;
    }
}

#[tokio::test]
async fn a_type_that_is_none_is_refused() {
    let server = world().await;
    let root = server.root().await;
    for (bad, what) in [
        (json!(null), "must not be null"),
        (json!(7), "must be a text"),
        (json!("TABLE"), "'TABLE' must be catalog, namespace, table, view or policy"),
        (json!("root"), "'root' must be catalog, namespace, table, view or policy"),
        (json!(""), "'' must be catalog, namespace, table, view or policy"),
        (
            json!("generic-table"),
            "'generic-table' must be catalog, namespace, table, view or policy",
        ),
    ] {
        let mut grant = on("table", &["sales"], "orders", "TABLE_LIST");
        grant["type"] = bad;
        assert_refused(&root, 400, grant, &format!("{START}.grant.type: {what}")).await;
    }
    let told = format!("{START}.grant.type: must not be null");
    assert_refused(&root, 400, json!({"privilege": "TABLE_LIST"}), &told).await;
    assert_refused(&root, 400, json!({}), &told).await;
}

#[tokio::test]
async fn a_namespace_has_at_least_one_level() {
    let server = world().await;
    let root = server.root().await;
    for kind in ["namespace", "table", "view", "policy"] {
        for (bad, what) in [
            (json!(null), "must not be null"),
            (json!("sales"), "must be a list of texts"),
            (json!([7]), "must be a list of texts"),
            (json!([null]), "must be a list of texts"),
            (json!({"0": "sales"}), "must be a list of texts"),
            (json!([]), "must have at least one level"),
        ] {
            let mut grant = on(kind, &["sales"], "orders", "CATALOG_MANAGE_ACCESS");
            grant["namespace"] = bad;
            assert_refused(&root, 400, grant, &format!("{START}.grant.namespace: {what}")).await;
        }
        let mut grant = on(kind, &["sales"], "orders", "CATALOG_MANAGE_ACCESS");
        grant.as_object_mut().unwrap().remove("namespace");
        let told = format!("{START}.grant.namespace: must not be null");
        assert_refused(&root, 400, grant, &told).await;
    }
}

#[tokio::test]
async fn a_level_of_a_namespace_can_not_be_anything() {
    let server = world().await;
    let root = server.root().await;
    let start = "400 IllegalArgumentException: Invalid namespace name ";
    for (levels, told) in [
        (vec![""], "'': it must not be empty"),
        (vec!["sales", ""], "'': it must not be empty"),
        (vec!["sales\u{1f}eu"], "'sales\\u{1f}eu': it must not contain control characters"),
        (vec!["a\0"], "'a\\0': it must not contain control characters"),
    ] {
        for kind in ["namespace", "table", "view", "policy"] {
            let grant = on(kind, &levels, "orders", "CATALOG_MANAGE_ACCESS");
            assert_refused(&root, 400, grant, &format!("{start}{told}")).await;
        }
    }
    let deep = on_namespace(&["a"; 17], "TABLE_LIST");
    let told = format!("{start}'{}': it must not have more than 16 levels", ["a"; 17].join("."));
    assert_refused(&root, 400, deep, &told).await;
}

#[tokio::test]
async fn what_is_in_a_namespace_must_be_named() {
    let server = world().await;
    let root = server.root().await;
    for kind in ["table", "view", "policy"] {
        let member = format!("{kind}Name");
        for (bad, what) in [
            (json!(null), "must not be null"),
            (json!(7), "must be a text"),
            (json!(["orders"]), "must be a text"),
        ] {
            let mut grant = on(kind, &["sales"], "orders", "CATALOG_MANAGE_ACCESS");
            grant[&member] = bad;
            assert_refused(&root, 400, grant, &format!("{START}.grant.{member}: {what}")).await;
        }
        // The name of another kind is none.
        let other = if kind == "table" { "view" } else { "table" };
        let mut grant = on(other, &["sales"], "orders", "CATALOG_MANAGE_ACCESS");
        grant["type"] = json!(kind);
        let told = format!("{START}.grant.{member}: must not be null");
        assert_refused(&root, 400, grant, &told).await;
    }
}

#[tokio::test]
async fn a_securable_that_is_missing_is_told_by_its_kind_and_name() {
    let server = world().await;
    let root = server.root().await;
    let namespace = "404 NoSuchNamespaceException: Namespace does not exist: ";
    let table = "404 NoSuchTableException: Table does not exist: ";
    let view = "404 NoSuchViewException: View does not exist: ";
    let policy = "404 NoSuchPolicyException: Policy does not exist: ";
    let access = "CATALOG_MANAGE_ACCESS";
    for (grant, told) in [
        (on_namespace(&["nowhere"], access), format!("{namespace}nowhere")),
        (on_namespace(&["sales", "us"], access), format!("{namespace}sales.us")),
        (on_namespace(&["eu"], access), format!("{namespace}eu")),
        (on("table", &["sales"], "x", access), format!("{table}sales.x")),
        (on("table", &["nowhere"], "orders", access), format!("{table}nowhere.orders")),
        (on("table", &["sales", "eu"], "generic", access), format!("{table}sales.eu.generic")),
        (on("table", &["sales"], "ORDERS", access), format!("{table}sales.ORDERS")),
        (on("table", &["sales"], "", access), format!("{table}sales.")),
        (on("table", &["sales"], "orders\0", access), format!("{table}sales.orders\0")),
        (on("view", &["sales"], "x", access), format!("{view}sales.x")),
        (on("view", &["sales"], "recent\0", access), format!("{view}sales.recent\0")),
        (on("view", &["nowhere"], "recent", access), format!("{view}nowhere.recent")),
        (on("policy", &["sales"], "x", access), format!("{policy}sales.x")),
        (on("policy", &["sales"], "expiry\0", access), format!("{policy}sales.expiry\0")),
        (on("policy", &["sales", "eu"], "expiry", access), format!("{policy}sales.eu.expiry")),
        (on("policy", &["nowhere"], "expiry", access), format!("{policy}nowhere.expiry")),
    ] {
        assert_refused(&root, 404, grant, &told).await;
    }
}

#[tokio::test]
async fn what_is_of_another_kind_is_missing() {
    let server = world().await;
    let root = server.root().await;
    let access = "CATALOG_MANAGE_ACCESS";
    for (kind, exception, label, others) in [
        ("table", "NoSuchTableException", "Table", ["recent", "expiry", "eu"]),
        ("view", "NoSuchViewException", "View", ["orders", "generic", "expiry"]),
        ("policy", "NoSuchPolicyException", "Policy", ["orders", "generic", "recent"]),
    ] {
        for name in others {
            let told = format!("404 {exception}: {label} does not exist: sales.{name}");
            assert_refused(&root, 404, on(kind, &["sales"], name, access), &told).await;
        }
    }
    let told = "404 NoSuchNamespaceException: Namespace does not exist: sales.orders";
    assert_refused(&root, 404, on_namespace(&["sales", "orders"], access), told).await;
}

#[tokio::test]
async fn a_role_that_is_missing_is_told_with_its_catalog() {
    let server = world().await;
    let root = server.root().await;
    let path = format!("{CATALOG_ROLES}/nobody/grants");
    for grant in one_on_each() {
        for answer in [root.put(&path, grant.clone()).await, root.post(&path, grant).await] {
            assert_eq!(
                answer.expect(404).error(),
                "404 NotFoundException: CatalogRole not found: lake.nobody"
            );
        }
    }
}

#[tokio::test]
async fn a_catalog_that_is_missing_is_told() {
    let server = world().await;
    let root = server.root().await;
    let path = "/api/management/v1/catalogs/sea/catalog-roles/reader/grants";
    for grant in one_on_each() {
        for answer in [root.put(path, grant.clone()).await, root.post(path, grant).await] {
            assert_eq!(answer.expect(404).error(), "404 NotFoundException: Catalog not found: sea");
        }
    }
}

#[tokio::test]
async fn of_what_is_missing_the_securable_is_told_before_the_role() {
    let server = lake().await;
    let root = server.root().await;

    assert_eq!(
        add(&root, on_namespace(&["nowhere"], "TABLE_LIST")).await.expect(404).error(),
        "404 NoSuchNamespaceException: Namespace does not exist: nowhere"
    );
    assert_eq!(
        add(&root, on_namespace(&["sales"], "TABLE_LIST")).await.expect(404).error(),
        "404 NotFoundException: CatalogRole not found: lake.reader"
    );
}

#[tokio::test]
async fn a_role_of_another_catalog_gets_nothing_here() {
    let server = world().await;
    server.create_catalog("sea").await;
    let root = server.root().await;
    let path = "/api/management/v1/catalogs/sea/catalog-roles/reader/grants";

    assert_eq!(
        root.put(path, on_catalog("TABLE_LIST")).await.expect(404).error(),
        "404 NotFoundException: CatalogRole not found: sea.reader"
    );
    // Nor does one of that catalog on what is in this one.
    let path = "/api/management/v1/catalogs/sea/catalog-roles/catalog_admin/grants";
    let grant = on("table", &["sales"], "orders", "TABLE_LIST");
    assert_eq!(
        root.put(path, grant).await.expect(404).error(),
        "404 NoSuchTableException: Table does not exist: sales.orders"
    );
}

#[tokio::test]
async fn revoking_with_cascade_is_not_implemented() {
    let server = world().await;
    let root = server.root().await;
    let grant = on_catalog("TABLE_LIST");
    let _ = add(&root, grant.clone()).await.expect(201);

    for value in ["true", "TRUE"] {
        let path = format!("{GRANTS}?cascade={value}");
        assert_eq!(
            root.post(&path, grant.clone()).await.expect(501).error(),
            "501 UnsupportedOperationException: Revoking with cascade is not implemented: revoke \
             each grant by itself"
        );
    }
    assert_eq!(held(&root).await, json!([grant]));
    for value in ["=false", "=", ""] {
        let path = format!("{GRANTS}?cascade{value}");
        let _ = root.post(&path, grant.clone()).await.expect(201);
        let _ = add(&root, grant.clone()).await.expect(201);
    }
    let _ = revoke(&root, grant).await.expect(201);
}
