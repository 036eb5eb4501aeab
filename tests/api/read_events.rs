//! Events of requests that change nothing, and reading events.

use std::sync::Arc;
use std::time::Duration;

use merak_model::Privilege;
use merak_tests::{Identity, TestClock, TestServer};
use serde_json::{Value, json};
use tokio::sync::watch;

const LISTENERS: (&str, &str) = ("polaris.event-listener.types", "database");
const EVENTS: &str = "/api/management/v1/events";
const ORDERS: &str = "/api/catalog/v1/lake/namespaces/sales/tables/orders";

async fn start(settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(&[&[LISTENERS], settings].concat()).await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    server.create_table("lake", "sales", "orders").await;
    server
}

async fn listed(who: &Identity<'_>, query: &str) -> Vec<Value> {
    let body = who.get(&format!("{EVENTS}?{query}")).await.expect(200).json();
    body["events"].as_array().unwrap().clone()
}

/// The types of the events of a request, the oldest first.
async fn of_request(server: &TestServer, id: &str) -> Vec<String> {
    server.parts.service.write_gathered().await.unwrap();
    let found = listed(&server.root().await, &format!("requestId={id}")).await;
    found.iter().rev().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_read_is_told_before_and_after_with_who_asked_for_what() {
    let server = start(&[]).await;
    let root = server.root().await.with_header("X-Request-ID", "r1");

    let _ = root.get(ORDERS).await.expect(200);

    assert_eq!(of_request(&server, "r1").await, ["BEFORE_LOAD_TABLE", "AFTER_LOAD_TABLE"]);
    let found = listed(&server.root().await, "requestId=r1").await;
    for event in &found {
        assert_eq!(event["category"], "TABLE");
        assert_eq!(event["principal"], "root");
        assert_eq!(event["roles"], json!(["service_admin"]));
        assert_eq!(event["requestId"], "r1");
        assert_eq!(event["catalog"], "lake");
        assert_eq!(event["resourceType"], "TABLE");
        assert_eq!(event["resource"], "sales.orders");
        let attributes = json!({"namespace": ["sales"], "table_name": "orders"});
        assert_eq!(event["attributes"], attributes);
    }
    assert!(found[1]["time"].as_str() <= found[0]["time"].as_str());
}

#[tokio::test]
async fn a_change_is_told_before_by_its_request_and_after_by_itself() {
    let server = start(&[]).await;
    let root = server.root().await.with_header("X-Request-ID", "r1");

    let _ = root.delete(ORDERS).await.expect(204);

    assert_eq!(of_request(&server, "r1").await, ["BEFORE_DROP_TABLE", "AFTER_DROP_TABLE"]);
}

#[tokio::test]
async fn what_was_refused_or_is_not_there_was_asked_for_and_not_done() {
    let server = start(&[]).await;
    let ana = server.principal("ana").await.with_header("X-Request-ID", "refused");
    let _ = ana.get(ORDERS).await.expect(403);
    let root = server.root().await.with_header("X-Request-ID", "missing");
    let _ = root.head(&format!("{ORDERS}x")).await.expect(404);

    assert_eq!(of_request(&server, "refused").await, ["BEFORE_LOAD_TABLE"]);
    assert_eq!(of_request(&server, "missing").await, ["BEFORE_CHECK_EXISTS_TABLE"]);
}

#[tokio::test]
async fn whoever_shows_no_good_token_is_told_of_by_nothing() {
    let server = start(&[]).await;
    let nobody = server.nobody().with_header("X-Request-ID", "nobody");

    let _ = nobody.get(ORDERS).await.expect(401);
    let _ = nobody.with_token("forged").get(ORDERS).await.expect(401);

    assert!(of_request(&server, "nobody").await.is_empty());
}

#[tokio::test]
async fn a_request_over_its_limit_is_told_as_that_alone() {
    let limit = ("merak.rate-limiter.requests-per-principal", "1");
    let clock = TestClock::new();
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let server = TestServer::start_at(&realm, &[LISTENERS, limit], Arc::new(clock.clone())).await;
    let root = server.root().await.with_header("X-Request-ID", "r1");

    let _ = root.get("/api/management/v1/catalogs").await.expect(200);
    let _ = root.get("/api/management/v1/principals").await.expect(429);
    clock.advance_s(1);
    server.parts.service.write_gathered().await.unwrap();

    let found = listed(&root, "type=BEFORE_LIMIT_REQUEST_RATE,BEFORE_LIST_PRINCIPALS").await;
    let [limited] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(limited["type"], "BEFORE_LIMIT_REQUEST_RATE");
    assert_eq!(limited["resourceType"], "REALM");
    let attributes = json!({"http_method": "GET", "request_uri": "/api/management/v1/principals"});
    assert_eq!(limited["attributes"], attributes);
}

#[tokio::test]
async fn only_what_somebody_wants_is_told_and_nothing_that_is_denied() {
    let wanted = (
        "polaris.event-listener.database.enabled-event-types",
        "AFTER_LOAD_TABLE,BEFORE_GET_CONFIG",
    );
    let denied = ("polaris.event-listener.denylisted-attributes", "table_name");
    let server = start(&[wanted, denied]).await;
    let root = server.root().await.with_header("X-Request-ID", "r1");

    let _ = root.get(ORDERS).await.expect(200);
    let _ = root.get("/api/catalog/v1/config?warehouse=lake").await.expect(200);

    assert_eq!(of_request(&server, "r1").await, ["AFTER_LOAD_TABLE", "BEFORE_GET_CONFIG"]);
    let found = listed(&root, "type=AFTER_LOAD_TABLE").await;
    assert_eq!(found[0]["attributes"], json!({"namespace": ["sales"]}));
}

#[tokio::test]
async fn a_read_takes_no_statement_more() {
    let (told, untold) = (start(&[("merak.audit.database", "true")]).await, {
        let server = TestServer::start().await;
        server.create_catalog("lake").await;
        server.create_namespace("lake", "sales").await;
        server.create_table("lake", "sales", "orders").await;
        server
    });
    let mut counts = Vec::new();
    for server in [&told, &untold] {
        let root = server.root().await;
        let before = server.parts.metastore.statements();
        let _ = root.get(ORDERS).await.expect(200);
        counts.push(server.parts.metastore.statements() - before);
    }

    assert_eq!(counts[0], counts[1]);
    assert!(told.parts.service.write_gathered().await.unwrap() > 2);
}

#[tokio::test]
async fn what_waits_to_be_written_is_bounded() {
    let wanted = ("polaris.event-listener.database.enabled-event-types", "BEFORE_LOAD_TABLE");
    let server = start(&[wanted, ("merak.events.queue-size", "3")]).await;
    let root = server.root().await;
    for _ in 0..3 {
        let _ = root.get(ORDERS).await.expect(200);
    }
    let _ = root.with_header("X-Request-ID", "lost").get(ORDERS).await.expect(200);

    assert_eq!(server.parts.service.write_gathered().await.unwrap(), 3);
    let _ = root.with_header("X-Request-ID", "kept").get(ORDERS).await.expect(200);

    assert!(of_request(&server, "lost").await.is_empty());
    assert_eq!(of_request(&server, "kept").await, ["BEFORE_LOAD_TABLE"]);
}

/// Waits until so many reads of a table were told.
async fn until_told(server: &TestServer, count: usize) {
    let root = server.root().await;
    let told = async { while listed(&root, "type=AFTER_LOAD_TABLE").await.len() < count {} };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("it is told in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_gathered_is_written_once_it_is_enough_or_old_enough() {
    const SIZE: &str = "polaris.event-listener.persistence-in-memory-buffer.max-buffer-size";
    const TIME: &str = "polaris.event-listener.persistence-in-memory-buffer.buffer-time";
    let wanted = ("polaris.event-listener.database.enabled-event-types", "AFTER_LOAD_TABLE");
    for settings in
        [[wanted, (SIZE, "3"), (TIME, "PT1H")], [wanted, (SIZE, "1000"), (TIME, "50ms")]]
    {
        let server = start(&settings).await;
        let root = server.root().await;
        let (stop, stopped) = watch::channel(false);
        let service = server.parts.service.clone();
        let writer = tokio::spawn(async move { service.keep_writing_gathered(stopped).await });

        for _ in 0..2 {
            let _ = root.get(ORDERS).await.expect(200);
        }
        if settings[1].1 == "3" {
            assert!(listed(&root, "type=AFTER_LOAD_TABLE").await.is_empty());
        }
        let _ = root.get(ORDERS).await.expect(200);
        until_told(&server, 3).await;

        // What is there at the end is written, however little it is.
        let _ = root.get(ORDERS).await.expect(200);
        stop.send(true).unwrap();
        writer.await.unwrap();
        assert_eq!(listed(&root, "type=AFTER_LOAD_TABLE").await.len(), 4);
    }
}

#[tokio::test]
async fn a_page_has_its_bounds() {
    let server = start(&[]).await;
    let root = server.root().await;
    for number in 0..101 {
        server.create_namespace("lake", &format!("n{number}")).await;
    }

    let sizes = [("", 100), ("pageSize=0", 100), ("pageSize=1", 1), ("pageSize=4294967295", 102)];
    for (query, size) in sizes {
        let query = format!("type=AFTER_CREATE_NAMESPACE&{query}");
        assert_eq!(listed(&root, &query).await.len(), size, "{query}");
    }
}

#[tokio::test]
async fn events_are_found_by_what_they_say_and_in_pages() {
    let clock = TestClock::new();
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let server = TestServer::start_at(&realm, &[LISTENERS], Arc::new(clock.clone())).await;
    for catalog in ["lake", "sea"] {
        server.create_catalog(catalog).await;
        server.create_namespace(catalog, "sales").await;
        clock.advance_s(1);
    }
    server.create_namespace("sea", "sales.eu").await;
    let root = server.root().await;

    let made = "type=AFTER_CREATE_NAMESPACE";
    let all = listed(&root, made).await;
    let resources: Vec<_> = all.iter().map(|event| &event["resource"]).collect();
    assert_eq!(resources, ["sales.eu", "sales", "sales"]);
    let count = async |query: &str| listed(&root, &format!("{made}&{query}")).await.len();
    assert_eq!(count("catalog=sea").await, 2);
    assert_eq!(count("catalog=nowhere").await, 0);
    assert_eq!(count("resource=sales").await, 2);
    assert_eq!(count("resource=sales*").await, 3);
    assert_eq!(count("resource=sales.*").await, 1);
    assert_eq!(count("principal=root").await, 3);
    assert_eq!(count("principal=ana").await, 0);
    let times: Vec<_> = all.iter().map(|event| event["time"].as_str().unwrap()).collect();
    assert_eq!(count(&format!("since={}", times[0])).await, 1);
    assert_eq!(count(&format!("until={}", times[0])).await, 2);
    assert_eq!(count(&format!("since={}&until={}", times[2], times[1])).await, 1);

    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!("{EVENTS}?{made}&pageSize=1&pageToken={token}");
        let body = root.get(&path).await.expect(200).json();
        seen.extend(body["events"].as_array().unwrap().clone());
        match body["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(seen, all);
    for bad in [
        "type=AFTER_LUNCH",
        "since=yesterday",
        "until=2026-01-01",
        "pageToken=x",
        "pageSize=x",
        "pageSize=-1",
    ] {
        let error = root.get(&format!("{EVENTS}?{bad}")).await.expect(400).error();
        assert!(error.starts_with("400 BadRequestException: "), "{error}");
    }
}

#[tokio::test]
async fn whoever_manages_access_to_a_catalog_reads_its_events_and_no_others() {
    let server = start(&[]).await;
    server.create_catalog("sea").await;
    let ana = server.principal("ana").await;
    server.grant("ana", Privilege::CatalogManageAccess, "lake", None, None).await;

    let path = "/api/management/v1/catalogs/lake/events";
    let found = ana.get(&format!("{path}?catalog=sea")).await.expect(200).json();

    let catalogs = found["events"].as_array().unwrap();
    assert!(!catalogs.is_empty());
    assert!(catalogs.iter().all(|event| event["catalog"] == "lake"), "{found}");
    let _ = ana.get("/api/management/v1/catalogs/sea/events").await.expect(403);
    let _ = ana.get(EVENTS).await.expect(403);
    let _ = ana.get("/api/management/v1/catalogs/nowhere/events").await.expect(404);
}
