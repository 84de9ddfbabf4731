//! The bot with analytics services beside its own events, each a world that knows the answers: what people ask for in the chat,
//! what comes back, and what the services then know. One file per service.
//!
//! The usual history is moved by whole weeks, so that its last day is of the week before: questions name their days, and the
//! answers stay the same whenever the tests run.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test harness fails the test")]

mod amplitude;
mod ga4;
mod mixpanel;

use bellhop_core::Clock as _;
use bellhop_e2e::Bot;
use bellhop_kit::analytics::{Happened, History, MachineClock};
use bellhop_kit::process::Ran;
use chrono::{NaiveDate, TimeDelta};

/// By how many weeks the history is moved.
pub fn weeks() -> i64 {
    History::weeks_until(MachineClock.now())
}

/// Days as they are typed, from the first to the last, moved with the history.
pub fn days(first: &str, last: &str) -> String {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap() + TimeDelta::weeks(weeks());
    format!("{}..{}", day(first), day(last))
}

/// A day as it is shown, moved with the history.
pub fn day(text: &str) -> String {
    (text.parse::<NaiveDate>().unwrap() + TimeDelta::weeks(weeks())).to_string()
}

/// The usual history with a sign-up of a minute ago.
pub fn history() -> History {
    let history = History::usual(weeks());
    history.add(Happened::new(MachineClock.now() - TimeDelta::minutes(1), "signup", "eve").with("plan", "free"));
    history
}

/// A bot that isn't started, with this section.
pub fn bot(section: &str) -> Bot {
    Bot::new(&format!("commands_per_minute = 0\n{section}"))
}

/// What is said to a question whose days are those of New York.
pub async fn asked(bot: &Bot, words: &[&str]) -> String {
    bot.said(&[words, &["--tz", "America/New_York"]].concat()).await
}

/// A command that is refused; what is said.
pub async fn refused(bot: &Bot, words: &[&str]) -> String {
    let Ran { code, out, err } = bot.say(words).await;
    assert_ne!(code, 0, "{words:?}: {out}");
    format!("{out}{err}")
}

/// Fails unless each of these is said, in this order.
#[track_caller]
pub fn says(text: &str, wanted: &[&str]) {
    let mut rest = text;
    for one in wanted {
        match rest.find(one) {
            Some(at) => rest = &rest[at + one.len()..],
            None => panic!("`{one}` is not said (in this order) in:\n{text}"),
        }
    }
}
