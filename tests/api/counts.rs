//! What operations cost: statements against the store, and requests to the object store. Counts do
//! not lie on a busy machine.

mod management;

use merak_tests::{Identity, Response, TestServer};
use serde_json::json;

use crate::generic_tables::{GENERIC_TABLES, draft, draft_at};
use crate::metrics_reports::{commit_report, open_content, scan_report};

const TABLES: &str = "/api/catalog/v1/lake/namespaces/sales/tables";

const VIEWS: &str = "/api/catalog/v1/lake/namespaces/sales/views";

/// What something cost.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) statements: u64,
    pub(crate) transactions: u64,
    pub(crate) puts: u64,
    pub(crate) gets: u64,
    pub(crate) deletes: u64,
}

pub(crate) const READ: Cost = Cost { statements: 1, transactions: 0, puts: 0, gets: 0, deletes: 0 };
const WRITE: Cost = Cost { statements: 2, puts: 1, ..READ };

fn total(server: &TestServer) -> Cost {
    let requests = server.parts.storage.requests();
    Cost {
        statements: server.parts.metastore.statements(),
        transactions: server.parts.metastore.transactions(),
        puts: requests.puts,
        gets: requests.gets,
        deletes: requests.deletes,
    }
}

/// What a request costs that must succeed.
pub(crate) async fn cost(
    server: &TestServer,
    status: u16,
    request: impl Future<Output = Response>,
) -> Cost {
    let before = total(server);
    let _ = request.await.expect(status);
    let after = total(server);
    Cost {
        statements: after.statements - before.statements,
        transactions: after.transactions - before.transactions,
        puts: after.puts - before.puts,
        gets: after.gets - before.gets,
        deletes: after.deletes - before.deletes,
    }
}

async fn world() -> TestServer {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    server.create_table("lake", "sales", "orders").await;
    server.create_view("lake", "sales", "recent").await;
    server.create_generic_table("lake", "sales", "events").await;
    server
}

#[tokio::test]
async fn a_read_is_one_statement() {
    let server = world().await;
    let root = server.root().await;
    let reads = [
        "/api/catalog/v1/config?warehouse=lake",
        "/api/catalog/v1/lake/namespaces",
        "/api/catalog/v1/lake/namespaces/sales",
        "/api/catalog/v1/lake/namespaces?parent=sales",
        TABLES,
        "/api/catalog/v1/lake/namespaces/sales/tables?pageToken=&pageSize=1",
        "/api/catalog/v1/lake/namespaces/sales/tables/orders",
        "/api/catalog/v1/lake/namespaces/sales/tables/orders?snapshots=refs",
        VIEWS,
        "/api/catalog/v1/lake/namespaces/sales/views?pageToken=&pageSize=1",
        "/api/catalog/v1/lake/namespaces/sales/views/recent",
        GENERIC_TABLES,
        "/api/catalog/polaris/v1/lake/namespaces/sales/generic-tables?pageToken=&pageSize=1",
        "/api/catalog/polaris/v1/lake/namespaces/sales/generic-tables/events",
        "/api/management/v1/catalogs",
        "/api/management/v1/catalogs/lake",
    ];
    for path in reads {
        assert_eq!(cost(&server, 200, root.get(path)).await, READ, "{path}");
    }
    let views = format!("{VIEWS}/recent");
    for path in ["/api/catalog/v1/lake/namespaces/sales", &format!("{TABLES}/orders"), &views] {
        assert_eq!(cost(&server, 204, root.head(path)).await, READ, "HEAD {path}");
    }
}

#[tokio::test]
async fn a_cold_load_is_one_statement_and_no_request_to_the_store() {
    // A memory in which nothing fits: every load is the first.
    let server = TestServer::start_with(&[("merak.metadata.cache-max-bytes", "1")]).await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    server.create_table("lake", "sales", "orders").await;
    server.create_view("lake", "sales", "recent").await;
    let root = server.root().await;

    assert_eq!(cost(&server, 200, root.get(&format!("{TABLES}/orders"))).await, READ);
    assert_eq!(cost(&server, 200, root.get(&format!("{VIEWS}/recent"))).await, READ);
}

#[tokio::test]
async fn metadata_that_is_too_large_to_be_kept_costs_one_read_of_its_file() {
    let settings =
        [("merak.metadata.cache-max-bytes", "1"), ("merak.metadata.inline-max-bytes", "0")];
    let server = TestServer::start_with(&settings).await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    server.create_table("lake", "sales", "orders").await;
    let root = server.root().await;
    let path = format!("{TABLES}/orders");

    assert_eq!(cost(&server, 200, root.get(&path)).await, Cost { gets: 1, ..READ });
}

#[tokio::test]
async fn whether_something_is_there_never_depends_on_the_object_store() {
    let settings =
        [("merak.metadata.cache-max-bytes", "1"), ("merak.metadata.inline-max-bytes", "0")];
    let server = TestServer::start_with(&settings).await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    server.create_table("lake", "sales", "orders").await;
    let root = server.root().await;

    for path in ["/api/catalog/v1/lake/namespaces/sales", &format!("{TABLES}/orders")] {
        assert_eq!(cost(&server, 204, root.head(path)).await, READ, "{path}");
    }
}

#[tokio::test]
async fn a_report_is_one_statement_about_who_sends_it_and_one_that_keeps_it() {
    let server = world().await;
    open_content(&server).await;
    let root = server.root().await;
    let path = format!("{TABLES}/orders/metrics");

    for report in [scan_report(), commit_report()] {
        assert_eq!(cost(&server, 204, root.post(&path, report)).await, Cost { puts: 0, ..WRITE });
    }
    let unknown = json!({"report-type": "x"});
    assert_eq!(cost(&server, 204, root.post(&path, unknown)).await, READ);
    let list = "/api/management/v1/catalogs/lake/metrics-reports";
    for query in ["", "?namespace=sales&table=orders"] {
        let path = format!("{list}{query}");
        assert_eq!(cost(&server, 200, root.get(&path)).await, Cost { puts: 0, ..WRITE });
    }
}

#[tokio::test]
async fn an_unregistration_is_two_statements() {
    let server = world().await;
    let root = server.root().await;
    let path = format!("{TABLES}/orders/unregister");

    let asked = root.post(&path, json!({}));
    assert_eq!(cost(&server, 200, asked).await, Cost { puts: 0, ..WRITE });
}

#[tokio::test]
async fn an_answer_not_modified_is_one_statement() {
    let server = world().await;
    let root = server.root().await;
    let path = format!("{TABLES}/orders");
    let tag = root.get(&path).await.header("etag").unwrap().to_owned();
    let again = root.with_header("If-None-Match", &tag);

    assert_eq!(cost(&server, 304, again.get(&path)).await, READ);
}

#[tokio::test]
async fn a_token_is_one_statement() {
    let server = world().await;
    let form = "grant_type=client_credentials&client_id=root&client_secret=s3cr3t\
                &scope=PRINCIPAL_ROLE:ALL";
    // The first one of a server looks the realm's key up, too.
    let _ = server.nobody().post_form(form).await.expect(200);

    assert_eq!(cost(&server, 200, server.nobody().post_form(form)).await, READ);
}

#[tokio::test]
async fn a_refused_token_costs_no_statement() {
    let server = world().await;
    let root = server.root().await;
    let forged = root.with_token("a.b.c");

    let none = Cost { statements: 0, ..READ };
    assert_eq!(cost(&server, 401, forged.get(TABLES)).await, none);
}

#[tokio::test]
async fn a_secret_that_is_refused_unseen_costs_no_statement() {
    let server = TestServer::start_with(&[("merak.token.guess-window", "PT1H")]).await;
    let form = "grant_type=client_credentials&client_id=guessed&client_secret=wrong\
                &scope=PRINCIPAL_ROLE:ALL";

    for _ in 0..10 {
        assert_eq!(cost(&server, 401, server.nobody().post_form(form)).await, READ);
    }
    let none = Cost { statements: 0, ..READ };
    assert_eq!(cost(&server, 429, server.nobody().post_form(form)).await, none);
}

#[tokio::test]
async fn a_request_that_is_one_too_many_costs_no_statement() {
    let limit = ("merak.rate-limiter.requests-per-principal", "1");
    let server = TestServer::start_with(&[limit, ("merak.rate-limiter.window", "PT1H")]).await;
    let root = server.root().await;
    let _ = root.get("/api/management/v1/catalogs").await.expect(200);

    let none = Cost { statements: 0, ..READ };
    assert_eq!(cost(&server, 429, root.get(TABLES)).await, none);
}

#[tokio::test]
async fn a_commit_is_two_statements_and_one_put() {
    let server = world().await;
    let root = server.root().await;
    let body = json!({
        "requirements": [],
        "updates": [{"action": "set-properties", "updates": {"a": "b"}}],
    });
    let path = format!("{TABLES}/orders");

    assert_eq!(cost(&server, 200, root.post(&path, body)).await, WRITE);
}

#[tokio::test]
async fn a_commit_without_effect_is_one_statement() {
    let server = world().await;
    let root = server.root().await;
    let body = json!({"requirements": [], "updates": []});

    assert_eq!(cost(&server, 200, root.post(&format!("{TABLES}/orders"), body)).await, READ);
}

#[tokio::test]
async fn making_a_table_is_two_statements_and_one_put() {
    let server = world().await;
    let root = server.root().await;
    let body = json!({"name": "lines", "schema": merak_tests::schema()});

    assert_eq!(cost(&server, 200, root.post(TABLES, body)).await, WRITE);
}

#[tokio::test]
async fn making_a_view_costs_one_statement_more_and_replacing_it_none() {
    let server = world().await;
    let root = server.root().await;
    let version = |sql| merak_tests::view_version(sql);
    let body = json!({"name": "v", "schema": merak_tests::schema(), "view-version": version("1")});
    // Whether a table is in its place is looked up before.
    let made = Cost { statements: 3, ..WRITE };

    assert_eq!(cost(&server, 200, root.post(VIEWS, body)).await, made);
    let path = format!("{VIEWS}/v");
    let body = json!({"updates": [
        {"action": "add-view-version", "view-version": version("2")},
        {"action": "set-current-view-version", "view-version-id": -1},
    ]});
    assert_eq!(cost(&server, 200, root.post(&path, body)).await, WRITE);
    let nothing = json!({"updates": []});
    assert_eq!(cost(&server, 200, root.post(&path, nothing)).await, READ);
    let write = Cost { puts: 0, ..WRITE };
    assert_eq!(cost(&server, 204, root.delete(&path)).await, write);
}

#[tokio::test]
async fn making_and_dropping_a_generic_table_are_two_statements() {
    let server = world().await;
    let root = server.root().await;
    let write = Cost { puts: 0, ..WRITE };
    let at = |name: &str| draft_at(name, &format!("{}/sales/{name}", server.location("lake")));

    assert_eq!(cost(&server, 200, root.post(GENERIC_TABLES, at("made"))).await, write);
    assert_eq!(cost(&server, 200, root.post(GENERIC_TABLES, draft("placeless"))).await, write);
    let refused = root.post(GENERIC_TABLES, draft("made"));
    assert_eq!(cost(&server, 409, refused).await, READ);
    let key = with_key(&root);
    assert_eq!(cost(&server, 200, key.post(GENERIC_TABLES, at("keyed"))).await, write);
    let path = format!("{GENERIC_TABLES}/made");
    assert_eq!(cost(&server, 204, root.delete(&path)).await, write);
}

#[tokio::test]
async fn staging_a_table_is_two_statements_and_no_put() {
    let server = world().await;
    let root = server.root().await;
    let body = json!({"name": "lines", "schema": merak_tests::schema(), "stage-create": true});

    let look = Cost { statements: 2, ..READ };
    assert_eq!(cost(&server, 200, root.post(TABLES, body)).await, look);
}

#[tokio::test]
async fn a_table_that_writes_elsewhere_costs_no_more() {
    let server = world().await;
    let root = server.root().await;
    let elsewhere = |folder: &str| json!({"write.data.path": format!("{}/sales/{folder}", server.location("lake"))});
    let body =
        json!({"name": "lines", "schema": merak_tests::schema(), "properties": elsewhere("a")});
    let updates = json!([{"action": "set-properties", "updates": elsewhere("b")}]);
    let path = format!("{TABLES}/lines");

    assert_eq!(cost(&server, 200, root.post(TABLES, body)).await, WRITE);
    let body = json!({"requirements": [], "updates": updates});
    assert_eq!(cost(&server, 200, root.post(&path, body)).await, WRITE);
}

#[tokio::test]
async fn namespaces_and_drops_are_two_statements() {
    let server = world().await;
    let root = server.root().await;
    let write = Cost { puts: 0, ..WRITE };
    let namespaces = "/api/catalog/v1/lake/namespaces";
    let body = json!({"namespace": ["other"]});

    assert_eq!(cost(&server, 200, root.post(namespaces, body)).await, write);
    let path = format!("{namespaces}/other/properties");
    let body = json!({"updates": {"a": "b"}});
    assert_eq!(cost(&server, 200, root.post(&path, body)).await, write);
    assert_eq!(cost(&server, 204, root.delete(&format!("{namespaces}/other"))).await, write);
    assert_eq!(cost(&server, 204, root.delete(&format!("{TABLES}/orders"))).await, write);
}

#[tokio::test]
async fn a_refused_operation_costs_one_statement_and_touches_no_file() {
    let server = world().await;
    let ana = server.principal("ana").await;
    let body = json!({"name": "lines", "schema": merak_tests::schema()});

    assert_eq!(cost(&server, 403, ana.post(TABLES, body)).await, READ);
}

/// The same caller, with an idempotency key that nobody used.
fn with_key<'a>(who: &Identity<'a>) -> Identity<'a> {
    who.with_header("Idempotency-Key", &uuid::Uuid::new_v4().to_string())
}

#[tokio::test]
async fn an_idempotency_key_costs_a_commit_nothing() {
    let server = world().await;
    let root = server.root().await;
    let path = format!("{TABLES}/orders");
    let body = crate::fixtures::set(json!({"a": "b"}));
    let made = json!({"name": "lines", "schema": merak_tests::schema()});
    let namespace = json!({"namespace": ["other"]});
    let namespaces = "/api/catalog/v1/lake/namespaces";

    assert_eq!(cost(&server, 200, with_key(&root).post(&path, body)).await, WRITE);
    assert_eq!(cost(&server, 200, with_key(&root).post(TABLES, made)).await, WRITE);
    let without_file = Cost { puts: 0, ..WRITE };
    let make = with_key(&root);
    assert_eq!(cost(&server, 200, make.post(namespaces, namespace)).await, without_file);
    // What changed nothing is remembered in a statement of its own, a drop in a transaction.
    let nothing = json!({"requirements": [], "updates": []});
    assert_eq!(cost(&server, 200, with_key(&root).post(&path, nothing)).await, without_file);
    let drop = Cost { statements: 3, transactions: 1, ..READ };
    assert_eq!(cost(&server, 204, with_key(&root).delete(&path)).await, drop);
}

#[tokio::test]
async fn a_duplicate_costs_no_more_than_it_must() {
    let server = world().await;
    let root = with_key(&server.root().await);
    let path = format!("{TABLES}/orders");
    let table = root.get(&path).await.json();
    let append = crate::fixtures::append(&table, 1, None);
    let _ = root.post(&path, append.clone()).await.expect(200);

    // What became of the table, whether one may ask, and what was answered.
    let replay = Cost { statements: 3, ..READ };
    // The table itself shows that it was appended to, which is tried to be remembered, once more.
    let of_an_append = Cost { statements: 4, ..READ };
    assert_eq!(cost(&server, 200, root.post(&path, append)).await, of_an_append);
    let dropping = with_key(&root);
    let _ = dropping.delete(&path).await.expect(204);
    assert_eq!(cost(&server, 204, dropping.delete(&path)).await, replay);
    let refused = with_key(&root);
    assert_eq!(cost(&server, 404, refused.delete(&path)).await, replay);
    assert_eq!(cost(&server, 404, refused.delete(&path)).await, replay);
}
