//! Operations on catalogs.

use merak_metastore::ResolvedCaller;
use merak_model::Features;

use super::operations;
use crate::{Asked, Operation, Requirement, ResolvedCatalog, ResolvedRealm};

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
    // Tasks delete files and name them, so that whoever manages metadata may see and retry them.
    /// Lists a catalog's work in the background.
    ListTasks = "LIST_TASKS" requires [CatalogManageMetadata];
    /// Reads a task of a catalog.
    GetTask = "GET_TASK" requires [CatalogManageMetadata];
    /// Has a task of a catalog that failed begin anew.
    RetryTask = "RETRY_TASK" requires [CatalogManageMetadata];
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

    fn asked<'a>(
        &self,
        _: &ResolvedCaller,
        _: &'a ResolvedCatalog,
        _: &Features,
    ) -> Vec<Asked<'a>> {
        Vec::new()
    }

    fn is_open_before_rotation(&self) -> bool {
        true
    }
}

/// Tells again what became of a request with an idempotency key.
///
/// It is Merak's own, and asks for no privilege: keys belong to a principal in its choice of roles, so that it learns what it was told
/// before, or would have been. What a request needs is asked of each repetition before.
#[derive(Debug, Clone, Copy)]
pub struct ReplayAnswer;

impl Operation for ReplayAnswer {
    type Target = ResolvedCatalog;

    fn name(&self) -> &'static str {
        "REPLAY_ANSWER"
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        _: &ResolvedCatalog,
        _: &Features,
    ) -> Vec<Requirement> {
        Vec::new()
    }

    fn asked<'a>(
        &self,
        _: &ResolvedCaller,
        _: &'a ResolvedCatalog,
        _: &Features,
    ) -> Vec<Asked<'a>> {
        Vec::new()
    }
}
