//! The bot in a strict Microsoft Teams, asserted by what people there see.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test harness fails the test")]

mod bad_input;
mod channels;
mod commands;
mod connecting;
mod exchange;
mod files;
mod forged;
mod forms;
mod meetings;
mod messages;
mod playground;

use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::teams::{Person, Seen, Settings, TeamsWorld};
use bellhop_kit::wait::within;

/// A tenant with the bot in it.
pub struct Office {
    pub world: TeamsWorld,
    pub bot: Bot,
}

/// The settings of most tests: no limits on calls, since they are about something else.
pub fn calm() -> Settings {
    Settings::default().unlimited()
}

/// The section of the configuration for this world, as it stands in most tests.
pub fn section(world: &TeamsWorld) -> String {
    format!("[chat.work]\n{}", world.config())
}

impl Office {
    /// A bot that is installed in the team and in the group chat. `config` is added to its section.
    pub async fn open(settings: Settings, config: &str) -> Self {
        Self::knowing(settings, |_| config.to_owned()).await
    }

    /// The same with a configuration that names people or channels of the world.
    pub async fn knowing(settings: Settings, config: impl FnOnce(&TeamsWorld) -> String) -> Self {
        let world = TeamsWorld::start_with(settings).await.unwrap();
        let config = section(&world) + &config(&world);
        Self::with(world, &config).await
    }

    /// A bot with this whole configuration.
    pub async fn with(world: TeamsWorld, config: &str) -> Self {
        let bot = Bot::start(config).await;
        world.deliver_to(&format!("{}/chat/work", bot.url));
        world.install("Acme").await.unwrap();
        world.install("war room").await.unwrap();
        let mut office = Self { world, bot };
        if config.contains("[[route]]") {
            // Routes are looked at when the bot starts; one to a place that came later waits for a while.
            office.bot.program().terminate(PATIENCE).await.unwrap();
            office.again().await;
            hears(&office.person("ann"), "#ops", "RESOLVED: [[route]]").await;
        }
        office
    }

    pub fn person(&self, name: &str) -> Person {
        self.world.person(name)
    }

    /// A program reports an alert of this name.
    pub async fn alert(&self, name: &str) {
        let key = self.bot.key().await;
        assert_eq!(self.bot.post("/alerts/generic", &key, format!("{{\"name\":\"{name}\"}}")).await.0, 200);
    }

    /// Starts the bot again where it was ended, at its new address.
    pub async fn again(&mut self) {
        self.bot.go().await;
        self.world.deliver_to(&format!("{}/chat/work", self.bot.url));
    }

    /// The world was treated as the vendor asks for.
    pub fn proper(&self) {
        assert_eq!(self.world.ledger().wrongs(), Vec::<String>::new());
    }
}

/// Ann is an admin, bob an operator, and the others are what everyone is.
pub fn ranks(world: &TeamsWorld) -> String {
    let role = |role: &str, name: &str| format!("[[role]]\nname = \"{role}\"\nusers = [\"work:{}\"]\n", world.person(name).object);
    role("admin", "ann") + &role("operator", "bob")
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

/// What the person sees of the bot there with this text.
pub fn all(person: &Person, place: &str, text: &str) -> Vec<Seen> {
    person.hears(place).into_iter().filter(|seen| seen.text.contains(text)).collect()
}
