//! The suite of [`ScheduleBook`].

use super::{Case, Outcome, Report, Verdict, cases, done, run, same};
use crate::clock::StoppedClock;
use bellhop_core::ports::{Schedule, ScheduleBook};
use bellhop_core::{Address, Clock as _, Invoke, UserRef};
use serde_json::json;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

type Subject = Arc<dyn ScheduleBook>;

/// Tries every sentence on books that `subject` makes, an empty one for each.
///
/// # Panics
/// With the report, when a sentence is broken.
pub async fn suite<F: Future<Output = Subject>>(subject: impl FnMut() -> F) {
    report(subject).await.assert();
}

/// The same, and returns the report.
pub async fn report<F: Future<Output = Subject>>(subject: impl FnMut() -> F) -> Report {
    run("ScheduleBook", &list(), subject).await
}

pub(crate) fn list() -> Vec<Case<Subject>> {
    cases! {
        "Keeps a schedule." => add,
        "All of them, the next to run first." => order,
        "Removes one and returns it; `None` when there is none of that id." => remove,
    }
}

/// A schedule with this id that runs next after this many minutes.
#[must_use]
pub fn sample(id: &str, minutes: u64) -> Schedule {
    let clock = StoppedClock::default();
    clock.advance(Duration::from_secs(60 * minutes));
    Schedule {
        id: id.to_owned(),
        cron: "0 9 * * MON-FRI".to_owned(),
        zone: chrono_tz::Europe::Berlin,
        invoke: Invoke { command: "report".into(), args: json!({"metric": "sign up", "note": "' \u{1f680}"}) },
        line: "report \"sign up\" 7d".to_owned(),
        owner: UserRef { chat: "work".into(), workspace: "w".into(), user: "ann".into() },
        owner_name: "Ann".to_owned(),
        to: Address::channel("work", "w", "ops"),
        next: clock.now(),
        last: None,
    }
}

async fn add(book: &Subject) -> Verdict {
    let schedule = Schedule { last: Some(StoppedClock::default().now()), ..sample("a", 5) };
    done!(book.add(&schedule).await, "adding");
    same!(done!(book.list().await, "listing"), [schedule], "what is kept");
    Ok(Outcome::Held)
}

async fn order(book: &Subject) -> Verdict {
    same!(done!(book.list().await, "listing"), Vec::<Schedule>::new(), "an empty book");
    for (id, minutes) in [("b", 30), ("c", 10), ("a", 20)] {
        done!(book.add(&sample(id, minutes)).await, "adding {id}");
    }
    let ids: Vec<String> = done!(book.list().await, "listing").into_iter().map(|schedule| schedule.id).collect();
    same!(ids, ["c", "a", "b"], "ids");
    Ok(Outcome::Held)
}

async fn remove(book: &Subject) -> Verdict {
    for id in ["a", "b"] {
        done!(book.add(&sample(id, 1)).await, "adding {id}");
    }
    same!(done!(book.remove("a").await, "removing"), Some(sample("a", 1)), "what was removed");
    same!(done!(book.remove("a").await, "removing again"), None, "removed again");
    same!(done!(book.remove("%").await, "removing what never was"), None, "what never was");
    same!(done!(book.list().await, "listing").len(), 1, "those that are left");
    Ok(Outcome::Held)
}
