//! Which files a purge may delete.

use merak_model::{Location, StorageConfig};

use super::paths::Paths;

/// Why a file is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Another table names it.
    InUse,
    /// It is beside the table's own places.
    OutsideTable,
    /// It is outside the catalog's allowed locations.
    OutsideCatalog,
    /// Its name cannot be judged.
    NoLocation,
}

/// How far a purge reaches: into the places of the table, as far as the catalog's allowed locations
/// reach now, and to no file that another table names.
#[derive(Debug)]
pub(crate) struct Reach {
    config: StorageConfig,
    /// The places, in the form overlaps are judged by.
    places: Vec<String>,
    /// The files in these places that other tables name, in the same form.
    in_use: Paths,
}

impl Reach {
    pub(crate) fn new(config: StorageConfig, places: &[Location], in_use: Paths) -> Self {
        let places = places.iter().map(Location::comparable).collect();
        Self { config, places, in_use }
    }

    /// Judges a name that the table's own files give: the file may be deleted, or is left.
    pub(crate) fn judge(&self, path: &str) -> Result<Location, Left> {
        let location = Location::parse(path).map_err(|_| Left::NoLocation)?;
        let form = location.comparable();
        if !is_within(&form, &self.places) {
            return Err(Left::OutsideTable);
        }
        if !self.config.allows(&location) {
            return Err(Left::OutsideCatalog);
        }
        if self.in_use.contains(&form) {
            return Err(Left::InUse);
        }
        Ok(location)
    }

    /// The location of a file that may be read, whether or not it may be deleted: it must be within
    /// the allowed locations.
    pub(crate) fn readable(&self, path: &str) -> Option<Location> {
        Location::parse(path).ok().filter(|location| self.config.allows(location))
    }
}

/// Whether a location is in one of the places; all in the form overlaps are judged by.
pub(crate) fn is_within(form: &str, places: &[String]) -> bool {
    places.iter().any(|place| form.starts_with(place))
}

/// Whether any of some places overlaps any of others; all in the form overlaps are judged by.
pub(crate) fn overlap(some: &[String], others: &[String]) -> bool {
    some.iter().any(|one| others.iter().any(|it| one.starts_with(it) || it.starts_with(one)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(places: &[&str], in_use: &[&str]) -> Reach {
        let json = r#"{"storageType":"S3","allowedLocations":["s3://b/lake"]}"#;
        let places: Vec<_> = places.iter().map(|place| Location::parse(place).unwrap()).collect();
        let mut used = Paths::default();
        for path in in_use {
            used.insert(&Location::parse(path).unwrap().comparable());
        }
        Reach::new(StorageConfig::from_json(json).unwrap(), &places, used)
    }

    #[test]
    fn files_are_deleted_within_the_places_only_and_at_path_boundaries() {
        let reach = reach(&["s3://b/lake/t", "s3a://b/lake/data"], &[]);

        for good in ["s3://b/lake/t/data/x", "s3a://b/lake/t/x", "s3://b/lake/data/x"] {
            assert!(reach.judge(good).is_ok(), "{good}");
        }
        for beside in ["s3://b/lake/t1/x", "s3://b/lake/x", "s3://c/lake/t/x", "gs://b/lake/t/x"] {
            assert_eq!(reach.judge(beside), Err(Left::OutsideTable), "{beside}");
        }
    }

    #[test]
    fn names_that_mean_another_place_than_they_say_are_left() {
        let reach = reach(&["s3://b/lake/t"], &[]);

        for bad in [
            "s3://b/lake/t/../u/x",
            "s3://b/lake/t/%2e%2e/u/x",
            "s3://b/lake/t//x",
            "s3://b/lake/t/./x",
            "s3://b/lake/t/x\n",
            "lake/t/x",
            "",
        ] {
            assert_eq!(reach.judge(bad), Err(Left::NoLocation), "{bad:?}");
        }
    }

    #[test]
    fn what_the_catalog_may_not_reach_any_more_is_left_and_not_read() {
        let reach = reach(&["s3://b/elsewhere/t"], &[]);

        assert_eq!(reach.judge("s3://b/elsewhere/t/x"), Err(Left::OutsideCatalog));
        assert_eq!(reach.readable("s3://b/elsewhere/t/x"), None);
        assert!(reach.readable("s3://b/lake/other/x").is_some(), "beside the table it is read");
    }

    #[test]
    fn what_another_table_names_is_left_however_it_is_spelled() {
        let reach = reach(&["s3://b/lake/t"], &["s3a://b/lake/t/x"]);

        assert_eq!(reach.judge("s3://b/lake/t/x"), Err(Left::InUse));
        assert!(reach.judge("s3://b/lake/t/y").is_ok());
    }

    #[test]
    fn places_overlap_at_path_boundaries() {
        let forms = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();

        assert!(overlap(&forms(&["s3://b/t/"]), &forms(&["s3://b/u/", "s3://b/t/data/"])));
        assert!(overlap(&forms(&["s3://b/t/data/"]), &forms(&["s3://b/t/"])));
        assert!(!overlap(&forms(&["s3://b/t/"]), &forms(&["s3://b/t1/"])));
    }
}
