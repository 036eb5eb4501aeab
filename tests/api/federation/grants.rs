//! Grants on what another catalog owns: by its names.

use merak_model::Privilege;
use merak_tests::{Identity, Response};
use serde_json::{Value, json};

use super::{CATALOGS, Told, kind, told_table};

const FLAG: &str = "polaris.config.enable-sub-catalog-rbac-for-federated-catalogs";
const ROLES: &str = "/api/management/v1/catalogs/mirror/catalog-roles";
const GRANTS: &str = "/api/management/v1/catalogs/mirror/catalog-roles/reader/grants";

async fn with_role(settings: &[(&str, &str)], properties: &[(&str, &str)]) -> Told {
    let told = Told::start_with(settings, properties).await;
    let body = json!({"catalogRole": {"name": "reader"}});
    let _ = told.front.root().await.post(ROLES, body).await.expect(201);
    let _ = told.front.principal("ana").await;
    told
}

/// Gives the role to ana, and answers who she is.
async fn reader<'a>(told: &'a Told, ana: Identity<'a>) -> Identity<'a> {
    let path = "/api/management/v1/principal-roles/ana/catalog-roles/mirror";
    let body = json!({"catalogRole": {"name": "reader"}});
    let _ = told.front.root().await.put(path, body).await.expect(201);
    ana
}

async fn add(told: &Told, grant: Value) -> Response {
    told.front.root().await.put(GRANTS, json!({"grant": grant})).await
}

fn on_namespace(levels: &[&str]) -> Value {
    json!({"type": "namespace", "namespace": levels, "privilege": "TABLE_READ_PROPERTIES"})
}

fn on_table(name: &str) -> Value {
    json!({"type": "table", "namespace": ["sales", "eu"], "tableName": name,
        "privilege": "TABLE_READ_PROPERTIES"})
}

#[tokio::test]
async fn without_the_flag_nothing_is_granted_on_names_of_another_catalog() {
    let told = with_role(&[], &[]).await;
    assert_eq!(kind(&add(&told, on_namespace(&["sales"])).await), "404 NoSuchNamespaceException");
    assert_eq!(kind(&add(&told, on_table("t")).await), "404 NoSuchTableException");
    let _ = told.front.root().await.delete(&format!("{ROLES}/reader")).await.expect(204);
    let _ = told.front.root().await.delete(&format!("{CATALOGS}/mirror")).await.expect(204);
}

#[tokio::test]
async fn a_grant_on_a_name_opens_what_has_it_and_nothing_else() {
    let told = Told::start_with(&[], &[(FLAG, "true")]).await;
    let root = told.front.root().await;
    let _ = root.post(ROLES, json!({"catalogRole": {"name": "reader"}})).await.expect(201);
    let ana = told.front.principal("ana").await;
    let ana = reader(&told, ana).await;
    let base = told.front.location("lake");
    for name in ["t", "u"] {
        let table = told_table(&format!("{base}/{name}"));
        told.owner.answers(&format!("GET namespaces/sales%1Feu/tables/{name}"), table);
    }
    let path = |name: &str| format!("/api/catalog/v1/mirror/namespaces/sales%1Feu/tables/{name}");

    assert_eq!(ana.get(&path("t")).await.status, 403);
    let _ = add(&told, on_table("t")).await.expect(201);
    let _ = add(&told, on_table("t")).await.expect(201);
    let _ = ana.get(&path("t")).await.expect(200);
    assert_eq!(ana.get(&path("u")).await.status, 403);
    let list = root.get(GRANTS).await.expect(200).json();
    assert_eq!(list["grants"], json!([on_table("t")]));
    let _ = add(&told, on_namespace(&["sales"])).await.expect(201);
    let _ = ana.get(&path("u")).await.expect(200);
    let other = "/api/catalog/v1/mirror/namespaces/other/tables/t";
    assert_eq!(ana.get(other).await.status, 403);

    let revoke = |grant: Value| json!({"grant": grant});
    let _ = root.post(GRANTS, revoke(on_namespace(&["sales"]))).await.expect(201);
    assert_eq!(ana.get(&path("u")).await.status, 403);
    let unknown = root.post(GRANTS, revoke(on_table("never"))).await;
    assert_eq!(kind(&unknown), "404 NoSuchTableException");
    let bad = json!({"type": "namespace", "namespace": ["a/b"], "privilege": "TABLE_LIST"});
    assert_eq!(kind(&add(&told, bad).await), "400 IllegalArgumentException");
    let mut view = on_table("t");
    view["type"] = json!("view");
    view["viewName"] = json!("t");
    view["privilege"] = json!("VIEW_LIST");
    assert_eq!(kind(&add(&told, view).await), "409 AlreadyExistsException");
}

#[tokio::test]
async fn grants_on_one_new_name_at_once_are_all_there() {
    let told = with_role(&[], &[(FLAG, "true")]).await;
    let names = ["a", "b", "c", "d"];
    let all = names.map(|name| add(&told, on_table(name)));
    for answer in futures::future::join_all(all).await {
        let _ = answer.expect(201);
    }
    let list = told.front.root().await.get(GRANTS).await.expect(200).json();
    assert_eq!(list["grants"].as_array().map(Vec::len), Some(names.len()));
}

#[tokio::test]
async fn whoever_may_not_manage_grants_makes_nothing() {
    let told = with_role(&[], &[(FLAG, "true")]).await;
    let eve = told.front.principal("eve").await;
    told.front.grant("eve", Privilege::CatalogManageContent, "mirror", None, None).await;
    let refused = eve.put(GRANTS, json!({"grant": on_table("t")})).await;
    assert_eq!(kind(&refused), "403 ForbiddenException");
    let list = told.front.root().await.get(GRANTS).await.expect(200).json();
    assert_eq!(list["grants"], json!([]));
}

#[tokio::test]
async fn a_catalog_with_what_grants_made_is_dropped_if_a_flag_says_so() {
    let told = with_role(&[], &[(FLAG, "true")]).await;
    let root = told.front.root().await;
    let _ = add(&told, on_table("t")).await.expect(201);
    let policy =
        json!({"name": "p", "type": "system.data-compaction", "content": "{\"enable\":true}"});
    let policies = "/api/catalog/polaris/v1/mirror/namespaces/sales/policies";
    let _ = root.post(policies, policy).await.expect(200);
    let _ = root.delete(&format!("{ROLES}/reader")).await.expect(204);
    let catalog = format!("{CATALOGS}/mirror");

    let refused = root.delete(&catalog).await;
    assert_eq!(kind(&refused), "400 BadRequestException");
    assert!(
        refused.text().contains("ALLOW_DROPPING_NON_EMPTY_PASSTHROUGH_FACADE_CATALOG"),
        "{}",
        refused.text()
    );
    let shown = root.get(&catalog).await.expect(200).json();
    let mut properties = shown["properties"].clone();
    properties["polaris.config.allow-dropping-non-empty-passthrough-facade-catalog"] =
        json!("true");
    let update = json!({"currentEntityVersion": shown["entityVersion"], "properties": properties});
    let _ = root.put(&catalog, update).await.expect(200);
    let _ = root.delete(&catalog).await.expect(204);
    assert!(told.owner.asked().is_empty());
}

#[tokio::test]
async fn a_realm_keeps_the_flag_for_itself() {
    let keep = "polaris.features.\"ALLOW_SETTING_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS\"";
    let told = Told::start_with(&[(keep, "false")], &[]).await;
    let root = told.front.root().await;
    let base = told.front.location("other");
    let mut body = super::mirror(
        &base,
        super::file_storage(&base),
        told.owner.connection(),
        &[(FLAG, "true")],
    );
    body["catalog"]["name"] = json!("other");
    let expected = format!(
        "400 IllegalArgumentException: Explicitly setting {FLAG} is not allowed because \
         ALLOW_SETTING_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS is set to false."
    );
    assert_eq!(root.post(CATALOGS, body).await.error(), expected);
    let catalog = format!("{CATALOGS}/mirror");
    let shown = root.get(&catalog).await.expect(200).json();
    let update =
        json!({"currentEntityVersion": shown["entityVersion"], "properties": {FLAG: "false"}});
    assert_eq!(root.put(&catalog, update).await.error(), expected);
}
