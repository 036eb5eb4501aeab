//! Commits to views. They are like those to tables, but for one thing: what a client wants of a view
//! can be made of whatever the view has become meanwhile, so that a lost race is never its client's.

use std::sync::Arc;

use merak_authz::operations::ReplaceView;
use merak_authz::{Authorized, ResolvedTable};
use merak_metastore::{Change, Error as MetastoreError, MetadataBody};
use merak_model::features::{CatalogFeatures, ICEBERG_COMMIT_MAX_RETRIES};
use merak_model::{Entity, EntityId, EntityKind, EventSubject, RealmId};
use merak_storage::CatalogStore;
use merak_table_metadata::{ViewCommit, ViewMetadata};
use serde_json::Value;

use crate::commits::table_ref;
use crate::events::{Happening, VIEW_NAME};
use crate::external::check_internal;
use crate::locations::{check_places, check_still_allowed, view_places};
use crate::new_tables::check_set_properties;
use crate::new_views::{describe_view, view_answer, view_refused};
use crate::outcome::{Left, Trace};
use crate::queue::Newest;
use crate::taken::{changed_meanwhile, commit_failed};
use crate::views::LoadedView;
use crate::{Error, Service, metadata};

/// A commit to a view, parsed: requirements that must hold and updates to make.
#[derive(Debug, Clone)]
pub struct ViewChange(ViewCommit);

impl ViewChange {
    /// Parses the two halves of a commit as clients send them.
    pub fn parse(requirements: &Value, updates: &Value) -> Result<Self, Error> {
        Ok(Self(ViewCommit::parse(requirements, updates)?))
    }
}

/// A view's state that a commit is based on.
type Base = Newest<ViewMetadata>;

/// A view that is committed to, and what the commit is judged by.
#[derive(Clone, Copy)]
struct Job<'a> {
    realm: &'a RealmId,
    target: &'a ResolvedTable,
    store: &'a CatalogStore,
    features: CatalogFeatures<'a>,
}

impl Service {
    /// Commits to a view.
    ///
    /// Commits to one view wait for one another here. One that loses the race for the pointer to
    /// another replica looks again, checks its requirements on what it finds, and retries.
    pub async fn replace_view(
        &self,
        proof: Authorized<ReplaceView<ViewChange>>,
    ) -> Result<LoadedView, Error> {
        let actor = &proof.actor();
        let realm = &actor.realm;
        let target = &proof.target().0;
        let commit = &proof.operation().0.0;
        check_internal(&target.namespace.catalog, "replace view")?;
        let features = self.features_of(realm);
        let features = features.within(&target.namespace.catalog.properties);
        let store = &self.store(realm, &target.namespace.catalog)?;
        let job = Job { realm, target, store, features };
        check_still_allowed(&target.ident, &target.table, &store.config)?;
        check_view_properties(commit, features)?;
        let mut turn = self.view_queue.enter(realm, target.table.id).await;
        let mut base = match turn.newest(&target.table) {
            Some(newest) => newest,
            None => self.view_base(job, target.table.clone(), target.metadata.as_deref()).await?,
        };
        let retries = features.number(&ICEBERG_COMMIT_MAX_RETRIES).max(0);
        for _ in 0..=retries {
            let applied =
                commit.apply(&base.metadata, self.clock.now_ms()).map_err(view_refused)?;
            let Some(metadata) = applied else {
                return self.current_view(job, &base).await;
            };
            let mut entity = self.moved_view(&base, &metadata)?;
            self.check_moved(job, &base, &metadata, &entity).await?;
            let previous = base.entity.metadata_location.as_deref();
            let file = self.write_view_file(store, &metadata, previous).await?;
            entity.metadata_location = Some(file.pointer.clone());
            let change = Change::Update {
                entity: Box::new(entity.clone()),
                expected: base.entity.version,
                metadata: MetadataBody::Set(self.metadata.beside(&file.json)),
                keep_apart: false,
            };
            let left = Left::Pointer(&target.ident, entity.id, file.pointer.as_str());
            let catalog = &target.namespace.catalog;
            let trace = Trace { catalog, left };
            let subject = EventSubject::ReplaceView;
            let happened = Happening::to_named(subject, catalog, VIEW_NAME, &target.ident);
            let happened = vec![happened.knowing(&entity).after(&base.entity)];
            let answer = || view_answer(&file);
            match self.apply_surely(actor, vec![change], happened, answer, trace).await {
                Ok(()) => {
                    let (view, location) = (table_ref(realm, target), file.pointer.as_str());
                    self.metadata.remember(view, location, file.json.clone()).await;
                    turn.leave(Newest { entity, metadata: Arc::new(metadata) });
                    return Ok(LoadedView::of(file));
                }
                Err(MetastoreError::Conflict { .. }) => {
                    self.metadata.discard(store, &file.location).await;
                    base = self.view_base_again(job, actor.id).await?;
                }
                Err(error) => {
                    if !matches!(error, MetastoreError::OutcomeUnknown(_)) {
                        self.metadata.discard(store, &file.location).await;
                    }
                    return Err(commit_failed(EntityKind::View, error, &target.ident));
                }
            }
        }
        Err(changed_meanwhile(EntityKind::View, &target.ident))
    }

    async fn view_base(
        &self,
        Job { realm, target, store, .. }: Job<'_>,
        entity: Entity,
        body: Option<&[u8]>,
    ) -> Result<Base, Error> {
        let location = entity.metadata_location.clone().unwrap_or_default();
        let json = self.metadata.json(table_ref(realm, target), store, &location, body).await?;
        let metadata = Arc::new(metadata::parse_view(&location, &json)?);
        Ok(Base { entity, metadata })
    }

    /// What a commit is based on after it lost the race for the pointer.
    async fn view_base_again(&self, job: Job<'_>, caller: EntityId) -> Result<Base, Error> {
        let (entity, body) = self.look_again(job.realm, caller, job.target).await?;
        check_still_allowed(&job.target.ident, &entity, &job.store.config)?;
        self.view_base(job, entity, body.as_deref()).await
    }

    /// The view as a commit leaves it, but for the file.
    fn moved_view(&self, base: &Base, metadata: &ViewMetadata) -> Result<Entity, Error> {
        let mut entity = base.entity.clone();
        describe_view(&mut entity, metadata)?;
        entity.version = base.entity.version.next();
        entity.updated_ms = self.clock.now_ms();
        Ok(entity)
    }

    /// Judges where a view is that a commit moves. One that stays is where it may be.
    async fn check_moved(
        &self,
        Job { realm, target, store, features }: Job<'_>,
        base: &Base,
        metadata: &ViewMetadata,
        entity: &Entity,
    ) -> Result<(), Error> {
        let before = view_places(&base.metadata)?;
        let mut moved = view_places(metadata)?;
        moved.retain(|place| !before.contains(place));
        if moved.is_empty() {
            return Ok(());
        }
        check_places(&target.ident, &moved, &target.namespace, &store.config, features)?;
        self.check_view_is_apart(realm, entity, features).await
    }

    /// The view as it is, for a commit that changes nothing.
    async fn current_view(
        &self,
        Job { realm, target, store, .. }: Job<'_>,
        base: &Base,
    ) -> Result<LoadedView, Error> {
        let location = base.entity.metadata_location.clone().unwrap_or_default();
        let view = table_ref(realm, target);
        let metadata = self.metadata.json(view, store, &location, None).await?;
        Ok(LoadedView { metadata_location: location, metadata })
    }
}

fn check_view_properties(commit: &ViewCommit, features: CatalogFeatures<'_>) -> Result<(), Error> {
    let has_location = commit.requested_location().is_some();
    check_set_properties(commit.set_properties(), has_location, features)
}
