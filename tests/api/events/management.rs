//! Events of catalogs, principals, roles and grants.

use super::*;
use crate::access::{CATALOG_ROLES, PRINCIPAL_ROLES, PRINCIPALS};

const CATALOGS: &str = "/api/management/v1/catalogs";

#[tokio::test]
async fn a_catalog_leaves_an_event_of_each_change() {
    let server = TestServer::start_with(&[KEPT]).await;
    let location = server.location("lake");
    let storage = json!({"storageType": "FILE", "allowedLocations": [location]});
    let body = json!({"catalog": {
        "name": "lake", "type": "INTERNAL", "properties": {"default-base-location": location},
        "storageConfigInfo": storage,
    }});

    let made = left_by(&server, 201, post(CATALOGS, body.clone())).await;

    assert_eq!(lines(&made), ["AFTER_CREATE_CATALOG CATALOG lake lake"]);
    assert_eq!(attributes(&made[0]), json!({"entity_version": 1, "catalog_type": "INTERNAL"}));
    assert_left(&server, 409, post(CATALOGS, body), &[]).await;
    let path = format!("{CATALOGS}/lake");
    let body = json!({"currentEntityVersion": 1, "properties": {"k": "v"}});
    let expected = ["AFTER_UPDATE_CATALOG CATALOG lake lake"];
    assert_left(&server, 200, put(&path, body.clone()), &expected).await;
    assert_left(&server, 409, put(&path, body), &[]).await;
    let expected = ["AFTER_DELETE_CATALOG CATALOG lake lake"];
    assert_left(&server, 204, delete(&path), &expected).await;
}

#[tokio::test]
async fn a_principal_leaves_an_event_of_each_change() {
    let server = TestServer::start_with(&[KEPT, RESETS]).await;
    let ana = format!("{PRINCIPALS}/ana");
    let roles = format!("{ana}/principal-roles");
    let analyst = json!({"name": "analyst"});

    let expected = ["AFTER_CREATE_PRINCIPAL REALM - ana"];
    assert_left(&server, 201, post(PRINCIPALS, json!({"name": "ana"})), &expected).await;
    let body = json!({"currentEntityVersion": 1, "properties": {"k": "v"}});
    let expected = ["AFTER_UPDATE_PRINCIPAL REALM - ana"];
    assert_left(&server, 200, put(&ana, body), &expected).await;
    let expected = ["AFTER_RESET_CREDENTIALS REALM - ana"];
    let path = format!("{ana}/reset");
    assert_left(&server, 200, post(&path, json!({})), &expected).await;
    let expected = ["AFTER_CREATE_PRINCIPAL_ROLE REALM - analyst"];
    assert_left(&server, 201, post(PRINCIPAL_ROLES, analyst.clone()), &expected).await;
    let assigned = left_by(&server, 201, put(&roles, analyst.clone())).await;
    assert_eq!(lines(&assigned), ["AFTER_ASSIGN_PRINCIPAL_ROLE REALM - ana"]);
    assert_eq!(
        attributes(&assigned[0]),
        json!({"principal_name": "ana", "principal_role_name": "analyst"})
    );
    assert_left(&server, 201, put(&roles, analyst), &[]).await;
    let expected = ["AFTER_REVOKE_PRINCIPAL_ROLE REALM - ana"];
    let path = format!("{roles}/analyst");
    assert_left(&server, 204, delete(&path), &expected).await;
    let path = format!("{PRINCIPAL_ROLES}/analyst");
    let body = json!({"currentEntityVersion": 1, "properties": {"k": "v"}});
    let expected = ["AFTER_UPDATE_PRINCIPAL_ROLE REALM - analyst"];
    assert_left(&server, 200, put(&path, body), &expected).await;
    let expected = ["AFTER_DELETE_PRINCIPAL_ROLE REALM - analyst"];
    assert_left(&server, 204, delete(&path), &expected).await;
    let expected = ["AFTER_DELETE_PRINCIPAL REALM - ana"];
    assert_left(&server, 204, delete(&ana), &expected).await;
}

/// The setting that lets credentials be reset.
pub(super) const RESETS: (&str, &str) = ("polaris.features.\"ENABLE_CREDENTIAL_RESET\"", "true");

#[tokio::test]
async fn a_catalog_role_and_what_it_holds_leave_an_event_of_each_change() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let reader = format!("{CATALOG_ROLES}/reader");
    let body = json!({"name": "reader"});

    let expected = ["AFTER_CREATE_CATALOG_ROLE REALM lake reader"];
    assert_left(&server, 201, post(CATALOG_ROLES, body.clone()), &expected).await;
    let grants = format!("{reader}/grants");
    let grant = json!({"grant": {
        "type": "table", "namespace": ["sales"], "tableName": "t", "privilege": "TABLE_DROP",
    }});
    let granted = left_by(&server, 201, put(&grants, grant.clone())).await;
    assert_eq!(lines(&granted), ["AFTER_ADD_GRANT_TO_CATALOG_ROLE REALM lake reader"]);
    assert_eq!(
        attributes(&granted[0]),
        json!({
            "catalog_role_name": "reader", "privilege": "TABLE_DROP", "securable_type": "Table",
            "securable_name": "sales.t",
        })
    );
    assert_left(&server, 201, put(&grants, grant.clone()), &[]).await;
    let expected = ["AFTER_REVOKE_GRANT_FROM_CATALOG_ROLE REALM lake reader"];
    assert_left(&server, 201, post(&grants, grant.clone()), &expected).await;
    assert_left(&server, 400, post(&grants, grant), &[]).await;
    let root = server.root().await;
    let _ = root.post(PRINCIPAL_ROLES, json!({"name": "analyst"})).await.expect(201);
    let roles = format!("{PRINCIPAL_ROLES}/analyst/catalog-roles/lake");
    let assigned = left_by(&server, 201, put(&roles, body)).await;
    let expected = ["AFTER_ASSIGN_CATALOG_ROLE_TO_PRINCIPAL_ROLE REALM lake analyst"];
    assert_eq!(lines(&assigned), expected);
    assert_eq!(
        attributes(&assigned[0]),
        json!({"principal_role_name": "analyst", "catalog_role_name": "reader"})
    );
    let expected = ["AFTER_REVOKE_CATALOG_ROLE_FROM_PRINCIPAL_ROLE REALM lake analyst"];
    let path = format!("{roles}/reader");
    assert_left(&server, 204, delete(&path), &expected).await;
    let body = json!({"currentEntityVersion": 1, "properties": {"k": "v"}});
    let expected = ["AFTER_UPDATE_CATALOG_ROLE REALM lake reader"];
    assert_left(&server, 200, put(&reader, body), &expected).await;
    let expected = ["AFTER_DELETE_CATALOG_ROLE REALM lake reader"];
    assert_left(&server, 204, delete(&reader), &expected).await;
}
