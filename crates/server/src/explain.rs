//! `merak explain`: asks a server why somebody may do something, or may not.
//!
//! It asks over HTTP, with credentials of somebody who may manage grants, so that it works for a
//! server anywhere and is judged like any other request.

use std::process::ExitCode;

use crate::cli::Explain;

/// What a refusal ends with.
const REFUSED: u8 = 1;
/// What a question that was not answered ends with.
const NOT_ANSWERED: u8 = 2;
/// Asks, prints the steps, and says by the exit status whether it is allowed: 0 if so, 1 if not, 2
/// if the question could not be answered.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's answer")]
pub async fn explain(question: &Explain) -> ExitCode {
    let answer = question.asking.get("api/management/v1/explain", question.parameters()).await;
    match answer {
        Ok(answer) => {
            for step in answer["steps"].as_array().into_iter().flatten() {
                println!("{}", step.as_str().unwrap_or_default());
            }
            if answer["allowed"] == true { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) }
        }
        Err(error) => {
            eprintln!("merak: {error:#}");
            ExitCode::from(NOT_ANSWERED)
        }
    }
}
