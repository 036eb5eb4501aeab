//! What clients are given to reach the files of tables of another catalog: by this server alone, as far
//! as the catalog's own storage configuration reaches. What the other catalog would give is for whoever
//! it talks to, which is this server.

use merak_authz::ResolvedCaller;
use merak_federation::Method;
use merak_model::entity::WRITE_PATHS;
use merak_model::features::{
    ALLOW_EXTERNAL_CATALOG_CREDENTIAL_VENDING, ALLOW_FEDERATED_CATALOGS_CREDENTIAL_VENDING, Flag,
};
use merak_model::{Entity, EntityKind, Location, Properties, RealmId, StorageConfig, TableIdent};
use merak_storage::LocationGrant;
use serde::Deserialize;

use super::answers::parse;
use crate::delegation::{AccessDelegation, ClientAccess, Wanted};
use crate::locations::{places_of, storage_config};
use crate::{Error, Service};

/// Where a table is, as the other catalog says.
#[derive(Debug, Deserialize)]
pub(super) struct Described {
    location: String,
    #[serde(default)]
    properties: Option<Properties>,
}

impl Described {
    pub(super) fn read(metadata: &[u8]) -> Result<Self, Error> {
        parse(metadata, Method::Get)
    }

    fn places(&self) -> Result<Vec<Location>, Error> {
        let property = |key: &str| self.properties.as_ref()?.get(key).map(String::as_str);
        places_of(&self.location, property)
    }
}

/// A table of another catalog, whose files a client wants to reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct RemoteWanted<'a> {
    pub(super) realm: &'a RealmId,
    pub(super) caller: &'a ResolvedCaller,
    pub(super) catalog: &'a Entity,
    pub(super) ident: &'a TableIdent,
    /// What [`Service::remote_delegation`] says.
    pub(super) asked: AccessDelegation,
}

impl Service {
    /// What of what a client asks for is done; Polaris' refusals. Requests are not signed: of each it
    /// would have to be asked where the table is.
    pub(super) fn remote_delegation(
        &self,
        realm: &RealmId,
        catalog: &Entity,
        asked: AccessDelegation,
    ) -> Result<AccessDelegation, Error> {
        if !asked.is_asked() {
            return Ok(asked);
        }
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        let gates = [
            (&ALLOW_EXTERNAL_CATALOG_CREDENTIAL_VENDING, "external"),
            (&ALLOW_FEDERATED_CATALOGS_CREDENTIAL_VENDING, "federated"),
        ];
        let closed = gates.into_iter().find(|(flag, _)| !features.is_on(flag));
        match closed {
            None if asked.vended_credentials => {
                Ok(AccessDelegation { vended_credentials: true, remote_signing: false })
            }
            Some((flag, kind)) if !asked.remote_signing => Err(vending_disabled(flag, kind)),
            None | Some(_) => Err(Error::IllegalArgument(
                "Unsupported access delegation mode: REMOTE_SIGNING".to_owned(),
            )),
        }
    }

    /// What a client is given for a table that lies there.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] if it lies where the catalog may not reach, also if nothing is asked for,
    /// as in Polaris.
    pub(super) async fn remote_access(
        &self,
        wanted: RemoteWanted<'_>,
        described: &Described,
        grant: impl FnOnce(Vec<Location>) -> Option<LocationGrant>,
    ) -> Result<ClientAccess, Error> {
        let RemoteWanted { realm, caller, catalog, ident, asked } = wanted;
        if !self.vends_for_federated(realm, catalog) {
            return Ok(ClientAccess::default());
        }
        let config = storage_config(catalog)?;
        let places = described.places()?;
        check_allowed(ident, &places, &config)?;
        let location = described.location.as_str();
        let kind = EntityKind::Table;
        let wanted = Wanted { realm, caller, catalog, ident, kind, location, asked };
        self.client_access(wanted, &config, grant(places)).await
    }

    /// Judges where a client wants a table to lie, before it lies there: nothing could be given for it.
    pub(super) fn check_said_places<'a>(
        &self,
        realm: &RealmId,
        catalog: &Entity,
        ident: &TableIdent,
        said: impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        if !self.vends_for_federated(realm, catalog) {
            return Ok(());
        }
        let said = said.map(Location::parse).collect::<Result<Vec<_>, _>>()?;
        check_allowed(ident, &said, &storage_config(catalog)?)
    }

    fn vends_for_federated(&self, realm: &RealmId, catalog: &Entity) -> bool {
        let features = self.features_of(realm);
        features.within(&catalog.properties).is_on(&ALLOW_FEDERATED_CATALOGS_CREDENTIAL_VENDING)
    }
}

/// The places that properties name.
pub(super) fn places_in(properties: &Properties) -> impl Iterator<Item = &String> {
    WRITE_PATHS.iter().filter_map(|key| properties.get(*key))
}

fn vending_disabled(flag: &Flag, kind: &str) -> Error {
    Error::IllegalArgument(format!(
        "Credential vending is not enabled for this {kind} catalog. Please consult applicable \
         documentation for the catalog config property '{}' to enable this feature",
        flag.catalog_properties.first().unwrap_or(&flag.name)
    ))
}

fn check_allowed(
    ident: &TableIdent,
    places: &[Location],
    config: &StorageConfig,
) -> Result<(), Error> {
    let outside = places.iter().filter(|place| !config.allows(place)).map(Location::as_str);
    let outside: Vec<_> = outside.collect();
    if outside.is_empty() {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "Table '{ident}' has locations outside the catalog's current allowed locations: {}",
        outside.join(", ")
    )))
}
