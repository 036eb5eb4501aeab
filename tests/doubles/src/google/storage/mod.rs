//! Cloud Storage: who asks, whether they may, and only then what they want.

mod action;
mod forward;
pub(crate) mod memory;
mod perform;
mod render;
pub(crate) mod upload;

use axum::response::Response;

use super::answer::{Refusal, of_fault};
use super::boundary::Target;
use super::role::Permission;
use super::state::{DEVSTORAGE, State, Token};
use crate::serving::Asked;
use crate::traffic::lock;

use action::{Action, Call};

const SERVICE: &str = "https://storage.googleapis.com/";

pub(crate) async fn answer(state: &State, asked: Asked) -> Response {
    let call = match Call::parse(&asked) {
        Ok(call) => call,
        Err((style, refusal)) => return refusal.into_response(style),
    };
    let style = call.style;
    if let Some(fault) = state.traffic.meet(call.kind()).await {
        return of_fault(&fault, call.kind(), style);
    }
    let done = match authorized(state, &call, &asked).await {
        Err(refusal) => Err(refusal),
        Ok(_guard) => match &state.data {
            Some(data) => forward::forward(state, data, &call, asked).await,
            None => perform::perform(state, &call, &asked),
        },
    };
    done.unwrap_or_else(|refusal| refusal.into_response(style))
}

/// Whether the call may be carried out, as long as what is given is held.
async fn authorized<'a>(
    state: &'a State,
    call: &Call,
    asked: &Asked,
) -> Result<Option<tokio::sync::MutexGuard<'a, ()>>, Refusal> {
    if let Action::Chunk { id } = &call.action {
        let is_known = lock(&state.uploads).knows(id);
        return if is_known { Ok(None) } else { Err(Refusal::not_found("upload")) };
    }
    let token = asked.bearer().and_then(|token| state.bearer(token, SERVICE));
    let token = token.ok_or_else(Refusal::unauthenticated)?;
    let project = asked.header("x-goog-user-project").or(asked.parameter("userProject"));
    if !state.may_use_services(&token.account, project) {
        return Err(denied(&token.account, "serviceusage.services.use", "project"));
    }
    for (permission, bucket, target) in call.needs() {
        check(state, &token, permission, &bucket, &target)?;
    }
    let Some((name, condition)) = call.changed() else { return Ok(None) };
    let guard = state.writing.lock().await;
    let generation = match &state.data {
        Some(data) => forward::generation(state, data, &call.bucket, name).await?,
        None => lock(&state.objects).get(&call.bucket, name).map(|object| object.generation),
    };
    hold(condition, generation)?;
    // To replace an object is to delete it.
    if generation.is_some() {
        let target = Target::Object(name.to_owned());
        check(state, &token, Permission::Delete, &call.bucket, &target)?;
    }
    Ok(Some(guard))
}

/// Whether what is there is what must be there.
fn hold(condition: Option<i64>, generation: Option<i64>) -> Result<(), Refusal> {
    match condition {
        Some(wanted) if wanted != generation.unwrap_or(0) => Err(Refusal::precondition()),
        Some(_) | None => Ok(()),
    }
}

/// The token's scopes, its boundary, and the roles of its account: all three must permit it.
fn check(
    state: &State,
    token: &Token,
    permission: Permission,
    bucket: &str,
    target: &Target,
) -> Result<(), Refusal> {
    let is_read = matches!(permission, Permission::Get | Permission::List | Permission::GetBucket);
    let has_scope = token.has_scope(|scope| match scope.strip_prefix(DEVSTORAGE) {
        Some("full_control" | "read_write") => true,
        Some("read_only") => is_read,
        Some(_) | None => false,
    });
    if !has_scope {
        return Err(Refusal::forbidden("Provided scope(s) are not authorized"));
    }
    let is_inside = match &token.boundary {
        None => true,
        Some(boundary) => boundary.permits(permission, bucket, target),
    };
    if is_inside && state.has_permission(&token.account, permission, bucket, target) {
        return Ok(());
    }
    let kind = match target {
        Target::Object(_) => "object",
        Target::Listing(_) | Target::Bucket => "bucket",
    };
    Err(denied(&token.account, permission.name(), kind))
}

fn denied(account: &str, permission: &str, kind: &str) -> Refusal {
    let of = if kind == "project" { "Cloud" } else { "Cloud Storage" };
    Refusal::forbidden(format!(
        "{account} does not have {permission} access to the Google {of} {kind}. Permission \
         '{permission}' denied on resource (or it may not exist)."
    ))
}
