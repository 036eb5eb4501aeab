//! A catalog's connection to the catalog that owns its tables: where that is, and who the server is
//! to it.
//!
//! Stored as JSON. Secrets are in it sealed, and only so: what opens them is not known here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Entity, Properties, entity::internal};

/// A catalog's connection, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// What is at the other end.
    #[serde(flatten)]
    pub kind: ConnectionKind,
    /// Who the server is to it.
    pub authentication: ConnectionAuthentication,
    /// The identity of the server's that the other side is to trust, where there was one when the
    /// catalog was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_identity: Option<ServiceIdentityType>,
}

/// What is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "connectionType")]
pub enum ConnectionKind {
    /// A catalog that speaks Iceberg's REST protocol.
    #[serde(rename = "ICEBERG_REST")]
    IcebergRest(IcebergRestConnection),
}

/// A catalog that speaks Iceberg's REST protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IcebergRestConnection {
    /// The address below which `/v1/config` is.
    pub uri: String,
    /// Which of its catalogs it is: `warehouse` in the protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_catalog_name: Option<String>,
    /// What its client is told besides.
    #[serde(default)]
    pub properties: Properties,
}

/// Who the server is to the other catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "authenticationType")]
pub enum ConnectionAuthentication {
    /// A client of an OAuth2 server, which gives it tokens for its secret.
    #[serde(rename = "OAUTH")]
    OAuth(OAuthClient),
    /// Whoever has a token.
    #[serde(rename = "BEARER")]
    Bearer(BearerToken),
    /// A role in AWS, in which requests are signed.
    #[serde(rename = "SIGV4")]
    SigV4(SigV4Role),
    /// The server's own identity in Google Cloud.
    #[serde(rename = "GCP")]
    Gcp {},
    /// Nobody in particular.
    #[serde(rename = "IMPLICIT")]
    Implicit {},
}

/// A client of an OAuth2 server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthClient {
    /// Where tokens are had; the other catalog's own endpoint for them, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_uri: Option<String>,
    /// What the server names itself by there.
    pub client_id: String,
    /// What it proves itself with.
    pub client_secret: Sealed,
    /// What it asks tokens for; `catalog`, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

/// A token that the other catalog takes as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BearerToken {
    /// The token.
    pub bearer_token: Sealed,
}

/// A role in AWS, and how requests are signed in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigV4Role {
    /// The role.
    pub role_arn: String,
    /// What the role's sessions are called; `polaris`, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_session_name: Option<String>,
    /// What the role's trust policy wants to hear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The region that requests are signed for.
    pub signing_region: String,
    /// The service that they are signed for; `execute-api`, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_name: Option<String>,
    /// What bounds the role's sessions, beside the role itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_policy: Option<String>,
}

/// The kind of an identity of the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceIdentityType {
    /// A user or role in AWS.
    #[serde(rename = "AWS_IAM")]
    AwsIam,
}

/// A secret that is encrypted, as text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Takes what sealing made.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What sealing made.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Not even sealed it belongs into a log.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed")
    }
}

impl Connection {
    /// The connection as the metastore keeps it.
    ///
    /// # Panics
    ///
    /// Never: a connection has only text keys.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a connection has only text keys")
    }

    /// Reads what [`Self::to_json`] wrote.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}

impl ConnectionAuthentication {
    /// Its name in the management API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::OAuth(_) => "OAUTH",
            Self::Bearer(_) => "BEARER",
            Self::SigV4(_) => "SIGV4",
            Self::Gcp {} => "GCP",
            Self::Implicit {} => "IMPLICIT",
        }
    }
}

impl Entity {
    /// Whether this is a catalog whose tables are looked up in the catalog that owns them.
    pub fn has_connection(&self) -> bool {
        self.internal.contains_key(internal::CONNECTION)
    }

    /// The connection of such a catalog.
    pub fn connection(&self) -> Result<Option<Connection>, serde_json::Error> {
        self.internal.get(internal::CONNECTION).map(|json| Connection::from_json(json)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntityId, EntityKind};

    fn connection(authentication: ConnectionAuthentication) -> Connection {
        Connection {
            kind: ConnectionKind::IcebergRest(IcebergRestConnection {
                uri: "https://example.com/api/catalog".to_owned(),
                remote_catalog_name: Some("sales".to_owned()),
                properties: Properties::from([("header.a".to_owned(), "b".to_owned())]),
            }),
            authentication,
            service_identity: Some(ServiceIdentityType::AwsIam),
        }
    }

    #[test]
    fn a_connection_is_read_as_it_was_written() {
        let role = SigV4Role {
            role_arn: "arn:aws:iam::123456789012:role/lake".to_owned(),
            role_session_name: None,
            external_id: Some("x".to_owned()),
            signing_region: "eu-central-1".to_owned(),
            signing_name: Some("glue".to_owned()),
            session_policy: None,
        };
        let client = OAuthClient {
            token_uri: None,
            client_id: "id".to_owned(),
            client_secret: Sealed::new("v1:k:abc"),
            scopes: Some(vec!["a".to_owned()]),
        };
        for authentication in [
            ConnectionAuthentication::OAuth(client),
            ConnectionAuthentication::Bearer(BearerToken { bearer_token: Sealed::new("v1:k:x") }),
            ConnectionAuthentication::SigV4(role),
            ConnectionAuthentication::Gcp {},
            ConnectionAuthentication::Implicit {},
        ] {
            let name = authentication.as_str();
            let written = connection(authentication);
            let json = written.to_json();
            let mut catalog =
                Entity::new(EntityKind::Catalog, EntityId::ROOT, EntityId::ROOT, "c", 1);
            assert!(!catalog.has_connection());
            assert_eq!(catalog.connection().unwrap(), None);
            catalog.internal.insert(internal::CONNECTION.to_owned(), json.clone());

            assert!(json.contains(&format!("\"authenticationType\":\"{name}\"")), "{json}");
            assert!(catalog.has_connection());
            assert_eq!(catalog.connection().unwrap(), Some(written));
        }
    }

    #[test]
    fn what_is_sealed_is_not_shown() {
        let shown = format!("{:?}", Sealed::new("v1:k:abc"));

        assert_eq!(shown, "Sealed");
    }
}
