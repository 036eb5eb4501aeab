//! What operations act on: paths, and what was found there with the privileges held.

mod generic_tables;
mod grants;
mod notifications;
mod policies;
mod principals;
mod remote;
mod reports;
mod roles;
mod spot;
mod tables;
mod views;

use merak_metastore::{CallerRef, Children, Resolution, ResolveRequest};
use merak_model::{Entity, EntityKind, Namespace, Privilege, PrivilegeSet};

use crate::privileges::holds;
use crate::{Error, Resources};

pub use generic_tables::ResolvedGenericTable;
pub use grants::{GrantPath, ResolvedGrant, SecurablePath};
pub use notifications::{NotificationPath, ResolvedNotification};
pub use policies::{
    ApplicablePoliciesPath, PolicyLabel, PolicyMappingPath, PolicyPath, PolicyTarget,
    ResolvedNewPolicy, ResolvedPolicy, ResolvedPolicyMapping, ResolvedPolicyTarget,
};
pub use principals::{
    PrincipalPath, PrincipalRoleAssignmentPath, PrincipalRolePath, ResolvedPrincipal,
    ResolvedPrincipalRole, ResolvedPrincipalRoleAssignment,
};
pub(crate) use remote::is_federated;
pub use remote::{Expected, InRemote};
pub use reports::{ReportsPath, ResolvedReports};
pub use roles::{
    CatalogRoleAssignmentPath, CatalogRolePath, CatalogRolesOfPath, ResolvedCatalogRole,
    ResolvedCatalogRoleAssignment, ResolvedCatalogRolesOf,
};
pub use spot::Spot;
pub use tables::{
    NewTablePath, RenamePath, ResolvedNewTable, ResolvedRename, ResolvedTable, ResolvedTransaction,
    TablePath, TransactionPath, TransactionTarget,
};
pub use views::{ResolvedView, ResolvedViewRename};

/// Something that operations act on.
pub trait Securable: Sized + Send + Sync {
    /// How a request names it.
    type Path: Send + Sync;

    /// What to look up for it.
    fn request(path: &Self::Path, caller: CallerRef) -> ResolveRequest;

    /// What was found, or what is missing, in the words the client used.
    fn found(path: &Self::Path, resolution: Resolution) -> Result<Self, Error>;

    /// What is taken for being there in a federated catalog, whose namespaces, tables and views only
    /// the catalog that owns them knows; nothing, if it is ours there, too.
    fn expected(_: &Self::Path) -> Option<Expected> {
        None
    }

    /// Where the operation's requirements are to hold: the first is what it acts on, those after it
    /// what it acts on besides. [`crate::Requirement::on`] counts them.
    fn spots(&self) -> Vec<Spot<'_>>;

    /// What an external authorizer is told that is acted on, as Polaris tells it.
    fn resources(&self) -> Resources<'_> {
        let mut spots = self.spots().into_iter();
        Resources { targets: spots.next().into_iter().collect(), secondaries: spots.collect() }
    }
}

/// The realm itself.
#[derive(Debug, Clone, Default)]
pub struct RealmPath {
    /// A page of what is in it.
    pub children: Option<Children>,
}

/// The realm's root, with the privileges held on it.
#[derive(Debug)]
pub struct ResolvedRealm {
    held: PrivilegeSet,
    /// The page of children that was asked for.
    pub children: Vec<Entity>,
}

impl ResolvedRealm {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }
}

impl Securable for ResolvedRealm {
    type Path = RealmPath;

    fn request(path: &RealmPath, caller: CallerRef) -> ResolveRequest {
        ResolveRequest { children: path.children.clone(), ..ResolveRequest::of_realm(caller) }
    }

    fn found(_: &RealmPath, resolution: Resolution) -> Result<Self, Error> {
        Ok(Self { held: resolution.root_privileges, children: resolution.children })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![Spot::root()]
    }
}

/// A catalog, by its name.
#[derive(Debug, Clone)]
pub struct CatalogPath {
    /// Its name.
    pub catalog: String,
    /// A page of what is in it.
    pub children: Option<Children>,
    /// Whether the name was given as a warehouse: the words of the refusal differ.
    pub as_warehouse: bool,
}

/// A catalog that is there, with the privileges held on it and above.
#[derive(Debug)]
pub struct ResolvedCatalog {
    held: PrivilegeSet,
    /// The catalog.
    pub catalog: Entity,
    /// The page of children that was asked for.
    pub children: Vec<Entity>,
}

impl ResolvedCatalog {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }
}

impl Securable for ResolvedCatalog {
    type Path = CatalogPath;

    fn request(path: &CatalogPath, caller: CallerRef) -> ResolveRequest {
        ResolveRequest {
            children: path.children.clone(),
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        }
    }

    fn found(path: &CatalogPath, resolution: Resolution) -> Result<Self, Error> {
        let name = &path.catalog;
        let Some(found) = resolution.catalog else {
            return Err(if path.as_warehouse {
                Error::NoSuchWarehouse(name.clone())
            } else {
                Error::NotFound { kind: EntityKind::Catalog, name: name.clone() }
            });
        };
        Ok(Self {
            held: resolution.root_privileges.union(found.privileges),
            catalog: found.entity,
            children: resolution.children,
        })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![Spot::of([&self.catalog])]
    }
}

/// A namespace of a catalog; a root namespace is the catalog itself.
#[derive(Debug, Clone)]
pub struct NamespacePath {
    /// The catalog's name.
    pub catalog: String,
    /// The namespace.
    pub namespace: Namespace,
    /// A page of what is in it.
    pub children: Option<Children>,
}

/// A namespace that is there, with the privileges held on it and above.
#[derive(Debug)]
pub struct ResolvedNamespace {
    held: PrivilegeSet,
    /// The catalog it is in.
    pub catalog: Entity,
    /// Itself and the namespaces it is in, outermost first; none for the catalog's root.
    pub namespaces: Vec<Entity>,
    /// The page of children that was asked for.
    pub children: Vec<Entity>,
    /// Their names alone, if no more was asked for.
    pub child_names: Vec<String>,
}

impl ResolvedNamespace {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }

    /// The namespace's entity; the catalog's, for its root.
    pub fn entity(&self) -> &Entity {
        self.namespaces.last().unwrap_or(&self.catalog)
    }

    /// The namespace that this one is in, without the privileges held there: for what is judged by
    /// place and not by privilege.
    #[must_use]
    pub fn parent(&self, parents: &[Entity]) -> Self {
        Self {
            held: PrivilegeSet::EMPTY,
            catalog: self.catalog.clone(),
            namespaces: parents.to_vec(),
            children: Vec::new(),
            child_names: Vec::new(),
        }
    }

    fn spot(&self) -> Spot<'_> {
        Spot::of(std::iter::once(&self.catalog).chain(&self.namespaces))
    }

    /// The namespace, the catalog and the privileges on the way, or which is the first missing.
    fn of(resolution: &mut Resolution, namespace: &Namespace) -> Result<Self, Error> {
        let missing = |name: String| Error::NotFound { kind: EntityKind::Namespace, name };
        let catalog = resolution.catalog.clone().ok_or_else(|| missing(quoted(namespace)))?;
        let mut held = resolution.root_privileges.union(catalog.privileges);
        let mut namespaces = Vec::with_capacity(namespace.levels().len());
        for encoded in namespace.path() {
            let found = resolution
                .namespaces
                .iter()
                .find(|found| found.entity.name == encoded)
                .ok_or_else(|| missing(quoted(namespace)))?;
            held = held.union(found.privileges);
            namespaces.push(found.entity.clone());
        }
        let children = std::mem::take(&mut resolution.children);
        let child_names = std::mem::take(&mut resolution.child_names);
        Ok(Self { held, catalog: catalog.entity, namespaces, children, child_names })
    }
}

/// Polaris writes the root, which has no name, as two quotes.
fn quoted(namespace: &Namespace) -> String {
    if namespace.is_root() { "''".to_owned() } else { namespace.to_string() }
}

impl Securable for ResolvedNamespace {
    type Path = NamespacePath;

    fn request(path: &NamespacePath, caller: CallerRef) -> ResolveRequest {
        let namespaces =
            if path.namespace.is_root() { Vec::new() } else { vec![path.namespace.clone()] };
        ResolveRequest {
            namespaces,
            children: path.children.clone(),
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        }
    }

    fn found(path: &NamespacePath, mut resolution: Resolution) -> Result<Self, Error> {
        Self::of(&mut resolution, &path.namespace)
    }

    fn expected(path: &NamespacePath) -> Option<Expected> {
        Some(Expected::namespace(&path.namespace))
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![self.spot()]
    }
}
