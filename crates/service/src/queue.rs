//! Commits to one table, or to one view, wait here, in order, and not on a row lock in the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use merak_model::{Entity, EntityId, RealmId};
use merak_table_metadata::TableMetadata;
use tokio::sync::OwnedMutexGuard;

type Key = (RealmId, EntityId);
/// A table's queue: the lock is the place at its head, and holds what the last one left.
type Slot<M> = Arc<tokio::sync::Mutex<Option<Newest<M>>>>;

/// A table as the last commit of this process left it. It is newer than what a waiting commit read
/// before it queued, or the database says otherwise when the pointer is swapped.
#[derive(Debug)]
pub(crate) struct Newest<M = TableMetadata> {
    pub(crate) entity: Entity,
    pub(crate) metadata: Arc<M>,
}

impl<M> Clone for Newest<M> {
    fn clone(&self) -> Self {
        Self { entity: self.entity.clone(), metadata: Arc::clone(&self.metadata) }
    }
}

/// The queues of all tables that are being committed to. A queue lives as long as somebody is in it.
#[derive(Debug)]
pub(crate) struct CommitQueue<M = TableMetadata> {
    slots: Arc<Mutex<HashMap<Key, Slot<M>>>>,
}

impl<M> Clone for CommitQueue<M> {
    fn clone(&self) -> Self {
        Self { slots: Arc::clone(&self.slots) }
    }
}

impl<M> Default for CommitQueue<M> {
    fn default() -> Self {
        Self { slots: Arc::default() }
    }
}

impl<M> CommitQueue<M> {
    /// Waits for one's turn. Turns come in the order of the calls.
    pub(crate) async fn enter(&self, realm: &RealmId, table: EntityId) -> Turn<M> {
        let key = (realm.clone(), table);
        let slot = self.slot(&key);
        self.wait(key, slot).await
    }

    /// Waits for one's turn at several tables: in the order of their ids, so that two who want the
    /// same cannot wait for each other. One is in all queues from the start, so that none of them
    /// ends before one has read what was left there.
    pub(crate) async fn enter_all(
        &self,
        realm: &RealmId,
        mut tables: Vec<EntityId>,
    ) -> Vec<Turn<M>> {
        tables.sort_unstable();
        tables.dedup();
        let keys: Vec<Key> = tables.into_iter().map(|table| (realm.clone(), table)).collect();
        let slots: Vec<Slot<M>> = keys.iter().map(|key| self.slot(key)).collect();
        let mut turns = Vec::with_capacity(keys.len());
        for (key, slot) in keys.into_iter().zip(slots) {
            turns.push(self.wait(key, slot).await);
        }
        turns
    }

    fn slot(&self, key: &Key) -> Slot<M> {
        // Nothing awaits under this lock, and nothing under it can panic.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key.clone()).or_default())
    }

    async fn wait(&self, key: Key, slot: Slot<M>) -> Turn<M> {
        let guard = slot.lock_owned().await;
        Turn { queue: self.clone(), key, guard: Some(guard) }
    }
}

/// A commit's turn at its table. The next one's begins when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<M = TableMetadata> {
    queue: CommitQueue<M>,
    key: Key,
    guard: Option<OwnedMutexGuard<Option<Newest<M>>>>,
}

impl<M> Turn<M> {
    /// What the commit before left, if it is newer than what this one read.
    pub(crate) fn newest(&self, read: &Entity) -> Option<Newest<M>> {
        let newest = self.guard.as_ref()?.as_ref()?;
        let is_newer = newest.entity.id == read.id && newest.entity.version > read.version;
        is_newer.then(|| newest.clone())
    }

    /// The table whose turn it is.
    pub(crate) fn table(&self) -> EntityId {
        self.key.1
    }

    /// Leaves word for the next commit.
    pub(crate) fn leave(&mut self, newest: Newest<M>) {
        if let Some(guard) = &mut self.guard {
            **guard = Some(newest);
        }
    }
}

impl<M> Drop for Turn<M> {
    fn drop(&mut self) {
        let mut slots = self.queue.slots.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.guard.take());
        // The map's own reference is the last: nobody waits, so there is no queue.
        if slots.get(&self.key).is_some_and(|slot| Arc::strong_count(slot) == 1) {
            slots.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_come_in_order_and_an_empty_queue_is_gone() {
        let queue = CommitQueue::<TableMetadata>::default();
        let realm = RealmId::new("r");
        let first = queue.enter(&realm, EntityId(7)).await;
        let order = Arc::new(Mutex::new(Vec::new()));

        let mut waiting = Vec::new();
        for number in 0..3 {
            let (queue, realm, order) = (queue.clone(), realm.clone(), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let _turn = queue.enter(&realm, EntityId(7)).await;
                order.lock().unwrap().push(number);
            }));
            tokio::task::yield_now().await;
        }
        let other = queue.enter(&realm, EntityId(8)).await;
        drop((first, other));
        for task in waiting {
            task.await.unwrap();
        }

        assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
        assert!(queue.slots.lock().unwrap().is_empty());
    }
}
