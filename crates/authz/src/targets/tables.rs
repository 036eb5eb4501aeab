//! Tables: one, a new one, one that moves, many at once.

use merak_metastore::{CallerRef, Resolution, ResolveRequest, Resolved, TableLookup};
use merak_model::{Entity, EntityKind, Privilege, PrivilegeSet, TableIdent};

use super::{Expected, ResolvedNamespace, Securable, Spot};
use crate::privileges::holds;
use crate::{Error, Resources};

/// A table or view that is to be there.
#[derive(Debug, Clone)]
pub struct TablePath {
    /// The catalog's name.
    pub catalog: String,
    /// The table or view.
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
    pub(super) held: PrivilegeSet,
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

    fn spot(&self) -> Spot<'_> {
        self.namespace.spot().and(&self.table)
    }

    pub(super) fn of(
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

    fn expected(path: &TablePath) -> Option<Expected> {
        Some(Expected::table(&path.ident, EntityKind::Table))
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![self.spot()]
    }
}

/// A name in a namespace where a table or view is to be made.
#[derive(Debug, Clone)]
pub struct NewTablePath {
    /// The catalog's name.
    pub catalog: String,
    /// Where, and under what name.
    pub ident: TableIdent,
}

/// A namespace in which a table or view is to be made, and what has its name already.
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

    fn expected(path: &NewTablePath) -> Option<Expected> {
        Some(Expected::namespace(&path.ident.namespace))
    }

    /// The namespace and, if there is one, what has the name.
    fn spots(&self) -> Vec<Spot<'_>> {
        let existing = self.existing.as_ref().map(ResolvedTable::spot);
        std::iter::once(self.namespace.spot()).chain(existing).collect()
    }

    fn resources(&self) -> Resources<'_> {
        Resources::one(self.namespace.spot())
    }
}

/// A table or view, and the name it is to have.
#[derive(Debug, Clone)]
pub struct RenamePath {
    /// The catalog's name.
    pub catalog: String,
    /// The table.
    pub source: TableIdent,
    /// Where it is to be.
    pub destination: TableIdent,
}

impl RenamePath {
    pub(super) fn expected(&self, kind: EntityKind) -> Expected {
        let there = Expected::namespace(&self.destination.namespace);
        Expected { tables: vec![(self.source.clone(), kind)], ..there }
    }
}

/// A table and the namespace it is to move to.
#[derive(Debug)]
pub struct ResolvedRename {
    /// The table.
    pub source: ResolvedTable,
    /// Where it is to be.
    pub destination: ResolvedNewTable,
}

impl ResolvedRename {
    pub(super) fn of(
        resolution: &mut Resolution,
        path: &RenamePath,
        kind: EntityKind,
    ) -> Result<Self, Error> {
        let source = ResolvedTable::of(resolution, &path.source, kind)?;
        let destination = ResolvedNewTable::of(resolution, &path.destination)?;
        Ok(Self { source, destination })
    }
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
        Self::of(&mut resolution, path, EntityKind::Table)
    }

    fn expected(path: &RenamePath) -> Option<Expected> {
        Some(path.expected(EntityKind::Table))
    }

    /// The table and the namespace it is to be in.
    fn spots(&self) -> Vec<Spot<'_>> {
        vec![self.source.spot(), self.destination.namespace.spot()]
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

    fn expected(path: &TransactionPath) -> Option<Expected> {
        let mut expected = Expected::default();
        for (table, is_made) in &path.tables {
            if *is_made {
                expected.namespaces.push(table.ident.namespace.clone());
            } else {
                expected.tables.push((table.ident.clone(), EntityKind::Table));
            }
        }
        Some(expected)
    }

    /// Each table; of one that is made, the namespace.
    fn spots(&self) -> Vec<Spot<'_>> {
        self.tables
            .iter()
            .map(|table| match table {
                TransactionTarget::Change(table) => table.spot(),
                TransactionTarget::Create(table) => table.namespace.spot(),
            })
            .collect()
    }

    fn resources(&self) -> Resources<'_> {
        Resources::many(self.spots())
    }
}
