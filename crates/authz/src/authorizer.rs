//! Where every request is judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use merak_metastore::{Metastore, Resolution, ResolveRequest, ResolvedCaller};
use merak_model::{Features, RealmId};

pub use merak_metastore::{CallerRef, PrincipalRef, RoleSelection};

use crate::authorized::{NotAllowed, Refused, allow};
use crate::operations::{
    CreateGenericTable, CreateGenericTableWithWriteDelegation, CreateTableDirect,
    CreateTableDirectWithWriteDelegation, CreateTableStaged, CreateTableStagedWithWriteDelegation,
    LoadGenericTable, LoadGenericTableWithReadDelegation, LoadGenericTableWithWriteDelegation,
    LoadTable, LoadTableWithReadDelegation, LoadTableWithWriteDelegation, ReplayAnswer,
};
use crate::targets::{
    CatalogPath, NewTablePath, ResolvedCatalog, Securable, TablePath, is_federated,
};
use crate::trail::{Noted, note, note_who, role_names};
use crate::{
    Authorized, CreateGenericTableAccess, CreateTableAccess, Error, ExternalAuthorizer,
    GenericTableAccess, Need, Operation, Reach, TableAccess, Verdict,
};

/// Whether a caller asks for a table's data beside its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delegation {
    /// It has its own way to the data.
    NotAsked,
    /// The client wants to reach the table's files, by credentials or by signatures.
    Asked,
}

/// When a table comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staging {
    /// At once.
    Direct,
    /// With its first commit.
    Staged,
}

/// Who is calling, as their verified token says, and in which realm.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The realm of the request, which is also the token's.
    pub realm: RealmId,
    /// The principal and the roles the token activates.
    pub reference: CallerRef,
    /// The request's id, which an external authorizer is told.
    pub request_id: String,
}

/// Judges operations. Everything it needs to know it reads in one statement.
#[derive(Debug, Clone)]
pub struct Authorizer {
    metastore: Arc<dyn Metastore>,
    features: Arc<BTreeMap<RealmId, Arc<Features>>>,
    /// Who decides, if not the roles and grants.
    external: Option<Arc<dyn ExternalAuthorizer>>,
}

impl Authorizer {
    /// An authorizer over a metastore, with the features of each realm.
    pub fn new(
        metastore: Arc<dyn Metastore>,
        features: Arc<BTreeMap<RealmId, Arc<Features>>>,
    ) -> Self {
        Self { metastore, features, external: None }
    }

    /// The same, but that another decides, in the place of roles and grants.
    #[must_use]
    pub fn decided_by(self, external: Arc<dyn ExternalAuthorizer>) -> Self {
        Self { external: Some(external), ..self }
    }

    /// Allows `operation` on what `path` names, or says why not.
    ///
    /// Existence comes before privileges, as in Polaris: what is not there is not found by anybody.
    pub async fn authorize<O: Operation>(
        &self,
        caller: &Caller,
        operation: O,
        path: &<O::Target as Securable>::Path,
    ) -> Result<Authorized<O>, Error> {
        let request = O::Target::request(path, caller.reference.clone());
        let (who, resolution) = self.resolve(caller, &request).await?;
        refuse_remote(&operation, path, &resolution)?;
        note_who(&who);
        record_operation(&operation);
        let target = O::Target::found(path, resolution)?;
        record_target(&target);
        let features = self.features_of(&caller.realm);
        let allowed = allow(caller, who, operation, target, &features, self.external()).await;
        allowed.map_err(refusal)
    }

    /// Allows reading a table and, if asked, its data as far as the caller may: engines do not say
    /// which they want, so that writing is tried first, then reading, as Polaris does.
    pub async fn authorize_load(
        &self,
        caller: &Caller,
        delegation: Delegation,
        path: &TablePath,
    ) -> Result<TableAccess, Error> {
        let ways = (LoadTable, LoadTableWithReadDelegation, LoadTableWithWriteDelegation);
        self.authorize_reach(caller, delegation, ways, path).await
    }

    /// The same for a generic table.
    pub async fn authorize_load_generic(
        &self,
        caller: &Caller,
        delegation: Delegation,
        path: &TablePath,
    ) -> Result<GenericTableAccess, Error> {
        let ways = (
            LoadGenericTable,
            LoadGenericTableWithReadDelegation,
            LoadGenericTableWithWriteDelegation,
        );
        self.authorize_reach(caller, delegation, ways, path).await
    }

    pub(crate) async fn authorize_reach<M, R, W>(
        &self,
        caller: &Caller,
        delegation: Delegation,
        (load, read, write): (M, R, W),
        path: &<M::Target as Securable>::Path,
    ) -> Result<Reach<M, R, W>, Error>
    where
        M: Operation,
        R: Operation<Target = M::Target>,
        W: Operation<Target = M::Target>,
    {
        if delegation == Delegation::NotAsked {
            return self.authorize(caller, load, path).await.map(Reach::Metadata);
        }
        let request = M::Target::request(path, caller.reference.clone());
        let (who, resolution) = self.resolve(caller, &request).await?;
        refuse_remote(&load, path, &resolution)?;
        note_who(&who);
        let target = M::Target::found(path, resolution).inspect_err(|_| record_operation(&read))?;
        record_target(&target);
        let features = self.features_of(&caller.realm);
        let refused = match allow(caller, who, write, target, &features, self.external()).await {
            Ok(proof) => {
                record_operation(proof.operation());
                return Ok(Reach::Write(proof));
            }
            Err(NotAllowed::Refused(refused)) => refused,
            Err(NotAllowed::NotKnown(error)) => return Err(error),
        };
        let Refused { caller: who, target, .. } = *refused;
        record_operation(&read);
        let allowed = allow(caller, who, read, target, &features, self.external()).await;
        allowed.map(Reach::Read).map_err(refusal)
    }

    /// Allows making a generic table and, if asked, writing its data.
    pub async fn authorize_create_generic(
        &self,
        caller: &Caller,
        delegation: Delegation,
        path: &NewTablePath,
    ) -> Result<CreateGenericTableAccess, Error> {
        Ok(match delegation {
            Delegation::NotAsked => CreateGenericTableAccess::Plain(
                self.authorize(caller, CreateGenericTable, path).await?,
            ),
            Delegation::Asked => CreateGenericTableAccess::Write(
                self.authorize(caller, CreateGenericTableWithWriteDelegation, path).await?,
            ),
        })
    }

    /// Allows making a table, in one of the four ways.
    pub async fn authorize_create(
        &self,
        caller: &Caller,
        staging: Staging,
        delegation: Delegation,
        path: &NewTablePath,
    ) -> Result<CreateTableAccess, Error> {
        Ok(match (staging, delegation) {
            (Staging::Direct, Delegation::NotAsked) => {
                CreateTableAccess::Direct(self.authorize(caller, CreateTableDirect, path).await?)
            }
            (Staging::Direct, Delegation::Asked) => CreateTableAccess::DirectWrite(
                self.authorize(caller, CreateTableDirectWithWriteDelegation, path).await?,
            ),
            (Staging::Staged, Delegation::NotAsked) => {
                CreateTableAccess::Staged(self.authorize(caller, CreateTableStaged, path).await?)
            }
            (Staging::Staged, Delegation::Asked) => CreateTableAccess::StagedWrite(
                self.authorize(caller, CreateTableStagedWithWriteDelegation, path).await?,
            ),
        })
    }

    /// Allows telling a caller again what became of a request with an idempotency key. The request's
    /// span has who asks, and for what, already.
    pub async fn authorize_replay(
        &self,
        caller: &Caller,
        catalog: &str,
    ) -> Result<Authorized<ReplayAnswer>, Error> {
        let path = CatalogPath { catalog: catalog.to_owned(), children: None, as_warehouse: false };
        let request = ResolvedCatalog::request(&path, caller.reference.clone());
        let (who, resolution) = self.resolve(caller, &request).await?;
        let target = ResolvedCatalog::found(&path, resolution)?;
        let features = self.features_of(&caller.realm);
        let allowed = allow(caller, who, ReplayAnswer, target, &features, self.external()).await;
        allowed.map_err(refusal)
    }

    pub(crate) async fn resolve(
        &self,
        caller: &Caller,
        request: &ResolveRequest,
    ) -> Result<(ResolvedCaller, Resolution), Error> {
        let mut resolution = self.metastore.resolve(&caller.realm, request).await?;
        let who = resolution.caller.take().ok_or_else(|| {
            Error::Unauthenticated("The principal of this token does not exist".to_owned())
        })?;
        require_roles(&caller.reference.roles, &who)?;
        Ok((who, resolution))
    }

    pub(crate) fn metastore(&self) -> &dyn Metastore {
        &*self.metastore
    }

    pub(crate) fn external(&self) -> Option<&dyn ExternalAuthorizer> {
        self.external.as_deref()
    }

    pub(crate) fn features_of(&self, realm: &RealmId) -> Arc<Features> {
        self.features.get(realm).map_or_else(Arc::default, Arc::clone)
    }
}

/// A role that was asked for and is not held spoils the token, as in Polaris: acting silently in
/// fewer roles than asked for would answer another question.
pub(crate) fn require_roles(asked: &RoleSelection, who: &ResolvedCaller) -> Result<(), Error> {
    let RoleSelection::Named(names) = asked else {
        return Ok(());
    };
    let missing = names.iter().find(|name| who.roles.iter().all(|role| role.name != **name));
    match missing {
        None => Ok(()),
        Some(name) => Err(Error::Unauthenticated(format!(
            "The principal role '{name}' that this token asks for is not granted to the principal"
        ))),
    }
}

/// Refuses what another catalog owns: whether it is there is not known here. Whoever goes on from
/// there is judged, and logged, then.
fn refuse_remote<O: Operation>(
    operation: &O,
    path: &<O::Target as Securable>::Path,
    resolution: &Resolution,
) -> Result<(), Error> {
    let is_remote = is_federated(resolution) && !operation.is_kept_here();
    if is_remote && O::Target::expected(path).is_some() {
        return Err(Error::Federated);
    }
    Ok(())
}

/// Says for what. Once for each request: what is recorded twice is logged twice.
fn record_operation<O: Operation>(operation: &O) {
    note(Noted::Operation, || operation.name().to_owned());
}

/// Says on what, as far as that is there.
fn record_target<T: Securable>(target: &T) {
    note(Noted::Securable, || securables(target));
}

/// What was acted on. A transaction may act on a thousand tables, of which the first are named.
fn securables<T: Securable>(target: &T) -> String {
    const NAMED: usize = 4;
    let spots = target.spots();
    let mut named: Vec<_> = spots.iter().take(NAMED).map(ToString::to_string).collect();
    if spots.len() > NAMED {
        named.push(format!("{} more", spots.len() - NAMED));
    }
    named.join(", ")
}

fn refusal<O: Operation>(not_allowed: NotAllowed<O>) -> Error {
    match not_allowed {
        NotAllowed::Refused(refused) => forbidden(&refused),
        NotAllowed::NotKnown(error) => error,
    }
}

/// The answer says what Polaris' does; which privilege is missing, and where, only the log says, and
/// whoever may manage grants can ask for ([`Authorizer::explain`]).
fn forbidden<O: Operation>(refused: &Refused<O>) -> Error {
    let Refused { caller: who, operation, target, judgement } = refused;
    let spots = target.spots();
    let denied = judgement.decision.filter(|by| by.verdict == Verdict::Denied);
    let missing: Vec<_> = judgement
        .requirements
        .iter()
        .filter(|requirement| !requirement.is_met)
        .map(|requirement| match spots.get(requirement.on) {
            Some(spot) => format!("{} on {spot}", requirement.need),
            None => requirement.need.to_string(),
        })
        .collect();
    let missing = match denied {
        _ if judgement.must_rotate => "a rotation of its credentials".to_owned(),
        Some(denied) => format!("the consent of {}", denied.by),
        None => missing.join(", "),
    };
    // The span says the rest.
    note(Noted::Missing, || missing);
    tracing::info!("operation refused");
    if judgement.must_rotate {
        return Error::MustRotate { principal: who.name.clone(), operation: operation.name() };
    }
    if let Some(denied) = denied {
        return Error::DeniedBy(denied.by);
    }
    let rule = judgement.requirements.iter().find_map(|requirement| match requirement.need {
        Need::Rule(rule) if !requirement.is_met => Some(rule),
        Need::Rule(_) | Need::Privilege(_) => None,
    });
    if let Some(rule) = rule {
        return Error::AgainstTheRules(rule);
    }
    Error::Forbidden {
        principal: who.name.clone(),
        roles: role_names(who),
        operation: operation.name(),
    }
}
