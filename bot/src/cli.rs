//! The command line of the program.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A self-hosted ChatOps bot.
#[derive(Debug, Parser)]
#[command(
    name = "bellhop",
    version,
    about = "A self-hosted ChatOps bot for Slack, Discord, Teams and your browser",
    disable_help_subcommand = true
)]
pub struct Cli {
    /// The configuration file; without one, everything is embedded
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do; without anything, run
    #[command(subcommand)]
    pub act: Option<Act>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Act {
    /// Runs the bot until it is stopped
    Run,
    /// Runs one command through the same dispatch and prints the answer
    Say(Say),
    /// Looks the configuration over
    Check {
        /// Asks the services, too
        #[arg(long)]
        live: bool,
    },
    /// Prints the annotated configuration reference
    Config,
    /// Prints what a chat platform wants to know about the bot's commands, as JSON
    Manifest(Manifest),
    /// API keys for programs that send data
    Key {
        /// What to do with them
        #[command(subcommand)]
        act: KeyAct,
    },
    /// Brings the bot's own database back from a backup, while the bot is stopped
    Restore(Restore),
    /// The audit log
    Audit {
        /// What to do with it
        #[command(subcommand)]
        act: AuditAct,
    },
}

/// `bellhop say`
#[derive(Debug, Args)]
pub struct Say {
    /// As whom: CHATNAME:USERID, or the id of a person of the embedded chat
    #[arg(long = "as", value_name = "USER", default_value = "console:you")]
    pub user: String,
    /// With this role instead of the person's own: member, operator or admin
    #[arg(long)]
    pub role: Option<bellhop_core::Access>,
    /// Where: a place as in chat, #general by default
    #[arg(long = "in", value_name = "PLACE")]
    pub place: Option<bellhop_core::PlaceRef>,
    /// A file that comes with it; may be given several times
    #[arg(long, value_name = "PATH")]
    pub file: Vec<PathBuf>,
    /// Where to write the answer's files
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Prints the answer's card as JSON
    #[arg(long)]
    pub json: bool,
    /// The command, each argument one word
    #[arg(last = true, required = true, value_name = "COMMAND LINE")]
    pub words: Vec<String>,
}

/// `bellhop restore ...`
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup: STORE:FOLDER/NAME for its newest run, STORE:FOLDER/NAME/RUN, or a folder of this machine
    #[arg(long, value_name = "PLACE")]
    pub from: String,
    /// The database to bring it into, sqlite:PATH or postgres://...; the configured one unless told
    #[arg(long, value_name = "DATABASE_URL")]
    pub into: Option<String>,
    /// Where the database has something in it: puts that aside, and keeps it
    #[arg(long)]
    pub replace: bool,
    /// Does what --replace says, without asking
    #[arg(long)]
    pub yes: bool,
    /// The bot has not run since the backup was made: what waited goes on instead of being held
    #[arg(long)]
    pub resume: bool,
}

/// `bellhop manifest ...`
#[derive(Debug, Args)]
pub struct Manifest {
    /// For which platform
    #[arg(value_enum, value_name = "PLATFORM")]
    pub platform: Platform,
    /// The configured chat that it is for, the NAME of [chat.NAME]; needed where several are of that kind
    #[arg(long, value_name = "CHATNAME")]
    pub name: Option<String>,
    /// The address under which the platform reaches the bot; the configured one unless told
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Where to write the package with the manifest in it, for platforms that take one
    #[arg(long, value_name = "FILE")]
    pub zip: Option<PathBuf>,
}

/// A platform that takes a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Platform {
    /// An app manifest, as api.slack.com/apps takes it
    Slack,
    /// The application commands as an array, and the link that invites the bot on standard error
    Discord,
    /// An app manifest, or with --zip the package that the Teams admin center takes
    Teams,
    /// Not in this version
    Zapier,
}

impl Platform {
    /// Its word, as `kind` in the configuration spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Zapier => "zapier",
        }
    }
}

/// `bellhop key ...`
#[derive(Debug, Subcommand)]
pub enum KeyAct {
    /// Makes a key and prints it last; it can't be shown again
    Create {
        /// What it is for
        #[arg(long, default_value = "unnamed")]
        name: String,
        /// What it may do: alerts, events, metrics; everything when none is given
        #[arg(long)]
        scope: Vec<String>,
    },
    /// Lists the keys, without their secrets
    List,
    /// Takes a key away from whoever has it
    Revoke {
        /// The id, as in the list
        id: String,
    },
}

/// `bellhop audit ...`
#[derive(Debug, Subcommand)]
pub enum AuditAct {
    /// Checks that no row was changed, taken out or moved
    Verify,
}
