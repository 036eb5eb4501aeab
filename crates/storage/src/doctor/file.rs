//! FILE: folders of the server's own disk, which need no credentials.

use std::os::unix::fs::MetadataExt as _;

use merak_model::Location;

use super::advice::file::{FileNames, advise};
use super::probe::{self, Places};
use super::walk::Walk;
use super::{DiagnosisRequest, configuration};
use crate::{Compression, Storage};

/// What the steps leave out, since the disk has nothing of the kind.
const NO_CLOUD: &str = "the server's own disk has no credentials";

pub(super) async fn examine(storage: &Storage, asked: &DiagnosisRequest, walk: &mut Walk) {
    let no_more = |_: &Location| Ok("on the server's own disk, for development".to_owned());
    let Some(base) = configuration::check(asked, walk, no_more) else {
        walk.skip_all(&["identity", "folder", "write", "read", "delete"], "configuration");
        return;
    };
    let names = FileNames { user: user().await, folder: format!("/{}", base.path()) };
    match names.user {
        Some((user, group)) => {
            walk.pass("identity", format!("the server runs as user id {user}, group id {group}"));
        }
        None => walk.skip("identity", "the system does not say as whom the server runs"),
    }
    let advice = |step: &'static str| {
        let names = names.clone();
        move |said: &str| advise(step, said, &names)
    };
    let store = &asked.store;
    let made = walk.step("folder", advice("folder"), async {
        Box::pin(storage.make_folder(store, &base)).await.map_err(|error| error.to_string())?;
        Ok(((), format!("'{}' is there, or could be made", names.folder)))
    });
    if made.await.is_none() {
        walk.skip_all(&["write", "read", "delete"], "folder");
        return;
    }
    let probe = match Places::below(&base) {
        Ok(Places { folder, .. }) => folder,
        Err(said) => {
            let advice = advise("write", &said, &names);
            walk.fail("write", said, advice);
            return;
        }
    };
    let written = walk.step("write", advice("write"), async {
        let created =
            Box::pin(storage.create_metadata(store, &probe, probe::CONTENT, Compression::None));
        created.await.map_err(|error| error.to_string())?;
        Ok(((), format!("{probe} was written")))
    });
    if written.await.is_none() {
        walk.skip_all(&["read", "delete"], "write");
    } else {
        let read = walk.step("read", advice("read"), async {
            match Box::pin(storage.read_metadata(store, &probe)).await {
                Ok(content) if content == probe::CONTENT => Ok(((), "it was read".to_owned())),
                Ok(_) => Err("what was read is not what was written".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        });
        _ = read.await;
        let deleted = walk.step("delete", advice("delete"), async {
            Box::pin(storage.delete(store, &probe)).await.map_err(|error| error.to_string())?;
            Ok(((), "it was removed".to_owned()))
        });
        _ = deleted.await;
    }
    // Whatever came of it: an attempt may have left something.
    if let Err(error) = Box::pin(storage.delete(store, &probe)).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "a probe could not be removed");
    }
    walk.skip("refused-outside", NO_CLOUD);
}

/// As whom this process runs: its user and group.
async fn user() -> Option<(u32, u32)> {
    let own = tokio::fs::metadata("/proc/self").await.ok()?;
    Some((own.uid(), own.gid()))
}
