//! The command line: what was asked for, not yet done.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::asking::{Asking, AskingArgs};
use crate::config::{RootCredentials, Sources};
use crate::doctor::{Doctor, DoctorArgs};
use crate::records::{AuditArgs, EventsArgs, Records};

/// What a command line asks for.
#[derive(Debug)]
pub struct Invocation {
    /// What to do.
    pub command: Command,
    /// The `-D key=value` flags in their order, and the properties file.
    pub options: Options,
}

/// What to do.
#[derive(Debug)]
pub enum Command {
    /// Serve.
    Serve,
    /// Serve a catalog on the local disk, and print how to use it.
    Quickstart,
    /// Make realms.
    Bootstrap(Bootstrap),
    /// Bring the database's schema up to date.
    Migrate,
    /// Remove realms with everything in them.
    Purge(Purge),
    /// Ask a server why somebody may do something, or may not.
    Explain(Box<Explain>),
    /// Ask a server what is wrong with a catalog's storage.
    Doctor(Box<Doctor>),
    /// Ask a server what happened.
    Events(Box<Records>),
    /// Ask a server who asked for what.
    Audit(Box<Records>),
}

/// What to ask about access.
#[derive(Debug)]
pub struct Explain {
    /// Whom, and as whom.
    pub asking: Asking,
    /// The parameters of the question, each with its name in the API.
    parameters: Vec<(&'static str, String)>,
}

impl Explain {
    /// The parameters of the question.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// Which realms to make, and how.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The realms; none named means those configured.
    pub realms: Vec<String>,
    /// The credentials for root principals.
    pub credentials: Vec<RootCredentials>,
    /// Whether random credentials are to be printed.
    pub print_credentials: bool,
}

/// Which realms to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// The realms; never empty.
    pub realms: Vec<String>,
}

/// Where settings come from, as far as the command line says so.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The `-D key=value` flags; the last of one key wins.
    pub properties: Vec<(String, String)>,
    /// The properties file that must be there.
    pub config: Option<PathBuf>,
}

impl Options {
    /// These, with the environment and the working directory of the process.
    pub fn into_sources(self) -> Sources {
        Sources::of_process(self.properties, self.config)
    }
}

/// Shows no value: any of them may be a secret.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.properties.iter().map(|(key, _)| key.as_str()).collect();
        f.debug_struct("Options").field("properties", &keys).field("config", &self.config).finish()
    }
}

/// Reads a command line, whose first word is the program's name. An error prints itself, also when
/// it is the help or the version that was asked for: `error.exit()`.
pub fn parse<T: Into<OsString> + Clone>(
    words: impl IntoIterator<Item = T>,
) -> Result<Invocation, clap::Error> {
    let Cli { command, options } = Cli::try_parse_from(words)?;
    let (command, inner) = match command {
        None => (Command::Serve, OptionArgs::default()),
        Some(Verb::Serve(inner)) => (Command::Serve, inner),
        Some(Verb::Quickstart(inner)) => (Command::Quickstart, inner),
        Some(Verb::Migrate(inner)) => (Command::Migrate, inner),
        Some(Verb::Bootstrap { args, options }) => (Command::Bootstrap(args.checked()?), options),
        Some(Verb::Purge { realms, options }) => (Command::Purge(Purge { realms }), options),
        Some(Verb::Explain(args)) => {
            (Command::Explain(Box::new(args.checked()?)), OptionArgs::default())
        }
        Some(Verb::Doctor(args)) => {
            (Command::Doctor(Box::new(args.checked()?)), OptionArgs::default())
        }
        Some(Verb::Events(args)) => {
            (Command::Events(Box::new(args.checked()?)), OptionArgs::default())
        }
        Some(Verb::Audit(args)) => {
            (Command::Audit(Box::new(args.checked()?)), OptionArgs::default())
        }
    };
    Ok(Invocation { command, options: options.and(inner)? })
}

/// An Apache Iceberg REST catalog, compatible with Apache Polaris.
#[derive(Parser)]
#[command(name = "merak", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Verb>,
    #[command(flatten)]
    options: OptionArgs,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve the APIs; also what happens without a command
    Serve(OptionArgs),
    /// Serve a catalog on the local disk, and print how to use it
    Quickstart(OptionArgs),
    /// Make realms; those that exist already stay as they are
    Bootstrap {
        #[command(flatten)]
        args: BootstrapArgs,
        #[command(flatten)]
        options: OptionArgs,
    },
    /// Bring the schema of the database up to date
    Migrate(OptionArgs),
    /// Remove realms, with everything in them
    Purge {
        /// A realm to remove; may be given several times
        #[arg(short, long = "realm", value_name = "REALM", required = true)]
        realms: Vec<String>,
        #[command(flatten)]
        options: OptionArgs,
    },
    /// Ask a server why a principal may do something, or may not
    ///
    /// Asks as somebody who may manage grants. Ends with 0 if it is allowed, with 1 if it is
    /// refused, and with 2 if the question could not be answered.
    Explain(Box<ExplainArgs>),
    /// Ask a server what is wrong with a catalog's storage, and what mends it
    ///
    /// Asks as somebody who may manage the catalog's metadata, or its grants. Ends with 0 if all is
    /// well, with 1 if a step failed, and with 2 if the question could not be answered.
    Doctor(Box<DoctorArgs>),
    /// Ask a server what happened, the newest first
    ///
    /// Prints a line of JSON for each event. Asks as somebody who may manage access. Ends with 2 if
    /// the question could not be answered.
    Events(Box<EventsArgs>),
    /// Ask a server who asked for what, and what became of it, the newest first
    ///
    /// Prints a line of JSON for each audit record, where `merak.audit.database` is on. Asks as
    /// somebody who may manage access. Ends with 2 if the question could not be answered.
    Audit(Box<AuditArgs>),
}

#[derive(Args)]
struct ExplainArgs {
    #[command(flatten)]
    asking: AskingArgs,
    /// The principal that may, or may not
    #[arg(long)]
    principal: String,
    /// What it does, by the name that a refusal has, such as `LOAD_TABLE`
    #[arg(long)]
    operation: String,
    /// In which catalog, or to which
    #[arg(long)]
    catalog: Option<String>,
    /// In which namespace, or to which; its levels are separated by dots
    #[arg(long)]
    namespace: Option<String>,
    /// To which table, view or policy
    #[arg(long)]
    table: Option<String>,
    /// Which policy is attached or detached, as namespace.name
    #[arg(long)]
    policy: Option<String>,
    /// To which principal
    #[arg(long, value_name = "PRINCIPAL")]
    target_principal: Option<String>,
    /// To which principal role
    #[arg(long)]
    principal_role: Option<String>,
    /// To which catalog role
    #[arg(long)]
    catalog_role: Option<String>,
    /// By which kinds of updates, if it is a commit, separated by commas, such as add-snapshot
    #[arg(long, value_name = "KINDS")]
    update: Option<String>,
    /// In which roles it acts, as in a request for a token, such as `PRINCIPAL_ROLE:analyst`
    #[arg(long)]
    scope: Option<String>,
}

impl ExplainArgs {
    fn checked(self) -> Result<Explain, clap::Error> {
        let asking = self.asking.checked("explain asks as somebody who may manage grants")?;
        let namespace = self.namespace.map(|levels| levels.replace('.', "\u{1f}"));
        let policy = self.policy.map(|path| match path.rsplit_once('.') {
            Some((levels, name)) => format!("{}.{name}", levels.replace('.', "\u{1f}")),
            None => path,
        });
        let parameters = [
            ("principal", Some(self.principal)),
            ("operation", Some(self.operation)),
            ("catalog", self.catalog),
            ("namespace", namespace),
            ("table", self.table),
            ("policy", policy),
            ("targetPrincipal", self.target_principal),
            ("principalRole", self.principal_role),
            ("catalogRole", self.catalog_role),
            ("update", self.update),
            ("scope", self.scope),
        ];
        let parameters = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Ok(Explain { asking, parameters: parameters.collect() })
    }
}

/// The options of every command. They are flattened into each, and not made `global`, since of a
/// global option that is given both before and after the command clap keeps one occurrence only.
#[derive(Args, Default)]
struct OptionArgs {
    /// Set a property; may be given several times
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    properties: Vec<String>,
    /// Read properties from this file, and not from config/application.properties
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct BootstrapArgs {
    /// A realm to make; may be given several times. Without it, those configured
    #[arg(short, long = "realm", value_name = "REALM")]
    realms: Vec<String>,
    /// The credentials for a realm's root principal; may be given several times
    #[arg(short, long = "credential", value_name = "REALM,ID,SECRET")]
    credentials: Vec<String>,
    /// Print the credentials of realms for which none are given
    #[arg(short, long)]
    print_credentials: bool,
}

impl OptionArgs {
    /// These options and those after the command.
    fn and(self, inner: Self) -> Result<Options, clap::Error> {
        let all = self.properties.iter().chain(&inner.properties);
        let properties = all.map(|property| pair(property)).collect::<Result<_, _>>()?;
        Ok(Options { properties, config: inner.config.or(self.config) })
    }
}

impl BootstrapArgs {
    // Parsed here and not by clap, whose complaints would show the secret.
    fn checked(self) -> Result<Bootstrap, clap::Error> {
        let parse = |(index, text): (usize, &String)| {
            let number = index + 1;
            RootCredentials::parse(text)
                .map_err(|why| refused(format!("--credential number {number} {why}")))
        };
        let credentials =
            self.credentials.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        let Self { realms, print_credentials, .. } = self;
        Ok(Bootstrap { realms, credentials, print_credentials })
    }
}

fn pair(property: &str) -> Result<(String, String), clap::Error> {
    match property.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        _ => Err(refused("-D needs a property as key=value, such as -Dquarkus.http.port=8181")),
    }
}

pub(crate) fn refused(why: impl fmt::Display) -> clap::Error {
    Cli::command().error(ErrorKind::ValueValidation, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asking::Credentials;
    use crate::doctor::Policy;

    fn parsed(line: &str) -> Invocation {
        parse(line.split_whitespace()).unwrap()
    }

    fn refusal(line: &str) -> String {
        parse(line.split_whitespace()).unwrap_err().to_string()
    }

    fn properties(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_what_happens_without_a_command() {
        assert!(matches!(parsed("merak").command, Command::Serve));
        assert!(matches!(parsed("merak serve").command, Command::Serve));
        assert!(matches!(parsed("merak quickstart").command, Command::Quickstart));
        assert!(matches!(parsed("merak migrate").command, Command::Migrate));
    }

    #[test]
    fn properties_are_taken_before_and_after_the_command_in_their_order() {
        let invocation = parsed("merak -D a=1 -Db.\"C\"=2=3 serve -D d= --config x.properties");

        let expected = properties(&[("a", "1"), ("b.\"C\"", "2=3"), ("d", "")]);
        assert_eq!(invocation.options.properties, expected);
        assert_eq!(invocation.options.config, Some(PathBuf::from("x.properties")));
        let before = parsed("merak --config y -D a=1");
        assert_eq!(before.options.config, Some(PathBuf::from("y")));
        assert_eq!(before.options.properties, properties(&[("a", "1")]));
    }

    #[test]
    fn bootstrap_takes_realms_and_credentials_several_times() {
        let line = "merak bootstrap -r R1 --realm R2 -c R1,id,s3cr3t --credential R2,a,b -p -Dx=y";
        let Invocation { command: Command::Bootstrap(bootstrap), options } = parsed(line) else {
            panic!("this is no bootstrap");
        };

        assert_eq!(bootstrap.realms, ["R1", "R2"]);
        let ids: Vec<_> = bootstrap.credentials.iter().map(|c| c.client_id.as_str()).collect();
        assert_eq!(ids, ["id", "a"]);
        assert!(bootstrap.print_credentials);
        assert_eq!(options.properties, properties(&[("x", "y")]));
        assert!(!format!("{bootstrap:?}").contains("s3cr3t"));
    }

    #[test]
    fn a_question_is_asked_with_the_parameters_that_are_given() {
        let line = "merak explain --server http://x --client-id root --client-secret s3cr3t \
                    --principal ana --operation LOAD_TABLE --catalog lake --namespace a.b \
                    --table t --policy a.b.p --scope PRINCIPAL_ROLE:reader";
        let Command::Explain(question) = parsed(line).command else {
            panic!("this is no question");
        };

        let parameters: Vec<_> = question.parameters().collect();
        assert_eq!(
            parameters,
            [
                ("principal", "ana"),
                ("operation", "LOAD_TABLE"),
                ("catalog", "lake"),
                ("namespace", "a\u{1f}b"),
                ("table", "t"),
                ("policy", "a\u{1f}b.p"),
                ("scope", "PRINCIPAL_ROLE:reader"),
            ]
        );
        assert!(
            matches!(&question.asking.credentials, Credentials::Client { id, .. } if id == "root")
        );
        assert!(!format!("{question:?}").contains("s3cr3t"));
    }

    #[test]
    fn the_doctor_is_asked_about_a_catalog_or_a_table_of_it() {
        let line = "merak doctor --client-id root --client-secret s3cr3t --catalog lake";
        let doctor = |line: &str| {
            let Command::Doctor(doctor) = parsed(line).command else {
                panic!("this is no doctor");
            };
            doctor
        };

        let plain = doctor(line);
        let policy = doctor(&format!("{line} --explain-policy a.b.t --principal ana"));

        assert_eq!((plain.catalog.as_str(), plain.json, plain.policy), ("lake", false, None));
        let expected = Policy {
            namespace: "a\u{1f}b".to_owned(),
            table: "t".to_owned(),
            principal: Some("ana".to_owned()),
        };
        assert_eq!(policy.policy, Some(expected));
        assert!(refusal(&format!("{line} --explain-policy t")).contains("namespace.table"));
        assert!(refusal(&format!("{line} --principal ana")).contains("--explain-policy"));
        assert!(refusal("merak doctor --catalog lake").contains("set CLIENT_ID"));
    }

    #[test]
    fn nobody_asks_without_credentials() {
        let line = "merak explain --principal ana --operation LIST_CATALOGS";

        assert!(refusal(line).contains("set CLIENT_ID and CLIENT_SECRET"));
    }

    #[test]
    fn a_malformed_credential_is_refused_without_being_shown() {
        let refusal = refusal("merak bootstrap -c R1,s3cr3t");

        assert!(refusal.contains("--credential number 1 does not have the three parts"));
        assert!(!refusal.contains("s3cr3t"), "{refusal}");
    }

    #[test]
    fn purge_must_be_told_what() {
        let Command::Purge(purge) = parsed("merak purge -r R1 -r R2").command else {
            panic!("this is no purge");
        };
        assert_eq!(purge.realms, ["R1", "R2"]);
        assert!(refusal("merak purge").contains("--realm"));
    }

    #[test]
    fn a_flag_without_a_value_is_refused() {
        for line in ["merak -D x", "merak serve -D =y"] {
            assert!(refusal(line).contains("key=value"), "{line}");
        }
    }

    #[test]
    fn the_version_is_printed() {
        let error = parse(["merak", "--version"]).unwrap_err();

        assert_eq!(error.kind(), ErrorKind::DisplayVersion);
        assert!(error.to_string().starts_with("merak "));
    }

    #[test]
    fn options_show_no_values() {
        let shown = format!("{:?}", parsed("merak -D quarkus.datasource.password=s3cr3t").options);

        assert!(shown.contains("quarkus.datasource.password") && !shown.contains("s3cr3t"));
    }
}
