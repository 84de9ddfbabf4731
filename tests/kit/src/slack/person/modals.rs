//! What a person does in modals and in App Home: fills in, submits, closes, presses, searches.

use super::Person;
use super::acts::{action, elements, label};
use crate::slack::blocks::{check_suggestions, held};
use crate::slack::delivery::{Kind, Taken, bring};
use crate::slack::methods::{check_view, view_json};
use crate::slack::state::{State, ViewRecord};
use serde_json::{Value, json};

/// What came of submitting a modal.
#[derive(Clone, Debug, PartialEq)]
pub enum Submitted {
    /// It closed; the one beneath is seen again, if there was one.
    Closed,
    /// All of them closed.
    Cleared,
    /// Another content, or another modal on top.
    Shows(Box<crate::slack::seen::SeenView>),
    /// Not taken: block ids and what is wrong with them.
    Errors(Vec<(String, String)>),
}

impl Person {
    /// Enters something into an input of the open modal, named by its label or its block id: text, a date, the label of an
    /// option (several with `, ` between them), the short name of a person, `#channel`, the id of a file of theirs.
    ///
    /// # Errors
    /// No modal is open, there is no such input, or it doesn't take that.
    pub fn fill(&self, input: &str, value: &str) -> Result<(), String> {
        self.world.change(|state| {
            let view = self.uppermost(state)?;
            let (block, element) = find_input(&view, input)?;
            let kind = element["type"].as_str().unwrap_or_default().to_owned();
            let entered = self.entered(state, &kind, &element, value)?;
            let member = held(&element, &kind).map(|(member, _)| member).ok_or("it takes no input")?;
            let (block, action) = (text(&block, "block_id"), text(&element, "action_id"));
            let view = state.views.get_mut(&view.id).ok_or("the modal is gone")?;
            view.values.entry(block).or_default().insert(action, json!({ "type": kind, member: entered }));
            Ok(())
        })
    }

    fn entered(&self, state: &mut State, kind: &str, element: &Value, value: &str) -> Result<Value, String> {
        let options: Vec<Value> = {
            let groups =
                element["option_groups"].as_array().into_iter().flatten().filter_map(|group| group["options"].as_array()).flatten();
            element["options"].as_array().into_iter().flatten().chain(groups).cloned().collect()
        };
        let option = |wanted: &str| {
            let labels: Vec<String> = options.iter().map(|option| label(&option["text"])).collect();
            options
                .iter()
                .find(|option| label(&option["text"]) == wanted)
                .cloned()
                .ok_or(format!("there is no option {wanted:?} among {labels:?}"))
        };
        let person = |state: &State, name: &str| {
            let name = name.trim_start_matches('@');
            let found = state.users.iter().find(|user| user.team == self.team && (user.spec.name == name || user.id == name));
            found.map(|user| user.id.clone()).ok_or(format!("nobody is called {name:?}"))
        };
        Ok(match kind {
            "static_select" | "radio_buttons" => option(value)?,
            "multi_static_select" | "checkboxes" => json!(value.split(", ").map(option).collect::<Result<Vec<_>, _>>()?),
            "external_select" => self.suggested(state, value)?,
            "multi_external_select" => json!([self.suggested(state, value)?]),
            "users_select" => json!(person(state, value)?),
            "multi_users_select" => json!(value.split(", ").map(|name| person(state, name)).collect::<Result<Vec<_>, _>>()?),
            "conversations_select" | "channels_select" => {
                json!(state.place(&self.team, &self.id, value).ok_or("there is no such conversation")?)
            }
            "multi_conversations_select" | "multi_channels_select" => {
                let all = value.split(", ").map(|named| state.place(&self.team, &self.id, named).ok_or("there is no such conversation"));
                json!(all.collect::<Result<Vec<_>, _>>()?)
            }
            "datetimepicker" => json!(value.parse::<i64>().map_err(|error| error.to_string())?),
            "file_input" => {
                let files = value.split(", ").map(|id| state.files.get(id).map(|file| crate::slack::methods::file_json(state, file)));
                json!(files.collect::<Option<Vec<_>>>().ok_or("there is no such file")?)
            }
            "number_input" if value.parse::<f64>().is_err() => return Err(format!("{value:?} is no number")),
            "plain_text_input" => {
                let length = value.chars().count() as u64;
                let (least, most) = (element["min_length"].as_u64().unwrap_or(0), element["max_length"].as_u64().unwrap_or(3000));
                if length < least || length > most {
                    return Err(format!("{length} characters; {least} to {most} are taken"));
                }
                json!(value)
            }
            "rich_text_input" => json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section",
                "elements": [{ "type": "text", "text": value }] }] }),
            _ => json!(value),
        })
    }

    /// An option that was offered a moment ago, by its label.
    fn suggested(&self, state: &State, value: &str) -> Result<Value, String> {
        let offered = state.suggestions.get(&self.id).cloned().unwrap_or_default();
        let labels: Vec<String> = offered.iter().map(|option| label(&option["text"])).collect();
        let found = offered.into_iter().find(|option| label(&option["text"]) == value);
        found.ok_or_else(|| format!("{value:?} was not offered; `suggest` first; offered were {labels:?}"))
    }

    /// Types into a select of the open modal (or App Home) whose options the app gives, and returns the labels of what it offers.
    ///
    /// # Errors
    /// There is no such input, or the app didn't answer in time, or not in Slack's shape.
    pub async fn suggest(&self, input: &str, typed: &str) -> Result<Vec<String>, String> {
        let payload = self.world.change(|state| {
            let view = self.uppermost(state)?;
            let (block, element) = find_input(&view, input)?;
            let kind = element["type"].as_str().unwrap_or_default();
            if !kind.ends_with("external_select") {
                return Err(format!("{input:?} is a {kind}: its options don't come from the app"));
            }
            let least = element["min_query_length"].as_u64().unwrap_or(3);
            if (typed.chars().count() as u64) < least {
                return Err(format!("Slack asks for options from {least} characters on"));
            }
            let mut payload = self.common(state, "block_suggestion");
            payload["action_id"] = element["action_id"].clone();
            payload["block_id"] = block["block_id"].clone();
            payload["value"] = json!(typed);
            payload["container"] = json!({ "type": "view", "view_id": view.id });
            payload["view"] = view_json(state, &view);
            Ok(payload)
        })?;
        let taken = bring(&self.world, Kind::Options, &payload, 0, "").await?;
        let answer = taken.json().ok_or("the options are no JSON object")?;
        check_suggestions(&answer).map_err(|wrong| wrong.join("; "))?;
        let groups = answer["option_groups"].as_array().into_iter().flatten().filter_map(|group| group["options"].as_array()).flatten();
        let options: Vec<Value> = answer["options"].as_array().into_iter().flatten().chain(groups).cloned().collect();
        let labels = options.iter().map(|option| label(&option["text"])).collect();
        self.world.state().suggestions.insert(self.id.clone(), options);
        Ok(labels)
    }

    /// Submits the open modal. What Slack's own client refuses (a needed input left empty) is refused here, before the app
    /// hears of it.
    ///
    /// # Errors
    /// No modal is open, the client refuses, or the app didn't acknowledge in time or not in Slack's shape.
    pub async fn submit(&self) -> Result<Submitted, String> {
        let (id, payload) = self.world.change(|state| {
            let view = self.uppermost(state)?;
            if view.body["submit"].is_null() {
                return Err("the modal has nothing to submit".to_owned());
            }
            for block in view.body["blocks"].as_array().into_iter().flatten().filter(|block| block["type"] == "input") {
                let empty =
                    view.values.get(block["block_id"].as_str().unwrap_or_default()).is_none_or(|actions| actions.values().all(blank));
                if empty && block["optional"] != true {
                    return Err(format!("Slack asks to complete {:?} first", label(&block["label"])));
                }
            }
            for file in view.values.values().flat_map(|actions| actions.values()).filter_map(|held| held["files"].as_array()).flatten() {
                if let Some(file) = state.files.get_mut(&text(file, "id")) {
                    file.given = true;
                }
            }
            let mut payload = self.common(state, "view_submission");
            payload["trigger_id"] = json!(state.trigger(&self.team, &self.id, Some(&view.id)));
            payload["view"] = view_json(state, &view);
            payload["response_urls"] = self.response_urls(state, &view);
            Ok((view.id, payload))
        })?;
        let taken = bring(&self.world, Kind::Interaction, &payload, 0, "").await?;
        self.world.change(|state| self.submitted(state, &id, &taken))
    }

    fn response_urls(&self, state: &mut State, view: &ViewRecord) -> Value {
        let mut urls = Vec::new();
        for (block, element) in elements(view.body["blocks"].as_array().map(Vec::as_slice).unwrap_or_default()) {
            if element["response_url_enabled"] != true {
                continue;
            }
            let (block, action) = (text(&block, "block_id"), text(&element, "action_id"));
            let held = view.values.get(&block).and_then(|actions| actions.get(&action));
            let chosen = held.and_then(|held| held["selected_conversation"].as_str().or(held["selected_channel"].as_str()));
            if let Some(channel) = chosen {
                let url = state.response_url(&self.team, channel, &self.id, None);
                urls.push(json!({ "block_id": block, "action_id": action, "channel_id": channel, "response_url": url }));
            }
        }
        json!(urls)
    }

    fn submitted(&self, state: &mut State, id: &str, taken: &Taken) -> Result<Submitted, String> {
        if taken.body.is_empty() {
            self.pop(state, id);
            return Ok(Submitted::Closed);
        }
        // Anything else than nothing or JSON makes the modal say that something went wrong.
        let answer =
            taken.json().ok_or_else(|| format!("the modal shows an error, for the acknowledgement is no JSON: {:?}", taken.body))?;
        let shows = |state: &State, id: &str| {
            state.views.get(id).map(|view| Submitted::Shows(Box::new(state.seen_view(view)))).ok_or_else(|| "the modal is gone".to_owned())
        };
        let given = &answer["view"];
        match answer["response_action"].as_str() {
            None if answer.as_object().is_some_and(serde_json::Map::is_empty) => {
                self.pop(state, id);
                Ok(Submitted::Closed)
            }
            Some("clear") => {
                for view in state.stacks.remove(&self.id).unwrap_or_default() {
                    end(state, &view);
                }
                Ok(Submitted::Cleared)
            }
            Some("errors") => {
                let errors = answer["errors"].as_object().filter(|errors| !errors.is_empty()).ok_or("the acknowledgement has no errors")?;
                let view = state.views.get_mut(id).ok_or("the modal is gone")?;
                let inputs: Vec<String> = view.body["blocks"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|block| block["type"] == "input")
                    .map(|block| text(block, "block_id"))
                    .collect();
                if let Some(stranger) = errors.keys().find(|block| !inputs.contains(block)) {
                    return Err(format!("an error is for the block {stranger:?}, which is no input of the modal: {inputs:?}"));
                }
                view.errors = errors.iter().map(|(block, text)| (block.clone(), text.as_str().unwrap_or_default().to_owned())).collect();
                Ok(Submitted::Errors(view.errors.iter().map(|(block, text)| (block.clone(), text.clone())).collect()))
            }
            Some(action @ ("update" | "push")) => {
                check_view(given, false).map_err(|refusal| format!("Slack refuses the view: {} {:?}", refusal.code, refusal.more))?;
                if action == "update" {
                    state.change_view(id, given.clone());
                    return shows(state, id);
                }
                if state.stacks.get(&self.id).is_some_and(|stack| stack.len() >= 3) {
                    return Err("three modals are open already".into());
                }
                let next = state.new_view(&self.team, &self.id, given.clone(), Some(id.to_owned()));
                state.stacks.entry(self.id.clone()).or_default().push(next.clone());
                shows(state, &next)
            }
            _ => Err(format!("the modal shows an error, for Slack knows no such acknowledgement: {answer}")),
        }
    }

    fn pop(&self, state: &mut State, id: &str) {
        if let Some(stack) = state.stacks.get_mut(&self.id) {
            stack.retain(|view| view != id);
        }
        end(state, id);
    }

    /// Closes the open modal without submitting. The app hears of it where it asked to.
    ///
    /// # Errors
    /// No modal is open, or the app didn't acknowledge in time.
    pub async fn dismiss(&self) -> Result<(), String> {
        let payload = self.world.change(|state| {
            let view = self.uppermost(state)?;
            self.pop(state, &view.id);
            let mut payload = self.common(state, "view_closed");
            payload["view"] = view_json(state, &view);
            payload["is_cleared"] = json!(false);
            Ok::<_, String>((view.body["notify_on_close"] == true).then_some(payload))
        })?;
        match payload {
            Some(payload) => bring(&self.world, Kind::Interaction, &payload, 0, "").await.map(drop),
            None => Ok(()),
        }
    }

    /// Presses a button, or chooses an option, in the open modal by its label.
    ///
    /// # Errors
    /// There is none, or the app didn't acknowledge in time.
    pub async fn press(&self, wanted: &str) -> Result<Taken, String> {
        let view = self.world.change(|state| self.uppermost(state))?;
        self.press_in(&view, wanted).await
    }

    /// The same in the app's home.
    ///
    /// # Errors
    /// There is none, or the app didn't acknowledge in time.
    pub async fn press_home(&self, wanted: &str) -> Result<Taken, String> {
        let view = self.world.change(|state| state.homes.get(&self.id).and_then(|id| state.views.get(id)).cloned());
        self.press_in(&view.ok_or("the app has no home for this person yet")?, wanted).await
    }

    async fn press_in(&self, view: &ViewRecord, wanted: &str) -> Result<Taken, String> {
        let payload = self.world.change(|state| {
            for (block, element) in elements(view.body["blocks"].as_array().map(Vec::as_slice).unwrap_or_default()) {
                let options = element["options"].as_array().into_iter().flatten();
                let option = options.clone().find(|option| label(&option["text"]) == wanted);
                let more = match option {
                    Some(option) => json!({ "selected_option": option }),
                    None if element["type"] == "button" && label(&element["text"]) == wanted => json!({}),
                    None => continue,
                };
                let action = action(state, &block, &element, &more);
                let mut payload = self.common(state, "block_actions");
                payload["trigger_id"] = json!(state.trigger(&self.team, &self.id, Some(&view.id)));
                payload["container"] = json!({ "type": "view", "view_id": view.id });
                payload["view"] = view_json(state, view);
                payload["state"] = json!({ "values": view.values });
                payload["actions"] = json!([action]);
                return Ok(payload);
            }
            Err(format!("there is nothing called {wanted:?} to press"))
        })?;
        bring(&self.world, Kind::Interaction, &payload, 0, "").await
    }

    fn uppermost(&self, state: &State) -> Result<ViewRecord, String> {
        let id = state.stacks.get(&self.id).and_then(|stack| stack.last());
        id.and_then(|id| state.views.get(id)).cloned().ok_or_else(|| format!("no modal is open for {}", self.name))
    }
}

fn end(state: &mut State, id: &str) {
    if let Some(view) = state.views.get_mut(id) {
        view.open = false;
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// Nothing has been entered.
fn blank(held: &Value) -> bool {
    let mut members = held.as_object().into_iter().flatten().filter(|(name, _)| *name != "type").map(|(_, value)| value);
    members.all(|value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    })
}

fn find_input(view: &ViewRecord, wanted: &str) -> Result<(Value, Value), String> {
    let blocks = view.body["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let all = elements(blocks);
    let found = all.iter().find(|(block, _)| block["block_id"] == wanted || label(&block["label"]) == wanted);
    found.cloned().ok_or_else(|| {
        let labels: Vec<String> =
            all.iter().map(|(block, _)| format!("{} ({})", label(&block["label"]), text(block, "block_id"))).collect();
        format!("the modal has no input {wanted:?}; it has {labels:?}")
    })
}
