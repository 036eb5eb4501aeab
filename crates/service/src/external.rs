//! Catalogs whose tables another catalog owns. It says by notifications what became of them; what it
//! would have to do itself is refused, in Polaris' words.

use merak_model::entity::internal;
use merak_model::features::{
    ALLOW_EXTERNAL_CATALOG_CREDENTIAL_VENDING, ALLOW_FEDERATED_CATALOGS_CREDENTIAL_VENDING,
    CatalogFeatures,
};
use merak_model::{CatalogType, Entity};

use crate::Error;

/// Whether another catalog owns the tables of this one.
pub(crate) fn is_external(catalog: &Entity) -> bool {
    let kind = catalog.internal.get(internal::CATALOG_TYPE);
    kind.is_some_and(|kind| kind == CatalogType::External.as_str())
}

/// Refuses what only the owner of tables and views may do, such as to `create table`.
pub(crate) fn check_internal(catalog: &Entity, what: &str) -> Result<(), Error> {
    if is_external(catalog) {
        return Err(Error::BadRequest(format!(
            "Cannot {what} on static-facade external catalogs."
        )));
    }
    Ok(())
}

/// Refuses credentials and signatures for tables of another catalog, where that is switched off.
pub(crate) fn check_vending(catalog: &Entity, features: CatalogFeatures<'_>) -> Result<(), Error> {
    if !is_external(catalog) {
        return Ok(());
    }
    let gates =
        [&ALLOW_EXTERNAL_CATALOG_CREDENTIAL_VENDING, &ALLOW_FEDERATED_CATALOGS_CREDENTIAL_VENDING];
    let Some(flag) = gates.into_iter().find(|flag| !features.is_on(flag)) else { return Ok(()) };
    Err(Error::IllegalArgument(format!(
        "Credential vending is not enabled for this external catalog. Please consult applicable \
         documentation for the catalog config property '{}' to enable this feature",
        flag.catalog_properties[0]
    )))
}
