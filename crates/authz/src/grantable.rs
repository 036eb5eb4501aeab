//! Which privileges may be granted on which kind of securable. Those that are in no list are had by
//! managing access to the service or to a catalog, and in no other way.

use merak_model::Privilege::{
    CatalogAttachPolicy, CatalogDetachPolicy, CatalogManageAccess, CatalogManageContent,
    CatalogManageMetadata, CatalogReadProperties, CatalogWriteProperties, NamespaceAttachPolicy,
    NamespaceCreate, NamespaceDetachPolicy, NamespaceDrop, NamespaceFullMetadata, NamespaceList,
    NamespaceReadProperties, NamespaceWriteProperties, PolicyAttach, PolicyCreate, PolicyDetach,
    PolicyDrop, PolicyFullMetadata, PolicyList, PolicyRead, PolicyWrite, TableAddPartitionSpec,
    TableAddSchema, TableAddSnapshot, TableAddSortOrder, TableAssignUuid, TableAttachPolicy,
    TableCreate, TableDetachPolicy, TableDrop, TableFullMetadata, TableList, TableManageStructure,
    TableReadData, TableReadProperties, TableRemovePartitionSpecs, TableRemoveProperties,
    TableRemoveSnapshotRef, TableRemoveSnapshots, TableRemoveStatistics, TableSetCurrentSchema,
    TableSetDefaultSortOrder, TableSetLocation, TableSetProperties, TableSetSnapshotRef,
    TableSetStatistics, TableUpgradeFormatVersion, TableWriteData, TableWriteProperties,
    ViewCreate, ViewDrop, ViewFullMetadata, ViewList, ViewReadProperties, ViewWriteProperties,
};
use merak_model::{EntityKind, PrivilegeSet};

/// What allows one kind of update to a table each, and the right to all of them but snapshots.
const FINE_GRAINED: PrivilegeSet = PrivilegeSet::of(&[
    TableAssignUuid,
    TableUpgradeFormatVersion,
    TableAddSchema,
    TableSetCurrentSchema,
    TableAddPartitionSpec,
    TableAddSortOrder,
    TableSetDefaultSortOrder,
    TableAddSnapshot,
    TableSetSnapshotRef,
    TableRemoveSnapshots,
    TableRemoveSnapshotRef,
    TableSetLocation,
    TableSetProperties,
    TableRemoveProperties,
    TableSetStatistics,
    TableRemoveStatistics,
    TableRemovePartitionSpecs,
    TableManageStructure,
]);

const VIEW: PrivilegeSet = PrivilegeSet::of(&[
    CatalogManageAccess,
    ViewDrop,
    ViewList,
    ViewReadProperties,
    ViewWriteProperties,
    ViewFullMetadata,
]);

const POLICY: PrivilegeSet = PrivilegeSet::of(&[
    CatalogManageAccess,
    PolicyRead,
    PolicyDrop,
    PolicyWrite,
    PolicyList,
    PolicyFullMetadata,
    PolicyAttach,
    PolicyDetach,
]);

const TABLE: PrivilegeSet = FINE_GRAINED.union(PrivilegeSet::of(&[
    CatalogManageAccess,
    TableDrop,
    TableList,
    TableReadProperties,
    TableWriteProperties,
    TableReadData,
    TableWriteData,
    TableFullMetadata,
    TableAttachPolicy,
    TableDetachPolicy,
]));

/// What a namespace and a catalog have alike.
const CONTAINER: PrivilegeSet = FINE_GRAINED.union(PrivilegeSet::of(&[
    CatalogManageAccess,
    CatalogManageContent,
    CatalogManageMetadata,
    NamespaceCreate,
    NamespaceDrop,
    NamespaceList,
    NamespaceReadProperties,
    NamespaceWriteProperties,
    NamespaceFullMetadata,
    TableCreate,
    TableDrop,
    TableList,
    TableReadProperties,
    TableWriteProperties,
    TableFullMetadata,
    TableReadData,
    TableWriteData,
    ViewCreate,
    ViewDrop,
    ViewList,
    ViewReadProperties,
    ViewWriteProperties,
    ViewFullMetadata,
    PolicyCreate,
    PolicyRead,
    PolicyDrop,
    PolicyWrite,
    PolicyList,
    PolicyFullMetadata,
]));

const NAMESPACE: PrivilegeSet =
    CONTAINER.union(PrivilegeSet::of(&[NamespaceAttachPolicy, NamespaceDetachPolicy]));

const CATALOG: PrivilegeSet = CONTAINER.union(PrivilegeSet::of(&[
    CatalogReadProperties,
    CatalogWriteProperties,
    CatalogAttachPolicy,
    CatalogDetachPolicy,
]));

/// The privileges that may be granted on that kind of securable to a catalog role. A generic table
/// is granted on as a table, as in Polaris.
pub const fn grantable_on(kind: EntityKind) -> PrivilegeSet {
    match kind {
        EntityKind::Catalog => CATALOG,
        EntityKind::Namespace => NAMESPACE,
        EntityKind::Table | EntityKind::GenericTable => TABLE,
        EntityKind::View => VIEW,
        EntityKind::Policy => POLICY,
        EntityKind::Root
        | EntityKind::Principal
        | EntityKind::PrincipalRole
        | EntityKind::CatalogRole => PrivilegeSet::EMPTY,
    }
}

#[cfg(test)]
mod tests {
    use merak_model::Privilege::{CatalogCreate, PrincipalCreate, ServiceManageAccess};

    use super::*;

    #[test]
    fn there_are_as_many_as_polaris_has() {
        let count = |kind| grantable_on(kind).iter().count();

        assert_eq!(count(EntityKind::Catalog), 51);
        assert_eq!(count(EntityKind::Namespace), 49);
        assert_eq!(count(EntityKind::Table), 28);
        assert_eq!(count(EntityKind::View), 6);
        assert_eq!(count(EntityKind::Policy), 8);
    }

    #[test]
    fn what_reaches_beyond_a_catalog_can_be_granted_nowhere() {
        for kind in EntityKind::ALL {
            for privilege in [ServiceManageAccess, CatalogCreate, PrincipalCreate] {
                assert!(!grantable_on(kind).contains(privilege), "{privilege} on {kind}");
            }
        }
    }
}
