//! `watch test`: what a watch, or a condition that is none yet, would have done in the past.

use super::add::{Add, AddArgs};
use super::look::look;
use super::{WatchBook, names, picture, read, typing, unknown};
use crate::analytics::asking::periods;
use crate::wording::{code, line, sentence, suggest, zones};
use bellhop_core::command::Suggestion;
use bellhop_core::period::{Period, Span as Length};
use bellhop_core::ports::Sources;
use bellhop_core::watch::Verdict;
use bellhop_core::{Action, Call, Card, Command, CommandError, Invoke, Reply, Span, Tone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// How often it would have been checked unless told.
const EVERY: Length = Length(Duration::from_mins(15));
/// The most days back.
const MOST: u32 = 400;

/// Arguments of `watch test`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct TestArgs {
    /// A watch's name, or a condition in quotes
    #[arg(value_name = "NAME|CONDITION", allow_hyphen_values = true)]
    pub what: String,
    /// The rest of a condition that was typed without quotes
    #[arg(hide = true)]
    #[serde(default)]
    pub rest: Vec<String>,
    /// How far back, in days; 90d unless told
    #[arg(long, value_name = "PERIOD")]
    #[serde(default)]
    pub last: Option<Period>,
    /// How often it would have been checked; as the watch is, or every 15 minutes
    #[arg(long, value_name = "SPAN")]
    #[serde(default)]
    pub every: Option<Length>,
    /// The time zone that days are cut in, such as Europe/Berlin; the watch's or yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    #[serde(default)]
    pub tz: Option<Tz>,
}

/// Tests watches on the past.
pub struct Test {
    book: WatchBook,
    sources: Arc<dyn Sources>,
}

impl Test {
    /// With the watches and the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { book: WatchBook::new(services.records.clone()), sources: services.sources.clone() }
    }
}

impl Command for Test {
    const NAME: &'static str = "watch test";
    const SUMMARY: &'static str = "Shows when a watch or a condition would have fired in the past";
    const EXAMPLES: &'static [&'static str] =
        &["watch test signups", "watch test \"events.signups < 80% of same weekday median for 2 checks\" --last 60d"];
    const COMPLETES: &'static [&'static str] = &["what", "rest", "last", "every", "tz"];
    type Args = TestArgs;

    async fn run(&self, call: &Call, args: TestArgs) -> Result<Reply, CommandError> {
        let most = match &args.last {
            None => None,
            Some(Period::Days(days)) if *days <= MOST => Some(*days),
            Some(Period::Weeks(weeks)) if *weeks <= MOST / 7 => Some(weeks * 7),
            Some(other) => {
                return Err(CommandError::invalid(
                    "last",
                    format!("`{other}` can't be tested; write days or weeks, such as 30d, up to {MOST}d"),
                ));
            }
        };
        let text = sentence("what", &args.what, &args.rest)?;
        let known = self.book.get(&text).await?;
        let mut condition = match &known {
            Some(watch) => watch.condition.clone(),
            // One word is a name that was mistyped rather than a condition without a test.
            None if !text.contains(char::is_whitespace) && !text.contains(['<', '>', '%']) => return Err(unknown(&self.book, &text).await),
            None => {
                let again = |what| Invoke::of::<Self>(&TestArgs { what, rest: Vec::new(), ..args.clone() });
                match read(&text, again) {
                    Ok(condition) => condition,
                    Err(answer) => return answer.into(),
                }
            }
        };
        let every = args.every.or_else(|| known.as_ref().map(|watch| watch.every)).unwrap_or(EVERY);
        if every.0 < Duration::from_secs(1) {
            return Err(CommandError::invalid("every", format!("`{every}` is too short; it may be 1s to 31d")));
        }
        let zone = args.tz.or_else(|| known.as_ref().map(|watch| watch.zone)).unwrap_or(call.caller.zone);
        let looked = look(&*self.sources, &mut condition, every, zone, call, most).await?;
        let title = match &known {
            Some(watch) => format!("Test of the watch {}", line(&watch.name)),
            None => "Test of a condition".to_owned(),
        };
        let tone = if looked.history.doubt.is_some() { Tone::Warning } else { Tone::Neutral };
        let mut card = Card::titled(title).tone(tone).and_spans(vec![Span::Bold(picture::verdict(&looked))]).and_text(condition.sentence());
        card = match &looked.verdict {
            Verdict::Unknown(why) => card.and_text(format!("Now it can't be told: {}.", line(why))),
            Verdict::Quiet(look) => card.and_text(format!("Now it is quiet: {}.", line(&look.why))),
            Verdict::Firing(look) => card.and_text(format!("Now it holds: {}.", line(&look.why))),
        };
        if let Some(unsure) = picture::unsure(&looked) {
            card = card.and_text(unsure);
        }
        card = picture::draw(card, &condition, &looked);
        card = card.and_fields(vec![
            ("Checked", Span::from(format!("every {every}, days of {}", looked.history.zone.name()))),
            ("Condition", code(condition.to_string())),
        ]);
        if known.is_none() {
            let add =
                AddArgs { condition: text.clone(), rest: Vec::new(), every: args.every, to: None, name: None, severity: None, tz: args.tz };
            card = card.and_actions(vec![Action::invoke("Watch this", Invoke::of::<Add>(&add))]);
        }
        Ok(Reply::new(card))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "what" => {
                let mut found = names(&self.book, typed, |_| true).await;
                found.extend(typing::conditions(&*self.sources, typed).await);
                found.truncate(crate::wording::SUGGESTIONS);
                found
            }
            "rest" => typing::words(typed),
            "last" => suggest(
                typed,
                periods(typed)
                    .into_iter()
                    .map(|one| (one.value, one.about))
                    .filter(|(value, _)| !value.ends_with('h') && !value.ends_with('y')),
            ),
            "every" => suggest(typed, ["5m", "15m", "1h", "1d"].map(|one| (one.to_owned(), String::new()))),
            "tz" => zones(typed),
            _ => Vec::new(),
        }
    }
}
