//! What a person presses: buttons of cards, in messages and in dialogs; what they enter into a card's inputs.

use super::Person;
use crate::teams::cards;
use crate::teams::delivery::{Taken, bring};
use crate::teams::seen::{Seen, labelled};
use crate::teams::state::State;
use serde_json::{Map, Value, json};

/// What came of pressing something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pressed {
    /// How the app answered.
    pub taken: Taken,
    /// Where a button with an address leads.
    pub opened: Option<String>,
    /// What the person is told in a line that goes away again.
    pub told: Option<String>,
}

/// A value as an input keeps it, from what a person enters: the label of a choice becomes its value.
pub(super) fn entered(input: &Value, value: &str) -> Result<Value, String> {
    let text = |name: &str| input[name].as_str();
    Ok(match text("type").unwrap_or_default() {
        "Input.ChoiceSet" => {
            let choices = input["choices"].as_array().cloned().unwrap_or_default();
            let one = |wanted: &str| {
                let found = choices.iter().find(|choice| choice["title"] == wanted || choice["value"] == wanted);
                match found.and_then(|choice| choice["value"].as_str()) {
                    Some(value) => Ok(value.to_owned()),
                    // What comes from the app isn't in the card.
                    None if input["choices.data"].is_object() => Ok(wanted.to_owned()),
                    None => Err(format!("there is no choice {wanted:?} among {choices:?}")),
                }
            };
            let all = if input["isMultiSelect"] == true {
                value.split(", ").map(one).collect::<Result<Vec<_>, _>>()?.join(",")
            } else {
                one(value)?
            };
            json!(all)
        }
        "Input.Toggle" => match value {
            "on" => json!(text("valueOn").unwrap_or("true")),
            "off" => json!(text("valueOff").unwrap_or("false")),
            _ => return Err("a toggle is on or off".into()),
        },
        "Input.Number" => json!(value.parse::<f64>().map_err(|_| format!("{value:?} is no number"))?),
        _ => json!(value),
    })
}

/// The values of a card's inputs: what was entered, what stood there before; and what is missing or wrong.
pub(super) fn values(card: &Value, given: &std::collections::BTreeMap<String, Value>) -> (Map<String, Value>, Vec<(String, String)>) {
    let (mut values, mut errors) = (Map::new(), Vec::new());
    for input in cards::inputs(card) {
        let id = input["id"].as_str().unwrap_or_default().to_owned();
        let toggle = (input["type"] == "Input.Toggle").then(|| json!(input["valueOff"].as_str().unwrap_or("false")));
        let before = Some(input["value"].clone()).filter(|value| !value.is_null()).or(toggle);
        let value = given.get(&id).cloned().or(before);
        let empty = value.as_ref().is_none_or(|value| value.as_str() == Some(""));
        let said = input["errorMessage"].as_str().unwrap_or("It is required.").to_owned();
        let long = input["maxLength"]
            .as_u64()
            .is_some_and(|most| value.as_ref().and_then(Value::as_str).is_some_and(|text| text.encode_utf16().count() as u64 > most));
        if (input["isRequired"] == true && empty) || long {
            errors.push((id.clone(), said));
        }
        if let Some(value) = value.filter(|_| !empty) {
            values.insert(id, value);
        }
    }
    (values, errors)
}

impl Person {
    /// Enters something into an input of a message's card, named by its label or its id.
    ///
    /// # Errors
    /// There is no such input, or it doesn't take that.
    pub fn enter(&self, message: &Seen, input: &str, value: &str) -> Result<(), String> {
        let cards = self.cards(message)?;
        let all: Vec<Value> = cards.iter().flat_map(cards::inputs).collect();
        let found = all.iter().find(|one| one["id"] == input || one["label"] == input).ok_or_else(|| {
            let labels: Vec<String> = all.iter().map(|one| one["label"].to_string()).collect();
            format!("the card has no input {input:?}; it has {labels:?}")
        })?;
        let value = entered(found, value)?;
        let key = (self.id.clone(), message.id.clone());
        let id = found["id"].as_str().unwrap_or_default().to_owned();
        self.world.state().entered.entry(key).or_default().insert(id, value);
        Ok(())
    }

    /// The message's cards as this person sees them by now.
    pub(super) fn cards(&self, message: &Seen) -> Result<Vec<Value>, String> {
        let now = self.reads(&message.conversation).into_iter().find(|one| one.id == message.id);
        now.map(|one| one.cards).ok_or_else(|| "the message is gone".to_owned())
    }

    /// Presses a button of a message by its label (the first whose label is that, or starts so).
    ///
    /// # Errors
    /// There is no such button, an input that has to be filled is empty, or the app didn't answer as it should; what the person is
    /// told then.
    pub async fn click(&self, message: &Seen, wanted: &str) -> Result<Pressed, String> {
        let cards = self.cards(message)?;
        let action = labelled(&cards, wanted)?;
        let card = cards.iter().find(|card| cards::actions(card).contains(&action)).cloned().unwrap_or_default();
        self.press(message, &card, &action).await
    }

    /// Lets a card be refreshed, as it is when this person sees it: where it has something for that, and is meant for them.
    ///
    /// # Errors
    /// The card is not refreshed for this person, or the app didn't answer as it should.
    pub async fn refresh(&self, message: &Seen) -> Result<Pressed, String> {
        let cards = self.cards(message)?;
        let card = cards.iter().find(|card| card["refresh"].is_object()).ok_or("the card has no refresh")?;
        let people = card.pointer("/refresh/userIds").and_then(Value::as_array);
        if people.is_some_and(|people| !people.iter().any(|id| *id == self.id.as_str())) {
            return Err("the card is not refreshed for this person".into());
        }
        let action = card["refresh"]["action"].clone();
        self.execute(message, &action, Map::new(), "automatic").await
    }

    async fn press(&self, message: &Seen, card: &Value, action: &Value) -> Result<Pressed, String> {
        if let Some(url) = action["url"].as_str() {
            return Ok(Pressed { opened: Some(url.to_owned()), ..Pressed::default() });
        }
        let kind = action["type"].as_str().unwrap_or_default();
        if kind == "Action.ShowCard" || kind == "Action.ToggleVisibility" {
            return Ok(Pressed::default());
        }
        let given = self.world.state().entered.get(&(self.id.clone(), message.id.clone())).cloned().unwrap_or_default();
        let (values, errors) = if action["associatedInputs"] == "none" { (Map::new(), Vec::new()) } else { values(card, &given) };
        if !errors.is_empty() {
            return Err(format!("the inputs are not filled: {errors:?}"));
        }
        if kind == "Action.Execute" {
            return self.execute(message, action, values, "manual").await;
        }
        self.submit_action(message, action, values).await
    }

    async fn execute(&self, message: &Seen, action: &Value, values: Map<String, Value>, trigger: &str) -> Result<Pressed, String> {
        let data = merged(&action["data"], values);
        let sent = json!({ "type": "Action.Execute", "id": action["id"], "verb": action["verb"], "data": data });
        let activity = self.invoke(message, "adaptiveCard/action", json!({ "action": sent, "trigger": trigger }));
        let taken = bring(&self.world, &activity).await.map_err(|why| format!("Something went wrong. Please try again. ({why})"))?;
        let told = self.card_answer(message, &taken)?;
        Ok(Pressed { taken, opened: None, told })
    }

    async fn submit_action(&self, message: &Seen, action: &Value, values: Map<String, Value>) -> Result<Pressed, String> {
        let data = merged(&action["data"], values);
        let route = data.pointer("/msteams/type").and_then(Value::as_str).unwrap_or_default().to_owned();
        match route.as_str() {
            "task/fetch" => return self.fetch(message, data).await,
            "imBack" | "messageBack" => {
                let said =
                    data.pointer("/msteams/value").or_else(|| data.pointer("/msteams/text")).and_then(Value::as_str).unwrap_or_default();
                let place = message.conversation.clone();
                let said = said.to_owned();
                Box::pin(self.say(&place, &said)).await?;
                return Ok(Pressed::default());
            }
            _ => {}
        }
        let invoked = self.world.state().settings.submit_as_invoke;
        if invoked {
            let sent = json!({ "type": "Action.Submit", "id": action["id"], "data": data });
            let activity = self.invoke(message, "adaptiveCard/action", json!({ "action": sent, "trigger": "manual" }));
            let taken = bring(&self.world, &activity).await.map_err(|why| format!("Something went wrong. Please try again. ({why})"))?;
            let told = self.card_answer(message, &taken)?;
            return Ok(Pressed { taken, opened: None, told });
        }
        let mut activity = self.about(message, "message");
        activity["value"] = data;
        activity["textFormat"] = json!("plain");
        let taken = bring(&self.world, &activity).await?;
        Ok(Pressed { taken, ..Pressed::default() })
    }

    /// An activity about a message.
    pub(super) fn about(&self, message: &Seen, kind: &str) -> Value {
        let mut state = self.world.state();
        let conversation = state.threaded(&message.conversation, message.thread.as_deref(), &message.id);
        let mut activity = state.activity(kind, &self.id, &conversation);
        activity["replyToId"] = json!(message.id);
        activity
    }

    pub(super) fn invoke(&self, message: &Seen, name: &str, value: Value) -> Value {
        let mut activity = self.about(message, "invoke");
        activity["name"] = json!(name);
        activity["value"] = value;
        activity["channelData"]["source"] = json!({ "name": "message" });
        activity
    }

    /// Sends an action with data that the card doesn't have, as a program in the place of Teams can.
    ///
    /// # Errors
    /// The app didn't answer.
    pub async fn forge_action(&self, message: &Seen, verb: &str, data: Value) -> Result<Taken, String> {
        let sent = json!({ "type": "Action.Execute", "verb": verb, "data": data });
        let activity = self.invoke(message, "adaptiveCard/action", json!({ "action": sent, "trigger": "manual" }));
        bring(&self.world, &activity).await
    }
}

/// An action's data with what was entered.
pub(super) fn merged(data: &Value, values: Map<String, Value>) -> Value {
    let mut all = match data {
        Value::Object(data) => data.clone(),
        Value::Null => Map::new(),
        other => Map::from_iter([("data".to_owned(), other.clone())]),
    };
    all.extend(values);
    Value::Object(all)
}

impl State {
    /// Puts a card into the place of the message's own, for one person.
    pub(super) fn replace_card(&mut self, conversation: &str, id: &str, person: &str, card: Value) {
        if let Some(message) = self.message_mut(conversation, id) {
            message.mine.insert(person.to_owned(), card);
        }
    }
}
