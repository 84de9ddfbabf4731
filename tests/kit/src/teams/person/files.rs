//! What a person does with files: attaches them, pastes pictures, takes or declines what the bot offers.

use super::Person;
use super::talk::Draft;
use crate::teams::delivery::{Taken, bring};
use crate::teams::seen::Seen;
use crate::teams::state::{DriveItem, Kind, Upload};
use chrono::TimeDelta;
use serde_json::json;

impl Person {
    /// Sends a message with a file, which is put into their own drive or the team's. In the personal chat the bot gets an address to
    /// fetch it from; in a channel it sees a page with the file's id, and Graph has the rest. Returns the message's id.
    ///
    /// # Errors
    /// As [`Person::say`].
    pub async fn upload(&self, place: &str, name: &str, bytes: &[u8], text: &str) -> Result<String, String> {
        self.upload_all(place, &[(name, bytes)], text).await
    }

    /// The same with several files.
    ///
    /// # Errors
    /// As [`Person::say`].
    pub async fn upload_all(&self, place: &str, all: &[(&str, &[u8])], text: &str) -> Result<String, String> {
        let place = self.place(place)?;
        let personal = self.kind(&place) == Some(Kind::Personal);
        let draft = {
            let state = &mut *self.world.state();
            let mut draft = Draft::new(state, text);
            for (name, bytes) in all {
                let (drive, parent) = match state.conversation(&place).and_then(|one| one.team.clone()) {
                    Some(_) => state.folder(&place).ok_or("the channel has no folder")?,
                    None => (format!("b!{}", self.object), "root".to_owned()),
                };
                let id = state.put_file(&drive, &parent, name, bytes.to_vec());
                let Some(item) = state.items.get(&id).cloned() else { continue };
                let web = state.web_url(&item);
                if personal {
                    let ticket = state.ids.opaque(24);
                    let until = state.now() + TimeDelta::minutes(5);
                    state.downloads.insert(ticket.clone(), (id.clone(), until));
                    let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
                    draft.attachments.push(json!({
                        "contentType": "application/vnd.microsoft.teams.file.download.info",
                        "contentUrl": web,
                        "name": name,
                        "content": { "downloadUrl": format!("{}/download/{ticket}", state.url), "uniqueId": id, "fileType": kind },
                    }));
                } else {
                    let page = format!("<p>{}</p><attachment id=\"{id}\"></attachment>", draft.text.trim());
                    draft.attachments.push(json!({ "contentType": "text/html", "content": page }));
                }
                draft.files.push(id);
            }
            draft
        };
        self.send(&place, draft).await
    }

    /// Pastes a picture into a message.
    ///
    /// # Errors
    /// As [`Person::say`].
    pub async fn paste(&self, place: &str, kind: &str, bytes: &[u8], text: &str) -> Result<String, String> {
        let place = self.place(place)?;
        let draft = {
            let state = &mut *self.world.state();
            let mut draft = Draft::new(state, text);
            let id = state.ids.opaque(24);
            state.pictures.insert(id.clone(), (kind.to_owned(), bytes.to_vec()));
            let url = format!("{}v3/attachments/{id}/views/original", state.service_url());
            draft.attachments.push(json!({ "contentType": "image/*", "contentUrl": url }));
            draft
        };
        self.send(&place, draft).await
    }

    /// Lets the bot bring the file that it offers; the bytes are there once the bot has brought them.
    ///
    /// # Errors
    /// The message offers none, or the app didn't answer as it should.
    pub async fn accept_file(&self, message: &Seen) -> Result<Taken, String> {
        let (name, content) = offer(message)?;
        let info = {
            let state = &mut *self.world.state();
            let (ticket, id) = (state.ids.opaque(24), state.ids.guid());
            let upload = Upload {
                drive: format!("b!{}", self.object),
                parent: "root".into(),
                name: name.clone(),
                conflict: "rename".into(),
                bytes: Vec::new(),
                total: content["sizeInBytes"].as_u64(),
                consent: true,
                item: None,
            };
            state.uploads.insert(ticket.clone(), upload);
            let item = DriveItem {
                id: id.clone(),
                drive: format!("b!{}", self.object),
                parent: "root".into(),
                name: name.clone(),
                bytes: Vec::new(),
                folder: false,
                links: Vec::new(),
            };
            let web = state.web_url(&item);
            if let Some(upload) = state.uploads.get_mut(&ticket) {
                upload.item = Some(id.clone());
            }
            let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
            json!({ "contentUrl": web, "name": name, "uploadUrl": format!("{}/upload/{ticket}", state.url), "uniqueId": id, "fileType": kind })
        };
        let value = json!({ "type": "fileUpload", "action": "accept", "context": content["acceptContext"], "uploadInfo": info });
        self.consent(message, value).await
    }

    /// Declines it.
    ///
    /// # Errors
    /// As [`Person::accept_file`].
    pub async fn decline_file(&self, message: &Seen) -> Result<Taken, String> {
        let (_, content) = offer(message)?;
        self.consent(message, json!({ "type": "fileUpload", "action": "decline", "context": content["declineContext"] })).await
    }

    async fn consent(&self, message: &Seen, value: serde_json::Value) -> Result<Taken, String> {
        let activity = self.invoke(message, "fileConsent/invoke", value);
        let taken = bring(&self.world, &activity).await.map_err(|why| format!("Something went wrong. ({why})"))?;
        if taken.status != 200 || !(taken.body.is_empty() || taken.body == "{}") {
            self.world.state().violation(format!("fileConsent/invoke was answered with {} {:?}", taken.status, taken.body));
            return Err("Something went wrong.".into());
        }
        Ok(taken)
    }
}

fn offer(message: &Seen) -> Result<(String, serde_json::Value), String> {
    let all = message.activity["attachments"].as_array().into_iter().flatten();
    let mut consents = all.filter(|one| one["contentType"] == "application/vnd.microsoft.teams.card.file.consent");
    let one = consents.next().ok_or("the message offers no file")?;
    Ok((one["name"].as_str().unwrap_or_default().to_owned(), one["content"].clone()))
}
