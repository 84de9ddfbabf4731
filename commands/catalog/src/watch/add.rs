//! `watch add`: makes a watch. It says what it understood, what the figure is now, and what the watch would have done.

use super::list::List;
use super::look::{Looked, look};
use super::remove::Remove;
use super::{WatchBook, WatchRef, marked, picture, read, typing};
use crate::channel::complete_place;
use crate::wording::{code, line, local, sentence, suggest, zones};
use bellhop_core::card::{Block, Field};
use bellhop_core::command::{NoArgs, Suggestion};
use bellhop_core::period::Span as Length;
use bellhop_core::ports::{Places, Sources};
use bellhop_core::watch::{Condition, Hold, Per, Verdict, Watch};
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, PlaceRef, Reply, Span, Tone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// How often a watch is checked unless told.
const EVERY: Length = Length(Duration::from_mins(15));
/// The shortest and the longest rhythm.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24 * 31);
/// The longest name, in characters.
const NAME: usize = 40;
/// How many letters an id has.
const ID: usize = 12;
/// How many names are tried where one is taken.
const TRIES: u32 = 1000;

/// How bad it is when a watch fires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Somebody has to run
    Critical,
    /// Somebody has to look
    #[default]
    Warning,
    /// Good to know
    Info,
}

impl Severity {
    const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Arguments of `watch add`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct AddArgs {
    /// When it fires, in quotes: "events.signups < 80% of same weekday median for 2 checks"
    #[arg(allow_hyphen_values = true)]
    pub condition: String,
    /// The rest of a condition that was typed without quotes
    #[arg(hide = true)]
    #[serde(default)]
    pub rest: Vec<String>,
    /// How often it is checked, such as 15m, 1h or 1d; every 15 minutes unless told
    #[arg(long, value_name = "SPAN")]
    #[serde(default)]
    pub every: Option<Length>,
    /// Where its alert is shown; here unless told
    #[arg(long, value_name = "PLACE")]
    #[serde(default)]
    pub to: Option<PlaceRef>,
    /// A name for it; after its metric unless told
    #[arg(long, value_name = "NAME")]
    #[serde(default)]
    pub name: Option<String>,
    /// How bad it is when it fires; a warning unless told
    #[arg(long, value_enum)]
    #[serde(default)]
    pub severity: Option<Severity>,
    /// The time zone that days are cut in, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    #[serde(default)]
    pub tz: Option<Tz>,
}

/// Makes watches.
pub struct Add {
    book: WatchBook,
    sources: Arc<dyn Sources>,
    places: Arc<dyn Places>,
}

impl Add {
    /// With the watches, the sources and the places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { book: WatchBook::new(services.records.clone()), sources: services.sources.clone(), places: services.places.clone() }
    }
}

impl Command for Add {
    const NAME: &'static str = "watch add";
    const SUMMARY: &'static str = "Watches a metric and raises an alert when a condition holds";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "watch add \"events.signups < 80% of same weekday median for 2 checks\" --every 15m --to #general",
        "watch add \"events.page_views > 1.5k\" --every 5m",
        "watch add \"sum of revenue of events.purchase drops by 20% against yesterday\" --severity critical",
        "watch add \"events.signup no data for 2h\" --name signups-stopped",
        "watch add \"events.page_views anomaly low\" --every 1h",
    ];
    const COMPLETES: &'static [&'static str] = &["condition", "rest", "every", "to", "tz"];
    type Args = AddArgs;

    async fn run(&self, call: &Call, args: AddArgs) -> Result<Reply, CommandError> {
        let text = sentence("condition", &args.condition, &args.rest)?;
        let again = |condition| Invoke::of::<Self>(&AddArgs { condition, rest: Vec::new(), ..args.clone() });
        let mut condition = match read(&text, again) {
            Ok(condition) => condition,
            Err(answer) => return answer.into(),
        };
        let every = args.every.unwrap_or(EVERY);
        if every.0 < SHORTEST || every.0 > LONGEST {
            return Err(CommandError::invalid(
                "every",
                format!("`{every}` is too {}; it may be 1s to 31d", if every.0 < SHORTEST { "short" } else { "long" }),
            ));
        }
        let name = match &args.name {
            Some(name) => Some(named(name)?),
            None => None,
        };
        let to = match &args.to {
            Some(place) => self.places.resolve(place, &call.at).await?,
            None => call.at.clone(),
        };
        let looked = look(&*self.sources, &mut condition, every, args.tz.unwrap_or(call.caller.zone), call, None).await?;
        let mut watch = Watch {
            id: hex::encode(Sha256::digest(call.id.as_str()))[..ID].to_owned(),
            name: name.clone().unwrap_or_else(|| from_metric(&condition)),
            condition,
            every,
            // Days are those of the source: the alert tells of the same days as this card.
            zone: looked.history.zone,
            severity: args.severity.unwrap_or_default().word().to_owned(),
            to,
            owner: call.caller.user.clone(),
            owner_name: call.caller.name.clone(),
            made: call.now,
            since: call.now,
            paused: None,
            by: call.id.clone(),
        };
        let first = watch.name.clone();
        for number in 2..TRIES {
            let (kept, new) = self.book.add(&watch).await?;
            // The same call, run again, finds the watch that it made.
            if new || kept.by == call.id {
                watch = kept;
                return Ok(Reply::new(self.added(&watch, &looked, args.tz.unwrap_or(call.caller.zone)).await));
            }
            if name.is_some() {
                return Err(CommandError::Refused(format!(
                    "there is a watch {} already: {}. Choose another name, or remove that one first",
                    kept.name, kept.condition
                )));
            }
            watch.name = format!("{first}-{number}");
        }
        Err(CommandError::Refused("there are too many watches of this metric; give it a name with --name".to_owned()))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let of = |names: &[&str]| suggest(typed, names.iter().map(|name| ((*name).to_owned(), String::new())));
        match argument {
            "condition" => typing::conditions(&*self.sources, typed).await,
            "rest" => typing::words(typed),
            "every" => of(&["5m", "15m", "1h", "1d"]),
            "to" => complete_place(&*self.places, call, typed).await,
            "tz" => zones(typed),
            _ => Vec::new(),
        }
    }
}

impl Add {
    async fn added(&self, watch: &Watch, looked: &Looked, asked: Tz) -> Card {
        let field = |name: &str, value: Vec<Span>| Field { name: name.to_owned(), value };
        let now = match &looked.verdict {
            Verdict::Quiet(look) => format!("{}: quiet", look.why),
            Verdict::Firing(look) => format!("{}: it holds now", look.why),
            Verdict::Unknown(why) => format!("can't be told: {why}"),
        };
        let place = self.places.spell(&watch.to).await;
        let days = match watch.condition.per {
            Per::Hour => format!("the last hour that is over, {}", watch.zone.name()),
            Per::Day => format!("the last day that is over, {}", watch.zone.name()),
        };
        let fields = vec![
            field("Now", vec![line(&now).into()]),
            field("Looks at", vec![days.into()]),
            field("Checked", vec![format!("every {}, first {}", watch.every, local(watch.first_due(), watch.zone)).into()]),
            field("Alert", vec![format!("{}, shown in ", watch.severity).into(), code(place)]),
            field("Name", vec![code(&watch.name)]),
            field("Condition", vec![code(watch.condition.to_string())]),
        ];
        let mut card = Card::titled(format!("Watching {}", line(&watch.name)))
            .tone(Tone::Good)
            .and_text(watch.condition.sentence())
            .block(Block::Fields(fields))
            .and_spans(vec![Span::Bold(picture::verdict(looked))]);
        for note in notes(watch, looked, asked) {
            card = card.and_spans(marked(&note));
        }
        card = picture::draw(card, &watch.condition, looked);
        let this = WatchRef { name: watch.name.clone() };
        card.and_actions(vec![
            Action::invoke("All watches", Invoke::of::<List>(&NoArgs {})),
            Action::invoke("Remove", Invoke::of::<Remove>(&this)),
        ])
    }
}

/// What one may not expect of a condition.
fn notes(watch: &Watch, looked: &Looked, asked: Tz) -> Vec<String> {
    let mut notes: Vec<String> = picture::unsure(looked).into_iter().collect();
    let condition = &watch.condition;
    let length = match condition.per {
        Per::Hour => Duration::from_hours(1),
        Per::Day => Duration::from_hours(24),
    };
    let per = condition.per.word();
    if let Hold::Checks(checks) = condition.hold
        && checks > 1
        && watch.every.0 * checks < length
    {
        notes.push(format!(
            "There is a new figure once {} {per} and a check every {}, so {checks} checks mostly see the same one. For {checks} {per}s in a row write `for {checks} {per}s`.",
            if condition.per == Per::Hour { "an" } else { "a" },
            watch.every
        ));
    }
    if looked.history.behind >= chrono::TimeDelta::hours(1) {
        notes.push(format!(
            "{} goes on counting for about {} hours; so long after its end a {per} is looked at.",
            looked.history.source,
            looked.history.behind.num_hours()
        ));
    }
    if condition.per == Per::Day && watch.zone != asked {
        notes.push(format!("Days are those of {}: {} cuts them there.", watch.zone.name(), looked.history.source));
    }
    notes
}

/// A name as it is typed.
fn named(typed: &str) -> Result<String, CommandError> {
    let typed = typed.trim();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if typed.is_empty() || typed.starts_with('-') || typed.chars().count() > NAME || !typed.chars().all(fits) {
        return Err(CommandError::invalid(
            "name",
            format!("`{}` can't be a watch's name: write 1 to {NAME} letters, digits, hyphens, dots and underscores", line(typed)),
        ));
    }
    Ok(typed.to_owned())
}

/// A name after what is watched.
fn from_metric(condition: &Condition) -> String {
    let fits = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '.') { c } else { '-' };
    let name: String = condition.metric.to_lowercase().chars().map(fits).take(NAME - 4).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "watch".to_owned() } else { name.to_owned() }
}
