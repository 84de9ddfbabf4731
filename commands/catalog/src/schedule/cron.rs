//! Cron lines: read, described, and the moments at which they are due. The bot's own scheduler uses the same reading, so
//! that what `schedule add` shows is what happens.

use bellhop_core::Timestamp;
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

/// A cron line of five fields (minute, hour, day of month, month, day of week), or a word such as `@daily`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CronLine(String);

impl CronLine {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for CronLine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        parse(&line).map(|_| Self(line))
    }
}

impl TryFrom<String> for CronLine {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CronLine> for String {
    fn from(line: CronLine) -> Self {
        line.0
    }
}

impl std::fmt::Display for CronLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The next moments after `after` at which the line is due in the zone, at most `count` of them. Fewer where the line is
/// never due again, as on a 30th of February. Where clocks are put forward over a fixed time it is due right after the
/// gap; where they are put back, once.
///
/// # Errors
/// What is wrong with the line.
pub fn next_runs(line: &str, zone: Tz, after: Timestamp, count: usize) -> Result<Vec<Timestamp>, String> {
    let cron = parse(line)?;
    Ok(cron.iter_after(after.with_timezone(&zone)).take(count).map(|at| at.to_utc()).collect())
}

fn parse(line: &str) -> Result<croner::Cron, String> {
    let shown = crate::wording::line(line);
    let fields = line.split_whitespace().count();
    if fields != 5 && !line.starts_with('@') {
        return Err(format!(
            "`{shown}` has {} and a cron line has five: minute, hour, day of month, month, day of week, as in \"0 9 * * 1-5\"",
            crate::wording::count(fields, "field")
        ));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(line).map_err(|error| {
        format!("`{shown}` is no cron line: {error}; write it as \"0 9 * * 1-5\" (minute, hour, day of month, month, day of week)")
    })
}
