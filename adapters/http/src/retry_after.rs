//! How long a service asks to be left alone: the `Retry-After` header, in seconds or as a date. Pure.

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// No service asks in earnest for a longer pause; a larger figure is a mistake and would stop a lane for good.
const LONGEST: Duration = Duration::from_hours(24);

/// The pause that the answer asks for. A date is measured from the answer's own `Date`, so that neither side's clock
/// needs to be right; without one it can't be measured and counts as not given.
pub(crate) fn of(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(pause) = seconds(value) {
        return Some(pause);
    }
    let until = date(value)?;
    let sent = date(headers.get(DATE)?.to_str().ok()?.trim())?;
    Some((until - sent).to_std().unwrap_or(Duration::ZERO).min(LONGEST))
}

/// Whole seconds as the standard has them, or with decimals as some services send them; rounded up to milliseconds, so
/// that nothing is sent too early.
fn seconds(value: &str) -> Option<Duration> {
    if !value.starts_with(|c: char| c.is_ascii_digit()) || value.contains(['e', 'E']) {
        return None;
    }
    let seconds: f64 = value.parse().ok()?;
    let pause = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST);
    let millis = pause.as_nanos().div_ceil(1_000_000);
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)).min(LONGEST))
}

/// A date in any of the three forms that HTTP allows.
fn date(value: &str) -> Option<DateTime<Utc>> {
    if let Ok(date) = DateTime::parse_from_rfc2822(value) {
        return Some(date.to_utc());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(value, form).ok())
        .map(|date| date.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(retry_after: &str, date: Option<&str>) -> Option<u128> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        of(&headers).map(|pause| pause.as_millis())
    }

    #[test]
    fn reads_seconds() {
        assert_eq!(pause("3", None), Some(3000));
        assert_eq!(pause("0.2501", None), Some(251));
        assert_eq!(pause(" 0 ", None), Some(0));
        assert_eq!(pause("99999999999999999999999", None), Some(LONGEST.as_millis()));
        for nonsense in ["", "-1", "soon", "NaN", "inf", "1e9"] {
            assert_eq!(pause(nonsense, None), None, "{nonsense}");
        }
    }

    #[test]
    fn reads_dates_by_the_answers_own_clock() {
        let now = Some("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(pause("Wed, 21 Oct 2015 07:28:30 GMT", now), Some(30_000));
        assert_eq!(pause("Wednesday, 21-Oct-15 07:28:30 GMT", now), Some(30_000));
        assert_eq!(pause("Wed Oct 21 07:28:30 2015", now), Some(30_000));
        assert_eq!(pause("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(0));
        assert_eq!(pause("Wed, 21 Oct 2099 07:28:30 GMT", now), Some(LONGEST.as_millis()));
        assert_eq!(pause("Wed, 21 Oct 2015 07:28:30 GMT", None), None);
    }
}
