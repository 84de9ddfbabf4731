//! Answers funnels: how far each person gets, and how long it takes. docs/analytics.md says what counts.

use super::Events;
use super::asking::{GROUPS, OTHERS, folded_note};
use super::histories::{Did, Values, Wanted, followed, value};
use crate::error::invalid;
use bellhop_core::analytics::{Answer, EventMatch, Figures, Filter, Funnel, FunnelFigures, FunnelGroup, FunnelStep, StepOrder};
use bellhop_core::ports::PortResult;
use chrono::TimeDelta;
use std::collections::{BTreeMap, HashMap};

/// The most steps.
const STEPS: usize = 20;
/// The longest time between the first step and the last.
const WITHIN: u64 = 10 * 366 * 86_400;

/// What a person's way is judged by; times in microseconds.
#[derive(Clone, Copy, Debug)]
struct Rules {
    steps: usize,
    order: StepOrder,
    from: i64,
    to: i64,
    within: i64,
}

/// How far somebody got.
struct Way {
    /// When all steps up to this one were done.
    done: Vec<i64>,
    /// The event that was the first step, whose value of a property counts.
    first: Did,
}

/// How many got to a step, and the microseconds it took each of them.
#[derive(Default)]
struct Reached {
    took: Vec<i64>,
}

type Groups = HashMap<Option<String>, Vec<Reached>>;

impl Events {
    pub(super) async fn funnel(&self, funnel: &Funnel) -> PortResult<Answer> {
        self.check_funnel(funnel).await?;
        let window = &funnel.window;
        let within = TimeDelta::seconds(i64::try_from(funnel.within).unwrap_or(i64::MAX / 2000));
        let rules = Rules {
            steps: funnel.steps.len(),
            order: funnel.order,
            from: window.from.timestamp_micros(),
            to: window.to.timestamp_micros(),
            within: within.num_microseconds().unwrap_or(i64::MAX / 4),
        };
        let (groups, _) = followed(&self.store, wanted(funnel, within), Groups::new(), move |groups, history, values| {
            count(&rules, groups, history, values);
        })
        .await?;
        let mut basis = self.basis(window.zone, window.to + within);
        let (groups, folded) = figures(funnel, groups);
        basis.notes.extend(folded.then(|| folded_note("values")));
        Ok(Answer { figures: Figures::Funnel(FunnelFigures { groups }), basis })
    }

    async fn check_funnel(&self, funnel: &Funnel) -> PortResult<()> {
        if !(2..=STEPS).contains(&funnel.steps.len()) {
            return Err(invalid("query", format!("a funnel has 2 to {STEPS} steps, and these are {}", funnel.steps.len())));
        }
        if !(1..=WITHIN).contains(&funnel.within) {
            return Err(invalid("query", "the time for a funnel's steps is from one second to ten years"));
        }
        self.check_period(funnel.window.from, funnel.window.to)?;
        Self::check_filters(&funnel.filters)?;
        Self::check_by(funnel.by.as_ref())?;
        self.check_events(&funnel.steps).await
    }
}

/// The events to be read: each once, with a bit for every step that it can be.
fn wanted(funnel: &Funnel, within: TimeDelta) -> Vec<Wanted> {
    let conditions = |step: &EventMatch| step.filters.iter().chain(&funnel.filters).cloned().collect::<Vec<Filter>>();
    let window = &funnel.window;
    let to = window.to + within + TimeDelta::microseconds(1);
    let steps = || funnel.steps.iter().enumerate().map(|(at, step)| (1_u32 << at, step));
    let strict = funnel.order == StepOrder::Strict;
    if strict || funnel.steps.iter().any(|step| step.event.is_none()) {
        let kinds = steps().map(|(bit, step)| (bit, step.event.clone(), conditions(step))).collect();
        return vec![Wanted { event: None, kinds, by: funnel.by.clone(), from: window.from, to, all: strict }];
    }
    let mut names = BTreeMap::<&str, Vec<(u32, Option<String>, Vec<Filter>)>>::new();
    for (bit, step) in steps() {
        let kinds = names.entry(step.event.as_deref().unwrap_or_default()).or_default();
        let conditions = conditions(step);
        match kinds.iter_mut().find(|(_, _, known)| *known == conditions) {
            Some((bits, _, _)) => *bits |= bit,
            None => kinds.push((bit, None, conditions)),
        }
    }
    let pick = |(name, kinds): (&str, Vec<_>)| {
        let bits = kinds.iter().fold(0, |all, (bits, _, _)| all | bits);
        Wanted {
            event: Some(name.to_owned()),
            by: funnel.by.clone().filter(|_| bits & 1 != 0),
            from: window.from,
            // What can be a first step only is not looked for after the period.
            to: if bits == 1 && funnel.order == StepOrder::Ordered { window.to } else { to },
            kinds,
            all: false,
        }
    };
    names.into_iter().map(pick).collect()
}

fn count(rules: &Rules, groups: &mut Groups, history: &[Did], values: &Values) {
    let way = match rules.order {
        StepOrder::Ordered => ordered(rules, history),
        StepOrder::Strict => strict(rules, history),
        StepOrder::Any => any(rules, history),
    };
    let Some(way) = way else { return };
    let group = value(&way.first, values);
    let steps = groups.entry(group.map(str::to_owned)).or_insert_with(|| (0..rules.steps).map(|_| Reached::default()).collect());
    let mut before = way.done.first().copied().unwrap_or_default();
    for (step, done) in steps.iter_mut().zip(way.done) {
        step.took.push(done - before);
        before = done;
    }
}

/// The positions of the events that can be each step.
fn positions(rules: &Rules, history: &[Did]) -> Vec<Vec<usize>> {
    (0..rules.steps).map(|step| (0..history.len()).filter(|at| history[*at].kinds & (1 << step) != 0).collect()).collect()
}

/// From each first step, the earliest next step after the one before.
fn ordered(rules: &Rules, history: &[Did]) -> Option<Way> {
    let of = positions(rules, history);
    // Where a later first step leads is never before where an earlier one led.
    let mut next = vec![0; rules.steps];
    let mut best: Option<Way> = None;
    for start in &of[0] {
        let first = history[*start];
        if first.at >= rules.to {
            break;
        }
        if first.at < rules.from {
            continue;
        }
        let (mut done, mut last) = (vec![first.at], *start);
        for step in 1..rules.steps {
            while of[step].get(next[step]).is_some_and(|at| *at <= last) {
                next[step] += 1;
            }
            let Some(at) = of[step].get(next[step]).copied().filter(|at| history[*at].at - first.at <= rules.within) else { break };
            done.push(history[at].at);
            last = at;
        }
        if better(&mut best, Way { done, first }, rules) {
            break;
        }
    }
    best
}

/// From each first step, the events right after it.
fn strict(rules: &Rules, history: &[Did]) -> Option<Way> {
    let mut best: Option<Way> = None;
    for (at, first) in history.iter().enumerate().filter(|(_, did)| did.kinds & 1 != 0 && did.at >= rules.from && did.at < rules.to) {
        let fits = |(step, did): &(usize, &Did)| did.kinds & (1 << step) != 0 && did.at - first.at <= rules.within;
        let done = history[at..].iter().enumerate().take(rules.steps).take_while(fits).map(|(_, did)| did.at).collect();
        if better(&mut best, Way { done, first: *first }, rules) {
            break;
        }
    }
    best
}

/// From each event that can be a step: when the first steps have each an event of their own, in whatever order.
fn any(rules: &Rules, history: &[Did]) -> Option<Way> {
    let of = positions(rules, history);
    let mut best: Option<Way> = None;
    for (start, begun) in history.iter().enumerate().filter(|(_, did)| did.kinds != 0 && did.at >= rules.from && did.at < rules.to) {
        let mut matching = Matching::new(rules.steps);
        let mut done = Vec::new();
        let mut from = start;
        // As many events as there are steps are enough to choose from for each.
        while let Some(at) = next_of(&of, &matching, from).filter(|at| history[*at].at - begun.at <= rules.within) {
            matching.add(history[at].kinds);
            while matching.serve(done.len()) {
                done.push(history[at].at);
            }
            if done.len() == rules.steps {
                break;
            }
            from = at + 1;
        }
        // An event that is none of the steps done doesn't begin them: they are begun by a later one.
        let begins = begun.kinds & ((1_u32 << done.len()) - 1) != 0;
        let first = of[0].get(of[0].partition_point(|at| *at < start)).map(|at| history[*at]);
        if let Some(first) = first.filter(|_| begins)
            && better(&mut best, Way { done, first }, rules)
        {
            break;
        }
    }
    best
}

/// The next event that can be a step of which there are not enough yet.
fn next_of(of: &[Vec<usize>], matching: &Matching, from: usize) -> Option<usize> {
    let open = of.iter().zip(&matching.seen).filter(|(_, seen)| **seen < of.len());
    open.filter_map(|(positions, _)| positions.get(positions.partition_point(|at| *at < from)).copied()).min()
}

/// Which event is which step, each only one.
struct Matching {
    /// The steps that each event can be.
    events: Vec<u32>,
    /// How many events can be each step.
    seen: Vec<usize>,
    /// The event of each step.
    of: Vec<Option<usize>>,
}

impl Matching {
    fn new(steps: usize) -> Self {
        Self { events: Vec::new(), seen: vec![0; steps], of: vec![None; steps] }
    }

    fn add(&mut self, kinds: u32) {
        self.events.push(kinds);
        self.seen.iter_mut().enumerate().filter(|(step, _)| kinds & (1 << step) != 0).for_each(|(_, seen)| *seen += 1);
    }

    /// Finds an event for one step more, if need be by giving others to the steps before. False where there is none.
    fn serve(&mut self, step: usize) -> bool {
        step < self.of.len() && self.find(step, &mut vec![false; self.events.len()])
    }

    fn find(&mut self, step: usize, tried: &mut [bool]) -> bool {
        for event in 0..self.events.len() {
            if tried[event] || self.events[event] & (1 << step) == 0 {
                continue;
            }
            tried[event] = true;
            let holder = self.of.iter().position(|of| *of == Some(event));
            if holder.is_none_or(|holder| self.find(holder, tried)) {
                self.of[step] = Some(event);
                return true;
            }
        }
        false
    }
}

/// Keeps the way that leads further; of equal ones the first. True when there is none further.
fn better(best: &mut Option<Way>, way: Way, rules: &Rules) -> bool {
    if best.as_ref().is_none_or(|best| best.done.len() < way.done.len()) {
        *best = Some(way);
    }
    best.as_ref().is_some_and(|best| best.done.len() == rules.steps)
}

/// The figures, the largest group first, and whether small groups were added up.
fn figures(funnel: &Funnel, groups: Groups) -> (Vec<FunnelGroup>, bool) {
    let people = |steps: &[Reached]| steps.first().map_or(0, |step| step.took.len());
    let mut groups: Vec<(Option<String>, Vec<Reached>)> = groups.into_iter().collect();
    groups.sort_by(|a, b| people(&b.1).cmp(&people(&a.1)).then_with(|| a.0.cmp(&b.0)));
    if groups.is_empty() && funnel.by.is_none() {
        groups.push((None, funnel.steps.iter().map(|_| Reached::default()).collect()));
    }
    let folded = groups.len() > GROUPS;
    if folded {
        let mut others: Vec<Reached> = funnel.steps.iter().map(|_| Reached::default()).collect();
        for (_, steps) in groups.split_off(GROUPS) {
            others.iter_mut().zip(steps).for_each(|(all, step)| all.took.extend(step.took));
        }
        groups.push((Some(OTHERS.to_owned()), others));
    }
    let made = groups.into_iter().map(|(group, steps)| {
        let steps = steps.into_iter().zip(&funnel.steps).enumerate().map(|(at, (mut reached, step))| FunnelStep {
            name: step.event.clone().unwrap_or_else(|| "any event".to_owned()),
            people: super::float(reached.took.len()),
            median_seconds: if at == 0 { None } else { median(&mut reached.took) },
        });
        FunnelGroup { group, steps: steps.collect() }
    });
    (made.collect(), folded)
}

/// The median of microseconds, in seconds.
fn median(took: &mut [i64]) -> Option<f64> {
    took.sort_unstable();
    let (low, high) = (took.get(took.len().checked_sub(1)? / 2)?, took.get(took.len() / 2)?);
    #[expect(clippy::cast_precision_loss, reason = "ten years have far fewer microseconds than a float counts exactly")]
    Some((low + high) as f64 / 2e6)
}
