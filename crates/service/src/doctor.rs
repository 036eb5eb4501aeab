//! What is wrong with a catalog's storage, and what would bound credentials for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use merak_authz::operations::DiagnoseCatalog;
use merak_authz::{Authorized, DataRight, TableRights};
use merak_model::features::SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION;
use merak_model::storage_config::Provider;
use merak_model::{EntityId, Location, Namespace, RealmId, StorageConfig, TableIdent};
use merak_storage::{DataAccess, Diagnosis, DiagnosisRequest, PolicyQuestion};
use serde_json::Value;

use crate::delegation::session;
use crate::external::check_vending;
use crate::locations::{DEFAULT_BASE_LOCATION, check_still_allowed, granted_places};
use crate::session::Subject;
use crate::{Error, Service};

/// What would bound the credentials that a principal gets for a table.
#[derive(Debug)]
pub struct PolicyExplanation {
    /// The principal's name.
    pub principal: String,
    /// The table.
    pub table: TableIdent,
    /// What the principal may do with its data, if anything.
    pub right: Option<DataRight>,
    /// The catalog's kind of storage.
    pub storage_type: String,
    /// The places that credentials would be for.
    pub locations: Vec<Location>,
    /// How long they would live.
    pub lifetime: Duration,
    /// What would bound them, in the form that the cloud has for that.
    pub policy: Option<Value>,
    /// Why there would be none, in a sentence.
    pub reason: Option<String>,
}

/// Where catalogs are examined, each by one at a time.
#[derive(Debug, Clone)]
pub(crate) struct Diagnoses {
    timeout: Duration,
    under_way: Arc<Mutex<HashSet<(RealmId, EntityId)>>>,
}

/// While it is there, nobody else examines the catalog.
#[derive(Debug)]
struct Turn {
    diagnoses: Diagnoses,
    of: (RealmId, EntityId),
}

impl Diagnoses {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, under_way: Arc::default() }
    }

    fn turn(&self, realm: &RealmId, catalog: EntityId) -> Option<Turn> {
        let of = (realm.clone(), catalog);
        let mut examined = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        examined.insert(of.clone()).then(|| Turn { diagnoses: self.clone(), of })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let examined = &self.diagnoses.under_way;
        examined.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.of);
    }
}

impl Service {
    /// Walks the chain of a catalog's storage, and says what is wrong with it. One diagnosis of a
    /// catalog is made at a time: each writes to the store and costs calls of the cloud.
    pub async fn diagnose(&self, proof: Authorized<DiagnoseCatalog>) -> Result<Diagnosis, Error> {
        let realm = proof.realm();
        let catalog = &proof.target().catalog;
        let _turn = self.doctor.turn(realm, catalog.id).ok_or_else(|| {
            Error::ConcurrentModification(format!(
                "Catalog {} is being diagnosed already; retry later",
                catalog.name
            ))
        })?;
        let store = self.store(realm, catalog)?;
        let base = catalog.properties.get(DEFAULT_BASE_LOCATION).cloned().unwrap_or_default();
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        // As for a table, so that what names it needs permission for is asked for.
        let table = TableIdent { namespace: Namespace::default(), name: "merak-doctor".to_owned() };
        let subject =
            Subject { realm, caller: proof.caller(), catalog: &catalog.name, table: &table };
        let session = session(subject, &store.config, features);
        let asked = DiagnosisRequest::of(&proof, store, base, session, self.doctor.timeout);
        Ok(self.storage.diagnose(&asked).await)
    }

    /// What would bound the credentials that a principal gets for a table, as things are now.
    /// Nothing is minted, and no cloud is asked.
    pub fn explain_policy(
        &self,
        realm: &RealmId,
        rights: TableRights,
    ) -> Result<PolicyExplanation, Error> {
        let TableRights { principal, table: found, right } = rights;
        let catalog = &found.namespace.catalog;
        let store = self.store(realm, catalog)?;
        check_still_allowed(&found.ident, &found.table, &store.config)?;
        let locations = granted_places(&found.table)?;
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        let skips = features.is_on(&SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION);
        let subject =
            Subject { realm, caller: &principal, catalog: &catalog.name, table: &found.ident };
        let access = match right {
            Some(DataRight::Write) => Some(DataAccess::Write),
            Some(DataRight::Read) => Some(DataAccess::Read),
            None => None,
        };
        let none = why_none(&store.config, skips).map(str::to_owned);
        let none = none.or_else(|| Some(check_vending(catalog, features).err()?.to_string()));
        let explained = match (access, none) {
            (None, _) => Err(format!(
                "Principal {} may not read the data of {}, so nothing would be minted",
                principal.name, found.ident
            )),
            (Some(_), Some(why)) => Err(why),
            (Some(access), None) => {
                let question = PolicyQuestion {
                    session: session(subject, &store.config, features),
                    store: store.clone(),
                    locations: locations.clone(),
                    access,
                };
                self.storage.explain_policy(question).map_err(|error| error.to_string())
            }
        };
        let (policy, reason) = match explained {
            Ok(policy) => (Some(policy), None),
            Err(reason) => (None, Some(reason)),
        };
        Ok(PolicyExplanation {
            right,
            storage_type: store.config.storage_type().to_string(),
            locations,
            lifetime: store.lifetime,
            policy,
            reason,
            table: found.ident,
            principal: principal.name,
        })
    }
}

/// Why nobody gets credentials from a catalog, if that is so.
fn why_none(config: &StorageConfig, skips: bool) -> Option<&'static str> {
    match &config.provider {
        Provider::File {} => Some("Files of the server's own disk need no credentials"),
        Provider::S3(_) | Provider::Azure(_) | Provider::Gcs(_) if skips => {
            Some("SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION is on: nothing is minted")
        }
        Provider::S3(s3) if s3.sts_unavailable == Some(true) => {
            Some("The catalog's storage has no STS (stsUnavailable): nothing can be minted")
        }
        Provider::S3(_) | Provider::Azure(_) | Provider::Gcs(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_is_examined_by_one_at_a_time() {
        let diagnoses = Diagnoses::new(Duration::from_secs(1));
        let (realm, catalog) = (RealmId::new("r"), EntityId::ROOT);

        let turn = diagnoses.turn(&realm, catalog).unwrap();

        assert!(diagnoses.clone().turn(&realm, catalog).is_none());
        assert!(diagnoses.turn(&RealmId::new("other"), catalog).is_some());
        drop(turn);
        assert!(diagnoses.turn(&realm, catalog).is_some());
    }
}
