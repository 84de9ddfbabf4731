//! `alert raise`: a person reports what no monitor has seen. It goes the way of every alert: routed, one card at each place,
//! taken and resolved by hand.

use super::AlertRef;
use super::resolve::Resolve;
use super::show::Show;
use crate::wording::{code, line, suggest};
use bellhop_core::alert::AlertState;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{AlertDesk, NewAlert};
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest name, severity, summary and label, in characters; what is longer is refused rather than cut.
const NAME: usize = 300;
const SEVERITY: usize = 40;
const SUMMARY: usize = 8000;
const LABEL: usize = 1000;

/// Arguments of `alert raise`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct RaiseArgs {
    /// What is wrong, in a few words; in quotes where it has spaces
    pub name: String,
    /// How bad it is: critical, warning, info, or a word of your own
    #[arg(long, value_name = "S")]
    pub severity: Option<String>,
    /// A sentence about it
    #[arg(long, value_name = "TEXT")]
    pub summary: Option<String>,
    /// Where to read more
    #[arg(long)]
    pub url: Option<String>,
    /// A label, as service=api; may be given several times
    #[arg(long = "label", value_name = "K=V")]
    #[serde(default)]
    pub label: Vec<String>,
}

/// Raises an alert.
pub struct Raise {
    alerts: Arc<dyn AlertDesk>,
}

impl Raise {
    /// With the desk.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { alerts: services.alerts.clone() }
    }
}

impl Command for Raise {
    const NAME: &'static str = "alert raise";
    const SUMMARY: &'static str = "Raises an alert by hand";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] =
        &["alert raise CheckoutBroken", "alert raise \"Checkout is broken\" --severity critical --label service=shop"];
    const COMPLETES: &'static [&'static str] = &["severity"];
    type Args = RaiseArgs;

    async fn run(&self, call: &Call, args: RaiseArgs) -> Result<Reply, CommandError> {
        let (alert, fired) = self.alerts.raise(call, &wanted(&args)?).await?;
        let name = Span::Bold(line(&alert.signal.name));
        let card = match (fired, alert.state) {
            (true, _) => Card::titled("Alert raised")
                .tone(Tone::Good)
                .and_spans(vec![name, " is firing. It is shown where alerts of its kind are routed.".into()]),
            (false, AlertState::Acknowledged) => {
                let who = line(alert.taken_by.as_deref().unwrap_or("someone"));
                Card::titled("This alert is on already").and_spans(vec![name, format!(" is taken by {who}.").into()])
            }
            (false, _) => {
                Card::titled("This alert is on already").and_spans(vec![name, " is firing; what it says is brought up to date.".into()])
            }
        };
        let this = AlertRef { id: alert.id.clone() };
        Ok(Reply::private(
            card.and_fields(vec![("Id", code(&alert.id))]).and_actions(vec![
                Action::invoke("Show", Invoke::of::<Show>(&this)),
                Action::invoke("Resolve", Invoke::of::<Resolve>(&this)),
            ]),
        ))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let known = [("critical", "someone has to look now"), ("warning", "it can wait for the day"), ("info", "good to know")];
        match argument {
            "severity" => suggest(typed, known.map(|(value, about)| (value.to_owned(), about.to_owned()))),
            _ => Vec::new(),
        }
    }
}

/// What was typed, if an alert can be made of it.
fn wanted(args: &RaiseArgs) -> Result<NewAlert, CommandError> {
    let text = |argument: &'static str, typed: &str, most: usize| {
        let text = bellhop_core::text::visible(typed).trim().to_owned();
        let length = text.chars().count();
        if length > most {
            return Err(CommandError::invalid(argument, format!("it has {length} characters, and {most} are the most")));
        }
        Ok(text)
    };
    let name = bellhop_core::text::one_line(&text("name", &args.name, NAME)?);
    if name.is_empty() {
        return Err(CommandError::invalid("name", "it is empty; say in a few words what is wrong"));
    }
    let url = args.url.as_deref().unwrap_or_default().trim().to_owned();
    let web = ["https://", "http://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    if !url.is_empty() && (!web || url.len() > 2000 || url.chars().any(|c| c.is_whitespace() || c.is_control())) {
        return Err(CommandError::invalid("url", format!("`{}` is no address; write https://...", line(&url))));
    }
    let mut labels = BTreeMap::new();
    for typed in &args.label {
        let wrong = || CommandError::invalid("label", format!("`{}` is no label; write NAME=VALUE, as in service=api", line(typed)));
        let (label, value) = typed.split_once('=').ok_or_else(wrong)?;
        let (label, value) = (text("label", label, LABEL)?, text("label", value, LABEL)?);
        if label.is_empty() || label.contains(char::is_whitespace) {
            return Err(wrong());
        }
        // These stand for the alert's own name and severity wherever labels are matched.
        if label == "alertname" || label == "severity" {
            return Err(CommandError::invalid("label", format!("`{label}` is no label here: write the name first, and --severity")));
        }
        labels.insert(label, value);
    }
    Ok(NewAlert {
        name,
        severity: text("severity", args.severity.as_deref().unwrap_or_default(), SEVERITY)?.to_lowercase(),
        summary: text("summary", args.summary.as_deref().unwrap_or_default(), SUMMARY)?,
        url,
        labels,
    })
}
