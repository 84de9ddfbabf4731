//! What a person does in dialogs: opens them from a button or a message's menu, fills in, searches, submits, closes.

use super::acts::{Pressed, entered, merged, values};
use super::answers::Shown;
use super::{Person, SeenView};
use crate::teams::cards;
use crate::teams::delivery::{Taken, bring};
use crate::teams::seen::{Seen, labelled};
use crate::teams::state::Dialog;
use serde_json::{Value, json};

/// What came of submitting a dialog.
#[derive(Clone, Debug, PartialEq)]
pub enum Submitted {
    /// It closed.
    Closed,
    /// It closed, and the person reads this.
    Says(String),
    /// Another dialog is shown.
    Shows(Box<SeenView>),
    /// Not taken: ids of inputs and what is wrong with them.
    Errors(Vec<(String, String)>),
}

impl Person {
    /// A button that opens a dialog.
    pub(super) async fn fetch(&self, message: &Seen, data: Value) -> Result<Pressed, String> {
        let activity = self.invoke(message, "task/fetch", json!({ "data": data, "context": { "theme": "default" } }));
        let taken = bring(&self.world, &activity).await.map_err(|why| format!("Something went wrong. ({why})"))?;
        let conversation = activity.pointer("/conversation/id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let shown = self.task_answer(&taken, &conversation, Some(message.id.clone()))?;
        let told = self.show(shown, None);
        Ok(Pressed { taken, opened: None, told })
    }

    fn show(&self, shown: Shown, command: Option<Value>) -> Option<String> {
        match shown {
            Shown::Dialog(dialog) => {
                let dialog = Dialog { command, ..*dialog };
                self.world.state().dialogs.insert(self.id.clone(), vec![dialog]);
                None
            }
            Shown::Message(text) => {
                self.world.state().dialogs.remove(&self.id);
                Some(text)
            }
            Shown::Nothing => {
                self.world.state().dialogs.remove(&self.id);
                None
            }
        }
    }

    /// Chooses an action of the app from a message's menu, or with no message from the box where messages are written
    /// (`composeExtension/fetchTask`, or `submitAction` for a command without a dialog).
    ///
    /// # Errors
    /// The app didn't answer as it should.
    pub async fn extension(&self, command: &str, place: &str, message: Option<&Seen>, fetches: bool) -> Result<Pressed, String> {
        let place = self.place(place)?;
        let context = if message.is_some() { "message" } else { "compose" };
        let mut value = json!({ "commandId": command, "commandContext": context, "context": { "theme": "default" } });
        if let Some(message) = message {
            value["messagePayload"] = self.payload(message);
        }
        if !fetches {
            value["data"] = json!({});
        }
        let activity = {
            let mut state = self.world.state();
            let root = message.map(|message| message.thread.clone().unwrap_or_else(|| message.id.clone()));
            let conversation = root.as_ref().map_or_else(|| place.clone(), |root| state.threaded(&place, Some(root), root));
            let mut activity = state.activity("invoke", &self.id, &conversation);
            activity["name"] = json!(if fetches { "composeExtension/fetchTask" } else { "composeExtension/submitAction" });
            activity["value"] = value.clone();
            activity
        };
        let taken = bring(&self.world, &activity).await.map_err(|why| format!("Unable to reach app. Please try again. ({why})"))?;
        let conversation = activity.pointer("/conversation/id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let shown = self.task_answer(&taken, &conversation, None)?;
        let told = self.show(shown, Some(value));
        Ok(Pressed { taken, opened: None, told })
    }

    /// A message as an action on it gets it.
    fn payload(&self, message: &Seen) -> Value {
        let state = self.world.state();
        let found = state.message(&message.conversation, &message.id);
        let from = found.and_then(|found| state.user(&found.from));
        let files: Vec<Value> = found
            .into_iter()
            .flat_map(|found| &found.files)
            .filter_map(|id| state.items.get(id))
            .map(|item| json!({ "id": item.id, "contentType": "reference", "contentUrl": state.web_url(item), "name": item.name }))
            .collect();
        let link = format!("https://teams.example/l/message/{}/{}", message.conversation, message.id);
        json!({
            "id": message.id,
            "replyToId": message.thread,
            "createdDateTime": found.map(|found| found.made.to_rfc3339()),
            "importance": "normal",
            "locale": "en-us",
            "linkToMessage": link,
            "from": { "user": from.map(|user| json!({ "id": user.object, "displayName": user.spec.display_name, "userIdentityType": "aadUser" })) },
            "body": { "contentType": "html", "content": format!("<div>{}</div>", message.activity["text"].as_str().unwrap_or_default()) },
            "attachments": files,
            "mentions": [],
            "reactions": [],
        })
    }

    /// Enters something into an input of the open dialog, named by its label or its id.
    ///
    /// # Errors
    /// No dialog is open, there is no such input, or it doesn't take that.
    pub fn fill(&self, input: &str, value: &str) -> Result<(), String> {
        let mut state = self.world.state();
        let dialog = state.dialogs.get_mut(&self.id).and_then(|all| all.last_mut()).ok_or("no dialog is open")?;
        let found = find_input(&dialog.card, input)?;
        let value = entered(&found, value)?;
        dialog.values.insert(found["id"].as_str().unwrap_or_default().to_owned(), value);
        Ok(())
    }

    /// Types into a select of the open dialog that gets its choices from the app: title and value of each.
    ///
    /// # Errors
    /// There is no such select, or the app didn't answer as it should.
    pub async fn suggest(&self, input: &str, typed: &str) -> Result<Vec<(String, String)>, String> {
        let activity = {
            let mut state = self.world.state();
            let dialog = state.dialogs.get(&self.id).and_then(|all| all.last()).cloned().ok_or("no dialog is open")?;
            let found = find_input(&dialog.card, input)?;
            let dataset = found.pointer("/choices.data/dataset").and_then(Value::as_str).ok_or("it gets no choices from the app")?;
            let (values, _) = values(&dialog.card, &dialog.values);
            let mut activity = state.activity("invoke", &self.id, &dialog.conversation);
            activity["name"] = json!("application/search");
            activity["value"] = json!({ "queryText": typed, "queryOptions": { "skip": 0, "top": 15 }, "dataset": dataset, "kind": "search",
                "data": values });
            activity
        };
        let taken = bring(&self.world, &activity).await?;
        let answer = taken.json().filter(|_| taken.status == 200).unwrap_or_default();
        let results = answer.pointer("/value/results").and_then(Value::as_array);
        let good = answer["type"] == "application/vnd.microsoft.search.searchResponse" && answer["statusCode"] == 200;
        let Some(results) = results.filter(|_| good) else {
            let what = format!("application/search was answered with {} {:?}", taken.status, taken.body);
            self.world.state().violation(what.clone());
            return Err(what);
        };
        let text = |one: &Value, name: &str| one[name].as_str().map(str::to_owned).ok_or_else(|| format!("a result has no {name}"));
        results.iter().map(|one| Ok((text(one, "title")?, text(one, "value")?))).collect()
    }

    /// Submits the open dialog by the label of a button.
    ///
    /// # Errors
    /// No dialog is open, there is no such button, or the app didn't answer as it should; what the person is told then.
    pub async fn submit(&self, button: &str) -> Result<Submitted, String> {
        let (activity, dialog) = {
            let mut state = self.world.state();
            let dialog = state.dialogs.get(&self.id).and_then(|all| all.last()).cloned().ok_or("no dialog is open")?;
            let action = labelled(std::slice::from_ref(&dialog.card), button)?;
            if action["type"] != "Action.Submit" {
                state.violation("a dialog is submitted by Action.Submit only");
                return Err("nothing happens".into());
            }
            let (values, errors) = values(&dialog.card, &dialog.values);
            if !errors.is_empty() {
                if let Some(open) = state.dialogs.get_mut(&self.id).and_then(|all| all.last_mut()) {
                    open.errors.clone_from(&errors);
                }
                return Ok(Submitted::Errors(errors));
            }
            let data = merged(&action["data"], values);
            let mut activity = state.activity("invoke", &self.id, &dialog.conversation);
            if let Some(command) = &dialog.command {
                activity["name"] = json!("composeExtension/submitAction");
                activity["value"] = command.clone();
                activity["value"]["data"] = data;
            } else {
                activity["name"] = json!("task/submit");
                activity["value"] = json!({ "data": data, "context": { "theme": "default" } });
                activity["replyToId"] = json!(dialog.reply_to);
            }
            (activity, dialog)
        };
        let taken = bring(&self.world, &activity).await.map_err(|why| format!("Something went wrong. ({why})"))?;
        let shown = self.task_answer(&taken, &dialog.conversation, dialog.reply_to.clone())?;
        let again = matches!(shown, Shown::Dialog(_));
        let told = self.show(shown, dialog.command);
        Ok(match (told, again) {
            (Some(text), _) => Submitted::Says(text),
            (None, true) => Submitted::Shows(Box::new(self.dialog().unwrap_or_default())),
            (None, false) => Submitted::Closed,
        })
    }

    /// Closes the open dialog.
    pub fn dismiss(&self) {
        self.world.state().dialogs.remove(&self.id);
    }

    /// Brings the app an invoke of any name.
    ///
    /// # Errors
    /// The app didn't answer.
    pub async fn invoke_any(&self, place: &str, name: &str, value: Value) -> Result<Taken, String> {
        let place = self.place(place)?;
        let mut activity = self.world.state().activity("invoke", &self.id, &place);
        activity["name"] = json!(name);
        activity["value"] = value;
        bring(&self.world, &activity).await
    }
}

fn find_input(card: &Value, wanted: &str) -> Result<Value, String> {
    let all = cards::inputs(card);
    let label = |one: &Value| one["label"].as_str().or(one["title"].as_str()).unwrap_or_default().to_owned();
    let found = all
        .iter()
        .find(|one| one["id"] == wanted || label(one) == wanted)
        .or_else(|| all.iter().find(|one| label(one).starts_with(wanted)));
    found.cloned().ok_or_else(|| format!("there is no input {wanted:?}; there are {:?}", all.iter().map(label).collect::<Vec<_>>()))
}
