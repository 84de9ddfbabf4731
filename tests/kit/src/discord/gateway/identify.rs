//! Who comes in at the gateway: new sessions within their limits, and old ones that go on.

use super::{GatewayEvent, Order, Session};
use crate::discord::ids::Id;
use crate::discord::ledger::Identified;
use crate::discord::server::World;
use crate::discord::state::State;
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// All intents that there are.
const INTENTS: u64 = 0x1_ffff | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25;
const PRIVILEGED: u64 = 1 << 1 | 1 << 8 | 1 << 15;
const DAY: i64 = 86_400_000;

/// How the gateway answers.
pub(in crate::discord) enum Outcome {
    /// The session begins or goes on.
    In,
    /// Close with this code.
    Close(u16),
    /// Op 9, with whether it may be resumed.
    Invalid(bool),
}

fn shard(value: &Value) -> Option<(u64, u64)> {
    match value {
        Value::Null => Some((0, 1)),
        Value::Array(parts) if parts.len() == 2 => {
            let (id, count) = (parts[0].as_u64()?, parts[1].as_u64()?);
            (id < count).then_some((id, count))
        }
        _ => None,
    }
}

impl State {
    pub(super) fn identify(&mut self, connection: u64, d: &Value, orders: &mpsc::UnboundedSender<Order>) -> Outcome {
        let token = d["token"].as_str().unwrap_or_default().trim_start_matches("Bot ");
        let now = self.millis();
        let Some(app) = self.apps.iter().find(|app| app.token == token) else { return Outcome::Close(4004) };
        let (id, privileged, bot) = (app.id, app.privileged, app.bot);
        let Some(shard) = shard(&d["shard"]) else { return Outcome::Close(4010) };
        let own: Vec<Id> = self.guilds.values().filter(|guild| guild.members.contains_key(&bot)).map(|guild| guild.id).collect();
        let here = own.iter().filter(|guild| (**guild >> 22) % shard.1 == shard.0).count();
        if here > self.settings.gateway.guilds_per_shard {
            return Outcome::Close(4011);
        }
        let Some(intents) = d["intents"].as_u64().filter(|bits| bits & !INTENTS == 0) else { return Outcome::Close(4013) };
        if intents & PRIVILEGED & !privileged != 0 {
            return Outcome::Close(4014);
        }
        for name in ["os", "browser", "device"] {
            let legacy = format!("${name}");
            if d["properties"][name].as_str().or_else(|| d["properties"][&legacy].as_str()).is_none() {
                self.ledger.gateway.push(format!("identify says nothing of its {name}"));
            }
        }
        self.ledger.identifies.push(Identified { app: id.to_string(), shard, intents, at: now });
        let limits = self.settings.gateway.clone();
        let Some(app) = self.app_mut(id) else { return Outcome::Close(4004) };
        app.identifies.retain(|at| now - at < DAY);
        if app.identifies.len() >= limits.identifies_a_day as usize {
            self.ledger.gateway.push(format!("more than {} identifies within a day: the token is reset", limits.identifies_a_day));
            self.reset_token(id);
            return Outcome::Close(4004);
        }
        app.identifies.push(now);
        let turn = shard.0 % u64::from(limits.max_concurrency.max(1));
        let pause = i64::try_from(limits.identify_pause.as_millis()).unwrap_or(0);
        let before = app.identified.insert(turn, now);
        if before.is_some_and(|before| now - before < pause) {
            self.ledger.gateway.push(format!("identified {} ms after the one before", now - before.unwrap_or(now)));
            return Outcome::Invalid(false);
        }
        // A shard that identifies again takes the place of the one before.
        self.sessions.retain(|session| session.app != id || session.shard != shard || session.orders.is_some());
        let session = self.ids.secret();
        let mut fresh = Session {
            id: session.clone(),
            app: id,
            shard,
            intents,
            seq: 0,
            sent: VecDeque::new(),
            orders: Some(orders.clone()),
            connection,
            lost: None,
        };
        let unavailable: Vec<Value> = own
            .iter()
            .filter(|guild| (**guild >> 22) % shard.1 == shard.0)
            .map(|guild| json!({ "id": guild.to_string(), "unavailable": true }))
            .collect();
        let flags = self.app_json(id)["flags"].clone();
        let ready = json!({
            "v": 10, "user": self.user_json(bot), "guilds": unavailable, "session_id": session, "session_type": "normal",
            "resume_gateway_url": self.resume_url, "shard": [shard.0, shard.1], "application": { "id": id.to_string(), "flags": flags },
            "private_channels": [], "presences": [], "relationships": [], "user_settings": {}, "geo_ordered_rtc_regions": [], "guild_join_requests": [],
            "_trace": [],
        });
        fresh.dispatch("READY", &ready);
        self.sessions.push(fresh);
        if intents & 1 != 0 {
            for guild in own {
                let Some(guild) = self.guilds.get(&guild) else { continue };
                let (guild_id, body) = (guild.id, self.guild_json(guild, id));
                if let Some(own) = self.sessions.iter_mut().find(|one| one.id == session)
                    && (guild_id >> 22) % shard.1 == shard.0
                {
                    own.dispatch("GUILD_CREATE", &body);
                }
            }
        }
        Outcome::In
    }

    pub(super) fn resume(
        &mut self,
        connection: u64,
        d: &Value,
        orders: &mpsc::UnboundedSender<Order>,
    ) -> (Outcome, Option<(String, usize)>) {
        self.forget_sessions();
        let token = d["token"].as_str().unwrap_or_default().trim_start_matches("Bot ").to_owned();
        let Some(app) = self.apps.iter().find(|app| app.token == token).map(|app| app.id) else { return (Outcome::Close(4004), None) };
        let Some(seq) = d["seq"].as_u64() else { return (Outcome::Close(4007), None) };
        let found = self.sessions.iter_mut().find(|session| Some(session.id.as_str()) == d["session_id"].as_str() && session.app == app);
        let Some(session) = found else {
            self.ledger.refused_resumes += 1;
            return (Outcome::Invalid(false), None);
        };
        if seq > session.seq {
            let id = session.id.clone();
            self.sessions.retain(|session| session.id != id);
            self.ledger.refused_resumes += 1;
            return (Outcome::Close(4007), None);
        }
        session.orders = Some(orders.clone());
        session.connection = connection;
        session.lost = None;
        let missed: Vec<String> = session.sent.iter().filter(|(number, _)| *number > seq).map(|(_, text)| text.clone()).collect();
        let count = missed.len();
        for text in missed {
            let _ = orders.send(Order::Send(text));
        }
        session.dispatch("RESUMED", &json!({ "_trace": [] }));
        let id = session.id.clone();
        self.ledger.resumes += 1;
        (Outcome::In, Some((id, count)))
    }

    /// A new token; the old one is good for nothing, and its sessions end.
    pub(in crate::discord) fn reset_token(&mut self, app: Id) -> String {
        let fresh = self.token(app);
        for session in self.sessions.iter().filter(|session| session.app == app) {
            if let Some(orders) = &session.orders {
                let _ = orders.send(Order::Close(4004));
            }
        }
        self.sessions.retain(|session| session.app != app);
        if let Some(app) = self.app_mut(app) {
            let old = std::mem::replace(&mut app.token, fresh.clone());
            app.old_tokens.push(old);
        }
        fresh
    }
}

impl World {
    pub(super) fn note(&self, event: GatewayEvent) {
        self.events.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intents_are_those_of_the_vendors_list() {
        let known = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 24, 25];
        assert_eq!(INTENTS, known.iter().fold(0, |bits, bit| bits | 1 << bit));
    }
}
