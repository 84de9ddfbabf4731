//! A moment to come as people type it: `15:00`, `tomorrow 9:00`, `2026-12-01 09:00`, `in 2h`. Read here, and tied to a clock
//! and a zone only when it is used.

use crate::clock::Timestamp;
use crate::period::Span;
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The farthest moment that can be meant, in days from now.
const FARTHEST: i64 = 366;

/// A moment to come, not yet tied to a zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Moment {
    /// After this much time.
    After(Span),
    /// Today at this time of day.
    Today(NaiveTime),
    /// Tomorrow at this time of day.
    Tomorrow(NaiveTime),
    /// On this day at this time.
    On(NaiveDate, NaiveTime),
    /// A moment that names its own distance from UTC.
    Exactly(Timestamp),
}

impl Moment {
    /// The moment that is meant, on a clock in this zone. A time that clocks skip is the first moment after the gap, one
    /// that they repeat is the earlier.
    ///
    /// # Errors
    /// Why it can't be meant: it is past, or more than a year away.
    pub fn resolve(&self, now: Timestamp, zone: Tz) -> Result<Timestamp, String> {
        let today = now.with_timezone(&zone).date_naive();
        let at = match self {
            Self::After(Span(length)) => TimeDelta::from_std(*length).ok().and_then(|length| now.checked_add_signed(length)),
            Self::Today(time) => local(today, *time, zone),
            Self::Tomorrow(time) => today.checked_add_days(Days::new(1)).and_then(|day| local(day, *time, zone)),
            Self::On(day, time) => local(*day, *time, zone),
            Self::Exactly(at) => Some(*at),
        };
        let Some(at) = at else { return Err(format!("there is no `{self}` in {}", zone.name())) };
        if at <= now {
            let clock = now.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
            let meant = match self {
                Self::Today(time) => format!("; write \"tomorrow {}\" for the next", time.format("%H:%M")),
                _ => String::new(),
            };
            return Err(format!("`{self}` is past: it is {clock} now{meant}"));
        }
        if at - now > TimeDelta::days(FARTHEST) {
            return Err(format!("`{self}` is more than a year away"));
        }
        Ok(at)
    }
}

fn local(day: NaiveDate, time: NaiveTime, zone: Tz) -> Option<Timestamp> {
    let mut wall = day.and_time(time);
    // Clocks skip at most a few hours at a time, but for whole days at the date line.
    for _ in 0..100 {
        if let Some(at) = zone.from_local_datetime(&wall).earliest() {
            return Some(at.to_utc());
        }
        wall = wall.checked_add_signed(TimeDelta::minutes(15))?;
    }
    None
}

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let wrong = || {
            let shown = crate::text::shorten(&crate::text::one_line(trimmed), 60);
            format!("`{shown}` is no time; write 15:00, \"tomorrow 9:00\", \"2026-12-01 09:00\" or 2h, in quotes where there is a space")
        };
        if let Ok(at) = chrono::DateTime::parse_from_rfc3339(trimmed) {
            return Ok(Self::Exactly(at.to_utc()));
        }
        let lower = trimmed.to_ascii_lowercase();
        let words: Vec<&str> = lower.split_whitespace().collect();
        match words.as_slice() {
            ["in", length] => after(length).ok_or_else(wrong),
            ["in", count, unit] => after(&format!("{count}{}", unit.chars().next().unwrap_or_default())).ok_or_else(wrong),
            ["today", time] => clock(time).map(Self::Today).ok_or_else(wrong),
            ["tomorrow", time] => clock(time).map(Self::Tomorrow).ok_or_else(wrong),
            [date, time] => match (date.parse::<NaiveDate>(), clock(time)) {
                (Ok(date), Some(time)) => Ok(Self::On(date, time)),
                _ => Err(wrong()),
            },
            [one] => {
                if let Some((date, time)) = one.split_once('t')
                    && let (Ok(date), Some(time)) = (date.parse::<NaiveDate>(), clock(time))
                {
                    return Ok(Self::On(date, time));
                }
                clock(one).map(Self::Today).or_else(|| after(one.trim_start_matches('+'))).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }
}

fn after(text: &str) -> Option<Moment> {
    text.parse::<Span>().ok().filter(|span| !span.0.is_zero()).map(Moment::After)
}

/// `9:00`, `09:00` or `09:00:30`.
fn clock(text: &str) -> Option<NaiveTime> {
    ["%H:%M", "%H:%M:%S"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::After(span) => write!(f, "in {span}"),
            Self::Today(time) => write!(f, "{}", time.format("%H:%M:%S")),
            Self::Tomorrow(time) => write!(f, "tomorrow {}", time.format("%H:%M:%S")),
            Self::On(day, time) => write!(f, "{day} {}", time.format("%H:%M:%S")),
            Self::Exactly(at) => f.write_str(&at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const BERLIN: Tz = chrono_tz::Europe::Berlin;

    #[test]
    fn times_are_those_of_the_readers_clock() {
        let now = at("2026-11-23T10:30:00Z");
        for (typed, meant) in [
            ("15:00", "2026-11-23T14:00:00Z"),
            ("today 15:00", "2026-11-23T14:00:00Z"),
            ("tomorrow 9:00", "2026-11-24T08:00:00Z"),
            ("2026-12-01 09:00", "2026-12-01T08:00:00Z"),
            ("2026-12-01T09:00", "2026-12-01T08:00:00Z"),
            ("2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z"),
            ("2026-12-01T09:00:00+05:30", "2026-12-01T03:30:00Z"),
            ("in 2h", "2026-11-23T12:30:00Z"),
            ("in 2 hours", "2026-11-23T12:30:00Z"),
            ("2h", "2026-11-23T12:30:00Z"),
            ("+90s", "2026-11-23T10:31:30Z"),
            ("IN 15m", "2026-11-23T10:45:00Z"),
        ] {
            let moment: Moment = typed.parse().unwrap_or_else(|why| panic!("{typed}: {why}"));
            assert_eq!(moment.resolve(now, BERLIN).unwrap(), at(meant), "{typed}");
            assert_eq!(moment.to_string().parse::<Moment>().unwrap(), moment, "{typed}");
        }
    }

    #[test]
    fn what_is_past_or_too_far_or_no_time_is_refused() {
        let now = at("2026-11-23T10:30:00Z");
        let why = |typed: &str| typed.parse::<Moment>().and_then(|moment| moment.resolve(now, BERLIN)).unwrap_err();
        assert!(why("11:30").contains("is past") && why("11:30").contains("tomorrow 11:30"), "{}", why("11:30"));
        assert!(why("2026-11-23 11:29").contains("2026-11-23 11:30 CET"));
        assert!(why("2026-11-23T10:30:00Z").contains("is past"));
        assert!(why("2028-01-01 00:00").contains("more than a year"));
        assert!(why("in 400d").contains("more than a year"));
        for bad in
            ["", "soon", "25:00", "15", "in", "in 0s", "2026-13-01 09:00", "tomorrow", "9:00 pm", "-2h", "é", "in 99999999999999999999d"]
        {
            assert!(bad.parse::<Moment>().unwrap_err().contains("is no time"), "{bad}");
        }
    }

    #[test]
    fn clocks_that_change_have_an_answer() {
        // 02:30 does not exist on 2026-03-29 and exists twice on 2026-10-25.
        let of = |day: &str, now: &str| format!("{day} 02:30").parse::<Moment>().unwrap().resolve(at(now), BERLIN).unwrap();
        assert_eq!(of("2026-03-29", "2026-03-01T00:00:00Z"), at("2026-03-29T01:00:00Z"));
        assert_eq!(of("2026-10-25", "2026-10-01T00:00:00Z"), at("2026-10-25T00:30:00Z"));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_read_or_refused(text in ".{0,30}", zone in prop::sample::select(vec![Tz::UTC, BERLIN, chrono_tz::Asia::Beirut])) {
            if let Ok(moment) = text.parse::<Moment>() {
                let now = at("2026-11-23T10:30:00Z");
                prop_assert!(moment.resolve(now, zone).map_or(true, |at| at > now));
            }
        }
    }
}
