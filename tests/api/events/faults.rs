//! Events of changes whose answers are lost on the way from the database: each is there exactly if its
//! change is, and once.

use merak_tests::schema;

use super::*;
use crate::faults::{StoreFault, World, with, writes};
use crate::fixtures::{RENAME, TABLES, append, load, route};

/// The answer is lost, before or after the write is done; then perhaps again.
const LOST: [&[Option<StoreFault>]; 4] = [
    &[Some(StoreFault::LostDone)],
    &[Some(StoreFault::LostUndone)],
    &[Some(StoreFault::LostUndone), Some(StoreFault::LostDone)],
    &[Some(StoreFault::LostDone), Some(StoreFault::Unavailable)],
];

/// Servers that keep events, with the namespace `sales` and the table `t` in it.
async fn world() -> (World, Value) {
    let world = Box::pin(World::start_with(&[KEPT])).await;
    world.replicas[0].create_namespace("lake", "sales").await;
    let made = world.reader().post(TABLES, json!({"name": "t", "schema": schema()})).await;
    (world, made.expect(200).json())
}

/// All events there are. The first replica's store is the one of all of them.
async fn all(world: &World) -> Vec<String> {
    lines(&events_after(&world.replicas[0], None).await)
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_leaves_one_event() {
    for faults in LOST {
        let (world, t) = world().await;
        let requests = [
            (
                Method::POST,
                route("t"),
                append(&t, 1, None),
                200,
                "AFTER_UPDATE_TABLE TABLE lake sales.t",
            ),
            (
                Method::POST,
                TABLES.to_owned(),
                json!({"name": "new", "schema": schema()}),
                200,
                "AFTER_CREATE_TABLE TABLE lake sales.new",
            ),
            (
                Method::POST,
                RENAME.to_owned(),
                json!({"source": ident("new"), "destination": ident("moved")}),
                204,
                "AFTER_RENAME_TABLE TABLE lake sales.moved",
            ),
            (
                Method::DELETE,
                route("moved"),
                Value::Null,
                204,
                "AFTER_DROP_TABLE TABLE lake sales.moved",
            ),
        ];
        for (method, path, body, status, event) in requests {
            let before = all(&world).await;

            let _ = with(&world, writes(faults), &(method, path, body)).await.expect(status);

            let expected = [&before[..], &[event.to_owned()]].concat();
            assert_eq!(all(&world).await, expected, "{faults:?}");
        }
    }
}

#[tokio::test]
async fn a_commit_that_is_overtaken_leaves_the_event_of_what_it_came_to() {
    let (world, t) = world().await;
    let faults = [Some(StoreFault::LostUndone), Some(StoreFault::Overtaken)];
    let before = newest(&world.replicas[0]).await;
    let commit = (Method::POST, route("t"), append(&t, 1, None));

    let _ = with(&world, writes(&faults), &commit).await.expect(200);

    let left = events_after(&world.replicas[0], before).await;
    assert_eq!(lines(&left), ["AFTER_UPDATE_TABLE TABLE lake sales.t"]);
    let there = load(&world.reader(), "t").await;
    assert_eq!(attributes(&left[0])["metadata_location"], there["metadata-location"]);
}

#[tokio::test]
async fn a_change_that_never_reaches_the_database_leaves_no_event() {
    let (world, t) = world().await;
    let before = all(&world).await;
    let faults = [Some(StoreFault::Unavailable)];
    let commit = (Method::POST, route("t"), append(&t, 1, None));

    let _ = with(&world, writes(&faults), &commit).await.expect(503);

    assert_eq!(all(&world).await, before);
}
