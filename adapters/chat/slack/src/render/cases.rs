//! Arbitrary cards and forms, hostile ones among them.

use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Invoke;
use bellhop_core::card::{
    Action, ActionStyle, Block, Card, Column, Does, Field, FileBlock, FileSource, Image, Progress, Span, Table, Tone,
};
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use bellhop_core::form::{Form, Input, InputKind};
use proptest::prelude::*;
use std::sync::Arc;

/// The channel that messages are rendered for.
pub(super) fn here() -> Address {
    Address::channel("work", "T1", "C1")
}

/// What means something to Slack if it is let.
pub(super) const HOSTILE: [&str; 22] = [
    "<!channel>",
    "<!here|here>",
    "<@U1>",
    "<@U666|ann>",
    "<#C1|general>",
    "<!subteam^S1>",
    "@here @channel @everyone #general",
    "&lt;!channel&gt;",
    "&amp;lt;",
    "`a`",
    "```\n<!channel>\n```",
    "*bold* _it_ ~no~",
    "> quoted\n> again",
    "<https://evil.example|https://good.example>",
    ":tada: :+1:",
    "\u{202e}gnp.exe\u{202c}",
    "a\u{200b}b\u{2066}c\u{2069}",
    "x|y>z<w",
    "<!date^0^{date}|<!here>>",
    "\u{0}\u{1b}[31m",
    "\u{feff}\u{ad}",
    "** ``` __ ~~ ````",
];

pub(super) fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9 ]{0,30}",
        2 => "[a-zäß日本\n ]{0,200}",
        1 => any::<String>(),
        2 => prop::collection::vec(prop::sample::select(&HOSTILE[..]), 1..4).prop_map(|parts| parts.concat()),
        1 => "[&<>*_~`|]{0,40}",
        1 => Just("👩‍👩‍👧‍👦e\u{301}".repeat(10)),
        1 => Just("x".repeat(700)),
        1 => Just("<&>".repeat(900)),
    ]
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}".prop_map(|path| format!("https://example.org/{path}?a=1&b=<x|y>")),
        1 => Just("mailto:ann@example.org?subject=<!here>".to_owned()),
        1 => Just("javascript:alert(1)".to_owned()),
        1 => Just(format!("https://example.org/{}", "x".repeat(3100))),
        2 => words(),
    ]
}

/// A person: of this chat and workspace, of another, or with an id that is none of Slack's.
fn mention() -> impl Strategy<Value = Span> {
    let user = prop_oneof![
        3 => "U[A-Z0-9]{1,9}".prop_map(|user| ("work", "T1", user)),
        1 => Just(("work", "T2", "U7".to_owned())),
        1 => Just(("other", "T1", "U8".to_owned())),
        1 => Just(("work", "T1", "U9><!here>".to_owned())),
    ];
    (user, words()).prop_map(|((chat, workspace, user), name)| Span::Mention {
        user: UserRef { chat: chat.into(), workspace: workspace.into(), user: user.into() },
        name,
    })
}

pub(super) fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        4 => words().prop_map(Span::Plain),
        1 => words().prop_map(Span::Bold),
        1 => words().prop_map(Span::Code),
        1 => (words(), address()).prop_map(|(text, url)| Span::Link { text, url }),
        1 => prop_oneof![Just("2026-11-23T10:00:00Z"), Just("1833-01-01T00:00:00Z")].prop_map(|at| Span::Time(at.parse().unwrap())),
        1 => mention(),
    ]
}

fn line() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec(span(), 0..4)
}

fn table() -> impl Strategy<Value = Table> {
    let column = (words(), any::<bool>()).prop_map(|(name, numeric)| Column { name, numeric });
    let row = prop::collection::vec(line(), 0..5);
    let small = (words(), prop::collection::vec(column, 0..5), prop::collection::vec(row, 0..12));
    prop_oneof![
        4 => small.prop_map(|(caption, columns, rows)| Table { caption, columns, rows }),
        1 => (1_usize..130, 1_usize..24, "[a-z&]{0,6}").prop_map(|(rows, columns, cell)| Table {
            caption: String::new(),
            columns: (0..columns).map(|at| Column { name: format!("c{at}"), numeric: at % 2 == 1 }).collect(),
            rows: vec![vec![vec![Span::Plain(cell)]; columns]; rows],
        }),
    ]
}

fn invoke() -> impl Strategy<Value = Invoke> {
    let args = prop_oneof![
        2 => words().prop_map(|name| serde_json::json!({ "name": name })),
        1 => Just(serde_json::json!({ "name": "n".repeat(3000), "all": true })),
        1 => Just(serde_json::json!({})),
    ];
    (prop::sample::select(&["file list", "file delete", "status"][..]), args)
        .prop_map(|(command, args)| Invoke { command: command.into(), args })
}

pub(super) fn action() -> impl Strategy<Value = Action> {
    let does = prop_oneof![
        3 => invoke().prop_map(Does::Invoke),
        1 => address().prop_map(Does::Open),
        1 => words().prop_map(Does::Prefill),
    ];
    let style = prop::sample::select(&[ActionStyle::Plain, ActionStyle::Plain, ActionStyle::Primary, ActionStyle::Danger][..]);
    (words(), style, does).prop_map(|(label, style, does)| Action { label, style, does })
}

fn chart() -> impl Strategy<Value = Chart> {
    let short = || prop_oneof![3 => "[a-z]{0,8}", 1 => words()];
    let value = prop_oneof![6 => (-1e9..1e9).prop_map(Some), 1 => Just(Some(3.0)), 1 => Just(None), 1 => Just(Some(f64::NAN))];
    let interval = prop::sample::select(&[Interval::Hour, Interval::Day, Interval::Week, Interval::Month][..]);
    (short(), words(), short(), any::<(bool, bool, bool)>(), 0_usize..25, interval).prop_flat_map(
        move |(title, alt, unit, (bars, time, last_incomplete), points, interval)| {
            let series = (short(), prop::collection::vec(value.clone(), points)).prop_map(|(name, values)| Series {
                name,
                values,
                style: SeriesStyle::Solid,
            });
            let names = prop::collection::vec(short(), points);
            (prop::collection::vec(series, 0..8), names).prop_map(move |(series, names)| Chart {
                title: title.clone(),
                kind: if bars { ChartKind::Bar } else { ChartKind::Line },
                x: if time {
                    // Over the end of summer time, so that an hour comes twice.
                    let start: bellhop_core::Timestamp = "2026-10-24T22:00:00Z".parse().unwrap();
                    let at = (0..i64::try_from(points).unwrap()).map(|hour| start + chrono::Duration::hours(hour)).collect();
                    XAxis::Time { at, zone: "Europe/Berlin".into(), interval }
                } else {
                    XAxis::Category(names)
                },
                unit: unit.clone(),
                series,
                last_incomplete,
                alt: alt.clone(),
            })
        },
    )
}

fn input() -> impl Strategy<Value = Input> {
    let kind = prop_oneof![
        2 => Just(InputKind::Text),
        1 => Just(InputKind::Search),
        1 => Just(InputKind::Flag),
        1 => Just(InputKind::Lines),
        2 => prop::collection::vec(words(), 0..4).prop_map(InputKind::Choice),
        1 => Just(InputKind::Choice((0..130).map(|at| format!("c{at}")).collect())),
    ];
    let value = prop_oneof![3 => Just(String::new()), 1 => Just("true".to_owned()), 1 => Just("c1".to_owned()), 2 => words()];
    ((words(), words()), any::<bool>(), prop::option::of(words()), value, kind).prop_map(
        |((label, hint), required, problem, value, kind)| Input { id: "name".into(), label, hint, required, problem, value, kind },
    )
}

pub(super) fn form() -> impl Strategy<Value = Form> {
    let inputs = prop_oneof![4 => prop::collection::vec(input(), 0..6), 1 => prop::collection::vec(input(), 90..120)];
    (prop_oneof![Just("file put".to_owned()), words()], words(), inputs).prop_map(|(command, submit, mut inputs)| {
        inputs.iter_mut().enumerate().for_each(|(at, input)| input.id = format!("i{at}"));
        Form { command, submit, inputs }
    })
}

fn small_form() -> impl Strategy<Value = Form> {
    form().prop_map(|mut form| {
        form.inputs.truncate(6);
        form
    })
}

pub(super) fn block() -> impl Strategy<Value = Block> {
    let field = (words(), line()).prop_map(|(name, value)| Field { name, value });
    let image = |alt| Image { alt, name: "a.png".into(), content_type: "image/png".into(), bytes: Arc::from([1_u8]) };
    let file = |name| FileBlock {
        name,
        content_type: "text/plain".into(),
        size: 5,
        source: FileSource::Stored { store: "local".into(), name: "kept/as.txt".into(), version: None },
    };
    prop_oneof![
        3 => line().prop_map(Block::Text),
        2 => prop::collection::vec(field, 0..14).prop_map(Block::Fields),
        2 => table().prop_map(Block::Table),
        2 => words().prop_map(Block::Code),
        2 => prop::collection::vec(action(), 0..6).prop_map(Block::Actions),
        1 => prop::collection::vec(action(), 6..30).prop_map(Block::Actions),
        1 => Just(Block::Divider),
        1 => words().prop_map(move |alt| Block::Image(image(alt))),
        2 => chart().prop_map(Block::Chart),
        1 => (words(), any::<u64>(), any::<Option<u64>>())
            .prop_map(|(what, done, total)| Block::Progress(Progress { rate: total, left: total, ..Progress::bytes(what, done, total) })),
        1 => small_form().prop_map(Block::Form),
        1 => words().prop_map(move |name| Block::File(file(name))),
    ]
}

pub(super) fn card() -> impl Strategy<Value = Card> {
    let tone = prop::sample::select(&[Tone::Neutral, Tone::Good, Tone::Warning, Tone::Bad][..]);
    let blocks = prop_oneof![9 => prop::collection::vec(block(), 0..8), 1 => prop::collection::vec(block(), 20..60)];
    (words(), tone, blocks).prop_map(|(title, tone, blocks)| Card { title, tone, blocks })
}
