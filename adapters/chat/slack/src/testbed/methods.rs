//! What the methods do, as far as the tests need them: arguments that Slack doesn't know are refused.

use super::server::{Inner, Place};
use serde_json::{Map, Value, json};

type Result = std::result::Result<Value, &'static str>;

/// The arguments that each method takes (<https://docs.slack.dev/reference/methods>).
fn takes(method: &str) -> Option<&'static str> {
    Some(match method {
        "auth.test" => "",
        "chat.postMessage" => "channel! text blocks metadata thread_ts unfurl_links unfurl_media reply_broadcast",
        "chat.postEphemeral" => "channel! user! text blocks thread_ts",
        "chat.update" => "channel! ts! text blocks metadata",
        "chat.delete" => "channel! ts!",
        "chat.scheduleMessage" => "channel! post_at! text blocks thread_ts unfurl_links unfurl_media",
        "chat.deleteScheduledMessage" => "channel! scheduled_message_id!",
        "chat.getPermalink" => "channel! message_ts!",
        "conversations.list" => "types exclude_archived limit cursor",
        "conversations.info" | "conversations.join" | "conversations.archive" | "conversations.unarchive" => "channel!",
        "conversations.create" => "name! is_private",
        "conversations.rename" => "channel! name!",
        "conversations.setTopic" => "channel! topic!",
        "conversations.setPurpose" => "channel! purpose!",
        "conversations.invite" => "channel! users! force",
        "conversations.open" => "users!",
        "conversations.history" => "channel! oldest limit cursor include_all_metadata",
        "conversations.replies" => "channel! ts! oldest limit cursor include_all_metadata",
        "users.info" => "user!",
        "users.list" => "limit cursor",
        "users.lookupByEmail" => "email!",
        "files.getUploadURLExternal" => "filename! length! alt_txt",
        "files.completeUploadExternal" => "files! channel_id thread_ts",
        "files.info" | "files.delete" => "file!",
        "views.open" => "trigger_id! view!",
        _ => return None,
    })
}

/// Runs a method.
pub(super) fn run(inner: &mut Inner, method: &str, args: &Map<String, Value>) -> Result {
    let takes: Vec<&str> = takes(method).ok_or("unknown_method")?.split_whitespace().collect();
    if args.keys().any(|name| !takes.iter().any(|known| known.trim_end_matches('!') == name)) {
        return Err("invalid_arg_name");
    }
    if takes.iter().filter_map(|name| name.strip_suffix('!')).any(|name| !args.contains_key(name)) {
        return Err("invalid_arguments");
    }
    let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let channel = text("channel");
    match method {
        "auth.test" => Ok(json!({ "team_id": "T1", "team": "Acme", "url": "https://acme.slack.com/", "user_id": "UBOT", "bot_id": "B1" })),
        "chat.postMessage" => post(inner, args),
        "chat.postEphemeral" => {
            let place = inner.places.get(&channel).ok_or("channel_not_found")?;
            match (place.bot, place.members.contains(&text("user"))) {
                (false, _) if place.private => Err("channel_not_found"),
                (false, _) => Err("not_in_channel"),
                (_, false) => Err("user_not_in_channel"),
                _ => Ok(json!({ "message_ts": "1700000000.000001" })),
            }
        }
        "chat.update" => {
            if text("text").chars().count() > 4000 {
                return Err("msg_too_long");
            }
            let message = inner.messages.get_mut(&(channel.clone(), text("ts"))).ok_or("message_not_found")?;
            message["text"] = json!(text("text"));
            Ok(json!({ "channel": channel, "ts": text("ts") }))
        }
        "chat.delete" => inner.messages.remove(&(channel, text("ts"))).map(|_| json!({})).ok_or("message_not_found"),
        "chat.scheduleMessage" => Ok(json!({ "scheduled_message_id": "Q1", "channel": channel, "post_at": 0 })),
        "chat.deleteScheduledMessage" => Err("invalid_scheduled_message_id"),
        "chat.getPermalink" => {
            let there = inner.messages.contains_key(&(channel.clone(), text("message_ts")));
            there.then(|| json!({ "permalink": format!("https://acme.slack.com/archives/{channel}/p1") })).ok_or("message_not_found")
        }
        method if method.starts_with("conversations.") => conversations(inner, method, &channel, args),
        method if method.starts_with("users.") || method.starts_with("files.") => others(inner, method, args),
        "views.open" => Ok(json!({ "view": { "id": "V1" } })),
        _ => Err("unknown_method"),
    }
}

fn conversations(inner: &mut Inner, method: &str, channel: &str, args: &Map<String, Value>) -> Result {
    let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match method {
        "conversations.list" => {
            let all: Vec<Value> = inner.places.iter().filter(|(_, place)| place.bot || !place.private).map(told).collect();
            Ok(page(&all, args, inner.page, "channels"))
        }
        "conversations.info" => {
            if channel.starts_with('D') {
                return Ok(json!({ "channel": { "id": channel, "is_im": true } }));
            }
            let place = inner.places.get_key_value(channel).filter(|(_, place)| place.bot || !place.private).ok_or("channel_not_found")?;
            Ok(json!({ "channel": told(place) }))
        }
        "conversations.create" => {
            let name = text("name");
            if inner.places.values().any(|place| place.name == name) {
                return Err("name_taken");
            }
            let id = format!("C{}", 100 + inner.places.len());
            let place = Place { name, private: text("is_private") == "true", bot: true, ..Place::default() };
            inner.places.insert(id.clone(), place);
            Ok(json!({ "channel": told((&id, &inner.places[&id])) }))
        }
        "conversations.join" => {
            let place = inner.places.get_mut(channel).ok_or("channel_not_found")?;
            if place.private {
                return Err("method_not_supported_for_channel_type");
            }
            place.bot = true;
            Ok(json!({ "channel": { "id": channel } }))
        }
        "conversations.archive"
        | "conversations.unarchive"
        | "conversations.rename"
        | "conversations.setTopic"
        | "conversations.setPurpose" => change(inner, method, channel, args),
        "conversations.invite" => invite(inner, channel, &text("users")),
        "conversations.open" => {
            let known = inner.people.iter().any(|(id, ..)| *id == text("users"));
            known.then(|| json!({ "channel": { "id": text("users").replacen('U', "D", 1) } })).ok_or("user_not_found")
        }
        "conversations.history" | "conversations.replies" => history(inner, channel, args),
        _ => Err("unknown_method"),
    }
}

fn others(inner: &mut Inner, method: &str, args: &Map<String, Value>) -> Result {
    let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match method {
        "users.info" => person(inner, |person| person.0 == text("user")).map(|user| json!({ "user": user })).ok_or("user_not_found"),
        "users.lookupByEmail" => {
            let handle = text("email").replace("@acme.example", "");
            person(inner, |person| person.1 == handle).map(|user| json!({ "user": user })).ok_or("users_not_found")
        }
        "users.list" => {
            let all: Vec<Value> = inner.people.iter().map(user).collect();
            Ok(page(&all, args, inner.page, "members"))
        }
        "files.getUploadURLExternal" => {
            if text("length") == "0" {
                return Err("invalid_arguments");
            }
            let id = format!("F{}", inner.files.len() + 1);
            inner.files.insert(id.clone(), json!({ "id": id, "length": text("length"), "channels": [] }));
            Ok(json!({ "upload_url": format!("{}/upload/{id}", inner.url), "file_id": id }))
        }
        "files.completeUploadExternal" => {
            let place = inner.places.get(&text("channel_id"));
            if !text("channel_id").starts_with('D') && !place.ok_or("channel_not_found")?.bot {
                return Err("not_in_channel");
            }
            for file in args["files"].as_array().ok_or("invalid_arguments")? {
                let file = inner.files.get_mut(file["id"].as_str().unwrap_or_default()).ok_or("file_not_found")?;
                if file.get("sent").is_none() {
                    return Err("file_not_found");
                }
                file["channels"].as_array_mut().ok_or("internal_error")?.push(json!(text("channel_id")));
            }
            Ok(json!({ "files": args["files"] }))
        }
        "files.info" => {
            let mut file = inner.files.get(&text("file")).ok_or("file_not_found")?.clone();
            file["url_private"] = json!(format!("{}/files/{}", inner.url, text("file")));
            file["url_private_download"] = json!("");
            file["permalink"] = json!("https://acme.slack.com/files/F1");
            Ok(json!({ "file": file }))
        }
        "files.delete" => inner.files.remove(&text("file")).map(|_| json!({})).ok_or("file_not_found"),
        _ => Err("unknown_method"),
    }
}

fn post(inner: &mut Inner, args: &Map<String, Value>) -> Result {
    let mut channel = args["channel"].as_str().unwrap_or_default().to_owned();
    if channel.starts_with('U') {
        if !inner.people.iter().any(|(id, ..)| *id == channel) {
            return Err("channel_not_found");
        }
        channel = channel.replacen('U', "D", 1);
    } else if !channel.starts_with('D') {
        let place = inner.places.get(&channel).ok_or("channel_not_found")?;
        match place {
            Place { archived: true, .. } => return Err("is_archived"),
            Place { bot: false, private: true, .. } => return Err("channel_not_found"),
            Place { bot: false, .. } => return Err("not_in_channel"),
            _ => {}
        }
    }
    inner.last += 1;
    let ts = format!("{}.{:06}", inner.now, inner.last);
    let mut message = Value::Object(args.clone());
    message["ts"] = json!(ts);
    inner.messages.insert((channel.clone(), ts.clone()), message);
    Ok(json!({ "channel": channel, "ts": ts }))
}

fn change(inner: &mut Inner, method: &str, channel: &str, args: &Map<String, Value>) -> Result {
    let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if method == "conversations.rename" && inner.places.values().any(|place| place.name == text("name")) {
        return Err("name_taken");
    }
    let place = inner.places.get_mut(channel).ok_or("channel_not_found")?;
    if !place.bot {
        return Err("not_in_channel");
    }
    match method {
        "conversations.archive" if place.archived => return Err("already_archived"),
        "conversations.archive" => place.archived = true,
        "conversations.unarchive" if place.archived => return Err("not_in_channel"),
        "conversations.unarchive" => return Err("not_archived"),
        "conversations.rename" => place.name = text("name"),
        "conversations.setTopic" => place.topic = text("topic"),
        _ => place.purpose = text("purpose"),
    }
    let place = place.clone();
    Ok(json!({ "channel": told((&channel.to_owned(), &place)) }))
}

fn invite(inner: &mut Inner, channel: &str, users: &str) -> Result {
    let users: Vec<String> = users.split(',').map(str::to_owned).collect();
    if users.len() > 100 {
        return Err("too_many_users");
    }
    let place = inner.places.get_mut(channel).ok_or("channel_not_found")?;
    if !place.bot {
        return Err("not_in_channel");
    }
    let refused = |user: &String| match user.as_str() {
        "U2" => Some("user_is_restricted"),
        user if place.members.iter().any(|member| member == user) => Some("already_in_channel"),
        _ => None,
    };
    let first = users.iter().find_map(refused);
    let good: Vec<String> = users.iter().filter(|user| refused(user).is_none()).cloned().collect();
    if let Some(code) = first.filter(|_| good.len() < users.len() && users.len() == 1 || good.is_empty()) {
        return Err(code);
    }
    let errors: Vec<Value> = users.iter().filter_map(|user| Some(json!({ "user": user, "ok": false, "error": refused(user)? }))).collect();
    place.members.extend(good);
    Ok(json!({ "channel": { "id": channel }, "errors": errors }))
}

fn history(inner: &Inner, channel: &str, args: &Map<String, Value>) -> Result {
    let place = inner.places.get(channel);
    if !channel.starts_with('D') {
        match place {
            None => return Err("channel_not_found"),
            Some(place) if !place.bot && place.private => return Err("channel_not_found"),
            Some(place) if !place.bot => return Err("not_in_channel"),
            _ => {}
        }
    }
    let oldest = args.get("oldest").and_then(Value::as_str).unwrap_or("0");
    let thread = args.get("ts");
    let mut all: Vec<Value> = inner
        .messages
        .iter()
        .filter(|((at, ts), message)| {
            at == channel && ts.as_str() > oldest && (thread.is_none() || message.get("thread_ts") == thread || message.get("ts") == thread)
        })
        .map(|(_, message)| message.clone())
        .collect();
    if thread.is_some() && all.is_empty() {
        return Err("thread_not_found");
    }
    all.reverse();
    if args.get("include_all_metadata") != Some(&json!("true")) {
        for message in &mut all {
            message.as_object_mut().unwrap().remove("metadata");
        }
    }
    Ok(page(&all, args, inner.page, "messages"))
}

fn page(all: &[Value], args: &Map<String, Value>, most: usize, name: &str) -> Value {
    let from: usize = args.get("cursor").and_then(Value::as_str).map_or(0, |cursor| cursor.parse().unwrap());
    let next = if from + most < all.len() { (from + most).to_string() } else { String::new() };
    let some: Vec<&Value> = all.iter().skip(from).take(most).collect();
    json!({ name: some, "response_metadata": { "next_cursor": next } })
}

fn told((id, place): (&String, &Place)) -> Value {
    json!({
        "id": id, "name": place.name, "is_private": place.private, "is_archived": place.archived, "is_member": place.bot,
        "topic": { "value": place.topic.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") },
    })
}

fn person(inner: &Inner, is: impl Fn(&&(String, String, String)) -> bool) -> Option<Value> {
    inner.people.iter().find(is).map(user)
}

fn user((id, handle, shown): &(String, String, String)) -> Value {
    json!({ "id": id, "name": handle, "real_name": format!("{shown} of Acme"), "tz": "Europe/Berlin", "deleted": false,
            "profile": { "display_name": shown } })
}
