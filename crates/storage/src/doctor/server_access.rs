//! The server's own way to metadata, which is not that of clients where it comes as itself.

use merak_model::Location;

use super::DiagnosisRequest;
use super::probe::{Advise, CONTENT, Places};
use super::walk::{NO_ANSWER, Walk};
use crate::{Compression, ServerIdentity, Storage};

/// The name of the step.
pub(super) const SERVER_ACCESS: &str = "server-access";

/// The steps that get credentials: where one fails, the server that comes as its clients has none.
const CREDENTIALS: [&str; 6] =
    ["identity", "assume-role", "delegation-key", "sign", "impersonate", "downscope"];

/// Writes, reads and removes a file as metadata is.
pub(super) async fn examine(
    storage: &Storage,
    asked: &DiagnosisRequest,
    base: &Location,
    walk: &mut Walk,
    advise: Advise<'_>,
) {
    let store = &asked.store;
    if walk.is_over() {
        // Nothing is begun that would have to be tidied up.
        walk.skip(SERVER_ACCESS, format!("not tried: {NO_ANSWER}"));
        return;
    }
    let Ok(Places { folder: file, .. }) = Places::below(base) else {
        walk.skip(SERVER_ACCESS, "the base location has no names below it");
        return;
    };
    let narrowed = matches!(store.server_request(&file), Ok(Some(_)));
    if let Some(failed) = walk.failed_among(&CREDENTIALS).filter(|_| narrowed) {
        // It would fail at the same step, and be told as if files were the matter.
        walk.skip_all(&[SERVER_ACCESS], failed);
        return;
    }
    let comes_as = match (store.identity, store.server_request(&file)) {
        (ServerIdentity::OfCatalog, Ok(Some(_))) => {
            "with credentials narrowed to the allowed location"
        }
        (ServerIdentity::OfCatalog | ServerIdentity::Own, _) => "as itself",
    };
    let done = walk.step(SERVER_ACCESS, |said| advise(SERVER_ACCESS, said), async {
        let created =
            Box::pin(storage.create_metadata(store, &file, CONTENT, Compression::None)).await;
        created.map_err(|error| error.to_string())?;
        let read = Box::pin(storage.read_metadata(store, &file))
            .await
            .map_err(|error| error.to_string())?;
        if read != CONTENT {
            return Err("what was read is not what was written".to_owned());
        }
        Box::pin(storage.delete(store, &file)).await.map_err(|error| error.to_string())?;
        Ok(((), format!("the server wrote, read and removed a file {comes_as}")))
    });
    if done.await.is_none() {
        // Whatever came of it: it may have been written all the same.
        let removed = tokio::time::timeout(
            super::probe::TIDYING_TAKES,
            Box::pin(storage.delete(store, &file)),
        );
        if !matches!(removed.await, Ok(Ok(()))) {
            tracing::warn!(
                file = file.as_str(),
                "a file of the doctor's may have been left behind"
            );
        }
    }
}
