//! Why somebody may do something, or may not: the same judgement as of a request, told step by step.

mod operations;
mod policy;
mod remedy;
mod sentences;

use std::collections::BTreeMap;

use merak_metastore::{CallerRef, Explanation, PrincipalRef, ResolvedCaller, RoleSelection};
use merak_model::{EntityId, EntityKind, Namespace, Privilege, PrivilegeSet, TableIdent};

use crate::authorized::{Judgement, judge};
use crate::authorizer::require_roles;
use crate::operations::{ExplainAccessInCatalog, ExplainAccessInRealm};
use crate::privileges::satisfying;
use crate::targets::is_federated;
use crate::{
    Authorizer, Caller, CatalogPath, Decision, Error, Need, Operation, RealmPath, Requirement,
    Securable, Spot,
};

pub use operations::explainable_operations;
pub use policy::{DataRight, TableRights};
pub use remedy::Remedy;

/// What is asked: may that principal do that there, and why?
#[derive(Debug, Clone)]
pub struct Question {
    /// The principal's name.
    pub principal: String,
    /// The principal roles it acts in.
    pub scope: RoleSelection,
    /// What it does, by the operation's name in Polaris.
    pub operation: String,
    /// In which catalog, or to which.
    pub catalog: Option<String>,
    /// In which namespace, or to which.
    pub namespace: Option<Namespace>,
    /// To which table, view or policy of the namespace.
    pub table: Option<String>,
    /// Which policy is attached or detached, wherever it is.
    pub policy: Option<TableIdent>,
    /// To which principal.
    pub target_principal: Option<String>,
    /// To which principal role.
    pub principal_role: Option<String>,
    /// To which catalog role.
    pub catalog_role: Option<String>,
    /// By which kinds of updates, if it is a commit.
    pub updates: Vec<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The principal's name.
    pub principal: String,
    /// The operation's name.
    pub operation: &'static str,
    /// Whether it may.
    pub is_allowed: bool,
    /// What another decides, where one does in the place of roles and grants.
    pub decision: Option<Decision>,
    /// The principal roles it acts in, in name order.
    pub active_roles: Vec<String>,
    /// The roles of the catalog that these have, in name order, each with those that have it.
    pub catalog_roles: BTreeMap<String, Vec<String>>,
    /// The securables that were looked at, the realm's root first, and what is granted on each to
    /// these roles.
    pub path: Vec<Step>,
    /// What the operation asks for. Privileges are not asked for where another decides.
    pub requirements: Vec<Judged>,
    /// What would help, if it may not.
    pub remedies: Vec<Remedy>,
    /// All of it in sentences.
    pub sentences: Vec<String>,
}

/// A securable on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub kind: EntityKind,
    /// Its name ([`Spot::name`]).
    pub name: String,
    /// What is granted on it to the roles that count.
    pub grants: Vec<HeldGrant>,
}

/// A privilege that a role holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldGrant {
    /// What it allows.
    pub privilege: Privilege,
    /// The role that holds it.
    pub grantee: String,
    /// Whether that is a catalog role or a principal role.
    pub grantee_kind: EntityKind,
}

/// Something the operation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What is asked for.
    pub need: Need,
    /// Where: what it is.
    pub on_kind: EntityKind,
    /// Where: its name.
    pub on_name: String,
    /// Whether it is there.
    pub is_met: bool,
    /// The grants that meet it, each with what it is on.
    pub met_by: Vec<(HeldGrant, EntityKind, String)>,
    /// The privileges any of which would meet it.
    pub sufficient: Vec<Privilege>,
}

impl Authorizer {
    /// Says why a principal may do something, or may not. Asking needs the right to manage grants on
    /// the catalog, or in the realm for what is in no catalog and for what is done in roles that say
    /// nothing about the catalog. Costs two statements.
    ///
    /// What is not there is not found here either, as it would not be by the principal.
    pub async fn explain(&self, caller: &Caller, question: &Question) -> Result<Answer, Error> {
        operations::explain(self, caller, question).await
    }

    /// Asks for one operation.
    pub(crate) async fn judge<O: Operation>(
        &self,
        caller: &Caller,
        question: &Question,
        operation: O,
        path: <O::Target as Securable>::Path,
    ) -> Result<Answer, Error> {
        let subject = CallerRef {
            principal: PrincipalRef::Name(question.principal.clone()),
            roles: question.scope.clone(),
        };
        let mut request = O::Target::request(&path, subject.clone());
        let sees_all_roles = self.may_ask(caller, request.catalog.as_deref()).await?;
        request.children = None;
        request.related = None;
        request.policies = false;
        request.explain = true;
        let mut found = self.metastore().resolve(&caller.realm, &request).await?;
        let who = found.caller.take().ok_or_else(|| Error::NotFound {
            kind: EntityKind::Principal,
            name: question.principal.clone(),
        })?;
        let explanation = std::mem::take(&mut found.explanation);
        if is_federated(&found)
            && !operation.is_kept_here()
            && let Some(expected) = O::Target::expected(&path)
        {
            expected.fill(&mut found)?;
        }
        let target = O::Target::found(&path, found)?;
        let features = self.features_of(&caller.realm);
        let asking = Caller { reference: subject, ..caller.clone() };
        let judgement = judge(&asking, &who, &operation, &target, &features, self.external());
        let judgement = judgement.await?;
        let told = Told {
            unheld_role: require_roles(&question.scope, &who).err().map(|error| error.to_string()),
            judgement,
            who,
            explanation,
        };
        let spots = target.spots();
        let answer = told.answer(operation.asked_as(), &spots, sees_all_roles);
        let is_in_catalog = spots.first().is_some_and(|spot| spot.catalog().is_some());
        let is_of_catalog = is_in_catalog && answer.tells_all_of(&question.scope);
        if !is_of_catalog && !sees_all_roles {
            // A question about the realm, though it names a catalog.
            self.may_ask(caller, None).await?;
        }
        Ok(answer)
    }

    /// Whether the caller may also see the roles that say nothing about the catalog; an error if it
    /// may not ask at all.
    async fn may_ask(&self, caller: &Caller, catalog: Option<&str>) -> Result<bool, Error> {
        let Some(catalog) = catalog else {
            let proof = self.authorize(caller, ExplainAccessInRealm, &RealmPath::default()).await?;
            let may_list = proof.target().holds(Privilege::PrincipalListGrants);
            return Ok(may_list || self.external().is_some());
        };
        let path = CatalogPath { catalog: catalog.to_owned(), children: None, as_warehouse: false };
        let proof = self.authorize(caller, ExplainAccessInCatalog, &path).await?;
        self.sees_all_roles(caller, proof.target().holds(Privilege::PrincipalListGrants)).await
    }

    /// Whether a caller may see the roles that say nothing about the catalog; `may_list` says whether
    /// it may list what principals were granted. Where another decides, whoever may ask about the
    /// realm sees them.
    async fn sees_all_roles(&self, caller: &Caller, may_list: bool) -> Result<bool, Error> {
        if self.external().is_none() {
            return Ok(may_list);
        }
        match self.authorize(caller, ExplainAccessInRealm, &RealmPath::default()).await {
            Ok(_) => Ok(true),
            Err(Error::DeniedBy(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What was found out, before it is put into words.
struct Told {
    who: ResolvedCaller,
    explanation: Explanation,
    judgement: Judgement,
    /// Why the token would be refused, if its scope names a role that is not held.
    unheld_role: Option<String>,
}

impl Told {
    fn answer(self, operation: &'static str, spots: &[Spot<'_>], sees_all_roles: bool) -> Answer {
        let mut catalog_roles = BTreeMap::<_, Vec<_>>::new();
        for role in &self.explanation.catalog_roles {
            catalog_roles.entry(role.name.clone()).or_default().push(role.principal_role.clone());
        }
        let all = &self.judgement.requirements;
        let requirements = all.iter().map(|requirement| self.judged(requirement, spots)).collect();
        let is_allowed = self.unheld_role.is_none() && self.judgement.is_allowed();
        let path = self.path(spots);
        let mut active_roles: Vec<_> =
            self.who.roles.iter().map(|role| role.name.clone()).collect();
        if !sees_all_roles {
            active_roles.retain(|role| {
                let has_one = catalog_roles.values().any(|through| through.contains(role));
                has_one || path.iter().any(|step| step.is_granted_to(role))
            });
        }
        let mut answer = Answer {
            principal: self.who.name.clone(),
            operation,
            is_allowed,
            decision: self.judgement.decision,
            active_roles,
            catalog_roles,
            path,
            requirements,
            remedies: Vec::new(),
            sentences: Vec::new(),
        };
        answer.remedies = remedy::remedies(&answer, &self.judgement.requirements, spots);
        answer.sentences =
            sentences::of(&answer, self.judgement.must_rotate, self.unheld_role.as_deref(), spots);
        answer
    }

    /// All securables of all spots, each once.
    fn path(&self, spots: &[Spot<'_>]) -> Vec<Step> {
        let mut steps = vec![Step {
            kind: EntityKind::Root,
            name: Spot::root().name(),
            grants: self.grants_on(EntityId::ROOT),
        }];
        let mut seen = vec![EntityId::ROOT];
        for spot in spots {
            for last in 0..spot.path().len() {
                let entity = spot.path()[last];
                if seen.contains(&entity.id) {
                    continue;
                }
                seen.push(entity.id);
                let name = Spot::of(spot.path()[..=last].iter().copied()).name();
                steps.push(Step { kind: entity.kind, name, grants: self.grants_on(entity.id) });
            }
        }
        steps
    }

    fn grants_on(&self, securable: EntityId) -> Vec<HeldGrant> {
        let on_it = self.explanation.grants.iter().filter(|grant| grant.securable == securable);
        on_it.filter_map(|grant| self.held(grant.grantee, grant.privilege)).collect()
    }

    fn held(&self, grantee: EntityId, privilege: Privilege) -> Option<HeldGrant> {
        let catalog_role = self.explanation.catalog_roles.iter().find(|role| role.id == grantee);
        if let Some(role) = catalog_role {
            let grantee_kind = EntityKind::CatalogRole;
            return Some(HeldGrant { privilege, grantee: role.name.clone(), grantee_kind });
        }
        let role = self.who.roles.iter().find(|role| role.id == grantee)?;
        let grantee_kind = EntityKind::PrincipalRole;
        Some(HeldGrant { privilege, grantee: role.name.clone(), grantee_kind })
    }

    fn judged(&self, requirement: &Requirement, spots: &[Spot<'_>]) -> Judged {
        let spot = spots.get(requirement.on).cloned().unwrap_or_else(Spot::root);
        let sufficient = match requirement.need {
            Need::Privilege(privilege) => satisfying(privilege),
            Need::Rule(_) => PrivilegeSet::EMPTY,
        };
        let met_by = self.path(std::slice::from_ref(&spot)).into_iter().flat_map(|step| {
            let Step { kind, name, grants } = step;
            let enough = grants.into_iter().filter(|grant| sufficient.contains(grant.privilege));
            enough.map(|grant| (grant, kind, name.clone())).collect::<Vec<_>>()
        });
        Judged {
            need: requirement.need.clone(),
            on_kind: spot.kind(),
            on_name: spot.name(),
            is_met: requirement.is_met,
            met_by: met_by.collect(),
            sufficient: sufficient.iter().collect(),
        }
    }
}

impl Answer {
    /// Whether all roles of a scope are among those that are told: whether somebody has another is
    /// not to be found out by asking what it would be good for.
    fn tells_all_of(&self, scope: &RoleSelection) -> bool {
        match scope {
            RoleSelection::All => true,
            RoleSelection::Named(names) => {
                names.iter().all(|name| self.active_roles.contains(name))
            }
        }
    }
}

impl Step {
    fn is_granted_to(&self, principal_role: &str) -> bool {
        self.grants.iter().any(|grant| {
            grant.grantee_kind == EntityKind::PrincipalRole && grant.grantee == principal_role
        })
    }
}
