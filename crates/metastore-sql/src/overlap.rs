//! Locations that must not overlap.

/// A location as the look-ups for overlaps need it.
#[derive(Debug)]
pub(crate) struct Range {
    /// The location itself and each above it, as a JSON array: whatever has one of these contains it.
    pub(crate) above: String,
    /// The first text that is after everything below the location.
    pub(crate) end: String,
}

impl Range {
    /// The range of a location in its comparable form, which ends in a slash.
    pub(crate) fn of(location: &str) -> Self {
        let above: Vec<_> = above(location).collect();
        let above = serde_json::to_string(&above).expect("a list of texts is JSON");
        // What is below begins with the location, so that it is smaller than the location with its
        // last character, the slash, replaced by the next one, the zero.
        let end = format!("{}0", location.strip_suffix('/').unwrap_or(location));
        Self { above, end }
    }
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
        let end = Range::of("s3://lake/t1/").end;

        assert!("s3://lake/t1/\u{10ffff}" < end.as_str());
        assert!("s3://lake/t1x/" > end.as_str());
    }
}
