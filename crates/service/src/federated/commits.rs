//! Commits to tables of another catalog.

use merak_authz::operations::{
    CommitKinds, CommitTransaction, UpdateTable, UpdateTableForStagedCreate,
};
use merak_authz::{
    Authorized, InRemote, Operation, Remote, ResolvedNewTable, ResolvedTable, TransactionTarget,
};
use merak_federation::Method;
use merak_model::entity::WRITE_PATHS;
use merak_model::{Entity, RealmId, TableIdent};
use serde_json::{Value, json};

use super::tables::TableAnswer;
use crate::delegation::ClientAccess;
use crate::tables::LoadedTable;
use crate::{Commit, Error, Service};

/// A commit for another catalog: what it is judged by, and what goes there.
#[derive(Debug)]
pub struct RemoteCommit {
    commit: Commit,
    requirements: Value,
    updates: Value,
}

/// The commits of a transaction to one table, in order.
#[derive(Debug)]
pub struct RemoteChange {
    /// The table.
    pub ident: TableIdent,
    /// The commits.
    pub commits: Vec<RemoteCommit>,
}

impl RemoteCommit {
    /// Reads a commit of Iceberg's JSON.
    pub fn parse(requirements: Option<Value>, updates: Option<Value>) -> Result<Self, Error> {
        let empty = || Value::Array(Vec::new());
        let requirements = requirements.unwrap_or_else(empty);
        let updates = updates.unwrap_or_else(empty);
        let commit = Commit::parse(&requirements, &updates)?;
        Ok(Self { commit, requirements, updates })
    }

    /// Whether it makes a staged table.
    pub fn is_create(&self) -> bool {
        self.commit.is_create()
    }

    /// Where it says that the table lies.
    fn places(&self) -> impl Iterator<Item = &str> {
        let updates = self.updates.as_array().into_iter().flatten();
        updates.flat_map(|update| {
            let location = update.get("location").filter(|_| update["action"] == "set-location");
            let properties = update.get("updates").filter(|_| update["action"] == "set-properties");
            let paths = WRITE_PATHS.iter().filter_map(move |key| properties?.get(*key));
            location.into_iter().chain(paths).filter_map(Value::as_str)
        })
    }

    /// The commit, to that table.
    fn to_json(&self, ident: &TableIdent) -> Value {
        json!({
            "identifier": {"namespace": ident.namespace.levels(), "name": ident.name},
            "requirements": self.requirements,
            "updates": self.updates,
        })
    }
}

impl CommitKinds for RemoteCommit {
    fn update_kinds(&self) -> Vec<&'static str> {
        self.commit.update_kinds()
    }
}

impl Service {
    /// Changes a table.
    pub async fn update_remote_table(
        &self,
        proof: Authorized<Remote<UpdateTable<RemoteCommit>>>,
    ) -> Result<LoadedTable, Error> {
        let (InRemote(target), Remote(UpdateTable(commit))) = (proof.target(), proof.operation());
        let ResolvedTable { namespace, ident, .. } = target;
        self.commit_there(proof.realm(), &namespace.catalog, ident, commit).await
    }

    /// Makes a table that was staged.
    pub async fn create_remote_staged_table(
        &self,
        proof: Authorized<Remote<UpdateTableForStagedCreate<RemoteCommit>>>,
    ) -> Result<LoadedTable, Error> {
        let Remote(UpdateTableForStagedCreate(commit)) = proof.operation();
        let InRemote(ResolvedNewTable { namespace, ident, .. }) = proof.target();
        self.commit_there(proof.realm(), &namespace.catalog, ident, commit).await
    }

    async fn commit_there(
        &self,
        realm: &RealmId,
        catalog: &Entity,
        ident: &TableIdent,
        commit: &RemoteCommit,
    ) -> Result<LoadedTable, Error> {
        self.check_said_places(realm, catalog, ident, commit.places())?;
        let owner = self.owner(realm, catalog).await?;
        let answer = owner.post(owner.table(ident)?, &commit.to_json(ident)).await?;
        let TableAnswer { metadata_location, metadata } = TableAnswer::read(&answer, Method::Post)?;
        Ok(LoadedTable { metadata_location, metadata, access: ClientAccess::default() })
    }

    /// Changes and makes many tables at once, if the other catalog does that.
    pub async fn commit_remote_transaction(
        &self,
        proof: Authorized<Remote<CommitTransaction<RemoteChange>>>,
    ) -> Result<(), Error> {
        let (InRemote(target), Remote(CommitTransaction(changes))) =
            (proof.target(), proof.operation());
        let judged = target.tables.iter().map(|table| match table {
            TransactionTarget::Change(table) => (&table.namespace.catalog, &table.ident),
            TransactionTarget::Create(table) => (&table.namespace.catalog, &table.ident),
        });
        let judged: Vec<_> = judged.collect();
        let is_judged = judged.iter().map(|(_, ident)| *ident).eq(changes.iter().map(|c| &c.ident));
        let Some((catalog, _)) = judged.first().filter(|_| is_judged) else {
            return Err(Error::Internal(format!(
                "{} is not what was judged",
                proof.operation().name()
            )));
        };
        for change in changes {
            let said = change.commits.iter().flat_map(RemoteCommit::places);
            self.check_said_places(proof.realm(), catalog, &change.ident, said)?;
        }
        let owner = self.owner(proof.realm(), catalog).await?;
        for change in changes {
            // Their names are in the body: what cannot be asked for by its path is not asked for there.
            owner.table(&change.ident)?;
        }
        let all = changes
            .iter()
            .flat_map(|change| change.commits.iter().map(|commit| commit.to_json(&change.ident)));
        let body = json!({"table-changes": all.collect::<Vec<_>>()});
        let path = vec!["transactions".to_owned(), "commit".to_owned()];
        owner.post(path, &body).await?;
        Ok(())
    }
}
