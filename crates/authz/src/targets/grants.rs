//! A securable and the catalog role that a privilege on it is granted to.

use merak_metastore::{CallerRef, NamedLookup, Resolution, ResolveRequest, TableLookup};
use merak_model::{Entity, EntityId, EntityKind, Namespace, Privilege, PrivilegeSet, TableIdent};

use super::{
    Expected, ResolvedCatalogRole, ResolvedNamespace, ResolvedTable, Securable, Spot, is_federated,
};
use crate::Error;
use crate::privileges::holds;

/// What a privilege is granted on, within a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecurablePath {
    /// The catalog itself.
    Catalog,
    /// A namespace.
    Namespace(Namespace),
    /// A table, which may be a generic one.
    Table(TableIdent),
    /// A view.
    View(TableIdent),
    /// A policy.
    Policy(TableIdent),
}

impl SecurablePath {
    /// What is taken for being there in a federated catalog. Policies are kept here.
    fn expected(&self) -> Expected {
        match self {
            Self::Catalog | Self::Policy(_) => Expected::default(),
            Self::Namespace(namespace) => Expected::namespace(namespace),
            Self::Table(ident) | Self::View(ident) => Expected::table(ident, self.kind()),
        }
    }

    /// What it is.
    pub const fn kind(&self) -> EntityKind {
        match self {
            Self::Catalog => EntityKind::Catalog,
            Self::Namespace(_) => EntityKind::Namespace,
            Self::Table(_) => EntityKind::Table,
            Self::View(_) => EntityKind::View,
            Self::Policy(_) => EntityKind::Policy,
        }
    }
}

/// A securable, and a catalog role of the same catalog.
#[derive(Debug, Clone)]
pub struct GrantPath {
    /// The catalog's name.
    pub catalog: String,
    /// The role's name.
    pub role: String,
    /// The securable.
    pub securable: SecurablePath,
}

/// A securable and a catalog role, both there; but that in a federated catalog only the catalog that
/// owns the securable knows whether it is.
#[derive(Debug)]
pub struct ResolvedGrant {
    held: PrivilegeSet,
    /// The namespaces that the securable is in, and itself; nothing for the catalog.
    path: Vec<Entity>,
    /// How many of these are not known here, from the end.
    unknown: usize,
    /// The role.
    pub role: ResolvedCatalogRole,
}

impl ResolvedGrant {
    /// Whether a privilege is held on the securable, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }

    /// What the securable is called within its catalog.
    pub fn securable_name(&self) -> String {
        Spot::of(std::iter::once(&self.role.catalog).chain(&self.path)).name()
    }

    /// The securable.
    pub fn securable(&self) -> &Entity {
        self.path.last().unwrap_or(&self.role.catalog)
    }

    /// What it is called within its catalog.
    pub fn name(&self) -> String {
        self.spots().first().map(Spot::name).unwrap_or_default()
    }

    /// What of the securable's path is not known here, in a federated catalog, outermost first: it
    /// has to be made, for something to be granted on it.
    pub fn unknown(&self) -> &[Entity] {
        &self.path[self.path.len() - self.unknown..]
    }
}

impl Securable for ResolvedGrant {
    type Path = GrantPath;

    fn request(path: &GrantPath, caller: CallerRef) -> ResolveRequest {
        let mut request = ResolveRequest {
            named: vec![NamedLookup::new(EntityKind::CatalogRole, &path.role)],
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        };
        match &path.securable {
            SecurablePath::Catalog => {}
            SecurablePath::Namespace(namespace) => request.namespaces.push(namespace.clone()),
            SecurablePath::Table(ident) | SecurablePath::View(ident) => {
                request.tables.push(TableLookup { ident: ident.clone(), known_metadata: None });
            }
            SecurablePath::Policy(ident) => request.named.push(NamedLookup {
                kind: EntityKind::Policy,
                namespace: Some(ident.namespace.clone()),
                name: ident.name.clone(),
            }),
        }
        request
    }

    /// What is missing is told in Polaris' order: the catalog, the securable, the role.
    fn found(path: &GrantPath, mut resolution: Resolution) -> Result<Self, Error> {
        let catalog = resolution
            .catalog
            .clone()
            .ok_or_else(|| Error::NoSuchCatalogForGrant(path.catalog.clone()))?;
        let above = resolution.root_privileges.union(catalog.privileges);
        let expected = Some(path.securable.expected()).filter(|_| is_federated(&resolution));
        let known = known(&resolution);
        if let Some(expected) = expected {
            expected.fill(&mut resolution)?;
        }
        let (held, securables) = match &path.securable {
            SecurablePath::Catalog => (above, Vec::new()),
            SecurablePath::Namespace(namespace) => {
                let found = ResolvedNamespace::of(&mut resolution, namespace)?;
                (found.held, found.namespaces)
            }
            SecurablePath::Table(ident) => {
                let is_generic = resolution
                    .table(ident)
                    .is_some_and(|found| found.resolved.entity.kind == EntityKind::GenericTable);
                let kind = if is_generic { EntityKind::GenericTable } else { EntityKind::Table };
                table(&mut resolution, ident, kind)?
            }
            SecurablePath::View(ident) => table(&mut resolution, ident, EntityKind::View)?,
            SecurablePath::Policy(ident) => policy(&mut resolution, ident)?,
        };
        let role = ResolvedCatalogRole::of(&mut resolution, &path.role).ok_or_else(|| {
            Error::NoSuchRoleForGrant { catalog: path.catalog.clone(), role: path.role.clone() }
        })?;
        let unknown = securables.iter().filter(|entity| !known.contains(&entity.id)).count();
        Ok(Self { held, path: securables, unknown, role })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        let securable = Spot::of(std::iter::once(&self.role.catalog).chain(&self.path));
        vec![securable, self.role.spot()]
    }
}

/// What was found on the path.
fn known(resolution: &Resolution) -> Vec<EntityId> {
    let tables = resolution.tables.iter().map(|found| found.resolved.entity.id);
    let beside = resolution.namespaces.iter().chain(&resolution.named).map(|found| found.entity.id);
    tables.chain(beside).collect()
}

fn table(
    resolution: &mut Resolution,
    ident: &TableIdent,
    kind: EntityKind,
) -> Result<(PrivilegeSet, Vec<Entity>), Error> {
    let found = ResolvedTable::of(resolution, ident, kind)?;
    let mut path = found.namespace.namespaces;
    path.push(found.table);
    Ok((found.held, path))
}

fn policy(
    resolution: &mut Resolution,
    ident: &TableIdent,
) -> Result<(PrivilegeSet, Vec<Entity>), Error> {
    let missing = || Error::NotFound { kind: EntityKind::Policy, name: ident.to_string() };
    let namespace = ResolvedNamespace::of(resolution, &ident.namespace).map_err(|_| missing())?;
    let found = resolution.named(EntityKind::Policy, &ident.name).ok_or_else(missing)?;
    let mut path = namespace.namespaces;
    path.push(found.entity.clone());
    Ok((namespace.held.union(found.privileges), path))
}
