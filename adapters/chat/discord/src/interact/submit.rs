//! Forms that were filled in. A form can't be opened in answer to a form, so that what is wrong is told with a button that opens it
//! anew, as it was filled in.

use super::{fault, promised, resolved, tell, warning};
use crate::Desk;
use crate::click::Click;
use crate::parse::{Origin, field, list};
use crate::render::{ARGUMENT, FILES, LINE};
use bellhop_core::Card;
use bellhop_core::card::{Block, Tone};
use bellhop_core::command::About;
use bellhop_core::form::{Answers, Form};
use bellhop_core::grammar;
use bellhop_core::ports::{PortResult, Said};
use bellhop_core::text::visible;
use serde_json::Value;
use std::sync::Arc;

/// Someone sent a form.
pub(super) async fn submitted(desk: &Arc<Desk>, origin: Origin, payload: &Value) -> PortResult<Value> {
    let data = payload.get("data").unwrap_or(&Value::Null);
    let entered = entered(data);
    let click = match field(data, "/custom_id").and_then(Click::read) {
        Some(Click::Kept(key)) => super::click::kept(desk, &key).await?,
        other => other,
    };
    let (command, mut answers) = match click {
        Some(Click::Submit { command, answers }) => (command, answers),
        Some(Click::Line) => {
            let line = entered.iter().find(|(id, _)| *id == LINE).and_then(|(_, values)| values.first().cloned()).unwrap_or_default();
            let line = if line.trim().is_empty() { "help".to_owned() } else { line };
            let private = !super::understood(desk, &line);
            return promised(desk, origin, Said::Line(line), Vec::new(), private).await;
        }
        _ => {
            let text = "This form is too old: what it completes is no longer known. Please type the command again.";
            return tell(desk, &origin, &warning(text)).await;
        }
    };
    let mut files = Vec::new();
    for (id, values) in entered {
        if id == FILES {
            files = resolved(data, &values);
        } else if let Some(argument) = id.strip_prefix(ARGUMENT) {
            answers.remove(argument);
            if !values.is_empty() {
                answers.insert(argument.to_owned(), values);
            }
        }
    }
    // While the bot still starts it has no commands: the answers are judged when the command is run.
    if let Some(about) = desk.about(&command) {
        split(&about, &mut answers);
        if let Some((form, why)) = fault(&about, &answers) {
            let form = form.unwrap_or_else(|| Form { command: command.clone(), ..grammar::form(&about, &answers, None) });
            let card = Card::text(why).tone(Tone::Warning).block(Block::Form(form));
            return tell(desk, &origin, &card).await;
        }
    }
    promised(desk, origin, Said::Form { command, answers }, files, false).await
}

/// What was entered, by the ids of the inputs. Labels hold one each; forms of the older kind have rows.
fn entered(data: &Value) -> Vec<(String, Vec<String>)> {
    let rows = list(data, "/components").flat_map(|row| list(row, "/components").chain(row.get("component")).collect::<Vec<_>>());
    let own = list(data, "/components").filter(|component| component.get("custom_id").is_some());
    own.chain(rows)
        .filter_map(|input| {
            let id = field(input, "/custom_id")?.to_owned();
            let one = input.get("value").map(|value| match value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            });
            let several = list(input, "/values").filter_map(Value::as_str).map(str::to_owned);
            let values = one.into_iter().chain(several).map(|value| visible(&value).trim().to_owned());
            Some((id, values.filter(|value| !value.is_empty() && value != "false").collect()))
        })
        .collect()
}

/// Several lines are several values where the argument takes several.
fn split(about: &About, answers: &mut Answers) {
    for arg in about.model.get_arguments().filter(|arg| grammar::many(arg)) {
        if let Some(values) = answers.get_mut(arg.get_id().as_str()) {
            let lines = values.iter().flat_map(|value| value.lines()).map(str::trim).filter(|line| !line.is_empty());
            *values = lines.map(str::to_owned).collect();
        }
    }
}
