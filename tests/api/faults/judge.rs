//! Which answers are permitted, and what each says.

use merak_tests::Response;
use serde_json::Value;

use super::model::{Refusal, Saw, Table, What};
use super::plan::Plan;
use super::truth::Happened;

/// How often a write is tried that meets others: as often as the server says by default.
const TRIES: usize = 5;

/// What an answer says, or why it may not be given.
pub(crate) fn judge(
    plan: &Plan,
    (what, is_keyed): (&What, bool),
    time: (u64, u64),
    answer: &Response,
    body: &Value,
) -> Result<Saw, String> {
    let status = answer.status.as_u16();
    let success = match what {
        What::Transaction(_) | What::Drop(_) | What::Rename(..) => 204,
        What::Commit(..)
        | What::Create(..)
        | What::Stage(_)
        | What::Register(..)
        | What::Load(_) => 200,
    };
    if status == success {
        let tells = matches!(
            what,
            What::Commit(..) | What::Create(..) | What::Register(..) | What::Load(_)
        );
        return Ok(Saw::Done(tells.then(|| Table::read(body))));
    }
    let error = answer.error();
    let not_permitted = |why: &str| Err(format!("{what:?} was answered {error:?}: {why}"));
    // Under a key an answer may be that to an earlier request.
    let since = if is_keyed { 0 } else { time.0 };
    let had = |kind| plan.truth(|truth| truth.count(kind, (since, time.1))) > 0;
    let is_commit = matches!(what, What::Commit(..) | What::Transaction(_));
    match error.split(':').next().unwrap_or_default() {
        "404 NoSuchTableException" => Ok(Saw::Refused(Refusal::Missing)),
        "409 AlreadyExistsException" if !is_commit => Ok(Saw::Refused(Refusal::Exists)),
        "409 CommitFailedException" => {
            let conflicts = plan.truth(|truth| truth.count(Happened::Conflict, (since, time.1)));
            if error.contains("too often") {
                if conflicts < TRIES {
                    return not_permitted("it gave up before it had tried often enough");
                }
                return Ok(Saw::Nothing);
            }
            if error.contains("at the same time") {
                if conflicts == 0 {
                    return not_permitted("nobody else changed anything");
                }
                return Ok(Saw::Nothing);
            }
            if !is_commit {
                return not_permitted("it is no commit");
            }
            Ok(Saw::Refused(Refusal::Failed))
        }
        "403 ForbiddenException" if error.contains("the test refuses it") => Ok(Saw::Nothing),
        "403 ForbiddenException" if error.contains("conflicts with existing") => {
            Ok(Saw::Refused(Refusal::Overlaps))
        }
        "503 ServiceUnavailableException" => {
            if !had(Happened::Fault) {
                return not_permitted("nothing failed");
            }
            Ok(Saw::Nothing)
        }
        "500 CommitStateUnknownException" => {
            if matches!(what, What::Load(_) | What::Stage(_)) {
                return not_permitted("it changes nothing");
            }
            if error.contains("Idempotency-Key") {
                // It was to be refused, and whether it was done under its key before is not known.
                if !had(Happened::Fault) {
                    return not_permitted("what was answered before could be looked up");
                }
                return Ok(Saw::Unknown);
            }
            if !had(Happened::Lost) {
                return not_permitted("no answer was lost");
            }
            // A write under a key shows by the key alone that it was done, once what it made is gone.
            if !is_keyed && !had(Happened::Unresolvable) {
                return not_permitted("it could have been found out what became of it");
            }
            plan.excuse(time);
            Ok(Saw::Unknown)
        }
        _ => not_permitted("no client expects it"),
    }
}
