//! The card of an alert: what `alert show` answers, and what the bot posts where an alert is routed and changes in place.

use super::AlertRef;
use super::ack::Ack;
use super::resolve::Resolve;
use super::unack::Unack;
use crate::wording::{ago, line};
use bellhop_core::alert::{Alert, AlertEvent, AlertState};
use bellhop_core::card::{ActionStyle, Block, Field};
use bellhop_core::text::{shorten, visible};
use bellhop_core::{Action, Card, Invoke, Span, Timestamp, Tone};

/// How many labels are shown, and how many of the last events.
const LABELS: usize = 12;
const EVENTS: usize = 5;
/// The longest summary and description, in characters.
const LONGEST: usize = 1500;

/// The card of an alert at a moment. Firing and acknowledged alerts have the buttons that change them, resolved ones only
/// the link to where they came from.
#[must_use]
pub fn alert_card(alert: &Alert, now: Timestamp) -> Card {
    let signal = &alert.signal;
    let (word, tone) = match alert.state {
        AlertState::Firing if mild(&signal.severity) => ("FIRING", Tone::Warning),
        AlertState::Firing => ("FIRING", Tone::Bad),
        AlertState::Acknowledged => ("ACKNOWLEDGED", Tone::Warning),
        AlertState::Resolved => ("RESOLVED", Tone::Good),
    };
    let severity = if signal.severity.is_empty() { String::new() } else { format!(" ({})", shorten(&line(&signal.severity), 40)) };
    let mut card = Card::titled(format!("{word}: {}{severity}", line(&signal.name))).tone(tone);
    for text in [&signal.summary, &signal.description] {
        let text = visible(text);
        if !text.trim().is_empty() {
            card = card.and_text(shorten(text.trim(), LONGEST));
        }
    }
    card = card.block(Block::Fields(facts(alert, now)));
    if !signal.labels.is_empty() {
        card = card.block(Block::Fields(labels(alert)));
    }
    if alert.history.len() > 1 {
        let first = alert.history.len().saturating_sub(EVENTS);
        let mut spans: Vec<Span> = Vec::new();
        for event in &alert.history[first..] {
            if !spans.is_empty() {
                spans.push("\n".into());
            }
            spans.extend(told(event));
        }
        card = card.and_spans(spans);
    }
    card.and_actions(actions(alert))
}

/// A severity that doesn't ask anyone to run.
fn mild(severity: &str) -> bool {
    matches!(severity.to_lowercase().as_str(), "warning" | "warn" | "minor" | "notice" | "info" | "information" | "low" | "none" | "debug")
}

fn facts(alert: &Alert, now: Timestamp) -> Vec<Field> {
    let signal = &alert.signal;
    let field = |name: &str, value: Vec<Span>| Field { name: name.to_owned(), value };
    let mut facts = Vec::new();
    match alert.state {
        AlertState::Firing => facts.push(field("Firing since", lasting(signal.starts_at, now))),
        // What stands in a channel is read later: these say how long it took, which stays true.
        AlertState::Acknowledged => {
            let who = Span::Bold(line(alert.taken_by.as_deref().unwrap_or("someone")));
            facts.push(field("Taken by", vec![who, after(signal.starts_at, alert.since)]));
            facts.push(field("Firing since", vec![Span::Time(signal.starts_at)]));
        }
        AlertState::Resolved => {
            let by = alert.ended_by.as_ref().map(|who| format!(", by {}", line(who)));
            let at = signal.ends_at.filter(|_| by.is_none()).unwrap_or(alert.since);
            let spans = [Some(Span::Time(at)), by.map(Span::Plain), Some(after(signal.starts_at, at))];
            facts.push(field("Resolved", spans.into_iter().flatten().collect()));
            facts.push(field("Began", vec![Span::Time(signal.starts_at)]));
        }
    }
    if alert.times > 1 {
        facts.push(field("Fired", vec![format!("{} times", alert.times).into()]));
    }
    facts.push(field("From", vec![line(&signal.source).into()]));
    facts.push(field("Id", vec![Span::Code(alert.id.clone())]));
    facts
}

fn lasting(at: Timestamp, now: Timestamp) -> Vec<Span> {
    let brief = (now - at).num_minutes() < 1;
    if brief { vec![Span::Time(at)] } else { vec![Span::Time(at), format!(" (for {})", ago(at, now)).into()] }
}

fn after(from: Timestamp, to: Timestamp) -> Span {
    format!(", after {}", ago(from, to)).into()
}

fn labels(alert: &Alert) -> Vec<Field> {
    let shown = alert.signal.labels.iter().take(LABELS);
    let mut fields: Vec<Field> =
        shown.map(|(name, value)| Field { name: shorten(&line(name), 60), value: vec![Span::Code(line(value))] }).collect();
    let more = alert.signal.labels.len().saturating_sub(LABELS);
    if more > 0 {
        fields.push(Field { name: "…".to_owned(), value: vec![format!("and {}", crate::wording::count(more, "label")).into()] });
    }
    fields
}

fn told(event: &AlertEvent) -> Vec<Span> {
    let who = event.who.as_ref().map(|who| format!(" by {}", line(who))).unwrap_or_default();
    vec![Span::Time(event.at), format!(" {}{who}", event.what).into()]
}

fn actions(alert: &Alert) -> Vec<Action> {
    let this = AlertRef { id: alert.id.clone() };
    let resolve = || Action::invoke("Resolve", Invoke::of::<Resolve>(&this));
    let mut actions = match alert.state {
        AlertState::Firing => vec![Action::invoke("Acknowledge", Invoke::of::<Ack>(&this)).style(ActionStyle::Primary), resolve()],
        AlertState::Acknowledged => vec![Action::invoke("Unack", Invoke::of::<Unack>(&this)), resolve().style(ActionStyle::Primary)],
        AlertState::Resolved => Vec::new(),
    };
    if ["http://", "https://"].iter().any(|scheme| alert.signal.url.starts_with(scheme)) {
        actions.push(Action::open("Source", alert.signal.url.clone()));
    }
    actions
}
