//! Policies, and what they are attached to.

use super::races::{RACERS, assert_one_winner, race};
use super::*;

use crate::{AttachedPolicy, PolicyMapping};

/// A catalog with two namespaces, the inner one with a table in it, and policies in the outer one.
#[derive(Clone)]
struct Lake {
    world: World,
    catalog: Entity,
    outer: Entity,
    inner: Entity,
    table: Entity,
}

impl Lake {
    async fn new(store: Arc<dyn Metastore>) -> Self {
        Self::of(World::new(store).await).await
    }

    async fn of(world: World) -> Self {
        let catalog = world.make_catalog("lake").await;
        let outer = world.make_namespace(&catalog, &["a"]).await;
        let inner = world.make_namespace(&outer, &["a", "b"]).await;
        let table = world.make_table(&inner, "t").await;
        Self { world, catalog, outer, inner, table }
    }

    async fn make_policy(&self, name: &str) -> Entity {
        self.world.make(EntityKind::Policy, &self.outer, name).await
    }

    /// The policies that are attached to the table and to all that it is in.
    async fn attached(&self) -> Vec<AttachedPolicy> {
        let request = ResolveRequest {
            tables: vec![lookup(&["a", "b"], "t")],
            policies: true,
            ..self.world.of_catalog("lake")
        };
        self.world.resolve(&request).await.attached
    }

    /// The names of these policies, each with the id of what it is attached to.
    async fn names(&self) -> Vec<(String, EntityId)> {
        let attached = self.attached().await;
        attached.into_iter().map(|one| (one.policy.name, one.target)).collect()
    }
}

fn mapping(policy: &Entity, policy_type: i32, target: &Entity) -> PolicyMapping {
    let parameters = [("of".to_owned(), policy.name.clone())].into();
    PolicyMapping { policy: policy.id, policy_type, target: target.id, parameters }
}

fn attach(policy: &Entity, policy_type: i32, target: &Entity) -> Change {
    Change::AttachPolicy(Box::new(mapping(policy, policy_type, target)))
}

fn detach(policy: &Entity, target: &Entity) -> Change {
    Change::DetachPolicy { policy: policy.id, target: target.id }
}

pub async fn policies_are_found_by_what_they_are_attached_to(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let mut policy = entity(EntityKind::Policy, &lake.outer, "compact");
    policy.internal = [("policy-type-code".to_owned(), "0".to_owned())].into();
    lake.world.apply(&[create(&policy)]).await.unwrap();
    let other = lake.make_policy("expire").await;
    let aside = lake.world.make_table(&lake.inner, "aside").await;

    let changes = [
        attach(&policy, 0, &lake.catalog),
        attach(&policy, 0, &lake.table),
        attach(&other, 3, &lake.outer),
        attach(&other, 3, &aside),
    ];
    lake.world.apply(&changes).await.unwrap();

    let mut names = lake.names().await;
    names.sort();
    let mut expected = vec![
        ("compact".to_owned(), lake.catalog.id),
        ("compact".to_owned(), lake.table.id),
        ("expire".to_owned(), lake.outer.id),
    ];
    expected.sort();
    assert_eq!(names, expected);
    let attached = lake.attached().await;
    assert_eq!(attached[0].policy, policy);
    assert_eq!(attached[0].namespace, namespace(&["a"]));
    assert_eq!(attached[0].parameters, [("of".to_owned(), "compact".to_owned())].into());
    // Only if they are asked for, and only those of what is looked up.
    assert!(lake.world.resolve_table("lake", &["a", "b"], "t").await.attached.is_empty());
    let request = ResolveRequest { policies: true, ..lake.world.of_catalog("lake") };
    let found = lake.world.resolve(&request).await.attached;
    assert_eq!(found.iter().map(|one| one.target).collect::<Vec<_>>(), [lake.catalog.id]);
    let request = ResolveRequest { policies: true, ..lake.world.of_catalog("pond") };
    assert!(lake.world.resolve(&request).await.attached.is_empty());
}

pub async fn attaching_again_replaces_the_parameters(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let policy = lake.make_policy("compact").await;
    lake.world.apply(&[attach(&policy, 0, &lake.table)]).await.unwrap();

    let mut again = mapping(&policy, 0, &lake.table);
    again.parameters = [("more".to_owned(), "ö\"".to_owned())].into();
    lake.world.apply(&[Change::AttachPolicy(Box::new(again.clone()))]).await.unwrap();

    let attached = lake.attached().await;
    assert_eq!(attached.len(), 1);
    assert_eq!(attached[0].parameters, again.parameters);
}

pub async fn one_policy_of_a_type_is_attached_to_a_target(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let policy = lake.make_policy("compact").await;
    let other = lake.make_policy("other").await;
    lake.world.apply(&[attach(&policy, 0, &lake.table)]).await.unwrap();

    let error = lake.world.apply(&[attach(&other, 0, &lake.table)]).await.unwrap_err();

    assert!(matches!(error, Error::TypeAttached { target } if target == lake.table.id), "{error}");
    assert_eq!(lake.names().await, [("compact".to_owned(), lake.table.id)]);
    // Of another type, or elsewhere, it may be; and there, once that one is gone.
    let third = lake.make_policy("third").await;
    let changes = [attach(&other, 0, &lake.inner), attach(&third, 1, &lake.table)];
    lake.world.apply(&changes).await.unwrap();
    let changes = [detach(&policy, &lake.table), attach(&other, 0, &lake.table)];
    lake.world.apply(&changes).await.unwrap();
}

pub async fn detaching_what_was_not_attached_fails(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let policy = lake.make_policy("compact").await;
    let other = lake.make_policy("other").await;
    lake.world.apply(&[attach(&policy, 0, &lake.table)]).await.unwrap();

    for change in [detach(&policy, &lake.inner), detach(&other, &lake.table)] {
        let error = lake.world.apply(&[change]).await.unwrap_err();
        assert!(matches!(error, Error::NotAttached), "{error}");
    }
    lake.world.apply(&[detach(&policy, &lake.table)]).await.unwrap();

    assert!(lake.names().await.is_empty());
    let error = lake.world.apply(&[detach(&policy, &lake.table)]).await.unwrap_err();
    assert!(matches!(error, Error::NotAttached), "{error}");
}

pub async fn a_policy_that_is_attached_is_not_dropped(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let policy = lake.make_policy("compact").await;
    let other = lake.make_policy("other").await;
    let changes = [
        attach(&policy, 0, &lake.table),
        attach(&policy, 0, &lake.catalog),
        attach(&other, 1, &lake.table),
    ];
    lake.world.apply(&changes).await.unwrap();

    let error = lake.world.apply(&[drop_of(&policy)]).await.unwrap_err();
    assert!(matches!(error, Error::NotEmpty { id } if id == policy.id), "{error}");
    let changes = [Change::DetachPolicyFromAll(policy.id), drop_of(&policy)];
    lake.world.apply(&changes).await.unwrap();

    assert_eq!(lake.names().await, [("other".to_owned(), lake.table.id)]);
    // Nothing to be detached is nothing to complain of.
    let third = lake.make_policy("third").await;
    let changes = [Change::DetachPolicyFromAll(third.id), drop_of(&third)];
    lake.world.apply(&changes).await.unwrap();
}

pub async fn what_is_dropped_takes_what_was_attached_to_it_along(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let policy = lake.make_policy("compact").await;
    let changes = [attach(&policy, 0, &lake.table), attach(&policy, 0, &lake.inner)];
    lake.world.apply(&changes).await.unwrap();

    lake.world.apply(&[drop_of(&lake.table), drop_of(&lake.inner)]).await.unwrap();

    // With the same ids, so that what was left behind would come to life again.
    lake.world.apply(&[create(&lake.inner), create(&lake.table)]).await.unwrap();
    assert!(lake.names().await.is_empty());
    lake.world.apply(&[drop_of(&policy)]).await.unwrap();
}

pub async fn attaching_fails_when_either_end_is_gone(store: Arc<dyn Metastore>) {
    let lake = Lake::new(Arc::clone(&store)).await;
    let policy = lake.make_policy("compact").await;
    let gone = entity(EntityKind::Policy, &lake.outer, "gone");
    let elsewhere = Lake::of(World::in_realm(store, "elsewhere").await).await;
    let of_elsewhere = elsewhere.make_policy("compact").await;

    let changes = [
        attach(&gone, 0, &lake.table),
        attach(&policy, 0, &gone),
        attach(&policy, 0, &elsewhere.table),
        attach(&of_elsewhere, 0, &lake.table),
    ];
    for change in changes {
        let error = lake.world.apply(&[change]).await.unwrap_err();
        assert!(matches!(error, Error::ParentGone), "{error}");
    }
}

pub async fn a_realm_goes_with_the_policies_that_are_attached_in_it(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    // Whichever of the two the database comes upon first.
    for number in 0..8 {
        let policy = lake.make_policy(&format!("p{number}")).await;
        let table = lake.world.make_table(&lake.inner, &format!("t{number}")).await;
        let changes = [attach(&policy, 0, &table), attach(&policy, number, &lake.catalog)];
        lake.world.apply(&changes).await.unwrap();
    }

    assert!(lake.world.store.purge(&lake.world.realm).await.unwrap());

    let again = Lake::new(Arc::clone(&lake.world.store)).await;
    assert!(again.names().await.is_empty());
}

pub async fn of_racing_policies_of_one_type_exactly_one_is_attached(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let mut policies = Vec::new();
    for number in 0..RACERS {
        policies.push(lake.make_policy(&format!("p{number}")).await);
    }

    let results = race(|number| {
        let (world, change) = (lake.world.clone(), attach(&policies[number], 0, &lake.table));
        async move { world.apply(&[change]).await }
    })
    .await;

    assert_one_winner(&results, |error| matches!(error, Error::TypeAttached { .. }));
    // The one that won may be attached as often as anybody likes, at once too.
    let there = lake.names().await;
    let winner: usize = there[0].0.trim_start_matches('p').parse().unwrap();
    let again = race(|_| {
        let (world, change) = (lake.world.clone(), attach(&policies[winner], 0, &lake.table));
        async move { world.apply(&[change]).await }
    })
    .await;
    assert!(again.iter().all(Result::is_ok), "{again:?}");
    assert_eq!(lake.names().await, there);
}

pub async fn an_attachment_and_the_drop_of_its_policy_do_not_both_succeed(
    store: Arc<dyn Metastore>,
) {
    let lake = Lake::new(store).await;
    for attempt in 0..20 {
        let policy = lake.make_policy("compact").await;
        let (attaching, dropping) = (lake.world.clone(), lake.world.clone());
        let attach = attach(&policy, 0, &lake.table);
        let mut drop = vec![drop_of(&policy)];
        if attempt % 2 == 0 {
            drop.insert(0, Change::DetachPolicyFromAll(policy.id));
        }

        let attach = tokio::spawn(async move { attaching.apply(&[attach]).await });
        let drop = tokio::spawn(async move { dropping.apply(&drop).await });

        match (attach.await.unwrap(), drop.await.unwrap()) {
            (Ok(()), Err(Error::NotEmpty { .. })) => {
                assert_eq!(lake.names().await, [("compact".to_owned(), lake.table.id)]);
                let changes = [Change::DetachPolicyFromAll(policy.id), drop_of(&policy)];
                lake.world.apply(&changes).await.unwrap();
            }
            (Err(Error::ParentGone), Ok(())) => {}
            // It was attached, and then detached from all.
            (Ok(()), Ok(())) if attempt % 2 == 0 => {}
            both => panic!("{both:?}"),
        }
        assert!(lake.names().await.is_empty());
    }
}

pub async fn an_attachment_and_the_drop_of_its_target_leave_nothing_behind(
    store: Arc<dyn Metastore>,
) {
    let lake = Lake::new(store).await;
    let policy = lake.make_policy("compact").await;
    for _ in 0..20 {
        let (attaching, dropping) = (lake.world.clone(), lake.world.clone());
        let (attach, drop) = (attach(&policy, 0, &lake.table), drop_of(&lake.table));

        let attach = tokio::spawn(async move { attaching.apply(&[attach]).await });
        let drop = tokio::spawn(async move { dropping.apply(&[drop]).await });

        let outcome = attach.await.unwrap();
        drop.await.unwrap().unwrap();
        assert!(matches!(outcome, Ok(()) | Err(Error::ParentGone)), "{outcome:?}");
        lake.world.apply(&[create(&lake.table)]).await.unwrap();
        assert!(lake.names().await.is_empty(), "{outcome:?}");
    }
    lake.world.apply(&[drop_of(&policy)]).await.unwrap();
}
