//! Who may do what with generic tables, and how that is told.

use merak_model::Privilege;
use merak_tests::TestServer;
use serde_json::json;

use super::{GENERIC_TABLES, draft, route};
use crate::fixtures::lake;

async fn world() -> TestServer {
    let server = lake().await;
    for table in ["g", "h"] {
        server.create_generic_table("lake", "sales", table).await;
    }
    server.principal("ana").await;
    server
}

fn refusal(operation: &str) -> String {
    format!(
        "403 ForbiddenException: Principal 'eve' with activated PrincipalRoles '[eve]' and \
         activated grants via '[eve]' is not authorized for op {operation}"
    )
}

#[tokio::test]
async fn a_refusal_names_the_operation_as_polaris_does() {
    let server = world().await;
    let eve = server.principal("eve").await;
    let asking = eve.with_header("Polaris-Generic-Table-Access-Delegation", "vended-credentials");

    assert_eq!(eve.get(GENERIC_TABLES).await.error(), refusal("LIST_TABLES"));
    let create = refusal("CREATE_TABLE_DIRECT");
    assert_eq!(eve.post(GENERIC_TABLES, draft("new")).await.error(), create);
    let create = refusal("CREATE_TABLE_DIRECT_WITH_WRITE_DELEGATION");
    assert_eq!(asking.post(GENERIC_TABLES, draft("new")).await.error(), create);
    assert_eq!(eve.get(&route("g")).await.error(), refusal("LOAD_TABLE"));
    let load = refusal("LOAD_TABLE_WITH_READ_DELEGATION");
    assert_eq!(asking.get(&route("g")).await.error(), load);
    assert_eq!(eve.delete(&route("g")).await.error(), refusal("DROP_TABLE_WITHOUT_PURGE"));
}

#[tokio::test]
async fn a_grant_on_one_opens_it_alone() {
    let server = world().await;
    let role = "/api/management/v1/catalogs/lake/catalog-roles";
    let root = server.root().await;
    let _ = root.post(role, json!({"name": "reader"})).await.expect(201);
    let assign = "/api/management/v1/principal-roles/ana/catalog-roles/lake";
    let _ = root.put(assign, json!({"name": "reader"})).await.expect(201);
    let grant = json!({
        "type": "table", "namespace": ["sales"], "tableName": "g",
        "privilege": "TABLE_READ_PROPERTIES",
    });
    let _ = root.put(&format!("{role}/reader/grants"), grant).await.expect(201);
    let bob = server.principal("bob").await;
    let assign = "/api/management/v1/principal-roles/bob/catalog-roles/lake";
    let _ = root.put(assign, json!({"name": "reader"})).await.expect(201);

    let _ = bob.get(&route("g")).await.expect(200);
    let _ = bob.get(&route("h")).await.expect(403);
    let _ = bob.delete(&route("g")).await.expect(403);
    // With the table the grant is gone.
    let _ = root.delete(&route("g")).await.expect(204);
    server.create_generic_table("lake", "sales", "g").await;
    let _ = bob.get(&route("g")).await.expect(403);
}

#[tokio::test]
async fn privileges_on_views_open_no_generic_table() {
    let server = world().await;
    let eve = server.principal("eve").await;
    for privilege in
        [Privilege::ViewFullMetadata, Privilege::NamespaceFullMetadata, Privilege::ViewList]
    {
        server.grant("eve", privilege, "lake", None, None).await;
    }

    assert_eq!(eve.get(&route("g")).await.status, 403);
    assert_eq!(eve.get(GENERIC_TABLES).await.status, 403);
    assert_eq!(eve.post(GENERIC_TABLES, draft("new")).await.status, 403);
}

#[tokio::test]
async fn each_operation_is_explained_by_a_name_of_its_own() {
    let server = world().await;
    server.grant("ana", Privilege::TableReadProperties, "lake", Some("sales"), Some("g")).await;
    let root = server.root().await;
    let explain = async |operation: &str, table: &str| {
        let query = "principal=ana&catalog=lake&namespace=sales";
        let path =
            format!("/api/management/v1/explain?{query}&operation={operation}&table={table}");
        root.get(&path).await
    };

    for (operation, table, allowed) in [
        ("LIST_GENERIC_TABLES", "", false),
        ("CREATE_GENERIC_TABLE", "new", false),
        ("CREATE_GENERIC_TABLE_WITH_WRITE_DELEGATION", "new", false),
        ("LOAD_GENERIC_TABLE", "g", true),
        ("LOAD_GENERIC_TABLE", "h", false),
        ("LOAD_GENERIC_TABLE_WITH_READ_DELEGATION", "g", false),
        ("LOAD_GENERIC_TABLE_WITH_WRITE_DELEGATION", "g", false),
        ("DROP_GENERIC_TABLE", "g", false),
    ] {
        let answer = explain(operation, table).await.expect(200).json();
        assert_eq!(answer["allowed"], allowed, "{operation} {answer}");
        assert_eq!(answer["operation"], operation);
    }
    let answer = explain("LOAD_GENERIC_TABLE", "h").await.expect(200).json();
    let on = json!({"type": "generic-table", "name": "sales.h"});
    assert_eq!(answer["requirements"][0]["on"], on);
    assert_eq!(
        explain("LOAD_TABLE", "g").await.error(),
        "404 NoSuchTableException: Table does not exist: sales.g"
    );
}
