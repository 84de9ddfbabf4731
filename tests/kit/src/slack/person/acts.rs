//! What a person presses: buttons, selects, shortcuts.

use super::Person;
use crate::slack::delivery::{Kind, Taken, bring};
use crate::slack::mentions::unescaped;
use crate::slack::methods::message_json;
use crate::slack::seen::Seen;
use crate::slack::state::State;
use serde_json::{Value, json};

/// What came of pressing something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pressed {
    /// How the app acknowledged it.
    pub taken: Taken,
    /// The question that was asked first, and answered with yes: title and text.
    pub asked: Option<String>,
    /// Where a button with an address leads.
    pub opened: Option<String>,
}

/// An element of a message or view with the block that it stands in.
pub(super) fn elements(blocks: &[Value]) -> Vec<(Value, Value)> {
    let mut found = Vec::new();
    for block in blocks {
        let inner = block["elements"].as_array().into_iter().flatten();
        let single = [&block["accessory"], &block["element"]];
        for element in inner.chain(single).filter(|element| element["action_id"].is_string()) {
            found.push((block.clone(), element.clone()));
        }
    }
    found
}

pub(super) fn label(text: &Value) -> String {
    unescaped(text["text"].as_str().unwrap_or_default())
}

fn options(element: &Value) -> Vec<Value> {
    let groups = element["option_groups"].as_array().into_iter().flatten().filter_map(|group| group["options"].as_array()).flatten();
    element["options"].as_array().into_iter().flatten().chain(groups).cloned().collect()
}

fn question(element: &Value) -> Option<String> {
    let confirm = &element["confirm"];
    confirm.is_object().then(|| format!("{}\n{}", label(&confirm["title"]), label(&confirm["text"])))
}

/// The action of a payload: the element as it is, and what was done to it.
pub(super) fn action(state: &mut State, block: &Value, element: &Value, more: &Value) -> Value {
    let mut action = json!({
        "type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"], "action_ts": state.fresh_ts(),
    });
    for name in ["text", "value", "url", "style", "placeholder"] {
        if !element[name].is_null() {
            action[name] = element[name].clone();
        }
    }
    if let (Some(action), Value::Object(more)) = (action.as_object_mut(), more) {
        action.extend(more.clone());
    }
    action
}

impl Person {
    /// Presses a button of a message by its label (the first whose label is that, or starts so).
    ///
    /// # Errors
    /// There is no such button, or the app didn't acknowledge in time.
    pub async fn click(&self, message: &Seen, wanted: &str) -> Result<Pressed, String> {
        let all: Vec<(Value, Value)> =
            elements(&self.now(message)).into_iter().filter(|(_, element)| element["type"] == "button").collect();
        let exact = all.iter().find(|(_, element)| label(&element["text"]) == wanted);
        let found = exact.or_else(|| all.iter().find(|(_, element)| label(&element["text"]).starts_with(wanted)));
        let (block, element) = found.ok_or_else(|| {
            let labels: Vec<String> = all.iter().map(|(_, element)| label(&element["text"])).collect();
            format!("the message has no button {wanted:?}; it has {labels:?}")
        })?;
        self.act(message, block, element, &json!({})).await
    }

    /// Chooses an option by its label from a select, an overflow menu, radio buttons or check boxes of a message.
    ///
    /// # Errors
    /// There is no such option, or the app didn't acknowledge in time.
    pub async fn choose(&self, message: &Seen, option: &str) -> Result<Pressed, String> {
        for (block, element) in elements(&self.now(message)) {
            if let Some(chosen) = options(&element).into_iter().find(|known| label(&known["text"]) == option) {
                let many = element["type"].as_str().is_some_and(|kind| kind.starts_with("multi_") || kind == "checkboxes");
                let more = if many { json!({ "selected_options": [chosen] }) } else { json!({ "selected_option": chosen }) };
                return self.act(message, &block, &element, &more).await;
            }
        }
        Err(format!("the message has no option {option:?}; it has {:?}", message.options))
    }

    /// The message's blocks as they are by now.
    fn now(&self, message: &Seen) -> Vec<Value> {
        let state = self.world.state();
        state.message(&message.channel, &message.ts).map(|message| message.blocks.clone()).unwrap_or_default()
    }

    async fn act(&self, message: &Seen, block: &Value, element: &Value, more: &Value) -> Result<Pressed, String> {
        let payload = self.world.change(|state| {
            let action = action(state, block, element, more);
            self.action_payload(state, &message.channel, &message.ts, &action)
        })?;
        let asked = question(element);
        let opened = element["url"].as_str().map(str::to_owned);
        let taken = bring(&self.world, Kind::Interaction, &payload, 0, "").await?;
        Ok(Pressed { taken, asked, opened })
    }

    fn action_payload(&self, state: &mut State, channel: &str, ts: &str, action: &Value) -> Result<Value, String> {
        let message = state.message(channel, ts).cloned().ok_or("the message is gone")?;
        let ephemeral = message.only.is_some();
        let trigger = state.trigger(&self.team, &self.id, None);
        let response_url = state.response_url(&self.team, channel, &self.id, Some(ts));
        let mut container = json!({ "type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": ephemeral });
        if let Some(thread) = &message.thread {
            container["thread_ts"] = json!(thread);
        }
        let mut payload = self.common(state, "block_actions");
        payload["container"] = container;
        payload["trigger_id"] = json!(trigger);
        payload["response_url"] = json!(response_url);
        payload["channel"] = json!({ "id": channel, "name": Self::channel_name(state, channel) });
        payload["state"] = json!({ "values": {} });
        payload["actions"] = json!([action]);
        if !ephemeral {
            payload["message"] = message_json(state, &message, true);
        }
        Ok(payload)
    }

    /// What every interaction has.
    pub(super) fn common(&self, state: &State, kind: &str) -> Value {
        json!({
            "type": kind,
            "token": "deprecated",
            "api_app_id": state.app.id,
            "team": { "id": self.team, "domain": state.team(&self.team).map(|team| team.name.clone()) },
            "enterprise": null,
            "is_enterprise_install": false,
            "user": { "id": self.id, "username": self.name, "name": self.name, "team_id": self.team },
        })
    }

    /// Uses a global shortcut.
    ///
    /// # Errors
    /// The app didn't acknowledge in time.
    pub async fn shortcut(&self, callback_id: &str) -> Result<Taken, String> {
        let payload = self.world.change(|state| {
            let mut payload = self.common(state, "shortcut");
            payload["callback_id"] = json!(callback_id);
            payload["trigger_id"] = json!(state.trigger(&self.team, &self.id, None));
            payload["action_ts"] = json!(state.fresh_ts());
            payload
        });
        bring(&self.world, Kind::Interaction, &payload, 0, "").await
    }

    /// Uses a shortcut on a message.
    ///
    /// # Errors
    /// The message is gone, or the app didn't acknowledge in time.
    pub async fn message_shortcut(&self, message: &Seen, callback_id: &str) -> Result<Taken, String> {
        let payload = self.world.change(|state| {
            let found = state.message(&message.channel, &message.ts).cloned().ok_or("the message is gone")?;
            let mut payload = self.common(state, "message_action");
            payload["callback_id"] = json!(callback_id);
            payload["trigger_id"] = json!(state.trigger(&self.team, &self.id, None));
            payload["action_ts"] = json!(state.fresh_ts());
            payload["message_ts"] = json!(message.ts);
            payload["response_url"] = json!(state.response_url(&self.team, &message.channel, &self.id, Some(&message.ts)));
            payload["channel"] = json!({ "id": message.channel, "name": Self::channel_name(state, &message.channel) });
            payload["message"] = message_json(state, &found, false);
            Ok::<_, String>(payload)
        })?;
        bring(&self.world, Kind::Interaction, &payload, 0, "").await
    }

    /// Opens the app's home tab. What it shows then is [`Person::home`].
    pub fn open_home(&self) {
        let channel = self.direct();
        self.world.change(|state| {
            let view = state.homes.get(&self.id).and_then(|id| state.views.get(id));
            let view = view.map(|view| crate::slack::methods::view_json(state, view));
            let mut body = json!({ "type": "app_home_opened", "user": self.id, "channel": channel, "tab": "home" });
            if let Some(view) = view {
                body["view"] = view;
            }
            state.tell(&self.team, body, Some(&channel));
        });
    }
}
