//! Commands as application commands: within every limit, and read back as they were written. The whole catalogue is looked at where it
//! is known, by the program's own tests.

use super::*;
use bellhop_core::form::Answers;
use serde_json::json;
use std::sync::Arc;

fn catalogue() -> Vec<About> {
    crate::testbed::commands()
}

fn texts<'a>(command: &'a Value, name: &'static str) -> Vec<&'a Value> {
    command.get(name).and_then(Value::as_array).into_iter().flatten().collect()
}

fn keeps_limits(option: &Value, depth: usize) {
    let name = option["name"].as_str().unwrap();
    assert!(is_name(name), "{name}");
    let description = option["description"].as_str().unwrap();
    assert!((1..=100).contains(&description.chars().count()), "{name}: {description}");
    let options = texts(option, "options");
    assert!(options.len() <= 25 && depth <= 2, "{name}");
    let choices = texts(option, "choices");
    assert!(choices.len() <= 25 && (choices.is_empty() || option.get("autocomplete") != Some(&json!(true))), "{name}");
    let names: std::collections::BTreeSet<_> = options.iter().map(|option| option["name"].to_string()).collect();
    assert_eq!(names.len(), options.len(), "two options of {name} have one name");
    for inner in options {
        keeps_limits(inner, depth + 1);
    }
}

#[test]
fn every_limit_is_kept() {
    let all = schema(&catalogue());
    let slash: Vec<_> = all.iter().filter(|command| command["type"] == 1).collect();
    assert_eq!(slash.len(), 8);
    for command in slash {
        keeps_limits(command, 0);
        assert!(characters(command) <= WHOLE, "{} has {} characters", command["name"], characters(command));
        assert_eq!(command["contexts"], json!([0, 1]));
        assert_eq!(command["integration_types"], json!([0]));
    }
    for menu in all.iter().filter(|command| command["type"] != 1) {
        assert!(menu.get("description").is_none() && menu.get("options").is_none(), "{menu}");
    }
    let names: Vec<_> = all.iter().filter(|command| command["type"] == 3).map(|command| command["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Turn into alert", "Save to storage"]);
}

fn find<'a>(all: &'a [Value], path: &[&str]) -> &'a Value {
    let mut here = all.iter().find(|command| command["name"] == path[0]).unwrap();
    for name in &path[1..] {
        here = here["options"].as_array().unwrap().iter().find(|option| option["name"] == *name).unwrap();
    }
    here
}

#[test]
fn options_have_types() {
    let all = schema(&catalogue());
    for (path, kind) in [
        (&["file", "put"][..], 1),
        (&["file", "put", "file"], 11),
        (&["file", "put", "name"], 3),
        (&["channel", "invite", "people"], 6),
        (&["channel", "topic", "in"], 7),
        (&["channel", "create", "private"], 5),
        (&["file", "list", "limit"], 4),
        (&["bellhop", "line"], 3),
    ] {
        assert_eq!(find(&all, path)["type"], kind, "{path:?}");
    }
    assert_eq!(find(&all, &["file", "get", "name"])["autocomplete"], true);
    assert!(find(&all, &["file", "get", "name"]).get("required").is_none_or(|required| required == false));
}

#[test]
fn what_discord_adds_makes_no_difference() {
    let mut theirs = schema(&catalogue());
    for command in &mut theirs {
        let ours = command.clone();
        let object = command.as_object_mut().unwrap();
        object.insert("id".into(), json!("1"));
        object.insert("version".into(), json!("2"));
        object.insert("name_localizations".into(), Value::Null);
        object.insert("dm_permission".into(), json!(true));
        if object["type"] != 1 {
            object.insert("description".into(), json!(""));
        }
        object.entry("default_member_permissions").or_insert(Value::Null);
        object["contexts"].as_array_mut().unwrap().reverse();
        assert_eq!(essence(command, false), essence(&ours, false));
        let mut changed = ours.clone();
        changed["name"] = json!("other");
        assert_ne!(essence(&changed, false), essence(&ours, false));
    }
}

#[test]
fn what_was_filled_in_becomes_answers() {
    let commands: Vec<Arc<About>> = catalogue().into_iter().map(Arc::new).collect();
    let read = |data: Value| filled(&data, &commands, &"guild".into());
    let sub = |verb: &str, options: Value| json!({ "name": verb, "type": 1, "options": options });
    let answers = |pairs: &[(&str, &[&str])]| -> Answers {
        pairs.iter().map(|(id, values)| ((*id).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())).collect()
    };
    let Filled::Command { command, answers: given, files, .. } = read(json!({ "name": "file", "options": [sub("put", json!([
        { "name": "file", "type": 11, "value": "77" }, { "name": "file2", "type": 11, "value": "78" },
        { "name": "name", "type": 3, "value": "reports/a b.txt" }, { "name": "tag", "type": 3, "value": "a=1 \"b=2 3\"" },
        { "name": "gone", "type": 3, "value": "x" },
    ]))] })) else {
        panic!()
    };
    assert_eq!((command.as_str(), files), ("file put", vec!["77".to_owned(), "78".to_owned()]));
    assert_eq!(given, answers(&[("name", &["reports/a b.txt"]), ("tag", &["a=1", "b=2 3"])]));
    let Filled::Command { answers: given, .. } = read(json!({ "name": "channel", "options": [sub("invite", json!([
        { "name": "people", "type": 6, "value": "5" }, { "name": "people2", "type": 6, "value": "6" }, { "name": "in", "type": 7, "value": "9" },
    ]))] })) else {
        panic!()
    };
    assert_eq!(given, answers(&[("people", &["@5", "@6"]), ("in", &["guild:#9"])]));
    let Filled::Command { focused, .. } = read(json!({ "name": "file", "options": [sub("get", json!([
        { "name": "name", "type": 3, "value": "rep", "focused": true },
    ]))] })) else {
        panic!()
    };
    assert_eq!(focused.map(|(argument, typed)| (argument.id, typed)), Some(("name".into(), "rep".into())));
    assert_eq!(
        read(json!({ "name": "bellhop", "options": [{ "name": "line", "type": 3, "value": "file list" }] })),
        Filled::Line("file list".into())
    );
    assert_eq!(read(json!({ "name": "bellhop" })), Filled::Line("help".into()));
    assert_eq!(read(json!({ "name": "gone", "options": [sub("by", json!([]))] })), Filled::Unknown("gone by".into()));
    assert!(matches!(read(json!({ "name": "status" })), Filled::Command { command, .. } if command == "status"));
}
