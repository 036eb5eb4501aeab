//! Operations on policies.

use super::operations;
use crate::ResolvedNamespace;

operations! { ResolvedNamespace:
    /// Lists the policies of a namespace.
    ListPolicies = "LIST_POLICY" requires [PolicyList];
}
