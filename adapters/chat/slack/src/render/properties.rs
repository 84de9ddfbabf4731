//! What holds for every card and form, whoever wrote what is in them.

use super::cases::{HOSTILE, action, card, form, here, span, words};
use super::limits::{of_message, of_options, of_view};
use super::{Message, capabilities, form_view, home_view, line_view, message, mrkdwn, options, plainer, save_view};
use crate::click::{Click, Kept, ViewMeta};
use bellhop_core::capabilities::Capabilities;
use bellhop_core::card::{Action, ActionStyle, Block, Card, Does, Span};
use bellhop_core::command::Suggestion;
use bellhop_core::fit::fit;
use bellhop_core::text::is_hidden;
use proptest::prelude::*;
use serde_json::Value;

fn fitted(card: &Card) -> Vec<Card> {
    fit(card, &capabilities(1 << 30))
}

/// Every member of this name, wherever it is.
fn members<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            if key == name {
                found.push(value);
            }
            members(value, name, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| members(item, name, found)),
        _ => {}
    }
}

fn texts(blocks: &[Value], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in blocks {
        members(block, name, &mut found);
    }
    found.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What buttons and menus mean, what was kept read back.
fn clicks(blocks: &[Value], kept: &[Kept]) -> Vec<Click> {
    texts(blocks, "value")
        .iter()
        .map(|value| match Click::read(value).unwrap() {
            Click::Kept(key) => kept.iter().find(|kept| kept.key == key).unwrap().click.clone(),
            click => click,
        })
        .collect()
}

/// An action that can't be found in what was rendered.
fn lost<'a>(actions: impl Iterator<Item = &'a Action>, blocks: &[Value], kept: &[Kept]) -> Option<String> {
    let mut clicks = clicks(blocks, kept);
    let urls = texts(blocks, "url");
    let said = texts(blocks, "text").concat();
    actions.map(|action| &action.does).find_map(|does| {
        let click = match does {
            Does::Invoke(invoke) => Click::Invoke(invoke.clone()),
            Does::Prefill(line) => Click::Prefill(line.clone()),
            Does::Open(url) => {
                // More of an address than Slack opens needn't be shown.
                let shown: String = bellhop_core::text::one_line(url).chars().take(60).collect();
                let opens = super::text::address(url).is_some_and(|url| urls.contains(&url));
                return (!opens && !said.contains(&shown)).then(|| url.clone());
            }
        };
        match clicks.iter().position(|other| *other == click) {
            Some(at) => {
                clicks.remove(at);
                None
            }
            None => Some(format!("{click:?}")),
        }
    })
}

/// Letters and digits, as a set: what is shown in another order or cut in another place is shown all the same.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The people who would be notified by what was rendered.
fn notified(blocks: &[Value]) -> Vec<String> {
    let mut people = texts(blocks, "user_id");
    for text in blocks.iter().flat_map(|block| block["fields"].as_array().cloned().unwrap_or_default()) {
        people.extend(references(text["text"].as_str().unwrap()));
    }
    people.sort();
    people
}

/// What Slack would read out of `mrkdwn`: the people. Anything else that it could read is a failure.
fn references(text: &str) -> Vec<String> {
    let mut people = Vec::new();
    for rest in text.split('<').skip(1) {
        let (inside, _) = rest.split_once('>').expect("a reference that ends");
        match inside.strip_prefix('@') {
            Some(id) => people.push(id.to_owned()),
            None => assert!(
                ["http://", "https://", "mailto:", "!date^"].iter().any(|good| inside.starts_with(good))
                    && inside.matches('|').count() <= 1,
                "{inside}"
            ),
        }
    }
    assert_eq!(text.matches('<').count(), text.matches('>').count());
    people
}

/// The people whom a card mentions in this chat and workspace.
fn mentioned(card: &Card) -> Vec<String> {
    let spans = card.blocks.iter().flat_map(|block| -> Vec<&Span> {
        match block {
            Block::Text(spans) => spans.iter().collect(),
            Block::Fields(fields) => fields.iter().flat_map(|field| &field.value).collect(),
            // Where a table is text, people are named in it.
            _ => Vec::new(),
        }
    });
    let mut people: Vec<String> = spans
        .filter_map(|span| match span {
            Span::Mention { user, .. } if user.chat.as_str() == "work" && user.workspace.as_str() == "T1" => Some(user.user.to_string()),
            _ => None,
        })
        .filter(|id| !id.contains('<'))
        .collect();
    people.sort();
    people
}

fn without_tables(card: &Card) -> Card {
    let blocks = card.blocks.iter().filter(|block| !matches!(block, Block::Table(_))).cloned().collect();
    Card { blocks, ..card.clone() }
}

fn hidden(message: &Message) -> bool {
    let mut strings = texts(&message.blocks, "text");
    strings.extend(texts(&message.blocks, "accessibility_label"));
    strings.extend(texts(&message.blocks, "label"));
    strings.push(message.text.clone());
    strings.iter().any(|text| text.contains(is_hidden))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_fitted_card_keeps_every_limit(card in card()) {
        for part in fitted(&card) {
            for drawn in [message(&part, &here()), plainer(&part, &here())] {
                prop_assert_eq!(of_message(&drawn), Vec::<String>::new(), "{:?}", part);
                prop_assert!(!hidden(&drawn));
            }
        }
    }

    #[test]
    fn no_action_is_lost(card in card()) {
        for part in fitted(&card) {
            for drawn in [message(&part, &here()), plainer(&part, &here())] {
                prop_assert_eq!(lost(part.actions(), &drawn.blocks, &drawn.kept), None);
                let forms = part.blocks.iter().filter(|block| matches!(block, Block::Form(_))).count();
                let opened = clicks(&drawn.blocks, &drawn.kept).into_iter().filter(|click| matches!(click, Click::Form { .. })).count();
                prop_assert_eq!(forms, opened);
            }
        }
    }

    #[test]
    fn many_actions_of_one_block_are_all_there(actions in prop::collection::vec(action(), 9..26)) {
        let card = Card::default().and_actions(actions);
        for part in fitted(&card) {
            let drawn = message(&part, &here());
            prop_assert_eq!(lost(part.actions(), &drawn.blocks, &drawn.kept), None);
            // What destroys asks first: it is a button, and never in a menu.
            let elements: Vec<Value> = drawn.blocks.iter().flat_map(|block| block["elements"].as_array().unwrap().clone()).collect();
            let asking = elements.iter().filter(|element| element["confirm"].is_object()).count();
            let destroys = |action: &&Action| action.style == ActionStyle::Danger && matches!(action.does, Does::Invoke(_));
            prop_assert_eq!(asking, part.actions().filter(destroys).count());
            let rows = drawn.blocks.iter().filter(|block| block["type"] == "actions").count();
            prop_assert!(rows <= 6, "{rows} rows");
        }
    }

    #[test]
    fn only_typed_mentions_notify(card in card()) {
        for part in fitted(&without_tables(&card)) {
            for drawn in [message(&part, &here()), plainer(&part, &here())] {
                prop_assert_eq!(notified(&drawn.blocks), mentioned(&part));
                prop_assert_eq!(references(&drawn.text), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn no_word_of_a_text_is_lost(text in prop::collection::vec(span(), 1..6), code in words(), name in words()) {
        let fields = vec![bellhop_core::card::Field { name: name.clone(), value: text.clone() }];
        let card = Card::default().and_spans(text.clone()).block(Block::Code(code.clone())).block(Block::Fields(fields));
        for part in fitted(&card) {
            let drawn = message(&part, &here());
            let shown = letters(&["text", "fallback", "user_id", "url"].map(|name| texts(&drawn.blocks, name).concat()).concat());
            let mut said = Vec::new();
            for block in &part.blocks {
                match block {
                    Block::Text(spans) => said.extend(spans.clone()),
                    Block::Code(code) => said.push(Span::Plain(code.clone())),
                    Block::Fields(fields) => fields.iter().for_each(|field| said.extend(field.value.clone())),
                    _ => {}
                }
            }
            for span in said {
                if let Span::Plain(text) | Span::Bold(text) | Span::Code(text) = span {
                    let text = bellhop_core::text::visible(&text);
                    for word in text.split(|c: char| !c.is_alphanumeric()) {
                        prop_assert!(shown.contains(word), "{word:?} of {text:?}");
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn markup_holds_no_reference_that_was_not_typed(spans in prop::collection::vec(span(), 0..6)) {
        let text = mrkdwn(&spans, &"work".into());
        let expected: Vec<String> = spans.iter().filter_map(|span| match span {
            Span::Mention { user, .. } if user.chat.as_str() == "work" => Some(user.user.to_string()),
            _ => None,
        }).filter(|id| !id.contains('<')).collect();
        prop_assert_eq!(references(&text), expected);
        prop_assert!(!text.contains(is_hidden));
    }

    #[test]
    fn every_form_keeps_every_limit(form in form(), title in words(), channel in "[C1]{0,2}") {
        let meta = ViewMeta { command: form.command.clone(), channel, ..ViewMeta::default() };
        let view = form_view(&form, &meta, &title);
        prop_assert_eq!(of_view(&view), Vec::<String>::new());
        let asked = view["blocks"].as_array().unwrap().iter().filter_map(|block| block["block_id"].as_str()?.strip_prefix("arg:"));
        let expected = form.inputs.len().min(90);
        prop_assert_eq!(asked.count(), expected);
        prop_assert_eq!(serde_json::from_str::<ViewMeta>(view["private_metadata"].as_str().unwrap()).unwrap(), meta);
    }

    #[test]
    fn other_views_keep_every_limit(line in words(), channel in "[C1]{0,2}") {
        let meta = ViewMeta { channel, response_url: Some(("x".repeat(4000), 1)), ..ViewMeta::default() };
        prop_assert_eq!(of_view(&line_view(&meta, &line)), Vec::<String>::new());
        prop_assert_eq!(of_view(&save_view(&meta, &line)), Vec::<String>::new());
    }

    #[test]
    fn what_is_typed_can_be_chosen(typed in words(), values in prop::collection::vec((words(), words()), 0..130)) {
        let suggestions: Vec<Suggestion> = values.into_iter().map(|(value, about)| Suggestion { value, about }).collect();
        let answer = options(&suggestions, &typed);
        prop_assert_eq!(of_options(&answer), Vec::<String>::new());
        if !typed.trim().is_empty() && typed.chars().count() <= 150 {
            prop_assert!(answer["options"].as_array().unwrap().iter().any(|option| option["value"] == typed));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_page_keeps_its_limits(cards in prop::collection::vec(card(), 0..8)) {
        let (view, kept) = home_view(&cards, &here());
        prop_assert_eq!(of_view(&view), Vec::<String>::new());
        prop_assert!(clicks(view["blocks"].as_array().unwrap(), &kept).len() < 1000);
    }
}

#[test]
fn hostile_text_stays_text_everywhere() {
    for text in HOSTILE {
        let spans = vec![Span::Plain(text.into()), Span::Bold(text.into()), Span::Code(text.into())];
        let card = Card::titled(text)
            .and_spans(spans.clone())
            .and_fields(vec![(text, text)])
            .block(Block::Code(text.into()))
            .and_actions(vec![Action::prefill(text, text)]);
        let drawn = message(&card, &here());
        assert_eq!(of_message(&drawn), Vec::<String>::new());
        assert!(notified(&drawn.blocks).is_empty(), "{text}");
        // What is copied is what was said.
        let visible = bellhop_core::text::visible(text);
        let shown = texts(&drawn.blocks, "text");
        assert!(visible.trim().is_empty() || shown.iter().filter(|shown| **shown == visible).count() >= 4, "{text}: {shown:?}");
    }
}

#[test]
fn cards_that_were_never_fitted_keep_the_number_of_blocks() {
    let many = Card { blocks: vec![Block::Divider; 80], ..Card::titled("Many") };
    let drawn = message(&many, &here());
    assert_eq!(drawn.blocks.len(), 50);
    assert!(drawn.blocks[49].to_string().contains("32 parts more"));
    let empty = message(&Card::default(), &here());
    assert_eq!((empty.text.as_str(), empty.blocks.len()), ("(nothing to show)", 1));
}

#[test]
fn the_text_is_short_enough_to_be_changed_and_not_cut_inside_an_entity() {
    let drawn = message(&Card::text("&".repeat(2000)), &here());
    assert!(drawn.text.chars().count() <= 3900 && drawn.text.chars().count() > 3890);
    assert!(drawn.text.ends_with("&amp;\u{2026}"));
}

#[test]
fn no_other_limits_are_promised_than_are_checked_here() {
    let caps = capabilities(7);
    assert_eq!(caps.upload, 7);
    // A card block becomes two at most, a title one more, and 25 actions five more than that.
    assert!(1 + 2 * caps.blocks + caps.actions.div_ceil(5) <= 50);
    assert_ne!(caps, Capabilities::default());
}
