//! The bot in a strict Slack, asserted by what people there see.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test harness fails the test")]

mod backup;
mod bad_input;
mod commands;
mod connecting;
mod exchange;
mod files;
mod forms;
mod messages;

use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::slack::{Person, Seen, Settings, SlackWorld};
use bellhop_kit::wait::within;

/// A workspace with the bot in it.
pub struct Office {
    pub world: SlackWorld,
    pub bot: Bot,
}

/// The settings of most tests: no limits on calls, since they are about something else.
pub fn calm() -> Settings {
    Settings::default().unlimited()
}

impl Office {
    /// A bot that is reached over HTTP. `config` is added to its configuration.
    pub async fn over_http(settings: Settings, config: &str) -> Self {
        Self::knowing(settings, |_| config.to_owned()).await
    }

    /// The same with a configuration that names people or channels of the world.
    pub async fn knowing(settings: Settings, config: impl FnOnce(&SlackWorld) -> String) -> Self {
        let world = SlackWorld::start_with(settings).await.unwrap();
        let config = config(&world);
        let section = format!(
            "[chat.work]\nkind = \"slack\"\ntransport = \"http\"\nbot_token = \"{}\"\nsigning_secret = \"{}\"\napi_url = \"{}\"\n{config}",
            world.bot_token(),
            world.signing_secret(),
            world.api_url()
        );
        let bot = Bot::start(&section).await;
        world.deliver_over_http(&format!("{}/chat/work", bot.url));
        Self { world, bot }
    }

    /// A bot that listens over sockets.
    pub async fn over_sockets(settings: Settings, config: &str) -> Self {
        let world = SlackWorld::start_with(settings).await.unwrap();
        world.deliver_over_sockets();
        let section = format!(
            "[chat.work]\nkind = \"slack\"\nbot_token = \"{}\"\napp_token = \"{}\"\napi_url = \"{}\"\n{config}",
            world.bot_token(),
            world.app_token(),
            world.api_url()
        );
        let bot = Bot::start(&section).await;
        Self { world, bot }
    }

    pub fn person(&self, name: &str) -> Person {
        self.world.person(name)
    }
}

/// Waits until a person sees a message of the bot with this text there.
pub async fn hears(person: &Person, place: &str, text: &str) -> Seen {
    let what = format!("{} hears {text:?} in {place}", person.name);
    let heard = within(PATIENCE, &what, || async { person.hears(place).into_iter().find(|seen| seen.text.contains(text)) }).await;
    heard.unwrap_or_else(|why| {
        let instead: Vec<_> = person.hears(place).into_iter().map(|seen| (seen.text, seen.buttons)).collect();
        panic!("{why}; instead: {instead:?}")
    })
}
