//! Which properties users may set.

use merak_model::Properties;
use merak_model::features::{
    ALLOW_SETTING_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS, CatalogFeatures,
    ENABLE_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS, Flag, INERT_CATALOG_PROPERTIES,
};

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

/// Refuses properties of a catalog that the realm keeps for itself, in Polaris' words.
pub(crate) fn refuse_kept_by_realm(
    properties: &Properties,
    features: CatalogFeatures<'_>,
) -> Result<(), Error> {
    let allowing = &ALLOW_SETTING_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS;
    let kept = ENABLE_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS.catalog_properties;
    match kept.iter().find(|key| properties.contains_key(**key)) {
        Some(key) if !features.is_on(allowing) => Err(Error::IllegalArgument(format!(
            "Explicitly setting {key} is not allowed because {} is set to false.",
            allowing.name
        ))),
        Some(_) | None => Ok(()),
    }
}
