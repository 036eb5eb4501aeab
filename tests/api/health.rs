//! The management port.

use merak_tests::TestServer;
use serde_json::json;

#[tokio::test]
async fn a_server_that_runs_is_alive_and_started() {
    let server = TestServer::start().await;

    for path in ["/q/health/live", "/q/health/started"] {
        let answer = server.send_to_management(path).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.json(), json!({"status": "UP", "checks": []}), "{path}");
    }
}

#[tokio::test]
async fn a_server_whose_database_answers_is_ready() {
    let server = TestServer::start().await;

    for path in ["/q/health", "/q/health/ready"] {
        assert_eq!(
            server.send_to_management(path).await.expect(200).json(),
            json!({
                "status": "UP",
                "checks": [{"name": "Database connections health check", "status": "UP"}],
            }),
            "{path}"
        );
    }
}

#[tokio::test]
async fn requests_are_counted_by_their_route() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    let _ = root.get("/api/catalog/v1/lake/namespaces/nowhere").await.expect(404);

    let answer = server.send_to_management("/q/metrics").await.expect(200);

    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    let text = answer.text();
    let counts = |line: &&str| line.starts_with("http_server_requests_seconds_count{");
    let route = r#"uri="/api/catalog/v1/{prefix}/namespaces/{namespace}""#;
    let line = text.lines().filter(counts).find(|line| {
        line.contains(route) && line.contains(r#"method="GET""#) && line.contains(r#"status="404""#)
    });
    assert!(line.unwrap().contains(r#"outcome="CLIENT_ERROR""#), "{line:?}");
    assert!(!text.contains("nowhere"), "paths have no place in metrics");
}

#[tokio::test]
async fn paths_without_a_route_are_counted_together() {
    let server = TestServer::start().await;
    let path = format!("/{}", uuid::Uuid::new_v4());
    let _ = server.nobody().get(&path).await.expect(404);

    let text = server.send_to_management("/q/metrics").await.expect(200).text();

    assert!(text.contains(r#"uri="UNKNOWN""#));
    assert!(!text.contains(&path));
}

#[tokio::test]
async fn the_ports_do_not_serve_what_is_the_others() {
    let server = TestServer::start().await;

    let on_management = server.send_to_management("/api/catalog/v1/config").await.expect(404);
    assert!(on_management.error().starts_with("404 NotFoundException: "));
    let _ = server.nobody().get("/q/health").await.expect(404);
    let _ = server.nobody().get("/q/metrics").await.expect(404);
}
