//! The proof that an operation was allowed.

use std::fmt::{self, Debug};

use merak_metastore::{ResolvedCaller, RoleSelection};
use merak_model::features::ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING;
use merak_model::{Features, RealmId};

use crate::operations::{
    CreateGenericTable, CreateGenericTableWithWriteDelegation, CreateTableDirect,
    CreateTableDirectWithWriteDelegation, CreateTableStaged, CreateTableStagedWithWriteDelegation,
    LoadGenericTable, LoadGenericTableWithReadDelegation, LoadGenericTableWithWriteDelegation,
    LoadTable, LoadTableWithReadDelegation, LoadTableWithWriteDelegation,
};
use crate::targets::{ResolvedGenericTable, ResolvedNewTable, ResolvedTable, Securable};
use crate::{
    Asked, Caller, Decision, Error, ExternalAuthorizer, Need, PolicyQuestion, Requirement, Verdict,
};

/// Something a caller can ask for, and what it is done to.
///
/// An operation is a value, because what it requires can depend on what was asked: adding a schema
/// and expiring a snapshot are both commits, and need different privileges.
pub trait Operation: Send + Sync {
    /// What the operation acts on.
    type Target: Securable;

    /// The operation's name in Polaris, for audit records and refusals.
    fn name(&self) -> &'static str;

    /// What it is called where somebody asks about it ([`crate::Authorizer::explain`]): its name, but
    /// where Polaris has one name for two operations.
    fn asked_as(&self) -> &'static str {
        self.name()
    }

    /// What it asks for on the target, and whether each of it is there: it is allowed if all is.
    /// `features` are the realm's: some widen or narrow what a privilege allows.
    fn requirements(
        &self,
        caller: &ResolvedCaller,
        target: &Self::Target,
        features: &Features,
    ) -> Vec<Requirement>;

    /// What an external authorizer is asked about it; nothing, if everybody may, whoever decides. It
    /// is allowed if all is.
    fn asked<'a>(
        &self,
        _: &ResolvedCaller,
        target: &'a Self::Target,
        _: &Features,
    ) -> Vec<Asked<'a>> {
        vec![Asked { action: self.name(), resources: target.resources() }]
    }

    /// Whether it is closed to tokens that activate only some of their principal's roles: what it
    /// gives out would open the others.
    fn needs_all_roles(&self) -> bool {
        false
    }

    /// Whether it is about what is kept here in a federated catalog, too, whose namespaces and tables
    /// another catalog owns.
    fn is_kept_here(&self) -> bool {
        false
    }

    /// Whether it is open to a principal that is to rotate its credentials first.
    fn is_open_before_rotation(&self) -> bool {
        false
    }
}

/// Proof that `O` was allowed on its target.
///
/// Only the [`crate::Authorizer`] makes one. It carries the entities that were checked, so that what
/// is acted on is what was authorized, whatever its name has come to mean since.
///
/// What acts demands the proof of its own operation:
///
/// ```
/// # use merak_authz::{Authorized, operations::{DropTableWithoutPurge, LoadTable}};
/// fn drop_table(proof: Authorized<DropTableWithoutPurge>) {
///     let _table = proof.into_target();
/// }
/// fn handler(proof: Authorized<DropTableWithoutPurge>) {
///     drop_table(proof);
/// }
/// ```
///
/// The proof of another operation is no proof:
///
/// ```compile_fail,E0308
/// # use merak_authz::{Authorized, operations::{DropTableWithoutPurge, LoadTable}};
/// fn drop_table(proof: Authorized<DropTableWithoutPurge>) {
///     let _table = proof.into_target();
/// }
/// fn handler(proof: Authorized<LoadTable>) {
///     drop_table(proof);
/// }
/// ```
///
/// Neither is a path:
///
/// ```compile_fail,E0308
/// # use merak_authz::{Authorized, TablePath, operations::DropTableWithoutPurge};
/// fn drop_table(proof: Authorized<DropTableWithoutPurge>) {
///     let _table = proof.into_target();
/// }
/// fn handler(path: TablePath) {
///     drop_table(path);
/// }
/// ```
///
/// Nobody else can make one:
///
/// ```compile_fail,E0451
/// # use merak_authz::{Authorized, ResolvedCaller, ResolvedTable, operations::LoadTable};
/// fn forge(realm: merak_model::RealmId, caller: ResolvedCaller, target: ResolvedTable) {
///     let request_id = String::new();
///     let _ = Authorized { realm, caller, request_id, operation: LoadTable, target };
/// }
/// ```
///
/// One that is made and not used is an error where warnings are:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// # use merak_authz::{Authorized, operations::LoadTable};
/// fn authorize() -> Authorized<LoadTable> {
///     loop {}
/// }
/// fn handler() {
///     authorize();
/// }
/// ```
#[must_use = "the operation was authorized, but not carried out"]
#[derive(Debug)]
pub struct Authorized<O: Operation> {
    realm: RealmId,
    caller: ResolvedCaller,
    request_id: String,
    operation: O,
    target: O::Target,
}

impl<O: Operation> Authorized<O> {
    /// The realm it was allowed in.
    pub fn realm(&self) -> &RealmId {
        &self.realm
    }

    /// Who it was allowed to.
    pub fn caller(&self) -> &ResolvedCaller {
        &self.caller
    }

    /// The id of the request it was allowed in.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// What was allowed, with all that was judged.
    pub fn operation(&self) -> &O {
        &self.operation
    }

    /// What it was allowed on.
    pub fn target(&self) -> &O::Target {
        &self.target
    }

    /// The target, for good.
    pub fn into_target(self) -> O::Target {
        self.target
    }
}

/// Makes the proof, or gives the parts back. Nothing else in the workspace makes one.
pub(crate) async fn allow<O: Operation>(
    asking: &Caller,
    caller: ResolvedCaller,
    operation: O,
    target: O::Target,
    features: &Features,
    external: Option<&dyn ExternalAuthorizer>,
) -> Result<Authorized<O>, NotAllowed<O>> {
    let judgement = judge(asking, &caller, &operation, &target, features, external).await;
    match judgement {
        Ok(judgement) if judgement.is_allowed() => {
            let (realm, request_id) = (asking.realm.clone(), asking.request_id.clone());
            Ok(Authorized { realm, caller, request_id, operation, target })
        }
        Ok(judgement) => {
            Err(NotAllowed::Refused(Box::new(Refused { caller, operation, target, judgement })))
        }
        Err(error) => Err(NotAllowed::NotKnown(error)),
    }
}

/// How an operation was judged.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// What it asks for; rules alone, where another decides on the rest.
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) must_rotate: bool,
    /// What another decides, if another does.
    pub(crate) decision: Option<Decision>,
}

impl Judgement {
    pub(crate) fn is_allowed(&self) -> bool {
        let is_denied = self.decision.is_some_and(|by| by.verdict == Verdict::Denied);
        !self.must_rotate && !is_denied && self.requirements.iter().all(|one| one.is_met)
    }
}

/// Judges an operation: the one place where it is decided.
pub(crate) async fn judge<O: Operation>(
    asking: &Caller,
    caller: &ResolvedCaller,
    operation: &O,
    target: &O::Target,
    features: &Features,
    external: Option<&dyn ExternalAuthorizer>,
) -> Result<Judgement, Error> {
    let mut judgement = Judgement {
        requirements: requirements(operation, &asking.reference.roles, caller, target, features),
        must_rotate: must_rotate_first(caller, operation, features),
        decision: None,
    };
    if let Some(external) = external {
        judgement.requirements.retain(|requirement| matches!(requirement.need, Need::Rule(_)));
        // One that a rule forbids is not asked about.
        let verdict = if judgement.is_allowed() {
            let asked = operation.asked(caller, target, features);
            ask(external, asking, caller, &asked).await?
        } else {
            Verdict::NotAsked
        };
        judgement.decision = Some(Decision { by: external.name(), verdict });
    }
    Ok(judgement)
}

async fn ask(
    external: &dyn ExternalAuthorizer,
    asking: &Caller,
    caller: &ResolvedCaller,
    all: &[Asked<'_>],
) -> Result<Verdict, Error> {
    let roles: Vec<_> = caller.roles.iter().map(|role| role.name.as_str()).collect();
    for asked in all {
        let question = PolicyQuestion {
            realm: &asking.realm,
            request_id: &asking.request_id,
            principal: &caller.name,
            roles: &roles,
            asked,
        };
        let allows = external.allows(&question).await;
        if !allows.map_err(|source| Error::CannotAsk { by: external.name(), source })? {
            return Ok(Verdict::Denied);
        }
    }
    Ok(if all.is_empty() { Verdict::NotAsked } else { Verdict::Allowed })
}

/// All that an operation asks for: of the roles that are acted in, and of the token.
fn requirements<O: Operation>(
    operation: &O,
    roles: &RoleSelection,
    caller: &ResolvedCaller,
    target: &O::Target,
    features: &Features,
) -> Vec<Requirement> {
    let mut requirements = operation.requirements(caller, target, features);
    if operation.needs_all_roles() && *roles != RoleSelection::All {
        requirements.push(Requirement::broken(
            "Credentials are replaced with a token of all roles only: ask for one with the scope \
             PRINCIPAL_ROLE:ALL",
        ));
    }
    requirements
}

/// Whether a principal has to rotate its credentials before it may do this.
fn must_rotate_first<O: Operation>(
    caller: &ResolvedCaller,
    operation: &O,
    features: &Features,
) -> bool {
    caller.must_rotate
        && !operation.is_open_before_rotation()
        && features.of_realm().is_on(&ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING)
}

/// There is no proof.
pub(crate) enum NotAllowed<O: Operation> {
    /// It is not allowed.
    Refused(Box<Refused<O>>),
    /// It is not known whether it is.
    NotKnown(Error),
}

/// What was not allowed, given back so that something less may be tried.
pub(crate) struct Refused<O: Operation> {
    pub(crate) caller: ResolvedCaller,
    pub(crate) operation: O,
    pub(crate) target: O::Target,
    pub(crate) judgement: Judgement,
}

/// How far into a table its caller may reach, and the proof of it: `M` shows its metadata, `R` its data
/// for reading and `W` for writing, too.
pub enum Reach<M: Operation, R: Operation, W: Operation> {
    /// Its metadata.
    Metadata(Authorized<M>),
    /// Its metadata, and its data for reading.
    Read(Authorized<R>),
    /// Its metadata, and its data for reading and writing.
    Write(Authorized<W>),
}

/// How far into an Iceberg table its caller may reach.
pub type TableAccess = Reach<LoadTable, LoadTableWithReadDelegation, LoadTableWithWriteDelegation>;

/// How far into a generic table its caller may reach.
pub type GenericTableAccess = Reach<
    LoadGenericTable,
    LoadGenericTableWithReadDelegation,
    LoadGenericTableWithWriteDelegation,
>;

impl<M, R, W> Reach<M, R, W>
where
    M: Operation,
    R: Operation<Target = M::Target>,
    W: Operation<Target = M::Target>,
{
    /// The realm it was allowed in.
    pub fn realm(&self) -> &RealmId {
        match self {
            Self::Metadata(proof) => proof.realm(),
            Self::Read(proof) => proof.realm(),
            Self::Write(proof) => proof.realm(),
        }
    }

    /// Who it was allowed to.
    pub fn caller(&self) -> &ResolvedCaller {
        match self {
            Self::Metadata(proof) => proof.caller(),
            Self::Read(proof) => proof.caller(),
            Self::Write(proof) => proof.caller(),
        }
    }

    pub(crate) fn target(&self) -> &M::Target {
        match self {
            Self::Metadata(proof) => proof.target(),
            Self::Read(proof) => proof.target(),
            Self::Write(proof) => proof.target(),
        }
    }
}

impl<M: Operation, R: Operation, W: Operation> Debug for Reach<M, R, W>
where
    Authorized<M>: Debug,
    Authorized<R>: Debug,
    Authorized<W>: Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata(proof) => f.debug_tuple("Metadata").field(proof).finish(),
            Self::Read(proof) => f.debug_tuple("Read").field(proof).finish(),
            Self::Write(proof) => f.debug_tuple("Write").field(proof).finish(),
        }
    }
}

impl TableAccess {
    /// The table it was allowed on.
    pub fn table(&self) -> &ResolvedTable {
        self.target()
    }
}

impl GenericTableAccess {
    /// The generic table it was allowed on.
    pub fn generic_table(&self) -> &ResolvedTable {
        let ResolvedGenericTable(found) = self.target();
        found
    }
}

/// How a generic table is to be made, and the proof that it may be.
#[derive(Debug)]
pub enum CreateGenericTableAccess {
    /// By itself.
    Plain(Authorized<CreateGenericTable>),
    /// With its data for reading and writing.
    Write(Authorized<CreateGenericTableWithWriteDelegation>),
}

impl CreateGenericTableAccess {
    /// The realm it was allowed in.
    pub fn realm(&self) -> &RealmId {
        match self {
            Self::Plain(proof) => proof.realm(),
            Self::Write(proof) => proof.realm(),
        }
    }

    /// Who it was allowed to.
    pub fn caller(&self) -> &ResolvedCaller {
        match self {
            Self::Plain(proof) => proof.caller(),
            Self::Write(proof) => proof.caller(),
        }
    }

    /// Where it was allowed.
    pub fn target(&self) -> &ResolvedNewTable {
        match self {
            Self::Plain(proof) => proof.target(),
            Self::Write(proof) => proof.target(),
        }
    }
}

/// How a table is to be made, and the proof that it may be.
#[derive(Debug)]
pub enum CreateTableAccess {
    /// At once.
    Direct(Authorized<CreateTableDirect>),
    /// At once, with its data for reading and writing.
    DirectWrite(Authorized<CreateTableDirectWithWriteDelegation>),
    /// By its first commit.
    Staged(Authorized<CreateTableStaged>),
    /// By its first commit, with its data for reading and writing.
    StagedWrite(Authorized<CreateTableStagedWithWriteDelegation>),
}

impl CreateTableAccess {
    /// The realm it was allowed in.
    pub fn realm(&self) -> &RealmId {
        match self {
            Self::Direct(proof) => proof.realm(),
            Self::DirectWrite(proof) => proof.realm(),
            Self::Staged(proof) => proof.realm(),
            Self::StagedWrite(proof) => proof.realm(),
        }
    }

    /// Who it was allowed to.
    pub fn caller(&self) -> &ResolvedCaller {
        match self {
            Self::Direct(proof) => proof.caller(),
            Self::DirectWrite(proof) => proof.caller(),
            Self::Staged(proof) => proof.caller(),
            Self::StagedWrite(proof) => proof.caller(),
        }
    }

    /// Where it was allowed.
    pub fn target(&self) -> &ResolvedNewTable {
        match self {
            Self::Direct(proof) => proof.target(),
            Self::DirectWrite(proof) => proof.target(),
            Self::Staged(proof) => proof.target(),
            Self::StagedWrite(proof) => proof.target(),
        }
    }

    /// Whether the table is to be made by its first commit.
    pub fn is_staged(&self) -> bool {
        matches!(self, Self::Staged(_) | Self::StagedWrite(_))
    }
}
