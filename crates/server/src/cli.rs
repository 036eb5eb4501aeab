//! The command line: what was asked for, not yet done.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::config::{RootCredentials, Sources};

/// What a command line asks for.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What to do.
    pub command: Command,
    /// The `-D key=value` flags in their order, and the properties file.
    pub options: Options,
}

/// What to do.
#[derive(Debug, Clone)]
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

fn refused(why: impl fmt::Display) -> clap::Error {
    Cli::command().error(ErrorKind::ValueValidation, why)
}

#[cfg(test)]
mod tests {
    use super::*;

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
