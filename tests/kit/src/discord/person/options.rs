//! What a person types after a command, as options of the types that the command has.

use super::Person;
use crate::discord::ids::Id;
use crate::discord::state::State;
use serde_json::{Map, Value, json};

/// A command line that was taken apart.
pub(super) struct Typed {
    /// The nested options, as an interaction has them.
    pub options: Vec<Value>,
    pub resolved: Value,
    /// The option that was typed last, and what stands there.
    pub last: Option<(String, String)>,
}

/// `name:value` pairs of the options that there are; a value goes on until the next known name.
fn pairs<'a>(text: &'a str, known: &[Value]) -> Result<Vec<(String, &'a str)>, String> {
    let names: Vec<&str> = known.iter().filter_map(|option| option["name"].as_str()).collect();
    let mut starts: Vec<(usize, &str)> = Vec::new();
    for name in &names {
        let mark = format!("{name}:");
        for (at, _) in text.match_indices(&mark) {
            if at == 0 || text[..at].ends_with(' ') {
                starts.push((at, name));
            }
        }
    }
    starts.sort_unstable();
    let first = starts.first().map_or(text.len(), |(at, _)| *at);
    if !text[..first].trim().is_empty() {
        return Err(format!("{:?} belongs to no option; there are {names:?}", text[..first].trim()));
    }
    let mut found = Vec::new();
    for (n, (at, name)) in starts.iter().enumerate() {
        let end = starts.get(n + 1).map_or(text.len(), |(next, _)| *next);
        found.push(((*name).to_owned(), text[at + name.len() + 1..end].trim()));
    }
    Ok(found)
}

impl Person {
    /// Reads what was typed after the command's own name. `lax` doesn't mind what is missing, as while somebody types.
    pub(super) fn typed_options(&self, state: &State, body: &Value, text: &str, lax: bool) -> Result<Typed, String> {
        let options = body["options"].as_array().cloned().unwrap_or_default();
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let nested = options.iter().find(|option| matches!(option["type"].as_u64(), Some(1 | 2)) && option["name"] == word);
        if let Some(nested) = nested {
            let inner = self.typed_options(state, nested, rest.trim_start(), lax)?;
            let mut own = json!({ "name": nested["name"], "type": nested["type"] });
            own["options"] = json!(inner.options);
            return Ok(Typed { options: vec![own], ..inner });
        }
        if options.iter().any(|option| matches!(option["type"].as_u64(), Some(1 | 2))) {
            let known: Vec<&str> = options.iter().filter_map(|option| option["name"].as_str()).collect();
            return Err(format!("{word:?} is no part of the command; there are {known:?}"));
        }
        let mut typed = Typed { options: Vec::new(), resolved: json!({}), last: None };
        let given = pairs(text, &options)?;
        for (name, value) in &given {
            let Some(option) = options.iter().find(|option| option["name"] == **name) else { continue };
            let value = self.value(state, option, value, lax, &mut typed.resolved)?;
            typed.options.push(json!({ "name": name, "type": option["type"], "value": value }));
        }
        typed.last = given.last().map(|(name, value)| (name.clone(), (*value).to_owned()));
        for option in options.iter().filter(|option| option["required"].as_bool() == Some(true)) {
            if !lax && !given.iter().any(|(name, _)| option["name"] == **name) {
                return Err(format!("the option {} has to be filled in", option["name"]));
            }
        }
        Ok(typed)
    }

    fn value(&self, state: &State, option: &Value, text: &str, lax: bool, resolved: &mut Value) -> Result<Value, String> {
        let name = option["name"].as_str().unwrap_or_default();
        if let Some(choices) = option["choices"].as_array().filter(|list| !list.is_empty()) {
            let found = choices.iter().find(|choice| choice["name"] == text || choice["value"] == text);
            return found.map(|choice| choice["value"].clone()).ok_or_else(|| format!("{text:?} is no choice of {name}"));
        }
        let offered = state.suggestions.get(&(self.number, name.to_owned()));
        if let Some((_, value)) = offered.and_then(|list| list.iter().find(|(shown, _)| shown == text)) {
            return Ok(value.clone());
        }
        let wrong = || format!("{text:?} is no value for {name}");
        match option["type"].as_u64() {
            Some(4) if !lax => text.parse::<i64>().map(|number| json!(number)).map_err(|_| wrong()),
            Some(10) if !lax => text.parse::<f64>().map(|number| json!(number)).map_err(|_| wrong()),
            Some(5) => Ok(json!(text.eq_ignore_ascii_case("true"))),
            Some(kind @ 6..=9) => {
                let id = self.entity(state, kind, text, resolved).ok_or_else(wrong)?;
                Ok(json!(id.to_string()))
            }
            Some(11) => {
                let file = text.parse::<Id>().ok().and_then(|id| state.files.get(&id)).ok_or_else(wrong)?;
                resolved["attachments"][text] = state.file_json(file);
                Ok(json!(text))
            }
            _ => {
                let length = text.chars().count() as u64;
                let (least, most) = (option["min_length"].as_u64().unwrap_or(0), option["max_length"].as_u64().unwrap_or(6000));
                if !lax && (length < least || length > most) {
                    return Err(format!("{name} has to have between {least} and {most} characters"));
                }
                // What is typed in an option is kept as it is but for mentions.
                Ok(json!(state.typed(self.guild, text)))
            }
        }
    }

    /// A person, channel or role by name, and what the interaction says of it.
    pub(super) fn entity(&self, state: &State, kind: u64, text: &str, resolved: &mut Value) -> Option<Id> {
        let bare = text.trim_start_matches(['@', '#']);
        let guild = state.guilds.get(&self.guild);
        if matches!(kind, 6 | 9)
            && let Some(user) = state.users.values().find(|user| user.spec.name == bare || user.id.to_string() == bare)
        {
            let id = user.id.to_string();
            resolved["users"][&id] = state.user_json(user.id);
            if let Some(guild) = guild.filter(|guild| guild.members.contains_key(&user.id)) {
                let mut member = state.member_json(guild, user.id);
                if let Some(member) = member.as_object_mut() {
                    member.retain(|name, _| !matches!(name.as_str(), "user" | "deaf" | "mute"));
                    member.insert("permissions".into(), json!(guild.base_permissions(user.id).to_string()));
                }
                resolved["members"][&id] = member;
            }
            return Some(user.id);
        }
        if kind == 7 {
            let channel = state.channel_named(self.guild, bare)?;
            resolved["channels"][channel.id.to_string()] = state.partial_channel(channel, self.number);
            return Some(channel.id);
        }
        let role = guild?.roles.iter().find(|role| role.name == bare || role.id.to_string() == bare)?;
        resolved["roles"][role.id.to_string()] = crate::discord::objects::role_json(role);
        Some(role.id)
    }
}

/// Marks the option that somebody is typing in.
pub(super) fn focus(options: &mut [Value], name: &str) {
    for option in options {
        if let Some(inner) = option["options"].as_array_mut() {
            focus(inner, name);
        }
        if option["name"] == name
            && !option["value"].is_null()
            && let Some(option) = option.as_object_mut()
        {
            option.insert("focused".into(), json!(true));
        }
    }
}

/// An empty member is no member.
pub(super) fn without_empty(resolved: Value) -> Option<Map<String, Value>> {
    match resolved {
        Value::Object(map) if !map.is_empty() => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_on_until_the_next_known_name() {
        let known = [json!({ "name": "name" }), json!({ "name": "to" })];
        let found = pairs("name:my file: final.txt to:#ops", &known).unwrap();
        assert_eq!(found, [("name".to_owned(), "my file: final.txt"), ("to".to_owned(), "#ops")]);
        assert!(pairs("what name:x", &known).is_err());
    }
}
