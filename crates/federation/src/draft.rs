//! A connection as somebody asks for it, before it is judged.

use merak_model::Properties;
use merak_model::connection::SigV4Role;
use secrecy::SecretString;

/// A connection that is to be made, or to be changed.
#[derive(Debug, Clone)]
pub struct ConnectionDraft {
    /// `connectionType`, in capitals.
    pub connection_type: String,
    /// The address below which `/v1/config` is.
    pub uri: Option<String>,
    /// Which of the other server's catalogs it is.
    pub remote_catalog_name: Option<String>,
    /// What its client is told besides.
    pub properties: Properties,
    /// Who the server is to it.
    pub authentication: Option<AuthenticationDraft>,
}

/// Who the server is to be. A secret that is absent from a change stays as it is.
#[derive(Debug, Clone)]
pub enum AuthenticationDraft {
    /// A client of an OAuth2 server.
    OAuth {
        /// Where tokens are had.
        token_uri: Option<String>,
        /// What the server names itself by there.
        client_id: Option<String>,
        /// What it proves itself with.
        client_secret: Option<SecretString>,
        /// What it asks tokens for.
        scopes: Option<Vec<String>>,
    },
    /// Whoever has a token.
    Bearer {
        /// The token.
        bearer_token: Option<SecretString>,
    },
    /// A role in AWS.
    SigV4(SigV4Role),
    /// The server's own identity in Google Cloud.
    Gcp,
    /// Nobody in particular.
    Implicit,
}

impl AuthenticationDraft {
    /// Its name in the management API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::OAuth { .. } => "OAUTH",
            Self::Bearer { .. } => "BEARER",
            Self::SigV4(_) => "SIGV4",
            Self::Gcp => "GCP",
            Self::Implicit => "IMPLICIT",
        }
    }
}

/// Why there is no such connection, for whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);
