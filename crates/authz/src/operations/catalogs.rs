//! Operations on catalogs.

use super::operations;
use crate::{ResolvedCatalog, ResolvedRealm};

operations! { ResolvedRealm:
    /// Lists the realm's catalogs: all of them or none.
    ListCatalogs = "LIST_CATALOGS" requires [CatalogList];
    /// Makes a catalog.
    CreateCatalog = "CREATE_CATALOG" requires [CatalogCreate];
}

operations! { ResolvedCatalog:
    /// Reads a catalog.
    GetCatalog = "GET_CATALOG" requires [CatalogReadProperties];
    /// Changes a catalog's properties or storage configuration.
    UpdateCatalog = "UPDATE_CATALOG" requires [CatalogWriteProperties];
    /// Removes an empty catalog.
    DeleteCatalog = "DELETE_CATALOG" requires [CatalogDrop];
    /// Reads what a client needs to use the catalog. Polaris asks for no privilege.
    GetConfig = "GET_CONFIG" requires [];
}
