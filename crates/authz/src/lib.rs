//! May they: operations, what each requires, and the proof that it was asked.
//!
//! The decision does not know what happens next: nothing here reads files or speaks HTTP.
#![warn(missing_docs)]

mod actor;
mod authorized;
mod authorizer;
mod error;
mod explain;
mod external;
mod grantable;
pub mod operations;
pub mod privileges;
mod remote;
mod requirement;
mod targets;
mod trail;

pub use actor::Actor;
pub use authorized::{
    Authorized, CreateGenericTableAccess, CreateTableAccess, GenericTableAccess, Operation, Reach,
    TableAccess,
};
pub use authorizer::{
    Authorizer, Caller, CallerRef, Delegation, PrincipalRef, RoleSelection, Staging,
};
pub use error::Error;
pub use explain::{
    Answer, DataRight, HeldGrant, Judged, Question, Remedy, Step, TableRights,
    explainable_operations,
};
pub use external::{
    Asked, BoxError, Decision, ExternalAuthorizer, PolicyQuestion, Resources, Verdict,
};
pub use grantable::grantable_on;
pub use merak_metastore::{AttachedPolicy, Children, Page, RelatedGrant, Relation, ResolvedCaller};
pub use remote::{Remote, RemoteCreateAccess, RemoteTableAccess};
pub use requirement::{Need, Requirement};
pub use targets::{
    ApplicablePoliciesPath, CatalogPath, CatalogRoleAssignmentPath, CatalogRolePath,
    CatalogRolesOfPath, Expected, GrantPath, InRemote, NamespacePath, NewTablePath,
    NotificationPath, PolicyLabel, PolicyMappingPath, PolicyPath, PolicyTarget, PrincipalPath,
    PrincipalRoleAssignmentPath, PrincipalRolePath, RealmPath, RenamePath, ReportsPath,
    ResolvedCatalog, ResolvedCatalogRole, ResolvedCatalogRoleAssignment, ResolvedCatalogRolesOf,
    ResolvedGenericTable, ResolvedGrant, ResolvedNamespace, ResolvedNewPolicy, ResolvedNewTable,
    ResolvedNotification, ResolvedPolicy, ResolvedPolicyMapping, ResolvedPolicyTarget,
    ResolvedPrincipal, ResolvedPrincipalRole, ResolvedPrincipalRoleAssignment, ResolvedRealm,
    ResolvedRename, ResolvedReports, ResolvedTable, ResolvedTransaction, ResolvedView,
    ResolvedViewRename, Securable, SecurablePath, Spot, TablePath, TransactionPath,
    TransactionTarget,
};
pub use trail::{Noted, Trail, note, note_authenticated, note_principal_id};
