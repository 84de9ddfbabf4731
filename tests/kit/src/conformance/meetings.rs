//! The suite of [`Meetings`](bellhop_core::ports::Meetings).

use super::{Case, Outcome, Report, Verdict, cases, done, ensure, refuses, run, same};
use bellhop_core::ports::{ChatPlatform, Meetings, NewMeeting};
use bellhop_core::{PortErrorKind, Timestamp, UserRef};
use chrono::{DurationRound as _, TimeDelta};
use std::future::Future;
use std::sync::Arc;

/// A meeting as those see it who organise it or are asked to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// What it is about.
    pub title: String,
    /// When it begins.
    pub starts: Option<Timestamp>,
    /// When it ends.
    pub ends: Option<Timestamp>,
    /// The addresses of those who are asked to come.
    pub attendees: Vec<String>,
    /// Where it is joined.
    pub join_url: String,
}

/// Tells which meetings are on.
pub type Look = Arc<dyn Fn() -> Vec<Planned> + Send + Sync>;

/// A platform under judgement, without any meeting.
pub struct Subject {
    /// The platform.
    pub platform: Arc<dyn ChatPlatform>,
    /// Someone for whom it makes meetings.
    pub organizer: UserRef,
    /// An address that can be asked to come.
    pub guest: String,
    /// Now.
    pub now: Timestamp,
    /// The meetings that are on.
    pub look: Look,
}

/// Tries every sentence on platforms that `subject` makes, a fresh one for each.
///
/// # Panics
/// With the report, when a sentence is broken.
pub async fn suite<F: Future<Output = Subject>>(subject: impl FnMut() -> F) {
    report(subject).await.assert();
}

/// The same, and returns the report.
pub async fn report<F: Future<Output = Subject>>(subject: impl FnMut() -> F) -> Report {
    run("Meetings", &list(), subject).await
}

pub(crate) fn list() -> Vec<Case<Subject>> {
    cases! {
        "Makes a meeting that can be joined by its address." => schedule,
        "The same key makes no second one." => same_key,
        "Changes a meeting's title, times and attendees into these; its address stays." => change,
        "`NotFound` when it is gone." => change_gone,
        "Calls a meeting off." => cancel,
        "Calling it off twice is harmless." => cancel_twice,
    }
}

impl Subject {
    fn meetings(&self) -> Result<&dyn Meetings, String> {
        self.platform.meetings().ok_or_else(|| "the platform makes no meetings".to_owned())
    }

    fn wanted(&self, key: &str, title: &str) -> NewMeeting {
        // Calendars know whole minutes.
        let starts = (self.now + TimeDelta::hours(26)).duration_trunc(TimeDelta::minutes(1)).unwrap_or(self.now);
        NewMeeting {
            key: key.to_owned(),
            title: title.to_owned(),
            starts,
            ends: starts + TimeDelta::minutes(45),
            zone: chrono_tz::Europe::Berlin,
            attendees: vec![self.guest.clone()],
            organizer: Some(self.organizer.clone()),
            organizer_email: None,
        }
    }
}

async fn schedule(subject: &Subject) -> Verdict {
    let wanted = subject.wanted("k", "Weekly <b>ü</b> & more");
    let made = done!(subject.meetings()?.schedule(&wanted).await, "making");
    ensure!(made.join_url.starts_with("http"), "it is joined at {:?}", made.join_url);
    ensure!(!made.id.is_empty() && !made.organizer.is_empty(), "it has no name, or nobody organises it: {made:?}");
    let shown = (subject.look)();
    let expected = Planned {
        title: wanted.title.clone(),
        starts: Some(wanted.starts),
        ends: Some(wanted.ends),
        attendees: wanted.attendees.clone(),
        join_url: made.join_url,
    };
    same!(shown, [expected], "the meetings that are on");
    Ok(Outcome::Held)
}

async fn same_key(subject: &Subject) -> Verdict {
    let wanted = subject.wanted("k", "once");
    let first = done!(subject.meetings()?.schedule(&wanted).await, "making");
    same!(done!(subject.meetings()?.schedule(&wanted).await, "making it again"), first, "the meeting made again");
    same!((subject.look)().len(), 1, "meetings that are on");
    done!(subject.meetings()?.schedule(&subject.wanted("k2", "once")).await, "making another");
    same!((subject.look)().len(), 2, "meetings that are on");
    Ok(Outcome::Held)
}

async fn change(subject: &Subject) -> Verdict {
    let wanted = subject.wanted("k", "before");
    let made = done!(subject.meetings()?.schedule(&wanted).await, "making");
    let later = NewMeeting {
        title: "after".into(),
        starts: wanted.starts + TimeDelta::hours(3),
        ends: wanted.ends + TimeDelta::hours(4),
        attendees: Vec::new(),
        ..wanted
    };
    let changed = done!(subject.meetings()?.change(&made.id, &later).await, "changing");
    same!((&changed.id, &changed.join_url), (&made.id, &made.join_url), "its name and its address");
    let expected = Planned {
        title: "after".into(),
        starts: Some(later.starts),
        ends: Some(later.ends),
        attendees: Vec::new(),
        join_url: made.join_url,
    };
    same!((subject.look)(), [expected], "the meetings that are on");
    Ok(Outcome::Held)
}

async fn change_gone(subject: &Subject) -> Verdict {
    let wanted = subject.wanted("k", "gone");
    let made = done!(subject.meetings()?.schedule(&wanted).await, "making");
    done!(subject.meetings()?.cancel(&made.id).await, "calling off");
    refuses!(subject.meetings()?.change(&made.id, &wanted).await, PortErrorKind::NotFound, "changing what was called off");
    refuses!(subject.meetings()?.change("never", &wanted).await, PortErrorKind::NotFound, "changing what never was");
    Ok(Outcome::Held)
}

async fn cancel(subject: &Subject) -> Verdict {
    let stays = done!(subject.meetings()?.schedule(&subject.wanted("k1", "stays")).await, "making");
    let goes = done!(subject.meetings()?.schedule(&subject.wanted("k2", "goes")).await, "making another");
    ensure!(stays.id != goes.id, "two meetings have the same name");
    done!(subject.meetings()?.cancel(&goes.id).await, "calling off");
    let titles: Vec<String> = (subject.look)().into_iter().map(|planned| planned.title).collect();
    same!(titles, ["stays"], "the meetings that are on");
    Ok(Outcome::Held)
}

async fn cancel_twice(subject: &Subject) -> Verdict {
    let made = done!(subject.meetings()?.schedule(&subject.wanted("k", "goes")).await, "making");
    for time in ["first", "second"] {
        done!(subject.meetings()?.cancel(&made.id).await, "calling off for the {time} time");
    }
    same!((subject.look)().len(), 0, "meetings that are on");
    Ok(Outcome::Held)
}
