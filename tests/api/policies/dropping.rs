//! Policies that go, and what goes with what they are attached to.

use super::*;

#[tokio::test]
async fn a_policy_that_was_dropped_is_gone() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let path = policy("sky", "p");

    let answer = root.delete(&path).await.expect(204);

    assert_eq!(answer.text(), "");
    assert_eq!(root.get(&path).await.error(), missing("sky", "p"));
    assert_eq!(root.delete(&path).await.error(), missing("sky", "p"));
    // Another of the name is another one: it is not attached to anything.
    let made = make(&root, "sky", "p", EXPIRY).await;
    assert_eq!(made["version"], json!(0));
}

#[tokio::test]
async fn a_policy_that_is_attached_stays_unless_it_is_to_be_detached() {
    let server = server().await;
    let root = server.root().await;
    for place in places() {
        make(&root, "sky", "p", COMPACTION).await;
        let _ = attach(&root, "p", &place).await.expect(204);

        for query in ["", "?detach-all=false", "?detach-all=", "?detach-all=1", "?DETACH-ALL=true"]
        {
            let told = root.delete(&format!("{}{query}", policy("sky", "p"))).await.error();
            assert_eq!(
                told,
                "400 PolicyInUseException: Policy PolicyIdentifier[namespace=sky, name=p] is still \
                 attached to entities",
                "{query}"
            );
        }
        let _ = detach(&root, "p", &place).await.expect(204);
        let _ = root.delete(&policy("sky", "p")).await.expect(204);
    }
}

#[tokio::test]
async fn a_policy_is_detached_from_all_and_dropped() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    make(&root, "sky", "other", EXPIRY).await;
    for place in places() {
        let _ = attach(&root, "p", &place).await.expect(204);
        let _ = attach(&root, "other", &place).await.expect(204);
    }

    let _ = root.delete(&format!("{}?detach-all=True", policy("sky", "p"))).await.expect(204);

    for query in QUERIES {
        assert_eq!(applied(&root, query).await, ["other"], "{query}");
    }
    // Attached to nothing, that does as well.
    make(&root, "sky", "p", COMPACTION).await;
    let _ = root.delete(&format!("{}?detach-all=true", policy("sky", "p"))).await.expect(204);
}

#[tokio::test]
async fn what_is_dropped_holds_no_policy() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    for place in places().iter().skip(2) {
        let _ = attach(&root, "p", place).await.expect(204);
    }
    let deep = "/api/catalog/v1/lake/namespaces/sky%1Fdeep";

    let _ = root.delete(&format!("{deep}/tables/stars")).await.expect(204);
    let _ = root.delete(deep).await.expect(204);

    server.create_namespace("lake", "sky.deep").await;
    server.create_table("lake", "sky.deep", "stars").await;
    assert!(applied(&root, QUERIES[3]).await.is_empty());
    let _ = root.delete(&policy("sky", "p")).await.expect(204);
}

#[tokio::test]
async fn a_namespace_with_a_policy_is_not_empty() {
    let server = server().await;
    let root = server.root().await;
    server.create_namespace("lake", "sea").await;
    make(&root, "sea", "p", COMPACTION).await;
    let sea = "/api/catalog/v1/lake/namespaces/sea";

    let told = root.delete(sea).await.expect(409).error();
    assert_eq!(told, "409 NamespaceNotEmptyException: Namespace sea is not empty");
    let _ = root.delete(&policy("sea", "p")).await.expect(204);
    let _ = root.delete(sea).await.expect(204);
}

#[tokio::test]
async fn a_drop_and_an_attachment_at_once_leave_no_policy_half_dropped() {
    let server = server().await;
    let root = server.root().await;
    let path = policy("sky", "p");
    for attempt in 0..10 {
        make(&root, "sky", "p", COMPACTION).await;
        let query = if attempt % 2 == 0 { "?detach-all=true" } else { "" };
        let drop = format!("{path}{query}");
        let place = on_table(&["sky", "deep", "stars"]);

        let (attached, dropped) = tokio::join!(attach(&root, "p", &place), root.delete(&drop));

        let is_there = root.get(&path).await.status == 200;
        assert_eq!(is_there, dropped.status != 204, "{}", dropped.text());
        let applies = !applied(&root, QUERIES[3]).await.is_empty();
        assert_eq!(applies, attached.status == 204 && is_there);
        if is_there {
            let _ = root.delete(&format!("{path}?detach-all=true")).await.expect(204);
        }
    }
}
