//! Namespaces.

use std::collections::BTreeSet;

use merak_authz::operations::{
    CreateNamespace, DropNamespace, ListNamespaces, LoadNamespaceMetadata, NamespaceExists,
    UpdateNamespaceProperties,
};
use merak_authz::{Authorized, ResolvedNamespace};
use merak_metastore::{Change, Error as MetastoreError, MetadataBody};
use merak_model::features::{
    ALLOW_NAMESPACE_CUSTOM_LOCATION, ALLOW_NAMESPACE_LOCATION_OVERLAP, CatalogFeatures,
};
use merak_model::{Entity, EntityKind, EventSubject, Location, Namespace, Properties};
use serde::{Deserialize, Serialize};

use crate::answers::Answer;
use crate::events::Happening;
use crate::locations::{LOCATION, default_namespace_location, storage_config};
use crate::outcome::{Left, Trace};
use crate::properties::refuse_reserved;
use crate::tables::{Names, PageSize};
use crate::{Error, Service};

/// A namespace and its properties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceView {
    /// The namespace.
    pub namespace: Namespace,
    /// Its properties, its location among them.
    pub properties: Properties,
}

/// What came of an update of properties: keys, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PropertiesUpdated {
    /// Those that were set.
    pub updated: Vec<String>,
    /// Those that were removed.
    pub removed: Vec<String>,
    /// Those that were to be removed and were not there.
    pub missing: Vec<String>,
}

impl Service {
    /// The namespaces directly in one, a page of them. The proof must have been asked for with one
    /// more.
    pub async fn list_namespaces(
        &self,
        proof: Authorized<ListNamespaces>,
        size: PageSize,
    ) -> Result<Names, Error> {
        let (realm, caller) = (proof.realm().clone(), proof.caller().id);
        self.names(&realm, caller, proof.into_target(), EntityKind::Namespace, size).await
    }

    /// Makes a namespace in the one the proof is for.
    pub async fn create_namespace(
        &self,
        proof: Authorized<CreateNamespace>,
        namespace: Namespace,
        properties: Properties,
    ) -> Result<NamespaceView, Error> {
        let actor = &proof.actor();
        let parent = proof.into_target();
        let features = self.features_of(&actor.realm);
        let features = features.within(&parent.catalog.properties);
        refuse_reserved(properties.keys().map(String::as_str))?;
        let made = self.new_namespace(&parent, &namespace, properties, features)?;
        let properties = made.properties.clone();
        let change = namespace_creation(made.clone(), features);
        let view = NamespaceView { namespace: namespace.clone(), properties };
        let answer = || Answer::Namespace(view.clone());
        let left = Left::Namespace(&namespace, &made);
        let trace = Trace { catalog: &parent.catalog, left };
        let subject = EventSubject::CreateNamespace;
        let happened = Happening::to_namespace(subject, &parent.catalog, &namespace);
        let happened = vec![happened.at_version(&made)];
        let applied = self.apply_surely(actor, vec![change], happened, answer, trace).await;
        applied.map_err(|error| {
            if matches!(error, MetastoreError::AlreadyExists { .. }) {
                Error::AlreadyExists(format!(
                    "Cannot create namespace {namespace}. Namespace already exists"
                ))
            } else {
                error.into()
            }
        })?;
        Ok(view)
    }

    /// The entity of a namespace that is not there yet, in its parent.
    pub(crate) fn new_namespace(
        &self,
        parent: &ResolvedNamespace,
        namespace: &Namespace,
        mut properties: Properties,
        features: CatalogFeatures<'_>,
    ) -> Result<Entity, Error> {
        let location = location_of(namespace, properties.get(LOCATION), parent, features)?;
        properties.insert(LOCATION.to_owned(), location.clone());
        let mut entity = Entity::new(
            EntityKind::Namespace,
            parent.catalog.id,
            parent.entity().id,
            namespace.encoded(),
            self.clock.now_ms(),
        );
        entity.properties = properties;
        entity.location = Some(Location::parse(&location)?.comparable());
        Ok(entity)
    }

    /// A namespace and its properties. The catalog's root has none.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn load_namespace_metadata(
        &self,
        proof: Authorized<LoadNamespaceMetadata>,
    ) -> Result<NamespaceView, Error> {
        let found = proof.into_target();
        Ok(match found.namespaces.last() {
            Some(entity) => NamespaceView {
                namespace: Namespace::decode(&entity.name),
                properties: entity.properties.clone(),
            },
            None => {
                NamespaceView { namespace: Namespace::default(), properties: Properties::new() }
            }
        })
    }

    /// Says that a namespace is there, which the proof already shows.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn namespace_exists(&self, _: Authorized<NamespaceExists>) -> Result<(), Error> {
        Ok(())
    }

    /// Sets and removes properties of a namespace, both or neither.
    pub async fn update_namespace_properties(
        &self,
        proof: Authorized<UpdateNamespaceProperties>,
        updates: Properties,
        removals: Vec<String>,
    ) -> Result<PropertiesUpdated, Error> {
        if let Some(key) = removals.iter().find(|key| updates.contains_key(*key)) {
            return Err(Error::Unprocessable(format!(
                "Invalid namespace update, cannot simultaneously set and remove keys: [{key}]"
            )));
        }
        let keys = updates.keys().chain(&removals).map(String::as_str);
        refuse_reserved(keys)?;
        let actor = &proof.actor();
        let target = proof.into_target();
        let Some((before, parents)) = target.namespaces.split_last() else {
            return Err(Error::BadRequest("Cannot update properties on root namespace".to_owned()));
        };
        let namespace = Namespace::decode(&before.name);
        let mut after = before.clone();
        let mut keep_apart = false;
        let mut outcome =
            PropertiesUpdated { updated: updates.keys().cloned().collect(), ..Default::default() };
        if let Some(wanted) = updates.get(LOCATION)
            && before.properties.get(LOCATION) != Some(wanted)
        {
            let features = self.features_of(&actor.realm);
            let features = features.within(&target.catalog.properties);
            let parent = target.parent(parents);
            location_of(&namespace, Some(wanted), &parent, features)?;
            after.location = Some(Location::parse(wanted)?.comparable());
            keep_apart = !features.is_on(&ALLOW_NAMESPACE_LOCATION_OVERLAP);
        }
        after.properties.extend(updates);
        let mut seen = BTreeSet::new();
        for key in removals.into_iter().filter(|key| seen.insert(key.clone())) {
            if key == LOCATION {
                // Tables are judged by it: without one they would be judged by another's.
                return Err(Error::BadRequest(
                    "Cannot remove the location of a namespace".to_owned(),
                ));
            }
            let list = if after.properties.remove(&key).is_some() {
                &mut outcome.removed
            } else {
                &mut outcome.missing
            };
            list.push(key);
        }
        if after == *before {
            let answer = || Answer::Properties(outcome.clone());
            self.answer_unchanged(&actor.realm, answer).await?;
            return Ok(outcome);
        }
        after.version = before.version.next();
        after.updated_ms = self.clock.now_ms();
        let change = Change::Update {
            entity: Box::new(after.clone()),
            expected: before.version,
            metadata: MetadataBody::Keep,
            keep_apart,
        };
        let answer = || Answer::Properties(outcome.clone());
        let left = Left::Namespace(&namespace, &after);
        let trace = Trace { catalog: &target.catalog, left };
        let subject = EventSubject::UpdateNamespaceProperties;
        // The names of the properties: their values may be secrets.
        let happened = Happening::to_namespace(subject, &target.catalog, &namespace)
            .at_version(&after)
            .with("updated", outcome.updated.clone())
            .with("removed", outcome.removed.clone());
        let applied = self.apply_surely(actor, vec![change], vec![happened], answer, trace).await;
        applied.map_err(|error| {
            if matches!(error, MetastoreError::Conflict { .. }) {
                Error::ConcurrentModification(format!(
                    "Concurrent modification of namespace: {namespace}"
                ))
            } else {
                error.into()
            }
        })?;
        Ok(outcome)
    }

    /// Removes an empty namespace.
    pub async fn drop_namespace(&self, proof: Authorized<DropNamespace>) -> Result<(), Error> {
        let actor = &proof.actor();
        let target = proof.into_target();
        let Some(entity) = target.namespaces.last() else {
            return Err(Error::IllegalArgument("Cannot drop root namespace".to_owned()));
        };
        let namespace = Namespace::decode(&entity.name);
        let change = Change::Drop { id: entity.id, expected: entity.version };
        let left = Left::NoNamespace(&namespace, entity.id);
        let trace = Trace { catalog: &target.catalog, left };
        let subject = EventSubject::DropNamespace;
        let happened = Happening::to_namespace(subject, &target.catalog, &namespace);
        let happened = vec![happened.at_version(entity)];
        let applied =
            self.apply_surely(actor, vec![change], happened, || Answer::Done, trace).await;
        applied.map_err(|error| {
            if matches!(error, MetastoreError::NotEmpty { .. }) {
                Error::NamespaceNotEmpty(namespace.to_string())
            } else if matches!(error, MetastoreError::Conflict { .. }) {
                Error::ConcurrentModification(format!(
                    "Concurrent modification of namespace: {namespace}"
                ))
            } else {
                error.into()
            }
        })
    }
}

/// The change that makes a namespace.
pub(crate) fn namespace_creation(entity: Entity, features: CatalogFeatures<'_>) -> Change {
    Change::Create {
        entity: Box::new(entity),
        metadata: None,
        keep_apart: !features.is_on(&ALLOW_NAMESPACE_LOCATION_OVERLAP),
    }
}

/// Where a namespace is to lie: where it says, if it may, or below its parent.
fn location_of(
    namespace: &Namespace,
    wanted: Option<&String>,
    parent: &ResolvedNamespace,
    features: CatalogFeatures<'_>,
) -> Result<String, Error> {
    let default = default_namespace_location(parent, namespace, features)?;
    let Some(wanted) = wanted else {
        return Ok(default);
    };
    let place = Location::parse(wanted)?;
    if features.is_on(&ALLOW_NAMESPACE_CUSTOM_LOCATION)
        || place.comparable() == Location::parse(&default)?.comparable()
    {
        return Ok(wanted.clone());
    }
    // At the top, any allowed location may stand in for the catalog's base.
    let name = namespace.last().unwrap_or_default();
    let is_below_allowed = parent.namespaces.is_empty()
        && storage_config(&parent.catalog)?.allowed_locations.iter().any(|allowed| {
            Location::parse(allowed)
                .and_then(|allowed| allowed.child(name))
                .is_ok_and(|expected| expected.comparable() == place.comparable())
        });
    if is_below_allowed {
        return Ok(wanted.clone());
    }
    Err(Error::BadRequest(format!(
        "Namespace {namespace} has a custom location, which is not enabled. Expected location: \
         [{default}]. Got location: [{wanted}]"
    )))
}
