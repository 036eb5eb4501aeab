//! Policies: one, a new one, one with what it is attached to, and those that apply to something.

use std::fmt;

use merak_metastore::{
    AttachedPolicy, CallerRef, NamedLookup, Resolution, ResolveRequest, TableLookup,
};
use merak_model::{Entity, EntityKind, Namespace, Privilege, PrivilegeSet, TableIdent};

use super::{NewTablePath, ResolvedNamespace, ResolvedTable, Securable, Spot, TablePath};
use crate::Error;
use crate::privileges::holds;

/// A policy by its place and name, in the words of Polaris, which published tests compare.
#[derive(Debug, Clone, Copy)]
pub struct PolicyLabel<'a>(pub &'a TableIdent);

impl fmt::Display for PolicyLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TableIdent { namespace, name } = self.0;
        write!(f, "PolicyIdentifier[namespace={namespace}, name={name}]")
    }
}

fn lookup(ident: &TableIdent) -> NamedLookup {
    NamedLookup {
        kind: EntityKind::Policy,
        namespace: Some(ident.namespace.clone()),
        name: ident.name.clone(),
    }
}

/// A policy that is to be there.
#[derive(Debug, Clone)]
pub struct PolicyPath {
    /// The catalog's name.
    pub catalog: String,
    /// The policy.
    pub ident: TableIdent,
}

/// A policy that is there, with the privileges held on it and above.
#[derive(Debug)]
pub struct ResolvedPolicy {
    held: PrivilegeSet,
    /// The namespace it is in.
    pub namespace: ResolvedNamespace,
    /// The policy.
    pub policy: Entity,
    /// How it was asked for.
    pub ident: TableIdent,
}

impl ResolvedPolicy {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }

    fn spot(&self) -> Spot<'_> {
        self.namespace.spot().and(&self.policy)
    }

    fn of(resolution: &mut Resolution, ident: &TableIdent) -> Result<Self, Error> {
        let missing =
            || Error::NotFound { kind: EntityKind::Policy, name: PolicyLabel(ident).to_string() };
        let namespace =
            ResolvedNamespace::of(resolution, &ident.namespace).map_err(|_| missing())?;
        let found = resolution.named(EntityKind::Policy, &ident.name).ok_or_else(missing)?;
        Ok(Self {
            held: namespace.held.union(found.privileges),
            policy: found.entity.clone(),
            namespace,
            ident: ident.clone(),
        })
    }
}

impl Securable for ResolvedPolicy {
    type Path = PolicyPath;

    fn request(path: &PolicyPath, caller: CallerRef) -> ResolveRequest {
        ResolveRequest {
            named: vec![lookup(&path.ident)],
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        }
    }

    fn found(path: &PolicyPath, mut resolution: Resolution) -> Result<Self, Error> {
        Self::of(&mut resolution, &path.ident)
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![self.spot()]
    }
}

/// A namespace in which a policy is to be made.
#[derive(Debug)]
pub struct ResolvedNewPolicy {
    /// The namespace.
    pub namespace: ResolvedNamespace,
    /// The name asked for.
    pub ident: TableIdent,
    /// Whether a policy has the name already.
    pub is_taken: bool,
}

impl ResolvedNewPolicy {
    /// Whether a privilege is held on the namespace.
    pub fn holds(&self, wanted: Privilege) -> bool {
        self.namespace.holds(wanted)
    }
}

impl Securable for ResolvedNewPolicy {
    type Path = NewTablePath;

    fn request(path: &NewTablePath, caller: CallerRef) -> ResolveRequest {
        ResolveRequest {
            named: vec![lookup(&path.ident)],
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        }
    }

    fn found(path: &NewTablePath, mut resolution: Resolution) -> Result<Self, Error> {
        let ident = path.ident.clone();
        let namespace = ResolvedNamespace::of(&mut resolution, &ident.namespace)?;
        let is_taken = resolution.named(EntityKind::Policy, &ident.name).is_some();
        Ok(Self { namespace, ident, is_taken })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![self.namespace.spot()]
    }
}

/// What a policy can be attached to: of tables only those of Iceberg, and no views, as in Polaris.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyTarget {
    /// The catalog itself.
    Catalog,
    /// A namespace.
    Namespace(Namespace),
    /// A table, with the metadata location whose metadata is at hand.
    Table(TableIdent, Option<String>),
}

impl PolicyTarget {
    /// The table of a path to one.
    pub fn table(path: TablePath) -> Self {
        Self::Table(path.ident, path.known_metadata)
    }

    fn ask(&self, request: &mut ResolveRequest) {
        match self {
            Self::Catalog => {}
            Self::Namespace(namespace) => request.namespaces.push(namespace.clone()),
            Self::Table(ident, known) => request
                .tables
                .push(TableLookup { ident: ident.clone(), known_metadata: known.clone() }),
        }
    }

    /// The target with all it is in, the catalog first, and what is held there.
    fn found(&self, resolution: &mut Resolution) -> Result<(PrivilegeSet, Vec<Entity>), Error> {
        let namespace = match self {
            Self::Catalog => Namespace::default(),
            Self::Namespace(namespace) => namespace.clone(),
            Self::Table(ident, _) => {
                let found = ResolvedTable::of(resolution, ident, EntityKind::Table)?;
                let mut path = path_of(found.namespace);
                path.push(found.table);
                return Ok((found.held, path));
            }
        };
        let found = ResolvedNamespace::of(resolution, &namespace)?;
        Ok((found.held, path_of(found)))
    }
}

fn path_of(namespace: ResolvedNamespace) -> Vec<Entity> {
    let mut path = vec![namespace.catalog];
    path.extend(namespace.namespaces);
    path
}

/// A policy, and what it is to be attached to or detached from, both in one catalog.
#[derive(Debug, Clone)]
pub struct PolicyMappingPath {
    /// The catalog's name.
    pub catalog: String,
    /// The policy.
    pub policy: TableIdent,
    /// What it is attached to.
    pub target: PolicyTarget,
}

/// A policy and a target, both there.
#[derive(Debug)]
pub struct ResolvedPolicyMapping {
    /// The policy.
    pub policy: ResolvedPolicy,
    held: PrivilegeSet,
    /// The target with all it is in, the catalog first.
    path: Vec<Entity>,
}

impl ResolvedPolicyMapping {
    /// Whether a privilege is held on the target, by itself or by one that implies it.
    pub fn holds_on_target(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }

    /// What the policy is attached to.
    pub fn target(&self) -> &Entity {
        self.path.last().unwrap_or(&self.policy.namespace.catalog)
    }

    /// What the target is called, with its catalog and all levels.
    pub fn target_name(&self) -> String {
        let catalog = &self.policy.namespace.catalog.name;
        if self.path.len() < 2 {
            return catalog.clone();
        }
        format!("{catalog}.{}", Spot::of(&self.path).name())
    }
}

impl Securable for ResolvedPolicyMapping {
    type Path = PolicyMappingPath;

    fn request(path: &PolicyMappingPath, caller: CallerRef) -> ResolveRequest {
        let mut request = ResolveRequest {
            named: vec![lookup(&path.policy)],
            ..ResolveRequest::of_catalog(caller, &path.catalog)
        };
        path.target.ask(&mut request);
        request
    }

    /// What is missing is told in Polaris' order and words: what is no target at all, then the policy,
    /// then what has the name of the target and is another kind of thing.
    fn found(path: &PolicyMappingPath, mut resolution: Resolution) -> Result<Self, Error> {
        let target = match &path.target {
            PolicyTarget::Table(ident, _) if resolution.table(ident).is_none() => {
                return Err(Error::NoSuchTableOrView(ident.to_string()));
            }
            PolicyTarget::Namespace(_) => Ok(path.target.found(&mut resolution)?),
            PolicyTarget::Table(..) | PolicyTarget::Catalog => path.target.found(&mut resolution),
        };
        let policy = ResolvedPolicy::of(&mut resolution, &path.policy)?;
        let (held, path) = target?;
        Ok(Self { policy, held, path })
    }

    /// The policy, and the target.
    fn spots(&self) -> Vec<Spot<'_>> {
        vec![self.policy.spot(), Spot::of(&self.path)]
    }
}

/// Something in a catalog, or it itself, whose policies are asked for.
#[derive(Debug, Clone)]
pub struct ApplicablePoliciesPath {
    /// The catalog's name.
    pub catalog: String,
    /// What they apply to.
    pub target: PolicyTarget,
}

/// Something that is there, and the policies that are attached to it and to what it is in.
#[derive(Debug)]
pub struct ResolvedPolicyTarget {
    held: PrivilegeSet,
    /// It with all it is in, the catalog first.
    pub path: Vec<Entity>,
    /// The policies that are attached to any of these.
    pub attached: Vec<AttachedPolicy>,
}

impl ResolvedPolicyTarget {
    /// Whether a privilege is held here, by itself or by one that implies it.
    pub fn holds(&self, wanted: Privilege) -> bool {
        holds(self.held, wanted)
    }
}

impl Securable for ResolvedPolicyTarget {
    type Path = ApplicablePoliciesPath;

    fn request(path: &ApplicablePoliciesPath, caller: CallerRef) -> ResolveRequest {
        let mut request =
            ResolveRequest { policies: true, ..ResolveRequest::of_catalog(caller, &path.catalog) };
        path.target.ask(&mut request);
        request
    }

    fn found(path: &ApplicablePoliciesPath, mut resolution: Resolution) -> Result<Self, Error> {
        let (held, found) = path.target.found(&mut resolution)?;
        Ok(Self { held, path: found, attached: resolution.attached })
    }

    fn spots(&self) -> Vec<Spot<'_>> {
        vec![Spot::of(&self.path)]
    }
}
