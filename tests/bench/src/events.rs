//! Own analytics: how fast events come in, and how long a question over three months takes. Figures without a target.

use crate::Failure;
use crate::figures::{Figure, count, median, millis, number};
use crate::site::{Site, listening};
use crate::wire::Connection;
use bellhop_core::analytics::{Measure, Query, Trend};
use bellhop_core::chart::Interval;
use bellhop_core::ports::AnalyticsSource as _;
use bellhop_store::Events;
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt::Write as _;
use std::path::Path;
use tokio::time::Instant;

const PART: &str = "events";
/// How many events, and how many of them in one request.
const EVENTS: i64 = 200_000;
const BATCH: i64 = 2_000;
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
    let batches: Vec<String> = (0..EVENTS / BATCH).map(batch).collect();
    let begun = Instant::now();
    for body in &batches {
        let answer = connection.send("POST /v1/events", &key, body.as_bytes()).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("events were answered with {}: {}", answer.status, String::from_utf8_lossy(answer.body)));
        }
    }
    let took = begun.elapsed();
    let events = Events::new(site.store().await?);
    let by_day = asked(&events, Measure::Count, None, Some(count(u64::try_from(EVENTS).unwrap_or_default()))).await?;
    let people = asked(&events, Measure::Users, None, None).await?;
    let by_country = asked(&events, Measure::Count, Some("country"), Some(count(u64::try_from(EVENTS).unwrap_or_default()))).await?;
    let about = format!("{} events of 5,000 people in {DAYS} days", number(count(u64::try_from(EVENTS).unwrap_or_default())));
    Ok(vec![
        Figure::new(PART, "events taken in, one sender", count(u64::try_from(EVENTS).unwrap_or_default()) / took.as_secs_f64(), "/s")
            .beside(format!("{} in a request, each committed before its answer", number(count(u64::try_from(BATCH).unwrap_or_default())))),
        Figure::new(PART, "events by day", by_day, "ms").beside(about),
        Figure::new(PART, "people by day", people, "ms"),
        Figure::new(PART, "events by day and country", by_country, "ms"),
    ])
}

fn first_day() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// Requests don't come in order of time, as those of many senders don't.
fn batch(number: i64) -> String {
    let mut text = String::with_capacity(usize::try_from(BATCH).unwrap_or_default() * 160);
    for event in number * BATCH..(number + 1) * BATCH {
        let mixed = event.wrapping_mul(7919) % EVENTS;
        let time = first_day() + TimeDelta::milliseconds(DAYS * 86_400_000 / EVENTS * mixed);
        let country = ["DE", "FR", "IT", "ES", "PL", "NL", "AT"][usize::try_from(mixed % 7).unwrap_or_default()];
        let _ = writeln!(
            text,
            r#"{{"event":"page_view","distinct_id":"person-{}","time":"{}","insert_id":"bench-{event}","properties":{{"country":"{country}","path":"/p/{}"}}}}"#,
            mixed % 5_000,
            time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            mixed % 40
        );
    }
    text
}

/// Asks several times: the time of the middle one, in milliseconds.
async fn asked(events: &Events, measure: Measure, by: Option<&str>, expected: Option<f64>) -> Result<f64, Failure> {
    let trend = Trend {
        metric: "page_view".to_owned(),
        measure,
        from: first_day(),
        to: first_day() + TimeDelta::days(DAYS),
        zone: chrono_tz::Europe::Berlin,
        interval: Some(Interval::Day),
        by: by.map(str::to_owned),
        filters: Vec::new(),
    };
    let query = Query::Trend(trend);
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let answer = events.query(&query).await.map_err(|error| error.to_string())?;
        let total = answer.trend().map_or(0.0, |figures| figures.total);
        times.push(begun.elapsed());
        if expected.is_some_and(|expected| (total - expected).abs() > 0.5) {
            return Err(format!("{total} events were counted where {expected:?} were sent"));
        }
    }
    Ok(millis(median(times)))
}
