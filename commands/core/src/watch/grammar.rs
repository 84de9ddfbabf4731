//! Reads conditions. Every word that could stand at a place is noted when it is looked for, so that one list serves for what is
//! expected, for what may have been meant, and for what can be proposed while somebody types.

mod parts;

use super::{Base, Condition, Hold, Per, Sensitivity, Side, Test};
use crate::analytics::Filter;
use crate::nearest::nearest;
use crate::text::{one_line, shorten};
use std::fmt::{Display, Formatter, Result as Written};

/// Words that may be left out.
const IDLE: [&str; 2] = ["the", "is"];
/// What can be tested.
const TESTS: &str = "write what is tested: `< 100`, `> 1.5k`, `< 80% of same weekday median`, `drops by 20% against yesterday`, `no data for 2h` or `anomaly`";
/// The most weeks of history.
const MOST_WEEKS: u32 = 26;
/// The most checks or intervals in a row.
const MOST_IN_A_ROW: u32 = 100;
/// The longest absence, in hours.
const LONGEST_ABSENCE: u64 = 24 * 60;

/// Why a condition could not be read: what is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// Where, in characters from 0.
    pub at: usize,
    /// What stands there; empty at the end.
    pub found: String,
    /// The whole line with the likely word in its place.
    pub corrected: Option<String>,
    before: String,
    why: String,
}

impl Display for Misread {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        let before = if self.before.is_empty() { "at the beginning".to_owned() } else { format!("after `{}`", self.before) };
        if self.found.is_empty() {
            write!(f, "the condition ends too early, {before}: {}", self.why)
        } else {
            write!(f, "`{}`, {before}: {}", shorten(&one_line(&self.found), 60), self.why)
        }
    }
}

impl std::error::Error for Misread {}

impl std::str::FromStr for Condition {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Self, Misread> {
        Reader::new(text).condition()
    }
}

/// What may follow while a condition is being typed: the place, in bytes, from which each of these would stand. Names of sources,
/// metrics and properties are nobody's business here.
#[must_use]
pub fn continuations(typed: &str) -> (usize, Vec<String>) {
    let mut reader = Reader::new(typed);
    // Only what was looked for at the last word matters, whether or not the whole can be read.
    let _ = reader.condition();
    let at = typed.char_indices().rfind(|(_, c)| c.is_whitespace()).map_or(0, |(at, c)| at + c.len_utf8());
    let last = typed[at..].to_lowercase();
    let mut out: Vec<String> = Vec::new();
    for (place, word) in reader.wanted {
        if place == at && word.starts_with(&last) && !out.iter().any(|known| known == word) {
            out.push(word.to_owned());
        }
    }
    (at, out)
}

struct Reader<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
    wanted: Vec<(usize, &'static str)>,
}

type Read<T> = Result<T, Misread>;

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let mut reader = Self { text, at: 0, wanted: Vec::new() };
        reader.space();
        reader
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// The word here: letters and digits, or one sign.
    fn peek(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || "<>=%".contains(c)).unwrap_or(rest.len());
        if end > 0 { &rest[..end] } else { rest.get(..rest.chars().next().map_or(0, char::len_utf8)).unwrap_or_default() }
    }

    /// Takes a word if it stands here.
    fn take(&mut self, word: &'static str) -> bool {
        self.wanted.push((self.at, word));
        if !self.peek().eq_ignore_ascii_case(word) {
            return false;
        }
        self.at += word.len();
        self.space();
        true
    }

    /// Takes the first of these that stands here.
    fn one_of<T: Copy>(&mut self, words: &[(&'static str, T)]) -> Option<T> {
        words.iter().find(|(word, _)| self.take(word)).map(|(_, value)| *value)
    }

    /// What stands here is none of what was looked for.
    fn unexpected<T>(&self) -> Read<T> {
        self.unexpected_or("")
    }

    /// The same, with an example in the place of a long list of words.
    fn unexpected_or<T>(&self, example: &str) -> Read<T> {
        let mut words: Vec<&str> = Vec::new();
        for (place, word) in &self.wanted {
            if *place == self.at && !words.contains(word) && !IDLE.contains(word) {
                words.push(word);
            }
        }
        let found = self.peek();
        let near = if found.is_empty() { None } else { nearest(found, words.iter().copied()) };
        let why = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if !example.is_empty() => example.to_owned(),
            None => {
                let list: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                match list.split_last() {
                    Some((last, [])) => format!("{last} is expected here"),
                    Some((last, others)) => format!("{} or {last} is expected here", others.join(", ")),
                    None => "nothing more is expected here".to_owned(),
                }
            }
        };
        let mut error = self.wrong(self.at, found.len(), why);
        error.corrected = near.map(|near| format!("{}{near}{}", &self.text[..self.at], &self.text[self.at + found.len()..]));
        Err(error)
    }

    /// Something is wrong with this part of the text.
    fn wrong(&self, at: usize, length: usize, why: impl Into<String>) -> Misread {
        let before = self.text[..at].trim();
        let words: Vec<&str> = before.split_whitespace().collect();
        let from = words.len().saturating_sub(3);
        let dots = if from > 0 { "… " } else { "" };
        let before = if before.is_empty() { String::new() } else { format!("{dots}{}", words[from..].join(" ")) };
        Misread {
            at: self.text[..at].chars().count(),
            found: self.text[at..at + length].to_owned(),
            corrected: None,
            before: shorten(&one_line(&before), 80),
            why: why.into(),
        }
    }

    fn condition(&mut self) -> Read<Condition> {
        let measure = self.measure()?;
        let (source, metric) = self.subject()?;
        let mut clauses = Clauses::default();
        while self.clause(&mut clauses)? {}
        self.take("is");
        let (test, usual) = self.test()?;
        while self.clause(&mut clauses)? {}
        if !self.rest().is_empty() {
            return self.unexpected();
        }
        let per = clauses.per.or(clauses.implied).or(usual).unwrap_or(Per::Hour);
        let hold = clauses.hold.unwrap_or(Hold::Checks(1));
        let condition = Condition { source, metric, measure, by: clauses.by, filters: clauses.filters, test, per, hold };
        self.settle(condition, clauses.implied)
    }

    /// What the parts say together.
    fn settle(&self, mut condition: Condition, held: Option<Per>) -> Read<Condition> {
        let per = condition.per;
        let refuse = |why: String| Err(self.wrong(0, self.text.len(), why));
        if let Some(unit) = held.filter(|unit| *unit != per) {
            let (looked, other) = (per.word(), unit.word());
            return refuse(format!(
                "it looks at {looked}s, so it holds for a number of {looked}s; write `per {other}` to look at {other}s"
            ));
        }
        match &mut condition.test {
            Test::Against { base, .. } | Test::Change { base, .. }
                if per == Per::Day && matches!(base, Base::PreviousHour | Base::SameHour(..)) =>
            {
                return refuse("hours can be compared with hours only; write `per hour`, or compare with the previous day".to_owned());
            }
            Test::Absent { intervals } if *intervals == 0 => *intervals = 1,
            // The length of an absence is read in hours.
            Test::Absent { intervals } if per == Per::Day => {
                if *intervals % 24 != 0 {
                    let why = "an absence of hours is looked for by the hour: write `per hour`, or whole days such as `no data for 2d`";
                    return refuse(why.to_owned());
                }
                *intervals /= 24;
            }
            _ => {}
        }
        Ok(condition)
    }

    fn name(&mut self, what: &str) -> Read<String> {
        let from = self.at;
        let part = self.part("")?;
        self.space();
        part.ok_or_else(|| self.wrong(from, self.peek().len(), format!("{what} is expected here")))
    }

    /// A name up to a space, a sign or one of these characters, or anything in quotes.
    fn part(&mut self, ends: &str) -> Read<Option<String>> {
        let rest = self.rest();
        if let Some(quote) = rest.chars().next().filter(|c| "'\"`".contains(*c)) {
            let inner = &rest[1..];
            let Some(end) = inner.find(quote) else {
                return Err(self.wrong(self.at, rest.len(), format!("the quote {quote} is never closed")));
            };
            self.at += end + 2;
            return Ok((end > 0).then(|| inner[..end].to_owned()));
        }
        let end = rest.find(|c: char| c.is_whitespace() || "<>=%'\"`".contains(c) || ends.contains(c)).unwrap_or(rest.len());
        self.at += end;
        Ok((end > 0).then(|| rest[..end].to_owned()))
    }

    /// `by`, `where`, `per` or `for`; false where none of them stands here.
    fn clause(&mut self, clauses: &mut Clauses) -> Read<bool> {
        let from = self.at;
        let twice = |reader: &Self, word: &str| Err(reader.wrong(from, word.len(), format!("`{word}` is there already")));
        if self.take("by") {
            if clauses.by.replace(self.name("a property, as in `by country`")?).is_some() {
                return twice(self, "by");
            }
        } else if self.take("where") {
            if !clauses.filters.is_empty() {
                return Err(self.wrong(from, 5, "`where` is there already; join conditions with `and`"));
            }
            clauses.filters.push(self.filter()?);
            while self.take("and") {
                clauses.filters.push(self.filter()?);
            }
        } else if self.take("per") {
            let Some(unit) = self.one_of(&[("hour", Per::Hour), ("day", Per::Day)]) else { return self.unexpected() };
            if clauses.per.replace(unit).is_some() {
                return twice(self, "per");
            }
        } else if self.take("for") {
            let (at, count) = (self.at, self.count("a number, as in `for 2 checks`")?);
            let length = self.text[at..].split_whitespace().next().map_or(0, str::len);
            if count == 0 || count > MOST_IN_A_ROW {
                return Err(self.wrong(at, length, format!("it may be 1 to {MOST_IN_A_ROW}")));
            }
            let units: [(&'static str, Option<Per>); 6] = [
                ("checks", None),
                ("check", None),
                ("hours", Some(Per::Hour)),
                ("hour", Some(Per::Hour)),
                ("days", Some(Per::Day)),
                ("day", Some(Per::Day)),
            ];
            let Some(unit) = self.one_of(&units) else { return self.unexpected() };
            let hold = match unit {
                None => Hold::Checks(count),
                Some(unit) => {
                    // Where nothing else says what is looked at, this does.
                    clauses.implied = Some(unit);
                    Hold::Intervals(count)
                }
            };
            if clauses.hold.replace(hold).is_some() {
                return twice(self, "for");
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// What is tested, and the interval that it is usually about.
    fn test(&mut self) -> Read<(Test, Option<Per>)> {
        if let Some(op) = self.op()? {
            let value = self.number()?;
            if !self.rest().starts_with('%') {
                return Ok((Test::Threshold { op, value }, None));
            }
            self.at += 1;
            self.space();
            if !self.take("of") {
                return self.unexpected();
            }
            let base = self.base()?;
            return Ok((Test::Against { op, percent: value, base }, Some(usually(base))));
        }
        if let Some(rises) = self.one_of(&[("drops", false), ("falls", false), ("rises", true), ("grows", true)]) {
            if !self.take("by") {
                return self.unexpected();
            }
            let from = self.at;
            let percent = self.number()?;
            if !self.rest().starts_with('%') {
                let why = "a part of what was before is expected here, as in `drops by 20% against yesterday`";
                return Err(self.wrong(from, self.at - from, why));
            }
            if percent <= 0.0 {
                return Err(self.wrong(from, self.at - from, "it must be more than nothing"));
            }
            self.at += 1;
            self.space();
            if !(self.take("against") || self.take("from") || self.take("vs") || self.take("over")) {
                return self.unexpected();
            }
            let base = self.base()?;
            return Ok((Test::Change { rises, percent, base }, Some(usually(base))));
        }
        if self.take("absent") {
            return Ok((Test::Absent { intervals: 0 }, None));
        }
        if self.take("no") {
            if !(self.take("data") || self.take("events")) || !self.take("for") {
                return self.unexpected();
            }
            let hours = self.length()?;
            // Whole days are looked at by the day; `per hour` looks at the last 48 hours instead.
            return Ok((Test::Absent { intervals: hours }, Some(if hours % 24 == 0 { Per::Day } else { Per::Hour })));
        }
        if self.take("anomaly") {
            let (mut side, mut sensitivity, mut weeks) = (Side::Both, Sensitivity::Normal, 8);
            loop {
                if let Some(one) = self.one_of(&[("low", Side::Low), ("high", Side::High)]) {
                    side = one;
                } else if self.take("sensitivity") {
                    let names = [("low", Sensitivity::Low), ("normal", Sensitivity::Normal), ("high", Sensitivity::High)];
                    let Some(one) = self.one_of(&names) else { return self.unexpected() };
                    sensitivity = one;
                } else if let Some(given) = self.over(4)? {
                    weeks = given;
                } else {
                    return Ok((Test::Anomaly { side, sensitivity, weeks }, Some(Per::Hour)));
                }
            }
        }
        self.unexpected_or(TESTS)
    }
}

/// The interval that a comparison is about, where nobody says.
const fn usually(base: Base) -> Per {
    match base {
        Base::PreviousHour | Base::SameHour(..) => Per::Hour,
        Base::PreviousDay | Base::PreviousWeek | Base::SameWeekday(..) => Per::Day,
    }
}

#[derive(Default)]
struct Clauses {
    by: Option<String>,
    filters: Vec<Filter>,
    per: Option<Per>,
    /// The unit of what it must hold for.
    implied: Option<Per>,
    hold: Option<Hold>,
}
