//! The connections of a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use merak_model::connection::{
    Connection, ConnectionAuthentication, ConnectionKind, IcebergRestConnection, Sealed,
};
use merak_model::{Clock, Entity, EntityId, EntityVersion, RealmId};
use merak_storage::RequestSigner;
use moka::future::Cache;
use secrecy::SecretString;

use crate::address::{read, shown};
use crate::authentication::Authentication;
use crate::http::{Http, look_up};
use crate::kept::Kept;
use crate::oauth::TokenClient;
use crate::signed::Signing;
use crate::{
    AwsServiceIdentity, ConnectionDraft, Error, FederationSettings, KeyRing, Refused, Remote,
    judged,
};

/// What the secrets of a connection are sealed for.
pub(crate) const CLIENT_SECRET: &str = "clientSecret";
pub(crate) const BEARER_TOKEN: &str = "bearerToken";

/// Makes connections, and reaches the catalogs that they lead to.
pub struct Federation {
    settings: FederationSettings,
    pub(crate) keys: KeyRing,
    http: Arc<Http>,
    signer: RequestSigner,
    clock: Arc<dyn Clock>,
    remotes: Cache<(RealmId, EntityId, EntityVersion), Arc<Remote>>,
}

impl Federation {
    /// Reaches catalogs as `settings` say. Nobody is asked yet.
    ///
    /// It fails where the HTTP client cannot be made: there are no certificates of authorities on
    /// this machine.
    pub fn new(
        settings: FederationSettings,
        keys: KeyRing,
        signer: RequestSigner,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let http = Arc::new(Http::new(&settings, look_up)?);
        let remotes = Cache::builder()
            .max_capacity(settings.max_remotes)
            // Longer than a year, the cache would not take.
            .time_to_idle(settings.idle_lifetime.min(Duration::from_hours(24 * 365)))
            .build();
        Ok(Self { settings, keys, http, signer, clock, remotes })
    }

    /// Judges a connection that a new catalog is to have, and seals its secret.
    pub fn connect(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        draft: ConnectionDraft,
    ) -> Result<Connection, Refused> {
        self.judge(draft).seal(realm, catalog, None)
    }

    /// Judges what a connection is to be. Where it leads stays as it is, and so does its secret if
    /// none is given and it is for the same place.
    pub fn change(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        before: &Connection,
        draft: ConnectionDraft,
    ) -> Result<Connection, Refused> {
        self.judge(draft).seal(realm, catalog, Some(before))
    }

    fn judge(&self, draft: ConnectionDraft) -> judged::Judge<'_> {
        judged::Judge { settings: &self.settings, keys: &self.keys, draft }
    }

    /// The identity of the server's that the other side of a realm's connections is to trust.
    pub fn service_identity(&self, realm: &RealmId) -> Option<&AwsServiceIdentity> {
        self.settings.service_identities.get(realm)
    }

    /// The catalog that owns the tables of this one.
    ///
    /// It is remembered, with its tokens, as long as the catalog is not changed.
    pub async fn remote(&self, realm: &RealmId, catalog: &Entity) -> Result<Arc<Remote>, Error> {
        let key = (realm.clone(), catalog.id, catalog.version);
        if let Some(remote) = self.remotes.get(&key).await {
            return Ok(remote);
        }
        let remote = Arc::new(self.open(realm, catalog)?);
        Ok(self.remotes.get_with(key, async { remote }).await)
    }

    fn open(&self, realm: &RealmId, catalog: &Entity) -> Result<Remote, Error> {
        let connection = catalog.connection().map_err(|source| Error::Malformed {
            catalog: catalog.name.clone(),
            source: Arc::new(source),
        })?;
        let connection = connection.ok_or_else(|| Error::NoConnection(catalog.name.clone()))?;
        let ConnectionKind::IcebergRest(IcebergRestConnection {
            uri,
            remote_catalog_name,
            properties,
        }) = connection.kind;
        // The settings may have changed since it was made.
        let not_allowed = |refused: Refused| Error::NotAllowed(refused.to_string());
        let base = read("uri", &uri, &self.settings.allowed_hosts).map_err(not_allowed)?;
        let open = |field: &str, sealed: &Sealed| -> Result<SecretString, Error> {
            self.keys
                .open(realm, catalog.id, field, sealed)
                .map_err(|source| Error::Secret { catalog: catalog.name.clone(), source })
        };
        let authentication = match connection.authentication {
            ConnectionAuthentication::OAuth(client) => {
                let token_uri = client.token_uri.unwrap_or_else(|| {
                    format!("{}/v1/oauth/tokens", base.as_str().trim_end_matches('/'))
                });
                let allowed = &self.settings.allowed_hosts;
                let client = TokenClient {
                    url: read("tokenUri", &token_uri, allowed).map_err(not_allowed)?,
                    client_secret: open(CLIENT_SECRET, &client.client_secret)?,
                    client_id: client.client_id,
                    scopes: client.scopes,
                };
                Authentication::OAuth(Box::new(client), Kept::new())
            }
            ConnectionAuthentication::Bearer(bearer) => {
                Authentication::Bearer(open(BEARER_TOKEN, &bearer.bearer_token)?)
            }
            ConnectionAuthentication::SigV4(role) => {
                let keys = self.service_identity(realm).and_then(|own| own.keys.clone());
                let sts_endpoint = self.settings.sts_endpoint.clone();
                Authentication::SigV4(Box::new(Signing::new(role, keys, sts_endpoint)))
            }
            ConnectionAuthentication::Gcp {} => Authentication::Gcp,
            ConnectionAuthentication::Implicit {} => Authentication::Implicit,
        };
        let headers = judged::headers(&properties).map_err(not_allowed)?;
        let config_lifetime = self.settings.config_lifetime.as_millis();
        Ok(Remote {
            host: shown(&base),
            base,
            warehouse: remote_catalog_name.or_else(|| properties.get("warehouse").cloned()),
            properties,
            headers,
            authentication,
            config: Kept::new(),
            config_lifetime_ms: i64::try_from(config_lifetime).unwrap_or(i64::MAX),
            http: Arc::clone(&self.http),
            signer: self.signer.clone(),
            clock: Arc::clone(&self.clock),
        })
    }
}

impl fmt::Debug for Federation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Federation").field("settings", &self.settings).finish_non_exhaustive()
    }
}
