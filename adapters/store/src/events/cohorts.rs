//! Cohorts: lists of people, and definitions whose people are found whenever it is asked for them.

use super::Events;
use super::asking::until;
use super::merge::lock;
use super::sql::Statement;
use crate::Backend;
use crate::error::{invalid, not_found};
use crate::session::{Batch, Session, Value, args, clean};
use bellhop_core::analytics::{Cohort, CohortDefinition, CohortMade, CohortRule, Comparison, During, EventMatch, Filter, Members};
use bellhop_core::nearest::nearest;
use bellhop_core::period::Period;
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, Timestamp};
use std::fmt::Write as _;

/// How many people are on one page.
const PAGE: i64 = 1000;
/// How many cohorts are kept, how many people are in a list, and how many rules are in a definition.
const COHORTS: i64 = 1000;
const IDS: usize = 1_000_000;
const RULES: usize = 20;
/// How many of the ids that nobody has are named.
const UNKNOWN: usize = 100;
const NAME: usize = 200;

/// A cohort as it is kept.
struct Kept {
    name: String,
    definition: Option<CohortDefinition>,
    made: Timestamp,
}

/// A statement that finds the people of a cohort, as the column `p`.
struct Finding {
    statement: Statement,
    sql: String,
}

impl Kept {
    /// Finds the people; only this one where one is named.
    fn people(&self, postgres: bool, now: Timestamp, only: Option<i64>) -> Finding {
        let mut statement = Statement::default();
        let Some(definition) = &self.definition else {
            let name = statement.bind(self.name.as_str());
            let only = only.map_or_else(String::new, |root| format!(" AND coalesce(p.root, p.id) = {root}"));
            let sql = format!(
                "SELECT DISTINCT coalesce(p.root, p.id) AS p FROM event_cohort_member AS m JOIN person AS p ON p.id = m.person WHERE m.name = {name}{only}"
            );
            return Finding { statement, sql };
        };
        // Those who did something come first: the others are taken away from them.
        let (did, not): (Vec<_>, Vec<_>) = definition.rules.iter().partition(|rule| rule.did);
        let mut sql = String::new();
        for rule in did.into_iter().chain(not) {
            if !sql.is_empty() {
                sql.push_str(if rule.did { " INTERSECT " } else { " EXCEPT " });
            }
            let found = who(&mut statement, rule, postgres, now, only);
            let _ = write!(sql, "SELECT r.p FROM ({found}) AS r");
        }
        Finding { statement, sql }
    }
}

/// The people of one rule.
fn who(statement: &mut Statement, rule: &CohortRule, postgres: bool, now: Timestamp, only: Option<i64>) -> String {
    let (from, to) = match &rule.during {
        During::Window(window) => (window.from, window.to.min(until(now))),
        During::LastDays { days, zone } => (Period::Days(*days).resolve(now, *zone).from, until(now)),
        During::Ever => (Timestamp::UNIX_EPOCH, until(now)),
    };
    let (from, to) = (statement.bind(from), statement.bind(to));
    let mut which = rule.event.event.as_ref().map_or_else(String::new, |name| format!(" AND e.name = {}", statement.bind(name.as_str())));
    which.push_str(&statement.filters(&rule.event.filters, postgres));
    which.push_str(&only.map_or_else(String::new, |root| format!(" AND e.person = {root}")));
    let times = statement.bind(i64::from(rule.times));
    format!(
        "SELECT e.person AS p FROM event AS e WHERE e.person IS NOT NULL AND e.at >= {from} AND e.at < {to}{which} GROUP BY e.person HAVING count(*) >= {times}"
    )
}

impl Events {
    async fn kept(&self) -> PortResult<Vec<Kept>> {
        let sql = "SELECT name, definition, made_at FROM event_cohort ORDER BY name /*pg COLLATE \"C\"*/";
        let rows = self.store.read("cohorts").await?.rows(sql, vec![]).await?;
        rows.iter().map(|row| Ok(Kept { name: row.text(0)?, definition: row.maybe_json(1)?, made: row.time(2)? })).collect()
    }

    fn finding(&self, kept: &Kept) -> Finding {
        kept.people(self.store.backend() == Backend::Postgres, self.store.now(), None)
    }

    async fn size(&self, kept: &Kept) -> PortResult<u64> {
        let Finding { statement, sql } = self.finding(kept);
        let size = self.store.read("cohorts").await?.number(&format!("SELECT count(*) FROM ({sql}) AS c"), statement.values).await?;
        Ok(u64::try_from(size).unwrap_or_default())
    }

    async fn shown(&self, kept: Kept) -> PortResult<Cohort> {
        let size = Some(self.size(&kept).await?);
        let (about, at) = match &kept.definition {
            Some(definition) => (told(definition), self.store.now()),
            None => (String::from("a list of people"), kept.made),
        };
        Ok(Cohort { id: kept.name.clone(), name: kept.name, about, size, at: Some(at) })
    }

    pub(super) async fn all_cohorts(&self) -> PortResult<Vec<Cohort>> {
        let mut cohorts = Vec::new();
        for kept in self.kept().await? {
            cohorts.push(self.shown(kept).await?);
        }
        Ok(cohorts)
    }

    pub(super) async fn cohort_members(&self, cohort: &str, from: Option<&str>) -> PortResult<Members> {
        let kept = self.kept().await?;
        let Some(kept) = kept.iter().find(|kept| kept.name == cohort) else { return Err(unknown("members", cohort, &kept)) };
        let after: i64 = match from {
            None => 0,
            Some(from) => from.parse().map_err(|_| invalid("members", "this is no page of a cohort; begin with the first one"))?,
        };
        let total = Some(self.size(kept).await?);
        let Finding { mut statement, sql } = self.finding(kept);
        let (after, most) = (statement.bind(after), statement.bind(PAGE + 1));
        // Everybody by the id that they weren't merged away from.
        let sql = format!(
            "SELECT c.p, (SELECT m.distinct_id FROM person AS m WHERE m.id = c.p OR m.root = c.p ORDER BY m.alias, m.distinct_id /*pg COLLATE \"C\"*/ LIMIT 1) \
             FROM ({sql}) AS c WHERE c.p > {after} ORDER BY c.p LIMIT {most}"
        );
        let mut rows = self.store.read("members").await?.rows(&sql, statement.values).await?;
        let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let more = rows.len() > page;
        rows.truncate(page);
        let next = if more { rows.last().map(|row| row.int(0)).transpose()?.map(|last| last.to_string()) } else { None };
        Ok(Members { ids: rows.iter().map(|row| row.text(1)).collect::<PortResult<_>>()?, total, next })
    }

    pub(super) async fn list_cohort(&self, name: &str, ids: &[String]) -> PortResult<CohortMade> {
        let name = check_name("make_cohort", name)?;
        if ids.len() > IDS {
            return Err(invalid("make_cohort", format!("{} people are too many; {IDS} are the most in one list", ids.len())));
        }
        let mut seen = std::collections::BTreeSet::new();
        let ids: Vec<String> = ids.iter().map(|id| clean(id.clone())).filter(|id| seen.insert(id.clone())).collect();
        let (now, total) = (self.store.now(), ids.len() as u64);
        let kept = name.clone();
        let unknown = self
            .store
            .write("make_cohort", move |session| {
                Box::pin(async move {
                    lock(session, true).await?;
                    put(session, &name, None, now).await?;
                    let mut unknown = Vec::new();
                    for some in ids.chunks(10_000) {
                        let list = || some.iter().map(|id| args![id.as_str()]).collect::<Batch>();
                        let new = "INSERT INTO event_cohort_member (name, person) SELECT $2, p.id FROM EACH($1) JOIN person AS p ON p.distinct_id = value ->> 0 \
                                   WHERE true ON CONFLICT (name, person) DO NOTHING";
                        session.run(new, args![list(), name.as_str()]).await?;
                        let sql = "SELECT value ->> 0 FROM EACH($1) WHERE NOT EXISTS (SELECT 1 FROM person AS p WHERE p.distinct_id = value ->> 0)";
                        for row in session.rows(sql, args![list()]).await? {
                            unknown.push(row.text(0)?);
                        }
                    }
                    Ok(unknown)
                })
            })
            .await?;
        let matched = total - unknown.len() as u64;
        Ok(CohortMade { id: kept, matched, total, unknown: unknown.into_iter().take(UNKNOWN).collect() })
    }

    pub(super) async fn defined_cohort(&self, name: &str, definition: &CohortDefinition) -> PortResult<Cohort> {
        let name = check_name("define_cohort", name)?;
        if definition.rules.len() > RULES || !definition.rules.iter().any(|rule| rule.did) {
            let count = definition.rules.len();
            return Err(invalid(
                "define_cohort",
                format!("a cohort has 1 to {RULES} rules, one of them at least about what people did; these are {count}"),
            ));
        }
        for rule in &definition.rules {
            match &rule.during {
                During::Window(window) => self.check_period(window.from, window.to)?,
                During::LastDays { days: 0 | 3661.., .. } => {
                    return Err(invalid("define_cohort", "the last 1 to 3660 days can be asked for"));
                }
                During::LastDays { .. } | During::Ever => {}
            }
            if rule.times == 0 {
                return Err(invalid("define_cohort", "`times` is how often somebody did it at least, from 1"));
            }
        }
        let matches: Vec<&EventMatch> = definition.rules.iter().map(|rule| &rule.event).collect();
        self.check_events(matches).await?;
        let (now, kept) = (self.store.now(), definition.clone());
        let text = serde_json::to_string(definition).map_err(|error| invalid("define_cohort", error.to_string()))?;
        let new = name.clone();
        self.store
            .write("define_cohort", move |session| {
                Box::pin(async move {
                    lock(session, true).await?;
                    put(session, &new, Some(&text), now).await
                })
            })
            .await?;
        self.shown(Kept { name, definition: Some(kept), made: now }).await
    }

    pub(super) async fn forget_cohort(&self, cohort: &str) -> PortResult<()> {
        let name = cohort.to_owned();
        let gone = self.store.write("delete_cohort", move |session| {
            Box::pin(async move {
                lock(session, true).await?;
                session.run("DELETE FROM event_cohort_member WHERE name = $1", args![name.as_str()]).await?;
                session.run("DELETE FROM event_cohort WHERE name = $1", args![name.as_str()]).await
            })
        });
        if gone.await? == 0 { Err(unknown("delete_cohort", cohort, &self.kept().await?)) } else { Ok(()) }
    }
}

fn unknown(operation: &'static str, cohort: &str, kept: &[Kept]) -> PortError {
    let near = nearest(cohort, kept.iter().map(|kept| kept.name.as_str()));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    not_found(operation, format!("there is no cohort `{}`{hint}", shorten(&one_line(cohort), 80)))
}

/// The cohorts that a person is in.
pub(super) async fn of(events: &Events, root: i64) -> PortResult<Vec<String>> {
    let mut names = Vec::new();
    for kept in events.kept().await? {
        let Finding { statement, sql } = kept.people(events.store.backend() == Backend::Postgres, events.store.now(), Some(root));
        if events.store.read("person").await?.number(&format!("SELECT count(*) FROM ({sql}) AS c"), statement.values).await? > 0 {
            names.push(kept.name);
        }
    }
    Ok(names)
}

fn check_name(operation: &'static str, name: &str) -> PortResult<String> {
    let name = clean(name.trim().to_owned());
    if name.is_empty() || name.chars().count() > NAME {
        return Err(invalid(operation, format!("the cohort's name has {} characters; 1 to {NAME} can be kept", name.chars().count())));
    }
    Ok(name)
}

/// Puts a cohort without people in place of what has its name.
async fn put(session: &mut Session, name: &str, definition: Option<&str>, now: Timestamp) -> PortResult<()> {
    let others = session.number("SELECT count(*) FROM event_cohort WHERE name <> $1", args![name]).await?;
    if others >= COHORTS {
        return Err(invalid(
            "make_cohort",
            format!("there are {others} cohorts, and no more can be kept; give one a new content by its name"),
        ));
    }
    session.run("DELETE FROM event_cohort_member WHERE name = $1", args![name]).await?;
    let sql = "INSERT INTO event_cohort (name, definition, made_at) VALUES ($1, $2, $3) \
               ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, made_at = excluded.made_at";
    session.run(sql, vec![Value::from(name), Value::from(definition.map(str::to_owned)), Value::from(now)]).await.map(drop)
}

/// A definition in words.
fn told(definition: &CohortDefinition) -> String {
    let rule = |rule: &CohortRule| {
        let what = rule.event.event.as_deref().map_or_else(|| "anything".to_owned(), |name| shorten(&one_line(name), 60));
        let times = if rule.times == 1 { String::new() } else { format!(" {} times or more", rule.times) };
        let filters: Vec<String> = rule.event.filters.iter().map(condition).collect();
        let filters = if filters.is_empty() { String::new() } else { format!(" with {}", filters.join(" and ")) };
        let during = match &rule.during {
            During::Window(window) => {
                let day = |at: Timestamp| at.with_timezone(&window.zone).format("%Y-%m-%d %H:%M").to_string();
                format!(" from {} until before {} ({})", day(window.from), day(window.to), window.zone)
            }
            During::LastDays { days, zone } => format!(" in the last {days} days ({zone})"),
            During::Ever => String::new(),
        };
        format!("{} {what}{times}{filters}{during}", if rule.did { "did" } else { "didn't do" })
    };
    definition.rules.iter().map(rule).collect::<Vec<_>>().join(", and ")
}

fn condition(filter: &Filter) -> String {
    let name = shorten(&one_line(&filter.property), 60);
    let value = shorten(&one_line(&filter.value), 60);
    let relation = match filter.op {
        Comparison::Is => "=",
        Comparison::IsNot => "!=",
        Comparison::Contains => "~",
        Comparison::NotContains => "!~",
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::More => ">",
        Comparison::AtLeast => ">=",
        Comparison::Set => return format!("{name} set"),
        Comparison::NotSet => return format!("{name} not set"),
    };
    format!("{name}{relation}{value}")
}
