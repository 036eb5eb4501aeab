//! What paths and queries name.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use merak_model::names::{InvalidName, LEVEL_SEPARATOR, check_management_name};
use merak_model::{Namespace, TableIdent};
use percent_encoding::percent_decode_str;

use crate::error::{ApiError, ErrorKind};

/// The path segment after `/v1/`: the catalog's name.
pub(crate) struct Prefix(pub(crate) String);

/// A namespace, with its catalog.
pub(crate) struct NamespaceInPath {
    pub(crate) catalog: String,
    pub(crate) namespace: Namespace,
}

/// A table, with its catalog.
pub(crate) struct TableInPath {
    pub(crate) catalog: String,
    pub(crate) ident: TableIdent,
}

/// A view, with its catalog.
pub(crate) struct ViewInPath {
    pub(crate) catalog: String,
    pub(crate) ident: TableIdent,
}

/// A generic table, with its catalog.
pub(crate) struct GenericTableInPath {
    pub(crate) catalog: String,
    pub(crate) ident: TableIdent,
}

/// A policy, with its catalog.
pub(crate) struct PolicyInPath {
    pub(crate) catalog: String,
    pub(crate) ident: TableIdent,
}

/// A catalog of the management API.
pub(crate) struct CatalogName(pub(crate) String);

/// The names in a path of the management API, each checked when it is asked for.
pub(crate) struct ManagementNames(BTreeMap<String, String>);

impl ManagementNames {
    pub(crate) fn catalog(&self) -> Result<String, ApiError> {
        self.name("catalogName")
    }

    pub(crate) fn catalog_role(&self) -> Result<String, ApiError> {
        self.name("catalogRoleName")
    }

    pub(crate) fn principal(&self) -> Result<String, ApiError> {
        self.name("principalName")
    }

    pub(crate) fn principal_role(&self) -> Result<String, ApiError> {
        self.name("principalRoleName")
    }

    /// What the path names a task by, as it stands.
    pub(crate) fn task(&self) -> Result<&str, ApiError> {
        self.0.get("taskId").map(String::as_str).ok_or_else(malformed_path)
    }

    fn name(&self, parameter: &str) -> Result<String, ApiError> {
        let name = self.0.get(parameter).cloned().ok_or_else(malformed_path)?;
        management_name(&name)?;
        Ok(name)
    }
}

impl<S: Sync> FromRequestParts<S> for ManagementNames {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(Segments::of(parts)?.0))
    }
}

/// The query's parameters. Of one that is given twice the last one counts.
#[derive(Debug, Default)]
pub(crate) struct QueryMap(BTreeMap<String, String>);

impl QueryMap {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<S: Sync> FromRequestParts<S> for QueryMap {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Ok(Self(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect()))
    }
}

impl<S: Sync> FromRequestParts<S> for Prefix {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(Segments::of(parts)?.take("prefix")?))
    }
}

impl<S: Sync> FromRequestParts<S> for NamespaceInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut segments = Segments::of(parts)?;
        let catalog = segments.take("prefix")?;
        let namespace = namespace_of(&segments.take("namespace")?)?;
        Ok(Self { catalog, namespace })
    }
}

impl<S: Sync> FromRequestParts<S> for TableInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let (catalog, ident) = Segments::of(parts)?.take_ident("table")?;
        Ok(Self { catalog, ident })
    }
}

impl<S: Sync> FromRequestParts<S> for ViewInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let (catalog, ident) = Segments::of(parts)?.take_ident("view")?;
        Ok(Self { catalog, ident })
    }
}

impl<S: Sync> FromRequestParts<S> for GenericTableInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let (catalog, ident) = Segments::of(parts)?.take_ident("generic-table")?;
        Ok(Self { catalog, ident })
    }
}

impl<S: Sync> FromRequestParts<S> for PolicyInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let (catalog, ident) = Segments::of(parts)?.take_ident("policy-name")?;
        Ok(Self { catalog, ident })
    }
}

impl<S: Sync> FromRequestParts<S> for CatalogName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let name = Segments::of(parts)?.take("catalogName")?;
        management_name(&name)?;
        Ok(Self(name))
    }
}

/// Refuses a name that nothing in the management API can have, in the words of Polaris.
pub(crate) fn management_name(name: &str) -> Result<(), ApiError> {
    check_management_name(name).map_err(|reason| {
        ApiError::new(ErrorKind::ConstraintViolation, format!("Invalid value: name: {reason}"))
    })
}

/// The levels of a namespace, joined by the unit separator.
pub(crate) fn namespace_of(joined: &str) -> Result<Namespace, ApiError> {
    let levels = joined.split(LEVEL_SEPARATOR).map(str::to_owned).collect();
    Namespace::lookup(levels).map_err(ApiError::from)
}

impl From<InvalidName> for ApiError {
    fn from(error: InvalidName) -> Self {
        Self::new(ErrorKind::IllegalArgument, error.to_string())
    }
}

/// The parameters of the matched route, decoded.
struct Segments(BTreeMap<String, String>);

impl Segments {
    /// Decodes each segment once, as clients encode it: like a form, with `+` for a blank. A slash
    /// that was encoded is a part of its name and no separator, so that the path is taken apart
    /// before anything is decoded.
    fn of(parts: &Parts) -> Result<Self, ApiError> {
        let route = parts.extensions.get::<MatchedPath>().ok_or_else(malformed_path)?;
        let mut segments = BTreeMap::new();
        for (name, raw) in route.as_str().split('/').zip(parts.uri.path().split('/')) {
            let Some(name) = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else {
                continue;
            };
            let raw = raw.replace('+', " ");
            let decoded = percent_decode_str(&raw).decode_utf8().map_err(|_| malformed_path())?;
            if decoded.contains('\0') {
                return Err(malformed_path());
            }
            segments.insert(name.to_owned(), decoded.into_owned());
        }
        Ok(Self(segments))
    }

    fn take(&mut self, name: &str) -> Result<String, ApiError> {
        self.0.remove(name).ok_or_else(malformed_path)
    }

    /// The catalog, and what is named in one of its namespaces.
    fn take_ident(mut self, name: &str) -> Result<(String, TableIdent), ApiError> {
        let catalog = self.take("prefix")?;
        let namespace = namespace_of(&self.take("namespace")?)?;
        Ok((catalog, TableIdent { namespace, name: self.take(name)? }))
    }
}

fn malformed_path() -> ApiError {
    ApiError::new(ErrorKind::BadRequest, "The path is not valid UTF-8, or holds a null character")
}
