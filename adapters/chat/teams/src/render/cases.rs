//! What cards become: text that stays text, mentions that are meant, and messages that keep their size.

use super::*;
use bellhop_core::address::UserRef;
use bellhop_core::call::Invoke;
use bellhop_core::card::{Action, Column, Field, Span, Tone};
use bellhop_core::fit::fit;
use bellhop_core::form::{Form, Input, InputKind};
use proptest::prelude::*;

fn at() -> Address {
    Address::channel("work", "T", "19:x@thread.tacv2")
}

fn people() -> HashMap<String, Named> {
    HashMap::from([("ann".to_owned(), Named { id: "29:1ann".into(), name: "Ann <b>".into() })])
}

fn drawn(card: &Card) -> Message {
    let (at, people) = (at(), people());
    let scene = Scene { at: &at, people: &people, pictures: Some("https://bot.example/p/"), key: "k", refresh: false };
    message(card, &scene, LARGEST)
}

fn ann(name: &str) -> Span {
    Span::Mention { user: UserRef { chat: "work".into(), workspace: "T".into(), user: "ann".into() }, name: name.into() }
}

/// Every `TextBlock` and fact of a card: what is read as markdown.
fn marked(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| marked(item, into)),
        Value::Object(members) => {
            if members.get("type").is_some_and(|kind| kind == "TextBlock") {
                into.push(members["text"].as_str().unwrap().to_owned());
            }
            for fact in members.get("facts").and_then(Value::as_array).into_iter().flatten() {
                into.push(fact["title"].as_str().unwrap().to_owned());
                into.push(fact["value"].as_str().unwrap().to_owned());
            }
            members.values().for_each(|member| marked(member, into));
        }
        _ => {}
    }
}

#[test]
fn a_simple_card_is_simple() {
    let card = Card::titled("Stored").tone(Tone::Good).and_text("It is there.").and_fields(vec![("Size", "12 B")]);
    let message = drawn(&card);
    let title = json!({
        "type": "TextBlock", "text": "\u{2705} Stored", "wrap": true, "size": "Large", "weight": "Bolder", "color": "Good", "style": "heading",
    });
    let said = json!({ "type": "TextBlock", "text": "It is there.", "wrap": true });
    let facts = json!({ "type": "FactSet", "facts": [{ "title": "Size", "value": "12 B" }] });
    assert_eq!(message.card["body"], json!([title, said, facts]));
    assert_eq!((message.card["version"].as_str(), message.summary.as_str()), (Some("1.5"), "Stored"));
    assert!(message.card["fallbackText"].as_str().unwrap().contains("It is there."));
    assert!(message.activity().get("text").is_none(), "text beside a card makes two messages");
}

#[test]
fn a_mention_is_an_entity_and_no_other_text_is_one() {
    let card = Card::default().and_spans(vec!["Hello ".into(), ann("Ann"), "! ".into(), Span::Plain("<at>Ann b</at> *x*".into())]);
    let message = drawn(&card);
    let entities = message.card["msteams"]["entities"].as_array().unwrap();
    assert_eq!(entities.len(), 1);
    assert_eq!(entities[0]["mentioned"]["id"], "29:1ann");
    let (text, shown) = (entities[0]["text"].as_str().unwrap(), message.card["body"][0]["text"].as_str().unwrap());
    assert_eq!(shown.matches(text).count(), 1, "{shown}");
    assert!(shown.contains("\\*x\\*") && !shown.contains("<at>Ann b</at>"), "{shown}");
    let stranger = Span::Mention { user: UserRef { chat: "other".into(), workspace: "T".into(), user: "ann".into() }, name: "Ann".into() };
    let message = drawn(&Card::default().and_spans(vec![stranger]));
    assert!(message.card["msteams"].get("entities").is_none() && message.card.to_string().contains("@Ann"));
}

#[test]
fn buttons_run_open_and_ask() {
    let invoke = Invoke { command: "alert ack".into(), args: json!({ "id": "a" }) };
    let card = Card::text("x").and_actions(vec![
        Action::invoke("Ack", invoke.clone()),
        Action::open("Page", "https://a.example/"),
        Action::open("Bad", "javascript:alert(1)"),
        Action::prefill("Try", "file list "),
    ]);
    let message = drawn(&card);
    let actions = message.card.pointer("/body/1/actions").and_then(Value::as_array).unwrap();
    let kinds: Vec<&str> = actions.iter().map(|action| action["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Action.Execute", "Action.OpenUrl", "Action.Submit"]);
    assert_eq!(actions[0]["fallback"]["type"], "Action.Submit");
    assert_eq!(Click::read(&actions[0]["data"]), Some(Click::Invoke(invoke)));
    assert_eq!(actions[2]["data"]["msteams"]["type"], "task/fetch");
    assert!(!actions.iter().any(|action| action.to_string().contains("javascript")));
}

#[test]
fn a_form_is_a_dialog_with_an_input_for_each_question() {
    let input = |id: &str, kind: InputKind| Input {
        id: id.into(),
        label: id.to_uppercase(),
        hint: String::new(),
        required: id == "a",
        problem: None,
        value: String::new(),
        kind,
    };
    let inputs = vec![
        input("a", InputKind::Text),
        input("b", InputKind::Search),
        input("c", InputKind::Choice(vec!["x".into(), "y".into()])),
        input("d", InputKind::Flag),
        input("e", InputKind::Lines),
    ];
    let form = Form { command: "file put".into(), submit: "Run file put".into(), inputs };
    let card = form_card(&form, &json!("s"));
    let body = card["body"].as_array().unwrap();
    let kinds: Vec<&str> = body.iter().map(|input| input["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Input.Text", "Input.ChoiceSet", "Input.ChoiceSet", "Input.Toggle", "Input.Text"]);
    assert_eq!((body[0]["isRequired"].as_bool(), body[0]["id"].as_str()), (Some(true), Some("arg:a")));
    assert_eq!(body[1]["choices.data"], json!({ "type": "Data.Query", "dataset": "file put/b" }));
    assert_eq!(card["actions"][0]["data"], json!({ MEMBER: "s" }));
}

#[test]
fn pictures_are_shown_by_an_address_that_only_the_card_has() {
    let image = |bytes: &[u8]| {
        let image = bellhop_core::card::Image {
            alt: "a chart".into(),
            name: "c.png".into(),
            content_type: "image/png".into(),
            bytes: bytes.into(),
        };
        drawn(&Card::default().block(Block::Image(image)))
    };
    let (one, other) = (image(b"one"), image(b"other"));
    assert_ne!(one.pictures[0].key, other.pictures[0].key);
    assert_eq!(one.card["body"][0]["url"], format!("https://bot.example/p/{}", one.pictures[0].key));
    assert_eq!(one.card["body"][0]["altText"], "a chart");
}

#[test]
fn the_largest_cards_keep_the_size() {
    let text = "\u{1f980}<b>*x*".repeat(2000);
    let cell = || vec![Span::Plain("cell \u{1f980} & <x>".into())];
    let column = |n: usize| Column { name: format!("column {n}"), numeric: n.is_multiple_of(2) };
    let table = Table { caption: "t".into(), columns: (0..10).map(column).collect(), rows: vec![(0..10).map(|_| cell()).collect(); 200] };
    let long = Invoke { command: "file put".into(), args: json!({ "name": "n".repeat(400) }) };
    let actions = (0..40).map(|n| Action::invoke(format!("Button {n}"), long.clone())).collect();
    let card = Card::titled("t").and_text(text.clone()).block(Block::Table(table)).block(Block::Code(text)).and_actions(actions);
    for card in fit(&card, &capabilities(0)) {
        let message = drawn(&card);
        assert!(size(&message.activity()) <= LARGEST, "{} bytes", size(&message.activity()));
        for action in card.actions() {
            assert!(message.card.to_string().contains(&format!("\"title\":\"{}\"", action.label)), "{} is lost", action.label);
        }
    }
}

proptest! {
    #[test]
    fn text_from_outside_is_never_markdown(text in "\\PC{0,60}", name in "\\PC{1,20}") {
        let card = Card::titled(text.clone())
            .and_text(text.clone())
            .and_spans(vec![Span::Bold(text.clone()), Span::Code(text.clone())])
            .block(Block::Fields(vec![Field { name, value: vec![Span::Plain(text.clone())] }]));
        let message = drawn(&card);
        let mut found = Vec::new();
        marked(&message.card["body"], &mut found);
        for text in found {
            prop_assert!(!text.contains(['*', '_', '[', ']', '`', '<', '&', '{', '#', '~']), "{text}");
        }
        prop_assert!(message.card["msteams"].get("entities").is_none());
        prop_assert!(!message.summary.trim().is_empty());
    }
}
