//! A namespace's properties, and its location among them.

use merak_tests::{Identity, TestServer};
use serde_json::{Value, json};

use super::{PATH, create, properties, start, start_with};

const CUSTOM: (&str, &str) =
    ("polaris.behavior-changes.\"ALLOW_NAMESPACE_CUSTOM_LOCATION\"", "true");

async fn update(root: &Identity<'_>, namespace: &str, body: Value) -> merak_tests::Response {
    root.post(&format!("{PATH}/{namespace}/properties"), body).await
}

async fn start_with_namespace(given: Value) -> TestServer {
    let server = start().await;
    let _ = create(&server.root().await, &["a"], given).await.expect(200);
    server
}

#[tokio::test]
async fn an_update_tells_what_it_set_removed_and_missed() {
    let server = start_with_namespace(json!({"keep": "1", "change": "1", "go": "1"})).await;
    let root = server.root().await;

    let told = update(
        &root,
        "a",
        json!({"updates": {"new": "2", "change": "2"}, "removals": ["go", "nowhere", "gone"]}),
    )
    .await
    .expect(200)
    .json();

    assert_eq!(
        told,
        json!({
            "updated": ["change", "new"],
            "removed": ["go"],
            "missing": ["nowhere", "gone"],
        })
    );
    assert_eq!(
        properties(&root, "a").await,
        json!({
            "change": "2",
            "keep": "1",
            "location": format!("{}/a/", server.location("lake")),
            "new": "2",
        })
    );
}

#[tokio::test]
async fn either_part_of_an_update_may_be_left_out() {
    let server = start_with_namespace(json!({"a": "1"})).await;
    let root = server.root().await;

    for (body, told) in [
        (json!({}), json!({"updated": [], "removed": [], "missing": []})),
        (
            json!({"updates": null, "removals": null}),
            json!({"updated": [], "removed": [], "missing": []}),
        ),
        (json!({"updates": {"a": "1"}}), json!({"updated": ["a"], "removed": [], "missing": []})),
        (json!({"removals": ["a", "a"]}), json!({"updated": [], "removed": ["a"], "missing": []})),
        (json!({"removals": ["a"]}), json!({"updated": [], "removed": [], "missing": ["a"]})),
    ] {
        assert_eq!(update(&root, "a", body.clone()).await.expect(200).json(), told, "{body}");
    }
}

#[tokio::test]
async fn a_key_cannot_be_set_and_removed_at_once() {
    let server = start_with_namespace(json!({"x": "1"})).await;
    let root = server.root().await;

    let body = json!({"updates": {"x": "2", "y": "2", "z": "2"}, "removals": ["w", "x"]});
    assert_eq!(
        update(&root, "a", body).await.expect(422).error(),
        "422 UnprocessableEntityException: Invalid namespace update, cannot simultaneously set \
         and remove keys: [x]"
    );
    assert_eq!(properties(&root, "a").await["x"], "1");
}

#[tokio::test]
async fn keys_that_polaris_keeps_for_itself_are_refused() {
    let server = start_with_namespace(json!({})).await;
    let root = server.root().await;
    let reserved = "400 IllegalArgumentException: Property 'polaris.x' matches reserved prefix \
                    'polaris.'";

    let made = create(&root, &["b"], json!({"polaris.x": "1"})).await.expect(400);
    assert_eq!(made.error(), reserved);
    let _ = root.get(&format!("{PATH}/b")).await.expect(404);
    for body in
        [json!({"updates": {"ok": "1", "polaris.x": "1"}}), json!({"removals": ["polaris.x"]})]
    {
        assert_eq!(update(&root, "a", body).await.expect(400).error(), reserved);
    }
    assert_eq!(properties(&root, "a").await.get("ok"), None);
    let similar = json!({"updates": {"polaris": "1", "Polaris.x": "1", "my.polaris.x": "1"}});
    let _ = update(&root, "a", similar).await.expect(200);
}

#[tokio::test]
async fn an_update_of_another_shape_is_refused() {
    let server = start_with_namespace(json!({})).await;
    let root = server.root().await;

    for body in [
        json!([]),
        json!({"updates": ["a"]}),
        json!({"updates": {"a": 1}}),
        json!({"updates": {"a": null}}),
        json!({"removals": "a"}),
        json!({"removals": [1]}),
    ] {
        let error = update(&root, "a", body.clone()).await.expect(400).error();
        assert!(error.starts_with("400 MismatchedInputException: Invalid value: "), "{body}");
    }
}

#[tokio::test]
async fn of_updates_at_once_none_is_lost() {
    let server = start_with_namespace(json!({})).await;
    let root = server.root().await;

    let set = async |key: &str| update(&root, "a", json!({"updates": {key: "1"}})).await;
    let answers = [tokio::join!(set("k0"), set("k1"), set("k2"), set("k3"))];
    let [(a, b, c, d)] = answers;

    let now = properties(&root, "a").await;
    for (key, answer) in ["k0", "k1", "k2", "k3"].iter().zip([a, b, c, d]) {
        if answer.status == 200 {
            assert_eq!(now[*key], "1", "{key} was set, and is not there: {now}");
        } else {
            assert_eq!(
                answer.expect(409).error(),
                "409 CommitConflictException: Concurrent modification of namespace: a"
            );
            assert_eq!(now.get(key), None);
        }
    }
}

#[tokio::test]
async fn the_slash_at_the_end_of_a_location_is_a_setting() {
    let off = ("polaris.features.\"ADD_TRAILING_SLASH_TO_LOCATION\"", "false");
    let server = start_with(&[off]).await;
    server.create_namespace("lake", "a").await;
    server.create_namespace("lake", "a.b").await;
    let root = server.root().await;

    let base = server.location("lake");
    assert_eq!(properties(&root, "a").await["location"], format!("{base}/a"));
    assert_eq!(properties(&root, "a%1Fb").await["location"], format!("{base}/a/b"));
}

#[tokio::test]
async fn a_base_that_ends_in_a_slash_gets_no_second_one() {
    let server = TestServer::start().await;
    let base = server.location("lake");
    server.create_catalog_with("lake", &[("default-base-location", &format!("{base}/"))]).await;
    server.create_namespace("lake", "a").await;

    let location = &properties(&server.root().await, "a").await["location"];

    assert_eq!(*location, format!("{base}/a/"));
}

#[tokio::test]
async fn a_location_that_goes_without_saying_may_be_said() {
    let server = start().await;
    let root = server.root().await;
    let base = server.location("lake");

    for (levels, location) in [
        (&["a"][..], format!("{base}/a/")),
        (&["b"], format!("{base}/b")),
        (&["a", "x"], format!("{base}/a/x")),
        (&["a", "y"], format!("{base}/a/y/")),
    ] {
        let given = json!({"location": location});
        let made = create(&root, levels, given.clone()).await.expect(200).json();
        assert_eq!(made["properties"], given);
    }
}

#[tokio::test]
async fn a_location_of_its_own_is_refused() {
    let server = start().await;
    let root = server.root().await;
    let base = server.location("lake");
    server.create_namespace("lake", "p").await;

    for (levels, name, own) in [
        (&["a"][..], "a", format!("{base}/b/")),
        (&["a"], "a", format!("{base}/a/b/")),
        (&["a"], "a", base.clone()),
        (&["a"], "a", "file:///elsewhere/a/".to_owned()),
        (&["p", "a"], "p.a", format!("{base}/a/")),
    ] {
        let error = create(&root, levels, json!({"location": own})).await.expect(400).error();
        let start = format!(
            "400 BadRequestException: Namespace {name} has a custom location, which is not \
             enabled. Expected location: ["
        );
        assert!(error.starts_with(&start), "{own}: {error}");
    }
    for bad in ["", "nonsense", &format!("{base}/x/../a"), &format!("{base}//a"), "http://x/a"] {
        let error = create(&root, &["a"], json!({"location": bad})).await.expect(400).error();
        assert!(error.starts_with("400 BadRequestException: Invalid location"), "{bad}: {error}");
    }
    let _ = root.get(&format!("{PATH}/a")).await.expect(404);
}

#[tokio::test]
async fn at_the_top_any_allowed_location_stands_in_for_the_base() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let [one, two] = ["one", "two"].map(|name| server.location(name));
    let catalog = json!({
        "name": "lake",
        "properties": {"default-base-location": one},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [one, two]},
    });
    let _ = root.post("/api/management/v1/catalogs", catalog).await.expect(201);

    let _ = create(&root, &["a"], json!({"location": format!("{two}/a/")})).await.expect(200);
    let _ = create(&root, &["b"], json!({"location": format!("{two}/c/")})).await.expect(400);
    let nested = json!({"location": format!("{two}/x/")});
    let _ = create(&root, &["a", "x"], nested).await.expect(400);
    let _ = create(&root, &["a", "x"], json!({})).await.expect(200);
    assert_eq!(properties(&root, "a%1Fx").await["location"], format!("{two}/a/x/"));
}

#[tokio::test]
async fn a_location_of_its_own_may_be_allowed() {
    let server = start_with(&[CUSTOM]).await;
    let root = server.root().await;
    // Polaris allows one outside the catalog's allowed locations too: no table can be made there.
    let own = [format!("{}/b/c/", server.location("lake")), "file:///elsewhere/x/".to_owned()];

    for (nth, location) in own.iter().enumerate() {
        let name = format!("n{nth}");
        let _ = create(&root, &[&name], json!({"location": location})).await.expect(200);
        assert_eq!(properties(&root, &name).await["location"], *location);
    }
    let nested = create(&root, &["n0", "x"], json!({})).await.expect(200).json();
    assert_eq!(nested["properties"]["location"], format!("{}x/", own[0]));
}

#[tokio::test]
async fn a_catalog_may_allow_locations_of_their_own_for_itself() {
    let server = TestServer::start().await;
    let allow = ("polaris.config.namespace-custom-location.enabled", "true");
    server.create_catalog_with("lake", &[allow]).await;

    let own = json!({"location": format!("{}/b/", server.location("lake"))});

    let _ = create(&server.root().await, &["a"], own).await.expect(200);
}

#[tokio::test]
async fn namespaces_of_one_parent_do_not_overlap() {
    let server = start_with(&[CUSTOM]).await;
    let root = server.root().await;
    let base = server.location("lake");
    let at = |path: &str| json!({"location": format!("{base}/{path}")});
    let _ = create(&root, &["a"], at("x/y/")).await.expect(200);

    for (path, other) in [("x/y", "same"), ("x/y/z/", "below"), ("x/", "above")] {
        let error = create(&root, &["b"], at(path)).await.expect(403).error();
        let start = "403 ForbiddenException: Unable to create entity at location '";
        assert!(error.starts_with(start), "{other}: {error}");
        assert!(error.contains("conflicts with existing table or namespace"), "{other}: {error}");
    }
    let _ = create(&root, &["b"], at("x/yz/")).await.expect(200);
}

#[tokio::test]
async fn an_update_does_not_make_namespaces_overlap_either() {
    let server = start_with(&[CUSTOM]).await;
    let root = server.root().await;
    let base = server.location("lake");
    for name in ["a", "b"] {
        let _ = create(&root, &[name], json!({})).await.expect(200);
    }

    let taken = json!({"updates": {"location": format!("{base}/a/")}});
    let error = update(&root, "b", taken).await.expect(403).error();

    assert!(error.contains("conflicts with existing table or namespace"), "{error}");
    assert_eq!(properties(&root, "b").await["location"], format!("{base}/b/"));
}

#[tokio::test]
async fn an_update_may_move_a_namespace_where_that_is_allowed() {
    let base = |server: &TestServer| server.location("lake");
    let server = start_with_namespace(json!({})).await;
    let root = server.root().await;
    let elsewhere = json!({"updates": {"location": format!("{}/b/", base(&server))}});
    let error = update(&root, "a", elsewhere).await.expect(400).error();
    assert!(error.contains("has a custom location, which is not enabled"), "{error}");
    let same = json!({"updates": {"location": format!("{}/a", base(&server)), "x": "1"}});
    let _ = update(&root, "a", same).await.expect(200);

    let server = start_with(&[CUSTOM]).await;
    let root = server.root().await;
    let _ = create(&root, &["a"], json!({})).await.expect(200);
    let moved = format!("{}/b/", base(&server));
    let _ = update(&root, "a", json!({"updates": {"location": moved}})).await.expect(200);
    assert_eq!(properties(&root, "a").await["location"], moved);
    let error = update(&root, "a", json!({"updates": {"location": "nonsense"}})).await;
    assert!(error.expect(400).error().contains("Invalid location"));
}

#[tokio::test]
async fn a_location_that_is_too_long_for_the_store_is_refused() {
    let server = start_with(&[CUSTOM]).await;
    let root = server.root().await;
    let at = |bytes| json!({"location": format!("s3://bucket/{}", "x".repeat(bytes))});

    let _ = create(&root, &["a"], at(1024)).await.expect(200);
    let error = create(&root, &["b"], at(4096)).await.expect(400).error();

    assert!(error.starts_with("400 BadRequestException: "), "{error}");
}

#[tokio::test]
async fn the_location_cannot_be_removed() {
    let server = start_with_namespace(json!({"x": "1"})).await;
    let root = server.root().await;

    let answer = update(&root, "a", json!({"removals": ["x", "location"]})).await.expect(400);

    assert_eq!(
        answer.error(),
        "400 BadRequestException: Cannot remove the location of a namespace"
    );
    let location = format!("{}/a/", server.location("lake"));
    assert_eq!(properties(&root, "a").await, json!({"location": location, "x": "1"}));
}
