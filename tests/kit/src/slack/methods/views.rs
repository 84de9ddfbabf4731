//! `views.*`: modals and App Home.

use super::Call;
use crate::slack::blocks;
use crate::slack::state::{Answer, Refusal, State, ViewRecord};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The largest view, in bytes.
const LARGEST: usize = 250 * 1024;
/// The most modals on top of each other.
const STACK: usize = 3;
/// How long a trigger lives, in milliseconds.
const TRIGGER: i64 = 3_000;

/// Checks a view as Slack would, <https://docs.slack.dev/reference/views>.
pub(crate) fn check(view: &Value, home: bool) -> Result<(), Refusal> {
    let mut wrong = Vec::new();
    let mut complain = |what: &str, at: &str| wrong.push(format!("[ERROR] {what} [json-pointer:/view{at}]"));
    let wanted = if home { "home" } else { "modal" };
    if view["type"] != wanted {
        complain(&format!("must be a valid enum value, {wanted}"), "/type");
    }
    if !home {
        for (name, needed) in [("title", true), ("submit", false), ("close", false)] {
            let text = &view[name];
            let good = text["type"] == "plain_text" && text["text"].as_str().is_some_and(|text| (1..=24).contains(&text.chars().count()));
            if !good && (needed || !text.is_null()) {
                complain("must be plain text of 1 to 24 characters", &format!("/{name}"));
            }
        }
        let has_input = view["blocks"].as_array().is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "input"));
        if has_input && view["submit"].is_null() {
            complain("missing required field: submit, since the view has an input block", "");
        }
    }
    for (name, most) in [("callback_id", 255), ("external_id", 255), ("private_metadata", 3000)] {
        if view[name].as_str().is_some_and(|text| text.chars().count() > most) || !(view[name].is_null() || view[name].is_string()) {
            complain(&format!("must be a string of at most {most} characters"), &format!("/{name}"));
        }
    }
    let known = [
        "type",
        "title",
        "blocks",
        "close",
        "submit",
        "private_metadata",
        "callback_id",
        "clear_on_close",
        "notify_on_close",
        "external_id",
        "submit_disabled",
    ];
    for name in view.as_object().into_iter().flatten().map(|(name, _)| name).filter(|name| !known.contains(&name.as_str())) {
        complain(&format!("unknown field: {name}"), "");
    }
    if view.to_string().len() > LARGEST {
        return Err("view_too_large".into());
    }
    let Some(list) = view["blocks"].as_array() else {
        complain("missing required field: blocks", "");
        return Err(Refusal::messages("invalid_arguments", &wrong));
    };
    if !wrong.is_empty() {
        return Err(Refusal::messages("invalid_arguments", &wrong));
    }
    blocks::check(list, if home { blocks::Surface::Home } else { blocks::Surface::Modal })
        .map_err(|refusal| Refusal { code: "invalid_arguments".into(), ..refusal })
}

/// A view as answers and payloads show it.
pub(crate) fn json(state: &State, view: &ViewRecord) -> Value {
    let mut shown = view.body.clone();
    let more = json!({
        "id": view.id,
        "team_id": view.team,
        "hash": view.hash,
        "root_view_id": view.root,
        "previous_view_id": view.previous,
        "app_id": state.app.id,
        "app_installed_team_id": view.team,
        "bot_id": state.team(&view.team).map(|team| team.bot_id.clone()),
        "state": { "values": view.values },
    });
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        for name in ["private_metadata", "callback_id", "external_id"] {
            shown.entry(name).or_insert_with(|| json!(""));
        }
        for name in ["clear_on_close", "notify_on_close"] {
            shown.entry(name).or_insert_with(|| json!(false));
        }
        for name in ["submit", "close"] {
            shown.entry(name).or_insert(Value::Null);
        }
        shown.extend(more);
    }
    shown
}

impl State {
    /// A new view of a person's, not yet on any stack.
    pub(crate) fn new_view(&mut self, team: &str, user: &str, body: Value, previous: Option<String>) -> String {
        let id = self.ids.id("V");
        let root = previous.as_ref().and_then(|id| self.views.get(id)).map_or_else(|| id.clone(), |view| view.root.clone());
        let hash = self.view_hash();
        let body = blocks::stored_view(body, &mut self.ids);
        let record = ViewRecord {
            id: id.clone(),
            team: team.to_owned(),
            user: user.to_owned(),
            hash,
            values: blocks::initial(&body),
            body,
            root,
            previous,
            errors: BTreeMap::new(),
            open: true,
        };
        self.views.insert(id.clone(), record);
        id
    }

    fn view_hash(&mut self) -> String {
        format!("{}.{}", self.time.seconds(), self.ids.id("h"))
    }

    /// Another content for a view. What was typed stays where block and action keep their ids.
    pub(crate) fn change_view(&mut self, id: &str, body: Value) {
        let hash = self.view_hash();
        let body = blocks::stored_view(body, &mut self.ids);
        let Some(view) = self.views.get_mut(id) else { return };
        let mut values = blocks::initial(&body);
        for (block, actions) in &mut values {
            for (action, value) in actions {
                if let Some(old) = view.values.get(block).and_then(|actions| actions.get(action))
                    && old["type"] == value["type"]
                {
                    value.clone_from(old);
                }
            }
        }
        (view.body, view.hash, view.values) = (body, hash, values);
        view.errors.clear();
    }

    /// Uses up a trigger.
    fn pull(&mut self, call: &Call) -> Result<super::super::state::Trigger, Refusal> {
        let id = call.args.text("trigger_id").or_else(|| call.args.text("interactivity_pointer"));
        let id = id.ok_or_else(|| Refusal::messages("invalid_arguments", &["[ERROR] missing required field: trigger_id".into()]))?;
        let now = self.millis();
        let trigger = self.triggers.get_mut(&id).filter(|trigger| trigger.team == call.team).ok_or("invalid_trigger_id")?;
        if trigger.used {
            return Err("exchanged_trigger_id".into());
        }
        if now - trigger.made > TRIGGER {
            return Err("expired_trigger_id".into());
        }
        trigger.used = true;
        Ok(trigger.clone())
    }

    fn unique(&self, team: &str, view: &Value, but: Option<&str>) -> Result<(), Refusal> {
        let Some(external) = view["external_id"].as_str().filter(|id| !id.is_empty()) else { return Ok(()) };
        let mut others = self.views.values().filter(|other| other.team == team && other.open && Some(other.id.as_str()) != but);
        if others.any(|other| other.body["external_id"] == external) { Err("duplicate_external_id".into()) } else { Ok(()) }
    }
}

fn given(call: &Call, home: bool) -> Result<Value, Refusal> {
    match call.args.complex("view") {
        Ok(Some(view)) if view.is_object() => {
            check(&view, home)?;
            Ok(view)
        }
        Ok(None) => Err(Refusal::messages("invalid_arguments", &["[ERROR] missing required field: view".into()])),
        _ => Err(Refusal::messages("invalid_arguments", &["[ERROR] must be a JSON object [json-pointer:/view]".into()])),
    }
}

fn answer(state: &State, id: &str) -> Answer {
    let view = state.views.get(id).ok_or("not_found")?;
    Ok(json!({ "view": json(state, view) }))
}

pub(super) fn open(state: &mut State, call: &Call) -> Answer {
    let view = given(call, false)?;
    state.unique(&call.team, &view, None)?;
    let trigger = state.pull(call)?;
    let id = state.new_view(&call.team, &trigger.user, view, None);
    state.stacks.insert(trigger.user, vec![id.clone()]);
    answer(state, &id)
}

pub(super) fn push(state: &mut State, call: &Call) -> Answer {
    let view = given(call, false)?;
    state.unique(&call.team, &view, None)?;
    let trigger = state.pull(call)?;
    let stack = state.stacks.get(&trigger.user).cloned().unwrap_or_default();
    if stack.is_empty() || trigger.view.is_none() {
        return Err("not_found".into());
    }
    if stack.len() >= STACK {
        return Err("push_limit_reached".into());
    }
    let id = state.new_view(&call.team, &trigger.user, view, stack.last().cloned());
    state.stacks.entry(trigger.user).or_default().push(id.clone());
    answer(state, &id)
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let view = given(call, false)?;
    let found = match (call.args.text("view_id"), call.args.text("external_id")) {
        (Some(id), _) => state.views.get(&id),
        (None, Some(external)) => state.views.values().find(|view| view.open && view.body["external_id"] == external.as_str()),
        (None, None) => return Err(Refusal::messages("invalid_arguments", &["[ERROR] missing required field: view_id".into()])),
    };
    let found = found.filter(|view| view.team == call.team && view.open && view.body["type"] == "modal").ok_or("not_found")?;
    if call.args.text("hash").is_some_and(|hash| hash != found.hash) {
        return Err("hash_conflict".into());
    }
    let id = found.id.clone();
    state.unique(&call.team, &view, Some(&id))?;
    state.change_view(&id, view);
    answer(state, &id)
}

pub(super) fn publish(state: &mut State, call: &Call) -> Answer {
    let user = call.args.need("user_id")?;
    let view = given(call, true)?;
    state.member(&call.team, &user).filter(|user| !user.spec.deactivated).ok_or("user_not_found")?;
    let id = if let Some(id) = state.homes.get(&user).cloned() {
        let hash = state.views.get(&id).map(|view| view.hash.clone());
        if call.args.text("hash").is_some_and(|wanted| Some(wanted) != hash) {
            return Err("hash_conflict".into());
        }
        state.change_view(&id, view);
        id
    } else {
        let id = state.new_view(&call.team, &user, view, None);
        state.homes.insert(user, id.clone());
        id
    };
    answer(state, &id)
}
