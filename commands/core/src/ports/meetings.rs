//! Meetings that people join over a link.

use super::PortResult;
use crate::address::UserRef;
use crate::clock::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A meeting to be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMeeting {
    /// Its key: the same key is the same meeting, however often it is asked for.
    pub key: String,
    /// What it is about, on one line.
    pub title: String,
    /// When it begins.
    pub starts: Timestamp,
    /// When it ends; after it begins.
    pub ends: Timestamp,
    /// The zone by whose clock it was planned, for those who see it in a calendar.
    pub zone: chrono_tz::Tz,
    /// The addresses of those who are asked to come.
    pub attendees: Vec<String>,
    /// Who asks for it: the organiser, where the platform knows the person.
    pub organizer: Option<UserRef>,
    /// The organiser's address, for platforms that know the person by that.
    pub organizer_email: Option<String>,
}

/// A meeting that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// The platform's name for it; opaque.
    pub id: String,
    /// Where it is joined.
    pub join_url: String,
    /// Who organises it, as people write the person.
    pub organizer: String,
    /// Whether the platform has invited the attendees itself.
    pub invited: bool,
}

/// The meetings of a platform.
#[async_trait]
pub trait Meetings: Send + Sync {
    /// Makes a meeting that can be joined by its address. The same key makes no second one.
    async fn schedule(&self, meeting: &NewMeeting) -> PortResult<Meeting>;

    /// Changes a meeting's title, times and attendees into these; its address stays. `NotFound` when it is gone.
    async fn change(&self, id: &str, meeting: &NewMeeting) -> PortResult<Meeting>;

    /// Calls a meeting off. Calling it off twice is harmless.
    async fn cancel(&self, id: &str) -> PortResult<()>;
}
