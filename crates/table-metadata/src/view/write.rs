//! Writing view metadata.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Known, Member, ViewMetadata};
use crate::json;

impl ViewMetadata {
    /// The metadata as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        json::to_vec(self)
    }

    /// The members of new metadata.
    pub(super) fn new_members() -> Vec<Member> {
        Known::ALL.into_iter().map(Member::Known).collect()
    }

    fn serialize_known<M: SerializeMap>(&self, map: &mut M, known: Known) -> Result<(), M::Error> {
        let name = known.name();
        match known {
            Known::Uuid => map.serialize_entry(name, &self.uuid),
            Known::FormatVersion => map.serialize_entry(name, &self.format_version),
            Known::Location => map.serialize_entry(name, &self.location),
            Known::Properties => map.serialize_entry(name, &self.properties),
            Known::Schemas => map.serialize_entry(name, &self.schemas),
            Known::CurrentVersionId => map.serialize_entry(name, &self.current_version_id),
            Known::Versions => map.serialize_entry(name, &self.versions),
            Known::VersionLog => map.serialize_entry(name, &self.version_log),
        }
    }
}

impl Serialize for ViewMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut has_properties = false;
        for member in &self.members {
            match member {
                Member::Known(known) => {
                    has_properties |= *known == Known::Properties;
                    self.serialize_known(&mut map, *known)?;
                }
                Member::Unknown(name, value) => map.serialize_entry(name, value)?,
            }
        }
        // The one member that need not be there when metadata is read.
        if !has_properties && !self.properties.is_empty() {
            self.serialize_known(&mut map, Known::Properties)?;
        }
        map.end()
    }
}
