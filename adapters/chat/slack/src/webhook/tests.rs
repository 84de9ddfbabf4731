//! What programs in the wild post, and what a hostile one would.

use super::{Posted, Refusal, card};
use bellhop_core::card::{Block, Card, Does, Span, Tone};
use bellhop_core::plain;
use bellhop_core::text::is_hidden;
use proptest::prelude::*;
use serde_json::{Value, json};

fn posted(payload: &Value) -> Card {
    card("application/json", payload.to_string().as_bytes()).unwrap_or_else(|why| panic!("{why:?}: {payload}")).card
}

fn shown(payload: &Value) -> String {
    plain::card(&posted(payload), &|_| String::new())
}

fn spans(text: &str) -> Vec<Span> {
    match posted(&json!({ "text": text })).blocks.as_slice() {
        [Block::Text(spans)] => spans.clone(),
        other => panic!("{other:?}"),
    }
}

fn p(text: &str) -> Span {
    Span::Plain(text.to_owned())
}

fn b(text: &str) -> Span {
    Span::Bold(text.to_owned())
}

fn link(text: &str, url: &str) -> Span {
    Span::Link { text: text.to_owned(), url: url.to_owned() }
}

#[test]
fn every_wrapping_in_the_wild_is_read() {
    for (content_type, body) in [
        ("application/json", r#"{"text":"hi & bye"}"#),
        ("application/json; charset=utf-8", "\u{feff}{\"text\":\"hi & bye\"}\n"),
        ("text/plain", r#"{"text":"hi & bye"}"#),
        ("", r#"{"text":"hi & bye"}"#),
        ("application/x-www-form-urlencoded", r#"{"text":"hi & bye"}"#),
        ("application/x-www-form-urlencoded", "payload=%7B%22text%22%3A%22hi+%26+bye%22%7D"),
        ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "a=b&payload=%7B%22text%22%3A%22hi%20%26%20bye%22%7D"),
        ("text/plain", "payload=%7B%22text%22%3A%22hi+%26+bye%22%7D"),
    ] {
        let Posted { card, channel } = card(content_type, body.as_bytes()).unwrap_or_else(|why| panic!("{content_type} {body}: {why:?}"));
        assert_eq!((card.blocks, channel), (vec![Block::Text(vec![p("hi & bye")])], None), "{content_type} {body}");
    }
}

#[test]
fn what_is_no_message_is_refused_in_slacks_words() {
    let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let many = json!({ "attachments": vec![json!({ "text": "x" }); 101] }).to_string();
    let blocks = json!({ "blocks": vec![json!({ "type": "divider" }); 101] }).to_string();
    for (body, code) in [
        (&b""[..], "invalid_payload"),
        (b"nonsense", "invalid_payload"),
        (b"[]", "invalid_payload"),
        (b"\"text\"", "invalid_payload"),
        (b"null", "invalid_payload"),
        (b"\xff\xfe", "invalid_payload"),
        (b"payload=", "invalid_payload"),
        (b"payload=%ff%fe", "invalid_payload"),
        (bomb.as_bytes(), "invalid_payload"),
        (b"{}", "no_text"),
        (br#"{"foo":1}"#, "no_text"),
        (br#"{"text":""}"#, "no_text"),
        (br#"{"text":" \n"}"#, "no_text"),
        (br#"{"text":null,"attachments":[]}"#, "no_text"),
        (br#"{"attachments":[{"color":"good"}]}"#, "no_text"),
        (br#"{"username":"x"}"#, "no_text"),
        (br#"{"blocks":5}"#, "invalid_blocks"),
        (blocks.as_bytes(), "invalid_blocks"),
        (br#"{"text":"x","attachments":"x"}"#, "invalid_attachments"),
        (many.as_bytes(), "too_many_attachments"),
    ] {
        assert_eq!(
            card("application/json", body),
            Err(Refusal { code, status: 400 }),
            "{}",
            String::from_utf8_lossy(&body[..body.len().min(80)])
        );
    }
    assert_eq!(card("application/x-www-form-urlencoded", b"text=x").unwrap_err().code, "invalid_payload");
}

#[test]
fn marks_are_read_and_the_rest_stays() {
    assert_eq!(spans("a *b* c"), [p("a "), b("b"), p(" c")]);
    assert_eq!(spans("*b*: `x*y`"), [b("b"), p(": "), Span::Code("x*y".into())]);
    assert_eq!(spans("_i_ and snake_case_name and 2*3*4"), [p("i and snake_case_name and 2*3*4")]);
    assert_eq!(spans("*bold _both_ <https://a.example|there>*"), [b("bold both "), link("there", "https://a.example")].as_slice());
    assert_eq!(spans("a * b * c, *open\nclosed* and **"), [p("a * b * c, *open\nclosed* and **")]);
    assert_eq!(spans("<https://a.example/?x=1&amp;y=2|A &amp; B>"), [link("A & B", "https://a.example/?x=1&y=2")]);
    assert_eq!(spans("<https://a.example>"), [link("https://a.example", "https://a.example")]);
    assert_eq!(spans("<mailto:a@b.example|write>"), [link("write", "mailto:a@b.example")]);
    assert_eq!(spans("<tel:+491234|call>"), [p("call")]);
    assert_eq!(spans("1 &lt; 2 &amp;&amp; 3 &gt; 2 &nbsp; :tada:"), [p("1 < 2 && 3 > 2 &nbsp; :tada:")]);
    assert_eq!(spans("List<String> a<b"), [p("List<String> a<b")]);
    assert_eq!(spans("&lt;!channel&gt; &amp;lt;"), [p("<!channel> &lt;")]);
    let text = shown(&json!({ "text": "before\n```\nlet x = a &lt; b;\n```\nafter ```open" }));
    assert_eq!(text, "before\n    let x = a < b;\nafter ```open");
    assert_eq!(
        posted(&json!({ "text": "*no* <https://a.example|link>", "mrkdwn": false })).blocks,
        [Block::Text(vec![p("*no* "), link("link", "https://a.example")])]
    );
}

#[test]
fn nobody_is_notified() {
    assert_eq!(
        spans("<!channel> <!here|here> <!everyone> <@U024BE7LH> <@U1|ann> <#C1|ops> <#C2> <!subteam^S1|@devs> <!subteam^S2>"),
        [p("@channel @here @everyone @U024BE7LH @ann #ops #C2 @devs @S2")]
    );
}

#[test]
fn dates_are_moments() {
    let at = |seconds| Span::Time(chrono::DateTime::from_timestamp(seconds, 0).unwrap());
    assert_eq!(spans("<!date^1392734382^Posted {date_num} at {time}.|Posted in 2014>"), [p("Posted "), at(1_392_734_382), p(".")]);
    assert_eq!(spans("<!date^1392734382^{date}^https://a.example|in 2014>"), [link("in 2014", "https://a.example")]);
    for bad in ["<!date^soon^{date}|in 2014>", "<!date^99999999999999999^{date}|in 2014>", "<!date^1^no form|in 2014>"] {
        assert_eq!(spans(bad), [p("in 2014")], "{bad}");
    }
}

#[test]
fn a_monitors_attachment_is_a_card() {
    let card = posted(&json!({
        "username": "Grafana", "icon_emoji": ":grafana:", "channel": "#ops",
        "attachments": [
            { "fallback": "[Alerting] Latency", "color": "#D63232", "pretext": "Look at *this*", "author_name": "Prod", "author_link": "https://g.example",
              "title": "[Alerting] Latency &amp; load", "title_link": "https://g.example/d/1", "text": "p99 over 2 s",
              "fields": [{ "title": "Service", "value": "`api`", "short": true }, { "title": "Zone", "value": 5 }, { "value": "no name" }, { "title": "Empty" }],
              "image_url": "https://g.example/x.png", "footer": "Grafana v11", "ts": 1_392_734_382,
              "actions": [{ "type": "button", "text": "Open :mag:", "url": "https://g.example/d/1" }, { "type": "button", "text": "Ack", "name": "ack" }] },
            { "color": "good", "fallback": "only this <https://a.example|one>" },
        ]
    }));
    assert_eq!(card.tone, Tone::Bad);
    insta::assert_snapshot!(plain::card(&card, &|_| String::new()), @r"
    ✗ :grafana: Grafana
    Look at this
    Prod (https://g.example)
    [Alerting] Latency & load (https://g.example/d/1)
    p99 over 2 s
    Service: api
    Zone:    5
    no name
    Empty: –
    [Alerting] Latency (https://g.example/x.png)
    → Open :mag:: https://g.example/d/1
    Grafana v11 · 2014-02-18 14:39 UTC
    only this one (https://a.example)
    ");
    let plainly = posted(&json!({ "attachments": [{ "text": "*a*", "pretext": "*b*", "mrkdwn_in": ["pretext"] }] }));
    assert_eq!(plainly.blocks, [Block::Text(vec![b("b")]), Block::Text(vec![p("*a*")])]);
    let listed = posted(&json!({ "attachments": r#"[{"text":"as a string"}]"# }));
    assert_eq!(listed.blocks, [Block::Text(vec![p("as a string")])]);
}

#[test]
fn blocks_are_read_and_their_text_is_the_fallback_only() {
    let card = posted(&json!({
        "text": "for notifications",
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "Deploy *7*", "emoji": true } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "Build <https://ci.example/7|#7> of *main*" },
              "accessory": { "type": "button", "text": { "type": "plain_text", "text": "Logs" }, "url": "https://ci.example/7/log", "action_id": "x" } },
            { "type": "section", "fields": [{ "type": "mrkdwn", "text": "*Commit*\n`abc`" }, { "type": "mrkdwn", "text": "*By:* <@U1|ann>" }] },
            { "type": "section", "fields": [{ "type": "plain_text", "text": "no <name>" }] },
            { "type": "divider" },
            { "type": "image", "image_url": "https://ci.example/x.png", "alt_text": "A graph", "title": { "type": "plain_text", "text": "Load" } },
            { "type": "context", "elements": [{ "type": "image", "image_url": "https://ci.example/i.png", "alt_text": "icon" }, { "type": "mrkdwn", "text": "took *3 s*" }] },
            { "type": "actions", "elements": [
                { "type": "button", "text": { "type": "plain_text", "text": "Open" }, "url": "https://ci.example" },
                { "type": "button", "text": { "type": "plain_text", "text": "Approve" }, "action_id": "approve", "value": "1" },
                { "type": "overflow", "options": [{ "text": { "type": "plain_text", "text": "Docs" }, "url": "https://docs.example", "value": "d" }] } ] },
            { "type": "carousel_of_2031", "title": { "type": "plain_text", "text": "What comes" }, "text": { "type": "mrkdwn", "text": "in *years*" } },
            { "type": "holographic" }, "text", 5,
        ]
    }));
    insta::assert_snapshot!(plain::card(&card, &|_| String::new()), @r"
    Deploy *7*
    Build #7 (https://ci.example/7) of main
    → Logs: https://ci.example/7/log
    Commit: abc
    By:     @ann
    no <name>
    ———
    Load (https://ci.example/x.png)
    icon  took 3 s
    → Open: https://ci.example
    → Docs: https://docs.example
    What comes
    in years
    ");
    assert!(shown(&json!({ "text": "shown", "blocks": [{ "type": "holographic" }] })).contains("shown"));
}

#[test]
fn rich_text_and_tables_are_read() {
    let text = |text: &str, style: Value| json!({ "type": "text", "text": text, "style": style });
    let card = posted(&json!({ "blocks": [
        { "type": "rich_text", "elements": [
            { "type": "rich_text_section", "elements": [text("Hello ", json!({})), text("there", json!({ "bold": true })), text(" x", json!({ "code": true })),
                { "type": "user", "user_id": "U1" }, { "type": "broadcast", "range": "here" }, { "type": "emoji", "name": "rocket", "unicode": "1f680" },
                { "type": "emoji", "name": "party" }, { "type": "link", "url": "https://a.example", "text": "a" }, { "type": "link", "url": "javascript:x", "text": "b" },
                { "type": "date", "timestamp": 1_392_734_382, "format": "{date}" }] },
            { "type": "rich_text_list", "style": "ordered", "indent": 0, "elements": [
                { "type": "rich_text_section", "elements": [text("one", json!({}))] }, { "type": "rich_text_section", "elements": [text("two", json!({}))] }] },
            { "type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [{ "type": "rich_text_section", "elements": [text("in", json!({}))] }] },
            { "type": "rich_text_preformatted", "elements": [text("let x;", json!({}))] },
            { "type": "rich_text_quote", "elements": [text("so it is", json!({}))] } ] },
        { "type": "table", "column_settings": [{}, { "align": "right" }], "rows": [
            [{ "type": "raw_text", "text": "Name" }, { "type": "raw_text", "text": "Size" }],
            [{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [text("a", json!({ "bold": true }))] }] }, { "type": "raw_number", "value": 12 }],
            [{ "type": "raw_text", "text": "short" }] ] },
    ] }));
    insta::assert_snapshot!(plain::card(&card, &|_| String::new()), @r"
    Hello there x@U1@here🚀:party:a (https://a.example)b (javascript:x)2014-02-18 14:39 UTC
    1. one
    2. two
      • in
        let x;
    > so it is
    Name   Size
    ─────  ────
    a        12
    short
    ");
}

fn json_value() -> impl Strategy<Value = Value> {
    let member = prop::sample::select(vec![
        "text",
        "type",
        "blocks",
        "attachments",
        "elements",
        "fields",
        "title",
        "value",
        "url",
        "image_url",
        "alt_text",
        "color",
        "ts",
        "footer",
        "fallback",
        "pretext",
        "username",
        "icon_emoji",
        "accessory",
        "rows",
        "style",
        "indent",
        "offset",
        "unicode",
        "timestamp",
        "mrkdwn_in",
        "options",
        "actions",
        "title_link",
    ]);
    let word = prop_oneof![
        4 => prop::sample::select(vec![
            "section", "header", "context", "image", "actions", "rich_text", "rich_text_list", "rich_text_section", "rich_text_preformatted", "table", "mrkdwn", "plain_text",
            "button", "link", "emoji", "date", "danger", "<!channel>", "<@U1|x>", "javascript:alert(1)", "https://a.example", "*b*", "```x```", "1f600", "\u{202e}x",
        ]).prop_map(str::to_owned),
        2 => "[<>*_`|!@#^&a-z{} \n:/.]{0,40}",
        1 => any::<String>(),
    ];
    let leaf = prop_oneof![6 => word.prop_map(Value::String), 1 => any::<i64>().prop_map(Value::from), 1 => any::<f64>().prop_map(Value::from), 1 => any::<bool>().prop_map(Value::Bool), 1 => Just(Value::Null)];
    leaf.prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((member.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

/// Whatever was posted, nothing in the card notifies, leads elsewhere than to the web, or hides.
fn harmless(card: &Card) -> Result<(), TestCaseError> {
    let mut all: Vec<Span> = vec![card.title.clone().into()];
    for block in &card.blocks {
        match block {
            Block::Text(spans) => all.extend(spans.iter().cloned()),
            Block::Fields(fields) => {
                all.extend(fields.iter().flat_map(|field| [vec![field.name.clone().into()], field.value.clone()].concat()));
            }
            Block::Code(code) => all.push(code.clone().into()),
            Block::Table(table) => {
                prop_assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
                all.extend(table.rows.iter().flatten().flatten().cloned());
            }
            Block::Actions(actions) => {
                for action in actions {
                    let Does::Open(url) = &action.does else { return Err(TestCaseError::fail("a button that runs something")) };
                    prop_assert!(super::mrkdwn::leads_somewhere(url), "{url}");
                    all.push(action.label.clone().into());
                }
            }
            Block::Divider => {}
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
    }
    for span in &all {
        prop_assert!(!matches!(span, Span::Mention { .. }), "{span:?}");
        prop_assert!(!span.text().chars().any(is_hidden), "{span:?}");
        if let Span::Link { url, .. } = span {
            let lower = url.to_ascii_lowercase();
            prop_assert!(["https://", "http://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme)), "{url}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn whatever_is_posted_is_a_harmless_card_or_refused(payload in json_value(), kind in prop::sample::select(vec!["application/json", "text/plain", "application/x-www-form-urlencoded"])) {
        if let Ok(posted) = card(kind, payload.to_string().as_bytes()) {
            harmless(&posted.card)?;
        }
    }

    #[test]
    fn bytes_of_any_kind_are_answered(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = card("application/x-www-form-urlencoded", &body);
        let _ = card("", &body);
    }

    #[test]
    fn text_of_any_kind_is_harmless_and_loses_no_word(text in "[<>*_`|!@#^&;~ \n:/.a-z]{0,80}", word in "[a-z]{3,12}") {
        let body = json!({ "text": format!("{text} {word}") });
        let card = posted(&body);
        harmless(&card)?;
        let shown = plain::card(&card, &|_| String::new());
        prop_assert!(shown.contains(&word), "{:?} -> {:?}", body, shown);
    }
}

#[test]
fn hostile_text_costs_no_more_than_its_length() {
    let begun = std::time::Instant::now();
    for text in ["*a ", "_a", "<", "`", "<@", "&", "*_`<", "```", "*a_b"] {
        let _ = card("application/json", json!({ "text": text.repeat(100_000) }).to_string().as_bytes());
    }
    // Quadratic work on these would take minutes, not seconds.
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}
