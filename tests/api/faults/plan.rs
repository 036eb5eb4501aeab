//! What is to go wrong, whose turn it is, and what truly happened.
//!
//! Everything that the servers ask of the metastore and of the object store passes here, one at a
//! time. Whoever waits is let in by chance, so that a seed names an order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use merak_metastore::Change;
use merak_model::{Entity, EntityId};
use merak_server::FileOperation;
use tokio::sync::oneshot;

use super::chance::Chance;
use super::scripts::{FileFault, Script, Scripts, StoreFault, Weather};
use super::truth::{Event, Happened, Truth, metadata_file};

#[derive(Debug, Default)]
enum Mode {
    #[default]
    Calm,
    Seeded(Chance, Weather),
    Scripted(Scripts),
}

/// A write whose answer was lost, and which is expected to come again.
#[derive(Debug)]
struct Lost {
    write: String,
    told: u32,
    is_doomed: bool,
    /// How many others pass before it does.
    others_first: u32,
}

#[derive(Debug)]
struct Waiter {
    write: Option<String>,
    go: oneshot::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    step: u64,
    mode: Mode,
    is_busy: bool,
    waiters: Vec<Waiter>,
    lost: Vec<Lost>,
    truth: Truth,
    stalls: u32,
}

/// The plan of a test or of a seeded run. Clones are the same plan.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan(Arc<Mutex<State>>);

/// The right to ask the store something. The next one's begins when it is dropped.
#[derive(Debug)]
pub(crate) struct Pass(Plan);

/// How often a write is sent of which nothing is heard.
const TRIES_OF_LOST: u32 = 4;

/// How long somebody waits for a turn before the order is given up: a server that was to ask again
/// did not.
const STALL: Duration = Duration::from_secs(10);

impl Pass {
    /// Ends it once everybody has come as far as they can, so that who comes next is the seed's
    /// choice.
    pub(crate) fn settle(self) {
        tokio::spawn(async move {
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
            drop(self);
        });
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_busy = false;
        state.let_in();
    }
}

impl Plan {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on things go wrong as the seed has it.
    pub(crate) fn seed(&self, seed: u64) {
        let mut chance = Chance::new(seed);
        let weather = Weather {
            unavailable: chance.below(6),
            lost_done: chance.below(14),
            lost_undone: chance.below(10),
            overtaken: chance.below(14),
            resolve: chance.below(5),
            file: chance.below(10),
        };
        self.state().mode = Mode::Seeded(chance, weather);
    }

    /// From now on things go wrong as scripts have it; what was before is forgotten.
    pub(crate) fn script(&self, scripts: Scripts) {
        self.state().begin(Mode::Scripted(scripts));
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm(&self) {
        let mut state = self.state();
        state.mode = Mode::Calm;
        state.lost.clear();
    }

    /// The next moment.
    pub(crate) fn tick(&self) -> u64 {
        self.state().tick()
    }

    /// What truly happened.
    pub(crate) fn truth<T>(&self, look: impl FnOnce(&Truth) -> T) -> T {
        look(&self.state().truth)
    }

    /// How often nobody came who was expected.
    pub(crate) fn stalls(&self) -> u32 {
        self.state().stalls
    }

    /// Waits for one's turn; a write says which one it is.
    pub(crate) async fn enter(&self, write: Option<String>) -> Pass {
        let (go, may_go) = oneshot::channel();
        {
            let mut state = self.state();
            state.waiters.push(Waiter { write, go });
            state.let_in();
        }
        if !matches!(tokio::time::timeout(STALL, may_go).await, Ok(Ok(()))) {
            let mut state = self.state();
            state.stalls += 1;
            state.lost.clear();
            state.is_busy = true;
        }
        Pass(self.clone())
    }

    /// What goes wrong with a lookup.
    pub(crate) fn on_resolve(&self) -> Option<StoreFault> {
        let mut state = self.state();
        let fault = match &mut state.mode {
            Mode::Calm => None,
            Mode::Seeded(chance, weather) => {
                chance.percent(weather.resolve).then_some(StoreFault::Unavailable)
            }
            Mode::Scripted(scripts) => scripts.resolves.next(),
        };
        if fault.is_some() {
            state.happened(Happened::Fault, "a lookup is not answered".to_owned());
        }
        fault
    }

    /// What goes wrong with a write.
    pub(crate) fn on_apply(&self, write: &str) -> Option<StoreFault> {
        let mut state = self.state();
        let State { mode, lost, .. } = &mut *state;
        let again = lost.iter().find(|one| one.write == write);
        let fault = match mode {
            Mode::Calm => None,
            Mode::Seeded(chance, weather) => match again {
                Some(lost) if lost.is_doomed => Some(if chance.percent(50) {
                    StoreFault::Unavailable
                } else {
                    StoreFault::LostUndone
                }),
                Some(lost) if lost.told == 1 && chance.percent(15) => Some(if chance.percent(50) {
                    StoreFault::LostDone
                } else {
                    StoreFault::Unavailable
                }),
                Some(_) => None,
                None => weather.of_write(chance),
            },
            Mode::Scripted(scripts) => scripts.applies.next(),
        };
        if let Some(fault) = fault {
            let what = match fault {
                StoreFault::Unavailable | StoreFault::Overtaken => Happened::Fault,
                StoreFault::LostDone | StoreFault::LostUndone => Happened::Lost,
            };
            state.happened(what, format!("{fault:?}: {write}"));
        }
        fault
    }

    /// What goes wrong where a worker takes a task, reports on it or ends it.
    pub(crate) fn on_task(&self) -> Option<StoreFault> {
        match &mut self.state().mode {
            Mode::Calm | Mode::Scripted(_) => None,
            Mode::Seeded(chance, weather) => weather.of_write(chance),
        }
    }

    /// What goes wrong with a file.
    pub(crate) fn on_file(&self, operation: FileOperation, location: &str) -> Option<FileFault> {
        let mut state = self.state();
        let fault = match &mut state.mode {
            Mode::Calm => None,
            Mode::Seeded(chance, weather) => {
                chance.percent(weather.file).then(|| match chance.below(5) {
                    0 | 1 => FileFault::Before,
                    2 | 3 => FileFault::After,
                    _ => FileFault::Denied,
                })
            }
            Mode::Scripted(scripts) => scripts.files.get_mut(&operation).and_then(Script::next),
        };
        if let Some(fault) = fault {
            state.happened(Happened::Fault, format!("{operation:?} {fault:?}: {location}"));
            state.truth.excused.insert(location.to_owned());
        }
        fault
    }

    /// A file was created or removed.
    pub(crate) fn file_done(&self, operation: FileOperation, location: &str) {
        let mut state = self.state();
        state.happened(Happened::File, format!("{operation:?} {location}"));
        match operation {
            FileOperation::Read => {}
            FileOperation::Create => state.truth.created.push(location.to_owned()),
            FileOperation::Delete => state.truth.deleted.push(location.to_owned()),
        }
    }

    /// What the metastore holds of an entity, as far as it was seen.
    pub(crate) fn entity(&self, id: EntityId) -> Option<Entity> {
        self.state().truth.entities.get(&id).cloned()
    }

    /// An entity was looked up.
    pub(crate) fn saw(&self, entity: &Entity) {
        let mut state = self.state();
        let known = state.truth.entities.get(&entity.id).map(|known| known.version);
        if known.is_none_or(|known| known < entity.version) {
            state.truth.entities.insert(entity.id, entity.clone());
        }
    }

    /// A write was done.
    pub(crate) fn done(&self, write: &str, changes: &[Change]) {
        let mut state = self.state();
        state.happened(Happened::Done, write.to_owned());
        for change in changes {
            if state.truth.take_in(change) {
                // Whether a lost write was done before shows on its table, which is looked for by
                // its name.
                state.happened(Happened::Unresolvable, format!("perhaps, after {write}"));
            }
        }
    }

    /// A write met another one.
    pub(crate) fn refused(&self, write: &str, error: &merak_metastore::Error) {
        self.state().happened(Happened::Conflict, format!("{error}: {write}"));
    }

    /// The server was told that the answer to a write is lost, or of one that came again that the
    /// metastore does not answer.
    pub(crate) fn told_nothing(&self, write: &str, changes: &[Change], is_lost: bool) {
        let mut state = self.state();
        let is_mark = changes.iter().all(|change| matches!(change, Change::Answer(_)));
        if is_mark && is_lost {
            // It only asks what became of another write, and could answer itself the next time.
            state.happened(Happened::Unresolvable, write.to_owned());
            return;
        }
        let State { step, mode, lost, truth, .. } = &mut *state;
        let is_known = lost.iter().any(|one| one.write == write);
        if !is_known && !is_lost {
            return;
        }
        if !is_known {
            let (is_doomed, others_first) = match mode {
                Mode::Seeded(chance, _) => {
                    (chance.percent(6), u32::try_from(chance.below(6)).unwrap_or_default())
                }
                Mode::Calm | Mode::Scripted(_) => (false, u32::MAX),
            };
            let since = *step;
            let files =
                changes.iter().filter_map(metadata_file).map(|file| (since, file.to_owned()));
            truth.lost_files.extend(files);
            lost.push(Lost { write: write.to_owned(), told: 0, is_doomed, others_first });
        }
        let Some(one) = state.lost.iter_mut().find(|one| one.write == write) else { return };
        one.told += 1;
        if one.told == TRIES_OF_LOST {
            state.lost.retain(|one| one.write != write);
            state.happened(Happened::Unresolvable, write.to_owned());
        }
    }

    /// A write was answered truly: if the answer to it had been lost before, it does not come again.
    pub(crate) fn told(&self, write: &str) {
        self.state().lost.retain(|one| one.write != write);
    }

    /// A lookup was not answered: if it was to find out what became of a write, nobody can tell now.
    pub(crate) fn lookup_failed(&self) {
        self.state().happened(Happened::Unresolvable, "perhaps: a lookup failed".to_owned());
    }

    /// A client was told that it is not known what became of its write: files of what was lost in
    /// that time may be left.
    pub(crate) fn excuse(&self, (from, to): (u64, u64)) {
        let mut state = self.state();
        let truth = &mut state.truth;
        let lost = truth.lost_files.iter().filter(|(step, _)| from <= *step && *step <= to);
        truth.excused.extend(lost.map(|(_, file)| file.clone()));
    }
}

impl State {
    /// Forgets what was, but not who is in.
    fn begin(&mut self, mode: Mode) {
        let waiters = std::mem::take(&mut self.waiters);
        *self = Self { mode, waiters, is_busy: self.is_busy, ..Self::default() };
    }

    fn tick(&mut self) -> u64 {
        self.step += 1;
        self.step
    }

    fn happened(&mut self, what: Happened, about: String) -> u64 {
        let step = self.tick();
        self.truth.events.push(Event { step, what, about });
        step
    }

    /// Lets the next one in, unless somebody is in, or one is expected that did not come yet.
    fn let_in(&mut self) {
        while !self.is_busy {
            let is_here = |lost: &Lost| {
                self.waiters.iter().any(|waiter| waiter.write.as_ref() == Some(&lost.write))
            };
            if self.lost.iter().any(|lost| lost.others_first == 0 && !is_here(lost)) {
                return;
            }
            let waits = |waiter: &Waiter| {
                let lost = self.lost.iter().find(|lost| waiter.write.as_ref() == Some(&lost.write));
                lost.is_none_or(|lost| lost.others_first == 0)
            };
            let mut may: Vec<usize> =
                (0..self.waiters.len()).filter(|&at| waits(&self.waiters[at])).collect();
            if may.is_empty() {
                may = (0..self.waiters.len()).collect();
            }
            if may.is_empty() {
                return;
            }
            let at = match &mut self.mode {
                Mode::Seeded(chance, _) => may[chance.index(may.len())],
                Mode::Calm | Mode::Scripted(_) => may[0],
            };
            let waiter = self.waiters.remove(at);
            for lost in &mut self.lost {
                lost.others_first = lost.others_first.saturating_sub(1);
            }
            self.is_busy = waiter.go.send(()).is_ok();
        }
    }
}
