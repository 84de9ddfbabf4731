//! Typical cards as they are sent: the text, and each block on a line of its own.

use super::cases::here;
use super::limits::{of_message, of_options, of_view};
use super::{Message, form_view, home_view, line_view, message, options, plainer, save_view};
use crate::click::ViewMeta;
use bellhop_core::address::UserRef;
use bellhop_core::call::Invoke;
use bellhop_core::card::{
    Action, ActionStyle, Block, Card, Column, Field, FileBlock, FileSource, Progress, Span, Table, Tone,
};
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use bellhop_core::command::Suggestion;
use bellhop_core::form::{Form, Input, InputKind};
use serde_json::{Value, json};
use std::sync::Arc;

fn lines(blocks: &[Value]) -> String {
    blocks.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn shown(message: &Message) -> String {
    assert_eq!(of_message(message), Vec::<String>::new());
    assert!(message.kept.is_empty());
    format!("{}\n\n{}", message.text, lines(&message.blocks))
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
    insta::assert_snapshot!(shown(&message(&alert(), &here())), @r##"
    ✗ Disk &lt;full&gt; on db-1
    Only 2 % left; see the runbook (https://docs.example.org/disk?a=1&amp;b=2). On call: @Ann, @Bob. Said by &lt;!channel&gt; *nobody*.
    Severity: critical
    Since:    2026-11-23 10:00 UTC
    Host:     db-1 &amp; db-2
    → Acknowledge: alert ack (id: 7)
    → Delete the logs: file delete (name: logs/*)
    → Dashboard: https://grafana.example.org/d/1
    → Add a note: alert note 7

    {"text":{"emoji":false,"text":"❌ Disk <full> on db-1","type":"plain_text"},"type":"header"}
    {"elements":[{"elements":[{"text":"Only ","type":"text"},{"style":{"bold":true},"text":"2 %","type":"text"},{"text":" left; see ","type":"text"},{"text":"the runbook","type":"link","url":"https://docs.example.org/disk?a=1&b=2"},{"text":". On call: ","type":"text"},{"type":"user","user_id":"U1"},{"text":", ","type":"text"},{"text":"@Bob","type":"text"},{"text":". Said by <!channel> *nobody*.","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}
    {"fields":[{"text":"*Severity*\ncritical","type":"mrkdwn","verbatim":true},{"text":"*Since*\n<!date^1795428000^{date_short_pretty} {time}|2026-11-23 10:00 UTC>","type":"mrkdwn","verbatim":true},{"text":"*Host*\n`db-1 &amp; db-2`","type":"mrkdwn","verbatim":true}],"type":"section"}
    {"elements":[{"accessibility_label":"Acknowledge: runs alert ack","action_id":"b0","style":"primary","text":{"emoji":false,"text":"Acknowledge","type":"plain_text"},"type":"button","value":"{\"i\":{\"command\":\"alert ack\",\"args\":{\"id\":\"7\"}}}"},{"accessibility_label":"Delete the logs: runs file delete","action_id":"b1","confirm":{"confirm":{"emoji":false,"text":"Run it","type":"plain_text"},"deny":{"emoji":false,"text":"Cancel","type":"plain_text"},"style":"danger","text":{"emoji":false,"text":"This runs file delete (name: logs/*)","type":"plain_text"},"title":{"emoji":false,"text":"Run it?","type":"plain_text"}},"style":"danger","text":{"emoji":false,"text":"Delete the logs","type":"plain_text"},"type":"button","value":"{\"i\":{\"command\":\"file delete\",\"args\":{\"name\":\"logs/*\"}}}"},{"accessibility_label":"Dashboard: opens grafana.example.org","action_id":"b2","text":{"emoji":false,"text":"Dashboard","type":"plain_text"},"type":"button","url":"https://grafana.example.org/d/1","value":"\"n\""},{"accessibility_label":"Add a note: starts alert note 7","action_id":"b3","text":{"emoji":false,"text":"Add a note","type":"plain_text"},"type":"button","value":"{\"p\":\"alert note 7 \"}"}],"type":"actions"}
    "##);
}

#[test]
fn the_same_more_plainly() {
    insta::assert_snapshot!(shown(&plainer(&alert(), &here())), @r##"
    ✗ Disk &lt;full&gt; on db-1
    Only 2 % left; see the runbook (https://docs.example.org/disk?a=1&amp;b=2). On call: @Ann, @Bob. Said by &lt;!channel&gt; *nobody*.
    Severity: critical
    Since:    2026-11-23 10:00 UTC
    Host:     db-1 &amp; db-2
    → Acknowledge: alert ack (id: 7)
    → Delete the logs: file delete (name: logs/*)
    → Dashboard: https://grafana.example.org/d/1
    → Add a note: alert note 7

    {"elements":[{"elements":[{"style":{"bold":true},"text":"❌ Disk <full> on db-1","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}
    {"elements":[{"elements":[{"text":"Only ","type":"text"},{"style":{"bold":true},"text":"2 %","type":"text"},{"text":" left; see ","type":"text"},{"text":"the runbook (https://docs.example.org/disk?a=1&b=2)","type":"text"},{"text":". On call: ","type":"text"},{"type":"user","user_id":"U1"},{"text":", ","type":"text"},{"text":"@Bob","type":"text"},{"text":". Said by <!channel> *nobody*.","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}
    {"elements":[{"elements":[{"style":{"bold":true},"text":"Severity:","type":"text"},{"text":" ","type":"text"},{"text":"critical","type":"text"},{"text":"\n","type":"text"},{"style":{"bold":true},"text":"Since:","type":"text"},{"text":" ","type":"text"},{"fallback":"2026-11-23 10:00 UTC","format":"{date_short_pretty} {time}","timestamp":1795428000,"type":"date"},{"text":"\n","type":"text"},{"style":{"bold":true},"text":"Host:","type":"text"},{"text":" ","type":"text"},{"style":{"code":true},"text":"db-1 & db-2","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}
    {"elements":[{"accessibility_label":"Acknowledge: runs alert ack","action_id":"b0","style":"primary","text":{"emoji":false,"text":"Acknowledge","type":"plain_text"},"type":"button","value":"{\"i\":{\"command\":\"alert ack\",\"args\":{\"id\":\"7\"}}}"},{"accessibility_label":"Delete the logs: runs file delete","action_id":"b1","confirm":{"confirm":{"emoji":false,"text":"Run it","type":"plain_text"},"deny":{"emoji":false,"text":"Cancel","type":"plain_text"},"style":"danger","text":{"emoji":false,"text":"This runs file delete (name: logs/*)","type":"plain_text"},"title":{"emoji":false,"text":"Run it?","type":"plain_text"}},"style":"danger","text":{"emoji":false,"text":"Delete the logs","type":"plain_text"},"type":"button","value":"{\"i\":{\"command\":\"file delete\",\"args\":{\"name\":\"logs/*\"}}}"},{"accessibility_label":"Add a note: starts alert note 7","action_id":"b2","text":{"emoji":false,"text":"Add a note","type":"plain_text"},"type":"button","value":"{\"p\":\"alert note 7 \"}"}],"type":"actions"}
    {"elements":[{"elements":[{"style":{"bold":true},"text":"Dashboard:","type":"text"},{"text":" https://grafana.example.org/d/1","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}
    "##);
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
    insta::assert_snapshot!(shown(&message(&card, &here())), @r##"
    Files
    Name               Size  By
    ───────────────  ──────  ───
    report_2026.csv  12 KiB  ann
    *.bak               3 B
    → Page 1: file list (page: 1)
    → Page 2: file list (page: 2)
    → Page 3: file list (page: 3)
    → Page 4: file list (page: 4)
    → Page 5: file list (page: 5)
    → Page 6: file list (page: 6)
    → Page 7: file list (page: 7)
    → Page 8: file list (page: 8)
    → Page 9: file list (page: 9)
    → Page 10: file list (page: 10)

    {"text":{"emoji":false,"text":"Files","type":"plain_text"},"type":"header"}
    {"column_settings":[{"align":"left","is_wrapped":true},{"align":"right"},{"align":"left","is_wrapped":true}],"rows":[[{"elements":[{"elements":[{"style":{"bold":true},"text":"Name","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"},{"elements":[{"elements":[{"style":{"bold":true},"text":"Size","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"},{"elements":[{"elements":[{"style":{"bold":true},"text":"By","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}],[{"elements":[{"elements":[{"style":{"code":true},"text":"report_2026.csv","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"},{"text":"12 KiB","type":"raw_text"},{"text":"ann","type":"raw_text"}],[{"elements":[{"elements":[{"style":{"code":true},"text":"*.bak","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"},{"text":"3 B","type":"raw_text"},{"text":" ","type":"raw_text"}]],"type":"table"}
    {"elements":[{"accessibility_label":"Page 1: runs file list","action_id":"b0","text":{"emoji":false,"text":"Page 1","type":"plain_text"},"type":"button","value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":1}}}"},{"accessibility_label":"Page 2: runs file list","action_id":"b1","text":{"emoji":false,"text":"Page 2","type":"plain_text"},"type":"button","value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":2}}}"},{"accessibility_label":"Page 3: runs file list","action_id":"b2","text":{"emoji":false,"text":"Page 3","type":"plain_text"},"type":"button","value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":3}}}"},{"accessibility_label":"Page 4: runs file list","action_id":"b3","text":{"emoji":false,"text":"Page 4","type":"plain_text"},"type":"button","value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":4}}}"},{"accessibility_label":"Page 5: runs file list","action_id":"b4","text":{"emoji":false,"text":"Page 5","type":"plain_text"},"type":"button","value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":5}}}"}],"type":"actions"}
    {"elements":[{"action_id":"s0","options":[{"text":{"emoji":false,"text":"Page 6","type":"plain_text"},"value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":6}}}"},{"text":{"emoji":false,"text":"Page 7","type":"plain_text"},"value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":7}}}"},{"text":{"emoji":false,"text":"Page 8","type":"plain_text"},"value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":8}}}"},{"text":{"emoji":false,"text":"Page 9","type":"plain_text"},"value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":9}}}"},{"text":{"emoji":false,"text":"Page 10","type":"plain_text"},"value":"{\"i\":{\"command\":\"file list\",\"args\":{\"page\":10}}}"}],"placeholder":{"emoji":false,"text":"More…","type":"plain_text"},"type":"static_select"}],"type":"actions"}
    "##);
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
    insta::assert_snapshot!(shown(&message(&report(), &here())), @r##"
    ✓ Weekly report
    [chart: Sign-ups rose from 3 to 5.5 and stand at 4.]
    ———
    [file: sign-ups.csv (2 KiB)]

    {"text":{"emoji":false,"text":"✅ Weekly report","type":"plain_text"},"type":"header"}
    {"chart":{"axis_config":{"categories":["21 Nov","22 Nov","23 Nov…"],"y_label":"people"},"series":[{"data":[{"label":"21 Nov","value":3},{"label":"22 Nov","value":5.5},{"label":"23 Nov…","value":4}],"name":"this week"},{"data":[{"label":"21 Nov","value":1},{"label":"22 Nov","value":2},{"label":"23 Nov…","value":3}],"name":"this week (2)"}],"type":"line"},"title":"Sign-ups by day","type":"data_visualization"}
    {"elements":[{"emoji":false,"text":"Sign-ups rose from 3 to 5.5 and stand at 4. The last value (…) is still growing.","type":"plain_text"}],"type":"context"}
    {"type":"divider"}
    {"elements":[{"emoji":false,"text":"📎 sign-ups.csv (2 KiB)","type":"plain_text"}],"type":"context"}
    "##);
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
    insta::assert_snapshot!(shown(&message(&card, &here())), @r##"
    ! What is missing
      Name (required): Its name
        it is empty
      Store
      Mode
      Overwrite
      Tags

    {"text":{"emoji":false,"text":"⚠️ What is missing","type":"plain_text"},"type":"header"}
    {"elements":[{"elements":[{"text":"⚠️ ","type":"text"},{"style":{"bold":true},"text":"Name:","type":"text"},{"text":" it is empty","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}
    {"elements":[{"accessibility_label":"Fill in file put…: opens a form","action_id":"b0","style":"primary","text":{"emoji":false,"text":"Fill in file put…","type":"plain_text"},"type":"button","value":"{\"f\":{\"command\":\"file put\",\"answers\":{\"force\":[\"true\"],\"mode\":[\"b\"],\"store\":[\"local\"],\"tags\":[\"x\",\"y\"]}}}"}],"type":"actions"}
    "##);
}

#[test]
fn a_form() {
    let meta = ViewMeta { command: "file put".into(), channel: "C1".into(), ..ViewMeta::default() };
    insta::assert_snapshot!(viewed(&form_view(&form(), &meta, "Store a file in a store of ours")), @r##"
    {"callback_id":"form","close":{"emoji":false,"text":"Cancel","type":"plain_text"},"private_metadata":"{\"command\":\"file put\",\"channel\":\"C1\"}","submit":{"emoji":false,"text":"Store the file under …","type":"plain_text"},"title":{"emoji":false,"text":"Store a file in a store…","type":"plain_text"},"type":"modal"}

    {"text":{"emoji":false,"text":"⚠️ it is empty","type":"plain_text"},"type":"section"}
    {"block_id":"arg:name","element":{"action_id":"v","max_length":3000,"type":"plain_text_input"},"hint":{"emoji":false,"text":"Its name","type":"plain_text"},"label":{"emoji":false,"text":"Name","type":"plain_text"},"optional":false,"type":"input"}
    {"block_id":"arg:store","element":{"action_id":"v","initial_option":{"text":{"emoji":false,"text":"local","type":"plain_text"},"value":"local"},"min_query_length":0,"placeholder":{"emoji":false,"text":"Type to search","type":"plain_text"},"type":"external_select"},"label":{"emoji":false,"text":"Store","type":"plain_text"},"optional":true,"type":"input"}
    {"block_id":"arg:mode","element":{"action_id":"v","initial_option":{"text":{"emoji":false,"text":"b","type":"plain_text"},"value":"b"},"options":[{"text":{"emoji":false,"text":"a","type":"plain_text"},"value":"a"},{"text":{"emoji":false,"text":"b","type":"plain_text"},"value":"b"}],"placeholder":{"emoji":false,"text":"Choose","type":"plain_text"},"type":"static_select"},"label":{"emoji":false,"text":"Mode","type":"plain_text"},"optional":true,"type":"input"}
    {"block_id":"arg:force","element":{"action_id":"v","initial_options":[{"text":{"emoji":false,"text":"Yes","type":"plain_text"},"value":"true"}],"options":[{"text":{"emoji":false,"text":"Yes","type":"plain_text"},"value":"true"}],"type":"checkboxes"},"label":{"emoji":false,"text":"Overwrite","type":"plain_text"},"optional":true,"type":"input"}
    {"block_id":"arg:tags","element":{"action_id":"v","initial_value":"x\ny","max_length":3000,"multiline":true,"type":"plain_text_input"},"hint":{"emoji":false,"text":"One per line.","type":"plain_text"},"label":{"emoji":false,"text":"Tags","type":"plain_text"},"optional":true,"type":"input"}
    "##);
}

#[test]
fn a_line_and_files_without_a_channel() {
    insta::assert_snapshot!(viewed(&line_view(&ViewMeta::default(), "file list ")), @r##"
    {"callback_id":"line","close":{"emoji":false,"text":"Cancel","type":"plain_text"},"private_metadata":"{}","submit":{"emoji":false,"text":"Run","type":"plain_text"},"title":{"emoji":false,"text":"Run a command","type":"plain_text"},"type":"modal"}

    {"block_id":"line","element":{"action_id":"v","focus_on_load":true,"initial_value":"file list ","max_length":3000,"type":"plain_text_input"},"hint":{"emoji":false,"text":"As you would type it after the slash; help lists all commands.","type":"plain_text"},"label":{"emoji":false,"text":"Command","type":"plain_text"},"type":"input"}
    {"block_id":"where","element":{"action_id":"v","default_to_current_conversation":true,"response_url_enabled":true,"type":"conversations_select"},"hint":{"emoji":false,"text":"The conversation in which the answer is posted.","type":"plain_text"},"label":{"emoji":false,"text":"Where to answer","type":"plain_text"},"optional":true,"type":"input"}
    "##);
    insta::assert_snapshot!(viewed(&save_view(&ViewMeta { channel: "C1".into(), ..ViewMeta::default() }, "")), @r##"
    {"callback_id":"save","close":{"emoji":false,"text":"Cancel","type":"plain_text"},"private_metadata":"{\"channel\":\"C1\"}","submit":{"emoji":false,"text":"Save","type":"plain_text"},"title":{"emoji":false,"text":"Save files","type":"plain_text"},"type":"modal"}

    {"block_id":"files","element":{"action_id":"v","max_files":10,"type":"file_input"},"label":{"emoji":false,"text":"Files","type":"plain_text"},"type":"input"}
    {"block_id":"arg:name","element":{"action_id":"v","max_length":3000,"type":"plain_text_input"},"hint":{"emoji":false,"text":"The name to keep it under; left empty, it keeps its own.","type":"plain_text"},"label":{"emoji":false,"text":"Name","type":"plain_text"},"optional":true,"type":"input"}
    "##);
}

#[test]
fn progress() {
    let progress = Progress::bytes("Copying a_b_c.bin", 3 << 20, Some(5 << 20));
    let card = Card::default().block(Block::Progress(progress)).tone(Tone::Good);
    insta::assert_snapshot!(shown(&message(&card, &here())), @r##"
    ✓ Copying a_b_c.bin: 3 MiB of 5 MiB (60 %)

    {"elements":[{"emoji":false,"text":"✅ Done","type":"plain_text"}],"type":"context"}
    {"elements":[{"elements":[{"text":"Copying a_b_c.bin","type":"text"},{"text":"\n▰▰▰▰▰▰▱▱▱▱ 60 % · 3 MiB of 5 MiB","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}
    "##);
}

#[test]
fn the_page() {
    let cards = [
        Card::titled("All is well").tone(Tone::Good),
        Card::text("Nothing is planned.").and_actions(vec![Action::prefill("Plan", "schedule add ")]),
    ];
    let (view, kept) = home_view(&cards, &here());
    assert!(kept.is_empty());
    insta::assert_snapshot!(viewed(&view), @r##"
    {"callback_id":"home","type":"home"}

    {"text":{"emoji":false,"text":"✅ All is well","type":"plain_text"},"type":"header"}
    {"type":"divider"}
    {"elements":[{"elements":[{"text":"Nothing is planned.","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}
    {"elements":[{"accessibility_label":"Plan: starts schedule add","action_id":"b0","text":{"emoji":false,"text":"Plan","type":"plain_text"},"type":"button","value":"{\"p\":\"schedule add \"}"}],"type":"actions"}
    "##);
}

#[test]
fn proposals() {
    let known = [
        Suggestion { value: "reports".into(), about: "the local store".into() },
        Suggestion { value: "x".repeat(90), about: String::new() },
    ];
    let answer = options(&known, "rep");
    assert_eq!(of_options(&answer), Vec::<String>::new());
    insta::assert_snapshot!(lines(answer["options"].as_array().unwrap()), @r##"
    {"description":{"emoji":false,"text":"as typed","type":"plain_text"},"text":{"emoji":false,"text":"rep","type":"plain_text"},"value":"rep"}
    {"description":{"emoji":false,"text":"the local store","type":"plain_text"},"text":{"emoji":false,"text":"reports","type":"plain_text"},"value":"reports"}
    "##);
    assert_eq!(options(&known, "reports")["options"].as_array().unwrap().len(), 1);
}
