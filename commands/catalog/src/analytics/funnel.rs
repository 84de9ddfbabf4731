//! `funnel`: how many people do one thing after another, and where most of them are lost.

mod shown;

use super::asking::{Compare, astray, begun, dates, periods, question, rest_together, spoken};
use super::beside::{self, Failed, Picked, pick};
use super::drawn::Drawn;
use super::outcome::{Found, Outcome, Outlet};
use super::report::condition::Condition;
use super::{complete_metric, complete_sources, properties};
use crate::wording::{line, suggest, zones};
use bellhop_core::analytics::{Answer, Basis, EventMatch, Figures, Funnel, FunnelGroup, Query, Saved, SavedKind, StepOrder, Window};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Period, Range, Span as Length};
use bellhop_core::ports::AnalyticsSource;
use bellhop_core::{Access, Call, Command, CommandError, Effect, Registry, Reply};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::sync::Weak;
use std::time::Duration;

/// How many values of a property are shown unless told, and at most.
const SHOWN: usize = 12;
const MOST_SHOWN: u32 = 30;
/// The most steps of a funnel.
const MOST_STEPS: usize = 20;

/// Arguments of `funnel`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct FunnelArgs {
    /// The steps in their order, each an event's name; or the one name of a saved funnel
    #[arg(value_name = "STEP", required = true)]
    pub steps: Vec<String>,
    /// When the first step was done: 7d, 4w, 2026-11-01..2026-11-07; 30d unless told
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<Period>,
    /// How long after the first step the others count, such as 2h; 7d unless told
    #[arg(long, value_name = "LENGTH")]
    pub within: Option<Length>,
    /// What may be between the steps; anything unless told
    #[arg(long, value_enum)]
    pub order: Option<Order>,
    /// By the values of a property in the first step
    #[arg(long, value_name = "PROPERTY")]
    pub by: Option<String>,
    /// Only where a property has a value: country=DE, or country!=DE
    #[arg(long, value_name = "NAME=VALUE")]
    #[serde(default)]
    pub r#where: Vec<Condition>,
    /// The source, or several side by side: events,web, or all
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(default)]
    pub source: Vec<SourceName>,
    /// The time zone that days are cut in, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    pub tz: Option<Tz>,
    /// How it is drawn; as a funnel unless told
    #[arg(long, value_enum, value_name = "KIND")]
    #[serde(default)]
    pub chart: Option<Drawn>,
    /// The period, by its other name
    #[arg(long, value_name = "PERIOD")]
    #[serde(default)]
    pub last: Option<Period>,
    /// Compares with the period before, or the same one a year before
    #[arg(long, value_enum)]
    #[serde(default)]
    pub compare: Option<Compare>,
    /// How many values of the property are shown; 12 unless told
    #[arg(long, value_name = "N")]
    #[serde(default)]
    pub top: Option<u32>,
    /// What becomes of the answer
    #[command(flatten)]
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What may be between steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Nothing: each step is the very next thing that the person does
    Strict,
    /// The steps come in any order
    Any,
}

/// Follows people through steps.
pub struct Funnels {
    outlet: Outlet,
}

impl Funnels {
    /// With the sources, and the ways that answers take.
    pub(crate) fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self { outlet: Outlet::new(services, registry) }
    }
}

impl Command for Funnels {
    const NAME: &'static str = "funnel";
    const SUMMARY: &'static str = "Shows how many people do one thing after another";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "funnel page_view signup purchase",
        "funnel signup purchase --period 4w --within 2h",
        "funnel signup purchase --by plan --where country=DE --order any",
        "funnel page_view signup purchase --compare previous --save buying",
    ];
    const COMPLETES: &'static [&'static str] = &["steps", "period", "last", "by", "where", "source", "tz", "store", "to"];
    type Args = FunnelArgs;

    fn weight(args: &FunnelArgs) -> (Access, Effect) {
        args.outcome.weight()
    }

    async fn run(&self, call: &Call, args: FunnelArgs) -> Result<Reply, CommandError> {
        if args.steps.iter().any(|step| step.trim().is_empty()) || args.steps.len() > MOST_STEPS {
            return Err(CommandError::invalid("steps", format!("write the names of 2 to {MOST_STEPS} events, such as signup purchase")));
        }
        if let [name] = args.steps.as_slice()
            && let Some(kept) = self.outlet.saved(name).await?
        {
            return self.outlet.again::<Self>(call, kept, &args, &["steps"]).await;
        }
        let steps: Vec<&str> = args.steps.iter().map(String::as_str).collect();
        self.outlet.ready::<Self>(call, &args.outcome, &args, &steps).await?;
        let question = Question::read(call, &args)?;
        let found = self.found(&args, &question).await?;
        self.outlet.give::<Self>(call, &args.outcome, &args, found).await
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let sources = &*self.outlet.sources;
        match argument {
            "steps" => {
                let mut all = complete_metric(sources, None, typed).await;
                all.extend(self.outlet.complete_saved(typed, Some(Self::NAME)).await);
                if let Ok(source) = sources.source(None) {
                    let saved = source.saved().await.unwrap_or_default().into_iter().filter(|one| one.kind == SavedKind::Funnel);
                    all.extend(suggest(typed, saved.map(|one| (one.name, "a saved funnel".to_owned()))));
                }
                all
            }
            "period" | "last" => periods(typed),
            "source" => complete_sources(sources, typed),
            "store" | "to" => self.outlet.complete(call, argument, typed).await,
            "tz" => zones(typed),
            "by" => suggest(typed, properties(sources).await.into_iter().map(|name| (name, String::new()))),
            "where" if !typed.contains('=') => {
                suggest(typed, properties(sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            _ => Vec::new(),
        }
    }
}

/// When it is asked about, and how it is shown.
struct Question {
    period: Period,
    range: Range,
    zone: Tz,
    earlier: Option<(Compare, Range)>,
    drawn: Option<bellhop_core::chart::ChartKind>,
    top: usize,
}

impl Question {
    fn read(call: &Call, args: &FunnelArgs) -> Result<Self, CommandError> {
        if args.period.is_some() && args.last.is_some() {
            return Err(CommandError::invalid("last", "the period is there already; leave one of the two out"));
        }
        let zone = args.tz.unwrap_or(call.caller.zone);
        let period = args.period.clone().or_else(|| args.last.clone()).unwrap_or(Period::Days(30));
        let range = period.resolve(call.now, zone);
        begun(&period, range, call.now, zone)?;
        if args.top.is_some_and(|top| !(1..=MOST_SHOWN).contains(&top)) {
            return Err(CommandError::invalid("top", format!("write a number from 1 to {MOST_SHOWN}")));
        }
        if args.top.is_some() && args.by.is_none() {
            return Err(CommandError::invalid("top", "there is nothing to choose from; add --by and a property"));
        }
        if args.by.is_some() && (args.compare.is_some() || beside::many(&args.source)) {
            return Err(CommandError::invalid(
                "by",
                "values of a property, several sources and another period: one chart shows one of them; leave --by out, or the others",
            ));
        }
        let why = "a funnel is drawn as a funnel, or as bars";
        Ok(Self {
            earlier: args.compare.map(|compare| (compare, compare.range(&period, call.now, zone))),
            drawn: Drawn::among(args.chart, Drawn::Funnel, &[Drawn::Funnel, Drawn::Bar], why)?,
            top: args.top.map_or(SHOWN, |top| top as usize),
            period,
            range,
            zone,
        })
    }

    fn window(&self, range: Range) -> Window {
        Window { from: range.from, to: range.to, zone: self.zone }
    }
}

/// What one source answers.
struct Answered {
    name: String,
    groups: Vec<FunnelGroup>,
    before: Option<FunnelGroup>,
    answer: Answer,
}

impl Funnels {
    async fn found(&self, args: &FunnelArgs, question: &Question) -> Result<Found, CommandError> {
        let sources = &*self.outlet.sources;
        let picked = if args.steps.len() == 1 {
            if args.within.is_some() || args.order.is_some() || args.by.is_some() || !args.r#where.is_empty() {
                return Err(CommandError::invalid(
                    "steps",
                    "a saved funnel is asked as it was saved: leave --within, --order, --by and --where out",
                ));
            }
            pick(sources, &args.source, "saved funnels, and a funnel needs two steps at least", |can| can.saved)?
        } else {
            pick(sources, &args.source, "funnels", |can| can.funnels)?
        };
        let several = picked.several();
        let (answered, failed) = ask(picked, args, question).await?;
        let name = answered.first().map(|one| one.name.clone()).unwrap_or_default();
        let title = format!("{name}, {}", spoken(&question.period));
        let mut columns: Vec<(String, FunnelGroup)> = Vec::new();
        for one in &answered {
            let source = one.answer.basis.source.to_string();
            for group in &one.groups {
                let now = match (&args.by, question.earlier) {
                    (Some(_), _) => super::report::named(group.group.as_deref()),
                    (None, Some(_)) => "this period".to_owned(),
                    (None, None) => "people".to_owned(),
                };
                columns.push((if several { source.clone() } else { now }, group.clone()));
            }
            columns
                .extend(one.before.clone().map(|before| (if several { format!("{source}, before") } else { "before".to_owned() }, before)));
        }
        let heading = if several { Some("Source") } else { args.by.as_deref().or(question.earlier.map(|_| "Period")) };
        let view = shown::View {
            title,
            columns,
            heading,
            drawn: question.drawn,
            top: question.top,
            when: question.earlier.map(|(compare, _)| compare.when()),
        };
        let card = beside::told(view.card(), &failed);
        let bases: Vec<&Basis> = answered.iter().map(|one| &one.answer.basis).collect();
        let stem = |one: &Answered| {
            let days = dates(&question.period, question.range, question.zone);
            format!("funnel-{}-{}-{days}", args.steps.join("-"), one.answer.basis.source)
        };
        let tables = answered.iter().map(|one| (stem(one), one.answer.clone())).collect();
        Ok(Found { card: card.and_fields(fields(args, question, &bases)), tables })
    }
}

/// Asks the sources; those that fail are told beside the others.
async fn ask(picked: Picked, args: &FunnelArgs, question: &Question) -> Result<(Vec<Answered>, Vec<Failed>), CommandError> {
    let results = futures::future::join_all(picked.sources.iter().map(|source| one(&**source, args, question))).await;
    let (mut answered, mut failed, mut first) = (Vec::new(), picked.unable, None);
    for (source, result) in picked.sources.iter().zip(results) {
        match result {
            Ok(answer) => answered.push(answer),
            Err(error) => {
                failed.push(Failed::of(source.name(), &error));
                first = first.or(Some(error));
            }
        }
    }
    match first {
        Some(error) if answered.is_empty() => Err(error),
        _ => Ok((answered, failed)),
    }
}

async fn one(source: &dyn AnalyticsSource, args: &FunnelArgs, asked: &Question) -> Result<Answered, CommandError> {
    let figures = |answer: &Answer| match &answer.figures {
        Figures::Funnel(figures) => Ok(figures.groups.clone()),
        _ => Err(astray(source.name())),
    };
    let (name, query) = if let [name] = args.steps.as_slice() {
        let saved = saved(source, name).await?;
        (line(&saved.name), Asking::Saved(saved.id))
    } else {
        (
            args.steps.iter().map(|event| line(event)).collect::<Vec<_>>().join(" → "),
            Asking::Steps(Box::new(read(args, asked.window(asked.range))?)),
        )
    };
    let events: Vec<&str> = args.steps.iter().map(String::as_str).collect();
    let answer = question(source, &query.over(asked.window(asked.range)), &events).await?;
    let before = match asked.earlier {
        Some((_, range)) => figures(&question(source, &query.over(asked.window(range)), &events).await?)?.into_iter().next(),
        None => None,
    };
    Ok(Answered { name, groups: figures(&answer)?, before, answer })
}

/// A funnel, without its period.
enum Asking {
    Saved(String),
    Steps(Box<Funnel>),
}

impl Asking {
    fn over(&self, window: Window) -> Query {
        match self {
            Self::Saved(id) => Query::Saved { id: id.clone(), window },
            Self::Steps(funnel) => Query::Funnel(Funnel { window, ..(**funnel).clone() }),
        }
    }
}

/// A funnel that was made at the source, by its name or id.
async fn saved(source: &dyn AnalyticsSource, name: &str) -> Result<Saved, CommandError> {
    let mut all = source.saved().await?;
    all.retain(|one| one.kind == SavedKind::Funnel);
    if let Some(found) = all.iter().find(|one| one.id == name).or_else(|| all.iter().find(|one| one.name.eq_ignore_ascii_case(name))) {
        return Ok(found.clone());
    }
    let nearest = bellhop_core::nearest::nearest(name, all.iter().map(|one| one.name.as_str())).map(str::to_owned);
    Err(CommandError::NotFound { what: "saved funnel", name: name.to_owned(), nearest })
}

fn read(args: &FunnelArgs, window: Window) -> Result<Funnel, CommandError> {
    let within = within(args);
    if within.as_secs() == 0 {
        return Err(CommandError::invalid("within", "it is under a second; write 30m, 2h or 7d"));
    }
    if args.by.as_ref().is_some_and(|by| by.trim().is_empty()) {
        return Err(CommandError::invalid("by", "it is empty; write a property's name"));
    }
    Ok(Funnel {
        steps: args.steps.iter().map(|event| EventMatch { event: Some(event.clone()), filters: Vec::new() }).collect(),
        window,
        within: within.as_secs(),
        order: match args.order {
            None => StepOrder::Ordered,
            Some(Order::Strict) => StepOrder::Strict,
            Some(Order::Any) => StepOrder::Any,
        },
        by: args.by.clone(),
        filters: args.r#where.iter().map(Condition::filter).collect(),
    })
}

fn within(args: &FunnelArgs) -> Duration {
    args.within.map_or(Duration::from_hours(7 * 24), |length| length.0)
}

/// What the figures rest on.
fn fields(args: &FunnelArgs, question: &Question, bases: &[&Basis]) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if args.steps.len() > 1 {
        let order = match args.order {
            None => "in this order",
            Some(Order::Strict) => "in this order with nothing between",
            Some(Order::Any) => "in any order",
        };
        fields.push(("Counted", format!("each person once, {order}, within {} of the first step", Length(within(args)))));
    }
    if !args.r#where.is_empty() {
        fields.push(("Only", args.r#where.iter().map(|condition| line(&condition.to_string())).collect::<Vec<_>>().join(", ")));
    }
    if let Some((_, range)) = question.earlier {
        fields.push(("Before", dates(&question.period, range, question.zone)));
    }
    fields.extend(rest_together(bases, &question.period, question.range, question.zone));
    fields
}
