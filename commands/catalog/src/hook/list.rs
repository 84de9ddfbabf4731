//! `hook list`: the webhooks and where they lead. Their addresses are not shown: they are not kept.

use super::HookRef;
use super::logs::Logs;
use crate::wording::{code, count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::NoArgs;
use bellhop_core::ports::{Hooks, Places};
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Invoke, Reply};
use std::sync::Arc;

/// How many webhooks get a button.
const BUTTONS: usize = 5;

/// Lists webhooks.
pub struct List {
    hooks: Arc<dyn Hooks>,
    places: Arc<dyn Places>,
}

impl List {
    /// With the webhooks and the places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { hooks: services.hooks.clone(), places: services.places.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "hook list";
    const SUMMARY: &'static str = "Lists the addresses that programs post to";
    const ACCESS: Access = Access::Operator;
    const EXAMPLES: &'static [&'static str] = &["hook list"];
    type Args = NoArgs;

    async fn run(&self, call: &Call, _args: NoArgs) -> Result<Reply, CommandError> {
        let hooks = self.hooks.list().await?;
        if hooks.is_empty() {
            let make = Action::prefill("Make one", "/hook create NAME --to #channel");
            return Ok(Reply::private(Card::titled("Webhooks").and_text("There is none yet.").and_actions(vec![make])));
        }
        let mut rows = Vec::new();
        for hook in &hooks {
            rows.push(vec![
                vec![code(&hook.name)],
                vec![code(self.places.spell(&hook.to).await)],
                vec![if hook.signed { "signed only" } else { "anyone who knows the address" }.into()],
                vec![line(&hook.made_by).into()],
                vec![local(hook.made_at, call.caller.zone).into()],
            ]);
        }
        let logs = hooks
            .iter()
            .take(BUTTONS)
            .map(|hook| Action::invoke(format!("Logs of {}", hook.name), Invoke::of::<Logs>(&HookRef { name: hook.name.clone() })))
            .collect();
        let shown = count(hooks.len(), "webhook");
        Ok(Reply::private(
            Card::titled("Webhooks")
                .and_text(format!("{shown}."))
                .block(Block::Table(table(shown, &["Name", "Shows in", "Takes", "Made by", "Made"], rows)))
                .and_actions(logs),
        ))
    }
}
