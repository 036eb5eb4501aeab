//! Single faults, each by its name.

use axum::http::Method;
use merak_server::FileOperation;
use merak_tests::schema;
use serde_json::{Value, json};

use super::scripts::{FileFault, Script, Scripts, StoreFault};
use super::steps::{AWAY, UNKNOWN, all_files, down, file, post, with, writes};
use super::world::World;
use crate::fixtures::{
    REGISTER, RENAME, TABLES, TRANSACTIONS, append, change, commit, create_commit, disk,
    foreign_metadata, load, point, route, set, snapshot, text, write_metadata,
};

/// The servers, with the namespace `sales` and the tables `t` and `u` in it, as they were made.
async fn world() -> (World, Value, Value) {
    let world = Box::pin(World::start()).await;
    world.replicas[0].create_namespace("lake", "sales").await;
    let reader = world.reader();
    let mut tables = Vec::new();
    for name in ["t", "u"] {
        let made = reader.post(TABLES, json!({"name": name, "schema": schema()})).await;
        tables.push(made.expect(200).json());
    }
    let [t, u] = <[Value; 2]>::try_from(tables).expect("two");
    (world, t, u)
}

fn renaming() -> (Method, String, Value) {
    let ident = |name| json!({"namespace": ["sales"], "name": name});
    post(RENAME, json!({"source": ident("t"), "destination": ident("renamed")}))
}

fn creating() -> (Method, String, Value) {
    post(TABLES, json!({"name": "new", "schema": schema()}))
}

fn committing(t: &Value) -> (Method, String, Value) {
    post(&route("t"), append(t, 1, None))
}

/// The commits of a transaction that appends to both tables.
fn transacting(t: &Value, u: &Value) -> (Method, String, Value) {
    let one = |name: &str, table: &Value| {
        let body = append(table, 1, None);
        change(name, body["requirements"].clone(), body["updates"].clone())
    };
    post(TRANSACTIONS, json!({"table-changes": [one("t", t), one("u", u)]}))
}

fn snapshots(table: &Value) -> usize {
    table["metadata"]["snapshots"].as_array().map_or(0, Vec::len)
}

async fn is_there(world: &World, name: &str) -> bool {
    world.reader().head(&route(name)).await.status.as_u16() == 204
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_found_to_have_happened() {
    let (world, t, _) = world().await;

    let answer =
        with(&world, writes(&[Some(StoreFault::LostDone)]), &committing(&t)).await.expect(200);

    let table = load(&world.reader(), "t").await;
    assert_eq!(
        (snapshots(&table), &table["metadata-location"]),
        (1, &answer.json()["metadata-location"])
    );
    assert_eq!(all_files(&world).len(), 3);
}

#[tokio::test]
async fn a_commit_that_was_lost_on_the_way_is_sent_again() {
    let (world, t, _) = world().await;
    let faults = [Some(StoreFault::LostUndone), Some(StoreFault::Unavailable)];

    let answer = with(&world, writes(&faults), &committing(&t)).await.expect(200);

    let table = load(&world.reader(), "t").await;
    assert_eq!(
        (snapshots(&table), &table["metadata-location"]),
        (1, &answer.json()["metadata-location"])
    );
    assert_eq!(all_files(&world).len(), 3);
}

#[tokio::test]
async fn a_lookup_that_fails_while_it_is_found_out_is_made_again() {
    let (world, t, _) = world().await;
    let scripts = Scripts {
        resolves: Script::of(&[None, Some(StoreFault::Unavailable)]),
        ..writes(&[Some(StoreFault::LostDone)])
    };

    let _ = with(&world, scripts, &committing(&t)).await.expect(200);

    assert_eq!(snapshots(&load(&world.reader(), "t").await), 1);
}

#[tokio::test]
async fn a_commit_that_was_lost_and_then_overtaken_is_made_on_what_is_there() {
    let (world, t, _) = world().await;
    let faults = [Some(StoreFault::LostUndone), Some(StoreFault::Overtaken)];

    let _ = with(&world, writes(&faults), &committing(&t)).await.expect(200);

    assert_eq!(snapshots(&load(&world.reader(), "t").await), 1);
    assert_eq!(all_files(&world).len(), 3, "the file of the first attempt is removed");
}

#[tokio::test]
async fn a_lost_commit_that_others_committed_on_is_found_in_the_log() {
    let (world, t, _) = world().await;
    world.plan.script(writes(&[Some(StoreFault::LostDone)]));
    let (first, second) = (world.at(0), world.at(1));
    let property = set(json!({"k": "v"}));

    let path = route("t");
    let (one, other) =
        tokio::join!(first.post(&path, append(&t, 1, None)), second.post(&path, property));
    world.plan.calm();

    // Whichever came first was lost, and the other was made on it.
    let table = load(&world.reader(), "t").await;
    let answers = [one.expect(200).json(), other.expect(200).json()];
    let is_current = |answer: &&Value| answer["metadata-location"] == table["metadata-location"];
    let later = answers.iter().find(is_current).expect("one of them is what is there");
    let earlier = answers.iter().find(|answer| !is_current(answer)).expect("one came first");
    assert_eq!(later["metadata"], table["metadata"]);
    assert_eq!((snapshots(&table), &table["metadata"]["properties"]["k"]), (1, &json!("v")));
    let log = table["metadata"]["metadata-log"].as_array().unwrap();
    assert_eq!(log.last().unwrap()["metadata-file"], earlier["metadata-location"]);
    assert_eq!(all_files(&world).len(), 4);
}

#[tokio::test]
async fn a_table_that_was_dropped_while_its_creation_is_found_out_stays_dropped() {
    let (world, _, _) = world().await;
    world.plan.script(writes(&[Some(StoreFault::LostDone)]));
    let (first, second) = (world.at(0), world.at(1));
    let (_, path, body) = creating();

    let dropping = async {
        // As soon as it is there.
        while second.delete(&route("new")).await.status.as_u16() != 204 {}
    };
    let (made, ()) = tokio::join!(first.post(&path, body), dropping);
    world.plan.calm();

    let _ = made.expect(200);
    assert!(!is_there(&world, "new").await);
}

#[tokio::test]
async fn a_table_that_was_replaced_while_its_creation_is_found_out_was_made() {
    let (world, _, _) = world().await;
    // The first answer is lost, and another table has the name when it is asked for again.
    world.plan.script(writes(&[Some(StoreFault::LostDone)]));
    let (first, second) = (world.at(0), world.at(1));
    let (_, path, body) = creating();

    let replacing = async {
        while second.delete(&route("new")).await.status.as_u16() != 204 {}
        second.post(&path, body.clone()).await.expect(200).json()
    };
    let (made, other) = tokio::join!(first.post(&path, body.clone()), replacing);
    world.plan.calm();

    let made = made.expect(200).json();
    let there = load(&world.reader(), "new").await;
    assert_eq!(there["metadata-location"], other["metadata-location"]);
    assert_ne!(there["metadata-location"], made["metadata-location"]);
    assert!(disk(text(&made["metadata-location"])).exists(), "a drop leaves the files");
}

#[tokio::test]
async fn a_rename_that_others_renamed_on_is_found_to_have_happened() {
    let (world, t, _) = world().await;
    world.plan.script(writes(&[Some(StoreFault::LostDone)]));
    let (first, second) = (world.at(0), world.at(1));
    let (_, path, body) = renaming();

    let ident = |name| json!({"namespace": ["sales"], "name": name});
    let on = json!({"source": ident("renamed"), "destination": ident("further")});
    let renaming_on =
        async { while second.post(RENAME, on.clone()).await.status.as_u16() != 204 {} };
    let (renamed, ()) = tokio::join!(first.post(&path, body), renaming_on);
    world.plan.calm();

    let _ = renamed.expect(204);
    assert_eq!(load(&world.reader(), "further").await, t);
}

#[tokio::test]
async fn of_a_commit_that_nobody_can_tell_of_the_file_stays() {
    let (world, t, u) = world().await;

    let answer = with(&world, down(), &committing(&t)).await;

    assert!(answer.error().starts_with(UNKNOWN), "{}", answer.text());
    let table = load(&world.reader(), "t").await;
    assert_eq!(snapshots(&table), 1, "it had happened");
    let pointer = disk(text(&table["metadata-location"]));
    let before = [&t, &u].map(|table| disk(text(&table["metadata-location"])));
    let mut expected = vec![pointer];
    expected.extend(before);
    expected.sort();
    assert_eq!(all_files(&world), expected);
}

#[tokio::test]
async fn a_commit_that_a_replica_overtook_is_made_again() {
    let (world, t, _) = world().await;

    let _ = with(&world, writes(&[Some(StoreFault::Overtaken)]), &committing(&t)).await.expect(200);

    assert_eq!(snapshots(&load(&world.reader(), "t").await), 1);
    assert_eq!(all_files(&world).len(), 3, "the file of the first attempt is removed");
}

#[tokio::test]
async fn a_commit_that_is_always_overtaken_is_refused_and_leaves_nothing() {
    let (world, t, _) = world().await;
    let scripts =
        Scripts { applies: Script::until(&[], StoreFault::Overtaken), ..Scripts::default() };

    let answer = with(&world, scripts, &committing(&t)).await;

    assert!(answer.error().starts_with("409 CommitFailedException: "), "{}", answer.text());
    assert_eq!(load(&world.reader(), "t").await, t);
    assert_eq!(all_files(&world).len(), 2);
}

#[tokio::test]
async fn what_the_database_did_not_take_leaves_no_file() {
    let (world, t, u) = world().await;
    for request in [committing(&t), creating(), transacting(&t, &u)] {
        let answer = with(&world, writes(&[Some(StoreFault::Unavailable)]), &request).await;

        assert!(answer.error().starts_with(AWAY), "{}: {}", request.1, answer.text());
        assert_eq!(all_files(&world).len(), 2, "{}", request.1);
    }
    let reader = world.reader();
    assert_eq!((load(&reader, "t").await, load(&reader, "u").await), (t, u));
    assert!(!is_there(&world, "new").await);
}

#[tokio::test]
async fn where_a_file_may_not_have_been_written_nothing_points_to_it() {
    let (world, t, u) = world().await;
    for fault in [FileFault::Before, FileFault::After] {
        for request in [committing(&t), creating(), transacting(&t, &u)] {
            let answer = with(&world, file(FileOperation::Create, fault), &request).await;

            assert!(answer.error().starts_with(AWAY), "{}: {}", request.1, answer.text());
            let reader = world.reader();
            assert_eq!(
                (load(&reader, "t").await, load(&reader, "u").await),
                (t.clone(), u.clone())
            );
            assert!(!is_there(&world, "new").await);
        }
    }
    // Another attempt succeeds: what was left is in nobody's way.
    for request in [committing(&t), creating()] {
        let _ = with(&world, Scripts::default(), &request).await.expect(200);
    }
}

#[tokio::test]
async fn a_store_that_refuses_a_file_refuses_the_commit() {
    let (world, t, u) = world().await;
    for request in [committing(&t), creating(), transacting(&t, &u)] {
        let scripts = file(FileOperation::Create, FileFault::Denied);
        let answer = with(&world, scripts, &request).await;

        assert!(answer.error().starts_with("403 ForbiddenException: "), "{}", answer.text());
        assert_eq!(all_files(&world).len(), 2, "{}", request.1);
    }
    // The second file of a transaction: the first is removed again.
    let script = Script::of(&[None, Some(FileFault::Denied)]);
    let scripts = Scripts { files: [(FileOperation::Create, script)].into(), ..Scripts::default() };
    let _ = with(&world, scripts, &transacting(&t, &u)).await.expect(403);
    assert_eq!(all_files(&world).len(), 2);
    assert_eq!(load(&world.reader(), "t").await, t);
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_changes_no_answer() {
    let (world, t, _) = world().await;
    for fault in [FileFault::Before, FileFault::After, FileFault::Denied] {
        let scripts = Scripts {
            applies: Script::of(&[Some(StoreFault::Unavailable)]),
            ..file(FileOperation::Delete, fault)
        };
        let answer = with(&world, scripts, &committing(&t)).await;

        assert!(answer.error().starts_with(AWAY), "{}", answer.text());
        assert_eq!(load(&world.reader(), "t").await, t);
    }
}

#[tokio::test]
async fn what_changes_names_and_was_lost_is_found_to_have_happened() {
    for fault in [StoreFault::LostDone, StoreFault::LostUndone] {
        let (world, t, u) = world().await;
        let lost = || writes(&[Some(fault)]);

        let made = with(&world, lost(), &creating()).await.expect(200).json();
        assert_eq!(load(&world.reader(), "new").await, made, "{fault:?}");
        let _ = with(&world, lost(), &transacting(&t, &u)).await.expect(204);
        let reader = world.reader();
        let (t, u) = (load(&reader, "t").await, load(&reader, "u").await);
        assert_eq!((snapshots(&t), snapshots(&u)), (1, 1), "{fault:?}");
        let _ = with(&world, lost(), &renaming()).await.expect(204);
        assert!(!is_there(&world, "t").await, "{fault:?}");
        assert_eq!(load(&reader, "renamed").await, t, "{fault:?}");
        let drop = (Method::DELETE, route("renamed"), Value::Null);
        let _ = with(&world, lost(), &drop).await.expect(204);
        assert!(!is_there(&world, "renamed").await, "{fault:?}");
        assert_eq!(all_files(&world).len(), 5, "{fault:?}: a drop leaves the files");
    }
}

#[tokio::test]
async fn what_nobody_can_tell_of_is_wholly_there() {
    let (world, t, u) = world().await;
    for request in [creating(), transacting(&t, &u), renaming()] {
        let answer = with(&world, down(), &request).await;
        assert!(answer.error().starts_with(UNKNOWN), "{}: {}", request.1, answer.text());
    }
    let reader = world.reader();
    let _ = load(&reader, "new").await;
    assert_eq!(snapshots(&load(&reader, "renamed").await), 1);
    assert_eq!(snapshots(&load(&reader, "u").await), 1);
    assert!(!is_there(&world, "t").await);
    assert_eq!(all_files(&world).len(), 5);

    let drop = (Method::DELETE, route("renamed"), Value::Null);
    let answer = with(&world, down(), &drop).await;
    assert!(answer.error().starts_with(UNKNOWN), "{}", answer.text());
    assert!(!is_there(&world, "renamed").await);
}

#[tokio::test]
async fn the_file_of_a_registration_stays_whatever_comes_of_it() {
    let (world, _, _) = world().await;
    let server = &world.replicas[0];
    let metadata = foreign_metadata(server, "foreign");
    let location = write_metadata(server, "foreign", "v1.metadata.json", &metadata.to_string());
    let request = post(REGISTER, json!({"name": "foreign", "metadata-location": location}));

    let answer = with(&world, writes(&[Some(StoreFault::Unavailable)]), &request).await;
    assert!(answer.error().starts_with(AWAY), "{}", answer.text());
    assert!(disk(&location).exists() && !is_there(&world, "foreign").await);
    let answer = with(&world, file(FileOperation::Read, FileFault::Before), &request).await;
    assert!(answer.error().starts_with(AWAY), "{}", answer.text());
    let _ = with(&world, writes(&[Some(StoreFault::LostDone)]), &request).await.expect(200);
    assert_eq!(load(&world.reader(), "foreign").await["metadata-location"], json!(location));
}

#[tokio::test]
async fn a_commit_that_comes_again_is_answered_with_what_is_there() {
    let (world, t, _) = world().await;
    let _ = with(&world, Scripts::default(), &committing(&t)).await.expect(200);
    let second = world.at(1);
    let _ = second.post(&route("t"), set(json!({"k": "v"}))).await.expect(200);
    let before = (load(&world.reader(), "t").await, all_files(&world));

    let again = with(&world, Scripts::default(), &committing(&t)).await.expect(200).json();

    assert_eq!(again["metadata"], before.0["metadata"]);
    assert_eq!(again["metadata-location"], before.0["metadata-location"]);
    assert_eq!((load(&world.reader(), "t").await, all_files(&world)), before);
    // Another snapshot under the same id is another commit.
    let mut other = snapshot(text(&t["metadata"]["location"]), 1, None);
    other["manifest-list"] = json!(format!("{}/other.avro", text(&t["metadata"]["location"])));
    let body = commit(
        json!([{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": null}]),
        json!([{"action": "add-snapshot", "snapshot": other}, point("main", "branch", 1)]),
    );
    let refused = with(&world, Scripts::default(), &post(&route("t"), body)).await;
    assert!(refused.error().starts_with("409 CommitFailedException: "), "{}", refused.text());
}

#[tokio::test]
async fn a_creation_that_comes_again_is_answered_with_what_is_there() {
    let (world, _, _) = world().await;
    let stage = json!({"name": "new", "schema": schema(), "stage-create": true});
    let staged = world.at(0).post(TABLES, stage).await.expect(200).json();
    let (uuid, place) = (&staged["metadata"]["table-uuid"], &staged["metadata"]["location"]);
    let making = |uuid: &str| post(&route("new"), create_commit(uuid, text(place), schema()));

    let answer = with(&world, down(), &making(text(uuid))).await;
    assert!(answer.error().starts_with(UNKNOWN), "{}", answer.text());
    let before = (load(&world.reader(), "new").await, all_files(&world));
    let again = with(&world, Scripts::default(), &making(text(uuid))).await.expect(200).json();

    assert_eq!(again["metadata-location"], before.0["metadata-location"]);
    assert_eq!((load(&world.reader(), "new").await, all_files(&world)), before);
    let other = uuid::Uuid::new_v4().to_string();
    let refused = with(&world, Scripts::default(), &making(&other)).await;
    assert!(refused.error().starts_with("409 CommitFailedException: "), "{}", refused.text());
}

#[tokio::test]
async fn a_transaction_that_comes_again_changes_nothing() {
    let (world, t, u) = world().await;
    let place = format!("{}/new", text(&t["metadata"]["location"]));
    let place = place.replace("/t-", "/n-");
    let uuid = uuid::Uuid::new_v4().to_string();
    let made = create_commit(&uuid, &place, schema());
    let mut request = transacting(&t, &u);
    let changes = request.2["table-changes"].as_array_mut().unwrap();
    changes.push(change("new", made["requirements"].clone(), made["updates"].clone()));

    let answer = with(&world, down(), &request).await;
    assert!(answer.error().starts_with(UNKNOWN), "{}", answer.text());
    let reader = world.reader();
    let before = [load(&reader, "t").await, load(&reader, "u").await, load(&reader, "new").await];
    let files = all_files(&world);
    let _ = with(&world, Scripts::default(), &request).await.expect(204);

    let after = [load(&reader, "t").await, load(&reader, "u").await, load(&reader, "new").await];
    assert_eq!((after, all_files(&world)), (before, files));
}
