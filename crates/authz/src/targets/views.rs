//! Views: one that is there, and one that moves. They are found like tables, whose names they share.

use merak_metastore::{CallerRef, Resolution, ResolveRequest};
use merak_model::{EntityKind, Privilege};

use super::{Expected, RenamePath, ResolvedRename, ResolvedTable, Securable, Spot, TablePath};
use crate::Error;

/// A view that is there, with the privileges held on it and above.
#[derive(Debug)]
pub struct ResolvedView(
    /// It, its namespace and its metadata.
    pub ResolvedTable,
);

impl ResolvedView {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        self.0.holds(wanted)
    }
}

impl Securable for ResolvedView {
    type Path = TablePath;

    fn request(path: &TablePath, caller: CallerRef) -> ResolveRequest {
        ResolvedTable::request(path, caller)
    }

    fn found(path: &TablePath, mut resolution: Resolution) -> Result<Self, Error> {
        ResolvedTable::of(&mut resolution, &path.ident, EntityKind::View).map(Self)
    }

    fn expected(path: &TablePath) -> Option<Expected> {
        Some(Expected::table(&path.ident, EntityKind::View))
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        self.0.spots()
    }
}

/// A view and the namespace it is to move to.
#[derive(Debug)]
pub struct ResolvedViewRename(
    /// The view, and where it is to be.
    pub ResolvedRename,
);

impl Securable for ResolvedViewRename {
    type Path = RenamePath;

    fn request(path: &RenamePath, caller: CallerRef) -> ResolveRequest {
        ResolvedRename::request(path, caller)
    }

    fn found(path: &RenamePath, mut resolution: Resolution) -> Result<Self, Error> {
        ResolvedRename::of(&mut resolution, path, EntityKind::View).map(Self)
    }

    fn expected(path: &RenamePath) -> Option<Expected> {
        Some(path.expected(EntityKind::View))
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        self.0.spots()
    }
}
