//! What narrowed credentials can do below the base location, and what they cannot outside.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use merak_model::Location;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use uuid::Uuid;

use super::advice::Advice;
use super::walk::{NO_ANSWER, Walk};
use crate::Error;
use crate::io::store_error;

/// What is written.
pub(super) const CONTENT: &[u8] = b"Merak's doctor was here, and should have removed this.\n";

/// All steps of a probe, in order.
pub(super) const STEPS: [&str; 5] = [LIST, WRITE, READ, DELETE, REFUSED_OUTSIDE];
const LIST: &str = "list";
const WRITE: &str = "write";
const READ: &str = "read";
const DELETE: &str = "delete";
pub(super) const REFUSED_OUTSIDE: &str = "refused-outside";

/// How long removing may take after the time of the diagnosis is over.
pub(super) const TIDYING_TAKES: Duration = Duration::from_secs(5);

/// Where the doctor writes, and where it must not be able to.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The folder that credentials are for.
    pub(super) folder: Location,
    /// A file in it.
    pub(super) inside: Location,
    /// A file in a folder beside it, whose name begins with the other's: what is narrowed by a
    /// prefix that does not end at a path boundary opens it.
    pub(super) outside: Location,
}

impl Places {
    /// Fresh places below a catalog's base location, or why they have no names.
    pub(super) fn below(base: &Location) -> Result<Self, String> {
        let name = format!(".merak-doctor-{}", Uuid::new_v4().simple());
        let child = |location: &Location, name: &str| {
            location.child(name).map_err(|error| error.to_string())
        };
        let folder = child(base, &name)?;
        let inside = child(&folder, "probe")?;
        let outside = child(&child(base, &format!("{name}-outside"))?, "probe")?;
        Ok(Self { folder, inside, outside })
    }
}

/// What is said of a step that failed.
pub(super) type Advise<'a> = &'a (dyn Fn(&str, &str) -> Advice + Send + Sync);

/// How credentials that reach too far are judged.
#[derive(Debug)]
pub(super) enum TooWide {
    /// They should have been refused.
    Failure,
    /// The cloud cannot do better here: what is to be known about that.
    Known(Advice),
}

/// Tries narrowed credentials, and removes what they wrote.
pub(super) async fn examine(
    walk: &mut Walk,
    store: &Arc<dyn ObjectStore>,
    places: &Places,
    advise: Advise<'_>,
    too_wide: TooWide,
) {
    let Some((folder, inside, outside)) = keys(places) else {
        walk.skip_all(&STEPS, "configuration");
        return;
    };
    let said = |error: object_store::Error, place: &Location| {
        store_error(&error, place.as_str()).to_string()
    };
    let listed = walk.step(LIST, |text| advise(LIST, text), async {
        let mut found = store.list(Some(&folder));
        found.try_next().await.map_err(|error| said(error, &places.folder))?;
        Ok(((), format!("{} was listed", places.folder)))
    });
    let listed = listed.await.is_some();
    let written = walk.step(WRITE, |text| advise(WRITE, text), async {
        let put = store.put(&inside, CONTENT.into()).await;
        put.map_err(|error| said(error, &places.inside))?;
        Ok(((), format!("{} was written", places.inside)))
    });
    let written = written.await.is_some();
    if written {
        let read = walk.step(READ, |text| advise(READ, text), async {
            let answer = store.get(&inside).await.map_err(|error| said(error, &places.inside))?;
            let content = answer.bytes().await.map_err(|error| said(error, &places.inside))?;
            if content != CONTENT {
                return Err("what was read is not what was written".to_owned());
            }
            Ok(((), "it was read".to_owned()))
        });
        _ = read.await;
        let deleted = walk.step(DELETE, |text| advise(DELETE, text), async {
            store.delete(&inside).await.map_err(|error| said(error, &places.inside))?;
            Ok(((), "it was removed".to_owned()))
        });
        if deleted.await.is_none() {
            remove(store, &inside).await;
        }
    } else {
        walk.skip_all(&[READ, DELETE], WRITE);
        // It may have been written all the same.
        remove(store, &inside).await;
    }
    if listed || written {
        check_outside(walk, store, places, &outside, advise, too_wide).await;
    } else {
        let why = "not tried: credentials that are refused everywhere prove nothing";
        walk.skip(REFUSED_OUTSIDE, why);
    }
}

/// Removes folders that a store keeps when nothing is in them.
pub(super) async fn remove_folders(store: &Arc<dyn ObjectStore>, places: &Places) {
    let of_outside = places.outside.path().rsplit_once('/').map(|(folder, _)| folder);
    for folder in [Some(places.folder.path()), of_outside].into_iter().flatten() {
        if let Ok(key) = Path::parse(folder) {
            // Whether it goes is of no consequence: it is empty, and hidden by its name.
            _ = tokio::time::timeout(TIDYING_TAKES, store.delete(&key)).await;
        }
    }
}

/// Keys as they stand: `Path::from` would change them.
fn keys(places: &Places) -> Option<(Path, Path, Path)> {
    let key = |location: &Location| Path::parse(location.path()).ok();
    Some((key(&places.folder)?, key(&places.inside)?, key(&places.outside)?))
}

/// What came of an attempt outside.
enum Attempt {
    Refused,
    /// It went through, or would have if there had been something.
    Reached,
    Unclear(String),
}

async fn check_outside(
    walk: &mut Walk,
    store: &Arc<dyn ObjectStore>,
    places: &Places,
    outside: &Path,
    advise: Advise<'_>,
    too_wide: TooWide,
) {
    let judge = |result: Result<(), object_store::Error>| match result {
        Ok(()) => Attempt::Reached,
        Err(error) => match store_error(&error, places.outside.as_str()) {
            // What a listing is refused with has no kind of its own.
            Error::Denied { .. } | Error::Refused { status: Some(401 | 403), .. } => {
                Attempt::Refused
            }
            // Whoever is told that a file is missing could have read it.
            Error::NotFound { .. } => Attempt::Reached,
            error @ (Error::AlreadyExists { .. }
            | Error::Refused { .. }
            | Error::TooLarge { .. }
            | Error::Malformed { .. }
            | Error::NoCredentials { .. }
            | Error::Unsupported(_)
            | Error::Timeout { .. }
            | Error::Unavailable { .. }) => Attempt::Unclear(error.to_string()),
        },
    };
    let attempts = async {
        let put = store.put(outside, CONTENT.into()).await.map(drop);
        let get = store.get(outside).await.map(drop);
        let count = outside.parts().count();
        let folder: Path = outside.parts().take(count.saturating_sub(1)).collect();
        let list = store.list(Some(&folder)).try_next().await.map(drop);
        [("written", judge(put)), ("read", judge(get)), ("listed", judge(list))]
    };
    let attempts = tokio::time::timeout_at(walk.deadline(), attempts).await;
    let Ok(attempts) = attempts else {
        remove(store, outside).await;
        walk.fail(REFUSED_OUTSIDE, NO_ANSWER, advise(REFUSED_OUTSIDE, NO_ANSWER));
        return;
    };
    if !matches!(attempts[0].1, Attempt::Refused) {
        remove(store, outside).await;
    }
    let reached: Vec<_> = attempts
        .iter()
        .filter(|(_, attempt)| matches!(attempt, Attempt::Reached))
        .map(|(done, _)| *done)
        .collect();
    if !reached.is_empty() {
        let said = format!(
            "with credentials for {} alone, {} could be {}",
            places.folder,
            places.outside,
            reached.join(" and ")
        );
        match too_wide {
            TooWide::Known(known) => walk.warn(REFUSED_OUTSIDE, said, known),
            TooWide::Failure => {
                let told = advise(REFUSED_OUTSIDE, &said);
                walk.fail(REFUSED_OUTSIDE, said, told);
            }
        }
        return;
    }
    let unclear = attempts.iter().find_map(|(_, attempt)| match attempt {
        Attempt::Unclear(said) => Some(said),
        Attempt::Refused | Attempt::Reached => None,
    });
    match unclear {
        Some(said) => {
            let told = Advice::new("The store neither did it nor refused it for want of rights")
                .say("Ask again: whether credentials are narrow is not known yet");
            walk.warn(REFUSED_OUTSIDE, said.clone(), told);
        }
        None => walk.pass(
            REFUSED_OUTSIDE,
            format!("writing, reading and listing {} were refused", places.outside),
        ),
    }
}

/// Removes what may be there, also after the time is over.
async fn remove(store: &Arc<dyn ObjectStore>, key: &Path) {
    let removed = tokio::time::timeout(TIDYING_TAKES, store.delete(key)).await;
    match removed {
        Ok(Ok(()) | Err(object_store::Error::NotFound { .. })) => {}
        Ok(Err(_)) | Err(_) => {
            tracing::warn!(%key, "a file of the doctor's may have been left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;
    use crate::doctor::{Diagnosis, Outcome};

    async fn examined(store: &Arc<dyn ObjectStore>, too_wide: TooWide) -> Diagnosis {
        let base = Location::parse("s3://lake/db/sales").unwrap();
        let places = Places::below(&base).unwrap();
        let mut walk = Walk::new(Duration::from_secs(5));
        let advise = |step: &str, said: &str| Advice::new(format!("{step}: {said}"));
        examine(&mut walk, store, &places, &advise, too_wide).await;
        walk.diagnosis()
    }

    #[tokio::test]
    async fn a_store_that_lets_everything_through_is_too_wide_and_left_clean() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());

        let diagnosis = examined(&store, TooWide::Failure).await;

        let outcomes: Vec<_> = diagnosis.steps.iter().map(|step| step.outcome).collect();
        let passed = Outcome::Passed;
        assert_eq!(outcomes, [passed, passed, passed, passed, Outcome::Failed]);
        let said = &diagnosis.steps[4].detail;
        assert!(said.ends_with("could be written and read and listed"), "{said}");
        let left: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }

    #[tokio::test]
    async fn what_a_cloud_cannot_narrow_deserves_attention_and_is_no_failure() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());

        let diagnosis = examined(&store, TooWide::Known(Advice::new("flat"))).await;

        assert!(diagnosis.healthy);
        assert_eq!(diagnosis.steps[4].outcome, Outcome::Warning);
        assert_eq!(diagnosis.steps[4].cause.as_deref(), Some("flat"));
    }

    #[test]
    fn the_folder_outside_begins_with_the_name_of_the_one_inside() {
        let base = Location::parse("s3://lake").unwrap();

        let places = Places::below(&base).unwrap();

        assert!(places.outside.path().starts_with(places.folder.path()), "{places:?}");
        assert!(!places.folder.contains(&places.outside), "{places:?}");
        assert!(places.folder.contains(&places.inside), "{places:?}");
    }
}
