//! One activity, from its meaning to its answer: what it shows is noted, what was said is in the inbox, what is asked is answered.

use crate::interact::{self, NOT_KEPT};
use crate::parse::{self, Activity, Asked, Heard, Trigger};
use crate::{Desk, config::Uploads, files};
use bellhop_core::ports::{Accepted, Incoming, PortResult};
use serde_json::{Value, json};
use std::sync::Arc;

/// What is answered to an activity.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// 200 without a body.
    Empty,
    /// 200 with this.
    Json(Value),
    /// An invoke that nobody here answers.
    Unserved,
    /// A member is missing.
    Unreadable,
    /// It could not be kept: it may be brought again.
    NotKept,
}

/// Takes an activity whose token is right.
pub(super) async fn take(desk: &Arc<Desk>, activity: &Activity<'_>) -> Answer {
    let direct = desk.config.uploads == Uploads::Direct;
    let heard = match parse::activity(activity, &desk.name, desk.ports.clock.now(), direct) {
        Ok(heard) => heard,
        Err(unreadable) => {
            tracing::warn!(chat = %desk.name, kind = activity.kind(), %unreadable, "an activity could not be read and is left");
            return Answer::Unreadable;
        }
    };
    let here = !matches!(heard, Heard::Membership { here: false });
    if let Err(error) = note(desk, activity, here).await {
        tracing::error!(chat = %desk.name, %error, "where an activity came from could not be kept");
        return not_kept(&heard);
    }
    match heard {
        Heard::Say(incoming) => said(desk, *incoming).await,
        Heard::Click { origin, data } => match interact::clicked(desk, *origin, &data).await {
            Ok(_) => Answer::Empty,
            Err(error) => lost(desk, &error, Answer::NotKept),
        },
        Heard::Invoke { origin, asked } => {
            let instead = not_kept_answer(&asked);
            match interact::answer(desk, *origin, asked).await {
                Ok(Some(answer)) => Answer::Json(answer),
                Ok(None) => Answer::Empty,
                Err(error) => lost(desk, &error, instead),
            }
        }
        Heard::Membership { .. } | Heard::Changed => {
            if let Some((id, _)) = activity.team() {
                desk.directory.forget_team(id).await;
            }
            Answer::Empty
        }
        Heard::Unserved(name) => {
            tracing::debug!(chat = %desk.name, name, "an invoke that nobody here answers");
            Answer::Unserved
        }
        Heard::Nothing => Answer::Empty,
    }
}

async fn said(desk: &Arc<Desk>, mut incoming: Incoming) -> Answer {
    files::named(desk, &mut incoming).await;
    let at = incoming.at.clone();
    match desk.ports.inbox.accept(incoming).await {
        Ok(Accepted::New) => {
            interact::typing(desk, at);
            Answer::Empty
        }
        Ok(Accepted::Seen) => Answer::Empty,
        Err(error) => lost(desk, &error, Answer::NotKept),
    }
}

/// Keeps what an activity shows of its conversation, its team and its sender: that is how they are spoken to later.
async fn note(desk: &Desk, activity: &Activity<'_>, here: bool) -> PortResult<()> {
    let team = activity.team();
    if let Some((id, mut conversation)) = activity.reference() {
        conversation.gone = !here;
        desk.references.keep_conversation(id, conversation).await?;
    }
    if let Some((id, mut told)) = team {
        told.gone = !here;
        desk.references.keep_team(id, told).await?;
    }
    if let Some(person) = activity.person() {
        desk.references.keep_person(person).await?;
    }
    Ok(())
}

fn not_kept(heard: &Heard) -> Answer {
    match heard {
        Heard::Invoke { asked, .. } => not_kept_answer(asked),
        _ => Answer::NotKept,
    }
}

/// Tells the person that it could not be kept, in the way that this kind of invoke has.
fn not_kept_answer(asked: &Asked) -> Answer {
    match asked {
        Asked::Action { trigger: Trigger::Manual, .. } => Answer::Json(interact::refusal(500, "NotKept", NOT_KEPT)),
        Asked::Fetch { .. } | Asked::Submit { .. } | Asked::Extension(_) => {
            Answer::Json(json!({ "task": { "type": "message", "value": NOT_KEPT } }))
        }
        _ => Answer::NotKept,
    }
}

fn lost(desk: &Desk, error: &bellhop_core::PortError, answer: Answer) -> Answer {
    tracing::error!(chat = %desk.name, %error, "something that was said could not be kept");
    answer
}
