//! `cohort`: the groups of people that a source keeps, who is in them, a new one out of a list of ids, and, for an event, those
//! who began with it in the same week and how long they stayed (which is a retention of any event).

mod define;
mod rule;

use super::asking::{able, periods};
use super::outcome::Outcome;
use super::report::condition::Condition;
use super::retention::{self, RetentionArgs, Unit};
use super::{complete_metric, complete_source};
use crate::wording::{code, count, line, suggest, table, zones};
use bellhop_core::analytics::Cohort;
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::nearest::nearest;
use bellhop_core::period::Period;
use bellhop_core::ports::{AnalyticsSource, Sources};
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Tone};
use chrono_tz::Tz;
use rule::Rule;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many people are shown unless told, and at most.
const SHOWN: u32 = 50;
const MOST_SHOWN: u32 = 1000;
/// How many ids one call takes.
const MOST_IDS: usize = 1000;
/// The words that are no events.
const VERBS: [(&str, &str); 5] = [
    ("list", "the cohorts that a source keeps"),
    ("members", "who is in a cohort"),
    ("make", "a new cohort out of ids"),
    ("define", "a new cohort by what people did"),
    ("delete", "the end of a cohort"),
];

/// Arguments of `cohort`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct CohortArgs {
    /// `list`, `members`, `make`, `define`, `delete`, or the event that people began with
    #[arg(value_name = "EVENT")]
    pub what: String,
    /// After an event: the period. After another word: the cohort's name; after make then people's ids
    #[arg(value_name = "WORD")]
    #[serde(default)]
    pub words: Vec<String>,
    /// Of an event: those of one day, week or month together
    #[arg(long, value_enum, value_name = "UNIT")]
    pub by: Option<Unit>,
    /// Of members: how many are shown; 50 unless told
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
    /// Of define: what people did, such as "purchase amount>10 3 times in 30d"
    #[arg(long, value_name = "RULE")]
    #[serde(default)]
    pub did: Vec<Rule>,
    /// Of define: what they didn't do
    #[arg(long, value_name = "RULE")]
    #[serde(default)]
    pub not: Vec<Rule>,
    /// Of an event: only where a property fits, such as country=DE
    #[arg(long = "where", value_name = "CONDITION")]
    #[serde(default)]
    pub r#where: Vec<Condition>,
    /// Of make and define: in place of the cohort of that name
    #[arg(long)]
    #[serde(default)]
    pub replace: bool,
    /// The source, where it isn't the default one
    #[arg(long, value_name = "NAME")]
    pub source: Option<SourceName>,
    /// The time zone that days are cut in, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    pub tz: Option<Tz>,
}

/// Shows and makes cohorts.
pub struct Cohorts {
    sources: Arc<dyn Sources>,
}

impl Cohorts {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }

    fn keeper(&self, args: &CohortArgs) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
        able(&*self.sources, args.source.as_ref(), "cohorts", |can| can.cohorts)
    }

    fn uploads(&self, args: &CohortArgs) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
        able(&*self.sources, args.source.as_ref(), "way to make cohorts out of ids", |can| can.cohort_upload)
    }

    async fn list(&self, args: &CohortArgs) -> Result<Card, CommandError> {
        nothing_after(&args.words)?;
        let source = self.keeper(args)?;
        let cohorts = source.cohorts().await?;
        if cohorts.is_empty() {
            return Ok(Card::text(format!("The source {} keeps no cohort yet.", source.name())));
        }
        let rows = cohorts.iter().map(|cohort| {
            let at = cohort.at.map_or_else(|| "–".into(), bellhop_core::Span::Time);
            vec![
                vec![line(&cohort.name).into()],
                vec![code(&cohort.id)],
                vec![size(cohort).into()],
                vec![at],
                vec![line(&cohort.about).into()],
            ]
        });
        let title = format!("{} of {}", count(cohorts.len(), "cohort"), source.name());
        let table = table(title.clone(), &["Cohort", "Id", "People#", "Counted", "About"], rows.collect());
        Ok(Card::titled(title).block(Block::Table(table)))
    }

    async fn members(&self, args: &CohortArgs) -> Result<Card, CommandError> {
        let [name] = args.words.as_slice() else {
            return Err(CommandError::invalid("words", "write the cohort's name, such as cohort members vip; quotes around several words"));
        };
        let limit = args.limit.unwrap_or(SHOWN);
        if !(1..=MOST_SHOWN).contains(&limit) {
            return Err(CommandError::invalid("limit", format!("write a number from 1 to {MOST_SHOWN}")));
        }
        let source = self.keeper(args)?;
        let cohort = named(&source.cohorts().await?, name)?;
        let (mut ids, mut next, mut total) = (Vec::new(), None, None);
        loop {
            let page = source.members(&cohort.id, next.as_deref()).await?;
            let came = page.ids.len();
            ids.extend(page.ids);
            total = page.total.or(total);
            // A page without anybody that says there is another one would go on for ever.
            if page.next.is_none() || page.next == next || came == 0 || ids.len() > limit as usize {
                next = page.next;
                break;
            }
            next = page.next;
        }
        let more = ids.len() > limit as usize || next.is_some();
        ids.truncate(limit as usize);
        let all = total.or(cohort.size).map_or_else(String::new, |total| format!(" of {}", number(total)));
        let title = format!("People of {}", line(&cohort.name));
        if ids.is_empty() {
            return Ok(Card::titled(title).and_text("Nobody is in it."));
        }
        let shown = ids.len();
        let rows = ids.iter().map(|id| vec![vec![code(id)]]).collect();
        let said = if more { format!("The first {shown}{all}.") } else { format!("{}.", people(shown)) };
        Ok(Card::titled(title.clone()).and_text(said).block(Block::Table(table(title, &["Id"], rows))))
    }

    async fn make(&self, args: CohortArgs) -> Result<Card, CommandError> {
        let (name, ids) = asked(&args)?;
        let source = self.uploads(&args)?;
        if taken(&*source, &args, &name).await? {
            return Err(CommandError::Confirm(Box::new(Invoke::of::<Self>(&CohortArgs { replace: true, ..args }))));
        }
        let made = source.make_cohort(&name, &ids).await?;
        let mut card = Card::titled(format!("Made the cohort {}", line(&name))).tone(Tone::Good).and_text(format!(
            "{} of {} are known to {} and in it.",
            number(made.matched),
            people(usize::try_from(made.total).unwrap_or(usize::MAX)),
            source.name()
        ));
        if !made.unknown.is_empty() {
            let some: Vec<String> = made.unknown.iter().take(20).map(|id| line(id)).collect();
            card = card.tone(Tone::Warning).and_text(format!("Not known there: {}.", some.join(", ")));
        }
        card = card.and_fields(vec![("Id", code(&made.id)), ("Source", code(source.name().as_str()))]);
        if source.capabilities().cohorts {
            card = card.and_actions(vec![show_members(&args, name)]);
        }
        Ok(card)
    }

    async fn began(&self, call: &Call, args: CohortArgs) -> Result<Card, CommandError> {
        let period = match args.words.as_slice() {
            [] => None,
            [period] => Some(period.parse::<Period>().map_err(|why| CommandError::invalid("words", why))?),
            _ => return Err(CommandError::invalid("words", "after the event comes one period, such as cohort signup 8w --by week")),
        };
        let asked = RetentionArgs {
            first: args.what,
            back: "any".to_owned(),
            period,
            by: args.by,
            periods: None,
            kind: None,
            brackets: None,
            r#where: args.r#where,
            source: args.source.into_iter().collect(),
            tz: args.tz,
            chart: None,
            last: None,
            outcome: Outcome::default(),
        };
        Ok(retention::table(&*self.sources, call, &asked).await?.card)
    }
}

impl Command for Cohorts {
    const NAME: &'static str = "cohort";
    const SUMMARY: &'static str = "Groups of people: those a source keeps, or those who began together";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &[
        "cohort list",
        "cohort signup 8w --by week",
        "cohort members vip --limit 100",
        "cohort make testers ann bob",
        "cohort define keen --did 'page_view 3 times in 30d' --not purchase",
        "cohort delete testers",
    ];
    const COMPLETES: &'static [&'static str] = &["what", "words", "did", "not", "source", "tz"];
    type Args = CohortArgs;

    fn weight(args: &CohortArgs) -> (Access, Effect) {
        match args.what.as_str() {
            "make" | "define" if args.replace => (Access::Operator, Effect::Destroys),
            "delete" => (Access::Operator, Effect::Destroys),
            "make" | "define" => (Access::Operator, Effect::Writes),
            _ => (Access::Member, Effect::Reads),
        }
    }

    async fn plan(&self, call: &Call, args: &CohortArgs) -> Result<Card, CommandError> {
        match args.what.as_str() {
            "define" => return self.plan_definition(call, args).await,
            "delete" => return self.plan_deletion(args).await,
            _ => {}
        }
        let (name, ids) = asked(args)?;
        let source = self.uploads(args)?;
        let before = if source.capabilities().cohorts { source.cohorts().await? } else { Vec::new() };
        let there = before.iter().find(|one| one.name == name).map_or_else(
            || "whoever is in it".to_owned(),
            |one| match one.size {
                Some(size) => people(usize::try_from(size).unwrap_or(usize::MAX)),
                None => "whoever is in it".to_owned(),
            },
        );
        Ok(Card::titled(format!("Replace the people of the cohort {}?", line(&name))).and_text(format!(
            "This would put {} in place of {there}, at {}.",
            people(ids.len()),
            source.name()
        )))
    }

    async fn run(&self, call: &Call, args: CohortArgs) -> Result<Reply, CommandError> {
        let verb = args.what.as_str();
        if args.limit.is_some() && verb != "members" {
            return Err(CommandError::invalid("limit", "it goes with members, as in cohort members vip --limit 100"));
        }
        if args.replace && !matches!(verb, "make" | "define") {
            return Err(CommandError::invalid("replace", "it goes with make and define, as in cohort make vip ann bob --replace"));
        }
        if !(args.did.is_empty() && args.not.is_empty()) && verb != "define" {
            return Err(CommandError::invalid("did", "it goes with define, as in cohort define keen --did 'signup in 30d'"));
        }
        if !args.r#where.is_empty() && VERBS.iter().any(|(name, _)| *name == verb) {
            return Err(CommandError::invalid(
                "where",
                "it goes with an event; of define it is a part of the rule, as in --did 'signup country=DE'",
            ));
        }
        if args.by.is_some() && VERBS.iter().any(|(name, _)| *name == verb) {
            return Err(CommandError::invalid("by", "it goes with an event, as in cohort signup 8w --by week"));
        }
        let card = match verb {
            "list" => self.list(&args).await,
            "members" => self.members(&args).await,
            "make" => self.make(args).await,
            "define" => self.define(call, args).await,
            "delete" => self.delete(args).await,
            _ => self.began(call, args).await,
        };
        Ok(Reply::new(card?))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "what" => {
                let mut all = suggest(typed, VERBS.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned())));
                all.extend(complete_metric(&*self.sources, None, typed).await);
                all
            }
            "words" => {
                let mut all = Vec::new();
                if let Ok(source) = self.sources.source(None)
                    && source.capabilities().cohorts
                {
                    let cohorts = source.cohorts().await.unwrap_or_default();
                    all.extend(suggest(typed, cohorts.into_iter().map(|one| (one.name, "a cohort".to_owned()))));
                }
                all.extend(periods(typed));
                all
            }
            "did" | "not" => complete_metric(&*self.sources, None, typed).await,
            "source" => complete_source(&*self.sources, typed),
            "tz" => zones(typed),
            _ => Vec::new(),
        }
    }
}

/// Whether a cohort has this name already, where nobody said that it is to go.
async fn taken(source: &dyn AnalyticsSource, args: &CohortArgs, name: &str) -> Result<bool, CommandError> {
    Ok(!args.replace && source.capabilities().cohorts && source.cohorts().await?.iter().any(|one| one.name == name))
}

/// A button that shows who is in a cohort.
fn show_members(args: &CohortArgs, name: String) -> Action {
    let members = CohortArgs {
        what: "members".to_owned(),
        words: vec![name],
        by: None,
        limit: None,
        did: Vec::new(),
        not: Vec::new(),
        r#where: Vec::new(),
        replace: false,
        source: args.source.clone(),
        tz: args.tz,
    };
    Action::invoke("Show members", Invoke::of::<Cohorts>(&members))
}

fn nothing_after(words: &[String]) -> Result<(), CommandError> {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(CommandError::invalid("words", format!("`{}` is one word too many: list takes none", line(word)))),
    }
}

/// The name and the people of a cohort to be made, each person once.
fn asked(args: &CohortArgs) -> Result<(String, Vec<String>), CommandError> {
    let Some((name, ids)) = args.words.split_first().filter(|(name, ids)| !name.trim().is_empty() && !ids.is_empty()) else {
        return Err(CommandError::invalid("words", "write a name and the people's ids, such as cohort make testers ann bob"));
    };
    let mut seen = BTreeSet::new();
    let ids: Vec<String> = ids
        .iter()
        .flat_map(|id| id.split(','))
        .map(|id| id.trim().trim_start_matches('@').to_owned())
        .filter(|id| !id.is_empty() && seen.insert(id.clone()))
        .collect();
    if ids.is_empty() || ids.len() > MOST_IDS {
        return Err(CommandError::invalid("words", format!("{} in one call; write 1 to {MOST_IDS}", people(ids.len()))));
    }
    Ok((name.trim().to_owned(), ids))
}

/// A cohort by its name or id.
fn named(cohorts: &[Cohort], name: &str) -> Result<Cohort, CommandError> {
    let found = cohorts.iter().find(|one| one.id == name || one.name == name);
    if let Some(found) = found.or_else(|| cohorts.iter().find(|one| one.name.eq_ignore_ascii_case(name))) {
        return Ok(found.clone());
    }
    let nearest = nearest(name, cohorts.iter().map(|one| one.name.as_str())).map(str::to_owned);
    Err(CommandError::NotFound { what: "cohort", name: name.to_owned(), nearest })
}

fn size(cohort: &Cohort) -> String {
    cohort.size.map_or_else(|| "–".to_owned(), number)
}

fn number(figure: u64) -> String {
    bellhop_core::text::grouped(i64::try_from(figure).unwrap_or(i64::MAX))
}

fn people(figure: usize) -> String {
    if figure == 1 { "1 person".to_owned() } else { format!("{} people", number(figure as u64)) }
}
