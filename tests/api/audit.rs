//! Who asked for what, and what became of it.

use std::sync::Arc;

use futures::poll;
use merak_metastore::{AuditQuery, AuditRecords as _};
use merak_model::{RealmId, SystemClock};
use merak_server::config::{Config, Sources};
use merak_server::{Server, wire_up};
use merak_tests::{Identity, TestClock, TestServer, scratch_dir};
use serde_json::{Value, json};

const ON: (&str, &str) = ("merak.audit.database", "true");
const AUDIT: &str = "/api/management/v1/audit";
const CATALOGS: &str = "/api/management/v1/catalogs";

async fn listed(server: &TestServer, who: &Identity<'_>, query: &str) -> Vec<Value> {
    server.parts.service.write_gathered().await.unwrap();
    let body = who.get(&format!("{AUDIT}?{query}")).await.expect(200).json();
    body["records"].as_array().unwrap().clone()
}

/// The only record of a request.
async fn of_request(server: &TestServer, id: &str) -> Value {
    let root = server.root().await;
    let records = listed(server, &root, &format!("requestId={id}")).await;
    let [record] = records.as_slice() else { panic!("{records:?}") };
    record.clone()
}

#[tokio::test]
async fn a_request_leaves_who_asked_for_what_and_what_became_of_it() {
    let server = TestServer::start_with(&[ON]).await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    server.create_table("lake", "sales", "orders").await;
    let root = server.root().await;

    let path = "/api/catalog/v1/lake/namespaces/sales/tables/orders";
    let asked = format!("{path}?snapshots=refs&token=hidden");
    let _ = root.with_header("X-Request-ID", "r1").get(&asked).await.expect(200);

    let record = of_request(&server, "r1").await;
    assert_eq!(record["principal"], "root");
    assert_eq!(record["roles"], json!(["service_admin"]));
    assert_eq!(record["operation"], "LOAD_TABLE");
    assert_eq!(record["catalog"], "lake");
    let securable = record["securable"].as_str().unwrap();
    assert!(securable.contains("lake") && securable.contains("orders"), "{securable}");
    assert_eq!(record["status"], 200);
    assert_eq!((&record["method"], &record["path"]), (&json!("GET"), &json!(path)));
    assert!(record.get("missing").is_none());
    assert!(!record.to_string().contains("hidden"));
}

#[tokio::test]
async fn a_refusal_leaves_what_was_missing() {
    let server = TestServer::start_with(&[ON]).await;
    let ana = server.principal("ana").await.with_header("X-Request-ID", "r1");

    let _ = ana.get(CATALOGS).await.expect(403);

    let record = of_request(&server, "r1").await;
    assert_eq!((&record["status"], &record["principal"]), (&json!(403), &json!("ana")));
    assert_eq!(record["operation"], "LIST_CATALOGS");
    assert!(record["missing"].as_str().unwrap().starts_with("CATALOG_LIST on "), "{record}");
}

#[tokio::test]
async fn whoever_shows_no_good_token_leaves_a_record_without_a_name() {
    let server = TestServer::start_with(&[ON]).await;

    let forged = server.nobody().with_token("forged");
    let _ = forged.with_header("X-Request-ID", "r1").get(CATALOGS).await.expect(401);
    let nowhere = server.nobody().with_header("X-Request-ID", "r2");
    let _ = nowhere.get("/nothing").await.expect(404);

    let record = of_request(&server, "r1").await;
    assert_eq!(record["status"], 401);
    for absent in ["principal", "operation", "securable", "catalog", "missing", "credential"] {
        assert!(record.get(absent).is_none(), "{absent}: {record}");
    }
    assert_eq!(of_request(&server, "r2").await["path"], "/nothing");
}

#[tokio::test]
async fn a_request_for_a_token_leaves_which_client_asked_and_never_its_secret() {
    let server = TestServer::start_with(&[ON]).await;
    let form = "grant_type=client_credentials&client_id=ro%00ot&client_secret=s3cr3t-wrong\
                &scope=PRINCIPAL_ROLE:ALL";

    let _ = server.nobody().with_header("X-Request-ID", "r1").post_form(form).await.expect(401);

    let record = of_request(&server, "r1").await;
    assert_eq!(record["operation"], "GET_TOKEN");
    assert_eq!(record["securable"], "client ro\u{fffd}ot");
    assert_eq!(record["status"], 401);
    assert!(!record.to_string().contains("s3cr3t"));
}

#[tokio::test]
async fn a_request_whose_client_goes_away_leaves_a_record() {
    let server = TestServer::start_with(&[ON]).await;
    let root = server.root().await;

    // From one that was answered at the first look nobody can go away.
    for attempt in 0..100 {
        let id = format!("r{attempt}");
        let caller = root.with_header("X-Request-ID", &id);
        let mut request = Box::pin(caller.get(CATALOGS));
        let is_pending = poll!(&mut request).is_pending();
        drop(request);

        if is_pending {
            assert_eq!(of_request(&server, &id).await["status"], 499);
            return;
        }
    }
    panic!("every request was answered at once");
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_asked_for() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let _ = root.get(CATALOGS).await.expect(200);

    assert_eq!(server.parts.service.write_gathered().await.unwrap(), 0);
    assert!(listed(&server, &root, "").await.is_empty());
}

#[tokio::test]
async fn the_level_of_the_log_does_not_matter() {
    let quiet = ("quarkus.log.level", "OFF");
    let no_lines = ("quarkus.http.access-log.enabled", "false");
    let server = TestServer::start_with(&[ON, quiet, no_lines]).await;

    let root = server.root().await.with_header("X-Request-ID", "r1");
    let _ = root.get(CATALOGS).await.expect(200);

    assert_eq!(of_request(&server, "r1").await["operation"], "LIST_CATALOGS");
}

#[tokio::test]
async fn records_are_found_by_what_they_say_in_pages_and_only_by_who_manages_access() {
    let server = TestServer::start_with(&[ON]).await;
    server.create_catalog("lake").await;
    let ana = server.principal("ana").await;
    let _ = ana.get(CATALOGS).await.expect(403);
    let root = server.root().await;

    assert_eq!(listed(&server, &root, "principal=ana").await.len(), 1);
    assert_eq!(listed(&server, &root, "operation=CREATE_CATALOG").await.len(), 1);
    let _ = root.get(&format!("{CATALOGS}/lake")).await.expect(200);
    let of_catalog = listed(&server, &root, "catalog=lake").await;
    assert_eq!(of_catalog.len(), 1);
    let securable = of_catalog[0]["securable"].as_str().unwrap().replace(' ', "%20");
    assert_eq!(listed(&server, &root, &format!("securable={securable}")).await.len(), 1);
    let time = of_catalog[0]["time"].as_str().unwrap();
    let since = listed(&server, &root, &format!("since={time}&catalog=lake")).await;
    assert_eq!(since.len(), 1);
    assert!(listed(&server, &root, &format!("until={time}&catalog=lake")).await.is_empty());
    let first = root.get(&format!("{AUDIT}?pageSize=1")).await.expect(200).json();
    let token = first["nextPageToken"].as_str().unwrap();
    let second = root.get(&format!("{AUDIT}?pageSize=1&pageToken={token}")).await;
    let second = second.expect(200).json();
    assert!(second["records"][0]["id"].as_str() < first["records"][0]["id"].as_str());
    let _ = ana.get(AUDIT).await.expect(403);
    for bad in ["since=x", "until=1", "pageSize=x", "pageToken=x"] {
        let _ = root.get(&format!("{AUDIT}?{bad}")).await.expect(400);
    }
}

#[tokio::test]
async fn records_are_kept_as_long_as_they_are_to_be_and_no_longer() {
    let clock = TestClock::new();
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let settings = [ON, ("merak.audit.retention", "PT1H")];
    let server = TestServer::start_at(&realm, &settings, Arc::new(clock.clone())).await;
    let _ = server.root().await.get(CATALOGS).await.expect(200);
    let count = async || {
        server.parts.service.write_gathered().await.unwrap();
        let query =
            AuditQuery { operation: Some("LIST_CATALOGS".to_owned()), ..AuditQuery::newest(9) };
        server.parts.metastore.audit_records(&server.realm, &query).await.unwrap().len()
    };

    assert_eq!(count().await, 1);
    clock.advance_s(3600);
    server.parts.service.sweep().await.unwrap();
    assert_eq!(count().await, 1, "it is just old enough to be kept");
    clock.advance_s(1);
    server.parts.service.sweep().await.unwrap();
    assert_eq!(count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_gathered_is_written_before_the_server_ends() {
    let folder = scratch_dir();
    let flag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let sources = Sources {
        flags: vec![
            flag("polaris.persistence.type", "sqlite"),
            flag("merak.data-dir", folder.to_str().unwrap()),
            flag("polaris.bootstrap.credentials", "POLARIS,root,s3cr3t"),
            flag("quarkus.http.port", "0"),
            flag("quarkus.management.port", "0"),
            flag(ON.0, ON.1),
            flag("polaris.event-listener.persistence-in-memory-buffer.buffer-time", "PT1H"),
            flag("polaris.event-listener.persistence-in-memory-buffer.max-buffer-size", "1000"),
        ],
        environment: Vec::new(),
        file: None,
        working_dir: folder.clone(),
    };
    let config = Config::load(&sources).unwrap().config;
    let server = Server::start(&config, Arc::new(SystemClock)).await.unwrap();
    let url = format!("http://{}/api/management/v1/catalogs", server.api);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).header("X-Request-ID", "last").send().await.unwrap();
    assert_eq!(answer.status(), 401);

    server.stop().await;

    let parts = wire_up(&config, Arc::new(SystemClock)).await.unwrap();
    let query = AuditQuery { request_id: Some("last".to_owned()), ..AuditQuery::newest(9) };
    let found = parts.metastore.audit_records(&RealmId::new("POLARIS"), &query).await.unwrap();
    assert_eq!(found.len(), 1);
    drop(parts);
    std::fs::remove_dir_all(folder).unwrap();
}
