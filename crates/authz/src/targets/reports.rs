//! Reports of what engines did: those of a catalog, or of one table in it.

use merak_metastore::{CallerRef, Resolution, ResolveRequest};
use merak_model::{Entity, EntityKind, Privilege, TableIdent};

use super::{CatalogPath, ResolvedCatalog, ResolvedTable, Securable, Spot, TablePath};
use crate::Error;

/// A catalog whose reports are asked for, or a table in it.
#[derive(Debug, Clone)]
pub struct ReportsPath {
    /// The catalog's name.
    pub catalog: String,
    /// The table, if only its reports are asked for.
    pub table: Option<TableIdent>,
}

/// A catalog whose reports are asked for, with the privileges held on it and above.
#[derive(Debug)]
pub struct ResolvedReports {
    /// The catalog.
    pub catalog: ResolvedCatalog,
    /// The table, if only its reports are asked for.
    pub table: Option<Entity>,
}

impl ResolvedReports {
    /// Whether a privilege is held on the catalog, by itself or by one that implies it. What is held
    /// on the table does not count.
    pub fn holds(&self, wanted: Privilege) -> bool {
        self.catalog.holds(wanted)
    }
}

impl Securable for ResolvedReports {
    type Path = ReportsPath;

    fn request(path: &ReportsPath, caller: CallerRef) -> ResolveRequest {
        let catalog = path.catalog.clone();
        match &path.table {
            Some(ident) => {
                let path = TablePath { catalog, ident: ident.clone(), known_metadata: None };
                ResolvedTable::request(&path, caller)
            }
            None => ResolveRequest::of_catalog(caller, catalog),
        }
    }

    fn found(path: &ReportsPath, mut resolution: Resolution) -> Result<Self, Error> {
        let table = match &path.table {
            Some(ident) if resolution.catalog.is_some() => {
                Some(ResolvedTable::of(&mut resolution, ident, EntityKind::Table)?.table)
            }
            Some(_) | None => None,
        };
        let of = CatalogPath { catalog: path.catalog.clone(), children: None, as_warehouse: false };
        Ok(Self { catalog: ResolvedCatalog::found(&of, resolution)?, table })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        self.catalog.spots()
    }
}
