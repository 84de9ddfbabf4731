//! The suite of [`Inbox`]. That an accepted event survives a crash is tested on the whole bot, by killing it.

use super::{Case, Outcome, Report, Verdict, cases, done, run, same};
use crate::clock::StoppedClock;
use bellhop_core::call::Handle;
use bellhop_core::ports::{Accepted, Inbox, Incoming, Said};
use bellhop_core::{Address, Clock as _, UserRef};
use serde_json::json;
use std::future::Future;
use std::sync::Arc;

type Subject = Arc<dyn Inbox>;

/// Tries every sentence on inboxes that `subject` makes, an empty one for each.
///
/// # Panics
/// With the report, when a sentence is broken.
pub async fn suite<F: Future<Output = Subject>>(subject: impl FnMut() -> F) {
    report(subject).await.assert();
}

/// The same, and returns the report.
pub async fn report<F: Future<Output = Subject>>(subject: impl FnMut() -> F) -> Report {
    run("Inbox", &list(), subject).await
}

pub(crate) fn list() -> Vec<Case<Subject>> {
    cases! {
        "Keeps the event durably, and returns when it would survive a crash; only then may the platform be told that it arrived." => many_at_once,
        "The same key from the same chat is kept once." => once,
    }
}

/// An event from the connection `chat` under this key.
#[must_use]
pub fn sample(chat: &str, key: &str) -> Incoming {
    Incoming {
        key: key.into(),
        from: UserRef { chat: chat.into(), workspace: "w".into(), user: "ann".into() },
        name: "Ann '); drop table inbox; --".to_owned(),
        zone: Some(chrono_tz::Europe::Berlin),
        at: Address::channel(chat, "w", "ops"),
        said: Said::Line("file list \u{1f680}".to_owned()),
        attachments: Vec::new(),
        groups: None,
        reply: Some(Handle(json!({"token": "t"}))),
        received: StoppedClock::default().now(),
    }
}

async fn many_at_once(inbox: &Subject) -> Verdict {
    let all = (0..200).map(|n| async move { inbox.accept(sample("work", &format!("event {n}"))).await });
    for (n, result) in futures::future::join_all(all).await.into_iter().enumerate() {
        same!(done!(result, "accepting event {n}"), Accepted::New, "event {n} of 200 at once");
    }
    Ok(Outcome::Held)
}

async fn once(inbox: &Subject) -> Verdict {
    same!(done!(inbox.accept(sample("work", "k")).await, "accepting"), Accepted::New, "the first time");
    let mut changed = sample("work", "k");
    changed.said = Said::Line("something else".to_owned());
    same!(done!(inbox.accept(changed).await, "accepting"), Accepted::Seen, "the same key again, even with other content");
    same!(done!(inbox.accept(sample("play", "k")).await, "accepting"), Accepted::New, "the same key from another chat");
    same!(done!(inbox.accept(sample("work", "K")).await, "accepting"), Accepted::New, "a key that differs in case");
    let mut new = 0;
    for result in futures::future::join_all((0..50).map(|_| async { inbox.accept(sample("work", "race")).await })).await {
        new += usize::from(done!(result, "racing") == Accepted::New);
    }
    same!(new, 1, "how many of 50 at once were the first");
    Ok(Outcome::Held)
}
