//! Whole configurations.

mod federation;
mod notices;
mod oidc;
mod polaris;
mod problems;
mod sources;

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::reader::Reader;
use super::registry::rows;
use super::{Config, ConfigErrors, Loaded, Notice, Severity, Sources};

/// Sources with nothing in them, below a directory that is not there.
fn nothing() -> Sources {
    Sources { working_dir: PathBuf::from("/nowhere"), ..Sources::default() }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn environment(variables: &[(&str, &str)]) -> Sources {
    Sources { environment: pairs(variables), ..nothing() }
}

/// Sources in a directory of their own, which goes when they go.
struct Folder(Sources);

impl Deref for Folder {
    type Target = Sources;

    fn deref(&self) -> &Sources {
        &self.0
    }
}

impl DerefMut for Folder {
    fn deref_mut(&mut self) -> &mut Sources {
        &mut self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // One that stays is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.working_dir);
    }
}

/// Sources with a `config/application.properties`.
fn file(text: &str) -> Folder {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let working_dir =
        std::env::temp_dir().join(format!("merak-config-{}-{number}", std::process::id()));
    std::fs::create_dir_all(working_dir.join("config")).unwrap();
    std::fs::write(working_dir.join("config/application.properties"), text).unwrap();
    Folder(Sources { working_dir, ..Sources::default() })
}

fn loaded(sources: &Sources) -> Loaded {
    match Config::load(sources) {
        Ok(loaded) => loaded,
        Err(errors) => panic!("{errors}"),
    }
}

fn config(sources: &Sources) -> Config {
    loaded(sources).config
}

fn errors(sources: &Sources) -> ConfigErrors {
    Config::load(sources).expect_err("these sources have problems")
}

fn texts(notices: &[Notice], severity: Severity) -> Vec<&str> {
    let those = notices.iter().filter(|notice| notice.severity == severity);
    those.map(|notice| notice.text.as_str()).collect()
}

#[test]
fn every_registered_setting_is_read() {
    let mut reader = Reader::new(&nothing());
    Config::read(&mut reader);

    let unread: Vec<_> = rows().map(|row| row.key).filter(|k| !reader.asked.contains(k)).collect();
    assert_eq!(unread, Vec::<&str>::new());
}

#[test]
fn every_registered_key_is_known_under_all_its_names_and_may_be_blank() {
    for row in rows() {
        for key in row.keys().chain(row.realm_key) {
            // One that is documented by its placeholder is tried with a name.
            let key = key.replace("<realm>", "POLARIS").replace("<name>", "x");
            let key = key.replace("<category>", "sqlx").replace("<n>", "0");
            for name in [key.clone(), super::keys::environment_form(&key)] {
                let sources = environment(&[(&name, "")]);
                assert_eq!(loaded(&sources).notices, [], "{name}");
            }
        }
    }
}
