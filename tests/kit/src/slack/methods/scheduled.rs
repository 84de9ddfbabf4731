//! Messages for later.

use super::{Call, content};
use crate::slack::args::page;
use crate::slack::state::{Answer, Refusal, Scheduled, State};
use serde_json::{Value, json};

/// The most days ahead.
const DAYS: i64 = 120;
/// The most in a channel within five minutes.
const TOGETHER: usize = 30;

pub(super) fn schedule(state: &mut State, call: &Call) -> Answer {
    call.wants(&["chat:write"])?;
    let channel = state.postable(call, &call.args.need("channel")?)?;
    let post_at = match call.args.number("post_at") {
        Ok(Some(at)) => at,
        Ok(None) => return Err(Refusal::messages("invalid_arguments", &["[ERROR] missing required field: post_at".into()])),
        Err(_) => return Err("invalid_time".into()),
    };
    let now = state.time.seconds();
    if post_at <= now {
        return Err("time_in_past".into());
    }
    if post_at > now + DAYS * 86_400 {
        return Err("time_too_far".into());
    }
    let near = state.scheduled.iter().filter(|other| other.message.channel == channel && (other.post_at - post_at).abs() < 300).count();
    if near >= TOGETHER {
        return Err("restricted_too_many".into());
    }
    let content = content(&call.args)?;
    let thread = state.thread(call, &channel)?;
    let mut message = state.compose(&call.team, &channel, content);
    message.thread = thread;
    let id = state.ids.id("Q");
    let shown = json!({ "text": message.text, "type": "delayed_message", "user": message.user, "blocks": message.blocks });
    state.scheduled.push(Scheduled { id: id.clone(), team: call.team.clone(), post_at, message, made: now });
    Ok(json!({ "channel": channel, "scheduled_message_id": id, "post_at": post_at, "message": shown }))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    call.wants(&["chat:write"])?;
    let (channel, id) = (call.args.need("channel")?, call.args.need("scheduled_message_id")?);
    state.visible(call, &channel)?;
    let now = state.time.seconds();
    let at = state.scheduled.iter().position(|kept| kept.id == id && kept.message.channel == channel && kept.team == call.team);
    // In the last minute it can no longer be stopped.
    let at = at.filter(|at| state.scheduled[*at].post_at - now >= 60).ok_or("invalid_scheduled_message_id")?;
    state.scheduled.remove(at);
    Ok(json!({}))
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let only = call.args.text("channel");
    let (oldest, latest) = (call.args.number("oldest")?, call.args.number("latest")?);
    let mut found: Vec<&Scheduled> = state
        .scheduled
        .iter()
        .filter(|kept| {
            kept.team == call.team
                && only.as_ref().is_none_or(|only| *only == kept.message.channel)
                && oldest.is_none_or(|oldest| kept.post_at >= oldest)
                && latest.is_none_or(|latest| kept.post_at <= latest)
        })
        .collect();
    found.sort_by_key(|kept| kept.post_at);
    let (list, more) = page(found, &call.args, state.settings.page, state.settings.empty_pages)?;
    let shown: Vec<Value> = list
        .into_iter()
        .map(|kept| {
            json!({ "id": kept.id, "channel_id": kept.message.channel, "post_at": kept.post_at, "date_created": kept.made,
                    "text": kept.message.text })
        })
        .collect();
    Ok(json!({ "scheduled_messages": shown, "response_metadata": more }))
}

/// Does what has come due: files are shown, messages posted. One with metadata is dropped, as it is by Slack (a defect that the method's page states).
pub(crate) fn due(state: &mut State) {
    super::files::arrive(state);
    let now = state.time.seconds();
    let (due, later): (Vec<Scheduled>, _) = std::mem::take(&mut state.scheduled).into_iter().partition(|kept| kept.post_at <= now);
    state.scheduled = later;
    for kept in due {
        let gone = state.channel(&kept.message.channel).is_none_or(|channel| channel.archived);
        if kept.message.metadata.is_none() && !gone {
            let mut message = kept.message;
            message.ts = state.fresh_ts();
            state.put(message, &kept.team);
        }
    }
}
