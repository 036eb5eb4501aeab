//! What a principal may do with a table's data, told to others: no proof, so that nothing can be
//! minted for it.

use merak_metastore::{CallerRef, PrincipalRef, ResolvedCaller, RoleSelection};
use merak_model::{EntityKind, Privilege};

use crate::authorized::judge;
use crate::operations::{ExplainPolicy, LoadTableWithReadDelegation, LoadTableWithWriteDelegation};
use crate::targets::{ResolvedTable, Securable, TablePath};
use crate::{Authorizer, Caller, CatalogPath, Error, Operation};

/// What may be done with a table's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataRight {
    /// It may be read.
    Read,
    /// It may be read and written.
    Write,
}

/// What a principal may do with a table's data.
#[derive(Debug)]
pub struct TableRights {
    /// The principal, in all its roles. Those that say nothing about the catalog are left out where
    /// who asks may not list what principals were granted.
    pub principal: ResolvedCaller,
    /// The table, with all it is in.
    pub table: ResolvedTable,
    /// What it may do there, if anything.
    pub right: Option<DataRight>,
}

impl Authorizer {
    /// Says what a principal may do with a table's data; the caller itself if none is named. Asking
    /// needs the right to manage grants on the catalog. Costs two statements.
    pub async fn table_rights(
        &self,
        caller: &Caller,
        principal: Option<String>,
        path: &TablePath,
    ) -> Result<TableRights, Error> {
        let catalog =
            CatalogPath { catalog: path.catalog.clone(), children: None, as_warehouse: false };
        let proof = self.authorize(caller, ExplainPolicy, &catalog).await?;
        let may_list = proof.target().holds(Privilege::PrincipalListGrants);
        let sees_all_roles = self.sees_all_roles(caller, may_list).await?;
        let subject = match &principal {
            Some(name) => {
                CallerRef { principal: PrincipalRef::Name(name.clone()), roles: RoleSelection::All }
            }
            None => caller.reference.clone(),
        };
        let asking = Caller { reference: subject.clone(), ..caller.clone() };
        let mut request = ResolvedTable::request(path, subject);
        request.explain = true;
        let mut found = self.metastore().resolve(&caller.realm, &request).await?;
        let mut who = found.caller.take().ok_or_else(|| Error::NotFound {
            kind: EntityKind::Principal,
            name: principal.clone().unwrap_or_default(),
        })?;
        let explanation = std::mem::take(&mut found.explanation);
        let table = ResolvedTable::found(path, found)?;
        let right = if self.allows(&asking, &LoadTableWithWriteDelegation, &who, &table).await? {
            Some(DataRight::Write)
        } else {
            let reads = self.allows(&asking, &LoadTableWithReadDelegation, &who, &table).await?;
            reads.then_some(DataRight::Read)
        };
        if principal.is_some() && !sees_all_roles {
            who.roles.retain(|role| {
                let in_catalog = &explanation.catalog_roles;
                in_catalog.iter().any(|held| held.principal_role == role.name)
                    || explanation.grants.iter().any(|grant| grant.grantee == role.id)
            });
        }
        Ok(TableRights { principal: who, table, right })
    }
    async fn allows<O: Operation<Target = ResolvedTable>>(
        &self,
        asking: &Caller,
        operation: &O,
        who: &ResolvedCaller,
        table: &ResolvedTable,
    ) -> Result<bool, Error> {
        let features = self.features_of(&asking.realm);
        let judgement = judge(asking, who, operation, table, &features, self.external()).await?;
        Ok(judgement.is_allowed())
    }
}
