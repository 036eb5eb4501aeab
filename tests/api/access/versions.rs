//! What becomes of principals and roles over time.

use merak_model::{Clock as _, SystemClock};
use merak_tests::{Identity, Response};
use serde_json::{Value, json};

use super::{KINDS, Kind, with_lake};

async fn update(who: &Identity<'_>, kind: &Kind, version: i64, properties: Value) -> Response {
    let body = json!({"currentEntityVersion": version, "properties": properties});
    who.put(&kind.route("x"), body).await
}

#[tokio::test]
async fn an_update_replaces_all_properties() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let body = json!({"name": "x", "properties": {"a": "1", "b": "2"}});
        let _ = kind.create(&root, body).await.expect(201);

        for (version, properties) in [(1, json!({"b": "3", "c": "4"})), (2, json!({}))] {
            let told = update(&root, kind, version, properties.clone()).await.expect(200).json();
            assert_eq!(told["properties"], properties, "{}", kind.label);
            assert_eq!(told, kind.get(&root, "x").await);
        }
    }
}

#[tokio::test]
async fn an_update_moves_the_version_and_the_time_of_the_last_update_alone() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let mut before = kind.make(&root, "x").await;
        while json!(SystemClock.now_ms()) == before["lastUpdateTimestamp"] {
            tokio::task::yield_now().await;
        }

        let mut after = update(&root, kind, 1, json!({})).await.expect(200).json();

        assert_eq!(after["entityVersion"], 2);
        assert!(
            after["lastUpdateTimestamp"].as_i64() > before["lastUpdateTimestamp"].as_i64(),
            "{before} {after}"
        );
        for moved in ["entityVersion", "lastUpdateTimestamp"] {
            let _ = (before[moved].take(), after[moved].take());
        }
        assert_eq!(after, before);
    }
}

#[tokio::test]
async fn an_update_that_changes_nothing_is_a_change_all_the_same() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let _ = kind.make(&root, "x").await;
        let told = update(&root, kind, 1, json!({})).await.expect(200).json();
        assert_eq!(told["entityVersion"], 2, "{}", kind.label);
    }
}

#[tokio::test]
async fn an_update_based_on_another_version_is_refused() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let _ = kind.make(&root, "x").await;
        let before = update(&root, kind, 1, json!({"a": "b"})).await.expect(200).json();

        for version in [1, 3, 0, -1, i64::MIN, i64::MAX] {
            assert_eq!(
                update(&root, kind, version, json!({"a": "c"})).await.expect(409).error(),
                format!(
                    "409 CommitConflictException: Failed to update {}; currentEntityVersion \
                     '{version}', expected '2'",
                    kind.label
                )
            );
        }
        assert_eq!(kind.get(&root, "x").await, before);
    }
}

#[tokio::test]
async fn of_two_updates_at_once_one_is_made() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let _ = kind.make(&root, "x").await;
        for version in 1..=8 {
            let (one, two) = tokio::join!(
                update(&root, kind, version, json!({"who": "one"})),
                update(&root, kind, version, json!({"who": "two"})),
            );

            let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
            assert_eq!(won.status, 200, "{} {}", won.text(), lost.text());
            assert_eq!(kind.get(&root, "x").await, won.json());
            assert_eq!(won.json()["entityVersion"], version + 1);
            // Which of the two is told depends on how far the other was.
            let label = kind.label;
            let late = format!(
                "409 CommitConflictException: Failed to update {label}; currentEntityVersion \
                 '{version}', expected '{}'",
                version + 1
            );
            let beaten = format!(
                "409 CommitConflictException: Concurrent modification on {label} 'x'; retry later"
            );
            let error = lost.expect(409).error();
            assert!(error == late || error == beaten, "{error}");
        }
    }
}

#[tokio::test]
async fn property_names_that_polaris_keeps_for_itself_are_refused() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let before = kind.make(&root, "x").await;
        for key in ["polaris.", "polaris.x", "polaris.config.list-pagination-enabled"] {
            let told = format!(
                "400 IllegalArgumentException: Property '{key}' matches reserved prefix 'polaris.'"
            );
            let body = json!({"name": "y", "properties": {"a": "b", key: "1"}});
            assert_eq!(kind.create(&root, body).await.expect(400).error(), told);
            let properties = json!({"a": "b", key: "1"});
            assert_eq!(update(&root, kind, 1, properties).await.expect(400).error(), told);
        }
        let _ = root.get(&kind.route("y")).await.expect(404);
        assert_eq!(kind.get(&root, "x").await, before);
    }
}

#[tokio::test]
async fn properties_may_be_any_texts() {
    let server = with_lake().await;
    let root = server.root().await;
    let properties = json!({
        "": "",
        "polaris": "no dot",
        "x.polaris.": "elsewhere",
        "POLARIS.x": "in another case",
        "größe": "数据 \u{1f9ca}",
        "\0": "a\0b",
        "line\nfeed": "\"\\\u{7f}",
        "long": "x".repeat(10_000),
    });
    for kind in &KINDS {
        let body = json!({"name": "x", "properties": properties});
        let made = kind.made(&kind.create(&root, body).await.expect(201));
        assert_eq!(made["properties"], properties, "{}", kind.label);
        assert_eq!(kind.get(&root, "x").await, made);
        let told = update(&root, kind, 1, properties.clone()).await.expect(200).json();
        assert_eq!(told, kind.get(&root, "x").await);
        assert_eq!(told["properties"], properties, "{}", kind.label);
    }
}

#[tokio::test]
async fn lists_are_complete_and_in_the_order_of_the_names_bytes() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let mut expected = vec![kind.first.to_owned()];
        for number in 0..60 {
            let start = ["n", "N", "ö", "_", "~", " "][number % 6];
            let name = format!("{start}{}", number * 37 % 101);
            let _ = kind.make(&root, &name).await;
            expected.push(name);
        }
        expected.sort_unstable();

        let all = kind.all(&root).await;

        let listed: Vec<_> = all.iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(listed, expected);
        for one in &all {
            assert_eq!(*one, kind.get(&root, one["name"].as_str().unwrap()).await);
        }
    }
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_its_name_is_free() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let _ = kind.make(&root, "x").await;
        let _ = update(&root, kind, 1, json!({"a": "b"})).await.expect(200);

        let answer = root.delete(&kind.route("x")).await.expect(204);

        assert_eq!(answer.text(), "");
        for gone in [
            root.get(&kind.route("x")).await,
            root.delete(&kind.route("x")).await,
            update(&root, kind, 2, json!({})).await,
        ] {
            let told = format!("404 NotFoundException: {}x", kind.missing);
            assert_eq!(gone.expect(404).error(), told);
        }
        assert_eq!(kind.names(&root).await, [kind.first]);
        let again = kind.make(&root, "x").await;
        assert_eq!((&again["entityVersion"], &again["properties"]), (&json!(1), &json!({})));
    }
}

#[tokio::test]
async fn of_two_who_delete_at_once_one_does() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        for _ in 0..4 {
            let _ = kind.make(&root, "x").await;
            let path = kind.route("x");
            let (one, two) = tokio::join!(root.delete(&path), root.delete(&path));

            let (won, lost) = if one.status == 204 { (one, two) } else { (two, one) };
            assert_eq!(won.status, 204, "{} {}", won.text(), lost.text());
            // Which of the two is told depends on how far the other was.
            let error = lost.error();
            let late = format!("404 NotFoundException: {}x", kind.missing);
            let beaten = "cannot be dropped, concurrent modification detected. Please try again";
            let is_beaten =
                error.starts_with("400 BadRequestException: ") && error.ends_with(beaten);
            assert!(error == late || is_beaten, "{error}");
        }
    }
}
