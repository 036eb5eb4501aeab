//! Why somebody may do something, or may not.

use merak_model::Privilege;
use merak_tests::{Identity, TestServer};
use serde_json::{Value, json};

const MANAGEMENT: &str = "/api/management/v1";

/// A catalog `lake` with a table `sky.stars`, and Ana, who has a principal role of her name.
async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sky").await;
    server.create_table("lake", "sky", "stars").await;
    server.principal("ana").await;
    server
}

/// Makes a catalog role that Ana's principal role has, and grants it a privilege.
async fn give(root: &Identity<'_>, role: &str, grant: Value) {
    let roles = format!("{MANAGEMENT}/catalogs/lake/catalog-roles");
    let _ = root.post(&roles, json!({"name": role})).await.expect(201);
    let assign = format!("{MANAGEMENT}/principal-roles/ana/catalog-roles/lake");
    let _ = root.put(&assign, json!({"name": role})).await.expect(201);
    let _ = root.put(&format!("{roles}/{role}/grants"), grant).await.expect(201);
}

async fn explain(who: &Identity<'_>, query: &str) -> Value {
    who.get(&format!("{MANAGEMENT}/explain?{query}")).await.expect(200).json()
}

fn steps(answer: &Value) -> Vec<&str> {
    answer["steps"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect()
}

const LOAD: &str = "principal=ana&operation=LOAD_TABLE&catalog=lake&namespace=sky&table=stars";

#[tokio::test]
async fn a_refusal_is_explained_step_by_step_with_what_would_help() {
    let server = server().await;
    let root = server.root().await;
    give(
        &root,
        "lister",
        json!({"type": "namespace", "namespace": ["sky"], "privilege": "TABLE_LIST"}),
    )
    .await;

    let answer = explain(&root, LOAD).await;

    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["activeRoles"], json!(["ana"]));
    assert_eq!(answer["catalogRoles"], json!([{"name": "lister", "grantedTo": ["ana"]}]));
    assert_eq!(
        answer["path"],
        json!([
            {"type": "root", "name": "root_container", "grants": []},
            {"type": "catalog", "name": "lake", "grants": []},
            {"type": "namespace", "name": "sky", "grants": [{
                "privilege": "TABLE_LIST", "grantee": "lister", "granteeType": "catalog-role",
            }]},
            {"type": "table", "name": "sky.stars", "grants": []},
        ])
    );
    let requirement = &answer["requirements"][0];
    assert_eq!(requirement["privilege"], "TABLE_READ_PROPERTIES");
    assert_eq!(requirement["on"], json!({"type": "table", "name": "sky.stars"}));
    assert_eq!(requirement["met"], false);
    assert_eq!(requirement["metBy"], json!([]));
    assert!(requirement["sufficient"].as_array().unwrap().contains(&json!("TABLE_READ_DATA")));
    insta::assert_snapshot!(steps(&answer).join("\n"), @r"
    Principal ana acts in the principal roles ana.
    In the catalog lake they have the roles lister (by ana).
    On Root root_container nothing is granted to these roles.
    On Catalog lake nothing is granted to these roles.
    On Namespace sky are granted TABLE_LIST to the catalog role lister.
    On Table sky.stars nothing is granted to these roles.
    LOAD_TABLE needs TABLE_READ_PROPERTIES on Table sky.stars, which is missing.
    So LOAD_TABLE is refused.
    Grant TABLE_READ_PROPERTIES on Table sky.stars in lake to the catalog role lister: polaris privileges table grant --catalog lake --catalog-role lister --namespace sky --table stars TABLE_READ_PROPERTIES
    ");
}

#[tokio::test]
async fn following_the_remedy_opens_what_was_refused() {
    let server = server().await;
    let root = server.root().await;
    let table = "/api/catalog/v1/lake/namespaces/sky/tables/stars";
    give(&root, "empty", json!({"type": "catalog", "privilege": "VIEW_LIST"})).await;
    let ana = server.principal("ana-2").await;
    let assign = format!("{MANAGEMENT}/principal-roles/ana-2/catalog-roles/lake");
    let _ = root.put(&assign, json!({"name": "empty"})).await.expect(201);
    let question = LOAD.replace("principal=ana", "principal=ana-2");
    assert_eq!(ana.get(table).await.status, 403);

    let remedy = explain(&root, &question).await["remedies"][0].clone();
    assert_eq!(remedy["on"], json!({"type": "table", "name": "sky.stars"}));
    let grants = format!(
        "{MANAGEMENT}/catalogs/lake/catalog-roles/{}/grants",
        remedy["catalogRole"].as_str().unwrap()
    );
    let grant = json!({
        "type": "table", "namespace": ["sky"], "tableName": "stars",
        "privilege": remedy["privilege"],
    });
    let _ = root.put(&grants, grant).await.expect(201);

    let _ = ana.get(table).await.expect(200);
    let answer = explain(&root, &question).await;
    assert_eq!(answer["allowed"], true);
    assert_eq!(answer["remedies"], json!([]));
}

#[tokio::test]
async fn what_is_allowed_is_explained_by_the_grants_that_allow_it() {
    let server = server().await;
    let root = server.root().await;
    give(&root, "reader", json!({"type": "catalog", "privilege": "TABLE_READ_DATA"})).await;

    let answer = explain(&root, LOAD).await;

    assert_eq!(answer["allowed"], true);
    assert_eq!(
        answer["requirements"][0]["metBy"],
        json!([{
            "privilege": "TABLE_READ_DATA", "grantee": "reader", "granteeType": "catalog-role",
            "on": {"type": "catalog", "name": "lake"},
        }])
    );
}

#[tokio::test]
async fn the_answer_is_what_the_principal_itself_gets() {
    let server = server().await;
    let root = server.root().await;
    let ana = server.principal("ben").await;
    let table = "/api/catalog/v1/lake/namespaces/sky/tables/stars";
    let question = LOAD.replace("ana", "ben");
    for privilege in [Privilege::TableList, Privilege::TableReadProperties] {
        server.grant("ben", privilege, "lake", Some("sky"), Some("stars")).await;

        let is_allowed = explain(&root, &question).await["allowed"] == true;

        assert_eq!(is_allowed, ana.get(table).await.status == 200, "{privilege}");
    }
}

#[tokio::test]
async fn a_scope_explains_what_a_narrowed_token_may() {
    let server = server().await;
    let root = server.root().await;
    give(&root, "reader", json!({"type": "catalog", "privilege": "TABLE_READ_DATA"})).await;
    let _ = root
        .post(&format!("{MANAGEMENT}/principal-roles"), json!({"name": "idle"}))
        .await
        .expect(201);
    let path = format!("{MANAGEMENT}/principals/ana/principal-roles");
    let _ = root.put(&path, json!({"name": "idle"})).await.expect(201);

    let idle = explain(&root, &format!("{LOAD}&scope=PRINCIPAL_ROLE:idle")).await;
    let unheld = explain(&root, &format!("{LOAD}&scope=PRINCIPAL_ROLE:service_admin")).await;

    assert_eq!((&idle["allowed"], &idle["activeRoles"]), (&json!(false), &json!(["idle"])));
    assert_eq!(unheld["allowed"], false);
    assert!(
        steps(&unheld).contains(
            &"The principal role 'service_admin' that this token asks for is not granted to the \
              principal: every request is answered 401."
        ),
        "{unheld}"
    );
    let malformed = root.get(&format!("{MANAGEMENT}/explain?{LOAD}&scope=idle")).await;
    assert_eq!(
        malformed.error(),
        "400 BadRequestException: The parameter 'scope' must name roles, as in \
         PRINCIPAL_ROLE:analyst"
    );
}

#[tokio::test]
async fn a_commit_is_explained_by_the_kinds_of_its_updates() {
    let server = server().await;
    let root = server.root().await;
    give(&root, "tagger", json!({"type": "catalog", "privilege": "TABLE_SET_PROPERTIES"})).await;
    let question = LOAD.replace("LOAD_TABLE", "UPDATE_TABLE");

    let properties = explain(&root, &format!("{question}&update=set-properties")).await;
    let both = explain(&root, &format!("{question}&update=set-properties,add-schema")).await;
    let unknown = explain(&root, &format!("{question}&update=dance")).await;

    assert_eq!(properties["allowed"], true);
    assert_eq!(both["allowed"], false);
    assert_eq!(both["remedies"][0]["privilege"], "TABLE_ADD_SCHEMA");
    assert_eq!(unknown["requirements"][0]["privilege"], "TABLE_WRITE_PROPERTIES");
}

#[tokio::test]
async fn what_no_api_grants_is_remedied_by_a_role() {
    let server = server().await;
    let root = server.root().await;

    let catalogs = explain(&root, "principal=ana&operation=LIST_CATALOGS").await;
    let roles = explain(&root, "principal=ana&operation=LIST_CATALOG_ROLES&catalog=lake").await;

    let remedy = &catalogs["remedies"][0];
    assert_eq!(remedy["privilege"], "SERVICE_MANAGE_ACCESS");
    assert_eq!(remedy.get("catalogRole"), None);
    assert!(
        remedy["text"]
            .as_str()
            .unwrap()
            .ends_with("polaris principal-roles grant --principal ana service_admin"),
        "{remedy}"
    );
    assert_eq!(roles["remedies"][0]["privilege"], "CATALOG_MANAGE_ACCESS");
    assert_eq!(roles["remedies"][0]["on"], json!({"type": "catalog", "name": "lake"}));
}

#[tokio::test]
async fn a_rule_that_no_privilege_satisfies_is_told_and_has_no_remedy() {
    let server = server().await;
    let root = server.root().await;
    let question = "principal=ana&operation=RESET_CREDENTIALS&targetPrincipal=root";

    let answer = explain(&root, question).await;

    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["remedies"], json!([]));
    assert!(
        steps(&answer)
            .contains(&"Only Root principal(service-admin) can perform RESET_CREDENTIALS."),
        "{answer}"
    );
}

#[tokio::test]
async fn a_principal_may_rotate_its_own_credentials_without_a_privilege() {
    let server = server().await;
    let root = server.root().await;
    let question = "principal=ana&operation=ROTATE_CREDENTIALS&targetPrincipal=ana";

    let answer = explain(&root, question).await;

    assert_eq!(answer["allowed"], true);
    assert_eq!(answer["requirements"], json!([]));
}

#[tokio::test]
async fn questions_that_cannot_be_answered_say_what_is_missing() {
    let server = server().await;
    let root = server.root().await;
    for (query, error) in [
        ("operation=LOAD_TABLE", "400 BadRequestException: The parameter 'principal' is needed"),
        ("principal=ana", "400 BadRequestException: The parameter 'operation' is needed"),
        (
            "principal=ana&operation=LOAD_TABLE&catalog=lake&namespace=sky",
            "400 BadRequestException: LOAD_TABLE needs the parameter 'table'",
        ),
        (
            "principal=ana&operation=LOAD_TABLE",
            "400 BadRequestException: LOAD_TABLE needs the parameter 'catalog'",
        ),
        (
            "principal=ana&operation=LOAD_TABLE&catalog=lake&namespace=sky&table=moon",
            "404 NoSuchTableException: Table does not exist: sky.moon",
        ),
        (
            "principal=nobody&operation=LIST_CATALOGS",
            "404 NotFoundException: TopLevelEntity of type PRINCIPAL does not exist: nobody",
        ),
        (
            "principal=ana&operation=GET_CATALOG&catalog=sea",
            "404 NotFoundException: TopLevelEntity of type CATALOG does not exist: sea",
        ),
    ] {
        let answer = root.get(&format!("{MANAGEMENT}/explain?{query}")).await;
        assert_eq!(answer.error(), error, "{query}");
    }
    let unknown = root.get(&format!("{MANAGEMENT}/explain?principal=ana&operation=DANCE")).await;
    let error = unknown.error();
    assert!(
        error.starts_with("400 BadRequestException: Unknown operation 'DANCE': it must be one of"),
        "{error}"
    );
    assert!(error.contains("LOAD_TABLE_WITH_READ_DELEGATION"), "{error}");
}

#[tokio::test]
async fn a_catalog_s_manager_sees_the_roles_that_matter_in_it_and_no_others() {
    let server = server().await;
    let root = server.root().await;
    give(&root, "reader", json!({"type": "catalog", "privilege": "TABLE_READ_DATA"})).await;
    let _ = root
        .post(&format!("{MANAGEMENT}/principal-roles"), json!({"name": "secret project"}))
        .await
        .expect(201);
    let path = format!("{MANAGEMENT}/principals/ana/principal-roles");
    let _ = root.put(&path, json!({"name": "secret project"})).await.expect(201);
    let manager = server.principal("mia").await;
    server.grant("mia", Privilege::CatalogManageAccess, "lake", None, None).await;

    let of_manager = explain(&manager, LOAD).await;
    let of_root = explain(&root, LOAD).await;

    assert_eq!(of_manager["activeRoles"], json!(["ana"]));
    assert!(!of_manager.to_string().contains("secret project"), "{of_manager}");
    assert_eq!(of_root["activeRoles"], json!(["ana", "secret project"]));
    let in_realm = "principal=ana&operation=LIST_CATALOGS&catalog=lake";
    let realm = manager.get(&format!("{MANAGEMENT}/explain?{in_realm}")).await;
    assert_eq!(realm.status, 403, "{}", realm.text());
}

#[tokio::test]
async fn an_explanation_costs_two_statements() {
    let server = server().await;
    let root = server.root().await;
    explain(&root, LOAD).await;
    let before = server.parts.metastore.statements();

    explain(&root, LOAD).await;

    assert_eq!(server.parts.metastore.statements() - before, 2);
}
