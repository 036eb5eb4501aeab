//! What handlers take: domain types, parsed and checked.

mod address;
mod body;
mod caller;
mod headers;
mod page;
mod paths;

pub(crate) use address::ClientAddress;
pub(crate) use body::{Form, JsonBody, OptionalValueBody, ValueBody};
pub(crate) use caller::{Authenticated, Realm};
pub(crate) use headers::{Delegated, IfNoneMatch};
pub(crate) use page::{PageRequest, next_page_token};
pub(crate) use paths::{
    CatalogName, ManagementNames, NamespaceInPath, Prefix, QueryMap, TableInPath, management_name,
    namespace_of,
};
