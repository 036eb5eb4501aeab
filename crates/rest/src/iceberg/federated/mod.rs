//! The same routes in federated catalogs, whose owners are asked.
//!
//! That a catalog is federated is found by the ordinary judgement, which then judges nothing: another
//! one is asked for, and its proof opens the way to the owner.

pub(crate) mod commits;
pub(crate) mod namespaces;
pub(crate) mod tables;
pub(crate) mod views;

use axum::response::Response;
use merak_authz::Error as AuthzError;
use merak_service::{PageSize, RemotePage, RemoteTables};
use merak_wire::iceberg::{ListTablesResponse, TableIdentifier};

use crate::app::ApiSettings;
use crate::error::ApiError;
use crate::extract::{PageRequest, QueryMap};

/// What was judged, if it is here; nothing, if the catalog is federated.
pub(crate) fn here<T>(judged: Result<T, AuthzError>) -> Result<Option<T>, AuthzError> {
    match judged {
        Ok(proof) => Ok(Some(proof)),
        Err(AuthzError::Federated) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The part of a list that a client wants, for the owner: its tokens are its own.
fn page_of(query: &QueryMap, settings: &ApiSettings) -> Result<RemotePage, ApiError> {
    // Not the size that it is looked up with here.
    let PageRequest { size, .. } = PageRequest::of(query, settings)?;
    let token = query.get("pageToken").map(str::to_owned);
    let size = match size {
        PageSize::Page(size) => Some(size),
        PageSize::All | PageSize::Untold(_) => None,
    };
    Ok(RemotePage { token, size })
}

fn show_names(found: RemoteTables) -> Response {
    let RemoteTables { identifiers, next_page_token } = found;
    let identifiers = identifiers
        .iter()
        .map(|(namespace, name)| TableIdentifier { namespace, name: name.clone() })
        .collect();
    crate::json(&ListTablesResponse { next_page_token, identifiers })
}
