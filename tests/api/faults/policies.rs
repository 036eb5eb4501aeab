//! Single faults of what is done with policies.

use axum::http::Method;
use merak_tests::Response;
use serde_json::{Value, json};

use super::scripts::{Script, Scripts, StoreFault};
use super::world::World;
use crate::policies::{COMPACTION, LAKE, make, mappings, on_catalog, policies, policy};

/// The servers, with a policy `p` in the namespace `sky`, which is attached to the catalog if so asked.
async fn world(is_attached: bool) -> World {
    let world = Box::pin(World::start()).await;
    world.replicas[0].create_namespace("lake", "sky").await;
    make(&world.reader(), "sky", "p", COMPACTION).await;
    if is_attached {
        let body = json!({"target": on_catalog()});
        let _ = world.reader().put(&mappings("sky", "p"), body).await.expect(204);
    }
    world
}

/// Sends a request to the first replica, with faults of its first writes.
async fn with(
    world: &World,
    faults: &[Option<StoreFault>],
    (method, path, body): &(Method, String, Value),
) -> Response {
    world.plan.script(Scripts { applies: Script::of(faults), ..Scripts::default() });
    let who = world.at(0);
    let answer = if body.is_null() {
        who.send_bytes(method.clone(), path, Vec::new()).await
    } else {
        who.send_json(method.clone(), path, body).await
    };
    world.plan.calm();
    assert_eq!(world.plan.stalls(), 0, "the server did not ask again");
    answer
}

async fn applies(world: &World) -> bool {
    let path = format!("{LAKE}/applicable-policies");
    let answer = world.reader().get(&path).await.expect(200).json();
    answer["applicable-policies"] != json!([])
}

fn attaching() -> (Method, String, Value) {
    (Method::PUT, mappings("sky", "p"), json!({"target": on_catalog()}))
}

fn detaching() -> (Method, String, Value) {
    (Method::POST, mappings("sky", "p"), json!({"target": on_catalog()}))
}

/// The answer is lost, before or after the write is done.
const LOST: [StoreFault; 2] = [StoreFault::LostDone, StoreFault::LostUndone];

#[tokio::test]
async fn a_policy_is_attached_and_detached_though_the_answers_are_lost() {
    let world = world(false).await;
    for fault in LOST {
        let _ = with(&world, &[Some(fault)], &attaching()).await.expect(204);
        assert!(applies(&world).await, "{fault:?}");
        let _ = with(&world, &[Some(fault)], &detaching()).await.expect(204);
        assert!(!applies(&world).await, "{fault:?}");
    }
}

#[tokio::test]
async fn what_was_not_attached_is_not_detached_though_answers_are_lost() {
    let world = world(false).await;
    for faults in [[Some(LOST[1]), None], [Some(LOST[1]), Some(StoreFault::Unavailable)]] {
        let told = with(&world, &faults, &detaching()).await.error();
        assert!(told.starts_with("404 NoSuchMappingException: "), "{told}");
    }
}

#[tokio::test]
async fn a_policy_is_made_changed_and_dropped_though_the_answers_are_lost() {
    let world = world(true).await;
    let enabled = r#"{"enable": true}"#;
    for fault in LOST {
        let made = json!({"name": "new", "type": COMPACTION, "content": enabled});
        let create = (Method::POST, policies("sky"), made);
        let made = with(&world, &[Some(fault)], &create).await.expect(200);
        assert_eq!(made.text(), world.reader().get(&policy("sky", "new")).await.text());

        let change = json!({"content": enabled, "description": "a", "current-policy-version": 0});
        let update = (Method::PUT, policy("sky", "new"), change);
        let changed = with(&world, &[Some(fault)], &update).await.expect(200).json();
        assert_eq!(changed["policy"]["version"], json!(1));

        let drop = (Method::DELETE, policy("sky", "new"), Value::Null);
        let _ = with(&world, &[Some(fault)], &drop).await.expect(204);
        let _ = world.reader().get(&policy("sky", "new")).await.expect(404);
        assert!(applies(&world).await);

        let path = format!("{}?detach-all=true", policy("sky", "p"));
        let drop = (Method::DELETE, path, Value::Null);
        let _ = with(&world, &[Some(fault)], &drop).await.expect(204);
        assert!(!applies(&world).await);
        make(&world.reader(), "sky", "p", COMPACTION).await;
        let _ = with(&world, &[], &attaching()).await.expect(204);
    }
}

#[tokio::test]
async fn where_nobody_can_tell_what_became_of_it_that_is_said() {
    let world = world(false).await;
    let lost = [Some(StoreFault::LostDone); 4];

    let told = with(&world, &lost, &attaching()).await.error();

    assert!(told.starts_with("500 CommitStateUnknownException: "), "{told}");
}

#[tokio::test]
async fn what_is_attached_by_another_in_the_meantime_is_told() {
    let world = world(false).await;
    make(&world.reader(), "sky", "other", COMPACTION).await;
    let body = json!({"target": on_catalog()});
    let _ = world.reader().put(&mappings("sky", "other"), body).await.expect(204);

    for fault in [Some(StoreFault::LostUndone), None] {
        let told = with(&world, &[fault], &attaching()).await.error();
        assert!(told.starts_with("409 PolicyMappingAlreadyExistsException: "), "{told}");
    }
    let told = with(&world, &[Some(StoreFault::Unavailable)], &attaching()).await.error();
    assert!(told.starts_with("503 ServiceUnavailableException: "), "{told}");
}
