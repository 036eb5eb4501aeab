//! Operations on catalogs.

use merak_metastore::ResolvedCaller;
use merak_model::Features;

use super::operations;
use crate::{Operation, Requirement, ResolvedCatalog, ResolvedRealm};

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
    // Merak's own, as the next one is. It writes below the catalog's base location, removes it
    // again, and gives nothing of it out.
    /// Checks a catalog's storage step by step.
    DiagnoseCatalog = "DIAGNOSE_CATALOG" requires [CatalogManageMetadata];
    // It tells what a principal may do with a table, as explaining access does: so whoever manages
    // grants there may ask. Who manages metadata alone has no business with others' rights.
    /// Asks what would bound a principal's credentials for a table.
    ExplainPolicy = "EXPLAIN_POLICY" requires [CatalogManageGrantsOnSecurable];
}

/// Reads what a client needs to use the catalog. Polaris asks for no privilege, nor for anything
/// else but a token.
#[derive(Debug, Clone, Copy)]
pub struct GetConfig;

impl Operation for GetConfig {
    type Target = ResolvedCatalog;

    fn name(&self) -> &'static str {
        "GET_CONFIG"
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        _: &ResolvedCatalog,
        _: &Features,
    ) -> Vec<Requirement> {
        Vec::new()
    }

    fn is_open_before_rotation(&self) -> bool {
        true
    }
}
