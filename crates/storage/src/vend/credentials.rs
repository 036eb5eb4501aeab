//! Vended credentials, and the spellings of the properties in which clients look for them.

use std::collections::BTreeMap;

use secrecy::SecretString;

/// Short-lived credentials that reach what a grant says.
#[derive(Debug, Clone)]
pub struct VendedCredentials {
    /// The credentials themselves.
    pub secret: CloudSecret,
    /// When they end, in milliseconds since 1970.
    pub expires_at_ms: i64,
    /// What names them in the cloud's own audit log, such as an access key id. Not a secret.
    pub id: String,
}

/// What each cloud calls credentials.
#[derive(Debug, Clone)]
pub enum CloudSecret {
    /// Keys of an STS session.
    Aws {
        /// The access key id.
        access_key: String,
        /// The secret access key.
        secret_key: SecretString,
        /// The session token.
        session_token: SecretString,
    },
    /// A shared access signature.
    Azure {
        /// The storage account, such as `acct`.
        account: String,
        /// The host that the grant's locations name, such as `acct.dfs.core.windows.net`.
        host: String,
        /// The query string, without a question mark.
        sas: SecretString,
    },
    /// An OAuth access token.
    Google {
        /// The token.
        token: SecretString,
    },
}

impl VendedCredentials {
    /// The properties that clients take them from: every spelling that a known client reads.
    pub fn properties(&self) -> BTreeMap<String, SecretString> {
        let expires = || SecretString::from(self.expires_at_ms.to_string());
        let pairs = match &self.secret {
            CloudSecret::Aws { access_key, secret_key, session_token } => vec![
                ("s3.access-key-id".to_owned(), SecretString::from(access_key.as_str())),
                ("s3.secret-access-key".to_owned(), secret_key.clone()),
                ("s3.session-token".to_owned(), session_token.clone()),
                ("s3.session-token-expires-at-ms".to_owned(), expires()),
            ],
            CloudSecret::Azure { account, host, sas } => vec![
                // Java and DuckDB look for the host, Iceberg 1.7 for the account, PyIceberg and Go
                // for the bare key.
                (format!("adls.sas-token.{host}"), sas.clone()),
                (format!("adls.sas-token.{account}"), sas.clone()),
                ("adls.sas-token".to_owned(), sas.clone()),
                ("adls.account-name".to_owned(), SecretString::from(account.as_str())),
                (format!("adls.sas-token-expires-at-ms.{host}"), expires()),
                (format!("adls.sas-token-expires-at-ms.{account}"), expires()),
                ("adls.sas-token-expires-at-ms".to_owned(), expires()),
            ],
            CloudSecret::Google { token } => vec![
                ("gcs.oauth2.token".to_owned(), token.clone()),
                ("gcs.oauth2.token-expires-at".to_owned(), expires()),
            ],
        };
        let mut properties: BTreeMap<_, _> = pairs.into_iter().collect();
        // What Polaris up to 1.6 wrote, and Go reads.
        properties.insert("expiration-time".to_owned(), expires());
        properties
    }
}
