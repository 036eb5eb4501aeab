//! Catalog roles, and those that principal roles have.

use merak_metastore::{
    CallerRef, NamedLookup, RelatedGrant, Relation, Resolution, ResolveRequest, Resolved,
};
use merak_model::{Entity, EntityKind, Privilege, PrivilegeSet};

use super::principals::top_level;
use super::{Securable, Spot};
use crate::Error;
use crate::privileges::holds;

/// A catalog role, by its name and its catalog's.
#[derive(Debug, Clone)]
pub struct CatalogRolePath {
    /// The catalog's name.
    pub catalog: String,
    /// The role's name.
    pub role: String,
    /// Grants to list: what it holds, or who has it.
    pub related: Option<Relation>,
}

/// A catalog role that is there, with the privileges held on it and above.
#[derive(Debug)]
pub struct ResolvedCatalogRole {
    held: PrivilegeSet,
    /// Its catalog.
    pub catalog: Entity,
    /// The role.
    pub role: Entity,
    /// The grants that were asked for.
    pub related: Vec<RelatedGrant>,
}

impl ResolvedCatalogRole {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }

    pub(super) fn spot(&self) -> Spot<'_> {
        Spot::of([&self.catalog, &self.role])
    }

    /// The role, or nothing if it or its catalog is not there.
    pub(super) fn of(resolution: &mut Resolution, name: &str) -> Option<Self> {
        let catalog = resolution.catalog.clone()?;
        let found = resolution.named(EntityKind::CatalogRole, name)?;
        let Resolved { entity, privileges } = found.clone();
        let above = resolution.root_privileges.union(catalog.privileges);
        Some(Self {
            held: above.union(privileges),
            catalog: catalog.entity,
            role: entity,
            related: std::mem::take(&mut resolution.related),
        })
    }
}

impl Securable for ResolvedCatalogRole {
    type Path = CatalogRolePath;

    fn request(path: &CatalogRolePath, caller: CallerRef) -> ResolveRequest {
        ResolveRequest {
            named: vec![NamedLookup::new(EntityKind::CatalogRole, &path.role)],
            related: path.related,
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        }
    }

    fn found(path: &CatalogRolePath, mut resolution: Resolution) -> Result<Self, Error> {
        Self::of(&mut resolution, &path.role).ok_or_else(|| Error::NotFound {
            kind: EntityKind::CatalogRole,
            name: path.role.clone(),
        })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![self.spot()]
    }
}

/// A catalog role, and a principal role that has it or is to have it.
#[derive(Debug, Clone)]
pub struct CatalogRoleAssignmentPath {
    /// The catalog's name.
    pub catalog: String,
    /// The catalog role's name.
    pub catalog_role: String,
    /// The principal role's name.
    pub principal_role: String,
}

/// A catalog role and a principal role, both there.
#[derive(Debug)]
pub struct ResolvedCatalogRoleAssignment {
    /// The catalog role.
    pub catalog_role: ResolvedCatalogRole,
    /// The principal role. Nothing is asked for on it: as in Polaris, who manages a catalog role may
    /// give it to any principal role.
    pub principal_role: Entity,
}

impl Securable for ResolvedCatalogRoleAssignment {
    type Path = CatalogRoleAssignmentPath;

    fn request(path: &CatalogRoleAssignmentPath, caller: CallerRef) -> ResolveRequest {
        ResolveRequest {
            named: vec![
                NamedLookup::new(EntityKind::CatalogRole, &path.catalog_role),
                NamedLookup::new(EntityKind::PrincipalRole, &path.principal_role),
            ],
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        }
    }

    fn found(path: &CatalogRoleAssignmentPath, mut found: Resolution) -> Result<Self, Error> {
        let missing = |name: &str| Error::MissingForAssignment {
            name: name.to_owned(),
            role: format!("{}.{}", path.catalog, path.catalog_role),
            grantee: path.principal_role.clone(),
        };
        if found.catalog.is_none() {
            return Err(missing(&path.catalog));
        }
        let (_, principal_role) =
            top_level(&found, EntityKind::PrincipalRole, &path.principal_role)
                .ok_or_else(|| missing(&path.principal_role))?;
        let catalog_role = ResolvedCatalogRole::of(&mut found, &path.catalog_role)
            .ok_or_else(|| missing(&path.catalog_role))?;
        Ok(Self { catalog_role, principal_role })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![self.catalog_role.spot(), Spot::of([&self.principal_role])]
    }
}

/// A principal role, and the catalog whose roles it may have.
#[derive(Debug, Clone)]
pub struct CatalogRolesOfPath {
    /// The principal role's name.
    pub principal_role: String,
    /// The catalog's name.
    pub catalog: String,
}

/// The roles of one catalog that a principal role has.
#[derive(Debug)]
pub struct ResolvedCatalogRolesOf {
    held: PrivilegeSet,
    /// The principal role, which is what is judged.
    pub principal_role: Entity,
    /// The catalog roles it has.
    pub related: Vec<RelatedGrant>,
}

impl ResolvedCatalogRolesOf {
    /// Whether a privilege is held on the principal role, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }
}

impl Securable for ResolvedCatalogRolesOf {
    type Path = CatalogRolesOfPath;

    fn request(path: &CatalogRolesOfPath, caller: CallerRef) -> ResolveRequest {
        let usage = Some(Privilege::CatalogRoleUsage);
        ResolveRequest {
            named: vec![NamedLookup::new(EntityKind::PrincipalRole, &path.principal_role)],
            related: Some(Relation::Held { privilege: usage, in_catalog: true }),
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        }
    }

    fn found(path: &CatalogRolesOfPath, resolution: Resolution) -> Result<Self, Error> {
        let missing = |kind, name: &str| Error::NotFound { kind, name: name.to_owned() };
        if resolution.catalog.is_none() {
            return Err(missing(EntityKind::Catalog, &path.catalog));
        }
        let kind = EntityKind::PrincipalRole;
        let (held, principal_role) = top_level(&resolution, kind, &path.principal_role)
            .ok_or_else(|| missing(kind, &path.principal_role))?;
        Ok(Self { held, principal_role, related: resolution.related })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![Spot::of([&self.principal_role])]
    }
}
