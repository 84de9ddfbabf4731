//! Questions that were kept under a name: `--save NAME` keeps one, `report NAME` asks it again (also from a schedule), and the
//! commands here list and remove them. Kept is the question, never its answer.

use super::outcome::quoted;
use crate::wording::{code, count, line, table};
use bellhop_core::address::UserRef;
use bellhop_core::card::Block;
use bellhop_core::command::{NoArgs, Suggestion};
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{PortResult, Records, ScheduleBook, Sources};
use bellhop_core::{
    Access, Action, Call, Card, Command, CommandError, Effect, Invoke, PortError, PortErrorKind, Reply, Span, Timestamp, Tone,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const COLLECTION: &str = "saved_report";
const PAGE: usize = 500;
/// How long a name is, and how many a list gives buttons to.
const LONGEST: usize = 60;
const BUTTONS: usize = 5;
/// Names that would read as something else.
const RESERVED: [&str; 3] = ["list", "saved", "all"];

/// A kept question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Its name, as it was typed.
    pub name: String,
    /// The line that asks it.
    pub line: String,
    /// What runs.
    pub invoke: Invoke,
    /// Who kept it.
    pub by: UserRef,
    /// Their name then.
    pub by_name: String,
    /// When.
    pub at: Timestamp,
}

/// Names are the same however they are written.
fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

fn read(value: serde_json::Value) -> PortResult<Kept> {
    let broken = |error: serde_json::Error| {
        PortError::new(PortErrorKind::Broken, "database", "read", format!("a saved report can't be read ({error}); save it anew"))
    };
    serde_json::from_value(value).map_err(broken)
}

/// The question of a name.
pub(crate) async fn find(records: &dyn Records, name: &str) -> Result<Option<Kept>, CommandError> {
    let key = key(name);
    if key.is_empty() || key.len() > 4 * LONGEST {
        return Ok(None);
    }
    Ok(records.get(COLLECTION, &key).await?.map(read).transpose()?)
}

/// All of them, by name.
pub(crate) async fn all(records: &dyn Records) -> PortResult<Vec<Kept>> {
    let (mut found, mut after): (Vec<Kept>, Option<String>) = (Vec::new(), None);
    loop {
        let page = records.after(COLLECTION, after.as_deref(), PAGE).await?;
        let whole = page.len() == PAGE;
        after = page.last().map(|record| record.key.clone());
        for record in page {
            found.push(read(record.value)?);
        }
        if !whole {
            return Ok(found);
        }
    }
}

/// Sees whether a name can be given. `subjects` are what the question itself is about: under such a name it would ask for itself.
pub(crate) async fn free(sources: &dyn Sources, name: &str, subjects: &[&str]) -> Result<(), CommandError> {
    let wrong = |why: String| Err(CommandError::invalid("save", why));
    let name = name.trim();
    let hidden = |c: char| c.is_control() || bellhop_core::text::is_hidden(c);
    if name.is_empty() || name.chars().count() > LONGEST || name.starts_with('-') || name.chars().any(hidden) {
        return wrong(format!("a name has 1 to {LONGEST} visible characters and begins with no dash, such as weekly"));
    }
    if RESERVED.contains(&key(name).as_str()) {
        return wrong(format!("`{name}` means something else here; choose another name"));
    }
    let mut known: Vec<String> = subjects.iter().map(|subject| key(subject)).collect();
    if let Ok(source) = sources.source(None) {
        known.extend(source.metrics().await.unwrap_or_default().into_iter().map(|metric| key(&metric.name)));
    }
    if known.contains(&key(name)) {
        return wrong(format!(
            "`{}` is the name of something that is counted, which could not be asked for any more; choose another",
            line(name)
        ));
    }
    Ok(())
}

/// Keeps a question. A name that is taken stays as it is, unless it was the same question.
pub(crate) async fn keep(records: &dyn Records, kept: &Kept) -> Result<(), CommandError> {
    let value = serde_json::to_value(kept)
        .map_err(|error| PortError::new(PortErrorKind::Broken, "database", "write", format!("the report can't be kept: {error}")))?;
    let (there, new) = records.put_new(COLLECTION, &key(&kept.name), &value).await?;
    if new {
        return Ok(());
    }
    let there = read(there)?;
    unlike(&there, kept)
}

/// Refuses a name under which another question is kept.
pub(crate) fn unlike(there: &Kept, kept: &Kept) -> Result<(), CommandError> {
    if there.invoke == kept.invoke {
        return Ok(());
    }
    Err(CommandError::Refused(format!(
        "there is a saved report `{}` already, which is `{}`; choose another name, or `saved remove {}` first",
        line(&there.name),
        line(&there.line),
        quoted(&there.name)
    )))
}

/// The list of all of them as a card.
pub(crate) async fn listed(records: &dyn Records) -> Result<Card, CommandError> {
    let kept = all(records).await?;
    if kept.is_empty() {
        return Ok(Card::titled("There are no saved reports yet").and_spans(vec![
            "Add ".into(),
            code("--save NAME"),
            " to a question to keep it, as in ".into(),
            code("report page_views 7d --compare previous --save weekly"),
            ".".into(),
        ]));
    }
    let rows = kept
        .iter()
        .map(|one| vec![vec![code(&one.name)], vec![code(&one.line)], vec![line(&one.by_name).into()], vec![Span::Time(one.at)]]);
    let title = count(kept.len(), "saved report");
    let shown = table(title.clone(), &["Name", "Asks", "By", "Saved"], rows.collect());
    let buttons = kept.iter().take(BUTTONS).map(|one| Action::invoke(bellhop_core::text::shorten(&one.name, 40), one.invoke.clone()));
    let buttons = buttons.collect();
    let card = Card::titled(title).block(Block::Table(shown)).and_spans(vec![
        code("report NAME"),
        " asks one again, also with another period or source; ".into(),
        code("saved remove NAME"),
        " removes it.".into(),
    ]);
    Ok(card.and_actions(buttons))
}

/// `saved list`: the questions that were kept.
pub struct List {
    records: Arc<dyn Records>,
}

impl List {
    /// With the notes.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { records: services.records.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "saved list";
    const SUMMARY: &'static str = "Lists the saved reports, which `report NAME` asks again";
    const EXAMPLES: &'static [&'static str] = &["saved list"];
    type Args = NoArgs;

    async fn run(&self, _call: &Call, _args: NoArgs) -> Result<Reply, CommandError> {
        Ok(Reply::new(listed(&*self.records).await?))
    }
}

/// Arguments of `saved remove`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct RemoveArgs {
    /// The saved report's name, from `saved list`
    pub name: String,
}

/// `saved remove`: forgets a kept question.
pub struct Remove {
    records: Arc<dyn Records>,
    schedules: Arc<dyn ScheduleBook>,
}

impl Remove {
    /// With the notes, and what may still ask for one of them.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { records: services.records.clone(), schedules: services.schedules.clone() }
    }
}

impl Command for Remove {
    const NAME: &'static str = "saved remove";
    const SUMMARY: &'static str = "Removes a saved report";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["saved remove weekly"];
    const COMPLETES: &'static [&'static str] = &["name"];
    type Args = RemoveArgs;

    async fn run(&self, _call: &Call, args: RemoveArgs) -> Result<Reply, CommandError> {
        let Some(gone) = find(&*self.records, &args.name).await? else {
            let known = all(&*self.records).await?;
            let nearest = nearest(args.name.trim(), known.iter().map(|one| one.name.as_str())).map(str::to_owned);
            return Err(CommandError::NotFound { what: "saved report", name: line(&args.name), nearest });
        };
        self.records.remove(COLLECTION, &key(&gone.name)).await?;
        let asks = |schedule: &bellhop_core::ports::Schedule| {
            let named = |value: &serde_json::Value| value.as_str().is_some_and(|name| key(name) == key(&gone.name));
            let args = &schedule.invoke.args;
            let steps =
                args.get("steps").and_then(|steps| steps.as_array()).is_some_and(|steps| steps.len() == 1 && steps.iter().all(named));
            args.get("metric").is_some_and(named) || steps
        };
        let left: Vec<String> = self.schedules.list().await?.iter().filter(|one| asks(one)).map(|one| one.id.clone()).collect();
        let mut card = Card::titled("Saved report removed").tone(Tone::Good).and_spans(vec![
            code(&gone.name),
            " is no more; it asked ".into(),
            code(&gone.line),
            ".".into(),
        ]);
        if !left.is_empty() {
            card = card.tone(Tone::Warning).and_text(format!(
                "{} still asks for it: `schedule remove {}`.",
                count(left.len(), "schedule"),
                left.join("`, `schedule remove ")
            ));
        }
        let again = format!("/{} --save {}", gone.line, quoted(&gone.name));
        Ok(Reply::new(card.and_actions(vec![Action::prefill("Save it again", again)])))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        let known = all(&*self.records).await.unwrap_or_default();
        crate::wording::suggest(typed, known.into_iter().map(|one| (one.name, one.line)))
    }
}
