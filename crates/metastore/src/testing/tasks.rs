//! Work in the background.

use tokio::task::JoinSet;

use super::*;
use crate::{Hold, NewTask, TablesAfter, Task, TaskEnd, TaskState};

const CATALOG: EntityId = EntityId(70);

fn task(id: i64, created_ms: i64) -> NewTask {
    NewTask {
        id: EntityId(id),
        kind: "purge".to_owned(),
        catalog_id: CATALOG,
        subject: format!("sales.t{id}"),
        details: r#"{"a":1}"#.to_owned(),
        created_ms,
    }
}

impl World {
    async fn add(&self, id: i64, created_ms: i64) {
        self.apply(&[Change::AddTask(Box::new(task(id, created_ms)))]).await.unwrap();
    }

    async fn claim(&self, owner: &str, now_ms: i64) -> Option<Task> {
        let realms = [self.realm.clone()];
        let claimed = self.store.claim_task(&realms, owner, now_ms, now_ms + 100).await.unwrap();
        claimed.map(|(realm, task)| {
            assert_eq!(realm, self.realm);
            task
        })
    }

    fn hold(&self, id: i64, owner: &str) -> Hold {
        Hold { realm: self.realm.clone(), task: EntityId(id), owner: owner.to_owned() }
    }

    async fn settle(&self, hold: &Hold, end: TaskEnd, now_ms: i64) -> bool {
        self.store.settle_task(hold, r#"{"b":2}"#, &end, now_ms, &[]).await.unwrap()
    }

    async fn task(&self, id: i64) -> Option<Task> {
        self.store.task(&self.realm, CATALOG, EntityId(id)).await.unwrap()
    }
}

fn failed(error: &str) -> TaskEnd {
    TaskEnd::Failed { error: error.to_owned() }
}

pub async fn a_task_is_there_if_its_transaction_is(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let (_, moved) = update(&catalog, |_| ());
    world.apply(&[moved]).await.unwrap();

    let lost = [drop_of(&catalog), Change::AddTask(Box::new(task(1, 10)))];
    let lost = world.apply(&lost).await;
    assert!(matches!(lost, Err(Error::Conflict { .. })), "{lost:?}");
    assert_eq!(world.task(1).await, None);

    world.add(2, 10).await;
    let NewTask { id, kind, catalog_id, subject, details, created_ms } = task(2, 10);
    let as_added = Task {
        id,
        kind,
        catalog_id,
        subject,
        details,
        state: TaskState::Waiting,
        progress: "{}".to_owned(),
        attempts: 0,
        error: None,
        due_ms: created_ms,
        created_ms,
        updated_ms: created_ms,
    };
    assert_eq!(world.task(2).await, Some(as_added));
    let elsewhere = world.store.task(&world.realm, EntityId(71), id).await.unwrap();
    assert_eq!(elsewhere, None, "it is of another catalog");
}

pub async fn a_task_is_taken_by_one_of_those_who_ask_at_once(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    for id in 1..=3 {
        world.add(id, 10).await;
    }

    let mut racers = JoinSet::new();
    for number in 0..8 {
        let world = world.clone();
        racers.spawn(async move { world.claim(&format!("racer {number}"), 10).await });
    }
    let claimed: Vec<_> = racers.join_all().await.into_iter().flatten().collect();

    let mut ids: Vec<_> = claimed.iter().map(|task| task.id.0).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
    assert!(claimed.iter().all(|task| task.state == TaskState::Running && task.attempts == 1));
}

pub async fn the_task_that_is_due_longest_is_taken_first(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    for (id, created_ms) in [(1, 30), (2, 10), (3, 20)] {
        world.add(id, created_ms).await;
    }

    assert_eq!(world.claim("early", 9).await, None);
    let mut taken = Vec::new();
    while let Some(task) = world.claim("any", 30).await {
        taken.push(task.id.0);
    }

    assert_eq!(taken, [2, 3, 1]);
}

pub async fn tasks_of_other_realms_are_not_taken(store: Arc<dyn Metastore>) {
    let world = World::new(Arc::clone(&store)).await;
    let other = World::in_realm(store, "other").await;
    world.add(1, 10).await;

    assert_eq!(other.claim("other", 10).await, None);
    assert!(world.store.claim_task(&[], "nobody", 10, 20).await.unwrap().is_none());
    let both = [other.realm.clone(), world.realm.clone()];
    let (realm, _) = world.store.claim_task(&both, "both", 10, 20).await.unwrap().unwrap();
    assert_eq!(realm, world.realm);
}

pub async fn a_task_is_taken_from_a_worker_that_no_longer_reports(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    world.add(1, 10).await;
    let taken = world.claim("first", 10).await.unwrap();
    assert_eq!((taken.due_ms, taken.attempts), (110, 1));

    let alive = world.store.report_task(&world.hold(1, "first"), r#"{"c":3}"#, 100, 200).await;
    assert!(alive.unwrap());
    assert_eq!(world.claim("second", 199).await, None);
    let again = world.claim("second", 200).await.unwrap();

    assert_eq!((again.attempts, again.progress.as_str()), (2, r#"{"c":3}"#));
}

pub async fn a_worker_that_lost_its_task_changes_nothing_more(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    world.add(1, 10).await;
    let _ = world.claim("first", 10).await.unwrap();
    let second = world.claim("second", 110).await.unwrap();
    let lost = world.hold(1, "first");

    assert!(!world.store.report_task(&lost, "{}", 120, 900).await.unwrap());
    for end in [TaskEnd::Done, failed("late"), TaskEnd::GivenBack] {
        assert!(!world.settle(&lost, end, 120).await);
    }
    assert_eq!(world.task(1).await, Some(second));

    assert!(world.settle(&world.hold(1, "second"), TaskEnd::Done, 130).await);
    assert!(!world.settle(&world.hold(1, "second"), TaskEnd::Done, 140).await, "it has ended");
    assert_eq!(world.task(1).await.unwrap().updated_ms, 130);
}

pub async fn an_attempt_that_failed_is_made_again_when_it_is_due(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    world.add(1, 10).await;
    let _ = world.claim("first", 10).await.unwrap();

    let end = TaskEnd::TryAgain { due_ms: 500, error: "no store\0".to_owned() };
    assert!(world.settle(&world.hold(1, "first"), end, 20).await);

    let waiting = world.task(1).await.unwrap();
    assert_eq!((waiting.state, waiting.due_ms), (TaskState::Waiting, 500));
    assert_eq!(waiting.error.as_deref(), Some("no store\u{fffd}"));
    assert_eq!(waiting.progress, r#"{"b":2}"#);
    assert_eq!(world.claim("second", 499).await, None);
    assert_eq!(world.claim("second", 500).await.unwrap().attempts, 2);
    assert!(world.settle(&world.hold(1, "second"), TaskEnd::Done, 510).await);
    let done = world.task(1).await.unwrap();
    assert_eq!((done.state, done.error), (TaskState::Done, None));
    assert_eq!(world.claim("third", 10_000).await, None);
}

pub async fn a_task_that_is_given_back_is_due_at_once_and_the_attempt_does_not_count(
    store: Arc<dyn Metastore>,
) {
    let world = World::new(store).await;
    world.add(1, 10).await;
    let _ = world.claim("first", 10).await.unwrap();
    let end = TaskEnd::TryAgain { due_ms: 20, error: "no store".to_owned() };
    assert!(world.settle(&world.hold(1, "first"), end, 15).await);
    let _ = world.claim("second", 20).await.unwrap();

    assert!(world.settle(&world.hold(1, "second"), TaskEnd::GivenBack, 30).await);

    let waiting = world.task(1).await.unwrap();
    assert_eq!((waiting.state, waiting.due_ms, waiting.attempts), (TaskState::Waiting, 30, 1));
    assert_eq!(waiting.error.as_deref(), Some("no store"));
    assert_eq!(world.claim("third", 30).await.unwrap().attempts, 2);
}

pub async fn a_task_that_failed_is_taken_again_only_when_it_is_retried(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let retry = async |now_ms| {
        world.store.retry_task(&world.realm, CATALOG, EntityId(1), now_ms).await.unwrap()
    };
    assert!(!retry(5).await, "it is not there");
    world.add(1, 10).await;
    assert!(!retry(10).await, "it waits");
    let _ = world.claim("first", 10).await.unwrap();
    assert!(!retry(10).await, "it is being worked on");
    assert!(world.settle(&world.hold(1, "first"), failed("broken"), 20).await);
    assert_eq!(world.claim("second", 10_000).await, None);
    let elsewhere = world.store.retry_task(&world.realm, EntityId(71), EntityId(1), 30).await;
    assert!(!elsewhere.unwrap(), "it is of another catalog");

    assert!(retry(30).await);

    let waiting = world.task(1).await.unwrap();
    assert_eq!((waiting.state, waiting.attempts, waiting.due_ms), (TaskState::Waiting, 0, 30));
    assert_eq!(waiting.error.as_deref(), Some("broken"), "until it ends otherwise");
    assert_eq!(world.claim("second", 30).await.unwrap().attempts, 1);
}

pub async fn tasks_of_a_catalog_are_listed_in_pages(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    for id in [5, 3, 9, 7] {
        world.add(id, 10).await;
    }
    let mut elsewhere = task(4, 10);
    elsewhere.catalog_id = EntityId(71);
    world.apply(&[Change::AddTask(Box::new(elsewhere))]).await.unwrap();

    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = world.store.tasks(&world.realm, CATALOG, after, 3).await.unwrap();
        let ids: Vec<_> = page.iter().map(|task| task.id.0).collect();
        if ids.is_empty() {
            break;
        }
        after = page.last().map(|task| task.id);
        pages.push(ids);
    }

    assert_eq!(pages, [vec![3, 5, 7], vec![9]]);
}

pub async fn ended_tasks_are_forgotten_a_few_at_a_time(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    for id in 1..=5 {
        world.add(id, id).await;
    }
    for (owner, end) in [("a", TaskEnd::Done), ("b", failed("broken")), ("c", TaskEnd::Done)] {
        let taken = world.claim(owner, 10).await.unwrap();
        let ended_ms = 100 + taken.id.0;
        assert!(world.settle(&world.hold(taken.id.0, owner), end, ended_ms).await);
    }
    let _ = world.claim("d", 10).await.unwrap();
    let realms = [world.realm.clone()];
    let forget =
        async |before_ms, limit| world.store.forget_tasks(&realms, before_ms, limit).await.unwrap();

    assert_eq!(world.store.forget_tasks(&[], 10_000, 10).await.unwrap(), 0);
    assert_eq!(forget(101, 10).await, 0);
    assert_eq!(forget(10_000, 1).await, 1);
    assert!(world.task(1).await.is_none() && world.task(2).await.is_some(), "the oldest first");
    assert_eq!(forget(103, 10).await, 1);
    assert_eq!(forget(10_000, 10).await, 1);

    // What is waiting or worked on stays, however old it is.
    let left = world.store.tasks(&world.realm, CATALOG, None, 10).await.unwrap();
    assert_eq!(left.iter().map(|task| task.id.0).collect::<Vec<_>>(), [4, 5]);
}

pub async fn tables_of_a_catalog_are_listed_in_pages(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let (lake, other) = (world.make_catalog("lake").await, world.make_catalog("other").await);
    let sales = world.make_namespace(&lake, &["sales"]).await;
    let deep = world.make_namespace(&sales, &["sales", "deep"]).await;
    let make = async |kind, parent: &Entity, name: &str, location: &str| {
        let mut made = at(entity(kind, parent, name), location);
        made.metadata_location = Some(format!("{location}metadata/{name}.json"));
        world.apply(&[create(&made)]).await.unwrap();
        made
    };
    let b = make(EntityKind::Table, &sales, "b", "s3://x/b/").await;
    let twin = make(EntityKind::Table, &deep, "twin", "s3://x/b/").await;
    let c = make(EntityKind::Table, &deep, "c", "s3://x/c/").await;
    let a = make(EntityKind::Table, &sales, "a", "s3://x/a/").await;
    let _ = make(EntityKind::View, &sales, "v", "s3://x/v/").await;
    let elsewhere = world.make_namespace(&other, &["sales"]).await;
    let _ = make(EntityKind::Table, &elsewhere, "d", "s3://x/d/").await;

    let mut found = Vec::new();
    let mut after = TablesAfter::default();
    loop {
        let page = world.store.tables(&world.realm, lake.id, &after, 1).await.unwrap();
        let [table] = &*page else { break };
        let location = table.location.clone().unwrap();
        after = TablesAfter { location, id: table.id.0 };
        found.extend(page);
    }

    let (b, twin) = if b.id < twin.id { (b, twin) } else { (twin, b) };
    assert_eq!(found, [a, b, twin, c]);
}
