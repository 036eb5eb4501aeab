//! What authorization costs in a large realm, next to a small one.
//!
//! `cargo bench -p merak-tests --bench authorization` measures it on SQLite in memory, or on
//! PostgreSQL where `MERAK_TEST_STORE` says so. Both realms are in one store, and asked in turn, so
//! that whatever disturbs the machine disturbs both. What is said is the ratio; the times are of this
//! machine. The load is bounded, and ends by itself.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use merak_authz::{Authorizer, Caller, CallerRef, Delegation, RoleSelection, TablePath};
use merak_metastore::{Change, Metastore};
use merak_model::{
    Entity, EntityId, EntityKind, GrantRecord, Namespace, Privilege, RealmId, TableIdent,
};
use merak_tests::TestServer;

/// How much there is in a realm.
#[derive(Clone, Copy)]
struct Size {
    name: &'static str,
    principals: usize,
    /// So many principal roles, and so many catalog roles.
    roles: usize,
    grants: usize,
}

const SMALL: Size = Size { name: "small", principals: 10, roles: 10, grants: 10 };
const LARGE: Size = Size { name: "large", principals: 10_000, roles: 1_000, grants: 100_000 };

/// How much more the large realm may cost.
const BAR: f64 = 1.2;
/// So many turns, in each of which each realm is asked so often.
const TURNS: usize = 200;
const CALLS: u32 = 50;
/// Changes in one transaction while a realm is filled.
const BATCH: usize = 1000;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run())
}

#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
async fn run() -> ExitCode {
    let server = TestServer::start().await;
    let metastore = Arc::clone(&server.parts.metastore) as Arc<dyn Metastore>;
    let authorizer = Authorizer::new(Arc::clone(&metastore), Arc::new(BTreeMap::new()));
    let small = Realm::fill(&*metastore, SMALL).await;
    let large = Realm::fill(&*metastore, LARGE).await;
    for realm in [&small, &large] {
        realm.ask(&authorizer, 500).await;
        let before = server.parts.metastore.statements();
        realm.ask(&authorizer, 1).await;
        let statements = server.parts.metastore.statements() - before;
        println!("{}: {statements} statement for each loadTable", realm.size.name);
        assert_eq!(statements, 1, "authorization is one statement, whatever the realm holds");
    }
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (realm, times) in [&small, &large].into_iter().zip(&mut times) {
            times.push(realm.ask(&authorizer, CALLS).await);
        }
    }
    let [small, large] = times.map(median);
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    println!("small: {:.1} us, large: {:.1} us", micros(small), micros(large));
    println!("ratio: {ratio:.3} (bar: {BAR})");
    if ratio <= BAR { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A realm with a caller that may load one of its tables through one of three roles.
struct Realm {
    size: Size,
    caller: Caller,
    path: TablePath,
}

impl Realm {
    async fn fill(metastore: &dyn Metastore, size: Size) -> Self {
        let realm = RealmId::new(format!("bench-{}-{}", size.name, EntityId::random()));
        let root = {
            let mut root = entity(EntityKind::Root, EntityId::ROOT, EntityId::ROOT, "root");
            root.id = EntityId::ROOT;
            root
        };
        metastore.bootstrap(&realm, &[create(&root)]).await.expect("a realm");
        let top = |kind, name: &str| entity(kind, EntityId::ROOT, EntityId::ROOT, name);
        let catalog = top(EntityKind::Catalog, "lake");
        let namespace = entity(EntityKind::Namespace, catalog.id, catalog.id, "sky");
        let table = entity(EntityKind::Table, catalog.id, namespace.id, "stars");
        let principals: Vec<_> = (0..size.principals)
            .map(|number| top(EntityKind::Principal, &format!("principal-{number}")))
            .collect();
        let principal_roles: Vec<_> = (0..size.roles)
            .map(|number| top(EntityKind::PrincipalRole, &format!("role-{number}")))
            .collect();
        let catalog_roles: Vec<_> = (0..size.roles)
            .map(|number| {
                entity(EntityKind::CatalogRole, catalog.id, catalog.id, &format!("role-{number}"))
            })
            .collect();
        let mut changes: Vec<_> = [&catalog, &namespace, &table].map(create).to_vec();
        for entity in principals.iter().chain(&principal_roles).chain(&catalog_roles) {
            changes.push(create(entity));
        }
        // The caller's own, alike in both realms.
        for number in 0..3 {
            let (role, catalog_role) = (&principal_roles[number], &catalog_roles[number]);
            changes.push(grant(role, &principals[0], Privilege::PrincipalRoleUsage));
            changes.push(grant(catalog_role, role, Privilege::CatalogRoleUsage));
        }
        changes.push(grant(&table, &catalog_roles[2], Privilege::TableReadProperties));
        // Everybody else's: on the very securables that are looked at, and of the same kinds.
        let securables = [&catalog, &namespace, &table];
        for number in 0..size.grants {
            let role = 3 + number % (size.roles - 3);
            changes.push(match number % 4 {
                0 => {
                    let principal = 1 + number / 4 % (size.principals - 1);
                    let usage = Privilege::PrincipalRoleUsage;
                    grant(&principal_roles[role], &principals[principal], usage)
                }
                1 => {
                    // Shifted with each round, so that no pair comes twice.
                    let nth = number / 4;
                    let other = 3 + (nth + nth / (size.roles - 3)) % (size.roles - 3);
                    let usage = Privilege::CatalogRoleUsage;
                    grant(&catalog_roles[role], &principal_roles[other], usage)
                }
                _ => {
                    let privilege = Privilege::ALL[number / 4 % Privilege::ALL.len()];
                    grant(securables[number % 3], &catalog_roles[role], privilege)
                }
            });
        }
        for batch in changes.chunks(BATCH) {
            metastore.apply(&realm, batch).await.expect("the changes fit");
        }
        let reference = CallerRef { principal: principals[0].id.into(), roles: RoleSelection::All };
        let namespace = Namespace::lookup(vec!["sky".to_owned()]).expect("a namespace");
        let ident = TableIdent { namespace, name: "stars".to_owned() };
        Self {
            size,
            caller: Caller { realm, reference, request_id: String::new() },
            path: TablePath { catalog: "lake".to_owned(), ident, known_metadata: None },
        }
    }

    /// Asks so often, and says how long one took.
    async fn ask(&self, authorizer: &Authorizer, calls: u32) -> Duration {
        let start = Instant::now();
        for _ in 0..calls {
            let access =
                authorizer.authorize_load(&self.caller, Delegation::NotAsked, &self.path).await;
            let _ = access.expect("the caller may load the table");
        }
        start.elapsed() / calls
    }
}

fn entity(kind: EntityKind, catalog: EntityId, parent: EntityId, name: &str) -> Entity {
    Entity::new(kind, catalog, parent, name, 0)
}

fn create(entity: &Entity) -> Change {
    Change::Create { entity: Box::new(entity.clone()), metadata: None, keep_apart: false }
}

fn grant(securable: &Entity, grantee: &Entity, privilege: Privilege) -> Change {
    let (securable, grantee) = (securable.id, grantee.id);
    Change::Grant(GrantRecord { securable, grantee, privilege })
}
