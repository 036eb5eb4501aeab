//! Places that must not overlap.

use std::collections::{BTreeMap, BTreeSet};

use merak_model::Entity;

/// The places of an entity as the look-ups for overlaps need them.
#[derive(Debug)]
pub(crate) struct Places {
    own: BTreeSet<String>,
    /// The places and all above them, as a JSON array: whatever has one of these contains one.
    pub(crate) above: String,
    /// The first text that is after everything below a place, as a JSON object, by place.
    pub(crate) ends: String,
}

impl Places {
    /// The places of an entity that has some.
    pub(crate) fn of(entity: &Entity) -> Option<Self> {
        let own = entity.places();
        if own.is_empty() {
            return None;
        }
        let all: BTreeSet<_> = own.iter().flat_map(|place| above(place)).collect();
        let ends: BTreeMap<_, _> = own.iter().map(|place| (place, end(place))).collect();
        let (above, ends) = (serde_json::to_string(&all), serde_json::to_string(&ends));
        let [above, ends] = [above, ends].map(|json| json.expect("texts are JSON"));
        Some(Self { own, above, ends })
    }

    /// The place that a place of another overlaps.
    pub(crate) fn overlapped_by(&self, other: &str) -> Option<&str> {
        let overlaps = |place: &&String| place.starts_with(other) || other.starts_with(*place);
        self.own.iter().find(overlaps).map(String::as_str)
    }
}

/// What is below a place begins with it, so that it is smaller than the place with its last
/// character, the slash, replaced by the next one, the zero.
fn end(place: &str) -> String {
    format!("{}0", place.strip_suffix('/').unwrap_or(place))
}

/// The location and what is above it, at the boundaries of its path.
fn above(location: &str) -> impl Iterator<Item = &str> {
    let path = location.find("://").map_or(0, |scheme| scheme + "://".len());
    location
        .match_indices('/')
        .map(|(slash, _)| slash)
        .filter(move |slash| *slash >= path)
        .map(|slash| &location[..=slash])
}

#[cfg(test)]
mod tests {
    use merak_model::entity::WRITE_PATHS;
    use merak_model::{EntityId, EntityKind};

    use super::*;

    #[test]
    fn a_location_is_contained_in_each_above_it_and_in_itself() {
        let contained_in: Vec<_> = above("s3://lake/db/t1/").collect();

        assert_eq!(contained_in, ["s3://lake/", "s3://lake/db/", "s3://lake/db/t1/"]);
    }

    #[test]
    fn files_are_contained_in_the_root_of_the_file_system() {
        let contained_in: Vec<_> = above("file:///tmp/x/").collect();

        assert_eq!(contained_in, ["file:///", "file:///tmp/", "file:///tmp/x/"]);
    }

    #[test]
    fn the_end_is_after_all_below_and_before_what_merely_begins_alike() {
        let end = end("s3://lake/t1/");

        assert!("s3://lake/t1/\u{10ffff}" < end.as_str());
        assert!("s3://lake/t1x/" > end.as_str());
    }

    #[test]
    fn all_places_of_an_entity_are_looked_for_at_once() {
        let mut table = Entity::new(EntityKind::Table, EntityId(1), EntityId(2), "t", 1);
        assert!(Places::of(&table).is_none());
        table.location = Some("s3://lake/t/".to_owned());
        table.internal.insert(WRITE_PATHS[0].to_owned(), "s3://lake/data/t".to_owned());

        let places = Places::of(&table).unwrap();

        assert_eq!(
            places.above,
            r#"["s3://lake/","s3://lake/data/","s3://lake/data/t/","s3://lake/t/"]"#
        );
        assert_eq!(
            places.ends,
            r#"{"s3://lake/data/t/":"s3://lake/data/t0","s3://lake/t/":"s3://lake/t0"}"#
        );
        assert_eq!(places.overlapped_by("s3://lake/data/"), Some("s3://lake/data/t/"));
        assert_eq!(places.overlapped_by("s3://lake/t/x/"), Some("s3://lake/t/"));
        assert_eq!(places.overlapped_by("s3://lake/tx/"), None);
    }
}
