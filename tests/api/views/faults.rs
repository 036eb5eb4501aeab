//! What goes wrong between the server and what it stands on while views are changed.

use axum::http::Method;
use merak_server::FileOperation;
use serde_json::{Value, json};

use super::{RENAME, VIEWS, current_sql, draft, load, replacing, route};
use crate::faults::{
    AWAY, FileFault, Script, Scripts, StoreFault, UNKNOWN, World, all_files, down, file, with,
    writes,
};

type Request = (Method, String, Value);

/// The servers, with the view `v`, as it was made.
async fn world() -> (World, Value) {
    let world = Box::pin(World::start()).await;
    world.replicas[0].create_namespace("lake", "sales").await;
    let made = world.reader().post(VIEWS, draft("v")).await.expect(200).json();
    (world, made)
}

fn creating() -> Request {
    (Method::POST, VIEWS.to_owned(), draft("new"))
}

fn replacing_v() -> Request {
    (Method::POST, route("v"), replacing("select 2"))
}

fn renaming() -> Request {
    let ident = |name| json!({"namespace": ["sales"], "name": name});
    let body = json!({"source": ident("v"), "destination": ident("renamed")});
    (Method::POST, RENAME.to_owned(), body)
}

fn dropping(view: &str) -> Request {
    (Method::DELETE, route(view), Value::Null)
}

async fn is_there(world: &World, view: &str) -> bool {
    world.reader().head(&route(view)).await.status.as_u16() == 204
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_found_to_have_happened() {
    for fault in [StoreFault::LostDone, StoreFault::LostUndone] {
        let (world, _) = world().await;
        let lost = || writes(&[Some(fault)]);

        let made = with(&world, lost(), &creating()).await.expect(200).json();
        assert_eq!(load(&world.reader(), "new").await, made, "{fault:?}");
        let replaced = with(&world, lost(), &replacing_v()).await.expect(200).json();
        assert_eq!(current_sql(&replaced), "select 2", "{fault:?}");
        assert_eq!(replaced["metadata"]["versions"].as_array().map(Vec::len), Some(2));
        assert_eq!(load(&world.reader(), "v").await, replaced, "{fault:?}");
        let _ = with(&world, lost(), &renaming()).await.expect(204);
        assert!(!is_there(&world, "v").await, "{fault:?}");
        assert_eq!(load(&world.reader(), "renamed").await, replaced, "{fault:?}");
        assert_eq!(all_files(&world).len(), 3, "{fault:?}");
        let _ = with(&world, lost(), &dropping("renamed")).await.expect(204);
        assert!(!is_there(&world, "renamed").await, "{fault:?}");
    }
}

#[tokio::test]
async fn what_was_not_done_leaves_the_view_and_no_file() {
    let (world, v) = world().await;
    for request in [creating(), replacing_v(), renaming(), dropping("v")] {
        let scripts = writes(&[Some(StoreFault::Unavailable)]);
        let answer = with(&world, scripts, &request).await;

        assert!(answer.error().starts_with(AWAY), "{}: {}", request.1, answer.text());
        assert_eq!(load(&world.reader(), "v").await, v, "{}", request.1);
        assert_eq!(all_files(&world).len(), 1, "{}", request.1);
    }
    assert!(!is_there(&world, "new").await);
    assert!(!is_there(&world, "renamed").await);
}

#[tokio::test]
async fn where_a_file_may_not_have_been_written_no_view_points_to_it() {
    let (world, v) = world().await;
    for (fault, told) in [
        (FileFault::Before, AWAY),
        (FileFault::After, AWAY),
        (FileFault::Denied, "403 ForbiddenException: "),
    ] {
        for request in [creating(), replacing_v()] {
            let answer = with(&world, file(FileOperation::Create, fault), &request).await;

            assert!(answer.error().starts_with(told), "{fault:?}: {}", answer.text());
            assert_eq!(load(&world.reader(), "v").await, v, "{fault:?}");
            assert!(!is_there(&world, "new").await, "{fault:?}");
        }
    }
    // What was left is in nobody's way.
    for request in [creating(), replacing_v()] {
        let _ = with(&world, Scripts::default(), &request).await.expect(200);
    }
}

#[tokio::test]
async fn a_replacement_that_a_replica_overtook_is_made_again() {
    let (world, v) = world().await;
    let mut request = replacing_v();
    let uuid = &v["metadata"]["view-uuid"];
    request.2["requirements"] = json!([{"type": "assert-view-uuid", "uuid": uuid}]);

    let scripts = writes(&[Some(StoreFault::Overtaken)]);
    let replaced = with(&world, scripts, &request).await.expect(200).json();

    assert_eq!(current_sql(&replaced), "select 2");
    assert_eq!(load(&world.reader(), "v").await, replaced);
    assert_eq!(all_files(&world).len(), 2, "the file of the first attempt is removed");
}

#[tokio::test]
async fn what_nobody_can_tell_of_is_wholly_there() {
    let (world, _) = world().await;
    // Where a new view is to lie is asked of the metastore, too.
    let resolves = Script::until(&[None, None], StoreFault::Unavailable);
    let down_later = Scripts { resolves, ..down() };
    for (scripts, request) in
        [(down_later, creating()), (down(), replacing_v()), (down(), renaming())]
    {
        let answer = with(&world, scripts, &request).await;
        assert!(answer.error().starts_with(UNKNOWN), "{}: {}", request.1, answer.text());
    }
    assert!(is_there(&world, "new").await);
    assert!(!is_there(&world, "v").await);
    let renamed = load(&world.reader(), "renamed").await;
    assert_eq!(current_sql(&renamed), "select 2");
    assert_eq!(all_files(&world).len(), 3);

    let answer = with(&world, down(), &dropping("renamed")).await;
    assert!(answer.error().starts_with(UNKNOWN), "{}", answer.text());
    assert!(!is_there(&world, "renamed").await);
}
