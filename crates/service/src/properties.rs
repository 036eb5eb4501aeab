//! Which properties users may set.

use merak_model::features::{Flag, INERT_CATALOG_PROPERTIES};

use crate::Error;

const RESERVED_PREFIX: &str = "polaris.";

/// Refuses keys that Polaris keeps for itself.
pub(crate) fn refuse_reserved<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
    for key in keys {
        if key.starts_with(RESERVED_PREFIX) {
            return Err(Error::IllegalArgument(format!(
                "Property '{key}' matches reserved prefix '{RESERVED_PREFIX}'"
            )));
        }
    }
    Ok(())
}

/// The same for a catalog, whose flags are set by properties with that very prefix.
pub(crate) fn refuse_reserved_of_catalog<'a>(
    keys: impl IntoIterator<Item = &'a str>,
) -> Result<(), Error> {
    refuse_reserved(keys.into_iter().filter(|key| {
        Flag::of_catalog_property(key).is_none() && !INERT_CATALOG_PROPERTIES.contains(key)
    }))
}
