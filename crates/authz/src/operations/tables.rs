//! Operations on tables.

use std::fmt::Debug;

use merak_model::features::ENABLE_FINE_GRAINED_UPDATE_TABLE_PRIVILEGES;
use merak_model::{Features, Privilege};

use super::operations;
use crate::{
    Operation, ResolvedNamespace, ResolvedNewTable, ResolvedRename, ResolvedTable,
    ResolvedTransaction, TransactionTarget,
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

    fn is_allowed_on(&self, target: &ResolvedNewTable, _: &Features) -> bool {
        match &target.existing {
            Some(table) => table.holds(Privilege::TableFullMetadata),
            None => target.holds(Privilege::TableCreate),
        }
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

    fn is_allowed_on(&self, target: &ResolvedRename, _: &Features) -> bool {
        target.source.holds(Privilege::TableDrop)
            && target.destination.holds(Privilege::TableList)
            && target.destination.holds(Privilege::TableCreate)
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

    fn is_allowed_on(&self, target: &ResolvedTable, features: &Features) -> bool {
        let is_fine_grained = features
            .within(&target.namespace.catalog.properties)
            .is_on(&ENABLE_FINE_GRAINED_UPDATE_TABLE_PRIVILEGES);
        let kinds = self.0.update_kinds();
        if !is_fine_grained || kinds.is_empty() {
            return target.holds(Privilege::TableWriteProperties);
        }
        kinds.into_iter().all(|kind| target.holds(privilege_of(kind)))
    }
}

/// The privilege that one update needs. What has none of its own needs the right to all.
fn privilege_of(update: &str) -> Privilege {
    match update {
        "assign-uuid" => Privilege::TableAssignUuid,
        "upgrade-format-version" => Privilege::TableUpgradeFormatVersion,
        "add-schema" => Privilege::TableAddSchema,
        "set-current-schema" => Privilege::TableSetCurrentSchema,
        "add-spec" => Privilege::TableAddPartitionSpec,
        "add-sort-order" => Privilege::TableAddSortOrder,
        "set-default-sort-order" => Privilege::TableSetDefaultSortOrder,
        "add-snapshot" => Privilege::TableAddSnapshot,
        "set-snapshot-ref" => Privilege::TableSetSnapshotRef,
        "remove-snapshots" => Privilege::TableRemoveSnapshots,
        "remove-snapshot-ref" => Privilege::TableRemoveSnapshotRef,
        "set-location" => Privilege::TableSetLocation,
        "set-properties" => Privilege::TableSetProperties,
        "remove-properties" => Privilege::TableRemoveProperties,
        "set-statistics" => Privilege::TableSetStatistics,
        "remove-statistics" => Privilege::TableRemoveStatistics,
        "remove-partition-specs" => Privilege::TableRemovePartitionSpecs,
        _ => Privilege::TableWriteProperties,
    }
}

/// The commit that makes a staged table. It carries the commit itself.
#[derive(Debug)]
pub struct UpdateTableForStagedCreate<C>(pub C);

impl<C: CommitKinds> Operation for UpdateTableForStagedCreate<C> {
    type Target = ResolvedNewTable;

    fn name(&self) -> &'static str {
        "UPDATE_TABLE_FOR_STAGED_CREATE"
    }

    fn is_allowed_on(&self, target: &ResolvedNewTable, _: &Features) -> bool {
        target.holds(Privilege::TableCreate)
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
    fn is_allowed_on(&self, target: &ResolvedTransaction, _: &Features) -> bool {
        target.tables.iter().all(|table| match table {
            TransactionTarget::Change(table) => {
                table.holds(Privilege::TableWriteProperties) && table.holds(Privilege::TableCreate)
            }
            TransactionTarget::Create(table) => {
                table.holds(Privilege::TableWriteProperties) && table.holds(Privilege::TableCreate)
            }
        })
    }
}
