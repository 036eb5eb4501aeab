//! Policies: documents of known types, in namespaces, which engines read and obey.

mod kinds;
mod mappings;

use merak_authz::operations::{CreatePolicy, DropPolicy, ListPolicies, LoadPolicy, UpdatePolicy};
use merak_authz::{Authorized, PolicyLabel};
use merak_metastore::{Change, Error as MetastoreError};
use merak_model::entity::internal;
use merak_model::features::ENABLE_POLICY_STORE;
use merak_model::{Entity, EntityKind, EventSubject, RealmId, TableIdent};
use serde::{Deserialize, Serialize};

use crate::answers::Answer;
use crate::events::{Happening, POLICY_NAME};
use crate::outcome::{Left, Trace};
use crate::tables::MAX_TRIES;
use crate::versioned::update;
use crate::{Error, Service};

use kinds::{INHERITABLE, PolicyType};
pub use mappings::ApplicablePolicy;

/// All that is done with policies, in a realm where they are switched on.
#[derive(Debug, Clone)]
pub struct Policies(Service);

/// A policy that is to be made. Its name is in the proof.
#[derive(Debug, Clone)]
pub struct PolicyDraft {
    /// Its type, by name.
    pub policy_type: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it says: JSON, of a shape that its type has.
    pub content: Option<String>,
}

/// What a policy is to become.
#[derive(Debug, Clone)]
pub struct PolicyChange {
    /// What it is for; nothing if absent.
    pub description: Option<String>,
    /// What it says.
    pub content: Option<String>,
    /// The version that the caller saw.
    pub current_version: Option<i64>,
}

/// A policy, as it is told to clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    /// Its type, by name.
    pub policy_type: String,
    /// Whether what it is attached to hands it down to all that is in it.
    pub inheritable: bool,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it says.
    pub content: Option<String>,
    /// How often it was changed.
    pub version: i64,
}

impl Service {
    /// What can be done with policies, in a realm that has them.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where they are switched off.
    pub fn policies(&self, realm: &RealmId) -> Result<Policies, Error> {
        if self.features_of(realm).of_realm().is_on(&ENABLE_POLICY_STORE) {
            return Ok(Policies(self.clone()));
        }
        let name = ENABLE_POLICY_STORE.name;
        Err(Error::Unsupported(format!("Feature not enabled: {name}")))
    }
}

impl Policies {
    /// The names of the policies directly in a namespace, in order: all of them, or those of one
    /// type. Of a type that is not known, all: the document of the API would have it refused, but
    /// Polaris does not look at it, and clients may rely on that.
    ///
    /// The proof must have been asked for with all policies as children.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list(
        &self,
        proof: Authorized<ListPolicies>,
        policy_type: Option<&str>,
    ) -> Result<Vec<String>, Error> {
        let mut policies = proof.into_target().children;
        if let Some(only) = policy_type.and_then(PolicyType::from_name) {
            policies.retain(|policy| type_of(policy) == Some(only));
        }
        Ok(policies.into_iter().map(|policy| policy.name).collect())
    }

    /// Makes a policy.
    pub async fn create(
        &self,
        proof: Authorized<CreatePolicy>,
        draft: PolicyDraft,
    ) -> Result<PolicyView, Error> {
        let actor = &proof.actor();
        let target = proof.into_target();
        if target.is_taken {
            return Err(already_exists(&target.ident));
        }
        let PolicyDraft { policy_type, description, content } = draft;
        let kind = PolicyType::from_name(&policy_type)
            .ok_or_else(|| Error::BadRequest(format!("Unknown policy type: {policy_type}")))?;
        kind.check(content.as_deref())?;
        let catalog = &target.namespace.catalog;
        let parent = target.namespace.entity().id;
        let now_ms = self.0.clock.now_ms();
        let mut policy =
            Entity::new(EntityKind::Policy, catalog.id, parent, &target.ident.name, now_ms);
        policy.internal.insert(internal::POLICY_TYPE.to_owned(), kind.code().to_string());
        write(&mut policy, description, content, 0);
        let view = show(&policy)?;
        let change =
            Change::Create { entity: Box::new(policy.clone()), metadata: None, keep_apart: false };
        let answer = || Answer::Policy(view.clone());
        let trace = Trace { catalog, left: Left::Policy(&target.ident, &policy) };
        let subject = EventSubject::CreatePolicy;
        let happened = vec![happened(subject, catalog, &target.ident, &policy)];
        let outcome = self.0.apply_surely(actor, vec![change], happened, answer, trace).await;
        outcome.map_err(|error| {
            if matches!(error, MetastoreError::AlreadyExists { .. }) {
                return already_exists(&target.ident);
            }
            if matches!(error, MetastoreError::ParentGone) {
                let namespace = &target.ident.namespace;
                return Error::NoSuchNamespace(format!("Namespace does not exist: {namespace}"));
            }
            error.into()
        })?;
        Ok(view)
    }

    /// A policy.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn load(&self, proof: Authorized<LoadPolicy>) -> Result<PolicyView, Error> {
        show(&proof.target().policy)
    }

    /// Changes what a policy is for and what it says, both at once: what is left out is nothing. To
    /// change nothing leaves the version as it is.
    pub async fn update(
        &self,
        proof: Authorized<UpdatePolicy>,
        change: PolicyChange,
    ) -> Result<PolicyView, Error> {
        let actor = &proof.actor();
        let target = proof.into_target();
        let (before, ident) = (&target.policy, &target.ident);
        let current = show(before)?;
        let given = change.current_version.ok_or_else(|| {
            Error::BadRequest(
                "current-policy-version must be given: the version that the change is based on"
                    .to_owned(),
            )
        })?;
        if given != current.version {
            return Err(Error::PolicyVersionMismatch(format!(
                "Policy version mismatch. Given version is {given}, current version is {}",
                current.version
            )));
        }
        let PolicyChange { description, content, .. } = change;
        if description == current.description && content == current.content {
            self.0.answer_unchanged(&actor.realm, || Answer::Policy(current.clone())).await?;
            return Ok(current);
        }
        kind_of(before)?.check(content.as_deref())?;
        let mut after = before.clone();
        write(&mut after, description, content, current.version + 1);
        after.version = before.version.next();
        after.updated_ms = self.0.clock.now_ms();
        let view = show(&after)?;
        let answer = || Answer::Policy(view.clone());
        let catalog = &target.namespace.catalog;
        let trace = Trace { catalog, left: Left::Policy(ident, &after) };
        let changes = vec![update(before, &after)];
        let happened = vec![happened(EventSubject::UpdatePolicy, catalog, ident, &after)];
        let outcome = self.0.apply_surely(actor, changes, happened, answer, trace).await;
        outcome.map_err(|error| changed_meanwhile(error, ident))?;
        Ok(view)
    }

    /// Removes a policy that is attached to nothing or, with `detach_all`, takes it from all that it
    /// is attached to.
    pub async fn drop(&self, proof: Authorized<DropPolicy>, detach_all: bool) -> Result<(), Error> {
        let actor = &proof.actor();
        let target = proof.into_target();
        let (policy, ident) = (&target.policy, &target.ident);
        let catalog = &target.namespace.catalog;
        // Somebody may attach it between the two steps, to something else each time.
        let tries = if detach_all { MAX_TRIES } else { 1 };
        for _ in 0..tries {
            let mut changes = vec![Change::Drop { id: policy.id, expected: policy.version }];
            if detach_all {
                changes.insert(0, Change::DetachPolicyFromAll(policy.id));
            }
            let trace = Trace { catalog, left: Left::NoPolicy(ident, policy.id) };
            let dropped = happened(EventSubject::DropPolicy, catalog, ident, policy);
            let happened = vec![dropped.with("detach_all", detach_all)];
            match self.0.apply_surely(actor, changes, happened, || Answer::Done, trace).await {
                Err(MetastoreError::NotEmpty { .. }) => {}
                outcome => return outcome.map_err(|error| changed_meanwhile(error, ident)),
            }
        }
        let label = PolicyLabel(ident);
        Err(Error::PolicyInUse(format!("Policy {label} is still attached to entities")))
    }
}

/// What is told of a policy: not what it says.
fn happened(
    subject: EventSubject,
    catalog: &Entity,
    ident: &TableIdent,
    policy: &Entity,
) -> Happening {
    let happening = Happening::to_named(subject, catalog, POLICY_NAME, ident).at_version(policy);
    match type_of(policy) {
        Some(kind) => happening.with("policy_type", kind.name()),
        None => happening,
    }
}

/// The type of a policy, unless a newer version made it.
fn type_of(policy: &Entity) -> Option<PolicyType> {
    PolicyType::from_code(policy.internal.get(internal::POLICY_TYPE)?)
}

fn kind_of(policy: &Entity) -> Result<PolicyType, Error> {
    type_of(policy).ok_or_else(|| {
        Error::Internal(format!("The policy {} is of a type that is not known", policy.name))
    })
}

fn show(policy: &Entity) -> Result<PolicyView, Error> {
    let text = |key: &str| policy.internal.get(key).cloned();
    let version = policy.internal.get(internal::POLICY_VERSION).and_then(|text| text.parse().ok());
    Ok(PolicyView {
        policy_type: kind_of(policy)?.name().to_owned(),
        inheritable: INHERITABLE,
        name: policy.name.clone(),
        description: text(internal::POLICY_DESCRIPTION),
        content: text(internal::POLICY_CONTENT),
        version: version
            .ok_or_else(|| Error::Internal(format!("The policy {} has no version", policy.name)))?,
    })
}

fn write(policy: &mut Entity, description: Option<String>, content: Option<String>, version: i64) {
    let parts = [
        (internal::POLICY_DESCRIPTION, description),
        (internal::POLICY_CONTENT, content),
        (internal::POLICY_VERSION, Some(version.to_string())),
    ];
    for (key, text) in parts {
        match text {
            Some(text) => policy.internal.insert(key.to_owned(), text),
            None => policy.internal.remove(key),
        };
    }
}

fn already_exists(ident: &TableIdent) -> Error {
    Error::AlreadyExists(format!("Policy already exists {}", PolicyLabel(ident)))
}

fn changed_meanwhile(error: MetastoreError, ident: &TableIdent) -> Error {
    if matches!(error, MetastoreError::Conflict { .. }) {
        let label = PolicyLabel(ident);
        return Error::ConcurrentModification(format!(
            "Concurrent modification on policy '{label}'; retry later"
        ));
    }
    error.into()
}
