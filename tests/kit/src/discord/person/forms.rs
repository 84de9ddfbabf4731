//! Forms: filled in, submitted, thrown away.

use super::Person;
use crate::discord::delivery::{Taken, bring};
use crate::discord::records::Form;
use crate::discord::seen::input;
use crate::discord::state::State;
use serde_json::{Value, json};

/// What an input is given: text, or the values of chosen options, or files.
fn entered(state: &State, person: &Person, input: &Value, text: &str) -> Result<Value, String> {
    let wrong = |what: &str| format!("{text:?} is no {what} of {}", input["custom_id"]);
    match input["type"].as_u64() {
        Some(4) => Ok(json!(text)),
        Some(3 | 21 | 22) => {
            let options = input["options"].as_array().into_iter().flatten();
            let many: Vec<&str> = text.split(',').map(str::trim).collect();
            let chosen: Vec<Value> =
                options.filter(|option| many.iter().any(|one| option["label"] == *one)).map(|option| option["value"].clone()).collect();
            if chosen.len() == many.len() { Ok(json!(chosen)) } else { Err(wrong("option")) }
        }
        Some(kind @ 5..=8) => {
            let kind = match kind {
                5 => 6,
                6 => 8,
                7 => 9,
                _ => 7,
            };
            let id = person.entity(state, kind, text, &mut json!({})).ok_or_else(|| wrong("name"))?;
            Ok(json!([id.to_string()]))
        }
        Some(19) => Ok(json!(text.split(',').map(str::trim).collect::<Vec<_>>())),
        Some(23) => Ok(json!(text.eq_ignore_ascii_case("true"))),
        _ => Err(wrong("input")),
    }
}

impl Person {
    /// Fills in an input by its label or custom id: text, an option's label, `@bob`, or what [`Person::file`] gave.
    ///
    /// # Errors
    /// There is no open form, no such input, or no such option.
    pub fn fill(&self, label: &str, text: &str) -> Result<(), String> {
        let form = self.modal().ok_or("no form is open")?;
        let found = form.inputs.iter().find(|(known, id)| known == label || id == label);
        let (_, id) = found.cloned().ok_or_else(|| format!("the form has no input {label:?}; it has {:?}", form.inputs))?;
        self.world.change(|state| {
            let list = form.form["components"].as_array().map(Vec::as_slice).unwrap_or_default();
            let value = entered(state, self, input(list, &id).unwrap_or(&Value::Null), text)?;
            if let Some(form) = state.forms.get_mut(&self.number) {
                form.values.insert(id, value);
            }
            Ok(())
        })
    }

    /// Closes the form without sending it.
    pub fn dismiss(&self) {
        self.world.change(|state| state.forms.remove(&self.number));
    }

    /// Sends the form. It closes when the app has responded.
    ///
    /// # Errors
    /// No form is open, an input that is needed is empty or its text too short or long, or no response came.
    pub async fn submit(&self) -> Result<Taken, String> {
        let (app, id, payload) = self.world.change(|state| {
            let form = state.forms.get(&self.number).cloned().ok_or("no form is open")?;
            let (data, resolved) = self.data(state, &form)?;
            let (id, mut payload) = state.interaction(form.app, 5, self, form.channel, form.source);
            payload["data"] = json!({ "custom_id": form.body["custom_id"], "components": data });
            if !resolved.as_object().is_none_or(serde_json::Map::is_empty) {
                payload["data"]["resolved"] = resolved;
            }
            let source = form.source.and_then(|source| state.message(form.channel, source)).cloned();
            if let Some(source) = source {
                payload["message"] = state.message_whole(&source);
            }
            Ok::<_, String>((form.app, id, payload))
        })?;
        let taken = bring(&self.world, app, id, &payload).await?;
        self.dismiss();
        Ok(taken)
    }

    fn data(&self, state: &State, form: &Form) -> Result<(Vec<Value>, Value), String> {
        let mut resolved = json!({});
        let mut data = Vec::new();
        for (n, component) in (1_u64..).zip(form.body["components"].as_array().into_iter().flatten()) {
            match component["type"].as_u64() {
                Some(18) => {
                    let inner = self.input(state, form, &component["component"], &component["label"], n * 10, &mut resolved)?;
                    data.push(json!({ "type": 18, "id": n, "component": inner }));
                }
                Some(1) => {
                    let old = &component["components"][0];
                    let inner = self.input(state, form, old, &old["label"], n * 10, &mut resolved)?;
                    data.push(json!({ "type": 1, "id": n, "components": [inner] }));
                }
                _ => data.push(json!({ "type": component["type"], "id": n })),
            }
        }
        Ok((data, resolved))
    }

    fn input(&self, state: &State, form: &Form, input: &Value, label: &Value, n: u64, resolved: &mut Value) -> Result<Value, String> {
        let (kind, id) = (input["type"].as_u64().unwrap_or(0), input["custom_id"].as_str().unwrap_or_default());
        let needed = input["required"].as_bool().unwrap_or(true);
        let given = form.values.get(id).cloned();
        let mut own = json!({ "type": kind, "id": n, "custom_id": id });
        if kind == 4 {
            let text = given.and_then(|value| value.as_str().map(str::to_owned));
            let text = text.or_else(|| input["value"].as_str().map(str::to_owned)).unwrap_or_default();
            let length = text.chars().count() as u64;
            if needed && length == 0 {
                return Err(format!("{label} has to be filled in"));
            }
            let (least, most) = (input["min_length"].as_u64().unwrap_or(0), input["max_length"].as_u64().unwrap_or(4000));
            if length > 0 && !(least..=most).contains(&length) {
                return Err(format!("{label} has to have between {least} and {most} characters"));
            }
            own["value"] = json!(text);
            return Ok(own);
        }
        if kind == 23 {
            own["value"] = given.unwrap_or(json!(false));
            return Ok(own);
        }
        let chosen = || {
            let options = input["options"].as_array().into_iter().flatten();
            json!(
                options
                    .filter(|option| option["default"].as_bool() == Some(true))
                    .map(|option| option["value"].clone())
                    .collect::<Vec<_>>()
            )
        };
        let values = given.unwrap_or_else(chosen);
        let count = values.as_array().map_or(0, Vec::len) as u64;
        let least = input["min_values"].as_u64().unwrap_or(1);
        if needed && count < least.max(1) {
            return Err(format!("{label} has to be chosen"));
        }
        if count > input["max_values"].as_u64().unwrap_or(if kind == 22 { 10 } else { 1 }) {
            return Err(format!("too much is chosen for {label}"));
        }
        for value in values.as_array().into_iter().flatten().filter_map(Value::as_str) {
            match kind {
                19 => {
                    let file = value.parse().ok().and_then(|id| state.files.get(&id)).ok_or("there is no such file")?;
                    resolved["attachments"][value] = state.file_json(file);
                }
                5..=8 => {
                    let kind = if kind == 8 {
                        7
                    } else if kind == 6 {
                        8
                    } else {
                        9
                    };
                    let _ = self.entity(state, kind, value, resolved);
                }
                _ => {}
            }
        }
        if kind == 21 {
            own["value"] = values.get(0).cloned().unwrap_or(Value::Null);
        } else {
            own["values"] = values;
        }
        Ok(own)
    }
}
