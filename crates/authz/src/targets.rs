//! What operations act on: paths, and what was found there with the privileges held.

use merak_metastore::{CallerRef, Children, Resolution, ResolveRequest, Resolved, TableLookup};
use merak_model::{Entity, EntityKind, Namespace, Privilege, PrivilegeSet, TableIdent};

use crate::Error;
use crate::privileges::holds;

/// Something that operations act on.
pub trait Securable: Sized + Send + Sync {
    /// How a request names it.
    type Path: Send + Sync;

    /// What to look up for it.
    fn request(path: &Self::Path, caller: CallerRef) -> ResolveRequest;

    /// What was found, or what is missing, in the words the client used.
    fn found(path: &Self::Path, resolution: Resolution) -> Result<Self, Error>;
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
        }
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
        Ok(Self { held, catalog: catalog.entity, namespaces, children })
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
}

/// A table that is to be there.
#[derive(Debug, Clone)]
pub struct TablePath {
    /// The catalog's name.
    pub catalog: String,
    /// The table.
    pub ident: TableIdent,
    /// The metadata location whose metadata is at hand.
    pub known_metadata: Option<String>,
}

impl TablePath {
    fn lookup(&self) -> TableLookup {
        TableLookup { ident: self.ident.clone(), known_metadata: self.known_metadata.clone() }
    }
}

/// A table that is there, with the privileges held on it and above.
#[derive(Debug)]
pub struct ResolvedTable {
    held: PrivilegeSet,
    /// The namespace it is in.
    pub namespace: ResolvedNamespace,
    /// The table.
    pub table: Entity,
    /// How it was asked for.
    pub ident: TableIdent,
    /// Its metadata as the metastore keeps it: see [`merak_metastore::ResolvedTable::metadata`].
    pub metadata: Option<Vec<u8>>,
}

impl ResolvedTable {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }

    fn of(
        resolution: &mut Resolution,
        ident: &TableIdent,
        kind: EntityKind,
    ) -> Result<Self, Error> {
        let missing = || Error::NotFound { kind, name: ident.to_string() };
        let namespace =
            ResolvedNamespace::of(resolution, &ident.namespace).map_err(|_| missing())?;
        // A view under a table's route is no table, though it has the name.
        let position = resolution
            .tables
            .iter()
            .position(|found| {
                let entity = &found.resolved.entity;
                entity.kind == kind
                    && entity.name == ident.name
                    && found.namespace == ident.namespace
            })
            .ok_or_else(missing)?;
        let found = &mut resolution.tables[position];
        let Resolved { entity, privileges } = found.resolved.clone();
        Ok(Self {
            held: namespace.held.union(privileges),
            namespace,
            table: entity,
            ident: ident.clone(),
            metadata: found.metadata.take(),
        })
    }
}

impl Securable for ResolvedTable {
    type Path = TablePath;

    fn request(path: &TablePath, caller: CallerRef) -> ResolveRequest {
        ResolveRequest {
            tables: vec![path.lookup()],
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        }
    }

    fn found(path: &TablePath, mut resolution: Resolution) -> Result<Self, Error> {
        Self::of(&mut resolution, &path.ident, EntityKind::Table)
    }
}

/// A name in a namespace where a table is to be made.
#[derive(Debug, Clone)]
pub struct NewTablePath {
    /// The catalog's name.
    pub catalog: String,
    /// Where, and under what name.
    pub ident: TableIdent,
}

/// A namespace in which a table is to be made, and what has its name already.
#[derive(Debug)]
pub struct ResolvedNewTable {
    /// The namespace.
    pub namespace: ResolvedNamespace,
    /// The name asked for.
    pub ident: TableIdent,
    /// What has the name, with the privileges held on it and above.
    pub existing: Option<ResolvedTable>,
}

impl ResolvedNewTable {
    fn of(resolution: &mut Resolution, ident: &TableIdent) -> Result<Self, Error> {
        let namespace = ResolvedNamespace::of(resolution, &ident.namespace)?;
        let kind = resolution.table(ident).map(|found| found.resolved.entity.kind);
        let existing = kind.map(|kind| ResolvedTable::of(resolution, ident, kind)).transpose()?;
        Ok(Self { namespace, ident: ident.clone(), existing })
    }
}

impl Securable for ResolvedNewTable {
    type Path = NewTablePath;

    fn request(path: &NewTablePath, caller: CallerRef) -> ResolveRequest {
        let lookup = TableLookup { ident: path.ident.clone(), known_metadata: None };
        ResolveRequest { tables: vec![lookup], ..ResolveRequest::of_catalog(caller, &path.catalog) }
    }

    fn found(path: &NewTablePath, mut resolution: Resolution) -> Result<Self, Error> {
        Self::of(&mut resolution, &path.ident)
    }
}

/// A table, and the name it is to have.
#[derive(Debug, Clone)]
pub struct RenamePath {
    /// The catalog's name.
    pub catalog: String,
    /// The table.
    pub source: TableIdent,
    /// Where it is to be.
    pub destination: TableIdent,
}

/// A table and the namespace it is to move to.
#[derive(Debug)]
pub struct ResolvedRename {
    /// The table.
    pub source: ResolvedTable,
    /// Where it is to be.
    pub destination: ResolvedNewTable,
}

impl Securable for ResolvedRename {
    type Path = RenamePath;

    fn request(path: &RenamePath, caller: CallerRef) -> ResolveRequest {
        let tables = [&path.source, &path.destination]
            .map(|ident| TableLookup { ident: ident.clone(), known_metadata: None })
            .to_vec();
        ResolveRequest { tables, ..ResolveRequest::of_catalog(caller, &path.catalog) }
    }

    fn found(path: &RenamePath, mut resolution: Resolution) -> Result<Self, Error> {
        let source = ResolvedTable::of(&mut resolution, &path.source, EntityKind::Table)?;
        let destination = ResolvedNewTable::of(&mut resolution, &path.destination)?;
        Ok(Self { source, destination })
    }
}

/// The tables of a transaction.
#[derive(Debug, Clone)]
pub struct TransactionPath {
    /// The catalog's name.
    pub catalog: String,
    /// Each table once, and whether the transaction makes it.
    pub tables: Vec<(TablePath, bool)>,
}

/// A table of a transaction.
#[derive(Debug)]
pub enum TransactionTarget {
    /// It is there, and changes.
    Change(Box<ResolvedTable>),
    /// It is made.
    Create(Box<ResolvedNewTable>),
}

/// The tables of a transaction, in the order they were named.
#[derive(Debug)]
pub struct ResolvedTransaction {
    /// The tables.
    pub tables: Vec<TransactionTarget>,
}

impl Securable for ResolvedTransaction {
    type Path = TransactionPath;

    fn request(path: &TransactionPath, caller: CallerRef) -> ResolveRequest {
        let tables = path.tables.iter().map(|(table, _)| table.lookup()).collect();
        ResolveRequest { tables, ..ResolveRequest::of_catalog(caller, &path.catalog) }
    }

    fn found(path: &TransactionPath, mut resolution: Resolution) -> Result<Self, Error> {
        let resolution = &mut resolution;
        let tables = path.tables.iter().map(|(table, is_made)| {
            Ok(if *is_made {
                let target = ResolvedNewTable::of(resolution, &table.ident)?;
                TransactionTarget::Create(Box::new(target))
            } else {
                let target = ResolvedTable::of(resolution, &table.ident, EntityKind::Table)?;
                TransactionTarget::Change(Box::new(target))
            })
        });
        Ok(Self { tables: tables.collect::<Result<_, Error>>()? })
    }
}
