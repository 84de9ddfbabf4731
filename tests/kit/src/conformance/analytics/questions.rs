//! Cases of the questions about people: funnels, retention, revenue. Each is held against figures that follow from the six
//! events of [`super::sample`].

use super::{Subject, fill, moment};
use crate::conformance::{Outcome, Verdict, done, refuses, same};
use bellhop_core::PortErrorKind;
use bellhop_core::analytics::{EventMatch, Figures, Funnel, Query, Retention, RetentionKind, Revenue, StepOrder, Window};
use bellhop_core::chart::Interval;

fn week() -> Window {
    Window { from: moment("2026-10-01T00:00:00Z"), to: moment("2026-10-08T00:00:00Z"), zone: chrono_tz::UTC }
}

fn event(name: &str) -> EventMatch {
    EventMatch { event: Some(name.to_owned()), filters: Vec::new() }
}

fn funnel(steps: &[&str], order: StepOrder, hours: u64) -> Funnel {
    let steps = steps.iter().map(|name| event(name)).collect();
    Funnel { steps, window: week(), within: hours * 3600, order, by: None, filters: Vec::new() }
}

async fn steps(source: &Subject, funnel: Funnel) -> Result<Vec<f64>, String> {
    let answer = source.query(&Query::Funnel(funnel)).await.map_err(|error| format!("asking for a funnel failed: {error}"))?;
    let Figures::Funnel(figures) = answer.figures else { return Err("a funnel was asked for, and something else answered".to_owned()) };
    Ok(figures.groups.first().map(|group| group.steps.iter().map(|step| step.people).collect()).unwrap_or_default())
}

/// Ends the case where the source has no such questions, and fills it.
macro_rules! able {
    ($source:expr, $capability:ident) => {
        if !$source.capabilities().$capability {
            return Ok(Outcome::NotOffered(concat!("its capabilities are without ", stringify!($capability))));
        }
        fill($source).await?;
    };
}
pub(super) use able;

pub(super) async fn ordered(source: &Subject) -> Verdict {
    able!(source, funnels);
    same!(steps(source, funnel(&["sign up", "purchase"], StepOrder::Ordered, 168)).await?, [3.0, 1.0], "people by step, within a week");
    same!(steps(source, funnel(&["sign up", "purchase"], StepOrder::Ordered, 1)).await?, [3.0, 0.0], "people by step, within an hour");
    same!(steps(source, funnel(&["sign up", "sign up"], StepOrder::Ordered, 168)).await?, [3.0, 2.0], "the same step twice");
    let never = source.query(&Query::Funnel(funnel(&["sign up", "sign in"], StepOrder::Ordered, 168))).await;
    refuses!(never, PortErrorKind::NotFound, "a step that was never seen");
    Ok(Outcome::Held)
}

pub(super) async fn strict(source: &Subject) -> Verdict {
    able!(source, funnels);
    let strict = funnel(&["sign up", "sign up"], StepOrder::Strict, 168);
    if let Err(error) = source.query(&Query::Funnel(strict.clone())).await
        && error.kind == PortErrorKind::Unsupported
    {
        return Ok(Outcome::NotOffered("it has no strict order"));
    }
    // Ann's next thing after signing up is a purchase.
    same!(steps(source, strict).await?, [3.0, 1.0], "people by step, with nothing between");
    Ok(Outcome::Held)
}

pub(super) async fn any_order(source: &Subject) -> Verdict {
    able!(source, funnels);
    let any = funnel(&["purchase", "sign up"], StepOrder::Any, 24);
    if let Err(error) = source.query(&Query::Funnel(any.clone())).await
        && error.kind == PortErrorKind::Unsupported
    {
        return Ok(Outcome::NotOffered("it has no funnels of any order"));
    }
    same!(steps(source, any).await?, [1.0, 1.0], "people by step, in any order within a day");
    same!(steps(source, funnel(&["purchase", "sign up"], StepOrder::Ordered, 24)).await?, [1.0, 0.0], "the same in order");
    Ok(Outcome::Held)
}

/// Those who signed up on 2 October, by how they came back: ann on the third day after.
async fn retained(source: &Subject, kind: RetentionKind) -> Result<Option<(f64, Vec<Option<f64>>)>, String> {
    let window = Window { from: moment("2026-10-02T00:00:00Z"), to: moment("2026-10-03T00:00:00Z"), zone: chrono_tz::UTC };
    let retention = Retention { first: event("sign up"), back: event("sign up"), window, unit: Interval::Day, kind, periods: 4, by: None };
    let answer = match source.query(&Query::Retention(retention)).await {
        Ok(answer) => answer,
        Err(error) if error.kind == PortErrorKind::Unsupported => return Ok(None),
        Err(error) => return Err(format!("asking for retention failed: {error}")),
    };
    let Figures::Retention(figures) = answer.figures else { return Err("retention was asked for, and something else answered".to_owned()) };
    let cohort = figures.cohorts.first().ok_or("no cohort of the only day")?;
    Ok(Some((cohort.size, cohort.cells.iter().map(|cell| cell.map(|cell| cell.people)).collect())))
}

async fn returned(source: &Subject, kind: RetentionKind, expected: &[f64]) -> Verdict {
    able!(source, retention);
    let Some(got) = retained(source, kind).await? else { return Ok(Outcome::NotOffered("it has no retention of this kind")) };
    same!(got, (2.0, expected.iter().copied().map(Some).collect::<Vec<_>>()), "how many they are, and how many came back");
    Ok(Outcome::Held)
}

pub(super) async fn in_unit(source: &Subject) -> Verdict {
    returned(source, RetentionKind::InUnit, &[0.0, 0.0, 0.0, 1.0, 0.0]).await
}

pub(super) async fn unbounded(source: &Subject) -> Verdict {
    returned(source, RetentionKind::Unbounded, &[1.0, 1.0, 1.0, 1.0, 0.0]).await
}

pub(super) async fn brackets(source: &Subject) -> Verdict {
    returned(source, RetentionKind::Brackets(vec![(0, 2), (2, 4)]), &[0.0, 1.0]).await
}

pub(super) async fn revenue(source: &Subject) -> Verdict {
    able!(source, revenue);
    let revenue = Revenue { window: week(), interval: Some(Interval::Day), by: None, filters: Vec::new() };
    let answer = done!(source.query(&Query::Revenue(revenue)).await, "asking for revenue");
    let Figures::Revenue(figures) = answer.figures else { return Err("revenue was asked for, and something else answered".to_owned()) };
    same!(figures.rows.iter().map(|row| row.revenue).collect::<Vec<_>>(), [0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0], "revenue by day");
    same!(figures.total.revenue, 5.0, "the whole week");
    if let Some(paying) = figures.total.paying {
        same!(paying, 1.0, "people who paid");
    }
    Ok(Outcome::Held)
}

pub(super) async fn wrong_periods(source: &Subject) -> Verdict {
    able!(source, funnels);
    let Window { from, to, zone } = week();
    let wrong = Funnel { window: Window { from: to, to: from, zone }, ..funnel(&["sign up", "purchase"], StepOrder::Ordered, 1) };
    refuses!(source.query(&Query::Funnel(wrong)).await, PortErrorKind::Invalid, "a period that ends before it begins");
    Ok(Outcome::Held)
}
