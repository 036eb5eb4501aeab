//! Which privileges can be granted on what.

use std::collections::BTreeSet;

use merak_model::Privilege;
use serde_json::{Value, json};

use super::{add, held, on, on_catalog, on_namespace, revoke, world};
use crate::fixtures::text;

/// A kind of securable, its list in the API's document, how long Polaris' list is, and a privilege
/// granted on one of the kind.
type Row = (&'static str, &'static str, usize, fn(&str) -> Value);

const ROWS: [Row; 6] = [
    ("catalog", "CatalogPrivilege", 51, on_catalog),
    ("namespace", "NamespacePrivilege", 49, |privilege| on_namespace(&["sales"], privilege)),
    ("namespace", "NamespacePrivilege", 49, |privilege| on_namespace(&["sales", "eu"], privilege)),
    ("table", "TablePrivilege", 28, |privilege| on("table", &["sales"], "orders", privilege)),
    ("view", "ViewPrivilege", 6, |privilege| on("view", &["sales"], "recent", privilege)),
    ("policy", "PolicyPrivilege", 8, |privilege| on("policy", &["sales"], "expiry", privilege)),
];

/// The privileges that the API's document lists.
fn documented(schema: &str) -> BTreeSet<String> {
    let document = include_str!("../../../openapi/management.json");
    let document: Value = serde_json::from_str(document).unwrap();
    let list = document["components"]["schemas"][schema]["enum"].as_array().unwrap();
    list.iter().map(|privilege| text(privilege).to_owned()).collect()
}

#[tokio::test]
async fn each_privilege_of_a_list_can_be_granted_and_no_other() {
    let server = world().await;
    let root = server.root().await;
    assert_eq!(Privilege::ALL.len(), 102);
    for (kind, schema, count, grant) in ROWS {
        let documented = documented(schema);
        assert_eq!(documented.len(), count, "{schema}");
        for privilege in Privilege::ALL.iter().map(|privilege| privilege.name()) {
            let answer = add(&root, grant(privilege)).await;
            if documented.contains(privilege) {
                let _ = answer.expect(201);
                continue;
            }
            let error = answer.expect(400).error();
            let start = format!(
                "400 ConstraintViolationException: Invalid value: \
                 addGrantToCatalogRole.arg2.grant.privilege: '{privilege}' must be one of "
            );
            let listed = error.strip_prefix(&start).unwrap_or_else(|| panic!("{kind}: {error}"));
            assert_eq!(listed.split(", ").map(str::to_owned).collect::<BTreeSet<_>>(), documented);
        }
        let all = held(&root).await;
        let all = all.as_array().unwrap();
        assert!(all.iter().all(|held| held["type"] == kind), "{all:?}");
        let privileges = all.iter().map(|held| text(&held["privilege"]).to_owned());
        assert_eq!(privileges.collect::<BTreeSet<_>>(), documented);
        assert_eq!(all.len(), count);
        for privilege in Privilege::ALL.iter().map(|privilege| privilege.name()) {
            let status = if documented.contains(privilege) { 201 } else { 400 };
            let _ = revoke(&root, grant(privilege)).await.expect(status);
        }
        assert_eq!(held(&root).await, json!([]));
    }
}

#[tokio::test]
async fn on_a_generic_table_is_granted_what_is_granted_on_a_table() {
    let server = world().await;
    let root = server.root().await;
    for privilege in documented("TablePrivilege") {
        let grant = on("table", &["sales"], "generic", &privilege);
        let _ = add(&root, grant.clone()).await.expect(201);
        assert_eq!(held(&root).await, json!([grant]));
        let _ = revoke(&root, grant).await.expect(201);
    }
}

#[tokio::test]
async fn a_privilege_that_is_none_is_refused() {
    let server = world().await;
    let root = server.root().await;
    let start = "400 ConstraintViolationException: Invalid value: ";
    for bad in ["", "TABLE_EAT", "table_list", " TABLE_LIST", "TABLE_LIST,TABLE_DROP", "12"] {
        let told = format!("arg2.grant.privilege: '{bad}' must be one of CATALOG_MANAGE_ACCESS, ");
        let error = add(&root, on_catalog(bad)).await.expect(400).error();
        assert!(error.starts_with(start) && error.contains(&told), "{error}");
        let error = revoke(&root, on_catalog(bad)).await.expect(400).error();
        let told = told.replace("arg2", "arg3");
        assert!(error.starts_with(start) && error.contains(&told), "{error}");
    }
    for (bad, what) in [
        (json!(null), "must not be null"),
        (json!(12), "must be a text"),
        (json!(["TABLE_LIST"]), "must be a text"),
    ] {
        let grant = json!({"type": "catalog", "privilege": bad});
        assert_eq!(
            add(&root, grant).await.expect(400).error(),
            format!("{start}addGrantToCatalogRole.arg2.grant.privilege: {what}")
        );
    }
    assert_eq!(held(&root).await, json!([]));
}
