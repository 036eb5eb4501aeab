//! Policies.

use merak_authz::Authorized;
use merak_authz::operations::ListPolicies;
use merak_model::entity::internal;
use merak_model::features::ENABLE_POLICY_STORE;

use crate::{Error, Service};

/// The types of policies that there are, each with the code that it is stored as.
const TYPES: [(&str, &str); 4] = [
    ("system.data-compaction", "0"),
    ("system.metadata-compaction", "1"),
    ("system.orphan-file-removal", "2"),
    ("system.snapshot-expiry", "3"),
];

impl Service {
    /// The names of the policies directly in a namespace, in order: all of them, or those of one
    /// type. A type that is not known has none.
    ///
    /// The proof must have been asked for with all policies as children.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn list_policies(
        &self,
        proof: Authorized<ListPolicies>,
        policy_type: Option<&str>,
    ) -> Result<Vec<String>, Error> {
        let features = self.features_of(proof.realm());
        if !features.of_realm().is_on(&ENABLE_POLICY_STORE) {
            let name = ENABLE_POLICY_STORE.name;
            return Err(Error::Unsupported(format!("Feature not enabled: {name}")));
        }
        let mut policies = proof.into_target().children;
        if let Some(policy_type) = policy_type {
            let code = TYPES.iter().find(|(name, _)| *name == policy_type).map(|(_, code)| *code);
            policies.retain(|policy| {
                let own = policy.internal.get(internal::POLICY_TYPE).map(String::as_str);
                own.is_some() && own == code
            });
        }
        Ok(policies.into_iter().map(|policy| policy.name).collect())
    }
}
