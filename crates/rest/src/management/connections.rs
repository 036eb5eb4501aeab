//! Connections of catalogs in the management API.

use merak_model::Properties;
use merak_model::connection::{
    ConnectionAuthentication, ConnectionKind, IcebergRestConnection, SigV4Role,
};
use merak_service::{AuthenticationDraft, ConnectionDraft, ShownConnection};
use merak_wire::management::{AuthenticationParameters, ConnectionConfigInfo, ServiceIdentityInfo};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::error::{ApiError, ErrorKind};

/// A connection as it is shown: its secrets are left out, even encrypted.
pub(crate) fn show(shown: ShownConnection) -> ConnectionConfigInfo {
    let ShownConnection { connection, iam_arn } = shown;
    let ConnectionKind::IcebergRest(IcebergRestConnection { uri, remote_catalog_name, properties }) =
        connection.kind;
    let authentication_parameters = match connection.authentication {
        ConnectionAuthentication::OAuth(client) => AuthenticationParameters::OAuth {
            token_uri: client.token_uri,
            client_id: client.client_id,
            scopes: client.scopes,
        },
        ConnectionAuthentication::Bearer(_) => AuthenticationParameters::Bearer {},
        ConnectionAuthentication::SigV4(role) => AuthenticationParameters::SigV4(role),
        ConnectionAuthentication::Gcp {} => AuthenticationParameters::Gcp {},
        ConnectionAuthentication::Implicit {} => AuthenticationParameters::Implicit {},
    };
    let service_identity =
        iam_arn.map(|iam_arn| ServiceIdentityInfo { identity_type: "AWS_IAM", iam_arn });
    ConnectionConfigInfo {
        connection_type: "ICEBERG_REST",
        uri,
        remote_catalog_name,
        authentication_parameters,
        service_identity,
        properties,
    }
}

/// The member `connectionConfigInfo`, if there is one. What the server fills in itself, such as its
/// identity, is passed over.
pub(crate) fn draft(fields: &mut Map<String, Value>) -> Result<Option<ConnectionDraft>, ApiError> {
    let Some(mut members) = object(fields, "connectionConfigInfo")? else { return Ok(None) };
    let connection_type =
        text(&mut members, "connectionType")?.ok_or_else(|| invalid("connectionType", MISSING))?;
    let authentication = object(&mut members, "authenticationParameters")?;
    let properties = members.remove("properties").filter(|value| !value.is_null());
    let properties: Option<Properties> = properties
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| invalid("properties", "must be an object of texts"))?;
    Ok(Some(ConnectionDraft {
        connection_type,
        uri: text(&mut members, "uri")?,
        remote_catalog_name: text(&mut members, "remoteCatalogName")?,
        properties: properties.unwrap_or_default(),
        authentication: authentication.map(self::authentication).transpose()?,
    }))
}

fn authentication(mut members: Map<String, Value>) -> Result<AuthenticationDraft, ApiError> {
    let kind = required(&mut members, "authenticationType")?;
    Ok(match kind.as_str() {
        "OAUTH" => AuthenticationDraft::OAuth {
            token_uri: text(&mut members, "tokenUri")?,
            client_id: text(&mut members, "clientId")?,
            client_secret: text(&mut members, "clientSecret")?.map(SecretString::from),
            scopes: texts(&mut members, "scopes")?,
        },
        "BEARER" => AuthenticationDraft::Bearer {
            bearer_token: text(&mut members, "bearerToken")?.map(SecretString::from),
        },
        "SIGV4" => AuthenticationDraft::SigV4(SigV4Role {
            role_arn: required(&mut members, "roleArn")?,
            role_session_name: text(&mut members, "roleSessionName")?,
            external_id: text(&mut members, "externalId")?,
            signing_region: required(&mut members, "signingRegion")?,
            signing_name: text(&mut members, "signingName")?,
            session_policy: text(&mut members, "sessionPolicy")?,
        }),
        "GCP" => AuthenticationDraft::Gcp,
        "IMPLICIT" => AuthenticationDraft::Implicit,
        _ => {
            let kinds = "must be OAUTH, BEARER, SIGV4, GCP or IMPLICIT";
            return Err(invalid("authenticationType", kinds));
        }
    })
}

const MISSING: &str = "must not be null";

fn object(
    fields: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<Map<String, Value>>, ApiError> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(invalid(name, "must be an object")),
    }
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(name, "must be a text")),
    }
}

fn required(members: &mut Map<String, Value>, name: &str) -> Result<String, ApiError> {
    text(members, name)?.ok_or_else(|| invalid(name, MISSING))
}

fn texts(members: &mut Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, ApiError> {
    let value = members.remove(name).filter(|value| !value.is_null());
    let texts = value.map(serde_json::from_value).transpose();
    texts.map_err(|_| invalid(name, "must be an array of texts"))
}

/// Without the value, which may be a secret.
fn invalid(name: &str, why: &str) -> ApiError {
    let text = format!("Invalid value: connectionConfigInfo: {name} {why}");
    ApiError::new(ErrorKind::MismatchedInput, text)
}
