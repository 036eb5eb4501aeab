//! Views that are there.

use bytes::Bytes;
use merak_authz::operations::{DropView, ListViews, LoadView, RenameView, ViewExists};
use merak_authz::{Authorized, ResolvedTable, ResolvedView, ResolvedViewRename};
use merak_model::entity::internal;
use merak_model::features::{
    CatalogFeatures, DROP_WITH_PURGE_ENABLED, PURGE_VIEW_METADATA_ON_DROP,
};
use merak_model::{Entity, EntityKind, Location, RealmId, StorageConfig};

use crate::commits::table_ref;
use crate::locations::check_still_allowed;
use crate::new_tables::WrittenFile;
use crate::tables::{Names, PageSize, check_may_purge, pointer};
use crate::{Error, Service};

/// A view as a client gets it.
#[derive(Debug, Clone)]
pub struct LoadedView {
    /// Where its metadata file is.
    pub metadata_location: String,
    /// Its metadata, as JSON.
    pub metadata: Bytes,
}

impl LoadedView {
    /// The view that a metadata file is of.
    pub(crate) fn of(file: WrittenFile) -> Self {
        Self { metadata_location: file.pointer, metadata: file.json }
    }
}

impl Service {
    /// The views of a namespace, a page of them. The proof must have been asked for with one more.
    pub async fn list_views(
        &self,
        proof: Authorized<ListViews>,
        size: PageSize,
    ) -> Result<Names, Error> {
        let (realm, caller) = (proof.realm().clone(), proof.caller().id);
        self.names(&realm, caller, proof.into_target(), EntityKind::View, size).await
    }

    /// Says that a view is there, which the proof already shows.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn view_exists(&self, _: Authorized<ViewExists>) -> Result<(), Error> {
        Ok(())
    }

    /// A view's metadata.
    pub async fn load_view(&self, proof: Authorized<LoadView>) -> Result<LoadedView, Error> {
        let ResolvedView(found) = proof.target();
        let store = self.store(proof.realm(), &found.namespace.catalog)?;
        check_still_allowed(&found.ident, &found.table, &store.config)?;
        let location = pointer(found)?;
        let view = table_ref(proof.realm(), found);
        let metadata =
            self.metadata.json(view, &store, location, found.metadata.as_deref()).await?;
        Ok(LoadedView { metadata_location: location.to_owned(), metadata })
    }

    /// Removes a view from its catalog and, where that is switched on, its current metadata file.
    pub async fn drop_view(&self, proof: Authorized<DropView>) -> Result<(), Error> {
        let actor = &proof.actor();
        let ResolvedView(target) = proof.into_target();
        let features = self.features_of(&actor.realm);
        check_purge_of_view(&target, features.within(&target.namespace.catalog.properties))?;
        // Behind the commits that wait: they were asked for first.
        let _turn = self.view_queue.enter(&actor.realm, target.table.id).await;
        let dropped = self.drop_resolved(actor, target, false).await?;
        self.purge_view(&actor.realm, &dropped).await;
        Ok(())
    }

    /// Removes the metadata file of a view that was dropped, if both flags say so. The view is gone
    /// already: that its file stays can be told to nobody but the log.
    async fn purge_view(&self, realm: &RealmId, target: &ResolvedTable) {
        let (catalog, view) = (&target.namespace.catalog, &target.table);
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        let is_wanted = [&PURGE_VIEW_METADATA_ON_DROP, &DROP_WITH_PURGE_ENABLED]
            .iter()
            .all(|flag| features.is_on(flag));
        if !is_wanted {
            return;
        }
        let store = match self.store(realm, catalog) {
            Ok(store) => store,
            Err(error) => {
                tracing::warn!(view = %target.ident, %error, "its metadata file is left behind");
                return;
            }
        };
        if let Some(file) = own_file(view, &store.config) {
            self.metadata.discard(&store, &file).await;
        } else {
            tracing::info!(view = %target.ident, "its metadata file is not its own, and stays");
        }
    }

    /// Moves a view to another name or namespace. Its files stay where they are.
    pub async fn rename_view(&self, proof: Authorized<RenameView>) -> Result<(), Error> {
        let actor = &proof.actor();
        let ResolvedViewRename(target) = proof.into_target();
        let _turn = self.view_queue.enter(&actor.realm, target.source.table.id).await;
        self.rename_resolved(actor, target).await
    }
}

/// Refuses to drop a view where somebody asked for its file to go with it, and forbids that. By default the
/// file stays: a view can be dropped without a setting.
fn check_purge_of_view(target: &ResolvedTable, features: CatalogFeatures<'_>) -> Result<(), Error> {
    let must_purge = features.is_set(&PURGE_VIEW_METADATA_ON_DROP)
        && features.is_on(&PURGE_VIEW_METADATA_ON_DROP);
    if must_purge { check_may_purge(target, features) } else { Ok(()) }
}

/// A view's metadata file, if it is in the view's own metadata folder, within what the catalog allows.
fn own_file(view: &Entity, config: &StorageConfig) -> Option<Location> {
    let folder = Location::parse(view.internal.get(internal::METADATA_FOLDER)?).ok()?;
    let file = Location::parse(view.metadata_location.as_deref()?).ok()?;
    (folder.contains(&file) && config.allows(&file)).then_some(file)
}
