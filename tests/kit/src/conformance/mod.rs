//! One suite per port. Each case is one sentence of the contract that stands in the port's documentation, word for word,
//! and is named by it, so that a report reads as the contract with its broken sentences marked. A test of this module
//! fails when a sentence of a port has no case.
//!
//! Suites judge by the port alone: they know no adapter, and ask capabilities where a sentence depends on one.

pub mod analytics;
pub mod buckets;
pub mod chat;
pub mod files;
pub mod inbox;
pub mod meetings;
pub mod records;
pub mod schedule;

#[cfg(test)]
mod sentences;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// How long one case may take.
const LIMIT: Duration = Duration::from_mins(1);

/// How a case ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sentence held.
    Held,
    /// The adapter doesn't declare what the sentence is about.
    NotOffered(&'static str),
}

/// How a case ended; an error says what was seen in place of what the sentence promises.
pub type Verdict = Result<Outcome, String>;

/// A sentence and the way to try it on a subject.
pub struct Case<S> {
    /// The sentence, as in the port's documentation.
    pub sentence: &'static str,
    /// Tries it.
    pub run: for<'a> fn(&'a S) -> BoxFuture<'a, Verdict>,
}

/// What became of every case.
#[derive(Clone, Debug)]
pub struct Report {
    port: &'static str,
    results: Vec<(&'static str, Verdict)>,
}

impl Report {
    /// The sentences that didn't hold.
    pub fn broken(&self) -> impl Iterator<Item = &'static str> {
        self.results.iter().filter(|(_, verdict)| verdict.is_err()).map(|(sentence, _)| *sentence)
    }

    /// The sentences that the subject doesn't offer.
    pub fn not_offered(&self) -> impl Iterator<Item = &'static str> {
        self.results.iter().filter(|(_, verdict)| matches!(verdict, Ok(Outcome::NotOffered(_)))).map(|(sentence, _)| *sentence)
    }

    /// Fails the test where a sentence didn't hold.
    ///
    /// # Panics
    /// With the whole report, when one didn't.
    pub fn assert(&self) {
        assert!(self.broken().next().is_none(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken = self.broken().count();
        writeln!(f, "{}: {} of {} sentences of the contract are broken", self.port, broken, self.results.len())?;
        for (sentence, verdict) in &self.results {
            match verdict {
                Ok(Outcome::Held) => writeln!(f, "  held         {sentence}")?,
                Ok(Outcome::NotOffered(why)) => writeln!(f, "  not offered  {sentence} ({why})")?,
                Err(seen) => writeln!(f, "  BROKEN       {sentence}\n               {}", seen.replace('\n', "\n               "))?,
            }
        }
        Ok(())
    }
}

/// Tries every case on a fresh subject of its own.
pub(crate) async fn run<S, F: Future<Output = S>>(port: &'static str, cases: &[Case<S>], mut subject: impl FnMut() -> F) -> Report {
    let mut results = Vec::with_capacity(cases.len());
    for case in cases {
        let made = subject().await;
        let tried = AssertUnwindSafe(tokio::time::timeout(LIMIT, (case.run)(&made))).catch_unwind().await;
        let verdict = match tried {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(_)) => Err(format!("it did not end within {LIMIT:?}")),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
                Err(format!("the adapter panicked: {}", said.unwrap_or("without a word")))
            }
        };
        results.push((case.sentence, verdict));
    }
    Report { port, results }
}

/// Lists cases: `"sentence" => function`.
macro_rules! cases {
    ($($sentence:literal => $run:path),+ $(,)?) => {
        vec![$($crate::conformance::Case { sentence: $sentence, run: |subject| Box::pin($run(subject)) }),+]
    };
}

/// Ends the case as broken, saying what was seen, unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($seen:tt)+) => {
        if !$condition {
            return Err(format!($($seen)+));
        }
    };
}

/// Ends the case as broken unless the two are equal.
macro_rules! same {
    ($got:expr, $expected:expr, $($what:tt)+) => {
        // A `match` keeps what either side borrows from alive until the end.
        match (&$got, &$expected) {
            (got, expected) => {
                if got != expected {
                    return Err(format!("{}: got {got:?}, expected {expected:?}", format_args!($($what)+)));
                }
            }
        }
    };
}

/// Ends the case as broken unless the result is an error of this kind.
macro_rules! refuses {
    ($result:expr, $kind:pat, $($what:tt)+) => {
        match $result {
            Err(error) if matches!(error.kind, $kind) => error,
            Err(error) => return Err(format!("{}: refused as {:?} instead of {}: {error}", format_args!($($what)+), error.kind, stringify!($kind))),
            Ok(_) => return Err(format!("{}: accepted, and should be refused as {}", format_args!($($what)+), stringify!($kind))),
        }
    };
}

/// Ends the case as broken when the result is an error, saying what was tried.
macro_rules! done {
    ($result:expr, $($what:tt)+) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Err(format!("{} failed: {error}", format_args!($($what)+))),
        }
    };
}

pub(crate) use {cases, done, ensure, refuses, same};
