//! Tables that are given up for another catalog to take over.

use bytes::Bytes;
use merak_authz::Authorized;
use merak_authz::operations::UnregisterTable;
use merak_metastore::{Change, Error as MetastoreError};
use merak_model::EntityKind;

use crate::answers::Answer;
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
        let (realm, caller) = (proof.realm().clone(), proof.caller().id);
        let target = proof.into_target();
        let catalog = &target.namespace.catalog;
        let store = self.store(&realm, catalog)?;
        // Behind the commits that wait: they were asked for first.
        let _turn = self.queue.enter(&realm, target.table.id).await;
        let (mut table, mut kept) = (target.table.clone(), target.metadata.clone());
        for _ in 0..MAX_TRIES {
            check_still_allowed(&target.ident, &table, &store.config)?;
            let metadata_location = table.metadata_location.clone().ok_or_else(|| {
                Error::Internal(format!("Table {} has no metadata location", target.ident))
            })?;
            let of = TableRef { realm: &realm, catalog, ident: &target.ident };
            // Before it goes: were the store away afterwards, nobody would be told where it was.
            let metadata =
                self.metadata.json(of, &store, &metadata_location, kept.as_deref()).await?;
            let change = Change::Drop { id: table.id, expected: table.version };
            let answer = || Answer::Table { metadata_location: metadata_location.clone() };
            let left = Left::NoTable(&target.ident, table.id);
            let trace = Trace { caller, catalog, left };
            match self.apply_surely(&realm, vec![change], answer, trace).await {
                Err(MetastoreError::Conflict { .. }) => {
                    (table, kept) = self.look_again(&realm, caller, &target).await?;
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
