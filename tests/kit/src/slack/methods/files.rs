//! `files.*`: uploaded in three steps, shown, listed, taken away.
//!
//! <https://docs.slack.dev/messaging/working-with-files#upload>

use super::Call;
use crate::slack::blocks;
use crate::slack::mentions::escaped;
use crate::slack::state::{Answer, Channel, FileRecord, Message, Refusal, State};
use serde_json::{Map, Value, json};

const ALT: usize = 1000;
const SNIPPET: u64 = 1 << 20;

/// A file as answers show it.
pub(crate) fn json(state: &State, file: &FileRecord) -> Value {
    if file.deleted {
        return json!({ "id": file.id, "mode": "tombstone" });
    }
    let name = crate::slack::hosting::path_part(&file.name);
    let place = format!("{}/files-pri/{}-{}", state.url, file.team, file.id);
    let kind = file.name.rsplit_once('.').map_or("binary", |(_, kind)| kind);
    let mut shares = Map::new();
    let mut channels = [Vec::new(), Vec::new(), Vec::new()];
    for (channel, ts) in &file.shares {
        let Some(found) = state.channel(channel) else { continue };
        let (side, list) = side_of(found);
        let entry = shares.entry(side).or_insert_with(|| json!({}));
        entry[channel.as_str()] =
            json!([{ "ts": ts, "channel_name": found.name, "team_id": file.team, "reply_users": [], "reply_count": 0 }]);
        channels[list].push(channel.clone());
    }
    let [open, groups, ims] = channels;
    json!({
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mime,
        "filetype": kind,
        "pretty_type": kind.to_uppercase(),
        "user": file.owner,
        "user_team": file.team,
        "editable": false,
        "size": file.bytes.len(),
        "mode": "hosted",
        "is_external": false,
        "external_type": "",
        "is_public": !open.is_empty(),
        "public_url_shared": false,
        "alt_txt": file.alt,
        "url_private": format!("{place}/{name}"),
        "url_private_download": format!("{place}/download/{name}"),
        "permalink": format!("https://{}.slack.com/files/{}/{}/{name}", state.team(&file.team).map(|team| team.name.clone()).unwrap_or_default(), file.owner, file.id),
        "channels": open,
        "groups": groups,
        "ims": ims,
        "shares": shares,
        "comments_count": 0,
        "has_rich_preview": false,
        "file_access": "visible",
    })
}

fn side_of(channel: &Channel) -> (&'static str, usize) {
    match channel.kind {
        crate::slack::state::Kind::Direct => ("private", 2),
        _ if channel.private => ("private", 1),
        _ => ("public", 0),
    }
}

/// A file as a message shows it; one from elsewhere shows its id only.
pub(crate) fn in_message(state: &State, file: &FileRecord) -> Value {
    if file.external {
        return json!({ "id": file.id, "mode": "file_access", "file_access": "check_file_info", "created": 0, "timestamp": 0, "user": "" });
    }
    let mut shown = json(state, file);
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("shares");
    }
    shown
}

pub(super) fn upload_url(state: &mut State, call: &Call) -> Answer {
    call.wants(&["files:write"])?;
    let missing = |name: &str| Refusal::messages("missing_argument", &[format!("[ERROR] missing required field: {name}")]);
    let name = call.args.text("filename").ok_or_else(|| missing("filename"))?;
    let length = call.args.number("length")?.ok_or_else(|| missing("length"))?;
    let length = u64::try_from(length).ok().filter(|length| *length > 0);
    let length =
        length.ok_or_else(|| Refusal::messages("invalid_arguments", &["[ERROR] must be greater than 0 [json-pointer:/length]".into()]))?;
    if length > state.settings.largest_file {
        return Err("file_upload_size_restricted".into());
    }
    let alt = call.args.text("alt_txt").unwrap_or_default();
    if alt.chars().count() > ALT {
        return Err("alt_txt_too_large".into());
    }
    if call.args.text("snippet_type").is_some() && length > SNIPPET {
        return Err("snippet_too_large".into());
    }
    let (id, ticket) = (state.ids.id("F"), state.ids.secret());
    let owner = state.bot_of(&call.team);
    let record = FileRecord {
        id: id.clone(),
        team: call.team.clone(),
        title: name.clone(),
        name,
        owner,
        alt,
        expected: length,
        created: state.time.seconds(),
        ..FileRecord::default()
    };
    state.files.insert(id.clone(), record);
    state.uploads.insert(ticket.clone(), id.clone());
    Ok(json!({ "upload_url": format!("{}/upload/v1/{ticket}", state.url), "file_id": id }))
}

pub(super) fn complete(state: &mut State, call: &Call) -> Answer {
    call.wants(&["files:write"])?;
    let files = match call.args.complex("files") {
        Ok(Some(Value::Array(list))) if !list.is_empty() => list,
        _ => return Err(Refusal::messages("invalid_arguments", &["[ERROR] must provide a JSON array [json-pointer:/files]".into()])),
    };
    let mut channels = call.args.list("channels");
    channels.extend(call.args.text("channel_id"));
    if channels.len() > 100 {
        return Err("channels_limit_exceeded".into());
    }
    let mut ids = Vec::new();
    for file in &files {
        let id = file["id"].as_str().unwrap_or_default();
        let known = state.files.get(id).filter(|known| known.team == call.team && !known.complete && !known.deleted);
        // Without its bytes, or completed before, there is none.
        let known = known.filter(|known| known.bytes.len() as u64 == known.expected).ok_or("file_not_found")?;
        ids.push((known.id.clone(), file["title"].as_str().map(str::to_owned)));
    }
    for channel in &channels {
        if state.member(&call.team, channel).is_some() {
            return Err("invalid_channel".into());
        }
        state.visible(call, channel)?;
        let channel = state.joined(call, channel)?;
        if channel.archived {
            return Err("posting_to_channel_denied".into());
        }
    }
    let blocks = match call.args.complex("blocks") {
        Ok(Some(Value::Array(list))) => {
            blocks::check(&list, blocks::Surface::Message)?;
            list
        }
        Ok(None) => Vec::new(),
        _ => return Err("invalid_blocks".into()),
    };
    let thread = match channels.first() {
        Some(channel) if channels.len() == 1 => state.thread(call, channel)?,
        _ => None,
    };
    let comment = call.args.text("initial_comment");
    for (id, title) in &ids {
        if let Some(file) = state.files.get_mut(id) {
            file.complete = true;
            if let Some(title) = title {
                file.title.clone_from(title);
            }
        }
    }
    let list: Vec<String> = ids.iter().map(|(id, _)| id.clone()).collect();
    for channel in &channels {
        let message = Message {
            channel: channel.clone(),
            user: state.bot_of(&call.team),
            app: true,
            text: escaped(comment.as_deref().unwrap_or_default()),
            // With a comment, blocks are ignored.
            blocks: if comment.is_some() { Vec::new() } else { blocks::stored(blocks.clone(), &mut state.ids) },
            thread: thread.clone(),
            files: list.clone(),
            subtype: None,
            ..Message::default()
        };
        let at = state.millis() + i64::try_from(state.settings.file_processing.as_millis()).unwrap_or(0);
        state.arriving.push((at, message));
    }
    arrive(state);
    let shown: Vec<Value> = list.iter().filter_map(|id| state.files.get(id)).map(|file| in_message(state, file)).collect();
    Ok(json!({ "files": shown }))
}

/// Shows the files whose time has come.
pub(crate) fn arrive(state: &mut State) {
    let now = state.millis();
    let (due, later): (Vec<_>, _) = std::mem::take(&mut state.arriving).into_iter().partition(|(at, _)| *at <= now);
    state.arriving = later;
    for (_, mut message) in due {
        let Some(team) = state.channel(&message.channel).map(|channel| channel.team.clone()) else { continue };
        message.ts = state.fresh_ts();
        let message = state.put(message, &team);
        for id in &message.files {
            state.shared(&team, id, &message.channel, &message.ts);
        }
    }
}

impl State {
    /// A file is shown in a conversation now.
    pub(crate) fn shared(&mut self, team: &str, file: &str, channel: &str, ts: &str) {
        let Some(record) = self.files.get_mut(file) else { return };
        record.shares.push((channel.to_owned(), ts.to_owned()));
        let owner = record.owner.clone();
        let body = json!({ "type": "file_shared", "file_id": file, "user_id": owner, "channel_id": channel, "file": { "id": file } });
        self.tell(team, body, Some(channel));
    }

    /// A file that the app may see: its own, one that it was given in a modal, or one in a conversation that it is in.
    pub(crate) fn readable(&self, team: &str, id: &str) -> Result<&FileRecord, Refusal> {
        let file = self.files.get(id).filter(|file| file.team == team && file.complete).ok_or("file_not_found")?;
        if file.deleted {
            return Err("file_deleted".into());
        }
        let bot = self.bot_of(team);
        let seen = file.shares.iter().any(|(channel, _)| self.channel(channel).is_some_and(|channel| channel.members.contains(&bot)));
        if file.owner == bot || file.given || seen { Ok(file) } else { Err("file_not_found".into()) }
    }
}

pub(super) fn info(state: &mut State, call: &Call) -> Answer {
    call.wants(&["files:read"])?;
    let file = state.readable(&call.team, &call.args.need("file")?)?;
    Ok(json!({ "file": json(state, file), "comments": [], "response_metadata": { "next_cursor": "" } }))
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    call.wants(&["files:read"])?;
    let (channel, user) = (call.args.text("channel"), call.args.text("user"));
    let (count, page) = (call.args.number("count")?.unwrap_or(100).clamp(1, 1000), call.args.number("page")?.unwrap_or(1).max(1));
    let mut found: Vec<&FileRecord> = state
        .files
        .values()
        .filter(|file| state.readable(&call.team, &file.id).is_ok())
        .filter(|file| channel.as_ref().is_none_or(|channel| file.shares.iter().any(|(shared, _)| shared == channel)))
        .filter(|file| user.as_ref().is_none_or(|user| file.owner == *user))
        .collect();
    found.sort_by_key(|file| std::cmp::Reverse(file.created));
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let skip = usize::try_from((page - 1) * count).unwrap_or(usize::MAX);
    let shown: Vec<Value> =
        found.into_iter().skip(skip).take(usize::try_from(count).unwrap_or(100)).map(|file| json(state, file)).collect();
    let pages = (total + count - 1) / count;
    Ok(json!({ "files": shown, "paging": { "count": count, "total": total, "page": page, "pages": pages } }))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    call.wants(&["files:write"])?;
    let id = call.args.need("file")?;
    let file = state.readable(&call.team, &id)?;
    if file.owner != state.bot_of(&call.team) {
        return Err("cant_delete_file".into());
    }
    if let Some(file) = state.files.get_mut(&id) {
        file.deleted = true;
        file.bytes = Vec::new();
    }
    let gone: Vec<String> = state.files.values().filter(|file| file.deleted).map(|file| file.id.clone()).collect();
    // A message that brought nothing else goes with it.
    for message in state.messages.values_mut().flatten().filter(|message| message.files.contains(&id)) {
        message.gone |= message.text.is_empty() && message.blocks.is_empty() && message.files.iter().all(|file| gone.contains(file));
    }
    Ok(json!({}))
}
