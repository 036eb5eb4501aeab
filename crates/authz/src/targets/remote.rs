//! What another catalog owns: the namespaces, tables and views of a federated catalog. They are there,
//! and not here, so that what a request names is judged by the privileges on as much of its path as is
//! known here: on the catalog, and on what grants were made on.

use merak_metastore::{CallerRef, Resolution, ResolveRequest, Resolved, ResolvedTable};
use merak_model::{Entity, EntityKind, Namespace, PrivilegeSet, TableIdent};

use super::{Securable, Spot};
use crate::{Error, Resources};

/// What a path takes for being there, though only the other catalog knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Namespaces, with those they are in.
    pub(super) namespaces: Vec<Namespace>,
    /// Tables, views and generic tables, with their namespaces.
    pub(super) tables: Vec<(TableIdent, EntityKind)>,
}

impl Expected {
    pub(super) fn namespace(namespace: &Namespace) -> Self {
        Self { namespaces: vec![namespace.clone()], tables: Vec::new() }
    }

    pub(super) fn table(ident: &TableIdent, kind: EntityKind) -> Self {
        Self { namespaces: Vec::new(), tables: vec![(ident.clone(), kind)] }
    }

    /// Puts a stand-in for whatever is missing into what was found. Nothing is held on it.
    pub(crate) fn fill(self, resolution: &mut Resolution) -> Result<(), Error> {
        let Some(catalog) = resolution.catalog.as_ref().map(|found| found.entity.clone()) else {
            return Ok(());
        };
        for namespace in &self.namespaces {
            fill_namespace(resolution, &catalog, namespace);
        }
        for (ident, kind) in self.tables {
            if ident.namespace.is_root() {
                // No catalog has tables beside its namespaces.
                return Err(Error::NotFound { kind, name: ident.to_string() });
            }
            let parent = fill_namespace(resolution, &catalog, &ident.namespace);
            let is_there = resolution.tables.iter().any(|found| {
                let entity = &found.resolved.entity;
                entity.kind == kind
                    && entity.name == ident.name
                    && found.namespace == ident.namespace
            });
            if !is_there {
                let entity = stand_in(kind, &catalog, &parent, &ident.name);
                let resolved = Resolved { entity, privileges: PrivilegeSet::EMPTY };
                let namespace = ident.namespace;
                resolution.tables.push(ResolvedTable { resolved, namespace, metadata: None });
            }
        }
        Ok(())
    }
}

/// The innermost namespace, or its stand-in.
fn fill_namespace(resolution: &mut Resolution, catalog: &Entity, namespace: &Namespace) -> Entity {
    let mut parent = catalog.clone();
    for encoded in namespace.path() {
        let found = resolution.namespaces.iter().find(|found| found.entity.name == encoded);
        parent = if let Some(found) = found {
            found.entity.clone()
        } else {
            let entity = stand_in(EntityKind::Namespace, catalog, &parent, &encoded);
            let resolved = Resolved { entity: entity.clone(), privileges: PrivilegeSet::EMPTY };
            resolution.namespaces.push(resolved);
            entity
        };
    }
    parent
}

/// An entity that is not in the metastore.
fn stand_in(kind: EntityKind, catalog: &Entity, parent: &Entity, name: &str) -> Entity {
    Entity::new(kind, catalog.id, parent.id, name, catalog.updated_ms)
}

/// Whether what was found is in a catalog whose tables another one owns.
pub(crate) fn is_federated(resolution: &Resolution) -> bool {
    resolution.catalog.as_ref().is_some_and(|found| found.entity.has_connection())
}

/// Something in a federated catalog, with the privileges held on as much of its path as is known
/// here.
///
/// Whether it is there, only the catalog that owns it knows: most of the entities are stand-ins,
/// whose ids mean nothing.
#[derive(Debug)]
pub struct InRemote<T>(
    /// It, as it would be in a catalog of our own.
    pub T,
);

impl<T: Securable> Securable for InRemote<T> {
    type Path = T::Path;

    fn request(path: &T::Path, caller: CallerRef) -> ResolveRequest {
        // What is in it is not here.
        ResolveRequest { children: None, ..T::request(path, caller) }
    }

    fn found(path: &T::Path, mut resolution: Resolution) -> Result<Self, Error> {
        // It may have been removed, and made anew as another one, since it was found to be federated.
        let expected = T::expected(path).filter(|_| is_federated(&resolution));
        let expected = expected.ok_or_else(|| {
            let name = resolution.catalog.as_ref().map(|found| found.entity.name.clone());
            Error::NotFound { kind: EntityKind::Catalog, name: name.unwrap_or_default() }
        })?;
        expected.fill(&mut resolution)?;
        T::found(path, resolution).map(Self)
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        self.0.spots()
    }

    fn resources(&self) -> Resources<'_> {
        self.0.resources()
    }
}
