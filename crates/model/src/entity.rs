//! What the metastore keeps under an id.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::{EntityId, EntityVersion, Location, Privilege};

/// A map of names to text, as users set it.
pub type Properties = BTreeMap<String, String>;

/// The kind of an entity. The codes are Polaris', so that its users find them in the database.
///
/// A table, a view and a generic table share one space of names within a namespace, so that they
/// share one [`EntityKind::code`] and differ in [`EntityKind::sub_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    /// The realm's top securable.
    Root,
    /// An identity that can authenticate.
    Principal,
    /// A named set of principals.
    PrincipalRole,
    /// A named tree of namespaces with one storage configuration.
    Catalog,
    /// A named set of privileges within one catalog.
    CatalogRole,
    /// A level of naming in a catalog.
    Namespace,
    /// An Iceberg table.
    Table,
    /// An Iceberg view.
    View,
    /// A table of another format.
    GenericTable,
    /// A document attached to a catalog, namespace or table.
    Policy,
}

impl EntityKind {
    /// Every kind there is.
    pub const ALL: [Self; 10] = [
        Self::Root,
        Self::Principal,
        Self::PrincipalRole,
        Self::Catalog,
        Self::CatalogRole,
        Self::Namespace,
        Self::Table,
        Self::View,
        Self::GenericTable,
        Self::Policy,
    ];

    /// Which names it shares a space with, as stored.
    pub const fn code(self) -> i32 {
        match self {
            Self::Root => 1,
            Self::Principal => 2,
            Self::PrincipalRole => 3,
            Self::Catalog => 4,
            Self::CatalogRole => 5,
            Self::Namespace => 6,
            Self::Table | Self::View | Self::GenericTable => 7,
            Self::Policy => 10,
        }
    }

    /// Which of the kinds with one code it is, as stored; 0 where there is just one.
    pub const fn sub_code(self) -> i32 {
        match self {
            Self::Table => 2,
            Self::View => 3,
            Self::GenericTable => 4,
            Self::Root
            | Self::Principal
            | Self::PrincipalRole
            | Self::Catalog
            | Self::CatalogRole
            | Self::Namespace
            | Self::Policy => 0,
        }
    }

    /// The kind stored as those codes.
    pub fn from_codes(code: i32, sub_code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code && kind.sub_code() == sub_code)
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "Root",
            Self::Principal => "Principal",
            Self::PrincipalRole => "PrincipalRole",
            Self::Catalog => "Catalog",
            Self::CatalogRole => "CatalogRole",
            Self::Namespace => "Namespace",
            Self::Table => "Table",
            Self::View => "View",
            Self::GenericTable => "Generic table",
            Self::Policy => "Policy",
        })
    }
}

/// Anything the metastore keeps under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Its identifier, unique in the realm.
    pub id: EntityId,
    /// The catalog it is in; [`EntityId::ROOT`] for what is in none, catalogs included.
    pub catalog_id: EntityId,
    /// The entity it is directly in; the root's is itself.
    pub parent_id: EntityId,
    /// What it is.
    pub kind: EntityKind,
    /// Its name: of a namespace the whole path ([`crate::Namespace::encoded`]), of anything else
    /// the last part.
    pub name: String,
    /// How often it was changed.
    pub version: EntityVersion,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub updated_ms: i64,
    /// What users set, and may see.
    pub properties: Properties,
    /// What we set for ourselves; never shown as it stands.
    pub internal: Properties,
    /// The directory it keeps its files under, in the form overlaps are judged by
    /// ([`crate::Location::comparable`]).
    pub location: Option<String>,
    /// Where a table's or view's current metadata file is. Changing it *is* the commit.
    pub metadata_location: Option<String>,
}

impl Entity {
    /// An entity that is about to be made.
    pub fn new(
        kind: EntityKind,
        catalog_id: EntityId,
        parent_id: EntityId,
        name: impl Into<String>,
        now_ms: i64,
    ) -> Self {
        Self {
            id: EntityId::random(),
            catalog_id,
            parent_id,
            kind,
            name: name.into(),
            version: EntityVersion::FIRST,
            created_ms: now_ms,
            updated_ms: now_ms,
            properties: Properties::new(),
            internal: Properties::new(),
            location: None,
            metadata_location: None,
        }
    }

    /// The places it uses beside its location, in the form overlaps are judged by
    /// ([`crate::Location::comparable`]): those of [`WRITE_PATHS`] that are not within it.
    ///
    /// What is no location is left out: nobody is let in there.
    pub fn extra_places(&self) -> BTreeSet<String> {
        let own = self.location.as_deref();
        WRITE_PATHS
            .iter()
            .filter_map(|key| self.internal.get(*key))
            .filter_map(|path| Some(Location::parse(path).ok()?.comparable()))
            .filter(|place| !own.is_some_and(|own| place.starts_with(own)))
            .collect()
    }

    /// All places it uses, in the same form: its location and those beside it.
    pub fn places(&self) -> BTreeSet<String> {
        let mut places = self.extra_places();
        places.extend(self.location.clone());
        places
    }

    /// Whether an identity provider manages this principal or principal role.
    pub fn is_federated(&self) -> bool {
        self.internal.get(internal::FEDERATED).is_some_and(|value| value == "true")
    }
}

/// Where a table's metadata goes, if not below its location.
pub const WRITE_METADATA_PATH: &str = "write.metadata.path";

/// The properties by which Iceberg writes a table's files elsewhere than below its location.
///
/// The last two are deprecated, and still obeyed where `write.data.path` is not set. A table's
/// entity has them in [`Entity::internal`], under the same names and as its metadata states them.
pub const WRITE_PATHS: [&str; 4] = [
    "write.data.path",
    WRITE_METADATA_PATH,
    "write.object-storage.path",
    "write.folder-storage.path",
];

/// Names of internal properties, as Polaris calls them where it has them.
pub mod internal {
    /// `INTERNAL` or `EXTERNAL`, of a catalog.
    pub const CATALOG_TYPE: &str = "catalogType";
    /// The storage configuration of a catalog, as JSON.
    pub const STORAGE_CONFIG: &str = "storage_configuration_info";
    /// The connection of a catalog to the one that owns its tables, as JSON.
    pub const CONNECTION: &str = "connection_configuration_info";
    /// The client id of a principal.
    pub const CLIENT_ID: &str = "client_id";
    /// Present on a principal that must rotate its credentials before it may do anything else.
    pub const CREDENTIAL_ROTATION_REQUIRED: &str = "CREDENTIAL_ROTATION_REQUIRED";
    /// `true` on a principal or principal role that an identity provider manages.
    pub const FEDERATED: &str = "federated";
    /// The type of a policy, by its code.
    pub const POLICY_TYPE: &str = "policy-type-code";
    /// The format of a generic table, in its maker's words.
    pub const FORMAT: &str = "format";
    /// What people are told of a generic table.
    pub const DOC: &str = "doc";
    /// What a policy is for.
    pub const POLICY_DESCRIPTION: &str = "policy-description";
    /// What a policy says.
    pub const POLICY_CONTENT: &str = "policy-content";
    /// How often what a policy is for, or says, was changed.
    pub const POLICY_VERSION: &str = "policy-version";
    /// A table's or view's location, as its metadata states it; a generic table's, as its maker does.
    pub const LOCATION: &str = "location";
    /// The folder that a view's metadata files go to.
    pub const METADATA_FOLDER: &str = "metadata-folder";
    /// When the newest notification of a table was sent, as its sender says: in milliseconds since
    /// 1970, if the sender means that.
    pub const LAST_NOTIFICATION_TIMESTAMP: &str = "last-notification-timestamp";
}

/// Who owns the metadata of a catalog's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogType {
    /// We do.
    Internal,
    /// Another catalog does.
    External,
}

impl CatalogType {
    /// Its name in the management API and in the metastore.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "INTERNAL",
            Self::External => "EXTERNAL",
        }
    }
}

/// A privilege, on a securable, held by a grantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantRecord {
    /// What it is granted on.
    pub securable: EntityId,
    /// Who holds it: a catalog role, a principal role or a principal.
    pub grantee: EntityId,
    /// What it allows.
    pub privilege: Privilege,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_again_by_its_codes() {
        for kind in EntityKind::ALL {
            assert_eq!(EntityKind::from_codes(kind.code(), kind.sub_code()), Some(kind));
        }
        assert_eq!(EntityKind::from_codes(7, 0), None);
    }

    #[test]
    fn what_a_table_writes_within_its_location_is_no_place_of_its_own() {
        let mut table = Entity::new(EntityKind::Table, EntityId(1), EntityId(2), "t", 1);
        table.location = Some("s3://b/t/".to_owned());
        let paths = ["s3a://b/t/data", "s3a://b/t1/", "s3://b/t1", "s3://b/../x"];
        for (key, path) in WRITE_PATHS.iter().zip(paths) {
            table.internal.insert((*key).to_owned(), path.to_owned());
        }

        assert_eq!(table.extra_places(), BTreeSet::from(["s3://b/t1/".to_owned()]));
        assert_eq!(table.places().into_iter().collect::<Vec<_>>(), ["s3://b/t/", "s3://b/t1/"]);
    }
}
