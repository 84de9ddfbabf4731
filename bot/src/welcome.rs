//! The first thing that a newcomer reads: said once, in the embedded chat's first channel.

use crate::outbox::notice;
use bellhop_core::Address;
use bellhop_core::card::{Action, ActionStyle, Card};
use bellhop_core::ids::{CardKey, DeliveryKey};
use bellhop_core::ports::PortResult;
use bellhop_core::registry::Registry;
use bellhop_store::{Effects, NewDelivery, Store};

/// Greets, unless that was done before on this database. The delivery's key is always the same, so that it is kept once.
pub async fn greet(store: &Store, registry: &Registry, to: Address) -> PortResult<()> {
    let delivery = NewDelivery {
        key: DeliveryKey::new("welcome"),
        card_key: Some(CardKey::new("welcome")),
        payload: serde_json::to_value(notice(card(registry))).unwrap_or_default(),
        to,
        not_before: None,
    };
    if bellhop_core::ports::Records::put_new(store, "bot", "welcome", &serde_json::json!(true)).await?.1 {
        store.commit(Effects { outbox: vec![delivery], ..Effects::default() }).await?;
    }
    Ok(())
}

fn card(registry: &Registry) -> Card {
    let run = |label: &str, line: &str| registry.parse(line).ok().map(|understood| Action::invoke(label, understood.invoke));
    let mut actions: Vec<Action> = [run("Load sample events", "sample"), run("What can you do?", "help")].into_iter().flatten().collect();
    if let Some(first) = actions.first_mut() {
        first.style = ActionStyle::Primary;
    }
    actions.push(Action::prefill("Keep a file", "/file put"));
    Card::titled("Welcome to Bellhop")
        .and_text("I run commands, keep and share files, answer questions with charts, and show alerts. Type / in the message box to see what there is.")
        .and_text("New here? Load some sample events, and then ask for a report on them.")
        .and_actions(actions)
}
