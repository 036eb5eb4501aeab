//! Operations on what the server remembers of what was done.

use super::operations;
use crate::{ResolvedCatalog, ResolvedRealm};

operations! { ResolvedRealm:
    // Merak's own, as the others are. They tell who did what in the whole realm, so that only whoever
    // may give all rights in it away may ask.
    /// Reads the events of a realm.
    ListEvents = "LIST_EVENTS" requires [ServiceManageAccess];
    /// Reads the audit records of a realm.
    ListAuditRecords = "LIST_AUDIT_RECORDS" requires [ServiceManageAccess];
}

operations! { ResolvedCatalog:
    /// Reads the events of a catalog.
    ListCatalogEvents = "LIST_CATALOG_EVENTS" requires [CatalogManageAccess];
}
