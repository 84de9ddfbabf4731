//! `bucket lifecycle`: what becomes of a bucket's files as they grow old. A rule is added at once, and what that changed is
//! shown; one that would take the place of another, and removing rules, is asked for first. Rules of others stay.

use super::{Keeper, complete, rule as words};
use crate::file::stores_at;
use crate::wording::{code, count, line, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::period::Span as Length;
use bellhop_core::ports::{Fact, LifecycleFilter, LifecycleRule, NoncurrentExpiry, Stores, Transition, Versioning, When, merged};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Invoke, PortError, PortErrorKind, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// The longest id that is made here; services take 255 letters.
const LONGEST_ID: usize = 200;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Shows the rules
    Show,
    /// Adds a rule, and keeps the others
    Set,
    /// Removes all rules, or the one of --id
    Clear,
}

/// Arguments of `bucket lifecycle`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct LifecycleArgs {
    /// The bucket's name
    pub name: String,
    /// Shows the rules unless told
    #[arg(value_enum)]
    pub action: Option<Verb>,
    /// Only files whose names begin with this; all of them unless told
    #[arg(long)]
    pub prefix: Option<String>,
    /// Deletes files after so many days, such as 30d
    #[arg(long, value_name = "DAYS")]
    pub expire: Option<Length>,
    /// Deletes older versions so many days after they were replaced
    #[arg(long, value_name = "DAYS")]
    pub expire_noncurrent: Option<Length>,
    /// How many of the newest older versions stay all the same
    #[arg(long, value_name = "N")]
    pub keep: Option<u32>,
    /// Removes uploads that were begun and not finished, after so many days
    #[arg(long, value_name = "DAYS")]
    pub abort_multipart: Option<Length>,
    /// Moves files to a cheaper class after so many days, such as `40d:STANDARD_IA`
    #[arg(long, value_name = "DAYS:CLASS")]
    #[serde(default)]
    pub transition: Vec<String>,
    /// The rule's id, where it isn't to be made from what it does
    #[arg(long)]
    pub id: Option<String>,
    /// Puts the rule in the place of another one with its id, after asking
    #[arg(long)]
    #[serde(default)]
    pub replace: bool,
    /// The store whose credential is used, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Looks after lifecycle rules.
pub struct Lifecycle {
    stores: Arc<dyn Stores>,
}

impl Lifecycle {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }

    async fn rules(keeper: &Keeper, name: &str) -> Result<Vec<LifecycleRule>, CommandError> {
        match keeper.buckets()?.lifecycle(name).await {
            Ok(rules) => Ok(rules),
            Err(error) => Err(refused(keeper, name, error).await),
        }
    }
}

/// A failure as it is told: what can't be is said plainly.
async fn refused(keeper: &Keeper, name: &str, error: PortError) -> CommandError {
    match error.kind {
        PortErrorKind::Conflict | PortErrorKind::Unsupported | PortErrorKind::Full | PortErrorKind::Invalid => {
            CommandError::Refused(error.message)
        }
        _ => keeper.failed(name, error).await,
    }
}

/// Whole days.
fn days(argument: &'static str, span: Length) -> Result<u32, CommandError> {
    let whole = span.0.as_secs().is_multiple_of(DAY.as_secs());
    let count = u32::try_from(span.0.as_secs() / DAY.as_secs()).ok().filter(|count| *count > 0);
    count.filter(|_| whole).ok_or_else(|| CommandError::invalid(argument, format!("rules count whole days, such as 30d, not {span}")))
}

/// `40d:STANDARD_IA`.
fn transition(text: &str) -> Result<Transition, CommandError> {
    let wrong = || CommandError::invalid("transition", format!("`{}` is written as days and a class, such as 40d:STANDARD_IA", line(text)));
    let (after, class) = text.split_once(':').ok_or_else(wrong)?;
    let span: Length = after.parse().map_err(|_| wrong())?;
    if class.is_empty() || !class.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(wrong());
    }
    Ok(Transition { when: When::Days(days("transition", span)?), class: class.to_owned() })
}

/// The rule that the arguments say.
fn rule(args: &LifecycleArgs) -> Result<LifecycleRule, CommandError> {
    let number = |argument, span: Option<Length>| span.map(|span| days(argument, span)).transpose();
    let expire = number("expire", args.expire)?.map(When::Days);
    let noncurrent = number("expire_noncurrent", args.expire_noncurrent)?;
    if args.keep.is_some() && noncurrent.is_none() {
        return Err(CommandError::invalid("keep", "--keep goes with --expire-noncurrent"));
    }
    let abort_incomplete = number("abort_multipart", args.abort_multipart)?;
    let transitions: Vec<Transition> = args.transition.iter().map(|text| transition(text)).collect::<Result<_, _>>()?;
    let does = [
        ("expire", expire.is_some()),
        ("noncurrent", noncurrent.is_some()),
        ("transition", !transitions.is_empty()),
        ("abort", abort_incomplete.is_some()),
    ];
    let kinds: Vec<&str> = does.iter().filter(|(_, does)| *does).map(|(kind, _)| *kind).collect();
    if kinds.is_empty() {
        return Err(CommandError::Refused(
            "say what is to happen: --expire 30d, --expire-noncurrent 90d, --abort-multipart 7d or --transition 40d:CLASS".to_owned(),
        ));
    }
    let prefix = args.prefix.clone().unwrap_or_default();
    let id = match &args.id {
        Some(id) if id.trim().is_empty() || id.len() > LONGEST_ID || id.chars().any(char::is_control) => {
            return Err(CommandError::invalid("id", format!("an id has 1 to {LONGEST_ID} letters")));
        }
        Some(id) => id.clone(),
        None => made_id(&kinds, &prefix),
    };
    Ok(LifecycleRule {
        id,
        enabled: true,
        filter: LifecycleFilter { prefix, ..LifecycleFilter::default() },
        expire,
        expire_markers: false,
        transitions,
        expire_noncurrent: noncurrent.map(|days| NoncurrentExpiry { days, keep: args.keep }),
        abort_incomplete,
        other: Vec::new(),
    })
}

/// An id that is the same for what does the same to the same files: saying it again with other days changes the rule, and
/// saying something else adds one.
fn made_id(kinds: &[&str], prefix: &str) -> String {
    let mut id = format!("bellhop-{}", kinds.join("-"));
    if !prefix.is_empty() {
        id.push('-');
        id.push_str(prefix);
    }
    if id.len() > LONGEST_ID {
        let hash = hex::encode(Sha256::digest(prefix.as_bytes()));
        id = format!("bellhop-{}-{}", kinds.join("-"), &hash[..16]);
    }
    id
}

/// What became of the rules, rule by rule; those that stayed as they are aren't named.
fn changes(before: &[LifecycleRule], after: &[LifecycleRule]) -> Vec<(&'static str, String)> {
    let of = |rules: &[LifecycleRule], id: &str| rules.iter().find(|rule| rule.id == id).cloned();
    let mut changes = Vec::new();
    for old in before.iter().filter(|old| of(after, &old.id).as_ref() != Some(*old)) {
        changes.push(("Before", words(old)));
    }
    for new in after.iter().filter(|new| of(before, &new.id).as_ref() != Some(*new)) {
        changes.push(("Now", words(new)));
    }
    changes
}

/// Rules as a table.
fn listed(bucket: &str, rules: &[LifecycleRule]) -> Card {
    let card = Card::titled(format!("Lifecycle of {bucket}"));
    if rules.is_empty() {
        return card.and_text("There are no rules: nothing is deleted or moved by itself.");
    }
    let rows = rules
        .iter()
        .map(|rule| {
            let state = if rule.enabled { "on" } else { "off" };
            vec![vec![code(&rule.id)], vec![line(&rule.about()).into()], vec![line(&rule.does().join(", ")).into()], vec![state.into()]]
        })
        .collect();
    card.and_text(count(rules.len(), "rule")).block(Block::Table(table(
        format!("lifecycle rules of {bucket}"),
        &["Id", "On", "Does", "State"],
        rows,
    )))
}

impl Command for Lifecycle {
    const NAME: &'static str = "bucket lifecycle";
    const SUMMARY: &'static str = "Shows, adds and removes the rules by which files expire or move";
    const ACCESS: Access = Access::Admin;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &[
        "bucket lifecycle team-files show",
        "bucket lifecycle team-files set --prefix logs/ --expire 30d --abort-multipart 7d",
        "bucket lifecycle team-files set --expire-noncurrent 90d --transition 40d:STANDARD_IA",
        "bucket lifecycle team-files clear --id bellhop-expire-abort-logs/",
    ];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = LifecycleArgs;

    fn weight(args: &LifecycleArgs) -> (Access, Effect) {
        match args.action {
            None | Some(Verb::Show) => (Access::Member, Effect::Reads),
            // A rule more is one of the face's changes that need no asking; what takes the place of another one does.
            Some(Verb::Set) if !args.replace => (Self::ACCESS, Effect::Writes),
            Some(Verb::Set | Verb::Clear) => (Self::ACCESS, Self::EFFECT),
        }
    }

    async fn run(&self, call: &Call, args: LifecycleArgs) -> Result<Reply, CommandError> {
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        let buckets = keeper.buckets()?;
        let before;
        let title = match args.action {
            None | Some(Verb::Show) => return Ok(Reply::new(listed(&args.name, &Self::rules(&keeper, &args.name).await?))),
            Some(Verb::Set) => {
                let rule = rule(&args)?;
                before = Self::rules(&keeper, &args.name).await?;
                if !args.replace && before.iter().any(|there| there.id == rule.id && *there != rule) {
                    let args = LifecycleArgs { replace: true, ..args };
                    return Err(CommandError::Confirm(Box::new(Invoke::of::<Self>(&args))));
                }
                if let Err(error) = buckets.add_lifecycle(&args.name, &rule).await {
                    return Err(refused(&keeper, &args.name, error).await);
                }
                format!("The rule {} holds for {}", line(&rule.id), args.name)
            }
            Some(Verb::Clear) => {
                before = Self::rules(&keeper, &args.name).await?;
                if let Err(error) = buckets.clear_lifecycle(&args.name, args.id.as_deref()).await {
                    return Err(refused(&keeper, &args.name, error).await);
                }
                match &args.id {
                    Some(id) => format!("The rule {} of {} is removed", line(id), args.name),
                    None => format!("The rules of {} are removed", args.name),
                }
            }
        };
        let mut card = Card::titled(title).tone(Tone::Good);
        if args.action == Some(Verb::Set) {
            card = card.and_text("The service goes through its files about once a day.");
        }
        let after = Self::rules(&keeper, &args.name).await?;
        card = card.and_fields(changes(&before, &after));
        card.blocks.extend(listed(&args.name, &after).blocks);
        Ok(Reply::new(card))
    }

    async fn plan(&self, call: &Call, args: &LifecycleArgs) -> Result<Card, CommandError> {
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        let before = Self::rules(&keeper, &args.name).await?;
        let mut card = Card::titled(format!("Change the lifecycle of {}?", args.name));
        let kept = match args.action {
            None | Some(Verb::Show) => return Ok(listed(&args.name, &before)),
            Some(Verb::Set) => {
                let rule = rule(args)?;
                let (after, replaced) = merged(&before, rule.clone());
                card = card.and_spans(vec![
                    "This would add the rule ".into(),
                    code(&rule.id),
                    ": ".into(),
                    Span::Bold(words(&rule)),
                    ".".into(),
                ]);
                if let Some(replaced) = &replaced {
                    card = card.and_spans(vec!["It takes the place of: ".into(), words(replaced).into(), ".".into()]);
                }
                card = self.warn(&keeper, args, &rule, card).await?;
                after.len() - 1
            }
            Some(Verb::Clear) => {
                let gone: Vec<&LifecycleRule> = before.iter().filter(|rule| args.id.as_ref().is_none_or(|id| *id == rule.id)).collect();
                if gone.is_empty() {
                    return Err(match &args.id {
                        Some(id) => CommandError::NotFound {
                            what: "lifecycle rule",
                            name: line(id),
                            nearest: bellhop_core::nearest::nearest(id, before.iter().map(|rule| rule.id.as_str())).map(str::to_owned),
                        },
                        None => CommandError::Refused(format!("the bucket {} has no rules", args.name)),
                    });
                }
                for rule in &gone {
                    card = card.and_spans(vec!["This would remove ".into(), code(&rule.id), ": ".into(), words(rule).into(), ".".into()]);
                }
                before.len() - gone.len()
            }
        };
        let rest =
            if kept == 0 { "There are no other rules.".to_owned() } else { format!("{} stay as they are.", count(kept, "other rule")) };
        Ok(card.and_text(rest))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}

impl Lifecycle {
    /// What a rule means in a bucket that keeps versions, or doesn't.
    async fn warn(&self, keeper: &Keeper, args: &LifecycleArgs, rule: &LifecycleRule, card: Card) -> Result<Card, CommandError> {
        let known = match keeper.buckets()?.versioning(&args.name).await {
            Ok(state) => Fact::Known(state),
            Err(_) => Fact::Denied,
        };
        Ok(match (rule.expire, rule.expire_noncurrent, known) {
            (Some(_), None, Fact::Known(Versioning::On)) => card.and_text(
                "The bucket keeps versions: what expires is marked as deleted and goes on taking room. --expire-noncurrent frees it.",
            ),
            (Some(_), _, Fact::Known(Versioning::Off)) => {
                card.and_spans(vec![Span::Bold("The bucket keeps no versions: what expires is gone for good.".into())])
            }
            (None, Some(_), Fact::Known(Versioning::Off)) => {
                card.and_text("The bucket keeps no versions, so that the rule finds nothing to do.")
            }
            _ => card,
        })
    }
}
