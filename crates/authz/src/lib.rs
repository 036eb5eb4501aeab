//! May they: operations, what each requires, and the proof that it was asked.
//!
//! The decision does not know what happens next: nothing here reads files or speaks HTTP.
#![warn(missing_docs)]

mod authorized;
mod authorizer;
mod error;
pub mod operations;
pub mod privileges;
mod targets;

pub use authorized::{Authorized, CreateTableAccess, Operation, TableAccess};
pub use authorizer::{
    Authorizer, Caller, CallerRef, Delegation, PrincipalRef, RoleSelection, Staging,
};
pub use error::Error;
pub use merak_metastore::{Children, Page, ResolvedCaller};
pub use targets::{
    CatalogPath, NamespacePath, NewTablePath, RealmPath, RenamePath, ResolvedCatalog,
    ResolvedNamespace, ResolvedNewTable, ResolvedRealm, ResolvedRename, ResolvedTable,
    ResolvedTransaction, Securable, TablePath, TransactionPath, TransactionTarget,
};
