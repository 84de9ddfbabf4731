//! A figure, what is expected of it, and what it is compared with; printed as a table or kept as JSON.

use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// What is expected of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// Less than this.
    Below(f64),
    /// Exactly this.
    Exactly(f64),
}

/// One measured figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Which benchmark took it.
    pub part: &'static str,
    /// What was measured.
    pub name: String,
    /// How much it was.
    pub value: f64,
    /// In which unit.
    pub unit: &'static str,
    /// What is expected, if anything.
    pub target: Option<Target>,
    /// What it is compared with, or under which circumstances it was taken.
    pub beside: String,
}

impl Figure {
    /// A figure of which nothing is expected.
    pub fn new(part: &'static str, name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { part, name: name.into(), value, unit, target: None, beside: String::new() }
    }

    /// With what is expected of it.
    #[must_use]
    pub fn target(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    /// With what it is compared with.
    #[must_use]
    pub fn beside(self, beside: impl Into<String>) -> Self {
        Self { beside: beside.into(), ..self }
    }

    /// Whether it is as expected; `None` where nothing is.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::AtLeast(least) => self.value >= least,
            Target::Below(limit) => self.value < limit,
            Target::Exactly(wanted) => (self.value - wanted).abs() < f64::EPSILON,
        })
    }
}

/// The figures as a table for a terminal.
#[must_use]
pub fn table(figures: &[Figure]) -> String {
    let mut rows = vec![["figure", "measured", "target", "met", "compared with"].map(str::to_owned)];
    for figure in figures {
        let target = figure.target.map_or_else(String::new, |target| match target {
            Target::AtLeast(value) => format!(">= {}", number(value)),
            Target::Below(value) => format!("< {}", number(value)),
            Target::Exactly(value) => number(value),
        });
        let met = figure.met().map_or("", |met| if met { "yes" } else { "NO" });
        let measured = format!("{} {}", number(figure.value), figure.unit);
        rows.push([
            format!("{}: {}", figure.part, figure.name),
            measured.trim_end().to_owned(),
            target,
            met.to_owned(),
            figure.beside.clone(),
        ]);
    }
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for [name, measured, target, met, beside] in &rows {
        let [a, b, c, d, _] = widths;
        let line = format!("{name:<a$}  {measured:>b$}  {target:>c$}  {met:<d$}  {beside}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// A number with as many digits as say something.
#[must_use]
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_once('.').map_or((plain.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or_else(|| format!("{sign}{grouped}"), |rest| format!("{sign}{grouped}.{rest}"))
}

/// A count as a number that can be divided.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts and sizes here are far below 2^52")]
pub fn count(count: u64) -> f64 {
    count as f64
}

/// A time in milliseconds.
#[must_use]
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The value below which this share (0 to 1) of the sorted values lie.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length is a length")]
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (count(sorted.len() as u64) * share).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or_default()
}

/// The one in the middle.
#[must_use]
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    quantile(&times, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_no_longer_than_they_say() {
        assert_eq!(
            [number(0.0), number(1_234_567.0), number(12.345), number(1.005), number(-1500.4)],
            ["0", "1,234,567", "12.3", "1.00", "-1,500"]
        );
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!([quantile(&times, 0.5), quantile(&times, 0.99), quantile(&times, 1.0)].map(|time| time.as_millis()), [50, 99, 100]);
        assert_eq!(
            (quantile(&[], 0.5), median(vec![Duration::from_secs(3), Duration::from_secs(1)])),
            (Duration::ZERO, Duration::from_secs(1))
        );
    }

    #[test]
    fn the_table_says_what_was_missed() {
        let missed = Figure::new("intake", "rate", 9_000.0, "/s").target(Target::AtLeast(10_000.0)).beside("1,400 /s");
        let text =
            table(&[missed, Figure::new("kills", "lost", 0.0, "").target(Target::Exactly(0.0)), Figure::new("chart", "size", 3.0, "KiB")]);
        assert!(text.contains("intake: rate  9,000 /s  >= 10,000  NO   1,400 /s\n"), "{text}");
        assert!(text.contains("kills: lost") && text.contains("yes\n"), "{text}");
    }
}
