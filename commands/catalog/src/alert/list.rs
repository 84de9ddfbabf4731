//! `alert list`: what is on, and who has it.

use super::AlertRef;
use super::ack::Ack;
use super::show::Show;
use crate::wording::{ago, code, count, line, table};
use bellhop_core::alert::{Alert, AlertState};
use bellhop_core::card::Block;
use bellhop_core::ports::{AlertDesk, AlertFilter};
use bellhop_core::text::shorten;
use bellhop_core::{Action, Call, Card, Command, CommandError, Invoke, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many alerts are shown when no limit is given, the most that are shown, and how many get a button.
const SHOWN: u32 = 50;
const MOST: u32 = 1000;
const BUTTONS: usize = 3;

/// Which alerts to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Firing and acknowledged
    Open,
    /// On, and nobody has taken it
    Firing,
    /// On, and someone takes care of it
    Acknowledged,
    /// Over
    Resolved,
    /// All that are kept
    All,
}

/// Arguments of `alert list`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ListArgs {
    /// Which alerts; the open ones unless told
    #[arg(value_enum, value_name = "STATE")]
    pub state: Option<Which>,
    /// How many to show at most; 50 unless told
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    pub limit: Option<u32>,
}

/// Lists alerts.
pub struct List {
    alerts: Arc<dyn AlertDesk>,
}

impl List {
    /// With the desk.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { alerts: services.alerts.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "alert list";
    const SUMMARY: &'static str = "Lists alerts that are on, and who has taken them";
    const EXAMPLES: &'static [&'static str] = &["alert list", "alert list firing", "alert list all --limit 100"];
    type Args = ListArgs;

    async fn run(&self, call: &Call, args: ListArgs) -> Result<Reply, CommandError> {
        let which = args.state.unwrap_or(Which::Open);
        let states = match which {
            Which::Open => vec![AlertState::Firing, AlertState::Acknowledged],
            Which::Firing => vec![AlertState::Firing],
            Which::Acknowledged => vec![AlertState::Acknowledged],
            Which::Resolved => vec![AlertState::Resolved],
            Which::All => Vec::new(),
        };
        let limit = args.limit.unwrap_or(SHOWN) as usize;
        let mut alerts = self.alerts.list(&AlertFilter { states, limit: limit + 1 }).await?;
        let more = alerts.len() > limit;
        alerts.truncate(limit);
        let (title, none) = match which {
            Which::Open => ("Open alerts", "No alert is on."),
            Which::Firing => ("Firing alerts", "No alert is firing without someone taking care of it."),
            Which::Acknowledged => ("Acknowledged alerts", "Nobody is taking care of an alert just now."),
            Which::Resolved => ("Resolved alerts", "No alert has been resolved yet."),
            Which::All => ("Alerts", "There has been no alert yet."),
        };
        if alerts.is_empty() {
            return Ok(Reply::new(Card::titled(title).tone(Tone::Good).and_text(none)));
        }
        let firing = alerts.iter().filter(|alert| alert.state == AlertState::Firing).count();
        let rows = alerts.iter().map(|alert| row(alert, call)).collect();
        let mut said = count(alerts.len(), "alert");
        if firing > 0 {
            said = format!("{said}, {firing} firing");
        }
        if more {
            said = format!("The newest {said}; there are more: raise --limit to see them");
        }
        let mut actions: Vec<Action> = alerts
            .iter()
            .filter(|alert| alert.state == AlertState::Firing)
            .take(BUTTONS)
            .map(|alert| Action::invoke(format!("Ack {}", name(alert)), Invoke::of::<Ack>(&AlertRef { id: alert.id.clone() })))
            .collect();
        actions.extend(
            alerts
                .first()
                .map(|alert| Action::invoke(format!("Show {}", name(alert)), Invoke::of::<Show>(&AlertRef { id: alert.id.clone() }))),
        );
        let table = table(title, &["Id", "Severity", "Name", "State", "Since", "Who"], rows);
        let tone = if firing > 0 { Tone::Bad } else { Tone::Neutral };
        Ok(Reply::new(Card::titled(title).tone(tone).and_text(format!("{said}.")).block(Block::Table(table)).and_actions(actions)))
    }
}

fn name(alert: &Alert) -> String {
    shorten(&line(&alert.signal.name), 30)
}

fn row(alert: &Alert, call: &Call) -> Vec<Vec<bellhop_core::Span>> {
    let who = match alert.state {
        AlertState::Acknowledged => alert.taken_by.as_deref(),
        AlertState::Resolved => alert.ended_by.as_deref(),
        AlertState::Firing => None,
    };
    vec![
        vec![code(&alert.id)],
        vec![line(&alert.signal.severity).into()],
        vec![line(&alert.signal.name).into()],
        vec![alert.state.word().into()],
        vec![format!("{} ago", ago(alert.since, call.now)).into()],
        vec![line(who.unwrap_or_default()).into()],
    ]
}
