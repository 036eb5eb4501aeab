//! Every operation and what it requires: one file a noun, a row an operation.

mod catalogs;
mod namespaces;
mod tables;

pub use catalogs::{
    CreateCatalog, DeleteCatalog, GetCatalog, GetConfig, ListCatalogs, UpdateCatalog,
};
pub use namespaces::{
    CreateNamespace, DropNamespace, ListNamespaces, LoadNamespaceMetadata, NamespaceExists,
    UpdateNamespaceProperties,
};
pub use tables::{
    CommitKinds, CommitTransaction, CreateTableDirect, CreateTableDirectWithWriteDelegation,
    CreateTableStaged, CreateTableStagedWithWriteDelegation, DropTableWithPurge,
    DropTableWithoutPurge, ListTables, LoadTable, LoadTableWithReadDelegation,
    LoadTableWithWriteDelegation, RegisterTable, RegisterTableOverwrite, RenameTable, TableExists,
    UpdateTable, UpdateTableForStagedCreate,
};

/// Declares operations that require privileges on the target itself: a row each. The list is empty
/// where being authenticated is enough.
macro_rules! operations {
    ($target:ty: $($(#[$doc:meta])+ $name:ident = $polaris:literal requires [$($privilege:ident),*];)+) => {
        $(
            $(#[$doc])+
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl crate::Operation for $name {
                type Target = $target;

                fn name(&self) -> &'static str {
                    $polaris
                }

                fn is_allowed_on(&self, target: &$target, _: &merak_model::Features) -> bool {
                    let required: &[merak_model::Privilege] =
                        &[$(merak_model::Privilege::$privilege),*];
                    required.iter().all(|privilege| target.holds(*privilege))
                }
            }
        )+
    };
}
pub(crate) use operations;
