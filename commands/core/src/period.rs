//! Stretches of time as people type them: `7d`, `24h`, `today`, `2026-11-01..2026-11-07`.

use crate::chart::Interval;
use crate::clock::Timestamp;
use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A stretch of time, not yet tied to a moment or a zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Period {
    /// The last so many hours, the present one included.
    Hours(u32),
    /// The last so many days, today included.
    Days(u32),
    /// The last so many weeks, the present one (from Monday) included.
    Weeks(u32),
    /// From the first day to the last, both included.
    Between(NaiveDate, NaiveDate),
    /// Today.
    Today,
    /// Yesterday.
    Yesterday,
}

/// A stretch between two moments, the second not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The beginning.
    pub from: Timestamp,
    /// The end, not included.
    pub to: Timestamp,
}

impl Period {
    /// The stretch that is meant at this moment in this zone. Days begin at local midnight, also where clocks change.
    #[must_use]
    pub fn resolve(&self, now: Timestamp, zone: Tz) -> Range {
        let today = now.with_timezone(&zone).date_naive();
        let days = |first: NaiveDate, last: NaiveDate| Range { from: midnight(first, zone), to: midnight(last + Days::new(1), zone) };
        match self {
            Self::Hours(count) => {
                let to = next_hour(now);
                Range { from: to - TimeDelta::hours(i64::from(*count)), to }
            }
            Self::Days(count) => days(today - Days::new(u64::from(count.saturating_sub(1))), today),
            Self::Weeks(count) => {
                let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
                days(monday - Days::new(7 * u64::from(count.saturating_sub(1))), monday + Days::new(6))
            }
            Self::Between(first, last) => days(*first, *last),
            Self::Today => days(today, today),
            Self::Yesterday => days(today - Days::new(1), today - Days::new(1)),
        }
    }

    /// The stretch of the same kind just before.
    #[must_use]
    pub fn previous(&self, now: Timestamp, zone: Tz) -> Range {
        let this = self.resolve(now, zone);
        if let Self::Hours(count) = self {
            return Range { from: this.from - TimeDelta::hours(i64::from(*count)), to: this.from };
        }
        let first = this.from.with_timezone(&zone).date_naive();
        let length = (this.to.with_timezone(&zone).date_naive() - first).num_days().unsigned_abs();
        Range { from: midnight(first - Days::new(length), zone), to: this.from }
    }

    /// The width of interval that suits the stretch when none is asked for.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let days = match self {
            Self::Hours(hours) => return if *hours <= 72 { Interval::Hour } else { Interval::Day },
            Self::Days(days) => i64::from(*days),
            Self::Weeks(weeks) => i64::from(*weeks) * 7,
            Self::Between(first, last) => (*last - *first).num_days() + 1,
            Self::Today | Self::Yesterday => 1,
        };
        match days {
            ..=2 => Interval::Hour,
            3..=92 => Interval::Day,
            93..=400 => Interval::Week,
            _ => Interval::Month,
        }
    }
}

/// The first moment of a day in a zone: midnight, or the first moment after it where clocks skip it.
#[must_use]
pub fn midnight(day: NaiveDate, zone: Tz) -> Timestamp {
    let mut wall = day.and_time(NaiveTime::MIN);
    // Clocks skip at most a few hours at a time; a whole skipped day (Samoa, 2011) ends the search too.
    for _ in 0..100 {
        if let Some(at) = zone.from_local_datetime(&wall).earliest() {
            return at.to_utc();
        }
        wall += TimeDelta::minutes(15);
    }
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The starts of the intervals that cover a range, ascending, cut in this zone. The first begins at or before the
/// range's beginning.
#[must_use]
pub fn intervals(range: Range, interval: Interval, zone: Tz) -> Vec<Timestamp> {
    let mut starts = Vec::new();
    let first = range.from.with_timezone(&zone);
    if interval == Interval::Hour {
        let mut at = range.from - TimeDelta::nanoseconds(range.from.timestamp_nanos_opt().unwrap_or(0).rem_euclid(3_600_000_000_000));
        while at < range.to {
            starts.push(at);
            at += TimeDelta::hours(1);
        }
        return starts;
    }
    let mut day = match interval {
        Interval::Week => first.date_naive() - Days::new(u64::from(first.weekday().num_days_from_monday())),
        Interval::Month => first.date_naive().with_day(1).unwrap_or(first.date_naive()),
        Interval::Day | Interval::Hour => first.date_naive(),
    };
    loop {
        let at = midnight(day, zone);
        if at >= range.to {
            return starts;
        }
        starts.push(at);
        day = match interval {
            Interval::Week => day + Days::new(7),
            Interval::Month => day + chrono::Months::new(1),
            Interval::Day | Interval::Hour => day + Days::new(1),
        };
    }
}

fn next_hour(now: Timestamp) -> Timestamp {
    let past = now.timestamp_nanos_opt().unwrap_or(0).rem_euclid(3_600_000_000_000);
    now - TimeDelta::nanoseconds(past) + TimeDelta::hours(1)
}

impl std::str::FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no period; write 7d, 24h, 4w, today, yesterday or 2026-11-01..2026-11-07");
        let day = |part: &str| part.parse::<NaiveDate>().map_err(|_| format!("`{part}` is no day; write it as 2026-11-01"));
        match text {
            "today" => return Ok(Self::Today),
            "yesterday" => return Ok(Self::Yesterday),
            _ => {}
        }
        if let Some((first, last)) = text.split_once("..") {
            let (first, last) = (day(first)?, day(last)?);
            if last < first {
                return Err(format!("the period `{text}` ends before it begins; write the earlier day first: {last}..{first}"));
            }
            if (last - first).num_days() > 3660 {
                return Err(format!("the period `{text}` is over ten years; ask for a shorter one"));
            }
            return Ok(Self::Between(first, last));
        }
        if text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') {
            let only = day(text)?;
            return Ok(Self::Between(only, only));
        }
        let Some((at, unit)) = text.char_indices().last() else { return Err(wrong()) };
        let count: u32 = text[..at].parse().map_err(|_| wrong())?;
        if count == 0 {
            return Err(format!("`{text}` is empty; the shortest periods are 1h and 1d"));
        }
        let limited = |most: u32, made: fn(u32) -> Self| {
            if count <= most { Ok(made(count)) } else { Err(format!("`{text}` is over ten years; ask for a shorter period")) }
        };
        match unit {
            'h' => limited(24 * 366, Self::Hours),
            'd' => limited(3660, Self::Days),
            'w' => limited(520, Self::Weeks),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hours(count) => write!(f, "{count}h"),
            Self::Days(count) => write!(f, "{count}d"),
            Self::Weeks(count) => write!(f, "{count}w"),
            Self::Between(first, last) => write!(f, "{first}..{last}"),
            Self::Today => f.write_str("today"),
            Self::Yesterday => f.write_str("yesterday"),
        }
    }
}

/// A length of time as people write it: `90s`, `15m`, `2h`, `7d`, `4w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no length of time; write 90s, 15m, 2h, 7d or 4w");
        let Some((at, unit)) = text.char_indices().last() else { return Err(wrong()) };
        let (count, unit) = text.strip_suffix("ms").map_or((&text[..at], unit), |count| (count, 'M'));
        let count: u64 = count.parse().map_err(|_| wrong())?;
        let millis = match unit {
            'M' => 1,
            's' => 1000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            'w' => 7 * 86_400_000,
            _ => return Err(wrong()),
        };
        // A hundred years is enough for anyone, and keeps sums of times far from overflowing.
        count
            .checked_mul(millis)
            .filter(|ms| *ms <= 36_525 * 86_400_000)
            .map(|ms| Self(Duration::from_millis(ms)))
            .ok_or_else(|| format!("`{text}` is too long"))
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = self.0.as_millis();
        for (unit, size) in [("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
            if millis >= size && millis.is_multiple_of(size) {
                return write!(f, "{}{unit}", millis / size);
            }
        }
        if millis == 0 { f.write_str("0s") } else { write!(f, "{millis}ms") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn reads_periods() {
        for text in ["7d", "24h", "4w", "today", "yesterday", "2026-11-01..2026-11-07"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for bad in ["", "d", "0d", "7", "7x", "2026-11-07..2026-11-01", "2026-13-01..2026-13-02", "-1d", "99999d", "é"] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
        for text in ["90s", "15m", "2h", "1d", "250ms"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert!("99999999999999999999d".parse::<Span>().is_err());
        assert!("9999999d".parse::<Span>().is_err());
    }

    #[test]
    fn days_are_local_days_when_clocks_change() {
        // Berlin put its clocks back on 2026-10-25: that day has 25 hours.
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let range = Period::Between("2026-10-25".parse().unwrap(), "2026-10-25".parse().unwrap()).resolve(at("2026-11-01T00:00:00Z"), zone);
        assert_eq!((range.to - range.from).num_hours(), 25);
        assert_eq!(intervals(range, Interval::Hour, zone).len(), 25);
        let days = intervals(Period::Days(3).resolve(at("2026-10-26T12:00:00Z"), zone), Interval::Day, zone);
        assert_eq!(days, [at("2026-10-23T22:00:00Z"), at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z")]);
    }

    #[test]
    fn midnight_exists_even_where_it_is_skipped() {
        // Beirut put its clocks forward at midnight on 2026-03-29.
        let zone: Tz = "Asia/Beirut".parse().unwrap();
        assert_eq!(midnight("2026-03-29".parse().unwrap(), zone), at("2026-03-28T22:00:00Z"));
    }

    #[test]
    fn the_period_before_is_as_long() {
        let now = at("2026-11-23T10:30:00Z");
        let week = Period::Days(7).previous(now, Tz::UTC);
        assert_eq!((week.from, week.to), (at("2026-11-10T00:00:00Z"), at("2026-11-17T00:00:00Z")));
        let hours = Period::Hours(2).resolve(now, Tz::UTC);
        assert_eq!((hours.from, hours.to), (at("2026-11-23T09:00:00Z"), at("2026-11-23T11:00:00Z")));
    }
}
