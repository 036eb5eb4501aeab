//! Reads: who is calling, what is on a path, what they hold there.

use merak_model::{
    Entity, EntityId, EntityKind, GrantRecord, Namespace, Privilege, PrivilegeSet, Properties,
    TableIdent,
};

/// Who a verified token says is calling. Whether they still exist, the metastore knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallerRef {
    /// The principal.
    pub principal: PrincipalRef,
    /// The roles the token activates.
    pub roles: RoleSelection,
}

/// How a principal is referred to. Tokens of our own carry its id, so that one made anew under the
/// name is not taken for the one before; another issuer's mostly know it by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PrincipalRef {
    /// By its id.
    Id(EntityId),
    /// By its name.
    Name(String),
}

impl From<EntityId> for PrincipalRef {
    fn from(id: EntityId) -> Self {
        Self::Id(id)
    }
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
    /// What is looked up beside the path, by name. Not together with `children`.
    pub named: Vec<NamedLookup>,
    /// Grants that the first of `named` is a part of.
    pub related: Option<Relation>,
    /// Whether to tell how the caller comes to hold what it holds. Not together with `related`.
    pub explain: bool,
    /// Whether to read which policies are attached to what is looked up on the path. Not together
    /// with what is looked up beside it.
    pub policies: bool,
}

impl ResolveRequest {
    /// Looks up the realm's root.
    pub fn of_realm(caller: CallerRef) -> Self {
        Self {
            caller,
            catalog: None,
            namespaces: Vec::new(),
            tables: Vec::new(),
            children: None,
            named: Vec::new(),
            related: None,
            explain: false,
            policies: false,
        }
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

/// A principal, a principal role, a catalog role of the path's catalog, or a policy to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLookup {
    /// What it is.
    pub kind: EntityKind,
    /// The namespace it is in, where it is in one. It is looked up too.
    pub namespace: Option<Namespace>,
    /// Its name.
    pub name: String,
}

impl NamedLookup {
    /// Looks up what is in no namespace.
    pub fn new(kind: EntityKind, name: impl Into<String>) -> Self {
        Self { kind, namespace: None, name: name.into() }
    }
}

/// Which grants to list with the lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// What the entity holds.
    Held {
        /// Only this privilege.
        privilege: Option<Privilege>,
        /// Only on what is in the path's catalog. The catalog itself is not in it.
        in_catalog: bool,
    },
    /// Who holds this privilege on the entity.
    Holders(Privilege),
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
    /// Whether their names are all that is wanted: they are then in [`Resolution::child_names`], and
    /// nothing else of them is read.
    pub names_only: bool,
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
    /// The names of the page of children in order, if that is all that was wanted.
    pub child_names: Vec<String>,
    /// What was looked up by name, in no particular order.
    pub named: Vec<Resolved>,
    /// The grants that were asked for, by the other entity's name.
    pub related: Vec<RelatedGrant>,
    /// How the caller comes to hold what it holds, if that was asked for.
    pub explanation: Explanation,
    /// The policies that are attached to what was found on the path, by their names, if that was
    /// asked for. One that is attached to several of it is there for each.
    pub attached: Vec<AttachedPolicy>,
}

/// A policy that is attached to something.
#[derive(Debug, Clone)]
pub struct AttachedPolicy {
    /// What it is attached to.
    pub target: EntityId,
    /// The policy.
    pub policy: Entity,
    /// The namespace that the policy is in.
    pub namespace: Namespace,
    /// What was said about it when it was attached.
    pub parameters: Properties,
}

/// A grant, with the entity at its other end.
#[derive(Debug, Clone)]
pub struct RelatedGrant {
    /// What it is granted on, or who holds it.
    pub entity: Entity,
    /// The namespace that the entity is in, if it is in one.
    pub namespace: Option<Namespace>,
    /// What is granted.
    pub privilege: Privilege,
}

/// How a caller comes to hold what it holds on what was looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The roles of the path's catalog that count, each with the activated principal role that has
    /// it: by name.
    pub catalog_roles: Vec<ActivatedCatalogRole>,
    /// The grants to these and to the activated principal roles, on the root and on all that was
    /// looked up.
    pub grants: Vec<GrantRecord>,
}

/// A catalog role that an activated principal role has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActivatedCatalogRole {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: EntityId,
    /// The principal role that has it.
    pub principal_role: String,
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
    /// Whether it is to rotate its credentials before it does anything else.
    pub must_rotate: bool,
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

    /// What was looked up by name, if it is there. Where several of a kind were looked up, their
    /// names differ.
    pub fn named(&self, kind: EntityKind, name: &str) -> Option<&Resolved> {
        self.named.iter().find(|found| found.entity.kind == kind && found.entity.name == name)
    }

    /// A table, view or generic table that was looked up, if it is there.
    pub fn table(&self, ident: &TableIdent) -> Option<&ResolvedTable> {
        self.tables.iter().find(|found| {
            found.resolved.entity.name == ident.name && found.namespace == ident.namespace
        })
    }
}
