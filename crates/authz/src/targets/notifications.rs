//! A table that another catalog tells of.

use merak_metastore::{CallerRef, Resolution, ResolveRequest, TableLookup};
use merak_model::{Entity, Namespace, TableIdent};

use super::{ResolvedNamespace, Securable, Spot};
use crate::Error;

/// A table that may be there or not, in namespaces that may be there or not.
#[derive(Debug, Clone)]
pub struct NotificationPath {
    /// The catalog's name.
    pub catalog: String,
    /// The table.
    pub ident: TableIdent,
}

/// A catalog, and what is there of a table's path in it.
#[derive(Debug)]
pub struct ResolvedNotification {
    /// The catalog's root, with the privileges held on it: a notification is judged there.
    pub root: ResolvedNamespace,
    /// The namespaces of the path that are there, outermost first.
    pub namespaces: Vec<Entity>,
    /// The table.
    pub ident: TableIdent,
    /// What has its name.
    pub existing: Option<Entity>,
}

impl Securable for ResolvedNotification {
    type Path = NotificationPath;

    fn request(path: &NotificationPath, caller: CallerRef) -> ResolveRequest {
        let lookup = TableLookup { ident: path.ident.clone(), known_metadata: None };
        // Whether somebody may send notifications is asked without a table, too.
        let tables = if path.ident.namespace.is_root() { Vec::new() } else { vec![lookup] };
        ResolveRequest { tables, ..ResolveRequest::of_catalog(caller, &path.catalog) }
    }

    fn found(path: &NotificationPath, mut resolution: Resolution) -> Result<Self, Error> {
        let root = ResolvedNamespace::of(&mut resolution, &Namespace::default())?;
        let ident = path.ident.clone();
        let entity_of = |encoded: String| {
            let found = resolution.namespaces.iter().find(|found| found.entity.name == encoded);
            found.map(|found| found.entity.clone())
        };
        let namespaces = ident.namespace.path().into_iter().map_while(entity_of).collect();
        let existing = resolution.table(&ident).map(|found| found.resolved.entity.clone());
        Ok(Self { root, namespaces, ident, existing })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![self.root.spot()]
    }
}
