//! Operations on what another catalog owns: they are judged as on a catalog of our own, and done there.

use std::fmt::{self, Debug};

use merak_metastore::ResolvedCaller;
use merak_model::{Features, RealmId};

use crate::operations::{
    CreateTableDirect, CreateTableDirectWithWriteDelegation, CreateTableStaged,
    CreateTableStagedWithWriteDelegation, LoadTable, LoadTableWithReadDelegation,
    LoadTableWithWriteDelegation,
};
use crate::targets::{InRemote, NewTablePath, ResolvedNewTable, ResolvedTable, TablePath};
use crate::{
    Asked, Authorized, Authorizer, Caller, Delegation, Error, Operation, Reach, Requirement,
    Staging,
};

/// An operation in a federated catalog. It asks for what it would ask for in a catalog of our own.
///
/// Its proof is another one, so that what another catalog owns is not looked for here:
///
/// ```compile_fail,E0308
/// # use merak_authz::{Authorized, Remote, operations::DropTableWithoutPurge};
/// fn drop_table(proof: Authorized<DropTableWithoutPurge>) {
///     let _table = proof.into_target();
/// }
/// fn handler(proof: Authorized<Remote<DropTableWithoutPurge>>) {
///     drop_table(proof);
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Remote<O>(
    /// The operation, as it would be in a catalog of our own.
    pub O,
);

impl<O: Operation> Operation for Remote<O> {
    type Target = InRemote<O::Target>;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn asked_as(&self) -> &'static str {
        self.0.asked_as()
    }

    fn requirements(
        &self,
        caller: &ResolvedCaller,
        InRemote(target): &Self::Target,
        features: &Features,
    ) -> Vec<Requirement> {
        self.0.requirements(caller, target, features)
    }

    fn asked<'a>(
        &self,
        caller: &ResolvedCaller,
        InRemote(target): &'a Self::Target,
        features: &Features,
    ) -> Vec<Asked<'a>> {
        self.0.asked(caller, target, features)
    }

    fn needs_all_roles(&self) -> bool {
        self.0.needs_all_roles()
    }

    fn is_open_before_rotation(&self) -> bool {
        self.0.is_open_before_rotation()
    }
}

/// How far into a table of another catalog its caller may reach.
pub type RemoteTableAccess = Reach<
    Remote<LoadTable>,
    Remote<LoadTableWithReadDelegation>,
    Remote<LoadTableWithWriteDelegation>,
>;

impl RemoteTableAccess {
    /// The table it was allowed on.
    pub fn table(&self) -> &ResolvedTable {
        let InRemote(table) = self.target();
        table
    }
}

/// How a table is to be made in another catalog, and the proof that it may be.
pub enum RemoteCreateAccess {
    /// At once.
    Direct(Authorized<Remote<CreateTableDirect>>),
    /// At once, with its data for reading and writing.
    DirectWrite(Authorized<Remote<CreateTableDirectWithWriteDelegation>>),
    /// By its first commit.
    Staged(Authorized<Remote<CreateTableStaged>>),
    /// By its first commit, with its data for reading and writing.
    StagedWrite(Authorized<Remote<CreateTableStagedWithWriteDelegation>>),
}

impl RemoteCreateAccess {
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
        let InRemote(target) = match self {
            Self::Direct(proof) => proof.target(),
            Self::DirectWrite(proof) => proof.target(),
            Self::Staged(proof) => proof.target(),
            Self::StagedWrite(proof) => proof.target(),
        };
        target
    }

    /// Whether the table is to be made by its first commit.
    pub fn is_staged(&self) -> bool {
        matches!(self, Self::Staged(_) | Self::StagedWrite(_))
    }
}

impl Debug for RemoteCreateAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteCreateAccess").field(self.target()).finish()
    }
}

impl Authorizer {
    /// Allows reading a table of another catalog, as [`Self::authorize_load`] does one of our own.
    pub async fn authorize_remote_load(
        &self,
        caller: &Caller,
        delegation: Delegation,
        path: &TablePath,
    ) -> Result<RemoteTableAccess, Error> {
        let ways = (
            Remote(LoadTable),
            Remote(LoadTableWithReadDelegation),
            Remote(LoadTableWithWriteDelegation),
        );
        self.authorize_reach(caller, delegation, ways, path).await
    }

    /// Allows making a table in another catalog, as [`Self::authorize_create`] does in one of our own.
    pub async fn authorize_remote_create(
        &self,
        caller: &Caller,
        staging: Staging,
        delegation: Delegation,
        path: &NewTablePath,
    ) -> Result<RemoteCreateAccess, Error> {
        Ok(match (staging, delegation) {
            (Staging::Direct, Delegation::NotAsked) => RemoteCreateAccess::Direct(
                self.authorize(caller, Remote(CreateTableDirect), path).await?,
            ),
            (Staging::Direct, Delegation::Asked) => {
                let operation = Remote(CreateTableDirectWithWriteDelegation);
                RemoteCreateAccess::DirectWrite(self.authorize(caller, operation, path).await?)
            }
            (Staging::Staged, Delegation::NotAsked) => RemoteCreateAccess::Staged(
                self.authorize(caller, Remote(CreateTableStaged), path).await?,
            ),
            (Staging::Staged, Delegation::Asked) => {
                let operation = Remote(CreateTableStagedWithWriteDelegation);
                RemoteCreateAccess::StagedWrite(self.authorize(caller, operation, path).await?)
            }
        })
    }
}
