//! Requests with faults that a test names one by one.

use std::path::PathBuf;

use axum::http::Method;
use merak_server::FileOperation;
use merak_tests::Response;
use serde_json::Value;

use super::scripts::{FileFault, Script, Scripts, StoreFault};
use super::world::World;
use crate::fixtures::files;

/// How an answer begins that does not tell what became of a request.
pub(crate) const UNKNOWN: &str = "500 CommitStateUnknownException: ";
/// How an answer begins where the metastore or the store does not answer.
pub(crate) const AWAY: &str = "503 ServiceUnavailableException: ";

/// Faults of the first writes.
pub(crate) fn writes(faults: &[Option<StoreFault>]) -> Scripts {
    Scripts { applies: Script::of(faults), ..Scripts::default() }
}

/// A write is done, its answer is lost, and from then on the database does not answer at all.
pub(crate) fn down() -> Scripts {
    Scripts {
        applies: Script::until(&[Some(StoreFault::LostDone)], StoreFault::Unavailable),
        resolves: Script::until(&[None], StoreFault::Unavailable),
        ..Scripts::default()
    }
}

/// A fault of the first operation of a kind on a file.
pub(crate) fn file(operation: FileOperation, fault: FileFault) -> Scripts {
    let script = Script::of(&[Some(fault)]);
    Scripts { files: [(operation, script)].into(), ..Scripts::default() }
}

/// Sends a request to the first replica, with these faults, which then end.
pub(crate) async fn with(
    world: &World,
    scripts: Scripts,
    request: &(Method, String, Value),
) -> Response {
    let (method, path, body) = request;
    world.plan.script(scripts);
    let who = world.at(0);
    let answer = if *method == Method::DELETE {
        who.delete(path).await
    } else {
        who.post(path, body.clone()).await
    };
    world.plan.calm();
    assert_eq!(world.plan.stalls(), 0, "the server did not ask again");
    answer
}

pub(crate) fn post(path: &str, body: Value) -> (Method, String, Value) {
    (Method::POST, path.to_owned(), body)
}

pub(crate) fn all_files(world: &World) -> Vec<PathBuf> {
    files(&world.replicas[0])
}
