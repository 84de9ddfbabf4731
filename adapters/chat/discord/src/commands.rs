//! Application commands: the bot's own commands as Discord lists them, and the way back from what a person filled in to the
//! command's arguments. Pure; they are registered by `register`.
//!
//! Nothing is required in the schema: what is missing is asked for in a form, which also says why a value can't be used.
//! <https://docs.discord.com/developers/interactions/application-commands>

mod arguments;
mod given;
#[cfg(test)]
mod tests;

pub(crate) use arguments::{Argument, Kind, arguments};
pub(crate) use given::{Filled, filled};

use bellhop_core::access::Access;
use bellhop_core::command::About;
use bellhop_core::text::{one_line, shorten};
use serde_json::{Map, Value};
use serenity::builder::{CreateCommand, CreateCommandOption};
use serenity::model::Permissions;
use serenity::model::application::{CommandOptionType, CommandType, InstallationContext, InteractionContext};
use serenity::model::channel::ChannelType;
use std::collections::BTreeMap;

/// The one command under which every other can be typed as a line.
pub(crate) const ROOT: &str = "bellhop";
/// Its option.
pub(crate) const LINE: &str = "line";
/// The command in a message's menu that keeps its files.
pub(crate) const SAVE: &str = "Save to storage";
/// The command in a message's menu that makes an alert of it.
pub(crate) const RAISE: &str = "Turn into alert";
/// The command in a person's menu that says what they may do.
pub(crate) const EXPLAIN: &str = "Explain permissions";
/// What a bare command is called among the verbs of its own group, where it has one.
const BARE: &str = "now";

/// The most slash commands of an application.
const COMMANDS: usize = 100;
/// The most verbs of a group.
const VERBS: usize = 25;
/// The most characters of a description.
const DESCRIPTION: usize = 100;
/// The most characters of one command, its options included.
const WHOLE: usize = 8_000;

/// Every command as Discord takes it, by name: slash commands, then those of messages' and people's menus.
pub(crate) fn schema(commands: &[About]) -> Vec<Value> {
    let mut groups: BTreeMap<&str, Vec<&About>> = BTreeMap::new();
    for about in commands {
        groups.entry(about.group()).or_default().push(about);
    }
    // One place is kept for the root, under which those that have no room can be typed.
    let slash = groups.into_iter().filter(|(name, _)| is_name(name) && *name != ROOT).take(COMMANDS - 1);
    let mut all: Vec<Value> = slash.map(|(name, of)| group(name, &of)).collect();
    all.push(root());
    for (name, kind) in [(RAISE, CommandType::Message), (SAVE, CommandType::Message), (EXPLAIN, CommandType::User)] {
        all.push(written(everywhere(CreateCommand::new(name).kind(kind))));
    }
    all
}

fn everywhere(command: CreateCommand) -> CreateCommand {
    command.integration_types(vec![InstallationContext::Guild]).contexts(vec![InteractionContext::Guild, InteractionContext::BotDm])
}

fn root() -> Value {
    let line =
        CreateCommandOption::new(CommandOptionType::String, LINE, "The command line, such as: file list reports/").set_autocomplete(true);
    let command = CreateCommand::new(ROOT).kind(CommandType::ChatInput).description("Runs any command, typed as a line").add_option(line);
    written(everywhere(command))
}

/// A group with its verbs, or a single command.
fn group(name: &str, of: &[&About]) -> Value {
    // Descriptions are what can give way where a command has more text than Discord takes.
    let mut made = Value::Null;
    for most in [DESCRIPTION, 70, 45, 25, 10] {
        made = grouped(name, of, most);
        if characters(&made) <= WHOLE {
            break;
        }
    }
    made
}

fn grouped(name: &str, of: &[&About], most: usize) -> Value {
    let mut command = CreateCommand::new(name).kind(CommandType::ChatInput);
    if of.iter().all(|about| about.access == Access::Admin) {
        // Only for how the list looks to people: who may do what is decided when a command is run.
        command = command.default_member_permissions(Permissions::MANAGE_GUILD);
    }
    if let [only] = of
        && only.verb().is_none()
    {
        let options = arguments(only).into_iter().map(|argument| option(&argument, most)).collect();
        return written(everywhere(command.description(described(only.summary, DESCRIPTION, name)).set_options(options)));
    }
    let summary = of.iter().filter_map(|about| about.verb()).collect::<Vec<_>>().join(", ");
    command = command.description(described(&summary, DESCRIPTION, name));
    for about in of.iter().filter(|about| is_name(about.verb().unwrap_or(BARE))).take(VERBS) {
        let verb = about.verb().unwrap_or(BARE);
        let options: Vec<_> = arguments(about).into_iter().map(|argument| option(&argument, most)).collect();
        let sub = CreateCommandOption::new(CommandOptionType::SubCommand, verb, described(about.summary, most, verb));
        command = command.add_option(sub.set_sub_options(options));
    }
    written(everywhere(command))
}

fn option(argument: &Argument, most: usize) -> CreateCommandOption {
    let kind = match argument.kind {
        Kind::File => CommandOptionType::Attachment,
        Kind::Flag => CommandOptionType::Boolean,
        Kind::Whole => CommandOptionType::Integer,
        Kind::Number => CommandOptionType::Number,
        Kind::Person => CommandOptionType::User,
        Kind::Channel => CommandOptionType::Channel,
        Kind::Text | Kind::Search | Kind::Choice(_) => CommandOptionType::String,
    };
    let mut option = CreateCommandOption::new(kind, argument.name.as_str(), described(&argument.about, most, &argument.name));
    match &argument.kind {
        Kind::Search => option = option.set_autocomplete(true),
        Kind::Channel => {
            let threads = [ChannelType::PublicThread, ChannelType::PrivateThread];
            option = option.channel_types([vec![ChannelType::Text, ChannelType::News, ChannelType::Forum], threads.to_vec()].concat());
        }
        Kind::Choice(choices) => {
            for choice in choices {
                option = option.add_string_choice(choice.as_str(), choice.as_str());
            }
        }
        _ => {}
    }
    option
}

/// A description is never empty.
fn described(text: &str, most: usize, instead: &str) -> String {
    let line = shorten(one_line(text).trim(), most);
    if line.is_empty() { shorten(instead, most) } else { line }
}

/// The builder's JSON without what says nothing.
fn written(command: CreateCommand) -> Value {
    // Plain data always serialises.
    pruned(serde_json::to_value(command).unwrap_or_default())
}

fn pruned(value: Value) -> Value {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
        _ => true,
    };
    match value {
        Value::Object(members) => {
            let kept: Map<String, Value> =
                members.into_iter().map(|(name, value)| (name, pruned(value))).filter(|(_, value)| says(value)).collect();
            Value::Object(kept)
        }
        Value::Array(all) => Value::Array(all.into_iter().map(pruned).collect()),
        other => other,
    }
}

/// Whether a name can be that of a slash command or an option.
fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.chars().count())
        && name.chars().all(|c| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '-' | '_' | '\''))
}

/// What Discord counts of a command: names, descriptions, and choices' values.
pub(crate) fn characters(command: &Value) -> usize {
    let text = |name: &str| command.get(name).and_then(Value::as_str).map_or(0, |text| text.chars().count());
    let inner = |name: &str| command.get(name).and_then(Value::as_array).into_iter().flatten();
    let choices: usize = inner("choices")
        .map(|choice| {
            ["name", "value"].iter().filter_map(|part| choice.get(part)?.as_str()).map(|text| text.chars().count()).sum::<usize>()
        })
        .sum();
    text("name") + text("description") + choices + inner("options").map(characters).sum::<usize>()
}

/// A command's essence, by which what Discord keeps is compared with what is wanted: what Discord adds to it, and what it leaves
/// out because it is usual, makes no difference.
pub(crate) fn essence(command: &Value, in_server: bool) -> Value {
    let member = |name: &str| command.get(name).cloned().unwrap_or_default();
    let sorted = |name: &str| {
        let mut all: Vec<u64> = command.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64).collect();
        all.sort_unstable();
        all
    };
    let mut essence = serde_json::json!({
        "name": member("name"),
        "type": command.get("type").and_then(Value::as_u64).unwrap_or(1),
        "description": command.get("description").and_then(Value::as_str).unwrap_or_default(),
        "default_member_permissions": member("default_member_permissions"),
        "nsfw": command.get("nsfw").and_then(Value::as_bool).unwrap_or_default(),
        "options": command.get("options").and_then(Value::as_array).into_iter().flatten().map(option_essence).collect::<Vec<_>>(),
    });
    // A server's own commands have neither.
    if !in_server {
        essence["contexts"] = sorted("contexts").into();
        essence["integration_types"] = sorted("integration_types").into();
    }
    essence
}

fn option_essence(option: &Value) -> Value {
    let of = |name: &str| option.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut channels: Vec<u64> = of("channel_types").filter_map(Value::as_u64).collect();
    channels.sort_unstable();
    let choices: Vec<Value> = of("choices").map(|choice| serde_json::json!([choice.get("name"), choice.get("value")])).collect();
    serde_json::json!({
        "type": option.get("type"),
        "name": option.get("name"),
        "description": option.get("description").and_then(Value::as_str).unwrap_or_default(),
        "required": option.get("required").and_then(Value::as_bool).unwrap_or_default(),
        "autocomplete": option.get("autocomplete").and_then(Value::as_bool).unwrap_or_default(),
        "choices": choices,
        "channel_types": channels,
        "options": of("options").map(option_essence).collect::<Vec<_>>(),
    })
}
