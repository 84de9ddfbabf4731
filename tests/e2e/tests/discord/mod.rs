//! The bot in a strict Discord, asserted by what people there see.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test harness fails the test")]

mod bad_input;
mod channels;
mod commands;
mod connecting;
mod exchange;
mod files;
mod forms;
mod limits;
mod messages;
mod sessions;

use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::discord::{DiscordWorld, Person, Seen, Settings};
use bellhop_kit::wait::{until, within};

/// A guild with the bot in it.
pub struct Office {
    pub world: DiscordWorld,
    pub bot: Bot,
}

/// The settings of most tests: no limits on calls, since they are about something else.
pub fn calm() -> Settings {
    Settings::default().unlimited()
}

/// The section of the configuration with which the bot connects to this world.
pub fn section(world: &DiscordWorld, transport: &str) -> String {
    format!(
        "[chat.work]\nkind = \"discord\"\ntransport = \"{transport}\"\nbot_token = \"{}\"\napplication_id = \"{}\"\npublic_key = \
         \"{}\"\napi_url = \"{}\"\n",
        world.bot_token(),
        world.application_id(),
        world.public_key(),
        world.api_url()
    )
}

/// Ann is an admin, bob an operator, and cem what everyone is.
pub fn ranks(world: &DiscordWorld) -> String {
    let role = |role: &str, name: &str| format!("[[role]]\nname = \"{role}\"\nusers = [\"work:{}\"]\n", world.person(name).id);
    role("admin", "ann") + &role("operator", "bob")
}

impl Office {
    /// A bot that is reached over HTTP, with the ranks of [`ranks`]. `config` is added to its configuration.
    pub async fn over_http(settings: Settings, config: &str) -> Self {
        Self::knowing(settings, "http", |world| ranks(world) + config).await
    }

    /// A bot that listens at the gateway, likewise.
    pub async fn over_gateway(settings: Settings, config: &str) -> Self {
        Self::knowing(settings, "gateway", |world| ranks(world) + config).await
    }

    /// The same with a configuration that names people or channels of the world.
    pub async fn knowing(settings: Settings, transport: &str, config: impl FnOnce(&DiscordWorld) -> String) -> Self {
        let world = DiscordWorld::start_with(settings).await.unwrap();
        let section = section(&world, transport) + &config(&world);
        let bot = Bot::start(&section).await;
        let office = Self { world, bot };
        if transport == "http" {
            let url = format!("{}/chat/work", office.bot.url);
            office.world.enter_endpoint(&url).await.unwrap();
        } else {
            office.session().await;
        }
        registered(&office.world).await;
        office
    }

    /// The session that the bot has, once it has one.
    pub async fn session(&self) -> String {
        let connected = || async { self.world.sessions().into_iter().find(|one| one.connected).map(|one| one.id) };
        until(PATIENCE, "a session", connected).await
    }

    pub fn person(&self, name: &str) -> Person {
        self.world.person(name)
    }

    /// What was against Discord's rules so far.
    pub fn violations(&self) -> Vec<String> {
        self.world.ledger().violations()
    }
}

/// Waits until the bot's commands are there, those of menus too.
pub async fn registered(world: &DiscordWorld) {
    let last = ["bellhop", "status", "Save to storage", "Turn into alert", "Explain permissions"];
    let all = || async {
        let commands = world.commands();
        last.iter().all(|name| commands.iter().any(|one| one["name"] == *name)).then_some(())
    };
    until(PATIENCE, "the commands", all).await;
}

/// Waits until a person sees a message of the bot with this text there.
pub async fn hears(person: &Person, place: &str, text: &str) -> Seen {
    let what = format!("{} hears {text:?} in {place}", person.name);
    let heard = within(PATIENCE, &what, || async { person.hears(place).into_iter().find(|seen| seen.text.contains(text)) }).await;
    heard.unwrap_or_else(|why| {
        let instead: Vec<_> = person.sees(place).into_iter().map(|seen| (seen.text, seen.buttons)).collect();
        panic!("{why}; instead: {instead:?}; refused: {:?}", person.refusals())
    })
}

/// How many messages of the bot with this text a person sees there.
pub fn times(person: &Person, place: &str, text: &str) -> usize {
    person.hears(place).iter().filter(|seen| seen.text.contains(text)).count()
}
