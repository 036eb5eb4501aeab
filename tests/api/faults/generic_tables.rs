//! Generic tables whose writes are lost on the way.

use axum::http::Method;
use serde_json::Value;

use super::scripts::StoreFault;
use super::steps::{UNKNOWN, down, with, writes};
use super::world::World;
use crate::generic_tables::{GENERIC_TABLES, draft_at, route};

/// The servers, with the namespace `sales` and nothing in it.
async fn world() -> (World, (Method, String, Value)) {
    let world = Box::pin(World::start()).await;
    world.replicas[0].create_namespace("lake", "sales").await;
    let body = draft_at("g", &format!("{}/g", world.place("sales")));
    (world, (Method::POST, GENERIC_TABLES.to_owned(), body))
}

fn dropping() -> (Method, String, Value) {
    (Method::DELETE, route("g"), Value::Null)
}

#[tokio::test]
async fn what_was_lost_is_found_to_have_happened() {
    for fault in [StoreFault::LostDone, StoreFault::LostUndone] {
        let (world, creating) = world().await;
        let reader = world.reader();
        let lost = || writes(&[Some(fault)]);

        let made = with(&world, lost(), &creating).await.expect(200).json();
        assert_eq!(reader.get(&route("g")).await.expect(200).json(), made, "{fault:?}");
        let _ = with(&world, lost(), &dropping()).await.expect(204);
        let _ = reader.get(&route("g")).await.expect(404);
    }
}

#[tokio::test]
async fn what_nobody_can_tell_of_is_told_so() {
    let (world, creating) = world().await;
    let reader = world.reader();

    let answer = with(&world, down(), &creating).await;
    assert!(answer.error().starts_with(UNKNOWN), "{}", answer.text());
    let _ = reader.get(&route("g")).await.expect(200);
    let answer = with(&world, down(), &dropping()).await;
    assert!(answer.error().starts_with(UNKNOWN), "{}", answer.text());
    let _ = reader.get(&route("g")).await.expect(404);
}

#[tokio::test]
async fn a_drop_that_is_overtaken_drops_what_is_there() {
    let (world, creating) = world().await;
    let _ = with(&world, writes(&[]), &creating).await.expect(200);

    let _ = with(&world, writes(&[Some(StoreFault::Overtaken)]), &dropping()).await.expect(204);

    let _ = world.reader().get(&route("g")).await.expect(404);
}

#[tokio::test]
async fn what_was_unavailable_was_not_done() {
    let (world, creating) = world().await;

    let answer = with(&world, writes(&[Some(StoreFault::Unavailable)]), &creating).await;

    assert!(answer.error().starts_with("503 ServiceUnavailableException"), "{}", answer.text());
    let _ = world.reader().get(&route("g")).await.expect(404);
}
