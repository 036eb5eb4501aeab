//! What a client is told before it begins.

use axum::http::Method;
use merak_tests::TestServer;
use serde_json::json;

const CONFIG: &str = "/api/catalog/v1/config";

#[tokio::test]
async fn a_warehouse_must_be_named() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for query in ["", "?", "?warehouse", "?warehouse=", "?Warehouse=lake"] {
        let answer = root.get(&format!("{CONFIG}{query}")).await.expect(400);
        assert_eq!(
            answer.error(),
            "400 BadRequestException: Please specify a warehouse",
            "{query:?}"
        );
    }
}

#[tokio::test]
async fn an_unknown_warehouse_is_not_found() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;

    for (query, name) in [("LAKE", "LAKE"), ("lak", "lak"), ("a%20b+c", "a b c"), ("%C3%B6", "ö")]
    {
        let answer = root.get(&format!("{CONFIG}?warehouse={query}")).await.expect(404);
        assert_eq!(
            answer.error(),
            format!("404 NotFoundException: Unable to find warehouse {name}")
        );
    }
}

#[tokio::test]
async fn the_defaults_are_the_catalogs_properties_and_the_overrides_lead_to_it() {
    let server = TestServer::start().await;
    let properties = [("snapshot-loading-mode", "refs")];
    server.create_catalog_with("my lake", &properties).await;
    let root = server.root().await;

    let config = root.get(&format!("{CONFIG}?warehouse=my%20lake")).await.expect(200).json();

    assert_eq!(
        config["defaults"],
        json!({
            "default-base-location": server.location("my lake"),
            "snapshot-loading-mode": "refs",
        })
    );
    assert_eq!(config["overrides"], json!({"namespace-separator": "%1F", "prefix": "my lake"}));
    let fields: Vec<_> = config.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["defaults", "overrides", "endpoints", "idempotency-key-lifetime"]);
}

#[tokio::test]
async fn the_endpoints_are_those_that_clients_compare_as_text() {
    let server = TestServer::start().await;

    let endpoints = endpoints(&server).await;

    insta::assert_snapshot!(endpoints.join("\n"), @r"
    GET /v1/{prefix}/namespaces
    GET /v1/{prefix}/namespaces/{namespace}
    HEAD /v1/{prefix}/namespaces/{namespace}
    POST /v1/{prefix}/namespaces
    POST /v1/{prefix}/namespaces/{namespace}/properties
    DELETE /v1/{prefix}/namespaces/{namespace}
    GET /v1/{prefix}/namespaces/{namespace}/tables
    GET /v1/{prefix}/namespaces/{namespace}/tables/{table}
    HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}
    POST /v1/{prefix}/namespaces/{namespace}/tables
    POST /v1/{prefix}/namespaces/{namespace}/tables/{table}
    DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}
    POST /v1/{prefix}/tables/rename
    GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials
    POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign
    POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics
    POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister
    POST /v1/{prefix}/namespaces/{namespace}/register
    POST /v1/{prefix}/transactions/commit
    GET /v1/{prefix}/namespaces/{namespace}/views
    GET /v1/{prefix}/namespaces/{namespace}/views/{view}
    HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}
    POST /v1/{prefix}/namespaces/{namespace}/views
    POST /v1/{prefix}/namespaces/{namespace}/views/{view}
    DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}
    POST /v1/{prefix}/views/rename
    POST /v1/{prefix}/namespaces/{namespace}/register-view
    GET polaris/v1/{prefix}/namespaces/{namespace}/generic-tables
    POST polaris/v1/{prefix}/namespaces/{namespace}/generic-tables
    DELETE polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}
    GET polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}
    GET /polaris/v1/{prefix}/namespaces/{namespace}/policies
    POST /polaris/v1/{prefix}/namespaces/{namespace}/policies
    GET /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}
    PUT /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}
    DELETE /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}
    PUT /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}/mappings
    POST /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}/mappings
    GET /polaris/v1/{prefix}/applicable-policies
    ");
}

#[tokio::test]
async fn every_endpoint_that_is_advertised_is_served() {
    let server = TestServer::start().await;
    let endpoints = endpoints(&server).await;
    let root = server.root().await;

    for endpoint in endpoints {
        let (method, template) = endpoint.split_once(' ').unwrap();
        let path = template
            .trim_start_matches('/')
            .replace("{prefix}", "lake")
            .replace("{namespace}", "nowhere")
            .replace('{', "a-")
            .replace('}', "");
        let method: Method = method.parse().unwrap();

        let answer =
            root.send_json(method.clone(), &format!("/api/catalog/{path}"), &json!({})).await;

        assert_ne!(answer.status.as_u16(), 405, "{endpoint}");
        assert!(!answer.text().contains("Nothing is at"), "{endpoint}: {}", answer.text());
        assert!(answer.status.is_success() || answer.status.is_client_error(), "{endpoint}");
    }
}

#[tokio::test]
async fn no_privilege_is_needed_and_a_token_is() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let path = format!("{CONFIG}?warehouse=lake");

    let _ = server.principal("ana").await.get(&path).await.expect(200);
    let _ = server.nobody().get(&path).await.expect(401);
}

async fn endpoints(server: &TestServer) -> Vec<String> {
    server.create_catalog("lake").await;
    let root = server.root().await;
    let config = root.get(&format!("{CONFIG}?warehouse=lake")).await.expect(200).json();
    let endpoints = config["endpoints"].as_array().unwrap().iter();
    endpoints.map(|endpoint| endpoint.as_str().unwrap().to_owned()).collect()
}
