//! `bucket access`: policies that are kept with a bucket and to which links are bound, so that they can be called back.

use super::{Keeper, complete};
use crate::file::stores_at;
use crate::wording::{code, count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::period::Span as Length;
use bellhop_core::ports::{AccessPolicy, Buckets, Permission, Stores};
use bellhop_core::{Access as Role, Call, Card, Command, CommandError, Effect, PortError, PortErrorKind, Reply, Tone};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Lists the policies
    List,
    /// Adds one
    Create,
    /// Changes what one allows, or until when
    Change,
    /// Removes one: links bound to it stop working
    Revoke,
}

/// Arguments of `bucket access`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct AccessArgs {
    /// The bucket's name
    pub name: String,
    /// Lists them unless told
    #[arg(value_enum)]
    pub action: Option<Verb>,
    /// The policy's id
    pub id: Option<String>,
    /// What it allows, as letters such as rl (read and list)
    #[arg(long, value_name = "LETTERS")]
    pub permissions: Option<String>,
    /// How long it holds from now on, such as 7d
    #[arg(long, value_name = "SPAN")]
    pub expires: Option<Length>,
    /// The store whose credential is used, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Looks after access policies.
pub struct Access {
    stores: Arc<dyn Stores>,
}

impl Access {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

/// How long a change takes, where the service says so.
fn settled(buckets: &dyn Buckets, until: &str) -> String {
    match buckets.settles() {
        Some(most) => format!("It takes up to {} s {until}.", most.as_secs()),
        None => String::new(),
    }
}

/// A policy on one line.
fn said(call: &Call, policy: Option<&AccessPolicy>) -> String {
    let Some(policy) = policy else { return "none".to_owned() };
    let until = policy.expires.map(|at| format!(", until {}", local(at, call.caller.zone))).unwrap_or_default();
    format!("{}{until}", Permission::letters(&policy.permissions))
}

/// Policies as a table.
fn listed(call: &Call, bucket: &str, policies: &[AccessPolicy]) -> Card {
    let time = |at: Option<bellhop_core::Timestamp>| at.map(|at| local(at, call.caller.zone)).unwrap_or_default();
    let rows = policies
        .iter()
        .map(|policy| {
            let words: Vec<&str> = policy.permissions.iter().map(|permission| permission.word()).collect();
            vec![
                vec![code(&policy.id)],
                vec![format!("{} ({})", Permission::letters(&policy.permissions), words.join(", ")).into()],
                vec![time(policy.starts).into()],
                vec![time(policy.expires).into()],
            ]
        })
        .collect();
    let card =
        Card::titled(format!("Access policies of {bucket}")).and_text(count(policies.len(), "policy").replace("policys", "policies"));
    if policies.is_empty() {
        return card;
    }
    card.block(Block::Table(table(format!("access policies of {bucket}"), &["Id", "Allows", "From", "Until"], rows)))
}

impl Access {
    async fn change(&self, call: &Call, args: &AccessArgs, buckets: &dyn Buckets, verb: Verb) -> Result<Card, PortOr> {
        let id = args.id.as_deref().ok_or(CommandError::Missing(vec!["id"]))?;
        let expires = args.expires.map(|span| call.now + TimeDelta::from_std(span.0).unwrap_or(TimeDelta::MAX));
        let permissions = args.permissions.as_deref().map(Permission::read).transpose();
        let permissions = permissions.map_err(|why| CommandError::invalid("permissions", why))?;
        let before;
        let (title, text) = match verb {
            Verb::Create => {
                let missing: Vec<&'static str> = [("permissions", permissions.is_none()), ("expires", expires.is_none())]
                    .iter()
                    .filter(|(_, no)| *no)
                    .map(|(name, _)| *name)
                    .collect();
                if !missing.is_empty() {
                    return Err(CommandError::Missing(missing).into());
                }
                let policy = AccessPolicy { id: id.to_owned(), permissions: permissions.unwrap_or_default(), starts: None, expires };
                before = Vec::new();
                buckets.create_access(&args.name, &policy).await?;
                (format!("Added the policy {}", line(id)), settled(buckets, "until it holds"))
            }
            Verb::Change => {
                if permissions.is_none() && expires.is_none() {
                    return Err(CommandError::Missing(vec!["permissions"]).into());
                }
                before = buckets.access(&args.name).await?;
                let Some(mut policy) = before.iter().find(|policy| policy.id == id).cloned() else {
                    let nearest = bellhop_core::nearest::nearest(id, before.iter().map(|policy| policy.id.as_str())).map(str::to_owned);
                    return Err(CommandError::NotFound { what: "access policy", name: line(id), nearest }.into());
                };
                policy.permissions = permissions.unwrap_or(policy.permissions);
                policy.expires = expires.or(policy.expires);
                buckets.change_access(&args.name, &policy).await?;
                (format!("Changed the policy {}", line(id)), settled(buckets, "until it holds, for links that are out already too"))
            }
            Verb::Revoke | Verb::List => {
                before = buckets.access(&args.name).await?;
                buckets.revoke_access(&args.name, id).await?;
                (format!("Revoked the policy {}", line(id)), settled(buckets, "until that holds"))
            }
        };
        let after = buckets.access(&args.name).await?;
        let mut card = Card::titled(title).tone(Tone::Good);
        if verb == Verb::Revoke {
            card = card.and_text("Links that were bound to it stop working.");
        }
        if !text.is_empty() {
            card = card.and_text(text);
        }
        card = card.and_fields(vec![
            ("Before", said(call, before.iter().find(|policy| policy.id == id))),
            ("Now", said(call, after.iter().find(|policy| policy.id == id))),
        ]);
        card.blocks.extend(listed(call, &args.name, &after).blocks);
        Ok(card)
    }
}

/// A failure of the port, which may want the nearest name, or one that is told as it is.
enum PortOr {
    Port(PortError),
    Told(CommandError),
}

impl From<PortError> for PortOr {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl From<CommandError> for PortOr {
    fn from(error: CommandError) -> Self {
        Self::Told(error)
    }
}

impl Command for Access {
    const NAME: &'static str = "bucket access";
    const SUMMARY: &'static str = "Lists, adds, changes and revokes a bucket's access policies";
    const ACCESS: Role = Role::Admin;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "bucket access team-files list",
        "bucket access team-files create partners --permissions rl --expires 7d",
        "bucket access team-files change partners --expires 14d",
        "bucket access team-files revoke partners",
    ];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = AccessArgs;

    fn weight(args: &AccessArgs) -> (Role, Effect) {
        match args.action {
            None | Some(Verb::List) => (Role::Member, Effect::Reads),
            Some(_) => (Self::ACCESS, Self::EFFECT),
        }
    }

    async fn run(&self, call: &Call, args: AccessArgs) -> Result<Reply, CommandError> {
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        let buckets = keeper.buckets()?;
        let done = match args.action {
            None | Some(Verb::List) => buckets.access(&args.name).await.map(|all| listed(call, &args.name, &all)).map_err(PortOr::Port),
            Some(verb) => self.change(call, &args, buckets, verb).await,
        };
        match done {
            Ok(card) => Ok(Reply::new(card)),
            Err(PortOr::Told(error)) => Err(error),
            Err(PortOr::Port(error))
                if matches!(error.kind, PortErrorKind::Unsupported | PortErrorKind::Conflict | PortErrorKind::Full) =>
            {
                Err(CommandError::Refused(error.message))
            }
            Err(PortOr::Port(error)) => Err(keeper.failed(&args.name, error).await),
        }
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
