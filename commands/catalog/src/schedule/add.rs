//! `schedule add`: runs a command by itself, on a cron line. The command is read now, so that a wrong one is refused now;
//! what needs a person (a confirmation, an attached file) can't be scheduled.

use super::cron::{CronLine, next_runs};
use super::keep;
use super::remove::{Remove, RemoveArgs};
use crate::channel::complete_place;
use crate::wording::{code, line, local, zones};
use bellhop_core::access::Effect;
use bellhop_core::card::{Block, Field};
use bellhop_core::command::Suggestion;
use bellhop_core::grammar::Misunderstood;
use bellhop_core::ports::{Permissions, Places, Schedule, ScheduleBook};
use bellhop_core::registry::Understood;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Invoke, PlaceRef, Registry, Reply, Span, Tone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Weak};

/// How many of the next runs are shown.
const SHOWN: usize = 3;
/// Commands that make no sense without the person who types them.
const NEEDS_A_PERSON: [&str; 4] = ["approve", "decline", "file put", "schedule add"];

/// Arguments of `schedule add`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct AddArgs {
    /// A cron line in quotes: minute, hour, day of month, month, day of week; or @daily and the like
    pub cron: String,
    /// The command to run, with its arguments; -- before it keeps its options apart
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
    /// The time zone of the cron line, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    pub tz: Option<Tz>,
    /// Where the answers go; here unless told
    #[arg(long, value_name = "PLACE")]
    pub to: Option<PlaceRef>,
}

/// Adds a schedule.
pub struct Add {
    schedules: Arc<dyn ScheduleBook>,
    places: Arc<dyn Places>,
    permissions: Arc<dyn Permissions>,
    registry: Weak<Registry>,
}

impl Add {
    /// With the schedules, the places, the permissions and the list of commands.
    pub(crate) fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self {
            schedules: services.schedules.clone(),
            places: services.places.clone(),
            permissions: services.permissions.clone(),
            registry: registry.clone(),
        }
    }

    /// The command that is to run, if it can be run by itself and its owner may run it.
    fn understood(&self, registry: &Registry, call: &Call, words: &[String]) -> Result<Invoke, CommandError> {
        let parsed = match words {
            [whole] if whole.contains(char::is_whitespace) => registry.parse(whole),
            words => registry.parse_words(words),
        };
        let Understood { invoke, confirmed } = parsed.map_err(|why| CommandError::invalid("command", why_not(&why)))?;
        let refused = |why: &str| Err(CommandError::Refused(format!("`{}` can't be scheduled: {why}", invoke.command)));
        let Some(command) = registry.get(&invoke.command) else { return refused("there is no such command") };
        let about = &*command.weighed(&invoke.args);
        if confirmed || about.effect == Effect::Destroys {
            return refused("it destroys something and asks a person first");
        }
        if NEEDS_A_PERSON.contains(&about.name) {
            return refused("it needs the person who types it");
        }
        let decision = self.permissions.decide(&call.caller.user, call.caller.access, about);
        if !decision.allowed {
            return refused(&format!("it would run with your permissions, and {}", decision.because));
        }
        Ok(invoke)
    }
}

impl Command for Add {
    const NAME: &'static str = "schedule add";
    const SUMMARY: &'static str = "Runs a command by itself, on a cron line";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "schedule add \"0 9 * * 1-5\" report page_views 7d",
        "schedule add \"0 9 * * 1-5\" --tz Europe/Berlin --to #general -- report page_views 7d --by country",
    ];
    const COMPLETES: &'static [&'static str] = &["cron", "command", "tz", "to"];
    type Args = AddArgs;

    async fn run(&self, call: &Call, args: AddArgs) -> Result<Reply, CommandError> {
        let registry =
            self.registry.upgrade().ok_or_else(|| CommandError::Refused("the bot is stopping; try again in a moment".to_owned()))?;
        let (cron, words) = without_quotes(&args);
        let cron: CronLine = cron.parse().map_err(|why: String| CommandError::invalid("cron", why))?;
        let zone = args.tz.unwrap_or(call.caller.zone);
        let next = next_runs(cron.as_str(), zone, call.now, SHOWN).map_err(|why| CommandError::invalid("cron", why))?;
        let Some(first) = next.first().copied() else {
            return Err(CommandError::invalid("cron", format!("`{cron}` is never due: no such day comes")));
        };
        let invoke = self.understood(&registry, call, &words)?;
        let to = match &args.to {
            Some(place) => self.places.resolve(place, &call.at).await?,
            None => call.at.clone(),
        };
        let schedule = Schedule {
            id: String::new(),
            cron: cron.to_string(),
            zone,
            line: registry.line(&invoke),
            invoke,
            owner: call.caller.user.clone(),
            owner_name: call.caller.name.clone(),
            to,
            next: first,
            last: None,
        };
        let schedule = keep(&*self.schedules, call, schedule).await?;
        Ok(Reply::new(self.added(&schedule, &next).await))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "tz" => zones(typed),
            "to" => complete_place(&*self.places, call, typed).await,
            "cron" => [
                ("0 9 * * 1-5", "at 9 on working days"),
                ("0 * * * *", "every hour"),
                ("0 8 * * 1", "Mondays at 8"),
                ("0 0 1 * *", "on the first of the month"),
            ]
            .iter()
            .filter(|(value, _)| value.starts_with(typed))
            .map(|(value, about)| Suggestion { value: (*value).to_owned(), about: (*about).to_owned() })
            .collect(),
            "command" => {
                let Some(registry) = self.registry.upgrade() else { return Vec::new() };
                let fit = registry.all().filter(|about| about.effect != Effect::Destroys && !NEEDS_A_PERSON.contains(&about.name));
                crate::wording::suggest(typed, fit.map(|about| (about.name.to_owned(), about.summary.to_owned())))
            }
            _ => Vec::new(),
        }
    }
}

impl Add {
    async fn added(&self, schedule: &Schedule, next: &[bellhop_core::Timestamp]) -> Card {
        let field = |name: &str, value: Span| Field { name: name.to_owned(), value: vec![value] };
        let runs = next.iter().map(|at| local(*at, schedule.zone)).collect::<Vec<_>>().join("\n");
        let fields = vec![
            field("Runs", code(&schedule.line)),
            field("When", format!("{} ({})", schedule.cron, schedule.zone.name()).into()),
            field("Next", runs.into()),
            field("Answers to", code(self.places.spell(&schedule.to).await)),
            field("Id", code(&schedule.id)),
        ];
        let remove = Invoke::of::<Remove>(&RemoveArgs { id: schedule.id.clone() });
        Card::titled("Scheduled").tone(Tone::Good).block(Block::Fields(fields)).and_actions(vec![Action::invoke("Remove", remove)])
    }
}

/// The cron line and the command's words, also where the quotes around the cron line were left out: then its five fields
/// stand at the beginning of the words.
fn without_quotes(args: &AddArgs) -> (String, Vec<String>) {
    let field =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit() || b"*/,-?LW#".contains(&b) || b.is_ascii_uppercase());
    let rest = &args.command;
    if !args.cron.contains(char::is_whitespace) && field(&args.cron) && rest.len() > 4 && rest[..4].iter().all(|word| field(word)) {
        let from = if rest.get(4).is_some_and(|word| word == "--") { 5 } else { 4 };
        return (format!("{} {}", args.cron, rest[..4].join(" ")), rest[from..].to_vec());
    }
    (args.cron.clone(), rest.clone())
}

/// Why the command to be scheduled was not understood, in a sentence.
fn why_not(why: &Misunderstood) -> String {
    let meant = |corrected: &Option<String>| corrected.as_ref().map(|right| format!("; did you mean `{right}`?")).unwrap_or_default();
    match why {
        Misunderstood::Nothing => "the command to run is missing".to_owned(),
        Misunderstood::Words(error) => error.to_string(),
        Misunderstood::Name { typed, corrected } => format!("there is no command `{}`{}", line(typed), meant(corrected)),
        Misunderstood::Verb { group, typed, verbs, corrected } if typed.is_empty() => {
            format!("`{group}` needs a verb: {}{}", verbs.join(", "), meant(corrected))
        }
        Misunderstood::Verb { group, typed, corrected, .. } => format!("`{group}` has no `{}`{}", line(typed), meant(corrected)),
        Misunderstood::Missing { command, missing, .. } => format!("`{command}` needs {}", missing.join(", ")),
        Misunderstood::Value { command, argument, why, corrected, .. } => format!("`{command}`, {argument}: {why}{}", meant(corrected)),
        Misunderstood::Surplus { command, typed, usage, corrected } => {
            format!("`{command}` does not take `{}`; it is written {usage}{}", line(typed), meant(corrected))
        }
    }
}
