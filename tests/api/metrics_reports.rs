//! Reports of what engines did: taken, kept for a while, and shown to whoever manages the catalog.

use std::sync::Arc;

use axum::http::Method;
use merak_model::Privilege;
use merak_tests::{Identity, Response, TestClock, TestServer};
use serde_json::{Value, json};

const REPORTS: &str = "/api/management/v1/catalogs/lake/metrics-reports";
const ORDERS: &str = "/api/catalog/v1/lake/namespaces/sales/tables/orders";
const METRICS: &str = "/api/catalog/v1/lake/namespaces/sales/tables/orders/metrics";

/// What Iceberg's Java library reports of a scan.
pub(crate) fn scan_report() -> Value {
    json!({
        "report-type": "scan-report",
        "table-name": "lake.sales.orders",
        "snapshot-id": 9_007_199_254_740_993_i64,
        "filter": {"type": "eq", "term": "name", "value": "a secret of the data"},
        "schema-id": 0,
        "projected-field-ids": [1, 2],
        "projected-field-names": ["id", "name"],
        "metrics": {
            "total-planning-duration": {
                "count": 1, "time-unit": "nanoseconds", "total-duration": 2_644_235_116_i64,
            },
            "result-data-files": {"unit": "count", "value": 3},
            "total-file-size-in-bytes": {"unit": "bytes", "value": 1024},
            "of-a-newer-engine": {"unit": "furlongs", "value": 1},
        },
        "metadata": {"engine-name": "spark"},
    })
}

/// What Iceberg's Java library reports of a commit.
pub(crate) fn commit_report() -> Value {
    json!({
        "report-type": "commit-report",
        "table-name": "lake.sales.orders",
        "snapshot-id": 7,
        "sequence-number": 4,
        "operation": "append",
        "metrics": {
            "total-duration": {"count": 1, "time-unit": "milliseconds", "total-duration": 12},
            "attempts": {"unit": "count", "value": 1},
            "added-data-files": {"unit": "count", "value": 1},
        },
    })
}

async fn start(settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(settings).await;
    fill(&server).await;
    server
}

async fn fill(server: &TestServer) {
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    server.create_table("lake", "sales", "orders").await;
    open_content(server).await;
}

/// Lets root, who manages the catalog, work with its data, too.
pub(crate) async fn open_content(server: &TestServer) {
    let path = "/api/management/v1/catalogs/lake/catalog-roles/catalog_admin/grants";
    let grant = json!({"type": "catalog", "privilege": "CATALOG_MANAGE_CONTENT"});
    let _ = server.root().await.put(path, grant).await.expect(201);
}

async fn send(who: &Identity<'_>, report: Value) {
    let answer = who.post(METRICS, report).await.expect(204);
    assert_eq!(answer.body, b"");
}

async fn listed(who: &Identity<'_>, query: &str) -> Vec<Value> {
    let body = who.get(&format!("{REPORTS}{query}")).await.expect(200).json();
    body["reports"].as_array().unwrap().clone()
}

fn kinds(reports: &[Value]) -> Vec<&str> {
    reports.iter().map(|report| report["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_an_engine_reports_is_kept_as_it_was_sent() {
    let server = start(&[]).await;
    let root = server.root().await;

    send(&root.with_header("X-Request-ID", "of-the-scan"), scan_report()).await;
    send(&root, commit_report()).await;

    let of_table = format!("{REPORTS}?namespace=sales&table=orders");
    let body = root.get(&of_table).await.expect(200).json();
    assert!(body.get("nextPageToken").is_none());
    let reports = listed(&root, "").await;
    assert_eq!(body["reports"].as_array(), Some(&reports));
    assert_eq!(kinds(&reports).len(), 2);
    let scan = reports.iter().find(|report| report["kind"] == "scan").unwrap();
    let fields: Vec<_> = scan.as_object().unwrap().keys().collect();
    let expected = [
        "id",
        "namespace",
        "table",
        "kind",
        "createTimestamp",
        "principal",
        "requestId",
        "snapshotId",
        "report",
    ];
    assert_eq!(fields, expected);
    assert_eq!(scan["report"], scan_report());
    assert_eq!(scan["snapshotId"], 9_007_199_254_740_993_i64);
    assert_eq!((&scan["namespace"], &scan["table"]), (&json!(["sales"]), &json!("orders")));
    assert_eq!((&scan["principal"], &scan["requestId"]), (&json!("root"), &json!("of-the-scan")));
    let commit = reports.iter().find(|report| report["kind"] == "commit").unwrap();
    assert_eq!(commit["report"], commit_report());
    assert_eq!(commit["snapshotId"], 7);
}

#[tokio::test]
async fn a_report_of_an_unknown_type_is_taken_and_not_kept() {
    let server = start(&[]).await;
    let root = server.root().await;

    send(&root, json!({"report-type": "maintenance-report", "what": ["ever"]})).await;

    assert!(listed(&root, "").await.is_empty());
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let server = start(&[]).await;
    let root = server.root().await;
    let without = |mut report: Value, member: &str| {
        report.as_object_mut().unwrap().remove(member).expect("it is there");
        report
    };
    let with = |mut report: Value, member: &str, value: Value| {
        report[member] = value;
        report
    };
    let mut bad = vec![json!([]), json!("scan-report"), json!({}), json!({"report-type": 1})];
    for member in [
        "table-name",
        "snapshot-id",
        "filter",
        "schema-id",
        "projected-field-ids",
        "projected-field-names",
        "metrics",
    ] {
        bad.push(without(scan_report(), member));
        bad.push(with(scan_report(), member, Value::Null));
    }
    for member in ["table-name", "snapshot-id", "sequence-number", "operation", "metrics"] {
        bad.push(without(commit_report(), member));
        bad.push(with(commit_report(), member, json!([{}])));
    }
    bad.extend([
        with(scan_report(), "snapshot-id", json!("7")),
        with(scan_report(), "snapshot-id", json!(1.5)),
        with(scan_report(), "snapshot-id", json!(u64::MAX)),
        with(scan_report(), "filter", json!("name = 'x'")),
        with(scan_report(), "projected-field-ids", json!(["1"])),
        with(scan_report(), "metrics", json!([])),
        with(scan_report(), "metadata", json!({"a": 1})),
    ]);

    for report in bad {
        let error = root.post(METRICS, report.clone()).await.expect(400).error();
        assert!(error.starts_with("400 BadRequestException: The report is malformed: "), "{error}");
    }
    let answer = root.send_bytes(Method::POST, METRICS, b"{".to_vec()).await.expect(400);
    assert!(answer.error().starts_with("400 JsonParseException: "), "{}", answer.error());
    assert!(listed(&root, "").await.is_empty());
}

#[tokio::test]
async fn a_filter_may_be_a_constant_and_metrics_may_be_none() {
    let server = start(&[]).await;
    let root = server.root().await;
    let mut report = scan_report();
    report["filter"] = json!(true);
    report["metrics"] = json!({});
    report.as_object_mut().unwrap().remove("metadata");

    send(&root, report).await;

    assert_eq!(listed(&root, "").await.len(), 1);
}

#[tokio::test]
async fn a_report_is_no_larger_than_it_may_be() {
    let server = start(&[("merak.metrics-reports.max-size", "2K")]).await;
    let root = server.root().await;
    let of_size = |size: usize| {
        let mut report = commit_report();
        report["table-name"] = json!("");
        let rest = report.to_string().len();
        report["table-name"] = json!("x".repeat(size - rest));
        assert_eq!(report.to_string().len(), size);
        report
    };

    send(&root, of_size(2048)).await;
    let error = root.post(METRICS, of_size(2049)).await.expect(413).error();

    assert!(error.contains("(merak.metrics-reports.max-size)"), "{error}");
    assert_eq!(listed(&root, "").await.len(), 1);
}

#[tokio::test]
async fn a_table_that_is_not_there_has_no_reports() {
    let server = start(&[]).await;
    let root = server.root().await;

    let path = "/api/catalog/v1/lake/namespaces/sales/tables/nothing/metrics";
    let error = root.post(path, scan_report()).await.expect(404).error();
    assert!(error.starts_with("404 NoSuchTableException: "), "{error}");
    let error = root.get(&format!("{REPORTS}?namespace=sales&table=nothing")).await.error();
    assert!(error.starts_with("404 NoSuchTableException: "), "{error}");
    let nowhere = "/api/management/v1/catalogs/sea/metrics-reports";
    for query in ["", "?namespace=sales&table=orders"] {
        let error = root.get(&format!("{nowhere}{query}")).await.expect(404).error();
        assert!(error.starts_with("404 NotFoundException: "), "{error}");
    }
}

#[tokio::test]
async fn reports_outlive_their_table_and_a_new_one_of_the_name_has_none_of_them() {
    let server = start(&[]).await;
    let root = server.root().await;
    send(&root, scan_report()).await;

    let _ = root.delete(ORDERS).await.expect(204);
    server.create_table("lake", "sales", "orders").await;

    assert!(listed(&root, "?namespace=sales&table=orders").await.is_empty());
    let reports = listed(&root, "").await;
    assert_eq!(kinds(&reports), ["scan"]);
    assert!(reports[0].get("table").is_none() && reports[0].get("namespace").is_none());
}

#[tokio::test]
async fn a_table_that_was_renamed_keeps_its_reports() {
    let server = start(&[]).await;
    let root = server.root().await;
    send(&root, scan_report()).await;
    let body = json!({
        "source": {"namespace": ["sales"], "name": "orders"},
        "destination": {"namespace": ["sales"], "name": "moved"},
    });

    let _ = root.post("/api/catalog/v1/lake/tables/rename", body).await.expect(204);

    let reports = listed(&root, "?namespace=sales&table=moved").await;
    assert_eq!((kinds(&reports), &reports[0]["table"]), (vec!["scan"], &json!("moved")));
}

#[tokio::test]
async fn reports_are_found_by_kind_and_time() {
    let clock = TestClock::new();
    let server = at(&clock, &[]).await;
    let root = server.root().await;
    send(&root, scan_report()).await;
    let first = listed(&root, "").await[0]["createTimestamp"].as_i64().unwrap();
    clock.advance_s(1);
    send(&root, commit_report()).await;
    clock.advance_s(1);
    send(&root, scan_report()).await;

    let found = async |query: String| {
        let reports = listed(&root, &query).await;
        kinds(&reports).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(String::new()).await, ["scan", "commit", "scan"]);
    assert_eq!(found("?kind=commit".to_owned()).await, ["commit"]);
    assert_eq!(found("?kind=scan".to_owned()).await, ["scan", "scan"]);
    assert_eq!(found(format!("?to={}", first + 1000)).await, ["scan"]);
    assert_eq!(found(format!("?from={}", first + 1000)).await, ["scan", "commit"]);
    assert_eq!(found(format!("?from={first}&to={}", first + 2000)).await, ["commit", "scan"]);
    assert!(found(format!("?kind=commit&to={}", first + 1000)).await.is_empty());
}

#[tokio::test]
async fn pages_lead_to_every_report_once_while_others_come() {
    let server = start(&[]).await;
    let root = server.root().await;
    for number in 0..7 {
        let mut report = commit_report();
        report["snapshot-id"] = json!(number);
        send(&root, report).await;
    }
    for size in 1..=3 {
        let mut seen = Vec::new();
        let mut token = String::new();
        loop {
            let path = format!("{REPORTS}?kind=commit&pageSize={size}&pageToken={token}");
            let body = root.get(&path).await.expect(200).json();
            let page = body["reports"].as_array().unwrap();
            assert!(page.len() <= size);
            seen.extend(page.iter().map(|report| report["snapshotId"].as_i64().unwrap()));
            send(&root, scan_report()).await;
            let mut newer = commit_report();
            newer["snapshot-id"] = json!(100);
            send(&root, newer).await;
            match body.get("nextPageToken") {
                Some(next) => token = next.as_str().unwrap().to_owned(),
                None => break,
            }
        }
        seen.retain(|id| *id < 100);
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6], "{size}");
    }
}

#[tokio::test]
async fn a_page_has_its_bounds() {
    let server = start(&[]).await;
    let root = server.root().await;
    for _ in 0..101 {
        send(&root, commit_report()).await;
    }

    let sizes = [
        ("", 20),
        ("?pageSize=0", 20),
        ("?pageSize=1", 1),
        ("?pageSize=100", 100),
        ("?pageSize=101", 100),
        ("?pageSize=4294967295", 100),
    ];
    for (query, size) in sizes {
        assert_eq!(listed(&root, query).await.len(), size, "{query}");
    }
}

#[tokio::test]
async fn a_question_that_is_malformed_is_refused() {
    let server = start(&[]).await;
    let root = server.root().await;
    for query in [
        "namespace=sales",
        "table=orders",
        "kind=x",
        "kind=SCAN",
        "from=x",
        "to=1.5",
        "pageSize=-1",
        "pageSize=x",
        "pageToken=x",
        "pageToken=bTE6YQ",
    ] {
        let error = root.get(&format!("{REPORTS}?{query}")).await.expect(400).error();
        assert!(error.starts_with("400 BadRequestException: "), "{query}: {error}");
    }
}

#[tokio::test]
async fn who_may_read_a_table_may_report_and_not_read_reports() {
    let server = start(&[]).await;
    let ana = server.principal("ana").await;
    server.grant("ana", Privilege::TableReadData, "lake", Some("sales"), Some("orders")).await;

    send(&ana, scan_report()).await;
    let _ = ana.post(METRICS, commit_report()).await.expect(403);
    for query in ["", "?namespace=sales&table=orders"] {
        let error = ana.get(&format!("{REPORTS}{query}")).await.expect(403).error();
        assert!(error.contains("LIST_METRICS_REPORTS"), "{error}");
    }
    let reports = listed(&server.root().await, "").await;
    assert_eq!((reports.len(), &reports[0]["principal"]), (1, &json!("ana")));
}

async fn at(clock: &TestClock, settings: &[(&str, &str)]) -> TestServer {
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let server = TestServer::start_at(&realm, settings, Arc::new(clock.clone())).await;
    fill(&server).await;
    server
}

#[tokio::test]
async fn reports_are_kept_as_long_as_they_are_to_be_and_no_longer() {
    let clock = TestClock::new();
    let lives_long = ("polaris.authentication.token-broker.max-token-generation", "P1D");
    let server = at(&clock, &[("merak.metrics-reports.retention", "PT1H"), lives_long]).await;
    let root = server.root().await;
    send(&root, scan_report()).await;
    clock.advance_s(1);
    send(&root, commit_report()).await;

    clock.advance_s(3599);
    server.parts.service.sweep().await.unwrap();
    assert_eq!(listed(&root, "").await.len(), 2, "the first is just old enough to be kept");
    clock.advance_s(1);
    server.parts.service.sweep().await.unwrap();
    assert_eq!(kinds(&listed(&root, "").await), ["commit"]);
    clock.advance_s(1);
    server.parts.service.sweep().await.unwrap();
    assert!(listed(&root, "").await.is_empty());
}

#[tokio::test]
async fn nothing_is_kept_where_nothing_is_to_be() {
    for setting in [
        ("merak.metrics-reports.retention", "0s"),
        ("polaris.iceberg-metrics.reporting.type", "no-op"),
    ] {
        let server = start(&[setting]).await;
        let root = server.root().await;

        send(&root, scan_report()).await;
        send(&root, commit_report()).await;

        assert!(listed(&root, "").await.is_empty(), "{setting:?}");
        let answer: Response = root.post(METRICS, json!({})).await;
        let _ = answer.expect(400);
    }
    let server = start(&[("polaris.iceberg-metrics.reporting.type", "persisting")]).await;
    let root = server.root().await;
    send(&root, scan_report()).await;
    assert_eq!(listed(&root, "").await.len(), 1);
}
