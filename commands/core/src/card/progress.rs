//! How far a long thing is, and the figures of it for people.

use serde::{Deserialize, Serialize};

/// How far a thing is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub what: String,
    /// How much is done, in `unit`.
    pub done: u64,
    /// How much there is, where it is known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: ProgressUnit,
    /// What else is counted, in words: `312 of 10,000 files`. Empty where nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub also: String,
    /// How many of `unit` are done in a second, where that is known by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// How many seconds are left at that rate, where the total is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
}

/// What progress counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressUnit {
    /// Bytes.
    Bytes,
    /// Things.
    Items,
}

impl Progress {
    /// Bytes that are done.
    pub fn bytes(what: impl Into<String>, done: u64, total: Option<u64>) -> Self {
        Self { what: what.into(), done, total, unit: ProgressUnit::Bytes, also: String::new(), rate: None, left: None }
    }

    /// Things that are done.
    pub fn items(what: impl Into<String>, done: u64, total: Option<u64>) -> Self {
        Self { unit: ProgressUnit::Items, ..Self::bytes(what, done, total) }
    }

    /// The same, with what else is counted.
    #[must_use]
    pub fn also(mut self, also: impl Into<String>) -> Self {
        self.also = also.into();
        self
    }

    /// The share that is done in percent, 0 to 100, where the total is known.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        let total = self.total.filter(|total| *total > 0)?;
        u8::try_from(u128::from(self.done.min(total)) * 100 / u128::from(total)).ok()
    }

    /// The figures for people: `3 MiB of 10 MiB`, and as far as they are known what else is counted, the rate and the time
    /// left: `412 MiB of 1 GiB, 3 of 8 files · 38 MiB/s · about 16 s left`.
    #[must_use]
    pub fn figures(&self) -> String {
        let show = |n: u64| match self.unit {
            ProgressUnit::Bytes => crate::text::bytes(n),
            ProgressUnit::Items => n.to_string(),
        };
        let mut figures = match self.total {
            Some(total) => format!("{} of {}", show(self.done), show(total)),
            None => show(self.done),
        };
        if !self.also.is_empty() {
            figures = format!("{figures}, {}", self.also);
        }
        if let Some(rate) = self.rate {
            figures = format!("{figures} \u{b7} {}/s", show(rate));
        }
        if let Some(left) = self.left {
            figures = format!("{figures} \u{b7} about {} left", duration(left));
        }
        figures
    }
}

/// Seconds for people, as exact as an estimate is: `16 s`, `3 min`, `2 h`.
fn duration(seconds: u64) -> String {
    match seconds {
        0..=90 => format!("{} s", seconds.max(1)),
        91..=5_400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_say_what_is_known() {
        let mut progress = Progress::bytes("Copying logs/ to azure:logs/", 412 << 20, Some(1 << 30));
        assert_eq!(progress.figures(), "412 MiB of 1 GiB");
        (progress.rate, progress.left) = (Some(38 << 20), Some(16));
        assert_eq!(progress.figures(), "412 MiB of 1 GiB \u{b7} 38 MiB/s \u{b7} about 16 s left");
        progress = progress.also("312 of 10,000 files");
        progress.left = Some(1_000);
        assert_eq!(progress.figures(), "412 MiB of 1 GiB, 312 of 10,000 files \u{b7} 38 MiB/s \u{b7} about 17 min left");
        progress.left = Some(100_000);
        assert!(progress.figures().ends_with("about 28 h left"));
        assert_eq!(Progress::items("x", 3, None).figures(), "3");
    }
}
