//! Scales with round ticks, and numbers in few characters.

/// A scale from `low` to `high`, both of them ticks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<f64>,
    step: f64,
}

impl Scale {
    /// A scale that holds zero and all values, with about `wanted` ticks, on whole numbers where all values are.
    pub fn of(values: impl Iterator<Item = f64>, wanted: u32) -> Self {
        let (mut low, mut high, mut whole) = (0.0_f64, 0.0_f64, true);
        for value in values {
            low = low.min(value);
            high = high.max(value);
            whole &= value.fract() == 0.0;
        }
        if low == 0.0 && high == 0.0 {
            high = 1.0;
        }
        let rough = (high / f64::from(wanted) - low / f64::from(wanted)).max(f64::MIN_POSITIVE * 1e10);
        let power = 10_f64.powf(rough.log10().floor());
        // A power may come out as 9.999; the ratio is what counts.
        let ratio = rough / power;
        let mut step = power * [1.0, 2.0, 2.5, 5.0].into_iter().find(|s| ratio <= *s * 1.000_001).unwrap_or(10.0);
        if whole && step < 10.0 {
            step = step.ceil().max(1.0);
            // 3 and 4 aren't round.
            step = if step > 5.0 {
                10.0
            } else if step > 2.0 {
                5.0
            } else {
                step
            };
        }
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let mut ticks = Vec::new();
        let mut at = first;
        // The bound is far above what the step allows; it only guards against a step that a sum swallows.
        while at <= last && ticks.len() < 50 {
            ticks.push(if at == 0.0 { 0.0 } else { at * step });
            at += 1.0;
        }
        Self { low: first * step, high: last * step, ticks, step }
    }

    /// Where a value lies, 0 at the bottom and 1 at the top.
    pub fn share(&self, value: f64) -> f64 {
        let share = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// A tick's number. Ticks next to each other never read the same.
    pub fn label(&self, tick: f64) -> String {
        short(tick, self.step)
    }
}

/// A value in few characters, `1.2k`, exact to about three digits.
pub(crate) fn value(value: f64) -> String {
    let size = value.abs();
    // Three digits: the step that is still told apart.
    let step = if size > 0.0 { 10_f64.powf(size.log10().floor() - 2.0) } else { 1.0 };
    let step = if value.fract() == 0.0 && size < 1000.0 { 1.0 } else { step };
    short(value, step)
}

/// A number with as many decimals as `step` needs.
fn short(number: f64, step: f64) -> String {
    let size = number.abs();
    if size == 0.0 {
        return "0".into();
    }
    if size >= 1e15 || (size < 1e-4 && step < 1e-4) {
        return science(number, step);
    }
    let (unit, scale) =
        [("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)].into_iter().find(|(_, scale)| size >= *scale).unwrap_or(("", 1.0));
    let text = trimmed(number / scale, decimals(step / scale));
    // Rounding may have reached the next unit: 999 950 is 1M, not 1000k.
    match (text.trim_start_matches('-'), unit) {
        ("1000", "k") => signed("1M", number),
        ("1000", "M") => signed("1B", number),
        ("1000", "B") => signed("1T", number),
        ("1000", "") => signed("1k", number),
        _ => format!("{text}{unit}"),
    }
    .replace('-', "\u{2212}")
}

fn signed(text: &str, number: f64) -> String {
    if number < 0.0 { format!("-{text}") } else { text.to_owned() }
}

fn science(number: f64, step: f64) -> String {
    let power = number.abs().log10().floor();
    // In two parts, since powers of ten beyond 308 are none.
    let half = 10_f64.powf((power / 2.0).floor());
    let rest = 10_f64.powf(power - (power / 2.0).floor());
    let text = trimmed(number / half / rest, decimals(step / half / rest));
    format!("{text}e{power:.0}").replace('-', "\u{2212}")
}

/// How many decimals show this step, at most six.
fn decimals(step: f64) -> usize {
    (0..6)
        .find(|places| {
            let shown = step * 10_f64.powi(*places);
            (shown - shown.round()).abs() < 1e-6 * shown.max(1.0) && shown.round() >= 1.0
        })
        .and_then(|places| usize::try_from(places).ok())
        .unwrap_or(6)
}

fn trimmed(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        let scale = Scale::of(values.iter().copied(), 5);
        scale.ticks.iter().map(|t| scale.label(*t)).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&[37.0]), ["0", "10", "20", "30", "40"]);
        assert_eq!(labels(&[3.0, 1.0]), ["0", "1", "2", "3"]);
        assert_eq!(labels(&[1480.0]), ["0", "500", "1k", "1.5k"]);
        assert_eq!(labels(&[12_300.0]), ["0", "2.5k", "5k", "7.5k", "10k", "12.5k"]);
        assert_eq!(labels(&[3_400_000.0]), ["0", "1M", "2M", "3M", "4M"]);
        assert_eq!(labels(&[0.37]), ["0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(labels(&[-30.0, 55.0]), ["−40", "−20", "0", "20", "40", "60"]);
        assert_eq!(labels(&[0.0, 0.0]), ["0", "1"]);
        assert_eq!(labels(&[]), ["0", "1"]);
        assert_eq!(labels(&[3e20]), ["0", "1e20", "2e20", "3e20"]);
        assert_eq!(labels(&[3e-7])[1], "1e−7");
    }

    #[test]
    fn values_are_short() {
        for (number, text) in [
            (0.0, "0"),
            (7.0, "7"),
            (999.0, "999"),
            (1234.0, "1.23k"),
            (12_345.0, "12.3k"),
            (999_999.0, "1M"),
            (3.4e6, "3.4M"),
            (-1500.0, "−1.5k"),
            (0.1234, "0.123"),
            (1e300, "1e300"),
        ] {
            assert_eq!(value(number), text);
        }
    }
}
