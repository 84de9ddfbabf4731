//! What people did or didn't do, as it is typed where a cohort is defined: `purchase amount>10 3 times in 30d`.

use crate::analytics::report::condition::Condition;
use crate::wording::line;
use bellhop_core::Timestamp;
use bellhop_core::analytics::{CohortRule, During, EventMatch, Filter, Window};
use bellhop_core::period::Period;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The word for whatever event it is.
const ANY: &str = "any";

/// One rule, without saying whether people did it: `EVENT [CONDITION]... [N times] [in PERIOD]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule {
    typed: String,
    event: String,
    filters: Vec<Filter>,
    times: u32,
    during: Option<Period>,
}

impl Rule {
    /// As a source takes it. The last days, and weeks of seven of them, move with the time of asking; fixed days don't.
    pub(super) fn rule(&self, did: bool, now: Timestamp, zone: Tz) -> CohortRule {
        let during = match &self.during {
            None => During::Ever,
            Some(Period::Days(days)) => During::LastDays { days: *days, zone },
            Some(Period::Weeks(weeks)) => During::LastDays { days: weeks * 7, zone },
            Some(Period::Today) => During::LastDays { days: 1, zone },
            Some(period) => {
                let range = period.resolve(now, zone);
                During::Window(Window { from: range.from, to: range.to, zone })
            }
        };
        let event = EventMatch { event: (self.event != ANY).then(|| self.event.clone()), filters: self.filters.clone() };
        CohortRule { did, event, times: self.times, during }
    }

    /// The event, where one is named.
    pub(super) fn event(&self) -> Option<&str> {
        (self.event != ANY).then_some(self.event.as_str())
    }
}

impl std::str::FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "`{}`: {why}; write the event, then conditions, how often and when, such as purchase amount>10 3 times in 30d",
                line(text)
            )
        };
        let words = bellhop_core::tokenise::tokenise(text).map_err(|error| wrong(&error.to_string()))?;
        let mut words = words.into_iter();
        let event = words.next().filter(|event| !event.is_empty()).ok_or_else(|| wrong("an event is missing"))?;
        let mut rule = Self { typed: text.trim().to_owned(), event, filters: Vec::new(), times: 1, during: None };
        while let Some(word) = words.next() {
            if word == "in" {
                let period = words.next().ok_or_else(|| wrong("after `in` comes a period, such as 30d"))?;
                let period = period.parse().map_err(|why: String| wrong(&why))?;
                if matches!(period, Period::Hours(_) | Period::Yesterday) {
                    return Err(wrong(
                        "a cohort goes by whole days that end today, such as 7d or 4w, or by fixed ones, such as 2026-11-01..2026-11-07",
                    ));
                }
                rule.during = Some(period);
            } else if let Ok(times) = word.parse::<u32>() {
                if !matches!(words.next().as_deref(), Some("times" | "time")) || times == 0 {
                    return Err(wrong("a number says how often, from `1 time`"));
                }
                rule.times = times;
            } else {
                rule.filters.push(word.parse::<Condition>().map_err(|why| wrong(&why))?.filter());
            }
        }
        Ok(rule)
    }
}

impl TryFrom<String> for Rule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.typed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::analytics::Comparison;

    #[test]
    fn rules_say_what_how_often_and_when() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let zone = chrono_tz::Europe::Berlin;
        let of = |text: &str| text.parse::<Rule>().unwrap().rule(true, now, zone);
        let plain = of("signup");
        assert_eq!((plain.event.event.as_deref(), plain.times, plain.during), (Some("signup"), 1, During::Ever));
        let full = of("purchase amount>10 'plan=pro one' 3 times in 4w");
        assert_eq!((full.times, full.during), (3, During::LastDays { days: 28, zone }));
        let filters: Vec<_> = full.event.filters.iter().map(|one| (one.property.as_str(), one.op, one.value.as_str())).collect();
        assert_eq!(filters, [("amount", Comparison::More, "10"), ("plan", Comparison::Is, "pro one")]);
        assert_eq!(of("any in 2026-11-01..2026-11-07").event.event, None);
        let During::Window(window) = of("any in 2026-11-01..2026-11-07").during else { panic!("a fixed period") };
        assert_eq!(window.from.to_rfc3339(), "2026-10-31T23:00:00+00:00");
        for (text, why) in [
            ("", "an event is missing"),
            ("signup in", "after `in` comes a period"),
            ("signup in soon", "`soon` is no period"),
            ("signup in 24h", "whole days"),
            ("signup 3", "a number says how often"),
            ("signup 0 times", "a number says how often"),
            ("signup often", "`often` is no condition"),
            ("signup 'open", "signup 'open"),
        ] {
            let error = text.parse::<Rule>().unwrap_err();
            assert!(error.contains(why) && error.contains("3 times in 30d"), "{text}: {error}");
        }
        let kept = serde_json::to_string(&"page_view 2 times in 30d".parse::<Rule>().unwrap()).unwrap();
        assert_eq!(kept, "\"page_view 2 times in 30d\"");
    }
}
