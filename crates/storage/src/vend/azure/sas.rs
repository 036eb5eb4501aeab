//! The signature of a user delegation SAS: which parameters it has, and the text they are signed as.
//!
//! Pure. The forms of the text are those of Microsoft's own signers: the tests hold what these made
//! of the same inputs, for each version that is accepted here.
//! See <https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas>.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::delegation_key::UserDelegationKey;

/// All but what RFC 3986 leaves unreserved: no client decodes that differently.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A version of Azure's signatures whose form is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SasVersion {
    name: &'static str,
    form: Form,
}

/// What is signed that we leave empty. A line too few or too many, and nothing is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    /// As from 2020-12-06.
    Plain,
    /// Two lines for the user that the SAS is bound to.
    WithUser,
    /// These, and two lines for headers and query parameters that requests must have.
    WithRequest,
}

/// The versions that a Microsoft SDK was seen to sign with.
const VERSIONS: [SasVersion; 7] = [
    SasVersion { name: "2025-05-05", form: Form::Plain },
    SasVersion { name: "2025-07-05", form: Form::WithUser },
    SasVersion { name: "2025-11-05", form: Form::WithUser },
    SasVersion { name: "2026-02-06", form: Form::WithUser },
    SasVersion { name: "2026-04-06", form: Form::WithRequest },
    SasVersion { name: "2026-06-06", form: Form::WithRequest },
    SasVersion { name: "2026-10-06", form: Form::WithRequest },
];

impl SasVersion {
    /// The version of that name, if its form is known. A guess at another's would make signatures
    /// that are refused without a reason.
    pub fn parse(name: &str) -> Option<Self> {
        VERSIONS.into_iter().find(|version| version.name == name)
    }

    /// Its name, such as `2025-07-05`.
    pub fn as_str(self) -> &'static str {
        self.name
    }
}

impl Default for SasVersion {
    /// The newest that every store verifies that we know of, emulators included. Newer ones sign
    /// more fields, all of which we leave empty.
    fn default() -> Self {
        VERSIONS[1]
    }
}

impl fmt::Display for SasVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a SAS says, but for the key it is signed with. It has no start (`st`): it is good from when
/// it is first shown, however the clocks differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) version: SasVersion,
    pub(super) account: String,
    pub(super) container: String,
    /// Without slashes at either end. Nothing for the whole container.
    pub(super) directory: Option<String>,
    /// Letters, in the order that Azure wants.
    pub(super) permissions: &'static str,
    pub(super) protocol: &'static str,
    /// As `2026-01-01T00:00:00Z`.
    pub(super) expiry: String,
}

/// A SAS.
#[derive(Debug, Clone)]
pub(super) struct Sas {
    /// The query string, without a question mark.
    pub(super) query: SecretString,
    /// The beginning of its signature's hash, which tells it from others. Not a secret.
    pub(super) hash: String,
}

impl Terms {
    /// The parameters that do not come from the key.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("sv", self.version.name.to_owned()),
            ("sp", self.permissions.to_owned()),
            ("se", self.expiry.clone()),
            ("spr", self.protocol.to_owned()),
            ("sr", self.resource().to_owned()),
        ];
        if let Some(directory) = &self.directory {
            parameters.push(("sdd", directory.split('/').count().to_string()));
        }
        parameters
    }

    fn resource(&self) -> &'static str {
        if self.directory.is_some() { "d" } else { "c" }
    }

    /// Signs. It is refused where a line break would let one field pass for two.
    pub(super) fn sign(&self, key: &UserDelegationKey) -> Result<Sas, &'static str> {
        let text = self.string_to_sign(key)?;
        let signature = STANDARD.encode(hmac::sign(&key.value, text.as_bytes()).as_ref());
        let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(signature.as_bytes())[..9]);
        let mut parameters = self.parameters();
        parameters.extend([
            ("skoid", key.oid.clone()),
            ("sktid", key.tid.clone()),
            ("skt", key.start.clone()),
            ("ske", key.expiry.clone()),
            ("sks", key.service.clone()),
            ("skv", key.version.clone()),
            ("sig", signature),
        ]);
        let pairs = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED)));
        let query = pairs.collect::<Vec<_>>().join("&").into();
        Ok(Sas { query, hash })
    }

    fn string_to_sign(&self, key: &UserDelegationKey) -> Result<String, &'static str> {
        let resource = match &self.directory {
            Some(directory) => format!("/blob/{}/{}/{directory}", self.account, self.container),
            None => format!("/blob/{}/{}", self.account, self.container),
        };
        let start = "";
        let mut lines = vec![
            self.permissions,
            start,
            &self.expiry,
            &resource,
            &key.oid,
            &key.tid,
            &key.start,
            &key.expiry,
            &key.service,
            &key.version,
        ];
        // Object ids to check access lists for, and a correlation id.
        lines.extend([""; 3]);
        match self.version.form {
            Form::Plain => {}
            Form::WithUser | Form::WithRequest => lines.extend([""; 2]),
        }
        let addresses = "";
        lines.extend([addresses, self.protocol, self.version.name, self.resource()]);
        // The time of a snapshot, and an encryption scope.
        lines.extend([""; 2]);
        match self.version.form {
            Form::Plain | Form::WithUser => {}
            Form::WithRequest => lines.extend([""; 2]),
        }
        // Five headers that answers could be made to have.
        lines.extend([""; 5]);
        if lines.iter().any(|line| line.contains(['\n', '\r'])) {
            return Err("a line break cannot be signed");
        }
        Ok(lines.join("\n"))
    }
}
