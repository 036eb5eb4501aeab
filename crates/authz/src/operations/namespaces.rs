//! Operations on namespaces.

use super::operations;
use crate::ResolvedNamespace;

operations! { ResolvedNamespace:
    /// Lists the namespaces directly in one.
    ListNamespaces = "LIST_NAMESPACES" requires [NamespaceList];
    /// Makes a namespace in one.
    CreateNamespace = "CREATE_NAMESPACE" requires [NamespaceCreate];
    /// Reads a namespace's properties.
    LoadNamespaceMetadata = "LOAD_NAMESPACE_METADATA" requires [NamespaceReadProperties];
    /// Asks whether a namespace is there.
    NamespaceExists = "NAMESPACE_EXISTS" requires [NamespaceList];
    /// Sets and removes a namespace's properties.
    UpdateNamespaceProperties = "UPDATE_NAMESPACE_PROPERTIES" requires [NamespaceWriteProperties];
    /// Removes an empty namespace.
    DropNamespace = "DROP_NAMESPACE" requires [NamespaceDrop];
}
