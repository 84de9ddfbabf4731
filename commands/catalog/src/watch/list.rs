//! `watch list`: the watches, and how they stand.

use super::add::Add;
use super::remove::Remove;
use super::test::{Test, TestArgs};
use super::{WatchBook, WatchRef};
use crate::wording::{ago, code, count, line, table};
use bellhop_core::card::Block;
use bellhop_core::command::NoArgs;
use bellhop_core::ports::Places;
use bellhop_core::watch::{Check, Verdict, Watch};
use bellhop_core::{Action, Call, Card, Command, CommandError, Invoke, Reply, Timestamp, Tone};
use std::sync::Arc;

/// How many watches get a button.
const BUTTONS: usize = 4;

/// Lists watches.
pub struct List {
    book: WatchBook,
    places: Arc<dyn Places>,
}

impl List {
    /// With the watches and the places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { book: WatchBook::new(services.records.clone()), places: services.places.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "watch list";
    const SUMMARY: &'static str = "Lists the watches: how they stand, their last figures and checks";
    const EXAMPLES: &'static [&'static str] = &["watch list"];
    type Args = NoArgs;

    async fn run(&self, call: &Call, _args: NoArgs) -> Result<Reply, CommandError> {
        let kept = self.book.all().await?;
        let mut card = Card::titled("Watches");
        for name in &kept.unreadable {
            card = card.tone(Tone::Warning).and_spans(vec![
                "The watch ".into(),
                code(name),
                " can't be read and is not checked: it was made by another version. ".into(),
                code(format!("watch remove {name}")),
                " removes it.".into(),
            ]);
        }
        if kept.watches.is_empty() {
            let example = format!("/{} \"events.signup < 80% of same weekday median\" --every 15m --to #general", Add::NAME);
            return Ok(Reply::new(
                card.and_text("Nothing is watched yet. A watch checks a metric and raises an alert when a condition holds.")
                    .and_actions(vec![Action::prefill("Watch a metric", example)]),
            ));
        }
        let (mut rows, mut firing) = (Vec::new(), 0);
        for watch in &kept.watches {
            let last = self.book.last(watch).await?;
            firing += usize::from(watch.paused.is_none() && last.as_ref().is_some_and(|last| last.standing.firing_since.is_some()));
            let checked = last.as_ref().map_or_else(|| "not yet".to_owned(), |last| format!("{} ago", ago(last.at, call.now)));
            let next = match watch.paused {
                Some(_) => String::new(),
                None => format!("; next {}", soon(watch.due(last.as_ref()), call)),
            };
            rows.push(vec![
                vec![code(&watch.name), format!(" {}", line(&watch.condition.to_string())).into()],
                vec![state(watch, last.as_ref(), call).into()],
                vec![line(&last.as_ref().map_or_else(String::new, |last| last.verdict.why().to_owned())).into()],
                vec![format!("{checked}{next}").into()],
                vec![code(self.places.spell(&watch.to).await)],
            ]);
        }
        let actions = kept.watches.iter().take(BUTTONS).flat_map(|watch| {
            let this = WatchRef { name: watch.name.clone() };
            let test = TestArgs { what: watch.name.clone(), rest: Vec::new(), last: None, every: None, tz: None };
            [
                Action::invoke(format!("Test {}", watch.name), Invoke::of::<Test>(&test)),
                Action::invoke(format!("Remove {}", watch.name), Invoke::of::<Remove>(&this)),
            ]
        });
        let shown = count(kept.watches.len(), "watch").replace("watchs", "watches");
        let told = if firing > 0 { format!("{shown}, {firing} firing.") } else { format!("{shown}, none firing.") };
        let headings = ["Watch", "State", "Last figure", "Checked", "Alert to"];
        Ok(Reply::new(card.and_text(told).block(Block::Table(table(shown, &headings, rows))).and_actions(actions.collect())))
    }
}

/// A moment that is not far away, on the caller's clock.
fn soon(at: Timestamp, call: &Call) -> String {
    let (there, here) = (at.with_timezone(&call.caller.zone), call.now.with_timezone(&call.caller.zone));
    if there.date_naive() == here.date_naive() { there.format("%H:%M").to_string() } else { there.format("%a %Y-%m-%d %H:%M").to_string() }
}

/// How a watch stands, in a word or two.
fn state(watch: &Watch, last: Option<&Check>, call: &Call) -> String {
    if let Some(since) = watch.paused {
        return format!("paused for {}", ago(since, call.now));
    }
    let Some(last) = last else { return "new".to_owned() };
    let standing = &last.standing;
    let blind = matches!(last.verdict, Verdict::Unknown(_));
    match (standing.firing_since, standing.streak) {
        (Some(since), _) if blind => format!("firing for {}; can't tell now", ago(since, call.now)),
        (Some(since), _) => format!("firing for {}", ago(since, call.now)),
        (None, _) if blind => "can't tell".to_owned(),
        (None, 0) => "quiet".to_owned(),
        (None, streak) => format!("holds, {streak} of {} checks", watch.condition.checks()),
    }
}
