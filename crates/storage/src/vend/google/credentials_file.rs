//! Files that say who one is to Google, by their `type`.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::service_account_key::ServiceAccountKey;

/// A credentials file, as it was when it was read.
#[derive(Debug)]
pub(super) struct CredentialsFile {
    pub(super) path: PathBuf,
    pub(super) credentials: Credentials,
}

/// Who a file makes one.
#[derive(Debug)]
pub(super) enum Credentials {
    /// Somebody by themselves.
    Direct(Direct),
    /// A service account, in whose name somebody else asks.
    Impersonated(Impersonated),
}

/// Somebody by themselves.
#[derive(Debug)]
pub(super) enum Direct {
    /// A service account, by its key.
    ServiceAccount(ServiceAccountKey),
    /// A person who logged in.
    Person(Person),
    /// Somebody whom another provider of identities vouches for.
    External(External),
}

/// What a file of type `authorized_user` has.
#[derive(Debug, Deserialize)]
pub(super) struct Person {
    pub(super) client_id: SecretString,
    pub(super) client_secret: SecretString,
    pub(super) refresh_token: SecretString,
    pub(super) token_uri: Option<String>,
    pub(super) quota_project_id: Option<String>,
    /// Their email address, which `gcloud` leaves empty.
    account: Option<String>,
}

/// What a file of type `impersonated_service_account` has.
#[derive(Debug)]
pub(super) struct Impersonated {
    pub(super) url: String,
    pub(super) delegates: Vec<String>,
    pub(super) source: Direct,
    quota_project_id: Option<String>,
}

/// The fields of such a file, but for the source.
#[derive(Deserialize)]
struct ImpersonatedFile {
    service_account_impersonation_url: String,
    delegates: Option<Vec<String>>,
    quota_project_id: Option<String>,
}

/// What a file of type `external_account` has, which is for Google's own library.
pub(super) struct External {
    pub(super) json: Value,
    pub(super) quota_project_id: Option<String>,
    /// The service account that it goes on to, if any.
    pub(super) impersonation_url: Option<String>,
}

impl fmt::Debug for External {
    /// The file may have a client's secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External").finish_non_exhaustive()
    }
}

impl CredentialsFile {
    /// Reads the content of a file, or says what is wrong with it, never quoting it.
    pub(super) fn parse(path: &Path, content: &[u8]) -> Result<Self, String> {
        let wrong = |why: String| format!("the credentials file {} {why}", path.display());
        let json: Value = serde_json::from_slice(content).map_err(|error| {
            wrong(format!("is no JSON: see line {}, column {}", error.line(), error.column()))
        })?;
        let credentials = Credentials::parse(json).map_err(wrong)?;
        Ok(Self { path: path.to_owned(), credentials })
    }

    /// Whose quota requests count against, if the file says.
    pub(super) fn quota_project(&self) -> Option<&str> {
        match &self.credentials {
            Credentials::Direct(direct) => direct.quota_project(),
            Credentials::Impersonated(impersonated) => impersonated.quota_project_id.as_deref(),
        }
    }
}

impl Credentials {
    fn parse(mut json: Value) -> Result<Self, String> {
        if kind(&json)? != "impersonated_service_account" {
            return Direct::parse(json).map(Self::Direct);
        }
        let source = json
            .get_mut("source_credentials")
            .map(Value::take)
            .ok_or("lacks source_credentials")?;
        let source =
            Direct::parse(source).map_err(|why| format!("has source_credentials, which {why}"))?;
        let file: ImpersonatedFile = fields(json)?;
        Ok(Self::Impersonated(Impersonated {
            url: file.service_account_impersonation_url,
            delegates: file.delegates.unwrap_or_default(),
            source,
            quota_project_id: file.quota_project_id,
        }))
    }
}

impl Direct {
    fn parse(mut json: Value) -> Result<Self, String> {
        match kind(&json)? {
            "service_account" => fields(json).map(Self::ServiceAccount),
            "authorized_user" => fields(json).map(Self::Person),
            "external_account" => {
                let text = |value: Option<&Value>| Some(value?.as_str()?.to_owned());
                let quota_project_id = text(json.get("quota_project_id"));
                // We do that part ourselves, and learn when the token ends.
                let impersonation_url = json
                    .as_object_mut()
                    .and_then(|file| file.shift_remove("service_account_impersonation_url"));
                let impersonation_url = text(impersonation_url.as_ref());
                Ok(Self::External(External { json, quota_project_id, impersonation_url }))
            }
            other => Err(format!(
                "has the type '{}', which is none of service_account, authorized_user, \
                 impersonated_service_account, external_account",
                other.escape_debug().take(100).collect::<String>()
            )),
        }
    }

    /// Who it is, for people.
    pub(super) fn who(&self) -> String {
        match self {
            Self::ServiceAccount(key) => format!("the service account {}", key.client_email),
            Self::Person(person) => match person.email() {
                Some(email) => format!("the person {email}"),
                None => "a person (authorized_user)".to_owned(),
            },
            Self::External(external) => match external.audience() {
                Some(audience) => format!("an external account of {audience}"),
                None => "an external account".to_owned(),
            },
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::ServiceAccount(_) => "service_account",
            Self::Person(_) => "authorized_user",
            Self::External(_) => "external_account",
        }
    }

    pub(super) fn email(&self) -> Option<&str> {
        match self {
            Self::ServiceAccount(key) => Some(&key.client_email),
            Self::Person(person) => person.email(),
            Self::External(external) => {
                external.impersonation_url.as_deref().map(service_account_in)
            }
        }
    }

    pub(super) fn quota_project(&self) -> Option<&str> {
        match self {
            Self::ServiceAccount(key) => key.quota_project_id.as_deref(),
            Self::Person(person) => person.quota_project_id.as_deref(),
            Self::External(external) => external.quota_project_id.as_deref(),
        }
    }
}

impl Person {
    fn email(&self) -> Option<&str> {
        self.account.as_deref().filter(|email| !email.is_empty())
    }
}

impl External {
    fn audience(&self) -> Option<&str> {
        self.json.get("audience")?.as_str()
    }
}

/// The service account that the URL of an impersonation names.
pub(super) fn service_account_in(url: &str) -> &str {
    let name = url.rsplit('/').next().unwrap_or(url);
    name.split_once(':').map_or(name, |(name, _)| name)
}

fn kind(json: &Value) -> Result<&str, String> {
    let kind = json.get("type").and_then(Value::as_str);
    kind.ok_or_else(|| "has no type".to_owned())
}

fn fields<T: DeserializeOwned>(json: Value) -> Result<T, String> {
    serde_json::from_value(json).map_err(|error| {
        let text = error.to_string();
        // Other texts quote what is there.
        if text.starts_with("missing field") {
            format!("has a {text}")
        } else {
            "has a field of the wrong kind".to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<CredentialsFile, String> {
        CredentialsFile::parse(Path::new("/g.json"), json.as_bytes())
    }

    #[test]
    fn what_is_wrong_is_told_without_what_is_there() {
        for (json, told) in [
            ("", "is no JSON: see line 1"),
            ("{\"type\":\"service_account\",\"private_key\":\"hunter2", "is no JSON"),
            ("[\"hunter2\"]", "has no type"),
            ("{\"type\":\"gdch_service_account\"}", "gdch_service_account"),
            (
                r#"{"type":"service_account","client_email":"a@b"}"#,
                "has a missing field `private_key`",
            ),
            (
                r#"{"type":"authorized_user","client_id":"i","client_secret":["hunter2"],
                    "refresh_token":"hunter2"}"#,
                "wrong kind",
            ),
            (
                r#"{"type":"impersonated_service_account","service_account_impersonation_url":"u"}"#,
                "lacks source_credentials",
            ),
            (
                r#"{"type":"impersonated_service_account","service_account_impersonation_url":"u",
                    "source_credentials":{"type":"impersonated_service_account"}}"#,
                "has source_credentials, which has the type 'impersonated_service_account'",
            ),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.starts_with("the credentials file /g.json "), "{error}");
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn secrets_do_not_show_themselves() {
        for json in [
            r#"{"type":"service_account","client_email":"a@b","private_key":"hunter2"}"#,
            r#"{"type":"authorized_user","client_id":"hunter2","client_secret":"hunter2",
                "refresh_token":"hunter2"}"#,
            r#"{"type":"external_account","audience":"a","client_secret":"hunter2"}"#,
        ] {
            let shown = format!("{:?}", parse(json).unwrap());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn an_impersonated_account_is_read_from_its_url() {
        let url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/\
                   a@p.iam.gserviceaccount.com:generateAccessToken";
        assert_eq!(service_account_in(url), "a@p.iam.gserviceaccount.com");
    }
}
