//! Many runs, each named by a seed.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};

use super::checks::check;
use super::clients::{Client, Shared};
use super::scripts::Scripts;
use super::world::{Names, Run, World};

/// How many clients a run has, and how many things each of them does.
const CLIENTS: usize = 3;
const THINGS: usize = 3;

/// One run; answers what is wrong after it.
async fn run(world: &World, seed: u64) -> Vec<String> {
    world.plan.calm();
    let names = Names::make(world, &format!("r{seed}")).await;
    let shared = Shared::new(world, names);
    world.plan.script(Scripts::default());
    let first = Client::new(CLIENTS, &shared, seed).make_first().await;
    world.plan.seed(seed);
    // Each is woken alone: to look after all of them each time would take most of the time.
    let mut clients: FuturesUnordered<_> =
        (0..CLIENTS).map(|number| first.another(number, seed).work(THINGS)).collect();
    while clients.next().await.is_some() {}
    drop(clients);
    world.plan.calm();
    let Shared { names, calls, violations, .. } = shared;
    let run = Run { names, calls: calls.into_inner(), violations: violations.into_inner() };
    check(world, &run, seed).await
}

/// Runs seeds one after the other, on a thread of its own: within it, the seed decides who is next.
fn worker(next: &AtomicU64, end: u64, failures: &Mutex<Vec<String>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let world = Box::pin(World::start()).await;
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= end || failures.lock().is_ok_and(|failures| failures.len() >= 3) {
                return;
            }
            let wrong = AssertUnwindSafe(Box::pin(run(&world, seed))).catch_unwind().await;
            let wrong = wrong.unwrap_or_else(|_| vec!["the run panicked".to_owned()]);
            if !wrong.is_empty() {
                let events = world.plan.truth(|truth| {
                    truth.events.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
                });
                let wrong = wrong.join("\n");
                failures.lock().expect("no panic").push(format!(
                    "seed {seed} (MERAK_FAULT_SEED={seed} repeats it):\n{wrong}\n\
                     what truly happened:\n{events}\n"
                ));
            }
        }
    });
}

/// The seeds to run, so many on either store; or the only one that is to be repeated.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests names the seed to repeat")]
pub(crate) fn seeds(on_sqlite: u64, on_postgres: u64) -> Range<u64> {
    let variable = |name: &str| std::env::var(name).ok();
    let number = |name| variable(name).map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("MERAK_FAULT_SEED") {
        return seed..seed + 1;
    }
    let is_postgres = variable("MERAK_TEST_STORE").as_deref() == Some("postgres");
    let usual = if is_postgres { on_postgres } else { on_sqlite };
    1..1 + number("MERAK_FAULT_RUNS").unwrap_or(usual)
}

#[test]
fn whatever_goes_wrong_nothing_acknowledged_is_lost() {
    let Range { start: first, end } = seeds(1000, 60);
    let next = AtomicU64::new(first);
    let failures = Mutex::new(Vec::new());

    // More than there are processors: a run waits where an answer was lost.
    let workers = if end - first == 1 { 1 } else { 6 };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| worker(&next, end, &failures));
        }
    });

    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
