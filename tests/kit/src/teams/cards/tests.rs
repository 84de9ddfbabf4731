//! Good cards, bad ones, and what is said of them.

use super::*;
use serde_json::json;

fn of(body: &Value, actions: &Value) -> Vec<String> {
    check(&json!({ "type": "AdaptiveCard", "version": "1.5", "body": body, "actions": actions }))
}

#[test]
fn good_cards_are_taken() {
    let body = json!([
        { "type": "TextBlock", "text": "**Status**", "wrap": true },
        { "type": "FactSet", "facts": [{ "title": "host", "value": "db1" }] },
        { "type": "Table", "columns": [{ "width": 1 }], "rows": [{ "type": "TableRow", "cells": [{ "type": "TableCell", "items": [] }] }] },
        { "type": "Input.ChoiceSet", "id": "store", "choices": [], "choices.data": { "type": "Data.Query", "dataset": "stores" } },
    ]);
    let actions = json!([{ "type": "Action.Execute", "title": "Ack", "verb": "run", "data": { "x": 1 },
        "fallback": { "type": "Action.Submit", "title": "Ack", "data": { "x": 1 } } }]);
    assert_eq!(of(&body, &actions), Vec::<String>::new());
}

#[test]
fn bad_cards_are_refused_with_the_place() {
    for (body, actions, why) in [
        (json!([{ "type": "Chart.Line" }]), json!([]), "card.body[0]: there is no element \"Chart.Line\""),
        (json!([{ "type": "TextBlock", "text": "" }]), json!([]), "text has to be a text"),
        (json!([{ "type": "TextBlock", "text": "x", "bold": true }]), json!([]), "the property \"bold\" is not known"),
        (json!([{ "type": "Image", "url": "javascript:x" }]), json!([]), "no picture's address"),
        (json!([{ "type": "Input.Text" }]), json!([]), "id has to be a text"),
        (json!([{ "type": "Input.Text", "id": "a" }, { "type": "Input.Text", "id": "a" }]), json!([]), "used twice"),
        (json!([]), json!([{ "type": "Action.OpenUrl", "url": "javascript:x" }]), "no address that can be opened"),
        (json!([]), json!([{ "type": "Action.Submit", "isEnabled": false }]), "no isEnabled"),
        (json!([]), json!([]), "the card is empty"),
    ] {
        let found = of(&body, &actions);
        assert!(found.iter().any(|problem| problem.contains(why)), "{body}: {found:?}");
    }
    assert!(check(&json!({ "type": "AdaptiveCard", "version": "1.6", "body": [] }))[0].contains("1.5 is the highest"));
    assert!(check(&json!("text"))[0].contains("object"));
}

#[test]
fn mentions_of_a_card_stand_in_it() {
    let card = |text: &str| {
        json!({ "type": "AdaptiveCard", "version": "1.5", "body": [{ "type": "TextBlock", "text": text }],
            "msteams": { "entities": [{ "type": "mention", "text": "<at>Ann</at>", "mentioned": { "id": "29:1", "name": "Ann" } }] } })
    };
    assert_eq!(check(&card("Hello <at>Ann</at>")), Vec::<String>::new());
    assert!(check(&card("Hello"))[0].contains("doesn't stand in the card"));
}
