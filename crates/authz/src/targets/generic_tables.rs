//! Generic tables. They are found like tables, whose names they share.

use merak_metastore::{CallerRef, Resolution, ResolveRequest};
use merak_model::{EntityKind, Privilege};

use super::{Expected, ResolvedTable, Securable, Spot, TablePath};
use crate::Error;

/// A generic table that is there, with the privileges held on it and above.
#[derive(Debug)]
pub struct ResolvedGenericTable(
    /// It and its namespace.
    pub ResolvedTable,
);

impl ResolvedGenericTable {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        self.0.holds(wanted)
    }
}

impl Securable for ResolvedGenericTable {
    type Path = TablePath;

    fn request(path: &TablePath, caller: CallerRef) -> ResolveRequest {
        ResolvedTable::request(path, caller)
    }

    fn found(path: &TablePath, mut resolution: Resolution) -> Result<Self, Error> {
        ResolvedTable::of(&mut resolution, &path.ident, EntityKind::GenericTable).map(Self)
    }

    fn expected(path: &TablePath) -> Option<Expected> {
        Some(Expected::table(&path.ident, EntityKind::GenericTable))
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        self.0.spots()
    }
}
