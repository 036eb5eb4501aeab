//! Views of another catalog.

use merak_authz::operations::{
    CreateView, DropView, ListViews, LoadView, RegisterView, RenameView, ReplaceView, ViewExists,
};
use merak_authz::{
    Authorized, InRemote, Remote, ResolvedNewTable, ResolvedView, ResolvedViewRename,
};
use merak_federation::Method;
use merak_model::{Entity, EntityKind, EntityName, Namespace, RealmId};
use serde_json::{Map, Value, json};

use super::RemotePage;
use super::namespaces::namespace_of;
use super::tables::{RemoteTables, TableAnswer};
use crate::new_views::ViewDraft;
use crate::properties::refuse_reserved;
use crate::view_commits::ViewChange;
use crate::views::LoadedView;
use crate::{Error, Service};

/// A commit to a view of another catalog, both halves as Iceberg's JSON.
#[derive(Debug)]
pub struct RemoteViewChange {
    requirements: Value,
    updates: Value,
}

impl RemoteViewChange {
    /// Reads a commit.
    pub fn parse(requirements: Option<Value>, updates: Option<Value>) -> Result<Self, Error> {
        let empty = || Value::Array(Vec::new());
        let requirements = requirements.unwrap_or_else(empty);
        let updates = updates.unwrap_or_else(empty);
        ViewChange::parse(&requirements, &updates)?;
        Ok(Self { requirements, updates })
    }
}

impl Service {
    /// The views of a namespace.
    pub async fn list_remote_views(
        &self,
        proof: Authorized<Remote<ListViews>>,
        page: &RemotePage,
    ) -> Result<RemoteTables, Error> {
        let InRemote(target) = proof.target();
        let owner = self.owner(proof.realm(), &target.catalog).await?;
        let path = owner.in_namespace(&namespace_of(target), &["views"])?;
        RemoteTables::read(&owner.read(path, owner.page(page)).await?)
    }

    /// Asks whether a view is there.
    pub async fn remote_view_exists(
        &self,
        proof: Authorized<Remote<ViewExists>>,
    ) -> Result<(), Error> {
        let InRemote(ResolvedView(target)) = proof.target();
        let owner = self.owner(proof.realm(), &target.namespace.catalog).await?;
        let path = owner.view(&target.ident)?;
        owner.exists(path, EntityKind::View, &target.ident.to_string()).await
    }

    /// A view's metadata.
    pub async fn load_remote_view(
        &self,
        proof: Authorized<Remote<LoadView>>,
    ) -> Result<LoadedView, Error> {
        let InRemote(ResolvedView(target)) = proof.target();
        let owner = self.owner(proof.realm(), &target.namespace.catalog).await?;
        let answer = owner.read(owner.view(&target.ident)?, Vec::new()).await?;
        TableAnswer::read(&answer, Method::Get).map(loaded)
    }

    /// Makes a view.
    pub async fn create_remote_view(
        &self,
        proof: Authorized<Remote<CreateView>>,
        draft: ViewDraft,
    ) -> Result<LoadedView, Error> {
        let InRemote(ResolvedNewTable { namespace, ident, .. }) = proof.target();
        refuse_reserved(draft.properties.keys().map(String::as_str))?;
        let body = draft_body(&ident.name, draft);
        let catalog = &namespace.catalog;
        self.make_remote_view(
            proof.realm(),
            catalog,
            &ident.namespace,
            ("views", &ident.name),
            &body,
        )
        .await
    }

    /// Makes a view of a metadata file, which the other catalog reads by its own rights.
    pub async fn register_remote_view(
        &self,
        proof: Authorized<Remote<RegisterView>>,
        metadata_location: &str,
    ) -> Result<LoadedView, Error> {
        let InRemote(ResolvedNewTable { namespace, ident, .. }) = proof.target();
        let body = json!({"name": ident.name, "metadata-location": metadata_location});
        let (catalog, into) = (&namespace.catalog, ("register-view", ident.name.as_str()));
        self.make_remote_view(proof.realm(), catalog, &ident.namespace, into, &body).await
    }

    async fn make_remote_view(
        &self,
        realm: &RealmId,
        catalog: &Entity,
        namespace: &Namespace,
        (route, name): (&str, &str),
        body: &Value,
    ) -> Result<LoadedView, Error> {
        EntityName::parse(name)?;
        let owner = self.owner(realm, catalog).await?;
        let answer = owner.post(owner.in_namespace(namespace, &[route])?, body).await?;
        TableAnswer::read(&answer, Method::Post).map(loaded)
    }

    /// Changes a view.
    pub async fn replace_remote_view(
        &self,
        proof: Authorized<Remote<ReplaceView<RemoteViewChange>>>,
    ) -> Result<LoadedView, Error> {
        let InRemote(ResolvedView(target)) = proof.target();
        let Remote(ReplaceView(RemoteViewChange { requirements, updates })) = proof.operation();
        let owner = self.owner(proof.realm(), &target.namespace.catalog).await?;
        let ident = &target.ident;
        let body = json!({
            "identifier": {"namespace": ident.namespace.levels(), "name": ident.name},
            "requirements": requirements,
            "updates": updates,
        });
        let answer = owner.post(owner.view(ident)?, &body).await?;
        TableAnswer::read(&answer, Method::Post).map(loaded)
    }

    /// Removes a view.
    pub async fn drop_remote_view(&self, proof: Authorized<Remote<DropView>>) -> Result<(), Error> {
        let InRemote(ResolvedView(target)) = proof.target();
        let owner = self.owner(proof.realm(), &target.namespace.catalog).await?;
        owner.change(Method::Delete, owner.view(&target.ident)?, Vec::new(), None).await?;
        Ok(())
    }

    /// Moves a view to another name or namespace.
    pub async fn rename_remote_view(
        &self,
        proof: Authorized<Remote<RenameView>>,
    ) -> Result<(), Error> {
        let InRemote(ResolvedViewRename(target)) = proof.target();
        self.rename_there(proof.realm(), target, "views").await
    }
}

fn loaded(answer: TableAnswer) -> LoadedView {
    let TableAnswer { metadata_location, metadata } = answer;
    LoadedView { metadata_location: metadata_location.unwrap_or_default(), metadata }
}

/// What a draft says, as the protocol has it.
fn draft_body(name: &str, draft: ViewDraft) -> Value {
    let ViewDraft { location, schema, view_version, properties } = draft;
    let mut body = Map::new();
    body.insert("name".to_owned(), name.into());
    body.insert("schema".to_owned(), schema);
    body.insert("view-version".to_owned(), view_version);
    body.insert("properties".to_owned(), json!(properties));
    if let Some(location) = location {
        body.insert("location".to_owned(), location.into());
    }
    Value::Object(body)
}
