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

pub async fn granting_twice_and_revoking_nothing_change_nothing(store: Arc<dyn Metastore>) {
    let Granted { world, role, table } = Granted::new(store).await;
    let grant = |privilege| GrantRecord { securable: table.id, grantee: role.id, privilege };

    world.grant(Privilege::TableDrop, &table, &role).await;
    world.apply(&[Change::Revoke(grant(Privilege::TableReadData))]).await.unwrap();
    assert!(Granted::may_drop(&world, "t").await);

    world.apply(&[Change::Revoke(grant(Privilege::TableDrop))]).await.unwrap();
    assert!(!Granted::may_drop(&world, "t").await, "one revocation undoes both grants");
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
