//! What vended credentials must amount to.

use merak_authz::{
    CreateGenericTableAccess, CreateTableAccess, GenericTableAccess, Operation, Reach,
    RemoteCreateAccess, RemoteTableAccess, TableAccess,
};
use merak_model::Location;

/// What may be done with the files at the locations of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataAccess {
    /// Read and list.
    Read,
    /// Read, list, write and delete.
    Write,
}

/// Some actions on some locations, and on all that lies below them at a path boundary.
///
/// It is made of a proof, so that nobody gets what was not authorized. The locations have been
/// judged against the catalog's allowed locations by whoever makes it; there is at least one, none
/// is within another, and all are in stores of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocationGrant {
    locations: Vec<Location>,
    access: DataAccess,
}

impl LocationGrant {
    /// The grant of a table's data, if its data was asked for and allowed.
    pub fn of_table(access: &TableAccess, locations: Vec<Location>) -> Option<Self> {
        Self::of_reach(access, locations)
    }

    /// The grant of the data of another catalog's table, if its data was asked for and allowed.
    pub fn of_remote_table(access: &RemoteTableAccess, locations: Vec<Location>) -> Option<Self> {
        Self::of_reach(access, locations)
    }

    /// The grant of the data of another catalog's new table, if its data was asked for and allowed.
    pub fn of_new_remote_table(
        access: &RemoteCreateAccess,
        locations: Vec<Location>,
    ) -> Option<Self> {
        match access {
            RemoteCreateAccess::Direct(_) | RemoteCreateAccess::Staged(_) => None,
            RemoteCreateAccess::DirectWrite(_) | RemoteCreateAccess::StagedWrite(_) => {
                Self::new(locations, DataAccess::Write)
            }
        }
    }

    /// The grant of a generic table's data, if its data was asked for and allowed.
    pub fn of_generic_table(access: &GenericTableAccess, locations: Vec<Location>) -> Option<Self> {
        Self::of_reach(access, locations)
    }

    /// Not for everybody: of operations that somebody else puts together it would be no proof.
    fn of_reach<M: Operation, R: Operation, W: Operation>(
        access: &Reach<M, R, W>,
        locations: Vec<Location>,
    ) -> Option<Self> {
        match access {
            Reach::Metadata(_) => None,
            Reach::Read(_) => Self::new(locations, DataAccess::Read),
            Reach::Write(_) => Self::new(locations, DataAccess::Write),
        }
    }

    /// The grant of a new table's data, if its data was asked for and allowed.
    pub fn of_new_table(access: &CreateTableAccess, locations: Vec<Location>) -> Option<Self> {
        match access {
            CreateTableAccess::Direct(_) | CreateTableAccess::Staged(_) => None,
            CreateTableAccess::DirectWrite(_) | CreateTableAccess::StagedWrite(_) => {
                Self::new(locations, DataAccess::Write)
            }
        }
    }

    /// The grant of a new generic table's data, if its data was asked for and allowed.
    pub fn of_new_generic_table(
        access: &CreateGenericTableAccess,
        locations: Vec<Location>,
    ) -> Option<Self> {
        match access {
            CreateGenericTableAccess::Plain(_) => None,
            CreateGenericTableAccess::Write(_) => Self::new(locations, DataAccess::Write),
        }
    }

    /// A grant of some locations; nothing if there are none. What lies within another is left out:
    /// it is granted already.
    pub(crate) fn new(mut locations: Vec<Location>, access: DataAccess) -> Option<Self> {
        locations.sort_by_cached_key(Location::comparable);
        locations.dedup_by(|later, earlier| earlier.contains(later));
        (!locations.is_empty()).then_some(Self { locations, access })
    }

    /// The locations, in the order of their comparable forms.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// What may be done there.
    pub fn access(&self) -> DataAccess {
        self.access
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(texts: &[&str]) -> Option<LocationGrant> {
        let locations = texts.iter().map(|text| Location::parse(text).unwrap()).collect();
        LocationGrant::new(locations, DataAccess::Read)
    }

    #[test]
    fn a_grant_of_nothing_is_no_grant() {
        assert_eq!(grant(&[]), None);
    }

    #[test]
    fn what_is_granted_already_is_not_granted_again() {
        let grant = grant(&["s3://b/t/data", "s3://b/t", "s3a://b/t/x", "s3://b/tx"]).unwrap();

        let texts: Vec<_> = grant.locations().iter().map(Location::as_str).collect();
        assert_eq!(texts, ["s3://b/t", "s3://b/tx"]);
    }
}
