//! What the explanations of access tell, and to whom.

use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use super::{
    ALL, MANAGEMENT, NAMESPACES, assert_refused, assign, encode, enroll, give, grant,
    make_catalog_role, make_principal, make_principal_role, on_catalog, on_namespace, somebody,
};
use crate::fixtures::lake;

/// The operations on what is in no catalog.
const IN_THE_REALM: &[&str] = &[
    "LIST_CATALOGS",
    "CREATE_CATALOG",
    "LIST_PRINCIPALS",
    "CREATE_PRINCIPAL",
    "GET_PRINCIPAL",
    "UPDATE_PRINCIPAL",
    "DELETE_PRINCIPAL",
    "ROTATE_CREDENTIALS",
    "RESET_CREDENTIALS",
    "LIST_PRINCIPAL_ROLES_ASSIGNED",
    "LIST_PRINCIPAL_ROLES",
    "CREATE_PRINCIPAL_ROLE",
    "GET_PRINCIPAL_ROLE",
    "UPDATE_PRINCIPAL_ROLE",
    "DELETE_PRINCIPAL_ROLE",
    "LIST_ASSIGNEE_PRINCIPALS_FOR_PRINCIPAL_ROLE",
    ROLES_OF_A_ROLE,
    "ASSIGN_PRINCIPAL_ROLE",
    "REVOKE_PRINCIPAL_ROLE",
    "EXPLAIN_ACCESS_IN_REALM",
    "LIST_EVENTS",
    "LIST_AUDIT_RECORDS",
];

/// What is asked for is judged in the realm, though a catalog is named.
const ROLES_OF_A_ROLE: &str = "LIST_CATALOG_ROLES_FOR_PRINCIPAL_ROLE";

/// Two catalogs; ana, who reads the lake by one role, the pond by another, and has a third that is
/// for nothing; and mallory, who manages the lake.
async fn lake_and_pond() -> TestServer {
    let server = lake().await;
    server.create_catalog("pond").await;
    server.create_namespace("pond", "sales").await;
    for catalog in ["lake", "pond"] {
        server.create_table(catalog, "sales", "t").await;
    }
    let root = server.root().await;
    let _ = make_principal(&root, "ana").await;
    for role in ["of-lake", "of-pond", "idle", "not-hers"] {
        make_principal_role(&root, role).await;
    }
    for role in ["of-lake", "of-pond", "idle"] {
        assign(&root, "ana", role).await;
    }
    for (catalog, role) in [("lake", "of-lake"), ("pond", "of-pond")] {
        make_catalog_role(&root, catalog, "reader").await;
        grant(&root, catalog, "reader", on_catalog("TABLE_READ_PROPERTIES")).await;
        give(&root, role, catalog, "reader").await;
    }
    let _ = enroll(&root, "mallory", &[]).await;
    give(&root, "mallory", "lake", "catalog_admin").await;
    server
}

/// mallory, with new credentials.
async fn mallory(server: &TestServer) -> Identity<'_> {
    let root = server.root().await;
    let reset = format!("{}/reset", super::principal("mallory"));
    let credentials = root.post(&reset, json!({})).await.expect(200);
    super::Credentials::of(&credentials).log_in(server).await
}

fn question(operation: &str, catalog: Option<&str>) -> String {
    let catalog = catalog.map(|name| format!("&catalog={name}")).unwrap_or_default();
    format!(
        "{MANAGEMENT}/explain?principal=ana&operation={operation}{catalog}&namespace=sales&table=t\
         &policy=sales.p&targetPrincipal=ana&principalRole=not-hers&catalogRole=reader&update=add-snapshot"
    )
}

#[tokio::test]
async fn nothing_is_explained_to_those_who_may_not_manage_grants() {
    let server = lake_and_pond().await;
    let eve = somebody(
        &server,
        "eve",
        &[on_catalog("CATALOG_MANAGE_CONTENT"), on_namespace("sales", "CATALOG_MANAGE_ACCESS")],
    )
    .await;

    for operation in merak_authz::explainable_operations() {
        for catalog in [Some("lake"), Some("pond"), None] {
            let answer = eve.get(&question(operation, catalog)).await;
            // A question about what is in a catalog is none without it.
            let is_question = catalog.is_some()
                || IN_THE_REALM.contains(&operation) && operation != ROLES_OF_A_ROLE;
            let expected = if is_question { 403 } else { 400 };
            assert_eq!(answer.status, expected, "{operation}, {catalog:?}: {}", answer.text());
        }
    }
    // Not even about oneself.
    let own = format!("{MANAGEMENT}/explain?principal=eve&operation=LIST_CATALOGS");
    assert_refused(&eve.get(&own).await);
}

#[tokio::test]
async fn the_manager_of_one_catalog_is_told_nothing_of_another_nor_of_the_realm() {
    let server = lake_and_pond().await;
    let mallory = mallory(&server).await;

    for operation in merak_authz::explainable_operations() {
        let of_pond = mallory.get(&question(operation, Some("pond"))).await;
        assert_refused(&of_pond);
        let of_none = mallory.get(&question(operation, None)).await;
        assert!([400, 403].contains(&of_none.status.as_u16()), "{operation}: {}", of_none.text());
        let of_lake = mallory.get(&question(operation, Some("lake"))).await;
        if IN_THE_REALM.contains(&operation) {
            // To name a catalog that it manages makes no difference.
            assert_refused(&of_lake);
            continue;
        }
        let told = of_lake.text();
        assert!([200, 404].contains(&of_lake.status.as_u16()), "{operation}: {told}");
        assert!(!told.contains("idle") && !told.contains("pond"), "{operation}: {told}");
    }
}

#[tokio::test]
async fn roles_that_say_nothing_about_the_catalog_are_not_told() {
    let server = lake_and_pond().await;
    let path = question("LOAD_TABLE", Some("lake"));

    let told = mallory(&server).await.get(&path).await.expect(200).json();
    assert_eq!(told["allowed"], true, "{told}");
    assert_eq!(told["activeRoles"], json!(["of-lake"]));
    let whole = server.root().await.get(&path).await.expect(200).json();
    assert_eq!(whole["activeRoles"], json!(["idle", "of-lake", "of-pond"]));
}

async fn ask(who: &Identity<'_>, operation: &str, scope: &str) -> Response {
    let path = question(operation, Some("lake"));
    who.get(&format!("{path}&scope={}", encode(scope))).await
}

#[tokio::test]
async fn to_ask_with_a_scope_is_no_way_to_learn_who_has_which_role() {
    let server = lake_and_pond().await;
    let mallory = mallory(&server).await;

    for operation in ["LOAD_TABLE", "GET_CONFIG", "DROP_TABLE_WITHOUT_PURGE"] {
        for with in ["", "PRINCIPAL_ROLE:of-lake "] {
            // Held and for nothing here, held by others, held by nobody.
            for role in ["of-pond", "idle", "not-hers", "mallory", "service_admin", "none"] {
                let scope = format!("{with}PRINCIPAL_ROLE:{role}");
                let answer = ask(&mallory, operation, &scope).await;
                assert_refused(&answer);
                assert!(!answer.text().contains(role) || role == "mallory", "{}", answer.text());
                let whole = ask(&server.root().await, operation, &scope).await;
                let _ = whole.expect(200);
            }
        }
        // What says something about the catalog is explained.
        let told = ask(&mallory, operation, "PRINCIPAL_ROLE:of-lake").await.expect(200).json();
        assert_eq!(told["activeRoles"], json!(["of-lake"]));
        let _ = ask(&mallory, operation, ALL).await.expect(200);
    }
}

#[tokio::test]
async fn an_explanation_names_nothing_of_another_catalog() {
    let server = lake_and_pond().await;
    let root = server.root().await;
    // A principal role that has a role in each, of one name, and is told for the sake of the one.
    give(&root, "of-lake", "pond", "catalog_admin").await;

    let told = mallory(&server).await.get(&question("LOAD_TABLE", Some("lake"))).await;

    let told: Value = told.expect(200).json();
    assert_eq!(
        told["catalogRoles"],
        json!([{"name": "reader", "grantedTo": ["of-lake"]}]),
        "{told}"
    );
    assert!(!told.to_string().contains("pond"), "{told}");
    assert!(!told.to_string().contains("catalog_admin"), "{told}");
}

#[tokio::test]
async fn no_remedy_is_a_command_that_grants_on_another_namespace() {
    let server = lake_and_pond().await;
    let root = server.root().await;
    // `payroll` in `hr`, and a namespace whose name reads like it.
    for levels in [json!(["hr"]), json!(["hr", "payroll"]), json!(["hr.payroll"])] {
        let _ = root.post(NAMESPACES, json!({"namespace": levels})).await.expect(200);
    }
    let ask =
        format!("{MANAGEMENT}/explain?operation=LOAD_NAMESPACE_METADATA&catalog=lake&principal");

    // To ana's catalog role, and to a new one for eve.
    for who in ["ana", "eve"] {
        if who == "eve" {
            let _ = make_principal(&root, who).await;
        }
        for (namespace, is_command) in [("hr%1Fpayroll", true), ("hr.payroll", false)] {
            let told = root.get(&format!("{ask}={who}&namespace={namespace}")).await.expect(200);
            let told = told.json();
            let remedy = told["remedies"][0]["text"].as_str().expect("a remedy");
            assert_eq!(remedy.contains("polaris privileges"), is_command, "{remedy}");
            assert_eq!(
                remedy.contains("by PUT of a grant of type namespace"),
                !is_command,
                "{remedy}"
            );
        }
    }
}
