//! Typical cards as they are sent: the text, and each block on a line of its own.

use super::cases::here;
use super::limits::{of_message, of_options, of_view};
use super::{Message, form_view, home_view, line_view, message, options, plainer, save_view};
use crate::click::ViewMeta;
use bellhop_core::address::UserRef;
use bellhop_core::call::Invoke;
use bellhop_core::card::{
    Action, ActionStyle, Block, Card, Column, Field, FileBlock, FileSource, Progress, ProgressUnit, Span, Table, Tone,
};
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use bellhop_core::command::Suggestion;
use bellhop_core::form::{Form, Input, InputKind};
use serde_json::{Value, json};
use std::sync::Arc;

fn lines(blocks: &[Value]) -> String {
    blocks.iter().map(|block| format!("{block}\n")).collect()
}

fn shown(message: &Message) -> String {
    assert_eq!(of_message(message), Vec::<String>::new());
    let kept: String = message.kept.iter().map(|kept| format!("kept {}\n", kept.key)).collect();
    format!("{}\n\n{}{kept}", message.text, lines(&message.blocks))
}

fn viewed(view: &Value) -> String {
    assert_eq!(of_view(view), Vec::<String>::new());
    let mut head = view.clone();
    let blocks = head.as_object_mut().unwrap().remove("blocks").unwrap();
    format!("{head}\n\n{}", lines(blocks.as_array().unwrap()))
}

fn invoke(command: &str, args: Value) -> Invoke {
    Invoke { command: command.into(), args }
}

fn time(at: &str) -> Span {
    Span::Time(at.parse().unwrap())
}

fn alert() -> Card {
    let ann = UserRef { chat: "work".into(), workspace: "T1".into(), user: "U1".into() };
    let bob = UserRef { chat: "elsewhere".into(), workspace: "1".into(), user: "2".into() };
    Card::titled("Disk <full> on db-1")
        .tone(Tone::Bad)
        .and_spans(vec![
            "Only ".into(),
            Span::Bold("2 %".into()),
            " left; see ".into(),
            Span::Link { text: "the runbook".into(), url: "https://docs.example.org/disk?a=1&b=2".into() },
            ". On call: ".into(),
            Span::Mention { user: ann, name: "Ann".into() },
            ", ".into(),
            Span::Mention { user: bob, name: "Bob".into() },
            ". Said by <!channel> *nobody*.".into(),
        ])
        .block(Block::Fields(vec![
            Field { name: "Severity".into(), value: vec!["critical".into()] },
            Field { name: "Since".into(), value: vec![time("2026-11-23T10:00:00Z")] },
            Field { name: "Host".into(), value: vec![Span::Code("db-1 & db-2".into())] },
        ]))
        .and_actions(vec![
            Action::invoke("Acknowledge", invoke("alert ack", json!({ "id": "7" }))).style(ActionStyle::Primary),
            Action::invoke("Delete the logs", invoke("file delete", json!({ "name": "logs/*" }))).style(ActionStyle::Danger),
            Action::open("Dashboard", "https://grafana.example.org/d/1"),
            Action::prefill("Add a note", "alert note 7 "),
        ])
}

#[test]
fn an_alert() {
    insta::assert_snapshot!(shown(&message(&alert(), &here())), @"");
}

#[test]
fn the_same_more_plainly() {
    insta::assert_snapshot!(shown(&plainer(&alert(), &here())), @"");
}

#[test]
fn files() {
    let row = |name: &str, size: &str, by: &str| {
        vec![vec![Span::Code(name.into())], vec![size.into()], if by.is_empty() { vec![] } else { vec![by.into()] }]
    };
    let table = Table {
        caption: "Files".into(),
        columns: vec![
            Column { name: "Name".into(), numeric: false },
            Column { name: "Size".into(), numeric: true },
            Column { name: "By".into(), numeric: false },
        ],
        rows: vec![row("report_2026.csv", "12 KiB", "ann"), row("*.bak", "3 B", "")],
    };
    let more: Vec<Action> =
        (1..=10).map(|page| Action::invoke(format!("Page {page}"), invoke("file list", json!({ "page": page })))).collect();
    let card = Card::titled("Files").block(Block::Table(table)).and_actions(more);
    insta::assert_snapshot!(shown(&message(&card, &here())), @"");
}

fn report() -> Card {
    let series = |name: &str, values: [f64; 3]| Series { name: name.into(), values: values.map(Some).to_vec(), style: SeriesStyle::Solid };
    let chart = Chart {
        title: "Sign-ups by day".into(),
        kind: ChartKind::Line,
        x: XAxis::Time {
            at: ["2026-11-20T23:00:00Z", "2026-11-21T23:00:00Z", "2026-11-22T23:00:00Z"].map(|at| at.parse().unwrap()).to_vec(),
            zone: "Europe/Berlin".into(),
            interval: Interval::Day,
        },
        unit: "people".into(),
        series: vec![series("this week", [3.0, 5.5, 4.0]), series("this week", [1.0, 2.0, 3.0])],
        last_incomplete: true,
        alt: "Sign-ups rose from 3 to 5.5 and stand at 4.".into(),
    };
    let file = FileBlock {
        name: "sign-ups.csv".into(),
        content_type: "text/csv".into(),
        size: 2048,
        source: FileSource::Inline(Arc::from([1_u8])),
    };
    Card::titled("Weekly report").tone(Tone::Good).block(Block::Chart(chart)).block(Block::Divider).block(Block::File(file))
}

#[test]
fn a_report() {
    insta::assert_snapshot!(shown(&message(&report(), &here())), @"");
}

fn form() -> Form {
    let input = |id: &str, label: &str, value: &str, kind| Input {
        id: id.into(),
        label: label.into(),
        hint: String::new(),
        required: false,
        problem: None,
        value: value.into(),
        kind,
    };
    Form {
        command: "file put".into(),
        submit: "Store the file under this name".into(),
        inputs: vec![
            Input {
                required: true,
                problem: Some("it is empty".into()),
                hint: "Its name".into(),
                ..input("name", "Name", "", InputKind::Text)
            },
            input("store", "Store", "local", InputKind::Search),
            input("mode", "Mode", "b", InputKind::Choice(vec!["a".into(), "b".into()])),
            input("force", "Overwrite", "true", InputKind::Flag),
            input("tags", "Tags", "x\ny", InputKind::Lines),
        ],
    }
}

#[test]
fn a_question() {
    let card = Card::titled("What is missing").tone(Tone::Warning).block(Block::Form(form()));
    insta::assert_snapshot!(shown(&message(&card, &here())), @"");
}

#[test]
fn a_form() {
    let meta = ViewMeta { command: "file put".into(), channel: "C1".into(), ..ViewMeta::default() };
    insta::assert_snapshot!(viewed(&form_view(&form(), &meta, "Store a file in a store of ours")), @"");
}

#[test]
fn a_line_and_files_without_a_channel() {
    insta::assert_snapshot!(viewed(&line_view(&ViewMeta::default(), "file list ")), @"");
    insta::assert_snapshot!(viewed(&save_view(&ViewMeta { channel: "C1".into(), ..ViewMeta::default() }, "")), @"");
}

#[test]
fn progress() {
    let progress = Progress { what: "Copying a_b_c.bin".into(), done: 3 << 20, total: Some(5 << 20), unit: ProgressUnit::Bytes };
    let card = Card::default().block(Block::Progress(progress)).tone(Tone::Good);
    insta::assert_snapshot!(shown(&message(&card, &here())), @"");
}

#[test]
fn the_page() {
    let cards = [
        Card::titled("All is well").tone(Tone::Good),
        Card::text("Nothing is planned.").and_actions(vec![Action::prefill("Plan", "schedule add ")]),
    ];
    let (view, kept) = home_view(&cards, &here());
    assert!(kept.is_empty());
    insta::assert_snapshot!(viewed(&view), @"");
}

#[test]
fn proposals() {
    let known = [
        Suggestion { value: "reports".into(), about: "the local store".into() },
        Suggestion { value: "x".repeat(90), about: String::new() },
    ];
    let answer = options(&known, "rep");
    assert_eq!(of_options(&answer), Vec::<String>::new());
    insta::assert_snapshot!(lines(answer["options"].as_array().unwrap()), @"");
    assert_eq!(options(&known, "reports")["options"].as_array().unwrap().len(), 1);
}
