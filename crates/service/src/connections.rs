//! Which connections catalogs may have.

use merak_federation::ConnectionDraft;
use merak_model::connection::{Connection, ServiceIdentityType};
use merak_model::features::{
    ENABLE_CATALOG_FEDERATION, Flag, SUPPORTED_CATALOG_CONNECTION_TYPES,
    SUPPORTED_EXTERNAL_CATALOG_AUTHENTICATION_TYPES,
};
use merak_model::{Entity, Features, RealmId};

use crate::{Error, Service};

/// The only type of connection that is done here.
const ICEBERG_REST: &str = "ICEBERG_REST";

/// What is shown of a catalog's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownConnection {
    /// The connection.
    pub connection: Connection,
    /// The ARN of the server's identity that the other side is to trust, if there is one still.
    pub iam_arn: Option<String>,
}

impl Service {
    /// What is shown of a catalog's connection, if it has one. Its caller has a proof for the catalog.
    pub fn connection_of(
        &self,
        realm: &RealmId,
        catalog: &Entity,
    ) -> Result<Option<ShownConnection>, Error> {
        let Some(connection) = stored(catalog)? else { return Ok(None) };
        let has_identity = connection.service_identity == Some(ServiceIdentityType::AwsIam);
        let identity = self.federation.service_identity(realm).filter(|_| has_identity);
        let iam_arn = identity.map(|identity| identity.iam_arn.clone());
        Ok(Some(ShownConnection { connection, iam_arn }))
    }

    /// The connection that a new catalog is to have.
    pub(crate) fn connect(
        &self,
        realm: &RealmId,
        catalog: &Entity,
        draft: ConnectionDraft,
    ) -> Result<String, Error> {
        self.check_kinds(realm, &draft)?;
        Ok(self.federation.connect(realm, catalog.id, draft)?.to_json())
    }

    /// The connection of a catalog as it is to be. Polaris lets nothing of it be changed: here, what
    /// proves who the server is can be, since secrets end.
    pub(crate) fn reconnect(
        &self,
        realm: &RealmId,
        catalog: &Entity,
        draft: ConnectionDraft,
    ) -> Result<String, Error> {
        let before = stored(catalog)?.ok_or_else(|| {
            Error::BadRequest(format!(
                "Catalog {} has no connection, and cannot be given one: make another catalog",
                catalog.name
            ))
        })?;
        self.check_kinds(realm, &draft)?;
        Ok(self.federation.change(realm, catalog.id, &before, draft)?.to_json())
    }

    fn check_kinds(&self, realm: &RealmId, draft: &ConnectionDraft) -> Result<(), Error> {
        let features = self.features_of(realm);
        if !features.of_realm().is_on(&ENABLE_CATALOG_FEDERATION) {
            return Err(Error::Unsupported(
                "Feature not enabled: ENABLE_CATALOG_FEDERATION".to_owned(),
            ));
        }
        let kind = &draft.connection_type;
        if kind != ICEBERG_REST {
            return Err(Error::Unsupported(format!(
                "Unsupported connection type: {kind}. This server reaches only catalogs that speak \
                 Iceberg's REST protocol, ICEBERG_REST"
            )));
        }
        // Polaris answers 500 to what its flags do not have; it is the client's mistake.
        if !has(&features, &SUPPORTED_CATALOG_CONNECTION_TYPES, kind) {
            return Err(Error::IllegalArgument(format!("Unsupported connection type: {kind}")));
        }
        let Some(authentication) = &draft.authentication else { return Ok(()) };
        let kind = authentication.as_str();
        if !has(&features, &SUPPORTED_EXTERNAL_CATALOG_AUTHENTICATION_TYPES, kind) {
            return Err(Error::IllegalArgument(format!("Unsupported authentication type: {kind}")));
        }
        Ok(())
    }
}

/// As in Polaris, capitals or not.
fn has(features: &Features, list: &Flag, kind: &str) -> bool {
    features.of_realm().list(list).iter().any(|one| one.eq_ignore_ascii_case(kind))
}

fn stored(catalog: &Entity) -> Result<Option<Connection>, Error> {
    catalog.connection().map_err(|error| {
        Error::Internal(format!("The connection of {} cannot be read: {error}", catalog.name))
    })
}
