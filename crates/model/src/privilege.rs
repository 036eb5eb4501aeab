//! Privileges: what may be done to a kind of securable, and sets of them.

use std::fmt;

/// Declares the privileges: a row each, with Polaris' code and name.
macro_rules! privileges {
    ($($variant:ident = $code:literal $name:literal),+ $(,)?) => {
        /// One thing that may be done to one kind of securable. Codes and names are Polaris'.
        ///
        /// Which privilege implies which is not said here but in the `authz` crate.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names are the documentation, and Polaris'")]
        pub enum Privilege {
            $($variant = $code),+
        }

        impl Privilege {
            /// Every privilege, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name the APIs use.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }

            /// The privilege of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

privileges! {
    ServiceManageAccess = 1 "SERVICE_MANAGE_ACCESS",
    CatalogManageAccess = 2 "CATALOG_MANAGE_ACCESS",
    CatalogRoleUsage = 3 "CATALOG_ROLE_USAGE",
    PrincipalRoleUsage = 4 "PRINCIPAL_ROLE_USAGE",
    NamespaceCreate = 5 "NAMESPACE_CREATE",
    TableCreate = 6 "TABLE_CREATE",
    ViewCreate = 7 "VIEW_CREATE",
    NamespaceDrop = 8 "NAMESPACE_DROP",
    TableDrop = 9 "TABLE_DROP",
    ViewDrop = 10 "VIEW_DROP",
    NamespaceList = 11 "NAMESPACE_LIST",
    TableList = 12 "TABLE_LIST",
    ViewList = 13 "VIEW_LIST",
    NamespaceReadProperties = 14 "NAMESPACE_READ_PROPERTIES",
    TableReadProperties = 15 "TABLE_READ_PROPERTIES",
    ViewReadProperties = 16 "VIEW_READ_PROPERTIES",
    NamespaceWriteProperties = 17 "NAMESPACE_WRITE_PROPERTIES",
    TableWriteProperties = 18 "TABLE_WRITE_PROPERTIES",
    ViewWriteProperties = 19 "VIEW_WRITE_PROPERTIES",
    TableReadData = 20 "TABLE_READ_DATA",
    TableWriteData = 21 "TABLE_WRITE_DATA",
    NamespaceFullMetadata = 22 "NAMESPACE_FULL_METADATA",
    TableFullMetadata = 23 "TABLE_FULL_METADATA",
    ViewFullMetadata = 24 "VIEW_FULL_METADATA",
    CatalogCreate = 25 "CATALOG_CREATE",
    CatalogDrop = 26 "CATALOG_DROP",
    CatalogList = 27 "CATALOG_LIST",
    CatalogReadProperties = 28 "CATALOG_READ_PROPERTIES",
    CatalogWriteProperties = 29 "CATALOG_WRITE_PROPERTIES",
    CatalogFullMetadata = 30 "CATALOG_FULL_METADATA",
    CatalogManageMetadata = 31 "CATALOG_MANAGE_METADATA",
    CatalogManageContent = 32 "CATALOG_MANAGE_CONTENT",
    PrincipalListGrants = 33 "PRINCIPAL_LIST_GRANTS",
    PrincipalRoleListGrants = 34 "PRINCIPAL_ROLE_LIST_GRANTS",
    CatalogRoleListGrants = 35 "CATALOG_ROLE_LIST_GRANTS",
    CatalogListGrants = 36 "CATALOG_LIST_GRANTS",
    NamespaceListGrants = 37 "NAMESPACE_LIST_GRANTS",
    TableListGrants = 38 "TABLE_LIST_GRANTS",
    ViewListGrants = 39 "VIEW_LIST_GRANTS",
    CatalogManageGrantsOnSecurable = 40 "CATALOG_MANAGE_GRANTS_ON_SECURABLE",
    NamespaceManageGrantsOnSecurable = 41 "NAMESPACE_MANAGE_GRANTS_ON_SECURABLE",
    TableManageGrantsOnSecurable = 42 "TABLE_MANAGE_GRANTS_ON_SECURABLE",
    ViewManageGrantsOnSecurable = 43 "VIEW_MANAGE_GRANTS_ON_SECURABLE",
    PrincipalCreate = 44 "PRINCIPAL_CREATE",
    PrincipalDrop = 45 "PRINCIPAL_DROP",
    PrincipalList = 46 "PRINCIPAL_LIST",
    PrincipalReadProperties = 47 "PRINCIPAL_READ_PROPERTIES",
    PrincipalWriteProperties = 48 "PRINCIPAL_WRITE_PROPERTIES",
    PrincipalFullMetadata = 49 "PRINCIPAL_FULL_METADATA",
    PrincipalManageGrantsOnSecurable = 50 "PRINCIPAL_MANAGE_GRANTS_ON_SECURABLE",
    PrincipalManageGrantsForGrantee = 51 "PRINCIPAL_MANAGE_GRANTS_FOR_GRANTEE",
    PrincipalRotateCredentials = 52 "PRINCIPAL_ROTATE_CREDENTIALS",
    PrincipalResetCredentials = 53 "PRINCIPAL_RESET_CREDENTIALS",
    PrincipalRoleCreate = 54 "PRINCIPAL_ROLE_CREATE",
    PrincipalRoleDrop = 55 "PRINCIPAL_ROLE_DROP",
    PrincipalRoleList = 56 "PRINCIPAL_ROLE_LIST",
    PrincipalRoleReadProperties = 57 "PRINCIPAL_ROLE_READ_PROPERTIES",
    PrincipalRoleWriteProperties = 58 "PRINCIPAL_ROLE_WRITE_PROPERTIES",
    PrincipalRoleFullMetadata = 59 "PRINCIPAL_ROLE_FULL_METADATA",
    PrincipalRoleManageGrantsOnSecurable = 60 "PRINCIPAL_ROLE_MANAGE_GRANTS_ON_SECURABLE",
    PrincipalRoleManageGrantsForGrantee = 61 "PRINCIPAL_ROLE_MANAGE_GRANTS_FOR_GRANTEE",
    CatalogRoleCreate = 62 "CATALOG_ROLE_CREATE",
    CatalogRoleDrop = 63 "CATALOG_ROLE_DROP",
    CatalogRoleList = 64 "CATALOG_ROLE_LIST",
    CatalogRoleReadProperties = 65 "CATALOG_ROLE_READ_PROPERTIES",
    CatalogRoleWriteProperties = 66 "CATALOG_ROLE_WRITE_PROPERTIES",
    CatalogRoleFullMetadata = 67 "CATALOG_ROLE_FULL_METADATA",
    CatalogRoleManageGrantsOnSecurable = 68 "CATALOG_ROLE_MANAGE_GRANTS_ON_SECURABLE",
    CatalogRoleManageGrantsForGrantee = 69 "CATALOG_ROLE_MANAGE_GRANTS_FOR_GRANTEE",
    PolicyCreate = 70 "POLICY_CREATE",
    PolicyRead = 71 "POLICY_READ",
    PolicyDrop = 72 "POLICY_DROP",
    PolicyWrite = 73 "POLICY_WRITE",
    PolicyList = 74 "POLICY_LIST",
    PolicyFullMetadata = 75 "POLICY_FULL_METADATA",
    PolicyAttach = 76 "POLICY_ATTACH",
    PolicyDetach = 77 "POLICY_DETACH",
    CatalogAttachPolicy = 78 "CATALOG_ATTACH_POLICY",
    NamespaceAttachPolicy = 79 "NAMESPACE_ATTACH_POLICY",
    TableAttachPolicy = 80 "TABLE_ATTACH_POLICY",
    CatalogDetachPolicy = 81 "CATALOG_DETACH_POLICY",
    NamespaceDetachPolicy = 82 "NAMESPACE_DETACH_POLICY",
    TableDetachPolicy = 83 "TABLE_DETACH_POLICY",
    PolicyManageGrantsOnSecurable = 84 "POLICY_MANAGE_GRANTS_ON_SECURABLE",
    TableAssignUuid = 85 "TABLE_ASSIGN_UUID",
    TableUpgradeFormatVersion = 86 "TABLE_UPGRADE_FORMAT_VERSION",
    TableAddSchema = 87 "TABLE_ADD_SCHEMA",
    TableSetCurrentSchema = 88 "TABLE_SET_CURRENT_SCHEMA",
    TableAddPartitionSpec = 89 "TABLE_ADD_PARTITION_SPEC",
    TableAddSortOrder = 90 "TABLE_ADD_SORT_ORDER",
    TableSetDefaultSortOrder = 91 "TABLE_SET_DEFAULT_SORT_ORDER",
    TableAddSnapshot = 92 "TABLE_ADD_SNAPSHOT",
    TableSetSnapshotRef = 93 "TABLE_SET_SNAPSHOT_REF",
    TableRemoveSnapshots = 94 "TABLE_REMOVE_SNAPSHOTS",
    TableRemoveSnapshotRef = 95 "TABLE_REMOVE_SNAPSHOT_REF",
    TableSetLocation = 96 "TABLE_SET_LOCATION",
    TableSetProperties = 97 "TABLE_SET_PROPERTIES",
    TableRemoveProperties = 98 "TABLE_REMOVE_PROPERTIES",
    TableSetStatistics = 99 "TABLE_SET_STATISTICS",
    TableRemoveStatistics = 100 "TABLE_REMOVE_STATISTICS",
    TableRemovePartitionSpecs = 101 "TABLE_REMOVE_PARTITION_SPECS",
    TableManageStructure = 102 "TABLE_MANAGE_STRUCTURE",
}

impl Privilege {
    /// The number it is stored as: 1 to 102.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The privilege stored as that number.
    pub fn from_code(code: i32) -> Option<Self> {
        let index = usize::try_from(code).ok()?.checked_sub(1)?;
        Self::ALL.get(index).copied()
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of privileges: a bit each, so that asking whether one is held costs one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PrivilegeSet(u128);

impl PrivilegeSet {
    /// The set that holds none.
    pub const EMPTY: Self = Self(0);

    /// The set of those privileges.
    pub const fn of(privileges: &[Privilege]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < privileges.len() {
            bits |= 1 << (privileges[index] as u32);
            index += 1;
        }
        Self(bits)
    }

    /// Adds one.
    pub fn insert(&mut self, privilege: Privilege) {
        self.0 |= 1 << (privilege as u32);
    }

    /// Whether it is in the set.
    pub const fn contains(self, privilege: Privilege) -> bool {
        self.0 & (1 << (privilege as u32)) != 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the two have a privilege in common.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether none is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The privileges in it, in the order of their codes.
    pub fn iter(self) -> impl Iterator<Item = Privilege> {
        Privilege::ALL.iter().copied().filter(move |privilege| self.contains(*privilege))
    }
}

impl FromIterator<Privilege> for PrivilegeSet {
    fn from_iter<I: IntoIterator<Item = Privilege>>(privileges: I) -> Self {
        let mut set = Self::EMPTY;
        for privilege in privileges {
            set.insert(privilege);
        }
        set
    }
}

impl fmt::Debug for PrivilegeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_lead_back_to_their_privilege() {
        for (index, privilege) in Privilege::ALL.iter().enumerate() {
            assert_eq!(usize::try_from(privilege.code()).unwrap(), index + 1);
            assert_eq!(Privilege::from_code(privilege.code()), Some(*privilege));
            assert_eq!(Privilege::from_name(privilege.name()), Some(*privilege));
        }
        assert_eq!(Privilege::ALL.len(), 102);
        assert_eq!(Privilege::from_code(0), None);
        assert_eq!(Privilege::from_code(103), None);
    }

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set = PrivilegeSet::of(&[Privilege::TableDrop, Privilege::TableManageStructure]);

        let held: Vec<_> = set.iter().collect();

        assert_eq!(held, [Privilege::TableDrop, Privilege::TableManageStructure]);
        assert!(!set.contains(Privilege::ServiceManageAccess));
    }
}
