//! Purges while the metastore and the store fail: in the end exactly the right files are gone.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use merak_metastore::Metastore;
use merak_model::Location;
use merak_server::{FileOperation, Interposer, StorageError};
use merak_tests::{TestClock, TestServer};
use serde_json::Value;

use super::fixtures::{TASKS, data_file, fill, manifest, names_below, removed, snapshot, table};
use crate::faults::{Between, Chance, Plan, seeds};
use crate::fixtures::{load, route};

/// How often an attempt is made before it is said that the purge does not end.
const ATTEMPTS: usize = 400;
/// Longer than a worker may be silent before its task is another's.
const LONG_S: i64 = 3600;

/// Files that can fail before and after each operation.
#[derive(Debug, Default)]
struct Unsteady(Mutex<Option<(Chance, u64)>>);

impl Unsteady {
    /// From now on so many of a hundred operations fail.
    fn begin(&self, chance: Chance, percent: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((chance, percent));
    }

    fn fails(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.as_mut().is_some_and(|(chance, percent)| chance.percent(*percent))
    }
}

fn timeout(location: &Location) -> StorageError {
    StorageError::Timeout { location: location.to_string() }
}

#[async_trait]
impl Interposer for Unsteady {
    async fn before(&self, _: FileOperation, location: &Location) -> Result<(), StorageError> {
        if !self.fails() {
            return Ok(());
        }
        if self.fails() {
            let reason = "the test refuses it".to_owned();
            return Err(StorageError::Denied { location: location.to_string(), reason });
        }
        Err(timeout(location))
    }

    async fn after(&self, _: FileOperation, location: &Location) -> Result<(), StorageError> {
        if self.fails() { Err(timeout(location)) } else { Ok(()) }
    }
}

/// Two replicas that things go wrong for, and a server that sees what is there.
struct World {
    plan: Plan,
    files: Arc<Unsteady>,
    clock: TestClock,
    replicas: [TestServer; 2],
    reader: TestServer,
}

impl World {
    async fn start() -> Self {
        let (plan, files, clock) = (Plan::default(), Arc::<Unsteady>::default(), TestClock::new());
        let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
        let settings = [("merak.tasks.max-attempts", "1000")];
        let mut shared: Option<Arc<dyn Metastore>> = None;
        let mut servers = Vec::new();
        for replica in 0..3 {
            let is_reader = replica == 2;
            let interposed = (!is_reader).then(|| Arc::clone(&files) as Arc<dyn Interposer>);
            let between = |own| {
                let inner = Arc::clone(shared.get_or_insert(own));
                if is_reader {
                    return inner;
                }
                Arc::new(Between { inner, plan: plan.clone(), replica }) as Arc<dyn Metastore>
            };
            let clock = Arc::new(clock.clone());
            let server =
                TestServer::start_interposed(&realm, &settings, clock, between, interposed);
            servers.push(Box::pin(server).await);
        }
        let [one, two, reader] = <[TestServer; 3]>::try_from(servers).expect("three");
        fill(&reader, &[]).await;
        Self { plan, files, clock, replicas: [one, two], reader }
    }

    /// The catalog's tasks, as they are.
    async fn tasks(&self) -> Vec<Value> {
        let listed = self.reader.root().await.get(TASKS).await.expect(200).json();
        listed["tasks"].as_array().expect("a list").clone()
    }
}

/// Drops the table with purge, as a client does that asks again where it was not told.
async fn purge(world: &World) {
    for attempt in 0..ATTEMPTS {
        let root = world.replicas[attempt % 2].root().await;
        let answer = root.delete(&format!("{}?purgeRequested=true", route("t"))).await;
        match answer.status.as_u16() {
            204 => return,
            // It was dropped, and the answer was lost.
            404 if attempt > 0 => return,
            409 | 500 | 503 => {}
            _ => panic!("no answer that a client may get: {}", answer.text()),
        }
    }
    panic!("the table was not dropped in {ATTEMPTS} attempts");
}

/// One run: a table of two snapshots, one file of which another table uses, is dropped and purged.
/// How many attempts it took.
async fn run(seed: u64) -> u64 {
    let world = World::start().await;
    let root = world.reader.root().await;
    let (location, other) = (table(&root, "t").await, table(&root, "other").await);
    let [a, b, c, shared] = ["a", "b", "c", "shared"].map(|name| data_file(&location, name));
    let first = manifest(&location, "first", &[a.clone(), b, shared.clone()]);
    snapshot(&root, "t", 1, std::slice::from_ref(&first)).await;
    let second = manifest(&location, "second", &[removed(a), c]);
    snapshot(&root, "t", 2, &[first, second]).await;
    let kept = manifest(&other, "kept", &[shared, data_file(&other, "own")]);
    snapshot(&root, "other", 1, &[kept]).await;
    let (before, others) = (load(&root, "other").await, names_below(&other));

    let mut chance = Chance::new(seed);
    world.files.begin(chance.clone(), 1 + chance.below(15));
    world.plan.seed(seed);
    purge(&world).await;
    for attempt in 0..ATTEMPTS {
        // A worker that does not reach the metastore tries again later, like the server's own.
        let _ = world.replicas[attempt % 2].parts.service.run_due_tasks().await;
        if world.tasks().await.iter().all(|task| task["state"] == "done") {
            break;
        }
        world.clock.advance_s(LONG_S);
    }
    world.plan.calm();

    // The clock went on, and the token of before is no longer good.
    let root = world.reader.root().await;
    let tasks = world.tasks().await;
    assert_eq!(tasks.len(), 1, "seed {seed}: a drop has one purge: {tasks:?}");
    assert_eq!(tasks[0]["state"], "done", "seed {seed}: {}", tasks[0]);
    assert_eq!(names_below(&location), ["shared.parquet"], "seed {seed}: {}", tasks[0]);
    assert_eq!(names_below(&other), others, "seed {seed}");
    assert_eq!(load(&root, "other").await, before, "seed {seed}");
    assert_eq!(world.plan.stalls(), 0, "seed {seed}: an answer that was lost was not asked for");
    tasks[0]["attempts"].as_u64().expect("a number")
}

#[tokio::test]
async fn whatever_goes_wrong_exactly_the_files_of_the_table_are_gone_in_the_end() {
    let mut attempts = Vec::new();
    for seed in seeds(60, 15) {
        attempts.push(Box::pin(run(seed)).await);
    }
    let is_steady = attempts.len() > 1 && attempts.iter().all(|attempts| *attempts == 1);
    assert!(!is_steady, "nothing ever went wrong");
}
