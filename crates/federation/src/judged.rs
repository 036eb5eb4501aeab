//! What a connection may be.

use merak_model::connection::{
    BearerToken, Connection, ConnectionAuthentication, ConnectionKind, IcebergRestConnection,
    OAuthClient, Sealed, ServiceIdentityType, SigV4Role,
};
use merak_model::{EntityId, Properties, RealmId};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use crate::address::read;
use crate::federation::{BEARER_TOKEN, CLIENT_SECRET};
use crate::{
    AuthenticationDraft, ConnectionDraft, FederationSettings, KeyRing, KeyRingError, Refused,
};

/// Properties of Iceberg's clients that are secrets: what is a property is shown to whoever may see
/// the catalog.
const SECRET_PROPERTIES: [&str; 5] =
    ["token", "credential", "rest.secret-access-key", "rest.session-token", "s3.secret-access-key"];

/// Headers that are the server's own business, or that hold secrets.
const OWN_HEADERS: [&str; 16] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "if-none-match",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Judges a connection.
pub(crate) struct Judge<'a> {
    pub(crate) settings: &'a FederationSettings,
    pub(crate) keys: &'a KeyRing,
    pub(crate) draft: ConnectionDraft,
}

/// Where secrets are sealed for, and what was there before.
struct Place<'a> {
    keys: &'a KeyRing,
    realm: &'a RealmId,
    catalog: EntityId,
}

impl Judge<'_> {
    /// The connection, with its secret sealed for the catalog.
    pub(crate) fn seal(
        self,
        realm: &RealmId,
        catalog: EntityId,
        before: Option<&Connection>,
    ) -> Result<Connection, Refused> {
        let Self { settings, keys, draft } = self;
        let uri = draft.uri.ok_or_else(|| missing("uri"))?;
        let _ = read("uri", &uri, &settings.allowed_hosts)?;
        let _ = headers(&draft.properties)?;
        refuse_secrets(&draft.properties)?;
        let remote_catalog_name = draft.remote_catalog_name.filter(|name| !name.is_empty());
        for text in remote_catalog_name.iter().chain(draft.properties.values()) {
            visible("remoteCatalogName or a property", text)?;
        }
        let rest = IcebergRestConnection { uri, remote_catalog_name, properties: draft.properties };
        if let Some(Connection { kind: ConnectionKind::IcebergRest(before), .. }) = before {
            refuse_move(before, &rest)?;
        }
        let place = Place { keys, realm, catalog };
        let known = before.map(|before| &before.authentication);
        let authentication =
            match draft.authentication.ok_or_else(|| missing("authenticationParameters"))? {
                AuthenticationDraft::OAuth { token_uri, client_id, client_secret, scopes } => {
                    if let Some(token_uri) = &token_uri {
                        let _ = read("tokenUri", token_uri, &settings.allowed_hosts)?;
                    }
                    let client_id = client_id.ok_or_else(|| missing("clientId"))?;
                    visible("clientId", &client_id)?;
                    for scope in scopes.iter().flatten() {
                        visible("scopes", scope)?;
                    }
                    let same = oauth_secret(known, token_uri.as_deref(), &client_id);
                    let client_secret = place.seal(CLIENT_SECRET, client_secret, same)?;
                    let client = OAuthClient { token_uri, client_id, client_secret, scopes };
                    ConnectionAuthentication::OAuth(client)
                }
                AuthenticationDraft::Bearer { bearer_token } => {
                    if let Some(token) = &bearer_token {
                        fits_header(token)?;
                    }
                    let bearer_token =
                        place.seal(BEARER_TOKEN, bearer_token, known.and_then(token))?;
                    ConnectionAuthentication::Bearer(BearerToken { bearer_token })
                }
                AuthenticationDraft::SigV4(role) => {
                    check_role(&role)?;
                    ConnectionAuthentication::SigV4(role)
                }
                AuthenticationDraft::Gcp => ConnectionAuthentication::Gcp {},
                AuthenticationDraft::Implicit => ConnectionAuthentication::Implicit {},
            };
        let is_signed = matches!(authentication, ConnectionAuthentication::SigV4(_));
        let has_identity = is_signed && settings.service_identities.contains_key(realm);
        Ok(Connection {
            kind: ConnectionKind::IcebergRest(rest),
            authentication,
            service_identity: has_identity.then_some(ServiceIdentityType::AwsIam),
        })
    }
}

impl Place<'_> {
    /// Seals a secret, or keeps the one there was.
    fn seal(
        &self,
        field: &str,
        secret: Option<SecretString>,
        same: Option<&Sealed>,
    ) -> Result<Sealed, Refused> {
        let secret = match (secret, same) {
            (Some(secret), _) => secret,
            (None, Some(same)) => return Ok(same.clone()),
            (None, None) => return Err(missing(field)),
        };
        if is_empty(&secret) {
            return Err(missing(field));
        }
        self.keys.seal(self.realm, self.catalog, field, &secret).map_err(|error| match error {
            KeyRingError::NoKey => Refused(format!("The {field} of the connection: {error}")),
            KeyRingError::Malformed { .. }
            | KeyRingError::Twice(_)
            | KeyRingError::Empty
            | KeyRingError::File { .. }
            | KeyRingError::Cipher => {
                // It says where the server keeps its keys.
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the secret of a connection cannot be encrypted");
                Refused(format!(
                    "The {field} of the connection cannot be encrypted: the server's log says why"
                ))
            }
        })
    }
}

/// The secret there was, if it is for the same client at the same place: otherwise whoever changes
/// the connection could have it sent to himself.
fn oauth_secret<'a>(
    known: Option<&'a ConnectionAuthentication>,
    token_uri: Option<&str>,
    client_id: &str,
) -> Option<&'a Sealed> {
    match known {
        Some(ConnectionAuthentication::OAuth(known))
            if known.token_uri.as_deref() == token_uri && known.client_id == client_id =>
        {
            Some(&known.client_secret)
        }
        _ => None,
    }
}

fn token(known: &ConnectionAuthentication) -> Option<&Sealed> {
    match known {
        ConnectionAuthentication::Bearer(known) => Some(&known.bearer_token),
        ConnectionAuthentication::OAuth(_)
        | ConnectionAuthentication::SigV4(_)
        | ConnectionAuthentication::Gcp {}
        | ConnectionAuthentication::Implicit {} => None,
    }
}

/// Refuses a change that would lead elsewhere: grants would come along to what nobody granted, and
/// secrets to whom nobody gave them.
fn refuse_move(
    before: &IcebergRestConnection,
    after: &IcebergRestConnection,
) -> Result<(), Refused> {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "null".to_owned());
    let changes = [
        ("uri", before.uri.clone(), after.uri.clone()),
        ("remoteCatalogName", name(&before.remote_catalog_name), name(&after.remote_catalog_name)),
    ];
    match changes.into_iter().find(|(_, before, after)| before != after) {
        None => Ok(()),
        Some((what, before, after)) => Err(Refused(format!(
            "Cannot modify {what} in connection config from {before} to {after}"
        ))),
    }
}

/// The headers that properties add to each request, as in Iceberg's clients.
pub(crate) fn headers(properties: &Properties) -> Result<HeaderMap, Refused> {
    let mut headers = HeaderMap::new();
    for (key, value) in properties {
        let Some(name) = key.strip_prefix("header.") else { continue };
        let invalid = || Refused(format!("The property {key} of the connection is no header"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        if OWN_HEADERS.contains(&name.as_str()) {
            return Err(Refused(format!(
                "The property {key} of the connection cannot be set: the server sets that header"
            )));
        }
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| invalid())?);
    }
    Ok(headers)
}

fn refuse_secrets(properties: &Properties) -> Result<(), Refused> {
    match properties.keys().find(|key| SECRET_PROPERTIES.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Refused(format!(
            "The property {key} of the connection is a secret, and properties are shown: use \
             authenticationParameters"
        ))),
    }
}

fn check_role(role: &SigV4Role) -> Result<(), Refused> {
    let refuse = |text: String| Err(Refused(text));
    let parts: Vec<_> = role.role_arn.splitn(6, ':').collect();
    let is_role = matches!(
        parts.as_slice(),
        ["arn", partition, "iam", "", account, role]
            if !partition.is_empty() && !account.is_empty() && role.starts_with("role/")
    );
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    if !is_role || !is_plain(&role.role_arn) {
        return refuse(format!("Invalid role ARN format: '{}'", role.role_arn.escape_debug()));
    }
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !is_name(&role.signing_region) {
        return refuse(format!("'{}' is no region", role.signing_region.escape_debug()));
    }
    if let Some(name) = role.signing_name.as_deref().filter(|name| !is_name(name)) {
        return refuse(format!("'{}' is no signingName", name.escape_debug()));
    }
    if let Some(name) = &role.role_session_name {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
        if !(2..=64).contains(&name.len()) || !name.bytes().all(fits) {
            return refuse(format!("'{}' is no roleSessionName", name.escape_debug()));
        }
    }
    if let Some(id) = &role.external_id {
        visible("externalId", id)?;
    }
    let is_object = |policy: &String| {
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(policy).is_ok()
    };
    if role.session_policy.as_ref().is_some_and(|policy| !policy.is_empty() && !is_object(policy)) {
        return refuse("The sessionPolicy of the connection is no JSON object".to_owned());
    }
    Ok(())
}

fn missing(field: &str) -> Refused {
    Refused(format!("The connection needs its {field}"))
}

/// Refuses what cannot be typed, and lies in logs.
fn visible(what: &str, text: &str) -> Result<(), Refused> {
    if text.chars().any(char::is_control) {
        return Err(Refused(format!("{what} of the connection has control characters")));
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "only whether there is one is looked at")]
fn is_empty(secret: &SecretString) -> bool {
    secret.expose_secret().is_empty()
}

#[expect(clippy::disallowed_methods, reason = "only whether it could be sent is looked at")]
fn fits_header(token: &SecretString) -> Result<(), Refused> {
    if token.expose_secret().bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Refused(
        "The bearerToken of the connection has characters that no header may have".to_owned(),
    ))
}
