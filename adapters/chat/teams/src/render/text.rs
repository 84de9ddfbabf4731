//! Text: where it can stand as it is, and as runs where it can't.

use bellhop_core::card::Span;
use bellhop_core::clock::Timestamp;
use bellhop_core::text::{one_line, visible};
use serde_json::{Value, json};
use url::Url;

/// Whether nothing in a line could be taken for markdown, for an element, or for something to be worked out.
pub(super) fn literal(text: &str) -> bool {
    const MARKS: &str = "\\`*_{}[]()<>#|~&!^$\n\r";
    let listed = |text: &str| {
        let text = text.trim_start();
        let numbered = text.trim_start_matches(|c: char| c.is_ascii_digit());
        text.starts_with(['-', '+', '\u{2022}', '=']) || (numbered.len() < text.len() && numbered.starts_with(['.', ')']))
    };
    !text.contains(|c: char| MARKS.contains(c)) && !listed(text) && !text.contains("  ") && text.trim() == text && !text.contains("://")
}

/// A `TextBlock` of a text in which nothing is a mark.
pub(super) fn block(text: &str) -> Value {
    json!({ "type": "TextBlock", "text": text, "wrap": true })
}

/// Runs in one paragraph.
pub(super) fn runs(inlines: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": inlines })
}

/// A run of text; `None` for an empty one.
pub(super) fn run(text: &str) -> Option<Value> {
    let text = visible(text);
    (!text.is_empty()).then(|| json!({ "type": "TextRun", "text": text }))
}

/// A run with one more property.
pub(super) fn styled(text: &str, name: &str, value: &str) -> Option<Value> {
    let mut run = run(text)?;
    run[name] = json!(value);
    Some(run)
}

pub(super) fn bold(text: &str) -> Option<Value> {
    styled(text, "weight", "Bolder")
}

pub(super) fn code(text: &str) -> Option<Value> {
    styled(text, "fontType", "Monospace")
}

/// Spaces that are kept where several stand together, or a line begins with them.
pub(super) fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = '\n';
    for c in text.chars() {
        let kept = c == ' ' && matches!(before, ' ' | '\u{a0}' | '\n');
        let c = if kept { '\u{a0}' } else { c };
        out.push(c);
        before = c;
    }
    out
}

/// Spans as runs. A person is named: mentions stand in `TextBlock`s.
pub(super) fn inlines(spans: &[Span]) -> Vec<Value> {
    spans.iter().filter_map(inline).collect()
}

fn inline(span: &Span) -> Option<Value> {
    match span {
        Span::Plain(text) => run(text),
        Span::Bold(text) => bold(text),
        Span::Code(text) => code(text),
        Span::Link { text, url } => match address(url) {
            Some(url) => {
                let shown = one_line(text);
                let mut run = styled(if shown.trim().is_empty() { &url } else { &shown }, "color", "Accent")?;
                run["selectAction"] = json!({ "type": "Action.OpenUrl", "url": url });
                Some(run)
            }
            None => run(&span.text()),
        },
        Span::Mention { .. } | Span::Time(_) => run(&span.text()),
    }
}

/// A moment in the reader's own zone, as a `TextBlock` works it out.
pub(super) fn moment(at: &Timestamp) -> String {
    let at = at.format("%Y-%m-%dT%H:%M:%SZ");
    format!("{{{{DATE({at}, SHORT)}}}} {{{{TIME({at})}}}}")
}

/// A paragraph, unless there is nothing to be seen in it.
pub(super) fn paragraph(spans: &[Span]) -> Option<Value> {
    let simple: Option<String> = spans
        .iter()
        .map(|span| match span {
            Span::Plain(text) => Some(visible(text)),
            Span::Time(_) => Some("\u{1}".to_owned()),
            _ => None,
        })
        .collect();
    if let Some(text) = simple.filter(|text| literal(text) && !text.is_empty()) {
        let mut times = spans.iter().filter_map(|span| if let Span::Time(at) = span { Some(moment(at)) } else { None });
        let text: String = text
            .split('\u{1}')
            .enumerate()
            .map(|(at, part)| if at == 0 { part.to_owned() } else { format!("{}{part}", times.next().unwrap_or_default()) })
            .collect();
        return Some(block(&text));
    }
    let inlines = inlines(spans);
    seen(&inlines).then(|| runs(&inlines))
}

/// Whether runs show anything.
pub(super) fn seen(inlines: &[Value]) -> bool {
    inlines.iter().any(|run| run["text"].as_str().is_some_and(|text| !text.trim().is_empty()))
}

/// An address that Teams may open: absolute, `http`, `https` or `mailto`.
pub(crate) fn address(url: &str) -> Option<String> {
    let parsed = Url::parse(url.trim()).ok()?;
    let leads = match parsed.scheme() {
        "http" | "https" => parsed.has_host(),
        "mailto" => !parsed.path().is_empty(),
        _ => false,
    };
    (leads && parsed.as_str().len() <= 2000).then(|| parsed.to_string())
}
