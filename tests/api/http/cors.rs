//! Calls from pages of other origins.

use axum::http::Method;
use merak_tests::{Identity, Response, TestServer};

const CONSOLE: &str = "https://console.example.com";
const PATH: &str = "/api/management/v1/catalogs";
const ON: [(&str, &str); 2] =
    [("quarkus.http.cors.enabled", "true"), ("quarkus.http.cors.origins", CONSOLE)];

async fn preflight(who: &Identity<'_>, origin: &str) -> Response {
    who.with_header("Origin", origin)
        .with_header("Access-Control-Request-Method", "PUT")
        .with_header("Access-Control-Request-Headers", "authorization,polaris-realm")
        .send_bytes(Method::OPTIONS, PATH, Vec::new())
        .await
}

fn has_cors(answer: &Response) -> bool {
    answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn pages_of_other_origins_are_told_nothing_by_default() {
    let server = TestServer::start().await;

    let answer = preflight(&server.nobody(), CONSOLE).await.expect(405);
    assert!(!has_cors(&answer));
    let answer = server.nobody().with_header("Origin", CONSOLE).get(PATH).await.expect(401);
    assert!(!has_cors(&answer));
}

#[tokio::test]
async fn an_origin_that_is_allowed_may_ask_what_it_may() {
    let server = TestServer::start_with(&ON).await;

    let answer = preflight(&server.nobody(), CONSOLE).await.expect(200);

    assert_eq!(answer.header("access-control-allow-origin"), Some(CONSOLE));
    assert!(answer.header("access-control-allow-methods").unwrap().contains("PUT"));
    let headers = answer.header("access-control-allow-headers").unwrap().to_lowercase();
    assert!(headers.contains("authorization") && headers.contains("polaris-realm"), "{headers}");
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("access-control-max-age"), Some("600"));
}

#[tokio::test]
async fn an_origin_that_is_allowed_reads_answers_and_errors() {
    let server = TestServer::start_with(&ON).await;
    let root = server.root().await;

    for (who, path, status) in
        [(&root, PATH, 200), (&server.nobody(), PATH, 401), (&root, "/nowhere", 404)]
    {
        let answer = who.with_header("Origin", CONSOLE).get(path).await.expect(status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(CONSOLE));
        assert!(answer.header("x-request-id").is_some());
    }
    let lost = root.with_header("Polaris-Realm", "nowhere").with_header("Origin", CONSOLE);
    let answer = lost.get(PATH).await.expect(404);
    assert_eq!(answer.header("access-control-allow-origin"), Some(CONSOLE));
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_is_told_nothing() {
    let server = TestServer::start_with(&ON).await;
    let root = server.root().await;

    for origin in ["https://evil.example.com", "http://console.example.com", "null"] {
        let answer = preflight(&server.nobody(), origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        let answer = root.with_header("Origin", origin).get(PATH).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[tokio::test]
async fn any_origin_may_be_allowed_and_then_sends_no_credentials() {
    let any = [ON[0], ("quarkus.http.cors.origins", "*")];
    let server = TestServer::start_with(&any).await;

    let answer = preflight(&server.nobody(), CONSOLE).await.expect(200);

    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[tokio::test]
async fn what_pages_may_do_is_a_setting() {
    let server = TestServer::start_with(&[
        ON[0],
        ON[1],
        ("quarkus.http.cors.methods", "GET,POST"),
        ("quarkus.http.cors.headers", "Content-Type,Authorization"),
        ("quarkus.http.cors.exposed-headers", "ETag,X-Request-ID"),
        ("quarkus.http.cors.access-control-max-age", "PT24H"),
        ("quarkus.http.cors.access-control-allow-credentials", "false"),
    ])
    .await;

    let answer = preflight(&server.nobody(), CONSOLE).await.expect(200);
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET,POST"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("content-type,authorization"));
    assert_eq!(answer.header("access-control-max-age"), Some("86400"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    let answer = server.nobody().with_header("Origin", CONSOLE).get(PATH).await;
    assert_eq!(answer.header("access-control-expose-headers"), Some("etag,x-request-id"));
}
