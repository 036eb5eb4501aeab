//! Names that would lead elsewhere than to what was judged.

use merak_tests::schema;
use serde_json::json;

use super::{MIRROR, SALES, TABLES, Told, kind, open};

#[tokio::test]
async fn names_stay_below_the_owners_prefix() {
    let told = Told::start().await;
    let root = told.front.root().await;
    for name in [
        "..",
        ".",
        "%2e%2e",
        "%2E",
        "..%2F..%2Fconfig",
        "a%2Fb",
        "%2F",
        "a%5Cb",
        "%0Ax",
        "a%0D%0AX:y",
        "%7F",
    ] {
        for path in [
            format!("{MIRROR}/namespaces/{name}/tables/t"),
            format!("{TABLES}/{name}"),
            format!("{SALES}/views/{name}"),
            format!("{MIRROR}/namespaces/x%1F{name}"),
        ] {
            let answer = root.get(&path).await;
            let is_refused = matches!(answer.status.as_u16(), 400 | 404);
            assert!(is_refused, "{path}: {}", answer.text());
            let deleted = root.delete(&path).await;
            assert!(matches!(deleted.status.as_u16(), 400 | 404 | 405), "{path}");
        }
    }
    assert!(told.owner.asked().is_empty(), "{:?}", told.owner.asked());
}

#[tokio::test]
async fn odd_names_arrive_as_one_part_each() {
    let told = Told::start().await;
    let root = told.front.root().await;
    for (name, arrives) in [
        ("a%3Fb%23c", "a%3Fb%23c"),
        ("%252e%252e", "%252e%252e"),
        ("a%252Fb", "a%252Fb"),
        ("gr%C3%B6%C3%9Fe", "gr%C3%B6%C3%9Fe"),
        ("a%20b%26c%3Dd", "a%20b%26c%3Dd"),
        ("...", "..."),
    ] {
        let _ = root.get(&format!("{TABLES}/{name}")).await.expect(404);
        let asked = told.owner.asked_once().what;
        assert_eq!(asked, format!("GET namespaces/sales/tables/{arrives}"));
    }
    let _ = root.get(&format!("{MIRROR}/namespaces/a%1Fb/tables/t")).await.expect(404);
    assert_eq!(told.owner.asked_once().what, "GET namespaces/a%1Fb/tables/t");
}

#[tokio::test]
async fn bodies_go_along_as_they_were_judged() {
    let told = Told::start().await;
    let root = told.front.root().await;
    for (route, name) in [("tables/rename", ".."), ("views/rename", "a/b"), ("tables/rename", "")] {
        let body = json!({
            "source": {"namespace": ["sales"], "name": name},
            "destination": {"namespace": ["sales"], "name": "u"},
        });
        let refused = root.post(&format!("{MIRROR}/{route}"), body).await;
        assert_eq!(kind(&refused), "400 IllegalArgumentException");
    }
    let body = json!({
        "source": {"namespace": [], "name": "t"},
        "destination": {"namespace": ["sales"], "name": "u"},
    });
    assert_eq!(root.post(&format!("{MIRROR}/tables/rename"), body).await.status, 404);
    for name in ["a/b", "..", "a\u{1f}b", ""] {
        let refused = root.post(TABLES, json!({"name": name, "schema": schema()})).await;
        assert_eq!(refused.status, 400, "{name:?}");
        let refused =
            root.post(&format!("{MIRROR}/namespaces"), json!({"namespace": [name]})).await;
        assert_eq!(refused.status, 400, "{name:?}");
    }
    assert!(told.owner.asked().is_empty());

    // What this server does not know of, and a second spelling of what it judged, stay here.
    let body =
        br#"{"identifier": {"namespace": ["other"], "name": "x"}, "x": 1, "requirements": [],
        "updates": [{"action": "set-properties", "updates": {"a": "b"}}]}"#;
    let path = format!("{TABLES}/t");
    let _ = root.send_bytes(axum::http::Method::POST, &path, body.to_vec()).await;
    let asked = told.owner.asked_once();
    let sent: serde_json::Value = serde_json::from_str(&asked.body).expect("JSON");
    let identifier = json!({"namespace": ["sales"], "name": "t"});
    let updates = json!([{"action": "set-properties", "updates": {"a": "b"}}]);
    let expected = json!({"identifier": identifier, "requirements": [], "updates": updates});
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn nothing_of_the_clients_own_goes_along() {
    let told = Told::start().await;
    open(&told.front, "mirror").await;
    let root = told.front.root().await;
    let root = ["Cookie", "X-Iceberg-Access-Delegation", "X-Client", "Polaris-Realm"]
        .into_iter()
        .fold(root, |root, name| {
            let value = if name == "Polaris-Realm" {
                told.front.realm.as_str()
            } else {
                "vended-credentials"
            };
            root.with_header(name, value)
        });

    let _ = root.get(&format!("{TABLES}/t?x=y&snapshots=refs")).await.expect(404);

    let asked = told.owner.asked_once();
    assert_eq!(asked.what, "GET namespaces/sales/tables/t?snapshots=refs");
    for (name, value) in &asked.headers {
        assert!(value != "vended-credentials", "{name}");
        assert!(name != "polaris-realm", "{name}");
    }
}
