//! Operations on tables.

use std::fmt::Debug;

use merak_metastore::ResolvedCaller;
use merak_model::features::ENABLE_FINE_GRAINED_UPDATE_TABLE_PRIVILEGES;
use merak_model::{Features, Privilege, PrivilegeSet};

use super::operations;
use crate::external::update_action;
use crate::{
    Asked, Operation, Requirement, ResolvedNamespace, ResolvedNewTable, ResolvedRename,
    ResolvedTable, ResolvedTransaction, Securable as _, TransactionTarget,
};

operations! { ResolvedNamespace:
    /// Lists the tables of a namespace.
    ListTables = "LIST_TABLES" requires [TableList];
}

impl ResolvedNewTable {
    /// Whether a privilege is held on the namespace.
    pub fn holds(&self, wanted: Privilege) -> bool {
        self.namespace.holds(wanted)
    }
}

operations! { ResolvedNewTable:
    /// Makes a table.
    CreateTableDirect = "CREATE_TABLE_DIRECT" requires [TableCreate];
    /// Makes a table, and reads and writes its data.
    CreateTableDirectWithWriteDelegation = "CREATE_TABLE_DIRECT_WITH_WRITE_DELEGATION"
        requires [TableCreate, TableWriteData];
    /// Prepares a table that the first commit makes.
    CreateTableStaged = "CREATE_TABLE_STAGED" requires [TableCreate];
    /// Prepares a table that the first commit makes, and reads and writes its data.
    CreateTableStagedWithWriteDelegation = "CREATE_TABLE_STAGED_WITH_WRITE_DELEGATION"
        requires [TableCreate, TableWriteData];
    /// Makes a table of a metadata file that is there.
    RegisterTable = "REGISTER_TABLE" requires [TableCreate];
}

operations! { ResolvedTable:
    /// Reads a table's metadata.
    LoadTable = "LOAD_TABLE" requires [TableReadProperties];
    /// Reads a table's metadata and its data.
    LoadTableWithReadDelegation = "LOAD_TABLE_WITH_READ_DELEGATION" requires [TableReadData];
    /// Reads a table's metadata, and reads and writes its data.
    LoadTableWithWriteDelegation = "LOAD_TABLE_WITH_WRITE_DELEGATION" requires [TableWriteData];
    /// Asks whether a table is there.
    TableExists = "TABLE_EXISTS" requires [TableList];
    /// Removes a table from its catalog, and leaves its files.
    DropTableWithoutPurge = "DROP_TABLE_WITHOUT_PURGE" requires [TableDrop];
    /// Removes a table and its files.
    DropTableWithPurge = "DROP_TABLE_WITH_PURGE" requires [TableDrop, TableWriteData];
    // Merak's own. It gives the table's metadata out, as a load does.
    /// Removes a table from its catalog for another one to take it over, and leaves its files.
    UnregisterTable = "UNREGISTER_TABLE" requires [TableDrop, TableReadProperties];
}

/// Points an existing table at another metadata file; where there is none, makes it, which is
/// [`RegisterTable`].
#[derive(Debug, Clone, Copy)]
pub struct RegisterTableOverwrite;

impl Operation for RegisterTableOverwrite {
    type Target = ResolvedNewTable;

    fn name(&self) -> &'static str {
        "REGISTER_TABLE_OVERWRITE"
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedNewTable,
        _: &Features,
    ) -> Vec<Requirement> {
        let (full, create) = (Privilege::TableFullMetadata, Privilege::TableCreate);
        match &target.existing {
            Some(table) => vec![Requirement::on(1, full, table.holds(full))],
            None => vec![Requirement::on_target(create, target.holds(create))],
        }
    }

    fn asked<'a>(
        &self,
        _: &ResolvedCaller,
        target: &'a ResolvedNewTable,
        _: &Features,
    ) -> Vec<Asked<'a>> {
        let (action, resources) = match &target.existing {
            Some(table) => (self.name(), table.resources()),
            None => (RegisterTable.name(), target.resources()),
        };
        vec![Asked { action, resources }]
    }
}

/// Moves a table to another name or namespace.
#[derive(Debug, Clone, Copy)]
pub struct RenameTable;

impl Operation for RenameTable {
    type Target = ResolvedRename;

    fn name(&self) -> &'static str {
        "RENAME_TABLE"
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedRename,
        _: &Features,
    ) -> Vec<Requirement> {
        let drop = Privilege::TableDrop;
        let there = [Privilege::TableList, Privilege::TableCreate];
        let there = there.map(|one| Requirement::on(1, one, target.destination.holds(one)));
        let here = Requirement::on_target(drop, target.source.holds(drop));
        std::iter::once(here).chain(there).collect()
    }
}

/// What a commit is judged by: this crate need not know Iceberg's updates, only their kinds.
pub trait CommitKinds: Debug + Send + Sync {
    /// The `action` of each update, in order.
    fn update_kinds(&self) -> Vec<&'static str>;
}

/// Changes a table. It carries the commit itself, so that what is applied is what was judged.
#[derive(Debug)]
pub struct UpdateTable<C>(pub C);

impl<C: CommitKinds> Operation for UpdateTable<C> {
    type Target = ResolvedTable;

    fn name(&self) -> &'static str {
        "UPDATE_TABLE"
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedTable,
        features: &Features,
    ) -> Vec<Requirement> {
        let is_fine_grained = is_fine_grained(target, features);
        let kinds = self.0.update_kinds();
        // Each once: a commit may have thousands of updates of one kind.
        let mut asked = PrivilegeSet::EMPTY;
        if !is_fine_grained || kinds.is_empty() {
            asked.insert(Privilege::TableWriteProperties);
        } else {
            asked = kinds.into_iter().map(privilege_of).collect();
        }
        asked.iter().map(|one| Requirement::on_target(one, target.holds(one))).collect()
    }

    /// One by one, as Polaris asks.
    fn asked<'a>(
        &self,
        _: &ResolvedCaller,
        target: &'a ResolvedTable,
        features: &Features,
    ) -> Vec<Asked<'a>> {
        let kinds = self.0.update_kinds();
        let own_or_all = |kind| update_action(kind).unwrap_or(self.name());
        let mut actions: Vec<_> = kinds.into_iter().map(own_or_all).collect();
        if actions.is_empty() || !is_fine_grained(target, features) {
            actions = vec![self.name()];
        }
        actions.sort_unstable();
        actions.dedup();
        let asked = |action| Asked { action, resources: target.resources() };
        actions.into_iter().map(asked).collect()
    }
}

fn is_fine_grained(table: &ResolvedTable, features: &Features) -> bool {
    let features = features.within(&table.namespace.catalog.properties);
    features.is_on(&ENABLE_FINE_GRAINED_UPDATE_TABLE_PRIVILEGES)
}

/// The kinds of updates that have a privilege of their own.
pub const UPDATE_KINDS: [(&str, Privilege); 17] = [
    ("assign-uuid", Privilege::TableAssignUuid),
    ("upgrade-format-version", Privilege::TableUpgradeFormatVersion),
    ("add-schema", Privilege::TableAddSchema),
    ("set-current-schema", Privilege::TableSetCurrentSchema),
    ("add-spec", Privilege::TableAddPartitionSpec),
    ("add-sort-order", Privilege::TableAddSortOrder),
    ("set-default-sort-order", Privilege::TableSetDefaultSortOrder),
    ("add-snapshot", Privilege::TableAddSnapshot),
    ("set-snapshot-ref", Privilege::TableSetSnapshotRef),
    ("remove-snapshots", Privilege::TableRemoveSnapshots),
    ("remove-snapshot-ref", Privilege::TableRemoveSnapshotRef),
    ("set-location", Privilege::TableSetLocation),
    ("set-properties", Privilege::TableSetProperties),
    ("remove-properties", Privilege::TableRemoveProperties),
    ("set-statistics", Privilege::TableSetStatistics),
    ("remove-statistics", Privilege::TableRemoveStatistics),
    ("remove-partition-specs", Privilege::TableRemovePartitionSpecs),
];

/// The privilege that one update needs. What has none of its own needs the right to all.
fn privilege_of(update: &str) -> Privilege {
    let own = UPDATE_KINDS.iter().find(|(kind, _)| *kind == update);
    own.map_or(Privilege::TableWriteProperties, |(_, privilege)| *privilege)
}

/// The commit that makes a staged table. It carries the commit itself.
#[derive(Debug)]
pub struct UpdateTableForStagedCreate<C>(pub C);

impl<C: CommitKinds> Operation for UpdateTableForStagedCreate<C> {
    type Target = ResolvedNewTable;

    fn name(&self) -> &'static str {
        "UPDATE_TABLE_FOR_STAGED_CREATE"
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedNewTable,
        _: &Features,
    ) -> Vec<Requirement> {
        let create = Privilege::TableCreate;
        vec![Requirement::on_target(create, target.holds(create))]
    }
}

/// Changes and makes many tables at once. It carries the commits, in the order of the target's
/// tables.
#[derive(Debug)]
pub struct CommitTransaction<C>(pub Vec<C>);

impl<C: Debug + Send + Sync> Operation for CommitTransaction<C> {
    type Target = ResolvedTransaction;

    fn name(&self) -> &'static str {
        "COMMIT_TRANSACTION"
    }

    /// Polaris does not split a transaction by the kinds of its updates, and asks for the right to
    /// make tables even where none is made.
    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedTransaction,
        _: &Features,
    ) -> Vec<Requirement> {
        let on = |(spot, table): (usize, &TransactionTarget)| {
            [Privilege::TableWriteProperties, Privilege::TableCreate].map(|privilege| {
                let is_held = match table {
                    TransactionTarget::Change(table) => table.holds(privilege),
                    TransactionTarget::Create(table) => table.holds(privilege),
                };
                Requirement::on(spot, privilege, is_held)
            })
        };
        target.tables.iter().enumerate().flat_map(on).collect()
    }
}
