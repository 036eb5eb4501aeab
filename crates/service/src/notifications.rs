//! Notifications: another catalog says what became of a table of its own, and this one follows.

use merak_authz::operations::SendNotifications;
use merak_authz::{Actor, Authorized, NotificationPath, ResolvedNotification, Securable as _};
use merak_metastore::{CallerRef, Change, Error as MetastoreError, RoleSelection};
use merak_model::entity::internal;
use merak_model::features::CatalogFeatures;
use merak_model::{
    Entity, EntityId, EntityKind, EntityName, EventSubject, Location, Namespace, Properties,
    RealmId,
};

use crate::answers::Answer;
use crate::events::{Happening, TABLE_NAME};
use crate::external::is_external;
use crate::foreign_files::{ForeignFile, is_of_another};
use crate::locations::check_places;
use crate::metadata::TableRef;
use crate::namespaces::namespace_creation;
use crate::new_tables::{creation_failed, describe};
use crate::outcome::{Left, Trace};
use crate::taken::{changed_meanwhile, name_taken};
use crate::{Error, Service};

/// How often a notification that met another one looks again. Of those that meet one gets through
/// each time, and those that are older than it are done.
const MAX_TRIES: usize = 16;

/// What another catalog says of a table.
#[derive(Debug, Clone)]
pub struct Notification {
    /// What became of it.
    pub kind: NotificationKind,
    /// When that was: of two notifications the one with the larger number is newer.
    pub timestamp: Option<i64>,
    /// Where its metadata file is.
    pub metadata_location: Option<String>,
}

/// What became of a table in the catalog that owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationKind {
    /// Nothing that is known here.
    Unknown,
    /// It was made or changed. Which of the two does not matter: the one before may not have arrived.
    Changed,
    /// It was removed.
    Dropped,
    /// Nothing yet: would it be taken, if it were made or changed?
    Validate,
}

/// What is known of a table now.
enum News {
    /// It is gone.
    Gone,
    /// It is as that file says, since then.
    Is { read: Box<ForeignFile>, timestamp: i64 },
}

impl Service {
    /// Takes what another catalog says of a table. Namespaces that are missing are made along with
    /// the table, all or nothing.
    ///
    /// What is older than what is known is refused. That a table is gone is believed whenever it is
    /// said, as in Polaris; if there is none, nothing is to be done.
    pub async fn send_notification(
        &self,
        proof: Authorized<SendNotifications>,
        notification: Notification,
    ) -> Result<(), Error> {
        let actor = &proof.actor();
        let realm = &actor.realm;
        let target = proof.into_target();
        if !is_external(&target.root.catalog) {
            return Err(Error::BadRequest(
                "Cannot update internal catalog via notifications".to_owned(),
            ));
        }
        if target.root.catalog.has_connection() {
            // Its owner is asked each time, so that there is nothing to follow. Polaris' answer.
            return Ok(());
        }
        match notification.kind {
            NotificationKind::Unknown => Ok(()),
            NotificationKind::Dropped => self.follow(actor, target, &News::Gone).await,
            NotificationKind::Validate => self.would_take(realm, &target, &notification).await,
            NotificationKind::Changed => {
                let news = self.news(realm, &target, &notification).await?;
                self.follow(actor, target, &news).await
            }
        }
    }

    /// Judges a table that another catalog may make: its names, and where it would lie. That may be a
    /// folder, too, and is not read.
    async fn would_take(
        &self,
        realm: &RealmId,
        target: &ResolvedNotification,
        notification: &Notification,
    ) -> Result<(), Error> {
        check_names(target)?;
        let location = needed(notification.metadata_location.as_deref(), "metadata-location")?;
        let location = Location::parse(location)?;
        let catalog = &target.root.catalog;
        let store = self.store(realm, catalog)?;
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        let place = std::slice::from_ref(&location);
        check_places(&target.ident, place, &target.root, &store.config, features)?;
        // Some file in there, since the place itself may be a whole bucket.
        Ok(self.storage.try_open(&store, &location.child("metadata.json")?).await?)
    }

    /// Reads and judges the file that a notification tells of, unless a newer one was processed.
    async fn news(
        &self,
        realm: &RealmId,
        target: &ResolvedNotification,
        notification: &Notification,
    ) -> Result<News, Error> {
        check_names(target)?;
        let timestamp = needed(notification.timestamp, "timestamp")?;
        let location = needed(notification.metadata_location.as_deref(), "metadata-location")?;
        check_is_newer(target, timestamp)?;
        let catalog = &target.root.catalog;
        let store = self.store(realm, catalog)?;
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        let namespace = target.root.parent(&target.namespaces);
        let read = self.read_foreign(&store, location, &target.ident, &namespace, features).await?;
        Ok(News::Is { read: Box::new(read), timestamp })
    }

    /// Makes what is known true here. Whoever was faster is looked at, and it is judged anew.
    async fn follow(
        &self,
        actor: &Actor,
        mut found: ResolvedNotification,
        news: &News,
    ) -> Result<(), Error> {
        let realm = &actor.realm;
        let features = self.features_of(realm);
        for _ in 0..MAX_TRIES {
            let catalog = &found.root.catalog;
            let changes = self.changes(&found, news, features.within(&catalog.properties))?;
            let applied = if let Some((changes, id)) = changes {
                let left = match news {
                    News::Is { read, .. } => Left::Pointer(&found.ident, id, &read.file.pointer),
                    News::Gone => Left::NoTable(&found.ident, id),
                };
                let trace = Trace { catalog, left };
                let happened = happenings(&found, news, &changes);
                self.apply_surely(actor, changes, happened, || Answer::Done, trace).await
            } else {
                self.answer_unchanged(realm, || Answer::Done).await
            };
            match applied {
                Ok(()) => {
                    if let News::Is { read, .. } = news {
                        let table = TableRef { realm, catalog, ident: &found.ident };
                        let file = &read.file;
                        let location = file.pointer.as_str();
                        self.metadata.remember(table, location, file.json.clone()).await;
                    }
                    return Ok(());
                }
                Err(
                    MetastoreError::Conflict { .. }
                    | MetastoreError::AlreadyExists { .. }
                    | MetastoreError::ParentGone,
                ) => found = self.find_again(realm, actor.id, &found).await?,
                Err(error) => return Err(creation_failed(error, &found.ident)),
            }
        }
        Err(changed_meanwhile(EntityKind::Table, &found.ident))
    }

    /// What is to change, as things are, and the id of the table; nothing if all is as it is to be.
    fn changes(
        &self,
        found: &ResolvedNotification,
        news: &News,
        features: CatalogFeatures<'_>,
    ) -> Result<Option<(Vec<Change>, EntityId)>, Error> {
        let existing = found.existing.as_ref();
        let drop = |table: &Entity| Change::Drop { id: table.id, expected: table.version };
        let (read, timestamp) = match news {
            News::Gone => {
                let table = existing.filter(|existing| existing.kind == EntityKind::Table);
                return Ok(table.map(|table| (vec![drop(table)], table.id)));
            }
            News::Is { read, timestamp } => (read, *timestamp),
        };
        check_is_newer(found, timestamp)?;
        let stamp = |table: &mut Entity| {
            let key = internal::LAST_NOTIFICATION_TIMESTAMP.to_owned();
            table.internal.insert(key, timestamp.to_string());
        };
        let ForeignFile { file, metadata } = &**read;
        if let Some(before) = existing
            && !is_of_another(metadata, before)
        {
            let mut after = self.repointed(before, metadata, file)?;
            stamp(&mut after);
            return Ok(Some((vec![self.pointing(before, after, file, features)], before.id)));
        }
        let (mut changes, parent) = self.missing_namespaces(found, features)?;
        // Its owner dropped the table and made another. What was granted on the one is not granted
        // on the other.
        changes.extend(existing.map(drop));
        let (catalog, name) = (found.root.catalog.id, &found.ident.name);
        let now_ms = self.clock.now_ms();
        let mut table = Entity::new(EntityKind::Table, catalog, parent, name, now_ms);
        describe(&mut table, metadata)?;
        stamp(&mut table);
        let id = table.id;
        changes.push(self.making(table, file, features));
        Ok(Some((changes, id)))
    }

    /// What makes the namespaces that a table's path lacks, and the id of the one it is to be in.
    fn missing_namespaces(
        &self,
        found: &ResolvedNotification,
        features: CatalogFeatures<'_>,
    ) -> Result<(Vec<Change>, EntityId), Error> {
        let levels = found.ident.namespace.levels();
        let mut there = found.namespaces.clone();
        let mut changes = Vec::new();
        for depth in there.len()..levels.len() {
            let namespace = Namespace::create(levels[..=depth].to_vec())?;
            let parent = found.root.parent(&there);
            let entity = self.new_namespace(&parent, &namespace, Properties::new(), features)?;
            changes.push(namespace_creation(entity.clone(), features));
            there.push(entity);
        }
        Ok((changes, there.last().unwrap_or(&found.root.catalog).id))
    }

    /// Looks up again what is there of a table's path. A catalog that is gone, or whose name another
    /// has now, is not there any more.
    async fn find_again(
        &self,
        realm: &RealmId,
        caller: EntityId,
        before: &ResolvedNotification,
    ) -> Result<ResolvedNotification, Error> {
        let catalog = &before.root.catalog;
        let path = NotificationPath { catalog: catalog.name.clone(), ident: before.ident.clone() };
        let caller = CallerRef { principal: caller.into(), roles: RoleSelection::All };
        let request = ResolvedNotification::request(&path, caller);
        let resolution = self.metastore.resolve(realm, &request).await?;
        let found = ResolvedNotification::found(&path, resolution)?;
        if found.root.catalog.id != catalog.id {
            let (kind, name) = (EntityKind::Catalog, path.catalog);
            return Err(merak_authz::Error::NotFound { kind, name }.into());
        }
        Ok(found)
    }
}

/// What happens by a notification: it itself, and what is made, changed and removed by it.
fn happenings(found: &ResolvedNotification, news: &News, changes: &[Change]) -> Vec<Happening> {
    let (catalog, ident) = (&found.root.catalog, &found.ident);
    let table = |subject| Happening::to_table(subject, catalog, ident);
    let existing = found.existing.as_ref();
    let kind = match news {
        News::Gone => "DROP",
        News::Is { .. } => "UPDATE",
    };
    let sent = Happening::to_named(EventSubject::SendNotification, catalog, TABLE_NAME, ident)
        .with("notification_type", kind);
    let of_change = |change: &Change| match change {
        Change::Create { entity, .. } if entity.kind == EntityKind::Namespace => {
            let namespace = Namespace::decode(&entity.name);
            let subject = EventSubject::CreateNamespace;
            Some(Happening::to_namespace(subject, catalog, &namespace).at_version(entity))
        }
        Change::Create { entity, .. } => Some(table(EventSubject::CreateTable).knowing(entity)),
        Change::Update { entity, .. } => {
            let updated = table(EventSubject::UpdateTable).knowing(entity);
            Some(updated.after_maybe(existing))
        }
        Change::Drop { .. } => {
            let dropped = table(EventSubject::DropTable).with("purge_requested", false);
            Some(existing.map_or(dropped.clone(), |table| dropped.knowing(table)))
        }
        Change::Grant(_)
        | Change::Revoke(_)
        | Change::AttachPolicy(_)
        | Change::DetachPolicy { .. }
        | Change::DetachPolicyFromAll(_)
        | Change::SetSecrets(..)
        | Change::RotateSecrets { .. }
        | Change::Answer(_)
        | Change::AddTask(_)
        | Change::Record(_) => None,
    };
    changes.iter().filter_map(of_change).chain([sent]).collect()
}

/// Refuses names that nothing could be made under.
fn check_names(target: &ResolvedNotification) -> Result<(), Error> {
    Namespace::create(target.ident.namespace.levels().to_vec())?;
    EntityName::parse(&target.ident.name)?;
    Ok(())
}

/// Refuses what is not newer than what was processed, and a name that something else has.
fn check_is_newer(found: &ResolvedNotification, timestamp: i64) -> Result<(), Error> {
    let Some(existing) = &found.existing else { return Ok(()) };
    if existing.kind != EntityKind::Table {
        return Err(name_taken(EntityKind::Table, existing.kind, &found.ident));
    }
    let last = existing.internal.get(internal::LAST_NOTIFICATION_TIMESTAMP);
    let last: Option<i64> = last.and_then(|last| last.parse().ok());
    if last.is_some_and(|last| timestamp <= last) {
        return Err(Error::AlreadyExists(format!(
            "A notification with a newer timestamp has been processed for table {}",
            found.ident
        )));
    }
    Ok(())
}

/// A member of the notification that it cannot do without.
fn needed<T>(member: Option<T>, name: &str) -> Result<T, Error> {
    member.ok_or_else(|| Error::BadRequest(format!("The notification needs payload.{name}")))
}
