//! What cards become, and that no card becomes more than Discord takes.

use super::*;
use bellhop_core::card::{Action, Column, Field, FileBlock, FileSource, Progress, Table};
use bellhop_core::fit::fit;
use bellhop_core::form::{Answers, Form, Input, InputKind};
use proptest::prelude::*;

fn at() -> Address {
    Address::channel("guild", "7", "6")
}

fn drawn_text(spans: &[Span]) -> String {
    text::markdown(spans, &"guild".into()).text
}

#[test]
fn sentences_are_the_messages_own_text_and_cards_are_embeds() {
    let plain = message(&Card::text("all is well"), &at());
    assert_eq!((plain.content.as_str(), plain.embeds.len()), ("all is well", 0));
    let card = message(&Card::titled("Stored").tone(Tone::Good).and_text("a.txt is kept.").and_fields(vec![("Size", "2 B")]), &at());
    assert_eq!(card.content, "");
    assert_eq!(card.embeds[0]["title"], "\u{2705} Stored");
    assert_eq!(card.embeds[0]["description"], "a.txt is kept.");
    assert_eq!(card.embeds[0]["fields"][0], json!({ "name": "Size", "value": "2 B", "inline": true }));
    assert_eq!(card.body()["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(message(&Card::default(), &at()).content, "(nothing to show)");
}

#[test]
fn marks_are_escaped_and_only_where_they_mark() {
    for (text, written) in [
        ("*a* _b_ ~~c~~ `d` ||e||", r"\*a\* \_b\_ \~\~c\~\~ \`d\` \|\|e\|\|"),
        ("# heading\n- item\n> quote\n1. one\n-# small", "\\# heading\n\\- item\n\\> quote\n1\\. one\n\\-# small"),
        ("a-b #1 3 > 2, version 1.2", "a-b #1 3 > 2, version 1.2"),
        ("https://x.example and :rocket: at 12:30", r"https\://x.example and \:rocket: at 12:30"),
        ("<@1> @everyone me@x.example", r"\<@1> \@everyone me@x.example"),
        (r"C:\dir", r"C:\\dir"),
        ("[a](b)", r"\[a\](b)"),
    ] {
        assert_eq!(drawn_text(&[text.into()]), written);
    }
    let link = Span::Link { text: "this page".into(), url: "https://good.example/a?b=c&d=%20e#f".into() };
    assert_eq!(drawn_text(&[link]), "[this page](https://good.example/a?b=c&d=%20e#f)");
    let odd = Span::Link { text: "x".into(), url: "https://good.example/(a) b".into() };
    assert_eq!(drawn_text(&[odd]), "[x](https://good.example/%28a%29%20b)");
    assert_eq!(drawn_text(&[Span::Code("a`b".into())]), r"a\`b");
    assert_eq!(drawn_text(&[Span::Bold("a".into()), Span::Bold("b".into())]), "**a**b");
}

#[test]
fn many_actions_become_a_menu_and_what_destroys_stays_a_button() {
    let action = |n: usize| Action::invoke(format!("Do {n}"), Invoke { command: "help".into(), args: json!({ "n": n }) });
    let few = message(&Card::titled("t").and_actions((0..7).map(action).collect()), &at());
    assert_eq!(few.components.iter().map(|row| row["components"].as_array().unwrap().len()).collect::<Vec<_>>(), [5, 2]);
    let mut many: Vec<Action> = (0..20).map(action).collect();
    many[19].style = bellhop_core::card::ActionStyle::Danger;
    let many = message(&Card::titled("t").and_actions(many), &at());
    let menu = many.components.last().unwrap();
    assert_eq!((menu["components"][0]["type"].as_u64(), menu["components"][0]["options"].as_array().unwrap().len()), (Some(3), 14));
    assert_eq!(many.components[1]["components"][0]["label"], "Do 19");
    let mut ids: Vec<String> = Vec::new();
    for row in &many.components {
        ids.extend(row["components"].as_array().unwrap().iter().filter_map(|one| Some(one["custom_id"].as_str()?.to_owned())));
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "ids are unique in a message");
}

#[test]
fn what_grows_too_long_comes_as_a_file_with_all_its_buttons() {
    let spans: Vec<Block> = (0..2).map(|_| Block::Text(vec!["*_".repeat(870).into()])).collect();
    let mut card = Card { title: "Long".into(), tone: Tone::Warning, blocks: spans };
    card.blocks.push(Block::Fields((0..20).map(|n| Field { name: format!("{n}"), value: vec!["~".repeat(2000).into()] }).collect()));
    card.blocks.push(Block::Actions(vec![Action::open("Open", "https://x.example/")]));
    let shown = message(&card, &at());
    assert!(within(&shown));
    assert_eq!(shown.files[0].0.name, "message.txt");
    assert!(shown.files[0].0.bytes.len() > 40_000 && shown.components.len() == 1);
}

fn input(id: &str, required: bool, kind: InputKind) -> Input {
    Input { id: id.into(), label: id.into(), hint: "h".repeat(200), required, problem: None, value: String::new(), kind }
}

#[test]
fn a_form_asks_five_questions_and_carries_the_rest() {
    let inputs = vec![
        input("a", false, InputKind::Text),
        input("b", false, InputKind::Flag),
        input("c", false, InputKind::Choice(vec!["x".into(), "y".into()])),
        input("d", false, InputKind::Lines),
        input("e", false, InputKind::Search),
        Input { problem: Some("is wrong".into()), ..input("f", false, InputKind::Text) },
        input("g", true, InputKind::Text),
    ];
    let form = Form { command: "file copy".into(), submit: "Run".into(), inputs };
    let answers: Answers = [("e".to_owned(), vec!["kept".to_owned()]), ("a".to_owned(), vec!["shown".to_owned()])].into_iter().collect();
    let (view, kept) = form_modal(&form, &answers, false);
    assert_eq!(kept, None);
    let rows = view["components"].as_array().unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row["component"]["custom_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a:a", "a:b", "a:c", "a:f", "a:g"]);
    assert_eq!(rows[3]["description"], "is wrong");
    for row in rows {
        assert!(
            row["label"].as_str().unwrap().chars().count() <= 45 && row["description"].as_str().unwrap_or_default().chars().count() <= 100
        );
    }
    let carried = crate::click::Click::read(view["custom_id"].as_str().unwrap());
    let Some(crate::click::Click::Submit { answers, .. }) = carried else { panic!("{carried:?}") };
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), [("e".to_owned(), vec!["kept".to_owned()])]);
}

fn blocks() -> impl Strategy<Value = Block> {
    let words = "[a-z*_`~|<>@#:\\\\\\n .\\[\\]()-]{0,600}";
    prop_oneof![
        words.prop_map(|text| Block::Text(vec![Span::Plain(text)])),
        words.prop_map(|text| Block::Text(vec![Span::Bold(text.clone()), Span::Code(text)])),
        words.prop_map(Block::Code),
        prop::collection::vec(("[a-z*_]{0,80}", words), 0..12).prop_map(|all| {
            Block::Fields(all.into_iter().map(|(name, value)| Field { name, value: vec![Span::Plain(value)] }).collect())
        }),
        prop::collection::vec(prop::collection::vec("[a-z*`]{0,90}", 3), 0..30).prop_map(|rows| {
            let columns = (0..3).map(|n| Column { name: format!("c{n}"), numeric: n == 2 }).collect();
            let rows = rows.into_iter().map(|row| row.into_iter().map(|cell| vec![Span::Plain(cell)]).collect()).collect();
            Block::Table(Table { caption: "t".into(), columns, rows })
        }),
        prop::collection::vec("[a-z]{0,200}", 0..30).prop_map(|labels| {
            let invoke =
                |label: String| Action::invoke(label.clone(), Invoke { command: "help".into(), args: json!({ "words": [label] }) });
            Block::Actions(labels.into_iter().map(invoke).collect())
        }),
        Just(Block::Divider),
        Just(Block::Progress(Progress::bytes("Copying *x*", 3, Some(9)))),
        "[a-z]{0,300}".prop_map(|name| Block::File(FileBlock {
            name: name.clone(),
            content_type: "x/y".into(),
            size: 5,
            source: FileSource::Stored { store: "local".into(), name, version: None },
        })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_card_becomes_more_than_discord_takes(title in "[a-z*_`]{0,300}", all in prop::collection::vec(blocks(), 0..14)) {
        let card = Card { title, tone: Tone::Bad, blocks: all };
        let wanted = card.actions().count();
        let mut clicks = 0;
        for part in fit(&card, &capabilities(1 << 20)) {
            let shown = message(&part, &at());
            prop_assert!(within(&shown), "{:?}", shown);
            prop_assert!(!shown.content.trim().is_empty() || !shown.embeds.is_empty() || !shown.components.is_empty());
            for embed in &shown.embeds {
                let fields = embed["fields"].as_array().cloned().unwrap_or_default();
                prop_assert!(fields.len() <= 25);
                for field in fields {
                    let of = |name: &str| field[name].as_str().unwrap_or_default().chars().count();
                    prop_assert!((1..=256).contains(&of("name")) && (1..=1024).contains(&of("value")));
                }
            }
            for row in &shown.components {
                for one in row["components"].as_array().unwrap() {
                    clicks += one["options"].as_array().map_or(1, Vec::len);
                    prop_assert!(one["custom_id"].as_str().is_none_or(|id| (1..=100).contains(&id.chars().count())));
                }
            }
        }
        prop_assert_eq!(clicks, wanted, "no action is lost");
    }
}
