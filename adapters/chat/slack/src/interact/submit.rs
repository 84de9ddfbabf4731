//! A form that was filled in: what its command doesn't take is said at the question, while the modal is still open.

use super::{Origin, accept};
use crate::Desk;
use crate::parse::ARGUMENT;
use bellhop_core::call::Attachment;
use bellhop_core::command::About;
use bellhop_core::form::Answers;
use bellhop_core::grammar::{self, Misunderstood};
use bellhop_core::ports::{PortResult, Said};
use bellhop_core::text::shorten;
use serde_json::{Map, Value, json};

/// The longest remark at a question.
const REMARK: usize = 300;

/// Accepts a form, or returns the body that shows what is wrong with it.
pub(super) async fn submitted(
    desk: &Desk,
    origin: Origin,
    command: String,
    mut answers: Answers,
    blocks: &[String],
    attachments: Vec<Attachment>,
) -> PortResult<Option<Value>> {
    // While the bot still starts it has no commands: the answers are judged when the command is run.
    if let Some(about) = desk.about(&command) {
        split(&about, &mut answers);
        if let Some((block, why)) = fault(&about, &answers, blocks) {
            let errors: Map<String, Value> = [(block, Value::from(shorten(&why, REMARK)))].into_iter().collect();
            return Ok(Some(json!({ "response_action": "errors", "errors": errors })));
        }
    }
    accept(desk, origin.says(Said::Form { command, answers }, attachments)).await?;
    Ok(None)
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

/// What the command doesn't take, and the block where that is shown.
fn fault(about: &About, answers: &Answers, blocks: &[String]) -> Option<(String, String)> {
    let words = grammar::words(about, answers);
    let error = about.model.clone().try_get_matches_from(&words).err()?;
    let why = grammar::refusal(about, &words, &error);
    let (argument, remark) = match &why {
        Misunderstood::Missing { form, .. } => {
            let missing = form.inputs.iter().find(|input| input.required && input.value.trim().is_empty())?;
            (Some(missing.id.clone()), format!("{} is needed.", missing.label))
        }
        Misunderstood::Value { form, why, .. } => {
            let at = form.inputs.iter().find(|input| input.problem.is_some());
            (at.map(|input| input.id.clone()), why.clone())
        }
        Misunderstood::Surplus { typed, usage, .. } => (None, format!("`{typed}` is more than the command takes: {usage}")),
        // The words are a list already, and the command is known.
        Misunderstood::Nothing | Misunderstood::Words(_) | Misunderstood::Name { .. } | Misunderstood::Verb { .. } => {
            (None, error.to_string())
        }
    };
    let block = argument.map(|id| format!("{ARGUMENT}{id}")).filter(|block| blocks.contains(block));
    // A remark at a block that the modal doesn't have would leave it standing without a word. Without any block the
    // command's own answer says what is wrong.
    block.or_else(|| blocks.first().cloned()).map(|block| (block, remark))
}
