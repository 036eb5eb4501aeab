//! The bearer token that the policy service knows the server by.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use merak_model::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;

use crate::{Credentials, TokenFile};

/// No token is longer than that.
const MAX_BYTES: u64 = 64 * 1024;

/// A token that ends sooner than that is not read again for its end alone, as in Polaris.
const LEAST_LEFT_MS: i64 = 1000;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the token file {} cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// There is nothing in it, or more than any token has.
    #[error("there is no token in the file {}", .0.display())]
    Absent(PathBuf),
}

/// Where the token is had from.
#[derive(Debug)]
pub(crate) enum TokenSource {
    Nowhere,
    Fixed(SecretString),
    File(FileSource),
}

/// A token in a file, which is read when one is needed and the last one is old.
#[derive(Debug)]
pub(crate) struct FileSource {
    settings: TokenFile,
    clock: Arc<dyn Clock>,
    last: Mutex<Option<Last>>,
}

#[derive(Debug, Clone)]
struct Last {
    token: SecretString,
    /// From when to when it is not looked whether there is another.
    kept_ms: std::ops::Range<i64>,
}

impl TokenSource {
    pub(crate) fn new(credentials: Credentials, clock: Arc<dyn Clock>) -> Self {
        match credentials {
            Credentials::None => Self::Nowhere,
            Credentials::Token(token) => Self::Fixed(token),
            Credentials::TokenFile(settings) => {
                Self::File(FileSource { settings, clock, last: Mutex::default() })
            }
        }
    }

    /// The token to show, if one is to be shown.
    pub(crate) async fn token(&self) -> Result<Option<SecretString>, TokenError> {
        match self {
            Self::Nowhere => Ok(None),
            Self::Fixed(token) => Ok(Some(token.clone())),
            Self::File(file) => file.token().await.map(Some),
        }
    }
}

impl FileSource {
    async fn token(&self) -> Result<SecretString, TokenError> {
        let now_ms = self.clock.now_ms();
        let known = self.begin(now_ms);
        if let Some(Last { token, kept_ms }) = &known
            && kept_ms.contains(&now_ms)
        {
            return Ok(token.clone());
        }
        match (read(&self.settings.path).await, known) {
            (Ok(token), _) => {
                let kept_ms = now_ms..self.look_again_ms(&token, now_ms);
                let last = Last { token: token.clone(), kept_ms };
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
                Ok(token)
            }
            // It may still be good, and whoever renews it may be at it.
            (Err(error), Some(Last { token, .. })) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the token for the policy service cannot be renewed");
                Ok(token)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The last token. If it is to be looked for another, that is for whoever comes first: meanwhile
    /// others go on with the one there is.
    fn begin(&self, now_ms: i64) -> Option<Last> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.clone();
        if let Some(last) = last.as_mut().filter(|last| !last.kept_ms.contains(&now_ms)) {
            last.kept_ms = now_ms..now_ms.saturating_add(millis(self.settings.retry_interval));
        }
        known
    }

    fn look_again_ms(&self, token: &SecretString, now_ms: i64) -> i64 {
        let settings = &self.settings;
        let ends_ms = expiry_ms(token).filter(|_| settings.follows_expiry);
        let in_time = ends_ms.map(|ends| ends.saturating_sub(millis(settings.expiry_buffer)));
        in_time
            .filter(|in_time| *in_time >= now_ms.saturating_add(LEAST_LEFT_MS))
            .unwrap_or_else(|| now_ms.saturating_add(millis(settings.refresh_interval)))
    }
}

async fn read(path: &Path) -> Result<SecretString, TokenError> {
    let unreadable = |error| TokenError::Unreadable(path.to_owned(), error);
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut text = String::new();
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text).await.map_err(unreadable)?;
    let token = text.trim();
    if token.is_empty() || read as u64 > MAX_BYTES {
        return Err(TokenError::Absent(path.to_owned()));
    }
    Ok(SecretString::from(token))
}

/// When a token ends, if it is a JWT that says so. Whether it is genuine is for those to find out
/// who are shown it.
#[expect(clippy::disallowed_methods, reason = "its end is read, and nothing else")]
fn expiry_ms(token: &SecretString) -> Option<i64> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let mut parts = token.expose_secret().split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "what is out of range ends at its end")]
    Some((exp * 1000.0) as i64)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tokens are made up")]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const MINUTE: i64 = 60_000;

    #[derive(Debug)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    /// A file with a token, which is removed at the end.
    struct World {
        path: PathBuf,
        clock: Arc<Hand>,
        source: FileSource,
    }

    impl World {
        fn new(follows_expiry: bool) -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let nth = COUNT.fetch_add(1, Ordering::SeqCst);
            let name = format!("merak-opa-token-{}-{nth}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let settings = TokenFile {
                path: path.clone(),
                refresh_interval: Duration::from_mins(5),
                follows_expiry,
                expiry_buffer: Duration::from_mins(1),
                retry_interval: Duration::from_secs(1),
            };
            let clock = Arc::new(Hand(AtomicI64::new(NOW)));
            let dyn_clock = Arc::<Hand>::clone(&clock);
            let source = FileSource { settings, clock: dyn_clock, last: Mutex::default() };
            Self { path, clock, source }
        }

        fn write(&self, token: &str) {
            std::fs::write(&self.path, token).unwrap();
        }

        async fn at(&self, later_ms: i64) -> String {
            self.clock.0.store(NOW + later_ms, Ordering::SeqCst);
            match self.source.token().await {
                Ok(token) => token.expose_secret().to_owned(),
                Err(error) => error.to_string(),
            }
        }
    }

    impl Drop for World {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[tokio::test]
    async fn a_token_is_read_again_after_the_interval_and_without_blanks() {
        let world = World::new(true);
        world.write(" first\n");
        assert_eq!(world.at(0).await, "first");
        world.write("second\n");

        assert_eq!(world.at(5 * MINUTE - 1).await, "first");
        assert_eq!(world.at(5 * MINUTE).await, "second");
    }

    #[tokio::test]
    async fn a_token_that_says_when_it_ends_is_replaced_before_that() {
        let world = World::new(true);
        let first = jwt(&format!(r#"{{"exp": {}}}"#, (NOW + 20 * MINUTE) / 1000));
        world.write(&first);
        assert_eq!(world.at(0).await, first);
        world.write("second");

        assert_eq!(world.at(19 * MINUTE - 1).await, first);
        assert_eq!(world.at(19 * MINUTE).await, "second");
    }

    #[tokio::test]
    async fn unless_asked_for_the_end_of_a_token_does_not_count() {
        let world = World::new(false);
        let first = jwt(&format!(r#"{{"exp": {}}}"#, (NOW + 20 * MINUTE) / 1000));
        world.write(&first);
        assert_eq!(world.at(0).await, first);
        world.write("second");

        assert_eq!(world.at(5 * MINUTE).await, "second");
    }

    #[tokio::test]
    async fn the_end_does_not_count_of_what_ends_too_soon_or_does_not_say() {
        for claims in [
            format!(r#"{{"exp": {}}}"#, (NOW + MINUTE) / 1000),
            format!(r#"{{"exp": {}}}"#, (NOW - MINUTE) / 1000),
            r#"{"exp": "never"}"#.to_owned(),
            "{}".to_owned(),
            "no JSON".to_owned(),
        ] {
            let world = World::new(true);
            world.write(&jwt(&claims));
            let first = world.at(0).await;
            world.write("second");

            assert_eq!(world.at(5 * MINUTE - 1).await, first, "{claims}");
            assert_eq!(world.at(5 * MINUTE).await, "second", "{claims}");
        }
    }

    #[tokio::test]
    async fn while_there_is_none_the_last_token_serves_and_it_is_tried_again_each_second() {
        let world = World::new(true);
        world.write("first");
        assert_eq!(world.at(0).await, "first");
        std::fs::remove_file(&world.path).unwrap();

        assert_eq!(world.at(5 * MINUTE).await, "first");
        world.write("second");
        assert_eq!(world.at(5 * MINUTE + 999).await, "first");
        assert_eq!(world.at(5 * MINUTE + 1000).await, "second");
    }

    #[tokio::test]
    async fn without_any_token_there_is_an_error_until_there_is_one() {
        let world = World::new(true);
        assert!(world.at(0).await.ends_with("cannot be read"));
        world.write(" \n");
        assert!(world.at(0).await.starts_with("there is no token in the file"));
        world.write(&"x".repeat(64 * 1024 + 1));
        assert!(world.at(0).await.starts_with("there is no token in the file"));

        world.write("first");

        assert_eq!(world.at(0).await, "first");
    }

    #[tokio::test]
    async fn a_clock_that_is_put_back_does_not_keep_a_token() {
        let world = World::new(true);
        world.write("first");
        assert_eq!(world.at(0).await, "first");
        world.write("second");

        assert_eq!(world.at(-60 * MINUTE).await, "second");
    }
}
