//! What each operation does.
//!
//! Every method takes the proof that it was allowed, and acts on the entities the proof carries.
//! Nothing here knows HTTP.

mod answers;
mod catalog_roles;
mod catalog_rules;
mod catalogs;
mod commits;
mod connections;
mod default_locations;
mod delegation;
mod deliveries;
mod doctor;
mod error;
mod event_json;
mod events;
mod external;
mod federated;
mod foreign_files;
mod generic_tables;
mod grants;
mod locations;
mod metadata;
mod namespaces;
mod new_tables;
mod new_views;
mod notifications;
mod outcome;
mod policies;
mod principal_roles;
mod principals;
mod properties;
mod purge;
mod queue;
mod quickstart;
mod records;
mod registrations;
mod reports;
mod requests;
mod session;
mod signing;
mod sweep;
mod tables;
mod taken;
mod tasks;
mod transactions;
mod unregister;
mod versioned;
mod view_commits;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use merak_federation::Federation;
use merak_metastore::Metastore;
use merak_model::{Clock, Features, RealmId};
use merak_storage::Storage;
use merak_table_metadata::ViewMetadata;

pub use merak_authz::BoxError;

pub use answers::{Answer, AnswerKey};
pub use catalog_roles::CatalogRoleDraft;
pub use catalogs::{CatalogDraft, CatalogUpdate, bootstrap_changes};
pub use commits::Commit;
pub use connections::ShownConnection;
pub use delegation::{AccessDelegation, ClientAccess, TableCredentials};
pub use deliveries::{DeliveryError, DeliverySettings, EventLog, EventSink, LOG_SINK};
pub use doctor::PolicyExplanation;
pub use error::Error;
pub use event_json::{event_json, parse_rfc3339, rfc3339};
pub use events::{DATABASE_SINK, EventSettings};
pub use federated::{
    RemoteChange, RemoteCommit, RemoteNamespaces, RemotePage, RemoteRefusal, RemoteTables,
    RemoteViewChange,
};
pub use generic_tables::{GenericTable, GenericTableDraft, LoadedGenericTable};
pub use merak_federation::{AuthenticationDraft, ConnectionDraft};
pub use merak_metastore::{
    AuditQuery, AuditRecord, Delivery, EventRecord, EventsQuery, ResourceFilter,
};
pub use merak_metastore::{FoundReport, MetricsReport, ReportKind};
pub use merak_metastore::{Task, TaskState};
pub use merak_storage::{Diagnosis, S3RequestToSign};
pub use namespaces::{NamespaceView, PropertiesUpdated};
pub use new_tables::TableDraft;
pub use new_views::ViewDraft;
pub use notifications::{Notification, NotificationKind};
pub use policies::{ApplicablePolicy, Policies, PolicyChange, PolicyDraft, PolicyView};
pub use principal_roles::PrincipalRoleDraft;
pub use principals::{CredentialsChange, PrincipalDraft};
pub use purge::{PurgeSettings, ReferenceCheck};
pub use quickstart::quickstart_changes;
pub use registrations::Registration;
pub use reports::{
    CommitReport, EngineReport, ReportSettings, ReportsPage, ScanReport, WantedReports,
};
pub use requests::{RequestSettings, RequestSubject, ServedRequest};
pub use tables::{LoadOptions, Loaded, LoadedTable, Names, PageSize, Snapshots, version_tag};
pub use tasks::TaskSettings;
pub use transactions::TableChange;
pub use unregister::Unregistered;
pub use versioned::PropertiesReplacement;
pub use view_commits::ViewChange;
pub use views::LoadedView;

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
    /// What becomes of engines' reports.
    pub reports: ReportSettings,
    /// How work in the background is done.
    pub tasks: TaskSettings,
    /// Who is told of what happens.
    pub events: EventSettings,
    /// How sinks are told of events.
    pub deliveries: DeliverySettings,
    /// What is kept of requests.
    pub requests: RequestSettings,
}

/// Carries operations out.
#[derive(Debug, Clone)]
pub struct Service {
    metastore: Arc<dyn Metastore>,
    clock: Arc<dyn Clock>,
    features: Arc<BTreeMap<RealmId, Arc<Features>>>,
    storage: Arc<Storage>,
    federation: Arc<Federation>,
    metadata: metadata::MetadataFiles,
    queue: queue::CommitQueue,
    view_queue: queue::CommitQueue<ViewMetadata>,
    doctor: doctor::Diagnoses,
    reports: ReportSettings,
    tasks: Arc<tasks::Tasks>,
    deliveries: Arc<DeliverySettings>,
    events: Arc<events::Events>,
    requests: Arc<requests::Requests>,
    /// The idempotency key of the request that is served.
    answer_key: Option<Arc<AnswerKey>>,
}

impl Service {
    /// A service over a metastore, the object stores and other catalogs.
    pub fn new(
        metastore: Arc<dyn Metastore>,
        storage: Arc<Storage>,
        federation: Arc<Federation>,
        clock: Arc<dyn Clock>,
        features: Arc<BTreeMap<RealmId, Arc<Features>>>,
        settings: &ServiceSettings,
    ) -> Self {
        let metadata = metadata::MetadataFiles::new(Arc::clone(&storage), settings);
        let queue = queue::CommitQueue::default();
        let doctor = doctor::Diagnoses::new(settings.doctor_timeout);
        let reports = settings.reports.clone();
        let tasks = Arc::new(tasks::Tasks::new(&settings.tasks));
        let deliveries = Arc::new(settings.deliveries.clone());
        let requests = Arc::new(requests::Requests::new(settings.requests.clone()));
        let events = Arc::new(events::Events::new(settings.events.clone()));
        Self {
            metastore,
            clock,
            features,
            storage,
            federation,
            metadata,
            queue,
            view_queue: queue::CommitQueue::default(),
            doctor,
            reports,
            tasks,
            deliveries,
            events,
            requests,
            answer_key: None,
        }
    }

    /// The features of a realm. One that is not configured has the defaults.
    fn features_of(&self, realm: &RealmId) -> Arc<Features> {
        self.features.get(realm).map_or_else(Arc::default, Arc::clone)
    }
}
