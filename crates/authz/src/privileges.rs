//! Which privilege implies which. This table is the only place that says so.

use std::sync::LazyLock;

use merak_model::Privilege::{
    self, CatalogAttachPolicy, CatalogCreate, CatalogDetachPolicy, CatalogDrop,
    CatalogFullMetadata, CatalogList, CatalogListGrants, CatalogManageAccess, CatalogManageContent,
    CatalogManageGrantsOnSecurable, CatalogManageMetadata, CatalogReadProperties,
    CatalogRoleCreate, CatalogRoleDrop, CatalogRoleFullMetadata, CatalogRoleList,
    CatalogRoleListGrants, CatalogRoleManageGrantsForGrantee, CatalogRoleManageGrantsOnSecurable,
    CatalogRoleReadProperties, CatalogRoleWriteProperties, CatalogWriteProperties,
    NamespaceAttachPolicy, NamespaceCreate, NamespaceDetachPolicy, NamespaceDrop,
    NamespaceFullMetadata, NamespaceList, NamespaceListGrants, NamespaceManageGrantsOnSecurable,
    NamespaceReadProperties, NamespaceWriteProperties, PolicyAttach, PolicyCreate, PolicyDetach,
    PolicyDrop, PolicyFullMetadata, PolicyList, PolicyManageGrantsOnSecurable, PolicyRead,
    PolicyWrite, PrincipalCreate, PrincipalDrop, PrincipalFullMetadata, PrincipalList,
    PrincipalListGrants, PrincipalManageGrantsForGrantee, PrincipalManageGrantsOnSecurable,
    PrincipalReadProperties, PrincipalResetCredentials, PrincipalRoleCreate, PrincipalRoleDrop,
    PrincipalRoleFullMetadata, PrincipalRoleList, PrincipalRoleListGrants,
    PrincipalRoleManageGrantsForGrantee, PrincipalRoleManageGrantsOnSecurable,
    PrincipalRoleReadProperties, PrincipalRoleWriteProperties, PrincipalWriteProperties,
    ServiceManageAccess, TableAddPartitionSpec, TableAddSchema, TableAddSnapshot,
    TableAddSortOrder, TableAssignUuid, TableAttachPolicy, TableCreate, TableDetachPolicy,
    TableDrop, TableFullMetadata, TableList, TableListGrants, TableManageGrantsOnSecurable,
    TableManageStructure, TableReadData, TableReadProperties, TableRemovePartitionSpecs,
    TableRemoveProperties, TableRemoveSnapshotRef, TableRemoveSnapshots, TableRemoveStatistics,
    TableSetCurrentSchema, TableSetDefaultSortOrder, TableSetLocation, TableSetProperties,
    TableSetSnapshotRef, TableSetStatistics, TableUpgradeFormatVersion, TableWriteData,
    TableWriteProperties, ViewCreate, ViewDrop, ViewFullMetadata, ViewList, ViewListGrants,
    ViewManageGrantsOnSecurable, ViewReadProperties, ViewWriteProperties,
};
use merak_model::PrivilegeSet;

/// A row: the privileges wanted, and those that each satisfy them beside themselves. The rows are
/// Polaris' own; implication is not transitive beyond them.
type Row = (&'static [Privilege], &'static [Privilege]);

const ROWS: &[Row] = &[
    (
        &[NamespaceCreate, NamespaceDrop, NamespaceWriteProperties],
        &[CatalogManageContent, CatalogManageMetadata, NamespaceFullMetadata],
    ),
    (
        &[NamespaceList],
        &[
            CatalogManageContent,
            CatalogManageMetadata,
            NamespaceCreate,
            NamespaceFullMetadata,
            NamespaceReadProperties,
            NamespaceWriteProperties,
        ],
    ),
    (
        &[NamespaceReadProperties],
        &[
            CatalogManageContent,
            CatalogManageMetadata,
            NamespaceFullMetadata,
            NamespaceWriteProperties,
        ],
    ),
    (&[TableCreate, TableDrop], &[CatalogManageContent, CatalogManageMetadata, TableFullMetadata]),
    (
        &[TableList],
        &[
            CatalogManageContent,
            CatalogManageMetadata,
            TableCreate,
            TableFullMetadata,
            TableReadData,
            TableReadProperties,
            TableWriteData,
            TableWriteProperties,
        ],
    ),
    (
        &[TableReadProperties],
        &[
            CatalogManageContent,
            CatalogManageMetadata,
            TableFullMetadata,
            TableReadData,
            TableWriteData,
            TableWriteProperties,
        ],
    ),
    (
        &[TableWriteProperties],
        &[CatalogManageContent, CatalogManageMetadata, TableFullMetadata, TableWriteData],
    ),
    // Metadata never opens data: neither CATALOG_MANAGE_METADATA nor TABLE_FULL_METADATA is here.
    (&[TableReadData], &[CatalogManageContent, TableWriteData]),
    (&[TableWriteData], &[CatalogManageContent]),
    (
        &[TableManageStructure, TableAddSnapshot, TableSetSnapshotRef],
        &[
            CatalogManageContent,
            CatalogManageMetadata,
            TableFullMetadata,
            TableWriteData,
            TableWriteProperties,
        ],
    ),
    (
        &[
            TableAssignUuid,
            TableUpgradeFormatVersion,
            TableAddSchema,
            TableSetCurrentSchema,
            TableAddPartitionSpec,
            TableAddSortOrder,
            TableSetDefaultSortOrder,
            TableRemoveSnapshots,
            TableRemoveSnapshotRef,
            TableSetLocation,
            TableSetProperties,
            TableRemoveProperties,
            TableSetStatistics,
            TableRemoveStatistics,
            TableRemovePartitionSpecs,
        ],
        &[
            CatalogManageContent,
            CatalogManageMetadata,
            TableFullMetadata,
            TableWriteData,
            TableWriteProperties,
            TableManageStructure,
        ],
    ),
    (
        &[ViewCreate, ViewDrop, ViewWriteProperties],
        &[CatalogManageContent, CatalogManageMetadata, ViewFullMetadata],
    ),
    (
        &[ViewList],
        &[
            CatalogManageContent,
            CatalogManageMetadata,
            ViewCreate,
            ViewFullMetadata,
            ViewReadProperties,
            ViewWriteProperties,
        ],
    ),
    (
        &[ViewReadProperties],
        &[CatalogManageContent, CatalogManageMetadata, ViewFullMetadata, ViewWriteProperties],
    ),
    (
        &[NamespaceFullMetadata, TableFullMetadata, ViewFullMetadata],
        &[CatalogManageContent, CatalogManageMetadata],
    ),
    (&[CatalogManageMetadata], &[CatalogManageContent]),
    (&[CatalogCreate, CatalogDrop], &[CatalogFullMetadata, ServiceManageAccess]),
    (
        &[CatalogList],
        &[
            CatalogCreate,
            CatalogFullMetadata,
            CatalogManageContent,
            CatalogManageMetadata,
            CatalogReadProperties,
            CatalogWriteProperties,
            ServiceManageAccess,
        ],
    ),
    (
        &[CatalogReadProperties],
        &[
            CatalogFullMetadata,
            CatalogManageContent,
            CatalogManageMetadata,
            CatalogWriteProperties,
            ServiceManageAccess,
        ],
    ),
    (
        &[CatalogWriteProperties],
        &[CatalogFullMetadata, CatalogManageContent, CatalogManageMetadata, ServiceManageAccess],
    ),
    (&[CatalogFullMetadata], &[ServiceManageAccess]),
    (
        &[PrincipalCreate, PrincipalDrop, PrincipalWriteProperties],
        &[PrincipalFullMetadata, ServiceManageAccess],
    ),
    (
        &[PrincipalList],
        &[
            PrincipalCreate,
            PrincipalReadProperties,
            PrincipalWriteProperties,
            PrincipalFullMetadata,
            ServiceManageAccess,
        ],
    ),
    (
        &[PrincipalReadProperties],
        &[PrincipalWriteProperties, PrincipalFullMetadata, ServiceManageAccess],
    ),
    (
        &[
            PrincipalFullMetadata,
            PrincipalManageGrantsOnSecurable,
            PrincipalManageGrantsForGrantee,
            PrincipalResetCredentials,
            PrincipalRoleFullMetadata,
            PrincipalRoleManageGrantsOnSecurable,
            PrincipalRoleManageGrantsForGrantee,
        ],
        &[ServiceManageAccess],
    ),
    (
        &[PrincipalListGrants],
        &[PrincipalManageGrantsOnSecurable, PrincipalManageGrantsForGrantee, ServiceManageAccess],
    ),
    (
        &[PrincipalRoleCreate, PrincipalRoleDrop, PrincipalRoleWriteProperties],
        &[PrincipalRoleFullMetadata, ServiceManageAccess],
    ),
    (
        &[PrincipalRoleList],
        &[
            PrincipalRoleCreate,
            PrincipalRoleReadProperties,
            PrincipalRoleWriteProperties,
            PrincipalRoleFullMetadata,
            ServiceManageAccess,
        ],
    ),
    (
        &[PrincipalRoleReadProperties],
        &[PrincipalRoleWriteProperties, PrincipalRoleFullMetadata, ServiceManageAccess],
    ),
    (
        &[PrincipalRoleListGrants],
        &[
            PrincipalRoleManageGrantsOnSecurable,
            PrincipalRoleManageGrantsForGrantee,
            ServiceManageAccess,
        ],
    ),
    (
        &[CatalogRoleCreate, CatalogRoleDrop, CatalogRoleWriteProperties],
        &[CatalogRoleFullMetadata, CatalogManageAccess],
    ),
    (
        &[CatalogRoleList],
        &[
            CatalogRoleCreate,
            CatalogRoleReadProperties,
            CatalogRoleWriteProperties,
            CatalogRoleFullMetadata,
            CatalogManageAccess,
        ],
    ),
    (
        &[CatalogRoleReadProperties],
        &[CatalogRoleWriteProperties, CatalogRoleFullMetadata, CatalogManageAccess],
    ),
    (
        &[
            CatalogRoleFullMetadata,
            CatalogRoleManageGrantsOnSecurable,
            CatalogRoleManageGrantsForGrantee,
            CatalogManageGrantsOnSecurable,
            NamespaceManageGrantsOnSecurable,
            TableManageGrantsOnSecurable,
            ViewManageGrantsOnSecurable,
            PolicyManageGrantsOnSecurable,
        ],
        &[CatalogManageAccess],
    ),
    (
        &[CatalogRoleListGrants],
        &[
            CatalogRoleManageGrantsOnSecurable,
            CatalogRoleManageGrantsForGrantee,
            CatalogManageAccess,
        ],
    ),
    (&[CatalogListGrants], &[CatalogManageGrantsOnSecurable, CatalogManageAccess]),
    (&[NamespaceListGrants], &[NamespaceManageGrantsOnSecurable, CatalogManageAccess]),
    (&[TableListGrants], &[TableManageGrantsOnSecurable, CatalogManageAccess]),
    (&[ViewListGrants], &[ViewManageGrantsOnSecurable, CatalogManageAccess]),
    (
        &[PolicyCreate, PolicyWrite, PolicyDrop],
        &[PolicyFullMetadata, CatalogManageMetadata, CatalogManageContent],
    ),
    (
        &[PolicyRead],
        &[PolicyWrite, PolicyFullMetadata, CatalogManageMetadata, CatalogManageContent],
    ),
    (
        &[PolicyList],
        &[
            PolicyCreate,
            PolicyRead,
            PolicyWrite,
            PolicyFullMetadata,
            CatalogManageMetadata,
            CatalogManageContent,
        ],
    ),
    (
        &[
            PolicyFullMetadata,
            PolicyAttach,
            PolicyDetach,
            CatalogAttachPolicy,
            NamespaceAttachPolicy,
            TableAttachPolicy,
            CatalogDetachPolicy,
            NamespaceDetachPolicy,
            TableDetachPolicy,
        ],
        &[CatalogManageMetadata, CatalogManageContent],
    ),
];

/// For each privilege, by its code, those that satisfy it, itself among them.
static SATISFIED_BY: LazyLock<Vec<PrivilegeSet>> = LazyLock::new(|| {
    let mut satisfied_by = vec![PrivilegeSet::EMPTY; Privilege::ALL.len() + 1];
    for privilege in Privilege::ALL {
        satisfied_by[*privilege as usize].insert(*privilege);
    }
    for (wanted, others) in ROWS {
        for privilege in *wanted {
            let set = &mut satisfied_by[*privilege as usize];
            *set = set.union(PrivilegeSet::of(others));
        }
    }
    satisfied_by
});

/// The privileges any of which satisfies `wanted`, itself among them.
pub fn satisfying(wanted: Privilege) -> PrivilegeSet {
    SATISFIED_BY[wanted as usize]
}

/// Whether those granted on a path satisfy `wanted`.
pub fn holds(granted: PrivilegeSet, wanted: Privilege) -> bool {
    granted.intersects(satisfying(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managing_metadata_opens_no_data() {
        let metadata = PrivilegeSet::of(&[CatalogManageMetadata, TableFullMetadata]);

        assert!(holds(metadata, TableWriteProperties));
        assert!(!holds(metadata, TableReadData));
        assert!(!holds(metadata, TableWriteData));
    }

    #[test]
    fn managing_the_service_opens_no_catalog() {
        let service = PrivilegeSet::of(&[ServiceManageAccess]);

        assert!(holds(service, CatalogCreate));
        assert!(!holds(service, NamespaceList));
        assert!(!holds(service, CatalogManageAccess));
        assert!(!holds(service, CatalogRoleList));
    }

    #[test]
    fn managing_structure_moves_no_snapshots() {
        let structure = PrivilegeSet::of(&[TableManageStructure]);

        assert!(holds(structure, TableAddSchema));
        assert!(!holds(structure, TableAddSnapshot));
        assert!(!holds(structure, TableSetSnapshotRef));
    }

    #[test]
    fn the_roots_of_all_power_are_satisfied_by_themselves_alone() {
        for root in [
            ServiceManageAccess,
            CatalogManageAccess,
            CatalogManageContent,
            Privilege::CatalogRoleUsage,
            Privilege::PrincipalRoleUsage,
            Privilege::PrincipalRotateCredentials,
        ] {
            assert_eq!(satisfying(root), PrivilegeSet::of(&[root]), "{root}");
        }
    }

    #[test]
    fn no_privilege_is_wanted_by_two_rows() {
        let mut seen = PrivilegeSet::EMPTY;
        for privilege in ROWS.iter().flat_map(|(wanted, _)| *wanted) {
            assert!(!seen.contains(*privilege), "{privilege} stands in two rows");
            seen.insert(*privilege);
        }
    }
}
