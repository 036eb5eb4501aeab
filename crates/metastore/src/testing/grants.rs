//! Grants and secrets, and what takes them along.

use super::*;

/// A table that the caller may drop, through a role of it and one of the catalog.
struct Granted {
    world: World,
    role: Entity,
    table: Entity,
}

impl Granted {
    async fn new(store: Arc<dyn Metastore>) -> Self {
        let world = World::new(store).await;
        let catalog = world.make_catalog("lake").await;
        let parent = world.make_namespace(&catalog, &["ns"]).await;
        let table = world.make_table(&parent, "t").await;
        let role = world.make(EntityKind::CatalogRole, &catalog, "dropper").await;
        let of_caller = world.make_role_of_caller("engineer").await;
        world.grant(Privilege::CatalogRoleUsage, &role, &of_caller).await;
        world.grant(Privilege::TableDrop, &table, &role).await;
        assert!(Self::may_drop(&world, "t").await);
        Self { world, role, table }
    }

    async fn may_drop(world: &World, name: &str) -> bool {
        let found = world.resolve_table("lake", &["ns"], name).await;
        found.tables[0].resolved.privileges.contains(Privilege::TableDrop)
    }
}

pub async fn drop_takes_its_grants_along(store: Arc<dyn Metastore>) {
    let Granted { world, table, .. } = Granted::new(store).await;

    world.apply(&[drop_of(&table)]).await.unwrap();

    // With the same id, so that grants that were left behind would come to life again.
    world.apply(&[create(&table)]).await.unwrap();
    assert!(!Granted::may_drop(&world, "t").await);
}

pub async fn dropping_a_role_takes_what_it_held_along(store: Arc<dyn Metastore>) {
    let Granted { world, role, .. } = Granted::new(store).await;

    world.apply(&[drop_of(&role)]).await.unwrap();

    world.apply(&[create(&role)]).await.unwrap();
    assert!(!Granted::may_drop(&world, "t").await);
}

pub async fn dropped_principal_takes_its_secrets_along(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let principal = world.make(EntityKind::Principal, &root(), "bob").await;
    world.apply(&[Change::SetSecrets(principal.id, secrets("bob-id"))]).await.unwrap();

    world.apply(&[drop_of(&principal)]).await.unwrap();

    assert!(world.store.credentials(&world.realm, "bob-id").await.unwrap().is_none());
    let other = world.make(EntityKind::Principal, &root(), "bobby").await;
    world.apply(&[Change::SetSecrets(other.id, secrets("bob-id"))]).await.unwrap();
}

pub async fn rename_keeps_the_id_and_the_grants(store: Arc<dyn Metastore>) {
    let Granted { world, table, .. } = Granted::new(store).await;

    let (_, change) = update(&table, |table| table.name = "renamed".to_owned());
    world.apply(&[change]).await.unwrap();

    assert!(Granted::may_drop(&world, "renamed").await);
    let found = world.resolve_table("lake", &["ns"], "renamed").await;
    assert_eq!(found.tables[0].resolved.entity.id, table.id);
}

pub async fn granting_twice_changes_nothing_and_one_revocation_undoes_it(
    store: Arc<dyn Metastore>,
) {
    let Granted { world, role, table } = Granted::new(store).await;
    let privilege = Privilege::TableDrop;
    let grant = GrantRecord { securable: table.id, grantee: role.id, privilege };

    world.grant(privilege, &table, &role).await;
    assert!(Granted::may_drop(&world, "t").await);

    world.apply(&[Change::Revoke(grant)]).await.unwrap();
    assert!(!Granted::may_drop(&world, "t").await, "one revocation undoes both grants");
}

pub async fn revoking_what_was_not_granted_fails(store: Arc<dyn Metastore>) {
    let Granted { world, role, table } = Granted::new(store).await;
    let grant = |privilege| GrantRecord { securable: table.id, grantee: role.id, privilege };
    let other = Change::Revoke(grant(Privilege::TableReadData));

    let alone = world.apply(std::slice::from_ref(&other)).await;
    let with_another = world.apply(&[Change::Revoke(grant(Privilege::TableDrop)), other]).await;

    assert!(matches!(alone, Err(Error::NotGranted)), "{alone:?}");
    assert!(matches!(with_another, Err(Error::NotGranted)), "{with_another:?}");
    assert!(Granted::may_drop(&world, "t").await, "all or nothing");
}

pub async fn grant_fails_when_either_end_is_gone(store: Arc<dyn Metastore>) {
    let Granted { world, role, table } = Granted::new(store).await;
    let gone = EntityId::random();
    let privilege = Privilege::TableReadData;

    let to_nobody = GrantRecord { securable: table.id, grantee: gone, privilege };
    let on_nothing = GrantRecord { securable: gone, grantee: role.id, privilege };

    for grant in [to_nobody, on_nothing] {
        let result = world.apply(&[Change::Grant(grant)]).await;
        assert!(matches!(result, Err(Error::ParentGone)), "{result:?}");
    }
    let result = world.apply(&[Change::SetSecrets(gone, secrets("id"))]).await;
    assert!(matches!(result, Err(Error::ParentGone)), "{result:?}");
}

pub async fn a_client_id_belongs_to_one_principal(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let bob = world.make(EntityKind::Principal, &root(), "bob").await;
    world.apply(&[Change::SetSecrets(world.caller, secrets("id"))]).await.unwrap();

    let result = world.apply(&[Change::SetSecrets(bob.id, secrets("id"))]).await;

    assert!(matches!(&result, Err(Error::ClientIdTaken(id)) if id == "id"), "{result:?}");
    let credentials = world.store.credentials(&world.realm, "id").await.unwrap().unwrap();
    assert_eq!((credentials.principal, credentials.name.as_str()), (world.caller, "alice"));
}

pub async fn secrets_are_replaced_as_a_whole(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    world.apply(&[Change::SetSecrets(world.caller, secrets("old"))]).await.unwrap();
    let rotated = PrincipalSecrets {
        client_id: "new".to_owned(),
        main_hash: "m2".to_owned(),
        secondary_hash: "main".to_owned(),
        salt: "s2".to_owned(),
    };

    world.apply(&[Change::SetSecrets(world.caller, rotated.clone())]).await.unwrap();

    assert!(world.store.credentials(&world.realm, "old").await.unwrap().is_none());
    let credentials = world.store.credentials(&world.realm, "new").await.unwrap().unwrap();
    assert_eq!(credentials.secrets, rotated);
}

pub async fn secrets_are_found_by_their_principal(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let of = async |id| world.store.secrets(&world.realm, id).await.unwrap();
    assert_eq!(of(world.caller).await, None, "it has none yet");

    world.apply(&[Change::SetSecrets(world.caller, secrets("id"))]).await.unwrap();

    assert_eq!(of(world.caller).await, Some(secrets("id")));
    assert_eq!(of(EntityId::random()).await, None);
}

/// Secrets whose main hash is this one.
fn with_main(hash: &str) -> PrincipalSecrets {
    PrincipalSecrets { main_hash: hash.to_owned(), ..secrets("id") }
}

fn rotation(principal: EntityId, from: &str, to: &str) -> Change {
    Change::RotateSecrets { principal, expected: from.to_owned(), secrets: with_main(to) }
}

pub async fn secrets_are_rotated_if_they_are_still_the_same(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    world.apply(&[Change::SetSecrets(world.caller, with_main("one"))]).await.unwrap();

    world.apply(&[rotation(world.caller, "one", "two")]).await.unwrap();
    let late = world.apply(&[rotation(world.caller, "one", "three")]).await;
    let of_nobody = world.apply(&[rotation(EntityId::random(), "one", "two")]).await;

    assert!(matches!(late, Err(Error::SecretsMoved(id)) if id == world.caller), "{late:?}");
    assert!(matches!(of_nobody, Err(Error::SecretsMoved(_))), "{of_nobody:?}");
    let kept = world.store.secrets(&world.realm, world.caller).await.unwrap();
    assert_eq!(kept, Some(with_main("two")));
}

pub async fn of_racing_rotations_exactly_one_wins(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    world.apply(&[Change::SetSecrets(world.caller, with_main("one"))]).await.unwrap();

    let racers: Vec<_> = (0..8)
        .map(|number| {
            let world = world.clone();
            let change = rotation(world.caller, "one", &format!("two-{number}"));
            tokio::spawn(async move { world.apply(&[change]).await.is_ok() })
        })
        .collect();
    let mut winners = Vec::new();
    for (number, racer) in racers.into_iter().enumerate() {
        if racer.await.unwrap() {
            winners.push(format!("two-{number}"));
        }
    }

    let kept = world.store.secrets(&world.realm, world.caller).await.unwrap().unwrap();
    assert_eq!(winners, [kept.main_hash]);
}
