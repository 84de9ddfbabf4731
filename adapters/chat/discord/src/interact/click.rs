//! Buttons and menus under messages.

use super::{opened, promised, silence, tell, warning};
use crate::Desk;
use crate::click::{Click, collection};
use crate::parse::{Origin, field, list, on_private_message};
use crate::render;
use bellhop_core::form::Answers;
use bellhop_core::grammar;
use bellhop_core::ports::{PortResult, Said};
use serde_json::Value;
use std::sync::Arc;

/// Someone clicked.
pub(super) async fn clicked(desk: &Arc<Desk>, origin: Origin, payload: &Value) -> PortResult<Value> {
    let own = field(payload, "/data/custom_id").and_then(Click::read);
    let click = match own {
        Some(Click::Menu) => list(payload, "/data/values").find_map(|value| Click::read(value.as_str()?)),
        other => other,
    };
    let click = match click {
        Some(Click::Kept(key)) => kept(desk, &key).await?,
        other => other,
    };
    match click {
        Some(Click::Invoke(invoke)) => {
            // The answer to a click that only one person saw is mostly for that person, and never takes the place of what all see.
            let _ = on_private_message(payload);
            desk.ports.inbox.accept(origin.says(Said::Invoke(invoke), Vec::new())).await?;
            Ok(silence())
        }
        Some(Click::Form { command, answers }) => form(desk, origin, &command, &answers).await,
        Some(Click::Prefill(line)) => Ok(super::modal(&render::line_modal(&line))),
        // A form is sent by its own interaction, and a kept click never refers to another.
        Some(Click::Submit { .. } | Click::Line | Click::Menu | Click::Kept(_)) | None => {
            let text = "This button is too old: what it did is no longer known. Please type the command again.";
            tell(desk, &origin, &warning(text)).await
        }
    }
}

async fn form(desk: &Arc<Desk>, origin: Origin, command: &str, answers: &Answers) -> PortResult<Value> {
    let Some(about) = desk.about(command) else {
        let text = format!("This bot has no command `{command}` just now. Type `/help` to see what there is.");
        return tell(desk, &origin, &warning(text)).await;
    };
    let form = match super::fault(&about, answers) {
        Some((Some(form), _)) => form,
        _ => grammar::form(&about, answers, None),
    };
    if form.inputs.is_empty() {
        return promised(desk, origin, Said::Form { command: command.to_owned(), answers: answers.clone() }, Vec::new(), false).await;
    }
    opened(desk, form, answers, command == super::PUT).await
}

/// A click whose meaning was too long for its button.
pub(super) async fn kept(desk: &Desk, key: &str) -> PortResult<Option<Click>> {
    let found = desk.ports.records.get(&collection(desk.name.as_str()), key).await?;
    Ok(found.and_then(|value| serde_json::from_value::<Click>(value).ok()))
}
