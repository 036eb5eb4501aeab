//! Principals and principal roles, and the one given to the other.

use merak_metastore::{
    CallerRef, NamedLookup, RelatedGrant, Relation, Resolution, ResolveRequest, Resolved,
};
use merak_model::{Entity, EntityKind, Privilege, PrivilegeSet};

use super::{Securable, Spot};
use crate::Error;
use crate::privileges::holds;

/// A principal, by its name.
#[derive(Debug, Clone)]
pub struct PrincipalPath {
    /// Its name.
    pub name: String,
    /// Whether to list the principal roles it has.
    pub with_roles: bool,
}

/// A principal that is there, with the privileges held on it and on the realm.
#[derive(Debug)]
pub struct ResolvedPrincipal {
    held: PrivilegeSet,
    /// The principal.
    pub principal: Entity,
    /// The principal roles it has, if they were asked for.
    pub related: Vec<RelatedGrant>,
}

/// A principal role, by its name.
#[derive(Debug, Clone)]
pub struct PrincipalRolePath {
    /// Its name.
    pub name: String,
    /// Whether to list the principals that have it.
    pub with_principals: bool,
}

/// A principal role that is there, with the privileges held on it and on the realm.
#[derive(Debug)]
pub struct ResolvedPrincipalRole {
    held: PrivilegeSet,
    /// The role.
    pub role: Entity,
    /// The principals that have it, if they were asked for.
    pub related: Vec<RelatedGrant>,
}

/// What is on the realm and on one of its principals or principal roles.
pub(super) fn top_level(
    resolution: &Resolution,
    kind: EntityKind,
    name: &str,
) -> Option<(PrivilegeSet, Entity)> {
    let Resolved { entity, privileges } = resolution.named(kind, name)?.clone();
    Some((resolution.root_privileges.union(privileges), entity))
}

fn missing(kind: EntityKind, name: &str) -> Error {
    Error::NotFound { kind, name: name.to_owned() }
}

impl ResolvedPrincipal {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }
}

impl Securable for ResolvedPrincipal {
    type Path = PrincipalPath;

    fn request(path: &PrincipalPath, caller: CallerRef) -> ResolveRequest {
        let usage = Some(Privilege::PrincipalRoleUsage);
        ResolveRequest {
            named: vec![NamedLookup::new(EntityKind::Principal, &path.name)],
            related: path
                .with_roles
                .then_some(Relation::Held { privilege: usage, in_catalog: false }),
            ..ResolveRequest::of_realm(caller)
        }
    }

    fn found(path: &PrincipalPath, resolution: Resolution) -> Result<Self, Error> {
        let kind = EntityKind::Principal;
        let (held, principal) =
            top_level(&resolution, kind, &path.name).ok_or_else(|| missing(kind, &path.name))?;
        Ok(Self { held, principal, related: resolution.related })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![Spot::of([&self.principal])]
    }
}

impl ResolvedPrincipalRole {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }
}

impl Securable for ResolvedPrincipalRole {
    type Path = PrincipalRolePath;

    fn request(path: &PrincipalRolePath, caller: CallerRef) -> ResolveRequest {
        ResolveRequest {
            named: vec![NamedLookup::new(EntityKind::PrincipalRole, &path.name)],
            related: path
                .with_principals
                .then_some(Relation::Holders(Privilege::PrincipalRoleUsage)),
            ..ResolveRequest::of_realm(caller)
        }
    }

    fn found(path: &PrincipalRolePath, resolution: Resolution) -> Result<Self, Error> {
        let kind = EntityKind::PrincipalRole;
        let (held, role) =
            top_level(&resolution, kind, &path.name).ok_or_else(|| missing(kind, &path.name))?;
        Ok(Self { held, role, related: resolution.related })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![Spot::of([&self.role])]
    }
}

/// A principal role, and a principal that has it or is to have it.
#[derive(Debug, Clone)]
pub struct PrincipalRoleAssignmentPath {
    /// The role's name.
    pub role: String,
    /// The principal's name.
    pub principal: String,
}

/// A principal role and a principal, both there.
#[derive(Debug)]
pub struct ResolvedPrincipalRoleAssignment {
    /// The role.
    pub role: ResolvedPrincipalRole,
    /// The principal.
    pub principal: ResolvedPrincipal,
}

impl Securable for ResolvedPrincipalRoleAssignment {
    type Path = PrincipalRoleAssignmentPath;

    fn request(path: &PrincipalRoleAssignmentPath, caller: CallerRef) -> ResolveRequest {
        ResolveRequest {
            named: vec![
                NamedLookup::new(EntityKind::PrincipalRole, &path.role),
                NamedLookup::new(EntityKind::Principal, &path.principal),
            ],
            ..ResolveRequest::of_realm(caller)
        }
    }

    fn found(path: &PrincipalRoleAssignmentPath, found: Resolution) -> Result<Self, Error> {
        let missing = |name: &str| Error::MissingForAssignment {
            name: name.to_owned(),
            role: path.role.clone(),
            grantee: path.principal.clone(),
        };
        let (held, role) = top_level(&found, EntityKind::PrincipalRole, &path.role)
            .ok_or_else(|| missing(&path.role))?;
        let role = ResolvedPrincipalRole { held, role, related: Vec::new() };
        let (held, principal) = top_level(&found, EntityKind::Principal, &path.principal)
            .ok_or_else(|| missing(&path.principal))?;
        let principal = ResolvedPrincipal { held, principal, related: Vec::new() };
        Ok(Self { role, principal })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![Spot::of([&self.role.role]), Spot::of([&self.principal.principal])]
    }
}
