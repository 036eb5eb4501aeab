//! What happened: written in the transaction of the change, for those who are to be told of it.
//!
//! Every write of the service is made here or in [`crate::outcome`], so that none can forget to say
//! what happens by it.

use std::collections::{BTreeMap, BTreeSet};

use merak_authz::{Actor, ResolvedTable};
use merak_metastore::{Change, Error as MetastoreError, EventRecord, Recorded};
use merak_model::entity::internal;
use merak_model::{
    Entity, EntityKind, EventId, EventIds, EventSubject, EventType, Namespace, TableIdent,
};
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::Service;

/// The name of the database among those who are told: what it wants is kept, and nobody delivers it.
pub const DATABASE_SINK: &str = "database";

/// What Polaris calls the name of a table, where an event says more of it.
pub(crate) const TABLE_NAME: &str = "table_name";

/// The same of a view.
pub(crate) const VIEW_NAME: &str = "view_name";

/// The same of a generic table.
pub(crate) const GENERIC_TABLE_NAME: &str = "generic_table_name";

/// The same of a policy.
pub(crate) const POLICY_NAME: &str = "policy_name";

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventSettings {
    /// The types of events that each sink wants, by its name. Nothing is kept of what none wants.
    pub wanted: BTreeMap<String, BTreeSet<EventType>>,
    /// The names of attributes that nobody is told.
    pub denied_attributes: BTreeSet<String>,
}

/// Who is told of what, and the ids of what happens.
#[derive(Debug)]
pub(crate) struct Events {
    settings: EventSettings,
    ids: EventIds,
    /// Rings when deliveries may have become pending.
    recorded: watch::Sender<()>,
}

impl Events {
    pub(crate) fn new(settings: EventSettings) -> Self {
        Self { settings, ids: EventIds::default(), recorded: watch::Sender::new(()) }
    }

    /// Whether anybody wants events of a type.
    pub(crate) fn wants(&self, kind: EventType) -> bool {
        self.settings.wanted.values().any(|wanted| wanted.contains(&kind))
    }

    /// The sinks that events of a type are delivered to; nothing if nobody wants them.
    pub(crate) fn sinks_of(&self, kind: EventType) -> Option<Vec<String>> {
        let sinks = self.settings.wanted.iter().filter(|(_, wanted)| wanted.contains(&kind));
        let sinks: Vec<_> = sinks.map(|(sink, _)| sink).collect();
        (!sinks.is_empty())
            .then(|| sinks.into_iter().filter(|sink| *sink != DATABASE_SINK).cloned().collect())
    }

    /// All sinks that events are delivered to.
    pub(crate) fn delivered_sinks(&self) -> Vec<String> {
        self.settings.wanted.keys().filter(|sink| *sink != DATABASE_SINK).cloned().collect()
    }

    /// The id of what happens at that time, in milliseconds since 1970.
    pub(crate) fn next_id(&self, now_ms: i64) -> EventId {
        self.ids.next(now_ms)
    }

    /// Removes what nobody is told from what is to be told.
    pub(crate) fn without_denied(&self, mut attributes: Map<String, Value>) -> Map<String, Value> {
        attributes.retain(|key, _| !self.settings.denied_attributes.contains(key));
        attributes
    }

    /// What changes each time that deliveries may have become pending.
    pub(crate) fn recorded(&self) -> watch::Receiver<()> {
        self.recorded.subscribe()
    }

    /// Says that deliveries may have become pending.
    pub(crate) fn wake(&self) {
        self.recorded.send_replace(());
    }
}

/// Something that happens by a change.
#[derive(Debug, Clone)]
pub(crate) struct Happening {
    subject: EventSubject,
    catalog: Option<String>,
    resource: String,
    attributes: Map<String, Value>,
}

impl Happening {
    /// Something that happens to what has that name, in no catalog.
    pub(crate) fn to(subject: EventSubject, resource: impl Into<String>) -> Self {
        let resource = resource.into();
        Self { subject, catalog: None, resource, attributes: Map::new() }
    }

    /// Something that happens to what has that name, in a catalog.
    pub(crate) fn within(
        subject: EventSubject,
        catalog: impl Into<String>,
        resource: impl Into<String>,
    ) -> Self {
        Self { catalog: Some(catalog.into()), ..Self::to(subject, resource) }
    }

    /// Something that happens to a catalog.
    pub(crate) fn to_catalog(subject: EventSubject, catalog: &Entity) -> Self {
        Self::within(subject, &catalog.name, &catalog.name).at_version(catalog)
    }

    /// Something that happens to a namespace.
    pub(crate) fn to_namespace(
        subject: EventSubject,
        catalog: &Entity,
        namespace: &Namespace,
    ) -> Self {
        Self::within(subject, &catalog.name, namespace.to_string())
            .with("namespace", namespace.levels().to_vec())
    }

    /// Something that happens to a table.
    pub(crate) fn to_table(subject: EventSubject, catalog: &Entity, ident: &TableIdent) -> Self {
        Self::to_named(subject, catalog, TABLE_NAME, ident)
    }

    /// Something that happens to what is in a namespace. `key` is what Polaris calls its name, such
    /// as `table_name`.
    pub(crate) fn to_named(
        subject: EventSubject,
        catalog: &Entity,
        key: &str,
        ident: &TableIdent,
    ) -> Self {
        Self::within(subject, &catalog.name, ident.to_string())
            .with("namespace", ident.namespace.levels().to_vec())
            .with(key, ident.name.as_str())
    }

    /// The same, with something more to say. Never a secret, and never properties of users': they
    /// may hold some.
    #[must_use]
    pub(crate) fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(key.into(), value.into());
        self
    }

    /// The same, with how often the entity was changed by then.
    #[must_use]
    pub(crate) fn at_version(self, entity: &Entity) -> Self {
        self.with("entity_version", entity.version.0)
    }

    /// The same, with what is known of a table or view by then: by Polaris' keys, and in texts, as
    /// snapshots have ids that not every JSON reader keeps exactly.
    #[must_use]
    pub(crate) fn knowing(self, entity: &Entity) -> Self {
        const KEYS: [(&str, &str); 7] = [
            ("table-uuid", "uuid"),
            ("view-uuid", "uuid"),
            (internal::LOCATION, "location"),
            ("format-version", "format_version"),
            ("current-snapshot-id", "current_snapshot_id"),
            ("current-version-id", "current_version_id"),
            ("last-updated-ms", "last_updated_ms"),
        ];
        let noun = if entity.kind == EntityKind::View { "view" } else { "table" };
        let mut said = self.at_version(entity);
        for (stored, key) in KEYS {
            if let Some(value) = entity.internal.get(stored) {
                said = said.with(format!("{noun}_{key}"), value.as_str());
            }
        }
        match &entity.metadata_location {
            Some(location) => said.with("metadata_location", location.as_str()),
            None => said,
        }
    }

    /// The same, with what is known of a table or view once a change has made it so.
    #[must_use]
    pub(crate) fn changed_by(self, change: &Change) -> Self {
        if let Change::Create { entity, .. } | Change::Update { entity, .. } = change {
            return self.knowing(entity);
        }
        self
    }

    /// The same, with where the metadata was before, if there was any.
    #[must_use]
    pub(crate) fn after_maybe(self, before: Option<&Entity>) -> Self {
        match before {
            Some(before) => self.after(before),
            None => self,
        }
    }

    /// The same, with where the metadata was before.
    #[must_use]
    pub(crate) fn after(self, before: &Entity) -> Self {
        match &before.metadata_location {
            Some(location) => self.with("previous_metadata_location", location.as_str()),
            None => self,
        }
    }

    /// The same on another subject.
    #[must_use]
    pub(crate) fn of(&self, subject: EventSubject) -> Self {
        Self { subject, ..self.clone() }
    }
}

/// The drop of a table of either kind, or of a view.
pub(crate) fn drop_of(target: &ResolvedTable, purge: bool) -> Happening {
    let (catalog, ident) = (&target.namespace.catalog, &target.ident);
    let dropped = |subject, key| Happening::to_named(subject, catalog, key, ident);
    let happening = match target.table.kind {
        EntityKind::View => dropped(EventSubject::DropView, VIEW_NAME),
        EntityKind::GenericTable => dropped(EventSubject::DropGenericTable, GENERIC_TABLE_NAME),
        EntityKind::Table
        | EntityKind::Root
        | EntityKind::Principal
        | EntityKind::PrincipalRole
        | EntityKind::Catalog
        | EntityKind::CatalogRole
        | EntityKind::Namespace
        | EntityKind::Policy => {
            dropped(EventSubject::DropTable, TABLE_NAME).with("purge_requested", purge)
        }
    };
    happening.knowing(&target.table)
}

/// The move of a table or view to another name.
pub(crate) fn rename_of(
    catalog: &Entity,
    source: &TableIdent,
    destination: &TableIdent,
    moved: &Entity,
) -> Happening {
    let path = |ident: &TableIdent| {
        let mut path = ident.namespace.levels().to_vec();
        path.push(ident.name.clone());
        path
    };
    let (subject, key) = if moved.kind == EntityKind::View {
        (EventSubject::RenameView, VIEW_NAME)
    } else {
        (EventSubject::RenameTable, TABLE_NAME)
    };
    // By the names that Polaris keeps and by those that it sends.
    Happening::to_named(subject, catalog, key, destination)
        .with("rename_source", source.to_string())
        .with("rename_destination", destination.to_string())
        .with("source", path(source))
        .with("destination", path(destination))
        .knowing(moved)
}

impl Service {
    /// Makes changes, and keeps what happens by them: all of it, or nothing.
    pub(crate) async fn apply(
        &self,
        actor: &Actor,
        mut changes: Vec<Change>,
        happenings: Vec<Happening>,
    ) -> Result<(), MetastoreError> {
        let events = self.events_of(actor, happenings);
        let has_events = !events.is_empty();
        changes.extend(events);
        self.metastore.apply(&actor.realm, &changes).await?;
        if has_events {
            self.events.wake();
        }
        Ok(())
    }

    /// The changes that keep what happens, as far as somebody wants to be told. They have their ids
    /// from now on: however often they are sent, they are kept once.
    pub(crate) fn events_of(&self, actor: &Actor, happenings: Vec<Happening>) -> Vec<Change> {
        let recorded = happenings.into_iter().filter_map(|happening| {
            let mut recorded = self.recorded(happening)?;
            recorded.event.request_id = Some(actor.request_id.clone());
            recorded.event.principal = Some(actor.name.clone());
            recorded.event.roles.clone_from(&actor.roles);
            Some(Change::Record(Box::new(recorded)))
        });
        recorded.collect()
    }

    /// What is kept of something that nobody asked for, if somebody wants to be told.
    pub(crate) fn recorded(&self, happening: Happening) -> Option<Recorded> {
        let kind = EventType::after(happening.subject);
        let sinks = self.events.sinks_of(kind)?;
        let attributes = self.events.without_denied(happening.attributes);
        let event = EventRecord {
            id: self.events.next_id(self.clock.now_ms()),
            kind,
            request_id: None,
            principal: None,
            roles: Vec::new(),
            catalog: happening.catalog,
            resource: happening.resource,
            attributes: Value::Object(attributes).to_string(),
        };
        Some(Recorded { event, sinks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPDATED: EventType = EventType::after(EventSubject::UpdateTable);
    const DROPPED: EventType = EventType::after(EventSubject::DropTable);

    fn wanting(wanted: &[(&str, &[EventType])]) -> Events {
        let wanted = wanted
            .iter()
            .map(|(sink, types)| ((*sink).to_owned(), types.iter().copied().collect()))
            .collect();
        let denied_attributes = BTreeSet::from(["secretive".to_owned()]);
        Events::new(EventSettings { wanted, denied_attributes })
    }

    #[test]
    fn what_nobody_wants_has_no_sinks_and_what_the_database_wants_is_not_delivered() {
        let events = wanting(&[(DATABASE_SINK, &[UPDATED]), ("log", &[UPDATED]), ("webhook", &[])]);

        assert_eq!(events.sinks_of(UPDATED), Some(vec!["log".to_owned()]));
        assert_eq!(events.sinks_of(DROPPED), None);
        assert!(events.wants(UPDATED) && !events.wants(DROPPED));
        assert_eq!(events.delivered_sinks(), ["log", "webhook"]);
        assert_eq!(wanting(&[(DATABASE_SINK, &[UPDATED])]).sinks_of(UPDATED), Some(vec![]));
    }

    #[test]
    fn attributes_that_are_denied_are_told_nobody() {
        let mut attributes = Map::new();
        attributes.insert("secretive".to_owned(), "x".into());
        attributes.insert("told".to_owned(), "y".into());

        let told = wanting(&[]).without_denied(attributes);

        assert_eq!(told.keys().collect::<Vec<_>>(), ["told"]);
    }

    #[test]
    fn whoever_waits_hears_that_something_was_recorded() {
        let events = wanting(&[]);
        let mut recorded = events.recorded();
        assert!(!recorded.has_changed().unwrap());

        events.wake();

        assert!(recorded.has_changed().unwrap());
        recorded.borrow_and_update();
        assert!(!recorded.has_changed().unwrap());
    }
}
