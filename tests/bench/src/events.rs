//! Own analytics: how fast events come in, and how long questions over three months take, on SQLite and, beside it, on
//! PostgreSQL.

use crate::Failure;
use crate::figures::{Figure, Target, count, median, millis, number};
use crate::site::{Site, listening};
use crate::wire::Connection;
use bellhop::clock::{RandomIds, SystemClock};
use bellhop_core::analytics::{EventMatch, Funnel, Measure, NewEvent, Query, Retention, RetentionKind, StepOrder, Trend, Window};
use bellhop_core::chart::Interval;
use bellhop_core::ports::AnalyticsSource as _;
use bellhop_kit::peers::postgres::Postgres;
use bellhop_store::{Events, Store};
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use tokio::time::Instant;

const PART: &str = "events";
/// How many events, of how many people, and how many events in one request.
const EVENTS: i64 = 1_000_000;
const PEOPLE: i64 = 50_000;
const BATCH: i64 = 5_000;
const DAYS: i64 = 90;
const TIMES: usize = 5;

/// Measures it.
///
/// # Errors
/// The bot refuses events, or the answer doesn't add up.
pub async fn run(program: &Path) -> Result<Vec<Figure>, Failure> {
    let site = Site::new(0)?;
    let key = site.key().await?;
    let mut bot = site.bot(program, None)?;
    let mut connection = Connection::open(listening(&mut bot).await?).await.map_err(|error| error.to_string())?;
    let batches = || (0..EVENTS / BATCH).map(batch);
    let mut took = std::time::Duration::ZERO;
    for body in batches() {
        let begun = Instant::now();
        let answer = connection.send("POST /v1/events", &key, body.as_bytes()).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("events were answered with {}: {}", answer.status, String::from_utf8_lossy(answer.body)));
        }
        took += begun.elapsed();
    }
    let lite = questions(&Events::new(site.store().await?)).await?;
    let (other_took, other) = postgres().await?;
    let all = count(u64::try_from(EVENTS).unwrap_or_default());
    let rate = |took: std::time::Duration| all / took.as_secs_f64();
    let mut figures = vec![Figure::new(PART, "events taken in, one sender", rate(took), "/s").target(Target::AtLeast(30_000.0)).beside(
        format!("{BATCH} in a request, each committed before its answer; PostgreSQL without HTTP: {}/s", number(rate(other_took).round())),
    )];
    let targets = [Some(150.0), None, None, Some(1000.0), Some(1000.0)];
    for (((name, value), (_, beside)), target) in lite.into_iter().zip(other).zip(targets) {
        let figure = Figure::new(PART, name, value, "ms").beside(format!("PostgreSQL: {} ms", number(beside.round())));
        figures.push(match target {
            Some(limit) => figure.target(Target::Below(limit)),
            None => figure,
        });
    }
    Ok(figures)
}

/// The same events in PostgreSQL, and how long they took to come in.
async fn postgres() -> Result<(std::time::Duration, Vec<(&'static str, f64)>), Failure> {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().fresh_database()).await.map_err(|error| error.to_string())?;
    let store = Store::open(&url, Arc::new(SystemClock), Arc::new(RandomIds)).await.map_err(|error| error.to_string())?;
    let events = Events::new(store);
    let mut took = std::time::Duration::ZERO;
    for number in 0..EVENTS / BATCH {
        let lines: Result<Vec<NewEvent>, _> = batch(number).lines().map(serde_json::from_str).collect();
        let lines = lines.map_err(|error| error.to_string())?;
        let begun = Instant::now();
        events.track(lines).await.map_err(|error| error.to_string())?;
        took += begun.elapsed();
    }
    Ok((took, questions(&events).await?))
}

/// How long each question takes.
async fn questions(events: &Events) -> Result<Vec<(&'static str, f64)>, Failure> {
    let window = Window { from: first_day(), to: first_day() + TimeDelta::days(DAYS), zone: chrono_tz::Europe::Berlin };
    let named = |name: &str| EventMatch { event: Some(name.to_owned()), filters: Vec::new() };
    let trend = |measure: Measure, by: Option<&str>| {
        Query::Trend(Trend {
            metric: "page_view".to_owned(),
            measure,
            from: window.from,
            to: window.to,
            zone: window.zone,
            interval: Some(Interval::Day),
            by: by.map(str::to_owned),
            filters: Vec::new(),
        })
    };
    let funnel = Query::Funnel(Funnel {
        steps: ["page_view", "signup", "purchase"].map(named).to_vec(),
        window: window.clone(),
        within: 7 * 86_400,
        order: StepOrder::Ordered,
        by: None,
        filters: Vec::new(),
    });
    let retention = Query::Retention(Retention {
        first: named("signup"),
        back: named("page_view"),
        window: Window { to: window.from + TimeDelta::weeks(8), ..window.clone() },
        unit: Interval::Week,
        kind: RetentionKind::InUnit,
        periods: 8,
        by: None,
    });
    let asked = [
        ("page views by day", trend(Measure::Count, None)),
        ("people by day", trend(Measure::Users, None)),
        ("page views by day and country", trend(Measure::Count, Some("country"))),
        ("funnel of three steps", funnel),
        ("retention over eight weeks", retention),
    ];
    let mut figures = Vec::new();
    for (name, query) in asked {
        figures.push((name, timed(events, &query).await?));
    }
    Ok(figures)
}

fn first_day() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// Events as they come from many senders: nearly in the order of time, every tenth of them up to a day late.
fn batch(number: i64) -> String {
    let mut text = String::with_capacity(usize::try_from(BATCH).unwrap_or_default() * 160);
    for event in number * BATCH..(number + 1) * BATCH {
        let mixed = event.wrapping_mul(7919) % EVENTS;
        let late = if event % 10 == 0 { mixed % (EVENTS / DAYS) } else { 0 };
        let time = first_day() + TimeDelta::milliseconds(DAYS * 86_400_000 * (event - late).max(0) / EVENTS);
        let country = ["DE", "FR", "IT", "ES", "PL", "NL", "AT"][usize::try_from(mixed % 7).unwrap_or_default()];
        let name = match mixed % 20 {
            0..16 => "page_view",
            16..19 => "signup",
            _ => "purchase",
        };
        let _ = writeln!(
            text,
            r#"{{"event":"{name}","distinct_id":"person-{}","time":"{}","insert_id":"bench-{event}","properties":{{"country":"{country}","path":"/p/{}"}}}}"#,
            mixed.wrapping_mul(104_729) % PEOPLE,
            time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            mixed % 40
        );
    }
    text
}

/// Asks several times: the time of the middle one, in milliseconds. Views that are counted must be those that were sent.
async fn timed(events: &Events, query: &Query) -> Result<f64, Failure> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let answer = events.query(query).await.map_err(|error| error.to_string())?;
        times.push(begun.elapsed());
        let views = count(u64::try_from(EVENTS / 20 * 16).unwrap_or_default());
        if let (Query::Trend(Trend { measure: Measure::Count, .. }), Some(figures)) = (query, answer.trend())
            && (figures.total - views).abs() > 0.5
        {
            return Err(format!("{} views were counted where {views} were sent", figures.total));
        }
    }
    Ok(millis(median(times)))
}
