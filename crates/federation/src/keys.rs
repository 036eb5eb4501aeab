//! The keys that secrets are sealed with.
//!
//! AES-256-GCM, with a fresh nonce each time. What a secret belongs to is associated with it, so
//! that it cannot be opened in another place than it was sealed for.

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use merak_model::connection::Sealed;
use merak_model::{EntityId, RealmId};
use secrecy::{ExposeSecret as _, SecretString};

/// What sealed texts begin with, so that their form can change.
const VERSION: &str = "v1";
const KEY_BYTES: usize = 32;
/// A key's id is part of sealed texts, and never long.
const MAX_ID: usize = 64;

/// The keys that secrets are sealed with: the first one seals, and all of them open.
pub struct KeyRing {
    given: Vec<Key>,
    file: KeyFile,
}

/// Keys beside those that were given.
enum KeyFile {
    None,
    /// A file that is made when the first secret is sealed, and what was found in it.
    Own(PathBuf, Mutex<Option<Vec<Key>>>),
}

struct Key {
    id: String,
    cipher: RandomizedNonceKey,
}

/// Why keys cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyRingError {
    /// A key is not `id:base64`.
    #[error(
        "key {nth} is not `<id>:<base64 of 32 bytes>`, with letters, digits, `-`, `_` and `.` in \
         the id; `openssl rand -base64 32` makes one"
    )]
    Malformed {
        /// Which of them, counted from 1.
        nth: usize,
    },
    /// Two keys have one id.
    #[error("two keys are called `{0}`")]
    Twice(String),
    /// There are none.
    #[error("there is no key")]
    Empty,
    /// Their file cannot be read or made.
    #[error("the key file {} cannot be used: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// No key is there to seal with.
    #[error(
        "a secret cannot be kept without a key to encrypt it with: set merak.secrets.encryption-keys"
    )]
    NoKey,
    /// The cipher failed.
    #[error("the secret cannot be encrypted")]
    Cipher,
}

/// Why a secret cannot be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// Its key is not there.
    #[error(
        "it was encrypted with the key `{0}`, which this server does not have: see \
         merak.secrets.encryption-keys"
    )]
    UnknownKey(String),
    /// It was sealed for another place, with another key of the same id, or changed.
    #[error(
        "the key `{0}` does not open it: another key of that name encrypted it, or it was changed"
    )]
    WrongKey(String),
    /// It is nothing that was sealed.
    #[error("it is not in the form of an encrypted secret")]
    Malformed,
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
}

impl KeyRing {
    /// No keys: nothing is sealed, and nothing opened.
    pub fn none() -> Self {
        Self { given: Vec::new(), file: KeyFile::None }
    }

    /// These keys, each `id:base64`, with commas, blanks or line ends between them.
    pub fn given(text: &SecretString) -> Result<Self, KeyRingError> {
        Ok(Self { given: parse(text)?, file: KeyFile::None })
    }

    /// A key that is forgotten at the end.
    pub fn for_this_process() -> Result<Self, KeyRingError> {
        Self::given(&new_key()?)
    }

    /// Uses those of a file, too, which is made when the first secret is sealed and there is no
    /// other key.
    #[must_use]
    pub fn with_own_file(self, path: PathBuf) -> Self {
        Self { file: KeyFile::Own(path, Mutex::default()), ..self }
    }

    /// Encrypts a secret of a catalog, which belongs in such a field.
    pub fn seal(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        field: &str,
        secret: &SecretString,
    ) -> Result<Sealed, KeyRingError> {
        if let Some(key) = self.given.first() {
            return key.seal(realm, catalog, field, secret);
        }
        match &self.file {
            KeyFile::None => Err(KeyRingError::NoKey),
            KeyFile::Own(path, read) => {
                let mut keys = read.lock().unwrap_or_else(PoisonError::into_inner);
                if keys.is_none() {
                    *keys = Some(match read_file(path)? {
                        Some(found) => found,
                        None => make_file(path)?,
                    });
                }
                let key = keys.as_ref().and_then(|keys| keys.first());
                key.ok_or(KeyRingError::NoKey)?.seal(realm, catalog, field, secret)
            }
        }
    }

    /// Decrypts what [`Self::seal`] made for that place.
    pub fn open(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        field: &str,
        sealed: &Sealed,
    ) -> Result<SecretString, OpenError> {
        let mut parts = sealed.as_str().splitn(3, ':');
        let (Some(VERSION), Some(id), Some(text)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(OpenError::Malformed);
        };
        if let Some(key) = self.given.iter().find(|key| key.id == id) {
            return key.open(realm, catalog, field, text);
        }
        let unknown = || OpenError::UnknownKey(id.to_owned());
        match &self.file {
            KeyFile::None => Err(unknown()),
            KeyFile::Own(path, read) => {
                let mut keys = read.lock().unwrap_or_else(PoisonError::into_inner);
                if keys.is_none() {
                    *keys = read_file(path)?;
                }
                let key = keys.iter().flatten().find(|key| key.id == id);
                key.ok_or_else(unknown)?.open(realm, catalog, field, text)
            }
        }
    }
}

impl Key {
    #[expect(clippy::disallowed_methods, reason = "it leaves encrypted")]
    fn seal(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        field: &str,
        secret: &SecretString,
    ) -> Result<Sealed, KeyRingError> {
        let mut text = secret.expose_secret().as_bytes().to_vec();
        let nonce = self
            .cipher
            .seal_in_place_append_tag(self.belongs_to(realm, catalog, field), &mut text)
            .map_err(|_| KeyRingError::Cipher)?;
        let mut bytes = nonce.as_ref().to_vec();
        bytes.extend_from_slice(&text);
        Ok(Sealed::new(format!("{VERSION}:{}:{}", self.id, STANDARD.encode(bytes))))
    }

    fn open(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        field: &str,
        text: &str,
    ) -> Result<SecretString, OpenError> {
        let mut bytes = STANDARD.decode(text).map_err(|_| OpenError::Malformed)?;
        if bytes.len() < NONCE_LEN {
            return Err(OpenError::Malformed);
        }
        let mut sealed = bytes.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).map_err(|_| OpenError::Malformed)?;
        let opened = self
            .cipher
            .open_in_place(nonce, self.belongs_to(realm, catalog, field), &mut sealed)
            .map_err(|_| OpenError::WrongKey(self.id.clone()))?;
        let text = std::str::from_utf8(opened).map_err(|_| OpenError::Malformed)?;
        Ok(SecretString::from(text))
    }

    /// What the secret belongs to. JSON keeps its parts apart, whatever is in them.
    fn belongs_to(&self, realm: &RealmId, catalog: EntityId, field: &str) -> Aad<Vec<u8>> {
        let parts = (VERSION, &self.id, realm.as_str(), catalog.0, field);
        Aad::from(serde_json::to_vec(&parts).expect("texts and numbers have a JSON form"))
    }
}

/// The ids of the keys: they are no secret.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.given.iter().map(|key| &key.id).collect();
        let file = match &self.file {
            KeyFile::None => None,
            KeyFile::Own(path, _) => Some(path),
        };
        f.debug_struct("KeyRing").field("given", &ids).field("file", &file).finish()
    }
}

#[expect(clippy::disallowed_methods, reason = "it goes on to the cipher")]
fn parse(text: &SecretString) -> Result<Vec<Key>, KeyRingError> {
    let mut keys: Vec<Key> = Vec::new();
    let between = |c: char| c.is_whitespace() || c == ',';
    let words = text.expose_secret().split(between).filter(|word| !word.is_empty());
    for (nth, word) in (1..).zip(words) {
        let malformed = || KeyRingError::Malformed { nth };
        let (id, encoded) = word.split_once(':').ok_or_else(malformed)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let bytes = STANDARD.decode(encoded).map_err(|_| malformed())?;
        if id.is_empty() || id.len() > MAX_ID || !id.chars().all(fits) || bytes.len() != KEY_BYTES {
            return Err(malformed());
        }
        if keys.iter().any(|key| key.id == id) {
            return Err(KeyRingError::Twice(id.to_owned()));
        }
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| malformed())?;
        keys.push(Key { id: id.to_owned(), cipher });
    }
    if keys.is_empty() { Err(KeyRingError::Empty) } else { Ok(keys) }
}

/// A new key with an id that no other has.
fn new_key() -> Result<SecretString, KeyRingError> {
    let mut bytes = [0; KEY_BYTES];
    let mut id = [0; 4];
    let random = SystemRandom::new();
    random.fill(&mut bytes).map_err(|_| KeyRingError::Cipher)?;
    random.fill(&mut id).map_err(|_| KeyRingError::Cipher)?;
    let id = u32::from_be_bytes(id);
    Ok(SecretString::from(format!("made-here-{id:08x}:{}", STANDARD.encode(bytes))))
}

fn read_file(path: &Path) -> Result<Option<Vec<Key>>, KeyRingError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&SecretString::from(text)).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, error)),
    }
}

/// Makes the file, for its owner only. It is on the disk before anything is sealed with it.
#[expect(clippy::disallowed_methods, reason = "it goes on to the file that keeps it")]
fn make_file(path: &Path) -> Result<Vec<Key>, KeyRingError> {
    let key = new_key()?;
    let keys = parse(&key)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        writeln!(file, "{}", key.expose_secret())?;
        file.sync_all()
    });
    written.map_err(|error| unusable(path, error))?;
    Ok(keys)
}

fn unusable(path: &Path, error: io::Error) -> KeyRingError {
    KeyRingError::File { path: path.to_owned(), source: Arc::new(error) }
}
