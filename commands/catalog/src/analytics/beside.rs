//! Several sources beside one another: which are asked, what becomes of one that doesn't answer, and why their figures differ.

use super::asking::{able, percentage};
use crate::wording::line;
use bellhop_core::analytics::{AnalyticsCapabilities, Basis};
use bellhop_core::error::Retry;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource, PortResult, Sources};
use bellhop_core::{Card, CommandError, PortError, Span, Tone};
use chrono_tz::Tz;
use std::sync::Arc;

/// The most sources side by side.
const MOST: usize = 5;

/// A source that did not answer.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub source: SourceName,
    pub why: String,
}

impl Failed {
    /// A failure at a source, with when to come back where it is known.
    pub fn of(source: &SourceName, error: &CommandError) -> Self {
        let CommandError::Port(error) = error else {
            let near = match error {
                CommandError::NotFound { nearest: Some(near), .. } => format!("; did you mean `{}`?", line(near)),
                _ => String::new(),
            };
            return Self { source: source.clone(), why: format!("{}{near}", line(&error.to_string())) };
        };
        Self::at(source, error)
    }

    /// The same for a failure of the source itself.
    pub fn at(source: &SourceName, error: &PortError) -> Self {
        let why = line(&error.message);
        let why = match error.retry {
            Retry::After(pause) => {
                format!("{why}; ask again in {}", bellhop_core::period::Span(std::time::Duration::from_secs(pause.as_secs())))
            }
            Retry::No | Retry::Backoff => why,
        };
        Self { source: source.clone(), why }
    }
}

/// The sources that are asked, and those that can't answer such a question.
pub(crate) struct Picked {
    pub sources: Vec<Arc<dyn AnalyticsSource>>,
    pub unable: Vec<Failed>,
}

impl Picked {
    /// Whether figures of several sources are wanted beside one another.
    pub fn several(&self) -> bool {
        self.sources.len() + self.unable.len() > 1
    }

    /// Asks them all at once; those that fail stand beside those that can't.
    pub async fn ask<T, F: Future<Output = PortResult<T>>>(
        self,
        ask: impl Fn(Arc<dyn AnalyticsSource>) -> F,
    ) -> (Vec<(SourceName, T)>, Vec<Failed>, Option<PortError>) {
        let names: Vec<SourceName> = self.sources.iter().map(|source| source.name().clone()).collect();
        let results = futures::future::join_all(self.sources.into_iter().map(ask)).await;
        let (mut answered, mut failed, mut first) = (Vec::new(), self.unable, None);
        for (name, result) in names.into_iter().zip(results) {
            match result {
                Ok(answer) => answered.push((name, answer)),
                Err(error) => {
                    failed.push(Failed::at(&name, &error));
                    first = first.or(Some(error));
                }
            }
        }
        (answered, failed, first)
    }
}

/// Whether several sources are named.
pub(crate) fn many(names: &[SourceName]) -> bool {
    names.len() > 1 || names.iter().any(|name| name.as_str() == "all")
}

/// The sources that `--source` names: one, several, or all of them. One alone has to be able; of several, those that are not
/// are told beside the others.
pub(crate) fn pick(
    known: &dyn Sources,
    names: &[SourceName],
    what: &str,
    can: fn(&AnalyticsCapabilities) -> bool,
) -> Result<Picked, CommandError> {
    let configured = known.names();
    let mut wanted: Vec<SourceName> = Vec::new();
    for name in names {
        let all = name.as_str() == "all" && !configured.contains(name);
        for name in if all { &configured } else { std::slice::from_ref(name) } {
            let source = known.source(Some(name))?;
            if !wanted.contains(source.name()) {
                wanted.push(source.name().clone());
            }
        }
    }
    if wanted.len() <= 1 {
        return Ok(Picked { sources: vec![able(known, wanted.first(), what, can)?], unable: Vec::new() });
    }
    if wanted.len() > MOST {
        return Err(CommandError::invalid("source", format!("{} sources are too many to read side by side; {MOST} at most", wanted.len())));
    }
    let (mut sources, mut unable) = (Vec::new(), Vec::new());
    for name in &wanted {
        let source = known.source(Some(name))?;
        if can(&source.capabilities()) {
            sources.push(source);
        } else {
            unable.push(Failed { source: name.clone(), why: format!("it has no {what}") });
        }
    }
    if sources.is_empty() {
        return Err(CommandError::Refused(format!("none of these sources has {what}")));
    }
    Ok(Picked { sources, unable })
}

/// Says which sources did not answer, and why.
pub(crate) fn told(card: Card, failed: &[Failed]) -> Card {
    failed.iter().fold(card, |card, one| {
        card.and_spans(vec![Span::Bold(one.source.to_string()), format!(" did not answer: {}.", one.why.trim_end_matches('.')).into()])
            .tone(Tone::Warning)
    })
}

/// Why sources may count the same thing differently, as far as they say: a field per thing in which they do differ.
pub(crate) fn differences(bases: &[&Basis], zone: Tz) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    let mut differ = |name: &'static str, of: &dyn Fn(&Basis) -> String| {
        let each: Vec<String> = bases.iter().map(|basis| of(basis)).collect();
        if each.iter().any(|one| *one != each[0]) {
            let told: Vec<String> = bases.iter().zip(each).map(|(basis, one)| format!("{}: {one}", basis.source)).collect();
            fields.push((name, told.join("; ")));
        }
    };
    if bases.len() < 2 {
        return Vec::new();
    }
    differ("Time zone differs", &|basis| format!("days of {}", basis.zone.name()));
    differ("Sampling differs", &|basis| {
        if basis.sampled < 1.0 {
            format!("estimated from {} % of the data", percentage((basis.sampled * 100.0).max(0.0)))
        } else {
            "all of the data".to_owned()
        }
    });
    differ("Who is a person differs", &|basis| {
        if basis.identity.is_empty() { "not told".to_owned() } else { line(&basis.identity) }
    });
    differ("Settling differs", &|basis| {
        basis.settling_from.map_or_else(
            || "counted as it comes".to_owned(),
            |from| format!("figures from {} on may still grow", from.with_timezone(&zone).format("%Y-%m-%d %H:%M")),
        )
    });
    fields
}
