//! Tables that are given up for another catalog to take over.

use bytes::Bytes;
use merak_authz::Authorized;
use merak_authz::operations::UnregisterTable;
use merak_metastore::{Change, Error as MetastoreError};
use merak_model::{EntityKind, EventSubject};

use crate::answers::Answer;
use crate::events::Happening;
use crate::locations::check_still_allowed;
use crate::metadata::TableRef;
use crate::outcome::{Left, Trace};
use crate::tables::MAX_TRIES;
use crate::taken::changed_meanwhile;
use crate::{Error, Service};

/// The last state of a table.
#[derive(Debug, Clone)]
pub struct Unregistered {
    /// Where its metadata file is. It stays there.
    pub metadata_location: String,
    /// What is in that file.
    pub metadata: Bytes,
}

impl Service {
    /// Removes a table from its catalog, and tells its last state. Its files stay. Every commit that
    /// was acknowledged is in that state, and every later one fails: the table goes at the version
    /// that the state was read at, or not at all.
    pub async fn unregister_table(
        &self,
        proof: Authorized<UnregisterTable>,
    ) -> Result<Unregistered, Error> {
        let actor = &proof.actor();
        let realm = &actor.realm;
        let target = proof.into_target();
        let catalog = &target.namespace.catalog;
        let store = self.store(realm, catalog)?;
        // Behind the commits that wait: they were asked for first.
        let _turn = self.queue.enter(realm, target.table.id).await;
        let (mut table, mut kept) = (target.table.clone(), target.metadata.clone());
        for _ in 0..MAX_TRIES {
            check_still_allowed(&target.ident, &table, &store.config)?;
            let metadata_location = table.metadata_location.clone().ok_or_else(|| {
                Error::Internal(format!("Table {} has no metadata location", target.ident))
            })?;
            let of = TableRef { realm, catalog, ident: &target.ident };
            // Before it goes: were the store away afterwards, nobody would be told where it was.
            let metadata =
                self.metadata.json(of, &store, &metadata_location, kept.as_deref()).await?;
            let change = Change::Drop { id: table.id, expected: table.version };
            let answer = || Answer::Table { metadata_location: metadata_location.clone() };
            let left = Left::NoTable(&target.ident, table.id);
            let trace = Trace { catalog, left };
            // Polaris has no event of its own for it: to whoever follows this catalog, it is a drop.
            let happened = Happening::to_table(EventSubject::DropTable, catalog, &target.ident)
                .knowing(&table)
                .with("purge_requested", false)
                .with("unregistered", true);
            let outcome =
                self.apply_surely(actor, vec![change], vec![happened], answer, trace).await;
            match outcome {
                Err(MetastoreError::Conflict { .. }) => {
                    (table, kept) = self.look_again(realm, actor.id, &target).await?;
                }
                outcome => {
                    outcome?;
                    return Ok(Unregistered { metadata_location, metadata });
                }
            }
        }
        Err(changed_meanwhile(EntityKind::Table, &target.ident))
    }
}
