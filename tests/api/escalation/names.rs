//! Names that look like others, or that mean something elsewhere.

use serde_json::json;

use super::{
    MANAGEMENT, NAMESPACES, assert_refused, assign, catalog_role, give, make_catalog_role,
    make_principal, make_principal_role, namespace, on_namespace, on_table, principal,
    principal_role, roles_of, somebody, table,
};
use crate::fixtures::lake;

/// Not `root`, though people, or databases with other rules, may take them for it.
const ALMOST_ROOT: &[&str] = &[
    "ROOT",
    "Root",
    "root ",
    " root",
    "r\u{43e}\u{43e}t",
    "root\u{200b}",
    "ro\u{301}ot",
    "root'--",
];

/// Not `service_admin`.
const ALMOST_SERVICE_ADMIN: &[&str] = &[
    "SERVICE_ADMIN",
    "service_admin ",
    " service_admin",
    "service-admin",
    "service%admin",
    "\u{455}ervice_admin",
    "service_admin\u{200b}",
    "service\u{ff3f}admin",
];

/// Names that mean something to a database, to JSON, to a URL or to a shell.
const META: &[&str] = &[
    "'",
    "o'brien",
    "\"",
    "a\"b",
    "\\",
    "a\\",
    "%",
    "%%",
    "_",
    "a_c",
    "*",
    "?",
    "#",
    "&a=b",
    "a/b",
    "/",
    "..",
    ".",
    "%2F",
    "%2e%2e",
    "%00",
    "a+b",
    "a b",
    "'; drop table entity; --",
    "' or '1'='1",
    "$1",
    "{}",
    "[1]",
    "{\"name\":\"root\"}",
    "a,b",
    "null",
    "0",
    "$(reboot)",
    "${HOME}",
    "<script>",
    "caf\u{e9}",
    "cafe\u{301}",
    "\u{1f600}",
];

#[tokio::test]
async fn nobody_who_is_called_almost_as_root_is_may_reset_credentials() {
    let server = lake().await;
    let root = server.root().await;
    let _ = make_principal(&root, "victim").await;

    for name in ALMOST_ROOT {
        let credentials = make_principal(&root, name).await;
        // Even with all the power over the service that there is.
        assign(&root, name, "service_admin").await;
        let almost = credentials.log_in(&server).await;
        for victim in ["victim", "root", *name] {
            let refused = almost.post(&format!("{}/reset", principal(victim)), json!({})).await;
            assert_eq!(
                refused.error(),
                "403 ForbiddenException: Only Root principal(service-admin) can perform \
                 RESET_CREDENTIALS",
                "{name:?}"
            );
        }
    }
}

#[tokio::test]
async fn there_is_one_root_and_it_stays() {
    let server = lake().await;
    let root = server.root().await;
    let list = format!("{MANAGEMENT}/principals");

    let _ = root.post(&list, json!({"name": "root"})).await.expect(409).error();
    let _ = root.delete(&principal("root")).await.expect(400).error();

    for name in ALMOST_ROOT {
        let _ = make_principal(&root, name).await;
        let _ = root.delete(&principal(name)).await.expect(204);
    }
    let _ = server.root().await.get(&principal("root")).await.expect(200);
}

#[tokio::test]
async fn there_is_one_service_admin_and_no_other_role_is_taken_for_it() {
    let server = lake().await;
    let root = server.root().await;
    let list = format!("{MANAGEMENT}/principal-roles");
    let _ = root.post(&list, json!({"name": "service_admin"})).await.expect(409).error();
    let _ = root.delete(&principal_role("service_admin")).await.expect(400).error();
    let mallory = make_principal(&root, "mallory").await;

    for name in ALMOST_SERVICE_ADMIN {
        make_principal_role(&root, name).await;
        assign(&root, "mallory", name).await;
    }
    let almost = mallory.log_in(&server).await;
    assert_refused(&almost.get(&format!("{MANAGEMENT}/principals")).await);
    assert_refused(&almost.put(&roles_of("mallory"), json!({"name": "service_admin"})).await);
    // They go, and the one that counts stays.
    for name in ALMOST_SERVICE_ADMIN {
        let _ = root.delete(&principal_role(name)).await.expect(204);
    }
    let _ = server.root().await.get(&format!("{MANAGEMENT}/principals")).await.expect(200);
}

#[tokio::test]
async fn there_is_one_catalog_admin_in_a_catalog_and_it_stays() {
    let server = lake().await;
    let root = server.root().await;
    let list = format!("{MANAGEMENT}/catalogs/lake/catalog-roles");
    let mallory = somebody(&server, "mallory", &[]).await;

    let _ = root.post(&list, json!({"name": "catalog_admin"})).await.expect(409).error();
    let _ = root.delete(&catalog_role("lake", "catalog_admin")).await.expect(400).error();
    for name in ["CATALOG_ADMIN", "catalog_admin ", "catalog\u{ff3f}admin", "c\u{430}talog_admin"] {
        make_catalog_role(&root, "lake", name).await;
        give(&root, "mallory", "lake", name).await;
    }

    assert_refused(&mallory.get(&list).await);
    assert_refused(&mallory.get(NAMESPACES).await);
}

#[tokio::test]
async fn names_that_mean_something_elsewhere_are_names() {
    let server = lake().await;
    let root = server.root().await;
    for name in META {
        let _ = make_principal(&root, name).await;
        make_principal_role(&root, name).await;
        make_catalog_role(&root, "lake", name).await;
    }

    for name in META {
        for path in [principal(name), principal_role(name), catalog_role("lake", name)] {
            let shown = root.get(&path).await.expect(200).json();
            assert_eq!(shown["name"], *name, "{path}");
        }
        assign(&root, name, name).await;
        give(&root, name, "lake", name).await;
        let listed = root.get(&roles_of(name)).await.expect(200).json();
        let roles = listed["roles"].as_array().unwrap();
        assert_eq!(roles.len(), 1, "{name:?} has {listed}");
        assert_eq!(roles[0]["name"], *name);
    }
    // Each goes alone.
    for (done, name) in META.iter().enumerate() {
        let _ = root.delete(&principal(name)).await.expect(204);
        let left = root.get(&format!("{MANAGEMENT}/principals")).await.expect(200).json();
        // And `root` is left.
        assert_eq!(left["principals"].as_array().unwrap().len(), META.len() - done, "{name:?}");
    }
}

#[tokio::test]
async fn names_that_mean_something_elsewhere_give_their_role_to_nobody_else() {
    let server = lake().await;
    let root = server.root().await;
    make_principal_role(&root, "strong").await;
    give(&root, "strong", "lake", "catalog_admin").await;
    let list = format!("{MANAGEMENT}/catalogs/lake/catalog-roles");

    for name in ["%", "_", "*", "strong'", "strong\"", "stron_", "strong%", "' or '1'='1"] {
        let credentials = make_principal(&root, name).await;
        make_principal_role(&root, name).await;
        assign(&root, name, name).await;
        assert_refused(&credentials.log_in(&server).await.get(&list).await);
    }
}

#[tokio::test]
async fn two_spellings_of_one_letter_are_two_principals() {
    let server = lake().await;
    let root = server.root().await;
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let one = make_principal(&root, composed).await;
    let other = make_principal(&root, decomposed).await;
    make_principal_role(&root, composed).await;
    assign(&root, composed, composed).await;
    give(&root, composed, "lake", "catalog_admin").await;

    let list = format!("{MANAGEMENT}/catalogs/lake/catalog-roles");
    let _ = one.log_in(&server).await.get(&list).await.expect(200);
    assert_refused(&other.log_in(&server).await.get(&list).await);
    let _ = root.delete(&principal(decomposed)).await.expect(204);
    let _ = one.log_in(&server).await.get(&list).await.expect(200);
}

#[tokio::test]
async fn tables_that_look_alike_are_apart() {
    let server = lake().await;
    let root = server.root().await;
    let tables = format!("{}/tables", namespace("lake", "sales"));

    for (number, (one, other)) in
        [("caf\u{e9}", "cafe\u{301}"), ("t", "T"), ("s\u{430}", "sa"), ("a'b", "a''b")]
            .into_iter()
            .enumerate()
    {
        for name in [one, other] {
            let body = json!({"name": name, "schema": merak_tests::schema()});
            let _ = root.post(&tables, body).await.expect(200);
        }
        let held = [on_table("sales", one, "TABLE_FULL_METADATA")];
        let who = somebody(&server, &format!("reader{number}"), &held).await;

        let _ = who.get(&table("lake", "sales", one)).await.expect(200);
        assert_refused(&who.get(&table("lake", "sales", other)).await);
        assert_refused(&who.delete(&table("lake", "sales", other)).await);
    }
}

#[tokio::test]
async fn a_grant_on_one_spelling_is_none_on_the_other() {
    let server = lake().await;
    let root = server.root().await;
    for (number, (one, other)) in
        [("caf\u{e9}", "cafe\u{301}"), ("hr", "HR"), ("x", "x\u{200b}"), ("o'b", "o''b")]
            .into_iter()
            .enumerate()
    {
        for name in [one, other] {
            let _ = root.post(NAMESPACES, json!({"namespace": [name]})).await.expect(200);
        }
        let held = [on_namespace(one, "NAMESPACE_FULL_METADATA")];
        let who = somebody(&server, &format!("reader{number}"), &held).await;

        let _ = who.get(&namespace("lake", one)).await.expect(200);
        assert_refused(&who.get(&namespace("lake", other)).await);
    }
}
