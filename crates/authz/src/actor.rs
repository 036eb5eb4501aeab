//! Who does something, as what is kept of it says.

use merak_metastore::ResolvedCaller;
use merak_model::{EntityId, RealmId};

use crate::{Authorized, CreateGenericTableAccess, CreateTableAccess, Operation, Reach};

/// Who does something that was allowed, and in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The realm.
    pub realm: RealmId,
    /// The principal's id.
    pub id: EntityId,
    /// Its name.
    pub name: String,
    /// The names of the principal roles it acts in.
    pub roles: Vec<String>,
    /// The id of the request.
    pub request_id: String,
}

impl Actor {
    fn new(realm: &RealmId, caller: &ResolvedCaller, request_id: &str) -> Self {
        Self {
            realm: realm.clone(),
            id: caller.id,
            name: caller.name.clone(),
            roles: caller.roles.iter().map(|role| role.name.clone()).collect(),
            request_id: request_id.to_owned(),
        }
    }
}

impl<O: Operation> Authorized<O> {
    /// Who it was allowed to, in which request.
    pub fn actor(&self) -> Actor {
        Actor::new(self.realm(), self.caller(), self.request_id())
    }
}

impl<M, R, W> Reach<M, R, W>
where
    M: Operation,
    R: Operation<Target = M::Target>,
    W: Operation<Target = M::Target>,
{
    /// Who it was allowed to, in which request.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Metadata(proof) => proof.actor(),
            Self::Read(proof) => proof.actor(),
            Self::Write(proof) => proof.actor(),
        }
    }
}

impl CreateGenericTableAccess {
    /// Who it was allowed to, in which request.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Plain(proof) => proof.actor(),
            Self::Write(proof) => proof.actor(),
        }
    }
}

impl CreateTableAccess {
    /// Who it was allowed to, in which request.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Direct(proof) => proof.actor(),
            Self::DirectWrite(proof) => proof.actor(),
            Self::Staged(proof) => proof.actor(),
            Self::StagedWrite(proof) => proof.actor(),
        }
    }
}
