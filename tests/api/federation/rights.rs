//! Who may do what in a federated catalog: what each request needs on a catalog of our own, judged
//! before its owner is asked.

use axum::http::Method;
use merak_authz::privileges::holds;
use merak_model::{Privilege, PrivilegeSet};
use merak_tests::schema;
use serde_json::{Value, json};

use super::{MIRROR, SALES, TABLES, Told, asking, kind};

/// A request, and what it needs.
struct Row {
    method: Method,
    path: String,
    body: Value,
    needs: Vec<Privilege>,
}

fn row(method: Method, path: String, body: Value, needs: &[Privilege]) -> Row {
    Row { method, path, body, needs: needs.to_vec() }
}

fn commit(action: Value) -> Value {
    json!({"requirements": [], "updates": [action]})
}

#[expect(clippy::too_many_lines, reason = "a row each")]
fn rows() -> Vec<Row> {
    use Privilege::{
        NamespaceCreate, NamespaceDrop, NamespaceList, NamespaceReadProperties,
        NamespaceWriteProperties, TableCreate, TableDrop, TableList, TableReadData,
        TableReadProperties, TableSetLocation, TableSetProperties, TableWriteData,
        TableWriteProperties, ViewCreate, ViewDrop, ViewList, ViewReadProperties,
        ViewWriteProperties,
    };
    let (get, head, post, delete) = (Method::GET, Method::HEAD, Method::POST, Method::DELETE);
    let (table, view) = (format!("{TABLES}/t"), format!("{SALES}/views/v"));
    let none = Value::Null;
    let rename = json!({
        "source": {"namespace": ["sales"], "name": "t"},
        "destination": {"namespace": ["other"], "name": "u"},
    });
    let set = json!({"action": "set-properties", "updates": {"a": "b"}});
    let moved = json!({"action": "set-location", "location": "file:///elsewhere"});
    let create = json!({"type": "assert-create"});
    let change = json!({"identifier": {"namespace": ["sales"], "name": "t"}, "updates": [set]});
    let scan = json!({"report-type": "scan-report", "table-name": "t", "snapshot-id": 1,
        "filter": true, "schema-id": 0, "projected-field-ids": [], "projected-field-names": [],
        "metrics": {}});
    let committed = json!({"report-type": "commit-report", "table-name": "t", "snapshot-id": 1,
        "sequence-number": 1, "operation": "append", "metrics": {}});
    let file = json!({"name": "t", "metadata-location": "file:///x/m.json"});
    let new_view = json!({"name": "v", "schema": schema(), "properties": {},
        "view-version": merak_tests::view_version("select 1")});
    let staged = json!({"name": "t", "schema": schema(), "stage-create": true});
    vec![
        row(get.clone(), format!("{MIRROR}/namespaces"), none.clone(), &[NamespaceList]),
        row(
            get.clone(),
            format!("{MIRROR}/namespaces?parent=sales"),
            none.clone(),
            &[NamespaceList],
        ),
        row(
            post.clone(),
            format!("{MIRROR}/namespaces"),
            json!({"namespace": ["a", "b"]}),
            &[NamespaceCreate],
        ),
        row(get.clone(), SALES.to_owned(), none.clone(), &[NamespaceReadProperties]),
        row(head.clone(), SALES.to_owned(), none.clone(), &[NamespaceList]),
        row(
            post.clone(),
            format!("{SALES}/properties"),
            json!({"removals": ["a"]}),
            &[NamespaceWriteProperties],
        ),
        row(delete.clone(), SALES.to_owned(), none.clone(), &[NamespaceDrop]),
        row(get.clone(), TABLES.to_owned(), none.clone(), &[TableList]),
        row(
            post.clone(),
            TABLES.to_owned(),
            json!({"name": "t", "schema": schema()}),
            &[TableCreate],
        ),
        row(post.clone(), TABLES.to_owned(), staged, &[TableCreate]),
        row(post.clone(), format!("{SALES}/register"), file.clone(), &[TableCreate]),
        row(get.clone(), table.clone(), none.clone(), &[TableReadProperties]),
        row(get.clone(), format!("{table}/credentials"), none.clone(), &[TableReadData]),
        row(head.clone(), table.clone(), none.clone(), &[TableList]),
        row(post.clone(), table.clone(), commit(set), &[TableSetProperties]),
        row(post.clone(), table.clone(), commit(moved), &[TableSetLocation]),
        row(
            post.clone(),
            table.clone(),
            json!({"requirements": [create], "updates": []}),
            &[TableCreate],
        ),
        row(delete.clone(), table.clone(), none.clone(), &[TableDrop]),
        row(
            delete.clone(),
            format!("{table}?purgeRequested=true"),
            none.clone(),
            &[TableDrop, TableWriteData],
        ),
        row(
            post.clone(),
            format!("{table}/unregister"),
            json!({}),
            &[TableDrop, TableReadProperties],
        ),
        row(
            post.clone(),
            format!("{MIRROR}/tables/rename"),
            rename.clone(),
            &[TableDrop, TableList, TableCreate],
        ),
        row(post.clone(), format!("{table}/metrics"), scan, &[TableReadData]),
        row(post.clone(), format!("{table}/metrics"), committed, &[TableWriteData]),
        row(
            post.clone(),
            format!("{MIRROR}/transactions/commit"),
            json!({"table-changes": [change]}),
            &[TableWriteProperties, TableCreate],
        ),
        row(get.clone(), format!("{SALES}/views"), none.clone(), &[ViewList]),
        row(post.clone(), format!("{SALES}/views"), new_view, &[ViewCreate]),
        row(post.clone(), format!("{SALES}/register-view"), file, &[ViewCreate]),
        row(get.clone(), view.clone(), none.clone(), &[ViewReadProperties]),
        row(head, view.clone(), none.clone(), &[ViewList]),
        row(
            post.clone(),
            view.clone(),
            json!({"requirements": [], "updates": []}),
            &[ViewWriteProperties],
        ),
        row(delete, view, none, &[ViewDrop]),
        row(post, format!("{MIRROR}/views/rename"), rename, &[ViewDrop, ViewList, ViewCreate]),
    ]
}

#[tokio::test]
async fn each_request_is_judged_before_the_owner_is_asked() {
    let told = Told::start().await;
    let ana = told.front.principal("ana").await;
    let grantee = told.front.grantee("ana", Some("mirror")).await;
    for Row { method, path, body, needs } in rows() {
        let ask = || async {
            let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
            ana.send_bytes(method.clone(), &path, bytes).await
        };
        let all: PrivilegeSet = needs.iter().copied().collect();
        let refused = ask().await;
        assert_eq!(refused.status, 403, "{method} {path} {}", refused.text());
        for without in &needs {
            let some: PrivilegeSet = needs.iter().copied().filter(|one| one != without).collect();
            if holds(some, *without) {
                // The others imply it.
                continue;
            }
            told.front.grant_set(&grantee, some).await;
            let refused = ask().await;
            assert_eq!(refused.status, 403, "{method} {path} without {without}");
            told.front.revoke_set(&grantee, some).await;
        }
        assert!(told.owner.asked().is_empty(), "{method} {path}");
        told.front.grant_set(&grantee, all).await;
        let allowed = ask().await;
        told.front.revoke_set(&grantee, all).await;
        let _ = told.owner.asked();
        let is_told_by_owner = allowed.status == 404 || allowed.status == 204;
        let is_outside = body.to_string().contains("set-location") && allowed.status == 403;
        assert!(is_told_by_owner || is_outside, "{method} {path}: {}", allowed.text());
    }
}

#[tokio::test]
async fn nobody_and_strangers_reach_nothing() {
    let told = Told::start().await;
    let nobody = told.front.nobody();
    assert_eq!(kind(&nobody.get(TABLES).await), "401 NotAuthorizedException");
    let stranger = told.front.principal("eve").await;
    assert_eq!(kind(&stranger.get(TABLES).await), "403 ForbiddenException");
    let asked = asking(&stranger).get(&format!("{TABLES}/t")).await;
    assert_eq!(kind(&asked), "403 ForbiddenException");
    assert!(told.owner.asked().is_empty());
}

#[tokio::test]
async fn an_explanation_tells_of_what_the_owner_has() {
    let told = Told::start().await;
    let _ = told.front.principal("ana").await;
    told.front.grant("ana", Privilege::TableReadProperties, "mirror", None, None).await;
    let root = told.front.root().await;
    for (operation, expected) in [("LOAD_TABLE", true), ("UPDATE_TABLE", false)] {
        let path = format!(
            "/api/management/v1/explain?principal=ana&operation={operation}&catalog=mirror\
             &namespace=sales&table=t"
        );
        let answer = root.get(&path).await.expect(200).json();
        assert_eq!(answer["allowed"], expected, "{answer}");
    }
    assert!(told.owner.asked().is_empty());
}
