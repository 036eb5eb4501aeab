//! Work that goes on after the answer. It is kept in the database, so that whichever replica is there
//! does it, and another takes it over from one that died.

use std::time::{Duration, Instant};

use merak_authz::Authorized;
use merak_authz::operations::{GetTask, ListTasks, RetryTask};
use merak_metastore::{Hold, Recorded, Task, TaskEnd};
use merak_model::features::POLARIS_TASK_TIMEOUT_MILLIS;
use merak_model::{EntityId, EventSubject};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::events::Happening;
use crate::purge::{Failure, PURGE, Phase, PurgeDetails, PurgeSettings, SharedProgress, Verdicts};
use crate::sweep::millis;
use crate::{Error, Service};

/// How work in the background is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSettings {
    /// So many tasks are worked on at a time by this process.
    pub max_concurrent: usize,
    /// So often a task is tried before it is given up.
    pub max_attempts: u32,
    /// How long to wait after the first attempt that failed, roughly; after each other one, twice as
    /// long.
    pub retry_delay: Duration,
    /// The longest such wait.
    pub max_retry_delay: Duration,
    /// How often to look for tasks of other replicas.
    pub poll_interval: Duration,
    /// How long tasks that have ended are kept.
    pub retention: Duration,
    /// How tables are purged.
    pub purge: PurgeSettings,
}

/// What work in the background shares.
#[derive(Debug)]
pub(crate) struct Tasks {
    settings: TaskSettings,
    pub(crate) purge: PurgeSettings,
    pub(crate) verdicts: Verdicts,
    /// Rings when there is a new task.
    wake: Notify,
}

/// What became of an attempt.
enum Attempt {
    Ended(Result<(), Failure>),
    /// Another replica has the task now.
    Lost,
    /// The process stops.
    Stopped,
}

/// How many ended tasks are removed by one statement.
const FORGOTTEN_AT_ONCE: u32 = 1000;

/// The most bytes of an error that are kept.
const MAX_ERROR_BYTES: usize = 4096;

impl Tasks {
    pub(crate) fn new(settings: &TaskSettings) -> Self {
        let purge = settings.purge.clone();
        let verdicts = Verdicts::new(purge.max_verdicts);
        Self { settings: settings.clone(), purge, verdicts, wake: Notify::new() }
    }

    /// Says that there is a new task.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// How long to wait after so many attempts, the last of which failed. By chance somewhat less,
    /// so that what failed together is not tried together.
    fn delay_ms(&self, attempts: u32) -> i64 {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let delay = self.settings.retry_delay.saturating_mul(doubled);
        let delay_ms = millis(delay.min(self.settings.max_retry_delay)).max(2);
        // An id is a random number.
        delay_ms / 2 + EntityId::random().0 % (delay_ms / 2) + 1
    }
}

impl Service {
    /// Does all tasks of this server's realms that are due, one after the other. How many attempts
    /// were made.
    pub async fn run_due_tasks(&self) -> Result<usize, Error> {
        let (_running, stop) = watch::channel(false);
        let mut attempts = 0;
        while let Some((hold, task)) = self.claim_task().await? {
            self.attempt(hold, task, stop.clone()).await;
            attempts += 1;
        }
        Ok(attempts)
    }

    /// Does tasks until it is told to stop: those that are queued here at once, others within the
    /// poll interval. What is not done by then is given back, for another replica.
    pub async fn run_tasks(&self, mut stop: watch::Receiver<bool>) {
        let mut working = JoinSet::new();
        while !*stop.borrow() {
            if working.len() < self.tasks.settings.max_concurrent {
                match self.claim_task().await {
                    Ok(Some((hold, task))) => {
                        let (service, stop) = (self.clone(), stop.clone());
                        working.spawn(async move { service.attempt(hold, task, stop).await });
                        continue;
                    }
                    Ok(None) => {}
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "could not look for tasks, which is tried again");
                    }
                }
            }
            let is_free = working.len() < self.tasks.settings.max_concurrent;
            tokio::select! {
                Some(ended) = working.join_next() => note_panic(ended),
                () = self.tasks.wake.notified(), if is_free => {}
                () = tokio::time::sleep(self.tasks.settings.poll_interval), if is_free => {}
                _ = stop.changed() => {}
            }
        }
        while let Some(ended) = working.join_next().await {
            note_panic(ended);
        }
    }

    /// Removes tasks that ended long ago.
    pub(crate) async fn forget_tasks(&self) -> Result<(), Error> {
        let realms: Vec<_> = self.features.keys().cloned().collect();
        let before_ms = self.clock.now_ms().saturating_sub(millis(self.tasks.settings.retention));
        loop {
            let forgotten =
                self.metastore.forget_tasks(&realms, before_ms, FORGOTTEN_AT_ONCE).await?;
            if forgotten < FORGOTTEN_AT_ONCE as usize {
                return Ok(());
            }
        }
    }

    /// A page of a catalog's tasks, in the order of their ids, and the last id if another page
    /// follows.
    pub async fn list_tasks(
        &self,
        proof: Authorized<ListTasks>,
        after: Option<EntityId>,
        size: u32,
    ) -> Result<(Vec<Task>, Option<EntityId>), Error> {
        let catalog = proof.target().catalog.id;
        let limit = size.saturating_add(1);
        let mut tasks = self.metastore.tasks(proof.realm(), catalog, after, limit).await?;
        let has_more = tasks.len() > size as usize;
        tasks.truncate(size as usize);
        let next = tasks.last().map(|task| task.id).filter(|_| has_more);
        Ok((tasks, next))
    }

    /// A task of a catalog.
    pub async fn get_task(&self, proof: Authorized<GetTask>, id: EntityId) -> Result<Task, Error> {
        let catalog = &proof.target().catalog;
        let found = self.metastore.task(proof.realm(), catalog.id, id).await?;
        found.ok_or_else(|| no_such_task(&catalog.name, id))
    }

    /// Has a task that failed begin anew.
    pub async fn retry_task(
        &self,
        proof: Authorized<RetryTask>,
        id: EntityId,
    ) -> Result<Task, Error> {
        let (realm, catalog) = (proof.realm(), &proof.target().catalog);
        let now_ms = self.clock.now_ms();
        let was_failed = self.metastore.retry_task(realm, catalog.id, id, now_ms).await?;
        let task = self.metastore.task(realm, catalog.id, id).await?;
        let task = task.ok_or_else(|| no_such_task(&catalog.name, id))?;
        if !was_failed {
            return Err(Error::ConcurrentModification(format!(
                "Task {id} is {}: only a task that failed is retried",
                task.state.as_str()
            )));
        }
        self.tasks.wake();
        Ok(task)
    }

    async fn claim_task(&self) -> Result<Option<(Hold, Task)>, Error> {
        let realms: Vec<_> = self.features.keys().cloned().collect();
        // Which realm's task it will be is not known yet.
        let lease = realms.iter().map(|realm| self.lease(realm)).max().unwrap_or_default();
        let owner = uuid::Uuid::new_v4().simple().to_string();
        let now_ms = self.clock.now_ms();
        let due_ms = now_ms.saturating_add(millis(lease));
        let claimed = self.metastore.claim_task(&realms, &owner, now_ms, due_ms).await?;
        Ok(claimed.map(|(realm, task)| (Hold { realm, task: task.id, owner }, task)))
    }

    /// How long a task is one worker's before another takes it to be dead.
    fn lease(&self, realm: &merak_model::RealmId) -> Duration {
        let features = self.features_of(realm);
        let ms = features.of_realm().number(&POLARIS_TASK_TIMEOUT_MILLIS);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0).max(1))
    }

    /// Makes an attempt at a task, and says what became of it.
    async fn attempt(&self, hold: Hold, task: Task, mut stop: watch::Receiver<bool>) {
        let progress = SharedProgress::resume(&task.progress);
        let (realm, id) = (&hold.realm, task.id);
        tracing::info!(
            %realm, task = %id, kind = task.kind, subject = task.subject, attempt = task.attempts,
            "a task begins"
        );
        let attempt = tokio::select! {
            ended = self.perform(&hold, &task, &progress) => Attempt::Ended(ended),
            () = self.keep_alive(&hold, &progress) => Attempt::Lost,
            _ = stop.wait_for(|stops| *stops) => Attempt::Stopped,
        };
        let (end, outcome) = match attempt {
            Attempt::Lost => {
                tracing::warn!(%realm, task = %id, "a task was taken over by another replica");
                return;
            }
            Attempt::Stopped => (TaskEnd::GivenBack, "given-back"),
            Attempt::Ended(Ok(())) => {
                progress.update(|progress| progress.phase = Phase::Done);
                (TaskEnd::Done, "done")
            }
            Attempt::Ended(Err(failure)) => self.end_of(&task, failure),
        };
        metrics::counter!("merak_tasks_total", "kind" => task.kind.clone(), "outcome" => outcome)
            .increment(1);
        let left = progress.now().left.files();
        if matches!(end, TaskEnd::Done) {
            metrics::counter!("merak_purged_files_total", "outcome" => "left").increment(left);
        }
        log_end(&hold, &task, &progress, &end);
        let now_ms = self.clock.now_ms();
        let events: Vec<_> = self.attempted(&task, &end).into_iter().collect();
        let progress = progress.to_json();
        match self.metastore.settle_task(&hold, &progress, &end, now_ms, &events).await {
            Ok(true) => self.events.wake(),
            Ok(false) => {
                tracing::warn!(%realm, task = %id, "a task was taken over by another replica");
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                // It is due again when the lease ends, and then finds nothing left to do.
                tracing::warn!(%realm, task = %id, error, "the end of a task could not be noted");
            }
        }
    }

    /// The event of an attempt that ended, if somebody wants to be told.
    fn attempted(&self, task: &Task, end: &TaskEnd) -> Option<Recorded> {
        let success = match end {
            // It is made again, and does not count.
            TaskEnd::GivenBack => return None,
            TaskEnd::Done => true,
            TaskEnd::TryAgain { .. } | TaskEnd::Failed { .. } => false,
        };
        let happening = match PurgeDetails::parse(&task.details) {
            Some(details) => {
                Happening::within(EventSubject::AttemptTask, details.catalog, task.subject.as_str())
            }
            None => Happening::to(EventSubject::AttemptTask, task.subject.as_str()),
        };
        self.recorded(
            happening
                .with("task_entity_id", task.id.to_string())
                .with("task_kind", task.kind.as_str())
                .with("task_attempt", task.attempts)
                .with("task_success", success),
        )
    }

    async fn perform(
        &self,
        hold: &Hold,
        task: &Task,
        progress: &SharedProgress,
    ) -> Result<(), Failure> {
        match task.kind.as_str() {
            PURGE => self.purge_files(&hold.realm, task, progress).await,
            // A newer replica may know it, while an upgrade goes on.
            kind => {
                Err(Failure::Passing(format!("this version does not know tasks of kind {kind}")))
            }
        }
    }

    /// Says again and again that this worker lives, and what it did so far. Ends when the task is
    /// another's, or must be taken to be.
    async fn keep_alive(&self, hold: &Hold, progress: &SharedProgress) {
        let lease = self.lease(&hold.realm);
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(lease / 3).await;
            let now_ms = self.clock.now_ms();
            let due_ms = now_ms.saturating_add(millis(lease));
            let begun = Instant::now();
            match self.metastore.report_task(hold, &progress.to_json(), now_ms, due_ms).await {
                Ok(true) => renewed = begun,
                Ok(false) => return,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(task = %hold.task, error, "the progress of a task was not noted");
                    if renewed.elapsed() > lease {
                        return;
                    }
                }
            }
        }
    }

    /// What follows from a failure.
    fn end_of(&self, task: &Task, failure: Failure) -> (TaskEnd, &'static str) {
        match failure {
            Failure::Passing(error) if task.attempts < self.tasks.settings.max_attempts => {
                let delay_ms = self.tasks.delay_ms(task.attempts);
                let due_ms = self.clock.now_ms().saturating_add(delay_ms);
                (TaskEnd::TryAgain { due_ms, error: shortened(error) }, "retried")
            }
            Failure::Passing(error) | Failure::Lasting(error) => {
                (TaskEnd::Failed { error: shortened(error) }, "failed")
            }
        }
    }
}

fn log_end(hold: &Hold, task: &Task, progress: &SharedProgress, end: &TaskEnd) {
    let (realm, id, subject, attempt) = (&hold.realm, task.id, &task.subject, task.attempts);
    let now = progress.now();
    let (deleted, left, failures) = (now.deleted.files(), now.left.files(), now.failures);
    match end {
        TaskEnd::Done => tracing::info!(
            %realm, task = %id, kind = task.kind, subject, attempt, deleted, left, "a task is done"
        ),
        TaskEnd::TryAgain { error, .. } => tracing::warn!(
            %realm, task = %id, kind = task.kind, subject, attempt, deleted, left, failures, error,
            "an attempt at a task failed, which is made again"
        ),
        TaskEnd::Failed { error } => tracing::error!(
            %realm, task = %id, kind = task.kind, subject, attempt, deleted, left, failures, error,
            "a task failed, and is not tried again unless somebody asks for it"
        ),
        TaskEnd::GivenBack => tracing::info!(
            %realm, task = %id, kind = task.kind, subject, deleted,
            "a task is given back, since the server stops"
        ),
    }
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, "an attempt at a task panicked; it is made again");
    }
}

/// An error that fits beside its task.
fn shortened(mut error: String) -> String {
    let end = error.floor_char_boundary(MAX_ERROR_BYTES);
    error.truncate(end);
    error
}

fn no_such_task(catalog: &str, id: EntityId) -> Error {
    Error::NoSuchTask(format!("Catalog {catalog} has no task {id}"))
}
