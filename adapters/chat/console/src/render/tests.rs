//! Cards as a page shows them, hostile text included.

use super::*;
use bellhop_core::address::UserRef;
use bellhop_core::card::{Action, ActionStyle, Field, Progress, Table};
use bellhop_core::form::{Form, Input, InputKind};

fn html_of(shown: &Card) -> String {
    let at = MessageRef::parse("general:01").unwrap();
    let viewer = UserId::from("you");
    card(shown, &Frame { at: &at, revision: 2, viewer: &viewer, root: false }).into_string()
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "<script>alert(1)</script>\u{202e}\"' onload=x &amp;";
    let shown = Card::titled(hostile)
        .and_spans(vec![Span::Plain(hostile.into()), Span::Code(hostile.into())])
        .block(Block::Fields(vec![Field { name: hostile.into(), value: vec![Span::Bold(hostile.into())] }]))
        .block(Block::Code(hostile.into()));
    insta::assert_snapshot!(html_of(&shown), @r#"<div class="card tone-neutral"><h2 class="title"><bdi>&lt;script&gt;alert(1)&lt;/script&gt;&quot;' onload=x &amp;amp;</bdi></h2><p class="text" dir="auto"><bdi>&lt;script&gt;alert(1)&lt;/script&gt;&quot;' onload=x &amp;amp;</bdi><code><bdi>&lt;script&gt;alert(1)&lt;/script&gt;&quot;' onload=x &amp;amp;</bdi></code></p><dl class="fields rows"><div><dt><bdi>&lt;script&gt;alert(1)&lt;/script&gt;&quot;' onload=x &amp;amp;</bdi></dt><dd dir="auto"><strong><bdi>&lt;script&gt;alert(1)&lt;/script&gt;&quot;' onload=x &amp;amp;</bdi></strong></dd></div></dl><div class="code"><pre tabindex="0" aria-label="Code"><code>&lt;script&gt;alert(1)&lt;/script&gt;&quot;' onload=x &amp;amp;</code></pre><button class="copy" type="button" data-copy="">Copy</button></div></div>"#);
}

#[test]
fn links_lead_only_where_a_reader_would_expect() {
    let link = |url: &str| Span::Link { text: "text".into(), url: url.into() };
    insta::assert_snapshot!(html_of(&Card::default().and_spans(vec![link("https://a.example/?b=\"c\""), link("javascript:alert(1)"), link("java\tscript:x"), link("MAILTO:ann@a.example")])), @r#"<div class="card tone-neutral sentence"><p class="text" dir="auto"><a href="https://a.example/?b=&quot;c&quot;" target="_blank" rel="noopener noreferrer" title="https://a.example/?b=&quot;c&quot;"><bdi>text</bdi></a><bdi>text (javascript:alert(1))</bdi><bdi>text (java	script:x)</bdi><a href="MAILTO:ann@a.example" target="_blank" rel="noopener noreferrer" title="MAILTO:ann@a.example"><bdi>text</bdi></a></p></div>"#);
    insta::assert_snapshot!(html_of(&Card::titled("T").and_actions(vec![Action::open("Open", "data:text/html,x"), Action::open("Open", "https://a.example/")])), @r#"<div class="card tone-neutral"><h2 class="title"><bdi>T</bdi></h2><div class="actions" role="group" aria-label="Actions"><span class="text"><bdi>Open: data:text/html,x</bdi></span><a class="button plain" href="https://a.example/" target="_blank" rel="noopener noreferrer" title="https://a.example/"><bdi>Open</bdi><svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="M14 5h5v5m0-5-8 8M11 6H6a1 1 0 0 0-1 1v11a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1v-5"></path></svg><span class="hidden"> (opens in a new tab)</span></a></div></div>"#);
}

#[test]
fn typed_addresses_become_links_that_show_where_they_lead() {
    insta::assert_snapshot!(linked("see https://a.example/x?y=1, (http://b.example) or <https://c.example>; https:// javascript:x").into_string(), @r#"<bdi>see </bdi><a href="https://a.example/x?y=1" target="_blank" rel="noopener noreferrer" title="https://a.example/x?y=1"><bdi>https://a.example/x?y=1</bdi></a><bdi>, (</bdi><a href="http://b.example" target="_blank" rel="noopener noreferrer" title="http://b.example"><bdi>http://b.example</bdi></a><bdi>) or &lt;</bdi><a href="https://c.example" target="_blank" rel="noopener noreferrer" title="https://c.example"><bdi>https://c.example</bdi></a><bdi>&gt;; </bdi><bdi>https://</bdi><bdi> javascript:x</bdi>"#);
}

#[test]
fn a_tone_is_said_in_a_word_too() {
    let tones = [Tone::Neutral, Tone::Good, Tone::Warning, Tone::Bad].map(|tone| html_of(&Card::titled("T").tone(tone)));
    assert!(!tones[0].contains("class=\"sign\""));
    for (html, word) in tones[1..].iter().zip(["Done: ", "Warning: ", "Problem: "]) {
        assert!(html.contains(word), "{html}");
    }
}

#[test]
fn buttons_carry_their_place_and_nothing_else() {
    let secret = bellhop_core::call::Invoke { command: "secret set".into(), args: serde_json::json!({ "value": "hidden" }) };
    let shown = Card::titled("T")
        .and_actions(vec![Action::prefill("Ask", "/report \"x\"")])
        .block(Block::Divider)
        .and_actions(vec![Action::invoke("Do <it>", secret).style(ActionStyle::Danger)]);
    insta::assert_snapshot!(html_of(&shown), @r#"<div class="card tone-neutral"><h2 class="title"><bdi>T</bdi></h2><div class="actions" role="group" aria-label="Actions"><button class="button plain" type="button" data-prefill="/report &quot;x&quot;"><bdi>Ask</bdi></button></div><hr><div class="actions" role="group" aria-label="Actions"><button class="button danger" type="button" data-press="" hx-post="/console/press" hx-swap="none" hx-vals="{&quot;action&quot;:1,&quot;message&quot;:&quot;general:01&quot;,&quot;revision&quot;:2}"><bdi>Do &lt;it&gt;</bdi></button></div></div>"#);
}

#[test]
fn questions_are_labelled_and_their_problems_told() {
    let input = |id: &str, kind, problem: Option<&str>| Input {
        id: id.into(),
        label: format!("The {id}"),
        hint: "A hint".into(),
        required: true,
        problem: problem.map(str::to_owned),
        value: "<v>".into(),
        kind,
    };
    let form = Form {
        command: "file share".into(),
        submit: "Go".into(),
        inputs: vec![input("name", InputKind::Text, Some("not <there>")), input("for", InputKind::Choice(vec!["1h".into()]), None)],
    };
    insta::assert_snapshot!(html_of(&Card::titled("T").block(Block::Form(form))), @r#"<div class="card tone-neutral"><h2 class="title"><bdi>T</bdi></h2><form class="form" hx-post="/console/form" hx-swap="none" data-form="" aria-label="Complete file share"><input type="hidden" name="message" value="general:01"><input type="hidden" name="block" value="0"><input type="hidden" name="revision" value="2"><div class="question wrong"><label for="q0-0-01"><bdi>The name</bdi></label><input type="text" id="q0-0-01" name="a.name" value="&lt;v&gt;" dir="auto" autocomplete="off" required aria-describedby="q0-0-01-hint q0-0-01-problem" aria-invalid="true"><p class="hint" id="q0-0-01-hint">A hint</p><p class="problem" id="q0-0-01-problem"><span class="hidden">Problem: </span>not &lt;there&gt;</p></div><div class="question"><label for="q0-1-01"><bdi>The for</bdi></label><select id="q0-1-01" name="a.for" required aria-describedby="q0-1-01-hint"><option value="" selected>Choose…</option><option value="1h">1h</option></select><p class="hint" id="q0-1-01-hint">A hint</p></div><div class="actions"><button class="button primary" type="submit"><bdi>Go</bdi></button></div></form></div>"#);
}

#[test]
fn progress_has_a_name_and_a_number() {
    let far = Progress::bytes("a.bin", 3 << 20, Some(12 << 20));
    insta::assert_snapshot!(html_of(&Card::titled("T").block(Block::Progress(far))), @r#"<div class="card tone-neutral"><h2 class="title"><bdi>T</bdi></h2><div class="progress"><div class="progress-words"><span><bdi>a.bin</bdi></span><span class="faint">3 MiB of 12 MiB · 25%</span></div><progress max="100" value="25" aria-label="a.bin">25%</progress></div></div>"#);
}

#[test]
fn an_empty_table_says_so() {
    let empty = Table { caption: "Files".into(), columns: vec![], rows: vec![] };
    assert!(html_of(&Card::titled("T").block(Block::Table(empty))).contains("Nothing here."));
}

#[test]
fn mentions_name_the_person() {
    let mention = |id: &str| Span::Mention {
        user: UserRef { chat: "console".into(), workspace: "local".into(), user: id.into() },
        name: "A<b>".into(),
    };
    insta::assert_snapshot!(html_of(&Card::default().and_spans(vec![mention("you"), mention("max")])), @r#"<div class="card tone-neutral sentence"><p class="text" dir="auto"><span class="mention me" data-user="you"><bdi>@A&lt;b&gt;</bdi></span><span class="mention" data-user="max"><bdi>@A&lt;b&gt;</bdi></span></p></div>"#);
}
