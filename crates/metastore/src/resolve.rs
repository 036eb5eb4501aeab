//! Reads: who is calling, what is on a path, what they hold there.

use merak_model::{Entity, EntityId, EntityKind, Namespace, PrivilegeSet, TableIdent};

/// Who a verified token says is calling. Whether they still exist, the metastore knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallerRef {
    /// The principal's id.
    pub principal: EntityId,
    /// The roles the token activates.
    pub roles: RoleSelection,
}

/// Which of its principal roles a caller acts in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RoleSelection {
    /// All that are granted to it.
    All,
    /// Those with these names, as far as they are granted to it.
    Named(Vec<String>),
}

/// What to look up for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveRequest {
    /// Who is calling.
    pub caller: CallerRef,
    /// The catalog's name; nothing for what is done in the realm.
    pub catalog: Option<String>,
    /// Namespaces of the catalog. Those they are in are looked up too.
    pub namespaces: Vec<Namespace>,
    /// Tables, views and generic tables of the catalog. Their namespaces are looked up too.
    pub tables: Vec<TableLookup>,
    /// A page of children.
    pub children: Option<Children>,
}

impl ResolveRequest {
    /// Looks up the realm's root.
    pub fn of_realm(caller: CallerRef) -> Self {
        Self { caller, catalog: None, namespaces: Vec::new(), tables: Vec::new(), children: None }
    }

    /// Looks up a catalog.
    pub fn of_catalog(caller: CallerRef, catalog: impl Into<String>) -> Self {
        Self { catalog: Some(catalog.into()), ..Self::of_realm(caller) }
    }
}

/// A table, view or generic table to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLookup {
    /// Its place and name.
    pub ident: TableIdent,
    /// The metadata location whose metadata the caller has at hand: if it is still the current one,
    /// the metadata is not read again.
    pub known_metadata: Option<String>,
}

/// Children to list with the lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Children {
    /// Whose: a namespace that is looked up, else the catalog, else the root. A root namespace is
    /// the catalog itself.
    pub of: Option<Namespace>,
    /// Which: of a kind that shares its names with others only that kind.
    pub kind: EntityKind,
    /// How many, and from where.
    pub page: Page,
}

/// A part of a list in name order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Only names after this one, in the order of their bytes.
    pub after: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// What was found. What is not there is absent.
#[derive(Debug, Clone, Default)]
pub struct Resolution {
    /// The caller, unless it is gone.
    pub caller: Option<ResolvedCaller>,
    /// What the caller's activated roles hold on the realm's root.
    pub root_privileges: PrivilegeSet,
    /// The catalog.
    pub catalog: Option<Resolved>,
    /// The namespaces, those on the way included, in no particular order.
    pub namespaces: Vec<Resolved>,
    /// The tables, views and generic tables, in no particular order.
    pub tables: Vec<ResolvedTable>,
    /// The page of children, in name order.
    pub children: Vec<Entity>,
}

/// A caller that exists, with the roles its token activates and it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedCaller {
    /// The principal's id.
    pub id: EntityId,
    /// Its name.
    pub name: String,
    /// Its activated principal roles, in name order.
    pub roles: Vec<ActivatedRole>,
}

/// A principal role that a caller acts in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivatedRole {
    /// The role's id.
    pub id: EntityId,
    /// Its name.
    pub name: String,
}

/// An entity with what the caller's activated roles hold directly on it: principal roles, and the
/// roles of the path's own catalog that are granted to those.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The entity.
    pub entity: Entity,
    /// The privileges granted on it, without those they imply and those inherited.
    pub privileges: PrivilegeSet,
}

/// A table, view or generic table that was looked up.
#[derive(Debug, Clone)]
pub struct ResolvedTable {
    /// The entity and the privileges on it.
    pub resolved: Resolved,
    /// The namespace it was found in.
    pub namespace: Namespace,
    /// The current metadata as it was given to the metastore, unless it is known
    /// ([`TableLookup::known_metadata`]) or was too large to be kept.
    pub metadata: Option<Vec<u8>>,
}

impl Resolution {
    /// A namespace that was looked up, if it is there.
    pub fn namespace(&self, namespace: &Namespace) -> Option<&Resolved> {
        let encoded = namespace.encoded();
        self.namespaces.iter().find(|found| found.entity.name == encoded)
    }

    /// A table, view or generic table that was looked up, if it is there.
    pub fn table(&self, ident: &TableIdent) -> Option<&ResolvedTable> {
        self.tables.iter().find(|found| {
            found.resolved.entity.name == ident.name && found.namespace == ident.namespace
        })
    }
}
