//! What handlers take: domain types, parsed and checked.

mod address;
mod body;
mod caller;
mod headers;
mod keyed;
mod page;
mod paths;
mod referenced_by;

pub(crate) use address::ClientAddress;
pub(crate) use body::{Form, JsonBody, OptionalValueBody, ReportBody, ValueBody};
pub(crate) use caller::{Authenticated, Realm};
pub(crate) use headers::{Delegated, GenericDelegated, IfNoneMatch};
pub(crate) use keyed::{Keyed, NoBody, RequestKey};
pub(crate) use page::{PageRequest, next_page_token};
pub(crate) use paths::{
    CatalogName, GenericTableInPath, ManagementNames, NamespaceInPath, PolicyInPath, Prefix,
    QueryMap, TableInPath, ViewInPath, management_name, namespace_of,
};
pub(crate) use referenced_by::record_referenced_by;
