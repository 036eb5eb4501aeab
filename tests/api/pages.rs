//! Lists in pages.

use merak_tests::{Identity, TestServer};
use serde_json::Value;

const NAMESPACES: &str = "/api/catalog/v1/lake/namespaces";
const TABLES: &str = "/api/catalog/v1/lake/namespaces/sales/tables";

/// A page: its names, and the token of the next one.
async fn page(who: &Identity<'_>, list: &str, query: &str) -> (Vec<String>, Option<String>) {
    let body = who.get(&format!("{list}?{query}")).await.expect(200).json();
    let token = body.get("next-page-token").filter(|token| !token.is_null());
    let token = token.map(|token| token.as_str().expect("a text").to_owned());
    (names(&body), token)
}

fn names(body: &Value) -> Vec<String> {
    let namespaces = body["namespaces"].as_array().into_iter().flatten();
    let namespaces = namespaces.map(|levels| levels.as_array().unwrap().last().unwrap());
    let tables = body["identifiers"].as_array().into_iter().flatten();
    let all = namespaces.chain(tables.map(|table| &table["name"]));
    all.map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// All pages from the first to the last.
async fn pages(who: &Identity<'_>, list: &str, size: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut token = String::new();
    loop {
        let (names, next) = page(who, list, &format!("pageToken={token}&pageSize={size}")).await;
        pages.push(names);
        assert!(pages.len() < 100, "the pages do not end: {pages:?}");
        match next {
            Some(next) => token = next,
            None => return pages,
        }
    }
}

/// A catalog with six tables in one of six namespaces, with names that sort in more than one way.
async fn start(settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(settings).await;
    server.create_catalog("lake").await;
    for namespace in ["sales", "a", "Z", "a b", "ö", "a.b"] {
        let body = serde_json::json!({"namespace": [namespace]});
        let _ = server.root().await.post(NAMESPACES, body).await.expect(200);
    }
    for table in ["t1", "T2", "t10", "ä", "t_1", "t-1"] {
        server.create_table("lake", "sales", table).await;
    }
    server
}

#[tokio::test]
async fn a_client_that_knows_no_pages_gets_everything() {
    let server = start(&[("merak.list.page-size", "2"), ("merak.list.max-page-size", "3")]).await;
    let root = server.root().await;

    for list in [NAMESPACES, TABLES] {
        for query in ["", "pageSize=2", "pageSize=1"] {
            let (names, next) = page(&root, list, query).await;
            assert_eq!((names.len(), next), (6, None), "{list}?{query}");
        }
    }
}

#[tokio::test]
async fn an_empty_token_asks_for_the_first_page() {
    let server = start(&[]).await;
    let root = server.root().await;

    let (names, next) = page(&root, TABLES, "pageToken=&pageSize=2").await;

    assert_eq!(names, ["T2", "t-1"]);
    let (names, _) = page(&root, TABLES, &format!("pageToken={}&pageSize=3", next.unwrap())).await;
    assert_eq!(names, ["t1", "t10", "t_1"]);
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps_and_repeats() {
    let server = start(&[]).await;
    let root = server.root().await;

    for list in [NAMESPACES, TABLES] {
        let (all, _) = page(&root, list, "").await;
        for size in [1, 2, 3, 4, 5, 6, 7, 100] {
            let pages = pages(&root, list, size).await;
            assert_eq!(pages.concat(), all, "{list} in pages of {size}");
            assert!(pages.iter().all(|page| page.len() <= size), "{list} in pages of {size}");
        }
    }
}

#[tokio::test]
async fn after_the_last_page_there_is_no_token() {
    let server = start(&[]).await;
    let root = server.root().await;

    for list in [NAMESPACES, TABLES] {
        for (size, expected) in [(1, 6), (2, 3), (3, 2), (4, 2), (6, 1), (7, 1)] {
            let pages = pages(&root, list, size).await;
            assert_eq!(pages.len(), expected, "{list} in pages of {size}: {pages:?}");
        }
    }
}

#[tokio::test]
async fn an_empty_list_is_one_empty_page() {
    let server = start(&[]).await;
    let root = server.root().await;

    let first = "pageToken=&pageSize=2";
    for path in [format!("{NAMESPACES}/a/tables?{first}"), format!("{NAMESPACES}?parent=a&{first}")]
    {
        let body = root.get(&path).await.expect(200).json();
        assert_eq!(names(&body), [""; 0]);
        assert!(body.get("next-page-token").is_none_or(Value::is_null), "{body}");
    }
}

#[tokio::test]
async fn the_namespaces_in_a_namespace_come_in_pages_too() {
    let server = start(&[]).await;
    for child in ["sales.x", "sales.y", "sales.z", "sales.x.deep"] {
        server.create_namespace("lake", child).await;
    }
    let root = server.root().await;

    let (names, next) = page(&root, NAMESPACES, "parent=sales&pageToken=&pageSize=2").await;
    assert_eq!(names, ["x", "y"]);
    let query = format!("parent=sales&pageSize=2&pageToken={}", next.unwrap());
    assert_eq!(page(&root, NAMESPACES, &query).await, (vec!["z".to_owned()], None));
}

#[tokio::test]
async fn pages_stay_in_step_while_names_come_and_go() {
    let server = start(&[]).await;
    let root = server.root().await;
    let (first, next) = page(&root, TABLES, "pageToken=&pageSize=3").await;
    assert_eq!(first, ["T2", "t-1", "t1"]);

    // Before the page's end one comes and one goes, its last one goes, and after it as well.
    server.create_table("lake", "sales", "S").await;
    server.create_table("lake", "sales", "t2").await;
    for table in ["T2", "t1", "t10"] {
        let _ = root.delete(&format!("{TABLES}/{table}")).await.expect(204);
    }

    let query = format!("pageSize=3&pageToken={}", next.unwrap());
    let (second, _) = page(&root, TABLES, &query).await;
    assert_eq!(second, ["t2", "t_1", "ä"]);
}

#[tokio::test]
async fn a_token_that_no_page_gave_is_refused() {
    let server = start(&[]).await;
    let root = server.root().await;

    for list in [NAMESPACES, TABLES] {
        for token in ["x", "abcd", "%20", "0", "2", "!!!", "bTE6AA", "%FF", "AAAA=="] {
            let answer = root.get(&format!("{list}?pageToken={token}&pageSize=2")).await;
            let error = answer.expect(400).error();
            assert!(error.starts_with("400 BadRequestException: "), "{token}: {error}");
            assert!(error.contains("page token"), "{token}: {error}");
        }
    }
}

#[tokio::test]
async fn a_page_size_that_is_none_is_refused() {
    let server = start(&[]).await;
    let root = server.root().await;

    for list in [NAMESPACES, TABLES] {
        for size in ["-1", "x", "1.5", "99999999999999999999", "%20"] {
            let answer = root.get(&format!("{list}?pageToken=&pageSize={size}")).await;
            let error = answer.expect(400).error();
            assert!(error.contains("pageSize"), "{size}: {error}");
        }
    }
}

#[tokio::test]
async fn a_page_size_of_java_at_its_largest_is_fine() {
    let server = start(&[]).await;
    let root = server.root().await;

    for list in [NAMESPACES, TABLES] {
        let (names, next) = page(&root, list, "pageToken=&pageSize=2147483647").await;
        assert_eq!((names.len(), next), (6, None));
    }
}

#[tokio::test]
async fn the_size_of_a_page_is_a_setting_where_the_client_says_none() {
    let server = start(&[("merak.list.page-size", "4")]).await;
    let root = server.root().await;

    for list in [NAMESPACES, TABLES] {
        for query in ["pageToken=", "pageToken=&pageSize=0"] {
            let (names, next) = page(&root, list, query).await;
            assert_eq!(names.len(), 4, "{list}?{query}");
            let (names, next) = page(&root, list, &format!("pageToken={}", next.unwrap())).await;
            assert_eq!((names.len(), next), (2, None), "{list}?{query}");
        }
    }
}

#[tokio::test]
async fn no_page_is_larger_than_the_server_allows() {
    let server = start(&[("merak.list.page-size", "2"), ("merak.list.max-page-size", "4")]).await;
    let root = server.root().await;

    for list in [NAMESPACES, TABLES] {
        for (asked, got) in [(3, 3), (4, 4), (5, 4), (1000, 4)] {
            let (names, _) = page(&root, list, &format!("pageToken=&pageSize={asked}")).await;
            assert_eq!(names.len(), got, "{list} by {asked}");
        }
    }
}

#[tokio::test]
async fn where_paging_is_off_tokens_and_sizes_mean_nothing() {
    let off = ("polaris.features.\"LIST_PAGINATION_ENABLED\"", "false");
    let server = start(&[off]).await;
    let root = server.root().await;

    for list in [NAMESPACES, TABLES] {
        for query in ["pageToken=&pageSize=2", "pageToken=garbage&pageSize=2"] {
            let (names, next) = page(&root, list, query).await;
            assert_eq!((names.len(), next), (6, None), "{list}?{query}");
        }
    }
}

#[tokio::test]
async fn where_paging_was_switched_on_a_size_is_enough() {
    let realm = start(&[("polaris.features.\"LIST_PAGINATION_ENABLED\"", "true")]).await;
    let property = ("polaris.config.list-pagination-enabled", "true");
    let catalog = TestServer::start().await;
    catalog.create_catalog_with("lake", &[property]).await;
    for namespace in ["a", "b", "c"] {
        catalog.create_namespace("lake", namespace).await;
    }

    for (server, list) in [(&realm, TABLES), (&realm, NAMESPACES), (&catalog, NAMESPACES)] {
        let root = server.root().await;
        let (all, none) = page(&root, list, "").await;
        assert_eq!(none, None);

        let (first, next) = page(&root, list, "pageSize=2").await;
        let rest = format!("pageToken={}&pageSize=10", next.unwrap());
        let (rest, none) = page(&root, list, &rest).await;

        assert_eq!(first.len(), 2);
        assert_eq!([first, rest].concat(), all);
        assert_eq!(none, None);
    }
}

#[tokio::test]
async fn a_catalog_may_have_paging_switched_off_for_itself() {
    let server = TestServer::start().await;
    let off = ("polaris.config.list-pagination-enabled", "false");
    server.create_catalog_with("lake", &[off]).await;
    for namespace in ["a", "b", "c"] {
        server.create_namespace("lake", namespace).await;
    }
    let root = server.root().await;

    for query in ["pageToken=&pageSize=2", "pageSize=2", "pageToken=fake-token"] {
        let (names, next) = page(&root, NAMESPACES, query).await;
        assert_eq!((names.len(), next), (3, None), "{query}");
    }
}

#[tokio::test]
async fn what_is_there_all_the_time_is_on_one_page_while_others_come_and_go() {
    let server = start(&[]).await;
    let root = server.root().await;
    let stay = ["T2", "t-1", "t1", "t10", "t_1", "ä"];
    for size in 1..=3 {
        let mut seen = Vec::new();
        let mut token = String::new();
        for round in 0.. {
            let query = format!("pageToken={token}&pageSize={size}");
            let (names, next) = page(&root, TABLES, &query).await;
            // Before all others, between them and after them; and the one the next page begins after
            // may be the one that goes.
            for name in [format!("A{round}"), format!("t1{round}x"), format!("ö{round}")] {
                server.create_table("lake", "sales", &name).await;
            }
            for name in &names {
                if !stay.contains(&name.as_str()) {
                    let name = name.replace('ö', "%C3%B6");
                    let _ = root.delete(&format!("{TABLES}/{name}")).await.expect(204);
                }
            }
            seen.extend(names);
            assert!(seen.len() < 500, "the pages do not end: {seen:?}");
            match next {
                Some(next) if round < 40 => token = next,
                Some(_) | None => break,
            }
        }
        seen.retain(|name| stay.contains(&name.as_str()));
        assert_eq!(seen, stay, "by {size}");
        for name in pages(&root, TABLES, 100).await.concat() {
            if !stay.contains(&name.as_str()) {
                let name = name.replace('ö', "%C3%B6");
                let _ = root.delete(&format!("{TABLES}/{name}")).await.expect(204);
            }
        }
    }
}

#[tokio::test]
async fn namespaces_at_any_depth_come_in_pages_of_their_own() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    // A dot is a part of a name, and no other level.
    let mut parent: Vec<String> = Vec::new();
    for level in ["a.b", "c", "d e", "ö"] {
        let mut path = parent.clone();
        for name in [level, "x", "y.z"] {
            path.push(name.to_owned());
            let body = serde_json::json!({"namespace": path});
            let _ = root.post(NAMESPACES, body).await.expect(200);
            path.pop();
        }
        let joined = parent.join("%1F").replace(' ', "%20").replace('ö', "%C3%B6");
        let list = format!("parent={joined}");
        let mut names = Vec::new();
        let mut token = String::new();
        loop {
            let (page, next) =
                page(&root, NAMESPACES, &format!("{list}&pageToken={token}&pageSize=1")).await;
            names.extend(page);
            let Some(next) = next else { break };
            token = next;
        }
        let mut expected = [level, "x", "y.z"];
        expected.sort_unstable();
        assert_eq!(names, expected, "in {parent:?}");
        parent.push(level.to_owned());
    }
}

#[tokio::test]
async fn a_level_of_a_namespace_has_no_separator_in_it() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;

    let body = serde_json::json!({"namespace": ["a\u{1f}b"]});
    let _ = root.post(NAMESPACES, body).await.expect(400);

    let (names, _) = page(&root, NAMESPACES, "").await;
    assert!(names.is_empty(), "{names:?}");
}
