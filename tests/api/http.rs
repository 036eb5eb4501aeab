//! HTTP, whatever is asked for.

mod cors;

use std::io::{Read as _, Write as _};

use axum::body::Body;
use axum::http::{Method, Request};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http_body_util::BodyExt as _;
use merak_tests::TestServer;
use serde_json::json;
use tower::ServiceExt as _;

const CATALOGS: &str = "/api/management/v1/catalogs";
const NAMESPACES: &str = "/api/catalog/v1/lake/namespaces";
const LIMIT: usize = 2000;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A request for a namespace with blanks behind it, so that it has so many bytes.
fn body_of(name: &str, bytes: usize) -> Vec<u8> {
    let mut body = json!({"namespace": [name]}).to_string().into_bytes();
    body.resize(bytes, b' ');
    body
}

async fn start_with(settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(settings).await;
    server.create_catalog("lake").await;
    server
}

async fn start_with_limit() -> TestServer {
    start_with(&[("quarkus.http.limits.max-body-size", &LIMIT.to_string())]).await
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for path in ["/", "/api", "/api/catalog/v1", "/api/catalog/v1/config/x", "/api/management/v2/x"]
    {
        for who in [&root, &server.nobody()] {
            let answer = who.get(path).await.expect(404);
            assert_eq!(answer.error(), format!("404 NotFoundException: Nothing is at {path}"));
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_told_with_those_it_does() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let answer = root.put(CATALOGS, json!({})).await.expect(405);

    assert_eq!(
        answer.error(),
        format!("405 MethodNotAllowedException: {CATALOGS} does not answer to PUT")
    );
    let allowed = answer.header("allow").unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let _ = root.delete("/api/catalog/v1/config").await.expect(405);
}

#[tokio::test]
async fn a_body_that_is_no_json_by_its_type_is_refused() {
    let server = start_with(&[]).await;
    let root = server.root().await;
    let send = async |content_type: &str, name: &str| {
        let body = json!({"namespace": [name]}).to_string().into_bytes();
        let who = root.with_header("Content-Type", content_type);
        who.send_bytes(Method::POST, NAMESPACES, body).await
    };

    for bad in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json"] {
        let error = send(bad, "a").await.expect(415).error();
        assert!(error.starts_with("415 UnsupportedMediaTypeException: "), "{bad}: {error}");
    }
    for (good, name) in [
        ("application/json; charset=utf-8", "a"),
        ("APPLICATION/JSON", "b"),
        ("application/vnd.api+json", "c"),
    ] {
        let _ = send(good, name).await.expect(200);
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_told_as_such() {
    let server = start_with(&[]).await;
    let root = server.root().await;

    for path in [NAMESPACES, CATALOGS] {
        for bad in [&b""[..], b"{", b"{\"namespace\": [\"a\"]", b"nonsense", b"{'a': 1}", b"\xff"] {
            let answer = root.send_bytes(Method::POST, path, bad.to_vec()).await.expect(400);
            let error = answer.error();
            assert!(
                error.starts_with("400 JsonParseException: Invalid JSON: "),
                "{bad:?}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn json_that_nests_without_end_is_refused() {
    let server = start_with(&[]).await;
    let root = server.root().await;

    for path in [NAMESPACES, CATALOGS] {
        let body = "[".repeat(100_000).into_bytes();
        let answer = root.send_bytes(Method::POST, path, body).await.expect(400);
        assert!(answer.error().starts_with("400 "));
    }
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    let server = start_with_limit().await;
    let root = server.root().await;
    let send = async |body| root.send_bytes(Method::POST, NAMESPACES, body).await;

    let _ = send(body_of("a", LIMIT)).await.expect(200);
    assert_eq!(
        send(body_of("b", LIMIT + 1)).await.expect(413).error(),
        "413 PayloadTooLargeException: The body is larger than 2000 bytes \
         (quarkus.http.limits.max-body-size)"
    );
    let _ = root.head(&format!("{NAMESPACES}/b")).await.expect(404);
    let form = format!("grant_type=client_credentials&x={}", "x".repeat(LIMIT));
    let _ = server.nobody().post_form(&form).await.expect(413);
}

#[tokio::test]
async fn a_compressed_body_is_measured_after_decompression() {
    let server = start_with_limit().await;
    let root = server.root().await.with_header("Content-Encoding", "gzip");
    let send = async |body: &[u8]| root.send_bytes(Method::POST, NAMESPACES, gzip(body)).await;

    let _ = send(&body_of("a", LIMIT)).await.expect(200);
    let _ = send(&body_of("b", LIMIT + 1)).await.expect(413);
    let bomb = gzip(&body_of("c", 1_000_000));
    assert!(bomb.len() < LIMIT, "{}", bomb.len());
    let answer = root.send_bytes(Method::POST, NAMESPACES, bomb).await.expect(413);
    assert!(answer.error().starts_with("413 PayloadTooLargeException: "));
}

#[tokio::test]
async fn compressed_bodies_are_read_by_every_endpoint() {
    let server = start_with(&[]).await;
    let root = server.root().await.with_header("Content-Encoding", "gzip");

    let catalog = json!({
        "name": "second",
        "properties": {"default-base-location": server.location("second")},
        "storageConfigInfo": {"storageType": "FILE"},
    });
    let body = gzip(catalog.to_string().as_bytes());
    let _ = root.send_bytes(Method::POST, CATALOGS, body).await.expect(201);
    let form = "grant_type=client_credentials&client_id=root&client_secret=s3cr3t\
                &scope=PRINCIPAL_ROLE:ALL";
    let client = server
        .nobody()
        .with_header("Content-Encoding", "gzip")
        .with_header("Content-Type", "application/x-www-form-urlencoded");
    let path = "/api/catalog/v1/oauth/tokens";
    let _ = client.send_bytes(Method::POST, path, gzip(form.as_bytes())).await.expect(200);
}

#[tokio::test]
async fn a_body_that_is_not_compressed_as_it_says_is_refused() {
    let server = start_with(&[]).await;
    let root = server.root().await;
    let send = async |encoding: &str, body: Vec<u8>| {
        root.with_header("Content-Encoding", encoding)
            .send_bytes(Method::POST, NAMESPACES, body)
            .await
    };

    let good = gzip(&body_of("a", 500));
    let cut = good[..good.len() - 9].to_vec();
    let mut spoilt = good.clone();
    let end = spoilt.len() - 1;
    spoilt[end] ^= 1;
    for bad in [body_of("a", 100), cut, spoilt] {
        let answer = send("gzip", bad).await.expect(400);
        assert_eq!(answer.error(), "400 BadRequestException: The body is not gzip");
    }
    for encoding in ["br", "zstd", "deflate", "gzip, gzip"] {
        let answer = send(encoding, good.clone()).await.expect(415);
        assert!(answer.error().starts_with("415 UnsupportedMediaTypeException: "), "{encoding}");
    }
    let _ = send("identity", body_of("a", 100)).await.expect(200);
}

#[tokio::test]
async fn answers_are_compressed_for_whoever_wants_them_so() {
    let server = start_with(&[]).await;
    let root = server.root().await;
    let path = "/api/catalog/v1/config?warehouse=lake";

    let plain = root.get(path).await.expect(200);
    let packed = root.with_header("Accept-Encoding", "deflate, gzip").get(path).await.expect(200);

    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.header("vary").unwrap().to_lowercase().contains("accept-encoding"));
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert!(packed.body.len() < plain.body.len());
    let refused = root.with_header("Accept-Encoding", "gzip;q=0").get(path).await.expect(200);
    assert_eq!(refused.header("content-encoding"), None);
}

#[tokio::test]
async fn the_id_of_a_request_is_told_back() {
    let server = TestServer::start().await;

    for name in ["X-Request-ID", "x-request-id", "Polaris-Request-Id"] {
        for id in ["abc-1", "!~", &"x".repeat(128)] {
            for path in ["/api/catalog/v1/config", "/nowhere"] {
                let answer = server.nobody().with_header(name, id).get(path).await;
                assert_eq!(answer.header("x-request-id"), Some(id));
                assert_eq!(answer.header("polaris-request-id"), Some(id));
            }
        }
    }
}

#[tokio::test]
async fn a_request_without_an_id_gets_one_of_its_own() {
    let server = TestServer::start().await;
    let id = async || {
        let answer = server.nobody().get("/api/catalog/v1/config").await.expect(401);
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(answer.header("polaris-request-id"), Some(id.as_str()));
        id
    };

    let (one, two) = (id().await, id().await);

    assert_ne!(one, two);
    let (uuid, number) = one.split_once('_').unwrap();
    assert_eq!((uuid.len(), number.len()), (36, 19));
}

#[tokio::test]
async fn a_malformed_request_id_is_not_taken() {
    let server = TestServer::start().await;

    for bad in ["", "two words", "ö", "tab\there", &"x".repeat(129)] {
        let asking = server.nobody().with_header("X-Request-ID", bad);
        let answer = asking.get("/api/catalog/v1/config").await.expect(401);
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(id.len(), 36 + 1 + 19, "{bad:?} was taken as {id:?}");
    }
}

#[tokio::test]
async fn the_header_of_the_request_id_is_a_setting() {
    let server = TestServer::start_with(&[("polaris.log.request-id-header-name", "X-Trace")]).await;

    let answer = server.nobody().with_header("X-Trace", "t1").get("/nowhere").await;

    assert_eq!(answer.header("x-trace"), Some("t1"));
    assert_eq!(answer.header("polaris-request-id"), Some("t1"));
    assert_eq!(answer.header("x-request-id"), None);
}

#[tokio::test]
async fn repeated_slashes_are_one() {
    let server = start_with(&[]).await;
    let root = server.root().await;
    server.create_namespace("lake", "a").await;

    for path in [
        "/api/catalog//v1/config?warehouse=lake",
        "//api/catalog/v1/config?warehouse=lake",
        "/api/catalog/v1/lake///namespaces/a",
        "/api//management/v1/catalogs//lake",
    ] {
        let _ = root.get(path).await.expect(200);
    }
    // One that is encoded is a part of a name.
    let _ = root.get("/api/catalog/v1/lake%2Fnamespaces").await.expect(404);
}

#[tokio::test]
async fn a_slash_at_the_end_says_nothing() {
    let server = start_with(&[]).await;
    let root = server.root().await;
    server.create_namespace("lake", "a").await;

    let tables = "/api/catalog/polaris/v1/lake/namespaces/a/generic-tables/";
    let _ = root.post(tables, json!({"name": "t", "format": "csv"})).await.expect(200);
    for path in [
        tables,
        "/api/catalog/v1/config/?warehouse=lake",
        "/api/catalog/v1/lake/namespaces//",
        "/api/management/v1/catalogs/",
    ] {
        let _ = root.get(path).await.expect(200);
    }
    let _ = root.get("/").await.expect(404);
    let _ = root.delete(tables).await.expect(405);
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused() {
    let server = start_with(&[]).await;
    let root = server.root().await;

    for path in [
        &format!("{NAMESPACES}/%FF"),
        &format!("{NAMESPACES}/a%00"),
        "/api/catalog/v1/%FF/namespaces",
        &format!("{CATALOGS}/%C3"),
        &format!("{CATALOGS}/%00"),
    ] {
        let error = root.get(path).await.expect(400).error();
        assert!(error.starts_with("400 "), "{path}: {error}");
    }
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let server = start_with(&[]).await;
    let root = server.root().await;
    server.create_namespace("lake", "a").await;

    for (path, status) in [
        (format!("{NAMESPACES}/a"), 204),
        (format!("{NAMESPACES}/b"), 404),
        ("/api/catalog/v1/config?warehouse=lake".to_owned(), 200),
        ("/nowhere".to_owned(), 404),
    ] {
        assert_eq!(root.head(&path).await.expect(status).text(), "", "{path}");
    }
    assert_eq!(server.nobody().head(&format!("{NAMESPACES}/a")).await.expect(401).text(), "");
}

#[tokio::test]
async fn the_documents_of_the_apis_are_served_as_they_are_published() {
    let server = TestServer::start().await;

    for (name, text) in [
        ("iceberg", include_str!("../../openapi/iceberg.json")),
        ("management", include_str!("../../openapi/management.json")),
    ] {
        let answer = server.nobody().get(&format!("/api/openapi/{name}.json")).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.text() == text, "{name}.json is not what is published");
    }
    let error = server.nobody().get("/api/openapi/other.json").await.expect(404).error();
    assert!(error.starts_with("404 NotFoundException: "), "{error}");
}

#[tokio::test]
async fn a_body_that_does_not_come_to_its_end_is_not_waited_for() {
    let server = TestServer::start_with(&[("merak.http.request-timeout", "PT0.2S")]).await;
    let body = Body::new(Body::empty().with_trailers(std::future::pending()));
    let request = Request::post("/api/catalog/v1/oauth/tokens").body(body).unwrap();

    let answer = server.parts.api.clone().oneshot(request).await.unwrap();

    // Not a 500: a client would have to think that a commit may have been carried out.
    assert_eq!(answer.status(), 408);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["type"], "TimeoutException");
}
