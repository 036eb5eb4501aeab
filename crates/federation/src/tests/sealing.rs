//! Secrets at rest.

use std::path::PathBuf;

use merak_model::connection::Sealed;
use merak_model::{EntityId, RealmId};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{KeyRing, KeyRingError, OpenError};

const A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const B: &str = "b:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
/// Another key of the same name.
const OTHER_A: &str = "a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const CATALOG: EntityId = EntityId(7);

fn ring(keys: &[&str]) -> KeyRing {
    KeyRing::given(&SecretString::from(keys.join(","))).unwrap()
}

fn realm() -> RealmId {
    RealmId::new("POLARIS")
}

fn seal(ring: &KeyRing, secret: &str) -> Sealed {
    ring.seal(&realm(), CATALOG, "f", &secret.into()).unwrap()
}

fn open(ring: &KeyRing, sealed: &Sealed) -> Result<String, OpenError> {
    let opened = ring.open(&realm(), CATALOG, "f", sealed)?;
    Ok(opened.expose_secret().to_owned())
}

#[test]
fn a_secret_is_opened_as_it_was_sealed_and_is_not_in_what_is_kept() {
    let ring = ring(&[A]);
    let sealed = seal(&ring, "hunter5 ä");

    assert_eq!(open(&ring, &sealed).unwrap(), "hunter5 ä");
    assert!(sealed.as_str().starts_with("v1:a:"));
    assert!(!sealed.as_str().contains("hunter"));
    // A nonce is never used twice.
    assert_ne!(seal(&ring, "hunter5 ä").as_str(), sealed.as_str());
    assert!(!format!("{ring:?}").contains("AAAA"));
}

#[test]
fn a_secret_is_opened_only_where_it_belongs() {
    let ring = ring(&[A]);
    let sealed = seal(&ring, "hunter5");

    for (realm, catalog, field) in
        [("other", CATALOG, "f"), ("POLARIS", EntityId(8), "f"), ("POLARIS", CATALOG, "g")]
    {
        let opened = ring.open(&RealmId::new(realm), catalog, field, &sealed);
        assert!(matches!(opened, Err(OpenError::WrongKey(_))), "{opened:?}");
    }
}

#[test]
fn after_a_rotation_the_new_key_seals_and_the_old_one_opens() {
    let before = seal(&ring(&[A]), "hunter5");
    let both = ring(&[B, A]);

    assert_eq!(open(&both, &before).unwrap(), "hunter5");
    let after = seal(&both, "hunter5");
    assert!(after.as_str().starts_with("v1:b:"));
    assert_eq!(open(&ring(&[B]), &after).unwrap(), "hunter5");
    let told = open(&ring(&[B]), &before).unwrap_err().to_string();
    assert!(told.contains("the key `a`, which this server does not have"), "{told}");
}

#[test]
fn another_key_of_the_same_name_and_changed_bytes_are_noticed() {
    let sealed = seal(&ring(&[A]), "hunter5");
    let told = open(&ring(&[OTHER_A]), &sealed).unwrap_err().to_string();
    assert!(told.starts_with("the key `a` does not open it"), "{told}");

    let mut changed = sealed.as_str().to_owned();
    let last = if changed.ends_with("A=") { "B=" } else { "A=" };
    changed.replace_range(changed.len() - 2.., last);
    for text in [&*changed, "v1:a:", "v1:a:AAAA", "v2:a:x", "x", "", "v1:a:not base64"] {
        assert!(open(&ring(&[A]), &Sealed::new(text)).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_key_is_refused_without_being_shown() {
    for text in [
        "",
        "a",
        "a:",
        ":AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
        "a/b:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        &format!("{A} {OTHER_A}"),
        &format!("{}:{}", "x".repeat(65), A.trim_start_matches("a:")),
    ] {
        let told = KeyRing::given(&text.into()).unwrap_err().to_string();
        assert!(!told.contains("AAAA") && !told.contains("AQEB"), "{told}");
    }
}

#[test]
fn without_a_key_nothing_is_sealed_and_it_is_said_what_to_set() {
    let sealed = KeyRing::none().seal(&realm(), CATALOG, "f", &"hunter5".into());

    let Err(error @ KeyRingError::NoKey) = sealed else { panic!("{sealed:?}") };
    assert!(error.to_string().contains("merak.secrets.encryption-keys"));
}

/// A folder that is removed with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let mut name = [0; 8];
        aws_lc_rs::rand::fill(&mut name).unwrap();
        let name = format!("merak-keys-{:016x}", u64::from_be_bytes(name));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_key_file_is_made_when_it_is_needed_for_its_owner_only() {
    let folder = Folder::new();
    let path = folder.0.join("secrets.key");
    let ring = KeyRing::none().with_own_file(path.clone());
    assert!(open(&ring, &Sealed::new("v1:a:AAAA")).is_err());
    assert!(!path.exists());

    let sealed = seal(&ring, "hunter5");

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // After a restart, it is there.
    let again = KeyRing::none().with_own_file(path.clone());
    assert_eq!(open(&again, &sealed).unwrap(), "hunter5");
    assert_eq!(open(&again, &seal(&again, "hunter6")).unwrap(), "hunter6");
    // And where keys are set later, what was sealed before is still opened.
    let given = ring_with(&[B], &path);
    assert!(seal(&given, "x").as_str().starts_with("v1:b:"));
    assert_eq!(open(&given, &sealed).unwrap(), "hunter5");
}

fn ring_with(keys: &[&str], path: &std::path::Path) -> KeyRing {
    ring(keys).with_own_file(path.to_owned())
}

#[test]
fn a_key_file_that_cannot_be_used_is_not_replaced() {
    let folder = Folder::new();
    let path = folder.0.join("secrets.key");
    std::fs::write(&path, "nonsense").unwrap();
    let ring = KeyRing::none().with_own_file(path.clone());

    let sealed = ring.seal(&realm(), CATALOG, "f", &"hunter5".into());

    assert!(matches!(sealed, Err(KeyRingError::Malformed { nth: 1 })), "{sealed:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "nonsense");
}
