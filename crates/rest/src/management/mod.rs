//! Polaris' management API, one file a noun.

pub(crate) mod access;
mod body;
pub(crate) mod catalog_roles;
pub(crate) mod catalogs;
mod connections;
pub(crate) mod doctor;
pub(crate) mod grants;
pub(crate) mod principal_roles;
pub(crate) mod principals;
pub(crate) mod reports;
pub(crate) mod tasks;
