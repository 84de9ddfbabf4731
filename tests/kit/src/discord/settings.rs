//! What a world is from its start: its guilds, the app as it is configured in the portal, and Discord's own numbers.

use super::permissions::{CHAT_OPS, EVERYONE};
use crate::machine::MachineClock;
use bellhop_core::Clock;
use std::sync::Arc;
use std::time::Duration;

/// What a world is from its start.
#[derive(Clone)]
pub struct Settings {
    /// Its guilds; the first is the one that is meant where none is named.
    pub guilds: Vec<GuildSpec>,
    /// What the bot's own role may do, as bits.
    pub permissions: u64,
    /// The privileged intents that are switched on in the portal, as bits (members 1, presences 8, message content 15).
    pub privileged: u64,
    /// Discord's limits on calls.
    pub limits: Limits,
    /// The gateway.
    pub gateway: GatewaySettings,
    /// How long the app may take for the first response to an interaction.
    pub respond_within: Duration,
    /// How long an interaction's token lives.
    pub token_life: Duration,
    /// For how long a nonce is remembered.
    pub nonce_window: Duration,
    /// Whether messages that are read again still tell their nonce.
    pub nonce_kept: bool,
    /// How long a link to the CDN works.
    pub link_life: Duration,
    /// The largest file, in bytes.
    pub largest_file: u64,
    /// The largest request, in bytes.
    pub largest_request: u64,
    /// How many messages are in a page of history at most, whatever is asked for.
    pub page: usize,
    /// How many application commands may be made in a day, by guild.
    pub creates_a_day: usize,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// How the gateway behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewaySettings {
    /// The pause between heartbeats that `hello` asks for.
    pub heartbeat: Duration,
    /// For how long a session without a connection can be resumed.
    pub resume_within: Duration,
    /// Identifies in a day.
    pub identifies_a_day: u32,
    /// Identifies within five seconds, by the rest of the shard's number.
    pub max_concurrency: u32,
    /// The pause that goes with it.
    pub identify_pause: Duration,
    /// How many shards are recommended.
    pub shards: u64,
    /// The most guilds in a shard.
    pub guilds_per_shard: usize,
    /// Frames that an app may send within a minute.
    pub sends_a_minute: usize,
    /// Whether missed beats end the connection.
    pub strict_beats: bool,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(41_250),
            resume_within: Duration::from_mins(5),
            identifies_a_day: 1000,
            max_concurrency: 1,
            identify_pause: Duration::from_secs(5),
            shards: 1,
            guilds_per_shard: 2500,
            sends_a_minute: 120,
            strict_beats: true,
        }
    }
}

/// Discord's limits on calls, <https://docs.discord.com/developers/topics/rate-limits>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether routes have buckets.
    pub buckets: bool,
    /// Calls a second of one bot, interactions apart; 0 for no limit.
    pub global: u32,
    /// How many answers of 401, 403 and 429 an address may get in ten minutes before it is shut out.
    pub invalid: usize,
    /// Name and topic of a channel may be changed so often in ten minutes; 0 for no limit. The headers don't show it.
    pub renames: u32,
    /// The bucket of new messages, which may move while the world runs.
    pub messages: Moving,
    /// A call that was on its way so shortly before the answer that told it to wait isn't counted as early.
    pub on_the_way: Duration,
}

/// A bucket whose numbers move: each step lasts a while, and then comes the next, with another hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moving {
    /// Calls, and the span in which they may be made.
    pub steps: Vec<(u32, Duration)>,
    /// How long a step lasts.
    pub every: Duration,
}

impl Default for Moving {
    fn default() -> Self {
        Self { steps: vec![(5, Duration::from_secs(5))], every: Duration::MAX }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { buckets: true, global: 50, invalid: 10_000, renames: 2, messages: Moving::default(), on_the_way: Duration::from_millis(100) }
    }
}

/// A guild.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuildSpec {
    /// Its name.
    pub name: String,
    /// Its people.
    pub people: Vec<PersonSpec>,
    /// Its roles, the lowest first; they stand above `@everyone`. The bot's own is above those that stand before `bellhop_above`.
    pub roles: Vec<RoleSpec>,
    /// How many of the roles are below the bot's own.
    pub below_bot: usize,
    /// Its channels.
    pub channels: Vec<ChannelSpec>,
    /// What `@everyone` may do, as bits.
    pub everyone: u64,
    /// Whether the bot is in it from the start.
    pub installed: bool,
    /// A community guild, with channels that can't be deleted.
    pub community: bool,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleSpec {
    /// Its name.
    pub name: String,
    /// What it may do, as bits.
    pub permissions: u64,
    /// Anyone may mention it.
    pub mentionable: bool,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonSpec {
    /// The name of the account, by which tests call for them.
    pub name: String,
    /// The name that is shown.
    pub display_name: String,
    /// Their zone, `Europe/Berlin`.
    pub zone: String,
    /// The names of their roles.
    pub roles: Vec<String>,
    /// The owner of the guild.
    pub owner: bool,
    /// Takes no direct messages from bots.
    pub closed: bool,
}

/// What kind of channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    #[default]
    Text,
    /// A direct conversation.
    Direct,
    /// Voice, with a chat of its own.
    Voice,
    /// A category.
    Category,
    /// Announcements.
    Announcement,
    /// A thread that all see.
    PublicThread,
    /// A thread that only those see who are in it.
    PrivateThread,
    /// A forum.
    Forum,
}

impl Kind {
    /// Discord's number, <https://docs.discord.com/developers/resources/channel#channel-object-channel-types>.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Text => 0,
            Self::Direct => 1,
            Self::Voice => 2,
            Self::Category => 4,
            Self::Announcement => 5,
            Self::PublicThread => 11,
            Self::PrivateThread => 12,
            Self::Forum => 15,
        }
    }

    pub(super) fn of(number: u64) -> Option<Self> {
        let all = [Self::Text, Self::Voice, Self::Category, Self::Announcement, Self::PublicThread, Self::PrivateThread, Self::Forum];
        all.into_iter().find(|kind| kind.number() == number)
    }

    pub(super) const fn is_thread(self) -> bool {
        matches!(self, Self::PublicThread | Self::PrivateThread)
    }
}

/// A channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Its name.
    pub name: String,
    /// What kind.
    pub kind: Kind,
    /// Its topic.
    pub topic: String,
    /// Seen only by these people's short names and, where that is wanted, the bot.
    pub only: Option<Vec<String>>,
    /// Whether the bot sees it.
    pub bot: bool,
    /// What the bot may not do there, as bits, beside what its roles say.
    pub bot_denied: u64,
    /// The name of its category.
    pub parent: Option<String>,
}

impl PersonSpec {
    /// A person of this short name, in this zone.
    #[must_use]
    pub fn new(name: &str, display_name: &str, zone: &str) -> Self {
        Self { name: name.into(), display_name: display_name.into(), zone: zone.into(), ..Self::default() }
    }
}

impl RoleSpec {
    /// A role of this name that may do this beside what everyone may.
    #[must_use]
    pub fn new(name: &str, permissions: u64) -> Self {
        Self { name: name.into(), permissions, mentionable: false }
    }
}

impl ChannelSpec {
    /// A text channel that everyone sees, the bot too.
    #[must_use]
    pub fn public(name: &str) -> Self {
        Self { name: name.into(), bot: true, ..Self::default() }
    }

    /// One that only these people and the bot see.
    #[must_use]
    pub fn private(name: &str, people: &[&str]) -> Self {
        Self { only: Some(people.iter().map(|name| (*name).to_owned()).collect()), ..Self::public(name) }
    }

    /// The same without the bot.
    #[must_use]
    pub fn without_bot(self) -> Self {
        Self { bot: false, ..self }
    }

    /// The same, of another kind.
    #[must_use]
    pub fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same, where the bot may not do this.
    #[must_use]
    pub fn denying_bot(self, bits: u64) -> Self {
        Self { bot_denied: bits, ..self }
    }
}

impl GuildSpec {
    /// A guild with the people `ann` (the owner), `bob` and `cem` (in the role `crew`), `gus` (who takes no direct messages); with
    /// the roles `crew`, `deploy` (mentionable) and, above the bot's own, `chief`; with the channels `general`, `ops`, `news`
    /// (announcements), `ideas` (a forum), `vault` (ann, bob and the bot), `hidden` (ann only), `quiet` (where the bot may not
    /// write) and the category `Rooms`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let ann = PersonSpec { owner: true, ..PersonSpec::new("ann", "Ann Archer", "Europe/Berlin") };
        let cem = PersonSpec { roles: vec!["crew".into()], ..PersonSpec::new("cem", "Cem Cook", "UTC") };
        let gus = PersonSpec { closed: true, ..PersonSpec::new("gus", "Gus Guest", "Asia/Kolkata") };
        let bob = PersonSpec { roles: vec!["crew".into()], ..PersonSpec::new("bob", "Bob Baker", "America/New_York") };
        let deploy = RoleSpec { mentionable: true, ..RoleSpec::new("deploy", 0) };
        let channels = vec![
            ChannelSpec::public("Rooms").of_kind(Kind::Category),
            ChannelSpec::public("general"),
            ChannelSpec::public("ops"),
            ChannelSpec::public("news").of_kind(Kind::Announcement),
            ChannelSpec::public("ideas").of_kind(Kind::Forum),
            ChannelSpec::private("vault", &["ann", "bob"]),
            ChannelSpec::private("hidden", &["ann"]).without_bot(),
            ChannelSpec::public("quiet").denying_bot(1 << 11),
        ];
        Self {
            name: name.into(),
            people: vec![ann, bob, cem, gus],
            roles: vec![RoleSpec::new("crew", 0), deploy, RoleSpec::new("chief", 0)],
            below_bot: 2,
            channels,
            everyone: EVERYONE,
            installed: true,
            community: false,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            guilds: vec![GuildSpec::new("acme")],
            permissions: CHAT_OPS,
            privileged: 1 << 15,
            limits: Limits::default(),
            gateway: GatewaySettings::default(),
            respond_within: Duration::from_secs(3),
            token_life: Duration::from_mins(15),
            nonce_window: Duration::from_mins(3),
            nonce_kept: true,
            link_life: Duration::from_hours(24),
            largest_file: 10 << 20,
            largest_request: 25 << 20,
            page: 100,
            creates_a_day: 200,
            clock: Arc::new(MachineClock),
        }
    }
}

impl Settings {
    /// The same without limits on calls, for tests about something else.
    #[must_use]
    pub fn unlimited(mut self) -> Self {
        self.limits = Limits { buckets: false, global: 0, renames: 0, ..Limits::default() };
        self.gateway.identify_pause = Duration::ZERO;
        self
    }
}
