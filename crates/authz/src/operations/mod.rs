//! Every operation and what it requires: one file a noun, a row an operation.

mod access;
mod catalog_roles;
mod catalogs;
mod events;
mod generic_tables;
mod grants;
mod namespaces;
mod notifications;
mod policies;
mod principal_roles;
mod principals;
mod reports;
mod tables;
mod views;

pub use access::{ExplainAccessInCatalog, ExplainAccessInRealm};
pub use catalog_roles::{
    AssignCatalogRoleToPrincipalRole, CATALOG_ADMIN, CreateCatalogRole, DeleteCatalogRole,
    GetCatalogRole, ListAssigneePrincipalRolesForCatalogRole, ListCatalogRoles,
    ListGrantsForCatalogRole, RevokeCatalogRoleFromPrincipalRole, UpdateCatalogRole,
};
pub use catalogs::{
    CreateCatalog, DeleteCatalog, DiagnoseCatalog, ExplainPolicy, GetCatalog, GetConfig, GetTask,
    ListCatalogs, ListTasks, ReplayAnswer, RetryTask, UpdateCatalog,
};
pub use events::{ListAuditRecords, ListCatalogEvents, ListEvents};
pub use generic_tables::{
    CreateGenericTable, CreateGenericTableWithWriteDelegation, DropGenericTable, ListGenericTables,
    LoadGenericTable, LoadGenericTableWithReadDelegation, LoadGenericTableWithWriteDelegation,
};
pub use grants::{AddGrantToCatalogRole, RevokeGrantFromCatalogRole};
pub use namespaces::{
    CreateNamespace, DropNamespace, ListNamespaces, LoadNamespaceMetadata, NamespaceExists,
    UpdateNamespaceProperties,
};
pub use notifications::SendNotifications;
pub use policies::{
    AttachPolicy, CreatePolicy, DetachPolicy, DropPolicy, GetApplicablePolicies, ListPolicies,
    LoadPolicy, UpdatePolicy,
};
pub use principal_roles::{
    AssignPrincipalRole, CreatePrincipalRole, DeletePrincipalRole, GetPrincipalRole,
    ListAssigneePrincipalsForPrincipalRole, ListCatalogRolesForPrincipalRole, ListPrincipalRoles,
    RevokePrincipalRole, UpdatePrincipalRole,
};
pub use principals::{
    CreatePrincipal, DeletePrincipal, GetPrincipal, ListPrincipalRolesAssigned, ListPrincipals,
    ROOT_PRINCIPAL, ResetCredentials, RotateCredentials, UpdatePrincipal,
};
pub use reports::{ListMetricsReports, ReportReadMetrics, ReportWriteMetrics};
pub use tables::{
    CommitKinds, CommitTransaction, CreateTableDirect, CreateTableDirectWithWriteDelegation,
    CreateTableStaged, CreateTableStagedWithWriteDelegation, DropTableWithPurge,
    DropTableWithoutPurge, ListTables, LoadTable, LoadTableWithReadDelegation,
    LoadTableWithWriteDelegation, RegisterTable, RegisterTableOverwrite, RenameTable, TableExists,
    UPDATE_KINDS, UnregisterTable, UpdateTable, UpdateTableForStagedCreate,
};
pub use views::{
    CreateView, DropView, ListViews, LoadView, RegisterView, RenameView, ReplaceView, ViewExists,
};

/// Declares operations that require privileges on the target itself: a row each. Where Polaris has
/// one name for two operations, the second says what it is asked about as.
macro_rules! operations {
    ($target:ty: $($(#[$doc:meta])+ $name:ident = $polaris:literal $(asked as $asked:literal)?
        requires [$($privilege:ident),+];)+) => {
        $(
            $(#[$doc])+
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl crate::Operation for $name {
                type Target = $target;

                fn name(&self) -> &'static str {
                    $polaris
                }

                $(fn asked_as(&self) -> &'static str {
                    $asked
                })?

                fn requirements(
                    &self,
                    _: &merak_metastore::ResolvedCaller,
                    target: &$target,
                    _: &merak_model::Features,
                ) -> Vec<crate::Requirement> {
                    vec![$({
                        let privilege = merak_model::Privilege::$privilege;
                        crate::Requirement::on_target(privilege, target.holds(privilege))
                    }),+]
                }
            }
        )+
    };
}
pub(crate) use operations;
