//! What policies are attached to, and which apply to something.

use std::collections::BTreeMap;

use merak_authz::operations::{AttachPolicy, DetachPolicy, GetApplicablePolicies};
use merak_authz::{Authorized, PolicyLabel, ResolvedPolicyMapping};
use merak_metastore::{Change, Error as MetastoreError, PolicyMapping};
use merak_model::{EventSubject, Namespace, Properties};

use super::{Policies, PolicyType, PolicyView, happened, kind_of, show, type_of};
use crate::Error;
use crate::answers::Answer;
use crate::events::Happening;
use crate::outcome::{Left, Trace};

/// A policy that applies to something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicablePolicy {
    /// The policy.
    pub policy: PolicyView,
    /// The namespace that it is in.
    pub namespace: Namespace,
    /// Whether it is attached to something further up, and not to that itself.
    pub inherited: bool,
}

impl Policies {
    /// Attaches a policy to something. Where it is attached already, its parameters are replaced.
    pub async fn attach(
        &self,
        proof: Authorized<AttachPolicy>,
        parameters: Properties,
    ) -> Result<(), Error> {
        let actor = &proof.actor();
        let target = proof.into_target();
        let kind = kind_of(&target.policy.policy)?;
        let change = Change::AttachPolicy(Box::new(PolicyMapping {
            policy: target.policy.policy.id,
            policy_type: kind.code(),
            target: target.target().id,
            parameters,
        }));
        let catalog = &target.policy.namespace.catalog;
        let trace = Trace { catalog, left: Left::Mark };
        let happened = vec![mapped(EventSubject::AttachPolicy, &target)];
        let answer = || Answer::Done;
        let outcome = self.0.apply_surely(actor, vec![change], happened, answer, trace).await;
        outcome.map_err(|error| {
            if matches!(error, MetastoreError::TypeAttached { .. }) {
                return Error::PolicyTypeAttached(format!(
                    "The policy mapping of same type ({}) for {} already exists",
                    kind.name(),
                    target.target_name()
                ));
            }
            error.into()
        })
    }

    /// Detaches a policy from something. If it is not attached there, Polaris fails with 500 and not
    /// with the 404 that the document of the API has: no client relies on that, and here it is 404.
    pub async fn detach(&self, proof: Authorized<DetachPolicy>) -> Result<(), Error> {
        let actor = &proof.actor();
        let target = proof.into_target();
        let policy = target.policy.policy.id;
        let change = Change::DetachPolicy { policy, target: target.target().id };
        let catalog = &target.policy.namespace.catalog;
        let trace = Trace { catalog, left: Left::Mark };
        let happened = vec![mapped(EventSubject::DetachPolicy, &target)];
        let answer = || Answer::Done;
        let outcome = self.0.apply_surely(actor, vec![change], happened, answer, trace).await;
        outcome.map_err(|error| {
            if matches!(error, MetastoreError::NotAttached) {
                let label = PolicyLabel(&target.policy.ident);
                let target = target.target_name();
                return Error::NoSuchMapping(format!("Policy {label} is not attached to {target}"));
            }
            error.into()
        })
    }

    /// The policies that apply to something, of all types or of one, by their type: those that are
    /// attached to it and those that it inherits. Of a type, the nearest one applies. A type that is
    /// not known is not looked at, as when policies are listed.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn applicable(
        &self,
        proof: Authorized<GetApplicablePolicies>,
        policy_type: Option<&str>,
    ) -> Result<Vec<ApplicablePolicy>, Error> {
        let only = policy_type.and_then(PolicyType::from_name);
        let target = proof.into_target();
        let own = target.path.last().map(|entity| entity.id);
        let mut nearest = BTreeMap::new();
        for place in target.path.iter().map(|entity| entity.id) {
            for attached in target.attached.iter().filter(|attached| attached.target == place) {
                // One of a type that a newer version knows does not keep the others away.
                let Some(kind) = type_of(&attached.policy) else { continue };
                let inherited = own != Some(place);
                if only.is_none_or(|only| only == kind) {
                    nearest.insert(kind, (attached, inherited));
                }
            }
        }
        let told = nearest.into_values().map(|(attached, inherited)| {
            let policy = show(&attached.policy)?;
            Ok(ApplicablePolicy { policy, namespace: attached.namespace.clone(), inherited })
        });
        told.collect()
    }
}

/// What is told of a policy that is attached or detached.
fn mapped(subject: EventSubject, target: &ResolvedPolicyMapping) -> Happening {
    let policy = &target.policy;
    happened(subject, &policy.namespace.catalog, &policy.ident, &policy.policy)
        .with("target_type", target.target().kind.to_string())
        .with("target_name", target.target_name())
}
