//! The conformance suite: what [`Metastore`] promises, as tests for whoever implements it.
//!
//! A case is a function that is given a fresh metastore, migrated and without realms. It becomes a
//! test by its line in [`metastore_conformance!`](crate::metastore_conformance).
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::assigning_clones,
    reason = "these are tests, though no attribute says so"
)]
#![cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "what is here is for each case"))]
#![expect(missing_docs, reason = "a case's name is a sentence")]

mod answers;
mod audit;
mod beside;
mod events;
mod grants;
mod overlaps;
mod places;
mod policies;
mod races;
mod realms;
mod reports;
mod resolving;
mod tasks;
mod writes;

use std::sync::Arc;

use merak_model::{
    Entity, EntityId, EntityKind, GrantRecord, Namespace, Privilege, RealmId, TableIdent,
};

use crate::{
    CallerRef, Change, Children, Error, MetadataBody, Metastore, NamedLookup, Page, PrincipalRef,
    PrincipalSecrets, Relation, Resolution, ResolveRequest, RoleSelection, TableLookup,
};

pub use answers::*;
pub use audit::*;
pub use beside::*;
pub use events::*;
pub use grants::*;
pub use overlaps::*;
pub use places::*;
pub use policies::*;
pub use races::*;
pub use realms::*;
pub use reports::*;
pub use resolving::*;
pub use tasks::*;
pub use writes::*;

/// Makes a test of each promise of [`Metastore`].
///
/// What is given is an expression for a future of an `Arc<dyn Metastore>` and of anything that is to
/// live as long as the test, such as the directory it is in.
#[macro_export]
macro_rules! metastore_conformance {
    ($fresh:expr) => {
        $crate::metastore_conformance! { $fresh =>
            apply_is_all_or_nothing
            changes_are_applied_in_their_order
            applying_nothing_is_fine
            what_was_stored_comes_back
            update_replaces_everything_that_can_change
            update_conflicts_once_the_version_has_moved
            update_of_what_is_gone_conflicts
            create_fails_when_the_parent_is_gone
            rename_fails_when_the_new_parent_is_gone
            drop_fails_while_children_remain
            drop_conflicts_once_the_version_has_moved
            a_name_taken_by_a_view_is_taken_for_a_table
            rename_to_a_taken_name_fails
            a_name_made_twice_in_one_transaction_is_taken
            a_namespace_and_a_table_of_one_name_do_not_collide
            names_differ_by_case_and_by_accent
            metadata_is_kept_replaced_and_removed

            drop_takes_its_grants_along
            dropping_a_role_takes_what_it_held_along
            dropped_principal_takes_its_secrets_along
            rename_keeps_the_id_and_the_grants
            granting_twice_changes_nothing_and_one_revocation_undoes_it
            revoking_what_was_not_granted_fails
            grant_fails_when_either_end_is_gone
            a_client_id_belongs_to_one_principal
            secrets_are_replaced_as_a_whole
            secrets_are_found_by_their_principal
            secrets_are_rotated_if_they_are_still_the_same
            of_racing_rotations_exactly_one_wins

            realms_do_not_see_each_other
            bootstrap_does_nothing_the_second_time
            bootstrap_is_all_or_nothing
            purge_removes_everything
            the_first_signing_key_stays
            a_principal_has_a_name_and_a_role_is_none

            a_table_must_not_lie_where_another_does
            a_table_must_not_lie_above_or_below_another
            locations_that_merely_begin_alike_do_not_overlap
            tables_of_different_namespaces_are_kept_apart
            other_catalogs_do_not_matter_for_overlaps
            namespaces_are_kept_apart_from_their_siblings_only
            overlaps_are_allowed_where_they_are_not_to_be_kept_apart
            an_update_is_kept_apart_from_others_but_not_from_itself
            catalogs_are_kept_apart

            a_table_must_not_lie_where_another_writes
            a_table_must_not_write_where_another_lies_or_writes
            all_paths_a_table_writes_to_count
            a_table_may_write_within_and_around_its_own_location
            an_update_must_not_write_where_another_lies_or_writes
            where_a_table_writes_is_free_again_after_it
            a_renamed_table_keeps_where_it_writes
            namespaces_are_kept_apart_from_where_tables_beside_them_write
            other_catalogs_do_not_matter_for_where_a_table_writes
            where_a_table_writes_is_known_even_if_it_was_not_kept_apart
            what_would_overlap_is_told_before_it_is_made

            a_missing_caller_is_absent_and_holds_nothing
            roles_are_activated_as_the_token_says
            privileges_come_through_principal_roles_and_catalog_roles
            a_role_of_another_catalog_does_not_count
            a_role_that_is_not_activated_does_not_count
            direct_grants_to_a_principal_do_not_count
            a_deep_namespace_comes_with_all_above_it
            what_is_not_there_is_absent
            many_tables_are_found_at_once
            metadata_that_is_known_does_not_come_again
            names_nothing_can_have_are_not_found
            a_caller_is_found_by_its_name_too
            a_caller_that_must_rotate_its_credentials_is_marked
            principals_and_roles_are_found_beside_the_path
            a_policy_is_found_in_its_namespace
            what_a_role_holds_is_listed_with_its_place
            the_roles_of_one_catalog_are_listed_without_those_of_others
            who_has_a_role_is_listed
            how_a_privilege_comes_about_is_told
            children_of_the_root_of_a_catalog_and_of_a_namespace
            children_of_a_kind_that_shares_names_are_only_of_that_kind
            pages_follow_one_another_without_gaps
            names_of_children_come_alone_if_they_are_all_that_is_wanted

            policies_are_found_by_what_they_are_attached_to
            attaching_again_replaces_the_parameters
            one_policy_of_a_type_is_attached_to_a_target
            detaching_what_was_not_attached_fails
            a_policy_that_is_attached_is_not_dropped
            what_is_dropped_takes_what_was_attached_to_it_along
            attaching_fails_when_either_end_is_gone
            a_realm_goes_with_the_policies_that_are_attached_in_it
            of_racing_policies_of_one_type_exactly_one_is_attached
            an_attachment_and_the_drop_of_its_policy_do_not_both_succeed
            an_attachment_and_the_drop_of_its_target_leave_nothing_behind

            reports_come_back_the_newest_first
            reports_are_found_by_their_kind_and_their_time
            pages_of_reports_follow_one_another_without_gaps
            reports_outlive_their_table_and_not_their_realm
            a_report_in_a_realm_that_is_not_there_is_refused
            reports_of_all_realms_are_forgotten_once_they_are_too_old

            audit_records_come_back_the_newest_first
            audit_records_are_found_by_what_they_say
            audit_records_go_with_their_realm_and_once_they_are_too_old

            an_answer_is_remembered_with_what_was_done
            nothing_is_done_where_the_key_has_an_answer
            nothing_is_remembered_of_what_failed
            an_expired_answer_makes_room
            an_answer_that_is_settled_stays
            keys_belong_to_a_principal_and_a_realm
            expired_answers_are_forgotten_in_bounded_numbers

            of_racing_updates_exactly_one_wins
            of_racing_creates_of_one_name_exactly_one_wins
            of_racing_creates_of_one_location_exactly_one_wins
            of_racing_writers_to_one_place_exactly_one_wins
            of_tables_that_write_into_each_other_exactly_one_wins
            a_taken_name_is_told_before_a_taken_location
            of_racing_signing_keys_one_wins_and_all_get_it
            of_racing_bootstraps_one_makes_the_realm
            a_create_and_the_drop_of_its_parent_do_not_both_succeed
            a_grant_and_the_drop_of_either_end_leave_nothing_behind
            transactions_in_opposite_orders_both_succeed
            writers_and_readers_do_not_get_in_each_others_way
            of_racing_duplicates_exactly_one_is_carried_out

            a_task_is_there_if_its_transaction_is
            a_task_is_taken_by_one_of_those_who_ask_at_once
            the_task_that_is_due_longest_is_taken_first
            tasks_of_other_realms_are_not_taken
            a_task_is_taken_from_a_worker_that_no_longer_reports
            a_worker_that_lost_its_task_changes_nothing_more
            an_attempt_that_failed_is_made_again_when_it_is_due
            a_task_that_is_given_back_is_due_at_once_and_the_attempt_does_not_count
            a_task_that_failed_is_taken_again_only_when_it_is_retried
            tasks_of_a_catalog_are_listed_in_pages
            ended_tasks_are_forgotten_a_few_at_a_time
            tables_of_a_catalog_are_listed_in_pages

            an_event_is_there_if_its_change_is
            an_event_goes_along_with_an_answer
            what_is_granted_again_is_no_event
            changes_whose_event_is_there_are_not_made_again
            the_event_of_an_attempt_is_there_if_the_attempt_was_settled
            an_event_in_a_realm_that_is_not_there_is_refused
            what_happened_comes_back_as_it_was
            events_are_found_by_what_is_known_of_them
            pages_of_events_follow_one_another_in_either_order
            deliveries_are_taken_by_one_of_those_who_ask
            a_delivery_that_is_settled_is_pending_no_more
            deliveries_are_taken_from_a_worker_that_died
            deliveries_of_other_realms_are_not_taken
            events_are_forgotten_once_nobody_is_to_be_told
            what_is_pending_to_a_sink_that_is_gone_is_forgotten
            a_realm_goes_with_its_events
            of_racing_updates_only_the_winner_leaves_its_event
        }
    };
    ($fresh:expr => $($case:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (store, _alive) = $fresh.await;
            $crate::testing::$case(store).await;
        }
    )+};
}

/// A realm with its root container and one principal, who asks all the questions.
#[derive(Clone)]
struct World {
    store: Arc<dyn Metastore>,
    realm: RealmId,
    caller: EntityId,
}

impl World {
    async fn new(store: Arc<dyn Metastore>) -> Self {
        Self::in_realm(store, "test").await
    }

    async fn in_realm(store: Arc<dyn Metastore>, realm: &str) -> Self {
        let realm = RealmId::new(realm);
        let caller = entity(EntityKind::Principal, &root(), "alice");
        let world = Self { store, realm, caller: caller.id };
        world.store.bootstrap(&world.realm, &[create(&root()), create(&caller)]).await.unwrap();
        world
    }

    async fn apply(&self, changes: &[Change]) -> Result<(), Error> {
        self.store.apply(&self.realm, changes).await
    }

    /// Creates an entity that nothing is in the way of.
    async fn make(&self, kind: EntityKind, parent: &Entity, name: &str) -> Entity {
        let entity = entity(kind, parent, name);
        self.apply(&[create(&entity)]).await.unwrap();
        entity
    }

    async fn make_catalog(&self, name: &str) -> Entity {
        self.make(EntityKind::Catalog, &root(), name).await
    }

    async fn make_namespace(&self, parent: &Entity, path: &[&str]) -> Entity {
        self.make(EntityKind::Namespace, parent, &namespace(path).encoded()).await
    }

    async fn make_table(&self, parent: &Entity, name: &str) -> Entity {
        self.make(EntityKind::Table, parent, name).await
    }

    async fn grant(&self, privilege: Privilege, securable: &Entity, grantee: &Entity) {
        let grant = GrantRecord { securable: securable.id, grantee: grantee.id, privilege };
        self.apply(&[Change::Grant(grant)]).await.unwrap();
    }

    /// Makes a principal role that the caller has.
    async fn make_role_of_caller(&self, name: &str) -> Entity {
        let role = self.make(EntityKind::PrincipalRole, &root(), name).await;
        let usage = Privilege::PrincipalRoleUsage;
        let grant = GrantRecord { securable: role.id, grantee: self.caller, privilege: usage };
        self.apply(&[Change::Grant(grant)]).await.unwrap();
        role
    }

    fn caller(&self) -> CallerRef {
        CallerRef { principal: self.caller.into(), roles: RoleSelection::All }
    }

    async fn resolve(&self, request: &ResolveRequest) -> Resolution {
        self.store.resolve(&self.realm, request).await.unwrap()
    }

    async fn resolve_table(&self, catalog: &str, path: &[&str], name: &str) -> Resolution {
        let tables = vec![lookup(path, name)];
        let request = ResolveRequest { tables, ..self.of_catalog(catalog) };
        self.resolve(&request).await
    }

    async fn resolve_namespace(&self, catalog: &str, path: &[&str]) -> Resolution {
        let namespaces = vec![namespace(path)];
        let request = ResolveRequest { namespaces, ..self.of_catalog(catalog) };
        self.resolve(&request).await
    }

    fn of_catalog(&self, catalog: &str) -> ResolveRequest {
        ResolveRequest::of_catalog(self.caller(), catalog)
    }

    /// The names of a page of children.
    async fn children(&self, request: ResolveRequest, children: Children) -> Vec<String> {
        let request = ResolveRequest { children: Some(children), ..request };
        self.resolve(&request).await.children.into_iter().map(|child| child.name).collect()
    }
}

fn root() -> Entity {
    let mut root =
        Entity::new(EntityKind::Root, EntityId::ROOT, EntityId::ROOT, "root_container", 1);
    root.id = EntityId::ROOT;
    root
}

/// An entity that is not stored yet.
fn entity(kind: EntityKind, parent: &Entity, name: &str) -> Entity {
    let catalog = if parent.kind == EntityKind::Catalog { parent.id } else { parent.catalog_id };
    Entity::new(kind, catalog, parent.id, name, 1_700_000_000_000)
}

fn at(mut entity: Entity, location: &str) -> Entity {
    entity.location = Some(location.to_owned());
    entity
}

/// The entity as it writes to paths too, by properties of a table.
fn writing_to(mut entity: Entity, paths: &[(&str, &str)]) -> Entity {
    entity.internal =
        paths.iter().map(|(key, path)| ((*key).to_owned(), (*path).to_owned())).collect();
    entity
}

/// Creates an entity unless something is in its way.
fn create_apart(entity: Entity) -> Change {
    Change::Create { entity: Box::new(entity), metadata: None, keep_apart: true }
}

/// Makes `after` of an entity unless something is in its way.
fn update_apart(before: &Entity, mut after: Entity) -> Change {
    after.version = before.version.next();
    Change::Update {
        entity: Box::new(after),
        expected: before.version,
        metadata: MetadataBody::Keep,
        keep_apart: true,
    }
}

fn create(entity: &Entity) -> Change {
    Change::Create { entity: Box::new(entity.clone()), metadata: None, keep_apart: false }
}

/// The entity's next version, and the change that makes it so.
fn update(entity: &Entity, change: impl FnOnce(&mut Entity)) -> (Entity, Change) {
    let mut updated = entity.clone();
    updated.version = entity.version.next();
    change(&mut updated);
    let change = Change::Update {
        entity: Box::new(updated.clone()),
        expected: entity.version,
        metadata: MetadataBody::Keep,
        keep_apart: false,
    };
    (updated, change)
}

fn drop_of(entity: &Entity) -> Change {
    Change::Drop { id: entity.id, expected: entity.version }
}

fn namespace(path: &[&str]) -> Namespace {
    Namespace::lookup(path.iter().map(|&level| level.to_owned()).collect()).unwrap()
}

fn lookup(path: &[&str], name: &str) -> TableLookup {
    let ident = TableIdent { namespace: namespace(path), name: name.to_owned() };
    TableLookup { ident, known_metadata: None }
}

fn all_children(of: Option<&[&str]>, kind: EntityKind) -> Children {
    Children { of: of.map(namespace), kind, page: Page::default(), names_only: false }
}

fn secrets(client_id: &str) -> PrincipalSecrets {
    PrincipalSecrets {
        client_id: client_id.to_owned(),
        main_hash: "main".to_owned(),
        secondary_hash: "secondary".to_owned(),
        salt: "salt".to_owned(),
    }
}
