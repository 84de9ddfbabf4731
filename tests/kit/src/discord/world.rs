//! The test's hand on the world.

use super::delivery::{Delivery, Forgery, signed};
use super::gateway::socket;
use super::ids::Id;
use super::ledger::{Behaviour, Ledger};
use super::permissions::CHAT_OPS;
use super::person::Person;
use super::server::{self, World};
use super::settings::{ChannelSpec, GuildSpec, PersonSpec, Settings};
use super::state::State;
use crate::http::Answer;
use serde_json::{Value, json};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A Discord in this process, on free ports of loopback, until it is dropped.
pub struct DiscordWorld {
    pub(super) world: World,
    url: String,
    gateway: String,
    _stop: DropGuard,
}

/// A bot beside the one under test, with a token of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotAccount {
    /// The application's id, which is the bot's.
    pub id: String,
    /// Its token.
    pub token: String,
    /// The key that its interactions are signed with, as the portal shows it.
    pub public_key: String,
}

impl std::fmt::Debug for DiscordWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DiscordWorld({})", self.url)
    }
}

async fn listener() -> Result<(TcpListener, std::net::SocketAddr), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    Ok((listener, address))
}

impl DiscordWorld {
    /// Starts one with the guild `acme`, as [`GuildSpec::new`] describes it.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start() -> Result<Self, String> {
        Self::start_with(Settings::default()).await
    }

    /// Starts one of these settings.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start_with(settings: Settings) -> Result<Self, String> {
        let (rest, address) = listener().await?;
        let (front, front_address) = listener().await?;
        let (again, again_address) = listener().await?;
        let (url, gateway) = (format!("http://{address}"), format!("ws://{front_address}"));
        let stop = CancellationToken::new();
        let state = State::new(settings, [url.clone(), gateway.clone(), format!("ws://{again_address}")]);
        let world = World::new(state, stop.clone());
        let serving = world.clone();
        world.spawn(async move {
            let _ = server::serve(rest, serving).await;
        });
        // Sessions are taken up again at another address than where they begin.
        for (listener, resumed) in [(front, false), (again, true)] {
            let accepting = world.clone();
            world.spawn(async move {
                loop {
                    let Ok((stream, _)) = listener.accept().await else { continue };
                    let serving = accepting.clone();
                    accepting.spawn(async move { socket::serve(&serving, stream, resumed).await });
                }
            });
        }
        Ok(Self { world, url, gateway, _stop: stop.drop_guard() })
    }

    /// Its origin, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// REST: the bot's `api_url`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api/v10", self.url)
    }

    /// The gateway, as `GET /gateway/bot` answers it.
    #[must_use]
    pub fn gateway_url(&self) -> &str {
        &self.gateway
    }

    /// The bot's token.
    #[must_use]
    pub fn bot_token(&self) -> String {
        self.world.state().apps[0].token.clone()
    }

    /// The application's id.
    #[must_use]
    pub fn application_id(&self) -> String {
        self.world.state().apps[0].id.to_string()
    }

    /// The key that interactions are signed with, as the portal shows it.
    #[must_use]
    pub fn public_key(&self) -> String {
        super::delivery::public_key(&self.world.state().apps[0].seed)
    }

    /// The first guild's id.
    #[must_use]
    pub fn guild_id(&self) -> String {
        self.guild().to_string()
    }

    pub(super) fn guild(&self) -> Id {
        self.world.state().guilds.keys().next().copied().unwrap_or(0)
    }

    /// The bot's own account.
    #[must_use]
    pub fn bot_user(&self) -> String {
        self.world.state().apps[0].bot.to_string()
    }

    /// Another bot, in the first guild, which may do what a bot for operations needs and reads what messages say.
    #[must_use]
    pub fn second_bot(&self, name: &str) -> BotAccount {
        let guild = self.guild();
        self.world.change(|state| {
            let id = state.add_app(name, name, 0x8102);
            state.install(guild, id, CHAT_OPS, 1);
            let app = &state.apps[state.apps.len() - 1];
            BotAccount { id: id.to_string(), token: app.token.clone(), public_key: super::delivery::public_key(&app.seed) }
        })
    }

    /// A person of the first guild by short name.
    ///
    /// # Panics
    /// When there is nobody of that name.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that calls for somebody who isn't there is wrong")]
    pub fn person(&self, name: &str) -> Person {
        let guild = self.guild();
        let number = self.world.state().user_named(name).map(|user| user.id).expect("there is a person of this name");
        Person { world: self.world.clone(), id: number.to_string(), number, guild, name: name.to_owned() }
    }

    /// A channel's id by its name, in the first guild.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn channel(&self, name: &str) -> String {
        self.channel_number(name).to_string()
    }

    #[expect(clippy::expect_used, reason = "a test that names a channel that isn't there is wrong")]
    pub(super) fn channel_number(&self, name: &str) -> Id {
        let guild = self.guild();
        let state = self.world.state();
        state.channel_named(guild, name.trim_start_matches('#')).map(|channel| channel.id).expect("there is a channel of this name")
    }

    /// The id of a role of the first guild by its name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<String> {
        let state = self.world.state();
        let guild = state.guilds.values().next()?;
        guild.roles.iter().find(|role| role.name == name).map(|role| role.id.to_string())
    }

    /// A new guild; its id. The bot is in it where that is said.
    #[must_use]
    pub fn add_guild(&self, spec: &GuildSpec) -> String {
        self.world.change(|state| {
            let id = state.add_guild(spec);
            for app in state.members_of(id) {
                state.tell_guild(app, id, "GUILD_CREATE");
            }
            id.to_string()
        })
    }

    /// A new person in the first guild.
    #[must_use]
    pub fn add_person(&self, spec: PersonSpec) -> Person {
        let (guild, name) = (self.guild(), spec.name.clone());
        self.world.change(|state| {
            let id = state.fresh();
            let joined = state.millis();
            state.users.insert(id, super::records::User { id, spec, bot: false });
            if let Some(guild) = state.guilds.get_mut(&guild) {
                guild.members.insert(id, super::records::Member { joined, ..Default::default() });
            }
        });
        self.person(&name)
    }

    /// A new channel in the first guild; its id.
    #[must_use]
    pub fn add_channel(&self, spec: &ChannelSpec) -> String {
        let guild = self.guild();
        self.world.change(|state| {
            let id = state.add_channel(guild, spec);
            let app = state.apps[0].id;
            state.let_bot_in(guild, spec, app);
            state.tell_channel("CHANNEL_CREATE", id);
            id.to_string()
        })
    }

    /// From now on interactions are delivered to this address, and no longer by the gateway.
    pub fn deliver_over_http(&self, url: &str) {
        self.world.state().apps[0].endpoint = Some(url.to_owned());
    }

    /// From now on interactions are delivered by the gateway.
    pub fn deliver_over_gateway(&self) {
        self.world.state().apps[0].endpoint = None;
    }

    /// Enters an address for interactions as in the portal: it is tried with a good ping and with a bad one, and kept if it
    /// tells them apart.
    ///
    /// # Errors
    /// It doesn't.
    pub async fn enter_endpoint(&self, url: &str) -> Result<(), String> {
        let app = self.application_id();
        let ping = json!({ "id": "1", "application_id": app, "type": 1, "token": "ping", "version": 1, "user": null });
        let good = self.send(url, &ping, Forgery::None).await?;
        let kind = good.header("content-type").unwrap_or_default().to_owned();
        let pong = serde_json::from_slice::<Value>(&good.body).is_ok_and(|value| value["type"] == 1);
        if good.status != 200 || !pong || !kind.starts_with("application/json") || good.elapsed > Duration::from_secs(3) {
            return Err(format!("a ping was answered with {} {kind} {:?}", good.status, good.text()));
        }
        for forgery in [Forgery::OtherKey, Forgery::Changed] {
            let bad = self.send(url, &ping, forgery).await?;
            if bad.status != 401 {
                return Err(format!("a forged ping was answered with {}", bad.status));
            }
        }
        self.deliver_over_http(url);
        Ok(())
    }

    /// Every interaction that was brought so far.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.world.deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends this payload to an address as one request, wrong in the way that is asked for, and returns the answer.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn send(&self, url: &str, payload: &Value, forgery: Forgery) -> Result<Answer, String> {
        self.send_raw(url, payload.to_string().as_bytes(), forgery).await
    }

    /// The same with any body.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn send_raw(&self, url: &str, body: &[u8], forgery: Forgery) -> Result<Answer, String> {
        let app = self.world.state().apps[0].id;
        signed(&self.world, app, url, body, forgery, Duration::from_secs(10)).await.map_err(|failure| format!("{failure:?}"))
    }

    /// From now on calls are treated so, and no other way.
    pub fn behave(&self, behaviour: Behaviour) {
        let mut state = self.world.state();
        state.behaviours = vec![(behaviour, 0)];
        state.treated = 0;
    }

    /// The same beside what was asked for before: the first that fits a call counts.
    pub fn also_behave(&self, behaviour: Behaviour) {
        self.world.state().behaviours.push((behaviour, 0));
    }

    /// From now on calls are treated well.
    pub fn behave_well(&self) {
        self.world.state().behaviours.clear();
    }

    /// What reached the world so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.world.state().ledger.clone()
    }

    /// How many new messages the buckets of all channels together allowed between two moments, in microseconds of the world's time.
    #[must_use]
    pub fn allowed(&self, from: i64, to: i64) -> f64 {
        self.world.state().meter.allowed(from, to)
    }

    /// Changes the settings while the world runs.
    pub fn tune(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.world.state().settings);
    }
}
