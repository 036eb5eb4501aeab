//! Answers that are remembered for requests with an idempotency key, in the transaction that makes
//! what was asked for, so that a request that is sent again changes nothing twice.

use std::sync::Arc;
use std::time::Duration;

use merak_authz::operations::ReplayAnswer;
use merak_authz::{Authorized, PrincipalRef, RoleSelection, TableAccess};
use merak_metastore::{AnswerRecord, CallerRef, Change, Error as MetastoreError};
use merak_model::{Entity, EntityKind, Location, RealmId, TableIdent};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::delegation::{AccessDelegation, Wanted};
use crate::generic_tables::GenericTable;
use crate::metadata::TableRef;
use crate::namespaces::{NamespaceView, PropertiesUpdated};
use crate::outcome::WAITS_MS;
use crate::policies::PolicyView;
use crate::sweep::millis;
use crate::tables::{LoadedTable, hex};
use crate::{Error, Service};

/// How many answers that expired are forgotten in one statement.
const FORGOTTEN_AT_ONCE: u32 = 1_000;

/// How long a write that is sent again is known by its mark; it is sent again within a second.
const MARK_LIFETIME: Duration = Duration::from_mins(10);

/// The idempotency key of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerKey {
    /// Who asks, as their token says: keys are their own.
    pub principal: String,
    /// The key, a UUID in its usual spelling.
    pub key: String,
    /// What is asked for; another request has another one.
    pub fingerprint: String,
    /// How long the answer is remembered.
    pub lifetime: Duration,
}

impl AnswerKey {
    /// The key of a request that somebody makes. `parts` are all that says what is asked for; the
    /// roles that are asked in belong to it.
    pub fn new(caller: &CallerRef, key: String, parts: &[&[u8]], lifetime: Duration) -> Self {
        // One is told from the other, whatever a provider calls its principals.
        let principal = match &caller.principal {
            PrincipalRef::Id(id) => format!("id:{}", id.0),
            PrincipalRef::Name(name) => format!("name:{name}"),
        };
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            // With its length, so that no part can pass for two.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        match &caller.roles {
            RoleSelection::All => add(b"all"),
            RoleSelection::Named(names) => {
                add(b"named");
                let mut names: Vec<_> = names.iter().map(String::as_bytes).collect();
                names.sort_unstable();
                add(&(names.len() as u64).to_be_bytes());
                for name in names {
                    add(name);
                }
            }
        }
        for part in parts {
            add(part);
        }
        Self { principal, key, fingerprint: hex(hash), lifetime }
    }
}

/// The final answer to a request, as it is remembered.
///
/// Metadata is not remembered, but where it is: the file never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// It was done, and there is nothing to tell.
    Done,
    /// A table as it is now.
    Table {
        /// Where its metadata file is.
        metadata_location: String,
    },
    /// A view as it is now.
    View {
        /// Where its metadata file is.
        metadata_location: String,
    },
    /// A generic table as it was made.
    GenericTable {
        /// Its identifier.
        id: i64,
        /// What is known of it.
        table: GenericTable,
    },
    /// A namespace.
    Namespace(NamespaceView),
    /// What became of properties.
    Properties(PropertiesUpdated),
    /// A policy.
    Policy(PolicyView),
    /// It was refused, for good.
    Refused {
        /// The kind of the error, as clients read it.
        kind: String,
        /// The text of the error.
        message: String,
    },
}

impl Service {
    /// The same service for a request with an idempotency key: what it changes is remembered with
    /// the answer.
    #[must_use]
    pub fn remembering(&self, key: Option<AnswerKey>) -> Self {
        Self { answer_key: key.map(Arc::new), ..self.clone() }
    }

    /// Changes, and with them the answer if the request has a key.
    pub(crate) fn with_answer(
        &self,
        mut changes: Vec<Change>,
        answer: impl FnOnce() -> Answer,
    ) -> Vec<Change> {
        if let Some(key) = &self.answer_key {
            changes.push(Change::Answer(Box::new(self.record(key, &answer()))));
        }
        changes
    }

    /// Remembers the answer to a request that changed nothing, if it has a key: so that it does not
    /// change something when it is sent again.
    pub(crate) async fn answer_unchanged(
        &self,
        realm: &RealmId,
        answer: impl FnOnce() -> Answer + Send,
    ) -> Result<(), MetastoreError> {
        let changes = self.with_answer(Vec::new(), answer);
        let mut outcome = self.metastore.apply(realm, &changes).await;
        for wait in WAITS_MS {
            // Remembered once more it is found to be there, and is given again.
            if !matches!(outcome, Err(MetastoreError::OutcomeUnknown(_))) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(wait)).await;
            outcome = self.metastore.apply(realm, &changes).await;
        }
        outcome
    }

    /// What became of the request with this key: what was answered first. If nothing was, it is
    /// `refused`, from now on.
    ///
    /// # Errors
    ///
    /// [`Error::Unprocessable`] if the key was used for another request. If the metastore does not
    /// say, [`Error::CommitStateUnknown`]: the request may have been carried out when it was sent
    /// before.
    pub async fn settle(
        &self,
        proof: &Authorized<ReplayAnswer>,
        refused: Answer,
    ) -> Result<Answer, Error> {
        let Some(key) = &self.answer_key else { return Ok(refused) };
        let record = self.record(key, &refused);
        let settled = self.metastore.settle_answer(proof.realm(), &record).await;
        let there = settled.map_err(|error| Error::CommitStateUnknown {
            what: format!("the request with the Idempotency-Key {}", key.key),
            source: error.into(),
        })?;
        if there.fingerprint != key.fingerprint {
            return Err(Error::Unprocessable(format!(
                "The Idempotency-Key {} was used for another request, and nothing was done: send \
                 each request with a key of its own",
                key.key
            )));
        }
        serde_json::from_str(&there.answer).map_err(|error| {
            Error::Internal(format!("The answer under an Idempotency-Key is damaged: {error}"))
        })
    }

    /// The table, or view, that an answer told of, as it was then. If `access` was given, and is to
    /// the same table, so are credentials, which are of now.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchFile`] if that state is not to be had any more.
    pub async fn answered_table(
        &self,
        proof: &Authorized<ReplayAnswer>,
        ident: &TableIdent,
        metadata_location: &str,
        access: Option<(TableAccess, AccessDelegation)>,
    ) -> Result<LoadedTable, Error> {
        let realm = proof.realm();
        let catalog = &proof.target().catalog;
        let store = self.store(realm, catalog)?;
        let location = Location::parse(metadata_location)?;
        if !store.config.allows(&location) {
            return Err(Error::NoSuchFile(metadata_location.to_owned()));
        }
        let table = TableRef { realm, catalog, ident };
        let metadata = self.metadata.of_then(table, &store, &location).await?;
        let access = access.filter(|(access, _)| is_of(&access.table().table, &metadata));
        let access = if let Some((access, asked)) = access {
            self.table_access(&access, &store, asked).await?
        } else {
            let asked = AccessDelegation::default();
            let caller = proof.caller();
            let kind = EntityKind::Table;
            let wanted = Wanted { realm, caller, catalog, ident, kind, location: "", asked };
            self.client_access(wanted, &store.config, None).await?
        };
        let metadata_location = Some(metadata_location.to_owned());
        Ok(LoadedTable { metadata_location, metadata, access })
    }

    /// Forgets the answers that expired.
    pub(crate) async fn forget_answers(&self) -> Result<(), Error> {
        let now_ms = self.clock.now_ms();
        while self.metastore.forget_answers(now_ms, FORGOTTEN_AT_ONCE).await?
            == u64::from(FORGOTTEN_AT_ONCE)
        {
            // Others get their turn.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// A mark that a write leaves although its request has no key: nobody asks for it but the write
    /// itself, if it is sent again.
    pub(crate) fn mark(&self) -> Change {
        let key = AnswerKey {
            // No token says so.
            principal: String::new(),
            key: Uuid::new_v4().to_string(),
            fingerprint: String::new(),
            lifetime: MARK_LIFETIME,
        };
        Change::Answer(Box::new(self.record(&key, &Answer::Done)))
    }

    fn record(&self, key: &AnswerKey, answer: &Answer) -> AnswerRecord {
        let now_ms = self.clock.now_ms();
        AnswerRecord {
            principal: key.principal.clone(),
            key: key.key.clone(),
            fingerprint: key.fingerprint.clone(),
            answer: serde_json::to_string(answer).expect("an answer has a JSON form"),
            created_ms: now_ms,
            expires_ms: now_ms.saturating_add(millis(key.lifetime)),
        }
    }
}

/// Whether metadata is that of a table, and not of another that had its name.
fn is_of(table: &Entity, metadata: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Named {
        table_uuid: Option<String>,
    }
    let uuid = serde_json::from_slice::<Named>(metadata).ok().and_then(|named| named.table_uuid);
    let known = table.internal.get("table-uuid");
    uuid.zip(known).is_some_and(|(uuid, known)| uuid.eq_ignore_ascii_case(known))
}
