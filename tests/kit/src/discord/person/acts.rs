//! What a person presses in a message: buttons, selects.

use super::Person;
use super::options::without_empty;
use super::talk::ids;
use crate::discord::delivery::{Taken, bring};
use crate::discord::ids::Id;
use crate::discord::seen::Seen;
use serde_json::{Value, json};

/// All components of a message, those within others too.
fn all(list: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    for component in list {
        found.push(component.clone());
        found.extend(all(component["components"].as_array().map(Vec::as_slice).unwrap_or_default()));
        if component["accessory"].is_object() {
            found.push(component["accessory"].clone());
        }
    }
    found
}

impl Person {
    /// The components of a message as they are by now.
    fn parts(&self, message: &Seen) -> Result<(Id, Id, Vec<Value>), String> {
        let (channel, id) = ids(message)?;
        let state = self.world.state();
        let found = state.message(channel, id).ok_or("the message is gone")?;
        Ok((channel, id, all(&found.components)))
    }

    /// Presses a button of a message by its label (the first whose label is that, or starts so). One that leads somewhere is
    /// followed, and the app hears nothing.
    ///
    /// # Errors
    /// There is no such button, or no response came.
    pub async fn click(&self, message: &Seen, wanted: &str) -> Result<Taken, String> {
        let (channel, id, parts) = self.parts(message)?;
        let buttons: Vec<&Value> = parts.iter().filter(|one| one["type"] == 2).collect();
        let label = |one: &Value| one["label"].as_str().or_else(|| one["emoji"]["name"].as_str()).unwrap_or_default().to_owned();
        let exact = buttons.iter().find(|one| label(one) == wanted);
        let found = exact.or_else(|| buttons.iter().find(|one| label(one).starts_with(wanted)));
        let Some(button) = found else {
            let labels: Vec<String> = buttons.iter().map(|one| label(one)).collect();
            return Err(format!("the message has no button {wanted:?}; it has {labels:?}"));
        };
        if button["disabled"].as_bool() == Some(true) {
            return Err(format!("the button {wanted:?} can't be pressed"));
        }
        if button["url"].is_string() {
            return Ok(Taken::default());
        }
        let data = json!({ "custom_id": button["custom_id"], "component_type": 2, "id": button["id"].as_u64().unwrap_or(2) });
        self.act(channel, id, data).await
    }

    /// Chooses an option by its label from a select of a message, or a person, role or channel by its name.
    ///
    /// # Errors
    /// There is no such option, or no response came.
    pub async fn choose(&self, message: &Seen, option: &str) -> Result<Taken, String> {
        let (channel, id, parts) = self.parts(message)?;
        for one in &parts {
            let kind = one["type"].as_u64().unwrap_or(0);
            let options = one["options"].as_array().into_iter().flatten();
            let mut resolved = json!({});
            let value = match kind {
                3 => options.into_iter().find(|known| known["label"] == option).map(|known| known["value"].clone()),
                5..=8 => {
                    let kind = match kind {
                        5 => 6,
                        6 => 8,
                        7 => 9,
                        _ => 7,
                    };
                    self.entity(&self.world.state(), kind, option, &mut resolved).map(|id| json!(id.to_string()))
                }
                _ => None,
            };
            let Some(value) = value else { continue };
            let mut data = json!({ "custom_id": one["custom_id"], "component_type": kind, "values": [value] });
            if let Some(resolved) = without_empty(resolved) {
                data["resolved"] = Value::Object(resolved);
            }
            return self.act(channel, id, data).await;
        }
        Err(format!("the message has no option {option:?}; it has {:?}", message.options))
    }

    async fn act(&self, channel: Id, id: Id, data: Value) -> Result<Taken, String> {
        let (app, number, payload) = self.world.change(|state| {
            let found = state.message(channel, id).cloned().ok_or("the message is gone")?;
            let app = found.app.ok_or("nobody stands behind the message")?;
            let (number, mut payload) = state.interaction(app, 3, self, channel, Some(id));
            let mut message = state.message_whole(&found);
            if let Some(message) = message.as_object_mut() {
                message.remove("nonce");
            }
            payload["message"] = message;
            payload["data"] = data;
            Ok::<_, String>((app, number, payload))
        })?;
        bring(&self.world, app, number, &payload).await
    }
}
