//! `fit` by example and over arbitrary cards and limits.

use super::fit;
use super::measure::{Limits, chars, message};
use crate::address::UserRef;
use crate::call::Invoke;
use crate::capabilities::{Capabilities, TableLimits};
use crate::card::{
    Action, ActionStyle, Block, Card, Column, Does, Field, FileBlock, FileSource, Image, Progress, Span, Table, Tone,
};
use crate::chart::{Chart, ChartKind, Series, SeriesStyle, XAxis};
use crate::form::{Form, Input, InputKind};
use proptest::prelude::*;
use std::sync::Arc;

fn caps() -> Capabilities {
    Capabilities::default()
}

fn table(rows: usize, columns: usize) -> Table {
    Table {
        caption: "All the files".into(),
        columns: (0..columns).map(|c| Column { name: format!("h{c}"), numeric: c > 0 }).collect(),
        rows: (0..rows).map(|r| (0..columns).map(|c| vec![Span::Plain(format!("r{r}c{c}"))]).collect()).collect(),
    }
}

/// Everything that a reader can read on the cards but titles and labels, files of tables included.
fn readable(cards: &[Card]) -> String {
    let mut out = String::new();
    let mut say = |text: &str| out.push_str(text);
    for block in cards.iter().flat_map(|c| &c.blocks) {
        match block {
            Block::Text(spans) => spans.iter().for_each(|s| say(&s.text())),
            Block::Code(code) => say(code),
            Block::Fields(fields) => fields.iter().for_each(|f| {
                say(&f.name);
                f.value.iter().for_each(|s| say(&s.text()));
            }),
            Block::Table(t) => {
                say(&t.caption);
                t.columns.iter().for_each(|c| say(&c.name));
                t.rows.iter().flatten().flatten().for_each(|s| say(&s.text()));
            }
            Block::File(FileBlock { source: FileSource::Inline(bytes), .. }) => say(std::str::from_utf8(bytes).unwrap()),
            Block::Image(image) => say(&image.alt),
            Block::Chart(chart) => {
                say(&chart.title);
                say(&chart.alt);
            }
            Block::Progress(progress) => say(&progress.what),
            Block::Form(form) => form.inputs.iter().for_each(|i| {
                say(&i.label);
                say(&i.hint);
                i.problem.iter().for_each(|p| say(p));
            }),
            Block::File(_) | Block::Actions(_) | Block::Divider => {}
        }
    }
    out
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[test]
fn a_card_that_fits_is_left_alone() {
    let card =
        Card::titled("Files").and_text("two").block(Block::Table(table(3, 2))).and_actions(vec![Action::prefill("More", "file list ")]);
    assert_eq!(fit(&card, &caps()), [card]);
    assert_eq!(fit(&Card::default(), &caps()), [Card::default()]);
}

#[test]
fn a_long_text_goes_on_under_the_same_title() {
    let text = "one two three four ".repeat(100);
    let card = Card::titled("Log").tone(Tone::Bad).and_text(text.clone());
    let cards = fit(&card, &Capabilities { text: 300, message: 1000, ..caps() });
    assert_eq!(cards.iter().map(|c| c.title.as_str()).collect::<Vec<_>>(), ["Log", "Log (2/3)", "Log (3/3)"]);
    assert!(cards.iter().all(|c| c.tone == Tone::Bad));
    assert_eq!(readable(&cards), text);
    // Cut between words.
    assert!(cards.iter().flat_map(|c| &c.blocks).all(|b| matches!(b, Block::Text(s) if s[0].text().ends_with(' '))));
}

#[test]
fn surplus_actions_go_to_a_further_card_with_short_labels() {
    let actions: Vec<Action> = (0..7).map(|at| Action::prefill(format!("Do the thing number {at}"), format!("do {at}"))).collect();
    let card = Card::titled("Pick").and_actions(actions.clone());
    let cards = fit(&card, &Capabilities { actions: 3, label: 10, ..caps() });
    assert_eq!(cards.iter().map(|c| c.actions().count()).collect::<Vec<_>>(), [3, 3, 1]);
    assert!(cards.iter().flat_map(Card::actions).all(|a| a.label == "Do the th…"));
    assert!(cards.iter().flat_map(Card::actions).map(|a| &a.does).eq(actions.iter().map(|a| &a.does)));
}

#[test]
fn a_large_table_shows_its_beginning_and_brings_the_whole_as_a_file() {
    let card = Card::titled("Files").block(Block::Table(table(100, 3)));
    let cards = fit(&card, &Capabilities { table: Some(TableLimits { rows: 10, columns: 2, text: 1000, each: usize::MAX }), ..caps() });
    let [Card { blocks, .. }] = cards.as_slice() else { panic!("{cards:?}") };
    let [Block::Table(shown), Block::Text(sentence), Block::File(file)] = blocks.as_slice() else { panic!("{blocks:?}") };
    assert_eq!((shown.rows.len(), shown.columns.len()), (10, 2));
    assert_eq!(
        crate::plain::spans(sentence),
        "These are the first 10 of 100 rows and the first 2 of 3 columns; the whole table is in all-the-files.csv."
    );
    let FileSource::Inline(bytes) = &file.source else { panic!() };
    let csv = std::str::from_utf8(bytes).unwrap();
    assert!(csv.starts_with("h0,h1,h2\r\nr0c0,r0c1,r0c2\r\n") && csv.ends_with("r99c0,r99c1,r99c2\r\n"));
    assert_eq!(file.size, u64::try_from(csv.len()).unwrap());
}

#[test]
fn without_uploads_a_large_table_goes_on_in_further_tables() {
    let card = Card::titled("Files").block(Block::Table(table(25, 4)));
    let cards = fit(
        &card,
        &Capabilities { upload: 0, blocks: 2, table: Some(TableLimits { rows: 10, columns: 3, text: 1000, each: usize::MAX }), ..caps() },
    );
    let shapes: Vec<(usize, Vec<&str>)> = cards
        .iter()
        .flat_map(|c| &c.blocks)
        .map(|b| match b {
            Block::Table(t) => (t.rows.len(), t.columns.iter().map(|c| c.name.as_str()).collect()),
            other => panic!("{other:?}"),
        })
        .collect();
    let (a, b) = (vec!["h0", "h1", "h2"], vec!["h0", "h3"]);
    assert_eq!(shapes, [(10, a.clone()), (10, a.clone()), (5, a), (10, b.clone()), (10, b.clone()), (5, b)]);
    assert_eq!(cards.len(), 3);
}

#[test]
fn a_platform_without_tables_gets_aligned_text() {
    let card = Card::titled("All the files").block(Block::Table(table(2, 2)));
    let none = Capabilities { table: None, ..caps() };
    assert_eq!(fit(&card, &none)[0].blocks, [Block::Code("h0      h1\n────  ────\nr0c0  r0c1\nr1c0  r1c1\n".into())]);
    // Too long for one block: the beginning and the file, or several blocks, each with its headings.
    let card = Card::titled("All the files").block(Block::Table(table(200, 2)));
    let blocks = &fit(&card, &Capabilities { text: 200, ..none.clone() })[0].blocks;
    assert!(matches!(&blocks[..], [Block::Code(_), Block::Text(_), Block::File(_)]), "{blocks:?}");
    let cards = fit(&card, &Capabilities { text: 200, upload: 0, ..none });
    assert!(cards.iter().flat_map(|c| &c.blocks).all(|b| matches!(b, Block::Code(text) if text.starts_with("h0") && chars(text) <= 200)));
    assert!((0..200).all(|row| readable(&cards).contains(&format!("r{row}c1"))));
}

#[test]
fn a_form_becomes_questions_where_there_are_none() {
    let card = Card::titled("What is missing").block(Block::Form(form("name", "where it is to be kept")));
    let cards = fit(&card, &Capabilities { forms: false, ..caps() });
    assert_eq!(
        crate::plain::card(&cards[0], &|_| String::new()),
        "What is missing\nWrite file put with:\n• name (required): where it is to be kept; one of a, b\n  it is empty"
    );
}

#[test]
fn long_names_of_files_keep_their_ending() {
    assert_eq!(super::pieces::file_name("a-rather-long-name.tar.gz", 12), "a-rather….gz");
    assert_eq!(super::pieces::file_name("short.csv", 12), "short.csv");
    assert_eq!(super::pieces::file_name("a-name-without-an-ending", 5), "a-na…");
}

#[test]
fn the_least_limits_end() {
    let least = Capabilities {
        blocks: 0,
        text: 0,
        title: 0,
        message: 0,
        fields: 0,
        actions: 0,
        label: 0,
        table: Some(TableLimits { rows: 0, columns: 0, text: 0, each: 0 }),
        upload: 0,
        forms: false,
        ..caps()
    };
    let card = Card::titled("Title").and_text("ab").and_fields(vec![("n", "v")]).block(Block::Table(table(2, 2)));
    let card = card.and_actions(vec![Action::prefill("Long label", "x")]).block(Block::Form(form("l", "h")));
    for caps in [least.clone(), Capabilities { table: None, ..least }] {
        let cards = fit(&card, &caps);
        assert!(cards.iter().all(|c| message(c) <= 1 && c.blocks.len() <= 1));
        assert_eq!(cards.iter().flat_map(Card::actions).count(), 1);
        assert!(letters(&readable(&cards)).contains("r1c1"));
    }
}

fn form(label: &str, hint: &str) -> Form {
    let input = Input {
        id: "name".into(),
        label: label.into(),
        hint: hint.into(),
        required: true,
        problem: Some("it is empty".into()),
        value: String::new(),
        kind: InputKind::Choice(vec!["a".into(), "b".into()]),
    };
    Form { command: "file put".into(), submit: "Store it".into(), inputs: vec![input] }
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9 ]{0,30}",
        2 => "[a-zäß日本\n ]{0,200}",
        1 => any::<String>(),
        1 => Just("👩‍👩‍👧‍👦e\u{301}".repeat(10)),
        1 => Just("x".repeat(700)),
    ]
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        4 => words().prop_map(Span::Plain),
        1 => words().prop_map(Span::Bold),
        1 => words().prop_map(Span::Code),
        1 => (words(), words()).prop_map(|(text, url)| Span::Link { text, url }),
        1 => Just(Span::Time("2026-11-23T10:00:00Z".parse().unwrap())),
        1 => "[a-z]{0,40}".prop_map(|name| Span::Mention {
            user: UserRef { chat: "work".into(), workspace: "W".into(), user: "U".into() },
            name,
        }),
    ]
}

fn line() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec(span(), 0..4)
}

fn any_table() -> impl Strategy<Value = Table> {
    let column = (words(), any::<bool>()).prop_map(|(name, numeric)| Column { name, numeric });
    let row = prop::collection::vec(line(), 0..5);
    (words(), prop::collection::vec(column, 0..5), prop::collection::vec(row, 0..12)).prop_map(|(caption, columns, rows)| Table {
        caption,
        columns,
        rows,
    })
}

fn action() -> impl Strategy<Value = Action> {
    let does = prop_oneof![
        any::<u32>().prop_map(|n| Does::Invoke(Invoke { command: "do".into(), args: n.into() })),
        words().prop_map(Does::Open),
        words().prop_map(Does::Prefill),
    ];
    (words(), does).prop_map(|(label, does)| Action { label, style: ActionStyle::Plain, does })
}

fn block() -> impl Strategy<Value = Block> {
    prop_oneof![
        3 => line().prop_map(Block::Text),
        2 => prop::collection::vec((words(), line()), 0..6)
            .prop_map(|f| Block::Fields(f.into_iter().map(|(name, value)| Field { name, value }).collect())),
        2 => any_table().prop_map(Block::Table),
        2 => words().prop_map(Block::Code),
        2 => prop::collection::vec(action(), 0..6).prop_map(Block::Actions),
        1 => Just(Block::Divider),
        1 => words().prop_map(|alt| Block::Image(Image { alt, name: "a.png".into(), content_type: "image/png".into(), bytes: Arc::from([1_u8]) })),
        1 => (words(), words()).prop_map(|(title, alt)| Block::Chart(Chart {
            title,
            kind: ChartKind::Line,
            x: XAxis::Category(vec!["a".into()]),
            unit: String::new(),
            series: vec![Series { name: "s".into(), values: vec![Some(1.0)], style: SeriesStyle::Solid }],
            last_incomplete: false,
            alt,
        })),
        1 => (words(), any::<u64>(), any::<Option<u64>>())
            .prop_map(|(what, done, total)| Block::Progress(Progress { rate: total, left: total, ..Progress::bytes(what, done, total) })),
        1 => (words(), words()).prop_map(|(label, hint)| Block::Form(form(&label, &hint))),
        1 => words().prop_map(|name| Block::File(FileBlock {
            name,
            content_type: "text/plain".into(),
            size: 5,
            source: FileSource::Stored { store: "local".into(), name: "n".into(), version: None },
        })),
    ]
}

fn any_card() -> impl Strategy<Value = Card> {
    (words(), prop::collection::vec(block(), 0..8)).prop_map(|(title, blocks)| Card { title, tone: Tone::Warning, blocks })
}

fn any_caps() -> impl Strategy<Value = Capabilities> {
    let limit = || prop_oneof![1 => 0_usize..4, 3 => 4_usize..60, 3 => 60_usize..3000];
    let table = prop::option::of((0_usize..12, 0_usize..5, limit(), 0_usize..4).prop_map(|(rows, columns, text, each)| TableLimits {
        rows,
        columns,
        text,
        each,
    }));
    let sizes = (limit(), limit(), limit(), limit());
    (sizes, 0_usize..6, 0_usize..6, limit(), table, prop_oneof![Just(0), Just(100), Just(u64::MAX)], any::<bool>()).prop_map(
        |((blocks, text, title, message), fields, actions, label, table, upload, forms)| Capabilities {
            blocks,
            text,
            title,
            message,
            fields,
            actions,
            label,
            table,
            upload,
            forms,
            ..Capabilities::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_limit_is_kept_and_what_fits_stays(card in any_card(), caps in any_caps()) {
        let cards = fit(&card, &caps);
        prop_assert!(!cards.is_empty());
        for one in &cards {
            prop_assert!(Limits::of(&caps).kept_by(one), "{one:?}");
            prop_assert_eq!(one.tone, card.tone);
            prop_assert_eq!(&fit(one, &caps)[..], std::slice::from_ref(one));
            // Said once more without the code's own measure, as a platform would count.
            prop_assert!(one.blocks.len() <= caps.blocks.max(1));
            prop_assert!(one.title.chars().count() <= caps.title);
            prop_assert!(one.actions().count() <= caps.actions.max(1));
            prop_assert!(one.actions().all(|a| a.label.chars().count() <= caps.label.max(1)));
        }
    }

    #[test]
    fn no_action_is_lost(card in any_card(), caps in any_caps()) {
        let cards = fit(&card, &caps);
        let after: Vec<&Does> = cards.iter().flat_map(Card::actions).map(|a| &a.does).collect();
        let before: Vec<&Does> = card.actions().map(|a| &a.does).collect();
        prop_assert_eq!(after, before);
    }

    #[test]
    fn no_text_is_lost(words in prop::collection::vec(words(), 1..6), caps in any_caps()) {
        let card = Card::titled("Title").and_text(words.join(" ")).block(Block::Code(words.concat())).block(Block::Fields(
            words.iter().map(|w| Field { name: w.clone(), value: vec![Span::Bold(w.clone()), w.as_str().into()] }).collect(),
        ));
        prop_assert_eq!(letters(&readable(&fit(&card, &caps))), letters(&readable(&[card])));
    }

    #[test]
    fn no_cell_is_lost(rows in 1_usize..40, columns in 1_usize..8, caps in any_caps()) {
        let card = Card::titled("Title").block(Block::Table(table(rows, columns)));
        let text = letters(&readable(&fit(&card, &caps)));
        for row in 0..rows {
            for column in 0..columns {
                let cell = format!("r{row}c{column}");
                prop_assert!(text.contains(&cell), "{cell} in {text}");
            }
        }
    }

    #[test]
    fn descriptions_and_questions_are_not_lost(about in "[a-z]{1,400}", caps in any_caps()) {
        let image = Image { alt: about.clone(), name: "a.png".into(), content_type: "image/png".into(), bytes: Arc::from([1_u8]) };
        let progress = Progress::items(about.clone(), 1, None);
        for block in [Block::Image(image), Block::Progress(progress), Block::Form(form(&about, "hint"))] {
            let text = letters(&readable(&fit(&Card::titled("Title").block(block), &caps)));
            prop_assert!(text.contains(&about), "{text}");
        }
    }
}
