//! Asking why somebody may do something, or may not.

use super::operations;
use crate::{ResolvedCatalog, ResolvedRealm};

// Merak's own: Polaris does not say why.
operations! { ResolvedRealm:
    /// Asks about what is done in the realm.
    ExplainAccessInRealm = "EXPLAIN_ACCESS_IN_REALM" requires [PrincipalManageGrantsForGrantee];
}

operations! { ResolvedCatalog:
    /// Asks about what is done in a catalog.
    ExplainAccessInCatalog = "EXPLAIN_ACCESS_IN_CATALOG" requires [CatalogManageGrantsOnSecurable];
}
