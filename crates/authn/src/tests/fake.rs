//! A metastore that knows only what this crate asks for, and counts how often it is asked.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use merak_metastore::{
    AnswerRecord, Answers, AuditQuery, AuditRecord, AuditRecords, Bootstrap, Change, Delivery,
    Error, EventRecord, Events, EventsQuery, FoundReport, Hold, Metastore, MetricsReport,
    MetricsReports, PrincipalCredentials, PrincipalSecrets, Recorded, ReportsQuery, Resolution,
    ResolveRequest, TablesAfter, Task, TaskEnd, Tasks,
};
use merak_model::{Entity, EntityId, EventId, RealmId};
use secrecy::{ExposeSecret as _, SecretBox};

use crate::NewCredentials;

#[derive(Debug, Default)]
pub(super) struct FakeMetastore {
    principals: Mutex<HashMap<(RealmId, String), PrincipalCredentials>>,
    keys: Mutex<HashMap<(RealmId, String), Vec<u8>>>,
    statements: AtomicUsize,
    is_down: AtomicBool,
}

impl FakeMetastore {
    pub(super) fn add_principal(
        &self,
        realm: &RealmId,
        id: i64,
        name: &str,
        client_id: &str,
        secret: &str,
    ) {
        let secrets = NewCredentials::of(client_id, secret.into()).secrets;
        let credentials =
            PrincipalCredentials { principal: EntityId(id), name: name.into(), secrets };
        self.principals.lock().unwrap().insert((realm.clone(), client_id.to_owned()), credentials);
    }

    pub(super) fn secrets(&self, realm: &RealmId, client_id: &str) -> PrincipalSecrets {
        self.principals.lock().unwrap()[&(realm.clone(), client_id.to_owned())].secrets.clone()
    }

    pub(super) fn set_secrets(&self, realm: &RealmId, secrets: PrincipalSecrets) {
        let mut principals = self.principals.lock().unwrap();
        let key = (realm.clone(), secrets.client_id.clone());
        principals.get_mut(&key).unwrap().secrets = secrets;
    }

    pub(super) fn drop_principals(&self) {
        self.principals.lock().unwrap().clear();
    }

    #[expect(clippy::disallowed_methods, reason = "this stands for the database")]
    pub(super) fn add_key(&self, realm: &RealmId, algorithm: &str, key: &SecretBox<[u8]>) {
        let name = (realm.clone(), algorithm.to_owned());
        self.keys.lock().unwrap().insert(name, key.expose_secret().to_vec());
    }

    /// What a purge does to the keys.
    pub(super) fn drop_keys(&self) {
        self.keys.lock().unwrap().clear();
    }

    pub(super) fn key_names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.keys.lock().unwrap().keys().map(|(_, name)| name.clone()).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How many statements there were since this was last asked.
    pub(super) fn statements(&self) -> usize {
        self.statements.swap(0, Ordering::SeqCst)
    }

    fn statement(&self) -> Result<(), Error> {
        self.statements.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::Unavailable("the database is away".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl Answers for FakeMetastore {
    async fn settle_answer(&self, _: &RealmId, _: &AnswerRecord) -> Result<AnswerRecord, Error> {
        unreachable!("requests are answered elsewhere")
    }

    async fn forget_answers(&self, _: i64, _: u32) -> Result<u64, Error> {
        unreachable!("requests are answered elsewhere")
    }
}

#[async_trait]
impl AuditRecords for FakeMetastore {
    async fn add_audit_records(&self, _: &RealmId, _: &[AuditRecord]) -> Result<(), Error> {
        unreachable!("requests are kept elsewhere")
    }

    async fn audit_records(&self, _: &RealmId, _: &AuditQuery) -> Result<Vec<AuditRecord>, Error> {
        unreachable!("requests are kept elsewhere")
    }

    async fn forget_audit_records(&self, _: &[RealmId], _: i64, _: u32) -> Result<usize, Error> {
        unreachable!("requests are kept elsewhere")
    }
}

#[async_trait]
impl MetricsReports for FakeMetastore {
    async fn add_report(&self, _: &RealmId, _: &MetricsReport) -> Result<(), Error> {
        unreachable!("tokens report nothing")
    }

    async fn reports(&self, _: &RealmId, _: &ReportsQuery) -> Result<Vec<FoundReport>, Error> {
        unreachable!("tokens report nothing")
    }

    async fn forget_reports(&self, _: i64, _: u32) -> Result<u64, Error> {
        unreachable!("tokens report nothing")
    }
}

#[async_trait]
impl Metastore for FakeMetastore {
    async fn check_apart(&self, _: &RealmId, _: &Entity) -> Result<(), Error> {
        unreachable!("tokens have no locations")
    }

    async fn credentials(
        &self,
        realm: &RealmId,
        client_id: &str,
    ) -> Result<Option<PrincipalCredentials>, Error> {
        self.statement()?;
        // So that others get to ask meanwhile.
        tokio::task::yield_now().await;
        let key = (realm.clone(), client_id.to_owned());
        Ok(self.principals.lock().unwrap().get(&key).cloned())
    }

    async fn secrets(&self, _: &RealmId, _: EntityId) -> Result<Option<PrincipalSecrets>, Error> {
        unreachable!("secrets are rotated elsewhere")
    }

    async fn principal_name(
        &self,
        realm: &RealmId,
        principal: EntityId,
    ) -> Result<Option<String>, Error> {
        self.statement()?;
        let principals = self.principals.lock().unwrap();
        let found =
            principals.iter().find(|((of, _), found)| of == realm && found.principal == principal);
        Ok(found.map(|(_, found)| found.name.clone()))
    }

    #[expect(clippy::disallowed_methods, reason = "this stands for the database")]
    async fn signing_key(
        &self,
        realm: &RealmId,
        algorithm: &str,
        candidate: &SecretBox<[u8]>,
    ) -> Result<SecretBox<[u8]>, Error> {
        self.statement()?;
        let mut keys = self.keys.lock().unwrap();
        let key = keys
            .entry((realm.clone(), algorithm.to_owned()))
            .or_insert_with(|| candidate.expose_secret().to_vec());
        Ok(SecretBox::from(key.clone()))
    }

    async fn find_signing_key(
        &self,
        realm: &RealmId,
        algorithm: &str,
    ) -> Result<Option<SecretBox<[u8]>>, Error> {
        self.statement()?;
        // So that others get to wait for a look that is under way.
        tokio::task::yield_now().await;
        let keys = self.keys.lock().unwrap();
        Ok(keys.get(&(realm.clone(), algorithm.to_owned())).cloned().map(SecretBox::from))
    }

    async fn resolve(&self, _: &RealmId, _: &ResolveRequest) -> Result<Resolution, Error> {
        unreachable!("nothing is resolved to know who is calling")
    }

    async fn apply(&self, _: &RealmId, _: &[Change]) -> Result<(), Error> {
        unreachable!("nothing is changed to know who is calling")
    }

    async fn bootstrap(&self, _: &RealmId, _: &[Change]) -> Result<Bootstrap, Error> {
        unreachable!("realms are made elsewhere")
    }

    async fn is_bootstrapped(&self, _: &RealmId) -> Result<bool, Error> {
        unreachable!("realms are made elsewhere")
    }

    async fn purge(&self, _: &RealmId) -> Result<bool, Error> {
        unreachable!("realms are purged elsewhere")
    }

    async fn ping(&self) -> Result<(), Error> {
        unreachable!("health is asked for elsewhere")
    }
}

#[async_trait]
impl Tasks for FakeMetastore {
    async fn claim_task(
        &self,
        _: &[RealmId],
        _: &str,
        _: i64,
        _: i64,
    ) -> Result<Option<(RealmId, Task)>, Error> {
        unreachable!("{NO_TASKS}")
    }

    async fn report_task(&self, _: &Hold, _: &str, _: i64, _: i64) -> Result<bool, Error> {
        unreachable!("{NO_TASKS}")
    }

    async fn settle_task(
        &self,
        _: &Hold,
        _: &str,
        _: &TaskEnd,
        _: i64,
        _: &[Recorded],
    ) -> Result<bool, Error> {
        unreachable!("{NO_TASKS}")
    }

    async fn tasks(
        &self,
        _: &RealmId,
        _: EntityId,
        _: Option<EntityId>,
        _: u32,
    ) -> Result<Vec<Task>, Error> {
        unreachable!("{NO_TASKS}")
    }

    async fn task(&self, _: &RealmId, _: EntityId, _: EntityId) -> Result<Option<Task>, Error> {
        unreachable!("{NO_TASKS}")
    }

    async fn retry_task(
        &self,
        _: &RealmId,
        _: EntityId,
        _: EntityId,
        _: i64,
    ) -> Result<bool, Error> {
        unreachable!("{NO_TASKS}")
    }

    async fn forget_tasks(&self, _: &[RealmId], _: i64, _: u32) -> Result<usize, Error> {
        unreachable!("{NO_TASKS}")
    }

    async fn tables(
        &self,
        _: &RealmId,
        _: EntityId,
        _: &TablesAfter,
        _: u32,
    ) -> Result<Vec<Entity>, Error> {
        unreachable!("{NO_TASKS}")
    }
}

#[async_trait]
impl Events for FakeMetastore {
    async fn record_events(&self, _: &RealmId, _: &[Recorded]) -> Result<(), Error> {
        unreachable!("{NO_EVENTS}")
    }

    async fn events(&self, _: &RealmId, _: &EventsQuery) -> Result<Vec<EventRecord>, Error> {
        unreachable!("{NO_EVENTS}")
    }

    async fn claim_deliveries(
        &self,
        _: &[RealmId],
        _: &str,
        _: &str,
        _: i64,
        _: i64,
        _: u32,
    ) -> Result<Vec<Delivery>, Error> {
        unreachable!("{NO_EVENTS}")
    }

    async fn settle_deliveries(
        &self,
        _: &str,
        _: &str,
        _: &[(RealmId, EventId)],
    ) -> Result<usize, Error> {
        unreachable!("{NO_EVENTS}")
    }

    async fn postpone_deliveries(
        &self,
        _: &str,
        _: &str,
        _: &[(RealmId, EventId)],
        _: i64,
    ) -> Result<usize, Error> {
        unreachable!("{NO_EVENTS}")
    }

    async fn forget_events(&self, _: &[RealmId], _: i64, _: u32) -> Result<usize, Error> {
        unreachable!("{NO_EVENTS}")
    }

    async fn forget_deliveries(&self, _: &[RealmId], _: &[String], _: u32) -> Result<usize, Error> {
        unreachable!("{NO_EVENTS}")
    }

    async fn pending_deliveries(
        &self,
        _: &[RealmId],
        _: &str,
    ) -> Result<(u64, Option<i64>), Error> {
        unreachable!("{NO_EVENTS}")
    }
}

const NO_EVENTS: &str = "nobody is told of anything to know who is calling";

const NO_TASKS: &str = "nothing is done in the background to know who is calling";
