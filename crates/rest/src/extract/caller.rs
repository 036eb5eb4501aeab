//! Who is calling, and in which realm.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use merak_authz::{Caller, PrincipalRef, note_authenticated, note_principal_id};
use merak_model::RealmId;

use crate::app::{ApiSettings, App};
use crate::error::{ApiError, ErrorKind};
use crate::middleware::RequestId;

/// The realm of a request. A realm that is not there is answered before anything else is looked at,
/// the token included.
#[derive(Debug, Clone)]
pub(crate) struct Realm(pub(crate) RealmId);

impl Realm {
    /// The realm the headers name, or the default one.
    pub(crate) fn of(headers: &HeaderMap, settings: &ApiSettings) -> Result<Self, ApiError> {
        let missing = || ApiError::new(ErrorKind::NoSuchRealm, "Missing or invalid realm");
        let Some(value) = headers.get(&settings.realm_header) else {
            let default = settings.realms.first().filter(|_| !settings.require_realm_header);
            return default.cloned().map(Self).ok_or_else(missing);
        };
        let name = value.to_str().map_err(|_| missing())?;
        let realm = settings.realms.iter().find(|realm| realm.as_str() == name);
        realm.cloned().map(Self).ok_or_else(missing)
    }
}

impl FromRequestParts<App> for Realm {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        Self::of(&parts.headers, &app.settings)
    }
}

/// A caller whose token was verified, and who does not ask too often. A handler that names it cannot
/// run without one.
///
/// As in Polaris, a request whose token is not good does not count in its realm: else anyone could
/// use up what there is for others.
pub(crate) struct Authenticated(pub(crate) Caller);

impl FromRequestParts<App> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Realm(realm) = Realm::from_request_parts(parts, app).await?;
        let token = bearer(&parts.headers).ok_or_else(|| {
            let message = match app.authn.require_issuing(&realm) {
                Ok(()) => "An access token is needed: ask the token endpoint for one".to_owned(),
                Err(elsewhere) => format!("An access token is needed. {elsewhere}"),
            };
            ApiError::new(ErrorKind::NotAuthorized, message)
        })?;
        let reference = app.authn.verify(&realm, token).await?;
        app.rates.admit(&realm, &reference).await?;
        // Its name is noted once it is known.
        match &reference.principal {
            PrincipalRef::Id(id) => note_principal_id(id.0),
            PrincipalRef::Name(name) => note_authenticated(name),
        }
        let id = parts.extensions.get::<RequestId>().and_then(|id| id.0.to_str().ok());
        let request_id = id.unwrap_or_default().to_owned();
        Ok(Self(Caller { realm, reference, request_id }))
    }
}

/// The token of a `Bearer` authorization. The scheme's case does not matter.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
