//! The smaller parts of conditions: comparisons, numbers, lengths of time, what is compared with.

use super::{LONGEST_ABSENCE, MOST_WEEKS, Read, Reader};
use crate::analytics::{Comparison, Filter, Measure};
use crate::ids::SourceName;
use crate::period::Span;
use crate::watch::words::SIGNS;
use crate::watch::{Base, Middle, Op};

impl Reader<'_> {
    pub(super) fn measure(&mut self) -> Read<Measure> {
        let from = self.at;
        for word in ["users", "people"] {
            if self.take(word) {
                if self.take("of") {
                    return Ok(Measure::Users);
                }
                // `users` is a metric as well.
                self.at = from;
            }
        }
        for word in ["count", "number"] {
            if self.take(word) {
                if self.take("of") {
                    return Ok(Measure::Count);
                }
                self.at = from;
            }
        }
        for (word, average) in [("sum", false), ("average", true)] {
            if self.take(word) {
                if !self.take("of") {
                    self.at = from;
                    continue;
                }
                let property = self.name("a property, as in `sum of revenue of events.purchase`")?;
                if !self.take("of") {
                    return self.unexpected();
                }
                return Ok(if average { Measure::Average(property) } else { Measure::Sum(property) });
            }
        }
        Ok(Measure::Count)
    }

    /// `SOURCE.METRIC` or `METRIC`; each may be in quotes.
    pub(super) fn subject(&mut self) -> Read<(Option<SourceName>, String)> {
        let from = self.at;
        let first = self.part(".")?;
        let Some(first) = first else {
            let length = self.peek().len();
            return Err(self.wrong(from, length, "a metric is expected here, as in `events.signups < 100`"));
        };
        if !self.rest().starts_with('.') {
            self.space();
            return Ok((None, first));
        }
        self.at += 1;
        let from = self.at;
        let Some(metric) = self.part("")? else {
            let length = self.peek().len();
            return Err(self.wrong(from, length, format!("the metric of `{first}` is missing; write it behind the dot")));
        };
        self.space();
        Ok((Some(SourceName::new(first)), metric))
    }

    /// `country=DE`, or in quotes.
    pub(super) fn filter(&mut self) -> Read<Filter> {
        let from = self.at;
        let rest = self.rest();
        let whole = if rest.starts_with(['\'', '"', '`']) {
            self.part("")?.unwrap_or_default()
        } else {
            // Quotes may stand around the value alone: country='United States'.
            let mut open = None;
            let end = rest.char_indices().find(|(_, c)| {
                match open {
                    Some(quote) if quote == *c => open = None,
                    None if "'\"`".contains(*c) => open = Some(*c),
                    _ => {}
                }
                open.is_none() && c.is_whitespace()
            });
            let length = end.map_or(rest.len(), |(at, _)| at);
            if let Some(quote) = open {
                return Err(self.wrong(from, length, format!("the quote {quote} is never closed")));
            }
            self.at += length;
            rest[..length].to_owned()
        };
        let length = self.at - from;
        self.space();
        let signs = SIGNS.iter().filter_map(|(sign, op)| whole.find(sign).map(|at| (at, *sign, *op)));
        let found = signs.min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())));
        let wrong = || {
            let how = "write a condition on a property without spaces: country=DE, country!=DE, path~docs, amount>=10, plan? or plan!?";
            Err(self.wrong(from, length, how))
        };
        let Some((at, sign, op)) = found else { return wrong() };
        let (property, value) = (&whole[..at], &whole[at + sign.len()..]);
        let value = ['\'', '"', '`'].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value);
        if property.is_empty() || matches!(op, Comparison::Set | Comparison::NotSet) && !value.is_empty() {
            return wrong();
        }
        Ok(Filter { property: property.to_owned(), op, value: value.to_owned() })
    }

    pub(super) fn op(&mut self) -> Read<Option<Op>> {
        const SIGNS: [(&str, Op); 4] = [("<=", Op::AtMost), (">=", Op::AtLeast), ("<", Op::Less), (">", Op::More)];
        for (sign, op) in SIGNS {
            self.wanted.push((self.at, sign));
            if self.rest().starts_with(sign) {
                self.at += sign.len();
                self.space();
                return Ok(Some(op));
            }
        }
        if self.rest().starts_with('=') {
            return Err(self.wrong(self.at, 1, "figures are hardly ever equal to a number; write <, <=, > or >="));
        }
        if let Some(op) = self.one_of(&[("below", Op::Less), ("under", Op::Less), ("above", Op::More), ("over", Op::More)]) {
            return Ok(Some(op));
        }
        if self.take("at") {
            return match self.one_of(&[("least", Op::AtLeast), ("most", Op::AtMost)]) {
                Some(op) => Ok(Some(op)),
                None => self.unexpected(),
            };
        }
        Ok(None)
    }

    /// `100`, `1.5k`, `2M`, `-3`.
    pub(super) fn number(&mut self) -> Read<f64> {
        let from = self.at;
        let word = self.peek();
        let plain: String = word.chars().filter(|c| *c != '_' && *c != ',').collect();
        let (digits, times) = match plain.char_indices().next_back() {
            Some((at, 'k' | 'K')) => (&plain[..at], 1e3),
            Some((at, 'm' | 'M')) => (&plain[..at], 1e6),
            Some((at, 'b' | 'B')) => (&plain[..at], 1e9),
            _ => (plain.as_str(), 1.0),
        };
        let digits_only = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
        let value = digits.parse::<f64>().ok().filter(|value| digits_only && value.is_finite()).map(|value| value * times);
        let Some(value) = value else {
            return Err(self.wrong(from, word.len(), "a number is expected here, such as 100, 1.5k, 2M or 80%"));
        };
        self.at += word.len();
        self.space();
        Ok(value)
    }

    pub(super) fn count(&mut self, what: &str) -> Read<u32> {
        let word = self.peek();
        let count = word.parse::<u32>().map_err(|_| self.wrong(self.at, word.len(), format!("{what} is expected here")))?;
        self.at += word.len();
        self.space();
        Ok(count)
    }

    /// A length of time in whole hours: `2h`, `2 hours`, `1d`.
    pub(super) fn length(&mut self) -> Read<u32> {
        let from = self.at;
        let word = self.peek();
        let hours = if let Ok(count) = word.parse::<u64>() {
            self.at += word.len();
            self.space();
            let units = [("hours", 1_u64), ("hour", 1), ("h", 1), ("days", 24), ("day", 24), ("d", 24), ("weeks", 168), ("week", 168)];
            let Some(hours) = self.one_of(&units) else { return self.unexpected() };
            count.checked_mul(hours)
        } else {
            let span: Span =
                word.parse().map_err(|_| self.wrong(from, word.len(), "a length of time is expected here, such as 2h or 1d"))?;
            self.at += word.len();
            let seconds = span.0.as_secs();
            if seconds == 0 || !seconds.is_multiple_of(3600) {
                return Err(self.wrong(from, word.len(), "figures come by the hour, so it must be whole hours, such as 1h, 2h or 1d"));
            }
            self.space();
            Some(seconds / 3600)
        };
        hours
            .filter(|hours| (1..=LONGEST_ABSENCE).contains(hours))
            .and_then(|hours| u32::try_from(hours).ok())
            .ok_or_else(|| self.wrong(from, word.len(), format!("it may be 1 hour to {} days", LONGEST_ABSENCE / 24)))
    }

    /// `over 4 weeks`.
    pub(super) fn over(&mut self, fewest: u32) -> Read<Option<u32>> {
        if !self.take("over") {
            return Ok(None);
        }
        let (from, word) = (self.at, self.peek());
        let weeks = self.count("a number of weeks, as in `over 8 weeks`")?;
        if !(self.take("weeks") || self.take("week")) {
            return self.unexpected();
        }
        if !(fewest..=MOST_WEEKS).contains(&weeks) {
            return Err(self.wrong(from, word.len(), format!("it may be {fewest} to {MOST_WEEKS} weeks")));
        }
        Ok(Some(weeks))
    }

    /// What is compared with.
    pub(super) fn base(&mut self) -> Read<Base> {
        self.take("the");
        if self.take("yesterday") {
            return Ok(Base::PreviousDay);
        }
        if self.take("previous") || self.take("last") {
            let units = [("day", Base::PreviousDay), ("week", Base::PreviousWeek), ("hour", Base::PreviousHour)];
            return self.one_of(&units).map_or_else(|| self.unexpected(), Ok);
        }
        if !self.take("same") {
            return self.unexpected();
        }
        let Some(hour) = self.one_of(&[("weekday", false), ("hour", true)]) else { return self.unexpected() };
        let middles = [("median", Middle::Median), ("average", Middle::Average), ("mean", Middle::Average)];
        let Some(middle) = self.one_of(&middles) else { return self.unexpected() };
        Ok(if hour { Base::SameHour(middle, self.over(1)?.unwrap_or(4)) } else { Base::SameWeekday(middle, self.over(3)?.unwrap_or(8)) })
    }
}
