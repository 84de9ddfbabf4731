//! `cohort define` and `cohort delete`: a cohort by what people did, whose people are found whenever it is asked for, and its end.

use super::{CohortArgs, Cohorts, named, show_members, size, taken};
use crate::analytics::asking::able;
use crate::wording::{code, line};
use bellhop_core::analytics::{CohortDefinition, CohortRule};
use bellhop_core::nearest::nearest;
use bellhop_core::ports::AnalyticsSource;
use bellhop_core::{Call, Card, CommandError, Invoke, PortErrorKind, Tone};
use std::sync::Arc;

impl Cohorts {
    fn defines(&self, args: &CohortArgs) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
        able(&*self.sources, args.source.as_ref(), "way to define cohorts by what people did", |can| can.cohort_define)
    }

    pub(super) async fn define(&self, call: &Call, args: CohortArgs) -> Result<Card, CommandError> {
        let (name, definition) = (only_name(&args)?, definition(call, &args)?);
        let source = self.defines(&args)?;
        if taken(&*source, &args, &name).await? {
            return Err(CommandError::Confirm(Box::new(Invoke::of::<Self>(&CohortArgs { replace: true, ..args }))));
        }
        let cohort = match source.define_cohort(&name, &definition).await {
            Ok(cohort) => cohort,
            Err(error) if error.kind == PortErrorKind::NotFound => {
                return Err(unknown_event(&*source, &args).await?.unwrap_or(error.into()));
            }
            Err(error) => return Err(error.into()),
        };
        let card = Card::titled(format!("Defined the cohort {}", line(&cohort.name))).tone(Tone::Good).and_text(line(&cohort.about));
        let fields = vec![("People now", size(&cohort).into()), ("Id", code(&cohort.id)), ("Source", code(source.name().as_str()))];
        Ok(card.and_fields(fields).and_actions(vec![show_members(&args, cohort.name)]))
    }

    pub(super) async fn plan_definition(&self, call: &Call, args: &CohortArgs) -> Result<Card, CommandError> {
        let name = only_name(args)?;
        definition(call, args)?;
        let before = named(&self.defines(args)?.cohorts().await?, &name)?;
        Ok(Card::titled(format!("Replace the cohort {}?", line(&name))).and_text(format!(
            "What it was goes: {}, with {} people.",
            line(&before.about),
            size(&before)
        )))
    }

    pub(super) async fn delete(&self, args: CohortArgs) -> Result<Card, CommandError> {
        let (source, name) = (self.deletes(&args)?, only_name(&args)?);
        let cohort = named(&source.cohorts().await?, &name)?;
        source.delete_cohort(&cohort.id).await?;
        Ok(Card::titled(format!("Deleted the cohort {}", line(&cohort.name)))
            .and_text("The people who were in it, and what they did, stay."))
    }

    pub(super) async fn plan_deletion(&self, args: &CohortArgs) -> Result<Card, CommandError> {
        let cohort = named(&self.deletes(args)?.cohorts().await?, &only_name(args)?)?;
        let card = Card::titled(format!("Delete the cohort {}?", line(&cohort.name)));
        Ok(card.and_text(format!("{}, with {} people. They themselves stay.", line(&cohort.about), size(&cohort))))
    }

    fn deletes(&self, args: &CohortArgs) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
        able(&*self.sources, args.source.as_ref(), "way to delete cohorts from here", |can| can.cohort_delete)
    }
}

fn only_name(args: &CohortArgs) -> Result<String, CommandError> {
    match args.words.as_slice() {
        [name] if !name.trim().is_empty() => Ok(name.trim().to_owned()),
        _ => {
            let why = "write one name, in quotes where it has several words, such as cohort define keen --did 'page_view 3 times in 30d'";
            Err(CommandError::invalid("words", why))
        }
    }
}

fn definition(call: &Call, args: &CohortArgs) -> Result<CohortDefinition, CommandError> {
    if args.did.is_empty() {
        return Err(CommandError::invalid("did", "write what people did, such as --did 'page_view 3 times in 30d'"));
    }
    let zone = args.tz.unwrap_or(call.caller.zone);
    let did = args.did.iter().map(|rule| rule.rule(true, call.now, zone));
    let not = args.not.iter().map(|rule| rule.rule(false, call.now, zone));
    Ok(CohortDefinition { rules: did.chain(not).collect::<Vec<CohortRule>>() })
}

/// Which event was never seen, with the nearest that was.
async fn unknown_event(source: &dyn AnalyticsSource, args: &CohortArgs) -> Result<Option<CommandError>, CommandError> {
    let metrics = source.metrics().await?;
    let named = args.did.iter().chain(&args.not).filter_map(|rule| rule.event());
    Ok(named.filter(|event| !metrics.iter().any(|metric| metric.name == *event)).find_map(|event| {
        let near = nearest(event, metrics.iter().map(|metric| metric.name.as_str()))?;
        Some(CommandError::NotFound { what: "event", name: event.to_owned(), nearest: Some(near.to_owned()) })
    }))
}
