//! Spellings of paths. None opens what the plain one does not, and none means something else.

use merak_tests::{Identity, TestServer};
use serde_json::json;

use super::{
    MANAGEMENT, NAMESPACES, assert_refused, grants_of, held_by, make_catalog_role, make_principal,
    on_catalog, principal, somebody,
};
use crate::fixtures::{lake, route};

/// What the path tricks are tried on: all of it is closed to who was granted nothing.
const CLOSED: &[&str] = &[
    "/api/management/v1/catalogs",
    "/api/management/v1/catalogs/lake",
    "/api/management/v1/catalogs/lake/catalog-roles",
    "/api/management/v1/catalogs/lake/catalog-roles/catalog_admin",
    "/api/management/v1/catalogs/lake/catalog-roles/catalog_admin/grants",
    "/api/management/v1/principals",
    "/api/management/v1/principals/root",
    "/api/management/v1/principals/root/principal-roles",
    "/api/management/v1/principal-roles/service_admin",
    "/api/management/v1/principal-roles/service_admin/principals",
    "/api/management/v1/principal-roles/service_admin/catalog-roles/lake",
    "/api/management/v1/catalogs/lake/explain-policy?namespace=sales&table=t&principal=root",
    "/api/management/v1/explain?principal=root&operation=LIST_CATALOGS",
    "/api/catalog/v1/lake/namespaces",
    "/api/catalog/v1/lake/namespaces/sales",
    "/api/catalog/v1/lake/namespaces/sales/tables",
    "/api/catalog/v1/lake/namespaces/sales/tables/t",
];

/// Spellings of a path: some mean the same, most mean nothing.
fn spellings(path: &str) -> Vec<String> {
    let (path, query) = path
        .split_once('?')
        .map_or((path, String::new()), |(path, query)| (path, format!("?{query}")));
    let (folder, last) = path.rsplit_once('/').expect("a path");
    let first = last.chars().next().expect("a name");
    let rest = &last[first.len_utf8()..];
    let encoded = format!("%{:02x}", u32::from(first));
    let twice = format!("%25{:02x}", u32::from(first));
    let mut all: Vec<_> = [
        format!("{path}/"),
        format!("{path}//"),
        format!("/{path}"),
        format!("{folder}//{last}"),
        format!("{folder}/./{last}"),
        format!("{folder}/x/../{last}"),
        format!("{folder}/%2e/{last}"),
        format!("{folder}/x/%2e%2e/{last}"),
        format!("{folder}/..%2f{last}"),
        format!("{folder}%2f{last}"),
        format!("{folder}%252f{last}"),
        format!("{folder}%5c{last}"),
        format!("{folder}\\{last}"),
        format!("{folder}/{encoded}{rest}"),
        format!("{folder}/{twice}{rest}"),
        format!("{folder}/{}", last.to_uppercase()),
        format!("{path};a=b"),
        format!("{path}%3Fa=b"),
        format!("{path}%23"),
        format!("{path}%20"),
        format!("{path}+"),
        format!("{path}%09"),
        format!("{path}%00"),
        format!("{path}%1F"),
        format!("{path}."),
        format!("{path}%2e"),
        format!("{path}.json"),
        format!("{path}%c0%af"),
        format!("{path}%ff"),
        format!("{path}%"),
        format!("{path}%zz"),
        format!("{path}%E2%80%8B"),
        format!("{path}/%2e%2e"),
        format!("{path}/.."),
        format!("/x/..{path}"),
        path.replacen("/api", "/api/..;/api", 1),
        path.replacen("/api", "/API", 1),
        path.replacen("/v1", "/v1/.", 1),
        path.replacen("/v1", "/v1%2f", 1),
        path.replacen("/v1", "/V1", 1),
        path.replacen("/v1", "//v1//", 1),
        path.replacen("/management", "/catalog/../management", 1),
        path.replacen("/catalog/v1", "/management/v1/../../catalog/v1", 1),
        path.replacen("lake", "l%61ke", 1),
        path.replacen("lake", "l\u{430}ke", 1).replace('\u{430}', "%D0%B0"),
    ]
    .into_iter()
    .filter(|spelling| spelling != path)
    .collect();
    all.iter_mut().for_each(|spelling| spelling.push_str(&query));
    all
}

/// The status of every spelling of every path. Those that are no URI at all never leave a client.
async fn statuses(who: &Identity<'_>) -> Vec<(String, u16)> {
    let mut all = Vec::new();
    for path in CLOSED {
        for spelling in spellings(path) {
            if spelling.parse::<axum::http::Uri>().is_ok() {
                let status = who.get(&spelling).await.status.as_u16();
                all.push((spelling, status));
            }
        }
    }
    assert!(all.len() > 500, "{}", all.len());
    all
}

async fn with_table() -> TestServer {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    server
}

#[tokio::test]
async fn no_spelling_of_a_path_opens_what_the_plain_one_does_not() {
    let server = with_table().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    for path in CLOSED {
        assert_refused(&mallory.get(path).await);
    }

    for (spelling, status) in statuses(&mallory).await {
        assert!([400, 403, 404, 405].contains(&status), "{spelling}: {status}");
    }
}

#[tokio::test]
async fn no_spelling_of_a_path_is_open_to_nobody() {
    let server = with_table().await;

    for (spelling, status) in statuses(&server.nobody()).await {
        // A path that nothing has is not there for anybody.
        assert!([401, 404, 405].contains(&status), "{spelling}: {status}");
    }
}

#[tokio::test]
async fn a_spelling_that_means_the_same_is_judged_the_same() {
    let server = with_table().await;
    let mallory = somebody(&server, "mallory", &[]).await;
    let root = server.root().await;

    for path in [
        "/api/catalog/v1/l%61ke/namespaces/sales/tables/t",
        "/api/catalog/v1/lake/namespaces/s%61les/tables/%74",
        "/api/catalog//v1/lake/namespaces/sales/tables/t",
        "//api/catalog/v1/lake//namespaces/sales/tables//t",
    ] {
        let _ = root.get(path).await.expect(200);
        assert_refused(&mallory.get(path).await);
        let _ = server.nobody().get(path).await.expect(401);
    }
}

#[tokio::test]
async fn a_slash_that_is_encoded_is_part_of_a_name() {
    let server = lake().await;
    let root = server.root().await;
    let _ = make_principal(&root, "a").await;
    let _ = make_principal(&root, "a/rotate").await;
    let _ = make_principal(&root, "../catalogs/lake").await;

    for name in ["a/rotate", "../catalogs/lake"] {
        let shown = root.get(&principal(name)).await.expect(200).json();
        assert_eq!(shown["name"], name);
    }
    // Not the rotation of `a`.
    let _ = root.post(&principal("a/rotate"), json!({})).await.expect(405);
    let _ = root.delete(&principal("a/rotate")).await.expect(204);
    let _ = root.get(&principal("a")).await.expect(200);
    let _ = root.delete(&principal("../catalogs/lake")).await.expect(204);
    let _ = root.get(&format!("{MANAGEMENT}/catalogs/lake")).await.expect(200);
}

#[tokio::test]
async fn what_is_encoded_twice_is_decoded_once() {
    let server = lake().await;
    let root = server.root().await;
    for name in ["/", "%2F", "%252F", "..", "%2e%2e"] {
        let _ = make_principal(&root, name).await;
    }

    for (path, name) in [
        ("%2F", "/"),
        ("%252F", "%2F"),
        ("%25252F", "%252F"),
        ("%2e%2e", ".."),
        ("..", ".."),
        ("%252e%252e", "%2e%2e"),
    ] {
        let shown = root.get(&format!("{MANAGEMENT}/principals/{path}")).await.expect(200).json();
        assert_eq!(shown["name"], name, "{path}");
    }
}

#[tokio::test]
async fn dots_are_no_way_up() {
    let server = with_table().await;
    let root = server.root().await;

    for path in [
        "/api/management/v1/catalogs/..",
        "/api/management/v1/catalogs/../principals",
        "/api/management/v1/catalogs/%2e%2e/principals",
        "/api/management/v1/catalogs/lake/../../principals",
        "/api/management/v1/catalogs/..%2fprincipals",
        "/api/management/v1/catalogs/lake/catalog-roles/..",
        "/api/management/v1/catalogs/lake/catalog-roles/%2e%2e/grants",
        "/api/catalog/v1/../../management/v1/principals",
        "/api/catalog/v1/lake/../lake/namespaces",
        "/api/catalog/v1/lake/namespaces/..",
        "/api/catalog/v1/lake/namespaces/sales%1F..",
        "/api/catalog/v1/lake/namespaces/sales%1F..%1Fsales",
        "/api/catalog/v1/lake/namespaces/sales/tables/..",
        "/api/catalog/v1/lake/namespaces/sales/tables/..%2Ft",
        "/api/catalog/v1/lake/namespaces/sales/tables/../tables/t",
    ] {
        let _ = root.get(path).await.expect(404).error();
    }
}

#[tokio::test]
async fn the_case_of_a_path_matters() {
    let server = with_table().await;
    let root = server.root().await;

    for path in [
        "/API/management/v1/catalogs",
        "/api/Management/v1/catalogs",
        "/api/management/V1/catalogs",
        "/api/management/v1/Catalogs",
        "/api/management/v1/catalogs/LAKE",
        "/api/management/v1/catalogs/lake/catalog-roles/CATALOG_ADMIN",
        "/api/management/v1/principals/ROOT",
        "/api/catalog/v1/LAKE/namespaces",
        "/api/catalog/v1/lake/namespaces/SALES",
        "/api/catalog/v1/lake/namespaces/sales/tables/T",
        "/api/catalog/v1/config?warehouse=LAKE",
    ] {
        let _ = root.get(path).await.expect(404).error();
    }
}

#[tokio::test]
async fn a_level_that_is_empty_is_no_level() {
    let server = with_table().await;
    let root = server.root().await;

    for levels in ["%1F", "sales%1F", "%1Fsales", "sales%1F%1Feu", "%1F%1F"] {
        let namespace = format!("{NAMESPACES}/{levels}");
        for path in [namespace.clone(), format!("{namespace}/tables/t")] {
            let _ = root.get(&path).await.expect(400).error();
            let _ = root.delete(&path).await.expect(400).error();
        }
    }
    let _ = root.get(&route("t")).await.expect(200);
}

#[tokio::test]
async fn a_separator_within_a_level_is_not_taken_for_two_levels() {
    let server = with_table().await;
    server.create_namespace("lake", "sales.eu").await;
    server.create_table("lake", "sales.eu", "t").await;
    let root = server.root().await;
    make_catalog_role(&root, "lake", "reader").await;
    let grants = grants_of("lake", "reader");

    let grant = |levels: serde_json::Value| json!({"type": "namespace", "namespace": levels, "privilege": "TABLE_READ_DATA"});
    for levels in [json!(["sales\u{1f}eu"]), json!(["sales", ""]), json!([""]), json!(["s\u{0}"])] {
        let _ = root.put(&grants, grant(levels)).await.expect(400).error();
    }
    for name in ["eu\u{1f}t", "t\u{0}", ""] {
        let on_table = json!({
            "type": "table", "namespace": ["sales"], "tableName": name,
            "privilege": "TABLE_READ_DATA",
        });
        let _ = root.put(&grants, on_table).await.expect(404).error();
    }
    let _ = root.get(&route("eu%1Ft")).await.expect(404).error();
    assert_eq!(held_by(&root, "reader").await, json!([]));
}

#[tokio::test]
async fn a_null_character_is_refused_wherever_it_is() {
    let server = with_table().await;
    let root = server.root().await;

    for path in [
        "/api/management/v1/catalogs/lake%00",
        "/api/management/v1/catalogs/lake/catalog-roles/catalog_admin%00",
        "/api/management/v1/catalogs/lake%00/catalog-roles/catalog_admin",
        "/api/management/v1/principals/root%00",
        "/api/management/v1/principals/%00root",
        "/api/management/v1/principal-roles/service_admin%00",
        "/api/management/v1/principal-roles/service_admin/catalog-roles/lake%00",
        "/api/catalog/v1/lake%00/namespaces",
        "/api/catalog/v1/lake/namespaces/sales%00",
        "/api/catalog/v1/lake/namespaces/sales/tables/t%00",
        "/api/catalog/v1/lake/namespaces/sales/tables/t%00.metadata",
    ] {
        let _ = root.get(path).await.expect(400).error();
    }
}

#[tokio::test]
async fn control_characters_are_in_no_name_of_the_management_api() {
    let server = lake().await;
    let root = server.root().await;

    for bad in ["a%1Fb", "a%0Ab", "a%0D%0Ab", "%7F", "a%C2%85b"] {
        for kind in ["catalogs", "principals", "principal-roles", "catalogs/lake/catalog-roles"] {
            let _ = root.get(&format!("{MANAGEMENT}/{kind}/{bad}")).await.expect(400).error();
        }
    }
    for bad in ["a\u{1f}b", "a\nb", "\u{7f}", "a\u{0}b", "system$x", " SYSTEM$x", ""] {
        for kind in ["principals", "principal-roles", "catalogs/lake/catalog-roles"] {
            let path = format!("{MANAGEMENT}/{kind}");
            let _ = root.post(&path, json!({"name": bad})).await.expect(400).error();
        }
    }
}

#[tokio::test]
async fn a_path_that_leaves_a_name_out_does_nothing() {
    let server = lake().await;
    let root = server.root().await;
    make_catalog_role(&root, "lake", "grants").await;

    // The slashes fall together, and what is left is no such path, or one that does not do this.
    for path in [
        "/api/management/v1/principals//rotate",
        "/api/management/v1/principals//reset",
        "/api/management/v1/catalogs/lake/catalog-roles//grants",
    ] {
        let answer = root.post(path, on_catalog("TABLE_READ_DATA")).await;
        assert!([404, 405].contains(&answer.status.as_u16()), "{path}: {}", answer.text());
    }
    for path in ["/api/management/v1/catalogs/", "/api/management/v1/principals//"] {
        let answer = root.delete(path).await;
        assert!([404, 405].contains(&answer.status.as_u16()), "{path}: {}", answer.text());
    }
    let _ = root.get(&format!("{MANAGEMENT}/catalogs/lake")).await.expect(200);
}
