//! `merak events` and `merak audit`: ask a server what was done, and by whom.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::asking::{Asking, AskingArgs};

/// What a question that was not answered ends with.
const NOT_ANSWERED: u8 = 2;

/// How many entries are asked for at a time.
const PAGE: usize = 1000;

/// What to ask about what was done.
#[derive(Debug)]
pub struct Records {
    /// Whom, and as whom.
    pub asking: Asking,
    /// Where in the API.
    path: String,
    /// The member of the answer that has the entries.
    member: &'static str,
    /// The parameters of the question, each with its name in the API.
    parameters: Vec<(&'static str, String)>,
    /// How many entries are printed at most.
    limit: usize,
}

#[derive(Args)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    asking: AskingArgs,
    /// Of which types, separated by commas, such as `AFTER_UPDATE_TABLE`
    #[arg(long = "type", value_name = "TYPES")]
    types: Option<String>,
    /// In which catalog; whoever may manage access to it may ask with --of-catalog
    #[arg(long)]
    catalog: Option<String>,
    /// In which catalog, asked as somebody who may manage access to that one alone
    #[arg(long, value_name = "CATALOG", conflicts_with = "catalog")]
    of_catalog: Option<String>,
    /// Of what, such as namespace.table; with * at its end, of all that begins so
    #[arg(long)]
    resource: Option<String>,
    #[command(flatten)]
    which: WhichArgs,
}

#[derive(Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    asking: AskingArgs,
    /// Of which operation, such as `LOAD_TABLE`
    #[arg(long)]
    operation: Option<String>,
    /// In which catalog
    #[arg(long)]
    catalog: Option<String>,
    /// On what, as records have it
    #[arg(long)]
    securable: Option<String>,
    #[command(flatten)]
    which: WhichArgs,
}

/// What either can be asked by.
#[derive(Args)]
struct WhichArgs {
    /// What that principal asked for
    #[arg(long)]
    principal: Option<String>,
    /// What the request of that id did
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// What was done then or later, as in 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// What was done earlier
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// How many lines to print at most
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
}

impl EventsArgs {
    pub(crate) fn checked(self) -> Result<Records, clap::Error> {
        let asking = self.asking.checked("events asks as somebody who may manage access")?;
        let path = match &self.of_catalog {
            Some(catalog) => format!("api/management/v1/catalogs/{}/events", segment(catalog)),
            None => "api/management/v1/events".to_owned(),
        };
        let own = [("type", self.types), ("catalog", self.catalog), ("resource", self.resource)];
        Ok(self.which.asked(asking, path, "events", own))
    }
}

impl AuditArgs {
    pub(crate) fn checked(self) -> Result<Records, clap::Error> {
        let asking = self.asking.checked("audit asks as somebody who may manage access")?;
        let own = [
            ("operation", self.operation),
            ("catalog", self.catalog),
            ("securable", self.securable),
        ];
        Ok(self.which.asked(asking, "api/management/v1/audit".to_owned(), "records", own))
    }
}

impl WhichArgs {
    fn asked(
        self,
        asking: Asking,
        path: String,
        member: &'static str,
        own: [(&'static str, Option<String>); 3],
    ) -> Records {
        let common = [
            ("principal", self.principal),
            ("requestId", self.request_id),
            ("since", self.since),
            ("until", self.until),
        ];
        let parameters = own.into_iter().chain(common);
        let parameters = parameters.filter_map(|(name, value)| Some((name, value?)));
        Records { asking, path, member, parameters: parameters.collect(), limit: self.limit }
    }
}

/// A name as a segment of a path.
fn segment(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Asks, and prints a line of JSON for each entry, the newest first. Ends with 2 if the question could
/// not be answered.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's answer")]
pub async fn records(question: &Records) -> ExitCode {
    let mut left = question.limit;
    let mut token = String::new();
    while left > 0 {
        let answer = match question.page(left, &token).await {
            Ok(answer) => answer,
            Err(error) => {
                eprintln!("merak: {error:#}");
                return ExitCode::from(NOT_ANSWERED);
            }
        };
        for entry in answer[question.member].as_array().into_iter().flatten() {
            println!("{entry}");
            left = left.saturating_sub(1);
        }
        match answer["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    ExitCode::SUCCESS
}

impl Records {
    async fn page(&self, left: usize, token: &str) -> anyhow::Result<Value> {
        let size = left.min(PAGE).to_string();
        let given = self.parameters.iter().map(|(name, value)| (*name, value.as_str()));
        let parameters = given.chain([("pageSize", size.as_str()), ("pageToken", token)]);
        self.asking.get(&self.path, parameters).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, parse};

    fn question(line: &str) -> Records {
        let words = format!("{line} --client-id root --client-secret s3cr3t");
        let command = parse(words.split_whitespace()).unwrap().command;
        let (Command::Events(question) | Command::Audit(question)) = command else {
            panic!("{command:?}");
        };
        *question
    }

    #[test]
    fn events_are_asked_for_by_what_is_given() {
        let of_all = question("merak events --type AFTER_DROP_TABLE --catalog lake --since x");
        let of_one = question("merak events --of-catalog my/lake --limit 3");

        assert_eq!(of_all.path, "api/management/v1/events");
        let parameters: Vec<_> =
            of_all.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(parameters, [("type", "AFTER_DROP_TABLE"), ("catalog", "lake"), ("since", "x")]);
        assert_eq!(of_one.path, "api/management/v1/catalogs/my%2Flake/events");
        assert_eq!((of_all.limit, of_one.limit), (100, 3));
        assert!(!format!("{of_all:?}").contains("s3cr3t"));
    }

    #[test]
    fn audit_records_are_asked_for_by_what_is_given() {
        let asked = question("merak audit --operation LOAD_TABLE --request-id r --principal ana");

        assert_eq!((asked.path.as_str(), asked.member), ("api/management/v1/audit", "records"));
        let names: Vec<_> = asked.parameters.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["operation", "principal", "requestId"]);
    }
}
