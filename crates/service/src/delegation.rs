//! What clients are given to reach a table's files: settings of the store, and credentials that are
//! narrowed to the table, or the offer to sign their requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use merak_authz::{Noted, ResolvedCaller, note};
use merak_model::features::{
    CatalogFeatures, SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION,
    STORAGE_CREDENTIAL_CACHE_DURATION_SECONDS, STORAGE_CREDENTIAL_DURATION_SECONDS,
};
use merak_model::storage_config::Provider;
use merak_model::{Entity, EntityKind, RealmId, StorageConfig, TableIdent};
use merak_storage::{
    CatalogStore, LocationGrant, ServerIdentity, Session, VendRequest, VendedCredentials,
};
use secrecy::SecretString;

use crate::external::check_vending;
use crate::locations::storage_config;
use crate::session::Subject;
use crate::{Error, Service};

/// What a client asked for to reach a table's files: `X-Iceberg-Access-Delegation`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccessDelegation {
    /// Credentials that are narrowed to the table.
    pub vended_credentials: bool,
    /// That its requests are signed one by one.
    pub remote_signing: bool,
}

impl AccessDelegation {
    /// Whether anything was asked for.
    pub fn is_asked(self) -> bool {
        self.vended_credentials || self.remote_signing
    }
}

/// What a client is given to reach a table's files.
#[derive(Debug, Clone, Default)]
pub struct ClientAccess {
    /// Properties that are not secret.
    pub config: BTreeMap<String, String>,
    /// Credentials, if they were asked for and could be vended.
    pub credentials: Option<TableCredentials>,
}

/// Credentials for a table.
#[derive(Debug, Clone)]
pub struct TableCredentials {
    /// The location they are for.
    pub prefix: String,
    /// The properties they are in.
    pub properties: BTreeMap<String, SecretString>,
    /// What names them in the cloud's audit log.
    pub id: String,
    /// When they end, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// A table whose files a client wants to reach, as far as the way to them depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) realm: &'a RealmId,
    pub(crate) caller: &'a ResolvedCaller,
    pub(crate) catalog: &'a Entity,
    pub(crate) ident: &'a TableIdent,
    /// What kind of table it is.
    pub(crate) kind: EntityKind,
    /// The table's location.
    pub(crate) location: &'a str,
    pub(crate) asked: AccessDelegation,
}

/// What is to be done for a client.
enum Mode {
    Nothing,
    Vend,
    Sign,
}

impl Service {
    /// A catalog's store, as the server itself reaches it.
    pub(crate) fn store(&self, realm: &RealmId, catalog: &Entity) -> Result<CatalogStore, Error> {
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        let identity = if features.is_on(&SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION) {
            ServerIdentity::Own
        } else {
            ServerIdentity::OfCatalog
        };
        Ok(CatalogStore {
            realm: realm.clone(),
            config: storage_config(catalog)?,
            identity,
            lifetime: seconds(features, &STORAGE_CREDENTIAL_DURATION_SECONDS),
        })
    }

    /// What a client is given. The grant's locations have been judged; credentials are minted here,
    /// or taken from those that were.
    ///
    /// Where a client asks for what cannot be had, that is an error and not a silence: it would
    /// fail later, and further away.
    pub(crate) async fn client_access(
        &self,
        wanted: Wanted<'_>,
        config: &StorageConfig,
        grant: Option<LocationGrant>,
    ) -> Result<ClientAccess, Error> {
        let features = self.features_of(wanted.realm);
        let features = features.within(&wanted.catalog.properties);
        if wanted.asked.is_asked() {
            check_vending(wanted.catalog, features)?;
        }
        if features.is_on(&SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION) {
            return Ok(ClientAccess::default());
        }
        let mut access = ClientAccess { config: self.store_properties(config), credentials: None };
        let Some(grant) = grant else { return Ok(access) };
        match mode(wanted, config)? {
            Mode::Nothing => {}
            Mode::Sign => access.config.extend(signing_properties(wanted)),
            Mode::Vend => {
                access.credentials = Some(self.vend(wanted, config, grant, features).await?);
                if let Provider::Azure(azure) = &config.provider {
                    // Where it is the container, tables in it are open to each other's readers.
                    let scope = match azure.hierarchical {
                        Some(true) => "directory",
                        Some(false) | None => "container",
                    };
                    access.config.insert("merak.credential-scope".to_owned(), scope.to_owned());
                }
                // There is no such path for a generic table: it is loaded again.
                let is_iceberg = wanted.kind == EntityKind::Table;
                if let Some(key) = refresh_key(config).filter(|_| is_iceberg) {
                    access.config.insert(key.to_owned(), table_path(wanted, "credentials"));
                }
            }
        }
        Ok(access)
    }

    async fn vend(
        &self,
        wanted: Wanted<'_>,
        config: &StorageConfig,
        grant: LocationGrant,
        features: CatalogFeatures<'_>,
    ) -> Result<TableCredentials, Error> {
        let Wanted { realm, caller, catalog, ident, .. } = wanted;
        let subject = Subject { realm, caller, catalog: &catalog.name, table: ident };
        let request = vend_request(subject, config, grant, features);
        let reuse_for = seconds(features, &STORAGE_CREDENTIAL_CACHE_DURATION_SECONDS);
        let vended = self.storage.vend(request, reuse_for).await?;
        note(Noted::Credential, || vended.id.clone());
        Ok(table_credentials(wanted.location, &vended))
    }

    /// Properties of the store that clients need and that are not secret.
    fn store_properties(&self, config: &StorageConfig) -> BTreeMap<String, String> {
        let pairs = match &config.provider {
            Provider::S3(s3) => vec![
                ("client.region", s3.region.clone()),
                ("s3.endpoint", s3.endpoint.clone()),
                ("s3.path-style-access", s3.path_style_access.map(|on| on.to_string())),
            ],
            Provider::Gcs(_) => vec![("gcs.service.host", self.storage.google_endpoint())],
            Provider::Azure(_) | Provider::File {} => Vec::new(),
        };
        pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

/// The request for a table's credentials.
pub(crate) fn vend_request(
    subject: Subject<'_>,
    config: &StorageConfig,
    grant: LocationGrant,
    features: CatalogFeatures<'_>,
) -> VendRequest {
    VendRequest {
        realm: subject.realm.clone(),
        config: config.clone(),
        grant,
        session: session(subject, config, features),
        lifetime: seconds(features, &STORAGE_CREDENTIAL_DURATION_SECONDS),
    }
}

/// What the cloud is told about who credentials are for. AWS and Google are told if flags say so;
/// elsewhere principals with equal rights always share.
pub(crate) fn session(
    subject: Subject<'_>,
    config: &StorageConfig,
    features: CatalogFeatures<'_>,
) -> Session {
    match &config.provider {
        Provider::S3(_) => subject.session(features),
        Provider::Gcs(gcs) => Session {
            attribution: subject.attribution(gcs.gcs_service_account.is_some(), features),
            ..Session::default()
        },
        Provider::Azure(_) | Provider::File {} => Session::default(),
    }
}

fn table_credentials(location: &str, vended: &Arc<VendedCredentials>) -> TableCredentials {
    TableCredentials {
        prefix: location.to_owned(),
        properties: vended.properties(),
        id: vended.id.clone(),
        expires_at_ms: vended.expires_at_ms,
    }
}

/// Which of what was asked for is done. Of both, credentials are vended where they can be: they
/// spare a request for each file.
fn mode(wanted: Wanted<'_>, config: &StorageConfig) -> Result<Mode, Error> {
    let asked = wanted.asked;
    let s3 = match &config.provider {
        Provider::S3(s3) => Some(s3),
        // Files of the server's own disk need no credentials.
        Provider::File {} if asked.vended_credentials => return Ok(Mode::Nothing),
        Provider::Azure(_) | Provider::Gcs(_) | Provider::File {} => None,
    };
    let has_no_sts = s3.is_some_and(|s3| s3.sts_unavailable == Some(true));
    if asked.vended_credentials && !has_no_sts {
        return Ok(Mode::Vend);
    }
    if asked.remote_signing && s3.is_some() {
        return Ok(Mode::Sign);
    }
    if !asked.vended_credentials {
        return Err(Error::IllegalArgument(format!(
            "Unsupported access delegation mode: REMOTE_SIGNING is for S3, and this catalog's storage \
             is {}; ask for vended-credentials",
            config.storage_type()
        )));
    }
    let (instead, header) = if wanted.kind == EntityKind::GenericTable {
        ("", "Polaris-Generic-Table-Access-Delegation")
    } else {
        ("ask for remote-signing, or ", "X-Iceberg-Access-Delegation")
    };
    Err(Error::IllegalArgument(format!(
        "Credential vending was requested for table {}, but no credentials are available: the \
         storage of catalog {} has stsUnavailable set; {instead}leave out the header {header} and \
         give the client credentials of its own",
        wanted.ident, wanted.catalog.name
    )))
}

/// The property that tells a client where to get newer credentials.
fn refresh_key(config: &StorageConfig) -> Option<&'static str> {
    match &config.provider {
        Provider::S3(_) => Some("client.refresh-credentials-endpoint"),
        Provider::Gcs(_) => Some("gcs.oauth2.refresh-credentials-endpoint"),
        Provider::Azure(_) => Some("adls.refresh-credentials-endpoint"),
        Provider::File {} => None,
    }
}

/// What makes clients send their requests to be signed: Java's words, and `PyIceberg`'s. Both take
/// the server's own address from the catalog's.
fn signing_properties(wanted: Wanted<'_>) -> [(String, String); 4] {
    let endpoint = table_path(wanted, "sign");
    [
        ("s3.remote-signing-enabled".to_owned(), "true".to_owned()),
        ("s3.signer".to_owned(), "S3V4RestSigner".to_owned()),
        ("s3.signer.endpoint".to_owned(), endpoint.clone()),
        ("signer.endpoint".to_owned(), endpoint),
    ]
}

/// The path of something of a table, below the catalog's address.
fn table_path(wanted: Wanted<'_>, what: &str) -> String {
    let namespace = wanted.ident.namespace.levels().join("\u{1f}");
    let [prefix, namespace, table] =
        [wanted.catalog.name.as_str(), &namespace, &wanted.ident.name].map(encoded);
    format!("v1/{prefix}/namespaces/{namespace}/tables/{table}/{what}")
}

/// A segment of a path, with everything encoded that could mean something in it.
fn encoded(segment: &str) -> String {
    segment.bytes().fold(String::with_capacity(segment.len()), |mut text, byte| {
        use std::fmt::Write as _;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// A flag's number of seconds; one at least.
pub(crate) fn seconds(
    features: CatalogFeatures<'_>,
    flag: &merak_model::features::Flag,
) -> Duration {
    Duration::from_secs(u64::try_from(features.number(flag)).unwrap_or(0).max(1))
}

impl From<merak_storage::VendError> for Error {
    fn from(error: merak_storage::VendError) -> Self {
        use merak_storage::VendError as Source;
        let text = error.to_string();
        match error {
            Source::Impossible(_) => Self::BadRequest(text),
            Source::NoIdentity { .. } | Source::Denied { .. } => Self::StorageDenied(text),
            Source::Unavailable { .. } => Self::Unavailable {
                what: "Credential vending",
                reason: text,
                source: Box::new(error),
            },
        }
    }
}
