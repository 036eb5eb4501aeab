//! Which operations can be explained, and what each acts on.

use merak_metastore::RoleSelection;
use merak_model::{Namespace, Privilege, TableIdent};

use super::{Answer, Question};
use crate::operations::{
    AddGrantToCatalogRole, AssignCatalogRoleToPrincipalRole, AssignPrincipalRole, AttachPolicy,
    CommitKinds, CommitTransaction, CreateCatalog, CreateCatalogRole, CreateGenericTable,
    CreateGenericTableWithWriteDelegation, CreateNamespace, CreatePolicy, CreatePrincipal,
    CreatePrincipalRole, CreateTableDirect, CreateTableDirectWithWriteDelegation,
    CreateTableStaged, CreateTableStagedWithWriteDelegation, CreateView, DeleteCatalog,
    DeleteCatalogRole, DeletePrincipal, DeletePrincipalRole, DetachPolicy, DiagnoseCatalog,
    DropGenericTable, DropNamespace, DropPolicy, DropTableWithPurge, DropTableWithoutPurge,
    DropView, ExplainAccessInCatalog, ExplainAccessInRealm, ExplainPolicy, GetApplicablePolicies,
    GetCatalog, GetCatalogRole, GetConfig, GetPrincipal, GetPrincipalRole, GetTask,
    ListAssigneePrincipalRolesForCatalogRole, ListAssigneePrincipalsForPrincipalRole,
    ListAuditRecords, ListCatalogEvents, ListCatalogRoles, ListCatalogRolesForPrincipalRole,
    ListCatalogs, ListEvents, ListGenericTables, ListGrantsForCatalogRole, ListMetricsReports,
    ListNamespaces, ListPolicies, ListPrincipalRoles, ListPrincipalRolesAssigned, ListPrincipals,
    ListTables, ListTasks, ListViews, LoadGenericTable, LoadGenericTableWithReadDelegation,
    LoadGenericTableWithWriteDelegation, LoadNamespaceMetadata, LoadPolicy, LoadTable,
    LoadTableWithReadDelegation, LoadTableWithWriteDelegation, LoadView, NamespaceExists,
    RegisterTable, RegisterTableOverwrite, RegisterView, RenameTable, RenameView, ReplaceView,
    ReplayAnswer, ReportReadMetrics, ReportWriteMetrics, ResetCredentials, RetryTask,
    RevokeCatalogRoleFromPrincipalRole, RevokeGrantFromCatalogRole, RevokePrincipalRole,
    RotateCredentials, SendNotifications, TableExists, UnregisterTable, UpdateCatalog,
    UpdateCatalogRole, UpdateNamespaceProperties, UpdatePolicy, UpdatePrincipal,
    UpdatePrincipalRole, UpdateTable, UpdateTableForStagedCreate, ViewExists,
};
use crate::{
    ApplicablePoliciesPath, Authorizer, Caller, CatalogPath, CatalogRoleAssignmentPath,
    CatalogRolePath, CatalogRolesOfPath, Error, GrantPath, NamespacePath, NewTablePath,
    NotificationPath, Operation, PolicyMappingPath, PolicyPath, PolicyTarget, PrincipalPath,
    PrincipalRoleAssignmentPath, PrincipalRolePath, RealmPath, RenamePath, ReportsPath,
    SecurablePath, TablePath, TransactionPath,
};

/// Declares what can be explained: a row each, with what the operation acts on. Its name is the
/// operation's own ([`Operation::asked_as`]).
macro_rules! explainable {
    ($question:ident: $($operation:expr => $path:expr;)+) => {
        /// Explains the operation that is asked about.
        pub(super) async fn explain(
            authorizer: &Authorizer,
            caller: &Caller,
            $question: &Question,
        ) -> Result<Answer, Error> {
            $(
                let operation = $operation;
                if Operation::asked_as(&operation) == $question.operation {
                    return authorizer.judge(caller, $question, operation, $path?).await;
                }
            )+
            Err(Error::CannotExplain(format!(
                "Unknown operation '{}': it must be one of {}",
                $question.operation,
                explainable_operations().join(", ")
            )))
        }

        /// The names of the operations that can be explained, in no particular order.
        pub fn explainable_operations() -> Vec<&'static str> {
            let $question = &anything();
            vec![$(Operation::asked_as(&$operation)),+]
        }
    };
}

explainable! { question:
    ListCatalogs => realm();
    CreateCatalog => realm();
    GetCatalog => question.catalog();
    UpdateCatalog => question.catalog();
    DeleteCatalog => question.catalog();
    DiagnoseCatalog => question.catalog();
    ExplainPolicy => question.catalog();
    ListTasks => question.catalog();
    ListCatalogEvents => question.catalog();
    ListEvents => realm();
    ListAuditRecords => realm();
    GetTask => question.catalog();
    RetryTask => question.catalog();
    GetConfig => question.catalog();
    ReplayAnswer => question.catalog();

    ListPrincipals => realm();
    CreatePrincipal => realm();
    GetPrincipal => question.principal();
    UpdatePrincipal => question.principal();
    DeletePrincipal => question.principal();
    RotateCredentials => question.principal();
    ResetCredentials => question.principal();
    ListPrincipalRolesAssigned => question.principal();

    ListPrincipalRoles => realm();
    CreatePrincipalRole => realm();
    GetPrincipalRole => question.principal_role();
    UpdatePrincipalRole => question.principal_role();
    DeletePrincipalRole => question.principal_role();
    ListAssigneePrincipalsForPrincipalRole => question.principal_role();
    ListCatalogRolesForPrincipalRole => question.catalog_roles_of();
    AssignPrincipalRole => question.principal_role_assignment();
    RevokePrincipalRole => question.principal_role_assignment();

    ListCatalogRoles => question.catalog();
    CreateCatalogRole => question.catalog();
    GetCatalogRole => question.catalog_role();
    UpdateCatalogRole => question.catalog_role();
    DeleteCatalogRole => question.catalog_role();
    ListAssigneePrincipalRolesForCatalogRole => question.catalog_role();
    ListGrantsForCatalogRole => question.catalog_role();
    AssignCatalogRoleToPrincipalRole => question.catalog_role_assignment();
    RevokeCatalogRoleFromPrincipalRole => question.catalog_role_assignment();

    AddGrantToCatalogRole::new(ANY, &SecurablePath::Catalog) => question.grant(catalog_itself);
    AddGrantToCatalogRole::new(ANY, &SecurablePath::Namespace(Namespace::default())) =>
        question.grant(Question::namespace_securable);
    AddGrantToCatalogRole::new(ANY, &SecurablePath::Table(nothing())) =>
        question.grant(|question| question.ident().map(SecurablePath::Table));
    AddGrantToCatalogRole::new(ANY, &SecurablePath::View(nothing())) =>
        question.grant(|question| question.ident().map(SecurablePath::View));
    AddGrantToCatalogRole::new(ANY, &SecurablePath::Policy(nothing())) =>
        question.grant(|question| question.ident().map(SecurablePath::Policy));
    RevokeGrantFromCatalogRole::new(ANY, &SecurablePath::Catalog) =>
        question.grant(catalog_itself);
    RevokeGrantFromCatalogRole::new(ANY, &SecurablePath::Namespace(Namespace::default())) =>
        question.grant(Question::namespace_securable);
    RevokeGrantFromCatalogRole::new(ANY, &SecurablePath::Table(nothing())) =>
        question.grant(|question| question.ident().map(SecurablePath::Table));
    RevokeGrantFromCatalogRole::new(ANY, &SecurablePath::View(nothing())) =>
        question.grant(|question| question.ident().map(SecurablePath::View));
    RevokeGrantFromCatalogRole::new(ANY, &SecurablePath::Policy(nothing())) =>
        question.grant(|question| question.ident().map(SecurablePath::Policy));

    ExplainAccessInRealm => realm();
    ExplainAccessInCatalog => question.catalog();

    ListNamespaces => question.namespace_or_root();
    CreateNamespace => question.namespace_or_root();
    LoadNamespaceMetadata => question.namespace();
    NamespaceExists => question.namespace();
    UpdateNamespaceProperties => question.namespace();
    DropNamespace => question.namespace();

    ListPolicies => question.namespace();
    CreatePolicy => question.new_table();
    LoadPolicy => question.policy();
    UpdatePolicy => question.policy();
    DropPolicy => question.policy();
    AttachPolicy::to(&PolicyTarget::Catalog) => question.policy_mapping(on_catalog);
    AttachPolicy::to(&on_any_namespace()) => question.policy_mapping(Question::on_namespace);
    AttachPolicy::to(&on_any_table()) => question.policy_mapping(Question::on_table);
    DetachPolicy::from(&PolicyTarget::Catalog) => question.policy_mapping(on_catalog);
    DetachPolicy::from(&on_any_namespace()) => question.policy_mapping(Question::on_namespace);
    DetachPolicy::from(&on_any_table()) => question.policy_mapping(Question::on_table);
    GetApplicablePolicies::on(&PolicyTarget::Catalog) => question.applicable(on_catalog);
    GetApplicablePolicies::on(&on_any_namespace()) => question.applicable(Question::on_namespace);
    GetApplicablePolicies::on(&on_any_table()) => question.applicable(Question::on_table);

    ListTables => question.namespace();
    CreateTableDirect => question.new_table();
    CreateTableDirectWithWriteDelegation => question.new_table();
    CreateTableStaged => question.new_table();
    CreateTableStagedWithWriteDelegation => question.new_table();
    RegisterTable => question.new_table();
    RegisterTableOverwrite => question.new_table();
    UpdateTableForStagedCreate(Kinds(Vec::new())) => question.new_table();
    LoadTable => question.table();
    LoadTableWithReadDelegation => question.table();
    LoadTableWithWriteDelegation => question.table();
    TableExists => question.table();
    DropTableWithoutPurge => question.table();
    DropTableWithPurge => question.table();
    UnregisterTable => question.table();
    ReportReadMetrics => question.table();
    ReportWriteMetrics => question.table();
    ListMetricsReports => question.reports();
    UpdateTable(Kinds::of(question)) => question.table();
    RenameTable => question.rename();
    CommitTransaction(vec![Kinds(Vec::new())]) => question.transaction();

    ListGenericTables => question.namespace();
    CreateGenericTable => question.new_table();
    CreateGenericTableWithWriteDelegation => question.new_table();
    LoadGenericTable => question.table();
    LoadGenericTableWithReadDelegation => question.table();
    LoadGenericTableWithWriteDelegation => question.table();
    DropGenericTable => question.table();

    ListViews => question.namespace();
    CreateView => question.new_table();
    RegisterView => question.new_table();
    LoadView => question.table();
    ViewExists => question.table();
    DropView => question.table();
    ReplaceView(()) => question.table();
    RenameView => question.rename();
    SendNotifications => question.notification();
}

/// The privilege does not matter to who may grant it.
const ANY: Privilege = Privilege::CatalogManageContent;

fn nothing() -> TableIdent {
    TableIdent { namespace: Namespace::default(), name: String::new() }
}

fn on_any_namespace() -> PolicyTarget {
    PolicyTarget::Namespace(Namespace::default())
}

fn on_any_table() -> PolicyTarget {
    PolicyTarget::Table(nothing(), None)
}

/// A question about nothing, where only the operations' names are wanted.
fn anything() -> Question {
    Question {
        principal: String::new(),
        scope: RoleSelection::All,
        operation: String::new(),
        catalog: None,
        namespace: None,
        table: None,
        policy: None,
        target_principal: None,
        principal_role: None,
        catalog_role: None,
        updates: Vec::new(),
    }
}

/// A commit of which only the kinds of its updates are known.
#[derive(Debug)]
struct Kinds(Vec<&'static str>);

impl Kinds {
    fn of(question: &Question) -> Self {
        // A kind that is not known is judged as those are that have no privilege of their own.
        let known = |kind: &String| {
            crate::operations::UPDATE_KINDS
                .iter()
                .find(|(name, _)| name == kind)
                .map_or("unknown", |(name, _)| *name)
        };
        Self(question.updates.iter().map(known).collect())
    }
}

impl CommitKinds for Kinds {
    fn update_kinds(&self) -> Vec<&'static str> {
        self.0.clone()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "all paths are asked for alike")]
fn realm() -> Result<RealmPath, Error> {
    Ok(RealmPath::default())
}

#[expect(clippy::unnecessary_wraps, reason = "all securables are asked for alike")]
fn catalog_itself(_: &Question) -> Result<SecurablePath, Error> {
    Ok(SecurablePath::Catalog)
}

#[expect(clippy::unnecessary_wraps, reason = "all targets are asked for alike")]
fn on_catalog(_: &Question) -> Result<PolicyTarget, Error> {
    Ok(PolicyTarget::Catalog)
}

/// What a question says an operation acts on, or which part of it is missing.
impl Question {
    fn need<T: Clone>(&self, part: Option<&T>, name: &str) -> Result<T, Error> {
        part.cloned().ok_or_else(|| {
            Error::CannotExplain(format!("{} needs the parameter '{name}'", self.operation))
        })
    }

    fn catalog_name(&self) -> Result<String, Error> {
        self.need(self.catalog.as_ref(), "catalog")
    }

    fn catalog(&self) -> Result<CatalogPath, Error> {
        Ok(CatalogPath { catalog: self.catalog_name()?, children: None, as_warehouse: false })
    }

    fn principal(&self) -> Result<PrincipalPath, Error> {
        let name = self.need(self.target_principal.as_ref(), "targetPrincipal")?;
        Ok(PrincipalPath { name, with_roles: false })
    }

    fn principal_role_name(&self) -> Result<String, Error> {
        self.need(self.principal_role.as_ref(), "principalRole")
    }

    fn principal_role(&self) -> Result<PrincipalRolePath, Error> {
        Ok(PrincipalRolePath { name: self.principal_role_name()?, with_principals: false })
    }

    fn principal_role_assignment(&self) -> Result<PrincipalRoleAssignmentPath, Error> {
        Ok(PrincipalRoleAssignmentPath {
            role: self.principal_role_name()?,
            principal: self.principal()?.name,
        })
    }

    fn catalog_role_name(&self) -> Result<String, Error> {
        self.need(self.catalog_role.as_ref(), "catalogRole")
    }

    fn catalog_role(&self) -> Result<CatalogRolePath, Error> {
        let (catalog, role) = (self.catalog_name()?, self.catalog_role_name()?);
        Ok(CatalogRolePath { catalog, role, related: None })
    }

    fn catalog_role_assignment(&self) -> Result<CatalogRoleAssignmentPath, Error> {
        Ok(CatalogRoleAssignmentPath {
            catalog: self.catalog_name()?,
            catalog_role: self.catalog_role_name()?,
            principal_role: self.principal_role_name()?,
        })
    }

    fn catalog_roles_of(&self) -> Result<CatalogRolesOfPath, Error> {
        let principal_role = self.principal_role_name()?;
        Ok(CatalogRolesOfPath { principal_role, catalog: self.catalog_name()? })
    }

    fn grant(
        &self,
        securable: impl Fn(&Self) -> Result<SecurablePath, Error>,
    ) -> Result<GrantPath, Error> {
        Ok(GrantPath {
            catalog: self.catalog_name()?,
            role: self.catalog_role_name()?,
            securable: securable(self)?,
        })
    }

    fn namespace_securable(&self) -> Result<SecurablePath, Error> {
        self.need(self.namespace.as_ref(), "namespace").map(SecurablePath::Namespace)
    }

    fn namespace(&self) -> Result<NamespacePath, Error> {
        let namespace = self.need(self.namespace.as_ref(), "namespace")?;
        Ok(NamespacePath { catalog: self.catalog_name()?, namespace, children: None })
    }

    fn namespace_or_root(&self) -> Result<NamespacePath, Error> {
        let namespace = self.namespace.clone().unwrap_or_default();
        Ok(NamespacePath { catalog: self.catalog_name()?, namespace, children: None })
    }

    fn ident(&self) -> Result<TableIdent, Error> {
        let namespace = self.need(self.namespace.as_ref(), "namespace")?;
        Ok(TableIdent { namespace, name: self.need(self.table.as_ref(), "table")? })
    }

    fn table(&self) -> Result<TablePath, Error> {
        let (catalog, ident) = (self.catalog_name()?, self.ident()?);
        Ok(TablePath { catalog, ident, known_metadata: None })
    }

    fn policy(&self) -> Result<PolicyPath, Error> {
        Ok(PolicyPath { catalog: self.catalog_name()?, ident: self.policy_ident()? })
    }

    /// The policy: where it is not said which, what is said to be acted on in the namespace.
    fn policy_ident(&self) -> Result<TableIdent, Error> {
        self.policy.clone().map_or_else(|| self.ident(), Ok)
    }

    fn on_namespace(&self) -> Result<PolicyTarget, Error> {
        self.need(self.namespace.as_ref(), "namespace").map(PolicyTarget::Namespace)
    }

    fn on_table(&self) -> Result<PolicyTarget, Error> {
        Ok(PolicyTarget::Table(self.ident()?, None))
    }

    fn policy_mapping(
        &self,
        target: impl Fn(&Self) -> Result<PolicyTarget, Error>,
    ) -> Result<PolicyMappingPath, Error> {
        Ok(PolicyMappingPath {
            catalog: self.catalog_name()?,
            policy: self.need(self.policy.as_ref(), "policy")?,
            target: target(self)?,
        })
    }

    fn applicable(
        &self,
        target: impl Fn(&Self) -> Result<PolicyTarget, Error>,
    ) -> Result<ApplicablePoliciesPath, Error> {
        Ok(ApplicablePoliciesPath { catalog: self.catalog_name()?, target: target(self)? })
    }

    /// What is held on a table does not matter to whether its reports may be read.
    fn reports(&self) -> Result<ReportsPath, Error> {
        Ok(ReportsPath { catalog: self.catalog_name()?, table: None })
    }

    /// The name of a table that is to be made does not matter to whether it may be.
    fn new_table(&self) -> Result<NewTablePath, Error> {
        let namespace = self.need(self.namespace.as_ref(), "namespace")?;
        let name = self.table.clone().unwrap_or_default();
        Ok(NewTablePath { catalog: self.catalog_name()?, ident: TableIdent { namespace, name } })
    }

    /// Within its namespace: a table that moves elsewhere needs the same there.
    fn rename(&self) -> Result<RenamePath, Error> {
        let source = self.ident()?;
        let destination = TableIdent { namespace: source.namespace.clone(), name: String::new() };
        Ok(RenamePath { catalog: self.catalog_name()?, source, destination })
    }

    /// Which table it is about does not matter to whether one may be sent.
    fn notification(&self) -> Result<NotificationPath, Error> {
        Ok(NotificationPath { catalog: self.catalog_name()?, ident: nothing() })
    }

    fn transaction(&self) -> Result<TransactionPath, Error> {
        let table = self.table()?;
        Ok(TransactionPath { catalog: table.catalog.clone(), tables: vec![(table, false)] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names in the files that declare operations: texts in capitals with a low line.
    fn declared() -> Vec<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/operations");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            names.extend(text.split('"').skip(1).step_by(2).filter_map(|part| {
                let is_name =
                    part.contains('_') && part.chars().all(|c| c.is_ascii_uppercase() || c == '_');
                is_name.then(|| part.to_owned())
            }));
        }
        names
    }

    #[test]
    fn every_operation_can_be_explained() {
        let known = explainable_operations();
        for name in declared() {
            assert!(known.contains(&name.as_str()), "{name} has no row");
        }
        assert!(known.len() > 60, "the files could not be read");
    }

    #[test]
    fn no_two_rows_have_one_name() {
        let mut names = explainable_operations();
        let count = names.len();
        names.sort_unstable();
        names.dedup();

        assert_eq!(names.len(), count);
    }
}
