//! Namespaces of another catalog.

use merak_authz::operations::{
    CreateNamespace, DropNamespace, ListNamespaces, LoadNamespaceMetadata, NamespaceExists,
    UpdateNamespaceProperties,
};
use merak_authz::{Authorized, InRemote, Remote, ResolvedNamespace};
use merak_federation::Method;
use merak_model::{EntityKind, Namespace, Properties};
use serde::Deserialize;
use serde_json::json;

use super::RemotePage;
use super::answers::parse;
use crate::namespaces::{NamespaceView, PropertiesUpdated};
use crate::properties::refuse_reserved;
use crate::{Error, Service};

/// A page of the namespaces of another catalog.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RemoteNamespaces {
    /// Each with all its levels.
    pub namespaces: Vec<Vec<String>>,
    /// Where the next page begins, if there is one: the other catalog's own word.
    #[serde(default)]
    pub next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    properties: Option<Properties>,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    updated: Vec<String>,
    #[serde(default)]
    removed: Vec<String>,
    #[serde(default)]
    missing: Option<Vec<String>>,
}

impl Service {
    /// The namespaces directly in one of another catalog, or in its root.
    pub async fn list_remote_namespaces(
        &self,
        proof: Authorized<Remote<ListNamespaces>>,
        page: &RemotePage,
    ) -> Result<RemoteNamespaces, Error> {
        let InRemote(parent) = proof.target();
        let owner = self.owner(proof.realm(), &parent.catalog).await?;
        let mut query = owner.page(page);
        let namespace = namespace_of(parent);
        if !namespace.is_root() {
            query.push(("parent".to_owned(), owner.name_of(&namespace)?));
        }
        parse(&owner.read(vec!["namespaces".to_owned()], query).await?, Method::Get)
    }

    /// Makes a namespace in the one the proof is for.
    pub async fn create_remote_namespace(
        &self,
        proof: Authorized<Remote<CreateNamespace>>,
        namespace: Namespace,
        properties: Properties,
    ) -> Result<NamespaceView, Error> {
        let InRemote(parent) = proof.target();
        if namespace.parent() != Some(namespace_of(parent)) {
            return Err(Error::Internal(format!("{namespace} is not in what was judged")));
        }
        refuse_reserved(properties.keys().map(String::as_str))?;
        let owner = self.owner(proof.realm(), &parent.catalog).await?;
        let body = json!({"namespace": namespace.levels(), "properties": properties});
        let answer = owner.post(vec!["namespaces".to_owned()], &body).await?;
        let Shown { properties } = parse(&answer, Method::Post)?;
        Ok(NamespaceView { namespace, properties: properties.unwrap_or_default() })
    }

    /// A namespace's properties.
    pub async fn load_remote_namespace(
        &self,
        proof: Authorized<Remote<LoadNamespaceMetadata>>,
    ) -> Result<NamespaceView, Error> {
        let InRemote(target) = proof.target();
        let owner = self.owner(proof.realm(), &target.catalog).await?;
        let namespace = namespace_of(target);
        let answer = owner.read(owner.namespace(&namespace)?, Vec::new()).await?;
        let Shown { properties } = parse(&answer, Method::Get)?;
        Ok(NamespaceView { namespace, properties: properties.unwrap_or_default() })
    }

    /// Asks whether a namespace is there.
    pub async fn remote_namespace_exists(
        &self,
        proof: Authorized<Remote<NamespaceExists>>,
    ) -> Result<(), Error> {
        let InRemote(target) = proof.target();
        let owner = self.owner(proof.realm(), &target.catalog).await?;
        let namespace = namespace_of(target);
        let path = owner.namespace(&namespace)?;
        owner.exists(path, EntityKind::Namespace, &namespace.to_string()).await
    }

    /// Sets and removes a namespace's properties.
    pub async fn update_remote_namespace(
        &self,
        proof: Authorized<Remote<UpdateNamespaceProperties>>,
        updates: Properties,
        removals: Vec<String>,
    ) -> Result<PropertiesUpdated, Error> {
        let InRemote(target) = proof.target();
        let keys = updates.keys().chain(&removals);
        refuse_reserved(keys.map(String::as_str))?;
        let owner = self.owner(proof.realm(), &target.catalog).await?;
        let path = owner.in_namespace(&namespace_of(target), &["properties"])?;
        let body = json!({"updates": updates, "removals": removals});
        let Outcome { updated, removed, missing } =
            parse(&owner.post(path, &body).await?, Method::Post)?;
        Ok(PropertiesUpdated { updated, removed, missing: missing.unwrap_or_default() })
    }

    /// Removes an empty namespace.
    pub async fn drop_remote_namespace(
        &self,
        proof: Authorized<Remote<DropNamespace>>,
    ) -> Result<(), Error> {
        let InRemote(target) = proof.target();
        let owner = self.owner(proof.realm(), &target.catalog).await?;
        let path = owner.namespace(&namespace_of(target))?;
        owner.change(Method::Delete, path, Vec::new(), None).await?;
        Ok(())
    }
}

/// The namespace that was judged.
pub(super) fn namespace_of(target: &ResolvedNamespace) -> Namespace {
    let innermost = target.namespaces.last();
    innermost.map_or_else(Namespace::default, |entity| Namespace::decode(&entity.name))
}
