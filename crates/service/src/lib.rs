//! What each operation does.
//!
//! Every method takes the proof that it was allowed, and acts on the entities the proof carries.
//! Nothing here knows HTTP.

mod catalog_roles;
mod catalog_rules;
mod catalogs;
mod commits;
mod delegation;
mod doctor;
mod error;
mod grants;
mod locations;
mod metadata;
mod namespaces;
mod new_tables;
mod policies;
mod principal_roles;
mod principals;
mod properties;
mod queue;
mod quickstart;
mod session;
mod signing;
mod tables;
mod transactions;
mod versioned;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use merak_metastore::Metastore;
use merak_model::{Clock, Features, RealmId};
use merak_storage::Storage;

pub use catalog_roles::CatalogRoleDraft;
pub use catalogs::{CatalogDraft, CatalogUpdate, bootstrap_changes};
pub use commits::Commit;
pub use delegation::{AccessDelegation, ClientAccess, TableCredentials};
pub use doctor::PolicyExplanation;
pub use error::Error;
pub use merak_storage::{Diagnosis, S3RequestToSign};
pub use namespaces::{NamespaceView, PropertiesUpdated};
pub use new_tables::{Registration, TableDraft};
pub use principal_roles::PrincipalRoleDraft;
pub use principals::{CredentialsChange, PrincipalDraft};
pub use quickstart::quickstart_changes;
pub use tables::{LoadOptions, Loaded, LoadedTable, Names, Snapshots, version_tag};
pub use transactions::TableChange;
pub use versioned::PropertiesReplacement;

/// Limits and sizes of the service.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// Metadata of at most so many compressed bytes is kept in the metastore beside its pointer.
    pub inline_max_bytes: usize,
    /// So many bytes of metadata are kept in memory.
    pub cache_max_bytes: u64,
    /// Metadata larger than this is not read.
    pub max_metadata_bytes: u64,
    /// All steps of a diagnosis together may take so long.
    pub doctor_timeout: Duration,
}

/// Carries operations out.
#[derive(Debug, Clone)]
pub struct Service {
    metastore: Arc<dyn Metastore>,
    clock: Arc<dyn Clock>,
    features: Arc<BTreeMap<RealmId, Arc<Features>>>,
    storage: Arc<Storage>,
    metadata: metadata::MetadataFiles,
    queue: queue::CommitQueue,
    doctor: doctor::Diagnoses,
}

impl Service {
    /// A service over a metastore and the object stores.
    pub fn new(
        metastore: Arc<dyn Metastore>,
        storage: Arc<Storage>,
        clock: Arc<dyn Clock>,
        features: Arc<BTreeMap<RealmId, Arc<Features>>>,
        settings: &ServiceSettings,
    ) -> Self {
        let metadata = metadata::MetadataFiles::new(Arc::clone(&storage), settings);
        let queue = queue::CommitQueue::default();
        let doctor = doctor::Diagnoses::new(settings.doctor_timeout);
        Self { metastore, clock, features, storage, metadata, queue, doctor }
    }

    /// The features of a realm. One that is not configured has the defaults.
    fn features_of(&self, realm: &RealmId) -> Arc<Features> {
        self.features.get(realm).map_or_else(Arc::default, Arc::clone)
    }
}
