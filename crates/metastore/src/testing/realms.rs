//! Realms, and the keys they sign with.

use secrecy::{ExposeSecret, SecretBox};

use super::*;
use crate::Bootstrap;

pub async fn realms_do_not_see_each_other(store: Arc<dyn Metastore>) {
    let one = World::in_realm(Arc::clone(&store), "one").await;
    let other = World::in_realm(store, "other").await;
    let catalog = one.make_catalog("lake").await;
    one.apply(&[Change::SetSecrets(one.caller, secrets("id"))]).await.unwrap();

    assert!(other.resolve(&other.of_catalog("lake")).await.catalog.is_none());
    assert!(other.resolve(&ResolveRequest::of_realm(one.caller())).await.caller.is_none());
    assert!(other.store.credentials(&other.realm, "id").await.unwrap().is_none());
    assert!(other.store.principal_name(&other.realm, one.caller).await.unwrap().is_none());
    let result = other.apply(&[drop_of(&catalog)]).await;
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");

    // The same names, client ids and ids are free in each.
    other.apply(&[create(&catalog)]).await.unwrap();
    other.apply(&[Change::SetSecrets(other.caller, secrets("id"))]).await.unwrap();
    let nowhere = RealmId::new("nowhere");
    let result = other.store.apply(&nowhere, &[create(&root())]).await;
    assert!(matches!(result, Err(Error::ParentGone)), "{result:?}");
}

pub async fn bootstrap_does_nothing_the_second_time(store: Arc<dyn Metastore>) {
    let realm = RealmId::new("test");
    assert!(!store.is_bootstrapped(&realm).await.unwrap());

    let first = store.bootstrap(&realm, &[create(&root())]).await.unwrap();
    let caller = entity(EntityKind::Principal, &root(), "late");
    let second = store.bootstrap(&realm, &[create(&root()), create(&caller)]).await.unwrap();

    assert_eq!((first, second), (Bootstrap::Made, Bootstrap::AlreadyThere));
    assert!(store.is_bootstrapped(&realm).await.unwrap());
    assert_eq!(store.principal_name(&realm, caller.id).await.unwrap(), None);
}

pub async fn bootstrap_is_all_or_nothing(store: Arc<dyn Metastore>) {
    let realm = RealmId::new("test");
    let gone = entity(EntityKind::Catalog, &root(), "gone");
    let orphan = entity(EntityKind::Namespace, &gone, "ns");

    let result = store.bootstrap(&realm, &[create(&root()), create(&orphan)]).await;

    assert!(matches!(result, Err(Error::ParentGone)), "{result:?}");
    assert!(!store.is_bootstrapped(&realm).await.unwrap());
}

pub async fn purge_removes_everything(store: Arc<dyn Metastore>) {
    let other = World::in_realm(Arc::clone(&store), "other").await;
    let other_catalog = other.make_catalog("lake").await;
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    let table = world.make_table(&parent, "t").await;
    let role = world.make_role_of_caller("engineer").await;
    world.grant(Privilege::TableDrop, &table, &role).await;
    world.apply(&[Change::SetSecrets(world.caller, secrets("id"))]).await.unwrap();
    let key: SecretBox<[u8]> = SecretBox::new([1].into());
    world.store.signing_key(&world.realm, "EdDSA", &key).await.unwrap();

    assert!(world.store.purge(&world.realm).await.unwrap());

    assert!(!world.store.purge(&world.realm).await.unwrap(), "it is gone already");
    assert!(!world.store.is_bootstrapped(&world.realm).await.unwrap());
    assert!(world.store.credentials(&world.realm, "id").await.unwrap().is_none());
    assert!(world.store.find_signing_key(&world.realm, "EdDSA").await.unwrap().is_none());
    let found = world.resolve_table("lake", &["ns"], "t").await;
    assert!(found.caller.is_none() && found.catalog.is_none() && found.tables.is_empty());
    let found = other.resolve(&other.of_catalog("lake")).await;
    assert_eq!(found.catalog.unwrap().entity, other_catalog, "another realm lost something");
    World::in_realm(world.store, "test").await;
}

pub async fn the_first_signing_key_stays(store: Arc<dyn Metastore>) {
    let World { store, realm, .. } = World::new(store).await;
    let key = |bytes: &[u8]| -> SecretBox<[u8]> { SecretBox::new(bytes.into()) };
    assert!(store.find_signing_key(&realm, "EdDSA").await.unwrap().is_none());

    let first = store.signing_key(&realm, "EdDSA", &key(&[0, 255, 1])).await.unwrap();
    let second = store.signing_key(&realm, "EdDSA", &key(&[2])).await.unwrap();
    let other = store.signing_key(&realm, "RS256", &key(&[3])).await.unwrap();

    assert_eq!(bytes_of(&first), [0, 255, 1]);
    assert_eq!(bytes_of(&second), [0, 255, 1]);
    assert_eq!(bytes_of(&other), [3]);
    let found = store.find_signing_key(&realm, "EdDSA").await.unwrap().unwrap();
    assert_eq!(bytes_of(&found), [0, 255, 1]);
}

pub async fn a_principal_has_a_name_and_a_role_is_none(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let role = world.make_role_of_caller("engineer").await;

    let name = world.store.principal_name(&world.realm, world.caller).await.unwrap();
    let no_name = world.store.principal_name(&world.realm, role.id).await.unwrap();

    assert_eq!(name.as_deref(), Some("alice"));
    assert_eq!(no_name, None);
    world.store.ping().await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the keys of a test are compared")]
pub(super) fn bytes_of(key: &SecretBox<[u8]>) -> &[u8] {
    key.expose_secret()
}
