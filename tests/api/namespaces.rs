//! Namespaces and their properties.

mod properties;

use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

const PATH: &str = "/api/catalog/v1/lake/namespaces";

async fn start() -> TestServer {
    start_with(&[]).await
}

async fn start_with(settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(settings).await;
    server.create_catalog("lake").await;
    server
}

async fn create(root: &Identity<'_>, levels: &[&str], properties: Value) -> Response {
    root.post(PATH, json!({"namespace": levels, "properties": properties})).await
}

async fn list(root: &Identity<'_>, query: &str) -> Value {
    root.get(&format!("{PATH}{query}")).await.expect(200).json()["namespaces"].clone()
}

async fn properties(root: &Identity<'_>, namespace: &str) -> Value {
    root.get(&format!("{PATH}/{namespace}")).await.expect(200).json()["properties"].clone()
}

#[tokio::test]
async fn a_namespace_is_created_and_loaded_with_its_location() {
    let server = start().await;
    let root = server.root().await;

    let made = create(&root, &["sales"], json!({"owner": "ana"})).await.expect(200).json();

    let location = format!("{}/sales/", server.location("lake"));
    let expected =
        json!({"namespace": ["sales"], "properties": {"location": location, "owner": "ana"}});
    assert_eq!(made, expected);
    assert_eq!(root.get(&format!("{PATH}/sales")).await.expect(200).json(), expected);
}

#[tokio::test]
async fn properties_may_be_left_out() {
    let server = start().await;
    let root = server.root().await;

    let _ = root.post(PATH, json!({"namespace": ["a"]})).await.expect(200);
    let _ = root.post(PATH, json!({"namespace": ["b"], "properties": null})).await.expect(200);
    let unknown = json!({"namespace": ["c"], "properties": {}, "else": [1]});
    let _ = root.post(PATH, unknown).await.expect(200);
}

#[tokio::test]
async fn nested_namespaces_lie_below_each_other() {
    let server = start().await;
    let root = server.root().await;
    server.create_namespace("lake", "a").await;
    server.create_namespace("lake", "a.b").await;
    server.create_namespace("lake", "a.b.c").await;

    let found = root.get(&format!("{PATH}/a%1Fb%1Fc")).await.expect(200).json();

    assert_eq!(found["namespace"], json!(["a", "b", "c"]));
    let location = format!("{}/a/b/c/", server.location("lake"));
    assert_eq!(found["properties"], json!({"location": location}));
    let _ = root.head(&format!("{PATH}/a%1fb")).await.expect(204);
}

#[tokio::test]
async fn a_list_has_the_direct_children_with_all_their_levels() {
    let server = start().await;
    let root = server.root().await;
    for namespace in ["b", "a", "a.y", "a.x", "a.x.deep", "ab"] {
        server.create_namespace("lake", namespace).await;
    }

    for query in ["", "?parent=", "?parent", "?other=a"] {
        assert_eq!(list(&root, query).await, json!([["a"], ["ab"], ["b"]]), "{query}");
    }
    assert_eq!(list(&root, "?parent=a").await, json!([["a", "x"], ["a", "y"]]));
    assert_eq!(list(&root, "?parent=a%1Fx").await, json!([["a", "x", "deep"]]));
    assert_eq!(list(&root, "?parent=b").await, json!([]));
}

#[tokio::test]
async fn the_parent_may_be_encoded_twice() {
    let server = start().await;
    let root = server.root().await;
    for namespace in ["a", "a.x", "a.x.deep"] {
        server.create_namespace("lake", namespace).await;
    }

    // As PyIceberg sends it.
    for query in ["?parent=a%251Fx", "?parent=a%251fx"] {
        assert_eq!(list(&root, query).await, json!([["a", "x", "deep"]]), "{query}");
    }
}

#[tokio::test]
async fn names_come_through_paths_as_clients_encode_them() {
    let server = start().await;
    let root = server.root().await;
    for (name, paths) in [
        ("a b", &["a%20b", "a+b"][..]),
        ("größe", &["gr%C3%B6%C3%9Fe"]),
        ("50%", &["50%25"]),
        ("a%2Fb", &["a%252Fb"]),
        ("a.b", &["a.b", "a%2Eb"]),
        ("a&b=c;d,e", &["a&b=c;d,e", "a%26b%3Dc%3Bd%2Ce"]),
        ("数据", &["%E6%95%B0%E6%8D%AE"]),
        ("'$(x)!", &["'$(x)!"]),
    ] {
        let _ = create(&root, &[name], json!({})).await.expect(200);
        for path in paths {
            let found = root.get(&format!("{PATH}/{path}")).await.expect(200).json();
            assert_eq!(found["namespace"], json!([name]), "{path}");
        }
    }
    let plus = root.get(&format!("{PATH}/a%2Bb")).await.expect(404);
    assert_eq!(plus.error(), "404 NoSuchNamespaceException: Namespace does not exist: a+b");
}

#[tokio::test]
async fn names_differ_by_case() {
    let server = start().await;
    let root = server.root().await;
    let _ = create(&root, &["Sales"], json!({})).await.expect(200);

    let _ = root.get(&format!("{PATH}/sales")).await.expect(404);
    let _ = create(&root, &["sales"], json!({})).await.expect(200);
    assert_eq!(list(&root, "").await, json!([["Sales"], ["sales"]]));
}

#[tokio::test]
async fn a_namespace_is_there_once() {
    let server = start().await;
    let root = server.root().await;
    server.create_namespace("lake", "a").await;
    server.create_namespace("lake", "a.b").await;

    for (levels, name) in [(&["a"][..], "a"), (&["a", "b"], "a.b")] {
        assert_eq!(
            create(&root, levels, json!({"new": "1"})).await.expect(409).error(),
            format!(
                "409 AlreadyExistsException: Cannot create namespace {name}. Namespace already \
                 exists"
            )
        );
    }
    assert_eq!(properties(&root, "a").await.get("new"), None);
}

#[tokio::test]
async fn of_two_who_create_a_namespace_at_once_one_does() {
    let server = start().await;
    let root = server.root().await;

    for round in 0..8 {
        let name = format!("n{round}");
        let names = [name.as_str()];
        let (one, two) =
            tokio::join!(create(&root, &names, json!({})), create(&root, &names, json!({})));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", one.text(), two.text());
    }
}

#[tokio::test]
async fn a_parent_must_be_there() {
    let server = start().await;
    let root = server.root().await;
    server.create_namespace("lake", "a").await;

    for (levels, name) in [(&["x", "y"][..], "x.y"), (&["a", "x", "y"], "a.x.y")] {
        assert_eq!(
            create(&root, levels, json!({})).await.expect(404).error(),
            format!(
                "404 NoSuchNamespaceException: Cannot create namespace {name}. Parent namespace \
                 does not exist."
            )
        );
    }
}

#[tokio::test]
async fn the_root_cannot_be_created() {
    let server = start().await;
    let root = server.root().await;

    let error = create(&root, &[], json!({})).await.expect(409).error();

    assert!(error.starts_with("409 AlreadyExistsException: Cannot create root namespace"));
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_by_a_rule_that_is_told() {
    let server = start().await;
    let root = server.root().await;
    server.create_namespace("lake", "ok").await;

    let long = "x".repeat(257);
    for (name, rule) in [
        ("", "be empty"),
        (".", "be '.' or '..'"),
        ("..", "be '.' or '..'"),
        ("a/b", "contain '/': a/b"),
        ("a\\b", "contain '\\': a\\b"),
        ("a:b", "contain ':': a:b"),
        ("a*", "contain '*': a*"),
        ("a?", "contain '?': a?"),
        ("\"a\"", "contain '\"': \"a\""),
        ("<a", "contain '<': <a"),
        ("a>", "contain '>': a>"),
        ("a|b", "contain '|': a|b"),
        ("a#b", "contain '#': a#b"),
        ("a+b", "contain '+': a+b"),
        ("a`b", "contain '`': a`b"),
        (" a", "have leading or trailing whitespace:  a"),
        ("a\u{a0}", "have leading or trailing whitespace: a\u{a0}"),
        ("a\nb", "contain control characters (U+000A): a\\u000Ab"),
        ("a\u{1f}b", "contain control characters (U+001F): a\\u001Fb"),
        ("a\u{0}b", "contain control characters (U+0000): a\\u0000b"),
        ("a\u{85}b", "contain control characters (U+0085): a\\u0085b"),
        (long.as_str(), &format!("be longer than 256 characters: {long}")),
    ] {
        for levels in [&[name][..], &["ok", name], &[name, "below"]] {
            let error = create(&root, levels, json!({})).await.expect(400).error();
            let told = format!("400 IllegalArgumentException: Entity name must not {rule}");
            assert_eq!(error, told, "{name:?}");
        }
    }
    assert_eq!(list(&root, "").await, json!([["ok"]]));
    assert_eq!(list(&root, "?parent=ok").await, json!([]));
}

#[tokio::test]
async fn a_name_that_is_none_is_simply_not_found() {
    let server = start().await;
    let root = server.root().await;

    for (path, name) in [("a%2Fb", "a/b"), ("..%2F", "../"), ("a%3Fb", "a?b"), ("%20", " ")] {
        assert_eq!(
            root.get(&format!("{PATH}/{path}")).await.expect(404).error(),
            format!("404 NoSuchNamespaceException: Namespace does not exist: {name}")
        );
    }
}

#[tokio::test]
async fn an_empty_level_names_nothing() {
    let server = start().await;
    let root = server.root().await;
    server.create_namespace("lake", "a").await;
    server.create_namespace("lake", "a.b").await;

    for tricky in ["a%1F", "%1Fa", "a%1F%1Fb", "%1F", "a%1Fb%1F"] {
        let error = root.get(&format!("{PATH}/{tricky}")).await.expect(400).error();
        assert!(error.starts_with("400 IllegalArgumentException: "), "{tricky}: {error}");
        let _ = root.delete(&format!("{PATH}/{tricky}")).await.expect(400);
        let _ = root.get(&format!("{PATH}?parent={tricky}")).await.expect(400);
    }
    assert_eq!(list(&root, "?parent=a").await, json!([["a", "b"]]));
}

#[tokio::test]
async fn a_namespace_has_sixteen_levels_and_not_one_more() {
    let server = start().await;
    let root = server.root().await;
    let levels = vec!["n"; 17];

    for depth in 1..=16 {
        let _ = create(&root, &levels[..depth], json!({})).await.expect(200);
    }

    let path = levels[..16].join("%1F");
    let found = root.get(&format!("{PATH}/{path}")).await.expect(200).json();
    assert_eq!(found["namespace"].as_array().unwrap().len(), 16);
    assert_eq!(list(&root, &format!("?parent={path}")).await, json!([]));
    let error = create(&root, &levels, json!({})).await.expect(400).error();
    assert!(error.contains("it must not have more than 16 levels"), "{error}");
}

#[tokio::test]
async fn a_path_that_is_too_long_for_the_store_is_refused() {
    let server = start().await;
    let root = server.root().await;
    let name = "x".repeat(256);
    let levels = vec![name.as_str(); 8];
    for depth in 1..=7 {
        let _ = create(&root, &levels[..depth], json!({})).await.expect(200);
    }

    let error = create(&root, &levels, json!({})).await.expect(400).error();

    assert!(error.starts_with("400 IllegalArgumentException: Invalid namespace name"), "{error}");
    let path = format!("{PATH}/{}", levels.join("%1F"));
    let _ = root.head(&path).await.expect(404);
}

#[tokio::test]
async fn a_namespace_that_is_missing_is_told_by_its_name() {
    let server = start().await;
    let root = server.root().await;
    server.create_namespace("lake", "a").await;
    let missing =
        |name: &str| format!("404 NoSuchNamespaceException: Namespace does not exist: {name}");

    for (path, name) in [("whoops", "whoops"), ("a%1Fwhoops", "a.whoops"), ("x%1Fa", "x.a")] {
        let at = format!("{PATH}/{path}");
        assert_eq!(root.get(&at).await.expect(404).error(), missing(name));
        assert_eq!(root.delete(&at).await.expect(404).error(), missing(name));
        assert_eq!(root.get(&format!("{at}/tables")).await.expect(404).error(), missing(name));
        let update = root.post(&format!("{at}/properties"), json!({"updates": {"a": "b"}})).await;
        assert_eq!(update.expect(404).error(), missing(name));
        let children = root.get(&format!("{PATH}?parent={path}")).await.expect(404);
        assert_eq!(children.error(), missing(name));
        let head = root.head(&at).await.expect(404);
        assert_eq!(head.text(), "");
    }
}

#[tokio::test]
async fn a_catalog_that_is_missing_has_no_namespaces() {
    let server = start().await;
    let root = server.root().await;
    let path = "/api/catalog/v1/LAKE/namespaces";

    for answer in [
        root.get(path).await,
        root.get(&format!("{path}/a")).await,
        root.post(path, json!({"namespace": ["a"]})).await,
        root.delete(&format!("{path}/a")).await,
    ] {
        assert!(answer.expect(404).error().starts_with("404 NoSuchNamespaceException: "));
    }
}

#[tokio::test]
async fn an_empty_namespace_is_dropped_once() {
    let server = start().await;
    let root = server.root().await;
    server.create_namespace("lake", "a").await;
    server.create_namespace("lake", "a.b").await;

    let dropped = root.delete(&format!("{PATH}/a%1Fb")).await.expect(204);

    assert_eq!(dropped.text(), "");
    let _ = root.delete(&format!("{PATH}/a%1Fb")).await.expect(404);
    let _ = root.head(&format!("{PATH}/a%1Fb")).await.expect(404);
    let _ = root.delete(&format!("{PATH}/a")).await.expect(204);
    server.create_namespace("lake", "a").await;
    assert_eq!(list(&root, "?parent=a").await, json!([]));
}

#[tokio::test]
async fn a_namespace_that_holds_something_stays() {
    let server = start().await;
    let root = server.root().await;
    for namespace in ["with", "with.child", "table"] {
        server.create_namespace("lake", namespace).await;
    }
    server.create_table("lake", "table", "t").await;

    for name in ["with", "table"] {
        assert_eq!(
            root.delete(&format!("{PATH}/{name}")).await.expect(409).error(),
            format!("409 NamespaceNotEmptyException: Namespace {name} is not empty")
        );
    }
    let _ = root.delete(&format!("{PATH}/with%1Fchild")).await.expect(204);
    let _ = root.delete(&format!("{PATH}/with")).await.expect(204);
    let _ = root.delete(&format!("{PATH}/table/tables/t")).await.expect(204);
    let _ = root.delete(&format!("{PATH}/table")).await.expect(204);
}

#[tokio::test]
async fn a_body_that_names_no_namespace_is_refused() {
    let server = start().await;
    let root = server.root().await;

    for body in [
        json!({}),
        json!([]),
        json!(null),
        json!({"namespace": null}),
        json!({"namespace": "a"}),
        json!({"namespace": [1]}),
        json!({"namespace": [null]}),
        json!({"namespace": ["a"], "properties": {"a": 1}}),
        json!({"namespace": ["a"], "properties": {"a": null}}),
        json!({"namespace": ["a"], "properties": ["a"]}),
    ] {
        let error = root.post(PATH, body.clone()).await.expect(400).error();
        assert!(error.starts_with("400 MismatchedInputException: Invalid value: "), "{body}");
    }
}
