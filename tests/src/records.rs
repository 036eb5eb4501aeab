//! Entities and grants straight in the metastore: what no API makes must not count either.

use merak_metastore::{
    Change, Metastore as _, NamedLookup, Resolution, ResolveRequest, TableLookup,
};
use merak_model::{Entity, EntityId, EntityKind, GrantRecord, Namespace, Privilege, TableIdent};

use crate::TestServer;
use crate::identities::create;

/// Something that is there, by its name. The levels of a namespace are separated by dots.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// The realm's root.
    Root,
    /// A principal.
    Principal(&'a str),
    /// A principal role.
    PrincipalRole(&'a str),
    /// A catalog.
    Catalog(&'a str),
    /// A role of a catalog.
    CatalogRole(&'a str, &'a str),
    /// A namespace of a catalog.
    Namespace(&'a str, &'a str),
    /// A table in a namespace of a catalog.
    Table(&'a str, &'a str, &'a str),
}

impl TestServer {
    /// Grants a privilege to whomever on whatever.
    pub async fn place_grant(
        &self,
        securable: Entry<'_>,
        grantee: Entry<'_>,
        privilege: Privilege,
    ) {
        let (securable, grantee) = (self.id_of(securable).await, self.id_of(grantee).await);
        let grant = GrantRecord { securable, grantee, privilege };
        self.apply(vec![Change::Grant(grant)]).await;
    }

    /// What the metastore keeps of it, but for the root.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub async fn entity(&self, entry: Entry<'_>) -> Entity {
        let found = match entry {
            Entry::Root => None,
            Entry::Principal(name) => self.named(None, EntityKind::Principal, name).await,
            Entry::PrincipalRole(name) => self.named(None, EntityKind::PrincipalRole, name).await,
            Entry::CatalogRole(catalog, name) => {
                let kind = EntityKind::CatalogRole;
                self.named(Some(catalog), kind, name).await
            }
            Entry::Catalog(catalog) => {
                let found = self.find(catalog, Namespace::default(), None).await;
                found.catalog.map(|found| found.entity)
            }
            Entry::Namespace(catalog, levels) => {
                let namespace = namespace(levels);
                let found = self.find(catalog, namespace.clone(), None).await;
                found.namespace(&namespace).map(|found| found.entity.clone())
            }
            Entry::Table(catalog, levels, name) => {
                let ident = TableIdent { namespace: namespace(levels), name: name.to_owned() };
                let found = self.find(catalog, ident.namespace.clone(), Some(&ident)).await;
                found.table(&ident).map(|found| found.resolved.entity.clone())
            }
        };
        found.unwrap_or_else(|| panic!("{entry:?} is not there"))
    }

    /// Makes an entity that was dropped anew, with the id it had: what was left behind of it comes to
    /// life again.
    pub async fn put_back(&self, entity: Entity) {
        self.apply(vec![create(entity)]).await;
    }

    async fn id_of(&self, entry: Entry<'_>) -> EntityId {
        if matches!(entry, Entry::Root) { EntityId::ROOT } else { self.entity(entry).await.id }
    }

    async fn named(&self, catalog: Option<&str>, kind: EntityKind, name: &str) -> Option<Entity> {
        let request = ResolveRequest {
            catalog: catalog.map(str::to_owned),
            named: vec![NamedLookup::new(kind, name)],
            ..ResolveRequest::of_realm(self.root_reference().await)
        };
        let found = self.parts.metastore.resolve(&self.realm, &request).await;
        let found = found.expect("the store answers");
        Some(found.named(kind, name)?.entity.clone())
    }

    async fn find(
        &self,
        catalog: &str,
        namespace: Namespace,
        table: Option<&TableIdent>,
    ) -> Resolution {
        let tables = table.map(|ident| TableLookup { ident: ident.clone(), known_metadata: None });
        let request = ResolveRequest {
            namespaces: Some(namespace).filter(|one| !one.is_root()).into_iter().collect(),
            tables: tables.into_iter().collect(),
            ..ResolveRequest::of_catalog(self.root_reference().await, catalog)
        };
        let found = self.parts.metastore.resolve(&self.realm, &request).await;
        found.expect("the store answers")
    }
}

fn namespace(levels: &str) -> Namespace {
    Namespace::lookup(levels.split('.').map(str::to_owned).collect()).expect("a namespace")
}
