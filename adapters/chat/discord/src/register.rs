//! Keeps the list of commands at Discord as the bot has them: one that is missing or different is put there, one that is as it should
//! be is left alone, and one that the bot put there earlier and no longer has is taken away. What others made is never touched:
//! nothing is overwritten as a whole.
//!
//! <https://docs.discord.com/developers/interactions/application-commands#endpoints>

use crate::Desk;
use crate::commands::essence;
use crate::wire::{Route, WireResult};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::PortResult;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const LIST: Route = Route::get("/applications/{}/commands", "announce");
const PUT: Route = Route::post("/applications/{}/commands", "announce").again();
const REMOVE: Route = Route::delete("/applications/{}/commands/{}", "announce");
const LIST_IN: Route = Route::get("/applications/{}/guilds/{}/commands", "announce");
const PUT_IN: Route = Route::post("/applications/{}/guilds/{}/commands", "announce").again();
const REMOVE_IN: Route = Route::delete("/applications/{}/guilds/{}/commands/{}", "announce");

/// The scope of commands that are there everywhere.
const EVERYWHERE: &str = "everywhere";

/// Where a list of commands is kept.
struct Scope<'a> {
    desk: &'a Desk,
    /// The server; everywhere without.
    guild: Option<&'a str>,
}

/// Registers the commands where the configuration wants them.
pub(crate) async fn register(desk: &Desk, wanted: &[Value]) -> PortResult<()> {
    let guilds = &desk.config.guilds;
    let scopes: Vec<Option<&str>> = if guilds.is_empty() { vec![None] } else { guilds.iter().map(|guild| Some(guild.as_str())).collect() };
    let mut failed = None;
    for guild in &scopes {
        // A server that the bot isn't in stops no other.
        if let Err(error) = (Scope { desk, guild: *guild }).bring(wanted).await {
            tracing::warn!(chat = %desk.name, guild, %error, "the commands could not be registered");
            failed = Some(error);
        }
    }
    // What was registered in scopes that are no longer wanted.
    let kept = desk.ports.records.after(&collection(desk), None, 200).await?;
    for scope in kept.iter().map(|record| record.key.as_str()) {
        let guild = (scope != EVERYWHERE).then_some(scope);
        if !scopes.contains(&guild) {
            (Scope { desk, guild }).clear().await?;
        }
    }
    failed.map_or(Ok(()), Err)
}

fn collection(desk: &Desk) -> String {
    format!("discord/{}/commands", desk.name)
}

/// A command is known by its kind and its name.
fn named(command: &Value) -> Option<String> {
    Some(format!("{}/{}", command.get("type").and_then(Value::as_u64).unwrap_or(1), command.get("name")?.as_str()?))
}

impl Scope<'_> {
    fn key(&self) -> &str {
        self.guild.unwrap_or(EVERYWHERE)
    }

    async fn bring(&self, wanted: &[Value]) -> PortResult<()> {
        let there: BTreeMap<String, Value> =
            self.list().await?.into_iter().filter_map(|command| Some((named(&command)?, command))).collect();
        let before = self.own().await?;
        let names: BTreeSet<String> = wanted.iter().filter_map(named).collect();
        // What is about to be put there is ours, whatever becomes of the rest.
        self.keep(&before.union(&names).cloned().collect()).await?;
        let (mut put, mut removed) = (0, 0);
        for command in wanted {
            let known = named(command).and_then(|name| there.get(&name));
            if known.is_none_or(|known| essence(known, self.guild.is_some()) != essence(command, self.guild.is_some())) {
                self.put(command).await?;
                put += 1;
            }
        }
        for name in before.difference(&names) {
            if let Some(id) = there.get(name).and_then(|command| command.get("id")?.as_str()) {
                self.remove(id).await?;
                removed += 1;
            }
        }
        self.keep(&names).await?;
        tracing::info!(chat = %self.desk.name, scope = self.key(), put, removed, of = wanted.len(), "the commands are registered");
        Ok(())
    }

    /// Takes away what the bot put here earlier.
    async fn clear(&self) -> PortResult<()> {
        let before = self.own().await?;
        match self.list().await {
            Ok(there) => {
                for command in there {
                    if named(&command).is_some_and(|name| before.contains(&name))
                        && let Some(id) = command.get("id").and_then(Value::as_str)
                    {
                        self.remove(id).await?;
                    }
                }
            }
            // The bot is no longer there, and neither are its commands.
            Err(error) if matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Denied) => {}
            Err(error) => return Err(error),
        }
        self.desk.ports.records.remove(&collection(self.desk), self.key()).await
    }

    async fn own(&self) -> PortResult<BTreeSet<String>> {
        let kept = self.desk.ports.records.get(&collection(self.desk), self.key()).await?;
        Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default())
    }

    async fn keep(&self, names: &BTreeSet<String>) -> PortResult<()> {
        self.desk.ports.records.put(&collection(self.desk), self.key(), &json!(names)).await
    }

    fn application(&self) -> &str {
        &self.desk.config.application_id
    }

    async fn list(&self) -> PortResult<Vec<Value>> {
        Ok(match self.guild {
            None => self.desk.api.get(LIST, &[self.application()], &[]).await?,
            Some(guild) => self.desk.api.get(LIST_IN, &[self.application(), guild], &[]).await?,
        })
    }

    async fn put(&self, command: &Value) -> PortResult<()> {
        let mut command = command.clone();
        let put: WireResult<Value> = match self.guild {
            None => self.desk.api.call(PUT, &[self.application()], command).await,
            Some(guild) => {
                if let Some(members) = command.as_object_mut() {
                    members.remove("contexts");
                    members.remove("integration_types");
                }
                self.desk.api.call(PUT_IN, &[self.application(), guild], command).await
            }
        };
        Ok(put.map(|_| ())?)
    }

    async fn remove(&self, id: &str) -> PortResult<()> {
        let removed: WireResult<Value> = match self.guild {
            None => self.desk.api.get(REMOVE, &[self.application(), id], &[]).await,
            Some(guild) => self.desk.api.get(REMOVE_IN, &[self.application(), guild, id], &[]).await,
        };
        match removed {
            Err(failure) if failure.error.kind == PortErrorKind::NotFound => Ok(()),
            other => Ok(other.map(|_| ())?),
        }
    }
}
