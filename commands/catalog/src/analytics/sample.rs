//! `sample`: about two months of events of a shop that doesn't exist, so that a newcomer sees a chart at once.
//!
//! The events of a day are always the same, with the same ids: loading them again adds only what time has added. They
//! carry `sample = true`, so that they can be told apart; and they aren't mixed into real ones unasked.

use super::report::{Report, ReportArgs};
use super::{OWN, has_events};
use crate::wording::count;
use bellhop_core::analytics::NewEvent;
use bellhop_core::card::{ActionStyle, Progress};
use bellhop_core::clock::Clock;
use bellhop_core::ids::SourceName;
use bellhop_core::period::Period;
use bellhop_core::ports::{Records, Sources};
use bellhop_core::{Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Timestamp, Tone};
use chrono::{Datelike as _, Days, NaiveDate, TimeDelta, Weekday};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many days are loaded, today included.
const DAYS: u64 = 60;
/// How many events are handed over at a time.
const BATCH: usize = 500;
/// How many people visit the shop.
const PEOPLE: u64 = 420;
/// Where it is noted that samples were loaded.
const NOTES: &str = "sample";

/// Arguments of `sample`.
#[derive(Clone, Copy, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct SampleArgs {
    /// Also where there are real events already
    #[arg(long)]
    #[serde(default)]
    pub anyway: bool,
}

/// Loads sample events.
pub struct Sample {
    sources: Arc<dyn Sources>,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
}

impl Sample {
    /// With the sources, and notes of whether it was done.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone(), records: services.records.clone(), clock: services.clock.clone() }
    }
}

impl Command for Sample {
    const NAME: &'static str = "sample";
    const SUMMARY: &'static str = "Loads sample events, to try reports with";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["sample"];
    type Args = SampleArgs;

    async fn run(&self, call: &Call, args: SampleArgs) -> Result<Reply, CommandError> {
        let source = self.sources.source(Some(&SourceName::new(OWN)))?;
        let before = self.records.get(NOTES, "loaded").await?;
        if before.is_none() && !args.anyway && has_events(&*source).await? {
            return Err(CommandError::Refused(
                "there are real events already, and samples would mix with them; `sample --anyway` loads them all the same, marked with sample=true".to_owned(),
            ));
        }
        // Noted first: after a crash in between, what is there already is known to be samples.
        self.records.put(NOTES, "loaded", &json!({ "at": call.now })).await?;
        let events = events(self.clock.now());
        let total = events.len();
        let (mut taken, mut done) = (0, 0);
        for batch in events.chunks(BATCH) {
            let became = source.track(batch.to_vec()).await?;
            if let Some(refused) = became.refused.first() {
                return Err(CommandError::Refused(format!("the source {OWN} refused a sample event: {}", refused.reason)));
            }
            taken += became.taken;
            done += batch.len();
            (call.progress)(Progress::items("Loading sample events", done as u64, Some(total as u64)));
        }
        let said = match taken {
            0 => format!("All {} were there already.", count(total, "sample event")),
            some if some == total => {
                format!("{} of the last {DAYS} days are there: page_view, signup and purchase.", count(some, "sample event"))
            }
            some => format!("{} were added; the others were there already.", count(some, "sample event")),
        };
        let report = |metric: &str, period: Option<Period>| ReportArgs { period, ..ReportArgs::of(metric) };
        let views = Invoke::of::<Report>(&report("page_views", Some(Period::Days(30))));
        let countries = Invoke::of::<Report>(&ReportArgs { by: vec!["country".to_owned()], ..report("signup", Some(Period::Days(30))) });
        let revenue = Invoke::of::<Report>(&ReportArgs {
            sum: Some("revenue".to_owned()),
            by: vec!["plan".to_owned()],
            ..report("purchase", Some(Period::Days(30)))
        });
        let actions = vec![
            Action::invoke("report page_views 30d", views).style(ActionStyle::Primary),
            Action::invoke("Signups by country", countries),
            Action::invoke("Revenue by plan", revenue),
        ];
        Ok(Reply::new(Card::titled("Sample events").tone(Tone::Good).and_text(said).and_actions(actions)))
    }
}

/// The events of the sixty days that end at `now`, in the order of time.
#[must_use]
pub fn events(now: Timestamp) -> Vec<NewEvent> {
    let today = now.date_naive();
    let mut events: Vec<NewEvent> = (0..DAYS).rev().flat_map(|back| day(today - Days::new(back), now)).collect();
    events.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.insert_id.cmp(&b.insert_id)));
    events
}

/// The events of one day until `now`. They follow from the date alone: whoever loads a day, and when, loads the same.
fn day(date: NaiveDate, now: Timestamp) -> Vec<NewEvent> {
    let number = u64::from(date.num_days_from_ce().unsigned_abs());
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let weekday = match date.weekday() {
        Weekday::Sat => 62,
        Weekday::Sun => 70,
        Weekday::Mon => 108,
        Weekday::Fri => 94,
        _ => 100,
    };
    let noise = 90 + dice.below(21);
    // Now and then the shop is in the news, and the day after some still remember.
    let news = match number % 45 {
        20 => 210,
        21 => 140,
        _ => 100,
    };
    // Half a year's tide: slow growth, and a quicker ebb.
    let growth = 100 + if number % 180 < 120 { number % 180 / 2 } else { 180 - number % 180 };
    let busy = |base: u64| base * weekday * noise / 100 * news / 100 * growth / 10_000;
    let mut events = Vec::new();
    let mut one = |event: &str, nth: u64, person: u64, dice: &mut Dice, mut properties: BTreeMap<String, Value>| {
        let time = date.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc() + TimeDelta::seconds(dice.second_of_day());
        if time <= now {
            properties.insert("country".to_owned(), json!(country(person)));
            properties.insert(
                "device".to_owned(),
                json!(if person.is_multiple_of(5) {
                    "tablet"
                } else if person.is_multiple_of(2) {
                    "mobile"
                } else {
                    "desktop"
                }),
            );
            properties.insert("sample".to_owned(), json!(true));
            let insert_id = format!("sample-{date}-{event}-{nth}");
            events.push(NewEvent { event: event.to_owned(), distinct_id: format!("sample-{person:04}"), time, insert_id, properties });
        }
    };
    for nth in 0..busy(100) {
        // The square favours the regulars.
        let person = dice.below(PEOPLE) * dice.below(PEOPLE) / PEOPLE;
        let path =
            ["/", "/", "/pricing", "/docs", "/docs/start", "/blog", "/features", "/sign-up"][usize::try_from(dice.below(8)).unwrap_or(0)];
        one("page_view", nth, person, &mut dice, BTreeMap::from([("path".to_owned(), json!(path))]));
    }
    for nth in 0..busy(9) {
        let person = dice.below(PEOPLE);
        one("signup", nth, person, &mut dice, BTreeMap::from([("plan".to_owned(), json!(plan(person).0))]));
    }
    for nth in 0..busy(4) {
        let person = dice.below(PEOPLE);
        let (plan, price) = plan(person);
        one("purchase", nth, person, &mut dice, BTreeMap::from([("plan".to_owned(), json!(plan)), ("revenue".to_owned(), json!(price))]));
    }
    events
}

/// Where a person lives: some countries have more people than others.
fn country(person: u64) -> &'static str {
    match person % 20 {
        0..=5 => "DE",
        6..=10 => "US",
        11..=13 => "FR",
        14..=15 => "GB",
        16 => "BR",
        17 => "IN",
        18 => "JP",
        _ => "PL",
    }
}

/// What a person pays for, and how much.
fn plan(person: u64) -> (&'static str, f64) {
    match person % 7 {
        0..=3 => ("starter", 9.9),
        4..=5 => ("team", 29.0),
        _ => ("company", 99.0),
    }
}

/// A sequence of numbers that is always the same for the same start (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.roll() % most
    }

    /// A second of the day, most likely in the early afternoon.
    fn second_of_day(&mut self) -> i64 {
        let sum = self.below(86_400) + self.below(86_400) + self.below(86_400);
        i64::try_from((sum / 3 + 3600) % 86_400).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_shop_looks_real() {
        let now = at("2026-11-23T15:00:00Z");
        let events = events(now);
        assert!((5_000..20_000).contains(&events.len()), "{}", events.len());
        let ids: HashSet<&str> = events.iter().map(|event| event.insert_id.as_str()).collect();
        assert_eq!(ids.len(), events.len());
        assert!(events.iter().all(|event| event.time <= now && event.time >= now - TimeDelta::days(60)));
        let of = |name: &str| events.iter().filter(|event| event.event == name).count();
        assert!(of("page_view") > of("signup") && of("signup") > of("purchase") && of("purchase") > 60);
        let days: HashSet<NaiveDate> = events.iter().map(|event| event.time.date_naive()).collect();
        assert_eq!(days.len(), 60);
        let countries: HashSet<String> = events.iter().map(|event| event.properties["country"].to_string()).collect();
        assert_eq!(countries.len(), 8);
    }
}
