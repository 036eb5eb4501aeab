//! `merak doctor`: asks a server what is wrong with a catalog's storage, or what would bound a
//! principal's credentials for a table.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::asking::{Asking, AskingArgs};

/// What a step that failed ends with.
const SICK: u8 = 1;
/// What a question that was not answered ends with.
const NOT_ANSWERED: u8 = 2;

/// What to ask about a catalog's storage.
#[derive(Debug)]
pub struct Doctor {
    /// Whom, and as whom.
    pub asking: Asking,
    /// The catalog.
    pub catalog: String,
    /// Whether the answer is printed as it stands.
    pub json: bool,
    /// What to ask instead of what is wrong.
    pub policy: Option<Policy>,
}

/// Whose credentials for which table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The namespace, as the API joins its levels.
    pub namespace: String,
    /// The table.
    pub table: String,
    /// The principal; nobody for whoever asks.
    pub principal: Option<String>,
}

#[derive(Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    asking: AskingArgs,
    /// The catalog
    #[arg(long)]
    catalog: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    /// Show instead what would bound credentials for this table; nothing is minted
    #[arg(long, value_name = "NAMESPACE.TABLE")]
    explain_policy: Option<String>,
    /// For whom they would be; without it, for whoever asks
    #[arg(long, requires = "explain_policy")]
    principal: Option<String>,
}

impl DoctorArgs {
    pub(crate) fn checked(self) -> Result<Doctor, clap::Error> {
        let who = "doctor asks as somebody who may manage the catalog's metadata, or its grants";
        let asking = self.asking.checked(who)?;
        let principal = self.principal;
        let policy = self.explain_policy.map(|name| match name.rsplit_once('.') {
            Some((namespace, table)) if !namespace.is_empty() && !table.is_empty() => Ok(Policy {
                namespace: namespace.replace('.', "\u{1f}"),
                table: table.to_owned(),
                principal,
            }),
            _ => Err(crate::cli::refused("--explain-policy needs a table as namespace.table")),
        });
        let policy = policy.transpose()?;
        Ok(Doctor { asking, catalog: self.catalog, json: self.json, policy })
    }
}

/// Asks, prints the answer, and says by the exit status what it is: 0 if all is well, 1 if a step
/// failed, 2 if the question could not be answered.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's answer")]
pub async fn doctor(question: &Doctor) -> ExitCode {
    match ask(question).await {
        Ok(answer) => {
            if question.json || question.policy.is_some() {
                println!("{answer:#}");
            } else {
                print!("{}", shown(&answer));
            }
            let is_sick = question.policy.is_none() && answer["healthy"] != true;
            if is_sick { ExitCode::from(SICK) } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("merak: {error:#}");
            ExitCode::from(NOT_ANSWERED)
        }
    }
}

async fn ask(question: &Doctor) -> anyhow::Result<Value> {
    let catalog = percent_encoded(&question.catalog);
    let catalog = format!("api/management/v1/catalogs/{catalog}");
    let Some(Policy { namespace, table, principal }) = &question.policy else {
        return question.asking.post(&format!("{catalog}/diagnose")).await;
    };
    let principal = principal.iter().map(|name| ("principal", name.as_str()));
    let parameters = [("namespace", namespace.as_str()), ("table", table.as_str())];
    let parameters = parameters.into_iter().chain(principal);
    question.asking.get(&format!("{catalog}/explain-policy"), parameters).await
}

/// A name as one segment of a path.
fn percent_encoded(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// A step a line, each with a mark; what mends a failure below it.
fn shown(answer: &Value) -> String {
    let mut text = String::new();
    let mut line = |indent: usize, words: &str| {
        for part in words.lines() {
            text.push_str(&" ".repeat(indent));
            // What the server passes on is others' words: it moves no cursor.
            text.extend(part.chars().map(|c| if c.is_control() { '?' } else { c }));
            text.push('\n');
        }
    };
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for step in answer["steps"].as_array().into_iter().flatten() {
        let mark = match step["outcome"].as_str() {
            Some("passed") => "✓",
            Some("failed") => "✗",
            Some("warning") => "!",
            _ => "-",
        };
        line(0, &format!("{mark} {}: {}", words(&step["name"]), words(&step["detail"])));
        if let Some(cause) = step["cause"].as_str() {
            line(4, &format!("Cause: {cause}"));
        }
        for remedy in step["remedies"].as_array().into_iter().flatten() {
            line(4, &format!("→ {}", words(&remedy["what"])));
            line(8, &words(&remedy["text"]));
        }
    }
    let verdict =
        if answer["healthy"] == true { "All is well." } else { "Something is to be mended." };
    line(0, verdict);
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_step_is_a_line_with_what_mends_it_below() {
        let answer = json!({"healthy": false, "steps": [
            {"name": "configuration", "outcome": "passed", "detail": "fine"},
            {"name": "assume-role", "outcome": "failed", "detail": "AccessDenied: no\u{1b}[2J",
             "cause": "No trust",
             "remedies": [{"what": "Trust it", "text": "{\n  \"Effect\": \"Allow\"\n}"},
                          {"what": "Or ask"}]},
            {"name": "list", "outcome": "not-applicable", "detail": "not tried"},
            {"name": "refused-outside", "outcome": "warning", "detail": "wide", "cause": "Azure"},
        ]});

        let lines = [
            "✓ configuration: fine",
            "✗ assume-role: AccessDenied: no?[2J",
            "    Cause: No trust",
            "    → Trust it",
            "        {",
            "          \"Effect\": \"Allow\"",
            "        }",
            "    → Or ask",
            "- list: not tried",
            "! refused-outside: wide",
            "    Cause: Azure",
            "Something is to be mended.",
        ];
        assert_eq!(shown(&answer).lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn a_catalog_s_name_is_one_segment_of_the_path() {
        assert_eq!(percent_encoded("a b/../c?"), "a%20b%2F..%2Fc%3F");
    }
}
