//! Operations on policies.

use merak_metastore::ResolvedCaller;
use merak_model::{Features, Privilege};

use super::operations;
use crate::{
    Operation, PolicyTarget, Requirement, ResolvedNamespace, ResolvedNewPolicy, ResolvedPolicy,
    ResolvedPolicyMapping, ResolvedPolicyTarget,
};

/// Lists the policies of a namespace.
#[derive(Debug, Clone, Copy)]
pub struct ListPolicies;

impl Operation for ListPolicies {
    type Target = ResolvedNamespace;

    fn name(&self) -> &'static str {
        "LIST_POLICY"
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedNamespace,
        _: &Features,
    ) -> Vec<Requirement> {
        let list = Privilege::PolicyList;
        vec![Requirement::on_target(list, target.holds(list))]
    }

    fn is_kept_here(&self) -> bool {
        true
    }
}

operations! { ResolvedNewPolicy:
    /// Makes a policy.
    CreatePolicy = "CREATE_POLICY" requires [PolicyCreate];
}

operations! { ResolvedPolicy:
    /// Reads a policy.
    LoadPolicy = "LOAD_POLICY" requires [PolicyRead];
    /// Changes a policy.
    UpdatePolicy = "UPDATE_POLICY" requires [PolicyWrite];
    /// Removes a policy and, if asked, takes it from all that it is attached to.
    DropPolicy = "DROP_POLICY" requires [PolicyDrop];
}

/// Attaches a policy to something.
#[derive(Debug, Clone, Copy)]
pub struct AttachPolicy(There);

/// Detaches a policy from something.
#[derive(Debug, Clone, Copy)]
pub struct DetachPolicy(There);

/// Asks which policies apply to something: those that are attached to it, and those it inherits.
#[derive(Debug, Clone, Copy)]
pub struct GetApplicablePolicies(There);

/// What an operation is called on one kind of target, and the privilege it asks for on that.
type There = (&'static str, Privilege);

impl AttachPolicy {
    /// Attaches a policy to a target of that kind.
    pub const fn to(target: &PolicyTarget) -> Self {
        Self(match target {
            PolicyTarget::Catalog => ("ATTACH_POLICY_TO_CATALOG", Privilege::CatalogAttachPolicy),
            PolicyTarget::Namespace(_) => {
                ("ATTACH_POLICY_TO_NAMESPACE", Privilege::NamespaceAttachPolicy)
            }
            PolicyTarget::Table(..) => ("ATTACH_POLICY_TO_TABLE", Privilege::TableAttachPolicy),
        })
    }
}

impl DetachPolicy {
    /// Detaches a policy from a target of that kind.
    pub const fn from(target: &PolicyTarget) -> Self {
        Self(match target {
            PolicyTarget::Catalog => ("DETACH_POLICY_FROM_CATALOG", Privilege::CatalogDetachPolicy),
            PolicyTarget::Namespace(_) => {
                ("DETACH_POLICY_FROM_NAMESPACE", Privilege::NamespaceDetachPolicy)
            }
            PolicyTarget::Table(..) => ("DETACH_POLICY_FROM_TABLE", Privilege::TableDetachPolicy),
        })
    }
}

impl GetApplicablePolicies {
    /// Asks which policies apply to a target of that kind.
    pub const fn on(target: &PolicyTarget) -> Self {
        Self(match target {
            PolicyTarget::Catalog => {
                ("GET_APPLICABLE_POLICIES_ON_CATALOG", Privilege::CatalogReadProperties)
            }
            PolicyTarget::Namespace(_) => {
                ("GET_APPLICABLE_POLICIES_ON_NAMESPACE", Privilege::NamespaceReadProperties)
            }
            PolicyTarget::Table(..) => {
                ("GET_APPLICABLE_POLICIES_ON_TABLE", Privilege::TableReadProperties)
            }
        })
    }
}

/// One privilege on the policy, another on what it is attached to.
fn both(target: &ResolvedPolicyMapping, policy: Privilege, there: Privilege) -> Vec<Requirement> {
    vec![
        Requirement::on_target(policy, target.policy.holds(policy)),
        Requirement::on(1, there, target.holds_on_target(there)),
    ]
}

impl Operation for AttachPolicy {
    type Target = ResolvedPolicyMapping;

    fn name(&self) -> &'static str {
        self.0.0
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedPolicyMapping,
        _: &Features,
    ) -> Vec<Requirement> {
        both(target, Privilege::PolicyAttach, self.0.1)
    }
}

impl Operation for DetachPolicy {
    type Target = ResolvedPolicyMapping;

    fn name(&self) -> &'static str {
        self.0.0
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedPolicyMapping,
        _: &Features,
    ) -> Vec<Requirement> {
        both(target, Privilege::PolicyDetach, self.0.1)
    }
}

impl Operation for GetApplicablePolicies {
    type Target = ResolvedPolicyTarget;

    fn name(&self) -> &'static str {
        self.0.0
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedPolicyTarget,
        _: &Features,
    ) -> Vec<Requirement> {
        let read = self.0.1;
        vec![Requirement::on_target(read, target.holds(read))]
    }
}
