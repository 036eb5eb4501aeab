//! Work that is done in the background, by whichever replica takes it.

use async_trait::async_trait;
use merak_model::{Entity, EntityId, RealmId};

use crate::{Error, Recorded};

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Nobody works on it. It is taken once it is due.
    Waiting,
    /// Somebody works on it, or died doing so: once it is due, it may be taken from them.
    Running,
    /// It is done.
    Done,
    /// It was given up, and stays so until somebody has it retried.
    Failed,
}

impl TaskState {
    /// Every state there is.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Done, Self::Failed];

    /// Its name, as stored and as told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A task as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its identifier.
    pub id: EntityId,
    /// What is to be done, in a word.
    pub kind: String,
    /// The catalog it is about, which may be gone.
    pub catalog_id: EntityId,
    /// What it is about, for people.
    pub subject: String,
    /// What it has to know: a JSON object that only the service understands.
    pub details: String,
    /// How far it has come.
    pub state: TaskState,
    /// What was done so far: a JSON object that only the service understands.
    pub progress: String,
    /// How often it was taken, since it was asked for or retried.
    pub attempts: u32,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
    /// When it may be taken, in milliseconds since 1970.
    pub due_ms: i64,
    /// When it was asked for, in milliseconds since 1970.
    pub created_ms: i64,
    /// When anything of this last changed, in milliseconds since 1970.
    pub updated_ms: i64,
}

/// A task that somebody took, by the words it was taken with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The task's realm.
    pub realm: RealmId,
    /// The task.
    pub task: EntityId,
    /// Who took it: another one each time, so that a worker that was thought dead is told from the
    /// one that took the task from it, in the same process too.
    pub owner: String,
}

/// How an attempt at a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEnd {
    /// It is done.
    Done,
    /// It failed, and is due again at that time, in milliseconds since 1970.
    TryAgain {
        /// When.
        due_ms: i64,
        /// What went wrong.
        error: String,
    },
    /// It failed for good.
    Failed {
        /// What went wrong.
        error: String,
    },
    /// The worker stops, and was not done: the attempt does not count.
    GivenBack,
}

/// Where the next page of a catalog's tables begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TablesAfter {
    /// The location of the last table of the page before.
    pub location: String,
    /// Its id.
    pub id: i64,
}

/// The work in the background, as the metastore keeps it. It is added by
/// [`crate::Change::AddTask`], in the transaction that makes it necessary.
#[async_trait]
pub trait Tasks {
    /// Takes the task of one of the realms that has been due for the longest time. It is due again
    /// at `due_ms`: whoever takes it then assumes that its worker died. Of those who ask at once,
    /// each gets another task.
    async fn claim_task(
        &self,
        realms: &[RealmId],
        owner: &str,
        now_ms: i64,
        due_ms: i64,
    ) -> Result<Option<(RealmId, Task)>, Error>;

    /// Says what was done so far, and that the worker lives: the task is due again at `due_ms`.
    /// False if it was taken by another meanwhile; then the worker is to stop at once.
    async fn report_task(
        &self,
        hold: &Hold,
        progress: &str,
        now_ms: i64,
        due_ms: i64,
    ) -> Result<bool, Error>;

    /// Ends an attempt, and keeps these events of it. False if the task was taken by another
    /// meanwhile: then nothing is changed or kept.
    async fn settle_task(
        &self,
        hold: &Hold,
        progress: &str,
        end: &TaskEnd,
        now_ms: i64,
        events: &[Recorded],
    ) -> Result<bool, Error>;

    /// The tasks of a catalog with greater ids than `after`, in the order of these.
    async fn tasks(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        after: Option<EntityId>,
        limit: u32,
    ) -> Result<Vec<Task>, Error>;

    /// A task of a catalog.
    async fn task(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        id: EntityId,
    ) -> Result<Option<Task>, Error>;

    /// Has a task of a catalog that failed begin anew. False if it did not fail, or is not there.
    async fn retry_task(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        id: EntityId,
        now_ms: i64,
    ) -> Result<bool, Error>;

    /// Removes tasks of these realms that ended before that time, so many at most. How many were
    /// removed.
    async fn forget_tasks(
        &self,
        realms: &[RealmId],
        before_ms: i64,
        limit: u32,
    ) -> Result<usize, Error>;

    /// The tables of a catalog, whatever their namespaces, in the order of their locations: those
    /// after one, so many at most. For work that looks at all of them.
    async fn tables(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        after: &TablesAfter,
        limit: u32,
    ) -> Result<Vec<Entity>, Error>;
}
