//! A place that a requirement is about, as it is told to people.

use std::fmt;

use merak_model::{Entity, EntityKind, Namespace};

/// A securable with all that it is in: what is granted on any of these holds on it. The realm's root
/// is above all, and not in the list.
#[derive(Debug, Clone)]
pub struct Spot<'a>(Vec<&'a Entity>);

impl<'a> Spot<'a> {
    /// The realm's root.
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// The last of these, which are in one another, the outermost first.
    pub fn of(path: impl IntoIterator<Item = &'a Entity>) -> Self {
        Self(path.into_iter().collect())
    }

    /// What is in this one.
    #[must_use]
    pub fn and(mut self, entity: &'a Entity) -> Self {
        self.0.push(entity);
        self
    }

    /// The securable and what it is in, the outermost first.
    pub fn path(&self) -> &[&'a Entity] {
        &self.0
    }

    /// What it is.
    pub fn kind(&self) -> EntityKind {
        self.0.last().map_or(EntityKind::Root, |entity| entity.kind)
    }

    /// What it is called within its catalog or realm: a namespace by all its levels, what is in a
    /// namespace with that before it.
    pub fn name(&self) -> String {
        let Some(entity) = self.0.last() else { return "root_container".to_owned() };
        match entity.kind {
            EntityKind::Namespace => Namespace::decode(&entity.name).to_string(),
            EntityKind::Table
            | EntityKind::View
            | EntityKind::GenericTable
            | EntityKind::Policy => {
                let parent = self.0.iter().rev().nth(1);
                let parent = parent.map(|parent| Namespace::decode(&parent.name).to_string());
                format!("{}.{}", parent.unwrap_or_default(), entity.name)
            }
            EntityKind::Root
            | EntityKind::Principal
            | EntityKind::PrincipalRole
            | EntityKind::Catalog
            | EntityKind::CatalogRole => entity.name.clone(),
        }
    }

    /// The securable and all it is in, the realm's root first: what each is, and its own name, which
    /// is that of a namespace without those it is in.
    pub fn segments(&self) -> Vec<(EntityKind, String)> {
        let own_name = |entity: &Entity| match entity.kind {
            EntityKind::Namespace => {
                Namespace::decode(&entity.name).levels().last().cloned().unwrap_or_default()
            }
            EntityKind::Root
            | EntityKind::Principal
            | EntityKind::PrincipalRole
            | EntityKind::Catalog
            | EntityKind::CatalogRole
            | EntityKind::Table
            | EntityKind::View
            | EntityKind::GenericTable
            | EntityKind::Policy => entity.name.clone(),
        };
        let root = (EntityKind::Root, Spot::root().name());
        let below = self.0.iter().map(|entity| (entity.kind, own_name(entity)));
        std::iter::once(root).chain(below).collect()
    }

    /// The catalog it is in, or is.
    pub fn catalog(&self) -> Option<&'a Entity> {
        self.0.first().copied().filter(|entity| entity.kind == EntityKind::Catalog)
    }
}

/// What it is and what it is called, with its catalog.
impl fmt::Display for Spot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = (self.kind(), self.name());
        match self.catalog().filter(|_| self.0.len() > 1) {
            Some(catalog) => write!(f, "{kind} {name} in {}", catalog.name),
            None => write!(f, "{kind} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use merak_model::EntityId;

    use super::*;

    fn entity(kind: EntityKind, name: &str) -> Entity {
        Entity::new(kind, EntityId::ROOT, EntityId::ROOT, name, 0)
    }

    #[test]
    fn a_spot_says_where_it_is() {
        let lake = entity(EntityKind::Catalog, "lake");
        let outer = entity(EntityKind::Namespace, "a");
        let inner = entity(EntityKind::Namespace, "a\u{1f}b");
        let table = entity(EntityKind::Table, "t");
        let ana = entity(EntityKind::Principal, "ana");
        let namespace = Spot::of([&lake, &outer, &inner]);

        assert_eq!(Spot::root().to_string(), "Root root_container");
        assert_eq!(Spot::of([&ana]).to_string(), "Principal ana");
        assert_eq!(Spot::of([&lake]).to_string(), "Catalog lake");
        assert_eq!(namespace.to_string(), "Namespace a.b in lake");
        assert_eq!(namespace.and(&table).to_string(), "Table a.b.t in lake");
    }

    #[test]
    fn a_spot_has_the_root_and_all_it_is_in_by_their_own_names() {
        let lake = entity(EntityKind::Catalog, "lake");
        let outer = entity(EntityKind::Namespace, "a");
        let inner = entity(EntityKind::Namespace, "a\u{1f}b.c");
        let view = entity(EntityKind::View, "v");
        let segments = |spot: Spot<'_>| {
            let names: Vec<_> = spot.segments().into_iter().map(|(_, name)| name).collect();
            names.join(" > ")
        };

        assert_eq!(segments(Spot::root()), "root_container");
        assert_eq!(
            segments(Spot::of([&lake, &outer, &inner, &view])),
            "root_container > lake > a > b.c > v"
        );
    }
}
