//! The only place that words a failure. Each says what happened, where, and what to do; none shows an internal detail
//! that the reader can do nothing with.

use bellhop_core::access::Effect;
use bellhop_core::call::Invoke;
use bellhop_core::card::{Action, ActionStyle, Block, Card, Field, Span, Tone};
use bellhop_core::command::About;
use bellhop_core::error::{CommandError, PortError, PortErrorKind, Retry};
use bellhop_core::grammar::{self, Misunderstood};
use bellhop_core::ids::CallId;
use bellhop_core::ports::Decision;
use bellhop_core::registry::Registry;
use std::time::Duration;

/// A line that was not understood: what may have been meant is a button where it is a whole command.
#[must_use]
pub fn misunderstood(registry: &Registry, why: &Misunderstood) -> Card {
    match why {
        Misunderstood::Nothing => {
            Card::titled("Yes?").and_text("Type a command, or `help` for what I can do.").and_actions(vec![help(&[])])
        }
        Misunderstood::Words(error) => Card::titled("I can't read that line").tone(Tone::Warning).and_text(sentence(&error.to_string())),
        Misunderstood::Name { typed, corrected } => {
            let card =
                Card::titled("Unknown command").tone(Tone::Warning).and_spans(vec!["There is no command ".into(), code(typed), ".".into()]);
            with_correction(registry, card, corrected.as_deref(), vec![help(&[])])
        }
        Misunderstood::Verb { group, typed, verbs, corrected } => {
            let card = if typed.is_empty() {
                Card::titled(format!("What about {group}?"))
            } else {
                Card::titled("Unknown command").tone(Tone::Warning).and_spans(vec![code(group), " has no ".into(), code(typed), ".".into()])
            };
            let fields = verbs
                .iter()
                .filter_map(|verb| registry.get(&format!("{group} {verb}")))
                .map(|command| Field { name: command.about().name.to_owned(), value: vec![command.about().summary.into()] })
                .collect();
            with_correction(registry, card.block(Block::Fields(fields)), corrected.as_deref(), vec![help(&[group])])
        }
        Misunderstood::Missing { command, missing, form } => {
            let (noun, verb) = if missing.len() == 1 { ("argument", "is") } else { ("arguments", "are") };
            let mut spans: Vec<Span> = vec![format!("{} more {noun} {verb} needed: ", missing.len()).into()];
            for (at, name) in missing.iter().enumerate() {
                if at > 0 {
                    spans.push(", ".into());
                }
                spans.push(code(name));
            }
            spans.push(".".into());
            Card::titled((*command).to_owned()).and_spans(spans).block(Block::Form(form.clone())).and_actions(vec![help(&[command])])
        }
        Misunderstood::Value { command, argument, why, corrected, form, .. } => {
            let card = Card::titled(format!("{command}: {argument}")).tone(Tone::Warning).and_text(sentence(why));
            with_correction(registry, card, corrected.as_deref(), vec![help(&[command])]).block(Block::Form(form.clone()))
        }
        Misunderstood::Surplus { command, typed, usage, corrected } => {
            let card = Card::titled(format!("{command} does not take that"))
                .tone(Tone::Warning)
                .and_spans(vec!["I don't know what to do with ".into(), code(typed), ". It is written:".into()])
                .block(Block::Code(usage.clone()));
            with_correction(registry, card, corrected.as_deref(), vec![help(&[command])])
        }
    }
}

/// A command that failed.
#[must_use]
pub fn failed(registry: &Registry, about: &About, invoke: &Invoke, error: &CommandError, call: &CallId) -> Card {
    let title = |what: &str| Card::titled(format!("{} {what}", about.name)).tone(Tone::Bad);
    match error {
        CommandError::NotFound { what, name, nearest } => {
            let card =
                title("found nothing").tone(Tone::Warning).and_spans(vec![format!("There is no {what} ").into(), code(name), ".".into()]);
            match nearest {
                Some(near) => {
                    let card = card.and_spans(vec!["Did you mean ".into(), code(near), "?".into()]);
                    match replaced(invoke, name, near) {
                        Some(corrected) => {
                            let label = bellhop_core::text::shorten(&format!("Run {}", registry.line(&corrected)), 60);
                            card.and_actions(vec![Action::invoke(label, corrected).style(ActionStyle::Primary)])
                        }
                        None => card,
                    }
                }
                None => card,
            }
        }
        CommandError::Invalid { argument, why } => title("can't do that").tone(Tone::Warning).and_fields(vec![(*argument, sentence(why))]),
        CommandError::Missing(ids) => {
            let form = grammar::form(about, &bellhop_core::form::Answers::new(), None);
            let missing = form.inputs.iter().filter(|input| ids.contains(&input.id.as_str())).map(|input| input.label.clone()).collect();
            misunderstood(registry, &Misunderstood::Missing { command: about.name, missing, form })
        }
        CommandError::Refused(why) => title("was not done").tone(Tone::Warning).and_text(sentence(why)),
        CommandError::Port(error) => title(port_headline(error)).and_text(sentence(&error.message)).and_fields(port_facts(error, call)),
        CommandError::Partly(card) | CommandError::Cancelled(card) => (**card).clone(),
    }
}

/// The same call with the right name in place of the wrong one, where the wrong one is an argument as it stands.
fn replaced(invoke: &Invoke, wrong: &str, right: &str) -> Option<Invoke> {
    fn swap(value: &mut serde_json::Value, wrong: &str, right: &str) -> bool {
        match value {
            serde_json::Value::String(text) if text == wrong => {
                right.clone_into(text);
                true
            }
            serde_json::Value::Array(items) => items.iter_mut().any(|item| swap(item, wrong, right)),
            serde_json::Value::Object(map) => map.values_mut().any(|item| swap(item, wrong, right)),
            _ => false,
        }
    }
    let mut corrected = invoke.clone();
    swap(&mut corrected.args, wrong, right).then_some(corrected)
}

/// Someone may not.
#[must_use]
pub fn denied(about: &About, decision: &Decision) -> Card {
    Card::titled(format!("You may not use {}", about.name))
        .tone(Tone::Warning)
        .and_text(format!("{}.", sentence(&decision.because).trim_end_matches('.')))
        .and_text("Someone with that role can run it, or an administrator can give you the role.")
}

/// Someone is too quick.
#[must_use]
pub fn too_many(per_minute: u32, wait: Duration) -> Card {
    Card::titled("One moment")
        .tone(Tone::Warning)
        .and_text(format!("That was more than {per_minute} commands in a minute. Try again in {}.", seconds(wait)))
}

/// A command that took too long without getting further.
#[must_use]
pub fn timed_out(about: &About, deadline: Duration, call: &CallId) -> Card {
    Card::titled(format!("{} took too long", about.name))
        .tone(Tone::Bad)
        .and_text(format!("It got no further for {} and was stopped. {}", seconds(deadline), after_effect(about.effect)))
        .and_fields(vec![("Reference", code(call.as_str()))])
}

/// A command that was cancelled and gave no answer of its own.
#[must_use]
pub fn cancelled(about: &About) -> Card {
    let effect = after_effect(about.effect);
    Card::titled(format!("{} was cancelled", about.name)).tone(Tone::Warning).and_text(format!("It was ended on the way. {effect}"))
}

/// A command that broke a rule of our own.
#[must_use]
pub fn broke(about: &About, call: &CallId) -> Card {
    Card::titled(format!("{} failed inside", about.name))
        .tone(Tone::Bad)
        .and_text(format!(
            "This is a fault of mine, not of what you typed. {} The log has the details under this reference.",
            after_effect(about.effect)
        ))
        .and_fields(vec![("Reference", code(call.as_str()))])
}

/// What a command that destroys would do, and how to confirm it.
#[must_use]
pub fn proposed(plan: Card, line: &str, approve: Action, decline: Action, id: &str, minutes: u64) -> Card {
    let mut card = plan.tone(Tone::Warning);
    card = card.block(Block::Code(line.to_owned())).and_spans(vec![
        "Nothing has been changed. To do it, press the button or type ".into(),
        code(&format!("approve {id}")),
        format!(" within {minutes} minutes.").into(),
    ]);
    card.and_actions(vec![approve.style(ActionStyle::Danger), decline])
}

/// A sentence for the reader of a terminal: what a port's failure means.
#[must_use]
pub fn port(error: &PortError) -> String {
    format!("{} {}: {}", error.service, port_headline(error), error.message)
}

fn port_headline(error: &PortError) -> &'static str {
    match error.kind {
        PortErrorKind::NotFound => "found nothing",
        PortErrorKind::Denied => "was refused by the service",
        PortErrorKind::Unauthenticated => "is not signed in",
        PortErrorKind::Invalid => "was not accepted",
        PortErrorKind::Conflict => "met a conflict",
        PortErrorKind::RateLimited => "has to wait",
        PortErrorKind::Unavailable => "can't be reached",
        PortErrorKind::TimedOut => "got no answer in time",
        PortErrorKind::Unsupported => "can't be done there",
        PortErrorKind::TooLarge => "is too large",
        PortErrorKind::Full => "found no room",
        PortErrorKind::Broken => "got an answer that makes no sense",
    }
}

fn port_facts(error: &PortError, call: &CallId) -> Vec<(&'static str, Span)> {
    let mut facts = vec![("Service", code(&error.service))];
    match error.retry {
        Retry::After(pause) => facts.push(("Try again", format!("in {}", seconds(pause)).into())),
        Retry::Backoff => facts.push(("Try again", "in a moment".into())),
        Retry::No => {}
    }
    if error.maybe_done {
        facts.push(("Note", "it may have been done all the same: look before you repeat it".into()));
    }
    facts.push(("Reference", code(call.as_str())));
    facts
}

fn after_effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Reads => "Nothing was changed.",
        Effect::Writes | Effect::Destroys => "Part of it may have been done: look before you repeat it.",
    }
}

fn with_correction(registry: &Registry, card: Card, corrected: Option<&str>, more: Vec<Action>) -> Card {
    let Some(line) = corrected else { return card.and_actions(more) };
    let card = card.and_spans(vec!["Did you mean ".into(), code(line), "?".into()]);
    let action = match registry.parse(line) {
        Ok(understood) => Action::invoke(bellhop_core::text::shorten(&format!("Run {line}"), 60), understood.invoke),
        Err(_) => Action::prefill(bellhop_core::text::shorten(&format!("Use {line}"), 60), format!("/{line} ")),
    };
    card.and_actions([vec![action.style(ActionStyle::Primary)], more].concat())
}

fn help(words: &[&str]) -> Action {
    let words: Vec<String> = words.iter().flat_map(|word| word.split(' ')).map(str::to_owned).collect();
    let label = if words.is_empty() { "Help".to_owned() } else { format!("Help on {}", words.join(" ")) };
    Action::invoke(label, Invoke { command: "help".to_owned(), args: serde_json::json!({ "words": words }) })
}

fn code(text: &str) -> Span {
    Span::Code(bellhop_core::text::shorten(&bellhop_core::text::one_line(text), 200))
}

/// A message as a sentence: its first letter large, a full stop at its end.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let start: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{start}{}{end}", letters.as_str())
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0 | 1 => "1 second".to_owned(),
        s if s < 120 => format!("{s} seconds"),
        s if s < 7200 => format!("{} minutes", s / 60),
        s => format!("{} hours", s / 3600),
    }
}
